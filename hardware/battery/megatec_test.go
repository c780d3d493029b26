package battery

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sim"
)

// upsTimeout is short, and long against what a pty needs.
const upsTimeout = 100 * time.Millisecond

// goodQ1 is the example of the protocol's description: mains, one cell at 2.05 V.
const goodQ1 = "(208.4 140.0 208.4 034 59.9 2.05 35.0 00001000"

func TestParseQ1(t *testing.T) {
	tests := []struct {
		name  string
		line  string
		want  status
		fault hardware.Fault
	}{
		{"per cell", "(208.4 140.0 208.4 034 59.9 2.05 35.0 00110000", status{2050, true, 0b00110000}, hardware.None},
		{"whole battery", "(221.0 221.0 221.0 000 50.0 27.4 25.0 11000001", status{27400, false, 0b11000001}, hardware.None},
		{"whole battery, two decimals", "(221.0 221.0 221.0 000 50.0 13.20 25.0 00000000", status{13200, false, 0}, hardware.None},
		{"large battery", "(221.0 221.0 221.0 000 50.0 218.5 25.0 00000000", status{218500, false, 0}, hardware.None},
		{"not measured", "(221.0 ---.- 221.0 --- 50.0 --.- --.- 10000000", status{noVolts, false, 0b10000000}, hardware.None},
		{"empty", "", status{}, hardware.Noise},
		{"no bracket", goodQ1[1:], status{}, hardware.Noise},
		{"login text", "raspberrypi login: ", status{}, hardware.Noise},
		{"echo", "Q1", status{}, hardware.Unsupported},
		{"refusal", "(NAK", status{}, hardware.Unsupported},
		{"refusal of another kind", "N", status{}, hardware.Unsupported},
		{"cut in a field", goodQ1[:20], status{}, hardware.Truncated},
		{"cut in the flags", goodQ1[:len(goodQ1)-3], status{}, hardware.Truncated},
		{"cut at the front", "(" + goodQ1[7:], status{}, hardware.Truncated},
		{"a field too many", goodQ1 + " 0", status{}, hardware.FieldCount},
		{"glued", goodQ1 + goodQ1[:15], status{}, hardware.FieldCount},
		{"glued, long", goodQ1 + goodQ1, status{}, hardware.TooLong},
		{"nine flags", goodQ1 + "0", status{}, hardware.FieldSyntax},
		{"a flag of 2", goodQ1[:len(goodQ1)-1] + "2", status{}, hardware.FieldSyntax},
		{"two spaces", strings.Replace(goodQ1, " ", "  ", 1), status{}, hardware.FieldCount},
		{"tab", strings.Replace(goodQ1, " ", "\t", 1), status{}, hardware.Truncated},
		{"comma", strings.Replace(goodQ1, "2.05", "2,05", 1), status{}, hardware.FieldSyntax},
		{"nan", strings.Replace(goodQ1, "2.05", "nan", 1), status{}, hardware.FieldSyntax},
		{"exponent", strings.Replace(goodQ1, "2.05", "2e0", 1), status{}, hardware.FieldSyntax},
		{"negative", strings.Replace(goodQ1, "2.05", "-2.05", 1), status{}, hardware.FieldSyntax},
		{"input of 999 V", strings.Replace(goodQ1, "208.4", "999.9", 1), status{}, hardware.FieldRange},
		{"temperature of 999 degrees", strings.Replace(goodQ1, "35.0", "999.9", 1), status{}, hardware.FieldRange},
		{"byte above ASCII", strings.Replace(goodQ1, "2.05", "2.\xB05", 1), status{}, hardware.FieldSyntax},
		{"0 V of a cell", strings.Replace(goodQ1, "2.05", "0.00", 1), status{}, hardware.GaugeGlitch},
		{"0 V of a battery", strings.Replace(goodQ1, "2.05", "00.0", 1), status{}, hardware.GaugeGlitch},
		{"cell of 9.99 V", strings.Replace(goodQ1, "2.05", "9.99", 1), status{}, hardware.GaugeGlitch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, fault, why := parseQ1([]byte(tt.line))
			if got != tt.want || fault != tt.fault || (why == "") != (fault == hardware.None) {
				t.Errorf("parseQ1(%q) = %+v, %v, %q, want %+v, %v", tt.line, got, fault, why, tt.want, tt.fault)
			}
		})
	}
}

// serveUPS answers each request with what answer returns for its number, from 1.
func serveUPS(t *testing.T, answer func(n int) string) *sim.PTY {
	t.Helper()
	tty, err := sim.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends when tty closes
		defer close(done)
		var buf [64]byte
		for n, have := 1, 0; ; {
			more, err := tty.Read(buf[have:])
			if err != nil {
				return
			}
			have += more
			if !bytes.HasSuffix(buf[:have], []byte("Q1\r")) {
				continue
			}
			if _, err := tty.Write([]byte(answer(n))); err != nil {
				return
			}
			n, have = n+1, 0
		}
	}()
	t.Cleanup(func() {
		_ = tty.Close() // tests unplug it themselves
		<-done
	})
	return tty
}

