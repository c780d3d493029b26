package onewire

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sim"
	"isotherm/hardware/sysfs"
)

func TestKernel_Probe(t *testing.T) {
	dir := t.TempDir()
	good := sim.OneWireFile{ID: testIDs[0], Temperature: 4500}
	with := func(edit func(f *sim.OneWireFile)) sim.OneWireFile {
		f := good
		edit(&f)
		return f
	}
	tests := []struct {
		name string
		file sim.OneWireFile
		want hardware.Fault
	}{
		{"CRC NO with an old t", with(func(f *sim.OneWireFile) { f.File = sim.OneWireFileRetained }), hardware.Retained},
		{"empty", with(func(f *sim.OneWireFile) { f.File = sim.OneWireFileEmpty }), hardware.Timeout},
		{"cut", with(func(f *sim.OneWireFile) { f.File = sim.OneWireFileCut }), hardware.Truncated},
		{"zero scratchpad", with(func(f *sim.OneWireFile) { f.Fault = sim.OneWireZeros }), hardware.Disconnected},
		{"all FF", with(func(f *sim.OneWireFile) { f.Fault = sim.OneWireOnes }), hardware.NoPresence},
		{"85000 with byte 6 0C", with(func(f *sim.OneWireFile) { f.Fault = sim.OneWirePowerOn }), hardware.PowerOnValue},
		{"127937", with(func(f *sim.OneWireFile) { f.Fault = sim.OneWireNoPower }), hardware.ConversionFailed},
		{"wrong CRC", with(func(f *sim.OneWireFile) { f.Fault = sim.OneWireWrongCRC }), hardware.Retained},
		{"w1 directory of the probe vanishes", with(func(f *sim.OneWireFile) { f.Fault = sim.OneWireGone }), hardware.NotFound},
		{"id changes", with(func(f *sim.OneWireFile) { f.Fault = sim.OneWireIDChanged }), hardware.NotFound},
	}
	probe, err := Kernel{Root: dir}.Probe(testIDs[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := sim.WriteOneWireFiles(dir, good); err != nil {
				t.Fatal(err)
			}
			wantTemp(t, probe, 4500)
			if err := sim.WriteOneWireFiles(dir, tt.file); err != nil {
				t.Fatal(err)
			}
			s := wantFault(t, probe, tt.want)
			if tt.want != hardware.NotFound && tt.want != hardware.Timeout && s.Raw == "" {
				t.Error("no raw text")
			}
		})
	}
	if s := probe.Read(t.Context()); !strings.Contains(s.Detail, "the kernel sees 28-0316a279c400") {
		t.Errorf("detail %q does not say what is there", s.Detail)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if s := wantFault(t, probe, hardware.NotFound); !strings.Contains(s.Detail, "driver is not loaded") {
		t.Errorf("detail %q does not say that the whole directory is gone", s.Detail)
	}
}

func TestKernel_ProbeValues(t *testing.T) {
	dir := t.TempDir()
	for _, id := range []string{testIDs[0], "10-000802b4c3d2"} {
		probe, err := Kernel{Root: dir}.Probe(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, temp := range []hardware.Temperature{-55_000, -25_062, -500, -62, 0, 62, 4000, 25_187, 84_937, 125_000} {
			if err := sim.WriteOneWireFiles(dir, sim.OneWireFile{ID: id, Temperature: temp}); err != nil {
				t.Fatal(err)
			}
			s := probe.Read(t.Context())
			if got, ok := s.Value(); !ok || got < temp-1 || got > temp+1 { // a DS18S20 rounds its quarters down
				t.Errorf("%s: %v, %s; want %v", id, got, s.Detail, temp)
			}
		}
	}
	if err := sim.WriteOneWireFiles(dir, sim.OneWireFile{ID: testIDs[0], Fault: sim.OneWireTrue85}); err != nil {
		t.Fatal(err)
	}
	probe, err := Kernel{Root: dir}.Probe(testIDs[0])
	if err != nil {
		t.Fatal(err)
	}
	wantTemp(t, probe, 85_000)
}

// TestKernel_TemperatureFile: a driver that shows no scratchpad is used with care.
func TestKernel_TemperatureFile(t *testing.T) {
	dir := t.TempDir()
	write := func(temp hardware.Temperature) {
		t.Helper()
		if err := sim.WriteOneWireFiles(dir, sim.OneWireFile{ID: testIDs[0], Temperature: temp}); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, testIDs[0], "w1_slave")); err != nil {
			t.Fatal(err)
		}
	}
	probe, err := Kernel{Root: dir}.Probe(testIDs[0])
	if err != nil {
		t.Fatal(err)
	}
	write(4500)
	wantTemp(t, probe, 4500)
	write(0)
	wantFault(t, probe, hardware.Disconnected)
}

