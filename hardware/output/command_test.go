package output_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/output"
)

// script writes a shell script into dir and returns its path.
func script(t *testing.T, dir, text string) string {
	t.Helper()
	path := filepath.Join(dir, "hook")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func newCommand(t *testing.T, cfg output.CommandConfig) *output.Command {
	t.Helper()
	c, err := output.NewCommand(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCommand_Set(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		script string // or
		argv0  string
		want   hardware.Fault
		text   string // in the error
	}{
		{"ends well", `exit 0`, "", hardware.None, ""},
		{"fails silently", `exit 3`, "", hardware.SwitchFailed, "exit status 3"},
		{"fails and says why", `echo "modem not found" >&2; exit 1`, "", hardware.SwitchFailed, `"modem not found"`},
		{"floods", `yes 0123456789 | head -c 1000000; exit 1`, "", hardware.SwitchFailed, "and more"},
		{"dies", `kill -9 $$`, "", hardware.SwitchFailed, "killed"},
		{"not found", "", filepath.Join(dir, "absent"), hardware.NotFound, "absent"},
		{"not in PATH", "", "no-such-program-anywhere", hardware.NotFound, "no-such-program"},
		{"not a program", "", plain, hardware.Denied, "plain"},
		{"a folder", "", dir, hardware.Denied, dir},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			argv0 := tt.argv0
			if argv0 == "" {
				argv0 = script(t, t.TempDir(), tt.script)
			}
			m := hardware.NewMonitor("radio", time.Now, nil)
			c := newCommand(t, output.CommandConfig{Argv: []string{argv0, "{state}"}, Monitor: m, Timeout: time.Minute})
			err := c.Set(t.Context(), true)
			wantFault(t, err, m, argv0, tt.want)
			if err != nil && (!strings.Contains(err.Error(), tt.text) || len(err.Error()) > 2000) {
				t.Errorf("error of %d bytes %.300q does not say %q", len(err.Error()), err, tt.text)
			}
		})
	}
}

// TestCommand_Set_arguments: no shell sees them, and the environment is not ours.
func TestCommand_Set_arguments(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SECRET", "x")
	hook := script(t, dir, `printf '%s|' "$@" "$SECRET" > `+dir+`/got; cat >> `+dir+`/got`)
	c := newCommand(t, output.CommandConfig{Argv: []string{hook, "power={state}", "$(id) ; *", "{state}{state}"}})
	for on, want := range map[bool]string{true: "power=on|$(id) ; *|onon||", false: "power=off|$(id) ; *|offoff||"} {
		if err := c.Set(t.Context(), on); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "got")); err != nil || string(got) != want {
			t.Errorf("Set(%v): the program got %q, %v, want %q", on, got, err, want)
		}
	}
}

// alive reports whether the process whose number is in the file runs. The number of one that was killed stays taken until
// its parent, or who inherits it, collects it.
func alive(t *testing.T, file string) bool {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(b)), "stat"))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

// wantDead waits until the process is gone.
func wantDead(t *testing.T, file string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); alive(t, file); <-tick.C {
		if time.Now().After(end) {
			t.Errorf("the process of %s lives on", filepath.Base(file))
			return
		}
	}
}

// wantCollected checks that our own child is no zombie.
func wantCollected(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join("/proc", strings.TrimSpace(string(b)))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("our child is still there: %v", err)
	}
}

func TestCommand_Set_ends(t *testing.T) {
	// The program starts another one that holds its output open, says that it is ready, and hangs or ends.
	hang := func(dir, last string) string {
		return `trap '' TERM INT HUP; echo $$ > ` + dir + `/self; sleep 1000 & echo $! > ` + dir + `/child; echo x; : > ` + dir + `/ready; ` + last
	}
	tests := []struct {
		name   string
		last   string
		cancel bool
		want   hardware.Fault
	}{
		{"times out", "wait", false, hardware.Timeout},
		{"is given up", "wait", true, hardware.Canceled},
		{"ends, and its child does not", "exit 0", false, hardware.None},
		{"fails, and its child does not end", "exit 1", false, hardware.SwitchFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := output.CommandConfig{Argv: []string{script(t, dir, hang(dir, tt.last)), "{state}"}, Timeout: time.Minute}
			if tt.want == hardware.Timeout {
				cfg.Timeout = 2 * time.Second // more than a shell needs to start
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.cancel {
				go func() { // ends once the program runs
					tick := time.NewTicker(10 * time.Millisecond)
					defer tick.Stop()
					for ; ctx.Err() == nil; <-tick.C {
						if _, err := os.Stat(filepath.Join(dir, "ready")); err == nil {
							cancel()
						}
					}
				}()
			}
			begin := time.Now()
			err := newCommand(t, cfg).Set(ctx, true)
			if got := hardware.FaultOf(err); got != tt.want {
				t.Errorf("Set = %v, want %v", err, tt.want)
			}
			if tt.cancel && !errors.Is(err, context.Canceled) {
				t.Errorf("Set = %v, want it to wrap the error of ctx", err)
			}
			if took := time.Since(begin); took > 30*time.Second {
				t.Errorf("Set took %v", took)
			}
			wantCollected(t, filepath.Join(dir, "self"))
			wantDead(t, filepath.Join(dir, "child"))
		})
	}
}
