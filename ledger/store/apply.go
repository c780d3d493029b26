package store

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
)

// Log is one committed entry of the raft log. With neither command nor configuration it is one whose bytes no version
// could have written: it counts as applied and answers Malformed.
type Log struct {
	Index         uint64
	Term          uint64
	Command       *command.Command
	Configuration []byte // the cluster's configuration from here on, as raft encodes it
}

// ApplyBatch applies a run of the raft log in one transaction and answers each of its commands; the results of
// configurations and of entries at or below the applied index are zero. When it returns without an error, everything is
// on disk. An error is fatal: nothing of the run is applied, and the store takes nothing more.
func (s *Store) ApplyBatch(logs []Log) ([]command.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return nil, fmt.Errorf("%w: %w", ErrFailed, s.failed)
	}
	results := make([]command.Result, len(logs))
	ready := s.prepareAll(logs)
	err := s.update(func(tx *bolt.Tx) error { return applyAll(tx, logs, ready, results) })
	if err != nil {
		s.failed = fmt.Errorf("apply raft entries: %w", err)
		return nil, fmt.Errorf("%w: %w", ErrFailed, s.failed)
	}
	return results, nil
}

// update runs a transaction. bbolt may panic on a damaged file; that is a failure like any other.
func (s *Store) update(fn func(*bolt.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: bbolt: %v", ErrCorrupt, p)
		}
	}()
	return s.db.Load().Update(fn)
}

func applyAll(tx *bolt.Tx, logs []Log, ready []*prepared, results []command.Result) error {
	a, err := newApplier(tx)
	if err != nil {
		return err
	}
	applied, term := a.view.Applied()
	for i, l := range logs {
		if l.Index <= applied {
			continue
		}
		applied, term = l.Index, l.Term
		switch {
		case l.Configuration != nil:
			err = a.b[bucketMeta].Put(keyConfiguration, append(u64(l.Index), l.Configuration...))
		case l.Command == nil:
			results[i] = command.Result{Status: command.Malformed}
		default:
			results[i], err = a.apply(l.Command, ready[i])
		}
		if err != nil {
			return fmt.Errorf("raft entry %d: %w", l.Index, err)
		}
	}
	return a.finish(applied, term)
}

// applier applies commands inside one transaction. Nothing else writes to the buckets.
type applier struct {
	b    buckets
	view *View // of the transaction, with what was put so far
	size int64
}

func newApplier(tx *bolt.Tx) (*applier, error) {
	b, ok := openBuckets(tx)
	if !ok {
		return nil, fmt.Errorf("%w: a part is missing", ErrCorrupt)
	}
	for _, i := range []int{bucketLeaves, bucketStored, bucketHashes} {
		b[i].FillPercent = 1 // keys only ascend: half-full pages would stay half full
	}
	a := &applier{b: b, view: &View{tx: tx, b: b}}
	a.size = a.view.Size()
	return a, a.view.err
}

func (a *applier) finish(applied, term uint64) error {
	if a.view.err != nil {
		return a.view.err
	}
	if err := a.b[bucketMeta].Put(keySize, u64(uint64(a.size))); err != nil {
		return err
	}
	return a.b[bucketMeta].Put(keyApplied, append(u64(applied), u64(term)...))
}

// apply checks a command against the state, and writes only when all of it is fine. Its errors are those of the disk.
func (a *applier) apply(c *command.Command, p *prepared) (command.Result, error) {
	if index, ok := a.known(c); ok {
		return command.Result{Status: command.Duplicate, Index: index}, nil
	}
	if c.Require != "" && a.b[bucketSecrets].Get([]byte(c.Require)) == nil {
		return command.Result{Status: command.NoSecret}, nil
	}
	malformed := command.Result{Status: command.Malformed}
	if !wellFormed(c) {
		return malformed, nil
	}
	if c.Box != nil && a.b[bucketBoxes].Get(c.Box.ID[:]) != nil {
		return malformed, nil // registered with another key of the same fingerprint: 2^64 work, but not impossible
	}
	var advance *Journal
	answer := command.Result{Status: command.Done}
	if len(c.Batch) > 0 {
		if advance, answer = a.checkBatch(c.Entry, p); answer.Status != command.Done {
			return answer, a.view.err
		}
	}
	var leaf []byte
	if c.Entry != nil {
		var ok bool
		if leaf, ok = a.makeLeaf(c.Entry); !ok {
			return malformed, a.view.err
		}
	}
	if a.view.err != nil {
		return command.Result{}, a.view.err
	}
	if c.Entry != nil {
		answer.Index = a.size
	}
	return answer, a.write(c, leaf, advance)
}

// known tells whether the command's effect is there already: its act, its box, or the genesis.
func (a *applier) known(c *command.Command) (index int64, ok bool) {
	if c.Dedup != nil {
		if index, ok := a.view.EntryOfAct(*c.Dedup); ok {
			return index, true
		}
	}
	if c.Box != nil {
		if box, ok := a.view.Box(c.Box.ID); ok && bytes.Equal(box.Key, c.Box.Key) {
			return box.Index, true
		}
	}
	if c.Entry == nil || c.Entry.Kind != entry.KindGenesis || a.size == 0 {
		return 0, false
	}
	raw, err := a.view.Leaf(0)
	if err != nil {
		return 0, false
	}
	leaf, err := entry.ParseLeaf(raw)
	return 0, err == nil && leaf.Commitment == c.Entry.Commitment
}

