package trip_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/custody"
	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/ledger/trip"
)

// randomTrip is a trip as it happened, with everything that people and boxes tell of it.
type randomTrip struct {
	t        *testing.T
	rnd      *rand.Rand
	profile  *profile.Profile
	acts     []custody.Statement
	journals []*incarnation
	steps    []func(e *excursion.Evaluator) // what an evaluator is given, in the order in which it happened
	holder   string
	tick     int64
}

func randomProfile() *profile.Profile {
	severity := profile.Medium
	return &profile.Profile{Name: "random", Version: 1, ProbePlace: "organ", LowMC: 4000, HighMC: 8000, SettleMS: 200_000, Rules: []profile.Rule{
		{Name: "cold", Kind: profile.Below, Severity: severity, LimitMC: 4000, HysteresisMC: 200, DelayMS: 20_000},
		{Name: "cold total", Kind: profile.BelowTotal, Severity: severity, LimitMC: 4000, DelayMS: 120_000},
		{Name: "cold area", Kind: profile.BelowArea, Severity: severity, LimitMC: 3500, AreaMKMin: 900},
		{Name: "warm", Kind: profile.Above, Severity: severity, LimitMC: 8000, HysteresisMC: 200, DelayMS: 30_000},
		{Name: "warm total", Kind: profile.AboveTotal, Severity: severity, LimitMC: 8000, DelayMS: 100_000},
		{Name: "lost", Kind: profile.Lost, Severity: severity, DelayMS: 20_000},
		{Name: "silence", Kind: profile.Silent, Severity: severity, DelayMS: 90_000},
	}}
}

func newRandomTrip(t *testing.T, seed uint64) *randomTrip {
	r := &randomTrip{t: t, rnd: rand.New(rand.NewPCG(seed, 3)), profile: randomProfile(), holder: "driver"}
	r.acts = append(r.acts, open())
	segments := 1 + r.rnd.IntN(3)
	var before *incarnation
	for s := range segments {
		b := &box{number: byte(s + 1), t: t, tick: r.tick}
		i := r.begin(b)
		r.fill(i, r.rnd.IntN(4), false) // before the organ is in it
		start := len(i.Records)
		if s == 0 {
			p := pack2(i, start)
			p.Profile = r.profile.Marshal()
			r.acts = append(r.acts, at(p, b.tick*10))
		} else {
			r.acts = append(r.acts, at(move(r.holder, before.end(t), i, i.head(t, start)), b.tick*10))
			r.steps = append(r.steps, func(e *excursion.Evaluator) {
				e.EndSegment()
				e.StartSegment("", custody.MovedBox.String())
			})
		}
		if start > 0 {
			r.steps = append(r.steps, func(e *excursion.Evaluator) { e.Configure(i.Boot) })
		}
		before = r.ride(i)
	}
	if r.rnd.IntN(3) > 0 {
		r.acts = append(r.acts, at(receive(before.end(t)), r.tick*10))
		if r.rnd.IntN(2) == 0 {
			before = r.ride(before)
			r.acts = append(r.acts, at(openBox(before.end(t)), r.tick*10))
		}
		r.steps = append(r.steps, func(e *excursion.Evaluator) { e.Open() })
		r.fill(before, r.rnd.IntN(5), false) // the empty box
	}
	return r
}

// begin opens an incarnation, sometimes in another power-on.
func (r *randomTrip) begin(b *box) *incarnation {
	b.tick += r.rnd.Int64N(4)
	i := b.open()
	i.Boot.BootID = [16]byte{b.number, byte(r.rnd.IntN(2))}
	i.Boot.Probes = []record.Probe{{Number: 1, Place: "organ"}, {Number: b.number + 1, Place: "organ"}, {Number: 9, Place: "box"}}
	r.journals = append(r.journals, i)
	r.tick = b.tick
	return i
}

// fill records readings; those of the trip are steps too.
func (r *randomTrip) fill(i *incarnation, n int, counts bool) {
	for range n {
		i.box.tick += r.rnd.Int64N(3) * r.rnd.Int64N(3) * r.rnd.Int64N(4)
		switch r.rnd.IntN(12) {
		case 0:
			i.add(record.Record{Kind: record.KindGap, Gap: &record.Gap{Reason: record.GapSuspended}})
		case 1:
			i.add(radio(r.rnd.IntN(2) == 0))
		default:
			i.add(record.Record{Kind: record.KindReading, Reading: r.reading(i.box.number)})
		}
		r.tick = i.box.tick
		if rec := i.Records[len(i.Records)-1]; counts {
			r.steps = append(r.steps, func(e *excursion.Evaluator) { e.Step(rec) })
		}
	}
}

func (r *randomTrip) reading(second uint8) *record.Reading {
	out := &record.Reading{}
	for _, n := range []uint8{1, second + 1, 9} {
		s := record.Sample{Probe: n, TempMC: []int32{2000, 3499, 3999, 4000, 4199, 5000, 5000, 7999, 8001, 9500}[r.rnd.IntN(10)]}
		if r.rnd.IntN(8) == 0 {
			s = record.Sample{Probe: n, Fault: 1}
		}
		out.Samples = append(out.Samples, s)
	}
	return out
}

