package merkle

import (
	"bytes"
	"fmt"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"
)

// Proof shows that a leaf is in a log: its index, the audit path, and the signed checkpoint the path leads to.
// Format: c2sp.org/tlog-proof.
type Proof struct {
	Index      int64
	Path       tlog.RecordProof
	Checkpoint []byte
}

// Marshal returns the text form.
func (p Proof) Marshal() []byte {
	hashes := make([][tlog.HashSize]byte, len(p.Path))
	for i, h := range p.Path {
		hashes[i] = h
	}
	return proof.TLogProof{Index: uint64(p.Index), Hashes: hashes, Checkpoint: p.Checkpoint}.Marshal()
}

// maxPath is the longest audit path there can be.
const maxPath = 63

// ParseProof reads what Marshal writes, and nothing else.
func ParseProof(text []byte) (Proof, error) {
	var raw proof.TLogProof
	if len(text) > 2*MaxNote {
		return Proof{}, fmt.Errorf("read tlog-proof: %d bytes, at most %d are allowed", len(text), 2*MaxNote)
	}
	if err := raw.Unmarshal(text); err != nil {
		return Proof{}, fmt.Errorf("read tlog-proof: %w", err)
	}
	if raw.Index > 1<<62 || len(raw.Hashes) > maxPath || raw.ExtraData != nil {
		return Proof{}, fmt.Errorf("read tlog-proof: index %d with %d hashes", raw.Index, len(raw.Hashes))
	}
	p := Proof{Index: int64(raw.Index), Checkpoint: raw.Checkpoint}
	for _, h := range raw.Hashes {
		p.Path = append(p.Path, h)
	}
	if !bytes.Equal(p.Marshal(), text) {
		return Proof{}, fmt.Errorf("read tlog-proof: not in canonical form")
	}
	return p, nil
}

// Check checks that the leaf is at the proof's index in the tree of the checkpoint. The checkpoint's signatures are
// the caller's to check.
func (p Proof) Check(c Checkpoint, leaf []byte) error {
	if err := tlog.CheckRecord(p.Path, c.Size, c.Root, p.Index, tlog.RecordHash(leaf)); err != nil {
		return fmt.Errorf("inclusion of entry %d in a tree of %d: %w", p.Index, c.Size, err)
	}
	return nil
}
