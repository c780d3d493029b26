package journey

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// process is a daemon of ours: this program, started under another name.
type process struct {
	name   string
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended
	err    error         // how; read after exited is closed
}

// stopPatience is how long an orderly stop may take before the process is killed.
const stopPatience = 10 * time.Second

// starter starts processes from one locked thread that lives as long as this program. Linux sends the death signal of a
// child when the thread that made it ends, not when the program does.
type starter struct {
	program string
	logs    string // folder for their standard error
	work    chan func()
}

// newStarter returns a starter that ends with ctx.
func newStarter(ctx context.Context, program, logs string) *starter {
	s := &starter{program: program, logs: logs, work: make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked
		for {
			select {
			case f := <-s.work:
				f()
			case <-ctx.Done():
				return
			}
		}
	}()
	return s
}

// run runs the program under a daemon's name to its end.
func (s *starter) run(ctx context.Context, daemon, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, s.program, args...)
	cmd.Args[0] = daemon
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// start runs the program under the daemon's name and waits until it prints that it is ready.
func (s *starter) start(ctx context.Context, daemon, name string, args ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(s.logs, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close() // the child keeps its own
	p := &process{name: name, exited: make(chan struct{})}
	p.cmd = &exec.Cmd{Path: s.program, Args: append([]string{daemon}, args...), Stderr: log,
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	started := make(chan error, 1)
	select {
	case s.work <- func() { started <- p.cmd.Start() }:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	ready := make(chan struct{})
	go p.watch(out, ready)
	select {
	case <-ready:
		return p, nil
	case <-p.exited:
		return nil, fmt.Errorf("%s ended at once (%v): %s", name, p.err, lastLines(filepath.Join(s.logs, name+".log")))
	case <-ctx.Done():
		p.kill()
		return nil, ctx.Err()
	}
}

// watch reads the process's output to its end, then waits for it.
func (p *process) watch(out io.Reader, ready chan<- struct{}) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if ready != nil && strings.Contains(lines.Text(), " ready") {
			close(ready)
			ready = nil
		}
	}
	_, _ = io.Copy(io.Discard, out) // a line too long for the scanner must not block the daemon
	p.err = p.cmd.Wait()
	close(p.exited)
}

// kill is kill -9: the process has no chance to finish anything.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error says only that it ended already
	<-p.exited
}

// stop asks it to end in order, and kills it if it doesn't.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // as above
	select {
	case <-p.exited:
		return p.err
	case <-time.After(stopPatience):
		p.kill()
		return fmt.Errorf("%s did not stop within %v and was killed", p.name, stopPatience)
	}
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// maxTail is what an error shows of a log.
const maxTail = 800

func lastLines(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-maxTail):]))
}

// poll calls ready until it returns true or an error, and gives up with ctx.
func poll(ctx context.Context, what string, ready func(context.Context) (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := ready(ctx)
		if ok || err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waiting for %s: %w", what, ctx.Err()), err)
		}
	}
}
