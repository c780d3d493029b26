package serial_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// watch is a monitor that remembers what it was told.
type watch struct {
	*hardware.Monitor
	mu   sync.Mutex // guards told
	told []hardware.Condition
}

func newWatch() *watch {
	w := &watch{}
	w.Monitor = hardware.NewMonitor("device", time.Now, func(c hardware.Condition) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told = append(w.told, c)
	})
	return w
}

// changes returns what was told so far.
func (w *watch) changes() []hardware.Condition {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]hardware.Condition(nil), w.told...)
}

// waitFor polls until the device stands so.
func (w *watch) waitFor(t *testing.T, state hardware.State, fault hardware.Fault) hardware.Condition {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.Now().Add(30 * time.Second)
	for {
		c := w.Condition()
		if c.State == state && c.Fault == fault {
			return c
		}
		if time.Now().After(deadline) {
			t.Fatalf("device is %v (%v), want %v (%v)", c.State, c.Fault, state, fault)
		}
		<-ticker.C
	}
}

// keep runs Keep until the returned function is called, which checks how it ends.
func keep(
	t *testing.T, cfg serial.KeepConfig, session func(ctx context.Context, s *serial.Session) error,
) (stop func() time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serial.Keep(ctx, cfg, session) }()
	var once sync.Once
	stop = func() (took time.Duration) {
		once.Do(func() {
			start := time.Now()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Keep = %v, want context canceled", err)
			}
			took = time.Since(start)
		})
		return took
	}
	t.Cleanup(func() { stop() })
	return stop
}

// talk is a session of a device whose every byte is a value.
func talk(_ context.Context, s *serial.Session) error {
	buf := make([]byte, 64)
	for {
		if _, err := s.Read(buf); err != nil {
			return err
		}
		s.Live()
	}
}

// TestKeep_Replug takes a device through its life: absent, live, unplugged, back under another name, and another device
// under the first name.
func TestKeep_Replug(t *testing.T) {
	tr, w := newTree(t), newWatch()
	cfg := serial.KeepConfig{Spec: "usb:0403:6001", Config: serial.Config{Baud: baud}, Host: tr.Host, Monitor: w.Monitor}
	keep(t, cfg, talk)
	w.waitFor(t, hardware.StateDown, hardware.NotFound)

	first := openPTY(t)
	tr.plugUSB("ttyUSB0", ftdi, first.Path())
	w.waitFor(t, hardware.StateOpening, hardware.None)
	if _, err := first.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if c := w.waitFor(t, hardware.StateLive, hardware.None); c.Port != filepath.Join(tr.Dev, "ttyUSB0") {
		t.Errorf("live at %q", c.Port)
	}

	tr.unplugUSB("ttyUSB0", ftdi)
	other := openPTY(t)
	tr.plugUSB("ttyUSB0", ch340, other.Path()) // took the name
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	w.waitFor(t, hardware.StateDown, hardware.NotFound)

	second := openPTY(t)
	start := time.Now()
	tr.plugUSB("ttyUSB1", ftdi, second.Path())
	w.waitFor(t, hardware.StateOpening, hardware.None)
	t.Logf("a re-plug under another name was found after %v", time.Since(start).Round(time.Millisecond))
	if _, err := second.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if c := w.waitFor(t, hardware.StateLive, hardware.None); c.Port != filepath.Join(tr.Dev, "ttyUSB1") {
		t.Errorf("live at %q", c.Port)
	}
	if _, err := other.Write([]byte("x")); err != nil { // nobody listens there
		t.Fatal(err)
	}

	var states []hardware.State
	for _, c := range w.changes() {
		if len(states) == 0 || states[len(states)-1] != c.State {
			states = append(states, c.State)
		}
		if c.State == hardware.StateDown && c.Detail == "" {
			t.Errorf("down without a reason: %+v", c)
		}
	}
	want := []hardware.State{
		hardware.StateDown, hardware.StateOpening, hardware.StateLive,
		hardware.StateDown, hardware.StateOpening, hardware.StateLive,
	}
	if len(states) != len(want) {
		t.Fatalf("states %v, want %v", states, want)
	}
	for i := range want {
		if states[i] != want[i] {
			t.Fatalf("states %v, want %v", states, want)
		}
	}
}

