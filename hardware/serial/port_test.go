package serial_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"isotherm/hardware"
	"isotherm/hardware/serial"
	"isotherm/hardware/sim"
)

const baud = 9600

// past is a deadline that has gone by.
var past = time.Unix(1, 0)

func openPTY(t *testing.T) *sim.PTY {
	t.Helper()
	tty, err := sim.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() }) // several tests unplug it themselves
	return tty
}

// pin keeps the kernel from handing the number of tty out again while the test runs: the path would lead to a terminal
// of somebody else.
func pin(t *testing.T, tty *sim.PTY) {
	t.Helper()
	f, err := os.OpenFile(tty.Path(), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
}

func openPort(t *testing.T, path string) *serial.Port {
	t.Helper()
	port, err := serial.Open(path, serial.Config{Baud: baud})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() })
	return port
}

// wantFault checks the fault, and that the text names the port and gives advice.
func wantFault(t *testing.T, err error, path string, want hardware.Fault) {
	t.Helper()
	e, ok := errors.AsType[*serial.Error](err)
	if !ok {
		t.Fatalf("error %v (%T), want *serial.Error with %v", err, err, want)
	}
	if e.Fault != want {
		t.Errorf("fault %v, want %v: %v", e.Fault, want, err)
	}
	if text := err.Error(); !strings.Contains(text, path) || strings.Count(text, ": ") < 2 {
		t.Errorf("text %q does not say where and what to do", text)
	}
}

func TestOpen_Errors(t *testing.T) {
	dir := t.TempDir()
	regular := filepath.Join(dir, "regular")
	if err := os.WriteFile(regular, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Not the path of a pty that was just closed: the kernel hands numbers out again.
	vanished := filepath.Join(dir, "vanished")
	if err := os.Symlink("/dev/pts/987654", vanished); err != nil {
		t.Fatal(err)
	}
	held := openPTY(t)
	openPort(t, held.Path())

	tests := []struct {
		name, path string
		want       hardware.Fault
	}{
		{"missing", filepath.Join(dir, "missing"), hardware.NotFound},
		{"directory", dir, hardware.NotATTY},
		{"regular file", regular, hardware.NotATTY},
		{"below a file", filepath.Join(regular, "x"), hardware.NotATTY},
		{"dev null", "/dev/null", hardware.NotATTY},
		{"vanished tty", vanished, hardware.NotFound},
		{"busy", held.Path(), hardware.Busy},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			port, err := serial.Open(tt.path, serial.Config{Baud: baud})
			if err == nil {
				t.Fatal(errors.Join(errors.New("opened"), port.Close()))
			}
			wantFault(t, err, tt.path, tt.want)
		})
	}
	if got, err := os.ReadFile(regular); err != nil || string(got) != "kept" {
		t.Errorf("the regular file now holds %q, %v", got, err)
	}
}

func TestOpen_Baud(t *testing.T) {
	tty := openPTY(t)
	for _, rate := range []int{-1, 0, 49, 5_000_000} {
		if _, err := serial.Open(tty.Path(), serial.Config{Baud: rate}); err == nil {
			t.Errorf("baud %d was accepted", rate)
		}
	}
	port, err := serial.Open(tty.Path(), serial.Config{Baud: 31250, Parity: serial.ParityEven})
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	other, err := os.OpenFile(tty.Path(), os.O_RDWR|unix.O_NOCTTY, 0)
	if errors.Is(err, unix.EBUSY) {
		t.Skip("not root: the port is exclusive, its settings cannot be read back")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tio, err := unix.IoctlGetTermios(int(other.Fd()), unix.TCGETS2)
	if err != nil {
		t.Fatal(err)
	}
	if tio.Ospeed != 31250 || tio.Lflag != 0 || tio.Oflag != 0 {
		t.Errorf("speed %d, lflag %#x, oflag %#x, want 31250 and a raw line", tio.Ospeed, tio.Lflag, tio.Oflag)
	}
}

// TestOpen_ManyTimes would run out of descriptors, or stay busy, if Close leaked.
func TestOpen_ManyTimes(t *testing.T) {
	tty := openPTY(t)
	for i := range 2000 {
		port, err := serial.Open(tty.Path(), serial.Config{Baud: baud})
		if err != nil {
			t.Fatalf("open %d: %v", i, err)
		}
		if err := port.Close(); err != nil {
			t.Fatalf("close %d: %v", i, err)
		}
	}
}

func TestPort_BothWays(t *testing.T) {
	tty := openPTY(t)
	port := openPort(t, tty.Path())
	var all []byte
	for b := range 256 {
		all = append(all, byte(b))
	}
	for name, ends := range map[string]struct {
		w io.Writer
		r io.Reader
	}{"device to box": {tty, port}, "box to device": {port, tty}} {
		if _, err := ends.w.Write(all); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := make([]byte, len(all))
		if _, err := io.ReadFull(ends.r, got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if string(got) != string(all) {
			t.Errorf("%s: the line changes bytes: got % x", name, got)
		}
	}
}

func TestPort_ReadDeadline(t *testing.T) {
	tty := openPTY(t)
	port := openPort(t, tty.Path())
	if err := port.SetReadDeadline(past); err != nil {
		t.Fatal(err)
	}
	_, err := port.Read(make([]byte, 8))
	wantFault(t, err, tty.Path(), hardware.Silent)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v does not wrap os.ErrDeadlineExceeded", err)
	}
	// A passed deadline must not spoil the port.
	if err := port.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := tty.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := port.Read(make([]byte, 8)); n != 1 || err != nil {
		t.Errorf("Read after a deadline = %d, %v, want 1, nil", n, err)
	}
}

// fill writes until the line takes no more.
func fill(port *serial.Port) error {
	block := make([]byte, 4096)
	for range 10_000 {
		if _, err := port.Write(block); err != nil {
			return err
		}
	}
	return nil
}

func TestPort_WriteDeadline(t *testing.T) {
	tty := openPTY(t)
	port := openPort(t, tty.Path())
	if err := port.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	wantFault(t, fill(port), tty.Path(), hardware.WriteStuck)
}

// blocked runs op and waits until it is really waiting in the poller, which shows
// in that it has not returned by the time a whole deadline on another port passed.
func blocked(t *testing.T, op func() error) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- op() }()
	timer := time.NewTimer(50 * time.Millisecond)
	defer timer.Stop()
	select {
	case err := <-done:
		t.Fatalf("did not block: %v", err)
	case <-timer.C:
	}
	return done
}

