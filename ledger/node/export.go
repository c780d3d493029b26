package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/bundle"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// exportTries bounds how often an export begins anew because somebody new signed, or a box opened a journal, between
// looking and writing the entry that ends it.
const exportTries = 3

// Export enters that the case was exported, by whom and why, and returns all that proves it up to that entry.
func (n *Node) Export(ctx context.Context, p Principal, id ledger.ShipmentID, reason string) (bundle.Source, error) {
	if reason == "" || len(reason) > maxLabel {
		return bundle.Source{}, ledger.Errorf(ledger.CodeInvalid, "reason of %d bytes, want 1 to %d", len(reason), maxLabel)
	}
	for range exportTries {
		index, covers, err := n.enterExport(ctx, p, id, reason)
		if err != nil {
			return bundle.Source{}, err
		}
		signed, err := n.replica.Checkpoint(ctx, index+1)
		if err != nil {
			return bundle.Source{}, err
		}
		src, err := n.collect(ctx, id, index, covers, signed)
		if !errors.Is(err, errOvertaken) {
			return src, err
		}
	}
	return bundle.Source{}, ledger.Errorf(ledger.CodeUnavailable, "shipment %s changes faster than it can be exported", id).WithHint("try again")
}

// errOvertaken says that the export's entry does not cover all that the case touches by now.
var errOvertaken = errors.New("the case has grown beyond the export's entry")

// coverage is what an export covers.
type coverage struct {
	subjects []entry.Subject
	journals []tripPart
}

// enterExport appends the entry that touches the case and observes every other subject of it, and returns its index.
func (n *Node) enterExport(ctx context.Context, p Principal, id ledger.ShipmentID, reason string) (int64, coverage, error) {
	var covers coverage
	err := n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) error {
			c, err := n.visible(v, p, id)
			if err == nil {
				covers = cover(v, c, v.Size())
			}
			return err
		})
	})
	if err != nil {
		return 0, covers, err
	}
	access := entry.Access{By: p.Person, Reason: reason}
	// Only the case's own chain grows: what is shared with other cases is observed.
	d := draft{kind: entry.KindExport, subjects: []entry.Subject{entry.Case(id)}, payload: access.Marshal()}
	d.observed = slices.DeleteFunc(slices.Clone(covers.subjects), func(s entry.Subject) bool { return s == entry.Case(id) })
	c := &command.Command{}
	if err := n.sealForCase(&d, c, id); err != nil {
		return 0, covers, err
	}
	if c.Entry, err = n.entryOf(d); err != nil {
		return 0, covers, err
	}
	r, err := n.propose(ctx, c)
	return r.Index, covers, err
}

// cover returns what the case touches by the entries up to, not including, end: everybody who signed an act of it, every
// box it was packed in, and the journals of its trips.
func cover(v *store.View, c *shipmentCase, end int64) coverage {
	out := coverage{subjects: []entry.Subject{entry.Policy, entry.Case(c.id)}}
	acts := slices.DeleteFunc(slices.Clone(c.acts), func(e custody.Entered) bool { return e.Index >= end })
	state := custody.Fold(acts)
	packed := map[ledger.BoxID]bool{}
	for _, item := range state.History {
		for _, sig := range item.Act.Signatures {
			out.subjects = append(out.subjects, entry.Person(sig.Person))
		}
		st := &item.Act.Statement
		if st.Kind != custody.Pack || packed[st.Box] {
			continue
		}
		packed[st.Box] = true
		received := state.ReceivedAt
		if state.Packing == nil || state.Packing.Box != st.Box {
			received = nil
		}
		if box, ok := v.Box(st.Box); ok && box.Index < end {
			out.subjects = append(out.subjects, entry.Box(st.Box))
		}
		for _, part := range tripParts(v, st, received) {
			if j, ok := v.Journal(part.inc); ok && j.Opened < end {
				out.journals = append(out.journals, part)
				out.subjects = append(out.subjects, entry.Journal(part.inc))
			}
		}
	}
	slices.SortFunc(out.subjects, entry.CompareSubjects)
	out.subjects = slices.Compact(out.subjects)
	return out
}

