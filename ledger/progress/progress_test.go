package progress

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"isotherm/ledger/custody"
	"isotherm/ledger/record"
)

const t0 = 1_790_000_000_000 // the time 0 of all situations

// spot is so many metres north of a place at 47 degrees north.
func spot(northM float64) custody.Position {
	return custody.Position{LatE7: 470_000_000 + int32(math.Round(northM/earthM*180e7/math.Pi)), LonE7: 80_000_000}
}

// way is a plan with stops at the given distances north, 60 min for each leg, in circles of 500 m.
func way(stopsM ...float64) []custody.Leg {
	names := []string{"Hospital", "North Airport", "South Airport", "Center", "Beyond"}
	var legs []custody.Leg
	for i := range len(stopsM) - 1 {
		legs = append(legs, custody.Leg{From: names[i], To: names[i+1], Mode: custody.Road, Start: spot(stopsM[i]), End: spot(stopsM[i+1]), RadiusM: 500,
			DepartMS: t0 + int64(i)*hour, ArriveMS: t0 + int64(i)*hour + 50*minute})
	}
	return legs
}

// at is a fix: minutes after t0, metres north.
func at(min, northM float64) Fix {
	p := spot(northM)
	return Fix{WallMS: t0 + int64(min*minute), LatE7: p.LatE7, LonE7: p.LonE7, HDOPx100: 100}
}

// every gives a fix each step minutes, on a straight way.
func every(step, from, to, fromM, toM float64) []Fix {
	var out []Fix
	for m := from; m <= to; m += step {
		out = append(out, at(m, fromM+(toM-fromM)*(m-from)/max(to-from, step)))
	}
	return out
}

