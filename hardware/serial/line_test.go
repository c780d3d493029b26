package serial_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

func newLine(t *testing.T, spec string, w *watch) *serial.Line {
	t.Helper()
	l := serial.NewLine(serial.KeepConfig{Spec: spec, Config: serial.Config{Baud: baud}, Monitor: w.Monitor})
	t.Cleanup(func() {
		if err := l.Close(); err != nil && hardware.FaultOf(err) != hardware.Unplugged {
			t.Errorf("Close: %v", err)
		}
	})
	return l
}

// exchange asks and reads, and tells whether the line was dirty.
func exchange(dirty *bool, wait time.Duration) func(context.Context, *serial.Port, bool) error {
	return func(_ context.Context, p *serial.Port, d bool) error {
		*dirty = d
		if _, err := p.Write([]byte("?")); err != nil {
			return err
		}
		_, err := p.ReadWithin(make([]byte, 8), wait)
		return err
	}
}

// answer has the device answer whatever is asked, until it is closed.
func answer(tty interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
}) {
	buf := make([]byte, 64)
	for {
		if _, err := tty.Read(buf); err != nil {
			return
		}
		if _, err := tty.Write([]byte("!")); err != nil {
			return
		}
	}
}

func TestLine_Do(t *testing.T) {
	tty, w := openPTY(t), newWatch()
	l := newLine(t, tty.Path(), w)
	if l.Path() != "" {
		t.Errorf("path %q before it was open", l.Path())
	}
	dirty := false
	ask := func(wait time.Duration) error { return l.Do(t.Context(), exchange(&dirty, wait)) }
	if err := ask(10 * time.Millisecond); hardware.FaultOf(err) != hardware.Silent || !dirty {
		t.Errorf("no answer: %v, dirty %v, want silent and dirty", err, dirty)
	}
	go answer(tty)
	for i, want := range []bool{true, false, false} { // after a failure once more
		if err := ask(10 * time.Second); err != nil || dirty != want {
			t.Errorf("exchange %d: %v, dirty %v, want %v", i, err, dirty, want)
		}
	}
	if c := w.Condition(); c.State != hardware.StateLive || c.Port != tty.Path() || l.Path() != tty.Path() {
		t.Errorf("condition %+v, path %q", c, l.Path())
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	wantFault(t, ask(time.Second), tty.Path(), hardware.Unplugged)
	wantFault(t, ask(time.Second), tty.Path(), hardware.Unplugged) // the pause: not tried again yet
	if c := w.Condition(); c.State != hardware.StateDown || c.Fault != hardware.Unplugged {
		t.Errorf("condition %+v, want down, unplugged", c)
	}
}

func TestLine_Do_Absent(t *testing.T) {
	w := newWatch()
	spec := filepath.Join(t.TempDir(), "missing")
	l := newLine(t, spec, w)
	for range 3 {
		err := l.Do(t.Context(), func(context.Context, *serial.Port, bool) error { t.Error("ran without a port"); return nil })
		wantFault(t, err, spec, hardware.NotFound)
	}
	if got := len(w.changes()); got != 1 {
		t.Errorf("%d changes, want 1", got)
	}
}

// TestLine_Do_Replug has a device come back when the pause between attempts has grown: it is found all the same.
func TestLine_Do_Replug(t *testing.T) {
	tr, tty := newTree(t), openPTY(t)
	l := serial.NewLine(serial.KeepConfig{Spec: "usb:0403:6001", Config: serial.Config{Baud: baud}, Host: tr.Host})
	t.Cleanup(func() { _ = l.Close() })
	idle := func(context.Context, *serial.Port, bool) error { return nil }
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); <-ticker.C { // the pause is up to 4 s by then
		if err := l.Do(t.Context(), idle); hardware.FaultOf(err) != hardware.NotFound {
			t.Fatalf("Do = %v, want not found", err)
		}
	}
	tr.plugUSB("ttyUSB3", ftdi, tty.Path())
	start := time.Now()
	for l.Do(t.Context(), idle) != nil {
		if time.Since(start) > 30*time.Second {
			t.Fatal("not found")
		}
		<-ticker.C
	}
	t.Logf("a re-plug was found after %v", time.Since(start).Round(10*time.Millisecond))
	if l.Path() != filepath.Join(tr.Dev, "ttyUSB3") {
		t.Errorf("found at %q", l.Path())
	}
}

// TestLine_Do_DeadDescriptor is a port that opens and never answers: the fifth failure in a row opens it again.
func TestLine_Do_DeadDescriptor(t *testing.T) {
	tty, w := openPTY(t), newWatch()
	l := newLine(t, tty.Path(), w)
	var ports []*serial.Port
	for range 6 {
		err := l.Do(t.Context(), func(_ context.Context, p *serial.Port, _ bool) error {
			ports = append(ports, p)
			_, err := p.ReadWithin(make([]byte, 8), time.Millisecond)
			return err
		})
		wantFault(t, err, tty.Path(), hardware.Silent)
	}
	if ports[4] != ports[0] || ports[5] == ports[0] {
		t.Error("want the same port five times, and then another one")
	}
}

// TestLine_Do_Ended gives up, or closes, while an exchange reads and another one waits for its turn.
func TestLine_Do_Ended(t *testing.T) {
	stubborn := func(_ context.Context, p *serial.Port, _ bool) error {
		for { // sets a new deadline each time, as drivers with several steps do
			if _, err := p.ReadWithin(make([]byte, 8), time.Minute); err != nil {
				return err
			}
		}
	}
	t.Run("context", func(t *testing.T) {
		atOnce(t, func() time.Duration {
			tty := openPTY(t)
			l := newLine(t, tty.Path(), newWatch())
			ctx, cancel := context.WithCancel(t.Context())
			first := blocked(t, func() error { return l.Do(ctx, stubborn) })
			second := blocked(t, func() error { return l.Do(ctx, stubborn) })
			start := time.Now()
			cancel()
			for _, done := range []<-chan error{first, second} {
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Errorf("Do = %v, want context canceled", err)
				}
			}
			took := time.Since(start)
			go answer(tty) // and the line is of use again
			dirty := false
			if err := l.Do(t.Context(), exchange(&dirty, 10*time.Second)); err != nil || !dirty {
				t.Errorf("next exchange: %v, dirty %v", err, dirty)
			}
			return took
		})
	})
	t.Run("close", func(t *testing.T) {
		atOnce(t, func() time.Duration {
			tty := openPTY(t)
			l := newLine(t, tty.Path(), newWatch())
			first := blocked(t, func() error { return l.Do(t.Context(), stubborn) })
			second := blocked(t, func() error { return l.Do(t.Context(), stubborn) })
			start := time.Now()
			if err := errors.Join(l.Close(), l.Close()); err != nil {
				t.Error(err)
			}
			wantFault(t, <-first, tty.Path(), hardware.Closed)
			wantFault(t, <-second, tty.Path(), hardware.Closed)
			took := time.Since(start)
			wantFault(t, l.Do(t.Context(), stubborn), tty.Path(), hardware.Closed)
			return took
		})
	})
}
