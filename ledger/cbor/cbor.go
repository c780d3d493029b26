// Package cbor writes and reads the one form of CBOR that isotherm signs and hashes: deterministic encoding as in RFC
// 8949 section 4.2.1, with integers, byte strings, text, arrays, maps with unsigned keys, and booleans. No floats, no
// tags, no indefinite lengths.
//
// It is hand-written because every leaf of every journal passes through it: reflection measured ten times slower. The
// decoder accepts exactly what the encoder can write, so equal meaning has equal bytes.
package cbor

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// Major types of RFC 8949 section 3.1, in the position they have in the initial byte.
const (
	majorUint  = 0 << 5
	majorNeg   = 1 << 5
	majorBytes = 2 << 5
	majorText  = 3 << 5
	majorArray = 4 << 5
	majorMap   = 5 << 5
	majorOther = 7 << 5

	simpleFalse = majorOther | 20
	simpleTrue  = majorOther | 21
)

func appendHead(b []byte, major byte, v uint64) []byte {
	switch {
	case v < 24:
		return append(b, major|byte(v))
	case v <= 0xFF:
		return append(b, major|24, byte(v))
	case v <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(v))
	case v <= 0xFFFFFFFF:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(v))
	default:
		return binary.BigEndian.AppendUint64(append(b, major|27), v)
	}
}

// AppendUint writes an unsigned integer.
func AppendUint(b []byte, v uint64) []byte { return appendHead(b, majorUint, v) }

// AppendInt writes a signed integer.
func AppendInt(b []byte, v int64) []byte {
	if v < 0 {
		return appendHead(b, majorNeg, uint64(-(v + 1)))
	}
	return appendHead(b, majorUint, uint64(v))
}

// AppendBytes writes a byte string.
func AppendBytes(b, v []byte) []byte { return append(appendHead(b, majorBytes, uint64(len(v))), v...) }

// AppendText writes a text string; v must be valid UTF-8, or no decoder takes it back.
func AppendText(b []byte, v string) []byte {
	return append(appendHead(b, majorText, uint64(len(v))), v...)
}

// AppendArray writes the head of an array of n items, which the caller writes next.
func AppendArray(b []byte, n int) []byte { return appendHead(b, majorArray, uint64(n)) }

// AppendMap writes the head of a map of n pairs, which the caller writes next, keys ascending.
func AppendMap(b []byte, n int) []byte { return appendHead(b, majorMap, uint64(n)) }

// AppendBool writes true or false.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, simpleTrue)
	}
	return append(b, simpleFalse)
}

// Errors of the decoder; they come wrapped with the offset.
var (
	ErrTruncated    = errors.New("ends in the middle of an item")
	ErrNotCanonical = errors.New("not in the shortest form")
	ErrType         = errors.New("has another type than expected")
	ErrRange        = errors.New("is out of range")
	ErrKeyOrder     = errors.New("map keys are not ascending")
	ErrUnknownKey   = errors.New("map has an unknown key")
	ErrTrailing     = errors.New("has bytes after its end")

	errNotText = errors.New("text is not valid UTF-8")
)

// Decoder reads items one after another. The first error sticks: every later read returns a zero value, so that a
// reader checks once, with Err or Done. It keeps no copy: byte strings point into the input.
type Decoder struct {
	b   []byte
	off int
	err error
}

// NewDecoder returns a decoder of b.
func NewDecoder(b []byte) *Decoder { return &Decoder{b: b} }

// Err returns the first error, or nil.
func (d *Decoder) Err() error { return d.err }

// Done returns the first error, or ErrTrailing when bytes are left over.
func (d *Decoder) Done() error {
	if d.err == nil && d.off != len(d.b) {
		d.fail(ErrTrailing)
	}
	return d.err
}

// Fail makes the decoder fail with err, for a reader that found a value it can't accept.
func (d *Decoder) Fail(err error) { d.fail(err) }

func (d *Decoder) fail(err error) {
	if d.err == nil {
		d.err = fmt.Errorf("cbor at byte %d: %w", d.off, err)
	}
}

func (d *Decoder) head() (major byte, v uint64) {
	if d.err != nil {
		return 0, 0
	}
	if d.off >= len(d.b) {
		d.fail(ErrTruncated)
		return 0, 0
	}
	c := d.b[d.off]
	major, info := c&0xE0, c&0x1F
	if major == majorOther || info < 24 {
		d.off++
		return major, uint64(info)
	}
	if info > 27 {
		d.fail(ErrNotCanonical)
		return 0, 0
	}
	size := 1 << (info - 24)
	if len(d.b)-d.off-1 < size {
		d.fail(ErrTruncated)
		return 0, 0
	}
	for _, x := range d.b[d.off+1 : d.off+1+size] {
		v = v<<8 | uint64(x)
	}
	smallest := [...]uint64{24, 1 << 8, 1 << 16, 1 << 32}[info-24]
	if v < smallest {
		d.fail(ErrNotCanonical)
		return 0, 0
	}
	d.off += 1 + size
	return major, v
}

func (d *Decoder) expect(want byte) uint64 {
	start := d.off
	major, v := d.head()
	if d.err == nil && major != want {
		d.off = start
		d.fail(ErrType)
	}
	if d.err != nil {
		return 0
	}
	return v
}

// Uint reads an unsigned integer.
func (d *Decoder) Uint() uint64 { return d.expect(majorUint) }

