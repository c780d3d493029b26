package serial_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// TestPort_BadInputs are the cases of the reference's list that concern the port itself. What a stream of bad bytes
// comes to is the business of who reads it: gnss has those.
func TestPort_BadInputs(t *testing.T) {
	for name, test := range map[string]func(t *testing.T){
		"no permission":            noPermission,
		"busy by TIOCEXCL":         busyExclusive,
		"unplug mid-line":          unplugMidLine,
		"unplug during open":       unplugDuringOpen,
		"close twice":              closeTwice,
		"close from many":          closeFromMany,
		"write blocked, then shut": closeWhileStuck,
		"1,100 open descriptors":   manyDescriptors,
		"1 MB burst":               burst,
		"RS-485 refused":           refusesRS485,
		"two stop bits":            twoStopBits,
		"another speed":            anotherSpeed,
	} {
		t.Run(name, test)
	}
}

// unprivileged opens path without root's privileges: root may open everything.
func unprivileged(t *testing.T, path string) error {
	t.Helper()
	errs := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread, and what it gave up, ends with the goroutine
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			errs <- err
			return
		}
		port, err := serial.Open(path, serial.Config{Baud: baud})
		if err == nil {
			_ = port.Close()
		}
		errs <- err
	}()
	return <-errs
}

func noPermission(t *testing.T) {
	tty := openPTY(t)
	if err := os.Chmod(tty.Path(), 0); err != nil {
		t.Fatal(err)
	}
	wantFault(t, unprivileged(t, tty.Path()), tty.Path(), hardware.Denied)
}

