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
