package tracker

import (
	"testing"
	"time"

	"isotherm/ledger/record"
)

// fakeKernel is the clocks of a box, each of which goes as it is told.
type fakeKernel struct {
	boot   time.Duration
	mono   time.Time     // Go's monotonic time; its wall clock is not used
	wall   time.Duration // by which the wall clock is off
	synced bool
}

var bootedAt = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC) // when the fake box was switched on, in truth

func newFakeKernel() *fakeKernel { return &fakeKernel{mono: time.Now()} }

// pass lets time go by; asleep, Go's monotonic clock stands.
func (k *fakeKernel) pass(d time.Duration, asleep bool) {
	k.boot += d
	if !asleep {
		k.mono = k.mono.Add(d)
	}
}

func (k *fakeKernel) truth() time.Time { return bootedAt.Add(k.boot) }

// fakeSky is a receiver's time.
type fakeSky struct {
	utc, at time.Time
	ok      bool
}

func (s *fakeSky) Time() (utc, at time.Time, ok bool) { return s.utc, s.at, s.ok }

// clockBench is a system clock with a kernel and a sky of its own.
type clockBench struct {
	t      *testing.T
	kernel *fakeKernel
	sky    *fakeSky
	clock  *SystemClock
}

func newClockBench(t *testing.T) *clockBench {
	b := &clockBench{t: t, kernel: newFakeKernel(), sky: &fakeSky{}}
	b.clock = &SystemClock{}
	b.clock.read = func() moment {
		return moment{boot: b.kernel.boot, now: b.kernel.mono, wall: b.kernel.truth().Add(b.kernel.wall), synced: b.kernel.synced}
	}
	b.clock.Follow(b.sky)
	return b
}

// fix has the receiver tell the true time with a delay, at this moment.
func (b *clockBench) fix(late time.Duration) {
	*b.sky = fakeSky{utc: b.kernel.truth().Add(-late), at: b.kernel.mono, ok: true}
}

// want checks the stamp of this moment: its quality, and how far its wall time is off at most.
func (b *clockBench) want(what string, quality record.ClockQuality, off time.Duration) {
	b.t.Helper()
	s := b.clock.Now()
	if got := time.UnixMilli(s.WallMS).Sub(b.kernel.truth()); s.Quality != quality || got.Abs() > off {
		b.t.Errorf("%s: got %v, %v off, want %v, %v off at most", what, s.Quality, got, quality, off)
	}
	if want := uint64(b.kernel.boot.Milliseconds()); s.MonoMS != want {
		b.t.Errorf("%s: got monotonic time %d, want %d", what, s.MonoMS, want)
	}
}

const century = 100 * 365 * 24 * time.Hour

func TestSystemClock_Now_satellites(t *testing.T) {
	b := newClockBench(t)
	b.kernel.wall = -14 * 24 * time.Hour // fake-hwclock: two weeks back, and plausible
	b.want("no fix yet", record.ClockUnset, century)
	b.kernel.pass(40*time.Minute, false)
	b.want("no fix in 40 minutes", record.ClockUnset, century)
	b.fix(300 * time.Millisecond)
	b.want("first fix", record.ClockGNSS, 300*time.Millisecond)
	for _, late := range []time.Duration{450, 140, 480, 300} {
		b.kernel.pass(time.Second, false)
		b.fix(late * time.Millisecond)
		b.clock.Now()
	}
	b.want("after five fixes: the least late", record.ClockGNSS, 140*time.Millisecond)
	b.sky.ok = false // the receiver does not vouch for it any more
	b.kernel.pass(satelliteHold-time.Minute, false)
	b.want("hours without a fix", record.ClockGNSS, 140*time.Millisecond)
	b.kernel.pass(2*time.Minute, false)
	b.want("too long without a fix", record.ClockUnset, century)
	b.fix(0)
	b.want("a fix again", record.ClockGNSS, 0)
	b.kernel.synced, b.kernel.wall = true, 20*time.Millisecond
	b.want("the network's time comes first", record.ClockNTP, 20*time.Millisecond)
	b.kernel.synced, b.kernel.wall = false, -time.Hour
	b.want("the network is gone", record.ClockGNSS, time.Millisecond)
}

