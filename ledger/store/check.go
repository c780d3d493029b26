package store

import (
	"bytes"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
)

// Check reads the whole state and computes everything again: bbolt's pages, every leaf's hash, the tree, commitments of
// clear payloads, every subject's chain, every batch's records up to its journal's root and signed head. It is for tests,
// after each of which it runs, and for operators who suspect a disk. The error names the first fault.
func (s *Store) Check() error {
	return s.View(func(v *View) error {
		for err := range v.tx.Check() {
			return fmt.Errorf("%w: bbolt: %w", ErrCorrupt, err)
		}
		chains, err := v.checkEntries()
		if err != nil {
			return err
		}
		if err := v.checkChains(chains); err != nil {
			return err
		}
		if err := v.checkJournals(); err != nil {
			return err
		}
		return v.checkNames()
	})
}

// checkEntries hashes every leaf and returns the chains that the leaves say there are.
func (v *View) checkEntries() (map[entry.Subject][]int64, error) {
	chains := map[entry.Subject][]int64{}
	hashes := map[int64]tlog.Hash{} // as computed here: nothing is taken from the file
	computed := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			out[i] = hashes[index]
		}
		return out, nil
	})
	size := v.Size()
	for i := range size {
		raw, leaf, err := v.checkEntry(i)
		if err != nil {
			return nil, err
		}
		more, err := tlog.StoredHashes(i, raw, computed)
		if err != nil {
			return nil, err
		}
		for n, h := range more {
			at := tlog.StoredHashIndex(0, i) + int64(n)
			hashes[at] = h
			if got := v.b[bucketHashes].Get(u64(uint64(at))); !bytes.Equal(got, h[:]) {
				return nil, v.corrupt("stored hash %d of entry %d is not that of the leaf", at, i)
			}
		}
		for _, k := range leaf.Links {
			chain := chains[k.Subject]
			prev := int64(entry.NoPrev)
			if len(chain) > 0 {
				prev = chain[len(chain)-1]
			}
			if k.Count != uint64(len(chain))+1 || k.Prev != prev {
				return nil, v.corrupt("entry %d is number %d after %d for %s, want %d after %d", i, k.Count, k.Prev, k.Subject, len(chain)+1, prev)
			}
			chains[k.Subject] = append(chain, i)
		}
	}
	for bucket, want := range map[int]int64{bucketLeaves: size, bucketStored: size, bucketHashes: tlog.StoredHashCount(size)} {
		if got := int64(v.b[bucket].Stats().KeyN); got != want {
			return nil, v.corrupt("%d %s, want %d", got, bucketNames[bucket], want)
		}
	}
	return chains, nil
}

func (v *View) checkEntry(i int64) ([]byte, *entry.Leaf, error) {
	raw, err := v.Leaf(i)
	if err != nil {
		return nil, nil, err
	}
	leaf, err := entry.ParseLeaf(raw)
	if err != nil {
		return nil, nil, v.corrupt("leaf %d: %v", i, err)
	}
	stored, sealedFor, err := v.Stored(i)
	if err != nil {
		return nil, nil, err
	}
	if sealedFor == "" && entry.Commit(stored) != leaf.Commitment {
		return nil, nil, v.corrupt("payload %d does not match its leaf's commitment", i)
	}
	if (leaf.Kind == entry.KindGenesis) != (i == 0) {
		return nil, nil, v.corrupt("entry %d is of kind %s", i, leaf.Kind)
	}
	return raw, leaf, nil
}

func (v *View) checkChains(chains map[entry.Subject][]int64) error {
	links := 0
	for subject, want := range chains {
		links += len(want)
		for count, index := range v.Chain(subject) {
			if n := count - 1; n >= uint64(len(want)) || want[n] != index {
				return v.corrupt("chain of %s has entry %d as number %d", subject, index, count)
			}
		}
		if count, _, _ := v.Last(subject); count != uint64(len(want)) {
			return v.corrupt("chain of %s has %d entries, want %d", subject, count, len(want))
		}
	}
	if got, want := v.b[bucketLast].Stats().KeyN, len(chains); got != want {
		return v.corrupt("%d chains, want %d", got, want)
	}
	if got := v.b[bucketChains].Stats().KeyN; got != links {
		return v.corrupt("%d links in chains, want %d", got, links)
	}
	return v.err
}

