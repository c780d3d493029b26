package sim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sim"
)

// TestTextThermometer_Wire asks each thermometer, or lets it report, and compares with lines written by hand.
func TestTextThermometer_Wire(t *testing.T) {
	tests := []struct {
		form          sim.TextForm
		ask           string
		temp          hardware.Temperature
		want          string
		open, powerOn string
	}{
		{sim.TextEZO, "R\r", 25_104, "25.104\r*OK\r", "-1023.000\r*OK\r", "*RS\r*RE\r*OK\r"},
		{sim.TextEZO, "R\r", -50, "-0.050\r*OK\r", "-1023.000\r*OK\r", "*RS\r*RE\r*OK\r"},
		{sim.TextPapouch, "", 25_349, "+025.3C\r", "+ERR\r", "+025.3C\r"},
		{sim.TextPapouch, "", -4_050, "-004.1C\r", "+ERR\r", "-004.1C\r"},
		{sim.TextOmega, "*X01\r", 25_300, "X01025.3C\r", "?46\r", "?50\r"},
		{sim.TextOmega, "*X01\r", -5_000, "X01-005.0C\r", "?46\r", "?50\r"},
		{sim.TextADAM, "#01\r", 25_120, ">+025.12\r", ">+9999\r", ">-0000\r"},
		{sim.TextTSM125, "", 1_500, "  1.5\r\n", "Err.1\r\n", "Err.3\r\n"},
		{sim.TextPCsensor, "ReadTemp\r\n", 25_500, "Temp-Inner:25.50 [C],45.00 [%RH]<\r\n", "Temp-Inner:nan [C],nan [%RH]<\r\n", "Temp-Inner:25.50 [C],45.00 [%RH]<\r\n"},
		{sim.TextArduino, "", 4_200, "T:4.20,C*19\r\n", "T:-127.00,C*36\r\n", "T:85.00,C*22\r\n"},
		{sim.TextXDR, "", 4_200, "$YXXDR,C,4.20,C,TEMP*5B\r\n", "$YXXDR,C,,C,TEMP*43\r\n", "$YXXDR,C,85.00,C,TEMP*60\r\n"},
	}
	for _, tt := range tests {
		t.Run(string(tt.form)+tt.temp.String(), func(t *testing.T) {
			var h hand
			script := sim.Script{{Kind: sim.Open, At: time.Hour, For: time.Hour}, {Kind: sim.PowerOn, At: 2 * time.Hour}}
			d := sim.TextThermometer{Form: tt.form, Period: 10 * time.Second, Temperature: func() hardware.Temperature { return tt.temp },
				Clock: h.clock, PowerOn: script.During(sim.PowerOn, h.clock), Open: script.During(sim.Open, h.clock)}
			tty := openPTY(t)
			port := openPort(t, tty)
			done := start(func() error { return d.Serve(t.Context(), tty) })
			// The banner ends when nothing more comes; time stands still, so there is no report.
			_ = readSome(t, port, 1<<10, 50*time.Millisecond)
			if tt.form == sim.TextEZO {
				if got, want := ask(t, port, "C,0\r", 4, 10*time.Second), "*OK\r"; got != want {
					t.Errorf("own reports off: %q, want %q", got, want)
				}
			}
			for i, want := range []string{tt.want, tt.open, tt.powerOn} {
				h.moveTo(time.Duration(i)*time.Hour + 10*time.Second) // one report, not those of an hour
				got := ask(t, port, tt.ask, len(want), 10*time.Second)
				if got != want {
					t.Errorf("%d: %q, want %q", i, got, want)
				}
			}
			if err := tty.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err == nil {
				t.Error("Serve ended without an error")
			}
		})
	}
}

func TestTextThermometer_Requests(t *testing.T) {
	tests := []struct {
		form      sim.TextForm
		ask, want string
	}{
		{sim.TextEZO, "\r\nS,?\r", "?S,c\r*OK\r"},
		{sim.TextEZO, "X\r", "*ER\r"},
		{sim.TextEZO, strings.Repeat("x", 1000) + "\rR\r", "*ER\r4.200\r*OK\r"},
		{sim.TextOmega, "*X02\r", "?43\r"},
		{sim.TextADAM, "#02\r", "?01\r"},
		{sim.TextPCsensor, "Hello\r\n", "unknow!\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.ask[:2]+string(tt.form), func(t *testing.T) {
			tty := openPTY(t)
			port := openPort(t, tty)
			d := sim.TextThermometer{Form: tt.form, Temperature: degrees, Clock: new(hand).clock}
			done := start(func() error { return d.Serve(t.Context(), tty) })
			_ = readSome(t, port, 1<<10, 50*time.Millisecond)
			if got := ask(t, port, tt.ask, len(tt.want), 10*time.Second); !strings.HasSuffix(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
			_ = tty.Close() // ends the device
			<-done
		})
	}
}

