package battery_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/battery"
	"isotherm/hardware/sim"
)

// TestMegatec_lives: a simulated UPS and all that can happen to its line. Each reading is the true voltage or none, the
// fault is one that fits, and afterwards the UPS is read again.
func TestMegatec_lives(t *testing.T) {
	tests := []struct {
		fault sim.Fault
		want  []hardware.Fault // any of these
	}{
		{sim.Fault{Kind: sim.Unplug, As: "ttyUSB1"}, []hardware.Fault{hardware.NotFound, hardware.Unplugged}},
		{sim.Fault{Kind: sim.Silence}, []hardware.Fault{hardware.Timeout}},
		{sim.Fault{Kind: sim.Garbage}, []hardware.Fault{hardware.Truncated, hardware.Noise, hardware.FieldSyntax}},
		{sim.Fault{Kind: sim.HalfLine}, []hardware.Fault{hardware.Truncated}},
		{sim.Fault{Kind: sim.Late, Delay: 200 * time.Millisecond}, []hardware.Fault{hardware.Timeout, hardware.LateReply, hardware.Noise}},
		{sim.Fault{Kind: sim.Babble}, []hardware.Fault{hardware.Noise, hardware.LateReply, hardware.Truncated}},
		{sim.Fault{Kind: sim.Echo}, []hardware.Fault{hardware.Unsupported, hardware.Noise}},
		{sim.Fault{Kind: sim.Console}, []hardware.Fault{hardware.Noise, hardware.Truncated}},
		{sim.Fault{Kind: sim.PowerOn}, []hardware.Fault{hardware.GaugeGlitch}},
		{sim.Fault{Kind: sim.Speed, Baud: 2400}, []hardware.Fault{hardware.Timeout, hardware.Truncated, hardware.Noise}},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault.Kind), func(t *testing.T) {
			t.Parallel()
			var at atomic.Int64 // the moment of the script, which the test moves
			clock := func() time.Duration { return time.Duration(at.Load()) }
			tt.fault.At, tt.fault.For = time.Second, time.Second
			link := filepath.Join(t.TempDir(), "usb-ups")
			runUPS(t, link, clock, sim.Script{tt.fault})
			m := hardware.NewMonitor("battery", time.Now, nil)
			g, err := battery.NewMegatec(battery.MegatecConfig{Port: link, Baud: 19200, Timeout: 100 * time.Millisecond, Monitor: m})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = g.Close() }) // its port may be unplugged
			readLife(t, g, m, hardware.None)
			at.Store(int64(time.Second))
			readLife(t, g, m, tt.want...)
			at.Store(int64(2 * time.Second))
			readLife(t, g, m, hardware.None)
		})
	}
}

// runUPS runs a simulated UPS of 13.2 V until the test ends.
func runUPS(t *testing.T, link string, clock sim.Clock, script sim.Script) {
	t.Helper()
	ups := sim.Megatec{MilliVolts: func() uint32 { return 13_200 }, PowerOn: script.During(sim.PowerOn, clock)}
	line, err := sim.OpenLine(sim.LineConfig{Link: link, Node: "ttyUSB0", Baud: 19200, Device: ups.Serve, Script: script, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- line.Run(ctx) }() // ends with ctx
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("simulated line: %v", err)
		}
	})
}

// readLife asks until the fault is one of these, and the monitor agrees.
func readLife(t *testing.T, g *battery.Megatec, m *hardware.Monitor, want ...hardware.Fault) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond) // a port that is away answers at once
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); ; <-tick.C {
		b := g.Read(t.Context())
		if b.Fault == hardware.None && b.MilliVolts != 13_200 || b.Fault != hardware.None && b.MilliVolts != hardware.VoltsUnknown {
			t.Fatalf("%+v, want 13200 mV or nothing", b)
		}
		if live := m.Condition().State == hardware.StateLive; slices.Contains(want, b.Fault) && live == (b.Fault == hardware.None) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, condition %+v, want %v", b, m.Condition(), want)
		}
	}
}
