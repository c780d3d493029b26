package gnss_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/gnss"
	"isotherm/hardware/sim"
)

// clock is the box's clock in a test: it stands still until it is told.
type clock struct {
	mu  sync.Mutex // guards now
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a receiver under test on a link that can be moved to another device.
type bench struct {
	t       *testing.T
	link    string
	clock   *clock
	monitor *hardware.Monitor
	*gnss.Receiver

	mu   sync.Mutex // guards told
	told []hardware.Condition
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchWith(t, func(*gnss.Config) {})
}

// newBenchWith lets change the receiver's configuration before it runs.
func newBenchWith(t *testing.T, change func(*gnss.Config)) *bench {
	t.Helper()
	b := &bench{t: t, link: filepath.Join(t.TempDir(), "gnss"), clock: &clock{now: time.Unix(1_800_000_000, 0)}}
	b.monitor = hardware.NewMonitor("gnss", b.clock.Now, func(c hardware.Condition) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.told = append(b.told, c)
	})
	cfg := gnss.Config{Path: b.link, Now: b.clock.Now, Stall: 300 * time.Millisecond, Monitor: b.monitor}
	change(&cfg)
	b.Receiver = gnss.NewReceiver(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		start := time.Now()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want context canceled", err)
		}
		// How soon it ends is for TestReceiver_Ended: one look on a loaded machine says nothing.
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("Run took %v to end", took)
		}
	})
	return b
}

// plug makes link lead to a new device.
func (b *bench) plug() *sim.PTY {
	b.t.Helper()
	tty, err := sim.OpenPTY()
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = tty.Close() }) // tests unplug it themselves
	if err := os.Symlink(tty.Path(), b.link); err != nil {
		b.t.Fatal(err)
	}
	return tty
}

func (b *bench) unplug(tty *sim.PTY) {
	b.t.Helper()
	if err := errors.Join(os.Remove(b.link), tty.Close()); err != nil {
		b.t.Fatal(err)
	}
}

// send repeats body each few milliseconds, each time a second later, until Latest
// answers want.
func (b *bench) send(tty *sim.PTY, body func(second int) string, want hardware.Fault) hardware.Fix {
	b.t.Helper()
	second := 0
	var fix hardware.Fix
	b.until(want, func() {
		second++
		if _, err := tty.Write([]byte(body(second))); err != nil {
			b.t.Fatal(err)
		}
	}, &fix)
	return fix
}

// until polls Latest for want, and calls each before every look.
func (b *bench) until(want hardware.Fault, each func(), fix *hardware.Fix) {
	b.t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.Now().Add(15 * time.Second)
	for {
		each()
		got, age, fault := b.Latest()
		if fault == want {
			*fix = got
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("Latest says %v (age %v), want %v", fault, age, want)
		}
		<-ticker.C
	}
}

func (b *bench) waitFor(want hardware.Fault) {
	b.t.Helper()
	var fix hardware.Fix
	b.until(want, func() {}, &fix)
	if want != hardware.None && fix != (hardware.Fix{}) {
		b.t.Errorf("fault %v comes with the position %+v", want, fix)
	}
}

func line(body string) string {
	var sum byte
	for i := range len(body) {
		sum ^= body[i]
	}
	return fmt.Sprintf("$%s*%02X\r\n", body, sum)
}

func valid(second int) string {
	return line(fmt.Sprintf("GPRMC,12%02d%02d.00,A,5230.0000,N,01315.0000,E,0.5,90.0,150326,,,A", second/60%60, second%60))
}

func void(second int) string {
	return line(fmt.Sprintf("GPRMC,13%02d%02d.00,V,,,,,,,150326,,,N", second/60%60, second%60))
}

func TestReceiver_HotPlug(t *testing.T) {
	b := newBench(t)
	b.waitFor(hardware.NotFound)
	tty := b.plug()
	fix := b.send(tty, valid, hardware.None)
	if fix.LatE7 != 525_000_000 || fix.LonE7 != 132_500_000 || !fix.Received.Equal(b.clock.Now()) {
		t.Errorf("fix %+v", fix)
	}
	b.unplug(tty)
	b.waitFor(hardware.None) // still young
	b.clock.Add(11 * time.Second)
	b.waitFor(hardware.NotFound)
	other := b.plug()
	b.send(other, valid, hardware.None)
}

func TestReceiver_MaxAge(t *testing.T) {
	b := newBench(t)
	tty := b.plug()
	b.send(tty, valid, hardware.None)
	b.clock.Add(10 * time.Second)
	if _, age, fault := b.Latest(); fault != hardware.None || age != 10*time.Second {
		t.Errorf("at MaxAge: age %v, fault %v, want 10s, none", age, fault)
	}
	b.clock.Add(time.Millisecond)
	if fix, _, fault := b.Latest(); fault == hardware.None || fix != (hardware.Fix{}) {
		t.Errorf("past MaxAge: %+v, %v, want a fault and no position", fix, fault)
	}
	b.clock.Add(-time.Hour) // a clock that is set back cannot make it fresh again
	if _, age, fault := b.Latest(); fault == hardware.None {
		t.Errorf("fresh at age %v", age)
	}
}

// TestReceiver_Frozen is a receiver that repeats one moment for ever.
func TestReceiver_Frozen(t *testing.T) {
	b := newBench(t)
	tty := b.plug()
	frozen := func(call int) string {
		if call%10 != 0 {
			return "" // the pause that ends a burst
		}
		return valid(7)
	}
	b.send(tty, frozen, hardware.None)
	b.clock.Add(11 * time.Second)
	b.send(tty, frozen, hardware.Stale)
	for call := range 20 { // it must not come back to life
		if _, err := tty.Write([]byte(frozen(call))); err != nil {
			t.Fatal(err)
		}
	}
	b.waitFor(hardware.Stale)
}

func TestReceiver_Reasons(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body func(int) string
		want hardware.Fault
	}{
		{"silent", func(int) string { return "" }, hardware.Silent},
		{"void", void, hardware.Void},
		{"no position sentences", func(int) string { return line("GPTXT,01,01,02,hello") }, hardware.Stale},
		{"wrong baud", func(int) string { return "\xf8\x80\x00\x9e" }, hardware.WrongBaud},
		{"console", func(int) string { return "raspberrypi login: \r\n" }, hardware.Noise},
		{"damaged", func(int) string { return "$GPRMC,1*00\r\n" }, hardware.ChecksumBad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			tty := b.plug()
			b.send(tty, valid, hardware.None)
			// A good sentence may still be under way, so every look is at a later time.
			aging := func(call int) string {
				b.clock.Add(11 * time.Second)
				return tt.body(call)
			}
			b.send(tty, aging, tt.want)
			b.send(tty, valid, hardware.None) // and it heals by itself
		})
	}
}

// TestReceiver_NotATTY shows that a hopeless path costs attempts at the pace of the
// backoff only: Run is still there to be cancelled, which newBench checks.
func TestReceiver_NotATTY(t *testing.T) {
	b := newBench(t)
	if err := os.Symlink("/dev/null", b.link); err != nil {
		t.Fatal(err)
	}
	b.waitFor(hardware.NotATTY)
}
