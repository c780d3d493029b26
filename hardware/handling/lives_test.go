package handling_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/handling"
	"isotherm/hardware/sim"
)

// TestXDR_lives: a simulated board in a box that is closed, dark and at rest, and all that can happen to its line. Nothing
// but that is ever told, the monitor says what is wrong, and afterwards the board is heard again.
func TestXDR_lives(t *testing.T) {
	down, silent, garbled := hardware.StateDown, hardware.StateSilent, hardware.StateGarbled
	noise := []hardware.Fault{hardware.Noise, hardware.Binary, hardware.TooLong, hardware.Interleaved, hardware.Truncated,
		hardware.ChecksumMissing, hardware.ChecksumBad}
	tests := []struct {
		fault sim.Fault
		want  hardware.State
		why   []hardware.Fault // any of these
	}{
		{sim.Fault{Kind: sim.Unplug, As: "ttyUSB1"}, down, []hardware.Fault{hardware.NotFound, hardware.Unplugged}},
		{sim.Fault{Kind: sim.Silence}, silent, []hardware.Fault{hardware.Silent}},
		{sim.Fault{Kind: sim.Garbage}, garbled, noise},
		{sim.Fault{Kind: sim.WrongCRC}, garbled, []hardware.Fault{hardware.ChecksumBad}},
		{sim.Fault{Kind: sim.HalfLine}, garbled, noise},
		{sim.Fault{Kind: sim.PowerOn}, garbled, []hardware.Fault{hardware.FieldSyntax}},
		{sim.Fault{Kind: sim.Speed, Baud: 2400}, garbled, noise},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault.Kind), func(t *testing.T) {
			t.Parallel()
			var at atomic.Int64 // the moment of the script, which the test moves
			clock := func() time.Duration { return time.Duration(at.Load()) }
			tt.fault.At, tt.fault.For = time.Second, time.Second
			m := hardware.NewMonitor("handling", time.Now, nil)
			watchBoard(t, clock, sim.Script{tt.fault}, m)
			until(t, m, hardware.StateLive, hardware.None)
			at.Store(int64(time.Second))
			until(t, m, tt.want, tt.why...)
			at.Store(int64(2 * time.Second))
			until(t, m, hardware.StateLive, hardware.None)
		})
	}
}

// watchBoard runs a board and its driver until the test ends, and then checks what was told.
func watchBoard(t *testing.T, clock sim.Clock, script sim.Script, m *hardware.Monitor) {
	t.Helper()
	start := time.Now()
	fast := func() time.Duration { return 20 * time.Since(start) } // a report each 50 ms
	board := sim.HandlingBoard{Clock: fast, PowerOn: script.During(sim.PowerOn, clock)}
	link := filepath.Join(t.TempDir(), "usb-board")
	line, err := sim.OpenLine(sim.LineConfig{Link: link, Node: "ttyUSB0", Baud: 9600, Script: script, Clock: clock,
		Device: func(ctx context.Context, w io.ReadWriteCloser) error { return board.Run(ctx, w) }})
	if err != nil {
		t.Fatal(err)
	}
	x, err := handling.NewXDR(handling.XDRConfig{Port: link, Stall: 600 * time.Millisecond, Monitor: m})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var told []hardware.Handling // owned by the driver until it has ended
	done := make(chan error, 2)
	go func() { done <- line.Run(ctx) }() // both end with ctx
	go func() {
		done <- x.Run(ctx, func(h hardware.Handling) {
			h.At = time.Time{}
			told = append(told, h)
		})
	}()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("line or driver ended with %v", err)
			}
		}
		want := []hardware.Handling{{Kind: hardware.HandlingLid}, {Kind: hardware.HandlingLight, Value: 2}, {Kind: hardware.HandlingShock}}
		if !slices.Equal(told, want) {
			t.Errorf("told %+v, want %+v", told, want)
		}
	})
}

// until waits until the monitor says state, for one of the reasons.
func until(t *testing.T, m *hardware.Monitor, state hardware.State, why ...hardware.Fault) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(60 * time.Second); ; <-tick.C {
		c := m.Condition()
		if c.State == state && slices.Contains(why, c.Fault) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("condition %+v, want %v, %v", c, state, why)
		}
	}
}
