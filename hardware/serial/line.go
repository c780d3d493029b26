package serial

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"isotherm/hardware"
)

// maxFailures is how many exchanges may fail one after the other before the port is opened again: a descriptor can go
// dead without an error. More than a probe or two that are missing on a bus, or the bus would never rest.
const maxFailures = 5

// Line is a port whose devices speak only when asked. It is opened at the first exchange and again, with growing pauses,
// after it was lost. Its methods may be called from any goroutine.
type Line struct {
	cfg      KeepConfig
	openPort func() (*Port, error) // cfg.Host.open; a test has its own
	ctx      context.Context       // done once the line is closed; ends every exchange
	stop     context.CancelFunc
	path     atomic.Pointer[string]

	turn   chan struct{} // holds one token: who has it owns the fields below
	kernel chan struct{} // holds one token: who has it may have the kernel open or look for the port

	port     *Port
	backoff  Backoff
	retryAt  time.Time // no attempt to open before, unless a port that was not there is back
	lookAt   time.Time // no look whether it is before
	lastFail error     // what is said until then
	dirty    bool
	failures int            // exchanges in a row
	logged   hardware.Fault // logged last, so that a lost port is one line

	closing sync.Once
}

// NewLine prepares a line; nothing is opened yet.
func NewLine(cfg KeepConfig) *Line {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Line{cfg: cfg, turn: make(chan struct{}, 1), kernel: make(chan struct{}, 1)}
	l.openPort = func() (*Port, error) { return cfg.Host.open(cfg.Spec, cfg.Config) }
	l.ctx, l.stop = context.WithCancel(context.Background())
	l.turn <- struct{}{}
	l.kernel <- struct{}{}
	return l
}

// Path returns where the port is or was last, "" when it never was open.
func (l *Line) Path() string {
	if path := l.path.Load(); path != nil {
		return *path
	}
	return ""
}

// Close ends every exchange under way and gives the port up, for good. It may be called more than once.
func (l *Line) Close() error {
	l.stop() // wakes whoever has the turn, so that taking it does not wait
	var err error
	l.closing.Do(func() {
		<-l.turn // and never given back
		if l.port != nil {
			err = l.port.Close()
		}
	})
	return err
}

// Do runs exchange with the port, one exchange at a time; who gives up waiting leaves the queue. dirty says that bytes of
// an earlier exchange may still come: the port was just opened, or the exchange before failed. When ctx ends or the line
// is closed, what the exchange reads or writes ends at once with Silent or WriteStuck.
//
// The error is that of exchange, of Open (the same one until the pause between attempts is over), ctx's, or an *Error with
// Closed. An exchange that fails with a fault of the port gives the port up, and so does the fifth failure in a row.
func (l *Line) Do(ctx context.Context, exchange func(ctx context.Context, p *Port, dirty bool) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	select {
	case <-ctx.Done():
		return l.ended(ctx)
	case <-l.turn:
	}
	defer func() { l.turn <- struct{}{} }()
	if ctx.Err() != nil {
		return l.ended(ctx)
	}
	if err := l.open(ctx); err != nil {
		return err
	}
	err := l.exchange(ctx, exchange)
	l.judge(ctx, err)
	if ctx.Err() != nil {
		return l.ended(ctx)
	}
	return err
}

// exchange runs fn so that the end of ctx wakes it.
func (l *Line) exchange(ctx context.Context, fn func(ctx context.Context, p *Port, dirty bool) error) error {
	port, woken := l.port, make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		port.interrupt()
		close(woken)
	})
	err := fn(ctx, port, l.dirty)
	if !stop() {
		<-woken // or it would wake the next exchange
	}
	port.resume()
	if err == nil && ctx.Err() != nil {
		return ctx.Err() // it may have stopped half-way without noticing
	}
	return err
}

// judge draws the consequences of an exchange.
func (l *Line) judge(ctx context.Context, err error) {
	if err == nil {
		l.dirty, l.failures, l.logged = false, 0, hardware.None
		l.backoff.Reset()
		l.cfg.Monitor.Set(hardware.StateLive, hardware.None, l.Path(), "")
		return
	}
	l.dirty = true
	l.failures++
	lost := losesPort(err, ctx.Err() != nil)
	if lost || l.failures >= maxFailures {
		_ = l.port.Close() // it failed already, for the reason in err
		l.port, l.failures = nil, 0
	}
	if lost {
		l.failed(err)
	}
}

// losesPort reports whether err says that the port is of no use any more. A write that was interrupted looks stuck.
func losesPort(err error, interrupted bool) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch e.Fault {
	case hardware.Unplugged, hardware.IOError, hardware.Closed:
		return true
	}
	return e.Fault == hardware.WriteStuck && !interrupted
}

// open opens the port unless it is open or it is too early to try again.
func (l *Line) open(ctx context.Context) error {
	if l.port != nil {
		return nil
	}
	if time.Now().Before(l.retryAt) && !l.back(ctx) {
		if ctx.Err() != nil {
			return l.ended(ctx)
		}
		return l.lastFail
	}
	port, err := openContext(ctx, func() (*Port, error) {
		return oneInKernel(l, func() (*Port, error) { return l.openPort() })
	})
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return l.ended(ctx)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = &Error{Op: "open", Path: l.cfg.Spec, Fault: hardware.IOError, Err: errors.New("the kernel did not open it in time")}
		}
		l.failed(err)
		return err
	}
	path := port.Path()
	l.port, l.dirty = port, true
	l.path.Store(&path)
	if c := l.cfg.Monitor.Condition(); c.State == hardware.StateDown || c.Port != path {
		l.cfg.Monitor.Set(hardware.StateOpening, hardware.None, path, "")
	}
	return nil
}

// back looks whether a port that was not there is there now, at most once in lookInterval.
func (l *Line) back(ctx context.Context) bool {
	now := time.Now()
	if !wasAbsent(l.lastFail) || now.Before(l.lookAt) {
		return false
	}
	l.lookAt = now.Add(lookInterval)
	_, err := await(ctx, func() (string, error) {
		return oneInKernel(l, func() (string, error) { return l.cfg.Host.locate(l.cfg.Spec) })
	}, func(string) {})
	return err == nil
}

// oneInKernel runs f unless an earlier one still waits for the kernel. Each that the kernel never answers holds a thread of
// the process, and callers try again for as long as the box runs.
func oneInKernel[T any](l *Line, f func() (T, error)) (T, error) {
	select {
	case <-l.kernel:
		defer func() { l.kernel <- struct{}{} }()
		return f()
	default:
		var none T
		return none, &Error{Op: "open", Path: l.cfg.Spec, Fault: hardware.IOError, Err: errors.New("the kernel still holds an earlier attempt")}
	}
}

// failed notes that the port is lost or could not be opened.
func (l *Line) failed(err error) {
	l.lastFail = err
	l.retryAt = time.Now().Add(l.backoff.Next())
	fault := hardware.FaultOf(err)
	l.cfg.Monitor.Set(hardware.StateDown, fault, l.Path(), err.Error())
	if fault != l.logged {
		l.cfg.Logger.Warn("serial line lost", "port", l.cfg.Spec, "fault", fault, "err", err)
		l.logged = fault
	}
}

// ended says why an exchange stopped early: the line closed, or the caller gave up.
func (l *Line) ended(ctx context.Context) error {
	if l.ctx.Err() != nil {
		return &Error{Op: "use", Path: l.cfg.Spec, Fault: hardware.Closed, Err: errors.New("the line is closed")}
	}
	return ctx.Err()
}
