package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"isotherm/hardware/sim"
)

// typist is somebody at a terminal that echoes, as shells leave it.
type typist struct {
	t    *testing.T
	line *sim.PTY
	tty  *os.File
	said seenWriter // what the command said
}

func newTypist(t *testing.T) *typist {
	t.Helper()
	line, err := sim.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { line.Close() })
	tty, err := os.OpenFile(line.Path(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	x := &typist{t: t, line: line, tty: tty}
	x.stty("sane", "echo")
	return x
}

func (x *typist) stty(args ...string) string {
	x.t.Helper()
	out, err := exec.Command("stty", append([]string{"-F", x.line.Path()}, args...)...).CombinedOutput()
	if err != nil {
		x.t.Fatalf("stty: %v: %s", err, out)
	}
	return string(out)
}

func (x *typist) echoes() bool { return !strings.Contains(x.stty("-a"), "-echo ") }

// types waits for a prompt without echo, and types a line.
func (x *typist) types(prompt, text string) {
	x.t.Helper()
	waitFor(x.t, func() bool { return strings.Contains(x.said.String(), prompt) && !x.echoes() })
	if _, err := io.WriteString(x.line, text+"\n"); err != nil {
		x.t.Error(err)
	}
}

// waitFor polls a terminal or a process, which give no signal of their own.
func waitFor(t *testing.T, ready func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ready(); {
		if time.Now().After(end) {
			t.Error("it did not happen within 10 s")
			return
		}
	}
}

// prompt is a command that was asked something at the typist's terminal.
func (x *typist) prompt(ctx context.Context) *cobra.Command {
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	cmd.SetIn(x.tty)
	cmd.SetErr(&x.said)
	return cmd
}

func TestAskSecret(t *testing.T) {
	x := newTypist(t)
	cmd := x.prompt(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { x.types("PIN", "246 810ä") })
	got, err := askSecret(cmd, "PIN of A. Example", "--pin-file")
	wg.Wait()
	if err != nil || string(got) != "246 810ä" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, want := x.said.String(), "PIN of A. Example: \n"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
	waitFor(t, x.echoes)
	if _, err := io.WriteString(x.line, "seen"); err != nil {
		t.Fatal(err)
	}
	echo := make([]byte, 100)
	n, err := x.line.Read(echo)
	if err != nil || !strings.HasPrefix(string(echo[:n]), "s") {
		t.Errorf("the terminal showed %q, %v: want nothing of the PIN, and what was typed after", echo[:n], err)
	}
}

func TestAskSecret_interrupted(t *testing.T) {
	x := newTypist(t)
	ctx, cancel := context.WithCancel(t.Context())
	cmd := x.prompt(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		waitFor(t, func() bool { return !x.echoes() })
		cancel()
	})
	if _, err := askSecret(cmd, "PIN", "--pin-file"); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
	wg.Wait()
	if !x.echoes() {
		t.Error("the terminal stays without echo")
	}
}

func TestAskSecret_noTerminal(t *testing.T) {
	cmd := &cobra.Command{}
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, in := range []io.Reader{strings.NewReader("246810\n"), file} {
		cmd.SetIn(in)
		_, err := askSecret(cmd, "PIN", "--pin-file")
		var usage usageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), "--pin-file") {
			t.Errorf("got %v, want a usage error that names --pin-file", err)
		}
	}
}

func TestNewSecret(t *testing.T) {
	for _, tt := range []struct{ first, again, want string }{{"246810", "246810", "246810"}, {"246810", "246811", ""}} {
		x := newTypist(t)
		cmd := x.prompt(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			x.types("new PIN: ", tt.first)
			x.types("new PIN, again: ", tt.again)
		})
		got, err := newSecret(cmd, "new PIN", "", "--pin-file")
		wg.Wait()
		if string(got) != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s, %s: got %q, %v; said %q", tt.first, tt.again, got, err, x.said.String())
		}
	}
}
