package cbor_test

import (
	"bytes"
	"slices"
	"testing"

	"isotherm/ledger/cbor"
)

func sorted(keys []uint64) []uint64 { return slices.Sorted(slices.Values(keys)) }

// FuzzDecoder feeds any bytes to every read. Whatever Raw takes must be well-formed and deterministic for an
// implementation by others: it reads it, and writes the same bytes again.
func FuzzDecoder(f *testing.F) {
	for _, v := range vectors {
		f.Add(unhex(f, v.hex))
	}
	for _, text := range []string{"1800", "a203040102", "9fff", "f93c00", "c100", "61ff", "a201020102", "818181818181818181818181818181818100",
		"5bffffffffffffffff", "a10183f4f5a118180a", "3b8000000000000000"} {
		f.Add(unhex(f, text))
	}
	enc, dec := fxEncoder(f), fxDecoder(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func(d *cbor.Decoder){
			func(d *cbor.Decoder) { d.Uint() },
			func(d *cbor.Decoder) { d.Int() },
			func(d *cbor.Decoder) { d.Int32() },
			func(d *cbor.Decoder) { d.Bytes(64) },
			func(d *cbor.Decoder) { d.Text(64) },
			func(d *cbor.Decoder) { d.Bool() },
			func(d *cbor.Decoder) { d.Fixed(make([]byte, 3)) },
			func(d *cbor.Decoder) { d.ArrayOf(3) },
			func(d *cbor.Decoder) { readMap(d) },
		} {
			d := cbor.NewDecoder(b)
			read(d)
			if d.Done() != nil {
				continue
			}
			if again := cbor.NewDecoder(b); !bytes.Equal(again.Raw(), b) && !isArrayHead(b) {
				t.Errorf("a read took %x, Raw did not: %v", b, again.Err())
			}
		}
		d := cbor.NewDecoder(b)
		raw := d.Raw()
		if d.Err() != nil {
			if raw != nil {
				t.Fatalf("raw of %x: got %x with error %v", b, raw, d.Err())
			}
			return
		}
		if !bytes.HasPrefix(b, raw) || len(raw) == 0 {
			t.Fatalf("raw of %x: got %x", b, raw)
		}
		var v any
		if err := dec.Unmarshal(raw, &v); err != nil {
			t.Fatalf("took %x, which is refused elsewhere: %v", raw, err)
		}
		again, err := enc.Marshal(v)
		if err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("took %x, which is %x in deterministic form (%v)", raw, again, err)
		}
	})
}

// isArrayHead tells whether b is the bare head of an array of three, which ArrayOf reads without its items.
func isArrayHead(b []byte) bool { return len(b) == 1 && b[0] == 0x83 }
