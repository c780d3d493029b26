package sim_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/modbus"
	"isotherm/hardware/sim"
)

// TestServeModbus_Forms reads each form with the driver's preset for it, also before the probe has measured and with an
// open element: then there must be no temperature.
func TestServeModbus_Forms(t *testing.T) {
	custom := func(f modbus.Format) modbus.ProbeConfig { return modbus.ProbeConfig{Decode: modbus.Custom, Format: &f} }
	tests := []struct {
		name   string
		device sim.ModbusProbe
		driver modbus.ProbeConfig
	}{
		{"tenths", sim.ModbusProbe{}, modbus.ProbeConfig{Decode: modbus.PT100Tenth}},
		{"hundredths", sim.ModbusProbe{Hundredths: true}, modbus.ProbeConfig{Decode: modbus.PT100Hundredth}},
		{"10,000 for a minus", sim.ModbusProbe{Form: sim.ModbusInt16Offset}, modbus.ProbeConfig{Decode: modbus.KinConySHT30}},
		{"XY-MD02", sim.ModbusProbe{Register: 1, Constants: map[uint16]uint16{0x0103: 0}}, modbus.ProbeConfig{Decode: modbus.XYMD02}},
		{"float", sim.ModbusProbe{Form: sim.ModbusFloat32}, modbus.ProbeConfig{Decode: modbus.PT100Float}},
		{"float, registers swapped", sim.ModbusProbe{Form: sim.ModbusFloat32, Order: sim.ModbusCDAB}, modbus.ProbeConfig{Decode: modbus.PT100FloatSwapped}},
		{"float, bytes swapped", sim.ModbusProbe{Form: sim.ModbusFloat32, Order: sim.ModbusBADC}, custom(modbus.Format{Type: modbus.Float32, Order: modbus.ByteSwapped})},
		{"float, all swapped", sim.ModbusProbe{Form: sim.ModbusFloat32, Order: sim.ModbusDCBA}, custom(modbus.Format{Type: modbus.Float32, Order: modbus.Little})},
		{"int32", sim.ModbusProbe{Form: sim.ModbusInt32, Hundredths: true}, custom(modbus.Format{Type: modbus.Int32, Step: 10})},
		{"int32, registers swapped", sim.ModbusProbe{Form: sim.ModbusInt32, Order: sim.ModbusCDAB}, custom(modbus.Format{Type: modbus.Int32, Order: modbus.WordSwapped, Step: 100})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var h hand
			script := sim.Script{at(10, sim.Fault{Kind: sim.PowerOn}), at(20, sim.Fault{Kind: sim.Open})}
			var temp atomic.Int32
			device := tt.device
			device.Address, device.Temperature = 3, func() hardware.Temperature { return hardware.Temperature(temp.Load()) }
			device.PowerOn, device.Open = script.During(sim.PowerOn, h.clock), script.During(sim.Open, h.clock)
			tty := openPTY(t)
			done := start(func() error { return sim.ServeModbus(t.Context(), tty, device) })
			bus := modbus.NewBus(modbus.BusConfig{Path: tty.Path(), Timeout: 100 * time.Millisecond})
			defer bus.Close()
			cfg := tt.driver
			cfg.Address = 3
			probe, err := bus.Probe(cfg)
			if err != nil {
				t.Fatal(err)
			}
			read := func() (s hardware.Sample) {
				eventually(t, "answer", func() bool { // a busy machine may be slower than the timeout
					s = probe.Read(t.Context())
					return s.Fault != hardware.Timeout && s.Fault != hardware.LateReply
				})
				return s
			}
			for _, want := range []hardware.Temperature{5_500, -18_200, 0, -100, 37_000} {
				temp.Store(int32(want))
				if s := read(); s.Fault != hardware.None || s.Temp != want {
					t.Errorf("%+v, want %v", s, want)
				}
			}
			for _, second := range []int{10, 20} {
				h.second(second)
				if s := read(); s.Fault == hardware.None {
					t.Errorf("at %d s: %v", second, s.Temp)
				}
			}
			_ = tty.Close() // ends the device
			<-done
		})
	}
}

// TestRouteReceiver_Cold switches a receiver on late, into a cold start and a tunnel.
func TestRouteReceiver_Cold(t *testing.T) {
	var h hand
	script := sim.Script{at(100, sim.Fault{Kind: sim.PowerOn}), at(101, sim.Fault{Kind: sim.NoFix})}
	began := time.Date(2026, 12, 31, 23, 58, 20, 0, time.UTC)
	r := sim.RouteReceiver{Route: testRoute(t), Start: began, From: 99500 * time.Millisecond, Clock: h.clock,
		NoFix: script.During(sim.NoFix, h.clock), PowerOn: script.During(sim.PowerOn, h.clock)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tty := openPTY(t)
	port := openPort(t, tty)
	done := start(func() error { return r.Run(ctx, tty) })
	for i, want := range []string{
		"$GPGGA,000000.500,,,,,0,00,99.99,,M,,M,,*GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99*GPRMC,000000.500,V,,,,,,,220899,,,N*",
		"$GPGGA,000001.000,,,,,0,00,99.99,,M,,M,,*GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99*GPRMC,000001.000,V,,,,,,,010127,,,N*",
		"$GPGGA,000002.000,0001.18200,N,01323.98800,E,1,09,",
	} {
		h.second(100 + i)
		got := strings.Builder{}
		for strings.Count(got.String(), "\n") < 3 {
			got.WriteString(readSome(t, port, 1, 10*time.Second))
		}
		var bodies strings.Builder
		bodies.WriteByte('$')
		for _, line := range strings.Fields(got.String()) {
			body, _, _ := strings.Cut(strings.TrimPrefix(line, "$"), "*")
			bodies.WriteString(body + "*")
		}
		if !strings.HasPrefix(bodies.String(), want) {
			t.Errorf("at %d s: %q, want %q", 100+i, bodies.String(), want)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want canceled", err)
	}
}

// TestCapture_ReplayFrom leaves out what a receiver said before it was switched on.
func TestCapture_ReplayFrom(t *testing.T) {
	gga := func(clock string) string { return sentence("GPGGA," + clock + ",,,,,0,,,,,,,,") }
	c, err := sim.OpenCapture(writeCapture(t, []byte(gga("120000")+gga("120010")+gga("120020"))))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := c.ReplayFrom(t.Context(), &got, always, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if want := gga("120010") + gga("120020"); got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}
