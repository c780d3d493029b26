package gnss

import (
	"math"
	"time"

	"isotherm/hardware"
)

const (
	// maxMetresPerSecond is more than anything travels that carries an organ; airliners reach 300 m/s with the wind.
	maxMetresPerSecond = 350
	// jumpMetres is how far two good fixes may be apart for no reason but reflections and a new set of satellites.
	jumpMetres = 500

	// fewSatellites is below what any solution needs: three with a known height, four without.
	fewSatellites = 3
	// poorHDOP, in hundredths, is where the usual scale of dilution calls a position useless for anything but a guess.
	poorHDOP = 2000

	// Way and measured speed are compared over the last ten seconds or so. They may differ by half, and by what noise and
	// the filters of receivers make of a standing or braking car.
	mismatchTime   = 10 * time.Second
	mismatchRatio  = 1.5
	mismatchMetres = 100
)

// doubter finds what speaks against a fix that the receiver calls good. It keeps the fix: none of it is proof.
type doubter struct {
	before  *seen // the fix before
	trusted *seen // the newest that was no jump; the same, unless there was one

	// Way by positions and way by measured speed, both forgotten at the pace of mismatchTime.
	moved, measured float64
}

// seen is a fix and its moment.
type seen struct {
	at  Moment
	fix hardware.Fix
}

// judge returns what speaks most against a fix, and notes it for the next.
func (d *doubter) judge(at Moment, fix hardware.Fix) hardware.Fault {
	now := &seen{at: at, fix: fix}
	jump := d.before != nil && !now.reachable(d.before) && !now.reachable(d.trusted)
	mismatch := !jump && d.mismatch(now)
	d.before = now
	if jump {
		d.moved, d.measured = 0, 0
		return hardware.Jump
	}
	d.trusted = now
	switch {
	case mismatch:
		return hardware.SpeedMismatch
	case fix.Satellites < fewSatellites:
		return hardware.LowSatellites
	case fix.HDOPx100 != hardware.HDOPUnknown && fix.HDOPx100 > poorHDOP:
		return hardware.HDOPHigh
	}
	return hardware.None
}

// reachable reports whether one can get here from there in time. When the clock ran back, the same time counts.
func (s *seen) reachable(there *seen) bool {
	seconds := s.at.since(there.at).Abs().Seconds()
	return s.metresFrom(there) <= jumpMetres+maxMetresPerSecond*seconds
}

func (s *seen) metresFrom(other *seen) float64 {
	return metresApart(s.fix.LatE7, s.fix.LonE7, other.fix.LatE7, other.fix.LonE7)
}

// mismatch compares the way from fix to fix with the speed that the receiver measures (by Doppler shift): they are two
// measurements, and an unset speed or a false position shows as a difference.
func (d *doubter) mismatch(now *seen) bool {
	before := d.before
	if before == nil || before.fix.SpeedMMS == hardware.SpeedUnknown || now.fix.SpeedMMS == hardware.SpeedUnknown {
		d.moved, d.measured = 0, 0
		return false
	}
	step := now.at.since(before.at)
	if step <= 0 || step > mismatchTime {
		d.moved, d.measured = 0, 0
		return false
	}
	keep := math.Exp(-step.Seconds() / mismatchTime.Seconds())
	d.moved = d.moved*keep + now.metresFrom(before)
	d.measured = d.measured*keep + (float64(before.fix.SpeedMMS)+float64(now.fix.SpeedMMS))/2000*step.Seconds()
	return max(d.moved, d.measured) > mismatchRatio*min(d.moved, d.measured)+mismatchMetres
}

// forget drops the fix before: it was taken back.
func (d *doubter) forget() { d.before, d.trusted, d.moved, d.measured = nil, nil, 0, 0 }
