// Package plausible tells what speaks against a temperature that a probe gave: it changes faster than what it measures
// can, it does not change at all, two probes of one place contradict each other, or two have changed places.
//
// It is not a filter: it drops and changes no value, it only names doubts, and whoever reads the journal decides what a
// doubted value is worth. It knows nothing of profiles and bands: an organ that really warms is never doubted for that.
//
// It computes only: no goroutine, no device, no clock of its own. The same rounds give the same doubts, whatever the wall
// clock shows. It keeps nothing on disk; after a restart it learns anew, so a doubt of a long time (Stuck, Disagree) comes
// again later. Every doubt ends once its reason is gone.
//
// Each rule's numbers stand at its constants, with the source; "ours" means that we chose them, and why.
package plausible

import (
	"strings"
	"time"

	"isotherm/hardware"
)

// Probe is what is known of a probe beforehand.
type Probe struct {
	Place       string                    // what it measures: 'organ', 'box', 'ambient', 'organ/left'
	Uncertainty hardware.TemperatureDelta // how far a corrected value may be off either way; 0: not known, see assumedError
}

// Sample is a probe's answer in a round.
type Sample struct {
	Raw   hardware.Temperature // as the probe indicated it
	Temp  hardware.Temperature // corrected by its calibration
	Fault hardware.Fault       // not None: there is no temperature
}

// Lid says what the sensors of the box's handling tell of its lid, a contact or light inside of the box.
type Lid uint8

// The lid since the round before.
const (
	LidUnknown Lid = 1 // nothing watches it, or what does has failed: it may be open at any time
	LidClosed  Lid = 2
	LidOpen    Lid = 3 // now, or at some time since the round before
)

// Round is what all probes answered at one time.
type Round struct {
	At      time.Duration // by a clock that never runs back and goes on while the box sleeps, from any origin
	Samples []Sample      // by the number of the probe
	Lid     Lid
}

// medium is what a probe is in, which bounds how fast it can change.
type medium uint8

const (
	inOrgan medium = 1 // in or at the organ, its bag or a buffer: a mass that changes slowly
	inBox   medium = 2 // in the air of the box, or beside the bags
	outside medium = 3 // outside of the box
)

// mediumOf goes by the first part of a place's name. A place with a name of its own counts as inside of the box: the laxer
// rule, so that nothing true is doubted.
func mediumOf(place string) medium {
	switch kind, _, _ := strings.Cut(place, "/"); kind {
	case "organ":
		return inOrgan
	case "ambient":
		return outside
	}
	return inBox
}

// Checker judges rounds of the same probes, one after the other. It is not safe for use by several goroutines.
type Checker struct {
	lanes    []lane
	expected []expectation // of probe p by witness q, at p*len(lanes)+q
	pairs    []pair        // of probes p < q, at p*len(lanes)+q
	opened   time.Duration // when the lid was last open
	wasOpen  bool          // it was, at opened
}

// lane is what is known of one probe.
type lane struct {
	probe  Probe
	medium medium
	rate   rate
	run    run
	last   point // newest value
}

// point is a value at a time; the zero value is none.
type point struct {
	at    time.Duration
	raw   hardware.Temperature
	temp  hardware.Temperature
	known bool
}

// New returns a checker for the probes, numbered by their place in the list.
func New(probes []Probe) *Checker {
	n := len(probes)
	c := &Checker{lanes: make([]lane, n), expected: make([]expectation, n*n), pairs: make([]pair, n*n)}
	for i, p := range probes {
		if p.Uncertainty <= 0 {
			p.Uncertainty = assumedError
		}
		c.lanes[i] = lane{probe: p, medium: mediumOf(p.Place)}
	}
	return c
}

// Judge returns the doubts of each probe, by its number: RateOfChange, Stuck, Disagree, in the order of their numbers, and
// none for a probe against which nothing speaks. A probe that did not answer keeps the doubts that still run. Samples that
// are missing count as not answered.
func (c *Checker) Judge(r Round) [][]hardware.Fault {
	if r.Lid == LidOpen {
		c.opened, c.wasOpen = r.At, true
	}
	now := make([]point, len(c.lanes))
	for i := range c.lanes {
		if i < len(r.Samples) && r.Samples[i].Fault == hardware.None {
			now[i] = point{at: r.At, raw: r.Samples[i].Raw, temp: r.Samples[i].Temp, known: true}
		}
	}
	for i := range c.lanes {
		c.lanes[i].rate.step(now[i], c.limit(c.lanes[i].medium, r))
	}
	c.findSwaps(now)
	for i := range c.lanes {
		c.followRun(i, now)
	}
	c.compare(now, r.At)
	out := make([][]hardware.Fault, len(c.lanes))
	for i := range c.lanes {
		out[i] = c.doubts(i, r.At)
		if now[i].known {
			c.lanes[i].last = now[i]
		}
	}
	return out
}

// doubts lists what speaks against a probe now.
func (c *Checker) doubts(i int, at time.Duration) []hardware.Fault {
	var out []hardware.Fault
	l := &c.lanes[i]
	if l.rate.isDoubted(at) {
		out = append(out, hardware.RateOfChange)
	}
	if c.isStuck(i) {
		out = append(out, hardware.Stuck)
	}
	if c.isContradicted(i, at) {
		out = append(out, hardware.Disagree)
	}
	return out
}

func abs(d hardware.TemperatureDelta) hardware.TemperatureDelta { return max(d, -d) }
