package store

import (
	"bytes"
	"errors"
	"slices"

	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
)

// checkBatch checks a batch and its entry against the journal as the ledger holds it. With Done it returns the journal
// as it will be; anything else is the answer to the command.
func (a *applier) checkBatch(e *command.Entry, p *prepared) (*Journal, command.Result) {
	answer := command.Result{Status: command.Malformed}
	if p == nil || p.err != nil {
		return nil, answer
	}
	box, ok := a.view.Box(p.box)
	if !ok {
		answer.Status = command.UnknownBox
		return nil, answer
	}
	j, ok := a.view.Journal(p.inc)
	if !ok {
		j = &Journal{Incarnation: p.inc, Box: p.box, Root: merkle.EmptyRoot, Opened: a.size}
	}
	if j.Box != p.box {
		return nil, answer // another box's journal has this name
	}
	answer.Next, answer.Root = j.Size, j.Root
	if p.from != j.Size {
		answer.Status = command.Conflict
		if held, ok := a.held(p); ok {
			answer.Status, answer.Index = command.Duplicate, held
		}
		return nil, answer
	}
	frontier := j.Frontier.Clone()
	for _, leaf := range p.leaves {
		frontier.Append(leaf)
	}
	if p.head != (merkle.Checkpoint{Origin: p.origin, Size: p.to(), Root: frontier.Root()}) {
		answer.Status = command.WrongRoot
		return nil, answer
	}
	if p.from == 0 && !bytes.Equal(p.bootKey, box.Key) || !fitsAdvance(e, p) {
		return nil, answer
	}
	j.Size, j.Root, j.Frontier, j.Head, j.Advanced = p.to(), p.head.Root, frontier, p.signed, a.size
	return j, command.Result{Status: command.Done, Next: j.Size, Root: j.Root}
}

// held returns the index of the entry by which the ledger holds exactly this run of records.
func (a *applier) held(p *prepared) (int64, bool) {
	key := batchKey(p.inc, p.from)
	value := a.b[bucketBatches].Get(key)
	if value == nil {
		return 0, false
	}
	b, ok := parseBatch(key, value)
	if !ok {
		a.view.corrupt("batch of journal %s", p.inc)
		return 0, false
	}
	return b.Index, p.head == merkle.Checkpoint{Origin: p.origin, Size: b.To, Root: b.Root} && p.to() == b.To
}

// fitsAdvance tells whether the entry that the proposer made says what the batch does. Its payload is in the clear: it
// concerns no person, and the box's receipt contains it.
func fitsAdvance(e *command.Entry, p *prepared) bool {
	kind, subjects := entry.KindJournalAdvance, []entry.Subject{entry.Journal(p.inc)}
	if p.from == 0 {
		kind, subjects = entry.KindJournalOpened, []entry.Subject{entry.Box(p.box), entry.Journal(p.inc)}
	}
	if e.Kind != kind || !slices.Equal(e.Subjects, subjects) || e.SealedFor != "" || len(e.Stored) < entry.SaltSize {
		return false
	}
	says, err := entry.ParseAdvance(e.Stored[entry.SaltSize:])
	return err == nil && says.Origin == p.origin && says.From == p.from && says.To == p.to() &&
		says.Root == p.head.Root && bytes.Equal(says.Head, p.signed)
}

// writeBatch puts a batch that was checked, under the entry that is appended next.
func (a *applier) writeBatch(wire []byte, j *Journal) error {
	inc := j.Incarnation
	from := int64(0)
	if old, ok := a.view.Journal(inc); ok {
		from = old.Size
	} else if err := a.b[bucketOfBox].Put(append(bytes.Clone(j.Box[:]), u64(uint64(a.size))...), inc[:]); err != nil {
		return err
	}
	stored := Batch{To: j.Size, Index: a.size, Root: j.Root, Wire: wire}
	return errors.Join(a.b[bucketBatches].Put(batchKey(inc, from), stored.marshal()), a.b[bucketJournals].Put(inc[:], j.marshal()))
}
