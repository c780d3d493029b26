package alarm

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/excursion"
	"isotherm/ledger/ischemia"
	"isotherm/ledger/profile"
	"isotherm/ledger/progress"
	"isotherm/ledger/record"
	"isotherm/ledger/trip"
)

const t0 = int64(1_790_000_000_000)

var shipment = ledger.ShipmentID{1}

func rule(kind profile.RuleKind, severity profile.Severity) profile.Rule {
	return profile.Rule{Name: kind.String(), Kind: kind, Severity: severity, LimitMC: 2000, DelayMS: 5 * minute, AreaMKMin: 30_500}
}

// out is an excursion from a minute to another; until 0: open.
func out(kind profile.RuleKind, severity profile.Severity, from, until int64) trip.Excursion {
	x := &excursion.Excursion{Rule: rule(kind, severity), ExtremeMC: 1240, Open: until == 0, Active: until == 0}
	x.Began.WallMS = t0 + from*minute
	x.Ended.WallMS, x.Ended.TripMS = t0+max(until, from)*minute, max(until-from, 0)*minute
	return trip.Excursion{Excursion: x}
}

func under(change func(*Input)) Input {
	in := Input{Shipment: shipment, NowMS: t0 + 60*minute, Contact: Contact{LastMS: t0 + 60*minute},
		State: &custody.State{Phase: custody.PhasePacked, Segments: []custody.Segment{{Box: ledger.BoxID{7}}},
			Opening:    &custody.Statement{From: "OPO1", FromPhone: "+1 555 0100", Dest: "CTC1", DestPhone: "+1 555 0199"},
			Custodians: []custody.Custodian{{Party: custody.Party{Organisation: "NorthAir"}}}},
		Trip:   &trip.Assessment{Profile: &profile.Profile{LowMC: 2000, HighMC: 8000, ProbePlace: "organ", Instructions: []string{"Do not open the box.", "Call."}}},
		Phones: map[string]string{"NorthAir": "+1 555 0150"}}
	if change != nil {
		change(&in)
	}
	return in
}

// text says an alarm in one line: severity, code, since and until in minutes, late, what.
func (a Alarm) text() string {
	s := fmt.Sprintf("%s %s %d", a.Severity, a.Code, (a.SinceMS-t0)/minute)
	if a.UntilMS != 0 {
		s += fmt.Sprintf("-%d", (a.UntilMS-t0)/minute)
	}
	if a.Late {
		s += " late"
	}
	return s + ": " + a.What
}

// situation is an input and the alarms that follow, see Alarm.text.
type situation struct {
	name   string
	change func(*Input)
	want   string
}

func checkOf(t *testing.T, situations []situation) {
	t.Helper()
	for _, tt := range situations {
		var got []string
		for _, a := range Of(under(tt.change)) {
			got = append(got, a.text())
		}
		if text := strings.Join(got, "; "); text != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, text, tt.want)
		}
	}
}