// wellFormed checks what can be checked of a command without the state.
func wellFormed(c *command.Command) bool {
	for _, s := range c.Secrets {
		if s.Name == "" {
			return false
		}
	}
	e := c.Entry
	if e == nil {
		return c.Dedup == nil && len(c.Batch) == 0 && c.Box == nil
	}
	// An entry without a subject would be in no chain: nobody could see that an export leaves it out.
	if e.Kind == 0 || len(e.Subjects) == 0 || len(e.Subjects) > entry.MaxLinks || len(e.Observed) > entry.MaxLinks {
		return false
	}
	if len(e.SealedFor) > 255 || e.SealedFor == "" && (len(e.Stored) < entry.SaltSize || entry.Commit(e.Stored) != e.Commitment) {
		return false
	}
	if advances := e.Kind == entry.KindJournalOpened || e.Kind == entry.KindJournalAdvance; advances != (len(c.Batch) > 0) {
		return false
	}
	return c.Box == nil || e.Kind == entry.KindBoxEnrolled && hasSubject(e, entry.Box(c.Box.ID)) && ledger.BoxIDOf(c.Box.Key) == c.Box.ID
}

func hasSubject(e *command.Entry, want entry.Subject) bool {
	for _, s := range e.Subjects {
		if s == want {
			return true
		}
	}
	return false
}

// makeLeaf gives the entry its links. ok is false for an entry that can't be in the log: genesis is entry 0 and nothing
// else is, and a leaf must be readable again.
func (a *applier) makeLeaf(e *command.Entry) (leaf []byte, ok bool) {
	if (e.Kind == entry.KindGenesis) != (a.size == 0) {
		return nil, false
	}
	l := entry.Leaf{Kind: e.Kind, RecordTimeMS: e.RecordTimeMS, Node: e.Node, Commitment: e.Commitment,
		Links: make([]entry.Link, 0, len(e.Subjects))}
	for _, s := range e.Subjects {
		count, prev, _ := a.view.Last(s)
		l.Links = append(l.Links, entry.Link{Subject: s, Count: count + 1, Prev: prev})
	}
	for _, s := range e.Observed {
		count, last, there := a.view.Last(s)
		if !there {
			return nil, false
		}
		l.Observed = append(l.Observed, entry.Link{Subject: s, Count: count, Prev: last})
	}
	leaf = l.Marshal()
	_, err := entry.ParseLeaf(leaf) // it checks the order of subjects too
	return leaf, err == nil
}

// write puts a command that was checked.
func (a *applier) write(c *command.Command, leaf []byte, advance *Journal) error {
	if c.Box != nil {
		if err := a.b[bucketBoxes].Put(c.Box.ID[:], append(u64(uint64(a.size)), c.Box.Key...)); err != nil {
			return err
		}
	}
	if c.Dedup != nil {
		if err := a.b[bucketActs].Put(c.Dedup[:], u64(uint64(a.size))); err != nil {
			return err
		}
	}
	if advance != nil {
		if err := a.writeBatch(c.Batch, advance); err != nil {
			return err
		}
	}
	for _, s := range c.Secrets {
		var err error
		if len(s.Value) == 0 {
			err = a.b[bucketSecrets].Delete([]byte(s.Name))
		} else {
			err = a.b[bucketSecrets].Put([]byte(s.Name), s.Value)
		}
		if err != nil {
			return err
		}
	}
	if c.Entry == nil {
		return nil
	}
	return a.appendEntry(c.Entry, leaf)
}

func (a *applier) appendEntry(e *command.Entry, leaf []byte) error {
	index := u64(uint64(a.size))
	stored := append(append([]byte{byte(len(e.SealedFor))}, e.SealedFor...), e.Stored...)
	err := errors.Join(a.b[bucketLeaves].Put(index, leaf), a.b[bucketStored].Put(index, stored))
	if err != nil {
		return err
	}
	hashes, err := tlog.StoredHashes(a.size, leaf, a.view.HashReader())
	if err != nil {
		return fmt.Errorf("hash entry %d: %w", a.size, err)
	}
	at := tlog.StoredHashIndex(0, a.size)
	for i, h := range hashes {
		if err := a.b[bucketHashes].Put(u64(uint64(at)+uint64(i)), h[:]); err != nil {
			return err
		}
	}
	for _, s := range e.Subjects {
		key := subjectKey(s)
		count, _, _ := a.view.Last(s)
		err := errors.Join(a.b[bucketLast].Put(key, append(u64(count+1), index...)),
			a.b[bucketChains].Put(append(subjectKey(s), u64(count+1)...), index))
		if err != nil {
			return err
		}
	}
	a.size++
	return a.b[bucketMeta].Put(keySize, u64(uint64(a.size)))
}