func newUPS(t *testing.T, cfg MegatecConfig) *Megatec {
	t.Helper()
	cfg.Timeout, cfg.Baud = upsTimeout, 19200 // a pty has no speed, and the pauses get short
	m, err := NewMegatec(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() }) // tests unplug it themselves
	return m
}

// readUntil asks until the fault is want: a loaded machine makes answers late. Each reading before is good, or nothing.
func readUntil(t *testing.T, m *Megatec, good hardware.Battery, want hardware.Fault) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond) // a port that is away answers at once
	defer tick.Stop()
	for end := time.Now().Add(30 * time.Second); ; <-tick.C {
		got := m.Read(t.Context())
		if got.Fault == good.Fault {
			wantBattery(t, got, good)
		} else {
			wantBattery(t, got, nothing(got.Fault))
		}
		if got.Fault == want || t.Failed() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, want fault %v", got, want)
		}
	}
}

// TestMegatec_Read_badInputs: what a line can bring, each as a case; after it the UPS is read again.
func TestMegatec_Read_badInputs(t *testing.T) {
	tests := []struct {
		name   string
		answer string
		want   hardware.Fault
	}{
		{"silence", "", hardware.Timeout},
		{"half a line", goodQ1[:30], hardware.Truncated},
		{"a line that does not end", goodQ1, hardware.Truncated},
		{"flood without an end", strings.Repeat("7", 3000), hardware.TooLong},
		{"all zero", string(make([]byte, 47)), hardware.Truncated},
		{"all 0xFF", strings.Repeat("\xFF", 47) + "\r", hardware.Noise},
		{"own echo", "Q1\r", hardware.Unsupported},
		{"echo before the answer", "Q1\r" + goodQ1 + "\r", hardware.Noise},
		{"login prompt", "raspberrypi login: \r", hardware.Noise},
		{"two answers", goodQ1 + "\r" + goodQ1 + "\r", hardware.Noise},
		{"0 V", strings.Replace(goodQ1, "2.05", "0.00", 1) + "\r", hardware.GaugeGlitch},
		{"another voltage than the answer after it", strings.Replace(goodQ1, "2.05", "1.70", 1) + "\r", hardware.GaugeGlitch},
		{"a flag flipped", goodQ1[:len(goodQ1)-8] + "01001000\r", hardware.GaugeGlitch},
		{"failed", strings.Replace(goodQ1, "00001000", "00011000", 1) + "\r", hardware.GaugeGlitch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var bad atomic.Bool
			tty := serveUPS(t, func(n int) string {
				if bad.Load() && n%2 == 1 { // one of the two that are asked for
					return tt.answer
				}
				return goodQ1 + "\r"
			})
			m := newUPS(t, MegatecConfig{Port: tty.Path(), Cells: 12})
			good := hardware.Battery{ChargePermille: noCharge, MilliVolts: 24_600, State: hardware.PowerCharging}
			readUntil(t, m, good, hardware.None)
			bad.Store(true)
			readUntil(t, m, good, tt.want)
			bad.Store(false)
			readUntil(t, m, good, hardware.None)
		})
	}
}

func TestMegatec_Read_values(t *testing.T) {
	line := func(volts, flags string) string {
		return "(208.4 140.0 208.4 034 59.9 " + volts + " 35.0 " + flags + "\r"
	}
	tests := []struct {
		name   string
		answer string
		cfg    MegatecConfig
		want   hardware.Battery
	}{
		{"cell, number unknown", line("2.05", "00001000"), MegatecConfig{},
			hardware.Battery{MilliVolts: noVolts, State: hardware.PowerCharging}},
		{"on battery", line("26.8", "10001001"), MegatecConfig{},
			hardware.Battery{MilliVolts: 26_800, State: hardware.PowerDischarging}},
		{"on battery and low", line("21.0", "11001001"), MegatecConfig{},
			hardware.Battery{MilliVolts: 21_000, State: hardware.PowerDischarging, Fault: hardware.BatteryLow}},
		{"about to switch off", line("26.8", "10001011"), MegatecConfig{},
			hardware.Battery{MilliVolts: 26_800, State: hardware.PowerDischarging, Fault: hardware.BatteryLow}},
		{"below our threshold", line("22.0", "10001001"), MegatecConfig{LowMilliVolt: 22_000},
			hardware.Battery{MilliVolts: 22_000, State: hardware.PowerDischarging, Fault: hardware.BatteryLow}},
		{"below our threshold on mains", line("22.0", "00001001"), MegatecConfig{LowMilliVolt: 22_000},
			hardware.Battery{MilliVolts: 22_000, State: hardware.PowerCharging}},
		{"self-test", line("26.0", "00001100"), MegatecConfig{},
			hardware.Battery{MilliVolts: 26_000, State: hardware.PowerUnknown}},
		{"ups failed", line("26.0", "00011000"), MegatecConfig{},
			hardware.Battery{MilliVolts: noVolts, State: hardware.PowerUnknown, Fault: hardware.DeviceError}},
		{"voltage not measured", line("--.-", "00001000"), MegatecConfig{},
			hardware.Battery{MilliVolts: noVolts, State: hardware.PowerCharging}},
		{"with line feeds", strings.Replace(line("26.8", "00001000"), "\r", "\r\n", 1), MegatecConfig{},
			hardware.Battery{MilliVolts: 26_800, State: hardware.PowerCharging}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.cfg.Port = serveUPS(t, func(int) string { return tt.answer }).Path()
			tt.want.ChargePermille = noCharge
			readUntil(t, newUPS(t, tt.cfg), tt.want, tt.want.Fault)
		})
	}
}

