package sim_test

import (
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sim"
)

func newThermal(t *testing.T, cfg sim.ThermalConfig) *sim.Thermal {
	t.Helper()
	m, err := sim.NewThermal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestThermal_HoldsBand(t *testing.T) {
	m := newThermal(t, sim.ThermalConfig{Hold: 5_500, Swing: 700})
	low, high := m.Probe(0), m.Probe(0)
	for at := time.Duration(0); at < 12*time.Hour; at += 10 * time.Second {
		low, high = min(low, m.Probe(at)), max(high, m.Probe(at))
	}
	if low < 4_500 || high > 6_500 || high-low < 1_000 {
		t.Errorf("probe between %v and %v, want a swing inside of 4.5 to 6.5 °C", low, high)
	}
}

// TestThermal_IceContact is the excursion of the demo: six minutes below 4 °C.
func TestThermal_IceContact(t *testing.T) {
	const from = time.Hour
	m := newThermal(t, sim.ThermalConfig{
		Hold:         5_500,
		Disturbances: []sim.Disturbance{{From: from, To: from + 160*time.Second, IceContact: true}},
	})
	var below time.Duration
	low := m.Probe(0)
	for at := time.Duration(0); at < 3*time.Hour; at += time.Second {
		p := m.Probe(at)
		if p < 4_000 {
			below += time.Second
		}
		low = min(low, p)
		if p < 4_000 && (at < from || at > from+15*time.Minute) {
			t.Fatalf("%v at %v", p, at)
		}
	}
	t.Logf("down to %v, %v below 4 °C", low, below)
	if low < 1_000 || low > 2_000 {
		t.Errorf("down to %v, want 1 to 2 °C", low)
	}
	if below < 5*time.Minute+30*time.Second || below > 6*time.Minute+30*time.Second {
		t.Errorf("%v below 4 °C, want about 6 minutes", below)
	}
}

func TestThermal_LidOpen(t *testing.T) {
	m := newThermal(t, sim.ThermalConfig{
		Hold:         5_500,
		Disturbances: []sim.Disturbance{{From: time.Minute, To: 4 * time.Minute, Ambient: 22_000}},
	})
	at := 4 * time.Minute
	air, organ, probe := m.Air(at), m.Organ(at), m.Probe(at)
	if air < 18_000 || air > 22_000 {
		t.Errorf("air %v after three minutes in 22 °C", air)
	}
	if !(air > organ && organ > probe && probe > 5_500) {
		t.Errorf("air %v, organ %v, probe %v: each should lag the one before", air, organ, probe)
	}
	if end := m.Organ(4 * time.Hour); end != 5_500 {
		t.Errorf("organ %v hours later, want 5.5 °C", end)
	}
}

func TestThermal_Deterministic(t *testing.T) {
	cfg := sim.ThermalConfig{Hold: 5_500, Swing: 700,
		Disturbances: []sim.Disturbance{{From: time.Minute, To: 2 * time.Minute, IceContact: true}}}
	forward, jumping := newThermal(t, cfg), newThermal(t, cfg)
	var want []hardware.Temperature
	for s := range 600 {
		want = append(want, forward.Organ(time.Duration(s)*time.Second))
	}
	for _, s := range []int{599, 0, 300, 299, 301, 1, 598} {
		if got := jumping.Organ(time.Duration(s) * time.Second); got != want[s] {
			t.Errorf("second %d: %v when asked out of order, %v in order", s, got, want[s])
		}
	}
	if got, want := forward.Organ(-time.Hour), forward.Organ(0); got != want {
		t.Errorf("before the start %v, want %v", got, want)
	}
}

func TestNewThermal_Errors(t *testing.T) {
	for _, cfg := range []sim.ThermalConfig{
		{OrganTau: time.Millisecond},
		{AirTau: -time.Second},
		{Disturbances: []sim.Disturbance{{From: time.Second, To: time.Second}}},
		{Disturbances: []sim.Disturbance{{From: -time.Second, To: time.Second}}},
	} {
		if _, err := sim.NewThermal(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}
