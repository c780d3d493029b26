package excursion_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// fullProfile has every kind of rule.
func fullProfile() *profile.Profile {
	p := testProfile()
	p.Rules = append([]profile.Rule{
		{Name: "cold in total", Kind: profile.BelowTotal, Severity: profile.Low, LimitMC: 4000, DelayMS: 60_000},
		{Name: "cold area", Kind: profile.BelowArea, Severity: profile.Low, LimitMC: 4100, AreaMKMin: 700},
	}, p.Rules...)
	p.Rules = append(p.Rules,
		profile.Rule{Name: "warm in total", Kind: profile.AboveTotal, Severity: profile.Low, LimitMC: 7999, DelayMS: 100_000},
		profile.Rule{Name: "warm area", Kind: profile.AboveArea, Severity: profile.Low, LimitMC: 8000, AreaMKMin: 1000})
	return p
}

// drawTrip draws the steps of a trip: mostly readings of two probes around the limits, with faults, gaps, restarts,
// power cuts, wall clocks that jump, changes of segment, and sometimes the opening of the box.
func drawTrip(rt *rapid.T) []step {
	var out []step
	mono, wall, power, seq := uint64(0), startWall, byte(1), uint64(0)
	quality := record.ClockNTP
	add := func(r record.Record) {
		r.Seq, r.At = seq, record.Stamp{MonoMS: mono, WallMS: wall, Quality: quality}
		seq++
		out = append(out, step{record: &r})
	}
	boot := func() {
		add(record.Record{Kind: record.KindBoot, Boot: &record.Boot{BootID: [16]byte{power}, SampleMS: 10_000,
			Probes: []record.Probe{{Number: 1, Place: "organ", Certificate: "C", UntilMS: startWall + 600_000}, {Number: 2, Place: rapid.SampledFrom([]string{"organ", "organ", "box"}).Draw(rt, "place")}, {Number: 3, Place: "box"}}}})
	}
	powerUp := func() {
		mono, power = rapid.Uint64Range(0, 5000).Draw(rt, "mono"), power+1
		wall += rapid.Int64Range(-600_000, 600_000).Draw(rt, "clock")
		quality = rapid.SampledFrom([]record.ClockQuality{record.ClockUnset, record.ClockNTP, record.ClockNTP}).Draw(rt, "quality")
	}
	boot()
	for range rapid.IntRange(1, 120).Draw(rt, "records") {
		by := rapid.SampledFrom([]uint64{0, 10_000, 10_000, 30_000, 60_000, 130_000, 700_000}).Draw(rt, "ms")
		mono, wall = mono+by, wall+int64(by)
		switch rapid.IntRange(0, 29).Draw(rt, "what") {
		case 0:
			boot()
		case 1:
			powerUp()
			boot()
		case 2:
			add(record.Record{Kind: record.KindGap, Gap: &record.Gap{Reason: record.GapSuspended}})
		case 3:
			wall += rapid.Int64Range(-600_000, 600_000).Draw(rt, "clock")
		case 4:
			add(record.Record{Kind: record.KindShutdown, Shutdown: &record.Shutdown{}})
		case 5:
			out = append(out, step{do: func(e *excursion.Evaluator) []excursion.Change {
				changes := e.EndSegment()
				e.StartSegment("", "moved")
				return changes
			}})
			seq = 0
			powerUp()
			boot()
		case 6:
			if rapid.IntRange(0, 3).Draw(rt, "open") == 0 {
				out = append(out, step{do: func(e *excursion.Evaluator) []excursion.Change { return e.Open() }})
			}
		default:
			add(record.Record{Kind: record.KindReading, Reading: drawReading(rt)})
		}
	}
	return out
}

func drawReading(rt *rapid.T) *record.Reading {
	r := &record.Reading{}
	for n := uint8(1); n <= 3; n++ {
		s := record.Sample{Probe: n, TempMC: rapid.SampledFrom([]int32{3000, 3999, 4000, 4199, 4200, 5000, 7800, 7801, 8000, 8001, 9000}).Draw(rt, "mC")}
		switch rapid.IntRange(0, 9).Draw(rt, "fault") {
		case 0:
			s = record.Sample{Probe: n, Fault: 1}
		case 1:
			continue
		}
		r.Samples = append(r.Samples, s)
	}
	return r
}

