package sim_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
	"isotherm/hardware/sim"
)

// hand is a clock that a test moves.
type hand struct{ at atomic.Int64 }

func (h *hand) clock() time.Duration    { return time.Duration(h.at.Load()) }
func (h *hand) moveTo(at time.Duration) { h.at.Store(int64(at)) }
func degrees() hardware.Temperature     { return 4_200 }
func at(s int, f sim.Fault) sim.Fault {
	f.At, f.For = time.Duration(s)*time.Second, time.Second
	return f
}
func (h *hand) second(s int) { h.moveTo(time.Duration(s) * time.Second) }
func adam(clock sim.Clock) sim.Device {
	return sim.TextThermometer{Form: sim.TextADAM, Temperature: degrees, Clock: clock}.Serve
}

// runLine opens a line and runs it until the test ends; Run must then return soon, and leave no name behind.
func runLine(t *testing.T, cfg sim.LineConfig) *sim.Line {
	t.Helper()
	line, err := sim.OpenLine(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := start(func() error { return line.Run(ctx) })
	t.Cleanup(func() {
		began := time.Now()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run = %v, want canceled", err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("Run took %v to end", took)
		}
		left, err := os.ReadDir(filepath.Dir(cfg.Link))
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
	return line
}

// eventually asks until the answer is yes.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(15 * time.Second); !yes(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 15 s", what)
		}
	}
}

func openLinePort(t *testing.T, path string, baud int) *serial.Port {
	t.Helper()
	port, err := serial.Open(path, serial.Config{Baud: baud})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() })
	return port
}

func ask(t *testing.T, port *serial.Port, request string, want int, wait time.Duration) string {
	t.Helper()
	if _, err := port.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	return readSome(t, port, want, wait)
}

