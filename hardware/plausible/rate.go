package plausible

import (
	"time"

	"isotherm/hardware"
)

// Limits of change. All are ours; the physics is Newton's law of cooling: a body with the time constant τ, in surroundings
// that differ by ΔT, changes by at most ΔT/τ.
const (
	// An organ of 37 °C that is laid on melting ice sees 37 K; a small organ in its bag has a τ of about 4 minutes in the
	// cold air of a box (hardware/sim uses the same). That is 9.3 K a minute.
	massPerMinute = 10_000
	massSpan      = 40_000 // no organ changes by more, however long it was not asked

	// The air of a closed box changes through its wall, in hours; what it can do fast is settle after people were at it.
	closedPerMinute = 10_000

	// Air at an open lid, and outside: between cold packs of -20 °C and a warm street of 40 °C lie 60 K, and a bare probe
	// in moving air has a τ of 10 s and more. The step of a lid that opens, 4 to 22 °C, is a third of that.
	openPerMinute = 360_000
	openSpan      = 60_000

	// What a step may be in no time: twice ±0.05 K of noise, and a resolution of 0.1 K or an ADC that skips one code.
	rateSlack = 500

	// Changes are taken over at least this long, so that a fast box does not miss what each single second would allow.
	rateWindow = 10 * time.Second

	// How long a doubt lasts after the last change that was too fast: the values behind a step are as doubtful as it.
	rateHold = time.Minute

	// How long after it was last open the lid explains fast air: ten time constants of the air in a box, 60 s each.
	lidGrace = 10 * time.Minute
)

// limit is how fast a value may change.
type limit struct{ perMinute, span hardware.TemperatureDelta }

// limit returns what the medium can do as the lid stands.
func (c *Checker) limit(m medium, r Round) limit {
	switch {
	case m == inOrgan:
		return limit{massPerMinute, massSpan}
	case m == inBox && r.Lid == LidClosed && !(c.wasOpen && r.At-c.opened <= lidGrace):
		return limit{closedPerMinute, openSpan}
	}
	return limit{openPerMinute, openSpan}
}

// allowed returns the largest change in that time.
func (l limit) allowed(d time.Duration) hardware.TemperatureDelta {
	most := int64(l.perMinute) * min(d, time.Hour).Milliseconds() / time.Minute.Milliseconds()
	return hardware.TemperatureDelta(min(most, int64(l.span))) + rateSlack
}

// rate follows how fast one probe changes.
type rate struct {
	from    point // what changes are measured from
	doubted bool  // there was a change that was too fast
	since   time.Duration
}

func (r *rate) step(now point, l limit) {
	if !now.known {
		return
	}
	passed := now.at - r.from.at
	if r.from.known && passed > 0 && abs(now.temp.Sub(r.from.temp)) > l.allowed(passed) {
		r.doubt(now.at)
		r.from = now // from here on: what stays there is a step, and not one change after another
		return
	}
	if !r.from.known || passed >= rateWindow || passed < 0 {
		r.from = now
	}
}

func (r *rate) doubt(at time.Duration) { r.doubted, r.since = true, at }

func (r *rate) isDoubted(at time.Duration) bool {
	if r.doubted && at-r.since >= rateHold {
		r.doubted = false
	}
	return r.doubted
}

// Two probes that change places: wires or addresses were swapped. One of the two is usually within the limits of its own
// place, so the pair is looked at. The numbers are ours.
const (
	swapLeast  = 1000        // closer than that, nobody can tell, and it hardly matters
	swapWithin = time.Minute // in a longer time two places may really change so
	swapShare  = 4           // each must land within a quarter of their distance where the other was
)

// findSwaps doubts both probes of each pair that changed places since the round before, as RateOfChange.
func (c *Checker) findSwaps(now []point) {
	for p := range c.lanes {
		for q := p + 1; q < len(c.lanes); q++ {
			if swapped(c.lanes[p].last, c.lanes[q].last, now[p], now[q]) {
				c.lanes[p].rate.doubt(now[p].at)
				c.lanes[q].rate.doubt(now[q].at)
			}
		}
	}
}

func swapped(p0, q0, p1, q1 point) bool {
	if !p0.known || !q0.known || !p1.known || !q1.known || p0.at != q0.at || p1.at <= p0.at || p1.at-p0.at > swapWithin {
		return false
	}
	apart := abs(p0.raw.Sub(q0.raw))
	return apart >= swapLeast && abs(p1.raw.Sub(q0.raw)) <= apart/swapShare && abs(q1.raw.Sub(p0.raw)) <= apart/swapShare
}
