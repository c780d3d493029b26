package gnss

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"isotherm/hardware"
)

// captures returns the logs below a folder of the test data that is kept outside of
// the repository (its licences differ from ours).
func captures(t testing.TB, folder string) []string {
	t.Helper()
	root := os.Getenv("ISOTHERM_TESTDATA")
	if root == "" {
		t.Skip("ISOTHERM_TESTDATA is not set: it names the folder of third-party captures")
	}
	logs, err := filepath.Glob(filepath.Join(root, "nmea", folder, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	if len(logs) == 0 {
		t.Fatalf("no capture in %s", filepath.Join(root, "nmea", folder))
	}
	return logs
}

// decodeCapture decodes what was recorded long ago: any date since 2000 can be true.
func decodeCapture(in string) []Event {
	return decodeSince(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), in)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestDecoder_AllCaptures also counts what each log comes to.
func TestDecoder_AllCaptures(t *testing.T) {
	var fixes, noFixes, faults, files int
	for _, path := range captures(t, "*") {
		files++
		log := map[string]int{}
		for _, e := range decodeCapture(string(readFile(t, path))) {
			checkEvent(t, e)
			switch {
			case e.Kind == KindFix:
				fixes++
				log["fix"]++
				if e.Fix.Doubt != hardware.None {
					log["fix?"+e.Fix.Doubt.String()]++
				}
			case e.Kind == KindNoFix:
				noFixes++
				log["no:"+e.Fault.String()]++
			case e.Kind == KindGap:
				log["gap"]++
			default:
				faults++
				log[e.Fault.String()]++
			}
			if e.Fault == hardware.ParserPanic {
				t.Errorf("%s: the parser panicked at %d", path, e.Offset)
			}
		}
		t.Logf("%s: %v", filepath.Base(path), log)
	}
	t.Logf("%d files: %d fix epochs, %d epochs without a fix, %d faults", files, fixes, noFixes, faults)
}

// tpv is what gpsd says about one moment.
type tpv struct {
	Class    string
	Time     string
	Lat, Lon *float64
	Speed    *float64 // m/s
	Track    *float64 // degrees
	AltMSL   *float64 // m
}

// near reports whether gpsd has the position of a sentence.
func (v tpv) near(d degrees) bool { return d.near(degrees{*v.Lat, *v.Lon}) }

// TestDecoder_Oracle compares with gpsd: every RMC that gpsd confirms (a report of
// the same millisecond within half a metre) must come out of the decoder as the same
// position at the same time. Speed, course and altitude are compared where gpsd gives them.
func TestDecoder_Oracle(t *testing.T) {
	var all, confirmed, agreed, allAgreed int
	extras := map[string]*tally{"speed": {}, "course": {}, "altitude": {}}
	for _, path := range captures(t, "gpsd") {
		data := readFile(t, path)
		truth := readTPV(t, path+".chk")
		fixes := map[time.Time][]hardware.Fix{}
		for _, e := range decodeCapture(string(data)) {
			if at, ok := e.Fix.UTC(); ok && e.Kind == KindFix {
				fixes[at] = append(fixes[at], e.Fix)
			}
		}
		for _, r := range rawRMC(data) {
			all++
			i := slices.IndexFunc(fixes[r.at], func(f hardware.Fix) bool {
				return r.near(degrees{float64(f.LatE7) / 1e7, float64(f.LonE7) / 1e7})
			})
			if i >= 0 {
				allAgreed++
			} else {
				t.Logf("%s: no fix like %+v at %v, have %+v", filepath.Base(path), r.degrees, r.at, fixes[r.at])
			}
			reports := slices.DeleteFunc(slices.Clone(truth[r.at]), func(v tpv) bool { return !v.near(r.degrees) })
			if len(reports) == 0 {
				continue // one of gpsd's own choices, which the data's README names
			}
			confirmed++
			if i >= 0 {
				agreed++
				compareExtras(extras, fixes[r.at][i], reports)
			}
		}
	}
	if confirmed < 1300 {
		t.Fatalf("only %d RMC confirmed by gpsd: the oracle is not being read", confirmed)
	}
	share := 100 * float64(agreed) / float64(confirmed)
	t.Logf("%d of %d RMC that gpsd confirms come out within 0.5 m at the same time: %.2f %%", agreed, confirmed, share)
	t.Logf("%d of all %d valid RMC do (%.2f %%); gpsd itself reports %d of those", allAgreed, all, 100*float64(allAgreed)/float64(all), confirmed)
	if share < 99 {
		t.Errorf("%.2f %%, want at least 99 %%", share)
	}
	for name, c := range extras {
		t.Logf("%s: %d of %d like gpsd's", name, c.same, c.of)
		if c.of < 100 || float64(c.same) < 0.99*float64(c.of) {
			t.Errorf("%s: %d of %d like gpsd's, want 99 %%", name, c.same, c.of)
		}
	}
}

// tally counts how many of a thing agree.
type tally struct{ same, of int }

func (c *tally) add(same bool) {
	c.of++
	if same {
		c.same++
	}
}

// compareExtras compares speed, course and altitude where both give them. gpsd reports a moment several times while its
// sentences come in, so one of the reports has to agree.
func compareExtras(extras map[string]*tally, f hardware.Fix, reports []tpv) {
	compare := func(name string, ours, tolerance float64, theirs func(tpv) *float64) {
		given, same := false, false
		for _, v := range reports {
			if p := theirs(v); p != nil {
				given = true
				same = same || math.Abs(math.Remainder(*p-ours, 360)) <= tolerance && math.Abs(*p-ours) < 361
			}
		}
		if given {
			extras[name].add(same)
		}
	}
	if f.SpeedMMS != hardware.SpeedUnknown {
		compare("speed", float64(f.SpeedMMS)/1000, 0.01, func(v tpv) *float64 { return v.Speed })
	}
	if f.CourseCdeg != hardware.CourseUnknown {
		compare("course", float64(f.CourseCdeg)/100, 0.01, func(v tpv) *float64 { return v.Track })
	}
	if f.AltitudeMM != hardware.AltitudeUnknown {
		compare("altitude", float64(f.AltitudeMM)/1000, 0.1, func(v tpv) *float64 { return v.AltMSL })
	}
}

type degrees struct{ lat, lon float64 }

func (d degrees) near(other degrees) bool {
	north := (d.lat - other.lat) * 111_320
	east := (d.lon - other.lon) * 111_320 * math.Cos(d.lat*math.Pi/180)
	return math.Hypot(north, east) <= 0.5
}

// rmcTruth is an RMC read by hand, without the code under test.
type rmcTruth struct {
	degrees
	at time.Time
}

func rawRMC(data []byte) []rmcTruth {
	var out []rmcTruth
	for line := range bytes.Lines(data) {
		body, sum, ok := strings.Cut(strings.TrimSpace(string(line)), "*")
		if !ok || len(body) < 7 || body[0] != '$' || body[3:7] != "RMC," {
			continue
		}
		if !strings.EqualFold(withSum(body[1:]), body+"*"+sum) {
			continue
		}
		f := strings.Split(body, ",")
		if len(f) < 10 || f[2] != "A" || len(f[9]) != 6 {
			continue
		}
		at, err := time.Parse("020106150405", f[9]+f[1])
		if err != nil {
			continue
		}
		lat, lon := byHand(f[3], f[4]), byHand(f[5], f[6])
		out = append(out, rmcTruth{degrees{lat, lon}, at.Truncate(time.Millisecond)})
	}
	return out
}

func byHand(value, hemisphere string) float64 {
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return math.NaN()
	}
	deg := math.Floor(v / 100)
	deg += (v - 100*deg) / 60
	if hemisphere == "S" || hemisphere == "W" {
		deg = -deg
	}
	return deg
}

func readTPV(t *testing.T, path string) map[time.Time][]tpv {
	t.Helper()
	out := map[time.Time][]tpv{}
	for line := range bytes.Lines(readFile(t, path)) {
		var v tpv
		if line[0] != '{' || json.Unmarshal(line, &v) != nil || v.Class != "TPV" || v.Lat == nil || v.Lon == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, v.Time)
		if err != nil {
			continue // a position without a time
		}
		at = at.Truncate(time.Millisecond)
		out[at] = append(out[at], v)
	}
	return out
}

