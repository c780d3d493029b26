package serial

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"isotherm/hardware"
)

// KeepConfig says which port is kept open, and who is told how it stands.
type KeepConfig struct {
	Spec    string            // as for Open
	Config  Config            // as for Open
	Host    Host              // the machine by default
	Monitor *hardware.Monitor // is told of each change; may be nil
	Logger  *slog.Logger      // default discards
	// Lost is told why, each time the port could not be opened, was lost or was given up; may be nil. Line has no need of it.
	Lost func(err error)
}

const (
	// lookInterval is how often a port that is not there is looked for, without touching any device: a re-plugged cable
	// works again before anybody wonders, and a look costs well below a millisecond.
	lookInterval = time.Second

	// stalledAfter is how long a session has to last before its stall is waited for no longer than backoffMin: such a
	// session paces itself, and while the port is closed nobody hears a device that comes back to life.
	stalledAfter = time.Second

	// provenAfter is how long a device has to work before its next loss is met with short waits again. One that opens,
	// says a line and fails would otherwise fill the journal.
	provenAfter = 30 * time.Second
)

// Session is one open port in the hands of the function that Keep runs. It is for one goroutine, apart from the methods
// of Port.
type Session struct {
	*Port
	monitor *hardware.Monitor
	proved  time.Time // when the device first proved that it works
}

// Set tells the monitor how the device stands: Live, NoFix, Silent, Garbled or Stale. The port is filled in. Live, NoFix
// and Stale also prove that the device works.
func (s *Session) Set(state hardware.State, fault hardware.Fault, detail string) {
	works := state == hardware.StateLive || state == hardware.StateNoFix || state == hardware.StateStale
	if works && s.proved.IsZero() {
		s.proved = time.Now()
	}
	s.monitor.Set(state, fault, s.Path(), detail)
}

// Live tells the monitor that values come. It may be called for each of them.
func (s *Session) Live() { s.Set(hardware.StateLive, hardware.None, "") }

// Stalled makes the error with which a session gives up a port that is open and gives nothing of use: fault is Silent, or
// what the bytes were. The monitor hears Silent or Garbled, and nothing else until that changes, so that a device that
// is silent for a day is one event and not one for each time its port is opened again.
func (s *Session) Stalled(fault hardware.Fault, detail string) error {
	err := &Error{Op: "read", Path: s.where(), Fault: fault, Err: errors.New(detail), stalled: true}
	state := hardware.StateGarbled
	if fault == hardware.Silent {
		state = hardware.StateSilent
	}
	s.Set(state, fault, err.Error())
	return err
}

// keeper is one run of Keep.
type keeper struct {
	cfg     KeepConfig
	open    func() (*Port, error)
	backoff Backoff
	path    string        // where the port is or was
	lasted  time.Duration // the session before
	// logged are the faults since the device last worked, so that one that stays away, or is silent through a thousand
	// openings, is one line and not a thousand; back says that "open again" was logged for them.
	logged map[hardware.Fault]bool
	back   bool
}

// Keep keeps a port open for a device that talks on its own. It opens the port, runs session, closes the port when
// session returns, waits as Backoff says, and so on until ctx is done; then it returns ctx's error.
//
// The end of ctx closes the port, so reads and writes of the session end with an *Error with Closed, and Keep returns as
// soon as the session does. The session MUST return when a read or write fails for another reason than its deadline,
// and SHOULD return Stalled when nothing of use has come for a while: a descriptor can go dead without an error (a USB hub
// that resets), and only opening the port again heals it. Keep tells the monitor of Down and, after that, of Opening.
func Keep(ctx context.Context, cfg KeepConfig, session func(ctx context.Context, s *Session) error) error {
	return newKeeper(cfg).run(ctx, session)
}

func newKeeper(cfg KeepConfig) *keeper {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &keeper{cfg: cfg, logged: map[hardware.Fault]bool{}, open: func() (*Port, error) { return cfg.Host.open(cfg.Spec, cfg.Config) }}
}

func (k *keeper) run(ctx context.Context, session func(ctx context.Context, s *Session) error) error {
	for {
		err := k.once(ctx, session)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		k.lost(err)
		if k.wait(ctx, err) != nil {
			return ctx.Err()
		}
	}
}

// once is one port from open to loss.
func (k *keeper) once(ctx context.Context, session func(ctx context.Context, s *Session) error) error {
	port, err := openContext(ctx, k.open)
	if err != nil {
		return err
	}
	defer port.Close() // the reason for leaving is the error that counts
	defer context.AfterFunc(ctx, func() { _ = port.Close() })()
	k.opened(port.Path())
	begin := time.Now()
	s := &Session{Port: port, monitor: k.cfg.Monitor}
	err = session(ctx, s)
	k.lasted = time.Since(begin)
	if !s.proved.IsZero() {
		clear(k.logged)
		k.back = false
	}
	if !s.proved.IsZero() && time.Since(s.proved) >= provenAfter {
		k.backoff.Reset()
	}
	if err == nil {
		err = &Error{
			Op: "read", Path: port.where(), Fault: hardware.Silent, stalled: true, Err: errors.New("the device was given up"),
		}
	}
	return err
}

// opened notes that the port is open. A state that a stall left behind stays until the device does something else.
func (k *keeper) opened(path string) {
	k.path = path
	if c := k.cfg.Monitor.Condition(); c.State == hardware.StateDown || c.Port != path {
		k.cfg.Monitor.Set(hardware.StateOpening, hardware.None, path, "")
	}
	if len(k.logged) > 0 && !k.back {
		k.cfg.Logger.Info("serial port is open again", "port", k.cfg.Spec, "path", path)
		k.back = true
	}
}

func (k *keeper) lost(err error) {
	fault := hardware.FaultOf(err)
	if e, ok := errors.AsType[*Error](err); !ok || !e.stalled {
		k.cfg.Monitor.Set(hardware.StateDown, fault, k.path, err.Error())
	}
	if k.cfg.Lost != nil {
		k.cfg.Lost(err)
	}
	if !k.logged[fault] {
		k.cfg.Logger.Warn("serial port lost", "port", k.cfg.Spec, "fault", fault, "err", err)
		k.logged[fault] = true
	}
}

// wait waits until it is time for the next attempt. A port that could not be found is looked for meanwhile.
func (k *keeper) wait(ctx context.Context, err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.stalled && k.lasted >= stalledAfter {
		var short Backoff
		return short.Wait(ctx)
	}
	if !wasAbsent(err) {
		return k.backoff.Wait(ctx)
	}
	timer := time.NewTimer(k.backoff.Next())
	defer timer.Stop()
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return nil
		case <-look.C:
			if k.cfg.Host.isBack(ctx, k.cfg.Spec) {
				return nil
			}
		}
	}
}

// wasAbsent reports whether err says that there is no such port. One that is there and has no device behind it is not
// looked for: that would be an attempt each second.
func wasAbsent(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Op == "find" && e.Fault == hardware.NotFound
}
