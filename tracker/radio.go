package tracker

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// errRadioOff says that a call was not begun, or cut short, because the radio was switched off.
var errRadioOff = errors.New("the radio is off")

// radio is the switch of all that the box sends: an aircraft's crew may ask for it. Power-on switches it on, so that a box
// that somebody forgot finds its way back to the ledger.
type radio struct {
	switching sync.Mutex // held over journaling, so that the journal tells of the switch as it stands

	mu      sync.Mutex // guards what follows
	on      bool
	changed chan struct{}      // closed at the next change
	call    context.CancelFunc // ends the call under way; nil: there is none
}

func newRadio() *radio { return &radio{on: true, changed: make(chan struct{})} }

func (r *radio) isOn() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.on
}

// set switches, and ends the call under way when that is off.
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
	return true
}

// SetRadio switches the radio, and has that in the journal before it returns. Off, it silences first and records then;
// when the disk takes nothing it stays off all the same. A switch that changes nothing is no record.
func (t *Tracker) SetRadio(on bool) error {
	t.radio.switching.Lock()
	defer t.radio.switching.Unlock()
	if t.radio.isOn() == on {
		return nil
	}
	t.radio.set(on)
	_, err := t.rec.add(outputRecord(radioOutput, on))
	if err == nil {
		err = t.rec.flush()
	}
	if err != nil {
		return fmt.Errorf("record that the radio was switched: %w", err)
	}
	return nil
}