func TestKernel_List(t *testing.T) {
	dir := t.TempDir()
	files := []sim.OneWireFile{{ID: "28-0316a279c4ff"}, {ID: "10-000802b4c3d2"}}
	if err := sim.WriteOneWireFiles(dir, files...); err != nil {
		t.Fatal(err)
	}
	found, err := Kernel{Root: dir}.List()
	if got := fmt.Sprint(found); err != nil || got != "[10-000802b4c3d2 28-0316a279c4ff]" {
		t.Errorf("List = %s, %v", got, err)
	}
	if found, err := (Kernel{Root: filepath.Join(dir, "none")}).List(); err != nil || len(found) != 0 {
		t.Errorf("no driver: %v, %v; want nothing", found, err)
	}
	if _, err := (Kernel{Root: filepath.Join(dir, testIDs[0], "w1_slave")}).List(); hardware.FaultOf(err) != hardware.IOError {
		t.Errorf("a file as root: %v, want io_error", err)
	}
	if _, err := (Kernel{Root: dir}).Probe("26-000001223344"); err == nil {
		t.Error("a battery monitor was taken for a thermometer")
	}
}

// attributeFunc stands in for the kernel.
type attributeFunc func(ctx context.Context, path string) (string, error)

func (f attributeFunc) Read(ctx context.Context, path string) (string, error) { return f(ctx, path) }

func fakeKernel(t *testing.T, files attributes, m *hardware.Monitor) *kernelProbe {
	t.Helper()
	p, err := Kernel{Root: t.TempDir(), Monitor: m}.Probe(testIDs[0])
	if err != nil {
		t.Fatal(err)
	}
	k := p.(*kernelProbe)
	k.files = files
	return k
}

// Two answers of the kernel: 21.5 °C and 0 °C.
const (
	goodW1 = "58 01 4b 46 7f ff 0c 10 c2 : crc=c2 YES\n58 01 4b 46 7f ff 0c 10 c2 t=21500"
	zeroW1 = "00 00 4b 46 7f ff 10 10 69 : crc=69 YES\n00 00 4b 46 7f ff 10 10 69 t=0"
)

func TestKernel_Errors(t *testing.T) {
	refuse := func(err error, times int) attributes {
		return attributeFunc(func(_ context.Context, path string) (string, error) {
			if times--; times < 0 {
				return goodW1, nil
			}
			return "", &sysfs.Error{Op: "read", Path: path, Fault: hardware.Unplugged, Err: err}
		})
	}
	wantTemp(t, fakeKernel(t, refuse(syscall.EINTR, interruptTries-1), nil), 21_500)
	wantFault(t, fakeKernel(t, refuse(syscall.EINTR, interruptTries), nil), hardware.ConversionFailed)
	wantFault(t, fakeKernel(t, refuse(syscall.ENODEV, 1), nil), hardware.Unplugged) // vanished while it was read
}

// TestKernel_SlowRead: the kernel needs 2 s, the caller has 100 ms. The answer that comes too late is nobody's.
func TestKernel_SlowRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		values := make(chan string, 1)
		slow := sysfsLike(func() string { time.Sleep(2 * time.Second); return <-values })
		p := fakeKernel(t, slow, nil)
		values <- goodW1 // what the probe said of the first question
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		start := time.Now()
		if s := p.Read(ctx); s.Fault != hardware.Canceled {
			t.Errorf("%+v, want canceled", s)
		}
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("took %v, want 100 ms", took)
		}
		go func() { // ends with the second answer
			time.Sleep(3 * time.Second)
			values <- zeroW1
		}()
		if got, ok := p.Read(t.Context()).Value(); !ok || got != 0 {
			t.Errorf("the next read: %v, %v, want its own 0 °C", got, ok)
		}
	})
}

// sysfsLike does what sysfs.Device promises, with a kernel that answers when read returns.
func sysfsLike(read func() string) attributes {
	turn := make(chan struct{}, 1)
	return attributeFunc(func(ctx context.Context, _ string) (string, error) {
		select {
		case turn <- struct{}{}:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		done := make(chan string, 1)
		go func() { // ends with the kernel
			text := read()
			<-turn
			done <- text
		}()
		select {
		case text := <-done:
			return text, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})
}

func TestKernel_Monitor(t *testing.T) {
	m := hardware.NewMonitor("probe 0", time.Now, nil)
	answers := []string{goodW1, "", "", goodW1}
	p := fakeKernel(t, attributeFunc(func(context.Context, string) (string, error) {
		text := answers[0]
		answers = answers[1:]
		return text, nil
	}), m)
	for i, want := range []hardware.State{hardware.StateLive, hardware.StateLive, hardware.StateSilent, hardware.StateLive} {
		p.Read(t.Context())
		if c := m.Condition(); c.State != want {
			t.Errorf("read %d: %+v, want %v", i, c, want)
		}
	}
}