// busyExclusive is a program that holds the port the old way, without a lock.
func busyExclusive(t *testing.T) {
	tty := openPTY(t)
	other, err := os.OpenFile(tty.Path(), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := unix.IoctlSetInt(int(other.Fd()), unix.TIOCEXCL, 0); err != nil {
		t.Fatal(err)
	}
	wantFault(t, unprivileged(t, tty.Path()), tty.Path(), hardware.Busy)
}

func unplugMidLine(t *testing.T) {
	tty := openPTY(t)
	port := openPort(t, tty.Path())
	if _, err := tty.Write([]byte("$GPRMC,1200")); err != nil {
		t.Fatal(err)
	}
	if n, err := port.ReadWithin(make([]byte, 64), 5*time.Second); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := port.ReadWithin(make([]byte, 64), 5*time.Second)
	wantFault(t, err, tty.Path(), hardware.Unplugged)
}

// unplugDuringOpen races the two: any outcome is one of the faults, or a port that then says it is unplugged.
func unplugDuringOpen(t *testing.T) {
	for range 200 {
		tty := openPTY(t)
		pin(t, tty)
		var wg sync.WaitGroup
		wg.Go(func() { _ = tty.Close() })
		port, err := serial.Open(tty.Path(), serial.Config{Baud: baud})
		wg.Wait()
		if err == nil {
			_, err = port.ReadWithin(make([]byte, 8), 5*time.Second)
			_ = port.Close()
		}
		switch fault := hardware.FaultOf(err); fault {
		case hardware.NotFound, hardware.Unplugged:
		default:
			t.Fatalf("fault %v: %v", fault, err)
		}
	}
}

func closeTwice(t *testing.T) {
	port := openPort(t, openPTY(t).Path())
	if err := port.Close(); err != nil {
		t.Fatal(err)
	}
	wantFault(t, port.Close(), port.Path(), hardware.Closed)
	wantFault(t, port.SetBaud(4800), port.Path(), hardware.Closed)
	_, err := port.ReadWithin(make([]byte, 8), time.Second)
	wantFault(t, err, port.Path(), hardware.Closed)
	_, err = port.Write([]byte("x"))
	wantFault(t, err, port.Path(), hardware.Closed)
}

// closeFromMany closes, reads, writes and sets deadlines all at once.
func closeFromMany(t *testing.T) {
	for range 50 {
		tty := openPTY(t)
		port := openPort(t, tty.Path())
		var wg sync.WaitGroup
		for _, op := range []func() error{
			func() error { _, err := port.Read(make([]byte, 8)); return err },
			func() error { return fill(port) },
			func() error { return port.Close() },
			func() error { return port.Close() },
			func() error { return port.SetReadDeadline(time.Now().Add(time.Hour)) },
			func() error { return port.Flush() },
		} {
			wg.Go(func() {
				if fault := hardware.FaultOf(op()); fault != hardware.None && fault != hardware.Closed {
					t.Errorf("fault %v, want none or closed", fault)
				}
			})
		}
		wg.Wait()
	}
}

// closeWhileStuck has a writer that would use the room that closing makes.
func closeWhileStuck(t *testing.T) {
	atOnce(t, func() time.Duration {
		port := openPort(t, openPTY(t).Path())
		done := blocked(t, func() error { return fill(port) })
		start := time.Now()
		_ = port.Close() // looked at elsewhere
		wantFault(t, <-done, port.Path(), hardware.Closed)
		return time.Since(start)
	})
}

// atOnce wants try to take less than 100 ms. A loaded machine can hold anybody up, but not five times.
func atOnce(t *testing.T, try func() time.Duration) {
	t.Helper()
	var took time.Duration
	for range 5 {
		if took = try(); took < 100*time.Millisecond {
			return
		}
	}
	t.Errorf("took %v, five times over 100 ms", took)
}

// manyDescriptors goes beyond what select could watch.
func manyDescriptors(t *testing.T) {
	const many = 1100
	for range many {
		f, err := os.Open(os.DevNull)
		if errors.Is(err, unix.EMFILE) {
			t.Skip("this machine does not allow 1,100 open files")
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	tty := openPTY(t)
	port := openPort(t, tty.Path())
	if _, err := tty.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := port.ReadWithin(make([]byte, 8), 10*time.Second); n != 1 || err != nil {
		t.Errorf("Read = %d, %v", n, err)
	}
	_, err := port.ReadWithin(make([]byte, 8), 10*time.Millisecond)
	wantFault(t, err, port.Path(), hardware.Silent)
}

// burst sends 1 MB without a pause and without a line end: nothing may be lost or changed.
func burst(t *testing.T) {
	tty := openPTY(t)
	port := openPort(t, tty.Path())
	const size = 1 << 20
	sent := make([]byte, size)
	for i := range sent {
		sent[i] = byte(i * 31)
	}
	go func() { _, _ = tty.Write(sent) }() // ends with the write, or when the pty closes
	got := make([]byte, size)
	if err := port.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n, err := io.ReadFull(port, got); err != nil || string(got) != string(sent) {
		t.Errorf("read %d bytes, %v; same: %v", n, err, string(got) == string(sent))
	}
}

// refusesRS485 is a driver without that mode, which a pseudo-terminal is.
func refusesRS485(t *testing.T) {
	tty := openPTY(t)
	_, err := serial.Open(tty.Path(), serial.Config{Baud: baud, RS485: true})
	wantFault(t, err, tty.Path(), hardware.Unsupported)
	port := openPort(t, tty.Path()) // and it is free again
	if c, ok := port.Counters(); ok || c != (serial.Counters{}) {
		t.Errorf("a pseudo-terminal counts: %+v", c)
	}
}

func twoStopBits(t *testing.T) {
	tty := openPTY(t)
	for bits, want := range map[int]hardware.Fault{
		-1: hardware.Unsupported, 0: hardware.None, 1: hardware.None, 2: hardware.None, 3: hardware.Unsupported,
	} {
		port, err := serial.Open(tty.Path(), serial.Config{Baud: baud, StopBits: bits})
		if got := hardware.FaultOf(err); got != want {
			t.Errorf("%d stop bits: %v, want %v", bits, err, want)
		}
		if err == nil {
			_ = port.Close()
		}
	}
	if _, err := serial.Open(tty.Path(), serial.Config{Baud: baud, Parity: 3}); hardware.FaultOf(err) != hardware.Unsupported {
		t.Errorf("parity 3: %v", err)
	}
}

func anotherSpeed(t *testing.T) {
	tty := openPTY(t)
	port := openPort(t, tty.Path())
	for _, want := range []int{4800, 115200, 250000} {
		if err := port.SetBaud(want); err != nil {
			t.Fatal(err)
		}
		if got, err := tty.Baud(); got != want || err != nil {
			t.Errorf("line runs at %d, %v, want %d", got, err, want)
		}
	}
	wantFault(t, port.SetBaud(0), port.Path(), hardware.Unsupported)
}

// TestPort_Names are the port's two names: how it was asked for, and where it is.
func TestPort_Names(t *testing.T) {
	tty := openPTY(t)
	link := filepath.Join(t.TempDir(), "by-id")
	if err := os.Symlink(tty.Path(), link); err != nil {
		t.Fatal(err)
	}
	port := openPort(t, link)
	if port.Spec() != link || port.Path() != tty.Path() {
		t.Errorf("spec %q, path %q, want %q and %q", port.Spec(), port.Path(), link, tty.Path())
	}
	_, err := serial.Open(link, serial.Config{Baud: baud})
	wantFault(t, err, link, hardware.Busy)
	wantFault(t, err, tty.Path(), hardware.Busy)
}

func TestOpenContext_Ended(t *testing.T) {
	tty := openPTY(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := serial.OpenContext(ctx, tty.Path(), serial.Config{Baud: baud}); !errors.Is(err, context.Canceled) {
		t.Errorf("OpenContext = %v, want context canceled", err)
	}
	port, err := serial.OpenContext(t.Context(), tty.Path(), serial.Config{Baud: baud})
	if err != nil {
		t.Fatal(err)
	}
	if err := port.Close(); err != nil {
		t.Error(err)
	}
}

// TestHint gives advice for every fault there is.
func TestHint(t *testing.T) {
	for f := range hardware.Fault(100) {
		if serial.Hint(f) == "" {
			t.Errorf("no hint for %v", f)
		}
	}
}
