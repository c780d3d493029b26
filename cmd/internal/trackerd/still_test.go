package trackerd_test

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"isotherm/cmd/internal/trackerd"
	"isotherm/hardware/sim"
)

// standsFor is long enough for the kernel's buffer of the receiver's line to overflow: it keeps the oldest 4 KiB.
const standsFor = 35 * time.Second

// standsMost is how old an answer of a probe that is asked may be: as long as a round takes.
const standsMost = 6 * time.Second

// trackerdEnv makes this test program be trackerd.
const trackerdEnv = "ISOTHERM_TEST_IS_TRACKERD"

func TestMain(m *testing.M) {
	if os.Getenv(trackerdEnv) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		code := trackerd.Run(ctx, os.Args[1:], nil, os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// TestRun_standsStill stops the program of a box for a while, as a machine without memory does. What waited for it meanwhile is not news afterwards.
func TestRun_standsStill(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute, most of it waiting")
	}
	t.Parallel()
	faults := regexp.MustCompile(`(?s)\nfault = \[.*?\n\]`)
	w := newWorld(t, func(plan string) string { return faults.ReplaceAllString(plan, "") })
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out buffer
	cmd := exec.Command(program, "run", "--config", w.config)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), trackerdEnv+"=1"), &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	tell := func(sig os.Signal) {
		t.Helper()
		if err := cmd.Process.Signal(sig); err != nil {
			t.Errorf("%v: %v", sig, err)
		}
	}
	defer func() {
		if !ended {
			_ = cmd.Process.Kill() // the test failed before
			_ = cmd.Wait()
		}
	}()
	w.pack(t)
	stopped := 12 * time.Second
	<-time.After(time.Until(w.start.Add(stopped)))
	tell(syscall.SIGSTOP)
	<-time.After(standsFor)
	tell(syscall.SIGCONT)
	goes := w.clock()
	<-time.After(12 * time.Second)
	w.alive(t)
	<-time.After(2 * time.Second) // a condition takes one to settle
	tell(syscall.SIGTERM)
	ended = true
	if err := cmd.Wait(); err != nil {
		t.Errorf("end: %v", err)
	}
	c := w.check(t)
	c.stood = standsFor
	for name := range c.truth.devices { // what it says of them right after is of the time when it did not hear them
		c.truth.devices[name] = []window{{sim.Silence, stopped, goes}}
	}
	c.all(journaled(t, filepath.Join(w.dir, "data")))
	if t.Failed() {
		t.Logf("log:\n%s", out.String())
	}
}

// uptime is the clock that a box's monotonic times are by.
func uptime(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	seconds, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(seconds * float64(time.Second))
}
