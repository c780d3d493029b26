package trackerd_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"isotherm/cmd/internal/simulate"
	"isotherm/hardware"
	"isotherm/hardware/modbus"
	"isotherm/hardware/sim"
	"isotherm/ledger/record"
	"isotherm/tracker/journal"
)

// truth is what was really so in a simulated box, made from the same plan by a way of its own: nothing of it passes a line or a driver.
type truth struct {
	thermal  *sim.Thermal
	route    *sim.Route
	gnss     []window
	senses   []sense // by the number of the probe
	lid      []window
	blows    []blow
	handling []window      // of the board's faults
	lasts    time.Duration // of the battery
	devices  map[string][]window
}

// window is a time in which something was so; to is not included.
type window struct {
	kind     sim.Kind
	from, to time.Duration
}

func (w window) holds(from, to time.Duration) bool { return w.from <= to && from < w.to }

type blow struct {
	at   time.Duration
	peak int32 // thousandths of g
}

// sense is a thermometer.
type sense struct {
	name   string
	part   func(time.Duration) hardware.Temperature
	step   hardware.TemperatureDelta // of its numbers
	keeps  time.Duration             // it reports by itself, and a report counts so long; zero: it is asked
	faults []window
}

// newTruth reads what is true from a plan.
func newTruth(t *testing.T, p *simulate.Plan, end time.Duration) *truth {
	t.Helper()
	milli := func(c float64) hardware.Temperature { return hardware.Temperature(math.Round(c * 1000)) }
	cfg := sim.ThermalConfig{Hold: milli(p.Thermal.Hold), Swing: hardware.TemperatureDelta(milli(p.Thermal.Swing))}
	for _, d := range p.Thermal.Disturbance {
		cfg.Disturbances = append(cfg.Disturbances, sim.Disturbance{From: time.Duration(d.From), To: time.Duration(d.To), Ambient: milli(d.Ambient), IceContact: d.Ice})
	}
	out := &truth{devices: map[string][]window{}}
	var err error
	if out.thermal, err = sim.NewThermal(cfg); err != nil {
		t.Fatal(err)
	}
	part := func(measures string) func(time.Duration) hardware.Temperature {
		switch measures {
		case "organ":
			return out.thermal.Organ
		case "air":
			return out.thermal.Air
		}
		return out.thermal.Probe
	}
	for _, m := range p.Modbus {
		for _, x := range m.Probe {
			out.senses = append(out.senses, sense{name: fmt.Sprintf("%s#%d", m.Name, x.Address), part: part(x.Measures), step: modbusStep(x.Preset),
				faults: out.windows(m.Name, faultsOf(m.Fault), end)})
		}
	}
	for _, o := range p.OneWire {
		for _, x := range o.Probe {
			out.senses = append(out.senses, sense{name: o.Name + "#" + x.ID, part: part(x.Measures), step: 63, faults: out.windows(o.Name, faultsOf(o.Fault), end)})
		}
	}
	for _, x := range p.Text {
		step, keeps := textForm(x.Form)
		out.senses = append(out.senses, sense{name: x.Name, part: part(x.Measures), step: step, keeps: keeps, faults: out.windows(x.Name, faultsOf(x.Fault), end)})
	}
	for _, g := range p.GNSS {
		out.gnss = out.windows(g.Name, faultsOf(g.Fault), end)
		var points []sim.Waypoint
		for _, w := range g.Waypoint {
			points = append(points, sim.Waypoint{LatE7: int32(math.Round(w.Lat * 1e7)), LonE7: int32(math.Round(w.Lon * 1e7)), At: time.Duration(w.At)})
		}
		if out.route, err = sim.NewRoute(points); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range p.Handling {
		out.handling = out.windows(h.Name, faultsOf(h.Fault), end)
		for _, x := range h.Handled {
			if x.Lid {
				out.lid = append(out.lid, window{from: time.Duration(x.From), to: time.Duration(x.To)})
			} else {
				out.blows = append(out.blows, blow{time.Duration(x.From), int32(math.Round(x.Blow * 1000))})
			}
		}
	}
	for _, b := range p.Battery {
		out.lasts = time.Duration(b.Lasts)
		out.windows(b.Name, faultsOf(b.Fault), end)
	}
	return out
}

// faultsOf copies the faults of a plan, whose type has no name outside.
func faultsOf[F ~struct {
	Kind  sim.Kind `toml:"kind"`
	At    D        `toml:"at"`
	For   D        `toml:"for"`
	Every D        `toml:"every"`
	As    string   `toml:"as"`
	Delay D        `toml:"delay"`
	Baud  int      `toml:"baud"`
}, D ~int64](in []F) sim.Script {
	var out sim.Script
	for _, f := range in {
		s := struct {
			Kind  sim.Kind `toml:"kind"`
			At    D        `toml:"at"`
			For   D        `toml:"for"`
			Every D        `toml:"every"`
			As    string   `toml:"as"`
			Delay D        `toml:"delay"`
			Baud  int      `toml:"baud"`
		}(f)
		out = append(out, sim.Fault{Kind: s.Kind, At: time.Duration(s.At), For: time.Duration(s.For), Every: time.Duration(s.Every), Delay: time.Duration(s.Delay)})
	}
	return out
}
