package entry

import (
	"fmt"

	"isotherm/ledger/cbor"
	"isotherm/ledger/merkle"
)

// Receipt proves to a box that the ledger holds its journal up to a size: the entry, and a tlog-proof of it under a
// majority of cosignatures. It means: committed on a majority, in the Merkle log, for good.
type Receipt struct {
	Leaf   []byte // canonical bytes of the entry's leaf
	Salted []byte // its salted payload, an Advance
	Proof  []byte // tlog-proof of the leaf
}

// MaxReceipt bounds a receipt.
const MaxReceipt = MaxLeaf + MaxPayload + SaltSize + 2*merkle.MaxNote

// Marshal returns the canonical bytes.
func (r *Receipt) Marshal() []byte {
	b := cbor.AppendBytes(cbor.AppendArray(nil, 3), r.Leaf)
	b = cbor.AppendBytes(b, r.Salted)
	return cbor.AppendBytes(b, r.Proof)
}

// ParseReceipt reads what Marshal writes.
func ParseReceipt(b []byte) (*Receipt, error) {
	if len(b) > MaxReceipt {
		return nil, fmt.Errorf("receipt of %d bytes, at most %d are allowed", len(b), MaxReceipt)
	}
	d := cbor.NewDecoder(b)
	d.ArrayOf(3)
	r := &Receipt{Leaf: d.Bytes(MaxLeaf), Salted: d.Bytes(MaxPayload + SaltSize), Proof: d.Bytes(2 * merkle.MaxNote)}
	return r, finish("receipt", d, r.Marshal(), b)
}

// CheckReceipt checks a receipt for a box journal: the entry is in the ledger under a majority of cosignatures, and it
// advances that journal to the returned position. The box compares the Root with its own.
func (t *Trust) CheckReceipt(b []byte, origin string) (*Advance, merkle.Checkpoint, error) {
	fail := func(err error) (*Advance, merkle.Checkpoint, error) {
		return nil, merkle.Checkpoint{}, fmt.Errorf("receipt for %s: %w", origin, err)
	}
	r, err := ParseReceipt(b)
	if err != nil {
		return fail(err)
	}
	proof, err := merkle.ParseProof(r.Proof)
	if err != nil {
		return fail(err)
	}
	cp, _, err := t.OpenCheckpoint(proof.Checkpoint)
	if err != nil {
		return fail(err)
	}
	if err := proof.Check(cp, r.Leaf); err != nil {
		return fail(err)
	}
	leaf, err := ParseLeaf(r.Leaf)
	if err != nil {
		return fail(err)
	}
	if leaf.Kind != KindJournalOpened && leaf.Kind != KindJournalAdvance {
		return fail(fmt.Errorf("it is for an entry of kind %s", leaf.Kind))
	}
	payload, err := leaf.Payload(r.Salted)
	if err != nil {
		return fail(err)
	}
	advance, err := ParseAdvance(payload)
	if err != nil {
		return fail(err)
	}
	if advance.Origin != origin {
		return fail(fmt.Errorf("it is for %s", advance.Origin))
	}
	return advance, cp, nil
}

// Checkpoint returns the signed checkpoint that the receipt's proof leads to.
func (r *Receipt) Checkpoint() ([]byte, error) {
	p, err := merkle.ParseProof(r.Proof)
	if err != nil {
		return nil, err
	}
	return p.Checkpoint, nil
}
