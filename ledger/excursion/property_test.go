package excursion_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// journal draws the records of a trip: mostly readings of two probes around the limits, with faults, gaps, restarts,
// power cuts and wall clocks that jump.
func journal(rt *rapid.T) []*record.Record {
	var out []*record.Record
	mono, wall, power := uint64(0), startWall, byte(1)
	add := func(r record.Record) {
		r.Seq, r.At = uint64(len(out)), record.Stamp{MonoMS: mono, WallMS: wall, Quality: record.ClockNTP}
		out = append(out, &r)
	}
	boot := func() {
		add(record.Record{Kind: record.KindBoot, Boot: &record.Boot{BootID: [16]byte{power}, SampleMS: 10_000,
			Probes: []record.Probe{{Number: 1, Place: "organ"}, {Number: 2, Place: "organ"}, {Number: 3, Place: "box"}}}})
	}
	boot()
	for range rapid.IntRange(1, 120).Draw(rt, "records") {
		step := rapid.SampledFrom([]uint64{0, 10_000, 10_000, 30_000, 60_000, 130_000, 700_000}).Draw(rt, "ms")
		mono, wall = mono+step, wall+int64(step)
		switch rapid.IntRange(0, 19).Draw(rt, "what") {
		case 0:
			boot()
		case 1:
			mono, power = rapid.Uint64Range(0, 5000).Draw(rt, "mono"), power+1
			wall += rapid.Int64Range(-600_000, 600_000).Draw(rt, "clock")
			boot()
		case 2:
			add(record.Record{Kind: record.KindGap, Gap: &record.Gap{Reason: record.GapSuspended}})
		case 3:
			wall += rapid.Int64Range(-600_000, 600_000).Draw(rt, "clock")
		default:
			r := &record.Reading{}
			for n := uint8(1); n <= 3; n++ {
				s := record.Sample{Probe: n, TempMC: rapid.SampledFrom([]int32{3000, 3999, 4000, 4199, 4200, 5000, 7800, 7801, 8000, 8001, 9000}).Draw(rt, "mC")}
				if rapid.IntRange(0, 5).Draw(rt, "fault") == 0 {
					s = record.Sample{Probe: n, Fault: 1}
				}
				r.Samples = append(r.Samples, s)
			}
			add(record.Record{Kind: record.KindReading, Reading: r})
		}
	}
	return out
}

// copied returns what a report says now: a later Step changes the report itself.
func copied(r *excursion.Report) excursion.Report {
	c := *r
	c.Excursions, c.Gaps, c.Probe = nil, append([]excursion.Gap(nil), r.Gaps...), map[uint8]*excursion.Stats{}
	for _, x := range r.Excursions {
		y := *x
		c.Excursions = append(c.Excursions, &y)
	}
	for n, s := range r.Probe {
		p := *s
		c.Probe[n] = &p
	}
	return c
}

// said is a change as it was when Step returned it.
type said struct {
	Seq    uint64
	Rule   string
	Probe  uint8
	Closed bool
	Began  excursion.Moment
}

func run(e *excursion.Evaluator, records []*record.Record) []said {
	var out []said
	for _, r := range records {
		for _, c := range e.Step(r) {
			out = append(out, said{r.Seq, c.Excursion.Rule.Name, c.Excursion.Probe, c.Closed, c.Excursion.Began})
		}
	}
	return out
}

// An evaluator is made anew by replaying the records, on another node and at another time: wherever the stream is
// split, the same follows. And nothing that was said of the first part is taken back by the rest.
func TestEvaluator_Step_split(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		records := journal(rt)
		whole := excursion.New(testProfile())
		changes := run(whole, records)
		want := copied(whole.Report())

		at := rapid.IntRange(0, len(records)).Draw(rt, "split")
		before := excursion.New(testProfile())
		first := run(before, records[:at])
		early := copied(before.Report())
		replayed := excursion.New(testProfile())
		run(replayed, records[:at])
		rest := run(replayed, records[at:])
		if d := cmp.Diff(want, copied(replayed.Report())); d != "" {
			rt.Fatalf("report after a split at %d: %s", at, d)
		}
		if d := cmp.Diff(changes, append(first, rest...)); d != "" {
			rt.Fatalf("changes after a split at %d: %s", at, d)
		}
		for i, x := range early.Excursions {
			y := want.Excursions[i]
			if x.Open && (x.Rule != y.Rule || x.Probe != y.Probe || x.Began != y.Began || x.DurationMS() > y.DurationMS()) || !x.Open && *x != *y {
				rt.Fatalf("excursion %d was %+v at %d, and %+v in the end", i, x, at, y)
			}
		}
		if d := cmp.Diff(early.Gaps, append([]excursion.Gap(nil), want.Gaps[:len(early.Gaps)]...)); d != "" {
			rt.Fatalf("gaps changed: %s", d)
		}
		if early.CoveredMS > want.CoveredMS || early.Settled && early.SettledAt != want.SettledAt {
			rt.Fatalf("was %+v, and %+v in the end", early, want)
		}
	})
}

func TestEvaluator_Report_holds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		records := journal(rt)
		e := excursion.New(testProfile())
		changes := run(e, records)
		r := e.Report()
		last := map[string]*excursion.Excursion{}
		open := 0
		for _, x := range r.Excursions {
			name := x.Rule.Name + string(rune('0'+x.Probe))
			switch before := last[name]; {
			case x.DurationMS() < int64(x.Rule.DelayMS):
				rt.Fatalf("shorter than its delay: %+v", x)
			case !r.Settled || x.Began.TripMS < r.SettledAt.TripMS:
				rt.Fatalf("began before settling at %+v: %+v", r.SettledAt, x)
			case x.Ended.TripMS > r.Last.TripMS:
				rt.Fatalf("ended after the last record: %+v", x)
			case before != nil && (before.Open || before.Ended.TripMS > x.Began.TripMS):
				rt.Fatalf("overlaps the one before, %+v: %+v", before, x)
			case x.Probe == 3:
				rt.Fatalf("a probe that is not of the profile's place: %+v", x)
			case x.Rule.Kind == profile.Below && x.ExtremeMC >= x.Rule.LimitMC, x.Rule.Kind == profile.Above && x.ExtremeMC <= x.Rule.LimitMC:
				rt.Fatalf("never was outside: %+v", x)
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
			if g.To.TripMS-g.From.TripMS <= 30_000 {
				rt.Fatalf("a gap of three intervals or less: %+v", g)
			}
			gone += g.To.TripMS - g.From.TripMS
		}
		if r.CoveredMS+gone > r.TotalMS() || r.CoveragePermille() < 0 || r.CoveragePermille() > 1000 {
			rt.Fatalf("covered %d ms, gaps of %d ms, of %d ms in all", r.CoveredMS, gone, r.TotalMS())
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
		e := excursion.New(p)
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
	e := excursion.New(p)
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
	e := excursion.New(p)
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
