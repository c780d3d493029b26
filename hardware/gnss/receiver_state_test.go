package gnss_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/gnss"
	"isotherm/hardware/sim"
)

// stands polls until the monitor says so, and calls each before every look.
func (b *bench) stands(state hardware.State, fault hardware.Fault, each func()) hardware.Condition {
	b.t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.Now().Add(time.Minute)
	for {
		each()
		c := b.monitor.Condition()
		if c.State == state && c.Fault == fault {
			return c
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("receiver is %v (%v: %s), want %v (%v)", c.State, c.Fault, c.Detail, state, fault)
		}
		<-ticker.C
	}
}

// opens polls until the port has been opened.
func (b *bench) opens() {
	b.t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	deadline := time.Now().Add(time.Minute)
	for b.monitor.Condition().State == hardware.StateDown {
		if time.Now().After(deadline) {
			b.t.Fatal("the port is not opened")
		}
		<-ticker.C
	}
}

// changes returns what the monitor has told so far.
func (b *bench) changes() []hardware.Condition {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]hardware.Condition(nil), b.told...)
}

// say writes text to the device's end on each call.
func (b *bench) say(tty *sim.PTY, body func(call int) string) func() {
	call := 0
	return func() {
		b.t.Helper()
		call++
		if _, err := tty.Write([]byte(body(call))); err != nil {
			b.t.Fatal(err)
		}
	}
}

// feed writes text to the device's end on each call, from a goroutine that ends with the test: a line can be full. The receiver throws
// away what came before it opened the port, so that has to happen first.
func (b *bench) feed(tty *sim.PTY, body func(call int) string) func() {
	b.opens()
	calls := make(chan string, 1) // so that the first one is not lost
	b.t.Cleanup(func() { close(calls) })
	go func() {
		for text := range calls {
			if _, err := tty.Write([]byte(text)); err != nil {
				for range calls { // unplugged: nobody hears it
				}
				return
			}
		}
	}()
	call := 0
	return func() {
		call++
		select {
		case calls <- body(call):
		default: // still writing what came before
		}
	}
}

// TestReceiver_BadStreams are the bad inputs of the reference's list that come through an open port. None of them may give
// a position, and each has its name.
func TestReceiver_BadStreams(t *testing.T) {
	t.Parallel()
	const megabyte = 1 << 20
	random := func(call int) string {
		noise := rand.New(rand.NewPCG(1, uint64(call)))
		b := make([]byte, 500)
		for i := range b {
			b[i] = byte(noise.Uint32())
		}
		return string(b)
	}
	once := func(text string) func(int) string {
		return func(call int) string {
			if call > 1 {
				return ""
			}
			return text
		}
	}
	for _, tt := range []struct {
		name  string
		body  func(call int) string
		state hardware.State
		fault hardware.Fault
	}{
		{"silent from start", func(int) string { return "" }, hardware.StateSilent, hardware.Silent},
		{"1 byte per 100 ms", func(call int) string {
			if call%5 != 0 {
				return ""
			}
			text := valid(1)
			return text[call/5%len(text):][:1]
		}, hardware.StateGarbled, hardware.Noise},
		{"no newline for 1 MB", once("$GPRMC," + strings.Repeat("A", megabyte)), hardware.StateGarbled, hardware.TooLong},
		{"no newline for 1 MB, no dollar", once(strings.Repeat("A", megabyte)), hardware.StateGarbled, hardware.Noise},
		{"all 00", func(int) string { return strings.Repeat("\x00", 300) }, hardware.StateGarbled, hardware.WrongBaud},
		{"all FF", func(int) string { return strings.Repeat("\xFF", 300) }, hardware.StateGarbled, hardware.WrongBaud},
		{"random", random, hardware.StateGarbled, hardware.WrongBaud},
		{"wrong-baud noise", func(int) string { return "\xf8\x80\x00\x9e\x1e\x78" }, hardware.StateGarbled, hardware.WrongBaud},
		{"raspberrypi login", func(int) string {
			return "\r\nRaspbian GNU/Linux 12 box ttyS0\r\n\r\nraspberrypi login: "
		}, hardware.StateGarbled, hardware.Noise},
		{"kernel boot text", func(call int) string {
			return fmt.Sprintf("[    %d.%06d] fe201000.serial: ttyAMA0 at MMIO 0xfe201000 (irq = 36)\r\n", call, call)
		}, hardware.StateGarbled, hardware.Noise},
		{"wrong checksums", func(int) string {
			return "$GPRMC,120000.00,A,5230.0000,N,01315.0000,E,0.5,90.0,150326,,,A*00\r\n"
		}, hardware.StateGarbled, hardware.ChecksumBad},
		{"no checksums", func(int) string {
			return "$GPRMC,120000.00,A,5230.0000,N,01315.0000,E,0.5,90.0,150326,,,A\r\n"
		}, hardware.StateGarbled, hardware.ChecksumMissing},
		{"void", void, hardware.StateNoFix, hardware.Void},
		{"no position sentences", func(int) string { return line("GPTXT,01,01,02,hello") }, hardware.StateNoFix, hardware.NoFix},
		{"null island", func(call int) string {
			return line(fmt.Sprintf("GPRMC,12%02d%02d.00,A,0000.0000,N,00000.0000,E,0.5,90.0,150326,,,A", call/60%60, call%60))
		}, hardware.StateNoFix, hardware.NullIsland},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBenchWith(t, func(c *gnss.Config) {
				if strings.HasPrefix(tt.name, "no newline") {
					c.Stall = 5 * time.Second // they come once: the port must not close meanwhile
				}
			})
			tty := b.plug()
			c := b.stands(tt.state, tt.fault, b.feed(tty, tt.body))
			if c.Detail == "" || c.Port != tty.Path() {
				t.Errorf("condition %+v does not say why, or where", c)
			}
			if fix, _, fault := b.Latest(); fix != (hardware.Fix{}) || fault == hardware.None {
				t.Errorf("position %+v, %v from this", fix, fault)
			}
			if _, _, ok := b.Time(); ok {
				t.Error("time from this")
			}
		})
	}
}