// ride goes on in a box: readings, handoffs, and restarts. It returns the newest incarnation.
func (r *randomTrip) ride(i *incarnation) *incarnation {
	for range 1 + r.rnd.IntN(5) {
		r.fill(i, r.rnd.IntN(25), true)
		switch r.rnd.IntN(4) {
		case 0:
			next := fmt.Sprintf("person %d", len(r.acts))
			r.acts = append(r.acts, at(release(r.holder, next, i.end(r.t)), r.tick*10))
			r.fill(i, r.rnd.IntN(6), true)
			if r.rnd.IntN(4) > 0 {
				r.acts = append(r.acts, at(accept(next, i.end(r.t)), r.tick*10))
				r.holder = next
			}
		case 1:
			i = r.begin(i.box)
			boot := i.Records[0]
			r.steps = append(r.steps, func(e *excursion.Evaluator) { e.Step(boot) })
		}
	}
	for n, j := range r.journals { // when the ledger got what there is
		if j.Arrived = nil; n%2 == 0 {
			j.Arrived = []trip.Arrival{arrived(len(j.Records)/2, r.tick*10_000), arrived(len(j.Records), r.tick*10_000)}
		}
	}
	return i
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A thousand trips: the box that judges record by record and is restarted on its way, the ledger that judges all at once,
// and a verifier that got the journals in another order say the same; every moment has one custodian, and their minutes
// add up.
func TestAssess_randomTrips(t *testing.T) {
	excursions, spansSeen, cut := 0, 0, 0
	for seed := range uint64(1000) {
		r := newRandomTrip(t, seed)
		state := acts(t, r.acts...)
		if len(state.Texts()) > 0 && len(state.Segments) == 0 {
			t.Fatalf("seed %d: the test's own acts are wrong: %q", seed, state.Texts())
		}
		var journals []trip.Journal
		for _, i := range r.journals {
			journals = append(journals, i.Journal)
		}
		whole := assess(t, state, journals...)
		want := toJSON(t, whole)

		eval := excursion.New(r.profile, "")
		restart := r.rnd.IntN(len(r.steps) + 1)
		for k := range r.steps {
			if k == restart {
				eval = excursion.New(r.profile, "")
				for _, step := range r.steps[:k] {
					step(eval)
				}
			}
			r.steps[k](eval)
			eval.Report()
		}
		// The box at its destination goes on and knows nothing of what is taken afterwards.
		got := *eval.Report()
		report := *whole.Report
		got.After, report.After = excursion.Phase{}, excursion.Phase{}
		if d := cmp.Diff(toJSON(t, &report), toJSON(t, &got)); d != "" {
			t.Fatalf("seed %d: record by record, restarted at %d: %s", seed, restart, d)
		}

		r.rnd.Shuffle(len(journals), func(a, b int) { journals[a], journals[b] = journals[b], journals[a] })
		if d := cmp.Diff(want, toJSON(t, assess(t, state, journals...))); d != "" {
			t.Fatalf("seed %d: shuffled journals: %s", seed, d)
		}
		checkShares(t, seed, whole)
		excursions += len(whole.Excursions)
		spansSeen += len(whole.Spans)
		for _, x := range whole.Excursions {
			if x.Cut {
				cut++
			}
		}
	}
	if excursions < 5000 || spansSeen < 3000 || cut < 500 {
		t.Errorf("the trips are too dull to prove anything: %d excursions, %d of them cut, %d spans", excursions, cut, spansSeen)
	}
}

// checkShares checks that spans follow one another without a hole, and that all minutes add up.
func checkShares(t *testing.T, seed uint64, a *trip.Assessment) {
	t.Helper()
	at := int64(0)
	for i, s := range a.Spans {
		if s.FromMS != at || s.ToMS < s.FromMS {
			t.Fatalf("seed %d: span %d from %d to %d ms, want one from %d ms", seed, i, s.FromMS, s.ToMS, at)
		}
		at = s.ToMS
	}
	if at != a.Report.TotalMS() {
		t.Fatalf("seed %d: spans end at %d ms, the trip at %d ms", seed, at, a.Report.TotalMS())
	}
	out := map[int64]bool{} // by seconds: everything in these trips is
	for _, x := range a.Excursions {
		sum := int64(0)
		for _, h := range x.Held {
			sum += h.MS
			if h.Party != a.Spans[h.Span].Custodian.Party || h.Unconfirmed != a.Spans[h.Span].Unconfirmed {
				t.Fatalf("seed %d: share %+v is not of its span", seed, h)
			}
		}
		if sum != x.DurationMS() {
			t.Fatalf("seed %d: shares of %d ms, the excursion lasted %d ms", seed, sum, x.DurationMS())
		}
		for _, p := range x.Times() {
			for s := p.FromMS; s < p.ToMS; s += 1000 {
				out[s] = true
			}
		}
	}
	sum := int64(0)
	for _, s := range a.Spans {
		sum += s.OutMS
	}
	if want := int64(len(out)) * 1000; sum != want || a.OutMS != want {
		t.Fatalf("seed %d: %d ms out by custodian, %d in all, want %d", seed, sum, a.OutMS, want)
	}
}
