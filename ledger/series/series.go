// Package series thins a trip's readings for a chart: of thousands it picks those that a line needs, so that the line's
// highest and lowest places stay where they were.
//
// It is a pure function. It judges nothing and makes no value up: what it returns are places of readings that are there.
package series

import (
	"cmp"
	"slices"
)

// GapMS is the shortest time without a reading that is a gap, in milliseconds.
const GapMS = 60_000

// IsGap tells whether a time without a reading, between two by the box's wall clock, is a gap in a journal that plans one
// every sampleMS: a minute or more, and more than three are missing, as the evaluation counts. A clock that ran back hides how long it was.
func IsGap(beforeMS, afterMS, sampleMS int64) bool {
	d := afterMS - beforeMS
	return d < 0 || d >= GapMS && d > 3*sampleMS
}

// Value is what one column, a probe's, holds at a reading.
type Value struct {
	Column int
	V      int32
	None   bool // the probe gave no value
}

// Reading is one reading. Its values are of different columns.
type Reading struct {
	WallMS int64 // by the box's clock
	Gap    bool  // a gap lies before it
	Values []Value
}

// Span is part of the readings, from one to another including both, in which a column's lowest and highest value and the
// span's ends must stay.
type Span struct{ Column, From, To int }

// Thin returns the places of the readings to keep, in order: all when there are at most limit. Else, of every stretch, the
// first and the last reading, and of each column the lowest, the highest and the first without a value; the readings
// beside gaps, those beside the longest limit/8 if there are more; and of each span its ends and its extremes.
//
// It keeps about limit: more only by four a span, and where one stretch alone and the gaps are more.
func Thin(readings []Reading, limit int, spans []Span) []int {
	if len(readings) <= limit {
		out := make([]int, len(readings))
		for i := range out {
			out[i] = i
		}
		return out
	}
	columns := 0
	for i := range readings {
		for _, v := range readings[i].Values {
			columns = max(columns, v.Column+1)
		}
	}
	beside := besideGaps(readings, limit/8)
	keep := make([]bool, len(readings))
	// The more stretches, the better; how many fit depends on how often one reading is several extremes.
	for stretches := max(1, (limit-len(beside))/2); ; stretches = stretches * 3 / 4 {
		clear(keep)
		for _, i := range beside {
			keep[i] = true
		}
		for k := range stretches {
			pick(readings, columns, k*len(readings)/stretches, (k+1)*len(readings)/stretches, keep)
		}
		if count(keep) <= limit || stretches <= 1 {
			break
		}
	}
	for _, s := range spans {
		keepSpan(readings, s, keep)
	}
	return places(keep)
}

// besideGaps returns the readings beside gaps; of more than limit gaps those beside the longest.
func besideGaps(readings []Reading, limit int) []int {
	var gaps []int
	for i := 1; i < len(readings); i++ {
		if readings[i].Gap {
			gaps = append(gaps, i)
		}
	}
	if len(gaps) > limit {
		length := func(i int) int64 {
			d := readings[i].WallMS - readings[i-1].WallMS
			return max(d, -d)
		}
		slices.SortStableFunc(gaps, func(a, b int) int { return cmp.Compare(length(b), length(a)) })
		gaps = gaps[:limit]
	}
	out := make([]int, 0, 2*len(gaps))
	for _, i := range gaps {
		out = append(out, i-1, i)
	}
	return out
}

// extremes are the places of a column's lowest and highest value and of the first reading without one; -1 for none.
type extremes struct{ low, high, none int }

// take looks at a value of the reading at i.
func (e *extremes) take(readings []Reading, i int, v Value) {
	if v.None {
		if e.none < 0 {
			e.none = i
		}
		return
	}
	if e.low < 0 || v.V < valueOf(&readings[e.low], v.Column) {
		e.low = i
	}
	if e.high < 0 || v.V > valueOf(&readings[e.high], v.Column) {
		e.high = i
	}
}

// valueOf returns what a reading, that has one, holds in a column.
func valueOf(r *Reading, column int) int32 {
	i := slices.IndexFunc(r.Values, func(v Value) bool { return v.Column == column })
	return r.Values[i].V
}

func (e *extremes) mark(keep []bool) {
	for _, i := range []int{e.low, e.high, e.none} {
		if i >= 0 {
			keep[i] = true
		}
	}
}

// pick marks what is kept of the stretch from one reading to before another.
func pick(readings []Reading, columns, from, to int, keep []bool) {
	if from >= to {
		return
	}
	keep[from], keep[to-1] = true, true
	found := make([]extremes, columns)
	for c := range found {
		found[c] = extremes{-1, -1, -1}
	}
	for i := from; i < to; i++ {
		for _, v := range readings[i].Values {
			found[v.Column].take(readings, i, v)
		}
	}
	for c := range found {
		found[c].mark(keep)
	}
}

func keepSpan(readings []Reading, s Span, keep []bool) {
	found := extremes{-1, -1, -1}
	for i := s.From; i <= s.To; i++ {
		for _, v := range readings[i].Values {
			if v.Column == s.Column {
				found.take(readings, i, v)
			}
		}
	}
	found.none = -1
	found.mark(keep)
	keep[s.From], keep[s.To] = true, true
}

func count(keep []bool) int {
	n := 0
	for _, k := range keep {
		if k {
			n++
		}
	}
	return n
}

func places(keep []bool) []int {
	var out []int
	for i, k := range keep {
		if k {
			out = append(out, i)
		}
	}
	return out
}