// TestMegatec_Read_late: the UPS does not answer one request, and answers it together with the next; no reading is the old
// one.
func TestMegatec_Read_late(t *testing.T) {
	var late atomic.Bool
	tty := serveUPS(t, func(n int) string {
		switch {
		case late.Load() && n%2 == 1:
			return ""
		case late.Load():
			return strings.Replace(goodQ1, "2.05", "2.30", 1) + "\r" + goodQ1 + "\r"
		}
		return goodQ1 + "\r"
	})
	m := newUPS(t, MegatecConfig{Port: tty.Path(), Cells: 1})
	good := hardware.Battery{ChargePermille: noCharge, MilliVolts: 2050, State: hardware.PowerCharging}
	readUntil(t, m, good, hardware.None)
	late.Store(true)
	readUntil(t, m, good, hardware.Timeout)
	readUntil(t, m, good, hardware.Noise)
	late.Store(false)
	readUntil(t, m, good, hardware.None)
}

func TestMegatec_Read_unplug(t *testing.T) {
	link := filepath.Join(t.TempDir(), "ups")
	plug := func() *sim.PTY {
		tty := serveUPS(t, func(int) string { return goodQ1 + "\r" })
		_ = os.Remove(link)
		if err := os.Symlink(tty.Path(), link); err != nil {
			t.Fatal(err)
		}
		return tty
	}
	tty := plug()
	mon := hardware.NewMonitor("battery", time.Now, nil)
	m := newUPS(t, MegatecConfig{Port: link, Cells: 12, Monitor: mon})
	good := hardware.Battery{ChargePermille: noCharge, MilliVolts: 24_600, State: hardware.PowerCharging}
	readUntil(t, m, good, hardware.None)
	if c := mon.Condition(); c.State != hardware.StateLive {
		t.Errorf("condition %+v, want live", c)
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	if got := m.Read(t.Context()); got.Fault != hardware.Unplugged && got.Fault != hardware.NotFound || mon.Condition().State != hardware.StateDown {
		t.Errorf("unplugged: Read = %+v, condition %+v, want unplugged and down", got, mon.Condition())
	}
	plug()
	readUntil(t, m, good, hardware.None)
	if c := mon.Condition(); c.State != hardware.StateLive {
		t.Errorf("plugged in again: condition %+v, want live", c)
	}
}

func TestMegatec_Read_ends(t *testing.T) {
	tty := serveUPS(t, func(int) string { return "" })
	m, err := NewMegatec(MegatecConfig{Port: tty.Path(), Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantBattery(t, m.Read(ctx), nothing(hardware.Canceled))
	done := make(chan hardware.Battery)
	go func() { done <- m.Read(context.Background()) }() // ends with Close
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	select {
	case got := <-done:
		wantBattery(t, got, nothing(hardware.Closed))
	case <-time.After(10 * time.Second):
		t.Error("Close does not end a Read")
	}
}

func TestNewMegatec_config(t *testing.T) {
	for _, cfg := range []MegatecConfig{{}, {Port: "/dev/ttyUSB0", Cells: -1}, {Port: "usb:zz"}} {
		if _, err := NewMegatec(cfg); err == nil {
			t.Errorf("NewMegatec(%+v) has no error", cfg)
		}
	}
}

// FuzzParseQ1: any bytes give a status that means something, or a fault and none; what is taken and written again is
// taken as the same.
func FuzzParseQ1(f *testing.F) {
	for _, seed := range []string{
		goodQ1, "(221.0 ---.- 221.0 --- 50.0 --.- --.- 10000000", "Q1", "(NAK", "#220.0 003 012.0 50.0",
		"(208.4 140.0 208.4 034 59.9 13.20 35.0 00110000", "(0 0 0 0 0 00000 0 0", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		s, fault, why := parseQ1(line)
		if fault != hardware.None {
			if s != (status{}) || why == "" {
				t.Fatalf("fault %v with %+v, %q", fault, s, why)
			}
			return
		}
		if s.milliVolts != noVolts && (s.milliVolts < cellMin || s.milliVolts > 1_000_000) {
			t.Fatalf("%d mV from %q", s.milliVolts, line)
		}
		volts := "--.-"
		if s.milliVolts != noVolts {
			volts = fmt.Sprintf("%03d.%02d", s.milliVolts/1000, s.milliVolts/10%100)
			if s.perCell {
				volts = volts[2:]
			}
		}
		again, fault, why := parseQ1(fmt.Appendf(nil, "(0 0 0 0 0 %s 0 %08b", volts, s.flags))
		if fault != hardware.None || again != s {
			t.Fatalf("%q is %+v, and written again %+v, %v, %s", line, s, again, fault, why)
		}
	})
}
