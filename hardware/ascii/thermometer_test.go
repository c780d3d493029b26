package ascii

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sim"
)

func newTTY(t *testing.T) *sim.PTY {
	t.Helper()
	tty, err := sim.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() }) // tests unplug it themselves
	return tty
}

// serve runs a simulated device until the test ends.
func serve(t *testing.T, device func(ctx context.Context, line io.ReadWriteCloser) error, tty *sim.PTY) {
	t.Helper()
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // ends with ctx
		defer close(done)
		_ = device(ctx, tty) // the test notices when it is not there
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// newThermometer makes a thermometer and runs it until the test ends.
func newThermometer(t *testing.T, cfg Config, profile string) *Thermometer {
	t.Helper()
	var err error
	if cfg.Profile.Name == "" {
		if cfg.Profile, err = Preset(profile); err != nil {
			t.Fatal(err)
		}
	}
	th, err := NewThermometer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- th.Run(ctx) }() // ends with ctx
	t.Cleanup(func() {
		start := time.Now()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want canceled", err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("Run took %v to end, want under 100 ms", took)
		}
	})
	return th
}

// readUntil reads until the fault is the one that is wanted.
func readUntil(t *testing.T, th *Thermometer, want hardware.Fault) hardware.Sample {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.Now().Add(20 * time.Second)
	for {
		s := th.Read(t.Context())
		if s.Fault == want {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("still %+v, want %v", s, want)
		}
		<-ticker.C
	}
}

// TestThermometer_Simulated reads every simulated thermometer, asked or reporting, with a value, an open element and, where
// it has one, its state before the first measurement.
func TestThermometer_Simulated(t *testing.T) {
	tests := []struct {
		form          sim.TextForm
		profile       string
		temp          hardware.Temperature
		open, powerOn hardware.Fault
	}{
		{sim.TextEZO, "ezo-rtd", -4_125, hardware.Disconnected, hardware.PowerOnValue},
		{sim.TextADAM, "adam", -4_120, hardware.Disconnected, hardware.Shorted},
		{sim.TextPCsensor, "temperx232", -4_120, hardware.ConversionFailed, hardware.None},
		{sim.TextPapouch, "papouch-tm", -4_100, hardware.Disconnected, hardware.None},
		{sim.TextTSM125, "tsm125", -4_100, hardware.DeviceError, hardware.DeviceError},
		{sim.TextArduino, "arduino", -4_120, hardware.Disconnected, hardware.PowerOnValue},
		{sim.TextXDR, "xdr", -4_120, hardware.Disconnected, hardware.PowerOnValue},
	}
	for _, tt := range tests {
		for name, want := range map[string]hardware.Fault{"value": hardware.None, "open": tt.open, "power on": tt.powerOn} {
			if name == "power on" && want == hardware.None {
				continue
			}
			t.Run(string(tt.form)+" "+name, func(t *testing.T) {
				t.Parallel()
				tty := newTTY(t)
				begin := time.Now()
				device := sim.TextThermometer{
					Form: tt.form, Period: 50 * time.Millisecond,
					Temperature: func() hardware.Temperature { return tt.temp },
					Clock:       func() time.Duration { return time.Since(begin) },
					Open:        func() bool { return name == "open" },
					PowerOn:     func() bool { return name == "power on" },
				}
				if p, _ := Preset(tt.profile); p.Ask != "" {
					device.Period = 0
				}
				serve(t, device.Serve, tty)
				th := newThermometer(t, Config{Path: tty.Path(), Timeout: 150 * time.Millisecond}, tt.profile)
				s := readUntil(t, th, want)
				if temp, ok := s.Value(); ok && (temp < tt.temp-5 || temp > tt.temp+5) {
					t.Errorf("read %v, want %v", temp, tt.temp)
				}
				if s.Raw == "" || s.At.IsZero() || (s.Detail == "") != (want == hardware.None) {
					t.Errorf("sample %+v, want raw text, a time, and a detail with a fault", s)
				}
			})
		}
	}
}

