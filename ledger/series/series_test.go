package series_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"isotherm/ledger/series"
)

// draw makes a trip: some gaps, some faults, probes that come and go.
func draw(t *rapid.T) []series.Reading {
	n := rapid.IntRange(0, 3000).Draw(t, "readings")
	probes := rapid.IntRange(1, 4).Draw(t, "probes")
	seed := rapid.SliceOfN(rapid.IntRange(-40_000, 60_000), 7, 31).Draw(t, "values")
	gapEvery := rapid.IntRange(1, 500).Draw(t, "gap every")
	faultEvery := rapid.IntRange(1, 400).Draw(t, "fault every")
	var out []series.Reading
	wall := int64(1_790_000_000_000)
	for i := range n {
		r := series.Reading{}
		before := wall
		wall += 1000
		if i%gapEvery == gapEvery-1 {
			wall += int64(60_000 + i%7*30_000)
		}
		r.WallMS = wall
		r.Gap = i > 0 && series.IsGap(before, wall, 1000)
		for p := range probes {
			column := p
			if i > n/2 { // another box
				column += probes
			}
			v := series.Value{Column: column, V: int32(seed[(i*(p+3)+i/11)%len(seed)] + i%13)}
			if (i+p)%faultEvery == 1 {
				v = series.Value{Column: column, None: true}
			}
			r.Values = append(r.Values, v)
		}
		out = append(out, r)
	}
	return out
}

// ends are the lowest and the highest value of a column in part of the readings, and whether it lacks one somewhere.
func ends(readings []series.Reading, places []int, column int) string {
	low, high, none, some := int32(0), int32(0), false, false
	for _, i := range places {
		for _, v := range readings[i].Values {
			switch {
			case v.Column != column:
			case v.None:
				none = true
			case !some:
				low, high, some = v.V, v.V, true
			default:
				low, high = min(low, v.V), max(high, v.V)
			}
		}
	}
	return fmt.Sprint(low, high, none, some)
}

func upTo(from, to int) []int {
	var out []int
	for i := from; i <= to; i++ {
		out = append(out, i)
	}
	return out
}

func within(places []int, from, to int) []int {
	var out []int
	for _, i := range places {
		if from <= i && i <= to {
			out = append(out, i)
		}
	}
	return out
}

func TestThin_properties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		readings := draw(t)
		limit := rapid.IntRange(100, 1500).Draw(t, "limit")
		var spans []series.Span
		if n := len(readings); n > 0 {
			for range rapid.IntRange(0, 5).Draw(t, "spans") {
				from := rapid.IntRange(0, n-1).Draw(t, "from")
				spans = append(spans, series.Span{Column: rapid.IntRange(0, 7).Draw(t, "column"), From: from, To: rapid.IntRange(from, n-1).Draw(t, "to")})
			}
		}
		got := series.Thin(readings, limit, spans)

		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Fatalf("not in order, or twice: %v", got)
		}
		if len(readings) <= limit && len(got) != len(readings) {
			t.Fatalf("%d of %d readings, all fit into %d", len(got), len(readings), limit)
		}
		if most := limit + 4*len(spans); len(got) > most {
			t.Fatalf("%d of %d readings, want at most %d", len(got), len(readings), most)
		}
		if len(readings) == 0 {
			return
		}
		if got[0] != 0 || got[len(got)-1] != len(readings)-1 {
			t.Fatalf("from %d to %d of %d", got[0], got[len(got)-1], len(readings))
		}
		all := upTo(0, len(readings)-1)
		for column := range 8 {
			if g, w := ends(readings, got, column), ends(readings, all, column); g != w {
				t.Fatalf("column %d has %s, want %s", column, g, w)
			}
		}
		for _, s := range spans {
			low := func(places []int) string {
				e := ends(readings, within(places, s.From, s.To), s.Column)
				var a, b, none, some string
				_, _ = fmt.Sscan(e, &a, &b, &none, &some)
				return a + " " + b
			}
			if g, w := low(got), low(all); g != w {
				t.Fatalf("span %+v has %s, want %s", s, g, w)
			}
			if !slices.Contains(got, s.From) || !slices.Contains(got, s.To) {
				t.Fatalf("ends of span %+v are lost", s)
			}
		}
		checkGaps(t, readings, got, limit)
	})
}

