package trip_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/custody"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/ledger/trip"
)

// gaps and found are what an assessment says of the readings, in words. Times are seconds of trip time.
func gaps(a *trip.Assessment) []string {
	var out []string
	for _, g := range a.Report.Gaps {
		text := fmt.Sprintf("%s from %d s to %d s", g.Reason, g.From.TripMS/1000, g.To.TripMS/1000)
		if g.Unknown {
			text += ", of unknown length"
		}
		out = append(out, text)
	}
	return out
}

func found(a *trip.Assessment) []string {
	var out []string
	for _, x := range a.Excursions {
		text := fmt.Sprintf("%s in segment %d from %d s to %d s", x.Rule.Name, x.Segment, x.Began.TripMS/1000, x.Ended.TripMS/1000)
		switch {
		case x.Open:
			text += ", open"
		case x.Cut:
			text += ", cut"
		}
		out = append(out, text)
	}
	return out
}

func segments(a *trip.Assessment) []string {
	var out []string
	for _, s := range a.Segments {
		out = append(out, fmt.Sprintf("%d from %d s to %d s", s.Index, s.From.TripMS/1000, s.To.TripMS/1000))
	}
	return out
}

// The organ is moved to another box in the middle of an excursion, and handed over there.
func TestAssess_moved(t *testing.T) {
	a, b := &box{number: 1, t: t}, &box{number: 2, t: t}
	one := a.open()
	one.read(10, 5000)      // 10 s to 100 s
	one.read(10, 3000)      // 110 s to 200 s
	b.tick, b.opened = 0, 3 // on since the start, in its fourth incarnation
	two := b.open()
	two.read(29, 20_000) // to 290 s: empty, and warm
	two.read(10, 3000)   // 300 s to 390 s
	two.read(11, 5000)   // 400 s to 500 s
	state := acts(t, open(), pack2(one, 1), move("driver", one.end(t), two, two.head(t, 30)), release("driver", "pilot", two.head(t, 33)),
		accept("pilot", two.head(t, 35)), receive(two.head(t, 45)), openBox(two.end(t)))
	for name, journals := range map[string][]trip.Journal{"in order": {one.Journal, two.Journal}, "in reverse": {two.from(30), one.Journal}} {
		t.Run(name, func(t *testing.T) {
			got := assess(t, state, journals...)
			// Trip time counts from record 1 at 10 s.
			check(t, got, []string{"driver from 0 s to 320 s, 120 s out", "driver, not confirmed by pilot from 320 s to 340 s, 20 s out", "pilot from 340 s to 440 s, 50 s out", "nurse from 440 s to 490 s, 0 s out"},
				[]string{"too cold: driver 90 s of 90 s", "too cold: driver 30 s of 100 s", "too cold: driver, not confirmed by pilot 20 s of 100 s", "too cold: pilot 50 s of 100 s"})
			want := []string{"too cold in segment 0 from 100 s to 190 s, cut", "too cold in segment 1 from 290 s to 390 s"}
			if d := cmp.Diff(want, found(got)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff([]string{"moved to another box from 190 s to 290 s"}, gaps(got)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff([]string{"0 from 0 s to 190 s", "1 from 290 s to 490 s"}, segments(got)); d != "" {
				t.Error(d)
			}
			if held, out := trip.Held(got.Spans, 0); held != 340_000 || out != 140_000 || got.OutMS != 190_000 {
				t.Errorf("driver: got %d, %d ms, want both spans; all %d", held, out, got.OutMS)
			}
			if got := got.Ended(); len(got) != 1 || got[0].Segment != 1 {
				t.Errorf("ended by themselves: got %+v", got)
			}
		})
	}
}

// pack2 packs into the incarnation's box at a size of its journal.
func pack2(i *incarnation, size int) custody.Statement {
	s := pack(i.head(i.box.t, size))
	s.Box = i.box.id()
	return s
}

// A move that cites no head of the old box ends its segment at the time that it states.
func TestAssess_movedWithoutHead(t *testing.T) {
	a, b := &box{number: 1, t: t}, &box{number: 2, t: t}
	one := a.open()
	one.read(30, 5000) // to 300 s
	b.tick = 25
	two := b.open() // 250 s
	two.read(5, 5000)
	state := acts(t, open(), pack2(one, 1), at(move("driver", nil, two, two.head(t, 1)), 200))
	got := assess(t, state, one.Journal, two.Journal)
	if d := cmp.Diff([]string{"0 from 0 s to 180 s", "1 from 250 s to 290 s"}, segments(got)); d != "" {
		t.Error(d)
	}
}

// Into another box and back again: two pieces of one journal, with what the empty box measured between left out.
func TestAssess_movedBack(t *testing.T) {
	a, b := &box{number: 1, t: t}, &box{number: 2, t: t}
	one := a.open()
	one.read(10, 5000)  // records 1 to 10, 10 s to 100 s
	one.read(20, -9000) // 11 to 30, to 300 s: out of the box
	one.read(5, 5000)   // 31 to 35, to 350 s
	b.tick = 10
	two := b.open()    // 100 s
	two.read(19, 5000) // to 290 s
	state := acts(t, open(), pack2(one, 1), move("driver", one.head(t, 11), two, two.head(t, 1)), accept("pilot", two.head(t, 5)),
		move("pilot", two.end(t), one, one.head(t, 31)), accept("guard", one.head(t, 33)), receive(one.end(t)))
	got := assess(t, state, two.Journal, one.Journal)
	if d := cmp.Diff([]string{"0 from 0 s to 90 s", "1 from 100 s to 280 s", "2 from 300 s to 340 s"}, segments(got)); d != "" {
		t.Error(d)
	}
	check(t, got, []string{"driver from 0 s to 140 s, 0 s out", "pilot from 140 s to 320 s, 0 s out", "guard from 320 s to 340 s, 0 s out"}, nil)
	if got.Report.Readings != 10+19+5 || !got.Report.Opened {
		t.Errorf("got %+v", got.Report)
	}
}

// Without a tracker for a while: the gap says so, and who took over meanwhile did so at the time they state.
func TestAssess_noTracker(t *testing.T) {
	a, b := &box{number: 1, t: t}, &box{number: 2, t: t}
	one := a.open()
	one.read(10, 5000) // to 100 s
	b.tick = 100
	two := b.open()   // 1000 s
	two.read(5, 5000) // to 1050 s
	none := custody.Statement{Kind: custody.Move, By: party("driver"), Head: one.end(t), Segment: custody.NoTracker}
	state := acts(t, open(), pack2(one, 1), at(none, 110), at(accept("pilot", nil), 400), at(accept("guard", nil), 600), at(move("guard", nil, two, two.head(t, 0)), 1000))
	got := assess(t, state, one.Journal, two.Journal)
	if d := cmp.Diff([]string{"no tracker from 90 s to 990 s"}, gaps(got)); d != "" {
		t.Error(d)
	}
	check(t, got, []string{"driver from 0 s to 390 s, 0 s out", "pilot from 390 s to 590 s, 0 s out", "guard from 590 s to 1040 s, 0 s out"}, nil)
}

// The new box's journal has not come: its time is a gap called so, and its journal is withheld.
func TestAssess_segmentWithheld(t *testing.T) {
	a, b, c := &box{number: 1, t: t}, &box{number: 2, t: t}, &box{number: 3, t: t}
	one := a.open()
	one.read(10, 5000)
	b.tick, c.tick = 10, 30
	two := b.open()
	two.read(10, 5000)
	three := c.open() // 300 s
	three.read(5, 5000)
	state := acts(t, open(), pack2(one, 1), move("driver", one.end(t), two, two.head(t, 1)), move("driver", two.head(t, 8), three, three.head(t, 0)))
	got := assess(t, state, one.Journal, three.Journal)
	if d := cmp.Diff([]string{"data withheld from 90 s to 290 s"}, gaps(got)); d != "" {
		t.Error(d)
	}
	act := state.History[3].Hash
	if d := cmp.Diff([]trip.Withheld{{Origin: two.Origin, Held: 0, Cited: 8, Act: act}}, got.Withheld); d != "" {
		t.Error(d)
	}
	got = assess(t, state, one.Journal, two.Journal, three.Journal)
	if got.Withheld != nil || len(got.Report.Gaps) != 2 {
		t.Errorf("with all journals: got %+v, %q", got.Withheld, gaps(got))
	}
}

// Two shipments in one box are judged by the probes of their own spaces.
func TestAssess_spaces(t *testing.T) {
	b := &box{number: 1, t: t, probes: []record.Probe{{Number: 1, Place: "organ/left"}, {Number: 2, Place: "organ/right"}}}
	i := b.open()
	sample := func(left, right int32) {
		i.add(record.Record{Kind: record.KindReading, Reading: &record.Reading{Samples: []record.Sample{{Probe: 1, TempMC: left}, {Probe: 2, TempMC: right}}}})
	}
	for range 5 {
		sample(5000, 5000)
	}
	for range 20 {
		sample(5000, 1000)
	}
	for space, want := range map[string][]string{"left": nil, "right": {"too cold in segment 0 from 50 s to 240 s, open"}} {
		s := pack2(i, 1)
		s.Space = space
		if d := cmp.Diff(want, found(assess(t, acts(t, open(), s), i.Journal))); d != "" {
			t.Errorf("%s: %s", space, d)
		}
	}
}

// Where the trip ends: readings count until the box was opened when that is stated, else until it was received, and
// records are shown until the farther of the two.
func TestAssess_end(t *testing.T) {
	b := &box{number: 1, t: t}
	i := b.open()
	i.read(30, 5000) // records 1 to 30, 10 s to 300 s
	head := func(n int) []byte { return i.head(t, n) }
	stranger := (&box{number: 9, t: t}).open()
	stranger.read(1, 5000)
	stood := custody.Statement{Kind: custody.StandDown, By: party("coordinator"), Head: head(15)}
	tests := []struct {
		name   string
		acts   []custody.Statement
		counts int // readings that count
		after  int
		opened bool
	}{
		{"under way", nil, 30, 0, false},
		{"received", []custody.Statement{receive(head(21))}, 20, 0, true},
		{"received, then opened", []custody.Statement{receive(head(21)), openBox(head(26))}, 25, 0, true},
		{"opened, then received", []custody.Statement{receive(head(26)), openBox(head(21))}, 20, 5, true},
		{"opened only", []custody.Statement{openBox(head(21))}, 20, 0, true},
		{"opened without a head, received with one", []custody.Statement{receive(head(21)), at(openBox(nil), 250)}, 20, 0, true},
		{"received without a head, opened with one", []custody.Statement{at(receive(nil), 100), openBox(head(21))}, 20, 0, true},
		{"received without a head", []custody.Statement{at(receive(nil), 205)}, 20, 0, true},
		{"opened without a head", []custody.Statement{at(receive(nil), 100), at(openBox(nil), 205)}, 20, 0, true},
		{"received at the newest record", []custody.Statement{receive(head(31))}, 30, 0, true},
		{"received after the newest record", []custody.Statement{receive(head(32))}, 30, 0, false},
		{"received without a head, after the newest record", []custody.Statement{at(receive(nil), 999)}, 30, 0, false},
		{"received with the head of another box", []custody.Statement{at(receive(stranger.head(t, 1)), 205)}, 20, 0, true},
		{"stood down", []custody.Statement{stood}, 14, 0, true},
		{"stood down without a head", []custody.Statement{at(custody.Statement{Kind: custody.StandDown, By: party("coordinator")}, 145)}, 14, 0, true},
		{"closed", []custody.Statement{at(custody.Statement{Kind: custody.Close, By: party("coordinator")}, 145)}, 14, 0, true},
		{"received, then closed", []custody.Statement{receive(head(21)), at(custody.Statement{Kind: custody.Close, By: party("coordinator")}, 999)}, 20, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := assess(t, acts(t, append([]custody.Statement{open(), pack2(i, 1)}, tt.acts...)...), i.Journal)
			r := got.Report
			if r.Readings != tt.counts || r.After.Readings != tt.after || r.Opened != tt.opened {
				t.Errorf("got %d readings that count, %d after, opened %t", r.Readings, r.After.Readings, r.Opened)
			}
			if last := got.Spans[len(got.Spans)-1]; last.ToMS != r.TotalMS() {
				t.Errorf("the last span ends at %d ms, the trip at %d ms", last.ToMS, r.TotalMS())
			}
		})
	}
}

// Released and not accepted yet, and then accepted at the very place of the release.
func TestAssess_unconfirmed(t *testing.T) {
	b := &box{number: 1, t: t}
	i := b.open()
	i.read(10, 5000)
	i.read(20, 3000) // records 11 to 30, 110 s to 300 s
	rel := release("driver", "pilot", i.head(t, 16))
	check(t, assess(t, acts(t, open(), pack2(i, 1), rel), i.Journal),
		[]string{"driver from 0 s to 150 s, 50 s out", "driver, not confirmed by pilot from 150 s to 290 s, 140 s out"},
		[]string{"too cold: driver 50 s of 190 s", "too cold: driver, not confirmed by pilot 140 s of 190 s"})
	check(t, assess(t, acts(t, open(), pack2(i, 1), rel, accept("pilot", i.head(t, 16))), i.Journal),
		[]string{"driver from 0 s to 150 s, 50 s out", "pilot from 150 s to 290 s, 140 s out"},
		[]string{"too cold: driver 50 s of 190 s", "too cold: pilot 140 s of 190 s"})
}

// A change of custody that another claim disputes is shown as such, in the spans and in the shares.
func TestAssess_disputed(t *testing.T) {
	b := &box{number: 1, t: t}
	i := b.open()
	i.read(10, 5000)
	i.read(20, 3000)
	state := acts(t, open(), pack2(i, 1), accept("pilot", i.head(t, 16)))
	rival := accept("stranger", i.head(t, 16))
	rival.Ledger, rival.Shipment, rival.Parent = origin, state.Shipment, state.History[1].Hash
	copy(rival.ID[:], "rival")
	act, err := custody.NewAct(rival)
	if err != nil {
		t.Fatal(err)
	}
	entered := []custody.Entered{state.History[0].Entered, state.History[1].Entered, state.History[2].Entered, {Act: act, Index: 3}}
	got := assess(t, custody.Fold(entered), i.Journal)
	if want := []string{"driver from 0 s to 150 s, 50 s out", "pilot, disputed from 150 s to 290 s, 140 s out"}; !cmp.Equal(want, spans(got)) {
		t.Errorf("got %q, want %q", spans(got), want)
	}
	if held := got.Excursions[0].Held; held[0].Disputed || !held[1].Disputed {
		t.Errorf("got %+v", held)
	}
}

// Excursions that overlap share their minutes once: a span is not longer out than it lasts.
func TestAssess_overlap(t *testing.T) {
	b := &box{number: 1, t: t}
	i := b.open()
	i.read(10, 5000)
	i.read(20, 3000)
	p := profile.Profile{Name: "two", Version: 1, ProbePlace: "organ", LowMC: 4000, HighMC: 8000, Rules: []profile.Rule{
		{Name: "too cold", Kind: profile.Below, Severity: profile.High, LimitMC: 4000, DelayMS: 60_000},
		{Name: "too cold in total", Kind: profile.BelowTotal, Severity: profile.High, LimitMC: 4000, DelayMS: 60_000},
	}}
	s := pack2(i, 1)
	s.Profile = p.Marshal()
	got := assess(t, acts(t, open(), s, accept("pilot", i.head(t, 16))), i.Journal)
	check(t, got, []string{"driver from 0 s to 150 s, 50 s out", "pilot from 150 s to 290 s, 140 s out"},
		[]string{"too cold: driver 50 s of 190 s", "too cold: pilot 140 s of 190 s", "too cold in total: driver 50 s of 190 s", "too cold in total: pilot 140 s of 190 s"})
}
