package tracker

import (
	"testing"
	"time"
)

// TestSimulatedClock_meet runs fast until it catches up with the time, and goes on with it.
func TestSimulatedClock_meet(t *testing.T) {
	const rate = 60
	near := func(what string, got, want time.Duration) {
		t.Helper()
		if d := (got - want).Abs(); d > 5*time.Second { // a busy machine; ten minutes and more are told apart
			t.Errorf("%s: got %v, want about %v", what, got, want)
		}
	}
	now := time.Now()
	for _, meet := range []bool{false, true} {
		// An hour behind when it began 10 minutes ago at 60 times: it shows 10 h later, or has met the time long ago.
		c := SimulatedClock{Rate: rate, Start: now.Add(-70 * time.Minute), Epoch: now.Add(-10 * time.Minute), Meet: meet}
		ahead, hour := 10*time.Hour-70*time.Minute, time.Minute
		if meet {
			ahead, hour = 0, time.Hour
		}
		if meet {
			near("time of a clock that met it", time.Until(c.Time()), ahead)
		} else if got := time.Until(c.Time()); got < ahead-time.Minute {
			t.Errorf("time of a clock that does not meet it: got %v ahead, want %v", got, ahead)
		}
		near("an hour of the clock", c.Real(time.Hour), hour)
	}
	// Begun this moment, 59 minutes behind: it meets the time in a minute, when both have gone on by an hour and a minute.
	c := SimulatedClock{Rate: rate, Start: time.Now().Add(-59 * time.Minute), Epoch: time.Now(), Meet: true}
	near("behind", time.Since(c.Time()), 59*time.Minute)
	near("half an hour before it meets", c.Real(30*time.Minute), 30*time.Second)
	near("an hour until it meets", c.Real(time.Hour), time.Minute)
	near("an hour beyond that", c.Real(2*time.Hour), time.Minute+time.Hour)
	if first, second := c.Time(), c.Time(); second.Before(first) {
		t.Errorf("the clock goes back, from %v to %v", first, second)
	}
}

// TestSimulatedClock_Anchored has a clock with times from a configuration, which are wall times alone: somebody who sets the
// wall clock back would turn it back.
func TestSimulatedClock_Anchored(t *testing.T) {
	epoch := time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond)
	c := SimulatedClock{Rate: 60, Start: epoch.Add(-24 * time.Hour), Epoch: epoch, Meet: true}
	a := c.Anchored()
	if !a.Epoch.Equal(c.Epoch) || !a.Start.Equal(c.Start) || a.BootID() != c.BootID() {
		t.Errorf("anchored clock: got %+v, want that of %+v", a, c)
	}
	for name, at := range map[string]time.Time{"epoch": a.Epoch, "start": a.Start} {
		if at == at.Round(0) {
			t.Errorf("%s %v has no monotonic reading", name, at)
		}
	}
	if d := a.Time().Sub(c.Time()).Abs(); d > 5*time.Minute { // five seconds of a busy machine
		t.Errorf("anchored clock is %v off", d)
	}
}

// TestSimulatedClock_years is a demonstration that was left running: the clock stands in the end and never runs back.
func TestSimulatedClock_years(t *testing.T) {
	var before uint64
	for _, days := range []int{0, 1, 29, 30, 31, 40, 365, 10_000} {
		c := SimulatedClock{Rate: maxRate, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Epoch: time.Now().AddDate(0, 0, -days)}
		if got := c.Now().MonoMS; got < before || got > 1<<44 {
			t.Errorf("after %d days: got monotonic time %d ms, before it was %d", days, got, before)
		} else {
			before = got
		}
	}
}
