package hardware

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// MaxCalibrationPoints bounds the points of a certificate; laboratories give three to ten.
const MaxCalibrationPoints = 16

// CalibrationPoint is one line of a calibration certificate.
type CalibrationPoint struct {
	Reference Temperature // what the laboratory's standard showed
	Indicated Temperature // what the probe showed
}

// Calibration is what a probe's certificate says (ISO/IEC 17025). The zero value is a probe without one.
type Calibration struct {
	Certificate string           // its number
	Issued      time.Time        // the day of the calibration, midnight UTC
	Expires     time.Time        // the last moment at which it is valid
	Uncertainty TemperatureDelta // how far a corrected value may be off either way: the expanded uncertainty
	Points      []CalibrationPoint
}

// Check reports whether the points can correct a value: indicated values strictly rising, as many as allowed, and no
// correction above 10 K, which is a broken probe and not one to correct.
func (c Calibration) Check() error {
	const most = 10_000
	if len(c.Points) > MaxCalibrationPoints {
		return fmt.Errorf("calibration %s has %d points, at most %d are allowed", c.Certificate, len(c.Points), MaxCalibrationPoints)
	}
	if len(c.Points) > 0 && c.Certificate == "" {
		return errors.New("calibration points without a certificate")
	}
	for i, p := range c.Points {
		if i > 0 && (p.Indicated <= c.Points[i-1].Indicated || p.Reference <= c.Points[i-1].Reference) {
			return fmt.Errorf("calibration %s: point %d (%v) is not above the one before", c.Certificate, i, p.Indicated)
		}
		// In 64 bits: a difference of two wild numbers wraps around to a small one.
		if d := int64(p.Reference) - int64(p.Indicated); d > most || d < -most {
			return fmt.Errorf("calibration %s: point %d corrects %v to %v, by more than a sound probe needs", c.Certificate, i, p.Indicated, p.Reference)
		}
	}
	return nil
}

// Correct turns what the probe showed into what it measured: on straight lines between the points, and beyond them by
// the correction of the nearest one, because no certificate vouches for a slope out there. Without points it is t.
func (c Calibration) Correct(t Temperature) Temperature {
	n := len(c.Points)
	switch {
	case n == 0:
		return t
	case t <= c.Points[0].Indicated:
		return t + c.Points[0].Reference - c.Points[0].Indicated
	case t >= c.Points[n-1].Indicated:
		return t + c.Points[n-1].Reference - c.Points[n-1].Indicated
	}
	for i := 1; ; i++ {
		low, high := c.Points[i-1], c.Points[i]
		if t > high.Indicated {
			continue
		}
		share := float64(t-low.Indicated) / float64(high.Indicated-low.Indicated)
		return low.Reference + Temperature(math.Round(share*float64(high.Reference-low.Reference)))
	}
}
