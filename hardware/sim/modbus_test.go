package sim_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/modbus"
	"isotherm/hardware/sim"
)

// TestServeModbus_RoundTrip puts two probes on one line and reads them with the driver.
func TestServeModbus_RoundTrip(t *testing.T) {
	tty := openPTY(t)
	values := map[uint8]hardware.Temperature{3: 5_500, 4: -18_250}
	done := start(func() error {
		return sim.ServeModbus(t.Context(), tty,
			sim.ModbusProbe{Address: 3, Register: 1, Temperature: func() hardware.Temperature { return values[3] }},
			sim.ModbusProbe{Address: 4, Register: 0, Hundredths: true, Temperature: func() hardware.Temperature { return values[4] }},
		)
	})
	bus := modbus.NewBus(modbus.BusConfig{Path: tty.Path(), Timeout: 300 * time.Millisecond})
	defer bus.Close()
	for _, tt := range []struct {
		cfg  modbus.ProbeConfig
		want hardware.Temperature
		bad  hardware.Fault
	}{
		{modbus.ProbeConfig{Address: 3, Register: 1, Decode: modbus.XYMD02}, 5_500, 0},
		{modbus.ProbeConfig{Address: 4, Decode: modbus.PT100Hundredth, Function: modbus.ReadHolding}, -18_250, 0},
		{modbus.ProbeConfig{Address: 4, Decode: modbus.PT100Hundredth}, -18_250, 0},
		{modbus.ProbeConfig{Address: 3, Register: 9, Decode: modbus.PT100Tenth}, 0, hardware.Exception},
		{modbus.ProbeConfig{Address: 9, Register: 1, Decode: modbus.PT100Tenth}, 0, hardware.Timeout},
		{modbus.ProbeConfig{Address: 3, Register: 1, Decode: modbus.PT100Tenth}, 5_500, 0},
	} {
		p, err := bus.Probe(tt.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if s := p.Read(t.Context()); s.Fault != tt.bad || s.Temp != tt.want {
			t.Errorf("%+v: %+v, want %v, %v", tt.cfg, s, tt.want, tt.bad)
		}
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("ServeModbus = %v, want the line's error", err)
	}
}

func TestServeModbus_Cancel(t *testing.T) {
	tty := openPTY(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := start(func() error { return sim.ServeModbus(ctx, tty) })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ServeModbus = %v, want canceled", err)
	}
}

// TestServeModbus_Wire compares with frames worked out by hand from the standard.
func TestServeModbus_Wire(t *testing.T) {
	tty := openPTY(t)
	port := openPort(t, tty)
	done := start(func() error {
		return sim.ServeModbus(t.Context(), tty, sim.ModbusProbe{
			Address: 1, Register: 1, Temperature: func() hardware.Temperature { return 30_500 },
		})
	})
	// Noise, then the request of the XY-MD02 manual and its answer.
	if _, err := port.Write([]byte("\xFF\x00\x01\x04\x00\x01\x00\x01\x60\x0A")); err != nil {
		t.Fatal(err)
	}
	want := "\x01\x04\x02\x01\x31\x79\x74"
	got := make([]byte, len(want))
	if err := port.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(port, got); err != nil || string(got) != want {
		t.Errorf("answer % x, %v, want % x", got, err, want)
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
}
