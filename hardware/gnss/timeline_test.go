package gnss

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
)

// point is one epoch of a made-up trip.
type point struct {
	at    time.Time // zero: the receiver has no time yet
	north float64   // metres from the start
	knots string
	void  bool
	plain bool // a GGA, which has no date
}

// trip writes points as sentences.
func trip(points ...point) string {
	var out strings.Builder
	for _, p := range points {
		minutes := 30 + p.north/1852 // a minute of latitude is a nautical mile
		lat := fmt.Sprintf("%02d%07.4f,N,01315.0000,E", 52+int(minutes/60), math.Mod(minutes, 60))
		clock, date, status := p.at.Format("150405.00"), p.at.Format("020106"), "A"
		if p.at.IsZero() {
			clock, date = "", ""
		}
		if p.void {
			status = "V"
		}
		if p.plain {
			out.WriteString(nmeaLine("GPGGA," + clock + "," + lat + ",1,08,0.95,35.0,M,40.0,M,,"))
		} else {
			out.WriteString(nmeaLine("GPRMC," + clock + "," + status + "," + lat + "," + p.knots + ",0.0," + date + ",,,A"))
		}
	}
	return out.String()
}

// steps makes points at a fixed place, the given seconds after each other.
func steps(from time.Time, seconds ...float64) []point {
	list := []point{{at: from}}
	for _, s := range seconds {
		from = from.Add(time.Duration(s * float64(time.Second)))
		list = append(list, point{at: from})
	}
	return list
}

func noon() time.Time { return time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC) }

// story is brief without the fixes that have no doubt.
func story(events []Event) string {
	var kept []Event
	for _, e := range events {
		if e.Kind != KindFix || e.Fix.Doubt != hardware.None {
			kept = append(kept, e)
		}
	}
	return brief(kept)
}

