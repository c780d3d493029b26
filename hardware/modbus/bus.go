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
	Path     string            // the port, as serial.Open takes it: /dev/serial/by-id/..., usb:VVVV:PPPP
	Baud     int               // bits per second, default 9600
	Parity   serial.Parity     // default none
	StopBits int               // default 1
	RS485    bool              // let the port's driver switch the direction of the line
	Timeout  time.Duration     // real time for one answer, default 500 ms
	Now      func() time.Time  // the box's clock, for Sample.At; default time.Now
	Monitor  *hardware.Monitor // is told how the line stands; may be nil
	Logger   *slog.Logger      // default discards
	Host     serial.Host       // where ports are looked for; default this machine
}

const (
	defaultBaud    = 9600
	defaultTimeout = 500 * time.Millisecond

	// restAfter is how many timeouts in a row let a device rest, if a neighbour on its line answers meanwhile.
	restAfter = 3
	// maxRest is how many timeouts a rest lasts at most: a silent device takes at most a ninth of the line's time, and at
	// the usual 500 ms is asked again in the next round.
	maxRest = 8
)

// Bus is one serial line with the probes on it. It opens the port when a probe is
// first read, and again, with growing pauses, after it was lost. Requests of several
// probes take turns. Its methods may be called from any goroutine.
type Bus struct {
	cfg  BusConfig
	line *serial.Line

	// port and master are owned by whoever the line lets have its turn.
	port   *serial.Port
	master *master
	failed map[uint8]bool // addresses that failed since the last good answer of any

	mu      sync.Mutex // guards what follows
	devices map[uint8]*device
	answers int   // good ones, of all devices
	opened  int   // how often the port was opened
	trouble error // of the line itself since its last good answer: what is said when a caller's time is over
}

// device is what the bus knows of an address.
type device struct {
	timeouts int       // in a row
	answers  int       // those of the bus when it last did not answer
	until    time.Time // not asked before, in real time
	err      error     // what is said until then
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
	line := serial.NewLine(serial.KeepConfig{
		Spec: cfg.Path, Host: cfg.Host, Monitor: cfg.Monitor, Logger: cfg.Logger,
		Config: serial.Config{Baud: cfg.Baud, Parity: cfg.Parity, StopBits: cfg.StopBits, RS485: cfg.RS485},
	})
	return &Bus{cfg: cfg, line: line, failed: map[uint8]bool{}, devices: map[uint8]*device{}}
}

// Close ends every request under way and gives the port up. It returns at once; it
// may be called more than once.
func (b *Bus) Close() error { return b.line.Close() }

// Read performs one request and returns its registers. Its error is an *Error from the
// device or the line, a *serial.Error from the port, or the reason ctx ended.
//
// A device that was silent three times in a row rests when others on the line answer: until it is asked again, the error is
// that of the last time, at once. A rest lasts four timeouts, then eight.
func (b *Bus) Read(ctx context.Context, req Request) ([]uint16, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	if err := b.resting(req.Address); err != nil {
		return nil, err
	}
	var values []uint16
	var refused error
	err := b.line.Do(ctx, func(ctx context.Context, p *serial.Port, _ bool) error {
		b.use(p)
		got, err := b.master.read(ctx, req)
		if ctx.Err() != nil {
			if b.master.babbles {
				b.setTrouble(&Error{Request: req, Fault: hardware.Noise})
			}
			return ctx.Err()
		}
		b.tell(req, err)
		if e, ok := errors.AsType[*Error](err); ok && e.Fault == hardware.Exception {
			refused = err // the line is well
			return nil
		}
		values = got
		return err
	})
	if err == nil {
		err = refused
	}
	if trouble := b.lineTrouble(); trouble != nil && errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("no turn in time, and the line is not well: %w", trouble)
	}
	b.note(req.Address, err)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil, fmt.Errorf("read modbus: %w", err)
	}
	if err != nil {
		return nil, err
	}
	return values, nil
}

// use makes p the port that is spoken to.
func (b *Bus) use(p *serial.Port) {
	if p == b.port {
		return
	}
	b.port, b.master = p, newMaster(p, b.cfg.Baud, b.cfg.Timeout)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened++
}

// generation changes when the port was opened anew: what is known of the devices may be wrong then.
func (b *Bus) generation() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.opened
}

// tell tells the monitor when no device answers. As long as one does the line is live; the others' faults are in their
// samples. One address failing a second time, with no good answer in between, means that all that are asked fail.
func (b *Bus) tell(req Request, err error) {
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil, ok && e.Fault == hardware.Exception:
		clear(b.failed) // the line tells the monitor
		b.setTrouble(nil)
		return
	case !ok: // the port's own failure, of which the line tells
		return
	}
	if e.Fault != hardware.Timeout {
		b.setTrouble(err)
	}
	if !b.failed[req.Address] {
		b.failed[req.Address] = true
		return
	}
	b.cfg.Monitor.Set(hardware.StateOf(e.Fault), e.Fault, b.port.Path(), err.Error())
}

func (b *Bus) setTrouble(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trouble = err
}

func (b *Bus) lineTrouble() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.trouble
}

// add makes an address known.
func (b *Bus) add(address uint8) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.devices[address] == nil {
		b.devices[address] = &device{}
	}
}

// resting returns the error of a device that is not to be asked now, else nil.
func (b *Bus) resting(address uint8) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.devices[address]
	if d == nil || len(b.devices) < 2 {
		return nil
	}
	left := time.Until(d.until)
	if left <= 0 {
		return nil
	}
	return fmt.Errorf("%w (%d times; asked again in %v, for its neighbours' sake)", d.err, d.timeouts, left.Round(100*time.Millisecond))
}

// note counts timeouts of a device.
func (b *Bus) note(address uint8, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, lost := errors.AsType[*serial.Error](err); lost { // so nobody is at fault by himself
		for _, d := range b.devices {
			*d = device{}
		}
	}
	d := b.devices[address]
	if d == nil {
		return
	}
	e, ok := errors.AsType[*Error](err)
	if err == nil || ok && e.Fault == hardware.Exception {
		b.answers++
	}
	if !ok || e.Fault != hardware.Timeout {
		*d = device{} // it answers, or nothing is known about it
		return
	}
	others := b.answers != d.answers // a line on which nobody answers is nobody's fault, and a rest would only keep it down
	d.timeouts, d.answers = d.timeouts+1, b.answers
	if d.timeouts < restAfter || !others {
		return
	}
	rest := min(4<<min(d.timeouts-restAfter, 3), maxRest)
	d.err, d.until = err, time.Now().Add(time.Duration(rest)*b.cfg.Timeout)
}