// TestLine_Faults asks one device the same question under each fault, and once more after it.
func TestLine_Faults(t *testing.T) {
	const answer = ">+004.20\r"
	short := 50 * time.Millisecond
	tests := []struct {
		fault sim.Fault
		check func(t *testing.T, port *serial.Port)
	}{
		{sim.Fault{Kind: sim.Silence}, func(t *testing.T, port *serial.Port) {
			if got := ask(t, port, "#01\r", 1, short); got != "" {
				t.Errorf("got %q", got)
			}
		}},
		{sim.Fault{Kind: sim.Garbage}, func(t *testing.T, port *serial.Port) {
			if got := ask(t, port, "#01\r", len(answer), 10*time.Second); got == answer {
				t.Errorf("got %q", got)
			}
		}},
		{sim.Fault{Kind: sim.Late, Delay: 100 * time.Millisecond}, func(t *testing.T, port *serial.Port) {
			began := time.Now()
			if got := ask(t, port, "#01\r", len(answer), 10*time.Second); got != answer {
				t.Errorf("got %q", got)
			}
			if took := time.Since(began); took < 100*time.Millisecond {
				t.Errorf("took %v", took)
			}
		}},
		{sim.Fault{Kind: sim.HalfLine}, func(t *testing.T, port *serial.Port) {
			if got, want := ask(t, port, "#01\r", len(answer), short), ">+00"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}},
		{sim.Fault{Kind: sim.Echo}, func(t *testing.T, port *serial.Port) {
			if got, want := ask(t, port, "#01\r", len(answer)+4, 10*time.Second), "#01\r"+answer; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}},
		{sim.Fault{Kind: sim.Console}, func(t *testing.T, port *serial.Port) {
			if got, want := ask(t, port, "#01\r", 21, 10*time.Second), "\r\nraspberrypi login: "; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}},
		{sim.Fault{Kind: sim.Babble}, func(t *testing.T, port *serial.Port) {
			if got := readSome(t, port, 3, 10*time.Second); len(got) < 3 {
				t.Errorf("got %q unasked", got)
			}
		}},
		{sim.Fault{Kind: sim.Speed, Baud: 4800}, func(t *testing.T, port *serial.Port) {
			if got := ask(t, port, "#01\r", len(answer), short); got == answer {
				t.Error("the device understood the wrong speed")
			}
			if err := port.SetBaud(4800); err != nil {
				t.Fatal(err)
			}
			_ = ask(t, port, "\r", 1, short) // ends what it took for the begin of a request
			if got := ask(t, port, "#01\r", len(answer), 10*time.Second); got != answer {
				t.Errorf("at the right speed %q", got)
			}
			if err := port.SetBaud(9600); err != nil {
				t.Fatal(err)
			}
		}},
		{sim.Fault{Kind: sim.PowerOn}, func(t *testing.T, port *serial.Port) {
			if got, want := ask(t, port, "#01\r", 7, 10*time.Second), ">-0000\r"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}},
		{sim.Fault{Kind: sim.Open}, func(t *testing.T, port *serial.Port) {
			if got, want := ask(t, port, "#01\r", 7, 10*time.Second), ">+9999\r"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(string(tt.fault.Kind), func(t *testing.T) {
			var h hand
			script := sim.Script{at(10, tt.fault)}
			device := sim.TextThermometer{Form: sim.TextADAM, Temperature: degrees, Clock: h.clock,
				PowerOn: script.During(sim.PowerOn, h.clock), Open: script.During(sim.Open, h.clock)}
			link := filepath.Join(t.TempDir(), "probe")
			runLine(t, sim.LineConfig{Link: link, Baud: 9600, Device: device.Serve, Script: script, Clock: h.clock, Seed: 7})
			port := openLinePort(t, link, 9600)
			if got := ask(t, port, "#01\r", len(answer), 10*time.Second); got != answer {
				t.Errorf("before: %q, want %q", got, answer)
			}
			h.second(10)
			tt.check(t, port)
			h.second(11)
			_ = ask(t, port, "\r", 1<<10, 100*time.Millisecond) // what is under way still
			if got := ask(t, port, "#01\r", len(answer), 10*time.Second); got != answer {
				t.Errorf("after: %q, want %q", got, answer)
			}
		})
	}
}

// TestLine_Unplug takes the device out and puts it back under the same name, then under another.
func TestLine_Unplug(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "usb-probe")
	var h hand
	var starts atomic.Int32
	device := func(ctx context.Context, line io.ReadWriteCloser) error {
		starts.Add(1)
		return adam(h.clock)(ctx, line)
	}
	var mu sync.Mutex // guards told
	var told []string
	observe := func(f sim.Fault, begins bool) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, map[bool]string{true: "begin ", false: "end "}[begins]+f.As)
	}
	script := sim.Script{at(10, sim.Fault{Kind: sim.Unplug}), at(20, sim.Fault{Kind: sim.Unplug, As: "ttyUSB1"})}
	line := runLine(t, sim.LineConfig{Link: link, Node: "ttyUSB0", Device: device, Script: script, Clock: h.clock, Observe: observe})
	for i, want := range []string{"ttyUSB0", "ttyUSB0", "ttyUSB1"} {
		h.second(10*i + 1)
		eventually(t, "plugged in", func() bool {
			to, err := os.Readlink(link)
			return err == nil && to == want
		})
		port := openLinePort(t, link, 9600)
		if got, want := ask(t, port, "#01\r", 9, 10*time.Second), ">+004.20\r"; got != want {
			t.Errorf("answer %q, want %q", got, want)
		}
		if got := line.Path(); got != link {
			t.Errorf("Path = %s, want %s", got, link)
		}
		if got := int(starts.Load()); got != i+1 {
			t.Errorf("device started %d times, want %d", got, i+1)
		}
		h.second(10*i + 10)
		if i == 2 {
			break
		}
		if err := port.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := port.Read(make([]byte, 1)); hardware.FaultOf(err) != hardware.Unplugged {
			t.Errorf("read: %v, want unplugged", err)
		}
		if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
			t.Errorf("unplugged, there still are %v, %v", names, err)
		}
	}
	eventually(t, "faults told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(told, ",") == "begin ,end ,begin ttyUSB1,end ttyUSB1"
	})
}

// TestLine_Moves is a device without a by-id name: it comes back as something else.
func TestLine_Moves(t *testing.T) {
	dir := t.TempDir()
	var h hand
	line := runLine(t, sim.LineConfig{
		Link: filepath.Join(dir, "ttyUSB0"), Device: adam(h.clock), Clock: h.clock,
		Script: sim.Script{at(0, sim.Fault{Kind: sim.Unplug, As: "ttyUSB1"})},
	})
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("begins unplugged, and there are %v, %v", names, err)
	}
	h.second(1)
	eventually(t, "plugged in", func() bool { return line.Path() == filepath.Join(dir, "ttyUSB1") })
	openLinePort(t, line.Path(), 9600)
}

