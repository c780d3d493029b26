package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/modbus"
	"isotherm/hardware/sim"
)

// Device is a device of a plan that is ready to run on a sim.Line.
type Device struct {
	Name, Kind string
	Line       sim.LineConfig
}

// workshop builds devices: what they all share.
type workshop struct {
	dir     string
	start   time.Time
	clock   sim.Clock
	seed    uint64
	thermal *sim.Thermal
}

// Devices builds the plan's devices with their paths in dir. Start is what the satellites say at the clock's zero. The error
// names the device.
func (p *Plan) Devices(dir string, start time.Time, clock sim.Clock) ([]Device, error) {
	thermal, err := p.Thermal.model()
	if err != nil {
		return nil, err
	}
	w := &workshop{dir: dir, start: start, clock: clock, seed: p.Seed, thermal: thermal}
	var out []Device
	add := func(kind string, l *line, build func(sim.Script) (sim.Device, error)) {
		if err != nil {
			return
		}
		script := l.script()
		var device sim.Device
		if err = script.Check(); err == nil {
			device, err = build(script)
		}
		if err != nil {
			err = fmt.Errorf("device %s: %w", l.Name, err)
			return
		}
		out = append(out, Device{Name: l.Name, Kind: kind, Line: sim.LineConfig{
			Link: filepath.Join(dir, l.Name), Node: l.Node, Baud: l.baud(), Device: device, Script: script, Clock: clock,
			Seed: w.seed + uint64(len(out)),
		}})
	}
	for i := range p.GNSS {
		add("gnss", &p.GNSS[i].line, func(s sim.Script) (sim.Device, error) { return w.gnss(&p.GNSS[i], s) })
	}
	for i := range p.Modbus {
		add("modbus", &p.Modbus[i].line, func(s sim.Script) (sim.Device, error) { return w.modbus(&p.Modbus[i], s) })
	}
	for i := range p.Text {
		add("text", &p.Text[i].line, func(s sim.Script) (sim.Device, error) { return w.text(&p.Text[i], s) })
	}
	for i := range p.OneWire {
		add("onewire", &p.OneWire[i].line, func(s sim.Script) (sim.Device, error) { return w.oneWire(&p.OneWire[i], s) })
	}
	for i := range p.Handling {
		add("handling", &p.Handling[i].line, func(s sim.Script) (sim.Device, error) { return w.handling(&p.Handling[i], s) })
	}
	for i := range p.Battery {
		add("battery", &p.Battery[i].line, func(s sim.Script) (sim.Device, error) { return w.battery(&p.Battery[i], s) })
	}
	return out, err
}

// defaultBaud is the speed that nearly every device of these kinds has when it leaves its factory.
const defaultBaud = 9600

func (l *line) baud() int {
	if l.Baud == 0 {
		return defaultBaud
	}
	return l.Baud
}

func (l *line) script() sim.Script {
	var out sim.Script
	for _, f := range l.Fault {
		out = append(out, sim.Fault{Kind: f.Kind, At: time.Duration(f.At), For: time.Duration(f.For), Every: time.Duration(f.Every),
			As: f.As, Delay: time.Duration(f.Delay), Baud: f.Baud})
	}
	return out
}

// milliDegrees is a temperature of the plan.
func milliDegrees(celsius float64) (hardware.Temperature, error) {
	if !(celsius >= -273.15 && celsius <= 2000) { // also when it is not a number
		return 0, fmt.Errorf("%v °C is no temperature of a box", celsius)
	}
	return hardware.Temperature(math.Round(celsius * 1000)), nil
}

func (t *thermal) model() (*sim.Thermal, error) {
	hold, err := milliDegrees(t.Hold)
	if err != nil {
		return nil, fmt.Errorf("thermal.hold: %w", err)
	}
	swing, err := milliDegrees(t.Swing)
	if err != nil {
		return nil, fmt.Errorf("thermal.swing: %w", err)
	}
	cfg := sim.ThermalConfig{Hold: hold, Swing: hardware.TemperatureDelta(swing)}
	for i, d := range t.Disturbance {
		ambient, err := milliDegrees(d.Ambient)
		if err != nil {
			return nil, fmt.Errorf("thermal.disturbance %d: %w", i+1, err)
		}
		cfg.Disturbances = append(cfg.Disturbances, sim.Disturbance{
			From: time.Duration(d.From), To: time.Duration(d.To), Ambient: ambient, IceContact: d.Ice})
	}
	return sim.NewThermal(cfg)
}

