package trip_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/record"
	"isotherm/ledger/trip"
)

// late is what an assessment says of late records, in words: seqs, and seconds.
func late(a *trip.Assessment) []string {
	var out []string
	for _, l := range a.Late {
		out = append(out, fmt.Sprintf("records %d to %d (%d), up to %d ms late, by %d s: %s", l.From.Seq, l.To.Seq, l.Records, l.LateMS, (l.RecordTimeMS-startWall)/1000, l.Cause))
	}
	return out
}

func radio(on bool) record.Record {
	return record.Record{Kind: record.KindOutput, Output: &record.Output{Name: "radio", On: on}}
}

// arrived is when the ledger took the records before seq to, in ms after the start.
func arrived(to int, ms int64) trip.Arrival {
	return trip.Arrival{To: int64(to), RecordTimeMS: startWall + ms}
}

// Records 0 to 100 lie 10 s apart, the first at the start.
func TestAssess_late(t *testing.T) {
	journal := func(edit func(i *incarnation)) *incarnation {
		i := (&box{number: 1, t: t}).open()
		i.read(100, 5000)
		if edit != nil {
			edit(i)
		}
		return i
	}
	quality := func(q record.ClockQuality, from, to int) func(i *incarnation) {
		return func(i *incarnation) {
			for _, r := range i.Records[from:to] {
				r.At.Quality = q
				if q == record.ClockUnset {
					r.At.WallMS -= startWall
				}
			}
		}
	}
	off := func(from, to int) func(i *incarnation) {
		return func(i *incarnation) {
			for n, on := range map[int]bool{from: false, to: true} {
				r := radio(on)
				r.Seq, r.At = uint64(n), i.Records[n].At
				i.Records[n] = &r
			}
		}
	}
	tests := []struct {
		name    string
		edit    func(i *incarnation)
		arrived []trip.Arrival
		want    []string
	}{
		{"not known", nil, nil, nil},
		{"five minutes are not late", nil, []trip.Arrival{arrived(2, 310_000), arrived(101, 1_000_000)}, []string{"records 2 to 69 (68), up to 980000 ms late, by 1000 s: no cover"}},
		{"one millisecond more is", nil, []trip.Arrival{arrived(2, 310_001), arrived(3, 20_000), arrived(101, 1_000_000)},
			[]string{"records 1 to 1 (1), up to 300001 ms late, by 310 s: no cover", "records 3 to 69 (67), up to 970000 ms late, by 1000 s: no cover"}},
		{"each batch in time", nil, []trip.Arrival{arrived(31, 300_000), arrived(61, 600_000), arrived(91, 900_000), arrived(101, 1_000_000)}, nil},
		{"what has not been taken yet is not late", nil, []trip.Arrival{arrived(31, 300_000)}, nil},
		{"radio off for a while", off(40, 90), []trip.Arrival{arrived(41, 400_000), arrived(101, 1_000_000)},
			[]string{"records 1 to 9 (9), up to 390000 ms late, by 400 s: no cover", "records 41 to 69 (29), up to 590000 ms late, by 1000 s: radio off"}},
		{"radio off and on again before", off(20, 40), []trip.Arrival{arrived(31, 300_000), arrived(41, 400_000), arrived(101, 1_000_000)},
			[]string{"records 41 to 69 (29), up to 590000 ms late, by 1000 s: no cover"}},
		{"radio off before packing", off(0, 100), []trip.Arrival{arrived(31, 300_000), arrived(101, 1_000_000)}, []string{"records 31 to 69 (39), up to 690000 ms late, by 1000 s: radio off"}},
		{"clock not set", quality(record.ClockUnset, 0, 101), []trip.Arrival{arrived(11, 9_000_000), arrived(101, 9_000_000)},
			[]string{"records 1 to 10 (10), up to 0 ms late, by 9000 s: unknown", "records 11 to 69 (59), up to 890000 ms late, by 9000 s: no cover", "records 70 to 100 (31), up to 0 ms late, by 9000 s: unknown"}},
		{"clock simulated: only by the box itself", quality(record.ClockSimulated, 0, 101), []trip.Arrival{arrived(11, 9_000_000), arrived(51, 9_000_000), arrived(101, 9_000_000)},
			[]string{"records 11 to 19 (9), up to 390000 ms late, by 9000 s: no cover", "records 51 to 69 (19), up to 490000 ms late, by 9000 s: no cover"}},
		{"ledger's clock behind: by the box itself", nil, []trip.Arrival{arrived(51, 0), arrived(101, 0)},
			[]string{"records 1 to 19 (19), up to 490000 ms late, by 0 s: no cover", "records 51 to 69 (19), up to 490000 ms late, by 0 s: no cover"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := journal(tt.edit)
			i.Journal.Arrived = tt.arrived
			if d := cmp.Diff(tt.want, late(assess(t, acts(t, open(), pack2(i, 1)), i.Journal))); d != "" {
				t.Error(d)
			}
		})
	}
}

