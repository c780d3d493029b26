package onewire

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sim"
)

// conversion is how long simulated probes measure in tests that don't care.
const conversion = 30 * time.Millisecond

var testIDs = []string{"28-0316a279c4ff", "28-000005e3e1f1", "28-0316a279c4fe", "22-00000000e3e3"}

// probeAt describes a simulated probe at a fixed temperature.
func probeAt(id string, t hardware.Temperature) sim.OneWireProbe {
	return sim.OneWireProbe{ID: id, Conversion: conversion, Temperature: func() hardware.Temperature { return t }}
}

// fourProbes are at 4, 5, 6 and 7 °C. Their IDs share beginnings, and hold bytes that the bridge takes for commands.
func fourProbes() []sim.OneWireProbe {
	var probes []sim.OneWireProbe
	for i, id := range testIDs {
		probes = append(probes, probeAt(id, hardware.Temperature(4000+1000*i)))
	}
	return probes
}

// serve plugs a simulated bridge into a new terminal.
func serve(t *testing.T, probes ...sim.OneWireProbe) (*sim.PTY, *sim.OneWireBus) {
	t.Helper()
	bus, err := sim.NewOneWireBus(probes...)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := sim.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends when tty closes
		defer close(done)
		_ = sim.ServeOneWire(context.Background(), tty, bus)
	}()
	t.Cleanup(func() {
		_ = tty.Close() // some tests unplug it themselves
		<-done
	})
	return tty, bus
}