// said is a change as it was when it was returned.
type said struct {
	Rule   string
	Probe  uint8
	Closed bool
	Began  excursion.Moment
}

func run(e *excursion.Evaluator, steps []step) []said {
	var out []said
	for _, s := range steps {
		for _, c := range s.run(e) {
			out = append(out, said{c.Excursion.Rule.Name, c.Excursion.Probe, c.Closed, c.Excursion.Began})
		}
	}
	return out
}

// copied returns what a report says now: a later Step changes the report itself.
func copied(t interface{ Fatal(...any) }, e *excursion.Evaluator) excursion.Report {
	b, err := json.Marshal(e.Report())
	if err != nil {
		t.Fatal(err)
	}
	var out excursion.Report
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// An evaluator is made anew by replaying the records, on another node and at another time, and reports are asked for at
// any time: wherever the stream is split, however often, the same follows. And nothing that was said of the first part is
// taken back by the rest.
func TestEvaluator_Step_split(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := drawTrip(rt)
		whole := excursion.New(fullProfile(), "")
		changes := run(whole, steps)
		want := copied(rt, whole)

		at := rapid.IntRange(0, len(steps)).Draw(rt, "split")
		before := excursion.New(fullProfile(), "")
		first := run(before, steps[:at])
		early := copied(rt, before)
		replayed := excursion.New(fullProfile(), "")
		run(replayed, steps[:at])
		var rest []said
		for i := at; i < len(steps); i++ {
			rest = append(rest, run(replayed, steps[i:i+1])...)
			replayed.Report()
		}
		if d := cmp.Diff(want, copied(rt, replayed)); d != "" {
			rt.Fatalf("report after a split at %d: %s", at, d)
		}
		if d := cmp.Diff(changes, append(first, rest...), cmpopts.EquateEmpty()); d != "" {
			rt.Fatalf("changes after a split at %d: %s", at, d)
		}
		for i, x := range early.Excursions {
			y := want.Excursions[i]
			if x.Open && (x.Rule != y.Rule || x.Probe != y.Probe || x.Began != y.Began || x.DurationMS() > y.DurationMS()) || !x.Open && !cmp.Equal(x, y) {
				rt.Fatalf("excursion %d was %+v at %d, and %+v in the end", i, x, at, y)
			}
		}
		if d := cmp.Diff(early.Gaps, want.Gaps[:len(early.Gaps)], cmpopts.EquateEmpty()); d != "" {
			rt.Fatalf("gaps changed: %s", d)
		}
		if early.CoveredMS > want.CoveredMS || early.Settled && early.SettledAt != want.SettledAt {
			rt.Fatalf("was %+v, and %+v in the end", early, want)
		}
	})
}

// What follows an opening changes nothing that counts.
func TestEvaluator_Open_final(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := excursion.New(fullProfile(), "")
		run(e, drawTrip(rt))
		e.Open()
		want := copied(rt, e)
		if changes := run(e, drawTrip(rt)); changes != nil {
			rt.Fatalf("found %+v", changes)
		}
		got := copied(rt, e)
		got.After, got.Warnings = want.After, want.Warnings
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatal(d)
		}
	})
}

