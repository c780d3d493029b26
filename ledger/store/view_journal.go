package store

import (
	"bytes"
	"iter"

	"isotherm/ledger"
)

// Box returns a registered box.
func (v *View) Box(id ledger.BoxID) (Box, bool) {
	return v.box(id, v.b[bucketBoxes].Get(id[:]))
}

func (v *View) box(id ledger.BoxID, b []byte) (Box, bool) {
	if b == nil {
		return Box{}, false
	}
	index := v.number("box", b, 0)
	return Box{ID: id, Index: index, Key: bytes.Clone(b[min(8, len(b)):])}, true
}

// Boxes returns all registered boxes in order of ID.
func (v *View) Boxes() []Box {
	var out []Box
	c := v.b[bucketBoxes].Cursor()
	for k, b := c.First(); k != nil; k, b = c.Next() {
		if len(k) != ledger.IDSize {
			v.corrupt("box with an identifier of %d bytes", len(k))
			continue
		}
		if box, ok := v.box(ledger.BoxID(k), b); ok {
			out = append(out, box)
		}
	}
	return out
}

// Journal returns what the ledger holds of an incarnation.
func (v *View) Journal(inc ledger.IncarnationID) (*Journal, bool) {
	b := v.b[bucketJournals].Get(inc[:])
	if b == nil {
		return nil, false
	}
	j, err := parseJournal(inc, b)
	if err != nil {
		v.corrupt("journal %s: %v", inc, err)
		return nil, false
	}
	return j, true
}

// Journals returns the incarnations of a box in the order in which the ledger learned of them.
func (v *View) Journals(box ledger.BoxID) []ledger.IncarnationID {
	var out []ledger.IncarnationID
	c := v.b[bucketOfBox].Cursor()
	for k, b := c.Seek(box[:]); k != nil && bytes.HasPrefix(k, box[:]); k, b = c.Next() {
		if len(b) != ledger.IDSize {
			v.corrupt("journal of box %s has an identifier of %d bytes", box, len(b))
			continue
		}
		out = append(out, ledger.IncarnationID(b))
	}
	return out
}

// Batches yields the batches of an incarnation in order, beginning with the one that holds record from.
func (v *View) Batches(inc ledger.IncarnationID, from int64) iter.Seq[Batch] {
	return func(yield func(Batch) bool) {
		c := v.b[bucketBatches].Cursor()
		k, value := c.Seek(batchKey(inc, from))
		if k == nil || !bytes.Equal(k, batchKey(inc, from)) {
			if b, ok := v.covering(inc, from); ok {
				k, value = c.Seek(batchKey(inc, b.From))
			}
		}
		for ; k != nil && bytes.HasPrefix(k, inc[:]); k, value = c.Next() {
			b, ok := parseBatch(k, value)
			if !ok {
				v.corrupt("batch of journal %s", inc)
				return
			}
			if !yield(b) {
				return
			}
		}
	}
}

// covering returns the batch that holds a record.
func (v *View) covering(inc ledger.IncarnationID, seq int64) (Batch, bool) {
	if seq < 0 {
		return Batch{}, false
	}
	c := v.b[bucketBatches].Cursor()
	key := batchKey(inc, seq)
	k, value := c.Seek(key)
	if !bytes.Equal(k, key) {
		if k == nil {
			k, value = c.Last()
		} else {
			k, value = c.Prev()
		}
	}
	if k == nil || !bytes.HasPrefix(k, inc[:]) {
		return Batch{}, false
	}
	b, ok := parseBatch(k, value)
	if !ok {
		v.corrupt("batch of journal %s", inc)
		return Batch{}, false
	}
	return b, seq < b.To
}

// EntryCovering returns the index of the first entry by which the ledger holds the journal up to size records, and the
// run of records that this entry added: from < size <= to. ok is false when the ledger does not hold that much.
func (v *View) EntryCovering(inc ledger.IncarnationID, size int64) (index, from, to int64, ok bool) {
	b, ok := v.covering(inc, size-1)
	if !ok {
		return 0, 0, 0, false
	}
	return b.Index, b.From, b.To, true
}
