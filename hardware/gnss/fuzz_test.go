package gnss

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
)

// FuzzDecoder holds what must be true of any bytes: no panic, no position that could
// not be, and the same events however the bytes are cut.
func FuzzDecoder(f *testing.F) {
	for _, body := range []string{
		goodRMC, goodGGA, goodGLL, goodGNS, goodZDA, "GPTXT", "GPTXT,", "GNTXT,01", "GPALC",
		"GPRMC,235960.00,A,9000.0000,S,18000.0000,W,,,290228,,,D", "GPRMC,,V,,,,,,,,,,N",
	} {
		f.Add([]byte(nmeaLine(body)), uint16(7))
	}
	f.Add([]byte(mixed()), uint16(100))
	f.Fuzz(func(t *testing.T, in []byte, cut uint16) {
		want := decode(string(in))
		for _, e := range want {
			if e.Offset < 0 || e.Offset >= int64(len(in)) {
				t.Errorf("event at %d of %d bytes", e.Offset, len(in))
			}
			if (e.Kind == KindFix) != (e.Fault == hardware.None) {
				t.Errorf("kind %d with fault %v", e.Kind, e.Fault)
			}
			checkFix(t, e)
		}
		var got []Event
		d := NewDecoder(func(e Event) { got = append(got, e) })
		at := min(int(cut), len(in))
		d.Receive(in[:at], time.Time{})
		d.Receive(in[at:], time.Time{})
		d.Flush()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cut at %d (-whole +cut):\n%s", at, diff)
		}
	})
}

// checkFix checks a position against what positions can be.
func checkFix(t *testing.T, e Event) {
	t.Helper()
	if e.Kind != KindFix {
		if e.Fix != (hardware.Fix{}) {
			t.Errorf("%v carries a position", e)
		}
		return
	}
	f := e.Fix
	switch {
	case f.LatE7 < -900_000_000 || f.LatE7 > 900_000_000:
		t.Errorf("latitude %d", f.LatE7)
	case f.LonE7 < -1_800_000_000 || f.LonE7 > 1_800_000_000:
		t.Errorf("longitude %d", f.LonE7)
	case f.LatE7 == 0 && f.LonE7 == 0:
		t.Error("null island")
	case f.TimeOfDay < 0 || f.TimeOfDay >= 24*time.Hour:
		t.Errorf("time of day %v", f.TimeOfDay)
	case f.Quality < hardware.QualityGPS || f.Quality > hardware.QualityAutonomous:
		t.Errorf("quality %d", f.Quality)
	case !f.Date.IsZero() && (f.Date.Year() < 2000 || f.Date.Year() > 2079):
		t.Errorf("date %v", f.Date)
	}
}