// UintMax reads an unsigned integer of at most limit.
func (d *Decoder) UintMax(limit uint64) uint64 {
	v := d.Uint()
	if v > limit {
		d.fail(ErrRange)
		return 0
	}
	return v
}

// Int reads a signed integer.
func (d *Decoder) Int() int64 {
	start := d.off
	major, v := d.head()
	if d.err != nil {
		return 0
	}
	if major != majorUint && major != majorNeg {
		d.off = start
		d.fail(ErrType)
		return 0
	}
	if v > 1<<63-1 {
		d.fail(ErrRange)
		return 0
	}
	if major == majorNeg {
		return -int64(v) - 1
	}
	return int64(v)
}

// Int32 reads a signed integer of 32 bits.
func (d *Decoder) Int32() int32 {
	v := d.Int()
	if int64(int32(v)) != v {
		d.fail(ErrRange)
		return 0
	}
	return int32(v)
}

// Bytes reads a byte string of at most limit bytes. The result points into the input; it is nil when empty.
func (d *Decoder) Bytes(limit int) []byte { return d.str(majorBytes, limit) }

// Fixed reads a byte string of exactly len(dst) bytes into dst.
func (d *Decoder) Fixed(dst []byte) {
	b := d.str(majorBytes, len(dst))
	if d.err == nil && len(b) != len(dst) {
		d.fail(ErrRange)
		return
	}
	copy(dst, b)
}

// Text reads a text string of at most limit bytes.
func (d *Decoder) Text(limit int) string {
	b := d.str(majorText, limit)
	if !utf8.Valid(b) {
		d.fail(errNotText)
		return ""
	}
	return string(b)
}

func (d *Decoder) str(major byte, limit int) []byte {
	n := d.expect(major)
	if d.err != nil {
		return nil
	}
	if n > uint64(limit) {
		d.fail(ErrRange)
		return nil
	}
	if n > uint64(len(d.b)-d.off) {
		d.fail(ErrTruncated)
		return nil
	}
	if n == 0 {
		return nil
	}
	s := d.b[d.off : d.off+int(n) : d.off+int(n)]
	d.off += int(n)
	return s
}

// Array reads the head of an array of at most limit items and returns their number.
func (d *Decoder) Array(limit int) int {
	n := d.expect(majorArray)
	if n > uint64(limit) {
		d.fail(ErrRange)
		return 0
	}
	return int(n)
}

// ArrayOf reads the head of an array of exactly n items.
func (d *Decoder) ArrayOf(n int) {
	if got := d.Array(n); d.err == nil && got != n {
		d.fail(ErrRange)
	}
}

// Bool reads true or false.
func (d *Decoder) Bool() bool {
	if d.err != nil {
		return false
	}
	if d.off >= len(d.b) {
		d.fail(ErrTruncated)
		return false
	}
	c := d.b[d.off]
	if c != simpleTrue && c != simpleFalse {
		d.fail(ErrType)
		return false
	}
	d.off++
	return c == simpleTrue
}

// Map reads a map of at most limit pairs with strictly ascending unsigned keys. For every key it calls read, which
// must consume the value and return true, or return false for a key it does not know, which is an error.
func (d *Decoder) Map(limit int, read func(key uint64) bool) {
	n := d.expect(majorMap)
	if n > uint64(limit) {
		d.fail(ErrRange)
		return
	}
	last, first := uint64(0), true
	for range n {
		key := d.Uint()
		if d.err != nil {
			return
		}
		if !first && key <= last {
			d.fail(ErrKeyOrder)
			return
		}
		last, first = key, false
		if !read(key) {
			d.fail(fmt.Errorf("key %d: %w", key, ErrUnknownKey))
		}
		if d.err != nil {
			return
		}
	}
}

// maxSkipDepth bounds nesting while skipping, so that a hostile input can't exhaust the stack.
const maxSkipDepth = 16

// Raw returns the bytes of the next item, whatever it is, and moves past it. Like every other read, it takes only what
// the encoder can write.
func (d *Decoder) Raw() []byte {
	start := d.off
	d.skip(maxSkipDepth)
	if d.err != nil {
		return nil
	}
	return d.b[start:d.off:d.off]
}

func (d *Decoder) skip(depth int) {
	if depth == 0 {
		d.fail(ErrRange)
		return
	}
	start := d.off
	major, v := d.head()
	if d.err != nil {
		return
	}
	switch major {
	case majorUint:
	case majorNeg:
		if v > 1<<63-1 {
			d.fail(ErrRange)
		}
	case majorBytes, majorText:
		d.off = start
		if s := d.str(major, math.MaxInt); major == majorText && !utf8.Valid(s) {
			d.fail(errNotText)
		}
	case majorArray:
		if v > uint64(len(d.b)) { // every item takes at least a byte
			d.fail(ErrTruncated)
			return
		}
		for range v {
			d.skip(depth - 1)
			if d.err != nil {
				return
			}
		}
	case majorMap:
		if v > uint64(len(d.b)) {
			d.fail(ErrTruncated)
			return
		}
		d.off = start
		d.Map(math.MaxInt, func(uint64) bool {
			d.skip(depth - 1)
			return true
		})
	default:
		if c := d.b[start]; c != simpleTrue && c != simpleFalse { // a tag, a float, null, undefined
			d.off = start
			d.fail(ErrType)
		}
	}
}