func (w *workshop) gnss(g *gnss, script sim.Script) (sim.Device, error) {
	switch {
	case g.Capture != "" && len(g.Waypoint) > 0:
		return nil, errors.New("has a capture and a route: choose one")
	case g.Capture != "":
		capture, err := sim.OpenCapture(g.Capture)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, line io.ReadWriteCloser) error { return replay(ctx, capture, line, w.clock) }, nil
	}
	var points []sim.Waypoint
	for i, p := range g.Waypoint {
		if !(math.Abs(p.Lat) <= 90 && math.Abs(p.Lon) <= 180) {
			return nil, fmt.Errorf("waypoint %d: %v, %v is not on Earth", i+1, p.Lat, p.Lon)
		}
		points = append(points, sim.Waypoint{LatE7: int32(math.Round(p.Lat * 1e7)), LonE7: int32(math.Round(p.Lon * 1e7)), At: time.Duration(p.At)})
	}
	route, err := sim.NewRoute(points)
	if err != nil {
		return nil, err
	}
	receiver := sim.RouteReceiver{Route: route, Start: w.start, Period: time.Duration(g.Period), Clock: w.clock,
		NoFix: script.During(sim.NoFix, w.clock), PowerOn: script.During(sim.PowerOn, w.clock)}
	return func(ctx context.Context, line io.ReadWriteCloser) error {
		r := receiver
		r.From = w.clock() // a receiver that was unplugged says nothing of the time before
		return r.Run(ctx, line)
	}, nil
}