func TestTextThermometer_Ends(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tty := openPTY(t)
	d := sim.TextThermometer{Form: sim.TextArduino, Temperature: degrees, Clock: new(hand).clock}
	done := start(func() error { return d.Serve(ctx, tty) })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Serve = %v, want canceled", err)
	}
	if err := (sim.TextThermometer{Form: "kettle"}).Serve(t.Context(), tty); err == nil {
		t.Error("a kettle was accepted")
	}
}

func TestMegatec_Wire(t *testing.T) {
	var h hand
	script := sim.Script{{Kind: sim.PowerOn, At: 3 * time.Second}}
	volts := []uint32{13_250, 12_100, 10_999, 12_000}
	m := sim.Megatec{
		MilliVolts: func() uint32 { return volts[h.clock()/time.Second] },
		OnBattery:  func() bool { return h.clock() > 0 },
		PowerOn:    script.During(sim.PowerOn, h.clock),
	}
	tty := openPTY(t)
	port := openPort(t, tty)
	done := start(func() error { return m.Serve(t.Context(), tty) })
	for i, want := range []string{
		"(230.0 230.0 230.0 012 50.0 13.2 25.0 00000000\r", "(000.0 000.0 230.0 012 00.0 12.1 25.0 10000000\r",
		"(000.0 000.0 230.0 012 00.0 10.9 25.0 11000000\r", "(000.0 000.0 000.0 000 00.0 00.0 00.0 00000000\r",
	} {
		h.second(i)
		if got := ask(t, port, "Q1\r", len(want), 10*time.Second); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for request, want := range map[string]string{"F\r": "#220.0 003 012.0 50.0\r", "XYZ\r": "XYZ\r"} {
		if got := ask(t, port, request, len(want), 10*time.Second); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	_ = tty.Close() // ends the device
	if err := <-done; err == nil {
		t.Error("Serve ended without an error")
	}
}

// TestHandlingBoard_Wire opens the lid between two reports and strikes the box: both are told at once.
func TestHandlingBoard_Wire(t *testing.T) {
	var h hand
	script := sim.Script{{Kind: sim.PowerOn, At: 4 * time.Second}}
	board := sim.HandlingBoard{
		Clock: h.clock, PowerOn: script.During(sim.PowerOn, h.clock),
		Handled: []sim.Handled{
			{From: 1500 * time.Millisecond, To: 2 * time.Second, Lid: true},
			{From: 2250 * time.Millisecond, Blow: 3_250},
		},
	}
	tty := openPTY(t)
	port := openPort(t, tty)
	ctx, cancel := context.WithCancel(t.Context())
	done := start(func() error { return board.Run(ctx, tty) })
	for _, tt := range []struct {
		at   time.Duration // ms
		want string
	}{
		{0, "$WIXDR,S,0,,LID,G,2,L,LIGHT,G,0.000,G,SHOCK"},
		{1000, "$WIXDR,S,0,,LID,G,2,L,LIGHT,G,0.000,G,SHOCK"},
		{1500, "$WIXDR,S,1,,LID,G,320,L,LIGHT,G,0.000,G,SHOCK"},
		{2000, "$WIXDR,S,0,,LID,G,2,L,LIGHT,G,0.000,G,SHOCK"},
		{2250, "$WIXDR,S,0,,LID,G,2,L,LIGHT,G,3.250,G,SHOCK"},
		{3000, "$WIXDR,S,0,,LID,G,2,L,LIGHT,G,0.000,G,SHOCK"},
		{4000, "$WIXDR,S,,,LID,G,,L,LIGHT,G,,G,SHOCK"},
	} {
		h.moveTo(tt.at * time.Millisecond)
		got := readSome(t, port, len(tt.want)+5, 10*time.Second)
		if body, sum, ok := strings.Cut(got, "*"); body != tt.want || !ok || len(sum) != 4 {
			t.Errorf("at %d ms: %q, want %q", tt.at, got, tt.want)
		}
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("Run ended without an error")
	}
}