func TestEvaluator_Report_holds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := excursion.New(fullProfile(), "")
		changes := run(e, drawTrip(rt))
		r := e.Report()
		last := map[string]*excursion.Excursion{}
		open := 0
		for _, x := range r.Excursions {
			holds(rt, r, x)
			name := x.Rule.Name + string(rune('0'+x.Probe))
			if before := last[name]; before != nil && (before.Open || before.Ended.TripMS > x.Began.TripMS) {
				rt.Fatalf("overlaps the one before, %+v: %+v", before, x)
			}
			last[name] = x
			if x.Open {
				open++
			}
		}
		if got, want := len(changes), 2*len(r.Excursions)-open; got != want {
			rt.Fatalf("got %d changes, want %d: each excursion opens once, and closes once if it is closed", got, want)
		}
		gone := int64(0)
		for _, g := range r.Gaps {
			if g.MS() <= 30_000 && !g.Unknown && g.Reason != "moved" || g.Reason == "" || g.MS() < 0 {
				rt.Fatalf("a gap of three intervals or less, or without a name: %+v", g)
			}
			gone += g.MS()
		}
		if r.CoveredMS+gone > r.TotalMS() || r.CoveragePermille() < 0 || r.CoveragePermille() > 1000 {
			rt.Fatalf("covered %d ms, gaps of %d ms, of %d ms in all", r.CoveredMS, gone, r.TotalMS())
		}
		for _, s := range r.Probes {
			if s.InBandMS+s.BelowMS+s.AboveMS != s.CoveredMS || s.CoveredMS > r.CoveredMS {
				rt.Fatalf("exposure does not add up: %+v", s)
			}
			if s.Readings > 0 && (s.MeanMC < s.MinMC || s.MeanMC > s.MaxMC || s.MeanKineticMC < s.MeanMC-1 || s.MeanKineticMC > s.MaxMC) && s.CoveredMS > 0 && s.Faults == 0 {
				rt.Fatalf("means out of range, or the kinetic one under the plain one: %+v", s)
			}
		}
	})
}

// holds checks one excursion.
func holds(rt *rapid.T, r *excursion.Report, x *excursion.Excursion) {
	sum := int64(0)
	for i, p := range x.Times() {
		if p.FromMS > p.ToMS || i > 0 && p.FromMS <= x.Parts[i-1].ToMS {
			rt.Fatalf("parts that overlap or touch: %+v", x.Parts)
		}
		sum += p.ToMS - p.FromMS
	}
	kind := x.Rule.Kind
	switch {
	case sum != x.DurationMS():
		rt.Fatalf("parts of %d ms, duration %d ms", sum, x.DurationMS())
	case !kind.IsArea() && x.DurationMS() < int64(x.Rule.DelayMS):
		rt.Fatalf("shorter than its delay: %+v", x)
	case kind.IsArea() && x.AreaMKMin < x.Rule.AreaMKMin:
		rt.Fatalf("smaller than its area: %+v", x)
	case !r.Settled || x.Began.TripMS < r.SettledAt.TripMS:
		rt.Fatalf("began before settling at %+v: %+v", r.SettledAt, x)
	case x.Ended.TripMS > r.Last.TripMS:
		rt.Fatalf("ended after the last record: %+v", x)
	case x.Probe == 3:
		rt.Fatalf("a probe that is not of the profile's place: %+v", x)
	case x.Active && !x.Open, x.Cut && x.Open, r.Opened && x.Open:
		rt.Fatalf("open, active and cut contradict each other: %+v", x)
	case kind.IsLow() && x.ExtremeMC >= x.Rule.LimitMC, kind.IsHigh() && x.ExtremeMC <= x.Rule.LimitMC:
		rt.Fatalf("never was outside: %+v", x)
	}
}

