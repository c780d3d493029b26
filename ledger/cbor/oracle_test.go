package cbor_test

import (
	"bytes"
	"testing"

	fxcbor "github.com/fxamacker/cbor/v2"
	"pgregory.net/rapid"

	"isotherm/ledger/cbor"
)

// fxEncoder is an encoder of RFC 8949 section 4.2.1 by other authors.
func fxEncoder(t testing.TB) fxcbor.EncMode {
	t.Helper()
	m, err := fxcbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fxDecoder refuses what RFC 8949 calls invalid, and duplicate keys.
func fxDecoder(t testing.TB) fxcbor.DecMode {
	t.Helper()
	m, err := fxcbor.DecOptions{DupMapKey: fxcbor.DupMapKeyEnforcedAPF, IndefLength: fxcbor.IndefLengthForbidden,
		TagsMd: fxcbor.TagsForbidden, UTF8: fxcbor.UTF8RejectInvalid}.DecMode()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// value draws a value of the subset, and its bytes as we write them.
func value(rt *rapid.T, depth int) (any, []byte) {
	most := 6
	if depth == 0 {
		most = 4
	}
	switch rapid.IntRange(0, most).Draw(rt, "type") {
	case 0:
		v := rapid.Uint64().Draw(rt, "uint")
		return v, cbor.AppendUint(nil, v)
	case 1:
		v := rapid.Int64().Draw(rt, "int")
		return v, cbor.AppendInt(nil, v)
	case 2:
		v := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(rt, "bytes")
		return v, cbor.AppendBytes(nil, v)
	case 3:
		v := rapid.StringN(0, 40, 300).Draw(rt, "text")
		return v, cbor.AppendText(nil, v)
	case 4:
		v := rapid.Bool().Draw(rt, "bool")
		return v, cbor.AppendBool(nil, v)
	case 5:
		out := []any{}
		n := rapid.IntRange(0, 30).Draw(rt, "items")
		b := cbor.AppendArray(nil, n)
		for range n {
			v, item := value(rt, depth-1)
			out, b = append(out, v), append(b, item...)
		}
		return out, b
	default:
		out := map[uint64]any{}
		keys := rapid.SliceOfNDistinct(rapid.Uint64(), 0, 30, rapid.ID).Draw(rt, "keys")
		b := cbor.AppendMap(nil, len(keys))
		for _, k := range sorted(keys) {
			v, item := value(rt, depth-1)
			out[k], b = v, append(cbor.AppendUint(b, k), item...)
		}
		return out, b
	}
}

// What we write is what another implementation of the deterministic encoding writes, and Raw takes it back.
func TestAppend_oracle(t *testing.T) {
	enc := fxEncoder(t)
	rapid.Check(t, func(rt *rapid.T) {
		v, got := value(rt, 2)
		want, err := enc.Marshal(v)
		if err != nil {
			rt.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			rt.Fatalf("got %x, want %x", got, want)
		}
		d := cbor.NewDecoder(got)
		if raw := d.Raw(); !bytes.Equal(raw, got) || d.Done() != nil {
			rt.Fatalf("raw: got %x, %v, want %x", raw, d.Err(), got)
		}
	})
}
