package handling

import (
	"time"

	"isotherm/hardware"
)

// The limit of reports of one kind; the package comment says what it means. Ten are enough for a box that is packed, and
// one a minute for one that is opened again and again.
const (
	burst       = 10
	refill      = time.Minute
	restless    = time.Minute      // without a change that had to wait, until a sensor counts as quiet again
	unsettled   = 5 * time.Second  // without rest, until a contact is broken
	recovery    = 10 * time.Second // without a failure, until a sensor is live again
	shockGather = 200 * time.Millisecond
	shockQuiet  = 2 * time.Second
)

// bucket counts the reports that may still be made. The zero value is full.
type bucket struct {
	used int
	at   time.Time // when a place was last given back
}

// take reports whether one more may be made now, and counts it.
func (b *bucket) take(now time.Time) bool {
	if b.used == 0 {
		b.at = now
	}
	for b.used > 0 && now.Sub(b.at) >= refill {
		b.used--
		b.at = b.at.Add(refill)
	}
	if b.used >= burst {
		return false
	}
	b.used++
	return true
}

// contact turns looks at something that is on or off into reports. It is for one goroutine.
type contact struct {
	kind   hardware.HandlingKind
	hold   time.Duration // a state has to last so long
	report func(hardware.Handling)

	seen  bool
	on    bool      // the state of the last look
	since time.Time // when it became so
	at    time.Time // the same by the box's clock
	rest  time.Time // when a state last had lasted long enough

	told   bool
	toldOn bool      // the state of the last report
	waited time.Time // when a change last had to wait; zero when none did
	bucket bucket
}

// see takes one look. now is real time, at the box's clock.
func (c *contact) see(now, at time.Time, on bool, value int32) {
	if !c.seen {
		c.rest = now
	}
	if !c.seen || c.on != on {
		c.seen, c.on, c.since, c.at = true, on, now, at
	}
	if now.Sub(c.since) < c.hold {
		return
	}
	c.rest = now
	switch {
	case c.told && c.toldOn == on:
	case c.bucket.take(now):
		c.told, c.toldOn = true, on
		c.report(hardware.Handling{At: c.at, Kind: c.kind, On: on, Value: value})
	default:
		c.waited = now
	}
}

// lose forgets the last look: after a failure a state has to last anew.
func (c *contact) lose() { c.seen = false }

// restless reports whether changes had to wait a short time ago, and chatters whether no state lasts.
func (c *contact) restless(now time.Time) bool { return recently(c.waited, now) }

func (c *contact) chatters(now time.Time) bool { return c.seen && now.Sub(c.rest) > unsettled }

func recently(t, now time.Time) bool { return !t.IsZero() && now.Sub(t) < restless }

// shaker turns accelerations into reports of shocks. It is for one goroutine.
type shaker struct {
	threshold int32         // thousandths of g
	gather    time.Duration // how long a peak is waited for before the first report
	report    func(hardware.Handling)

	begun  bool
	on     bool      // in a shock
	told   bool      // of it
	start  time.Time // of it
	at     time.Time // the same by the box's clock
	last   time.Time // when the threshold was last exceeded
	peak   int32
	waited time.Time // when a report last had to wait; zero when none did
	bucket bucket
}

// see takes one look: the largest distance from 1 g since the last one, in thousandths of g.
func (s *shaker) see(now, at time.Time, value int32) {
	if value >= s.threshold {
		if !s.on {
			s.on, s.told, s.start, s.at, s.peak = true, false, now, at, 0
		}
		s.last = now
	}
	if !s.begun && !s.on {
		s.report(hardware.Handling{At: at, Kind: hardware.HandlingShock, Value: value})
	}
	s.begun = true
	if !s.on {
		return
	}
	s.peak = max(s.peak, value)
	if !s.told && now.Sub(s.start) >= s.gather {
		if !s.bucket.take(now) {
			s.waited = now // what happens meanwhile belongs to it
			return
		}
		s.told = true
		s.report(hardware.Handling{At: s.at, Kind: hardware.HandlingShock, On: true, Value: s.peak})
	}
	if s.told && now.Sub(s.last) >= shockQuiet {
		s.on = false
		s.report(hardware.Handling{At: at, Kind: hardware.HandlingShock, Value: s.peak})
	}
}

func (s *shaker) restless(now time.Time) bool { return recently(s.waited, now) }