// In flight: a leg by air that people departed on covers the late records.
func TestAssess_lateInFlight(t *testing.T) {
	i := (&box{number: 1, t: t}).open()
	i.read(100, 5000) // 10 s to 1000 s
	i.Journal.Arrived = []trip.Arrival{arrived(41, 390_000), arrived(101, 1_000_000)}
	legs := []custody.Leg{{From: "OPO", To: "Airport", Mode: custody.Road}, {From: "Airport", To: "City", Mode: custody.Flight}}
	waypoint := func(leg uint8, state custody.LegCode, second int64) custody.Statement {
		return at(custody.Statement{Kind: custody.Waypoint, By: party("pilot"), Leg: leg, LegState: state}, second)
	}
	tests := []struct {
		name      string
		waypoints []custody.Statement
		want      string
	}{
		{"no waypoint", nil, "no cover"},
		{"departed", []custody.Statement{waypoint(2, custody.Departed, 300)}, "flight"},
		{"departed and arrived", []custody.Statement{waypoint(2, custody.Departed, 300), waypoint(2, custody.Arrived, 900)}, "flight"},
		{"arrived before", []custody.Statement{waypoint(2, custody.Departed, 300), waypoint(2, custody.Arrived, 400)}, "no cover"},
		{"departed after", []custody.Statement{waypoint(2, custody.Departed, 700)}, "no cover"},
		{"arrived only", []custody.Statement{waypoint(2, custody.Arrived, 900)}, "no cover"},
		{"on the road", []custody.Statement{waypoint(1, custody.Departed, 300)}, "no cover"},
		{"a leg that is not planned", []custody.Statement{waypoint(3, custody.Departed, 300)}, "no cover"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opening := open()
			opening.Legs = legs
			got := assess(t, acts(t, append([]custody.Statement{opening, pack2(i, 1)}, tt.waypoints...)...), i.Journal).Late
			if len(got) != 2 || got[1].Cause != tt.want || got[0].Cause != "no cover" && tt.want != "flight" {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
		})
	}
}

