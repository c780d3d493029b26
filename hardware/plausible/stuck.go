package plausible

import (
	"math"
	"time"

	"isotherm/hardware"
)

// A probe is stuck when it shows the very same raw value for an hour although another one proves that it would have had to
// change. The value alone proves nothing: a transmitter that resolves 0.1 K shows one value for hours in a good box, and
// melting ice holds 0 °C. So each other probe is taken as a witness: its change since the value began, slowed by the mass of
// what the first one is in, is what that one should have followed.
const (
	stuckAfter = time.Hour // as in the list of bad inputs: "stuck 1 h"
	stuckLeast = 10        // answers of the same value; two that lie an hour apart prove nothing

	// Time constants by which a witness's change reaches the probe; ours. In the same place it is that of the probes. From
	// the air of the box to an organ it is that of the largest organ in its bags and solution.
	sameTau = time.Minute
	massTau = time.Hour

	// What the probe must have missed; ours. In the same place: three of its steps, and three times the ±0.05 K of noise
	// of both. From elsewhere in the box ten steps and 1 K, so that it still misses a step when packs hold nine tenths back.
	sameSteps, sameLeast   = 3, 300
	otherSteps, otherLeast = 10, 1000

	// Around 0 °C melting ice holds whatever lies in it, so nothing from elsewhere counts: a standard ice bath is within
	// 0.1 K of it, and a probe without a certificate may be off by assumedError.
	meltingIce = 600

	coarseStep  = 100  // resolution of a probe that has not moved yet: the coarsest that is common
	largestStep = 1000 // no thermometer resolves less

	longestPause = 10 * time.Minute // for longer, a witness that was not heard does not count as where it was
)

// run is how long a probe has shown one value.
type run struct {
	value hardware.Temperature
	since time.Duration
	last  time.Duration
	count int
	step  hardware.TemperatureDelta // smallest change of two raw values ever seen, which is the resolution or above; 0: none
}

func (r *run) resolution() hardware.TemperatureDelta {
	if r.step == 0 {
		return coarseStep
	}
	return min(r.step, largestStep)
}

// expectation is what a witness says that a probe should have done since its value began.
type expectation struct {
	base  point // where the witness was then
	at    time.Duration
	moved float64 // thousandths of a kelvin
	most  float64 // the largest moved so far, either way
}

// followRun brings the run of a probe and what is expected of it up to date.
func (c *Checker) followRun(p int, now []point) {
	l := &c.lanes[p]
	if !now[p].known {
		return
	}
	if r := &l.run; r.count == 0 || r.value != now[p].raw {
		if d := abs(now[p].raw.Sub(r.value)); r.count > 0 && (r.step == 0 || d < r.step) {
			r.step = d
		}
		r.value, r.since, r.count = now[p].raw, now[p].at, 0
		for q := range c.lanes {
			*c.expect(p, q) = expectation{}
		}
	}
	l.run.count++
	l.run.last = now[p].at
	for q := range c.lanes {
		if tau := c.tau(p, q); tau > 0 && now[q].known && !c.lanes[q].rate.doubted {
			c.expect(p, q).follow(now[q], tau)
		}
	}
}

func (e *expectation) follow(now point, tau time.Duration) {
	if !e.base.known {
		e.base, e.at = now, now.at
		return
	}
	passed := min(max(now.at-e.at, 0), longestPause)
	away := float64(now.temp.Sub(e.base.temp))
	e.moved += (away - e.moved) * (1 - math.Exp(-passed.Seconds()/tau.Seconds()))
	e.most = max(e.most, math.Abs(e.moved))
	e.at = now.at
}

// tau returns how slowly what a witness sees reaches the probe; 0: it says nothing of it.
func (c *Checker) tau(p, q int) time.Duration {
	probe, witness := &c.lanes[p], &c.lanes[q]
	switch {
	case p == q:
		return 0
	case probe.probe.Place == witness.probe.Place:
		return sameTau
	case probe.medium == inOrgan && witness.medium == inBox:
		return massTau
	}
	// An organ of another space has its own history, and one that comes near the air's temperature does not say that the
	// air must change: it is what the air did to it. What lies outside is kept out by the wall.
	return 0
}

// isStuck tells whether a probe has shown its value for too long.
func (c *Checker) isStuck(p int) bool {
	l := &c.lanes[p]
	if l.run.last-l.run.since < stuckAfter || l.run.count < stuckLeast {
		return false
	}
	inIce := abs(hardware.TemperatureDelta(l.last.temp)) <= meltingIce
	for q := range c.lanes {
		steps, least := otherSteps, otherLeast
		switch {
		case c.lanes[q].probe.Place == l.probe.Place:
			steps, least = sameSteps, sameLeast
		case inIce:
			continue
		}
		if c.expect(p, q).most >= float64(max(steps*int(l.run.resolution()), least)) {
			return true
		}
	}
	return false
}

func (c *Checker) expect(p, q int) *expectation { return &c.expected[p*len(c.lanes)+q] }