func TestDecoder_gaps(t *testing.T) {
	void := func(list []point) []point {
		for i := range list {
			list[i].void = true
		}
		return list
	}
	start := noon()
	join := func(lists ...[]point) []point {
		var all []point
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	tests := []struct {
		name string
		in   []point
		want string
	}{
		{"every second", steps(start, 1, 1, 1, 1), ""},
		{"347 s gap", steps(start, 1, 1, 1, 347, 1, 1), "gap:346"},
		{"347 s gap, first thing", steps(start, 347, 1, 1), "gap:346"},
		{"17 s and 71 s", steps(start, 1, 1, 17, 1, 71, 1), "gap:16 gap:70"},
		{"one missing", steps(start, 1, 1, 2, 1), "gap:1"},
		{"every 2 s with 3 s now and then", steps(start, 2, 2, 2, 3, 2, 2, 2, 2, 3, 2, 2), ""},
		{"every 2 s, one missing", steps(start, 2, 2, 2, 3, 2, 2, 4, 2, 3, 2, 2), "gap:1"},
		{"10 Hz, four missing", steps(start, 0.1, 0.1, 0.1, 0.5, 0.1), "gap:4"},
		{"every minute", steps(start, 60, 60, 60), ""},
		{"every five minutes, assumed to be every second at first", steps(start, 300, 300, 300), "gap:299"},
		{"a new pace", steps(start, 1, 1, 1, 1, 5, 5, 5, 5, 5, 5, 5, 5), "gap:4 gap:4 gap:4 gap:4 gap:4"},
		{"over midnight", steps(start.Add(12*time.Hour-3*time.Second), 1, 1, 1, 1, 1), ""},
		{"gap over midnight", steps(start.Add(12*time.Hour-3*time.Second), 1, 1, 10, 1), "gap:9"},
		{"a day and a second", steps(start, 1, 1, 86401, 1), "gap:86400"},
		{"back 77 s", steps(start, 1, 1, -77, 1, 1), "time_backwards"},
		{"back 77 s and forth", steps(start, 1, 1, -77, 79, 1), "time_backwards gap:78"},
		{"rounded otherwise", steps(start, 1, 1, 0.01, 0.99, 0.01, 0.99), ""},
		{"tunnel", join(steps(start, 1, 1, 1), void(steps(start.Add(4*time.Second), 1, 1)), steps(start.Add(7*time.Second), 1)), "no:void no:void no:void"},
		{"tunnel without time", join(steps(start, 1, 1, 1), void(make([]point, 3)), steps(start.Add(7*time.Second), 1)), "no:void no:void no:void"},
		{"cold start", join(void(steps(time.Date(1980, 1, 6, 0, 0, 10, 0, time.UTC), 1)), steps(start, 1, 1)), "no:void no:void"},
		{"restart", join(steps(start, 1, 1), void(steps(start.Add(-9*time.Hour), 1, 1)), steps(start.Add(60*time.Second), 1)),
			"time_backwards no:void no:void no:void gap:54"},
		{"clock set while void", join(steps(start, 1, 1), void(steps(start.Add(9*time.Hour), 1, 1)), steps(start.Add(6*time.Second), 1)), "no:void no:void no:void"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := story(decode(trip(tt.in...))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDecoder_gapEnds(t *testing.T) {
	in := trip(steps(noon(), 1, 1, 10)...)
	day := time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)
	want := Event{Kind: KindGap, Offset: int64(strings.LastIndex(in, "$")), Gap: Gap{
		From: Moment{Known: true, TimeOfDay: 12*time.Hour + 2*time.Second, Date: day}, To: Moment{Known: true, TimeOfDay: 12*time.Hour + 12*time.Second, Date: day}, Missing: 9,
	}}
	events := decode(in)
	if diff := cmp.Diff(want, events[len(events)-2]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecoder_rollover(t *testing.T) {
	const weeks = 1024 * 7 * 24 * time.Hour
	tests := []struct {
		name     string
		earliest string
		in       []point
		want     string
		last     string // the date of the last fix
		weeks    int
	}{
		{"none", "2026-01-01", steps(noon(), 1, 1), "", "2026-03-15", 0},
		{"one era", "2026-01-01", steps(noon().Add(-weeks), 1, 1), "rollover", "2026-03-15", 1024},
		{"the last right day", "2026-01-01", steps(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)), "", "2026-01-01", 0},
		{"the first day that is moved", "2026-01-01", steps(time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)), "rollover", "2045-08-16", 1024},
		{"a capture", "2000-01-01", steps(noon().Add(-weeks), 1, 1), "", "2006-07-30", 0},
		{"while it runs", "2000-01-01", append(steps(noon(), 1), steps(noon().Add(2*time.Second-weeks), 1, 1)...), "rollover", "2026-03-15", 1024},
		{"while it runs, and back", "2000-01-01", append(append(steps(noon(), 1), steps(noon().Add(2*time.Second-weeks), 1)...), steps(noon().Add(4*time.Second), 1)...),
			"rollover rollover", "2026-03-15", 0},
		{"found out by itself", "2000-01-01", append(steps(noon().Add(-weeks), 1), steps(noon().Add(2*time.Second), 1)...), "rollover", "2026-03-15", 0},
		{"no era", "2000-01-01", append(steps(noon(), 1), steps(noon().Add(-weeks+100*time.Hour), 1)...), "time_backwards", "2006-08-03", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			earliest, err := time.Parse(time.DateOnly, tt.earliest)
			if err != nil {
				t.Fatal(err)
			}
			events := decodeSince(earliest, trip(tt.in...))
			if got := story(events); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			last := events[len(events)-1]
			if got := last.Fix.Date.Format(time.DateOnly); got != tt.last || last.Weeks != tt.weeks {
				t.Errorf("date %s moved by %d weeks, want %s by %d", got, last.Weeks, tt.last, tt.weeks)
			}
		})
	}
	if got := earliestDate().Format(time.DateOnly); got != EarliestDate {
		t.Errorf("the earliest date is %s, want %s", got, EarliestDate)
	}
}

// drive makes points one second apart, a fixed way apart.
func drive(from time.Time, n int, start, metres float64, knots string) []point {
	list := make([]point, n)
	for i := range list {
		list[i] = point{at: from.Add(time.Duration(i) * time.Second), north: start + float64(i)*metres, knots: knots}
	}
	return list
}

func TestDecoder_doubts(t *testing.T) {
	start := noon()
	tests := []struct {
		name string
		in   []point
		want string
	}{
		{"standing", drive(start, 20, 0, 0, "0.0"), ""},
		{"a motorway", drive(start, 20, 0, 40, "77.8"), ""},
		{"an airliner", drive(start, 20, 0, 300, "583.2"), ""},
		{"no speed given", drive(start, 20, 0, 100, ""), ""},
		{"jump 500 km", append(drive(start, 5, 0, 0, "0.0"), drive(start.Add(5*time.Second), 5, 500_000, 0, "0.0")...), "fix@12h0m5s?jump"},
		{"jump and back", append(append(drive(start, 5, 0, 0, ""), point{at: start.Add(5 * time.Second), north: 500_000}), drive(start.Add(6*time.Second), 5, 0, 0, "")...),
			"fix@12h0m5s?jump"},
		{"500 km in half an hour", append(drive(start, 3, 0, 0, ""), drive(start.Add(30*time.Minute), 5, 500_000, 0, "")...), "gap:1797"},
		{"400 m at once", append(drive(start, 5, 0, 0, ""), drive(start.Add(5*time.Second), 5, 400, 0, "")...), ""},
		{"speed 0, moving", drive(start, 6, 0, 40, "0.0"), "fix@12h0m3s?speed_mismatch fix@12h0m4s?speed_mismatch fix@12h0m5s?speed_mismatch"},
		{"speed, not moving", drive(start, 6, 0, 0, "80.0"), "fix@12h0m3s?speed_mismatch fix@12h0m4s?speed_mismatch fix@12h0m5s?speed_mismatch"},
		{"clock back in the same place", append(drive(start, 3, 0, 0, ""), drive(start.Add(-77*time.Second), 3, 0, 0, "")...), "time_backwards"},
		{"around noon without dates", []point{{at: start, plain: true}, {at: start.Add(time.Second), plain: true, north: 5000}}, "fix@12h0m1s?jump"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := story(decode(trip(tt.in...))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDecoder_temperature(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"one", "IIXDR,C,4.2,C,TEMP", "TEMP=4200"},
		{"two", "IIXDR,C,4.2,C,T1,C,-0.05,C,T2", "T1=4200 T2=-50"},
		{"others beside it", "WIXDR,C,4.2,C,AIR,H,55,P,AIR,P,1.01,B,AIR,S,,,LID", "AIR=4200"},
		{"empty", "IIXDR,C,,C,TEMP", "disconnected"},
		{"one of two empty", "IIXDR,C,,C,T1,C,4.2,C,T2", "disconnected T2=4200"},
		{"NaN", "IIXDR,C,NaN,C,TEMP", "field_syntax"},
		{"Inf", "IIXDR,C,Inf,C,TEMP", "field_syntax"},
		{"hexadecimal", "IIXDR,C,0x1p5,C,TEMP", "field_syntax"},
		{"1e400", "IIXDR,C,1e400,C,TEMP", "field_syntax"},
		{"-0", "IIXDR,C,-0,C,TEMP", "TEMP=0"},
		{"F", "IIXDR,C,39.6,F,TEMP", "unit_mismatch"},
		{"85", "IIXDR,C,85.00,C,TEMP", "power_on_value"},
		{"-127", "IIXDR,C,-127.00,C,TEMP", "disconnected"},
		{"0 fields", "IIXDR", "field_count"},
		{"3 fields", "IIXDR,C,4.2,C", "field_count"},
		{"5 fields", "IIXDR,C,4.2,C,TEMP,C", "field_count"},
		{"trailing comma", "IIXDR,C,4.2,C,TEMP,", "TEMP=4200"},
		{"duplicate name", "IIXDR,C,4.2,C,TEMP,C,9.9,C,TEMP", "conflicting"},
		{"star in a name", "IIXDR,C,4.2,C,TE*MP", "checksum_bad"},
		{"proprietary", "PIXDR,C,4.2,C,TEMP", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			events := decode(nmeaLine(tt.body))
			if got := brief(events); got != tt.want {
				t.Errorf("%s gives %q, want %q", tt.body, got, tt.want)
			}
			for _, e := range events {
				if e.Kind != KindTemperature && e.Temperature != (Temperature{}) {
					t.Errorf("%v carries a temperature", e)
				}
			}
		})
	}
}

// TestDecoder_Pending holds what a reader that sorts by offset relies on.
func TestDecoder_Pending(t *testing.T) {
	d := NewDecoder(func(Event) {})
	feed := func(s string) { d.Receive([]byte(s), time.Time{}) }
	if _, ok := d.Pending(); ok || d.Last() != "" {
		t.Errorf("a new decoder has something")
	}
	feed("xx\r\n" + nmeaLine(goodRMC))
	if at, ok := d.Pending(); !ok || at != 4 {
		t.Errorf("Pending = %d, %v, want 4, true", at, ok)
	}
	if got, want := d.Last(), withSum(goodRMC); got != want {
		t.Errorf("Last = %q, want %q", got, want)
	}
	d.Flush()
	if _, ok := d.Pending(); ok {
		t.Error("something is pending after Flush")
	}
}
