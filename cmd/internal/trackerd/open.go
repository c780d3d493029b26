package trackerd

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"isotherm/hardware"
	"isotherm/hardware/ascii"
	"isotherm/hardware/gnss"
	"isotherm/hardware/modbus"
	"isotherm/hardware/onewire"
	"isotherm/tracker"
)

// devices are the box's senses, and what it switches. Nothing is opened before it is used: a device that is missing now
// may be plugged in later.
type devices struct {
	clock     tracker.Clock
	log       *slog.Logger
	receiver  *gnss.Receiver // nil: none
	probes    []tracker.Probe
	equipment tracker.Equipment

	timeout time.Duration // of one answer of a probe
	buses   map[string]*modbus.Bus
	bridges map[string]*onewire.Bridge
	runners []func(context.Context) error // run as long as the box does
	closers []io.Closer
}

// openDevices prepares the devices of the configuration.
func openDevices(cfg *Config, clock tracker.Clock, log *slog.Logger) (*devices, error) {
	d := &devices{clock: clock, log: log, timeout: time.Duration(cfg.ProbeTimeout), buses: map[string]*modbus.Bus{}, bridges: map[string]*onewire.Bridge{}}
	d.equipment.Devices = tracker.NewDevices(clock.Time)
	d.openReceiver(cfg)
	for _, open := range []func(*Config) error{d.openProbes, d.openHandling, d.openBattery, d.openOutputs} {
		if err := open(cfg); err != nil {
			d.close()
			return nil, err
		}
	}
	return d, nil
}

// monitor returns the monitor of a device that is named for people.
func (d *devices) monitor(name string) *hardware.Monitor { return d.equipment.Devices.Monitor(name) }

func (d *devices) openReceiver(cfg *Config) {
	g := cfg.GNSS
	if g == nil {
		return
	}
	d.receiver = gnss.NewReceiver(gnss.Config{Path: g.Path, Baud: g.Baud, MaxAge: time.Duration(g.FixMaxAge), Now: d.clock.Time, Logger: d.log, Monitor: d.monitor("gnss")})
	d.runners = append(d.runners, d.receiver.Run)
	if clock, ok := d.clock.(*tracker.SystemClock); ok {
		clock.Follow(d.receiver)
	}
}

func (d *devices) openProbes(cfg *Config) error {
	for i, p := range cfg.Probe {
		device, err := d.openProbe(i, &p)
		if err != nil {
			return fmt.Errorf("probe %d: %w", i, err)
		}
		calibration, err := p.Calibration.calibration()
		if err != nil {
			return fmt.Errorf("probe %d: calibration: %w", i, err)
		}
		d.probes = append(d.probes, tracker.Probe{Place: p.Place, Device: device, Calibration: calibration})
	}
	return nil
}

func (d *devices) openProbe(number int, p *Probe) (hardware.Probe, error) {
	name := fmt.Sprintf("probe %d", number)
	switch p.Driver {
	case driverW1:
		return onewire.Kernel{Now: d.clock.Time, Monitor: d.monitor(name)}.Probe(p.ID)
	case driverOneWire:
		bridge := d.bridges[p.Path]
		if bridge == nil {
			bridge = onewire.NewBridge(onewire.BridgeConfig{Path: p.Path, Timeout: d.timeout, Now: d.clock.Time, Monitor: d.monitor(d.lineName()), Logger: d.log})
			d.bridges[p.Path] = bridge
			d.closers = append(d.closers, bridge)
		}
		return bridge.Probe(p.ID)
	case driverASCII:
		return d.openThermometer(name, p)
	}
	bus := d.buses[p.Path]
	if bus == nil {
		line := p.line(0)
		bus = modbus.NewBus(modbus.BusConfig{Path: p.Path, Baud: line.Baud, Parity: line.Parity, RS485: line.RS485, Timeout: d.timeout,
			Now: d.clock.Time, Monitor: d.monitor(d.lineName()), Logger: d.log})
		d.buses[p.Path] = bus
		d.closers = append(d.closers, bus)
	}
	return bus.Probe(p.modbus())
}

// lineName names the next line with several probes on it, from 1.
func (d *devices) lineName() string { return fmt.Sprintf("line %d", len(d.buses)+len(d.bridges)+1) }

// openThermometer prepares a thermometer that speaks in lines of text.
func (d *devices) openThermometer(name string, p *Probe) (hardware.Probe, error) {
	profile, err := p.profile()
	if err != nil {
		return nil, err
	}
	line := p.line(0)
	t, err := ascii.NewThermometer(ascii.Config{Path: p.Path, Profile: profile, Baud: line.Baud, Parity: line.Parity, RS485: line.RS485, Address: p.Address,
		AssumeCelsius: p.AssumeCelsius, Now: d.clock.Time, Monitor: d.monitor(name), Logger: d.log})
	if err != nil {
		return nil, err
	}
	d.runners = append(d.runners, t.Run)
	return t, nil
}

// run runs the devices that talk on their own until ctx is done.
func (d *devices) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, runner := range d.runners {
		group.Go(func() error {
			if err := runner(ctx); ctx.Err() == nil {
				return err
			}
			return nil
		})
	}
	return group.Wait()
}

// close gives all ports up.
func (d *devices) close() {
	for _, c := range d.closers {
		_ = c.Close() // nothing was written that could be lost
	}
}

// box returns the tracker's config without an uplink.
func (d *devices) box(cfg *Config) tracker.Config {
	c := tracker.Config{
		DataDir: cfg.DataDir, Software: Software, Clock: d.clock, Probes: d.probes, Local: cfg.LocalAddr, Keep: cfg.KeepJournalMB << 20, Logger: d.log,
		Intervals: tracker.Intervals{Sample: time.Duration(cfg.SampleInterval), Flush: time.Duration(cfg.FlushInterval), Sync: time.Duration(cfg.SyncInterval)},
		Equipment: d.equipment, Pages: cfg.pages(),
	}
	if d.receiver != nil { // not a nil pointer in the interface
		c.Locator = d.receiver
		c.Heard = func() tracker.Heard { return tracker.Heard(d.receiver.Heard()) }
	}
	return c
}
