package simulate

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"isotherm/hardware/sim"
)

func standing() time.Duration { return 0 }

// TestExample is what people begin with: it must be right, and show every kind of device and of fault.
func TestExample(t *testing.T) {
	p, err := Parse([]byte(Example))
	if err != nil {
		t.Fatal(err)
	}
	devices, err := p.Devices(t.TempDir(), time.Now(), standing)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(devices), len(p.lines()); got != want {
		t.Errorf("%d devices, want %d", got, want)
	}
	used := map[sim.Kind]bool{}
	for _, d := range devices {
		for _, f := range d.Line.Script {
			used[f.Kind] = true
		}
	}
	for _, k := range sim.Kinds() {
		if !used[k] {
			t.Errorf("the example shows no fault %s", k)
		}
	}
	for _, table := range []string{"gnss", "modbus", "text", "onewire", "handling", "battery"} {
		if !strings.Contains(Example, "[["+table+"]]") {
			t.Errorf("the example shows no [[%s]]", table)
		}
	}
}

func TestPlan_Errors(t *testing.T) {
	capture := filepath.Join(t.TempDir(), "empty.nmea")
	if err := os.WriteFile(capture, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, in, want string }{
		{"nothing", "", "no device"},
		{"no TOML", "[[", "line 1"},
		{"unknown key", "[[battery]]\nname = \"b\"\nlast = \"1m\"", "unknown key battery.last in line 3"},
		{"unknown key of a fault", "[[battery]]\nname = \"b\"\n[[battery.fault]]\nkinds = \"silence\"", "unknown key battery.fault.kinds in line 4"},
		{"unknown kind of device", "[[toaster]]\nname = \"b\"", "unknown key toaster"},
		{"no name", "[[battery]]", "device 1 has no name"},
		{"name with a folder", "[[battery]]\nname = \"../b\"", `"../b" must be of letters`},
		{"name that is a folder", "[[battery]]\nname = \"..\"", "must be of letters"},
		{"name twice", "[[battery]]\nname = \"b\"\n[[text]]\nname = \"t\"\nnode = \"b\"\nform = \"ezo-rtd\"", "two devices have the name b"},
		{"name of the tables", "[[battery]]\nname = \"trackerd.toml\"", "two devices"},
		{"rate", "rate = 0\n[[battery]]\nname = \"b\"", "rate is 0"},
		{"negative time", "[[battery]]\nname = \"b\"\nlasts = \"-1s\"", "must not be below zero"},
		{"no time", "[[battery]]\nname = \"b\"\nlasts = \"soon\"", "line 3"},
		{"fault", "[[battery]]\nname = \"b\"\nfault = [{kind = \"late\", baud = 3}]", "device b: fault 1 (late): baud 3"},
		{"speed", "[[battery]]\nname = \"b\"\nbaud = 1", "baud 1"},
		{"route without a point", "[[gnss]]\nname = \"g\"", "device g: route has no waypoint"},
		{"point off Earth", "[[gnss]]\nname = \"g\"\nwaypoint = [{lat = nan}]", "not on Earth"},
		{"capture and route", "[[gnss]]\nname = \"g\"\ncapture = \"x\"\nwaypoint = [{}]", "choose one"},
		{"capture that is none", "[[gnss]]\nname = \"g\"\ncapture = \"" + capture + "\"", "no sentence"},
		{"line without a probe", "[[modbus]]\nname = \"m\"", "has no probe"},
		{"address", "[[modbus]]\nname = \"m\"\nprobe = [{}]", "probe 1: address 0"},
		{"preset", "[[modbus]]\nname = \"m\"\nprobe = [{address = 1, preset = \"kettle\"}]", `preset "kettle": use xy-md02`},
		{"bridge without a probe", "[[onewire]]\nname = \"o\"", "has no probe"},
		{"number of a probe", "[[onewire]]\nname = \"o\"\nprobe = [{id = \"12\"}]", "device o"},
		{"measures", "[[modbus]]\nname = \"m\"\nprobe = [{address = 1, measures = \"lid\"}]", `measures "lid"`},
		{"measures twice", "[[text]]\nname = \"t\"\nform = \"ezo-rtd\"\nmeasures = \"air\"\ncelsius = 1.0", "choose one"},
		{"no temperature", "[[text]]\nname = \"t\"\nform = \"ezo-rtd\"\ncelsius = nan", "no temperature"},
		{"form of text", "[[text]]\nname = \"t\"", `no form ""`},
		{"blow", "[[handling]]\nname = \"h\"\nhandled = [{blow = -1}]", "handled 1: a blow of -1 g"},
		{"lid", "[[handling]]\nname = \"h\"\nhandled = [{lid = true}]", "lid is open from 0s to 0s"},
		{"weather", "[thermal]\nhold = inf\n[[battery]]\nname = \"b\"", "thermal.hold"},
		{"disturbance", "[thermal]\ndisturbance = [{}]\n[[battery]]\nname = \"b\"", "disturbance"},
		{"too many", strings.Repeat("[[battery]]\n", maxDevices+1), "no name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse([]byte(tt.in))
			if err == nil {
				var devices []Device
				if devices, err = p.Devices(t.TempDir(), time.Now(), standing); err == nil {
					_, err = sim.OpenLine(devices[0].Line)
				}
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}

// TestGNSS_Capture plays a capture again and again, and goes on where it is when the receiver was unplugged.
func TestGNSS_Capture(t *testing.T) {
	const first, second = "$GPGGA,120000,,,,,0,,,,,,,,*65\r\n", "$GPGGA,120010,,,,,0,,,,,,,,*64\r\n"
	path := filepath.Join(t.TempDir(), "capture.nmea")
	if err := os.WriteFile(path, []byte(first+second), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		begin time.Duration
		want  string
	}{
		{"from the start", 0, first + second + first + second},
		{"in the middle", 5 * time.Second, second + first + second + first},
		{"in the third round", 22500 * time.Millisecond, first + second + first + second}, // half a second late
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse([]byte("[[gnss]]\nname = \"g\"\ncapture = \"" + path + "\""))
			if err != nil {
				t.Fatal(err)
			}
			start := sync.OnceValue(time.Now) // with the device: a busy machine may take its time until then
			clock := func() time.Duration { return tt.begin + time.Since(start())*200 }
			devices, err := p.Devices(t.TempDir(), time.Now(), clock)
			if err != nil {
				t.Fatal(err)
			}
			device, driver := net.Pipe()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- devices[0].Line.Device(ctx, device) }() // ends with ctx, or with the pipe
			got := make([]byte, len(tt.want))
			if err := driver.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(driver, got); err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
			cancel()
			_ = driver.Close()
			if err := <-done; err == nil {
				t.Error("the device ended without an error")
			}
		})
	}
}
