package output_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/output"
)

// tree makes a folder of attributes and returns it.
func tree(t *testing.T, attributes map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(attributes[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// contents reads the tree back: a regular file is truncated by nobody, as an attribute is, so "1" over "255" is "155"; the
// tests give files of one character where that matters.
func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		got[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wantFault checks the fault of err, that the text says where, and that the monitor knows.
func wantFault(t *testing.T, err error, m *hardware.Monitor, where string, want hardware.Fault) {
	t.Helper()
	if got := hardware.FaultOf(err); got != want {
		t.Errorf("fault %v, want %v: %v", got, want, err)
	}
	state, told := hardware.StateLive, hardware.None
	if want != hardware.None {
		state, told = hardware.StateDown, hardware.SwitchFailed
		if e, ok := errors.AsType[*output.Error](err); !ok || !strings.Contains(err.Error(), where) || e.Unwrap() == nil {
			t.Errorf("error %q does not say where", err)
		}
	}
	if c := m.Condition(); c.State != state || c.Fault != told {
		t.Errorf("condition %+v, want %v, %v", c, state, told)
	}
}

func TestLED_Set(t *testing.T) {
	led := map[string]string{"a/brightness": "0", "a/max_brightness": "1", "a/trigger": "[none] timer heartbeat"}
	with := func(name, text string) map[string]string {
		m := maps.Clone(led)
		if m[name] = text; text == "-" {
			delete(m, name)
		}
		return m
	}
	tests := []struct {
		name string
		tree map[string]string
		on   bool
		want hardware.Fault
		then string // brightness
	}{
		{"on", led, true, hardware.None, "1"},
		{"off", with("a/brightness", "1"), false, hardware.None, "0"},
		{"brightest", with("a/max_brightness", "255\n"), true, hardware.None, "255"},
		{"no triggers", with("a/trigger", "-"), true, hardware.None, "1"},
		{"so many triggers that they fill a page", with("a/trigger", strings.Repeat("x ", 4096)), true, hardware.None, "1"},
		{"trigger stays", with("a/trigger", "none [timer]"), true, hardware.SwitchFailed, "0"},
		{"no such light", map[string]string{"b/brightness": "0"}, true, hardware.NotFound, ""},
		{"no brightness", with("a/brightness", "-"), true, hardware.NotFound, ""},
		{"no brightest", with("a/max_brightness", "-"), true, hardware.NotFound, "0"},
		{"brightest 0", with("a/max_brightness", "0"), true, hardware.SwitchFailed, "0"},
		{"brightest far too much", with("a/max_brightness", "99999999"), true, hardware.SwitchFailed, "0"},
		{"brightest is text", with("a/max_brightness", "max"), true, hardware.FieldSyntax, "0"},
		{"brightest is empty", with("a/max_brightness", ""), true, hardware.FieldSyntax, "0"},
		{"does not obey", with("a/brightness", "07"), false, hardware.SwitchFailed, "07"}, // "0" over "07" stays 7
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t, tt.tree)
			m := hardware.NewMonitor("alarm", time.Now, nil)
			l, err := output.NewLED(output.LEDConfig{Root: root, Name: "a", Monitor: m})
			if err != nil {
				t.Fatal(err)
			}
			wantFault(t, l.Set(t.Context(), tt.on), m, filepath.Join(root, "a"), tt.want)
			if got := contents(t, root)["a/brightness"]; got != tt.then {
				t.Errorf("brightness %q, want %q", got, tt.then)
			}
		})
	}
}

func TestGPIO_Set(t *testing.T) {
	tests := []struct {
		name      string
		tree      map[string]string
		activeLow bool
		on        bool
		want      hardware.Fault
		then      string
	}{
		{"on", map[string]string{"value": "0\n", "direction": "out\n"}, false, true, hardware.None, "1\n"},
		{"off", map[string]string{"value": "1\n", "direction": "out\n"}, false, false, hardware.None, "0\n"},
		{"on, active low", map[string]string{"value": "1\n"}, true, true, hardware.None, "0\n"},
		{"off, active low", map[string]string{"value": "0\n"}, true, false, hardware.None, "1\n"},
		{"an input", map[string]string{"value": "0\n", "direction": "in\n"}, false, true, hardware.SwitchFailed, "0\n"},
		{"not exported", nil, false, true, hardware.NotFound, ""},
		{"a folder", map[string]string{"value/x": ""}, false, true, hardware.Unsupported, ""},
		{"does not obey", map[string]string{"value": "00"}, false, true, hardware.SwitchFailed, "10"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t, tt.tree)
			m := hardware.NewMonitor("alarm", time.Now, nil)
			g, err := output.NewGPIO(output.GPIOConfig{Path: filepath.Join(root, "value"), ActiveLow: tt.activeLow, Monitor: m})
			if err != nil {
				t.Fatal(err)
			}
			wantFault(t, g.Set(t.Context(), tt.on), m, root, tt.want)
			if got := contents(t, root)["value"]; got != tt.then {
				t.Errorf("value %q, want %q", got, tt.then)
			}
		})
	}
}

