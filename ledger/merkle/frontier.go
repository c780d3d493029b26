// Package merkle holds the Merkle trees of isotherm: RFC 6962 trees with C2SP checkpoints (signed notes), cosignatures
// and tlog-proofs. The same code serves the journal of a box, the ledger, and the offline verifier.
//
// It stores nothing. Trees with random access are read through x/mod's tlog.HashReader; a tree that only grows needs
// no more than a Frontier.
package merkle

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Frontier is a tree that can only grow: the roots of its complete subtrees, largest first. It takes at most 63 hashes
// however large the tree is. The zero value is the empty tree. Copy it with Clone.
type Frontier struct {
	size   int64
	hashes []tlog.Hash
}

// RestoreFrontier returns the frontier of a tree of the given size from what Hashes returned for it.
func RestoreFrontier(size int64, hashes []tlog.Hash) (Frontier, error) {
	if size < 0 || bits.OnesCount64(uint64(size)) != len(hashes) {
		return Frontier{}, fmt.Errorf("frontier of size %d: got %d hashes, want %d", size, len(hashes), bits.OnesCount64(uint64(max(size, 0))))
	}
	return Frontier{size: size, hashes: append([]tlog.Hash(nil), hashes...)}, nil
}

// Clone returns a copy that grows independently.
func (f Frontier) Clone() Frontier {
	return Frontier{size: f.size, hashes: append(make([]tlog.Hash, 0, len(f.hashes)+1), f.hashes...)}
}

// Size returns the number of leaves.
func (f *Frontier) Size() int64 { return f.size }

// Hashes returns the subtree roots, largest subtree first: one for each bit set in Size.
func (f *Frontier) Hashes() []tlog.Hash { return append([]tlog.Hash(nil), f.hashes...) }

// Append adds a leaf by its hash (tlog.RecordHash of the leaf's bytes).
func (f *Frontier) Append(leaf tlog.Hash) {
	h := leaf
	for n := f.size; n&1 == 1; n >>= 1 {
		last := len(f.hashes) - 1
		h = tlog.NodeHash(f.hashes[last], h)
		f.hashes = f.hashes[:last]
	}
	f.hashes = append(f.hashes, h)
	f.size++
}

// Root returns the root hash of RFC 6962; that of the empty tree is SHA-256 of nothing.
func (f *Frontier) Root() tlog.Hash {
	if f.size == 0 {
		return EmptyRoot
	}
	last := len(f.hashes) - 1
	h := f.hashes[last]
	for i := last - 1; i >= 0; i-- {
		h = tlog.NodeHash(f.hashes[i], h)
	}
	return h
}