func newTestBridge(t *testing.T, cfg BridgeConfig) *Bridge {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second // no test waits for it, and a loaded machine is slow
	}
	b := NewBridge(cfg)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func testProbe(t *testing.T, b *Bridge, id string) hardware.Probe {
	t.Helper()
	p, err := b.Probe(id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func wantTemp(t *testing.T, p hardware.Probe, want hardware.Temperature) {
	t.Helper()
	s := p.Read(t.Context())
	if got, ok := s.Value(); !ok || got != want {
		t.Errorf("%s: %v %s, want %v", p.Info().Bus, s.Fault, s.Detail, want)
	}
	if s.At.IsZero() {
		t.Error("sample has no time")
	}
}

func wantFault(t *testing.T, p hardware.Probe, want hardware.Fault) hardware.Sample {
	t.Helper()
	s := p.Read(t.Context())
	if s.Fault != want || s.Temp != 0 || s.Detail == "" {
		t.Errorf("%s: fault %v, temperature %v, %q; want %v, no temperature, and a reason", p.Info().Bus, s.Fault, s.Temp, s.Detail, want)
	}
	return s
}

func TestBridge_Search(t *testing.T) {
	tests := []struct {
		name string
		ids  []string
	}{
		{"nothing", nil},
		{"one", testIDs[:1]},
		{"four that share bits", testIDs},
		{"not only thermometers", []string{"28-0316a279c4ff", "26-000001223344", "01-000000000001"}},
		{"bytes that are commands", []string{"28-e3e3e3e3e3e3", "28-e1e1e1e1e1e1", "28-f1c1f1c1f1c1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var probes []sim.OneWireProbe
			want := map[string]bool{}
			for _, id := range tt.ids {
				probes = append(probes, probeAt(id, 4000))
				want[id] = true
			}
			tty, _ := serve(t, probes...)
			found, err := newTestBridge(t, BridgeConfig{Path: tty.Path()}).Search(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(found) != len(want) {
				t.Errorf("found %v, want %v", found, tt.ids)
			}
			for _, id := range found {
				if !want[id.String()] {
					t.Errorf("found %v, want %v", id, tt.ids)
				}
			}
		})
	}
}

func TestBridgeProbe_Read(t *testing.T) {
	for _, parasite := range []string{"own supply", "parasite", "mixed", "forced"} {
		t.Run(parasite, func(t *testing.T) {
			t.Parallel()
			probes := append(fourProbes(), probeAt("10-000802b4c3d2", -10_250), probeAt("28-0000000000aa", -55_000),
				probeAt("28-0000000000ab", 125_000), probeAt("28-0000000000ac", -62), probeAt("28-0000000000ad", 0))
			for i := range probes {
				probes[i].Parasite = parasite == "parasite" || parasite == "mixed" && i == 1
			}
			tty, _ := serve(t, probes...)
			b := newTestBridge(t, BridgeConfig{Path: tty.Path(), Parasite: parasite == "forced"})
			for _, p := range probes {
				wantTemp(t, testProbe(t, b, p.ID), p.Temperature())
			}
		})
	}
}

// TestBridgeProbe_TwoRounds: a temperature is measured for each round, and never the one of the round before.
func TestBridgeProbe_TwoRounds(t *testing.T) {
	var mu sync.Mutex
	now := hardware.Temperature(4000)
	p := probeAt(testIDs[0], 0)
	p.Temperature = func() hardware.Temperature { mu.Lock(); defer mu.Unlock(); return now }
	tty, _ := serve(t, p)
	probe := testProbe(t, newTestBridge(t, BridgeConfig{Path: tty.Path()}), p.ID)
	for i := range 5 {
		want := hardware.Temperature(4000 + 1000*i)
		mu.Lock()
		now = want
		mu.Unlock()
		wantTemp(t, probe, want)
	}
}

// TestBridgeProbe_Round: four probes of 600 ms each cost little more than one, because they measure together.
func TestBridgeProbe_Round(t *testing.T) {
	for _, parasite := range []bool{false, true} {
		var conversions atomic.Int32 // of the first probe
		probes := fourProbes()
		for i := range probes {
			probes[i].Conversion, probes[i].Parasite = 600*time.Millisecond, parasite
		}
		probes[0].Temperature = func() hardware.Temperature { conversions.Add(1); return 4000 }
		tty, _ := serve(t, probes...)
		b := newTestBridge(t, BridgeConfig{Path: tty.Path()})
		if _, err := b.Search(t.Context()); err != nil { // opens the port
			t.Fatal(err)
		}
		start := time.Now()
		var wg sync.WaitGroup
		for i, id := range testIDs {
			p := testProbe(t, b, id)
			wg.Go(func() { wantTemp(t, p, hardware.Temperature(4000+1000*i)) })
		}
		wg.Wait()
		t.Logf("four probes, parasite power %v: %v", parasite, time.Since(start).Round(time.Millisecond))
		if n := conversions.Load(); n > 2 { // two where this machine stalls for half a second
			t.Errorf("%d conversions, want one for all", n)
		}
	}
}

// TestBridge_BadInputs holds the faults of hardware.md, section 9, that a 1-Wire bridge can show.
func TestBridge_BadInputs(t *testing.T) {
	tests := []struct {
		name string
		do   func(bus *sim.OneWireBus)
		want hardware.Fault
		all  bool // the other probe fails too
	}{
		{"no presence", func(b *sim.OneWireBus) { b.SetBus(sim.OneWireBusNoPresence) }, hardware.NoPresence, true},
		{"short", func(b *sim.OneWireBus) { b.SetBus(sim.OneWireBusShorted) }, hardware.Shorted, true},
		{"bridge is silent", func(b *sim.OneWireBus) { b.SetSilent(true) }, hardware.Timeout, true},
		{"half answers", func(b *sim.OneWireBus) { b.SetHalf(true) }, hardware.Truncated, true},
		{"late answers", func(b *sim.OneWireBus) { b.SetLate(1500 * time.Millisecond) }, hardware.Timeout, true},
		{"probe is gone", func(b *sim.OneWireBus) { b.SetProbe(0, sim.OneWireGone) }, hardware.NoPresence, false},
		{"id changes", func(b *sim.OneWireBus) { b.SetProbe(0, sim.OneWireIDChanged) }, hardware.NoPresence, false},
		{"all FF", func(b *sim.OneWireBus) { b.SetProbe(0, sim.OneWireOnes) }, hardware.NoPresence, false},
		{"zero scratchpad", func(b *sim.OneWireBus) { b.SetProbe(0, sim.OneWireZeros) }, hardware.Disconnected, false},
		{"wrong CRC", func(b *sim.OneWireBus) { b.SetProbe(0, sim.OneWireWrongCRC) }, hardware.CRCBad, false},
		{"85 °C, not measured", func(b *sim.OneWireBus) { b.SetProbe(0, sim.OneWirePowerOn) }, hardware.PowerOnValue, false},
		{"127.94 °C", func(b *sim.OneWireBus) { b.SetProbe(0, sim.OneWireNoPower) }, hardware.ConversionFailed, false},
		{"busy for ever", func(b *sim.OneWireBus) { b.SetProbe(0, sim.OneWireNeverReady) }, hardware.ConversionFailed, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tty, bus := serve(t, fourProbes()[:2]...)
			b := newTestBridge(t, BridgeConfig{Path: tty.Path(), Timeout: time.Second})
			one, two := testProbe(t, b, testIDs[0]), testProbe(t, b, testIDs[1])
			readUntil(t, one, hardware.None)
			wantTemp(t, two, 5000)
			tt.do(bus)
			s := wantFault(t, one, tt.want)
			if tt.name == "id changes" && !strings.Contains(s.Detail, "28-0316a279c400") {
				t.Errorf("detail %q does not say what is there instead", s.Detail)
			}
			if tt.all {
				if s := two.Read(t.Context()); s.Fault == hardware.None {
					t.Errorf("the other probe: %v", s.Temp)
				}
			} else {
				wantTemp(t, two, 5000)
			}
			bus.SetBus(sim.OneWireBusWell)
			bus.SetSilent(false)
			bus.SetHalf(false)
			bus.SetLate(0)
			bus.SetProbe(0, sim.OneWireWell)
			readUntil(t, one, hardware.None)
			wantTemp(t, two, 5000)
		})
	}
}

// TestBridgeProbe_True85: a probe that has measured 85 °C is believed.
func TestBridgeProbe_True85(t *testing.T) {
	tty, bus := serve(t, probeAt(testIDs[0], 85_000), probeAt(testIDs[1], 4000))
	b := newTestBridge(t, BridgeConfig{Path: tty.Path()})
	wantTemp(t, testProbe(t, b, testIDs[0]), 85_000)
	bus.SetProbe(1, sim.OneWireTrue85)
	wantTemp(t, testProbe(t, b, testIDs[1]), 85_000)
}

func readUntil(t *testing.T, p hardware.Probe, want hardware.Fault) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-ticker.C {
		s := p.Read(t.Context())
		if s.Fault == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still %v (%s), want %v", s.Fault, s.Detail, want)
		}
	}
}