func (v *View) checkJournals() error {
	batches := 0
	c := v.b[bucketJournals].Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		j, ok := v.Journal(ledger.IncarnationID(k))
		if !ok {
			return v.err
		}
		n, err := v.checkJournal(j)
		if err != nil {
			return err
		}
		batches += n
	}
	if got := v.b[bucketBatches].Stats().KeyN; got != batches {
		return v.corrupt("%d batches, want %d", got, batches)
	}
	return v.err
}

// checkJournal rebuilds a journal from its batches and returns how many they are.
func (v *View) checkJournal(j *Journal) (int, error) {
	box, ok := v.Box(j.Box)
	if !ok {
		return 0, v.corrupt("journal %s is of an unknown box", j.Incarnation)
	}
	var (
		n        int
		frontier merkle.Frontier
		last     int64
		head     []byte
	)
	for b := range v.Batches(j.Incarnation, 0) {
		p := prepare(b.Wire)
		if p.err != nil || p.inc != j.Incarnation || p.box != j.Box {
			return 0, v.corrupt("batch %d of journal %s: not one of it: %v", b.From, j.Incarnation, p.err)
		}
		if b.From != frontier.Size() || p.from != b.From || p.to() != b.To {
			return 0, v.corrupt("batch of journal %s holds records %d to %d, want from %d", j.Incarnation, b.From, b.To, frontier.Size())
		}
		for _, h := range p.leaves {
			frontier.Append(h)
		}
		signed, err := merkle.Open(p.signed, p.origin, box.Key)
		if err != nil || signed.Root != frontier.Root() || signed.Size != b.To || b.Root != signed.Root {
			return 0, v.corrupt("head %d of journal %s does not sign its records: %v", b.To, j.Incarnation, err)
		}
		if err := v.checkAdvance(b, p); err != nil {
			return 0, err
		}
		if n == 0 && b.Index != j.Opened {
			return 0, v.corrupt("journal %s was opened by entry %d, want %d", j.Incarnation, j.Opened, b.Index)
		}
		n, last, head = n+1, b.Index, p.signed
	}
	if n == 0 || j.Size != frontier.Size() || j.Root != frontier.Root() || j.Frontier.Root() != j.Root || j.Advanced != last || !bytes.Equal(j.Head, head) {
		return 0, v.corrupt("journal %s is not what its batches give", j.Incarnation)
	}
	if inc := v.b[bucketOfBox].Get(append(bytes.Clone(j.Box[:]), u64(uint64(j.Opened))...)); !bytes.Equal(inc, j.Incarnation[:]) {
		return 0, v.corrupt("journal %s is not listed under its box", j.Incarnation)
	}
	return n, v.err
}

// checkAdvance checks that the entry of a batch says what the batch does.
func (v *View) checkAdvance(b Batch, p *prepared) error {
	raw, err := v.Leaf(b.Index)
	if err != nil {
		return v.corrupt("batch %d of journal %s: %v", b.From, p.inc, err)
	}
	leaf, err := entry.ParseLeaf(raw)
	if err != nil {
		return v.corrupt("leaf %d: %v", b.Index, err)
	}
	stored, _, err := v.Stored(b.Index)
	if err != nil {
		return err
	}
	payload, err := leaf.Payload(stored)
	if err != nil {
		return v.corrupt("entry %d: %v", b.Index, err)
	}
	says, err := entry.ParseAdvance(payload)
	if err != nil || says.Origin != p.origin || says.From != b.From || says.To != b.To || says.Root != b.Root || leaf.Link(entry.Journal(p.inc)) == nil {
		return v.corrupt("entry %d does not say what batch %d of journal %s does", b.Index, b.From, p.inc)
	}
	return nil
}

// checkNames checks what points at entries by name.
func (v *View) checkNames() error {
	size := v.Size()
	err := v.b[bucketActs].ForEach(func(k, b []byte) error {
		if index, ok := num(b, 0); !ok || index < 0 || index >= size {
			return v.corrupt("act %x is at entry %d of %d", k, index, size)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, box := range v.Boxes() {
		_, leaf, err := v.checkEntry(box.Index)
		if err != nil {
			return err
		}
		if leaf.Kind != entry.KindBoxEnrolled || leaf.Link(entry.Box(box.ID)) == nil || ledger.BoxIDOf(box.Key) != box.ID {
			return v.corrupt("box %s was not enrolled by entry %d", box.ID, box.Index)
		}
	}
	return v.err
}