// TestReceiver_OwnEcho is a line that sends back what is sent: a receiver is never sent anything, so it is silent.
func TestReceiver_OwnEcho(t *testing.T) {
	b := newBench(t)
	tty := b.plug()
	go func() {
		buf := make([]byte, 64)
		for {
			n, err := tty.Read(buf)
			if err != nil {
				return // unplugged, at the end of the test
			}
			_, _ = tty.Write(buf[:n])
		}
	}()
	b.stands(hardware.StateSilent, hardware.Silent, func() {})
}

// TestReceiver_Burst is 1 MB of sentences at once.
func TestReceiver_Burst(t *testing.T) {
	b := newBenchWith(t, func(c *gnss.Config) { c.Stall = 10 * time.Second }) // it comes once
	tty := b.plug()
	var text strings.Builder
	last := 0
	for ; text.Len() < 1<<20; last++ {
		text.WriteString(valid(last))
	}
	b.stands(hardware.StateLive, hardware.None, b.feed(tty, func(call int) string {
		if call == 1 {
			return text.String()
		}
		return ""
	}))
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.Now().Add(time.Minute)
	for b.Heard().Sentences < uint64(last) {
		if time.Now().After(deadline) {
			t.Fatalf("%d sentences of %d", b.Heard().Sentences, last)
		}
		<-ticker.C
	}
}

// TestReceiver_States takes a receiver through its states, each with its time of beginning.
func TestReceiver_States(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.stands(hardware.StateDown, hardware.NotFound, func() {})
	tty := b.plug()
	b.stands(hardware.StateNoFix, hardware.Void, b.say(tty, void))
	b.clock.Add(time.Hour)
	since := b.clock.Now()
	good := b.say(tty, valid)
	c := b.stands(hardware.StateLive, hardware.None, good)
	if !c.Since.Equal(since) {
		t.Errorf("live since %v, want %v", c.Since, since)
	}
	// Sentences go on, fixes do not: stale by time alone.
	b.clock.Add(11 * time.Second)
	b.stands(hardware.StateStale, hardware.Stale, b.say(tty, func(int) string { return line("GPTXT,01,01,02,hello") }))
	b.stands(hardware.StateLive, hardware.None, good)
	// Silent after an hour of work.
	b.stands(hardware.StateSilent, hardware.Silent, func() { b.clock.Add(time.Hour) })
	if _, _, fault := b.Latest(); fault != hardware.Silent {
		t.Errorf("Latest says %v, want silent", fault)
	}
	b.stands(hardware.StateLive, hardware.None, good)
	if _, err := tty.Write([]byte("$GPRMC,1200")); err != nil { // unplug mid-line
		t.Fatal(err)
	}
	b.unplug(tty)
	b.stands(hardware.StateDown, hardware.NotFound, func() {})
	// Back, and the half line of before spoils nothing.
	tty = b.plug()
	b.stands(hardware.StateLive, hardware.None, b.say(tty, valid))
}