// TestDecoder_Trips accounts for every epoch of the two long logs, which are counted by hand from the sentence that has
// a position in it: each is a fix, an epoch without one, or missing in a gap.
func TestDecoder_Trips(t *testing.T) {
	for _, path := range captures(t, "signalk") {
		data := readFile(t, path)
		var fixes, noFixes, gaps, missing, faults int
		var first, last time.Duration
		got := map[time.Duration]bool{}
		for _, e := range decodeCapture(string(data)) {
			at := e.Moment.TimeOfDay
			switch e.Kind {
			case KindFix:
				fixes, at = fixes+1, e.Fix.TimeOfDay
			case KindNoFix:
				noFixes++
			case KindGap:
				gaps, missing = gaps+1, missing+int(e.Gap.Missing)
			default:
				faults++
			}
			if e.Kind == KindFix || e.Kind == KindNoFix {
				if got[at] {
					t.Errorf("%s: two events for %v", filepath.Base(path), at)
				}
				got[at] = true
				if len(got) == 1 {
					first = at
				}
				last = at
			}
		}
		want := positionTimes(data)
		t.Logf("%s: %d epochs from %v to %v: %d fixes, %d without a fix; %d gaps with %d epochs missing; %d faults",
			filepath.Base(path), len(want), first, last, fixes, noFixes, gaps, missing, faults)
		for at := range want {
			if !got[at] {
				t.Errorf("%s: nothing for %v", filepath.Base(path), at)
			}
		}
		if len(got) != len(want) || len(want) < 1000 {
			t.Errorf("%s: %d epochs, by hand %d", filepath.Base(path), len(got), len(want))
		}
	}
}