// checkGaps: the readings on both sides of a gap stay; of too many gaps the longest do.
func checkGaps(t *rapid.T, readings []series.Reading, got []int, limit int) {
	kept := map[int]bool{}
	for _, i := range got {
		kept[i] = true
	}
	gaps, shortest, longestLost := 0, int64(1<<62), int64(0)
	for i, r := range readings {
		if !r.Gap {
			continue
		}
		gaps++
		length := r.WallMS - readings[i-1].WallMS
		if kept[i] && kept[i-1] {
			shortest = min(shortest, length)
		} else {
			longestLost = max(longestLost, length)
		}
	}
	if gaps <= limit/8 && longestLost > 0 {
		t.Fatalf("a gap of %d ms is bridged", longestLost)
	}
	if longestLost > 0 && longestLost > 60_000+1000+6*30_000 {
		t.Fatalf("a gap of %d ms is bridged", longestLost)
	}
}

// Of too many gaps the longest stay.
func TestThin_longestGaps(t *testing.T) {
	var readings []series.Reading
	wall := int64(0)
	for i := range 1000 {
		step := int64(61_000)
		if i%100 == 50 {
			step = 600_000
		}
		before := wall
		wall += step
		readings = append(readings, series.Reading{WallMS: wall, Gap: i > 0 && series.IsGap(before, wall, 1000), Values: []series.Value{{V: 5}}})
	}
	got := series.Thin(readings, 100, nil)
	for i := 50; i < 1000; i += 100 {
		if !slices.Contains(got, i-1) || !slices.Contains(got, i) {
			t.Errorf("gap of 10 min before reading %d is bridged", i)
		}
	}
	if len(got) > 100 {
		t.Errorf("%d readings, want at most 100", len(got))
	}
}

// A second of fault among an hour of values breaks the line.
func TestThin_fault(t *testing.T) {
	var readings []series.Reading
	for i := range 3600 {
		readings = append(readings, series.Reading{WallMS: int64(i) * 1000, Values: []series.Value{{V: 5000, None: i == 1234}}})
	}
	if got := series.Thin(readings, 100, nil); !slices.Contains(got, 1234) {
		t.Errorf("the fault is not among %v", got)
	}
}

func TestIsGap(t *testing.T) {
	for _, c := range []struct {
		before, after, sample int64
		want                  bool
	}{
		{0, 59_999, 1000, false},
		{0, 60_000, 1000, true},
		{0, 60_000, 20_000, false}, // three were planned
		{0, 60_001, 20_000, true},
		{0, 300_000, 300_000, false}, // one in five minutes
		{5, 4, 1000, true},           // the clock ran back
		{5, 5, 1000, false},
		{0, 60_000, 0, true},
	} {
		if got := series.IsGap(c.before, c.after, c.sample); got != c.want {
			t.Errorf("IsGap(%d, %d, %d) = %t, want %t", c.before, c.after, c.sample, got, c.want)
		}
	}
}

func TestThin_all(t *testing.T) {
	readings := []series.Reading{{WallMS: 1}, {WallMS: 2}, {WallMS: 3}}
	if diff := cmp.Diff([]int{0, 1, 2}, series.Thin(readings, 3, nil)); diff != "" {
		t.Error(diff)
	}
	if got := series.Thin(nil, 100, nil); len(got) != 0 {
		t.Errorf("nothing thinned is %v", got)
	}
}

// A trip of 12 hours at one reading a second from three probes.
func BenchmarkThin(b *testing.B) {
	var readings []series.Reading
	for i := range 43_200 {
		r := series.Reading{WallMS: int64(i) * 1000}
		for c := range 3 {
			r.Values = append(r.Values, series.Value{Column: c, V: int32((i*7919 + c*31) % 9000)})
		}
		readings = append(readings, r)
	}
	spans := []series.Span{{Column: 0, From: 100, To: 900}}
	for b.Loop() {
		series.Thin(readings, 2000, spans)
	}
}
