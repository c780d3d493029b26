package modbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// BusConfig says how a line is driven. Zero values other than Path mean the defaults.
type BusConfig struct {
	Path    string           // the port; use a /dev/serial/by-id/ name
	Baud    int              // bits per second, default 9600
	Parity  serial.Parity    // default none
	Timeout time.Duration    // real time for one answer, default 500 ms
	Now     func() time.Time // the box's clock, for Sample.At; default time.Now
	Logger  *slog.Logger     // default discards
}

const (
	defaultBaud    = 9600
	defaultTimeout = 500 * time.Millisecond
)

// Bus is one serial line with the probes on it. It opens the port when a probe is
// first read, and again, with growing pauses, after it was lost. Requests of several
// probes take turns. Its methods may be called from any goroutine.
type Bus struct {
	cfg  BusConfig
	ctx  context.Context // done once the bus is closed; ends every request
	stop context.CancelFunc

	turn chan struct{} // holds one token: who has it owns the fields below

	master   *master
	port     *serial.Port
	backoff  serial.Backoff
	retryAt  time.Time      // no attempt to open before, in real time
	lastFail error          // what is said until then
	reported hardware.Fault // logged last, so that a lost port is one line

	closing sync.Once
}

// NewBus prepares a line; nothing is opened yet.
func NewBus(cfg BusConfig) *Bus {
	if cfg.Baud == 0 {
		cfg.Baud = defaultBaud
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	b := &Bus{cfg: cfg, turn: make(chan struct{}, 1)}
	b.ctx, b.stop = context.WithCancel(context.Background())
	b.turn <- struct{}{}
	return b
}

// Close ends every request under way and gives the port up. It returns at once; it
// may be called more than once.
func (b *Bus) Close() error {
	b.stop() // wakes whoever has the turn, so that taking it does not wait
	var err error
	b.closing.Do(func() {
		<-b.turn // and never given back
		if b.port != nil {
			err = b.port.Close()
		}
	})
	return err
}

// Read performs one request and returns its registers. Its error is an *Error from the
// device or the line, a *serial.Error from the port, or the reason ctx ended.
func (b *Bus) Read(ctx context.Context, req Request) ([]uint16, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.ctx, cancel)()
	select {
	case <-ctx.Done():
		return nil, b.ended(ctx)
	case <-b.turn:
	}
	defer func() { b.turn <- struct{}{} }()
	if ctx.Err() != nil {
		return nil, b.ended(ctx)
	}
	if err := b.open(); err != nil {
		return nil, err
	}
	values, err := b.master.read(ctx, req)
	if ctx.Err() != nil {
		return nil, b.ended(ctx)
	}
	if err == nil {
		b.backoff.Reset()
		b.reported = hardware.None
		return values, nil
	}
	if portErr, ok := errors.AsType[*serial.Error](err); ok {
		b.lose(portErr)
	}
	return nil, err
}

// ended says why a request stopped early: the bus closed, or the caller gave up.
func (b *Bus) ended(ctx context.Context) error {
	if b.ctx.Err() != nil {
		return &serial.Error{Op: "read", Path: b.cfg.Path, Fault: hardware.Closed, Err: errors.New("bus is closed")}
	}
	return fmt.Errorf("read modbus: %w", ctx.Err())
}

// open opens the port unless it is open or it is too early to try again.
func (b *Bus) open() error {
	if b.port != nil {
		return nil
	}
	if time.Now().Before(b.retryAt) {
		return b.lastFail
	}
	port, err := serial.Open(b.cfg.Path, serial.Config{Baud: b.cfg.Baud, Parity: b.cfg.Parity})
	if err != nil {
		b.failed(err)
		return err
	}
	b.port, b.master = port, newMaster(port, b.cfg.Baud, b.cfg.Timeout)
	return nil
}

// lose gives up a port that failed.
func (b *Bus) lose(err error) {
	_ = b.port.Close() // it failed already, for the reason in err
	b.port, b.master = nil, nil
	b.failed(err)
}

func (b *Bus) failed(err error) {
	b.lastFail = err
	b.retryAt = time.Now().Add(b.backoff.Next())
	if fault := serial.FaultOf(err); fault != b.reported {
		b.cfg.Logger.Warn("modbus line lost", "port", b.cfg.Path, "fault", fault, "err", err)
		b.reported = fault
	}
}
