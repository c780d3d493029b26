package store

import (
	"bytes"
	"fmt"
	"iter"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/entry"
)

// View is a consistent snapshot of the state. Its methods find things; a damaged value counts as not found and makes
// Store.View return ErrCorrupt. It is for one goroutine. Slices it returns are copies unless said otherwise.
type View struct {
	tx  *bolt.Tx
	b   buckets
	err error // the first damage found
}

func (v *View) corrupt(format string, args ...any) error {
	err := fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
	if v.err == nil {
		v.err = err
	}
	return err
}

// number reads a number from a value that must be long enough.
func (v *View) number(what string, b []byte, offset int) int64 {
	n, ok := num(b, offset)
	if !ok {
		v.corrupt("%s of %d bytes", what, len(b))
	}
	return n
}

// Size returns the number of entries in the log.
func (v *View) Size() int64 {
	b := v.b[bucketMeta].Get(keySize)
	if b == nil {
		return 0
	}
	return v.number("size", b, 0)
}

// Applied returns the raft index and term that this state is at.
func (v *View) Applied() (index, term uint64) {
	b := v.b[bucketMeta].Get(keyApplied)
	if b == nil {
		return 0, 0
	}
	return uint64(v.number("applied index", b, 0)), uint64(v.number("applied term", b, 8))
}

// AppliedIndex returns the raft index that this state is at.
func (v *View) AppliedIndex() uint64 {
	index, _ := v.Applied()
	return index
}

// Configuration returns the cluster's configuration as raft encoded it, and the raft index it was committed at; nil when
// there is none yet.
func (v *View) Configuration() (index uint64, encoded []byte) {
	b := v.b[bucketMeta].Get(keyConfiguration)
	if b == nil {
		return 0, nil
	}
	return uint64(v.number("configuration", b, 0)), bytes.Clone(b[min(8, len(b)):])
}

func outOfRange(what string, i, size int64) error {
	return ledger.Errorf(ledger.CodeNotFound, "%s %d: the ledger has %d entries", what, i, size)
}

// Leaf returns the canonical bytes of the entry at an index. CodeNotFound when it is not in the log.
func (v *View) Leaf(i int64) ([]byte, error) {
	if size := v.Size(); i < 0 || i >= size {
		return nil, outOfRange("entry", i, size)
	}
	b := v.b[bucketLeaves].Get(u64(uint64(i)))
	if b == nil {
		return nil, v.corrupt("leaf %d is missing", i)
	}
	return bytes.Clone(b), nil
}

// Stored returns the salted payload of the entry at an index, and the name of the data key it is sealed for, empty when
// it is clear. CodeNotFound when the entry is not in the log.
func (v *View) Stored(i int64) (stored []byte, sealedFor string, err error) {
	if size := v.Size(); i < 0 || i >= size {
		return nil, "", outOfRange("entry", i, size)
	}
	b := v.b[bucketStored].Get(u64(uint64(i)))
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return nil, "", v.corrupt("payload %d is missing or cut", i)
	}
	n := 1 + int(b[0])
	return bytes.Clone(b[n:]), string(b[1:n]), nil
}

// HashReader reads the stored hashes of the log, as tlog.ProveRecord and tlog.TileHashReader need them. It is valid until
// Store.View returns.
func (v *View) HashReader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			b := v.b[bucketHashes].Get(u64(uint64(index)))
			if len(b) != tlog.HashSize {
				return nil, v.corrupt("stored hash %d is missing", index)
			}
			out[i] = tlog.Hash(b)
		}
		return out, nil
	})
}

// Root returns the root of the tree of the first size entries. CodeNotFound when the log is shorter.
func (v *View) Root(size int64) (tlog.Hash, error) {
	if have := v.Size(); size < 0 || size > have {
		return tlog.Hash{}, outOfRange("tree of size", size, have)
	}
	root, err := tlog.TreeHash(size, v.HashReader())
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("root at %d: %w", size, err)
	}
	return root, nil
}

// Last returns how many entries touch the subject and the index of the last one; ok is false when there are none.
func (v *View) Last(s entry.Subject) (count uint64, index int64, ok bool) {
	b := v.b[bucketLast].Get(subjectKey(s))
	if b == nil {
		return 0, entry.NoPrev, false
	}
	return uint64(v.number("chain", b, 0)), v.number("chain", b, 8), true
}

// Chain yields the count and index of every entry that touches the subject, newest first.
func (v *View) Chain(s entry.Subject) iter.Seq2[uint64, int64] {
	return func(yield func(uint64, int64) bool) {
		last, _, _ := v.Last(s)
		for count := last; count > 0; count-- {
			b := v.b[bucketChains].Get(append(subjectKey(s), u64(count)...))
			if b == nil {
				v.corrupt("chain of %s lacks entry %d", s, count)
				return
			}
			if !yield(count, v.number("chain", b, 0)) {
				return
			}
		}
	}
}

// Subjects returns up to limit subjects of a kind in order of ID, beginning after the given one; the zero ID is before
// all others.
func (v *View) Subjects(kind entry.SubjectKind, after [ledger.IDSize]byte, limit int) []entry.Subject {
	var out []entry.Subject
	start := subjectKey(entry.Subject{Kind: kind, ID: after})
	c := v.b[bucketLast].Cursor()
	for k, _ := c.Seek(start); k != nil && k[0] == byte(kind) && len(out) < limit; k, _ = c.Next() {
		if bytes.Equal(k, start) || len(k) != subjectKeySize {
			continue
		}
		out = append(out, entry.Subject{Kind: kind, ID: [ledger.IDSize]byte(k[1:])})
	}
	return out
}

// EntryOfAct returns the index of the entry that was made under the identifier, see command.Command.Dedup.
func (v *View) EntryOfAct(id ledger.ActID) (int64, bool) {
	b := v.b[bucketActs].Get(id[:])
	if b == nil {
		return 0, false
	}
	return v.number("act", b, 0), true
}

// Secret returns a sealed value of the private state.
func (v *View) Secret(name string) ([]byte, bool) {
	b := v.b[bucketSecrets].Get([]byte(name))
	return bytes.Clone(b), b != nil
}

// Secrets yields the names with a prefix, in order, with their sealed values, which are valid until Store.View returns.
func (v *View) Secrets(prefix string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		c := v.b[bucketSecrets].Cursor()
		for k, value := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, value = c.Next() {
			if !yield(string(k), value) {
				return
			}
		}
	}
}

// checkTop looks at the few values that everything hangs on; Open calls it. Check looks at all.
func (v *View) checkTop() error {
	size := v.Size()
	if _, err := v.Root(size); err != nil {
		return err
	}
	if size == 0 {
		return nil
	}
	leaf, err := v.Leaf(size - 1)
	if err != nil {
		return err
	}
	hashes, err := v.HashReader().ReadHashes([]int64{tlog.StoredHashIndex(0, size-1)})
	if err != nil {
		return err
	}
	if hashes[0] != tlog.RecordHash(leaf) {
		return v.corrupt("leaf %d does not give its stored hash", size-1)
	}
	return nil
}
