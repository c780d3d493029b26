package trackerd_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"isotherm/cmd/internal/simulate"
	"isotherm/hardware"
	"isotherm/hardware/modbus"
	"isotherm/hardware/sim"
)

// truth is what was really so around a simulated box, made from the same plan: nothing of it passes a line or a driver.
type truth struct {
	thermal  *sim.Thermal
	route    *sim.Route
	receiver []window // faults of the receiver
	senses   []sense  // by the number of the probe
	lid      []window
	blows    []blow
	lasts    time.Duration       // of the battery
	devices  map[string][]window // faults by the name that the box gives a device
}

// window is a time in which something was so, by the simulation's clock.
type window struct {
	kind     sim.Kind
	from, to time.Duration
}

// touched tells whether one of some windows touches the time between two moments.
func touched(windows []window, from, to time.Duration, kinds ...sim.Kind) bool {
	for _, w := range windows {
		if w.from > to || w.to < from {
			continue
		}
		for _, k := range kinds {
			if w.kind == k {
				return true
			}
		}
		if len(kinds) == 0 {
			return true
		}
	}
	return false
}

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

// windows unrolls a script up to end.
func windows(script sim.Script, end time.Duration) []window {
	var out []window
	for _, f := range script {
		for at := f.At; at < end; at += f.Every {
			to := at + f.For
			if f.For == 0 {
				to = end
			}
			out = append(out, window{f.Kind, at, to})
			if f.Every == 0 {
				break
			}
		}
	}
	return out
}

// newTruth says what is true of a plan until end. The order of the probes is that of the plan's configuration for trackerd.
func newTruth(t *testing.T, p *simulate.Plan, devices []simulate.Device, end time.Duration) *truth {
	t.Helper()
	faults := map[string][]window{}
	for _, d := range devices {
		faults[d.Name] = windows(d.Line.Script, end)
	}
	out := &truth{devices: map[string][]window{}}
	milli := func(c float64) hardware.Temperature { return hardware.Temperature(math.Round(c * 1000)) }
	cfg := sim.ThermalConfig{Hold: milli(p.Thermal.Hold), Swing: hardware.TemperatureDelta(milli(p.Thermal.Swing))}
	for _, d := range p.Thermal.Disturbance {
		cfg.Disturbances = append(cfg.Disturbances, sim.Disturbance{From: time.Duration(d.From), To: time.Duration(d.To), Ambient: milli(d.Ambient), IceContact: d.Ice})
	}
	var err error
	if out.thermal, err = sim.NewThermal(cfg); err != nil {
		t.Fatal(err)
	}
	parts := map[string]func(time.Duration) hardware.Temperature{"": out.thermal.Probe, "probe": out.thermal.Probe, "organ": out.thermal.Organ, "air": out.thermal.Air}
	line := func(name string) {
		out.devices[fmt.Sprintf("line %d", len(out.devices)+1)] = faults[name]
	}
	for _, m := range p.Modbus {
		line(m.Name)
		for _, x := range m.Probe {
			step := map[modbus.Decode]hardware.TemperatureDelta{modbus.PT100Float: 1, modbus.PT100FloatSwapped: 1, modbus.PT100Hundredth: 10}[x.Preset]
			if step == 0 {
				step = 100
			}
			out.senses = append(out.senses, sense{name: fmt.Sprintf("%s#%d", m.Name, x.Address), part: parts[x.Measures], step: step, faults: faults[m.Name]})
		}
	}
	for _, o := range p.OneWire {
		line(o.Name)
		for _, x := range o.Probe {
			out.senses = append(out.senses, sense{name: o.Name + "#" + x.ID, part: parts[x.Measures], step: 63, faults: faults[o.Name]})
		}
	}
	for _, x := range p.Text {
		s := textSense(x.Form)
		s.name, s.part, s.faults = x.Name, parts[x.Measures], faults[x.Name]
		out.devices[fmt.Sprintf("probe %d", len(out.senses))] = s.faults
		out.senses = append(out.senses, s)
	}
	for _, g := range p.GNSS {
		out.receiver = faults[g.Name]
		out.devices["gnss"] = out.receiver
		var points []sim.Waypoint
		for _, w := range g.Waypoint {
			points = append(points, sim.Waypoint{LatE7: int32(math.Round(w.Lat * 1e7)), LonE7: int32(math.Round(w.Lon * 1e7)), At: time.Duration(w.At)})
		}
		if out.route, err = sim.NewRoute(points); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range p.Handling {
		out.devices["handling 0"] = faults[h.Name]
		for _, x := range h.Handled {
			if x.Lid {
				out.lid = append(out.lid, window{from: time.Duration(x.From), to: time.Duration(x.To)})
			} else {
				out.blows = append(out.blows, blow{time.Duration(x.From), int32(math.Round(x.Blow * 1000))})
			}
		}
	}
	for _, b := range p.Battery {
		out.lasts, out.devices["battery"] = time.Duration(b.Lasts), faults[b.Name]
	}
	return out
}

// textSense is what is known of a thermometer that speaks in lines of text: a report counts for three of its periods and a second.
func textSense(form sim.TextForm) sense {
	switch form {
	case sim.TextEZO:
		return sense{step: 1}
	case sim.TextOmega:
		return sense{step: 100}
	case sim.TextADAM, sim.TextPCsensor:
		return sense{step: 10}
	case sim.TextPapouch:
		return sense{step: 100, keeps: 31 * time.Second}
	case sim.TextTSM125:
		return sense{step: 100, keeps: 4 * time.Second}
	}
	return sense{step: 10, keeps: 4 * time.Second}
}

// isLid tells whether the lid stood so at some moment between two.
func (w *truth) isLid(open bool, from, to time.Duration) bool {
	for at := from; at <= to; at += 10 * time.Millisecond {
		is := false
		for _, l := range w.lid {
			is = is || at >= l.from && at < l.to
		}
		if is == open {
			return true
		}
	}
	return false
}

// age returns how old a temperature must be, at the least, to have been true; false when it never was within the time.
func (s *sense) age(t hardware.Temperature, at, most time.Duration) (time.Duration, bool) {
	for age := time.Duration(0); age <= most; age += 50 * time.Millisecond {
		if d := t.Sub(s.part(max(at-age, 0))); 2*d <= s.step+2 && -2*d <= s.step+2 {
			return age, true
		}
	}
	return 0, false
}

// metres is how far a position is from where the box was at the nearest moment between two.
func (w *truth) metres(latE7, lonE7 int32, from, to time.Duration) float64 {
	const metresPerE7 = 0.011132 // 111.32 km per degree
	best := math.Inf(1)
	for at := from; at <= to; at += 10 * time.Millisecond {
		lat, lon := w.route.Position(at)
		north := float64(latE7-lat) * metresPerE7
		east := float64(lonE7-lon) * metresPerE7 * math.Cos(float64(lat)*1e-7*math.Pi/180)
		best = min(best, math.Hypot(north, east))
	}
	return best
}