func TestOf_excursions(t *testing.T) {
	const high, medium = profile.High, profile.Medium
	trips := func(x ...trip.Excursion) func(*Input) {
		return func(in *Input) { in.Trip.Excursions = x }
	}
	checkOf(t, []situation{
		{"nothing", nil, ""},
		{"too cold", trips(out(profile.Below, high, 54, 0)), "high too-cold 54: Too cold: 1.2 °C, band 2 to 8"},
		{"no trip", func(in *Input) { in.Trip = nil }, ""},
		{"above", trips(out(profile.Above, medium, 54, 0)), "medium too-warm 54: Too warm: 1.3 °C, band 2 to 8"},
		{"lost", trips(out(profile.Lost, medium, 54, 0)), "medium sensor-lost 54: Sensor lost: probe 0 does not answer"},
		{"totals", trips(out(profile.BelowTotal, high, 54, 0), out(profile.AboveTotal, medium, 54, 0)),
			"high too-cold-total 54: Too cold in total: 5 min below 2 °C; medium too-warm-total 54: Too warm in total: 5 min above 2 °C"},
		{"areas", trips(out(profile.BelowArea, high, 54, 0), out(profile.AboveArea, medium, 54, 0)),
			"high too-cold-area 54: Too cold in total: 30.5 degree-minutes below 2 °C; medium too-warm-area 54: Too warm in total: 30.5 degree-minutes above 2 °C"},
		{"a total that grows no more", func(in *Input) {
			x := out(profile.BelowTotal, high, 50, 0)
			x.Active, x.Ended.WallMS = false, t0+58*minute
			in.Trip.Excursions = []trip.Excursion{x}
			in.Known = map[ID]int64{IDOf(shipment, TooColdTotal, x.Rule.Name+"/probe 0", x.Began.WallMS): t0 + 55*minute}
		}, "high too-cold-total 50-58: Too cold in total: 5 min below 2 °C"},
		{"learned 9 min after it happened", trips(out(profile.Below, high, 46, 0)), "high too-cold 46: Too cold: 1.2 °C, band 2 to 8"},
		{"learned 10 min after it happened", trips(out(profile.Below, high, 45, 0)), "high too-cold 45 late: Too cold: 1.2 °C, band 2 to 8"},
		{"over before it was learned", trips(out(profile.Below, high, 50, 58)), "low too-cold 50-58 late: Too cold: 1.2 °C, band 2 to 8, over after 8 min"},
		{"over after it was raised", func(in *Input) {
			x := out(profile.Below, high, 50, 58)
			in.Trip.Excursions = []trip.Excursion{x}
			in.Known = map[ID]int64{IDOf(shipment, TooCold, x.Rule.Name+"/probe 0", x.Began.WallMS): t0 + 55*minute}
		}, "high too-cold 50-58: Too cold: 1.2 °C, band 2 to 8, over after 8 min"},
		{"over the moment it was raised", func(in *Input) {
			x := out(profile.Below, high, 50, 58)
			in.Trip.Excursions = []trip.Excursion{x}
			in.Known = map[ID]int64{IDOf(shipment, TooCold, x.Rule.Name+"/probe 0", x.Began.WallMS): t0 + 58*minute + 1}
		}, "low too-cold 50-58 late: Too cold: 1.2 °C, band 2 to 8, over after 8 min"},
		{"no readings for a while", trips(out(profile.Silent, medium, 40, 52)), "low no-readings 40-52 late: No readings were taken, over after 12 min"},
	})
}

