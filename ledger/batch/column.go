package batch

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"
)

// A column is the values of one field, record after record. It is written as a head byte, then as many first values as
// its order says, a base, a scale, and for every further value the difference of that order, less the base, divided by
// the scale:
//
//	order 0: the value; order 1: the difference to the one before; order 2: the difference of two differences
//
// The writer tries the three orders and keeps the shortest. The base takes away a steady step (10,000 ms between
// readings), the scale a coarse unit (0.1 °C), so that most of what is left fits one byte or is gone. All arithmetic wraps
// at 64 bits, so that it undoes itself exactly for any values.
const (
	columnOrder    = 0x03 // mask of the order
	columnConstant = 0x04 // all that would follow is zero, and is left out
	columnBase     = 0x08 // a base follows
	columnScale    = 0x10 // a scale follows
	columnKnown    = columnOrder | columnConstant | columnBase | columnScale
)

var errColumn = errors.New("column is malformed")

func zigzag(v int64) uint64   { return uint64(v)<<1 ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

func appendVarint(b []byte, v int64) []byte { return binary.AppendUvarint(b, zigzag(v)) }

// appendColumn writes the values; no values take no bytes.
func appendColumn(b []byte, values []int64) []byte {
	if len(values) == 0 {
		return b
	}
	best := newPlan(values, 0)
	for order := 1; order <= 2 && order < len(values); order++ {
		if p := newPlan(values, order); p.cost < best.cost {
			best = p
		}
	}
	return best.append(b, values)
}

// plan is one way to write a column.
type plan struct {
	order  int
	base   int64
	scale  int64
	rest   []int64 // what is written for the values past the first ones
	cost   int     // estimate of its length in bits after compression
	steady bool    // rest is all zero
}

func newPlan(values []int64, order int) plan {
	rest := slices.Clone(values)
	for k := range order {
		for i := len(rest) - 1; i > k; i-- {
			rest[i] -= rest[i-1]
		}
	}
	rest = rest[order:]
	sorted := slices.Clone(rest)
	slices.Sort(sorted)
	p := plan{order: order, base: sorted[len(sorted)/2], rest: rest, steady: true}
	for i := range rest {
		rest[i] -= p.base
		p.scale = gcd(p.scale, rest[i])
		p.steady = p.steady && rest[i] == 0
	}
	if p.scale <= 0 {
		p.scale = 1
	}
	p.cost = 16 * order
	for i := range rest {
		rest[i] /= p.scale
		p.cost += 2 * bits.Len64(zigzag(rest[i]))
	}
	return p
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	if a < 0 {
		return -a
	}
	return a
}

func (p plan) append(b []byte, values []int64) []byte {
	head := byte(p.order)
	if p.steady {
		head |= columnConstant
	}
	if p.base != 0 {
		head |= columnBase
	}
	if p.scale != 1 {
		head |= columnScale
	}
	b = append(b, head)
	for _, v := range values[:p.order] {
		b = appendVarint(b, v)
	}
	if p.base != 0 {
		b = appendVarint(b, p.base)
	}
	if p.scale != 1 {
		b = binary.AppendUvarint(b, uint64(p.scale))
	}
	if p.steady {
		return b
	}
	for _, v := range p.rest {
		b = appendVarint(b, v)
	}
	return b
}

// reader reads a body. The first error sticks.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
		r.b = nil
	}
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail(errColumn)
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail(errColumn)
		return 0
	}
	r.b = r.b[n:]
	return v
}

// column reads n values, n being at most MaxRecords. Memory is taken only after the bytes for it were seen, or for a
// constant column, which is why n is bounded.
func (r *reader) column(n int) []int64 {
	if n == 0 || r.err != nil {
		return nil
	}
	head := r.byte()
	order := int(head & columnOrder)
	steady := head&columnConstant != 0
	if head&^columnKnown != 0 || order > 2 || order > n || !steady && len(r.b) < n {
		r.fail(errColumn)
		return nil
	}
	out := make([]int64, n)
	for i := range order {
		out[i] = unzigzag(r.uvarint())
	}
	base, scale := int64(0), int64(1)
	if head&columnBase != 0 {
		base = unzigzag(r.uvarint())
	}
	if head&columnScale != 0 {
		scale = int64(r.uvarint())
	}
	if steady {
		for i := order; i < n; i++ {
			out[i] = base
		}
	} else {
		r.residuals(out[order:], base, scale)
	}
	if r.err != nil {
		return nil
	}
	sum(out, order)
	return out
}

// residuals is the inner loop of decoding: most values take one byte.
func (r *reader) residuals(out []int64, base, scale int64) {
	b := r.b
	for i := range out {
		if len(b) > 0 && b[0] < 0x80 {
			out[i] = unzigzag(uint64(b[0]))*scale + base
			b = b[1:]
			continue
		}
		v, n := binary.Uvarint(b)
		if n <= 0 {
			r.fail(errColumn)
			return
		}
		out[i] = unzigzag(v)*scale + base
		b = b[n:]
	}
	r.b = b
}

// sum turns differences back into values. Its first values are not differences.
func sum(out []int64, order int) {
	switch order {
	case 1:
		for i := 1; i < len(out); i++ {
			out[i] += out[i-1]
		}
	case 2:
		if len(out) < 2 {
			return
		}
		step := out[1] - out[0]
		for i := 2; i < len(out); i++ {
			step += out[i]
			out[i] = out[i-1] + step
		}
	}
}
