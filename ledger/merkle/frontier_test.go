package merkle_test

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger/merkle"
)

// hashes is a whole tree in memory, as x/mod's tlog stores it: the oracle of these tests.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(h)) {
			return nil, fmt.Errorf("no stored hash %d", x)
		}
		out[i] = h[x]
	}
	return out, nil
}

// tree returns the stored hashes of a tree of n leaves.
func tree(t testing.TB, n int) hashes {
	t.Helper()
	var h hashes
	for i := range n {
		stored, err := tlog.StoredHashes(int64(i), leaf(i), h)
		if err != nil {
			t.Fatal(err)
		}
		h = append(h, stored...)
	}
	return h
}

func leaf(i int) []byte { return fmt.Appendf(nil, "leaf %d", i) }

func root(t testing.TB, n int, h hashes) tlog.Hash {
	t.Helper()
	want, err := tlog.TreeHash(int64(n), h)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

const treeSize = 300

// frontiers returns the frontiers of all sizes up to treeSize, each grown from the one before.
func frontiers() []merkle.Frontier {
	var f merkle.Frontier
	out := []merkle.Frontier{f.Clone()}
	for i := range treeSize {
		f.Append(tlog.RecordHash(leaf(i)))
		out = append(out, f.Clone())
	}
	return out
}

func TestFrontier_Root(t *testing.T) {
	h := tree(t, treeSize)
	for n, f := range frontiers() {
		if got, want := f.Root(), root(t, n, h); got != want {
			t.Errorf("size %d: got %s, want %s", n, got, want)
		}
		if f.Size() != int64(n) {
			t.Errorf("size: got %d, want %d", f.Size(), n)
		}
	}
}

func TestRestoreFrontier(t *testing.T) {
	h := tree(t, treeSize)
	for n, f := range frontiers() {
		back, err := merkle.RestoreFrontier(int64(n), f.Hashes())
		if err != nil {
			t.Fatal(err)
		}
		if got, want := back.Root(), root(t, n, h); got != want {
			t.Errorf("restored at %d: got %s, want %s", n, got, want)
		}
		// Restored at n, it must grow on as if it had never been away.
		for i := n; i < min(n+70, treeSize); i++ {
			back.Append(tlog.RecordHash(leaf(i)))
			if got, want := back.Root(), root(t, i+1, h); got != want {
				t.Fatalf("restored at %d, grown to %d: got %s, want %s", n, i+1, got, want)
			}
		}
	}
}

func TestRestoreFrontier_refuses(t *testing.T) {
	tests := []struct {
		size int64
		n    int
	}{{0, 1}, {1, 0}, {1, 2}, {2, 2}, {3, 1}, {255, 7}, {256, 8}, {-1, 0}, {-1, 64}, {-1 << 63, 1}}
	for _, tt := range tests {
		if _, err := merkle.RestoreFrontier(tt.size, make([]tlog.Hash, tt.n)); err == nil {
			t.Errorf("size %d with %d hashes was taken", tt.size, tt.n)
		}
	}
}

// A caller keeps Hashes for its database while the tree grows on; neither may change the other.
func TestFrontier_Clone(t *testing.T) {
	h := tree(t, 10)
	var f merkle.Frontier
	for i := range 7 {
		f.Append(tlog.RecordHash(leaf(i)))
	}
	kept, copied := f.Hashes(), f.Clone()
	restored, err := merkle.RestoreFrontier(7, kept)
	if err != nil {
		t.Fatal(err)
	}
	for i := 7; i < 10; i++ {
		f.Append(tlog.RecordHash(leaf(i)))
	}
	for name, g := range map[string]merkle.Frontier{"clone": copied, "restored": restored} {
		if got, want := g.Root(), root(t, 7, h); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	if again := copied.Hashes(); !slices.Equal(again, kept) {
		t.Errorf("hashes: got %v, want %v", again, kept)
	}
	restored.Append(tlog.RecordHash(leaf(7))) // eight leaves are one subtree: the three hashes are gone from it
	if again := copied.Hashes(); !slices.Equal(again, kept) {
		t.Errorf("hashes after the restored tree grew: got %v, want %v", kept, again)
	}
}