// TestThermometer_Listening sends what a line carries besides reports: each alone must change nothing or give its fault.
func TestThermometer_Listening(t *testing.T) {
	tty := newTTY(t)
	var states []hardware.State
	listen := make(chan hardware.State, 64)
	monitor := hardware.NewMonitor("probe", time.Now, func(c hardware.Condition) { listen <- c.State })
	th := newThermometer(t, Config{Path: tty.Path(), Monitor: monitor}, "papouch-tm")
	if s := th.Read(t.Context()); s.Fault == hardware.None {
		t.Errorf("before any report: %+v, want a fault", s)
	}
	write := func(text string) {
		t.Helper()
		if _, err := tty.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for st := range listen { // the port is open
		states = append(states, st)
		if st == hardware.StateOpening {
			break
		}
	}
	write("+099.9C\r+025.3C\r") // the first may be half a line, so it is dropped
	if s := readUntil(t, th, hardware.None); s.Temp != 25_300 {
		t.Errorf("read %v, want 25.3 °C", s.Temp)
	}
	write("raspberrypi login: \r\n+02\r\x00\xff\r" + string(make([]byte, 500)) + "\r+025.3C+025.3C\r+025,3C\r")
	write("+ERR\r")
	if s := readUntil(t, th, hardware.Disconnected); s.Raw != `"+ERR"` {
		t.Errorf("raw %s, want \"+ERR\"", s.Raw)
	}
	write("-001.5C\r\n")
	if s := readUntil(t, th, hardware.None); s.Temp != -1_500 {
		t.Errorf("read %v, want -1.5 °C", s.Temp)
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	for st := range listen {
		states = append(states, st)
		if st == hardware.StateDown {
			break
		}
	}
	want := []hardware.State{hardware.StateOpening, hardware.StateLive, hardware.StateDown}
	if len(states) != 3 || states[0] != want[0] || states[1] != want[1] || states[2] != want[2] {
		t.Errorf("states %v, want %v", states, want)
	}
}

// TestThermometer_Stale lets the box's clock pass without a report.
func TestThermometer_Stale(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	profile, err := Preset("papouch-tm")
	if err != nil {
		t.Fatal(err)
	}
	th, err := NewThermometer(Config{Path: "/dev/none", Profile: profile, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	th.take(th.parser.Parse([]byte("+005.5C")), []byte("+005.5C"))
	at := now
	for _, tt := range []struct {
		name  string
		after time.Duration
		want  hardware.Fault
	}{
		{"at once", 0, hardware.None},
		{"after three periods", 30 * time.Second, hardware.None},
		{"after four periods", 40 * time.Second, hardware.Stale},
		{"clock set back", -time.Second, hardware.Stale},
	} {
		now = at.Add(tt.after)
		s := th.Read(t.Context())
		if s.Fault != tt.want || s.Fault == hardware.None && (s.Temp != 5_500 || !s.At.Equal(at)) || s.Fault != hardware.None && s.Temp != 0 {
			t.Errorf("%s: %+v, want %v", tt.name, s, tt.want)
		}
	}
	now = at.Add(time.Minute)
	th.take(Verdict{Fault: hardware.Truncated}, []byte("+00"))
	if s := th.Read(t.Context()); s.Fault != hardware.Truncated || s.Raw != `"+00"` {
		t.Errorf("with broken lines only: %+v, want truncated", s)
	}
}

// TestThermometer_Silent asks a device that is not there.
func TestThermometer_Silent(t *testing.T) {
	tty := newTTY(t)
	monitor := hardware.NewMonitor("probe", time.Now, nil)
	th := newThermometer(t, Config{Path: tty.Path(), Monitor: monitor, Timeout: 20 * time.Millisecond}, "adam")
	for range silentAfter {
		if s := th.Read(t.Context()); s.Fault != hardware.Timeout || s.Temp != 0 || s.Detail == "" {
			t.Errorf("silent device: %+v, want timeout", s)
		}
	}
	if c := monitor.Condition(); c.State != hardware.StateSilent || c.Fault != hardware.Timeout {
		t.Errorf("condition %+v, want silent", c)
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	readUntil(t, th, hardware.NotFound)
	if c := monitor.Condition(); c.State != hardware.StateDown {
		t.Errorf("condition %+v, want down", c)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s := th.Read(ctx); s.Fault != hardware.Canceled {
		t.Errorf("cancelled: %+v", s)
	}
}

func TestNewThermometer_Refuses(t *testing.T) {
	good, err := Preset("arduino")
	if err != nil {
		t.Fatal(err)
	}
	broken := good
	broken.Pattern = "("
	for name, cfg := range map[string]Config{
		"no profile": {Path: "/dev/ttyUSB0"}, "no path": {Profile: good}, "bad spec": {Path: "usb:zz", Profile: good}, "bad pattern": {Path: "/dev/ttyUSB0", Profile: broken},
	} {
		if _, err := NewThermometer(cfg); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// TestThermometer_Read_sleep is a machine that sleeps for 10 minutes, with a clock that stands meanwhile, as time.Now's
// monotonic one does: a report from before is not new after it.
func TestThermometer_Read_sleep(t *testing.T) {
	profile, err := Preset("papouch-tm")
	if err != nil {
		t.Fatal(err)
	}
	now, asleep := time.Now(), time.Hour // it slept before, too
	th, err := NewThermometer(Config{Path: "/dev/none", Profile: profile, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	th.asleep = func() time.Duration { return asleep }
	report := func(line string) { th.take(th.parser.Parse([]byte(line)), []byte(line)) }
	report("+004.2C")
	now = now.Add(9 * time.Second)
	if s := th.Read(t.Context()); s.Fault != hardware.None || s.Temp != 4200 {
		t.Errorf("awake: %+v, want 4.2 °C", s)
	}
	asleep += 10 * time.Minute
	if s := th.Read(t.Context()); s.Fault != hardware.Stale || s.Temp != 0 {
		t.Errorf("after the sleep: %+v, want stale", s)
	}
	report("+004.3C")
	if s := th.Read(t.Context()); s.Fault != hardware.None || s.Temp != 4300 {
		t.Errorf("a report after it: %+v, want 4.3 °C", s)
	}
}
