package gnss

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// Config says where the receiver is and how long its word is good. Zero values other
// than Path mean the defaults.
type Config struct {
	Path   string           // the port; use a /dev/serial/by-id/ name
	Baud   int              // bits per second, default 9600
	MaxAge time.Duration    // a fix older than this by Now is not passed on, default 10 s
	Stall  time.Duration    // real time without a good sentence before re-opening, default 5 s
	Now    func() time.Time // the box's clock, default time.Now; may run faster in a demo
	Logger *slog.Logger     // default discards
}

const (
	defaultBaud   = 9600
	defaultMaxAge = 10 * time.Second
	defaultStall  = 5 * time.Second

	// burstPause is a gap in the bytes that ends a receiver's report for one moment.
	// Receivers leave most of a second; a USB adapter holds bytes back for 16 ms.
	burstPause = 150 * time.Millisecond

	readSize = 4096 // what the kernel buffers for a tty
)

// Receiver keeps a serial satellite receiver open and knows its latest fix. Run does
// the work in the caller's goroutine; Latest may be called from any.
type Receiver struct {
	cfg Config

	mu     sync.Mutex // guards what follows
	fix    hardware.Fix
	have   bool           // fix holds one
	reason hardware.Fault // what Latest says when fix is absent or old
}

// NewReceiver prepares a receiver; nothing is opened before Run.
func NewReceiver(cfg Config) *Receiver {
	if cfg.Baud == 0 {
		cfg.Baud = defaultBaud
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = defaultMaxAge
	}
	if cfg.Stall == 0 {
		cfg.Stall = defaultStall
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Receiver{cfg: cfg, reason: hardware.NoFix}
}

// Latest returns the newest fix and its age by the box's clock, with fault None. When
// there is none, or it is older than MaxAge, the fix is zero and the fault says why:
// a port fault, Silent, NoFix, Void, Stale and so on. The age is then that of the last
// fix there was, zero when there never was one.
func (r *Receiver) Latest() (hardware.Fix, time.Duration, hardware.Fault) {
	now := r.cfg.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fix.Received.IsZero() {
		return hardware.Fix{}, 0, r.reason
	}
	age := now.Sub(r.fix.Received)
	// A negative age is a clock that was set back: it cannot vouch for anything.
	if !r.have || age < 0 || age > r.cfg.MaxAge {
		return hardware.Fix{}, age, r.reason
	}
	return r.fix, age, hardware.None
}

// Run opens the port, decodes, and opens it again whenever it is lost or stalls, until
// ctx is done; it then returns ctx's error. Waiting between attempts grows from 0.25 s
// to 10 s and starts over once a good sentence has come.
func (r *Receiver) Run(ctx context.Context) error {
	var backoff serial.Backoff
	log := r.cfg.Logger.With("port", r.cfg.Path)
	last := hardware.None
	for {
		err := r.session(ctx, &backoff, log)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		fault := serial.FaultOf(err)
		r.setReason(fault)
		if fault != last { // a device that stays away is one line, not one per attempt
			log.Warn("gnss receiver lost", "fault", fault, "err", err)
			last = fault
		}
		if backoff.Wait(ctx) != nil {
			return ctx.Err()
		}
	}
}

// session runs the port from open to loss. It always returns an error.
func (r *Receiver) session(ctx context.Context, backoff *serial.Backoff, log *slog.Logger) error {
	port, err := serial.Open(r.cfg.Path, serial.Config{Baud: r.cfg.Baud})
	if err != nil {
		return err
	}
	defer port.Close() // the reason for leaving is the error that counts
	stop := context.AfterFunc(ctx, func() {
		_ = port.SetReadDeadline(time.Unix(1, 0)) // wakes a blocked Read
	})
	defer stop()

	garbled := hardware.Silent // what a stall means: no bytes, until some come
	dec := NewDecoder(func(e Event) {
		if e.Kind == KindFault {
			garbled = e.Fault
			return
		}
		r.take(e)
	})
	buf := make([]byte, readSize)
	lastGood, seen, pending := time.Now(), uint64(0), false
	for {
		wait := time.Until(lastGood.Add(r.cfg.Stall))
		if wait <= 0 {
			err := errors.New("no good sentence for " + r.cfg.Stall.String())
			return &serial.Error{Op: "read", Path: r.cfg.Path, Fault: garbled, Err: err}
		}
		if pending {
			wait = min(wait, burstPause)
		}
		n, err := r.read(ctx, port, buf, wait)
		if n > 0 {
			dec.Receive(buf[:n], r.cfg.Now())
			pending = true
		}
		if err != nil && serial.FaultOf(err) != hardware.Silent {
			return err
		}
		if err != nil && pending {
			dec.Flush()
			pending = false
		}
		if dec.Sentences() > seen {
			if seen == 0 {
				log.Info("gnss receiver talks", "baud", r.cfg.Baud)
				backoff.Reset()
				r.opened()
			}
			lastGood, seen = time.Now(), dec.Sentences()
		}
	}
}

// read waits for bytes for at most wait.
func (r *Receiver) read(ctx context.Context, port *serial.Port, buf []byte, wait time.Duration) (int, error) {
	if err := port.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return 0, err
	}
	// After setting the deadline, not before: it may have overwritten the one that
	// the end of ctx set.
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return port.Read(buf)
}

// take updates the state from one event.
func (r *Receiver) take(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Kind == KindFix {
		// Once this fix is too old, "stale" is the reason, unless a better one comes.
		r.fix, r.have, r.reason = e.Fix, true, hardware.Stale
		return
	}
	r.reason = e.Fault
	if e.Revoked {
		r.have = false
	}
}

// opened notes that the port works, which ends any port fault as the reason.
func (r *Receiver) opened() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reason < hardware.NoFix {
		r.reason = hardware.NoFix
	}
}

func (r *Receiver) setReason(fault hardware.Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reason = fault
}