// TestKeep_Stall is a port that stays silent: it is opened again and again, which is one change and not many.
func TestKeep_Stall(t *testing.T) {
	tty, w := openPTY(t), newWatch()
	pin(t, tty)
	opened, lost := make(chan struct{}, 100), make(chan error, 100)
	cfg := serial.KeepConfig{
		Spec: tty.Path(), Config: serial.Config{Baud: baud}, Monitor: w.Monitor, Lost: func(err error) { lost <- err },
	}
	keep(t, cfg, func(_ context.Context, s *serial.Session) error {
		opened <- struct{}{}
		_, err := s.ReadWithin(make([]byte, 8), 10*time.Millisecond)
		if hardware.FaultOf(err) != hardware.Silent {
			return err
		}
		return s.Stalled(hardware.Silent, "no line for 10 ms")
	})
	for range 3 {
		<-opened
	}
	wantFault(t, <-lost, tty.Path(), hardware.Silent)
	w.waitFor(t, hardware.StateSilent, hardware.Silent)
	for _, c := range w.changes()[1:] {
		if c.State != hardware.StateSilent {
			t.Errorf("told of %v (%v) while it was silent", c.State, c.Fault)
		}
	}
	if got := len(w.changes()); got != 2 { // opening, silent
		t.Errorf("%d changes, want 2: %+v", got, w.changes())
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	w.waitFor(t, hardware.StateDown, hardware.NotFound)
}

// TestKeep_GivenUp is a session that returns without a reason, which must not spin.
func TestKeep_GivenUp(t *testing.T) {
	tty := openPTY(t)
	opened := make(chan time.Time, 100)
	cfg := serial.KeepConfig{Spec: tty.Path(), Config: serial.Config{Baud: baud}}
	keep(t, cfg, func(context.Context, *serial.Session) error {
		opened <- time.Now()
		return nil
	})
	first := <-opened
	if pause := (<-opened).Sub(first); pause < 150*time.Millisecond {
		t.Errorf("opened again after %v, want a pause", pause)
	}
}

// TestKeep_Ended ends Keep in each state.
func TestKeep_Ended(t *testing.T) {
	silent := func(_ context.Context, s *serial.Session) error {
		_, err := s.Read(make([]byte, 8))
		return err
	}
	for _, tt := range []struct {
		name    string
		plugged bool
		session func(ctx context.Context, s *serial.Session) error
		state   hardware.State
		fault   hardware.Fault
	}{
		{"down", false, silent, hardware.StateDown, hardware.NotFound},
		{"opening", true, silent, hardware.StateOpening, hardware.None},
		{"silent", true, func(ctx context.Context, s *serial.Session) error {
			s.Set(hardware.StateSilent, hardware.Silent, "")
			return silent(ctx, s)
		}, hardware.StateSilent, hardware.Silent},
		{"garbled", true, func(ctx context.Context, s *serial.Session) error {
			s.Set(hardware.StateGarbled, hardware.Noise, "")
			return silent(ctx, s)
		}, hardware.StateGarbled, hardware.Noise},
		{"no fix", true, func(ctx context.Context, s *serial.Session) error {
			s.Set(hardware.StateNoFix, hardware.Void, "")
			return silent(ctx, s)
		}, hardware.StateNoFix, hardware.Void},
		{"live, writing", true, func(_ context.Context, s *serial.Session) error {
			s.Live()
			return fill(s.Port)
		}, hardware.StateLive, hardware.None},
		{"stale, deadlines set all the time", true, func(_ context.Context, s *serial.Session) error {
			s.Set(hardware.StateStale, hardware.Stale, "")
			for {
				if _, err := s.ReadWithin(make([]byte, 8), time.Minute); err != nil {
					return err
				}
			}
		}, hardware.StateStale, hardware.Stale},
		{"waiting after a stall", true, func(_ context.Context, s *serial.Session) error {
			return s.Stalled(hardware.TooLong, "babble")
		}, hardware.StateGarbled, hardware.TooLong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			atOnce(t, func() time.Duration {
				spec, w := filepath.Join(t.TempDir(), "missing"), newWatch()
				if tt.plugged {
					spec = openPTY(t).Path()
				}
				stop := keep(t, serial.KeepConfig{Spec: spec, Config: serial.Config{Baud: baud}, Monitor: w.Monitor}, tt.session)
				w.waitFor(t, tt.state, tt.fault)
				return stop()
			})
		})
	}
}

