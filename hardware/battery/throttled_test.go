package battery

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isotherm/hardware"
)

// fixed is a gauge that always says the same.
type fixed hardware.Battery

func (f fixed) Info() hardware.ProbeInfo                              { return hardware.ProbeInfo{Model: "fixed"} }
func (f fixed) Read(context.Context) (b hardware.Battery)             { return hardware.Battery(f) }
func withFault(b hardware.Battery, f hardware.Fault) hardware.Battery { b.Fault = f; return b }

// write makes the file of a warning.
func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestThrottled_Read(t *testing.T) {
	good := hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging}
	tests := []struct {
		name  string
		gauge hardware.Battery
		text  []string // the file's, one reading each
		want  []hardware.Battery
	}{
		{"all well", good, []string{"0"}, []hardware.Battery{good}},
		{"undervoltage now", good, []string{"50005", "50000", "50000"},
			[]hardware.Battery{withFault(good, hardware.Undervoltage), good, good}},
		{"undervoltage between two looks", good, []string{"0", "50000", "50000", "0", "0x10000"},
			[]hardware.Battery{good, withFault(good, hardware.Undervoltage), good, good, withFault(good, hardware.Undervoltage)}},
		{"throttled for its heat", good, []string{"e0008"}, []hardware.Battery{good}},
		{"as the firmware's command says it", good, []string{"throttled=0x50005"}, []hardware.Battery{withFault(good, hardware.Undervoltage)}},
		{"undervoltage and low", withFault(good, hardware.BatteryLow), []string{"1", "0"},
			[]hardware.Battery{withFault(good, hardware.Undervoltage), withFault(good, hardware.BatteryLow)}},
		{"undervoltage and USB drop", nothing(hardware.Unplugged), []string{"50005", "50000"},
			[]hardware.Battery{nothing(hardware.Undervoltage), nothing(hardware.Unplugged)}},
		{"gauge 256 %, 0 V; undervoltage", nothing(hardware.GaugeGlitch), []string{"1"}, []hardware.Battery{nothing(hardware.Undervoltage)}},
		{"the warning is text", good, []string{"yes", "", "fffffffff", "-1"}, []hardware.Battery{good, good, good, good}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "get_throttled")
			tt.gauge.At = t0()
			if tt.gauge.Fault != hardware.None {
				tt.gauge.Detail = "what the gauge says"
			}
			g, err := NewThrottled(ThrottledConfig{Gauge: fixed(tt.gauge), Path: path})
			if err != nil {
				t.Fatal(err)
			}
			for i, text := range tt.text {
				write(t, path, text)
				got := g.Read(t.Context())
				wantBattery(t, got, tt.want[i])
				if tt.gauge.Fault != hardware.None && !strings.Contains(got.Detail, tt.gauge.Detail) {
					t.Errorf("detail %q does not say %q", got.Detail, tt.gauge.Detail)
				}
			}
		})
	}
}

func TestThrottled_Read_alone(t *testing.T) {
	root := t.TempDir()
	m := hardware.NewMonitor("supply", t0, nil)
	g, err := NewThrottled(ThrottledConfig{Root: root, Monitor: m})
	if err != nil {
		t.Fatal(err)
	}
	wantBattery(t, g.Read(t.Context()), nothing(hardware.NotFound))
	if c := m.Condition(); c.State != hardware.StateDown || c.Fault != hardware.NotFound {
		t.Errorf("condition %+v, want down, not found", c)
	}
	write(t, filepath.Join(root, "hwmon0", "name"), "cpu_thermal")
	write(t, filepath.Join(root, "hwmon1", "name"), "rpi_volt")
	for text, want := range map[string]hardware.Fault{"1": hardware.Undervoltage, "0": hardware.None, "?": hardware.FieldSyntax} {
		write(t, filepath.Join(root, "hwmon1", chipAlarm), text)
		wantBattery(t, g.Read(t.Context()), nothing(want))
	}
	if _, err := NewThrottled(ThrottledConfig{Path: "get_throttled"}); err == nil {
		t.Error("a relative path has no error")
	}
}

// FuzzParseThrottled: what is taken is hexadecimal digits and nothing else.
func FuzzParseThrottled(f *testing.F) {
	for _, seed := range []string{"0", "50005", "0x50005", "throttled=0x50005", "1", "", "0x", "+1", "1_0", "ffffffff", "100000000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		bits, err := parseThrottled(text)
		if err == nil && text == "" || err != nil && bits != 0 {
			t.Errorf("parseThrottled(%q) = %x, %v", text, bits, err)
		}
	})
}

// t0 is some moment.
func t0() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
