package sim_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/gnss"
	"isotherm/hardware/modbus"
	"isotherm/hardware/sim"
)

// log collects what a monitor is told.
type log struct {
	mu   sync.Mutex // guards seen
	seen []hardware.Condition
}

func (l *log) listen(c hardware.Condition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, c)
}

// has tells whether the conditions were seen in this order, others between them.
func (l *log) has(want []hardware.State) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := 0
	for _, c := range l.seen {
		if i < len(want) && c.State == want[i] {
			i++
		}
	}
	return i == len(want)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := ""
	for _, c := range l.seen {
		out += c.State.String() + "/" + c.Fault.String() + " "
	}
	return out
}

// TestReceiver_Lives is a receiver that lives through all that its line does, by the states that its monitor tells.
func TestReceiver_Lives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(dir, "usb-gnss")
	var h hand
	script := sim.Script{
		at(1, sim.Fault{Kind: sim.Unplug, As: "ttyUSB1"}), at(3, sim.Fault{Kind: sim.Silence}), at(5, sim.Fault{Kind: sim.Garbage}),
		at(7, sim.Fault{Kind: sim.NoFix}),
	}
	// Faults come when the test wants them; meanwhile the receiver reports, ten times a second.
	receiver := sim.RouteReceiver{Route: testRoute(t), Start: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), Clock: fast(10),
		NoFix: script.During(sim.NoFix, h.clock)}
	runLine(t, sim.LineConfig{Link: link, Node: "ttyUSB0", Baud: 115200, Script: script, Clock: h.clock, Device: func(ctx context.Context, line io.ReadWriteCloser) error {
		r := receiver
		r.From = r.Clock()
		return r.Run(ctx, line)
	}})
	var events log
	m := hardware.NewMonitor("gnss", time.Now, events.listen)
	driver := gnss.NewReceiver(gnss.Config{Path: link, Baud: 115200, Stall: 300 * time.Millisecond, MaxAge: time.Second, Monitor: m})
	ctx, cancel := context.WithCancel(t.Context())
	done := start(func() error { return driver.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("driver ended with %v", err)
		}
	})
	state := func(want ...hardware.State) {
		t.Helper()
		eventually(t, want[0].String(), func() bool { return slices.Contains(want, m.Condition().State) })
		if _, _, fault := driver.Latest(); want[0] != hardware.StateLive && fault == hardware.None {
			eventually(t, "no position", func() bool { _, _, fault := driver.Latest(); return fault != hardware.None })
		}
	}
	for i, want := range []hardware.State{hardware.StateDown, hardware.StateSilent, hardware.StateGarbled, hardware.StateNoFix} {
		state(hardware.StateLive)
		h.second(2*i + 1)
		state(want)
		h.second(2*i + 2)
	}
	state(hardware.StateLive)
	if to, err := os.Readlink(link); err != nil || to != "ttyUSB1" {
		t.Errorf("the device is at %s, %v", to, err)
	}
	live := hardware.StateLive
	want := []hardware.State{live, hardware.StateDown, hardware.StateOpening, live, hardware.StateSilent, live, hardware.StateGarbled, live,
		hardware.StateNoFix, live}
	if !events.has(want) {
		t.Errorf("states %v, want %v among them", &events, want)
	}
}

// TestBus_Lives is a Modbus line with a probe that gives its true value or none, whatever happens.
func TestBus_Lives(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "usb-probe")
	var h hand
	const timeout = 60 * time.Millisecond
	tests := []struct {
		fault sim.Fault
		want  []hardware.Fault // any of these
	}{
		{sim.Fault{Kind: sim.Unplug, As: "ttyUSB1"}, []hardware.Fault{hardware.NotFound, hardware.Unplugged}},
		{sim.Fault{Kind: sim.Silence}, []hardware.Fault{hardware.Timeout}},
		{sim.Fault{Kind: sim.Garbage}, []hardware.Fault{hardware.CRCBad, hardware.Noise, hardware.Truncated, hardware.WrongLength}},
		{sim.Fault{Kind: sim.WrongCRC}, []hardware.Fault{hardware.CRCBad}},
		{sim.Fault{Kind: sim.HalfLine}, []hardware.Fault{hardware.Truncated, hardware.CRCBad}},
		{sim.Fault{Kind: sim.Late, Delay: 90 * time.Millisecond}, []hardware.Fault{hardware.Timeout, hardware.LateReply, hardware.Noise}},
		{sim.Fault{Kind: sim.Babble}, []hardware.Fault{hardware.Noise, hardware.LateReply, hardware.CRCBad, hardware.WrongLength}},
		{sim.Fault{Kind: sim.Console}, []hardware.Fault{hardware.CRCBad, hardware.Noise, hardware.WrongLength}},
		{sim.Fault{Kind: sim.Open}, []hardware.Fault{hardware.Disconnected}},
		{sim.Fault{Kind: sim.PowerOn}, []hardware.Fault{hardware.Disconnected, hardware.PowerOnValue}},
		{sim.Fault{Kind: sim.Speed, Baud: 2400}, []hardware.Fault{hardware.Timeout, hardware.CRCBad, hardware.Noise, hardware.Truncated}},
	}
	var script sim.Script
	for i, tt := range tests {
		script = append(script, at(2*i+1, tt.fault))
	}
	temp := hardware.Temperature(4_200)
	probe := sim.ModbusProbe{Address: 3, Register: 1, Temperature: func() hardware.Temperature { return temp },
		PowerOn: script.During(sim.PowerOn, h.clock), Open: script.During(sim.Open, h.clock)}
	runLine(t, sim.LineConfig{Link: link, Node: "ttyUSB0", Baud: 9600, Script: script, Clock: h.clock, Device: func(ctx context.Context, line io.ReadWriteCloser) error {
		return sim.ServeModbus(ctx, line, probe)
	}})
	bus := modbus.NewBus(modbus.BusConfig{Path: link, Timeout: timeout})
	defer bus.Close()
	var events log
	m := hardware.NewMonitor("probe 0", time.Now, events.listen)
	driver, err := bus.Probe(modbus.ProbeConfig{Address: 3, Register: 1, Decode: modbus.PT100Tenth, Monitor: m})
	if err != nil {
		t.Fatal(err)
	}
	read := func(want ...hardware.Fault) {
		t.Helper()
		var s hardware.Sample
		eventually(t, want[0].String(), func() bool {
			s = driver.Read(t.Context())
			if s.Fault == hardware.None && s.Temp != temp {
				t.Fatalf("%v, want %v or nothing", s.Temp, temp)
			}
			live := m.Condition().State == hardware.StateLive
			return slices.Contains(want, s.Fault) && live == (s.Fault == hardware.None)
		})
	}
	for i, tt := range tests {
		h.second(2 * i)
		read(hardware.None)
		h.second(2*i + 1)
		read(tt.want...)
	}
	h.second(2 * len(tests))
	read(hardware.None)
	live := hardware.StateLive
	if want := []hardware.State{live, hardware.StateDown, live, hardware.StateSilent, live, hardware.StateGarbled, live}; !events.has(want) {
		t.Errorf("states %v, want %v among them", &events, want)
	}
}