// TestBridge_Replug pulls the plug in the middle of a conversion and puts another bridge at the same name.
func TestBridge_Replug(t *testing.T) {
	link := filepath.Join(t.TempDir(), "bridge")
	b := newTestBridge(t, BridgeConfig{Path: link})
	p := testProbe(t, b, testIDs[0])
	wantFault(t, p, hardware.NotFound)
	for range 2 {
		tty, bus := serve(t, fourProbes()...)
		if err := os.Symlink(tty.Path(), link); err != nil {
			t.Fatal(err)
		}
		readUntil(t, p, hardware.None)
		bus.SetProbe(1, sim.OneWireNeverReady) // so that the read below is still waiting
		done := make(chan hardware.Sample)
		go func() { done <- p.Read(context.Background()) }() // ends with the port
		if err := errors.Join(os.Remove(link), tty.Close()); err != nil {
			t.Fatal(err)
		}
		if s := <-done; s.Fault != hardware.Unplugged || s.Temp != 0 {
			t.Errorf("plug pulled: %+v, want unplugged", s)
		}
		readUntil(t, p, hardware.NotFound)
	}
}

// TestBridge_Cancel: a caller who gives up during a conversion is let go at once, and the next one gets a new conversion.
func TestBridge_Cancel(t *testing.T) {
	tty, bus := serve(t, fourProbes()...)
	b := newTestBridge(t, BridgeConfig{Path: tty.Path()})
	p := testProbe(t, b, testIDs[0])
	wantTemp(t, p, 4000)
	bus.SetProbe(1, sim.OneWireNeverReady)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if s := p.Read(ctx); s.Fault != hardware.Canceled || s.Temp != 0 {
		t.Errorf("cancelled: %+v, want canceled", s)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v after a deadline of 200 ms", took)
	}
	bus.SetProbe(1, sim.OneWireWell)
	wantTemp(t, p, 4000)
}

func TestBridge_Close(t *testing.T) {
	tty, bus := serve(t, fourProbes()...)
	b := NewBridge(BridgeConfig{Path: tty.Path()})
	p := testProbe(t, b, testIDs[0])
	wantTemp(t, p, 4000)
	bus.SetProbe(1, sim.OneWireNeverReady)
	samples := make(chan hardware.Sample, 2)
	for range 2 { // one has the turn, one waits for it
		go func() { samples <- p.Read(context.Background()) }() // ends with Close
	}
	start := time.Now()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if s := <-samples; s.Fault != hardware.Closed {
			t.Errorf("%+v, want closed", s)
		}
	}
	if took := time.Since(start); took > 100*time.Millisecond {
		t.Errorf("Close took %v, want under 100 ms", took)
	}
	if err := b.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if s := p.Read(t.Context()); s.Fault != hardware.Closed {
		t.Errorf("after Close: %+v, want closed", s)
	}
}