// Gaps are data that was not taken; withheld is data that was taken and has not come.
func TestAssess_withheld(t *testing.T) {
	b := &box{number: 1, t: t}
	one := b.open()
	one.read(10, 5000) // 11 records
	two := b.open()
	two.read(10, 5000)
	_, inc, err := record.ParseOrigin(one.Origin)
	if err != nil {
		t.Fatal(err)
	}
	citing := func(size int64, of ledger.IncarnationID) *record.Boot {
		boot := *two.Boot
		boot.Predecessor = &record.Predecessor{Incarnation: of, Size: size}
		return &boot
	}
	foreign, later := (&box{number: 4, t: t}).open(), b.open()
	correction := custody.Statement{Kind: custody.Correction, By: party("nurse"), Cites: [32]byte{1}, Reason: custody.WrongTime, Head: later.head(t, 9)}
	tests := []struct {
		name string
		acts []custody.Statement
		held int64
		boot *record.Boot
		want []trip.Withheld
	}{
		{"nothing", []custody.Statement{receive(two.end(t))}, 0, two.Boot, nil},
		{"one record", []custody.Statement{receive(two.head(t, 12))}, 0, two.Boot, []trip.Withheld{{Origin: two.Origin, Held: 11, Cited: 12}}},
		{"the ledger holds it, the trip does not need it", []custody.Statement{receive(two.head(t, 12))}, 12, two.Boot, nil},
		{"the farthest counts", []custody.Statement{release("driver", "pilot", two.head(t, 90)), accept("pilot", two.head(t, 50))}, 20, two.Boot, []trip.Withheld{{Origin: two.Origin, Held: 20, Cited: 90}}},
		{"the successor cites it", nil, 0, citing(15, inc), []trip.Withheld{{Origin: one.Origin, Held: 11, Cited: 15}}},
		{"the successor cites what is held", nil, 0, citing(11, inc), nil},
		{"the successor cites an incarnation from before", nil, 0, citing(99, ledger.IncarnationID{77}), nil},
		{"a journal that never came", []custody.Statement{accept("pilot", later.head(t, 7))}, 0, two.Boot, []trip.Withheld{{Origin: later.Origin, Held: 0, Cited: 7}}},
		{"a box that the organ was never in", []custody.Statement{accept("pilot", foreign.head(t, 7))}, 0, two.Boot, nil},
		{"the box, when it has long gone on without the organ", []custody.Statement{receive(two.end(t)), correction}, 0, two.Boot, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := two.Journal
			j.Boot, j.Held = tt.boot, tt.held
			a := assess(t, acts(t, append([]custody.Statement{open(), pack2(one, 1)}, tt.acts...)...), j, one.Journal)
			for i := range a.Withheld {
				if (a.Withheld[i].Act == [32]byte{}) != (tt.acts == nil) {
					t.Errorf("act: got %x", a.Withheld[i].Act)
				}
				a.Withheld[i].Act = [32]byte{}
			}
			if d := cmp.Diff(tt.want, a.Withheld); d != "" {
				t.Error(d)
			}
		})
	}
}

// The name of every gap within a segment comes from the journal; radio off is no gap of data.
func TestAssess_gaps(t *testing.T) {
	b := &box{number: 1, t: t}
	one := b.open()
	one.read(5, 5000) // to 50 s
	one.add(radio(false))
	b.tick += 3
	one.add(record.Record{Kind: record.KindGap, Gap: &record.Gap{Reason: record.GapSuspended}}) // 100 s
	one.read(5, 5000)                                                                           // 110 s to 150 s
	one.add(radio(true))
	one.add(record.Record{Kind: record.KindShutdown, Shutdown: &record.Shutdown{Reason: "test"}}) // 170 s
	b.tick += 10
	two := b.open() // 280 s
	two.Boot.BootID = [16]byte{77}
	two.read(2, 5000) // 290 s to 300 s
	b.tick += 10
	three := b.open() // 410 s
	three.Boot.BootID = [16]byte{78}
	three.read(2, 5000)
	got := assess(t, acts(t, open(), pack2(one, 1)), three.Journal, one.Journal, two.Journal)
	if d := cmp.Diff([]string{"box suspended from 40 s to 100 s", "box off from 140 s to 280 s", "box lost power from 290 s to 410 s"}, gaps(got)); d != "" {
		t.Error(d)
	}
}

func TestAssess_simulated(t *testing.T) {
	i := (&box{number: 1, t: t}).open()
	i.read(5, 5000)
	state := acts(t, open(), pack2(i, 1))
	if assess(t, state, i.Journal).Simulated {
		t.Error("simulated, but it is not")
	}
	i.Records[3].At.Quality = record.ClockSimulated
	if !assess(t, state, i.Journal).Simulated {
		t.Error("not simulated")
	}
}