func TestOf(t *testing.T) {
	last := func(min int64, off bool) func(*Input) {
		return func(in *Input) { in.Contact = Contact{LastMS: t0 + min*minute, RadioOff: off} }
	}
	checkOf(t, []situation{
		{"heard of 9 min ago", last(51, false), ""},
		{"heard of 10 min ago", last(50, false), "medium silence 50: No contact with the box"},
		{"radio off", last(50, true), "low silence 50: No contact with the box: its radio was switched off"},
		{"no tracker", func(in *Input) {
			last(50, false)(in)
			in.State.Segments = append(in.State.Segments, custody.Segment{})
		}, ""},
		{"received", func(in *Input) { last(50, false)(in); in.State.Phase = custody.PhaseReceived }, ""},

		{"before the warning", func(in *Input) { in.Cold = Cold{Running: true, WarnMS: t0 + 60*minute + 1, LimitMS: t0 + 90*minute} }, ""},
		{"the warning", func(in *Input) { in.Cold = Cold{Running: true, WarnMS: t0 + 60*minute, LimitMS: t0 + 90*minute} }, "medium cold-time-warning 60: Cold time: near the program's limit"},
		{"the limit", func(in *Input) { in.Cold = Cold{Running: true, WarnMS: t0, LimitMS: t0 + 60*minute} }, "high cold-time-limit 60: Cold time: the program's limit has passed"},
		{"out of cold", func(in *Input) { in.Cold = Cold{WarnMS: t0, LimitMS: t0} }, ""},

		{"withheld for 9 min", func(in *Input) { in.Withheld = Withheld{SinceMS: t0 + 51*minute} }, ""},
		{"withheld for 10 min", func(in *Input) { in.Withheld = Withheld{SinceMS: t0 + 50*minute} }, "low data-withheld 50: Data withheld: records that people saw on the box have not come"},
		{"withheld while it speaks", func(in *Input) { in.Withheld = Withheld{SinceMS: t0 + 50*minute, Heard: true} }, "medium data-withheld 50: Data withheld: records that people saw on the box have not come"},

		{"calibration ends now", func(in *Input) { in.Probes = []record.Probe{{Place: "organ", UntilMS: in.NowMS}} }, ""},
		{"calibration ended", func(in *Input) { in.Probes = []record.Probe{{Number: 2, Place: "organ", UntilMS: in.NowMS - 1}} }, "low calibration-expired 59: Calibration of probe 2 has expired"},
		{"in a space", func(in *Input) { in.Probes = []record.Probe{{Place: "organ/left", UntilMS: in.NowMS - 1}} }, "low calibration-expired 59: Calibration of probe 0 has expired"},
		{"of a probe that is not judged", func(in *Input) { in.Probes = []record.Probe{{Place: "organs", UntilMS: 1}, {Place: "box", UntilMS: 1}} }, ""},

		{"findings", func(in *Input) {
			in.State.Pending = &custody.Statement{By: custody.Party{Organisation: "NorthAir", Desk: "Cargo"}, To: custody.Party{Person: ledger.PersonID{1}}}
			for i, k := range []progress.Kind{progress.WrongPlace, progress.LeftBehind, progress.HandoffOverdue, progress.NoProgress, progress.Delayed} {
				in.Progress.Findings = append(in.Progress.Findings, progress.Finding{Kind: k, SinceMS: t0 + int64(i)*minute, Place: "North Airport", DelayMS: 130 * minute})
			}
		}, "high wrong-place 0: Wrong place: at North Airport, which is not the next stop; high left-behind 1: Left behind: departure from North Airport was stated, and the box is still there; " +
			"medium handoff-overdue 2: Handoff overdue: released by NorthAir, Cargo, not confirmed by a person; medium no-progress 3: No progress: the box stands still on the way to North Airport; " +
			"medium delayed 4: Delayed: 2 h 10 min behind the plan at North Airport"},
		{"distances", func(in *Input) {
			in.Progress.Findings = []progress.Finding{{Kind: progress.WrongPlace, SinceMS: t0, Place: "North Airport", DistanceM: 9_460}, {Kind: progress.LeftBehind, SinceMS: t0 + 1, DistanceM: 2_100}}
		}, "high wrong-place 0: Wrong place: the box stands 9.4 km from North Airport, the nearest planned place; high left-behind 0: Left behind: box and custodian were 2.1 km apart"},

		{"a conflict", func(in *Input) {
			in.State.Disputes = []custody.Dispute{{Claims: [][32]byte{{1}, {2}}}}
			in.State.History = []custody.HistoryItem{{Hash: [32]byte{2}, Entered: custody.Entered{RecordTimeMS: t0}}, {Hash: [32]byte{1}, Entered: custody.Entered{RecordTimeMS: t0 + 5*minute}}}
		}, "medium conflicting-claim 5: Conflicting claims of custody: a ruling by two people is needed"},
		{"a conflict that was ruled on", func(in *Input) {
			in.State.Disputes = []custody.Dispute{{Claims: [][32]byte{{1}, {2}}, Ruling: [32]byte{3}}}
		}, ""},
		{"a mismatch, after receipt", func(in *Input) {
			in.State.Phase = custody.PhaseReceived
			in.State.Arrival = &custody.Statement{Arrival: custody.Mismatch, EventTimeMS: t0 + 50*minute}
		}, "high arrival-mismatch 50: Arrival check: donor ID, organ or side do not match"},
		{"a mismatch, closed", func(in *Input) {
			in.State.Phase = custody.PhaseClosed
			in.State.Arrival = &custody.Statement{Arrival: custody.Mismatch, EventTimeMS: t0 + 50*minute}
		}, ""},
		{"a match", func(in *Input) { in.State.Arrival = &custody.Statement{Arrival: custody.Match} }, ""},
		{"no state", func(in *Input) { in.State = nil }, ""},
	})
}