func TestBridge_Probe(t *testing.T) {
	b := newTestBridge(t, BridgeConfig{Path: "/dev/none"})
	for id, want := range map[string]string{
		"":                  "28-0316a279c4ff",
		"28":                "28-0316a279c4ff",
		"28-0316a279c4f":    "28-0316a279c4ff",
		"28-0316a279c4fg":   "28-0316a279c4ff",
		"28.FFC479A21603":   `"28-0316a279c4ff"`,
		"28FFC479A21603C5":  "twelve",
		"26-0316a279c4ff":   "family 26",
		"3b-0316a279c4ff":   "family 3b",
		"../28-0316a279c4":  "twelve",
		"28-0316a279c4ff\n": "twelve",
	} {
		if _, err := b.Probe(id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ID %q: %v, want an error with %s", id, err, want)
		}
	}
	p := testProbe(t, b, testIDs[0])
	if got, want := p.Info(), (hardware.ProbeInfo{Model: "ds18b20", Bus: "/dev/none#28-0316a279c4ff"}); got != want {
		t.Errorf("Info = %+v, want %+v", got, want)
	}
}

// TestBridge_Monitor: one failure is a disturbance, more of them are a state, and a value ends it.
func TestBridge_Monitor(t *testing.T) {
	var mu sync.Mutex
	var states []hardware.State
	m := hardware.NewMonitor("probe 0", time.Now, func(c hardware.Condition) {
		mu.Lock()
		defer mu.Unlock()
		states = append(states, c.State)
	})
	tty, bus := serve(t, fourProbes()[0])
	b := newTestBridge(t, BridgeConfig{Path: tty.Path(), Monitor: m})
	p := testProbe(t, b, testIDs[0])
	wantTemp(t, p, 4000)
	bus.SetBus(sim.OneWireBusShorted)
	wantFault(t, p, hardware.Shorted)
	if c := m.Condition(); c.State != hardware.StateLive {
		t.Errorf("after one failure: %+v, want live", c)
	}
	wantFault(t, p, hardware.Shorted)
	if c := m.Condition(); c.State != hardware.StateSilent || c.Fault != hardware.Shorted || c.Port != tty.Path() {
		t.Errorf("after two failures: %+v, want silent, shorted, %s", c, tty.Path())
	}
	bus.SetBus(sim.OneWireBusWell)
	readUntil(t, p, hardware.None)
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	wantFault(t, p, hardware.Unplugged)
	mu.Lock()
	defer mu.Unlock()
	want := []hardware.State{hardware.StateOpening, hardware.StateLive, hardware.StateSilent, hardware.StateLive, hardware.StateDown}
	if len(states) != len(want) {
		t.Fatalf("states %v, want %v", states, want)
	}
	for i := range want {
		if states[i] != want[i] {
			t.Fatalf("states %v, want %v", states, want)
		}
	}
}

// TestBridge_MonitorOfProbes: a bridge lives while any of its probes does.
func TestBridge_MonitorOfProbes(t *testing.T) {
	m := hardware.NewMonitor("probe 0", time.Now, nil)
	tty, bus := serve(t, fourProbes()[:2]...)
	b := newTestBridge(t, BridgeConfig{Path: tty.Path(), Monitor: m})
	one, two := testProbe(t, b, testIDs[0]), testProbe(t, b, testIDs[1])
	bus.SetProbe(0, sim.OneWireZeros)
	wantFault(t, one, hardware.Disconnected)
	if c := m.Condition(); c.State != hardware.StateOpening {
		t.Errorf("before the first temperature: %+v, want opening", c)
	}
	for range 3 * patience {
		wantFault(t, one, hardware.Disconnected)
		wantTemp(t, two, 5000)
		if c := m.Condition(); c.State != hardware.StateLive {
			t.Errorf("one of two probes: %+v, want live", c)
		}
	}
	bus.SetProbe(1, sim.OneWireIDChanged)
	for range 3 * patience {
		wantFault(t, one, hardware.Disconnected)
		wantFault(t, two, hardware.NoPresence)
	}
	if c := m.Condition(); c.State != hardware.StateSilent || c.Fault == hardware.None {
		t.Errorf("no probe: %+v, want silent", c)
	}
	bus.SetProbe(0, sim.OneWireWell)
	wantTemp(t, one, 4000)
	if c := m.Condition(); c.State != hardware.StateLive {
		t.Errorf("a probe again: %+v, want live", c)
	}
}

// TestBridge_PowerLost: probes that lost their power between a conversion and the reading say 85 °C.
func TestBridge_PowerLost(t *testing.T) {
	tty, bus := serve(t, fourProbes()[:2]...)
	b := newTestBridge(t, BridgeConfig{Path: tty.Path()})
	wantTemp(t, testProbe(t, b, testIDs[0]), 4000)
	bus.Unpower()
	s := testProbe(t, b, testIDs[1]).Read(t.Context()) // of the same conversion, unless this machine is very slow
	if got, ok := s.Value(); ok && got != 5000 || !ok && s.Fault != hardware.PowerOnValue {
		t.Errorf("%+v, want the power-on value as a fault", s)
	}
}