// A box that sleeps goes on by CLOCK_BOOTTIME, and does not place a fix from before the sleep as if it had just come.
func TestSystemClock_Now_sleep(t *testing.T) {
	b := newClockBench(t)
	b.clock.Now()
	b.kernel.pass(time.Second, false)
	b.fix(0)
	b.want("fix", record.ClockGNSS, 0)
	b.kernel.pass(10*time.Minute, true)
	b.want("after 10 minutes of sleep", record.ClockGNSS, 0)

	b = newClockBench(t)
	b.clock.Now()
	b.kernel.pass(time.Second, false)
	b.fix(0)
	b.kernel.pass(10*time.Minute, true) // before anybody looked at the fix
	b.want("fix from before the sleep", record.ClockUnset, century)
	b.kernel.pass(time.Second, false)
	b.fix(0)
	b.want("fix after it", record.ClockGNSS, 0)
}

func TestSystemClock_Now_refuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		sky  func(b *clockBench)
	}{
		{"before this program was written", func(b *clockBench) { b.sky.utc = time.Date(1999, 8, 22, 0, 0, 0, 0, time.UTC) }},
		{"1980", func(b *clockBench) { b.sky.utc = time.Date(1980, 1, 6, 0, 0, 0, 0, time.UTC) }},
		{"heard in the future", func(b *clockBench) { b.sky.at = b.sky.at.Add(time.Hour) }},
		{"not vouched for", func(b *clockBench) { b.sky.ok = false }},
		{"no time", func(b *clockBench) { *b.sky = fakeSky{ok: true} }},
	} {
		b := newClockBench(t)
		b.fix(0)
		tt.sky(b)
		b.want(tt.name, record.ClockUnset, century)
	}
}

// TestSystemClock_Now_walls has every wall clock of the list of bad inputs: none moves the monotonic time, and each jump is
// noticed once.
func TestSystemClock_Now_walls(t *testing.T) {
	for _, tt := range []struct {
		name  string
		step  time.Duration
		count int
	}{
		{"1 s forward", time.Second, 0},
		{"1 s back", -time.Second, 0},
		{"1.1 s forward", 1100 * time.Millisecond, 1},
		{"1.1 s back", -1100 * time.Millisecond, 1},
		{"2 weeks back", -14 * 24 * time.Hour, 1},
		{"to 1970", time.Unix(0, 0).Sub(bootedAt), 1},
		{"to 2038-01-19", time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC).Sub(bootedAt), 1},
		{"to 2099", time.Date(2099, 12, 31, 0, 0, 0, 0, time.UTC).Sub(bootedAt), 1},
		{"leap second stepped back", -time.Second, 0},
	} {
		b := newClockBench(t)
		b.want(tt.name+", before", record.ClockUnset, 0)
		b.kernel.pass(10*time.Second, false)
		b.kernel.wall = tt.step
		b.want(tt.name, record.ClockUnset, tt.step.Abs())
		for range 3 {
			b.kernel.pass(10*time.Second, false)
			b.clock.Now()
		}
		got := b.clock.Stepped()
		if got.Count != tt.count || tt.count > 0 && (got.Step-tt.step).Abs() > time.Second {
			t.Errorf("%s: got %+v, want %d steps of %v", tt.name, got, tt.count, tt.step)
		}
	}
	b := newClockBench(t) // the kernel may slew by 500 ppm for hours
	for range 6 * 60 {
		b.kernel.pass(time.Minute, false)
		b.kernel.wall += 30 * time.Millisecond
		b.clock.Now()
	}
	b.kernel.pass(10*time.Hour, true) // and in a long sleep
	b.kernel.wall += 17 * time.Second
	b.clock.Now()
	if got := b.clock.Stepped(); got.Count != 0 {
		t.Errorf("slewed clock: got %+v, want no step", got)
	}
}

// The network's time comes while the box runs: the wall clock jumps once, the monotonic time does not.
func TestSystemClock_Now_network(t *testing.T) {
	b := newClockBench(t)
	b.kernel.wall = -14 * 24 * time.Hour
	b.want("at the start", record.ClockUnset, 14*24*time.Hour)
	b.kernel.pass(time.Minute, false)
	b.kernel.wall, b.kernel.synced = 0, true
	b.want("synchronised", record.ClockNTP, 0)
	if got := b.clock.Stepped(); got.Count != 1 || got.Step != 14*24*time.Hour || got.At.Quality != record.ClockNTP {
		t.Errorf("got %+v, want one step of two weeks", got)
	}
}

// A receiver whose time jumps is believed, and the jump is noticed.
func TestSystemClock_Now_jump(t *testing.T) {
	b := newClockBench(t)
	b.fix(0)
	b.want("fix", record.ClockGNSS, 0)
	b.kernel.pass(time.Second, false)
	b.fix(77 * time.Second)
	b.want("77 s back", record.ClockGNSS, 77*time.Second)
	if got := b.clock.Stepped(); got.Count != 1 || got.Step != -77*time.Second {
		t.Errorf("got %+v, want one step of -77 s", got)
	}
}
