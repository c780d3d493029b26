package tracker

import "time"

// TimeSource knows the time of satellites; hardware/gnss.Receiver does. Time returns UTC of the newest moment that may set
// a clock, from a valid fix with a date that agreed with others, and when the box heard of it: a time.Now() with its
// monotonic reading. It MUST NOT block.
type TimeSource interface {
	Time() (utc, at time.Time, ok bool)
}

const (
	// satelliteHold is how long the time of the last fix is passed on: the longest flight of an organ without a sky. What
	// it may be off then is the second that sentences of a receiver without a pulse may be late (NTPsec measured 0.14 to
	// 0.48 s), and the drift of the computer's crystal, at most 100 ppm: 1 s + 2.2 s.
	satelliteHold = 6 * time.Hour

	// satelliteJump is by how much a fix may contradict those before and still be taken for late; beyond, it is believed,
	// and the step is noticed.
	satelliteJump = time.Second

	// satelliteFresh is how long the fix with the least delay counts. In that time a crystal drifts by 60 ms.
	satelliteFresh = 10 * time.Minute

	// sleepLeast tells a sleep of the box from two clocks that were read one after the other.
	sleepLeast = 50 * time.Millisecond
)

// satelliteTime is UTC from fixes: an anchor, and CLOCK_BOOTTIME since then. The zero value has none.
type satelliteTime struct {
	base  time.Time     // UTC when the box was switched on, as the anchor has it
	taken time.Duration // CLOCK_BOOTTIME at which the anchor was taken
	heard time.Duration // CLOCK_BOOTTIME of the newest fix
	known bool

	origin time.Time     // of offset
	offset time.Duration // CLOCK_BOOTTIME minus Go's monotonic time, which stands while the box sleeps
	woke   time.Time     // when a sleep was noticed; a fix from before can't be placed
	newest time.Time     // when the newest fix was heard
}

// note takes in what the source says. Fixes come late by a different delay each, never early: the anchor is the one that
// was least late of the last minutes, so that stamps don't waver.
func (s *satelliteTime) note(m moment, utc, at time.Time, ok bool) {
	if s.origin.IsZero() {
		s.origin, s.woke = m.now, m.now.Add(-satelliteHold)
		s.offset = m.boot
	}
	offset := m.boot - m.now.Sub(s.origin)
	if offset-s.offset > sleepLeast {
		s.woke = m.now
	}
	s.offset = offset
	if !ok || utc.Before(earliestWall) || !at.After(s.woke) || at.After(m.now) || at.Equal(s.newest) {
		return
	}
	s.newest = at
	heard := m.boot - m.now.Sub(at)
	base := utc.Add(-heard)
	less := base.Sub(s.base)
	if !s.known || less > 0 || less < -satelliteJump || heard-s.taken > satelliteFresh {
		s.base, s.taken = base, heard
	}
	s.heard, s.known = heard, true
}

// at returns UTC at a time of CLOCK_BOOTTIME, and false when no fix vouches for it.
func (s *satelliteTime) at(boot time.Duration) (time.Time, bool) {
	if !s.known || boot-s.heard > satelliteHold {
		return time.Time{}, false
	}
	return s.base.Add(boot), true
}
