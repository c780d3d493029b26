package trip_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
	"isotherm/ledger/trip"
)

// The whole trip in one incarnation: packed at record 5, handed over in the middle of a cold spell, received.
func TestAssess_oneIncarnation(t *testing.T) {
	i := new(box).open()
	i.read(4, 20_000) // before packing: not of this trip
	i.read(10, 5000)  // records 5 to 14
	i.read(20, 3000)  // 15 to 34
	i.read(5, 5000)   // 35 to 39
	i.read(30, 1000)  // after receipt: not of this trip
	state := acts(t, open(), pack(i.head(t, 5)), accept("pilot", i.head(t, 25)), receive(i.head(t, 40)))
	for name, j := range map[string]trip.Journal{"whole journal": i.Journal, "from packing on": i.from(5)} {
		t.Run(name, func(t *testing.T) {
			a := assess(t, state, j)
			if got, want := a.Report.Readings, 35; got != want {
				t.Errorf("readings: got %d, want %d", got, want)
			}
			check(t, a, []string{"driver from 0 s to 200 s, 100 s out", "pilot from 200 s to 340 s, 100 s out"},
				[]string{"too cold: driver 100 s of 200 s", "too cold: pilot 100 s of 200 s"})
		})
	}
}

// While it is under way, the trip goes to the newest record, and an open excursion is shared out as far as it goes.
func TestAssess_underWay(t *testing.T) {
	i := new(box).open()
	i.read(10, 5000)
	i.read(20, 3000)
	a := assess(t, acts(t, open(), pack(i.head(t, 1)), accept("pilot", i.head(t, 21))), i.Journal)
	check(t, a, []string{"driver from 0 s to 200 s, 100 s out", "pilot from 200 s to 290 s, 90 s out"},
		[]string{"too cold: driver 100 s of 190 s", "too cold: pilot 90 s of 190 s"})
	if !a.Excursions[0].Open {
		t.Error("the excursion is closed")
	}
	if a.Profile.Name != "test" {
		t.Errorf("profile: got %q", a.Profile.Name)
	}
}

// The box restarts under way: the trip goes through both journals, whatever their order.
func TestAssess_twoIncarnations(t *testing.T) {
	var b box
	one := b.open()
	one.read(10, 5000) // 10 s to 100 s
	one.read(10, 3000) // 110 s to 200 s
	two := b.open()    // 210 s
	two.read(10, 3000) // 220 s to 310 s
	two.read(5, 5000)  // 320 s to 360 s
	two.read(5, 1000)
	state := acts(t, open(), pack(one.head(t, 1)), accept("pilot", two.head(t, 6)), receive(two.head(t, 16)))
	for name, journals := range map[string][]trip.Journal{"in order": {one.Journal, two.Journal}, "in reverse": {two.Journal, one.Journal}} {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(journals)
			a := assess(t, state, journals...)
			// Trip time counts from record 1 at 10 s. Record 6 of the second journal is at 270 s, 260 s into the trip.
			check(t, a, []string{"driver from 0 s to 260 s, 160 s out", "pilot from 260 s to 350 s, 50 s out"},
				[]string{"too cold: driver 160 s of 210 s", "too cold: pilot 50 s of 210 s"})
			if a.Excursions[0].ExtremeMC != 3000 {
				t.Errorf("extreme: got %d, want what came before receipt", a.Excursions[0].ExtremeMC)
			}
			if d := cmp.Diff(before, journals); d != "" {
				t.Errorf("the caller's journals changed: %s", d)
			}
		})
	}
}

// An accept pins the very end of an incarnation, and the box restarts after it: the new custodian's time begins with the
// first record of the next incarnation.
func TestAssess_acceptAtEnd(t *testing.T) {
	var b box
	one := b.open()
	one.read(10, 5000) // to 100 s
	two := b.open()    // 110 s
	two.read(10, 3000) // 120 s to 210 s
	two.read(1, 5000)
	state := acts(t, open(), pack(one.head(t, 1)), accept("pilot", one.end(t)))
	check(t, assess(t, state, one.Journal, two.Journal), []string{"driver from 0 s to 100 s, 0 s out", "pilot from 100 s to 210 s, 100 s out"},
		[]string{"too cold: pilot 100 s of 100 s"})
	// As long as there is no later record, the pilot has held the box for no recorded time.
	check(t, assess(t, state, one.Journal), []string{"driver from 0 s to 90 s, 0 s out"}, nil)
}

// A receipt that pins the very end of an incarnation ends the trip there: what the box records after it, emptied and
// opened again, is not of this organ.
func TestAssess_receiveAtEnd(t *testing.T) {
	var b box
	one := b.open()
	one.read(10, 5000)
	two := b.open()
	two.read(20, 1000)
	state := acts(t, open(), pack(one.head(t, 1)), receive(one.end(t)))
	a := assess(t, state, one.Journal, two.Journal)
	if got, want := a.Report.Readings, 10; got != want {
		t.Errorf("readings: got %d, want %d", got, want)
	}
	check(t, a, []string{"driver from 0 s to 90 s, 0 s out"}, nil)
}

