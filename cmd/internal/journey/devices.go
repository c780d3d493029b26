package journey

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sim"
)

// Addresses of the probes on their Modbus line.
const (
	organProbe = 1
	airProbe   = 2
	register   = 1 // where an XY-MD02 keeps its temperature
)

// devices are what a box has, simulated: each is behind a pseudo-terminal that the box opens like any port.
type devices struct {
	gnss     *sim.PTY
	probes   *sim.PTY
	handling *sim.PTY // a board that watches lid, light and blows
	files    string   // folder of what the kernel would show in /sys
	battery  string   // the battery's folder in it
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	packed   atomic.Int64 // simulated time of packing since the start, in nanoseconds; 0 before
}

// surroundings are what a trip does to a box, in simulated time since packing.
type surroundings struct {
	weather sim.ThermalConfig
	handled []sim.Handled
}

// drivenSurroundings are those of the driven box: the lid is open at the packing and at the arrival, and the box is struck when
// it is put into the car.
func drivenSurroundings(p *plan) surroundings {
	return surroundings{weather: weather(p.iceAt), handled: []sim.Handled{
		{From: 0, To: 3 * time.Minute, Lid: true},
		{From: 6 * time.Minute, Blow: 6_200},
		{From: p.trip, To: p.trip + 4*time.Minute, Lid: true},
	}}
}

// weather is the box's inside: a hold in band, and one time of ice contact after packing.
func weather(iceAt time.Duration) sim.ThermalConfig {
	return sim.ThermalConfig{
		Hold: 5_500, Swing: 400,
		Disturbances: []sim.Disturbance{{From: iceAt, To: iceAt + 160*time.Second, IceContact: true}},
	}
}

// startDevices starts the devices; they end with close.
func startDevices(ctx context.Context, p *plan, around surroundings) (*devices, error) {
	clock := p.elapsed
	thermal, err := sim.NewThermal(around.weather)
	if err != nil {
		return nil, err
	}
	files, err := os.MkdirTemp("", "isotherm-devices-") // like /sys, not on the box's disk
	if err != nil {
		return nil, fmt.Errorf("simulated devices: %w", err)
	}
	d := &devices{files: files, battery: filepath.Join(files, "BAT0"), cancel: func() {}}
	for _, port := range []**sim.PTY{&d.gnss, &d.probes, &d.handling} {
		if *port, err = sim.OpenPTY(); err != nil {
			d.close()
			return nil, fmt.Errorf("simulated devices: %w", err)
		}
	}
	ctx, d.cancel = context.WithCancel(ctx)
	d.wg.Go(func() { p.drive(ctx, d.gnss, clock) })
	d.wg.Go(func() { d.watch(ctx, p, around.handled) })
	d.wg.Go(func() {
		_ = sim.Supply{Permille: 870, Lasts: 22 * time.Hour, Clock: clock}.Run(ctx, d.battery) // ends with ctx; a box that finds no battery says so
	})
	var mu sync.Mutex // guards thermal: both probes ask it
	since := func() time.Duration {
		if at := d.packed.Load(); at != 0 {
			return max(clock()-time.Duration(at), 0)
		}
		return 0
	}
	ask := func(f func(time.Duration) hardware.Temperature) func() hardware.Temperature {
		return func() hardware.Temperature {
			mu.Lock()
			defer mu.Unlock()
			return f(since())
		}
	}
	d.wg.Go(func() {
		_ = sim.ServeModbus(ctx, d.probes, // ends with ctx or close, whose errors say only that
			sim.ModbusProbe{Address: organProbe, Register: register, Temperature: ask(thermal.Probe)},
			sim.ModbusProbe{Address: airProbe, Register: register, Temperature: ask(thermal.Air)})
	})
	return d, nil
}

// reportEvery is the real time between two reports of the board in the box.
const reportEvery = 500 * time.Millisecond

// watch runs the board that watches lid, light and blows.
func (d *devices) watch(ctx context.Context, p *plan, handled []sim.Handled) {
	period := reportEvery * time.Duration(p.rate)
	if p.meet {
		period = 2 * time.Second // what is often enough once the clock goes on with the time
	}
	board := sim.HandlingBoard{Clock: p.elapsed, Period: period, Handled: handled,
		Begin: func() (time.Duration, bool) {
			at := d.packed.Load()
			return time.Duration(at), at != 0
		}}
	_ = board.Run(ctx, d.handling)
}

// pack starts what happens on the trip.
func (d *devices) pack(at time.Duration) { d.packed.Store(int64(max(at, 1))) }

func (d *devices) close() {
	d.cancel()
	for _, port := range []*sim.PTY{d.gnss, d.probes, d.handling} {
		if port != nil {
			port.Close()
		}
	}
	d.wg.Wait()
	_ = os.RemoveAll(d.files) // a few files of a temporary folder
}

// drive moves the receiver: along the simulated route, or as the capture says, from its beginning again when it ends
// before the trip does.
func (p *plan) drive(ctx context.Context, w io.Writer, clock sim.Clock) {
	if p.capture == nil {
		_ = sim.RouteReceiver{Route: p.route, Start: p.start, Clock: clock}.Run(ctx, w) // ends with ctx or close
		return
	}
	for ctx.Err() == nil {
		began := clock()
		if err := p.capture.Replay(ctx, w, func() time.Duration { return clock() - began }); err != nil {
			return
		}
	}
}
