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
		goodRMC, goodGGA, goodGLL, goodGNS, goodZDA, "GPTXT", "GPTXT,", "GNTXT,01", "GPALC", "GPGSA,A,1,,,,", "GPGSA,A,3,01", "GPVTG,90.0,T,,M,0.5,N,0.9,K,A",
		"IIXDR,C,4.2,C,TEMP", "IIXDR,C,,C,TEMP", "GPRMC,120347.00,A,5230.0000,N,01315.0000,E,0.5,90.0,150306,,,D",
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
			checkEvent(t, e)
		}
		var got []Event
		d := NewDecoder(func(e Event) { got = append(got, e) })
		at := min(int(cut), len(in))
		d.Receive(in[:at], time.Time{})
		d.Receive(in[at:], time.Time{})
		d.Close()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("cut at %d (-whole +cut):\n%s", at, diff)
		}
	})
}

// failer is a test, or a worker of one.
type failer interface {
	Errorf(format string, args ...any)
}

// checkEvent checks an event against what events can be.
func checkEvent(t failer, e Event) {
	isFix, isGap, isTemp := e.Kind == KindFix, e.Kind == KindGap, e.Kind == KindTemperature
	switch {
	case (isFix || isGap || isTemp) != (e.Fault == hardware.None):
		t.Errorf("kind %d with fault %v", e.Kind, e.Fault)
	case !isFix && (e.Fix != hardware.Fix{} || e.Weeks != 0):
		t.Errorf("%+v carries a position", e)
	case isTemp != (e.Temperature != Temperature{}) && (!isTemp || e.Temperature.Temp != 0):
		t.Errorf("%+v: a temperature, or none", e)
	case e.Temperature.Temp < -80_000 || e.Temperature.Temp >= 85_000:
		t.Errorf("temperature %v", e.Temperature.Temp)
	case isGap != (e.Gap.Missing > 0) || isGap && (!e.Gap.From.Known || !e.Gap.To.Known):
		t.Errorf("%+v: a gap, or none", e)
	case e.Revoked && e.Kind != KindNoFix:
		t.Errorf("%+v is revoked", e)
	}
	if isFix {
		checkFix(t, e.Fix)
	}
}

// checkFix checks a position against what positions can be.
func checkFix(t failer, f hardware.Fix) {
	switch {
	case f.LatE7 < -900_000_000 || f.LatE7 > 900_000_000:
		t.Errorf("latitude %d", f.LatE7)
	case f.LonE7 < -1_800_000_000 || f.LonE7 > 1_800_000_000:
		t.Errorf("longitude %d", f.LonE7)
	case f.LatE7 == 0 && f.LonE7 == 0:
		t.Errorf("null island")
	case f.TimeOfDay < 0 || f.TimeOfDay >= 24*time.Hour:
		t.Errorf("time of day %v", f.TimeOfDay)
	case f.Quality < hardware.QualityGPS || f.Quality > hardware.QualityAutonomous:
		t.Errorf("quality %d", f.Quality)
	case !f.Date.IsZero() && (f.Date.Year() < 2000 || f.Date.Year() > 2079):
		t.Errorf("date %v", f.Date)
	case f.SpeedMMS != hardware.SpeedUnknown && f.SpeedMMS > maxSpeed:
		t.Errorf("speed %d", f.SpeedMMS)
	case f.CourseCdeg != hardware.CourseUnknown && f.CourseCdeg >= 36_000:
		t.Errorf("course %d", f.CourseCdeg)
	case f.AltitudeMM != hardware.AltitudeUnknown && (f.AltitudeMM < minAltitude || f.AltitudeMM > maxAltitude):
		t.Errorf("altitude %d", f.AltitudeMM)
	case f.Doubt != hardware.None && (f.Doubt < hardware.Jump || f.Doubt > hardware.HDOPHigh):
		t.Errorf("doubt %v", f.Doubt)
	}
}
