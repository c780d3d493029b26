package entry_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// issue makes a receipt: a ledger of nine entries, whose fifth is made from kind and payload.
type issue struct {
	kind    entry.Kind
	payload []byte
	index   int64 // that the proof is for; 4 is right
	signer  string
	cosign  []string
}

func advance() *entry.Advance {
	return &entry.Advance{Origin: record.Origin(ledger.BoxID{1}, ledger.IncarnationID{2}), From: 10, To: 40, Root: tlog.RecordHash([]byte("root")), Head: []byte("head")}
}

func (i issue) receipt(t *testing.T) (*entry.Receipt, merkle.Checkpoint) {
	t.Helper()
	salted := entry.Salted(i.payload)
	leaf := entry.Leaf{Kind: i.kind, RecordTimeMS: 5, Node: "node-1", Commitment: entry.Commit(salted)}
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(ix []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, x := range ix {
			out = append(out, stored[x])
		}
		return out, nil
	})
	const size = 9
	for n := range int64(size) {
		b := fmt.Appendf(nil, "leaf %d", n)
		if n == 4 {
			b = leaf.Marshal()
		}
		h, err := tlog.StoredHashes(n, b, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, h...)
	}
	root, err := tlog.TreeHash(size, read)
	if err != nil {
		t.Fatal(err)
	}
	path, err := tlog.ProveRecord(size, i.index, read)
	if err != nil {
		t.Fatal(err)
	}
	cp := merkle.Checkpoint{Origin: origin, Size: size, Root: root}
	proof := merkle.Proof{Index: i.index, Path: path, Checkpoint: checkpoint(t, cp, i.signer, i.cosign...)}
	return &entry.Receipt{Leaf: leaf.Marshal(), Salted: salted, Proof: proof.Marshal()}, cp
}

func good() issue {
	return issue{kind: entry.KindJournalAdvance, payload: advance().Marshal(), index: 4, signer: "log", cosign: []string{"node-1", "node-3"}}
}

func TestTrust_CheckReceipt(t *testing.T) {
	trust := entry.NewTrust(genesis())
	for _, kind := range []entry.Kind{entry.KindJournalOpened, entry.KindJournalAdvance} {
		i := good()
		i.kind = kind
		r, wantCheckpoint := i.receipt(t)
		got, cp, err := trust.CheckReceipt(r.Marshal(), advance().Origin)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(advance(), got); d != "" {
			t.Error(d)
		}
		if cp != wantCheckpoint {
			t.Errorf("got %+v, want %+v", cp, wantCheckpoint)
		}
		signed, err := r.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		if opened, _, err := trust.OpenCheckpoint(signed); err != nil || opened != wantCheckpoint {
			t.Errorf("checkpoint: got %+v, %v, want %+v", opened, err, wantCheckpoint)
		}
	}
}

func TestTrust_CheckReceipt_refuses(t *testing.T) {
	backwards := advance()
	backwards.To = backwards.From
	tests := []struct {
		name  string
		make  func(i *issue)
		edit  func(r *entry.Receipt)
		asked string // origin that the box asks for; its own when empty
		want  string
	}{
		{"for another incarnation", nil, nil, record.Origin(ledger.BoxID{1}, ledger.IncarnationID{3}), "it is for"},
		{"for another box", nil, nil, record.Origin(ledger.BoxID{2}, ledger.IncarnationID{2}), "it is for"},
		{"proof of another entry", func(i *issue) { i.index = 5 }, nil, "", "inclusion of entry 5"},
		{"proof says another index", nil, func(r *entry.Receipt) { r.Proof = bytes.Replace(r.Proof, []byte("index 4"), []byte("index 5"), 1) }, "", "inclusion of entry 5"},
		{"malformed proof", nil, func(r *entry.Receipt) { r.Proof = r.Proof[1:] }, "", "read tlog-proof"},
		{"no proof", nil, func(r *entry.Receipt) { r.Proof = nil }, "", "read tlog-proof"},
		{"no cosignature", func(i *issue) { i.cosign = nil }, nil, "", "0 cosignatures"},
		{"too few cosignatures", func(i *issue) { i.cosign = []string{"node-1"} }, nil, "", "1 cosignatures of set 1, want 2 of 3"},
		{"cosigned twice by one", func(i *issue) { i.cosign = []string{"node-1", "node-1"} }, nil, "", "1 cosignatures"},
		{"cosigned by others", func(i *issue) { i.cosign = []string{"node-1", "x"} }, nil, "", "1 cosignatures"},
		{"signed by another log", func(i *issue) { i.signer = "other" }, nil, "", "open checkpoint"},
		{"other leaf", nil, func(r *entry.Receipt) { r.Leaf = (&entry.Leaf{Kind: entry.KindJournalAdvance}).Marshal() }, "", "inclusion of entry 4"},
		{"no leaf", nil, func(r *entry.Receipt) { r.Leaf = nil }, "", "inclusion of entry 4"},
		{"other payload", nil, func(r *entry.Receipt) { r.Salted = entry.Salted(advance().Marshal()) }, "", "does not match the leaf's commitment"},
		{"payload of more", nil, func(r *entry.Receipt) { r.Salted = append(bytes.Clone(r.Salted), 0) }, "", "does not match the leaf's commitment"},
		{"no payload", nil, func(r *entry.Receipt) { r.Salted = nil }, "", "too short"},
		{"entry of another kind", func(i *issue) { i.kind = entry.KindAct }, nil, "", "entry of kind custody act"},
		{"entry of a later kind", func(i *issue) { i.kind = 99 }, nil, "", "entry of kind unknown(99)"},
		{"payload that is no advance", func(i *issue) { i.payload = (&entry.Access{}).Marshal() }, nil, "", "read journal advance"},
		{"advance of nothing", func(i *issue) { i.payload = backwards.Marshal() }, nil, "", "ends before it begins"},
	}
	trust := entry.NewTrust(genesis())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := good()
			if tt.make != nil {
				tt.make(&i)
			}
			r, _ := i.receipt(t)
			if tt.edit != nil {
				tt.edit(r)
			}
			want := tt.asked
			if want == "" {
				want = advance().Origin
			}
			got, _, err := trust.CheckReceipt(r.Marshal(), want)
			if err == nil || got != nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// Any changed byte of a receipt must be found: a box deletes its records on the strength of it.
func TestTrust_CheckReceipt_anyByte(t *testing.T) {
	trust := entry.NewTrust(genesis())
	r, _ := good().receipt(t)
	b := r.Marshal()
	for i := range b {
		for _, mask := range []byte{1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80} {
			changed := bytes.Clone(b)
			changed[i] ^= mask
			if got, _, err := trust.CheckReceipt(changed, advance().Origin); err == nil {
				t.Errorf("byte %d of %d changed by %#x, and the receipt was taken: %+v", i, len(b), mask, got)
			}
		}
	}
}
