package sim

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"isotherm/hardware"
)

// Disturbance is something that happens to the box from From to To.
type Disturbance struct {
	From, To   time.Duration        // simulated time; To is not included
	Ambient    hardware.Temperature // what the inside of the box is exposed to (lid open)
	IceContact bool                 // the organ lies on melting ice; Ambient is then not used
}

// ThermalConfig describes a cooled box with an organ in it. Zero durations mean the
// defaults, which are those of a small organ bag in a box with phase-change packs.
type ThermalConfig struct {
	Hold         hardware.Temperature      // what the cold packs hold the inside at
	Swing        hardware.TemperatureDelta // slow wave of that around Hold, up and down
	SwingPeriod  time.Duration             // of the wave, default 90 min
	AirTau       time.Duration             // time constant of the air, default 60 s
	OrganTau     time.Duration             // of the organ in the air, default 4 min
	IceTau       time.Duration             // of the organ on ice, default 2 min
	ProbeTau     time.Duration             // of the probe on the organ, default 15 s
	Disturbances []Disturbance
}

// Thermal is the box in time: air follows what surrounds it, the organ follows the
// air, the probe follows the organ, each by Newton's law of cooling. It steps in whole
// seconds of simulated time, so the same question always has the same answer. Its
// methods may be called from several goroutines.
type Thermal struct {
	cfg ThermalConfig

	mu    sync.Mutex // guards state
	state thermalState
}

// thermalState is in degrees Celsius; floats stay inside of the model.
type thermalState struct {
	second            int64
	air, organ, probe float64
}

const thermalStep = time.Second

// maxThermal ends the model: from there on, nothing changes. It bounds what one
// question can cost, and no organ travels for a month.
const maxThermal = 30 * 24 * time.Hour

const meltingIce = 0.0 // °C

// NewThermal checks the description. At time zero everything is at Hold.
func NewThermal(cfg ThermalConfig) (*Thermal, error) {
	defaults := []struct {
		value *time.Duration
		to    time.Duration
	}{
		{&cfg.SwingPeriod, 90 * time.Minute}, {&cfg.AirTau, time.Minute}, {&cfg.OrganTau, 4 * time.Minute},
		{&cfg.IceTau, 2 * time.Minute}, {&cfg.ProbeTau, 15 * time.Second},
	}
	for _, d := range defaults {
		if *d.value == 0 {
			*d.value = d.to
		}
		if *d.value < thermalStep {
			return nil, errors.New("thermal model: time constants must be at least one second")
		}
	}
	for i, d := range cfg.Disturbances {
		if d.From < 0 || d.To <= d.From {
			return nil, fmt.Errorf("thermal model: disturbance %d runs from %v to %v", i, d.From, d.To)
		}
	}
	cfg.Disturbances = slices.Clone(cfg.Disturbances)
	t := &Thermal{cfg: cfg}
	t.state = t.initial()
	return t, nil
}

func (t *Thermal) initial() thermalState {
	hold := celsius(t.cfg.Hold)
	return thermalState{air: hold, organ: hold, probe: hold}
}

// Air returns the temperature inside of the box.
func (t *Thermal) Air(at time.Duration) hardware.Temperature { return milli(t.at(at).air) }

// Organ returns the temperature of the organ itself.
func (t *Thermal) Organ(at time.Duration) hardware.Temperature { return milli(t.at(at).organ) }

// Probe returns what a perfect sensor at the organ reads: the organ, a little late.
func (t *Thermal) Probe(at time.Duration) hardware.Temperature { return milli(t.at(at).probe) }

// at steps the model to the second of at. Going back starts over: it is rare (two
// devices that ask at nearly the same time) and costs a millisecond.
func (t *Thermal) at(at time.Duration) thermalState {
	second := int64(min(max(at, 0), maxThermal) / thermalStep)
	t.mu.Lock()
	defer t.mu.Unlock()
	if second < t.state.second {
		t.state = t.initial()
	}
	for t.state.second < second {
		t.step()
	}
	return t.state
}

// step moves one second on. Each body closes the share 1-exp(-step/tau) of its
// distance, which is exact for surroundings that stand still, and never overshoots.
func (t *Thermal) step() {
	s := &t.state
	now := time.Duration(s.second) * thermalStep
	around := celsius(t.cfg.Hold) + float64(t.cfg.Swing)/1000*math.Sin(2*math.Pi*now.Seconds()/t.cfg.SwingPeriod.Seconds())
	organAround, organTau := s.air, t.cfg.OrganTau
	for _, d := range t.cfg.Disturbances {
		if now < d.From || now >= d.To {
			continue
		}
		if d.IceContact {
			organAround, organTau = meltingIce, t.cfg.IceTau
		} else {
			around = celsius(d.Ambient)
		}
	}
	air, organ, probe := s.air, s.organ, s.probe
	s.air += (around - air) * share(t.cfg.AirTau)
	s.organ += (organAround - organ) * share(organTau)
	s.probe += (organ - probe) * share(t.cfg.ProbeTau)
	s.second++
}

func share(tau time.Duration) float64 { return 1 - math.Exp(-thermalStep.Seconds()/tau.Seconds()) }

func celsius(t hardware.Temperature) float64 { return float64(t) / 1000 }

func milli(c float64) hardware.Temperature { return hardware.Temperature(math.Round(c * 1000)) }