func fixes(parts ...[]Fix) []Fix {
	var out []Fix
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// stated is a waypoint or another act with its event time in minutes after t0.
func stated(kind custody.Kind, min float64, change func(*custody.Statement)) *custody.Statement {
	s := &custody.Statement{Kind: kind, EventTimeMS: t0 + int64(min*minute)}
	if change != nil {
		change(s)
	}
	return s
}

func leg(n uint8, s custody.LegCode) func(*custody.Statement) {
	return func(st *custody.Statement) { st.Leg, st.LegState = n, s }
}

func packed(legs []custody.Leg, acts ...*custody.Statement) *custody.State {
	s := &custody.State{Phase: custody.PhasePacked, Legs: legs}
	for _, a := range acts {
		if a.Kind == custody.Waypoint {
			s.Waypoints = append(s.Waypoints, a)
		}
		if a.Kind == custody.Release {
			s.Pending = a
			continue
		}
		if a.Kind == custody.Receive {
			s.Receipt, s.Phase = a, custody.PhaseReceived
		}
		s.History = append(s.History, custody.HistoryItem{Entered: custody.Entered{Act: &custody.Act{Statement: *a}}, Standing: custody.Applied})
	}
	return s
}

func (p Point) words() string {
	switch {
	case !p.Known:
		return "-"
	case p.AtMS == 0:
		return "?"
	case p.Stated:
		return fmt.Sprintf("%g stated", float64(p.AtMS-t0)/minute)
	}
	return fmt.Sprintf("%g", float64(p.AtMS-t0)/minute)
}

// words says what was found, in minutes after t0: 'departed/arrived, ... | current | findings'.
func (p Progress) words() string {
	var legs, found []string
	for _, l := range p.Legs {
		legs = append(legs, l.Departed.words()+"/"+l.Arrived.words())
	}
	for _, f := range p.Findings {
		text := fmt.Sprintf("%s since %g", f.Kind, float64(f.SinceMS-t0)/minute)
		if f.Place != "" {
			text += " " + f.Place
		}
		found = append(found, text)
	}
	return strings.Join(legs, ", ") + " | " + fmt.Sprint(p.Current) + " | " + strings.Join(found, "; ")
}

func TestOf_legs(t *testing.T) {
	two := way(0, 20_000, 60_000)
	for _, tt := range []struct {
		name  string
		state *custody.State
		fixes []Fix
		now   float64
		want  string
	}{
		{"nothing known", packed(nil), nil, 10, " | 0 | "},
		{"no fixes", packed(two), nil, 10, "-/-, -/- | 1 | "},
		{"at the start", packed(two), every(1, 0, 5, 0, 0), 5, "-/-, -/- | 1 | "},
		{"99 m beyond the edge", packed(two), fixes(every(1, 0, 5, 0, 0), every(1, 6, 9, 599, 599)), 9, "-/-, -/- | 1 | "},
		{"101 m beyond, once", packed(two), fixes(every(1, 0, 5, 0, 0), every(1, 6, 6, 601, 601)), 6, "-/-, -/- | 1 | "},
		{"101 m beyond, once and back", packed(two), fixes(every(1, 0, 5, 0, 0), every(1, 6, 6, 601, 601), every(1, 7, 7, 0, 0), every(1, 8, 8, 601, 601)), 8, "-/-, -/- | 1 | "},
		{"101 m beyond, twice", packed(two), fixes(every(1, 0, 5, 0, 0), every(1, 6, 7, 601, 601)), 7, "6/-, -/- | 1 | "},
		{"never seen at the start, 1.9 km beyond", packed(two), every(1, 0, 5, 2399, 2399), 2, "-/-, -/- | 1 | "},
		{"never seen at the start, 2.1 km beyond", packed(two), every(1, 0, 2, 2601, 2700), 2, "0/-, -/- | 1 | "},
		{"at the end for 1 min 59 s", packed(two), fixes(every(1, 0, 30, 0, 20_000), []Fix{at(31.98, 20_000)}), 32, "1/-, -/- | 1 | "},
		{"at the end for 2 min", packed(two), fixes(every(1, 0, 30, 0, 20_000), []Fix{at(32, 20_000)}), 32, "1/30, -/- | 2 | "},
		{"drives through", packed(two), every(0.1, 0, 30, 0, 30_000), 30, "0.7/-, -/- | 1 | "},
		{"goes on with the next", packed(two), fixes(every(1, 0, 30, 0, 20_000), every(1, 31, 40, 20_000, 20_000), every(1, 41, 80, 20_000, 60_000)), 80, "1/30, 42/- | 2 | "},
		{"all done", packed(two), fixes(every(1, 0, 30, 0, 20_000), every(1, 31, 33, 20_000, 20_000), every(1, 34, 80, 21_000, 60_000), every(1, 81, 83, 60_000, 60_000)), 83, "1/30, 34/80 | 0 | "},
		{"the last stop first", packed(two), fixes(every(1, 0, 20, 0, 0), every(1, 40, 45, 60_000, 60_000)), 45, "40/?, ?/40 | 0 | "},
		{"stated wins over found", packed(two, stated(custody.Waypoint, 3, leg(1, custody.Departed)), stated(custody.Waypoint, 29, leg(1, custody.Arrived))),
			fixes(every(1, 0, 5, 0, 0), every(1, 6, 36, 0, 20_000), every(1, 37, 39, 20_000, 20_000)), 39, "3 stated/29 stated, -/- | 2 | "},
		{"stated after found", packed(two, stated(custody.Waypoint, 35, leg(1, custody.Arrived))), fixes(every(1, 0, 30, 0, 20_000), every(1, 31, 33, 20_000, 20_000)), 40, "1/35 stated, -/- | 2 | "},
		{"stated without fixes", packed(two, stated(custody.Waypoint, 29, leg(1, custody.Arrived))), nil, 40, "?/29 stated, -/- | 2 | "},
		{"stated departure of a later leg", packed(two, stated(custody.Waypoint, 29, leg(2, custody.Departed))), nil, 40, "?/?, 29 stated/- | 2 | "},
		{"stated in the future", packed(two, stated(custody.Waypoint, 46, leg(1, custody.Departed))), nil, 40, "-/-, -/- | 1 | "},
		{"a leg that is not planned", packed(two, stated(custody.Waypoint, 29, leg(3, custody.Arrived))), nil, 40, "-/-, -/- | 1 | "},
		{"received", packed(two, stated(custody.Receive, 100, nil)), nil, 110, "?/?, ?/100 stated | 0 | "},
		{"circles that overlap", packed(way(0, 600, 60_000)), every(1, 0, 10, 300, 300), 10, "-/-, -/- | 1 | "},
		{"across overlapping circles", packed(way(0, 700, 60_000)), fixes(every(1, 0, 10, 300, 300), every(1, 11, 13, 700, 700)), 13, "11/11, -/- | 2 | "},
	} {
		got := Of(tt.state, tt.fixes, t0+int64(tt.now*minute)).words()
		if got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestOf_findings(t *testing.T) {
	two := way(0, 20_000, 60_000)
	gone := every(1, 0, 10, 0, 5_000) // departed at 2
	position := func(m float64) func(*custody.Statement) {
		return func(s *custody.Statement) { p := spot(m); s.Position = &p }
	}
	release := func(min float64) *custody.Statement {
		return stated(custody.Release, 0, func(s *custody.Statement) { s.ValidMS = t0 + int64(min*minute) })
	}
	for _, tt := range []struct {
		name  string
		state *custody.State
		fixes []Fix
		now   float64
		want  string
	}{
		{"stands 4 min 59 s far off", packed(way(0, 20_000)), fixes(every(1, 0, 5, 0, 30_000), []Fix{at(9.98, 30_000)}), 10, ""},
		{"stands 5 min far off", packed(way(0, 20_000)), fixes(every(1, 0, 5, 0, 30_000), []Fix{at(10, 30_000)}), 10, "wrong place since 5 North Airport"},
		{"stands 199 m about", packed(way(0, 20_000)), fixes(every(1, 0, 5, 0, 30_000), []Fix{at(8, 30_199), at(10, 30_000)}), 10, "wrong place since 5 North Airport"},
		{"one fix astray", packed(way(0, 20_000)), fixes(every(1, 0, 5, 0, 30_000), []Fix{at(7, 30_000), at(8, 33_000), at(10, 30_000)}), 10, "wrong place since 5 North Airport"},
		{"the newest fix astray", packed(way(0, 20_000)), fixes(every(1, 0, 5, 0, 30_000), []Fix{at(10, 30_000), at(11, 33_000)}), 11, "wrong place since 5 North Airport"},
		{"moves on", packed(way(0, 20_000)), fixes(every(1, 0, 5, 0, 30_000), []Fix{at(8, 30_300), at(10, 30_300)}), 10, ""},
		{"1.99 km beyond the circle", packed(way(0, 4_000)), fixes(every(1, 0, 5, 0, 6_490), []Fix{at(10, 6_490)}), 10, ""},
		{"2.01 km beyond the circle", packed(way(0, 4_000)), fixes(every(1, 0, 5, 0, 6_510), []Fix{at(10, 6_510)}), 10, "wrong place since 5 North Airport"},
		{"held up between", packed(way(0, 20_000)), fixes(every(1, 0, 5, 0, 10_000), []Fix{at(10, 10_000)}), 10, ""},
		{"held up 1.29 times about", packed(way(0, 20_000)), fixes(every(1, 0, 5, 0, 22_900), []Fix{at(10, 22_900)}), 10, ""},
		{"held up 1.31 times about", packed(way(0, 20_000)), fixes(every(1, 0, 5, 0, 23_100), []Fix{at(10, 23_100)}), 10, "wrong place since 5 North Airport"},
		{"at a later stop", packed(way(0, 20_000, 60_000, 100_000)), fixes(every(1, 0, 1, 0, 0), every(1, 30, 35, 60_000, 60_000)), 35, "wrong place since 30 South Airport"},
		{"at a later stop for a moment", packed(way(0, 20_000, 60_000, 100_000)), fixes(every(1, 0, 1, 0, 0), every(1, 30, 34, 60_000, 60_000)), 34, ""},
		{"where the leg before ended", packed(way(0, 20_000, 60_000), stated(custody.Waypoint, 1, leg(1, custody.Arrived))), every(1, 2, 12, 20_000, 20_000), 12, ""},
		{"15 min old", packed(way(0, 20_000)), fixes(every(1, 0, 5, 0, 30_000), []Fix{at(10, 30_000)}), 25, "wrong place since 5 North Airport"},
		{"older", packed(way(0, 20_000)), fixes(every(1, 0, 5, 0, 30_000), []Fix{at(10, 30_000)}), 25.01, ""},

		{"still for 14 min 59 s", packed(two), fixes(gone, []Fix{at(24.98, 5_000)}), 25, ""},
		{"still for 15 min", packed(two), fixes(gone, []Fix{at(25, 5_000)}), 25, "no progress since 10 North Airport"},
		{"moved 201 m", packed(two), fixes(gone, []Fix{at(20, 5_201), at(25, 5_201)}), 25, ""},
		{"still at the start", packed(two), every(1, 0, 30, 0, 0), 30, ""},
		{"still at the end", packed(two, stated(custody.Waypoint, 2, leg(1, custody.Departed))), []Fix{at(3, 3000), at(4, 20_000)}, 40, ""},

		{"custodian 1.9 km off", packed(two, stated(custody.Accept, 10, position(1_900))), every(1, 0, 12, 0, 0), 12, ""},
		{"custodian 2.1 km off", packed(two, stated(custody.Accept, 10, position(2_100))), every(1, 0, 12, 0, 0), 12, "left behind since 10"},
		{"custodian off, but the box was not seen near that time", packed(two, stated(custody.Accept, 10, position(2_100))), []Fix{at(4.99, 0)}, 12, ""},
		{"custodian off, and it was seen 5 min before", packed(two, stated(custody.Accept, 10, position(2_100))), []Fix{at(5, 0)}, 12, "left behind since 10"},
		{"the box came after", packed(two, stated(custody.Accept, 10, position(2_100))), fixes(every(1, 0, 12, 0, 0), []Fix{at(13, 200)}), 13, ""},
		{"a newer position is near", packed(two, stated(custody.Accept, 10, position(2_100)), stated(custody.Accept, 11, position(100))), every(1, 0, 12, 0, 0), 12, ""},
		{"departure stated, 9 min 59 s", packed(two, stated(custody.Waypoint, 0, leg(1, custody.Departed))), []Fix{at(0, 0), at(9.98, 0)}, 10, ""},
		{"departure stated, 10 min", packed(two, stated(custody.Waypoint, 0, leg(1, custody.Departed))), []Fix{at(0, 0), at(10, 0)}, 10, "left behind since 0 Hospital"},
		{"departure stated, the fix is from before", packed(two, stated(custody.Waypoint, 0, leg(1, custody.Departed))), []Fix{at(0, 0)}, 60, ""},
		{"departure stated, and left", packed(two, stated(custody.Waypoint, 0, leg(1, custody.Departed))), []Fix{at(0, 0), at(10, 501)}, 10, ""},

		{"release valid to the minute", packed(two, release(30)), nil, 30, ""},
		{"release ran out", packed(two, release(30)), nil, 30.001, "handoff overdue since 30"},
		{"release without end", packed(two, stated(custody.Release, 0, nil)), nil, 1000, "delayed since 120 Hospital"},

		{"1 h 59 min late", packed(two, stated(custody.Waypoint, 119, leg(1, custody.Departed))), nil, 119, ""},
		{"2 h late", packed(two, stated(custody.Waypoint, 120, leg(1, custody.Departed))), nil, 121, "delayed since 120 Hospital"},
		{"2 h late, made up for", packed(two, stated(custody.Waypoint, 120, leg(1, custody.Departed)), stated(custody.Waypoint, 150, leg(1, custody.Arrived))), nil, 151, ""},
		{"not departed for 1 h 59 min", packed(two), nil, 119.9, ""},
		{"not departed for 2 h", packed(two), nil, 120, "delayed since 120 Hospital"},
		{"late twice is one", packed(two, stated(custody.Waypoint, 120, leg(1, custody.Departed)), stated(custody.Waypoint, 175, leg(1, custody.Arrived))), nil, 176, "delayed since 120 North Airport"},
		{"received: nothing more", packed(two, stated(custody.Receive, 100, nil)), nil, 1000, ""},
	} {
		_, _, got := cutWords(Of(tt.state, tt.fixes, t0+int64(tt.now*minute)).words())
		if got != tt.want {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
	far := Of(packed(way(0, 20_000)), fixes(every(1, 0, 5, 0, 30_000), []Fix{at(10, 30_000)}), t0+10*minute)
	if f := far.Findings; len(f) != 1 || f[0].Kind != WrongPlace || f[0].DistanceM != 30_000-20_000-500 {
		t.Errorf("distance to the nearest circle: got %+v, want one of 9500 m", f)
	}
}

func cutWords(s string) (legs, current, findings string) {
	parts := strings.SplitN(s, " | ", 3)
	return parts[0], parts[1], parts[2]
}

func TestOf_eta(t *testing.T) {
	two := way(0, 20_000, 60_000) // arrives at minute 110
	planless := way(0, 20_000)
	planless[0].ArriveMS = 0
	done := stated(custody.Waypoint, 40, leg(1, custody.Arrived))
	drive := every(1, 60, 80, 20_000, 40_000) // 1 km a minute, departed for the last leg
	for _, tt := range []struct {
		name   string
		state  *custody.State
		fixes  []Fix
		now    float64
		want   float64 // minutes after t0; 0 for none
		method string
	}{
		{"no plan", packed(nil), nil, 0, 0, ""},
		{"as planned", packed(two), nil, -10, 110, "planned"},
		{"late at the start", packed(two, stated(custody.Waypoint, 12, leg(1, custody.Departed))), nil, 13, 122, "planned, 12 min later than planned at Hospital"},
		{"early at the airport", packed(two, stated(custody.Waypoint, 35, leg(1, custody.Arrived))), nil, 36, 95, "planned, 15 min earlier than planned at North Airport"},
		{"59 s late", packed(two, stated(custody.Waypoint, 0.99, leg(1, custody.Departed))), nil, 13, 110.99, "planned, on time at Hospital"},
		{"no arrival planned", packed(planless), nil, 13, 0, "no arrival is planned"},
		{"passed", packed(two), nil, 135, 0, "the arrival expected (planned) passed 25 min ago"},
		{"arrived", packed(two, stated(custody.Waypoint, 90, leg(2, custody.Arrived))), nil, 91, 0, "arrived"},
		{"by road", packed(two, done), drive, 80, 100, "estimate: 20 km in a straight line at 60 km/h, the mean of the last 15 min"},
		{"by road, the fix is 5 min old", packed(two, done), drive, 85, 100, "estimate: 20 km in a straight line at 60 km/h, the mean of the last 15 min"},
		{"by road, the fix is older", packed(two, done), drive, 85.01, 113, "planned, 3 min later than planned at North Airport"},
		{"by road, too slow", packed(two, done), every(1, 60, 80, 20_000, 25_900), 80, 114, "planned, 4 min later than planned at North Airport"},
		{"by road, fast enough", packed(two, done), every(1, 60, 80, 20_000, 26_100), 80, 80 + 33_900.0/305, "estimate: 34 km in a straight line at 18 km/h, the mean of the last 15 min"},
		{"by road, too short a time", packed(two, done), every(1, 76, 80, 30_000, 40_000), 80, 118, "planned, 8 min later"},
	} {
		p := Of(tt.state, tt.fixes, t0+int64(tt.now*minute))
		got := 0.0
		if p.ETAMS != 0 {
			got = float64(p.ETAMS-t0) / minute
		}
		if strings.HasPrefix(tt.name, "by road, ") && strings.HasPrefix(tt.method, "planned") {
			if strings.HasPrefix(p.ETAMethod, "estimate") || p.ETAMS == 0 {
				t.Errorf("%s: got %g, %q, want no estimate", tt.name, got, p.ETAMethod)
			}
			continue
		}
		if math.Abs(got-tt.want) > 0.05 || p.ETAMethod != tt.method {
			t.Errorf("%s: got %g, %q, want %g, %q", tt.name, got, p.ETAMethod, tt.want, tt.method)
		}
	}
	flight := way(0, 20_000, 60_000)
	flight[1].Mode = custody.Flight
	if p := Of(packed(flight, done), drive, t0+80*minute); strings.HasPrefix(p.ETAMethod, "estimate") {
		t.Errorf("a flight has an estimate: %q", p.ETAMethod)
	}
}

func TestUsable(t *testing.T) {
	bad := func(f Fix, change func(*Fix)) Fix { change(&f); return f }
	now := int64(t0 + 60*minute)
	for _, tt := range []struct {
		name string
		in   []Fix
		want []float64 // minutes
	}{
		{"none", nil, nil},
		{"in order", []Fix{at(1, 0), at(2, 0)}, []float64{1, 2}},
		{"one out of order", []Fix{at(1, 0), at(5, 0), at(3, 0), at(6, 0)}, []float64{1, 5, 6}},
		{"the same time again", []Fix{at(1, 0), at(1, 9), at(2, 0)}, []float64{1, 2}},
		{"a clock set back", []Fix{at(1, 0), at(31, 0), at(32, 0), at(3, 0), at(4, 0), at(5, 0)}, []float64{1, 3, 4, 5}},
		{"5 min in the future", []Fix{at(65, 0)}, []float64{65}},
		{"more in the future", []Fix{at(65.01, 0), at(2, 0)}, []float64{2}},
		{"1980", []Fix{bad(at(1, 0), func(f *Fix) { f.WallMS = -5 }), at(2, 0)}, []float64{2}},
		{"HDOP of 20", []Fix{bad(at(1, 0), func(f *Fix) { f.HDOPx100 = 2000 })}, []float64{1}},
		{"worse", []Fix{bad(at(1, 0), func(f *Fix) { f.HDOPx100 = 2001 })}, nil},
		{"beyond the pole", []Fix{bad(at(1, 0), func(f *Fix) { f.LatE7 = 900_000_001 })}, nil},
		{"beyond the antimeridian", []Fix{bad(at(1, 0), func(f *Fix) { f.LonE7 = -1_800_000_001 })}, nil},
	} {
		var got []float64
		for _, p := range usable(tt.in, now) {
			got = append(got, float64(p.WallMS-t0)/minute)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, d)
		}
	}
}

func TestDistanceM(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b custody.Position
		want int64
		ok   bool
	}{
		{"nothing", custody.Position{}, custody.Position{}, 0, true},
		{"a degree of the equator", custody.Position{}, custody.Position{LonE7: 10_000_000}, 111_195, true},
		{"across the antimeridian", custody.Position{LonE7: 1_799_950_000}, custody.Position{LonE7: -1_799_950_000}, 1_112, true},
		{"over the pole", custody.Position{LatE7: 899_950_000}, custody.Position{LatE7: 899_950_000, LonE7: 1_800_000_000}, 1_112, true},
		{"half around", custody.Position{LatE7: 900_000_000}, custody.Position{LatE7: -900_000_000}, 20_015_114, true},
		{"not on earth", custody.Position{LatE7: math.MaxInt32}, custody.Position{}, 0, false},
	} {
		got, ok := DistanceM(tt.a, tt.b)
		if got != tt.want || ok != tt.ok {
			t.Errorf("%s: got %d, %v, want %d, %v", tt.name, got, ok, tt.want, tt.ok)
		}
	}
}

// TestOf_antimeridian has a leg across it: 0.2 degrees at the equator, some 22 km.
func TestOf_antimeridian(t *testing.T) {
	l := custody.Leg{From: "West", To: "East", Start: custody.Position{LonE7: 1_799_000_000}, End: custody.Position{LonE7: -1_799_000_000}, RadiusM: 500}
	lon := func(min float64, e7 int64) Fix {
		if e7 > 1_800_000_000 {
			e7 -= 3_600_000_000
		}
		return Fix{WallMS: t0 + int64(min*minute), LonE7: int32(e7)}
	}
	var f []Fix
	for m := range 21 {
		f = append(f, lon(float64(m), 1_799_000_000+int64(m)*100_000))
	}
	f = append(f, lon(21, 1_801_000_000), lon(22, 1_801_000_000))
	if got, want := Of(packed([]custody.Leg{l}), f, t0+22*minute).words(), "1/20 | 0 | "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := Of(packed([]custody.Leg{l}), append(f[:15:15], lon(20, 1_800_400_000)), t0+20*minute).words(), "1/- | 1 | "; got != want {
		t.Errorf("held up just beyond it: got %s, want %s", got, want)
	}
}

func TestFixOf(t *testing.T) {
	r := func(change func(*record.Record)) *record.Record {
		r := &record.Record{At: record.Stamp{WallMS: t0, Quality: record.ClockGNSS},
			Reading: &record.Reading{Fix: &record.Fix{LatE7: 1, LonE7: 2, Quality: 1, HDOPx100: 90, AgeMS: 10_000}}}
		change(r)
		return r
	}
	want := Fix{WallMS: t0 - 10_000, LatE7: 1, LonE7: 2, HDOPx100: 90}
	if got, ok := FixOf(r(func(*record.Record) {})); !ok || got != want {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	for name, change := range map[string]func(*record.Record){
		"no reading":     func(r *record.Record) { r.Reading = nil },
		"no fix":         func(r *record.Record) { r.Reading.Fix = nil },
		"invalid fix":    func(r *record.Record) { r.Reading.Fix.Quality = 0 },
		"a jump":         func(r *record.Record) { r.Reading.FixFault = 48 },
		"old fix":        func(r *record.Record) { r.Reading.Fix.AgeMS = 10_001 },
		"no time at all": func(r *record.Record) { r.At.Quality = record.ClockUnset },
	} {
		if got, ok := FixOf(r(change)); ok {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestDuration(t *testing.T) {
	for ms, want := range map[int64]string{0: "less than a minute", 59_999: "less than a minute", 60_000: "1 min", 59 * minute: "59 min", hour: "1 h", 161 * minute: "2 h 41 min"} {
		if got := Duration(ms); got != want {
			t.Errorf("%d ms: got %q, want %q", ms, got, want)
		}
	}
}

// TestOf_hostile gives it any numbers at all, and checks what must hold whatever they are.
func TestOf_hostile(t *testing.T) {
	i64 := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, -1, 0, 1, t0, t0 + hour, math.MaxInt64}), rapid.Int64Range(t0, t0+5*hour))
	i32 := rapid.OneOf(rapid.Int32(), rapid.Int32Range(470_000_000, 470_300_000))
	pos := rapid.Custom(func(t *rapid.T) custody.Position {
		return custody.Position{LatE7: i32.Draw(t, "lat"), LonE7: i32.Draw(t, "lon")}
	})
	rapid.Check(t, func(t *rapid.T) {
		s := packed(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) custody.Leg {
			return custody.Leg{Mode: custody.Road, DepartMS: i64.Draw(t, "depart"), ArriveMS: i64.Draw(t, "arrive"), Start: pos.Draw(t, "start"), End: pos.Draw(t, "end"),
				RadiusM: rapid.Uint32().Draw(t, "radius")}
		}), 0, 4).Draw(t, "legs"))
		for range rapid.IntRange(0, 4).Draw(t, "acts") {
			p := pos.Draw(t, "position")
			st := custody.Statement{Kind: custody.Kind(rapid.SampledFrom([]custody.Kind{custody.Accept, custody.Waypoint}).Draw(t, "kind")), EventTimeMS: i64.Draw(t, "event"),
				Leg: rapid.Uint8().Draw(t, "leg"), LegState: custody.LegCode(rapid.Uint8Range(0, 3).Draw(t, "state")), Position: &p}
			s.History = append(s.History, custody.HistoryItem{Entered: custody.Entered{Act: &custody.Act{Statement: st}}, Standing: custody.Applied})
			if st.Kind == custody.Waypoint {
				s.Waypoints = append(s.Waypoints, &st)
			}
		}
		if rapid.Bool().Draw(t, "pending") {
			s.Pending = &custody.Statement{ValidMS: i64.Draw(t, "valid")}
		}
		f := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Fix {
			p := pos.Draw(t, "fix")
			return Fix{WallMS: i64.Draw(t, "wall"), LatE7: p.LatE7, LonE7: p.LonE7, HDOPx100: rapid.Uint16().Draw(t, "hdop")}
		}), 0, 30).Draw(t, "fixes")
		now := i64.Draw(t, "now")
		p := Of(s, f, now)
		if d := cmp.Diff(p, Of(s, f, now)); d != "" {
			t.Fatalf("not the same twice:\n%s", d)
		}
		if p.ETAMS != 0 && p.ETAMS <= now {
			t.Fatalf("arrival at %d is before now, %d", p.ETAMS, now)
		}
		for _, x := range p.Findings {
			if x.SinceMS <= 0 || x.SinceMS > now+ahead || x.DistanceM < 0 {
				t.Fatalf("finding %+v at %d", x, now)
			}
		}
		if p.Newest != nil && p.Newest.WallMS > now+ahead {
			t.Fatalf("newest fix at %d is in the future of %d", p.Newest.WallMS, now)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	s := packed(way(0, 20_000, 60_000, 100_000))
	f := every(1.0/6, 0, 720, 0, 100_000)
	for b.Loop() {
		Of(s, f, t0+720*minute)
	}
}
