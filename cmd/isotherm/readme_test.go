package main

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReadme_commands runs the README's sections on a ledger and a box of one's own, line by line, in an empty folder.
func TestReadme_commands(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds all programs")
	}
	commands := readmeCommands(t, "## A ledger of your own")
	commands = append(commands, readmeCommands(t, "## A box of your own")...)
	if len(commands) < 12 {
		t.Fatalf("the README's sections have %d commands, want more: %q", len(commands), commands)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ports := strings.NewReplacer(":7301", freePort(t), ":7401", freePort(t)) // somebody may have followed the README here
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, line := range commands {
		line = ports.Replace(line)
		cmd := exec.CommandContext(ctx, "bash", "-c", line)
		cmd.Dir = dir
		switch {
		case strings.HasPrefix(line, "go build"):
			cmd = exec.CommandContext(ctx, "bash", "-c", strings.Replace(line, "bin/", filepath.Join(dir, "bin")+"/", 1))
			cmd.Dir = root
		case strings.Contains(line, "isotherm sim"):
			line += " --page 127.0.0.1" + freePort(t)
			fallthrough
		case strings.Contains(line, "ledgerd run"), strings.Contains(line, "trackerd run"):
			startDaemon(t, dir, line)
			continue
		}
		out, err := cmd.CombinedOutput()
		t.Logf("$ %s\n%s", line, out)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
}

// freePort returns a port of loopback that nobody listens on right now, with its colon.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strings.TrimPrefix(l.Addr().String(), "127.0.0.1")
}

// readmeCommands returns the indented lines of a section.
func readmeCommands(t *testing.T, section string) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), section)
	if !found {
		t.Fatalf("the README has no section %q", section)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	var out []string
	for _, line := range strings.Split(rest, "\n") {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			out = append(out, command)
		}
	}
	return out
}

// startDaemon starts a command that goes on, waits until it says that it is ready, and ends it with the test.
func startDaemon(t *testing.T, dir, line string) {
	t.Helper()
	cmd := exec.Command("bash", "-c", "exec "+line) // exec, so that the signal reaches the daemon, not a shell
	cmd.Dir = dir
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Errorf("stop: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, log.String())
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), " ready") {
			t.Log(lines.Text())
			go func() { // ends with the daemon
				for lines.Scan() {
				}
			}()
			return
		}
	}
	t.Fatalf("%s ended before it was ready", line)
}
