package tracker

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

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

// SystemClock is the clock of a real box: CLOCK_BOOTTIME, which goes on while the box sleeps, and the system's wall
// clock with what the kernel says of its quality.
type SystemClock struct {
	bootID [ledger.IDSize]byte
	hasRTC bool
}

// The least date a wall clock can honestly show: before this program was written it was surely never set.
var earliestWall = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// NewSystemClock reads the kernel's boot ID and whether it set the time from a battery-backed clock.
func NewSystemClock() (*SystemClock, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, fmt.Errorf("read boot id: %w", err)
	}
	hex := strings.ReplaceAll(strings.TrimSpace(string(text)), "-", "")
	var id ledger.IncarnationID // only for its parser of 32 digits
	if err := id.UnmarshalText([]byte(hex)); err != nil {
		return nil, fmt.Errorf("read boot id: %w", err)
	}
	// The kernel says whether it took the time from the clock chip at boot; a chip that merely exists proves nothing.
	took, err := os.ReadFile("/sys/class/rtc/rtc0/hctosys")
	return &SystemClock{bootID: id, hasRTC: err == nil && strings.TrimSpace(string(took)) == "1"}, nil
}

// BootID returns /proc/sys/kernel/random/boot_id.
func (c *SystemClock) BootID() [ledger.IDSize]byte { return c.bootID }

// Time returns the system's wall clock.
func (c *SystemClock) Time() time.Time { return time.Now() }

// Real returns d.
func (c *SystemClock) Real(d time.Duration) time.Duration { return d }

// Now reads both clocks. The quality is that of this moment: a box may find the network late.
func (c *SystemClock) Now() record.Stamp {
	var ts unix.Timespec
	// It can't fail for a clock that Linux has had since 2.6.39; if it did, zero time would show in the journal.
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	wall := time.Now()
	return record.Stamp{MonoMS: uint64(ts.Nano() / int64(time.Millisecond)), WallMS: wall.UnixMilli(), Quality: c.quality(wall)}
}

func (c *SystemClock) quality(wall time.Time) record.ClockQuality {
	var tx unix.Timex
	state, err := unix.Adjtimex(&tx)
	switch {
	case wall.Before(earliestWall):
		return record.ClockUnset
	case err == nil && state != unix.TIME_ERROR && tx.Status&unix.STA_UNSYNC == 0:
		return record.ClockNTP
	case c.hasRTC:
		return record.ClockRTC
	}
	return record.ClockUnset // perhaps right, but nothing vouches for it
}

// SimulatedClock runs at another speed than time, for demonstrations. Every record it stamps says so.
type SimulatedClock struct {
	Rate  int64     // simulated seconds in a real second, 1 to 3,600
	Start time.Time // simulated wall time at Epoch
	Epoch time.Time // real time at which the simulation began
	Meet  bool      // go on with time once it has caught up with it; Start must be before Epoch then
}

// maxRate keeps the simulated time of a month within 64 bits of nanoseconds.
const maxRate = 3600

func (c SimulatedClock) elapsed() time.Duration {
	d := time.Duration(int64(max(time.Since(c.Epoch), 0)) * c.Rate)
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
