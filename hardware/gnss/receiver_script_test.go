package gnss_test

import (
	"context"
	"io"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/gnss"
	"isotherm/hardware/serial"
	"isotherm/hardware/sim"
)

// TestReceiver_Script has a simulated receiver on a route suffer one scripted fault, from the third second on: the
// receiver must say so, give no position that is not on the route, and be live again when it is over.
func TestReceiver_Script(t *testing.T) {
	t.Parallel()
	const (
		begin = 2 * time.Second
		lasts = 8 * time.Second
	)
	for _, tt := range []struct {
		name  string
		fault sim.Fault
		state hardware.State
		want  hardware.Fault // None: any
	}{
		{"unplug", sim.Fault{Kind: sim.Unplug}, hardware.StateDown, hardware.NotFound},
		{"silence", sim.Fault{Kind: sim.Silence}, hardware.StateSilent, hardware.Silent},
		{"garbage", sim.Fault{Kind: sim.Garbage}, hardware.StateGarbled, hardware.None},
		{"wrong checksums", sim.Fault{Kind: sim.WrongCRC}, hardware.StateGarbled, hardware.ChecksumBad},
		{"half lines", sim.Fault{Kind: sim.HalfLine}, hardware.StateGarbled, hardware.None},
		{"login console", sim.Fault{Kind: sim.Console}, hardware.StateGarbled, hardware.None},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.fault.At, tt.fault.For = begin, lasts
			start := time.Now()
			b := newRide(t, 9600, sim.Script{tt.fault})
			onRoute := func() {
				fix, _, fault := b.Latest()
				if fault == hardware.None && (fix.LatE7 < 480_000_000 || fix.LatE7 > 480_010_000 || fix.LonE7 < 110_000_000) {
					t.Errorf("fix off the route: %+v", fix)
				}
			}
			b.stands(hardware.StateLive, hardware.None, onRoute)
			b.state(tt.state, tt.want, onRoute)
			b.stands(hardware.StateLive, hardware.None, onRoute)
			if over := time.Since(start) - begin - lasts; over > 0 {
				t.Logf("live again %v after the fault was over", over.Round(100*time.Millisecond))
			}
		})
	}
}

// TestReceiver_Speed_UART searches for a receiver's speed among what a UART at another one makes of its sentences.
func TestReceiver_Speed_UART(t *testing.T) {
	t.Parallel()
	for _, baud := range []int{4800, 9600, 19200, 38400, 57600, 115200, 230400} {
		t.Run(strconv.Itoa(baud), func(t *testing.T) {
			t.Parallel()
			b := newRide(t, baud, nil)
			start := time.Now()
			b.stands(hardware.StateLive, hardware.None, func() {})
			t.Logf("found after %v with a stall of 2.5 s", time.Since(start).Round(100*time.Millisecond))
			if got := b.Heard().Baud; got != baud {
				t.Errorf("heard at %d, want %d", got, baud)
			}
		})
	}
}

// newRide is a receiver under test on the line of a simulated one that drives along a route, both until the test ends.
func newRide(t *testing.T, baud int, script sim.Script) *bench {
	t.Helper()
	start := time.Now()
	clock := func() time.Duration { return time.Since(start) }
	route, err := sim.NewRoute([]sim.Waypoint{
		{LatE7: 480_000_000, LonE7: 110_000_000}, {LatE7: 481_000_000, LonE7: 111_000_000, At: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	device := sim.RouteReceiver{Route: route, Clock: clock, Start: time.Date(2026, time.May, 4, 8, 0, 0, 0, time.UTC)}
	line, err := sim.OpenLine(sim.LineConfig{
		Link: filepath.Join(t.TempDir(), "gnss"), Baud: baud, Clock: clock, Script: script,
		Device: func(ctx context.Context, line io.ReadWriteCloser) error { return device.Run(ctx, line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, monitor: hardware.NewMonitor("gnss", time.Now, nil)}
	b.Receiver = gnss.NewReceiver(gnss.Config{Path: line.Path(), Stall: 2500 * time.Millisecond, Monitor: b.monitor})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = line.Run(ctx) }) // both end with ctx, and say so
	running.Go(func() { _ = b.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return b
}

// state polls until the monitor says so, with any fault when none is given.
func (b *bench) state(state hardware.State, fault hardware.Fault, each func()) {
	b.t.Helper()
	if fault != hardware.None {
		b.stands(state, fault, each)
		return
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.Now().Add(time.Minute)
	for b.monitor.Condition().State != state {
		each()
		if time.Now().After(deadline) {
			b.t.Fatalf("receiver is %+v, want %v", b.monitor.Condition(), state)
		}
		<-ticker.C
	}
	if c := b.monitor.Condition(); c.Fault == hardware.None || serial.Hint(c.Fault) == "" {
		b.t.Errorf("%+v does not say why", c)
	}
}
