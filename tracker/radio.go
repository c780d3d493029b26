package tracker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"isotherm/ledger/record"
)

// errRadioOff says that a call was not begun, or cut short, because the radio was switched off.
var errRadioOff = errors.New("the radio is off")

// ErrSwitch says that a radio did not do what it was told: it may still send.
var ErrSwitch = errors.New("a radio was not switched")

// errSwitching is the problem of a radio that has not said yet that it is off.
var errSwitching = errors.New("it is being switched off")

const (
	callEnds   = 2 * time.Second  // how long a call that was cut short may take to end
	radioAgain = 10 * time.Second // before a radio that could not be switched is tried again
	radioSure  = time.Minute      // between two times that silent radios are told again: one plugged in anew may have begun to send
)

// radio is the switch of all that the box sends: an aircraft's crew may ask for it. Power-on switches it on, so that a box
// that somebody forgot finds its way back to the ledger.
type radio struct {
	switching sync.Mutex // held over hardware and journaling, so that the journal tells of the switch as it stands
	silent    bool       // the journal says 'off'; guarded by switching

	mu      sync.Mutex         // guards what follows
	on      bool               // the box may begin calls
	problem string             // why the radios may not stand as on says; empty: they do
	changed chan struct{}      // closed at the next change
	call    context.CancelFunc // ends the call under way; nil: there is none
	ended   chan struct{}      // closed when the call under way has ended
}

func newRadio() *radio { return &radio{on: true, changed: make(chan struct{})} }

func (r *radio) isOn() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.on
}

// state tells whether anything may be sent, and what is wrong with the switches. A radio that could not be switched off
// counts as on.
func (r *radio) state() (on bool, problem string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.on || r.problem != "", r.problem
}

// set lets calls begin or not, and ends the call under way when not.
func (r *radio) set(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.on == on {
		return
	}
	r.on = on
	close(r.changed)
	r.changed = make(chan struct{})
	if !on && r.call != nil {
		r.call()
	}
}

func (r *radio) setProblem(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problem = ""
	if err != nil {
		r.problem = err.Error()
	}
}

// wake returns a channel that is closed when the radio is switched on; nil while it is on.
func (r *radio) wake() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.on {
		return nil
	}
	return r.changed
}

// sleep returns a channel that is closed when the radio is switched.
func (r *radio) sleep() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// during registers the call under way, nil for its end. It refuses one while the radio is off.
func (r *radio) during(cancel context.CancelFunc) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cancel != nil && !r.on {
		return false
	}
	r.call = cancel
	if cancel != nil {
		r.ended = make(chan struct{})
	} else if r.ended != nil {
		close(r.ended)
		r.ended = nil
	}
	return true
}

// quiet waits until no call is under way.
func (r *radio) quiet() error {
	r.mu.Lock()
	ended := r.ended
	r.mu.Unlock()
	if ended == nil {
		return nil
	}
	patience := time.NewTimer(callEnds)
	defer patience.Stop()
	select {
	case <-ended:
		return nil
	case <-patience.C:
		return fmt.Errorf("a call that was cut short has not ended in %v", callEnds)
	}
}

// SetRadio switches the radio, and has that in the journal before it returns. It takes at most about 10 s. A switch that
// changes nothing is no record.
//
// The journal says 'off' only while it is true: off, the box first falls silent itself, then switches its radios off, and
// records that once all have done so; on, it records first. An error that wraps ErrSwitch says that a radio did not do what
// it was told: the box sends nothing itself, the journal does not say 'off', and it is tried again until it is. An error
// that wraps journal.ErrFull says that it was switched, and that the record is in memory only.
func (t *Tracker) SetRadio(on bool) error {
	t.radio.switching.Lock()
	defer t.radio.switching.Unlock()
	if _, problem := t.radio.state(); t.radio.isOn() == on && problem == "" {
		return nil
	}
	return t.switchRadio(on)
}

// switchRadio brings everything to the wanted state. The caller holds switching.
func (t *Tracker) switchRadio(on bool) error {
	if on {
		return t.radioOn()
	}
	return t.radioOff()
}

func (t *Tracker) radioOff() error {
	t.radio.setProblem(errSwitching) // it counts as on until it is off
	t.radio.set(false)
	err := errors.Join(t.radio.quiet(), t.radios.set(context.Background(), false))
	t.radio.setProblem(err)
	if err != nil {
		return fmt.Errorf("%w off, the box may still send: %w", ErrSwitch, err)
	}
	if t.radio.silent {
		return nil
	}
	t.radio.silent = true
	return t.recordRadio(false)
}

func (t *Tracker) radioOn() error {
	var unrecorded error
	if t.radio.silent {
		unrecorded = t.recordRadio(true)
		if errors.Is(unrecorded, errPendingFull) || errors.Is(unrecorded, errEnding) {
			return unrecorded // it is not even in memory, and 'off' stays true
		}
		t.radio.silent = false
	}
	err := t.radios.set(context.Background(), true)
	t.radio.setProblem(err)
	t.radio.set(true) // the network may be reached another way
	if err != nil {
		err = fmt.Errorf("%w on: %w", ErrSwitch, err)
	}
	return errors.Join(unrecorded, err)
}

// recordRadio has the switch in the journal before it returns. On a full disk the record waits in memory, with its time.
func (t *Tracker) recordRadio(on bool) error {
	_, err := t.rec.add(outputRecord(RadioOutput, on))
	if err == nil {
		err = t.rec.flush()
	}
	if err != nil {
		return fmt.Errorf("record that the radio was switched: %w", err)
	}
	return nil
}

// keepRadio brings the radios into a known state at the start, tries again whenever a switch failed, and makes sure of
// silent ones, until ctx is done.
func (t *Tracker) keepRadio(ctx context.Context) error {
	told, sure := "", time.Now()
	for {
		t.radio.switching.Lock()
		if t.radio.silent && time.Since(sure) >= radioSure {
			sure = time.Now()
			t.reassure(ctx)
		}
		if _, problem := t.radio.state(); problem != "" && ctx.Err() == nil {
			err := t.switchRadio(t.radio.isOn())
			if _, problem = t.radio.state(); err != nil && problem != told {
				t.cfg.Logger.Error("radio not switched; it is tried again", "err", err, "every", radioAgain)
			}
			told = problem
		}
		t.radio.switching.Unlock()
		if waitReal(ctx, radioAgain) != nil {
			return nil
		}
	}
}

// reassure tells silent radios again to be silent. When one does not obey, nobody knows any more that they are, and the
// journal ends its 'off'. The caller holds switching.
func (t *Tracker) reassure(ctx context.Context) {
	err := t.radios.set(ctx, false)
	if err == nil || ctx.Err() != nil {
		return
	}
	t.radio.silent = false
	t.radio.setProblem(err)
	if err := t.recordRadio(true); err != nil {
		t.cfg.Logger.Error("that the radio may send is not recorded", "err", err)
	}
}

func outputRecord(name string, on bool) *record.Record {
	return &record.Record{Kind: record.KindOutput, Output: &record.Output{Name: name, On: on}}
}