// Totals and areas, added up the plain way from the readings of one probe that never fails.
func TestEvaluator_Step_naiveTotals(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := fullProfile()
		e := excursion.New(p, "")
		e.Configure(&record.Boot{SampleMS: 10_000, Probes: []record.Probe{{Number: 1, Place: "organ"}}})
		var ms, area [2]int64 // cold, warm
		now, before := int64(0), int32(5000)
		for i := range rapid.IntRange(1, 60).Draw(rt, "readings") {
			by, temp := rapid.Int64Range(1, 40_000).Draw(rt, "ms"), rapid.Int32Range(-20_000, 30_000).Draw(rt, "mC")
			if i == 0 {
				temp = 5000 // settles at once
			}
			if i > 0 && by <= 30_000 {
				if d := int64(4000 - before); d > 0 {
					ms[0] += by
				}
				if d := int64(4100 - before); d > 0 {
					area[0] += by * d
				}
				if d := int64(before - 7999); d > 0 {
					ms[1] += by
				}
				if d := int64(before - 8000); d > 0 {
					area[1] += by * d
				}
			}
			now, before = now+by, temp
			e.Step(&record.Record{Kind: record.KindReading, Seq: uint64(i), At: record.Stamp{MonoMS: uint64(now), Quality: record.ClockRTC},
				Reading: &record.Reading{Samples: []record.Sample{{Probe: 1, TempMC: temp}}}})
		}
		want := []string{
			fmt.Sprintf("cold in total %d ms %t", ms[0], ms[0] >= 60_000), fmt.Sprintf("cold area %d %t", area[0]/60_000, area[0] >= 700*60_000),
			fmt.Sprintf("warm in total %d ms %t", ms[1], ms[1] >= 100_000), fmt.Sprintf("warm area %d %t", area[1]/60_000, area[1] >= 1000*60_000),
		}
		var got []string
		for _, total := range e.Report().Totals {
			if total.Rule.Kind.IsArea() {
				got = append(got, fmt.Sprintf("%s %d %t", total.Rule.Name, total.AreaMKMin, total.Reached))
			} else {
				got = append(got, fmt.Sprintf("%s %d ms %t", total.Rule.Name, total.MS, total.Reached))
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatal(d)
		}
	})
}

// Clocks and temperatures at the ends of their types, as a hostile journal may hold them: no sum overflows.
func TestEvaluator_Step_hostile(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := excursion.New(fullProfile(), "")
		for i := range rapid.IntRange(2, 40).Draw(rt, "records") {
			at := record.Stamp{MonoMS: rapid.SampledFrom([]uint64{0, 1, 1 << 40, 1 << 62, 1 << 63, 1<<64 - 1}).Draw(rt, "mono"),
				WallMS: rapid.SampledFrom([]int64{-1 << 63, -1, 0, 1, 1<<63 - 1}).Draw(rt, "wall"), Quality: record.ClockNTP}
			if rapid.IntRange(0, 4).Draw(rt, "boot") == 0 || i == 0 {
				e.Step(&record.Record{Kind: record.KindBoot, At: at, Boot: &record.Boot{BootID: [16]byte{byte(i)}, SampleMS: 1<<32 - 1, Probes: []record.Probe{{Number: 1, Place: "organ"}}}})
				continue
			}
			e.Step(&record.Record{Kind: record.KindReading, At: at, Reading: &record.Reading{Samples: []record.Sample{
				{Probe: 1, TempMC: rapid.SampledFrom([]int32{-1 << 31, -1_000_001, -273_150, 5000, 1<<31 - 1}).Draw(rt, "mC")}}}})
		}
		r := e.Report()
		if r.TotalMS() < 0 || r.CoveredMS < 0 || r.CoveredMS > r.TotalMS() || r.CoveragePermille() > 1000 {
			rt.Fatalf("times overflow: %+v", r)
		}
		for _, total := range r.Totals {
			if total.MS < 0 || total.MS > r.CoveredMS || total.AreaMKMin > 1<<62/60_000 {
				rt.Fatalf("a total overflows: %+v", total)
			}
		}
		for _, s := range r.Probes {
			if s.MeanMC < -1_000_000 || s.MeanMC > 1_000_000 || s.MeanMC > 0 && s.MaxMC < 0 || s.MeanMC < 0 && s.MinMC > 0 {
				rt.Fatalf("a mean overflows: %+v", s)
			}
		}
	})
}

// naive is the single-event rule on one probe without faults, written down as in the profile's words.
func naive(rule profile.Rule, from int, ms []int64, temps []int32) (began, ended []int64) {
	for i := from; i < len(temps); i++ {
		if temps[i] >= rule.LimitMC {
			continue
		}
		j := i
		for j+1 < len(temps) && temps[j+1] < rule.LimitMC+rule.HysteresisMC {
			j++
		}
		if ms[j]-ms[i] >= int64(rule.DelayMS) {
			end := ms[j]
			if j+1 < len(ms) {
				end = ms[j+1]
			}
			began, ended = append(began, ms[i]), append(ended, end)
		}
		i = j
	}
	return began, ended
}

