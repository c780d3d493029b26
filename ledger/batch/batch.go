package batch

import (
	"bytes"
	"errors"
	"fmt"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// Limits of a batch. Both sides enforce them.
const (
	MaxRecords = 4096      // records in one batch: 11 hours at one reading in 10 s
	MaxWire    = 256 << 10 // bytes on the wire; half of raft's suggested maximum of one entry
	MaxBody    = 4 << 20   // bytes after decompression: 16 times the wire, far more than columns ever take
)

// Version is the version of the envelope. A decoder refuses any other.
const Version = 1

// Errors of Encode that a sender answers with a shorter run.
var (
	ErrTooMany  = errors.New("too many records for one batch")
	ErrTooLarge = errors.New("batch exceeds the limit on the wire")
)

// Batch is a run of records of one incarnation with a signed head of its journal.
type Batch struct {
	Origin  string   // of the box's journal, see record.Origin
	From    int64    // seq of the first record
	Records [][]byte // canonical bytes, in order of seq
	Head    []byte   // signed note; normally of size From + len(Records)
}

// How the body of a batch is packed.
const (
	packPlain = 0
	packZstd  = 1
)

// Encode returns the wire form. The same input gives the same bytes. Errors: ErrTooMany, ErrTooLarge, or an origin, head
// or record that no journal can have.
func Encode(origin string, from int64, records [][]byte, head []byte) ([]byte, error) {
	if len(records) > MaxRecords {
		return nil, fmt.Errorf("encode batch of %d: %w", len(records), ErrTooMany)
	}
	if len(records) == 0 || from < 0 || from > 1<<62 {
		return nil, fmt.Errorf("encode batch: %d records from %d", len(records), from)
	}
	if len(head) == 0 || len(head) > merkle.MaxNote {
		return nil, fmt.Errorf("encode batch: head of %d bytes", len(head))
	}
	box, inc, err := record.ParseOrigin(origin)
	if err != nil {
		return nil, fmt.Errorf("encode batch: %w", err)
	}
	for i, r := range records {
		if len(r) == 0 || len(r) > record.MaxSize {
			return nil, fmt.Errorf("encode batch: record %d of %d bytes", from+int64(i), len(r))
		}
	}
	body, err := encodeBody(uint64(from), records)
	if err != nil {
		return nil, err
	}
	pack, packed, err := compress(body)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(packed)+256)
	b = cbor.AppendMap(b, 8)
	b = cbor.AppendUint(b, 1)
	b = cbor.AppendUint(b, Version)
	b = cbor.AppendUint(b, 2)
	b = cbor.AppendBytes(b, box[:])
	b = cbor.AppendUint(b, 3)
	b = cbor.AppendBytes(b, inc[:])
	b = cbor.AppendUint(b, 4)
	b = cbor.AppendUint(b, uint64(from))
	b = cbor.AppendUint(b, 5)
	b = cbor.AppendUint(b, uint64(len(records)))
	b = cbor.AppendUint(b, 6)
	b = cbor.AppendUint(b, pack)
	b = cbor.AppendUint(b, 7)
	b = cbor.AppendBytes(b, packed)
	b = cbor.AppendUint(b, 8)
	b = appendHead(b, origin, head)
	if len(b) > MaxWire {
		return nil, fmt.Errorf("encode batch of %d bytes: %w", len(b), ErrTooLarge)
	}
	return b, nil
}

// encodeBody splits the records and proves the result by rebuilding it: a record that does not come back byte for byte
// is sent as it is.
func encodeBody(from uint64, records [][]byte) ([]byte, error) {
	rows := make([]*record.Record, len(records))
	for i, b := range records {
		if r, err := record.Parse(b); err == nil && fitsColumns(r, from+uint64(i)) {
			rows[i] = r
		}
	}
	for {
		body := appendBody(nil, rows, records)
		if len(body) > MaxBody {
			return nil, fmt.Errorf("encode batch with a body of %d bytes: %w", len(body), ErrTooLarge)
		}
		again, err := rebuild(body, from, len(records))
		if err != nil {
			return nil, fmt.Errorf("encode batch: rebuild: %w", err)
		}
		odd := 0
		for i := range records {
			if !bytes.Equal(again[i], records[i]) {
				if rows[i] == nil {
					return nil, fmt.Errorf("encode batch: record %d changes on its way", from+uint64(i))
				}
				rows[i] = nil
				odd++
			}
		}
		if odd == 0 {
			return body, nil
		}
	}
}

// Decode reads the wire form and rebuilds the records. It checks the form only: whether the records are parts of the
// journal that the head signs is the caller's to check, as is what a record that travelled as it is says.
func Decode(wire []byte) (*Batch, error) {
	if len(wire) > MaxWire {
		return nil, fmt.Errorf("decode batch: %d bytes, at most %d are allowed", len(wire), MaxWire)
	}
	var (
		b      Batch
		box    ledger.BoxID
		inc    ledger.IncarnationID
		count  int
		pack   uint64
		packed []byte
		fields int
	)
	d := cbor.NewDecoder(wire)
	d.Map(8, func(key uint64) bool {
		fields++
		switch key {
		case 1:
			if v := d.Uint(); d.Err() == nil && v != Version {
				d.Fail(fmt.Errorf("batch version %d is not known, want %d", v, Version))
			}
		case 2:
			d.Fixed(box[:])
		case 3:
			d.Fixed(inc[:])
		case 4:
			b.From = int64(d.UintMax(1 << 62))
		case 5:
			count = int(d.UintMax(MaxRecords))
		case 6:
			pack = d.UintMax(packZstd)
		case 7:
			packed = d.Bytes(MaxWire)
		case 8:
			b.Origin = record.Origin(box, inc)
			b.Head = readHead(d, b.Origin)
		default:
			return false
		}
		return true
	})
	if d.Err() == nil && (fields != 8 || count == 0) {
		d.Fail(errors.New("batch lacks a field, or records"))
	}
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("decode batch: %w", err)
	}
	body, err := decompress(pack, packed)
	if err != nil {
		return nil, fmt.Errorf("decode batch: %w", err)
	}
	if b.Records, err = rebuild(body, uint64(b.From), count); err != nil {
		return nil, fmt.Errorf("decode batch: %w", err)
	}
	return &b, nil
}
