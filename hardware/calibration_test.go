package hardware

import (
	"math"
	"testing"
)

func TestCalibration_Check(t *testing.T) {
	points := func(p ...CalibrationPoint) Calibration { return Calibration{Certificate: "K-1", Points: p} }
	for name, tt := range map[string]struct {
		c    Calibration
		good bool
	}{
		"none":                         {Calibration{}, true},
		"one point":                    {points(CalibrationPoint{0, 200}), true},
		"three points":                 {points(CalibrationPoint{0, 20}, CalibrationPoint{5000, 5010}, CalibrationPoint{25_000, 24_990}), true},
		"10 K, the most":               {points(CalibrationPoint{10_000, 0}), true},
		"above 10 K":                   {points(CalibrationPoint{10_001, 0}), false},
		"above 10 K down":              {points(CalibrationPoint{0, 10_001}), false},
		"the difference wraps around":  {points(CalibrationPoint{math.MaxInt32, math.MinInt32 + 5}), false},
		"the difference wraps to zero": {points(CalibrationPoint{math.MinInt32, math.MaxInt32}), false},
		"points without a certificate": {Calibration{Points: []CalibrationPoint{{0, 0}}}, false},
		"indicated twice":              {points(CalibrationPoint{0, 0}, CalibrationPoint{10, 0}), false},
		"indicated falls":              {points(CalibrationPoint{0, 10}, CalibrationPoint{20, 0}), false},
		"reference falls":              {points(CalibrationPoint{10, 0}, CalibrationPoint{0, 20}), false},
		"too many":                     {Calibration{Certificate: "K-1", Points: make([]CalibrationPoint, MaxCalibrationPoints+1)}, false},
	} {
		if err := tt.c.Check(); (err == nil) != tt.good {
			t.Errorf("%s: got %v, want good: %v", name, err, tt.good)
		}
	}
}

func TestCalibration_Correct(t *testing.T) {
	c := Calibration{Points: []CalibrationPoint{{0, 200}, {10_000, 10_000}, {20_000, 19_900}}}
	for in, want := range map[Temperature]Temperature{
		-5000:  -5200, // beyond the first point its correction goes on
		200:    0,
		5100:   5000,
		10_000: 10_000,
		14_950: 15_000,
		19_900: 20_000,
		40_000: 40_100,
	} {
		if got := c.Correct(in); got != want {
			t.Errorf("Correct(%v) = %v, want %v", in, got, want)
		}
	}
	if got := (Calibration{}).Correct(4200); got != 4200 {
		t.Errorf("without a certificate: got %v, want 4.2 °C as it is", got)
	}
	for last, in := Temperature(math.MinInt32), Temperature(-30_000); in < 50_000; in += 7 { // what is warmer is not shown colder
		got := c.Correct(in)
		if got < last {
			t.Fatalf("Correct(%v) = %v, below that of a colder one, %v", in, got, last)
		}
		last = got
	}
}
