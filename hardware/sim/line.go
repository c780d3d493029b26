package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Device is the device's side of a serial line, from power-up until ctx is done or the line fails. It writes one report
// or answer with each Write: that is the unit that faults act on. When it returns nil before, the line stays, silent.
type Device func(ctx context.Context, line io.ReadWriteCloser) error

// LineConfig describes a device on a line. Link, Device and Clock are required.
type LineConfig struct {
	// Link is the path that drivers open, a symlink that always leads to where the device is plugged in now, as those in
	// /dev/serial/by-id/ do. It is made by the line and vanishes while the device is unplugged.
	Link string
	// Node is the device's name of the moment, in Link's folder, such as ttyUSB0: Link leads to it, and it to the
	// pseudo-terminal. A Fault's As changes it. Without a Node, As moves Link itself, as names move that are not by-id.
	Node    string
	Baud    int // speed of the device; zero: the driver's speed does not matter
	Device  Device
	Script  Script
	Clock   Clock
	Observe func(f Fault, begins bool) // told of each fault's begin and end, in order, from one goroutine; may be nil
	Seed    uint64                     // of the noise
}

// Line is a simulated device behind a pseudo-terminal under a path that stays, with scripted faults. Each time it is
// plugged in, the device starts anew, as one does that gets its power from the plug.
type Line struct {
	cfg LineConfig
	dir string

	mu   sync.Mutex // guards what follows
	link string     // file names in dir
	node string
	pty  *PTY // nil while unplugged
	// unplugs is how often the script had pulled the plug when the device was plugged in.
	unplugs int
}

// OpenLine checks cfg and plugs the device in, unless the script begins unplugged. Run makes it talk; its end, or Close,
// removes the path again. The error says what is wrong with cfg, or that the path is taken.
func OpenLine(cfg LineConfig) (*Line, error) {
	if cfg.Link == "" || cfg.Device == nil || cfg.Clock == nil {
		return nil, errors.New("simulated line needs a link, a device and a clock")
	}
	if cfg.Node != "" && !plainName(cfg.Node) {
		return nil, fmt.Errorf("simulated line %s: node %q must be a name without a folder", cfg.Link, cfg.Node)
	}
	if cfg.Baud != 0 && (cfg.Baud < minBaud || cfg.Baud > maxBaud) {
		return nil, fmt.Errorf("simulated line %s: baud %d is not between %d and %d", cfg.Link, cfg.Baud, minBaud, maxBaud)
	}
	if err := cfg.Script.Check(); err != nil {
		return nil, fmt.Errorf("simulated line %s: %w", cfg.Link, err)
	}
	l := &Line{cfg: cfg, dir: filepath.Dir(cfg.Link), link: filepath.Base(cfg.Link), node: cfg.Node}
	if l.unplugged() {
		return l, nil
	}
	if err := l.plug(); err != nil {
		return nil, err
	}
	return l, nil
}

// Path returns the path that drivers open now: Link, until a Fault's As moves it.
func (l *Line) Path() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return filepath.Join(l.dir, l.link)
}

// Run runs the device and its faults until ctx is done, then unplugs it and returns ctx's error; or the error of a device
// or a pseudo-terminal that failed by itself. All it started has ended when it returns.
func (l *Line) Run(ctx context.Context) error {
	defer l.Close()
	ctx, cancel := context.WithCancel(ctx)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel()
	watch.Go(func() { l.tell(ctx) }) // ends with ctx
	for ctx.Err() == nil {
		if l.pulled() { // after OpenLine, before the device ran
			if err := l.unplug(); err != nil {
				return err
			}
		}
		poll(ctx, func() bool { return !l.unplugged() })
		if ctx.Err() != nil {
			break
		}
		if err := l.plug(); err != nil {
			return err
		}
		if err := l.serve(ctx); err != nil {
			return fmt.Errorf("simulated device %s: %w", l.Path(), err)
		}
	}
	return ctx.Err()
}

// Close unplugs the device for good. It is for a line that never runs; Run does it by itself.
func (l *Line) Close() error { return l.unplug() }

func (l *Line) unplugged() bool {
	_, off := l.cfg.Script.find(Unplug, l.cfg.Clock())
	return off
}

