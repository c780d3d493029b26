package node

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/ledger/series"
)

// journey is a judged case of one box with three probes, whose readings draw makes.
type journey struct {
	acts []custody.Entered
	part bundle.Part
	boot *record.Boot
}

func newJourney(t *testing.T) *journey {
	m := newMoved(t)
	p := &profile.Profile{Name: "test", Version: 1, ProbePlace: "organ", LowMC: 2000, HighMC: 8000, SettleMS: 60_000, Rules: []profile.Rule{
		{Name: "too cold", Kind: profile.Below, Severity: profile.High, LimitMC: 2000, HysteresisMC: 300, DelayMS: 30_000},
		{Name: "too warm", Kind: profile.Above, Severity: profile.High, LimitMC: 8000, HysteresisMC: 300, DelayMS: 60_000},
		{Name: "warm total", Kind: profile.AboveTotal, Severity: profile.Medium, LimitMC: 8000, DelayMS: 300_000}}}
	pack := m.sign(custody.Statement{Kind: custody.Pack, Shipment: m.id, Organ: custody.Liver, Box: m.first.id, Head: m.first.head(t, packAt), Profile: p.Marshal()}, m.courier, m.open)
	whole := bundle.Span{From: packAt, End: bundle.NoEnd}
	return &journey{acts: []custody.Entered{{Act: m.open, Index: 1}, {Act: pack, Index: 2}},
		part: bundle.Part{Box: m.first.id, Incarnation: m.first.inc, Whole: whole, Spans: []bundle.Span{whole}},
		boot: &record.Boot{BootCount: 1, SampleMS: 1000, Probes: []record.Probe{{Number: 0, Place: "organ"}, {Number: 1, Place: "lid"}, {Number: 2, Place: "outside"}}}}
}

// trip returns the case with n readings, one a second but for gaps. temp is in milli-°C; ok false is a fault.
func (j *journey) trip(n int, gapAt func(i int) int64, temp func(i, probe int) (mc int32, ok bool)) *shipmentCase {
	c := &shipmentCase{state: custody.Fold(j.acts), journals: []journalPart{{Part: j.part, boot: j.boot, size: int64(packAt + n), read: int64(packAt + n)}}}
	ms := int64(1_790_000_000_000)
	for i := range n {
		ms += 1000 + gapAt(i)
		r := &record.Record{Seq: uint64(packAt + i), Kind: record.KindReading, Reading: &record.Reading{},
			At: record.Stamp{MonoMS: uint64(ms - 1_790_000_000_000), WallMS: ms, Quality: record.ClockNTP}}
		for probe := range 3 {
			s := record.Sample{Probe: uint8(probe)}
			if mc, ok := temp(i, probe); ok {
				s.TempMC = mc
			} else {
				s.Fault = 3
			}
			r.Reading.Samples = append(r.Reading.Samples, s)
		}
		r.Reading.Fix = &record.Fix{Quality: 1, LatE7: int32(472_000_000 + i*100), LonE7: int32(85_000_000 + i%700*150), HDOPx100: 90}
		c.journals[0].records = append(c.journals[0].records, r)
	}
	c.judge()
	return c
}

// TestNode_Series_properties: whatever the readings are, the chart keeps what a judge looks at.
func TestNode_Series_properties(t *testing.T) {
	j := newJourney(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4000).Draw(t, "readings")
		swing := rapid.SliceOfN(rapid.Int32Range(-3000, 14_000), 2, 12).Draw(t, "swing")
		every, faults := rapid.IntRange(20, 400).Draw(t, "stretch"), rapid.IntRange(2, 500).Draw(t, "faults")
		gaps := rapid.IntRange(200, 2000).Draw(t, "gaps")
		c := j.trip(n, func(i int) int64 {
			if i%gaps == gaps-1 {
				return int64(i%5) * 40_000
			}
			return 0
		}, func(i, probe int) (int32, bool) {
			return swing[(i/every+probe)%len(swing)] + int32(i*37%211), i%faults != 1 || probe == 2
		})
		if c.judged == nil {
			t.Fatal(c.trouble)
		}
		points := rapid.IntRange(MinPoints, 1000).Draw(t, "points")
		s := c.series(SeriesQuery{Points: points})
		if most := points + 8*len(c.judged.Excursions); len(s.WallMS) > most || s.Total != int64(n) {
			t.Fatalf("%d of %d readings, want at most %d of %d", len(s.WallMS), s.Total, most, n)
		}
		if !slices.IsSorted(s.WallMS) {
			t.Fatal("not in order")
		}
		for _, x := range c.judged.Excursions {
			peak := false
			for i, ms := range s.WallMS {
				v := s.Probes[x.Probe].MC[i]
				peak = peak || v != nil && *v == x.ExtremeMC && x.Began.WallMS <= ms && ms <= x.Ended.WallMS
			}
			if !peak {
				t.Fatalf("%s of probe %d: its extreme of %d is lost", x.Rule.Name, x.Probe, x.ExtremeMC)
			}
		}
		for _, g := range c.judged.Report.Gaps {
			if len(c.judged.Report.Gaps) > points/8 || g.To.WallMS-g.From.WallMS < series.GapMS {
				continue
			}
			if _, ok := slices.BinarySearch(s.WallMS, g.From.WallMS); !ok {
				t.Fatalf("the reading before the gap at %d is lost", g.From.WallMS)
			}
			if _, ok := slices.BinarySearch(s.WallMS, g.To.WallMS); !ok {
				t.Fatalf("the reading after the gap at %d is lost", g.To.WallMS)
			}
		}
		checkProbes(t, c, s)
	})
}

