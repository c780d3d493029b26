package tracker

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"isotherm/ledger"
	"isotherm/ledger/record"
)

// SystemClock is the clock of a real box: CLOCK_BOOTTIME, which goes on while the box sleeps, and the best wall time there
// is: the system's while the kernel says that it is synchronised, else that of the satellites, else the system's as it is.
// It never sets the system's clock. Its methods may be called from any goroutine.
type SystemClock struct {
	bootID [ledger.IDSize]byte
	hasRTC bool
	read   func() moment // the kernel's clocks; a test has its own

	mu         sync.Mutex // guards what follows
	source     TimeSource // nil: none
	satellites satelliteTime
	stepped    stepWatch
}

// moment is one look at the kernel's clocks.
type moment struct {
	boot   time.Duration // CLOCK_BOOTTIME
	now    time.Time     // Go's monotonic time
	wall   time.Time     // the kernel's wall clock
	synced bool          // the kernel's wall clock is synchronised
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
	return &SystemClock{bootID: id, hasRTC: err == nil && strings.TrimSpace(string(took)) == "1", read: readKernel}, nil
}

func readKernel() moment {
	var ts unix.Timespec
	// It can't fail for a clock that Linux has had since 2.6.39; if it did, zero time would show in the journal.
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	var tx unix.Timex
	state, err := unix.Adjtimex(&tx)
	now := time.Now()
	return moment{boot: time.Duration(ts.Nano()), now: now, wall: now, synced: err == nil && state != unix.TIME_ERROR && tx.Status&unix.STA_UNSYNC == 0}
}

// Follow makes the clock take the time of satellites while the kernel's is not synchronised.
func (c *SystemClock) Follow(source TimeSource) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.source = source
}

// BootID returns /proc/sys/kernel/random/boot_id.
func (c *SystemClock) BootID() [ledger.IDSize]byte { return c.bootID }

// Time returns the system's wall clock with Go's monotonic time, by which drivers tell ages. Records carry that of Now.
func (c *SystemClock) Time() time.Time { return time.Now() }

// Real returns d.
func (c *SystemClock) Real(d time.Duration) time.Duration { return d }

// Now reads all clocks. The quality is that of this moment: a box may find the network or the sky late.
func (c *SystemClock) Now() record.Stamp {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.read()
	if c.source != nil {
		utc, at, ok := c.source.Time()
		c.satellites.note(m, utc, at, ok)
	}
	wall, quality := m.wall, record.ClockUnset // perhaps right, but nothing vouches for it
	utc, fixed := c.satellites.at(m.boot)
	switch {
	case m.synced && !wall.Before(earliestWall):
		quality = record.ClockNTP
	case fixed:
		wall, quality = utc, record.ClockGNSS
	case wall.Before(earliestWall):
	case c.hasRTC:
		quality = record.ClockRTC
	}
	stamp := record.Stamp{MonoMS: uint64(max(m.boot, 0).Milliseconds()), WallMS: wall.UnixMilli(), Quality: quality}
	c.stepped.note(stamp)
	return stamp
}

// Stepped tells of the newest jump of the wall time that Now gave.
func (c *SystemClock) Stepped() ClockStep {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stepped.last
}

const (
	stepLeast = time.Second // a smaller jump is within what a position's time may be off
	maxSlewPM = 500         // what the kernel may speed its clock up or slow it down without a jump: 500 ppm (adjtimex(2))
)

// stepWatch compares wall and monotonic time of each stamp with those of the one before.
type stepWatch struct {
	before record.Stamp
	last   ClockStep
}

func (w *stepWatch) note(s record.Stamp) {
	before := w.before
	w.before = s
	if before.Quality == 0 {
		return
	}
	mono := int64(s.MonoMS - before.MonoMS)
	step := time.Duration(s.WallMS-before.WallMS-mono) * time.Millisecond
	if slew := time.Duration(mono) * time.Millisecond * maxSlewPM / 1_000_000; step.Abs() > stepLeast+slew {
		w.last = ClockStep{At: s, Step: step, Count: w.last.Count + 1}
	}
}
