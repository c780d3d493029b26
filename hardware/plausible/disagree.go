package plausible

import "time"

// Two probes of one place contradict each other when their corrected values differ by more than both uncertainties
// together. For a while they may: when people are at the organ, one follows sooner than the other.
const (
	// What a probe without a certificate may be off: the accuracy asked of vaccine loggers, ±0.5 °C (CDC Vaccine Storage
	// and Handling Toolkit).
	assumedError = 500

	// Two time constants of a buffered probe, about 5 minutes each: the rule is the reference's, the 5 minutes are ours.
	disagreeAfter = 10 * time.Minute

	// How long they must agree before the contradiction counts as gone: noise at the limit neither starts it anew nor
	// ends it. Ours.
	agreeFor = time.Minute

	// When one of them has not answered for that long and that many rounds, nothing contradicts the other one any more.
	forgetAfter  = 10 * time.Minute
	forgetRounds = 3
)

// pair follows two probes of one place.
type pair struct {
	apart    bool
	since    time.Duration // when they came apart
	agreeing bool          // apart, and they agree just now
	agreed   time.Duration // since when
	compared time.Duration // when both last answered
	missed   int           // rounds since then
}

// compare looks at all probes of one place.
func (c *Checker) compare(now []point, at time.Duration) {
	for p := range c.lanes {
		for q := p + 1; q < len(c.lanes); q++ {
			if c.lanes[p].probe.Place != c.lanes[q].probe.Place {
				continue
			}
			pair := c.pair(p, q)
			if !now[p].known || !now[q].known {
				pair.miss(at)
				continue
			}
			pair.missed, pair.compared = 0, at
			most := c.lanes[p].probe.Uncertainty + c.lanes[q].probe.Uncertainty
			pair.note(abs(now[p].temp.Sub(now[q].temp)) > most, at)
		}
	}
}

func (p *pair) note(far bool, at time.Duration) {
	switch {
	case far && !p.apart:
		p.apart, p.since, p.agreeing = true, at, false
	case far:
		p.agreeing = false
	case p.apart && !p.agreeing:
		p.agreeing, p.agreed = true, at
	case p.apart && at-p.agreed >= agreeFor:
		p.apart = false
	}
}

func (p *pair) miss(at time.Duration) {
	p.missed++
	if p.missed >= forgetRounds && at-p.compared >= forgetAfter {
		*p = pair{}
	}
}

// isContradicted tells whether another probe of the same place speaks against this one: nobody knows which is right.
func (c *Checker) isContradicted(i int, at time.Duration) bool {
	for k := range c.lanes {
		if p := c.pair(min(i, k), max(i, k)); p.apart && at-p.since > disagreeAfter {
			return true
		}
	}
	return false
}

func (c *Checker) pair(p, q int) *pair { return &c.pairs[p*len(c.lanes)+q] }