// TestReceiver_Calm has a receiver that stays garbled for several re-opens: it is told once for each reason.
func TestReceiver_Calm(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tty := b.plug()
	babble := b.say(tty, func(int) string { return "\xf8\x80\x00\x9e" })
	b.stands(hardware.StateGarbled, hardware.WrongBaud, babble)
	end := time.Now().Add(4 * time.Second) // three rounds
	b.stands(hardware.StateGarbled, hardware.WrongBaud, babble)
	for ticker := time.NewTicker(20 * time.Millisecond); time.Now().Before(end); <-ticker.C {
		babble()
	}
	if got := b.changes(); len(got) > 4 { // opening, binary while searching, wrong baud
		t.Errorf("%d changes: %+v", len(got), got)
	}
}

// TestReceiver_Speed searches for the speed of the receiver, and remembers it.
func TestReceiver_Speed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		given  int
		device int
		quiet  bool // at a wrong speed nothing comes at all
	}{
		{"default", 0, 9600, false},
		{"u-blox at 38400", 0, 38400, false},
		{"configured, and right", 57600, 57600, false},
		{"configured, and wrong", 115200, 4800, false},
		{"a speed that is on no list, configured", 250000, 250000, false},
		{"framing errors are dropped", 0, 115200, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBenchWith(t, func(c *gnss.Config) { c.Baud = tt.given })
			tty := b.plug()
			speak := func(tty *sim.PTY) func() {
				return b.say(tty, func(call int) string {
					heard, err := tty.Baud()
					switch {
					case err == nil && heard == tt.device:
						return valid(call)
					case tt.quiet:
						return ""
					}
					return "\xf8\x80\x00\x9e"
				})
			}
			start := time.Now()
			b.stands(hardware.StateLive, hardware.None, speak(tty))
			t.Logf("found after %v with a stall of 300 ms", time.Since(start).Round(10*time.Millisecond))
			if got := b.Heard().Baud; got != tt.device {
				t.Errorf("heard at %d, want %d", got, tt.device)
			}
			b.unplug(tty)
			b.stands(hardware.StateDown, hardware.NotFound, func() {})
			before := len(b.changes())
			tty = b.plug()
			b.stands(hardware.StateLive, hardware.None, speak(tty))
			for _, c := range b.changes()[before:] {
				if c.State == hardware.StateGarbled {
					t.Errorf("searched again: %+v", c)
				}
			}
		})
	}
}

// TestReceiver_Saturated is a line that never pauses: as many bytes as 9600 baud carries.
func TestReceiver_Saturated(t *testing.T) {
	b := newBenchWith(t, func(c *gnss.Config) { c.Baud, c.Stall = 9600, 5*time.Second })
	tty := b.plug()
	begin, sent, second, left := time.Now(), 0, 0, ""
	full := func() {
		const bytesPerSecond = 960
		for due := int(time.Since(begin).Seconds() * bytesPerSecond); sent < due; {
			if left == "" {
				second++
				left = valid(second)
			}
			n := min(due-sent, len(left))
			if _, err := tty.Write([]byte(left[:n])); err != nil {
				t.Fatal(err)
			}
			left, sent = left[n:], sent+n
		}
	}
	c := b.stands(hardware.StateLive, hardware.Saturated, full)
	if !strings.Contains(c.Detail, "9600") {
		t.Errorf("detail %q does not name the speed", c.Detail)
	}
	if _, _, ok := b.Time(); ok {
		t.Error("time from a line that falls behind")
	}
}

