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
func captures(t *testing.T, folder string) []string {
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

func readFile(t *testing.T, path string) []byte {
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
			checkFix(t, e)
			switch {
			case e.Kind == KindFix:
				fixes++
				log["fix"]++
			case e.Kind == KindNoFix:
				noFixes++
				log["no:"+e.Fault.String()]++
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
}

// TestDecoder_Oracle compares with gpsd: every RMC that gpsd confirms (a report of
// the same millisecond within half a metre) must come out of the decoder as the same
// position at the same time.
func TestDecoder_Oracle(t *testing.T) {
	var confirmed, agreed int
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
			if !slices.ContainsFunc(truth[r.at], r.near) {
				continue // one of gpsd's own choices
			}
			confirmed++
			if slices.ContainsFunc(fixes[r.at], func(f hardware.Fix) bool {
				return r.near(degrees{float64(f.LatE7) / 1e7, float64(f.LonE7) / 1e7})
			}) {
				agreed++
			} else {
				t.Logf("%s: no fix like %+v, have %+v", filepath.Base(path), r, fixes[r.at])
			}
		}
	}
	if confirmed < 1300 {
		t.Fatalf("only %d RMC confirmed by gpsd: the oracle is not being read", confirmed)
	}
	share := 100 * float64(agreed) / float64(confirmed)
	t.Logf("%d of %d RMC that gpsd confirms come out within 0.5 m at the same time: %.2f %%", agreed, confirmed, share)
	if share < 99 {
		t.Errorf("%.2f %%, want at least 99 %%", share)
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

func readTPV(t *testing.T, path string) map[time.Time][]degrees {
	t.Helper()
	out := map[time.Time][]degrees{}
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
		out[at] = append(out[at], degrees{*v.Lat, *v.Lon})
	}
	return out
}

// TestDecoder_Trips counts every epoch of the two long logs: a fix, or not.
func TestDecoder_Trips(t *testing.T) {
	for _, path := range captures(t, "signalk") {
		var fixes, noFixes, faults int
		var first, last time.Duration
		seconds := map[time.Duration]bool{}
		for _, e := range decodeCapture(string(readFile(t, path))) {
			switch e.Kind {
			case KindFix:
				if fixes == 0 {
					first = e.Fix.TimeOfDay
				}
				fixes, last = fixes+1, e.Fix.TimeOfDay
				seconds[last] = true
			case KindNoFix:
				noFixes++
			default:
				faults++
			}
		}
		t.Logf("%s: %d fixes at %d times from %v to %v, %d epochs without, %d faults",
			filepath.Base(path), fixes, len(seconds), first, last, noFixes, faults)
		if fixes != len(seconds) {
			t.Errorf("%s: %d fixes share a time", filepath.Base(path), fixes-len(seconds))
		}
		if noFixes*100 > fixes {
			t.Errorf("%s: %d epochs without a fix beside %d with one", filepath.Base(path), noFixes, fixes)
		}
	}
}
