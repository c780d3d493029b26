package merkle_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger/merkle"
)

// testdata returns the folder of the downloaded vectors. They are not in the repository; see CONTRIBUTING.md.
func testdata(t *testing.T, folder string) string {
	t.Helper()
	base, set := os.LookupEnv("ISOTHERM_TESTDATA")
	if !set {
		t.Skip("ISOTHERM_TESTDATA is not set: the vectors of other authors are not at hand")
	}
	if base == "" {
		t.Fatal("ISOTHERM_TESTDATA is set, but empty")
	}
	return filepath.Join(base, "vectors", folder)
}

// readVectors calls use with every JSON file under a folder and checks how many were good and bad, so that a folder that
// lost files does not look like success.
func readVectors(t *testing.T, folder string, wantGood, wantBad int, use func(t *testing.T, b []byte) (refused, wantErr bool)) {
	t.Helper()
	good, bad := 0, 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(folder, path)
		t.Run(name, func(t *testing.T) {
			refused, wantErr := use(t, b)
			if refused != wantErr {
				t.Errorf("refused: got %t, want %t", refused, wantErr)
			}
			if wantErr {
				bad++
			} else {
				good++
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if good != wantGood || bad != wantBad {
		t.Errorf("got %d good and %d bad files, want %d and %d", good, bad, wantGood, wantBad)
	}
}

func TestProof_vectors(t *testing.T) {
	readVectors(t, testdata(t, "merkle/inclusion"), 6, 92, func(t *testing.T, b []byte) (bool, bool) {
		var v struct {
			LeafIdx  uint64   `json:"leafIdx"`
			TreeSize uint64   `json:"treeSize"`
			Root     []byte   `json:"root"`
			LeafHash []byte   `json:"leafHash"`
			Proof    [][]byte `json:"proof"`
			WantErr  bool     `json:"wantErr"`
		}
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		path, ok := toHashes(v.Proof)
		if !ok || len(v.Root) != tlog.HashSize || len(v.LeafHash) != tlog.HashSize || int64(v.TreeSize) < 0 || int64(v.LeafIdx) < 0 {
			return true, v.WantErr // our types can't hold it: ParseProof and ParseBody refuse it before any check
		}
		err := tlog.CheckRecord(path, int64(v.TreeSize), tlog.Hash(v.Root), int64(v.LeafIdx), tlog.Hash(v.LeafHash))
		return err != nil, v.WantErr
	})
}

// Six of the consistency vectors are good in their own words. One of these has roots of 12 bytes, which no checkpoint of
// ours can hold; it counts as refused.
func TestCheckTree_vectors(t *testing.T) {
	const shortRoot = "sizes are equal (one) and proof is empty"
	readVectors(t, testdata(t, "merkle/consistency"), 5, 93, func(t *testing.T, b []byte) (bool, bool) {
		var v struct {
			Size1   uint64   `json:"size1"`
			Size2   uint64   `json:"size2"`
			Root1   []byte   `json:"root1"`
			Root2   []byte   `json:"root2"`
			Proof   [][]byte `json:"proof"`
			Desc    string   `json:"desc"`
			WantErr bool     `json:"wantErr"`
		}
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		if v.Size1 == 0 && !v.WantErr {
			t.Fatal("a vector wants a proof from size 0 to be good")
		}
		path, ok := toHashes(v.Proof)
		if !ok || len(v.Root1) != tlog.HashSize || len(v.Root2) != tlog.HashSize || int64(v.Size1) < 0 || int64(v.Size2) < 0 {
			return true, v.WantErr || v.Desc == shortRoot
		}
		err := tlog.CheckTree(path, int64(v.Size2), tlog.Hash(v.Root2), int64(v.Size1), tlog.Hash(v.Root1))
		return err != nil, v.WantErr
	})
}

func toHashes(in [][]byte) ([]tlog.Hash, bool) {
	var out []tlog.Hash
	for _, h := range in {
		if len(h) != tlog.HashSize {
			return nil, false
		}
		out = append(out, tlog.Hash(h))
	}
	return out, true
}

// TestOpen_tessera reads a log that another implementation wrote: its checkpoints, leaves and tile of leaf hashes.
func TestOpen_tessera(t *testing.T) {
	dir := testdata(t, "tessera-log")
	origin, key := vkey(t, string(read(t, dir, "vkey.txt")))
	if !bytes.Equal(read(t, dir, "checkpoint"), read(t, dir, "checkpoint.15")) {
		t.Error("checkpoint is not the newest one")
	}
	for size := range 16 {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			cp, err := merkle.Open(read(t, dir, fmt.Sprintf("checkpoint.%d", size)), origin, key)
			if err != nil {
				t.Fatal(err)
			}
			if cp.Size != int64(size) || cp.Origin != origin {
				t.Fatalf("got %+v, want size %d of %s", cp, size, origin)
			}
			var f merkle.Frontier
			if size > 0 {
				leaves := bundleOfEntries(t, read(t, dir, fmt.Sprintf("tile/entries/000.p/%d", size)))
				tile := read(t, dir, fmt.Sprintf("tile/0/000.p/%d", size))
				if len(leaves) != size || len(tile) != size*tlog.HashSize {
					t.Fatalf("got %d entries and a tile of %d bytes, want %d", len(leaves), len(tile), size)
				}
				for i, l := range leaves {
					h := tlog.RecordHash(l)
					if want := tile[i*tlog.HashSize:][:tlog.HashSize]; !bytes.Equal(h[:], want) {
						t.Errorf("leaf %d: got %x, want %x", i, h[:], want)
					}
					f.Append(h)
				}
				checkInclusion(t, cp, leaves)
			}
			if got := f.Root(); got != cp.Root {
				t.Errorf("root: got %s, want %s", got, cp.Root)
			}
		})
	}
}

// checkInclusion proves every leaf of the foreign log and checks it under the foreign root.
func checkInclusion(t *testing.T, cp merkle.Checkpoint, leaves [][]byte) {
	t.Helper()
	var h hashes
	for i, l := range leaves {
		stored, err := tlog.StoredHashes(int64(i), l, h)
		if err != nil {
			t.Fatal(err)
		}
		h = append(h, stored...)
	}
	for i, l := range leaves {
		path, err := tlog.ProveRecord(cp.Size, int64(i), h)
		if err != nil {
			t.Fatal(err)
		}
		if err := (merkle.Proof{Index: int64(i), Path: path}).Check(cp, l); err != nil {
			t.Error(err)
		}
		if err := (merkle.Proof{Index: int64(i), Path: path}).Check(cp, append(l, 'x')); err == nil {
			t.Errorf("entry %d: another leaf was taken", i)
		}
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// bundleOfEntries splits an entry bundle of c2sp.org/tlog-tiles: a length of 16 bits before each entry.
func bundleOfEntries(t *testing.T, b []byte) [][]byte {
	t.Helper()
	var out [][]byte
	for len(b) > 0 {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			t.Fatalf("entry bundle is cut in entry %d", len(out))
		}
		n := int(binary.BigEndian.Uint16(b))
		out, b = append(out, bytes.Clone(b[2:2+n])), b[2+n:]
	}
	return out
}

// vkey takes a verifier key of c2sp.org/signed-note apart: name, hash, and 0x01 before an Ed25519 key.
func vkey(t *testing.T, text string) (string, ed25519.PublicKey) {
	t.Helper()
	words := strings.SplitN(strings.TrimSpace(text), "+", 3)
	if len(words) != 3 {
		t.Fatalf("verifier key %q", text)
	}
	raw, err := base64.StdEncoding.DecodeString(words[2])
	if err != nil || len(raw) != 33 || raw[0] != 1 {
		t.Fatalf("verifier key %q: %v", text, err)
	}
	if got := merkle.VerifierKey(words[0], raw[1:]); got != strings.TrimSpace(text) {
		t.Errorf("VerifierKey: got %s, want %s", got, text)
	}
	return words[0], raw[1:]
}
