package node

import (
	"errors"
	"fmt"
	"iter"

	"isotherm/ledger/entry"
	"isotherm/ledger/store"
)

// leafAt returns the leaf of an entry.
func leafAt(v *store.View, index int64) (*entry.Leaf, error) {
	raw, err := v.Leaf(index)
	if err != nil {
		return nil, err
	}
	leaf, err := entry.ParseLeaf(raw)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", index, err)
	}
	return leaf, nil
}

// open returns an entry's leaf and its payload in the clear.
func (n *Node) open(v *store.View, index int64) (*entry.Leaf, []byte, error) {
	leaf, err := leafAt(v, index)
	if err != nil {
		return nil, nil, err
	}
	salted, err := n.salted(v, index)
	if err != nil {
		return leaf, nil, fmt.Errorf("entry %d: %w", index, err)
	}
	payload, err := leaf.Payload(salted)
	if err != nil {
		return leaf, nil, fmt.Errorf("entry %d: %w", index, err)
	}
	return leaf, payload, nil
}

// opened is an entry with its payload in the clear.
type opened struct {
	index        int64
	recordTimeMS int64
	payload      []byte
}

// payloads gives the entries of a kind in a subject's chain, newest first, but for its first have entries, with their
// payloads. Erased ones are passed over. An error is the last that it gives.
func (n *Node) payloads(v *store.View, s entry.Subject, kind entry.Kind, have uint64) iter.Seq2[opened, error] {
	return func(yield func(opened, error) bool) {
		for count, index := range v.Chain(s) {
			if count <= have {
				return
			}
			leaf, err := leafAt(v, index)
			if err != nil {
				yield(opened{}, err)
				return
			}
			if leaf.Kind != kind {
				continue
			}
			_, payload, err := n.open(v, index)
			if errors.Is(err, errErased) {
				continue
			}
			if !yield(opened{index, leaf.RecordTimeMS, payload}, err) || err != nil {
				return
			}
		}
	}
}

// unread names the entry whose payload can't be read.
func (o opened) unread(err error) error { return fmt.Errorf("entry %d: %w", o.index, err) }