// checkProbes compares each probe's extremes with those of all readings.
func checkProbes(t *rapid.T, c *shipmentCase, s *Series) {
	for probe := range 3 {
		low, high := int32(1<<30), int32(-1<<30)
		for _, r := range c.journals[0].records {
			if v := r.Reading.Samples[probe]; v.Fault == 0 {
				low, high = min(low, v.TempMC), max(high, v.TempMC)
			}
		}
		gotLow, gotHigh := int32(1<<30), int32(-1<<30)
		for _, v := range s.Probes[probe].MC {
			if v != nil {
				gotLow, gotHigh = min(gotLow, *v), max(gotHigh, *v)
			}
		}
		if low != gotLow || high != gotHigh {
			t.Fatalf("probe %d is from %d to %d, want %d to %d", probe, gotLow, gotHigh, low, high)
		}
	}
}

// TestNode_Series_twoBoxes follows an organ through two boxes and back, in the order of its way.
func TestNode_Series_twoBoxes(t *testing.T) {
	m := newMoved(t)
	m.submit(m.open)
	m.submit(m.pack)
	m.deliver(m.first, 0, 41)
	m.deliver(m.second, 0, 41)
	m.submit(m.move)
	back := m.sign(custody.Statement{Kind: custody.Move, Shipment: m.id, Segment: custody.MovedBox, Reason: custody.BoxFault, Head: m.second.head(t, 41),
		NewBox: m.first.id, NewHead: m.first.head(t, 38)}, m.courier, m.move)
	m.submit(back)
	s, at, err := m.Series(t.Context(), as(m.coordinator), m.id, SeriesQuery{Points: 100})
	if err != nil || at.Node != "node-1" {
		t.Fatal(at, err)
	}
	if diff := cmp.Diff([]string{"0 0 organ true 25 of 58 from 0", "1 0 organ true 30 of 58 from 25", "2 0 organ true 3 of 58 from 55"}, columnsOf(s)); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if s.Total != 58 || len(s.WallMS) != 58 || len(s.Late) != 58 {
		t.Errorf("got %d readings, %d times, %d late, want 58", s.Total, len(s.WallMS), len(s.Late))
	}
	part, _, err := m.Series(t.Context(), as(m.coordinator), m.id, SeriesQuery{Points: 100, FromMS: 12_000, ToMS: 15_000})
	if err != nil || !slices.Equal(part.WallMS, []int64{12_000, 13_000, 14_000, 12_000, 13_000, 14_000}) {
		t.Errorf("three seconds of both boxes: got %v, %v", part.WallMS, err)
	}
	reads := 0
	for range m.chain(entry.Case(m.id), entry.KindCaseRead) {
		reads++
	}
	if reads != 1 {
		t.Errorf("reads of the case: got %d entries, want 1 an hour", reads)
	}
	for _, q := range []SeriesQuery{{Points: 99}, {Points: 50_001}, {Points: 100, FromMS: 5, ToMS: 5}} {
		_, _, err := m.Series(t.Context(), as(m.coordinator), m.id, q)
		want(t, fmt.Sprintf("%+v", q), err, ledger.CodeInvalid)
	}
}

// columnsOf says of each probe on how many readings it has a value, and on which first.
func columnsOf(s *Series) []string {
	var out []string
	for _, p := range s.Probes {
		first, n := -1, 0
		for i, v := range p.MC {
			if v != nil {
				if first < 0 {
					first = i
				}
				n++
			}
		}
		out = append(out, fmt.Sprintf("%d %d %s %t %d of %d from %d", p.Part, p.Number, p.Place, p.Judged, n, len(p.MC), first))
	}
	return out
}

// TestNode_Series_unjudged shows a trip that can't be judged all the same.
func TestNode_Series_unjudged(t *testing.T) {
	c := newJourney(t).trip(50, func(int) int64 { return 0 }, func(i, _ int) (int32, bool) { return int32(i), true })
	c.judged, c.trouble = nil, errTooLong
	s := c.series(SeriesQuery{Points: 100})
	if s.Total != 50 || len(s.Probes) != 3 || s.Probes[0].Judged || s.Probes[0].Place != "organ" {
		t.Errorf("got %d readings of %d probes, %+v", s.Total, len(s.Probes), s.Probes[0])
	}
}

// TestNode_Series_twelveHours thins 12 hours at one reading a second from three probes, and says how long that takes.
func TestNode_Series_twelveHours(t *testing.T) {
	const n = 43_200
	c := newJourney(t).trip(n, func(int) int64 { return 0 }, func(i, probe int) (int32, bool) {
		if i == 31_234 && probe == 0 {
			return 1900, true // one second too cold: no excursion, and still to be seen
		}
		return 4000 + int32(i*37%1500) + int32(probe*700), true
	})
	begin := time.Now()
	s := c.series(SeriesQuery{Points: 2000})
	t.Logf("%d of %d readings in %s", len(s.WallMS), s.Total, time.Since(begin).Round(time.Millisecond))
	if s.Total != n || len(s.WallMS) > 2000 || len(s.WallMS) < 1500 || len(s.Fixes) > 2000 || len(s.Fixes) < 1000 {
		t.Errorf("got %d of %d readings and %d positions, want about 2000 each", len(s.WallMS), s.Total, len(s.Fixes))
	}
	if !slices.ContainsFunc(s.Probes[0].MC, func(v *int32) bool { return *v == 1900 }) {
		t.Error("the lowest value is lost")
	}
	if all := c.series(SeriesQuery{Points: MaxPoints}); len(all.WallMS) != n {
		t.Errorf("all: got %d readings", len(all.WallMS))
	}
}