func TestPort_CloseEndsEverything(t *testing.T) {
	buf := make([]byte, 8)
	tests := []struct {
		name string
		op   func(*serial.Port) error
	}{
		{"read", func(p *serial.Port) error { _, err := p.Read(buf); return err }},
		{"write", fill},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			atOnce(t, func() time.Duration {
				tty := openPTY(t)
				port := openPort(t, tty.Path())
				done := blocked(t, func() error { return tt.op(port) })
				start := time.Now()
				if err := port.Close(); err != nil {
					t.Fatal(err)
				}
				err := <-done
				took := time.Since(start)
				wantFault(t, err, tty.Path(), hardware.Closed)
				wantFault(t, port.Close(), tty.Path(), hardware.Closed)
				wantFault(t, port.Flush(), tty.Path(), hardware.Closed)
				wantFault(t, port.SetReadDeadline(past), tty.Path(), hardware.Closed)
				return took
			})
		})
	}
}

func TestPort_Unplug(t *testing.T) {
	buf := make([]byte, 8)
	tests := []struct {
		name string
		op   func(*serial.Port) error
	}{
		{"idle", func(p *serial.Port) error { _, err := p.Read(buf); return err }},
		{"mid-write", fill},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tty := openPTY(t)
			port := openPort(t, tty.Path())
			done := blocked(t, func() error { return tt.op(port) })
			if err := tty.Close(); err != nil {
				t.Fatal(err)
			}
			wantFault(t, <-done, tty.Path(), hardware.Unplugged)
			wantFault(t, tt.op(port), tty.Path(), hardware.Unplugged)
		})
	}
}

// TestPort_Replug is a hot-plug: the same name leads to a new device.
func TestPort_Replug(t *testing.T) {
	link := filepath.Join(t.TempDir(), "probe")
	for i := range 3 {
		tty := openPTY(t)
		if err := os.Symlink(tty.Path(), link); err != nil {
			t.Fatal(err)
		}
		port, err := serial.Open(link, serial.Config{Baud: baud})
		if err != nil {
			t.Fatalf("plug %d: %v", i, err)
		}
		if err := errors.Join(tty.Close(), port.Close(), os.Remove(link)); err != nil {
			t.Fatalf("unplug %d: %v", i, err)
		}
	}
}

func TestPort_Flush(t *testing.T) {
	tty := openPTY(t)
	port := openPort(t, tty.Path())
	if _, err := tty.Write([]byte("old")); err != nil {
		t.Fatal(err)
	}
	if n, err := port.Read(make([]byte, 1)); n != 1 || err != nil { // the rest has arrived too
		t.Fatal(n, err)
	}
	if err := port.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := tty.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 3)
	if _, err := io.ReadFull(port, got); err != nil || string(got) != "new" {
		t.Errorf("after Flush read %q, %v, want %q", got, err, "new")
	}
}
