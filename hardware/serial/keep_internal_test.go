package serial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"isotherm/hardware"
	"isotherm/hardware/sim"
)

// descriptors counts the open files of this process.
func descriptors(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// settles polls count until it is at most want: goroutines and descriptors end a moment after who started them.
func settles(t *testing.T, what string, want int, count func() int) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.Now().Add(20 * time.Second)
	for count() > want {
		if time.Now().After(deadline) {
			t.Fatalf("%d %s are left, want at most %d", count(), what, want)
		}
		<-ticker.C
	}
}

// TestKeep_Reopen opens and loses a port 10,000 times and must leave nothing behind.
func TestKeep_Reopen(t *testing.T) {
	tty, err := sim.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	k := newKeeper(KeepConfig{Spec: tty.Path(), Config: Config{Baud: 9600}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var m0, m1 runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m0)
	files, routines := descriptors(t), runtime.NumGoroutine()
	const times = 10_000
	start := time.Now()
	for i := range times {
		err := k.once(ctx, func(_ context.Context, s *Session) error { return s.Stalled(hardware.Silent, "test") })
		if hardware.FaultOf(err) != hardware.Silent {
			t.Fatalf("session %d: %v", i, err)
		}
	}
	took := time.Since(start)
	settles(t, "goroutines", routines, runtime.NumGoroutine)
	settles(t, "descriptors", files, func() int { return descriptors(t) })
	runtime.GC()
	runtime.ReadMemStats(&m1)
	grown := int64(m1.HeapAlloc) - int64(m0.HeapAlloc)
	t.Logf("%d re-opens in %v; heap grew by %d bytes", times, took.Round(time.Millisecond), grown)
	if grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

// TestKeep_StuckOpen is a driver whose open does not return: the end of ctx must not wait for it, and the port that it
// hands over in the end must be closed.
func TestKeep_StuckOpen(t *testing.T) {
	tty, err := sim.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	cfg := KeepConfig{Spec: tty.Path(), Config: Config{Baud: 9600}}
	files, routines := descriptors(t), runtime.NumGoroutine()
	var took time.Duration
	for range 5 { // a loaded machine can hold anybody up, but not five times
		k := newKeeper(cfg)
		entered, release := make(chan struct{}), make(chan struct{})
		k.open = func() (*Port, error) {
			close(entered)
			<-release
			return Open(cfg.Spec, cfg.Config)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- k.run(ctx, func(context.Context, *Session) error { return errors.New("must not run") })
		}()
		<-entered
		start := time.Now()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Keep = %v, want context canceled", err)
		}
		took = time.Since(start)
		close(release)
		settles(t, "goroutines", routines, runtime.NumGoroutine)
		settles(t, "descriptors", files, func() int { return descriptors(t) })
		if took < 100*time.Millisecond {
			return
		}
	}
	t.Errorf("Keep took %v to end while the port was being opened, five times over 100 ms", took)
}

// cpu is what this process has used so far.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var use unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// TestKeep_AbsentCPU measures what a device costs that is not there, on a machine with many ttys.
func TestKeep_AbsentCPU(t *testing.T) {
	if testing.Short() {
		t.Skip("takes six seconds")
	}
	root := t.TempDir()
	host := Host{Dev: filepath.Join(root, "dev"), Sys: filepath.Join(root, "sys")}
	for i := range 100 { // consoles and ghosts, as on any computer
		device := filepath.Join(host.Sys, "devices/platform/serial8250")
		home := filepath.Join(host.Sys, "class/tty", fmt.Sprintf("ttyS%d", i))
		for _, dir := range []string{device, home, host.Dev} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(
			os.Symlink(device, filepath.Join(home, "device")), os.WriteFile(filepath.Join(home, "type"), []byte("0\n"), 0o644),
		); err != nil {
			t.Fatal(err)
		}
	}
	for name, spec := range map[string]string{"path": filepath.Join(host.Dev, "ttyUSB0"), "usb": "usb:0403:6001"} {
		t.Run(name, func(t *testing.T) {
			const measured = 3 * time.Second
			runtime.GC()
			before := cpu(t)
			ctx, cancel := context.WithTimeout(t.Context(), measured)
			defer cancel()
			err := Keep(ctx, KeepConfig{Spec: spec, Config: Config{Baud: 9600}, Host: host}, nil)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Keep = %v, want deadline exceeded", err)
			}
			share := float64(cpu(t)-before) / float64(measured)
			t.Logf("port absent: %.2f %% of a core over %v, the first attempts included", share*100, measured)
			if share > 0.02 {
				t.Errorf("%.2f %% of a core, want below 2 %%", share*100)
			}
		})
	}
}

// TestHost_openAt has the name of a port lead elsewhere by the time it is open: another device took the place of the one
// that was found.
func TestHost_openAt(t *testing.T) {
	first, second := mustPTY(t), mustPTY(t)
	name := filepath.Join(t.TempDir(), "by-id")
	if err := os.Symlink(second.Path(), name); err != nil {
		t.Fatal(err)
	}
	files := descriptors(t)
	if p, err := (Host{}).openAt(first.Path(), name, Config{Baud: 9600}); hardware.FaultOf(err) != hardware.NotFound || !wasAbsent(err) {
		t.Errorf("openAt the port of another device = %v, %v, want not found", p, err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if p, err := (Host{}).openAt(first.Path(), name, Config{Baud: 9600}); hardware.FaultOf(err) != hardware.NotFound || !wasAbsent(err) {
		t.Errorf("openAt a port that nobody names any more = %v, %v, want not found", p, err)
	}
	if got := descriptors(t); got != files {
		t.Errorf("%d descriptors are left open", got-files)
	}
}

func mustPTY(t *testing.T) *sim.PTY {
	t.Helper()
	tty, err := sim.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() }) // nothing is written that could be lost
	return tty
}

// TestLine_StuckOpen is a driver whose open never returns, and a box that asks again and again: one goroutine is left
// behind, with its thread, and not one for each attempt.
func TestLine_StuckOpen(t *testing.T) {
	tty := mustPTY(t)
	l := NewLine(KeepConfig{Spec: tty.Path(), Config: Config{Baud: 9600}})
	release, entered := make(chan struct{}), make(chan struct{}, 100)
	l.openPort = func() (*Port, error) {
		entered <- struct{}{}
		<-release
		return Open(tty.Path(), Config{Baud: 9600})
	}
	files, routines := descriptors(t), runtime.NumGoroutine()
	ask := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		return l.Do(ctx, func(context.Context, *Port, bool) error { return nil })
	}
	for range 20 {
		l.retryAt = time.Time{} // the pause is over
		if err := ask(); hardware.FaultOf(err) != hardware.IOError {
			t.Errorf("Do = %v, want an I/O error", err)
		}
	}
	if got := len(entered); got != 1 {
		t.Errorf("the kernel was asked %d times, want once until it answers", got)
	}
	close(release)
	settles(t, "goroutines", routines, runtime.NumGoroutine)
	settles(t, "descriptors", files, func() int { return descriptors(t) })
	l.retryAt = time.Time{}
	if err := l.Do(t.Context(), func(context.Context, *Port, bool) error { return nil }); err != nil {
		t.Errorf("once the kernel answers: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