// positionTimes lists the times of day of all RMC, GGA and GLL, read by hand.
func positionTimes(data []byte) map[time.Duration]bool {
	field := map[string]int{"RMC": 1, "GGA": 1, "GLL": 5}
	out := map[time.Duration]bool{}
	for line := range bytes.Lines(data) {
		f := strings.Split(string(line), ",")
		if len(f[0]) != 6 || field[f[0][3:]] == 0 {
			continue
		}
		if at, err := time.Parse("150405", f[field[f[0][3:]]]); err == nil {
			out[at.Sub(at.Truncate(24*time.Hour))] = true
		}
	}
	return out
}

// TestDecoder_NoPositionFromNothing breaks the word of every valid sentence of the captures in each way there is, and
// counts the positions that come of it: none.
func TestDecoder_NoPositionFromNothing(t *testing.T) {
	breakers := []struct {
		name string
		edit func(kind string, f []string) // f[0] is the address
	}{
		{"void", func(kind string, f []string) { setStatus(kind, f, "V", "0", "N") }},
		{"simulated", func(kind string, f []string) { setStatus(kind, f, "V", "8", "S") }},
		{"NaN", func(kind string, f []string) { setPosition(kind, f, "NaN", "NaN") }},
		{"Inf", func(kind string, f []string) { setPosition(kind, f, "Inf", "-Inf") }},
		{"empty", func(kind string, f []string) { setPosition(kind, f, "", "") }},
		{"null island", func(kind string, f []string) { setPosition(kind, f, "0000.0000", "00000.0000") }},
	}
	for _, b := range breakers {
		sentences, positions := 0, 0
		for _, path := range captures(t, "*") {
			var out strings.Builder
			for line := range bytes.Lines(readFile(t, path)) {
				body, _, ok := strings.Cut(strings.TrimSpace(string(line)), "*")
				f := strings.Split(body, ",")
				if !ok || len(f[0]) != 6 || f[0][0] != '$' {
					continue
				}
				if kind := f[0][3:]; positionField(kind) > 0 && len(f) >= positionField(kind)+5 {
					sentences++
					b.edit(kind, f)
				}
				out.WriteString(nmeaLine(strings.Join(f, ",")[1:]))
			}
			for _, e := range decodeCapture(out.String()) {
				if e.Kind == KindFix {
					positions++
				}
			}
		}
		t.Logf("%s: %d positions from %d sentences", b.name, positions, sentences)
		if positions != 0 || sentences < 10_000 {
			t.Errorf("%s: %d positions from %d sentences, want none from more than 10,000", b.name, positions, sentences)
		}
	}
}

// positionField is where the latitude is, counted from the address; zero for other types.
func positionField(kind string) int {
	return map[string]int{"RMC": 3, "GGA": 2, "GNS": 2, "GLL": 1}[kind]
}

func setPosition(kind string, f []string, lat, lon string) {
	f[positionField(kind)], f[positionField(kind)+2] = lat, lon
}

func setStatus(kind string, f []string, status, quality, mode string) {
	switch kind {
	case "RMC":
		f[2] = status
	case "GLL":
		f[6] = status
	case "GGA":
		f[6] = quality
	case "GNS":
		f[6] = mode
	}
}