// TestLine_NobodyReads is a device that talks for long before a driver comes: it goes on, and the driver hears the present.
func TestLine_NobodyReads(t *testing.T) {
	var written atomic.Int64
	device := func(ctx context.Context, line io.ReadWriteCloser) error {
		for ctx.Err() == nil {
			n, err := line.Write([]byte(strings.Repeat("x", 1000) + "\r\n"))
			if err != nil {
				return err
			}
			written.Add(int64(n))
		}
		return ctx.Err()
	}
	link := filepath.Join(t.TempDir(), "probe")
	runLine(t, sim.LineConfig{Link: link, Device: device, Clock: always})
	eventually(t, "a megabyte lost", func() bool { return written.Load() > 1<<20 })
	port := openLinePort(t, link, 9600)
	if got := readSome(t, port, 1<<16, 10*time.Second); len(got) < 1<<16 {
		t.Errorf("%d bytes", len(got))
	}
}

// TestLine_DeviceFails ends the line with the device's own error, not with that of a pulled plug.
func TestLine_DeviceFails(t *testing.T) {
	broken := errors.New("broken")
	link := filepath.Join(t.TempDir(), "probe")
	line, err := sim.OpenLine(sim.LineConfig{Link: link, Clock: always, Device: func(context.Context, io.ReadWriteCloser) error { return broken }})
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("Run = %v, want %v", err, broken)
	}
	if _, err := os.Lstat(link); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", link, err)
	}
}

func TestOpenLine_Errors(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	if err := os.WriteFile(taken, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	link, device := filepath.Join(dir, "probe"), adam(always)
	tests := []struct {
		name string
		cfg  sim.LineConfig
		want string
	}{
		{"nothing", sim.LineConfig{}, "needs"},
		{"no folder", sim.LineConfig{Link: filepath.Join(dir, "none", "probe"), Device: device, Clock: always}, "no such file"},
		{"name that is taken", sim.LineConfig{Link: taken, Device: device, Clock: always}, "exists already"},
		{"name that is taken, with a node", sim.LineConfig{Link: taken, Node: "ttyUSB0", Device: device, Clock: always}, "exists already"},
		{"node that is taken", sim.LineConfig{Link: link, Node: "taken", Device: device, Clock: always}, "exists already"},
		{"node with a folder", sim.LineConfig{Link: link, Node: "a/b", Device: device, Clock: always}, "without a folder"},
		{"speed", sim.LineConfig{Link: link, Baud: 1, Device: device, Clock: always}, "baud 1"},
		{"script", sim.LineConfig{Link: link, Device: device, Clock: always, Script: sim.Script{{}}}, "fault 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := sim.OpenLine(tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("OpenLine = %v, want %q", err, tt.want)
			}
		})
	}
	if text, err := os.ReadFile(taken); err != nil || string(text) != "kept" {
		t.Errorf("the file that was there: %q, %v", text, err)
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	if err := os.Symlink(filepath.Join(dir, "gone"), link); err != nil { // of a program that was killed
		t.Fatal(err)
	}
	line, err := sim.OpenLine(sim.LineConfig{Link: link, Device: device, Clock: always})
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Close(); err != nil {
		t.Error(err)
	}
}

// TestLine_Leaks pulls the plug a hundred times while a driver is there: neither descriptors nor goroutines may stay.
func TestLine_Leaks(t *testing.T) {
	descriptors := func() int {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	var h hand
	link := filepath.Join(t.TempDir(), "probe")
	script := sim.Script{{Kind: sim.Unplug, At: time.Second, For: time.Second, Every: 2 * time.Second}, {Kind: sim.Babble}}
	line, err := sim.OpenLine(sim.LineConfig{Link: link, Device: adam(h.clock), Script: script, Clock: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	fds, routines := descriptors(), runtime.NumGoroutine()
	done := start(func() error { return line.Run(ctx) })
	for i := range 100 {
		port, err := serial.Open(link, serial.Config{Baud: 9600})
		if err != nil {
			t.Fatal(err)
		}
		h.second(2*i + 1)
		if err := port.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, port); hardware.FaultOf(err) != hardware.Unplugged {
			t.Fatalf("read: %v, want unplugged", err)
		}
		_ = port.Close() // of a device that is gone
		h.second(2*i + 2)
		eventually(t, "plugged in", func() bool { _, err := os.Stat(link); return err == nil })
	}
	cancel()
	<-done
	eventually(t, "everything given back", func() bool { return descriptors() <= fds && runtime.NumGoroutine() <= routines })
}