// TestReceiver_Lag compares with the box's clock, but only with one that is known to be right.
func TestReceiver_Lag(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		good bool
		lag  time.Duration
		want hardware.Fault
	}{
		{"clock unknown", false, time.Hour, hardware.None},
		{"in time", true, 400 * time.Millisecond, hardware.None},
		{"3.5 s late", true, 3500 * time.Millisecond, hardware.LagHigh},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBenchWith(t, func(c *gnss.Config) {
				c.ClockGood, c.MaxAge = func() bool { return tt.good }, 24*time.Hour
			})
			tty := b.plug()
			sent := time.Date(2026, time.March, 15, 12, 0, 1, 0, time.UTC)
			b.clock.Add(sent.Add(tt.lag).Sub(b.clock.Now()))
			c := b.stands(hardware.StateLive, tt.want, b.say(tty, func(call int) string {
				if call%20 != 1 {
					return ""
				}
				return valid(1)
			}))
			if fix, _, fault := b.Latest(); fault != hardware.None || fix.LatE7 == 0 {
				t.Errorf("the position is gone with %v: %v", c, fault)
			}
		})
	}
}

// TestReceiver_Time has a receiver report in step with real time.
func TestReceiver_Time(t *testing.T) {
	b := newBenchWith(t, func(c *gnss.Config) { c.Stall = 5 * time.Second })
	tty := b.plug()
	b.stands(hardware.StateOpening, hardware.None, func() {})
	begin, second := time.Now(), 1
	if _, err := tty.Write([]byte(valid(second))); err != nil {
		t.Fatal(err)
	}
	b.stands(hardware.StateLive, hardware.None, func() {})
	if _, _, ok := b.Time(); ok {
		t.Error("time after one epoch")
	}
	start := time.Now()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		if due := 1 + int(time.Since(start)/time.Second); due > second {
			second = due
			if _, err := tty.Write([]byte(valid(second))); err != nil {
				t.Fatal(err)
			}
		}
		if utc, at, ok := b.Time(); ok {
			if took := time.Since(start); took < time.Second {
				t.Errorf("trusted after %v", took)
			}
			if utc.Year() != 2026 || utc.Hour() != 12 || at.Before(begin) || at.After(time.Now()) {
				t.Errorf("time %v at %v", utc, at)
			}
			return
		}
		if time.Since(start) > 30*time.Second { // a loaded machine may be out of step for a while
			t.Fatal("no time from a receiver in step")
		}
		<-ticker.C
	}
}

// TestReceiver_Ended ends Run in each state: within 100 ms.
func TestReceiver_Ended(t *testing.T) {
	for _, tt := range []struct {
		name  string
		body  func(int) string // nil: not plugged in
		state hardware.State
		fault hardware.Fault
	}{
		{"down", nil, hardware.StateDown, hardware.NotFound},
		{"opening", func(int) string { return "" }, hardware.StateOpening, hardware.None},
		{"silent", func(int) string { return "" }, hardware.StateSilent, hardware.Silent},
		{"garbled", func(int) string { return "login: " }, hardware.StateGarbled, hardware.Noise},
		{"no fix", void, hardware.StateNoFix, hardware.Void},
		{"live", valid, hardware.StateLive, hardware.None},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var took time.Duration
			for range 5 { // a loaded machine can hold anybody up, but not five times
				if took = endIn(t, tt.body, tt.state, tt.fault); took < 100*time.Millisecond {
					return
				}
			}
			t.Errorf("Run took %v to end, five times over 100 ms", took)
		})
	}
}

// endIn brings a receiver into a state, ends it, and returns how long that took.
func endIn(t *testing.T, body func(int) string, state hardware.State, fault hardware.Fault) time.Duration {
	t.Helper()
	b := &bench{t: t, link: filepath.Join(t.TempDir(), "gnss"), clock: &clock{now: time.Unix(1_800_000_000, 0)}}
	b.monitor = hardware.NewMonitor("gnss", b.clock.Now, nil)
	stall := 300 * time.Millisecond
	if state == hardware.StateOpening {
		stall = time.Minute // a loaded machine would miss it
	}
	b.Receiver = gnss.NewReceiver(gnss.Config{Path: b.link, Now: b.clock.Now, Stall: stall, Monitor: b.monitor})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	each := func() {}
	if body != nil {
		tty, err := sim.OpenPTY()
		if err != nil {
			t.Fatal(err)
		}
		defer tty.Close()
		if err := os.Symlink(tty.Path(), b.link); err != nil {
			t.Fatal(err)
		}
		each = b.say(tty, body)
	}
	b.stands(state, fault, each)
	start := time.Now()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context canceled", err)
	}
	return time.Since(start)
}
