package cbor_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"isotherm/ledger/cbor"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// vectors are the values of RFC 8949 appendix A that lie in our subset: integers within int64 or uint64, strings,
// arrays, maps with unsigned keys, booleans.
var vectors = []struct {
	name  string
	hex   string
	write func(b []byte) []byte
	read  func(d *cbor.Decoder) bool // whether the value is the right one
}{
	uintVector("0", "00", 0),
	uintVector("1", "01", 1),
	uintVector("10", "0a", 10),
	uintVector("23", "17", 23),
	uintVector("24", "1818", 24),
	uintVector("25", "1819", 25),
	uintVector("100", "1864", 100),
	uintVector("1000", "1903e8", 1000),
	uintVector("1000000", "1a000f4240", 1_000_000),
	uintVector("1000000000000", "1b000000e8d4a51000", 1_000_000_000_000),
	uintVector("18446744073709551615", "1bffffffffffffffff", math.MaxUint64),
	intVector("-1", "20", -1),
	intVector("-10", "29", -10),
	intVector("-100", "3863", -100),
	intVector("-1000", "3903e7", -1000),
	intVector("least int64", "3b7fffffffffffffff", math.MinInt64),
	intVector("greatest int64", "1b7fffffffffffffff", math.MaxInt64),
	{"false", "f4", func(b []byte) []byte { return cbor.AppendBool(b, false) }, func(d *cbor.Decoder) bool { return !d.Bool() }},
	{"true", "f5", func(b []byte) []byte { return cbor.AppendBool(b, true) }, func(d *cbor.Decoder) bool { return d.Bool() }},
	bytesVector("h''", "40", ""),
	bytesVector("h'01020304'", "4401020304", "\x01\x02\x03\x04"),
	textVector(`""`, "60", ""),
	textVector(`"a"`, "6161", "a"),
	textVector(`"IETF"`, "6449455446", "IETF"),
	textVector(`"\"\\"`, "62225c", `"\`),
	textVector(`"\u00fc"`, "62c3bc", "ü"),
	textVector(`"\u6c34"`, "63e6b0b4", "水"),
	textVector(`"\ud800\udd51"`, "64f0908591", "\U00010151"),
	{"[]", "80", func(b []byte) []byte { return cbor.AppendArray(b, 0) }, func(d *cbor.Decoder) bool { return d.Array(9) == 0 }},
	{"[1, 2, 3]", "83010203", func(b []byte) []byte { return appendUints(cbor.AppendArray(b, 3), 1, 2, 3) },
		func(d *cbor.Decoder) bool { return d.Array(9) == 3 && slices.Equal(readUints(d, 3), []uint64{1, 2, 3}) }},
	{"[1, [2, 3], [4, 5]]", "8301820203820405", func(b []byte) []byte {
		b = appendUints(cbor.AppendArray(b, 3), 1)
		b = appendUints(cbor.AppendArray(b, 2), 2, 3)
		return appendUints(cbor.AppendArray(b, 2), 4, 5)
	}, func(d *cbor.Decoder) bool {
		d.ArrayOf(3)
		one := d.Uint()
		d.ArrayOf(2)
		first := readUints(d, 2)
		d.ArrayOf(2)
		return one == 1 && slices.Equal(append(first, readUints(d, 2)...), []uint64{2, 3, 4, 5})
	}},
	{"[1 to 25]", "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
		func(b []byte) []byte { return appendUints(cbor.AppendArray(b, 25), upTo(25)...) },
		func(d *cbor.Decoder) bool { return d.Array(25) == 25 && slices.Equal(readUints(d, 25), upTo(25)) }},
	{"{}", "a0", func(b []byte) []byte { return cbor.AppendMap(b, 0) }, func(d *cbor.Decoder) bool { return len(readMap(d)) == 0 }},
	{"{1: 2, 3: 4}", "a201020304", func(b []byte) []byte { return appendUints(cbor.AppendMap(b, 2), 1, 2, 3, 4) },
		func(d *cbor.Decoder) bool { return slices.Equal(readMap(d), []uint64{1, 2, 3, 4}) }},
}

type vector = struct {
	name  string
	hex   string
	write func(b []byte) []byte
	read  func(d *cbor.Decoder) bool
}

func uintVector(name, hex string, v uint64) vector {
	return vector{name, hex, func(b []byte) []byte { return cbor.AppendUint(b, v) }, func(d *cbor.Decoder) bool { return d.Uint() == v }}
}

func intVector(name, hex string, v int64) vector {
	return vector{name, hex, func(b []byte) []byte { return cbor.AppendInt(b, v) }, func(d *cbor.Decoder) bool { return d.Int() == v }}
}

func bytesVector(name, hex, v string) vector {
	return vector{name, hex, func(b []byte) []byte { return cbor.AppendBytes(b, []byte(v)) }, func(d *cbor.Decoder) bool { return string(d.Bytes(9)) == v }}
}

func textVector(name, hex, v string) vector {
	return vector{name, hex, func(b []byte) []byte { return cbor.AppendText(b, v) }, func(d *cbor.Decoder) bool { return d.Text(9) == v }}
}

func appendUints(b []byte, vs ...uint64) []byte {
	for _, v := range vs {
		b = cbor.AppendUint(b, v)
	}
	return b
}

func readUints(d *cbor.Decoder, n int) []uint64 {
	var out []uint64
	for range n {
		out = append(out, d.Uint())
	}
	return out
}

// readMap returns the keys and values of a map of integers, in order.
func readMap(d *cbor.Decoder) []uint64 {
	var out []uint64
	d.Map(9, func(key uint64) bool {
		out = append(out, key, d.Uint())
		return true
	})
	return out
}

func upTo(n int) []uint64 {
	var out []uint64
	for i := range n {
		out = append(out, uint64(i)+1)
	}
	return out
}

func TestDecoder_vectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			want := unhex(t, v.hex)
			if got := v.write(nil); !bytes.Equal(got, want) {
				t.Errorf("written: got %x, want %x", got, want)
			}
			d := cbor.NewDecoder(want)
			if right := v.read(d); !right || d.Done() != nil {
				t.Errorf("read %x: right value %t, error %v", want, right, d.Err())
			}
			raw := cbor.NewDecoder(want)
			if got := raw.Raw(); !bytes.Equal(got, want) || raw.Done() != nil {
				t.Errorf("raw: got %x, %v, want %x", got, raw.Err(), want)
			}
			for n := range want {
				d := cbor.NewDecoder(want[:n])
				v.read(d)
				if !errors.Is(d.Done(), cbor.ErrTruncated) {
					t.Errorf("first %d bytes: got %v, want ErrTruncated", n, d.Err())
				}
				raw := cbor.NewDecoder(want[:n])
				if got := raw.Raw(); got != nil || !errors.Is(raw.Done(), cbor.ErrTruncated) {
					t.Errorf("first %d bytes, raw: got %x, %v, want ErrTruncated", n, got, raw.Err())
				}
			}
			long := cbor.NewDecoder(append(want, 0))
			v.read(long)
			if !errors.Is(long.Done(), cbor.ErrTrailing) {
				t.Errorf("one byte more: got %v, want ErrTrailing", long.Err())
			}
		})
	}
}

func TestDecoder_Raw_refuses(t *testing.T) {
	tests := []struct {
		name, hex string
		want      error // nil: any
	}{
		{"0 in two bytes", "1800", cbor.ErrNotCanonical},
		{"23 in two bytes", "1817", cbor.ErrNotCanonical},
		{"255 in three bytes", "1900ff", cbor.ErrNotCanonical},
		{"65535 in five bytes", "1a0000ffff", cbor.ErrNotCanonical},
		{"32 bits in nine bytes", "1b00000000ffffffff", cbor.ErrNotCanonical},
		{"-1 in two bytes", "3800", cbor.ErrNotCanonical},
		{"length of bytes in two bytes", "580101", cbor.ErrNotCanonical},
		{"length of text in two bytes", "780161", cbor.ErrNotCanonical},
		{"length of array in two bytes", "980100", cbor.ErrNotCanonical},
		{"length of map in two bytes", "b8010000", cbor.ErrNotCanonical},
		{"reserved length 28", "1c", cbor.ErrNotCanonical},
		{"reserved length 30", "1e", cbor.ErrNotCanonical},
		{"indefinite bytes", "5f42010243030405ff", cbor.ErrNotCanonical},
		{"indefinite text", "7f657374726561646d696e67ff", cbor.ErrNotCanonical},
		{"indefinite array", "9fff", cbor.ErrNotCanonical},
		{"indefinite map", "bfff", cbor.ErrNotCanonical},
		{"break", "ff", cbor.ErrType},
		{"half float", "f93c00", cbor.ErrType},
		{"float", "fa47c35000", cbor.ErrType},
		{"double", "fb3ff199999999999a", cbor.ErrType},
		{"null", "f6", cbor.ErrType},
		{"undefined", "f7", cbor.ErrType},
		{"simple 16", "f0", cbor.ErrType},
		{"simple 255", "f8ff", cbor.ErrType},
		{"false in two bytes", "f814", cbor.ErrType},
		{"tag", "c11a514b67b0", cbor.ErrType},
		{"tag alone", "c0", cbor.ErrType},
		{"tag in an array", "81c100", cbor.ErrType},
		{"bignum", "c249010000000000000000", cbor.ErrType},
		{"less than int64 holds", "3b8000000000000000", cbor.ErrRange},
		{"keys descending", "a203040102", cbor.ErrKeyOrder},
		{"key twice", "a201020102", cbor.ErrKeyOrder},
		{"keys ascending in value, not in bytes", "a2181800 0a00", cbor.ErrKeyOrder},
		{"negative key", "a12000", cbor.ErrType},
		{"text key", "a1616100", cbor.ErrType},
		{"map in a map with key twice", "a101a201020102", cbor.ErrKeyOrder},
		{"not UTF-8", "61ff", nil},
		{"surrogate in UTF-8", "63eda080", nil},
		{"overlong UTF-8", "62c080", nil},
		{"not UTF-8 as a value", "a10161ff", nil},
		{"longer than memory", "5b7fffffffffffffff", cbor.ErrTruncated},
		{"longer than an int", "5bffffffffffffffff", cbor.ErrRange},
		{"array longer than memory", "9bffffffffffffffff", cbor.ErrTruncated},
		{"map longer than memory", "bbffffffffffffffff", cbor.ErrTruncated},
		{"map of more pairs than bytes", "a3", cbor.ErrTruncated},
		{"empty", "", cbor.ErrTruncated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := cbor.NewDecoder(unhex(t, tt.hex))
			got := d.Raw()
			if got != nil || d.Err() == nil || tt.want != nil && !errors.Is(d.Err(), tt.want) {
				t.Errorf("got %x, %v, want %v", got, d.Err(), tt.want)
			}
		})
	}
}

func TestDecoder_Raw_nesting(t *testing.T) {
	nest := func(head byte, n int, more ...byte) []byte {
		level := append([]byte{head}, more...)
		return append(bytes.Repeat(level, n), 0)
	}
	tests := []struct {
		name string
		in   []byte
		ok   bool
	}{
		{"15 arrays", nest(0x81, 15), true},
		{"16 arrays", nest(0x81, 16), false},
		{"15 maps", nest(0xA1, 15, 0), true},
		{"16 maps", nest(0xA1, 16, 0), false},
		{"a million arrays", nest(0x81, 1_000_000), false},
		{"a million maps", nest(0xA1, 1_000_000, 0), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := cbor.NewDecoder(tt.in)
			d.Raw()
			if got := d.Done() == nil; got != tt.ok {
				t.Errorf("got %v, want no error: %t", d.Err(), tt.ok)
			}
		})
	}
}

func TestDecoder_refuses(t *testing.T) {
	tests := []struct {
		name, hex string
		read      func(d *cbor.Decoder)
		want      error // nil: any
	}{
		{"int for uint", "20", func(d *cbor.Decoder) { d.Uint() }, cbor.ErrType},
		{"text for bytes", "6161", func(d *cbor.Decoder) { d.Bytes(9) }, cbor.ErrType},
		{"bytes for text", "4161", func(d *cbor.Decoder) { d.Text(9) }, cbor.ErrType},
		{"text for int", "6161", func(d *cbor.Decoder) { d.Int() }, cbor.ErrType},
		{"array for map", "80", func(d *cbor.Decoder) { readMap(d) }, cbor.ErrType},
		{"map for array", "a0", func(d *cbor.Decoder) { d.Array(9) }, cbor.ErrType},
		{"null for bool", "f6", func(d *cbor.Decoder) { d.Bool() }, cbor.ErrType},
		{"1 for bool", "01", func(d *cbor.Decoder) { d.Bool() }, cbor.ErrType},
		{"float for uint", "f93c00", func(d *cbor.Decoder) { d.Uint() }, cbor.ErrType},
		{"tag for uint", "c001", func(d *cbor.Decoder) { d.Uint() }, cbor.ErrType},
		{"uint over its limit", "1864", func(d *cbor.Decoder) { d.UintMax(99) }, cbor.ErrRange},
		{"over int64", "1b8000000000000000", func(d *cbor.Decoder) { d.Int() }, cbor.ErrRange},
		{"under int64", "3b8000000000000000", func(d *cbor.Decoder) { d.Int() }, cbor.ErrRange},
		{"over int32", "1a80000000", func(d *cbor.Decoder) { d.Int32() }, cbor.ErrRange},
		{"under int32", "3a80000000", func(d *cbor.Decoder) { d.Int32() }, cbor.ErrRange},
		{"bytes over their limit", "43010203", func(d *cbor.Decoder) { d.Bytes(2) }, cbor.ErrRange},
		{"text over its limit", "63616263", func(d *cbor.Decoder) { d.Text(2) }, cbor.ErrRange},
		{"text not UTF-8", "61ff", func(d *cbor.Decoder) { d.Text(9) }, nil},
		{"fixed too short", "420102", func(d *cbor.Decoder) { d.Fixed(make([]byte, 3)) }, cbor.ErrRange},
		{"fixed too long", "4401020304", func(d *cbor.Decoder) { d.Fixed(make([]byte, 3)) }, cbor.ErrRange},
		{"array over its limit", "83010203", func(d *cbor.Decoder) { d.Array(2) }, cbor.ErrRange},
		{"array shorter than asked", "820102", func(d *cbor.Decoder) { d.ArrayOf(3) }, cbor.ErrRange},
		{"map over its limit", "a201020304", func(d *cbor.Decoder) { d.Map(1, func(uint64) bool { d.Uint(); return true }) }, cbor.ErrRange},
		{"unknown key", "a10102", func(d *cbor.Decoder) { d.Map(9, func(uint64) bool { return false }) }, cbor.ErrUnknownKey},
		{"keys descending", "a203040102", func(d *cbor.Decoder) { readMap(d) }, cbor.ErrKeyOrder},
		{"key twice", "a201020102", func(d *cbor.Decoder) { readMap(d) }, cbor.ErrKeyOrder},
		{"key 0 twice", "a200020002", func(d *cbor.Decoder) { readMap(d) }, cbor.ErrKeyOrder},
		{"key not in its shortest form", "a1180102", func(d *cbor.Decoder) { readMap(d) }, cbor.ErrNotCanonical},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := cbor.NewDecoder(unhex(t, tt.hex))
			tt.read(d)
			if d.Err() == nil || tt.want != nil && !errors.Is(d.Err(), tt.want) {
				t.Fatalf("got %v, want %v", d.Err(), tt.want)
			}
			// The first error sticks: whatever is read next is zero, and the error stays the same.
			first := d.Err()
			if d.Uint() != 0 || d.Int() != 0 || d.Bytes(9) != nil || d.Text(9) != "" || d.Bool() || d.Raw() != nil || d.Array(9) != 0 {
				t.Error("a read after an error gave a value")
			}
			d.Fail(cbor.ErrTrailing)
			if d.Done() != first {
				t.Errorf("error changed: got %v, want %v", d.Err(), first)
			}
		})
	}
}

func TestDecoder_Int32(t *testing.T) {
	for _, v := range []int64{math.MinInt32, -1, 0, math.MaxInt32} {
		d := cbor.NewDecoder(cbor.AppendInt(nil, v))
		if got := d.Int32(); int64(got) != v || d.Done() != nil {
			t.Errorf("got %d, %v, want %d", got, d.Err(), v)
		}
	}
}

// A caller that appends to a string it was given must not overwrite the input behind it.
func TestDecoder_Bytes_capacity(t *testing.T) {
	b := cbor.AppendUint(cbor.AppendBytes(nil, []byte("ab")), 7)
	d := cbor.NewDecoder(b)
	s := d.Bytes(9)
	_ = append(s, 0xFF)
	if got := d.Uint(); got != 7 {
		t.Errorf("got %d, want 7", got)
	}
}
