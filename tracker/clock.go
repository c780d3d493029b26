package tracker

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/record"
)

// Clock is the box's sense of time. Everything that is recorded or judged goes by it; deadlines of networks and buses go
// by real time.
type Clock interface {
	// Now returns the time as records carry it. MonoMS MUST NOT run back.
	Now() record.Stamp
	// Time returns the wall clock, for drivers that stamp what they receive.
	Time() time.Time
	// Real returns how much real time a duration of this clock takes.
	Real(d time.Duration) time.Duration
	// BootID names the power-on that MonoMS counts from.
	BootID() [ledger.IDSize]byte
}

// ClockStep is a jump of the wall clock against the monotonic one.
type ClockStep struct {
	At    record.Stamp  // the first stamp after it
	Step  time.Duration // above zero: forward
	Count int           // steps since the clock was made, this one included
}

// stepper is a Clock that notices when its wall clock is set. Count 0: it never was.
type stepper interface{ Stepped() ClockStep }

// SimulatedClock runs at another speed than time, for demonstrations. Every record it stamps says so.
type SimulatedClock struct {
	Rate  int64     // simulated seconds in a real second, 1 to 3,600
	Start time.Time // simulated wall time at Epoch
	Epoch time.Time // real time at which the simulation began
	Meet  bool      // go on with time once it has caught up with it; Start must be before Epoch then
}

// maxRate keeps the simulated time of a month within 64 bits of nanoseconds.
const maxRate = 3600

// Anchored ties the clock to Go's monotonic time, so that it goes on as it did when somebody sets the system's wall clock.
// It shows the same, and has the same BootID.
func (c SimulatedClock) Anchored() SimulatedClock {
	now := time.Now()
	c.Start, c.Epoch = now.Add(-now.Sub(c.Start)), now.Add(-now.Sub(c.Epoch))
	return c
}

func (c SimulatedClock) elapsed() time.Duration {
	real := max(time.Since(c.Epoch), 0)
	d := time.Duration(math.MaxInt64) // beyond a month at the highest rate the clock stands: it MUST NOT run back
	if int64(real) <= math.MaxInt64/c.Rate {
		d = real * time.Duration(c.Rate)
	}
	if c.Meet {
		d = min(d, max(time.Since(c.Start), 0))
	}
	return d
}

// Now returns the simulated time: Start + (real - Epoch) * Rate, or the real time once it is met.
func (c SimulatedClock) Now() record.Stamp {
	d := c.elapsed()
	return record.Stamp{MonoMS: uint64(d / time.Millisecond), WallMS: c.Start.Add(d).UnixMilli(), Quality: record.ClockSimulated}
}

// Time returns the simulated wall clock.
func (c SimulatedClock) Time() time.Time { return c.Start.Add(c.elapsed()) }

// Real returns how long d takes from now on: d / Rate, and as long as d itself once the real time is met.
func (c SimulatedClock) Real(d time.Duration) time.Duration {
	fast := d / time.Duration(c.Rate)
	if !c.Meet || c.Rate == 1 {
		return fast
	}
	// Both clocks show the same when real - Epoch = (Epoch - Start) / (Rate - 1).
	left := max(c.Epoch.Sub(c.Start)/time.Duration(c.Rate-1)-time.Since(c.Epoch), 0)
	if fast <= left {
		return fast
	}
	return left + d - left*time.Duration(c.Rate)
}

// BootID names the simulation: the same for every process of one, because its monotonic time goes on over restarts.
func (c SimulatedClock) BootID() [ledger.IDSize]byte {
	b := binary.BigEndian.AppendUint64([]byte("isotherm/simulation/v1\n"), uint64(c.Epoch.UnixNano()))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Start.UnixNano()))
	sum := sha256.Sum256(b)
	return [ledger.IDSize]byte(sum[:ledger.IDSize])
}

// monotonic returns a stamp's time since power-on.
func monotonic(s record.Stamp) time.Duration { return time.Duration(s.MonoMS) * time.Millisecond }

// wait sleeps for d of the clock, or until ctx is done.
func wait(ctx context.Context, c Clock, d time.Duration) error {
	return waitReal(ctx, c.Real(d))
}

func waitReal(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