func TestEvaluator_Step_naive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rule := profile.Rule{Name: "too cold", Kind: profile.Below, LimitMC: 4000, HysteresisMC: rapid.SampledFrom([]int32{0, 200}).Draw(rt, "hysteresis"),
			DelayMS: rapid.Uint64Range(0, 60_000).Draw(rt, "delay")}
		temps := rapid.SliceOfN(rapid.SampledFrom([]int32{3000, 3999, 4000, 4199, 4200, 5000}), 1, 80).Draw(rt, "temps")
		temps[0] = 5000 // settles at once
		p := testProfile()
		p.Rules = []profile.Rule{rule}
		e := excursion.New(p, "")
		e.Configure(&record.Boot{SampleMS: 10_000, Probes: []record.Probe{{Number: 1, Place: "organ"}}})
		ms := make([]int64, len(temps))
		for i, temp := range temps {
			ms[i] = int64(i) * 10_000
			e.Step(&record.Record{Kind: record.KindReading, Seq: uint64(i), At: record.Stamp{MonoMS: uint64(ms[i]), Quality: record.ClockRTC},
				Reading: &record.Reading{Samples: []record.Sample{{Probe: 1, TempMC: temp}}}})
		}
		var began, ended []int64
		for _, x := range e.Report().Excursions {
			began, ended = append(began, x.Began.TripMS), append(ended, x.Ended.TripMS)
		}
		wantBegan, wantEnded := naive(rule, 0, ms, temps)
		if d := cmp.Diff(wantBegan, began); d != "" {
			rt.Errorf("began: %s", d)
		}
		if d := cmp.Diff(wantEnded, ended); d != "" {
			rt.Errorf("ended: %s", d)
		}
	})
}

// Limits at the ends of their type must not wrap around.
func TestEvaluator_Step_extremes(t *testing.T) {
	p := testProfile()
	p.Rules = []profile.Rule{
		{Name: "below", Kind: profile.Below, LimitMC: 1<<31 - 1, HysteresisMC: 1<<31 - 1, DelayMS: 20_000},
		{Name: "above", Kind: profile.Above, LimitMC: -1 << 31, HysteresisMC: 1<<31 - 1, DelayMS: 20_000},
	}
	e := excursion.New(p, "")
	e.Configure(&record.Boot{SampleMS: 10_000, Probes: []record.Probe{{Number: 1, Place: "organ"}}})
	for i := range uint64(4) {
		e.Step(&record.Record{Kind: record.KindReading, Seq: i, At: record.Stamp{MonoMS: i * 10_000},
			Reading: &record.Reading{Samples: []record.Sample{{Probe: 1, TempMC: 5000}}}})
	}
	if got := len(e.Report().Excursions); got != 2 {
		t.Errorf("got %d excursions, want both rules to find one", got)
	}
}

// A program may warn of a short silence and alarm at a long one: each rule counts, in the profile's order.
func TestEvaluator_Step_twoSilences(t *testing.T) {
	p := testProfile()
	p.Rules = []profile.Rule{{Name: "short", Kind: profile.Silent, DelayMS: 60_000}, {Name: "too cold", Kind: profile.Below, LimitMC: 4000},
		{Name: "long", Kind: profile.Silent, DelayMS: 600_000}}
	e := excursion.New(p, "")
	e.Configure(&record.Boot{SampleMS: 10_000, Probes: []record.Probe{{Number: 1, Place: "organ"}}})
	var got []string
	for i, second := range []uint64{0, 100, 800} {
		temp := []int32{5000, 5000, 3000}[i]
		for _, c := range e.Step(&record.Record{Kind: record.KindReading, Seq: uint64(i), At: record.Stamp{MonoMS: second * 1000},
			Reading: &record.Reading{Samples: []record.Sample{{Probe: 1, TempMC: temp}}}}) {
			if !c.Closed {
				got = append(got, c.Excursion.Rule.Name)
			}
		}
	}
	if d := cmp.Diff([]string{"short", "short", "too cold", "long"}, got); d != "" {
		t.Error(d)
	}
}