// replay repeats a capture, from where it is by the clock, until ctx is done or line fails.
func replay(ctx context.Context, c *sim.Capture, line io.Writer, clock sim.Clock) error {
	round := c.Duration() + time.Second
	began := clock() / round * round
	for from := clock() - began - time.Second; ; from = 0 { // what was due within the last second is not too late
		if err := c.ReplayFrom(ctx, line, func() time.Duration { return clock() - began }, from); err != nil {
			return err
		}
		for began += round; clock() < began; { // the second between two rounds
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
}

// sense returns what a thermometer measures.
func (w *workshop) sense(s *sense) (func() hardware.Temperature, error) {
	parts := map[string]func(time.Duration) hardware.Temperature{"": w.thermal.Probe, "probe": w.thermal.Probe, "organ": w.thermal.Organ, "air": w.thermal.Air}
	if s.Celsius != nil {
		t, err := milliDegrees(*s.Celsius)
		if err == nil && s.Measures != "" {
			err = errors.New("has measures and celsius: choose one")
		}
		return func() hardware.Temperature { return t }, err
	}
	part, ok := parts[s.Measures]
	if !ok {
		return nil, fmt.Errorf("measures %q: use probe, organ or air", s.Measures)
	}
	return func() hardware.Temperature { return part(w.clock()) }, nil
}

// xyCorrection is the register of an XY-MD02 with the correction that it applies by itself.
const xyCorrection = 0x0103

// modbusKind returns a probe as the preset describes it. The drivers' own table of presets is not used for it, so that a
// mistake in there shows.
func modbusKind(preset modbus.Decode) (sim.ModbusProbe, error) {
	switch preset {
	case "", modbus.XYMD02:
		return sim.ModbusProbe{Register: 1, Constants: map[uint16]uint16{xyCorrection: 0}}, nil
	case modbus.PT100Tenth:
		return sim.ModbusProbe{}, nil
	case modbus.PT100Hundredth:
		return sim.ModbusProbe{Hundredths: true}, nil
	case modbus.PT100Float:
		return sim.ModbusProbe{Form: sim.ModbusFloat32}, nil
	case modbus.PT100FloatSwapped:
		return sim.ModbusProbe{Form: sim.ModbusFloat32, Order: sim.ModbusCDAB}, nil
	case modbus.KinConySHT30:
		return sim.ModbusProbe{Form: sim.ModbusInt16Offset}, nil
	}
	return sim.ModbusProbe{}, fmt.Errorf("preset %q: use %s, %s, %s, %s, %s or %s", preset, modbus.XYMD02, modbus.PT100Tenth, modbus.PT100Hundredth,
		modbus.PT100Float, modbus.PT100FloatSwapped, modbus.KinConySHT30)
}

func (w *workshop) modbus(m *modbusLine, script sim.Script) (sim.Device, error) {
	if len(m.Probe) == 0 {
		return nil, errors.New("has no probe: add [[modbus.probe]]")
	}
	var probes []sim.ModbusProbe
	for i, p := range m.Probe {
		probe, err := modbusKind(p.Preset)
		if err == nil {
			probe.Temperature, err = w.sense(&p.sense)
		}
		if err == nil && (p.Address < 1 || p.Address > 247) {
			err = fmt.Errorf("address %d is not between 1 and 247", p.Address)
		}
		if err != nil {
			return nil, fmt.Errorf("probe %d: %w", i+1, err)
		}
		if probe.Address = p.Address; p.Register != 0 {
			probe.Register = p.Register
		}
		probe.PowerOn, probe.Open = script.During(sim.PowerOn, w.clock), script.During(sim.Open, w.clock)
		probes = append(probes, probe)
	}
	return func(ctx context.Context, line io.ReadWriteCloser) error { return sim.ServeModbus(ctx, line, probes...) }, nil
}

func (w *workshop) text(t *text, script sim.Script) (sim.Device, error) {
	sense, err := w.sense(&t.sense)
	if err != nil {
		return nil, err
	}
	d := sim.TextThermometer{Form: t.Form, Period: time.Duration(t.Period), Temperature: sense, Clock: w.clock,
		PowerOn: script.During(sim.PowerOn, w.clock), Open: script.During(sim.Open, w.clock)}
	if err := d.Check(); err != nil {
		return nil, err
	}
	return d.Serve, nil
}

func (w *workshop) oneWire(o *oneWire, script sim.Script) (sim.Device, error) {
	if len(o.Probe) == 0 {
		return nil, errors.New("has no probe: add [[onewire.probe]]")
	}
	var probes []sim.OneWireProbe
	for i, p := range o.Probe {
		sense, err := w.sense(&p.sense)
		if err != nil {
			return nil, fmt.Errorf("probe %d: %w", i+1, err)
		}
		probes = append(probes, sim.OneWireProbe{ID: p.ID, Temperature: sense,
			PowerOn: script.During(sim.PowerOn, w.clock), Open: script.During(sim.Open, w.clock)})
	}
	if _, err := sim.NewOneWireBus(probes...); err != nil {
		return nil, err
	}
	return func(ctx context.Context, line io.ReadWriteCloser) error {
		bus, err := sim.NewOneWireBus(probes...) // a new one: what was unplugged has forgotten everything
		if err != nil {
			return err
		}
		return sim.ServeOneWire(ctx, line, bus)
	}, nil
}

func (w *workshop) handling(h *handling, script sim.Script) (sim.Device, error) {
	board := sim.HandlingBoard{Period: time.Duration(h.Period), Clock: w.clock, PowerOn: script.During(sim.PowerOn, w.clock)}
	for i, x := range h.Handled {
		switch {
		case !(x.Blow >= 0 && x.Blow <= 1000): // also when it is not a number
			return nil, fmt.Errorf("handled %d: a blow of %v g", i+1, x.Blow)
		case x.Lid && x.To <= x.From:
			return nil, fmt.Errorf("handled %d: the lid is open from %v to %v", i+1, time.Duration(x.From), time.Duration(x.To))
		}
		board.Handled = append(board.Handled, sim.Handled{From: time.Duration(x.From), To: time.Duration(x.To), Lid: x.Lid, Blow: int(math.Round(x.Blow * 1000))})
	}
	return func(ctx context.Context, line io.ReadWriteCloser) error { return board.Run(ctx, line) }, nil
}

func (w *workshop) battery(b *battery, script sim.Script) (sim.Device, error) {
	const full, empty, charging = 12_900, 10_500, 13_500 // mV of a lead battery of 12 V
	lasts := time.Duration(b.Lasts)
	milliVolts := func() uint32 {
		if lasts == 0 {
			return charging
		}
		used := min(float64(w.clock())/float64(lasts), 1)
		return uint32(full - used*(full-empty))
	}
	supply := sim.Megatec{MilliVolts: milliVolts, OnBattery: func() bool { return lasts > 0 }, PowerOn: script.During(sim.PowerOn, w.clock)}
	return supply.Serve, nil
}
