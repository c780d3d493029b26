package output

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"isotherm/hardware"
)

// CommandConfig says what to run. Zero values other than Argv mean the defaults.
type CommandConfig struct {
	Argv    []string          // program and arguments, for no shell; "{state}" in an argument becomes on or off
	Timeout time.Duration     // real time for one run, default 5 s
	Monitor *hardware.Monitor // may be nil
}

const (
	stateWord      = "{state}"
	defaultTimeout = 5 * time.Second // a modem that is told to go off the air takes two or three
	maxArguments   = 32
	maxArgument    = 1024
	maxOutput      = 512 // bytes of what it printed that an error carries: the first, where programs say what is wrong

	// pipeWait is how long output is still taken after the end of the program; nobody who holds the pipe lives by then.
	pipeWait = 100 * time.Millisecond
	// killWait is how long a killed program may take to go: a few milliseconds, unless the kernel holds it.
	killWait = 500 * time.Millisecond
)

// Command switches by running a program: on success it must end with status 0. It implements hardware.Switch.
//
// The program gets no input and, of the environment, PATH and HOME alone. It runs in a process group of its own, and
// when it ends, times out or is given up, everything still in that group is killed: nothing that it started stays. A
// program that leaves its group (setsid) is not caught.
type Command struct {
	cfg  CommandConfig
	turn turn
}

// NewCommand prepares a command; nothing runs before Set. The error is about cfg.
func NewCommand(cfg CommandConfig) (*Command, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if len(cfg.Argv) == 0 || len(cfg.Argv) > maxArguments {
		return nil, fmt.Errorf("configure command: %d arguments are not between 1 and %d", len(cfg.Argv), maxArguments)
	}
	given := false
	for i, arg := range cfg.Argv {
		switch {
		case len(arg) > maxArgument || strings.ContainsRune(arg, 0):
			return nil, fmt.Errorf("configure command %s: argument %d is over %d bytes or holds a NUL", cfg.Argv[0], i, maxArgument)
		case i == 0 && (arg == "" || strings.Contains(arg, stateWord)):
			return nil, fmt.Errorf("configure command: %q is no program", arg)
		}
		given = given || strings.Contains(arg, stateWord)
	}
	if !given {
		return nil, fmt.Errorf("configure command %s: no argument holds %s, so on and off are the same", cfg.Argv[0], stateWord)
	}
	return &Command{cfg: cfg, turn: newTurn()}, nil
}

// Info says which program it is.
func (c *Command) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: "command", Bus: c.cfg.Argv[0]}
}

// Set runs the program. Its error is an *Error with SwitchFailed (it ended with another status than 0, and what it
// printed), NotFound, Denied, Timeout or Canceled. A program that can't even be killed, because the kernel holds it, is
// left behind in a goroutine; until it is gone every other Set fails with Timeout.
func (c *Command) Set(parent context.Context, on bool) error {
	ctx, cancel := context.WithTimeout(parent, c.cfg.Timeout)
	defer cancel()
	err := c.turn.take(ctx)
	if err == nil {
		err = c.start(ctx, on)
	}
	if ctx.Err() != nil && parent.Err() == nil && err != nil {
		err = &timeoutError{fmt.Sprintf("did not end within %v: %v", c.cfg.Timeout, err)}
	}
	return finish(c.cfg.Monitor, c.cfg.Argv[0], on, err)
}

// start runs the program and does not wait much longer than ctx. It has the turn, and gives it back when the program is
// gone.
func (c *Command) start(ctx context.Context, on bool) error {
	done := make(chan error, 1) // one place, so that a program left behind can end
	go func() {                 // ends when the kernel lets the program go: as a rule right after ctx is done
		err := c.run(ctx, on)
		c.turn.give()
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(killWait)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("%w, and it can't be killed", ctx.Err())
	}
}

// startError is a program that could not be started; timeoutError one that took too long.
type (
	startError struct {
		fault hardware.Fault
		err   error
	}
	timeoutError struct{ text string }
)

func (e *startError) Error() string   { return "start: " + e.err.Error() }
func (e *startError) Unwrap() error   { return e.err }
func (e *timeoutError) Error() string { return e.text }

func (c *Command) run(ctx context.Context, on bool) error {
	argv := c.argv(on)
	var output head
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = pipeWait
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return &startError{startFault(err), err}
	}
	pid := cmd.Process.Pid
	// The program may end and leave others that hold its output open. WaitDelay ends the wait for them, and the rest of the
	// group goes now. Its number is not another's as long as one of them lives; when none does there is nothing to kill.
	err := cmd.Wait()
	_ = killGroup(pid)
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it ended well, and only its children went on
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%w%v", ctx.Err(), &output)
	}
	return fmt.Errorf("%w%v", err, &output)
}

func (c *Command) argv(on bool) []string {
	state := "off"
	if on {
		state = "on"
	}
	argv := make([]string, len(c.cfg.Argv))
	for i, arg := range c.cfg.Argv {
		argv[i] = strings.ReplaceAll(arg, stateWord, state)
	}
	return argv
}

// killGroup kills the group that pid leads. The numbers 0 and 1 would mean our own group, and everything.
func killGroup(pid int) error {
	if pid <= 1 {
		return os.ErrProcessDone
	}
	err := syscall.Kill(-pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

func startFault(err error) hardware.Fault {
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return hardware.NotFound
	case errors.Is(err, fs.ErrPermission):
		return hardware.Denied
	}
	return hardware.IOError
}

// head keeps the first bytes that a program prints and takes the rest without keeping it.
type head struct {
	mu      sync.Mutex // guards what follows: two pipes, and a program that is left behind
	kept    []byte
	dropped bool
}

// Write takes all of p.
func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	room := maxOutput - len(h.kept)
	h.kept = append(h.kept, p[:min(room, len(p))]...)
	h.dropped = h.dropped || len(p) > room
	return len(p), nil
}

// String gives it for the end of an error: nothing, or `, it printed "..."`.
func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := strings.TrimSpace(string(h.kept))
	if text == "" {
		return ""
	}
	if h.dropped {
		return fmt.Sprintf(", it printed %q and more", text)
	}
	return fmt.Sprintf(", it printed %q", text)
}