// collect gathers the chains and journals up to the export's entry.
func (n *Node) collect(ctx context.Context, id ledger.ShipmentID, index int64, covers coverage, signed []byte) (bundle.Source, error) {
	src := bundle.Source{Checkpoint: signed}
	cp, ok := merkle.PeekCheckpoint(signed)
	if !ok || cp.Size <= index {
		return src, fmt.Errorf("checkpoint of the replica does not cover entry %d", index)
	}
	if err := n.waitFor(ctx, cp.Size); err != nil {
		return src, err
	}
	err := n.replica.View(func(v *store.View) error {
		c, err := n.shipment(v, id)
		if err != nil {
			return err
		}
		if now := cover(v, c, index); !slices.Equal(now.subjects, covers.subjects) || !slices.Equal(now.journals, covers.journals) {
			return errOvertaken
		}
		for _, i := range chains(v, index, covers) {
			e, err := n.exportEntry(v, i, cp.Size)
			if err != nil {
				return err
			}
			src.Entries = append(src.Entries, e)
		}
		for _, j := range covers.journals {
			if err := ctx.Err(); err != nil {
				return err
			}
			out, err := exportJournal(v, j, index)
			if err != nil {
				return err
			}
			src.Journals = append(src.Journals, out)
		}
		return nil
	})
	return src, err
}

// chains returns the indexes of all entries in the chains that the export ends, sorted.
func chains(v *store.View, last int64, covers coverage) []int64 {
	var out []int64
	for _, s := range covers.subjects {
		for _, index := range v.Chain(s) {
			if index <= last {
				out = append(out, index)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// exportEntry returns an entry with its inclusion path.
func (n *Node) exportEntry(v *store.View, index, size int64) (bundle.Entry, error) {
	e := bundle.Entry{Index: index}
	var err error
	if e.Leaf, err = v.Leaf(index); err != nil {
		return e, err
	}
	if e.Path, err = tlog.ProveRecord(size, index, v.HashReader()); err != nil {
		return e, fmt.Errorf("prove entry %d: %w", index, err)
	}
	e.Salted, err = n.salted(v, index)
	if errors.Is(err, errErased) {
		return e, nil // the verifier says that it is missing
	}
	return e, err
}

// exportJournal returns the records of a trip's journal: to the end of the batch in which the box was received, else up to
// where the ledger held the journal at the export's entry. What the box recorded later is not of this trip.
func exportJournal(v *store.View, p tripPart, last int64) (bundle.Journal, error) {
	out := bundle.Journal{Origin: record.Origin(p.box, p.inc), From: p.from}
	var tree merkle.Frontier
	var path firstPath
	for b := range v.Batches(p.inc, 0) {
		if b.Index > last {
			break
		}
		decoded, err := batch.Decode(bytes.Clone(b.Wire))
		if err != nil {
			return out, fmt.Errorf("stored batch of entry %d: %w", b.Index, err)
		}
		for _, raw := range decoded.Records {
			if tree.Size() == p.from {
				out.Frontier = tree.Hashes()
			}
			if tree.Size() == 0 && p.from > 0 {
				out.Boot = raw
			}
			if tree.Size() >= p.from {
				out.Records = append(out.Records, raw)
			}
			h := tlog.RecordHash(raw)
			tree.Append(h)
			path.add(h)
		}
		if p.end > 0 && tree.Size() >= p.end {
			break
		}
	}
	switch {
	case tree.Size() == p.from:
		out.Frontier = tree.Hashes()
	case tree.Size() < p.from: // the part before packing has not come: begin where the ledger ends
		out.From, out.Frontier = tree.Size(), tree.Hashes()
	}
	if out.From > 0 {
		out.BootPath = path.path()
	} else {
		out.Boot = nil
	}
	return out, nil
}

// firstPath makes the audit path of leaf 0 while leaves come one by one: the roots of leaves 1, 2-3, 4-7 and so on
// (RFC 6962, 2.1.1), without keeping the tree.
type firstPath struct {
	size int64
	done []tlog.Hash
	run  merkle.Frontier
}

func (p *firstPath) add(h tlog.Hash) {
	if p.size++; p.size == 1 {
		return
	}
	p.run.Append(h)
	if p.size&(p.size-1) == 0 {
		p.done = append(p.done, p.run.Root())
		p.run = merkle.Frontier{}
	}
}

func (p *firstPath) path() []tlog.Hash {
	if p.run.Size() == 0 {
		return p.done
	}
	return append(slices.Clone(p.done), p.run.Root())
}
