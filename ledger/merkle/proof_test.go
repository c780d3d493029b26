package merkle_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger/merkle"
)

func prove(t testing.TB, size, index int) (merkle.Proof, merkle.Checkpoint) {
	t.Helper()
	h := tree(t, size)
	cp := merkle.Checkpoint{Origin: origin, Size: int64(size), Root: root(t, size, h)}
	path, err := tlog.ProveRecord(int64(size), int64(index), h)
	if err != nil {
		t.Fatal(err)
	}
	return merkle.Proof{Index: int64(index), Path: path, Checkpoint: sign(t, cp, key("log"))}, cp
}

func TestProof_Marshal(t *testing.T) {
	for _, size := range []int{1, 2, 3, 8, 21} {
		for index := range size {
			p, cp := prove(t, size, index)
			text := p.Marshal()
			back, err := merkle.ParseProof(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := back.Marshal(); !bytes.Equal(got, text) {
				t.Errorf("got %q, want %q", got, text)
			}
			opened, err := merkle.Open(back.Checkpoint, origin, public(key("log")))
			if err != nil || opened != cp {
				t.Fatalf("checkpoint: got %+v, %v, want %+v", opened, err, cp)
			}
			if err := back.Check(opened, leaf(index)); err != nil {
				t.Error(err)
			}
			if err := back.Check(opened, leaf(index+1)); err == nil {
				t.Errorf("leaf %d was taken for leaf %d", index+1, index)
			}
		}
	}
}

func TestProof_Check_refuses(t *testing.T) {
	tests := []struct {
		name string
		edit func(p *merkle.Proof, c *merkle.Checkpoint)
	}{
		{"other root", func(p *merkle.Proof, c *merkle.Checkpoint) { c.Root[5] ^= 1 }},
		// A path binds the size only as far as its length; the signature on the checkpoint binds the rest.
		{"size of another path", func(p *merkle.Proof, c *merkle.Checkpoint) { c.Size = 16 }},
		{"size 0", func(p *merkle.Proof, c *merkle.Checkpoint) { c.Size = 0 }},
		{"negative size", func(p *merkle.Proof, c *merkle.Checkpoint) { c.Size = -1 }},
		{"other index", func(p *merkle.Proof, c *merkle.Checkpoint) { p.Index++ }},
		{"index beyond the tree", func(p *merkle.Proof, c *merkle.Checkpoint) { p.Index = c.Size }},
		{"negative index", func(p *merkle.Proof, c *merkle.Checkpoint) { p.Index = -1 }},
		{"no path", func(p *merkle.Proof, c *merkle.Checkpoint) { p.Path = nil }},
		{"shorter path", func(p *merkle.Proof, c *merkle.Checkpoint) { p.Path = p.Path[1:] }},
		{"longer path", func(p *merkle.Proof, c *merkle.Checkpoint) { p.Path = append(p.Path, tlog.Hash{}) }},
		{"other hash in the path", func(p *merkle.Proof, c *merkle.Checkpoint) { p.Path[0][0] ^= 1 }},
		// The largest sizes ParseBody lets through must end in an error, not in a loop without end.
		{"greatest size", func(p *merkle.Proof, c *merkle.Checkpoint) { c.Size = 1 << 62 }},
		{"greatest size, greatest path", func(p *merkle.Proof, c *merkle.Checkpoint) {
			c.Size, p.Index, p.Path = 1<<62, 1<<62-1, make([]tlog.Hash, 63)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, c := prove(t, 21, 4)
			if err := p.Check(c, leaf(4)); err != nil {
				t.Fatal(err)
			}
			tt.edit(&p, &c)
			if err := p.Check(c, leaf(4)); err == nil {
				t.Error("was taken")
			}
		})
	}
}

func TestParseProof_refuses(t *testing.T) {
	p, _ := prove(t, 3, 1)
	good := string(p.Marshal())
	hash := base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n"
	replace := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	tests := []struct{ name, text string }{
		{"empty", ""},
		{"other header", replace("@v1", "@v2")},
		{"header alone", "c2sp.org/tlog-proof@v1\n"},
		{"extra data", replace("index ", "extra AAAA\nindex ")},
		{"empty extra data", replace("index ", "extra \nindex ")},
		{"no index", replace("index 1\n", "")},
		{"negative index", replace("index 1", "index -1")},
		{"leading zero", replace("index 1", "index 01")},
		{"index over 2^62", replace("index 1", "index 4611686018427387905")},
		{"index over 2^64", replace("index 1", "index 18446744073709551617")},
		{"two indexes", replace("index 1\n", "index 1\nindex 1\n")},
		{"hash not base64", replace("index 1\n", "index 1\n!!!\n")},
		{"short hash", replace("index 1\n", "index 1\nAAAA\n")},
		{"64 hashes", replace("index 1\n", "index 1\n"+strings.Repeat(hash, 64))},
		{"no blank line", replace("\n\n"+origin, "\n"+origin)},
		{"carriage returns", strings.ReplaceAll(good, "\n", "\r\n")},
		{"carriage return in the checkpoint", replace("\n3\n", "\r\n3\n")},
		{"no newline at the end", strings.TrimSuffix(good, "\n")},
		{"blank before", " " + good},
		{"too long", good + strings.Repeat("x\n", merkle.MaxNote)},
	}
	if _, err := merkle.ParseProof([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.text == good {
				t.Fatal("the test changed nothing")
			}
			if p, err := merkle.ParseProof([]byte(tt.text)); err == nil {
				t.Errorf("got %+v, want an error", p)
			}
		})
	}
}

func FuzzParseProof(f *testing.F) {
	for _, index := range []int{0, 4, 20} {
		p, _ := prove(f, 21, index)
		f.Add(p.Marshal())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := merkle.ParseProof(b)
		if err != nil {
			return
		}
		if got := p.Marshal(); !bytes.Equal(got, b) {
			t.Errorf("got %q, want %q", got, b)
		}
		if c, ok := merkle.PeekCheckpoint(p.Checkpoint); ok {
			_ = p.Check(c, b) // any answer, but no panic and no endless loop
		}
	})
}

func FuzzOpen(f *testing.F) {
	cp := testCheckpoint()
	f.Add(sign(f, cp, key("log")))
	f.Add(merkle.AddCosignatures(sign(f, cp, key("log")), cosign(f, cp, "node-1", "node-2")...))
	f.Fuzz(func(t *testing.T, b []byte) {
		opened, err := merkle.Open(b, origin, public(key("log")))
		peeked, ok := merkle.PeekCheckpoint(b)
		if err == nil && (!ok || peeked != opened) {
			t.Errorf("opened %+v, but peeked %+v, %t", opened, peeked, ok)
		}
		if ok && !strings.HasPrefix(string(b), peeked.Body()+"\n") {
			t.Errorf("peeked %+v, which is not what stands in %q", peeked, b)
		}
		if _, err := merkle.PeekOrigin(b); ok && err != nil {
			t.Errorf("peeked a checkpoint, but no origin: %v", err)
		}
		if _, err := merkle.Cosignatures(b, cosignerKeys("node-1", "node-2")); err == nil && len(b) > merkle.MaxNote {
			t.Error("a note over the limit was read")
		}
	})
}
