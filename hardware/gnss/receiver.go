package gnss

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// Config says where the receiver is and how long its word is good. Zero values other
// than Path mean the defaults.
type Config struct {
	Path   string           // the port, as serial.Open takes it: /dev/serial/by-id/..., usb:VVVV:PPPP
	Baud   int              // bits per second to begin with; 0 begins at 9600. Others are tried when it makes no sense
	MaxAge time.Duration    // a fix older than this by Now is not passed on, default 10 s
	Stall  time.Duration    // real time without a good sentence before re-opening, default 5 s
	Now    func() time.Time // the box's clock, default time.Now; may run faster in a demo
	Logger *slog.Logger     // default discards

	Monitor *hardware.Monitor // is told of each change; may be nil
	// ClockGood tells whether Now is known to be right, by something else than this receiver. Only then is how late the
	// sentences come judged by it. Default: never.
	ClockGood func() bool
	// Earliest is a moment that has certainly passed, such as when the program was built: no date before it is believed,
	// and none from 1,024 weeks after it on. Default: EarliestDate.
	Earliest time.Time
}

const (
	defaultMaxAge = 10 * time.Second
	defaultStall  = 5 * time.Second

	// burstPause is a gap in the bytes that ends a receiver's report for one moment.
	// Receivers leave most of a second; a USB adapter holds bytes back for 16 ms.
	burstPause = 150 * time.Millisecond

	// lookInterval is how often the state is looked at when nothing comes: a fix grows stale by time alone.
	lookInterval = 500 * time.Millisecond

	readSize = 4096 // what the kernel buffers for a tty
)

// Receiver keeps a serial satellite receiver open and knows its latest fix and time. Run does
// the work in the caller's goroutine; the other methods may be called from any.
type Receiver struct {
	cfg    Config
	speed  speedSearch          // only Run's goroutine uses it
	asleep func() time.Duration // serial.Asleep; a test has its own

	mu     sync.Mutex // guards what follows
	fix    hardware.Fix
	slept  time.Duration  // asleep when it came
	have   bool           // fix holds one
	reason hardware.Fault // what Latest says when fix is absent or old
	time   timekeeper
	heard  Heard
}

// Heard is what a receiver said last, for a person who looks at the box.
type Heard struct {
	Sentence  string    // the last one with a right checksum, without its line end; at most 120 printable characters
	At        time.Time // when it came, by the box's clock; zero before the first
	Sentences uint64    // with a right checksum, since Run began
	Baud      int       // bits per second at which they were understood; 0 before the first
}

// NewReceiver prepares a receiver; nothing is opened before Run.
func NewReceiver(cfg Config) *Receiver {
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
	if cfg.ClockGood == nil {
		cfg.ClockGood = func() bool { return false }
	}
	if cfg.Earliest.IsZero() {
		cfg.Earliest = earliestDate()
	}
	return &Receiver{
		cfg: cfg, speed: newSpeedSearch(cfg.Baud), asleep: serial.Asleep, reason: hardware.NoFix,
		time: timekeeper{earliest: cfg.Earliest},
	}
}

// Latest returns the newest fix and its age by the box's clock, with fault None. When
// there is none, or it is older than MaxAge, the fix is zero and the fault says why:
// a port fault, Silent, NoFix, Void, Stale and so on. The age is then that of the last
// fix there was, zero when there never was one. Time for which the machine slept counts, whatever the box's clock says.
func (r *Receiver) Latest() (hardware.Fix, time.Duration, hardware.Fault) {
	now, asleep := r.cfg.Now(), r.asleep()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fix.Received.IsZero() {
		return hardware.Fix{}, 0, r.reason
	}
	age := now.Sub(r.fix.Received)
	if age >= 0 { // time.Now stands while the machine sleeps
		age += serial.SleptSince(r.slept, asleep)
	}
	// A negative age is a clock that was set back: it cannot vouch for anything.
	if !r.have || age < 0 || age > r.cfg.MaxAge {
		return hardware.Fix{}, age, r.reason
	}
	return r.fix, age, hardware.None
}

// Time returns a moment that may set a clock: UTC as the receiver gave it with a fix, and when the box had received it, by
// time.Now with its monotonic reading. It is late by what the receiver and the line need, mostly below half a second. ok is
// false until at least three fixes with a date followed each other, over two seconds or more, as the box's monotonic clock
// did, within half a second each; and again once they contradict it. Doubted fixes, dates outside of 1,024 weeks from
// Config.Earliest on, and a line that lags do not count.
func (r *Receiver) Time() (utc, at time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.time.trusted.utc, r.time.trusted.at, r.time.ok
}

// Heard returns what the receiver said last.
func (r *Receiver) Heard() Heard {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.heard
}

// Run opens the port, decodes, and opens it again whenever it is lost or stalls, until
// ctx is done; it then returns ctx's error. See serial.Keep for the pauses between attempts.
func (r *Receiver) Run(ctx context.Context) error {
	log := r.cfg.Logger.With("device", "gnss")
	return serial.Keep(ctx, serial.KeepConfig{
		Spec: r.cfg.Path, Config: serial.Config{Baud: r.speed.first()}, Monitor: r.cfg.Monitor, Logger: log,
		Lost: func(err error) { r.lost(hardware.FaultOf(err)) },
	}, func(_ context.Context, s *serial.Session) error {
		l := newListener(r, s, log)
		return l.run()
	})
}

// take updates the state from one event; came is when the last byte of a fix did.
func (r *Receiver) take(e Event, came arrival, lagging bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e.Kind {
	case KindFix:
		fix := e.Fix
		fix.Received = came.boxTime
		// Once this fix is too old, "stale" is the reason, unless a better one comes.
		r.fix, r.slept, r.have, r.reason = fix, came.asleep, true, hardware.Stale
		r.time.fix(fix, came.at, lagging)
	case KindNoFix:
		r.reason = e.Fault
		r.time.interrupt()
		if e.Revoked {
			r.have = false
			r.time.contradict()
		}
	case KindFault:
		if e.Fault == hardware.TimeBackwards || e.Fault == hardware.Rollover {
			r.time.contradict()
		}
	}
}

// understood notes good sentences, which end any port fault as the reason: more of them, the last one, at a speed.
func (r *Receiver) understood(more uint64, sentence string, baud int) {
	at := r.cfg.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = Heard{Sentence: sentence, At: at, Sentences: r.heard.Sentences + more, Baud: baud}
	if r.reason < hardware.NoFix {
		r.reason = hardware.NoFix
	}
}

func (r *Receiver) lost(fault hardware.Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reason = fault
	r.time.interrupt()
}