// hungDevice plugs in a USB device whose attributes the kernel does not answer for, as while its set-up hangs, and waits
// until somebody asks for one. The attribute stays unanswered until the test ends.
func hungDevice(t *testing.T, tr *tree) {
	t.Helper()
	attribute := filepath.Join(tr.usbFolder(ftdi), "idVendor")
	tr.mkdir(filepath.Dir(attribute))
	if err := unix.Mkfifo(attribute, 0o600); err != nil {
		t.Fatal(err)
	}
	without := ftdi
	without.vendor = ""
	tr.plugUSB("ttyUSB0", without, "")
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-ticker.C {
		fd, err := unix.Open(attribute, unix.O_WRONLY|unix.O_NONBLOCK, 0) // works once somebody reads
		if err == nil {
			t.Cleanup(func() { _ = unix.Close(fd) })
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody asks for the attribute: %v", err)
		}
	}
}

// TestKeep_HungLook has the kernel hold up the look for a port that was not there: the end of ctx must not wait for it.
func TestKeep_HungLook(t *testing.T) {
	tr, w := newTree(t), newWatch()
	stop := keep(t, serial.KeepConfig{Spec: "usb:0403:6001", Config: serial.Config{Baud: baud}, Host: tr.Host, Monitor: w.Monitor}, talk)
	w.waitFor(t, hardware.StateDown, hardware.NotFound)
	hungDevice(t, tr)
	if took := stop(); took > time.Second {
		t.Errorf("Keep took %v to end, want under 100 ms", took)
	}
}

// TestLine_HungLook is the same for a line: neither the caller nor Close waits.
func TestLine_HungLook(t *testing.T) {
	tr := newTree(t)
	l := serial.NewLine(serial.KeepConfig{Spec: "usb:0403:6001", Config: serial.Config{Baud: baud}, Host: tr.Host})
	nothing := func(context.Context, *serial.Port, bool) error { return nil }
	if err := l.Do(t.Context(), nothing); hardware.FaultOf(err) != hardware.NotFound {
		t.Fatalf("Do = %v, want not found", err)
	}
	asking := make(chan struct{})
	go func() { // ends with the line
		defer close(asking)
		for hardware.FaultOf(l.Do(context.Background(), nothing)) != hardware.Closed {
			<-time.After(10 * time.Millisecond)
		}
	}()
	hungDevice(t, tr)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := l.Do(ctx, nothing); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > time.Second {
		t.Errorf("Do = %v after %v, want deadline exceeded after 20 ms", err, time.Since(start))
	}
	start = time.Now()
	if err := l.Close(); err != nil || time.Since(start) > time.Second {
		t.Errorf("Close = %v after %v, want at once", err, time.Since(start))
	}
	<-asking
}

// TestKeep_LogsOnce has a device be silent through many openings: that is two lines in the log, and not two for each.
func TestKeep_LogsOnce(t *testing.T) {
	var text safeBuffer
	tty, sessions := openPTY(t), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { // ends with ctx
		done <- serial.Keep(ctx, serial.KeepConfig{Spec: tty.Path(), Config: serial.Config{Baud: baud}, Logger: slog.New(slog.NewTextHandler(&text, nil))},
			func(ctx context.Context, s *serial.Session) error {
				select {
				case sessions <- struct{}{}:
				case <-ctx.Done():
				}
				return s.Stalled(hardware.Silent, "no byte")
			})
	}()
	for range 4 {
		<-sessions
	}
	cancel()
	<-done
	if got := strings.Count(text.String(), "\n"); got != 2 {
		t.Errorf("%d lines in the log, want one for the silence and one for the next opening:\n%s", got, text.String())
	}
}

// safeBuffer is a buffer for several goroutines.
type safeBuffer struct {
	mu sync.Mutex // guards b
	b  strings.Builder
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
