package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isotherm/cmd/internal/simulate"
	"isotherm/hardware/serial"
	"isotherm/hardware/sim"
)

// shortPlan has a fault that is over soon.
const shortPlan = `
[[text]]
name = "thermometer"
node = "ttyUSB0"
form = "adam"
celsius = 4.2
fault = [{kind = "unplug", at = "1s", for = "1s", as = "ttyUSB1"}]
`

// runSim runs isotherm sim until stop is called, which returns its exit code.
func runSim(t *testing.T, args ...string) (out *bufio.Scanner, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	var errs bytes.Buffer
	code := make(chan int, 1)
	go func() { // ends with ctx
		code <- run(ctx, append([]string{"isotherm", "sim"}, args...), nil, writer, &errs)
		_ = writer.Close()
	}()
	stop = func() int {
		cancel()
		_, _ = io.Copy(io.Discard, reader) // what it still has to say
		c := <-code
		code <- c
		if errs.Len() > 0 {
			t.Logf("isotherm sim: %s", errs.String())
		}
		return c
	}
	t.Cleanup(func() { stop() })
	return bufio.NewScanner(reader), stop
}

// TestSim_Run lives through a plan: the device answers under its path, goes, and comes back under another name.
func TestSim_Run(t *testing.T) {
	dir := t.TempDir()
	plan, devices := filepath.Join(dir, "plan.toml"), filepath.Join(dir, "devices")
	if err := os.WriteFile(plan, []byte(shortPlan), 0o600); err != nil {
		t.Fatal(err)
	}
	out, stop := runSim(t, "--plan", plan, "--dir", devices, "--rate", "2", "--page", "127.0.0.1:7799", "--json")
	link := filepath.Join(devices, "thermometer")
	var lines []string
	for out.Scan() {
		lines = append(lines, out.Text())
		var l struct {
			Type   string   `json:"type"`
			Path   string   `json:"path"`
			Config string   `json:"config"`
			Kind   sim.Kind `json:"kind"`
			As     string   `json:"as"`
			Begins bool     `json:"begins"`
		}
		if err := json.Unmarshal([]byte(out.Text()), &l); err != nil {
			t.Fatalf("%s: %v", out.Text(), err)
		}
		switch {
		case l.Type == "device" && l.Path != link:
			t.Errorf("path %s, want %s", l.Path, link)
		case l.Type == "ready":
			if text, err := os.ReadFile(l.Config); err != nil || !strings.Contains(string(text), link) || !strings.Contains(string(text), "127.0.0.1:7799") {
				t.Errorf("the configuration does not name %s and the page: %v\n%s", link, err, text)
			}
			if got := question(t, link); got != ">+004.20\r" {
				t.Errorf("answer %q", got)
			}
		case l.Type == "fault" && (l.Kind != sim.Unplug || l.As != "ttyUSB1"):
			t.Errorf("fault %+v", l)
		}
		if l.Type == "fault" && !l.Begins {
			break
		}
	}
	if len(lines) != 4 {
		t.Fatalf("%d lines, want a device, ready, and a fault's begin and end:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	deadline := time.Now().Add(10 * time.Second)
	for to := ""; to != "ttyUSB1"; to, _ = os.Readlink(link) {
		if time.Now().After(deadline) {
			t.Fatalf("the path leads to %q", to)
		}
	}
	if got := question(t, link); got != ">+004.20\r" {
		t.Errorf("plugged in again: answer %q", got)
	}
	if code := stop(); code != exitOK {
		t.Errorf("exit code %d, want 0", code)
	}
	if left, err := os.ReadDir(devices); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// question asks the simulated thermometer.
func question(t *testing.T, path string) string {
	t.Helper()
	port, err := serial.Open(path, serial.Config{Baud: 9600})
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if _, err := port.Write([]byte("#01\r")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(">+004.20\r"))
	if err := port.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := io.ReadFull(port, got)
	if err != nil {
		t.Errorf("no answer: %v", err)
	}
	return string(got[:n])
}

// TestSim_Example runs what people run first: no arguments.
func TestSim_Example(t *testing.T) {
	out, stop := runSim(t)
	var text strings.Builder
	for out.Scan() && !strings.Contains(out.Text(), "begins") {
		text.WriteString(out.Text() + "\n")
	}
	for _, want := range []string{"DEVICE", "gnss", "probes", "thermometer", "onewire", "handling", "battery", "trackerd run --config", "the devices are ready"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("does not say %q:\n%s", want, text.String())
		}
	}
	_, config, _ := strings.Cut(text.String(), "--config ")
	config, _, _ = strings.Cut(config, "\n")
	if _, err := os.Stat(config); err != nil {
		t.Error(err)
	}
	if code := stop(); code != exitOK {
		t.Errorf("exit code %d, want 0", code)
	}
	if _, err := os.Stat(filepath.Dir(config)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its folder is still there: %v", err)
	}
}

func TestSim_Errors(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good", shortPlan)
	taken := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(taken, "thermometer"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"example", []string{"--example"}, exitOK, "[[gnss]]"},
		{"argument", []string{"plan.toml"}, exitUsage, "accepts 0 arg(s)"},
		{"no such plan", []string{"--plan", filepath.Join(dir, "none")}, exitError, "no such file"},
		{"unknown key", []string{"--plan", file("unknown", "[[gnss]]\nname = \"g\"\nbauds = 3")}, exitError, "unknown key gnss.bauds in line 3"},
		{"advice", []string{"--plan", file("empty", "")}, exitError, "Try: isotherm sim --example"},
		{"rate", []string{"--plan", good, "--rate", "0"}, exitUsage, "rate is 0, want 1 to 3600"},
		{"name that is taken", []string{"--plan", good, "--dir", taken}, exitError, "thermometer exists already"},
		{"folder that is a file", []string{"--plan", good, "--dir", good}, exitError, "not a directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			code := run(t.Context(), append([]string{"isotherm", "sim"}, tt.args...), nil, &out, &out)
			if code != tt.code || !strings.Contains(out.String(), tt.want) {
				t.Errorf("exit code %d, want %d with %q:\n%s", code, tt.code, tt.want, out.String())
			}
		})
	}
	if left, err := os.ReadDir(taken); err != nil || len(left) != 1 {
		t.Errorf("a failed start left %v behind, %v", left, err)
	}
	if text := simulate.Example; len(text) > 8<<10 {
		t.Errorf("the example has %d bytes: nobody reads that", len(text))
	}
}