func TestRFKill_Set(t *testing.T) {
	radios := map[string]string{
		"rfkill0/name": "phy0\n", "rfkill0/type": "wlan\n", "rfkill0/soft": "0\n", "rfkill0/hard": "0\n",
		"rfkill1/name": "modem\n", "rfkill1/type": "wwan\n", "rfkill1/soft": "0\n", "rfkill1/hard": "0\n",
		"rfkill2/name": "stick\n", "rfkill2/type": "wwan\n", "rfkill2/soft": "1\n", "rfkill2/hard": "0\n",
	}
	with := func(name, text string) map[string]string {
		m := maps.Clone(radios)
		if m[name] = text; text == "-" {
			delete(m, name)
		}
		return m
	}
	tests := []struct {
		name string
		tree map[string]string
		spec string
		on   bool
		want hardware.Fault
		soft string // of the three
	}{
		{"by number, off", radios, "rfkill0", false, hardware.None, "101"},
		{"by number, on", radios, "rfkill2", true, hardware.None, "000"},
		{"by name", radios, "modem", false, hardware.None, "011"},
		{"by type, all of it", radios, "wwan", false, hardware.None, "011"},
		{"by type, on", radios, "wwan", true, hardware.None, "000"},
		{"none", radios, "bluetooth", false, hardware.NotFound, "001"},
		{"no rfkill in the kernel", nil, "wwan", false, hardware.NotFound, ""},
		{"a switch on the device", with("rfkill2/hard", "1\n"), "wwan", true, hardware.SwitchFailed, "000"},
		{"a switch on the device, off", with("rfkill2/hard", "1\n"), "wwan", false, hardware.None, "011"},
		{"one fails, the other is switched", with("rfkill1/soft", "-"), "wwan", true, hardware.NotFound, "00"},
		{"does not obey", with("rfkill1/soft", "00\n"), "modem", false, hardware.SwitchFailed, "0101"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t, tt.tree)
			m := hardware.NewMonitor("radio", time.Now, nil)
			r, err := output.NewRFKill(output.RFKillConfig{Root: root, Name: tt.spec, Monitor: m})
			if err != nil {
				t.Fatal(err)
			}
			wantFault(t, r.Set(t.Context(), tt.on), m, root, tt.want)
			got, soft := contents(t, root), ""
			for _, name := range []string{"rfkill0/soft", "rfkill1/soft", "rfkill2/soft"} {
				soft += strings.TrimSpace(got[name])
			}
			if soft != tt.soft {
				t.Errorf("soft %s, want %s", soft, tt.soft)
			}
		})
	}
}

func TestNew_config(t *testing.T) {
	_, led := output.NewLED(output.LEDConfig{Name: "../x"})
	_, gpio := output.NewGPIO(output.GPIOConfig{Path: "value"})
	_, rfkill := output.NewRFKill(output.RFKillConfig{})
	for name, err := range map[string]error{"led": led, "gpio": gpio, "rfkill": rfkill} {
		if err == nil {
			t.Errorf("%s: no error for a bad configuration", name)
		}
	}
	for _, argv := range [][]string{
		nil, {""}, {"/bin/x"}, {"{state}", "{state}"}, {"/bin/x", "{state}\x00"}, {"/bin/x", "{state}" + strings.Repeat("x", 2000)},
		append(make([]string, 40), "{state}"),
	} {
		if _, err := output.NewCommand(output.CommandConfig{Argv: argv}); err == nil {
			t.Errorf("NewCommand(%.40q) has no error", argv)
		}
	}
}

// TestSwitch_Set_canceled: the end of ctx is no fault of the device.
func TestSwitch_Set_canceled(t *testing.T) {
	root := tree(t, map[string]string{"a/brightness": "0", "value": "0", "soft": "0"})
	m := hardware.NewMonitor("x", time.Now, func(c hardware.Condition) { t.Errorf("the monitor was told %+v", c) })
	led, err1 := output.NewLED(output.LEDConfig{Root: root, Name: "a", Monitor: m})
	gpio, err2 := output.NewGPIO(output.GPIOConfig{Path: filepath.Join(root, "value"), Monitor: m})
	rfkill, err3 := output.NewRFKill(output.RFKillConfig{Name: root, Monitor: m})
	command, err4 := output.NewCommand(output.CommandConfig{Argv: []string{"/bin/true", "{state}"}, Monitor: m})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range []hardware.Switch{led, gpio, rfkill, command} {
		if err := s.Set(ctx, true); hardware.FaultOf(err) != hardware.Canceled || !errors.Is(err, context.Canceled) {
			t.Errorf("%v: Set = %v, want canceled", s.Info(), err)
		}
	}
	if got := contents(t, root); got["value"] != "0" || got["soft"] != "0" || got["a/brightness"] != "0" {
		t.Errorf("something was switched: %v", got)
	}
}