// pulled tells whether the plug was pulled since the device was plugged in, even if only for a moment.
func (l *Line) pulled() bool {
	times, _ := l.cfg.Script.unplugs(l.cfg.Clock())
	l.mu.Lock()
	defer l.mu.Unlock()
	return times != l.unplugs
}

// serve runs the device until it is unplugged, which is no error, or ctx is done, or it fails.
func (l *Line) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	l.mu.Lock()
	pty := l.pty
	l.mu.Unlock()
	w := newWire(ctx, pty, l.cfg, func() { _ = l.hangUp(pty) })
	failed := make(chan error, 1)
	var device sync.WaitGroup
	device.Go(func() { // ends with ctx, and with the wire
		if err := l.cfg.Device(ctx, w); err != nil && w.ctx.Err() == nil {
			failed <- err
		}
	})
	var err error
	poll(ctx, func() bool {
		select {
		case err = <-failed:
			return true
		default:
			return l.pulled()
		}
	})
	gone := l.hangUp(pty)
	cancel()
	_ = w.Close() // it has no error of its own
	device.Wait()
	return errors.Join(err, gone)
}

// plug makes a new pseudo-terminal and the names that lead to it; one that is there stays.
func (l *Line) plug() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pty != nil {
		return nil
	}
	times, as := l.cfg.Script.unplugs(l.cfg.Clock())
	switch l.unplugs = times; {
	case as == "":
	case l.node != "":
		l.node = as
	default:
		l.link = as
	}
	pty, err := OpenPTY()
	if err != nil {
		return err
	}
	if l.cfg.Baud != 0 {
		if err := pty.forgetBaud(); err != nil {
			return errors.Join(err, pty.Close())
		}
	}
	target := pty.Path()
	for _, name := range []string{l.node, l.link} {
		if name == "" {
			continue
		}
		path := filepath.Join(l.dir, name)
		if err := makeLink(target, path); err != nil {
			if name == l.link && l.node != "" {
				err = errors.Join(err, os.Remove(filepath.Join(l.dir, l.node)))
			}
			return errors.Join(err, pty.Close())
		}
		target = name
	}
	l.pty = pty
	return nil
}

// makeLink makes path a symlink to target. A link that leads nowhere, left by a program that was killed, gives way.
func makeLink(target, path string) error {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("simulated line: %s exists already: remove it, or choose another folder", path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("simulated line: %w", err)
		}
	}
	if err := os.Symlink(target, path); err != nil {
		return fmt.Errorf("simulated line: %w", err)
	}
	return nil
}

// unplug hangs up whatever is plugged in.
func (l *Line) unplug() error {
	l.mu.Lock()
	pty := l.pty
	l.mu.Unlock()
	return l.hangUp(pty)
}

// hangUp removes the names of pty and closes it, in this order: the kernel hands the numbers of terminals out again, and
// a driver must not find somebody else's behind the name. Nothing happens when pty is not plugged in any more.
func (l *Line) hangUp(pty *PTY) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pty == nil || l.pty != pty {
		return nil
	}
	l.pty = nil
	var err error
	for _, name := range []string{l.link, l.node} {
		if name == "" {
			continue
		}
		if e := os.Remove(filepath.Join(l.dir, name)); e != nil && !errors.Is(e, fs.ErrNotExist) { // its folder may be gone already
			err = errors.Join(err, fmt.Errorf("simulated line: %w", e))
		}
	}
	return errors.Join(err, pty.Close())
}

// tell watches the script and tells of each begin and end, also of a fault that was over before it looked.
func (l *Line) tell(ctx context.Context) {
	if l.cfg.Observe == nil || len(l.cfg.Script) == 0 {
		return
	}
	on, told := make([]bool, len(l.cfg.Script)), make([]int, len(l.cfg.Script))
	poll(ctx, func() bool {
		now := l.cfg.Clock()
		for i, f := range l.cfg.Script {
			times, _ := f.begins(now)
			if on[i] && (times > told[i] || !f.active(now)) {
				on[i] = false
				l.cfg.Observe(f, false)
			}
			if times == told[i] {
				continue
			}
			told[i], on[i] = times, f.active(now)
			l.cfg.Observe(f, true)
			if !on[i] {
				l.cfg.Observe(f, false)
			}
		}
		return false
	})
}

// poll asks until the answer is yes or ctx is done.
func poll(ctx context.Context, yes func() bool) {
	if yes() {
		return
	}
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if yes() {
				return
			}
		}
	}
}