// An incarnation from before packing does not count, nor does its excursion.
func TestAssess_earlierIncarnation(t *testing.T) {
	var b box
	before := b.open()
	before.read(20, 1000)
	one := b.open()
	one.read(10, 5000)
	a := assess(t, acts(t, open(), pack(one.head(t, 0))), before.Journal, one.Journal)
	if got, want := a.Report.Readings, 10; got != want {
		t.Errorf("readings: got %d, want %d", got, want)
	}
	check(t, a, []string{"driver from 0 s to 100 s, 0 s out"}, nil)
}

// An act that cites no head counts from the time it states.
func TestAssess_actWithoutHead(t *testing.T) {
	i := new(box).open()
	i.read(10, 5000) // 10 s to 100 s
	i.read(20, 3000) // 110 s to 300 s
	tests := []struct {
		name   string
		accept custody.Statement
		want   []string
	}{
		{"between two records", at(accept("pilot", nil), 145), []string{"driver from 0 s to 140 s, 40 s out", "pilot from 140 s to 290 s, 150 s out"}},
		{"at a record", at(accept("pilot", nil), 150), []string{"driver from 0 s to 140 s, 40 s out", "pilot from 140 s to 290 s, 150 s out"}},
		{"head that can't be read", at(accept("pilot", []byte("nonsense")), 150), []string{"driver from 0 s to 140 s, 40 s out", "pilot from 140 s to 290 s, 150 s out"}},
		{"head of another box", at(accept("pilot", otherHead(t)), 150), []string{"driver from 0 s to 140 s, 40 s out", "pilot from 140 s to 290 s, 150 s out"}},
		{"after the newest record", at(accept("pilot", nil), 9000), []string{"driver from 0 s to 290 s, 190 s out"}},
		{"before packing", at(accept("pilot", nil), -50), []string{"driver from 0 s to 0 s, 0 s out", "pilot from 0 s to 290 s, 190 s out"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := assess(t, acts(t, open(), pack(i.head(t, 1)), tt.accept), i.Journal)
			if d := cmp.Diff(tt.want, spans(a)); d != "" {
				t.Error(d)
			}
		})
	}
}

func otherHead(t *testing.T) []byte {
	t.Helper()
	signed, err := merkle.Sign(merkle.Checkpoint{Origin: record.Origin(ledger.BoxID{7}, ledger.IncarnationID{1}), Size: 3, Root: merkle.EmptyRoot}, new(box).key())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// What the box itself has found is passed on, to compare; only what it had closed, by this profile, and only on the trip:
// another shipment in the box has rules and probes of its own.
func TestAssess_box(t *testing.T) {
	i := new(box).open()
	closed := func(rule string, probe uint8, extremeMC int32) record.Record {
		return record.Record{Kind: record.KindExcursionClosed, Excursion: &record.Excursion{Rule: rule, Probe: probe, ExtremeMC: extremeMC}}
	}
	i.add(closed("too cold", 1, 1))
	i.read(3, 5000)
	i.add(record.Record{Kind: record.KindExcursionOpened, Excursion: &record.Excursion{Rule: "too cold", Probe: 1, ExtremeMC: 2}})
	i.add(closed("too cold", 1, 3))
	i.add(closed("too cold", 2, 4)) // of the other space
	i.add(closed("of another profile", 1, 5))
	i.add(closed("silence", 0, 0))
	end := len(i.Records)
	i.add(closed("too cold", 1, 6))
	a := assess(t, acts(t, open(), pack(i.head(t, 2)), receive(i.head(t, end))), i.Journal)
	if d := cmp.Diff([]record.Excursion{{Rule: "too cold", Probe: 1, ExtremeMC: 3}, {Rule: "silence"}}, a.Box); d != "" {
		t.Error(d)
	}
}

func TestAssess_refuses(t *testing.T) {
	var b box
	one := b.open()
	one.read(10, 5000)
	two := b.open()
	noBoot := two.Journal
	noBoot.Boot = nil
	packed := acts(t, open(), pack(one.head(t, 5)))
	badHead := acts(t, open(), pack([]byte("nonsense")))
	tests := []struct {
		name     string
		state    *custody.State
		journals []trip.Journal
		want     string
	}{
		{"not packed", acts(t, open()), []trip.Journal{one.Journal}, trip.ErrNotPacked.Error()},
		{"no acts", acts(t), nil, trip.ErrNotPacked.Error()},
		{"no journals", packed, nil, "is not here"},
		{"journal of packing missing", packed, []trip.Journal{two.Journal}, one.Origin + ", which the pack act cites, is not here"},
		{"journal begins after packing", packed, []trip.Journal{one.from(6)}, "begins at record 6, after packing at 5"},
		{"journal without boot record", packed, []trip.Journal{one.Journal, noBoot}, "without its boot record"},
		{"head of packing can't be read", badHead, []trip.Journal{one.Journal}, "can't be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := trip.Assess(tt.state, tt.journals)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, %v, want %q", a, err, tt.want)
			}
		})
	}
	if _, err := trip.Assess(acts(t, open()), nil); !errors.Is(err, trip.ErrNotPacked) {
		t.Errorf("got %v, want ErrNotPacked", err)
	}
}

// Nothing recorded since packing: an assessment without readings, not an error.
func TestAssess_nothingYet(t *testing.T) {
	i := new(box).open()
	a := assess(t, acts(t, open(), pack(i.end(t))), i.Journal)
	if a.Report.Readings != 0 || len(a.Spans) != 0 || a.Report.CoveragePermille() != 0 {
		t.Errorf("got %+v", a.Report)
	}
}
