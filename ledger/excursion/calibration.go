package excursion

import (
	"fmt"

	"isotherm/ledger/record"
)

// CalibrationState says whether a probe's certificate covered a reading. Numbers are append only.
type CalibrationState uint8

// The states.
const (
	CalibrationValid   CalibrationState = 1
	CalibrationMissing CalibrationState = 2 // the box was configured without a certificate for the probe
	CalibrationExpired CalibrationState = 3 // its validity had ended by the reading's wall time
	CalibrationUnknown CalibrationState = 4 // the clock was not set, or the certificate states no end
)

var calibrationNames = [...]string{CalibrationValid: "valid", CalibrationMissing: "missing", CalibrationExpired: "expired", CalibrationUnknown: "unknown"}

func (s CalibrationState) String() string {
	if int(s) < len(calibrationNames) && s != 0 {
		return calibrationNames[s]
	}
	return fmt.Sprintf("unknown(%d)", uint8(s))
}

// Calibrated are readings of one probe, one after another, under one certificate in one state. They change nothing that
// is judged: whoever reads the report decides what a reading under no certificate is worth.
type Calibrated struct {
	Segment     int
	Probe       uint8
	Judged      bool
	Certificate string // its number; empty when none is configured
	UntilMS     int64  // end of its validity, Unix milliseconds; that moment is still covered
	State       CalibrationState
	From, To    Moment // of the first and the last of the readings
	Readings    int    // temperatures, no faults
}

// calibration is what is known of a probe's certificate.
type calibration struct {
	certificate string
	untilMS     int64
	newest      int // index + 1 of its newest Calibrated in the report
}

func (c *calibration) state(at record.Stamp) CalibrationState {
	switch {
	case c.certificate == "":
		return CalibrationMissing
	case c.untilMS == 0 || at.Quality == record.ClockUnset:
		return CalibrationUnknown
	case at.WallMS > c.untilMS:
		return CalibrationExpired
	}
	return CalibrationValid
}

// calibrate notes under which certificate each temperature was taken.
func (e *Evaluator) calibrate(r *record.Record) {
	for _, s := range r.Reading.Samples {
		if s.Fault != 0 {
			continue
		}
		l := e.laneOf(s.Probe)
		c := &l.calibration
		state := c.state(r.At)
		if c.newest > 0 {
			if known := &e.report.Calibration[c.newest-1]; known.State == state {
				known.To = e.clock.now
				known.Readings++
				continue
			}
		}
		e.report.Calibration = append(e.report.Calibration, Calibrated{Segment: e.segment, Probe: l.number, Judged: l.judged,
			Certificate: c.certificate, UntilMS: c.untilMS, State: state, From: e.clock.now, To: e.clock.now, Readings: 1})
		c.newest = len(e.report.Calibration)
	}
}
