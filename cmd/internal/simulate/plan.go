package simulate

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"isotherm/cmd/internal/tomlfile"
	"isotherm/hardware/modbus"
	"isotherm/hardware/sim"
)

// Plan is a plan of simulated devices, in TOML; Example shows all of it. An unknown key is an error that names it. All times count from the
// start, in simulated time, and are written like "1m30s".
type Plan struct {
	Rate    int64     `toml:"rate"`  // simulated seconds in a real second; default 1
	Start   time.Time `toml:"start"` // what the satellites say at the start; default now
	Seed    uint64    `toml:"seed"`  // of the noise: the same seed gives the same noise
	Thermal thermal   `toml:"thermal"`

	GNSS     []gnss       `toml:"gnss"`
	Modbus   []modbusLine `toml:"modbus"`
	Text     []text       `toml:"text"`
	OneWire  []oneWire    `toml:"onewire"`
	Handling []handling   `toml:"handling"`
	Battery  []battery    `toml:"battery"`
}

// line is what all devices have.
type line struct {
	Name  string  `toml:"name"` // the device's path is this in --dir
	Node  string  `toml:"node"` // its name of the moment, such as ttyUSB0, to which the path leads; default none
	Baud  int     `toml:"baud"` // its speed in bits per second; default 9600
	Fault []fault `toml:"fault"`
}

// fault is sim.Fault.
type fault struct {
	Kind  sim.Kind `toml:"kind"`
	At    duration `toml:"at"`
	For   duration `toml:"for"`
	Every duration `toml:"every"`
	As    string   `toml:"as"`
	Delay duration `toml:"delay"`
	Baud  int      `toml:"baud"`
}

// thermal is the inside of the box, sim.ThermalConfig.
type thermal struct {
	Hold        float64       `toml:"hold"`  // °C; default 5.5
	Swing       float64       `toml:"swing"` // K
	Disturbance []disturbance `toml:"disturbance"`
}

type disturbance struct {
	From    duration `toml:"from"`
	To      duration `toml:"to"`
	Ambient float64  `toml:"ambient"` // °C around the organ's air, as with the lid open
	Ice     bool     `toml:"ice"`     // the organ lies on ice; ambient is not used
}

// gnss is a receiver on a route, or one that repeats a capture.
type gnss struct {
	line
	Period   duration   `toml:"period"`   // default 1s
	Capture  string     `toml:"capture"`  // a file of NMEA sentences
	Waypoint []waypoint `toml:"waypoint"` // the route; one is a place
}

type waypoint struct {
	Lat float64  `toml:"lat"` // degrees
	Lon float64  `toml:"lon"`
	At  duration `toml:"at"`
}

// modbusLine is a line with probes on it.
type modbusLine struct {
	line
	Probe []modbusProbe `toml:"probe"`
}

// sense is what a thermometer measures: a part of the box, or always the same.
type sense struct {
	Measures string   `toml:"measures"` // "probe" (default: a sensor on the organ), "organ" or "air"
	Celsius  *float64 `toml:"celsius"`  // instead
}

type modbusProbe struct {
	sense
	Address  uint8         `toml:"address"`
	Register uint16        `toml:"register"` // default: the preset's
	Preset   modbus.Decode `toml:"preset"`   // the kind of device, as trackerd names it; default xy-md02
}

// text is a thermometer that speaks in lines of text.
type text struct {
	line
	sense
	Form   sim.TextForm `toml:"form"`
	Period duration     `toml:"period"` // default: the form's own
}

// oneWire is a 1-Wire bridge with thermometers behind it.
type oneWire struct {
	line
	Probe []oneWireProbe `toml:"probe"`
}

type oneWireProbe struct {
	sense
	ID string `toml:"id"` // as drivers name it, 28-0123456789ab
}

// handling is a board that watches the lid, the light and blows.
type handling struct {
	line
	Period  duration  `toml:"period"` // default 1s
	Handled []handled `toml:"handled"`
}

type handled struct {
	From duration `toml:"from"`
	To   duration `toml:"to"`
	Lid  bool     `toml:"lid"`
	Blow float64  `toml:"blow"` // g
}

// battery is a battery that is used up evenly, behind a supply that speaks Megatec.
type battery struct {
	line
	Lasts duration `toml:"lasts"` // until it is empty; default: it is charged all the time
}

// duration is a time.Duration written as "10s".
type duration time.Duration

// UnmarshalText reads what time.ParseDuration reads, zero or above.
func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err == nil && v < 0 {
		err = fmt.Errorf("duration %s must not be below zero", text)
	}
	*d = duration(v)
	return err
}

// MaxRate is the fastest time: an hour in a second, more than devices with a report a second can write.
const MaxRate = 3600

const (
	maxPlan    = 1 << 20 // bytes of the file: thousands of faults
	maxDevices = 64      // each has its own pseudo-terminal and goroutines
)

// Read reads the file of a plan.
func Read(path string) ([]byte, error) {
	text, err := tomlfile.Read(path, maxPlan)
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	return text, nil
}

// Parse reads a plan. The error names what is wrong, and where.
func Parse(text []byte) (*Plan, error) {
	p := Plan{Rate: 1, Thermal: thermal{Hold: 5.5}}
	if err := tomlfile.Decode(text, &p); err != nil {
		return nil, err
	}
	return &p, p.check()
}

// CheckRate says whether the rate is one that devices can keep up with.
func (p *Plan) CheckRate() error {
	if p.Rate < 1 || p.Rate > MaxRate {
		return fmt.Errorf("rate is %d, want 1 to %d", p.Rate, MaxRate)
	}
	return nil
}

// check names what is missing or can't be; Devices checks what is in each.
func (p *Plan) check() error {
	if err := p.CheckRate(); err != nil {
		return err
	}
	names := map[string]bool{ConfigFile: true}
	all := p.lines()
	for i, l := range all {
		if l.Name == "" {
			return fmt.Errorf("device %d has no name", i+1)
		}
		for _, name := range []string{l.Name, l.Node} {
			if name == "" {
				continue
			}
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" || strings.Trim(name, ".") == "" {
				return fmt.Errorf("device %s: %q must be of letters, digits, '-', '_' and '.'", l.Name, name)
			}
			if names[name] {
				return fmt.Errorf("two devices have the name %s", name)
			}
			names[name] = true
		}
	}
	switch n := len(all); {
	case n == 0:
		return errors.New("there is no device: add [[gnss]], [[modbus]], [[text]], [[onewire]], [[handling]] or [[battery]]")
	case n > maxDevices:
		return fmt.Errorf("%d devices, at most %d are allowed", n, maxDevices)
	}
	return nil
}

// lines returns what all devices have in common, in the order in which they are shown.
func (p *Plan) lines() []*line {
	var out []*line
	for i := range p.GNSS {
		out = append(out, &p.GNSS[i].line)
	}
	for i := range p.Modbus {
		out = append(out, &p.Modbus[i].line)
	}
	for i := range p.Text {
		out = append(out, &p.Text[i].line)
	}
	for i := range p.OneWire {
		out = append(out, &p.OneWire[i].line)
	}
	for i := range p.Handling {
		out = append(out, &p.Handling[i].line)
	}
	for i := range p.Battery {
		out = append(out, &p.Battery[i].line)
	}
	return out
}

// StartAt is what the satellites say at the start.
func (p *Plan) StartAt(now time.Time) time.Time {
	if p.Start.IsZero() {
		return now.UTC().Truncate(time.Second)
	}
	return p.Start.UTC()
}
