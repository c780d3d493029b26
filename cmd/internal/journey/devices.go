package journey

import (
	"context"
	"fmt"
	"io"
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

// devices are the simulated receiver and probes, each behind a pseudo-terminal that the box opens like any port.
type devices struct {
	gnss   *sim.PTY
	probes *sim.PTY
	cancel context.CancelFunc
	wg     sync.WaitGroup
	packed atomic.Int64 // simulated time of packing since the start, in nanoseconds; 0 before
}

// weather is the box's inside: a hold in band, and one time of ice contact after packing.
func weather(iceAt time.Duration) sim.ThermalConfig {
	return sim.ThermalConfig{
		Hold: 5_500, Swing: 400,
		Disturbances: []sim.Disturbance{{From: iceAt, To: iceAt + 160*time.Second, IceContact: true}},
	}
}

// startDevices starts the devices; they end with close.
func startDevices(ctx context.Context, p *plan, weather sim.ThermalConfig) (*devices, error) {
	clock := p.elapsed
	thermal, err := sim.NewThermal(weather)
	if err != nil {
		return nil, err
	}
	d := &devices{}
	if d.gnss, err = sim.OpenPTY(); err != nil {
		return nil, fmt.Errorf("simulated receiver: %w", err)
	}
	if d.probes, err = sim.OpenPTY(); err != nil {
		d.gnss.Close()
		return nil, fmt.Errorf("simulated probes: %w", err)
	}
	ctx, d.cancel = context.WithCancel(ctx)
	d.wg.Go(func() { p.drive(ctx, d.gnss, clock) })
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

// pack starts the weather of the trip.
func (d *devices) pack(at time.Duration) { d.packed.Store(int64(max(at, 1))) }

func (d *devices) close() {
	d.cancel()
	d.gnss.Close()
	d.probes.Close()
	d.wg.Wait()
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
