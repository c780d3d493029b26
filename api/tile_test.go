package api

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/api/client"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
)

// tileReader reads tiles as a C2SP client does.
type tileReader struct {
	r     *raw
	reads int
}

func (t *tileReader) Height() int { return 8 }

func (t *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		path := strings.TrimPrefix(tile.Path(), "tile/8/")
		resp, body := t.r.send("GET", "/tile/"+path, "", nil)
		if resp.StatusCode != 200 {
			t.r.f.t.Fatalf("tile %s: status %d: %s", path, resp.StatusCode, body)
		}
		t.reads++
		out = append(out, body)
	}
	return out, nil
}

func (t *tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

// TestAPI_tiles reads the whole log as an outside tool does, with more entries than a tile has hashes.
func TestAPI_tiles(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	b := newBox(t, "box")
	b.read(300, 5000)
	f.enrolBox(b)
	for i := range 300 {
		if _, err := f.node.Sync(context.WithoutCancel(ctx), b.id(), b.batch(i, i+1), nil); err != nil {
			t.Fatal(err)
		}
	}
	_, token := f.enrol("Auditor", "Registry", entry.RoleAuditor)
	index, err := f.client(token).Me(ctx)
	if err != nil {
		t.Fatal(err)
	}
	proofText, err := f.client("").Proof(ctx, index.Entries-1) // collects a checkpoint of all entries
	if err != nil {
		t.Fatal(err)
	}
	signed, err := f.client("").Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cp, cosigned, err := f.trust().OpenCheckpoint(signed)
	if err != nil || len(cosigned) != 1 || cp.Size != index.Entries {
		t.Fatalf("checkpoint of %d entries with %d cosignatures: %v, want %d entries", cp.Size, len(cosigned), err, index.Entries)
	}
	r := newRaw(t, f)
	tiles := &tileReader{r: r}
	hashes := tlog.TileHashReader(tlog.Tree{N: cp.Size, Hash: cp.Root}, tiles)
	entries, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, 0), tlog.StoredHashIndex(0, 256), tlog.StoredHashIndex(0, cp.Size-1)})
	if err != nil {
		t.Fatal(err) // the reader checks every tile against the checkpoint's root
	}
	var leaves [][]byte
	for _, path := range []string{"/tile/entries/000", "/tile/entries/001.p/" + itoa(cp.Size-256)} {
		resp, body := r.send("GET", path, token, nil)
		if resp.StatusCode != 200 {
			t.Fatalf("%s: status %d: %s", path, resp.StatusCode, body)
		}
		for len(body) > 0 {
			n := int(binary.BigEndian.Uint16(body))
			leaves = append(leaves, body[2:2+n])
			body = body[2+n:]
		}
	}
	if int64(len(leaves)) != cp.Size {
		t.Fatalf("entry tiles: got %d leaves, want %d", len(leaves), cp.Size)
	}
	for i, at := range []int64{0, 256, cp.Size - 1} {
		if tlog.RecordHash(leaves[at]) != entries[i] {
			t.Errorf("leaf %d is not that of the tree", at)
		}
	}
	proof, err := merkle.ParseProof(proofText)
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.Check(cp, leaves[proof.Index]); err != nil {
		t.Error(err)
	}
	if resp, _ := r.send("GET", "/tile/0/001.p/"+itoa(cp.Size-255), "", nil); resp.StatusCode != 404 {
		t.Errorf("a tile beyond the checkpoint: got status %d, want 404", resp.StatusCode)
	}
}

// TestClient_failover shows that a dead node costs no answer, and that a refusal is final.
func TestClient_failover(t *testing.T) {
	f := newFixture(t)
	c, err := client.New(client.Options{URLs: []string{"https://127.0.0.1:1", f.server.URL}, CAFile: f.ca})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("with one dead node: %v", err)
	}
	dead, err := client.New(client.Options{URLs: []string{"https://127.0.0.1:1"}, CAFile: f.ca})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dead.Status(t.Context()); err == nil {
		t.Error("with only a dead node: got no error")
	}
	for _, o := range []client.Options{{}, {URLs: []string{"http://127.0.0.1:1"}}, {URLs: []string{"https://x"}, CAFile: "/none"}} {
		if _, err := client.New(o); err == nil {
			t.Errorf("options %+v: got no error", o)
		}
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