func TestOf_order(t *testing.T) {
	got := Of(under(func(in *Input) {
		in.Trip.Excursions = []trip.Excursion{out(profile.Above, profile.High, 50, 0), out(profile.Below, profile.High, 52, 0), out(profile.BelowTotal, profile.Medium, 51, 0),
			out(profile.Below, profile.High, 20, 30), out(profile.Lost, profile.High, 49, 0)}
		in.Contact.LastMS = t0 + 48*minute
	}))
	var codes []string
	for _, a := range got {
		codes = append(codes, string(a.Code))
	}
	if got, want := strings.Join(codes, " "), "too-cold sensor-lost too-warm too-cold-total silence too-cold"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestOf_texts checks what stands beside an alarm: what to do first, and whom to call.
func TestOf_texts(t *testing.T) {
	in := under(func(in *Input) {
		in.Trip.Excursions = []trip.Excursion{out(profile.Below, profile.High, 55, 0)}
		in.State.Arrival = &custody.Statement{Arrival: custody.Mismatch, EventTimeMS: t0}
	})
	got := Of(in)
	if len(got) != 2 {
		t.Fatalf("got %+v", got)
	}
	want := []Call{{"NorthAir", "+1 555 0150"}, {"OPO1", "+1 555 0100"}, {"CTC1", "+1 555 0199"}}
	for _, a := range got {
		if d := cmp.Diff(want, a.Call); d != "" {
			t.Errorf("%s: (-want +got)\n%s", a.Code, d)
		}
	}
	if d := cmp.Diff(in.Trip.Profile.Instructions, got[0].Do); d != "" {
		t.Errorf("instructions: (-want +got)\n%s", d)
	}
	in.Trip.Profile.Instructions = []string{"Call."}
	if d := cmp.Diff([]string{"Do not open the box.", "Call."}, Of(in)[0].Do); d != "" {
		t.Errorf("instructions that forget it: (-want +got)\n%s", d)
	}
	in.State.Redirect = &custody.Statement{Dest: "CTC2"}
	in.Phones["CTC2"] = "+1 555 0177"
	if d := cmp.Diff(Call{"CTC2", "+1 555 0177"}, Of(in)[0].Call[2]); d != "" {
		t.Errorf("redirected: (-want +got)\n%s", d)
	}
	for code, w := range words {
		if code.Words() != w || (Code("x")+code).Words() != "alarm" {
			t.Errorf("%s: got %s", code, code.Words())
		}
	}
}

// TestOf_stable checks that an alarm keeps its ID while time goes on, and that others have others.
func TestOf_stable(t *testing.T) {
	in := under(func(in *Input) {
		in.Trip.Excursions = []trip.Excursion{out(profile.Below, profile.High, 50, 0), out(profile.Below, profile.High, 51, 0)}
		in.Contact.LastMS = t0
		in.Cold = Cold{Running: true, WarnMS: t0}
	})
	first := Of(in)
	in.NowMS += 5 * minute
	in.Trip.Excursions[0].ExtremeMC = -500
	second := Of(in)
	ids := map[ID]bool{}
	for i := range first {
		ids[first[i].ID] = true
		if first[i].ID != second[i].ID {
			t.Errorf("%s: the ID has changed", first[i].Code)
		}
	}
	if len(ids) != 4 {
		t.Errorf("%d IDs, want 4", len(ids))
	}
	if a, b := IDOf(shipment, TooCold, "", 1), IDOf(ledger.ShipmentID{2}, TooCold, "", 1); a == b {
		t.Error("two shipments share an alarm's ID")
	}
}

func TestCelsius(t *testing.T) {
	for _, tt := range []struct {
		mc    int64
		whole bool
		want  string
	}{{1200, false, "1.2"}, {2000, false, "2.0"}, {2000, true, "2"}, {-500, true, "\u22120.5"}, {-49, false, "0.0"}, {-50, false, "\u22120.1"}, {-2147483648, false, "\u22122147483.6"}} {
		if got := celsius(tt.mc, tt.whole); got != tt.want {
			t.Errorf("%d: got %s, want %s", tt.mc, got, tt.want)
		}
	}
	p := &profile.Profile{LowMC: 2000, HighMC: 8000}
	for _, tt := range []struct {
		kind profile.RuleKind
		mc   int32
		want string
	}{{profile.Below, 1960, "1.9"}, {profile.Below, 1900, "1.9"}, {profile.Below, -10, "\u22120.1"}, {profile.Above, 8010, "8.1"}, {profile.Above, 8100, "8.1"}, {profile.Above, -10, "0.0"}} {
		x := &excursion.Excursion{Rule: profile.Rule{Kind: tt.kind}, ExtremeMC: tt.mc, Open: true, Active: true}
		if got := excursionText(p, x); !strings.Contains(got, ": "+tt.want+" °C") {
			t.Errorf("%s %d: got %s, want %s", tt.kind, tt.mc, got, tt.want)
		}
	}
}

func TestColdOf(t *testing.T) {
	clock := func(end ischemia.End, hi int64, periods ...ischemia.Period) *ischemia.Clock {
		return &ischemia.Clock{End: end, Periods: periods, Cold: ischemia.Interval{HiMS: hi * minute}, WarnMS: 180 * minute, LimitMS: 240 * minute}
	}
	cold := func(end, off int64) ischemia.Period {
		return ischemia.Period{State: custody.Cold, End: ischemia.Moment{MS: t0 + end*minute, ErrorMS: off * minute}}
	}
	warm := ischemia.Period{State: custody.WarmPerfused}
	for _, tt := range []struct {
		name string
		in   *ischemia.Clock
		want Cold
	}{
		{"not started", &ischemia.Clock{End: ischemia.NotStarted}, Cold{}},
		{"before the warning", clock(ischemia.Running, 179, cold(200, 0)), Cold{Running: true}},
		{"the warning", clock(ischemia.Running, 180, cold(200, 0)), Cold{Running: true, WarnMS: t0 + 200*minute}},
		{"30 min later", clock(ischemia.Running, 210, cold(230, 0)), Cold{Running: true, WarnMS: t0 + 200*minute}},
		{"over", clock(ischemia.Running, 250, cold(270, 0)), Cold{Running: true, WarnMS: t0 + 200*minute, LimitMS: t0 + 260*minute}},
		{"then perfused, from a time that is 5 min off", clock(ischemia.Running, 215, cold(230, 5), warm), Cold{Running: true, WarnMS: t0 + 200*minute}},
		{"out of cold", clock(ischemia.OutOfCold, 215, cold(230, 0)), Cold{WarnMS: t0 + 195*minute}},
	} {
		if got := ColdOf(tt.in); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestID(t *testing.T) {
	id := IDOf(shipment, Silence, "", t0)
	if got, err := ParseID(id.String()); err != nil || got != id {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{"", "x", strings.ToUpper(id.String()), id.String() + "0", strings.Repeat("z", 32)} {
		if _, err := ParseID(text); err == nil {
			t.Errorf("%q is read as an ID", text)
		}
	}
}

func TestReason(t *testing.T) {
	for r := Seen; r <= Test; r++ {
		if got, err := ParseReason(r.String()); err != nil || got != r {
			t.Errorf("%s: got %v, %v", r, got, err)
		}
		if ms := r.MuteMS(); ms <= 0 || ms > 30*minute {
			t.Errorf("%s mutes for %d ms: there is no silence for good", r, ms)
		}
	}
	if _, err := ParseReason(""); err == nil || slices.Contains(reasons[1:], "") {
		t.Error("an empty reason is read")
	}
}

func FuzzParseID(f *testing.F) {
	f.Add(IDOf(shipment, Silence, "", t0).String())
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if id, err := ParseID(text); err == nil && id.String() != text {
			t.Errorf("%q is read as %s", text, id)
		}
	})
}
