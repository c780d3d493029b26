package tracker

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"isotherm/ledger/custody"
	"isotherm/ledger/record"
)

// ErrBadAct says that bytes handed over as a custody act are none, or are not for this box.
var ErrBadAct = errors.New("not a custody act for this box")

// source says who hands an act over.
type source uint8

const (
	fromPerson source = 1 // on the local page
	fromLedger source = 2 // with the answer to a batch: it knows which shipments are in this box
)

// addAct journals a custody act once, and has it on disk before it returns. The seq is that of its record; known tells
// that it was journaled before, then maybe in an earlier incarnation.
//
// The box does not know people's keys: it checks that the signatures fit the act and the keys in it, so that nothing
// damaged is journaled. Whether a signer may act is for the ledger to say.
func (r *recorder) addAct(b []byte, from source) (seq uint64, known bool, err error) {
	act, err := custody.ParseAct(b)
	if err != nil {
		return 0, false, fmt.Errorf("%w: %w", ErrBadAct, err)
	}
	r.mu.Lock()
	seq, known = r.acts[sha256.Sum256(b)] // by its bytes: a second person may sign the same statement later
	if !known {
		seq, err = r.takeAct(act, b, from)
	}
	r.mu.Unlock()
	if err != nil {
		return 0, false, fmt.Errorf("journal act %s: %w", act.Statement.ID, err)
	}
	if err := r.flush(); err != nil {
		return 0, known, fmt.Errorf("journal act %s: it is kept in memory and not on disk yet: %w", act.Statement.ID, err)
	}
	return seq, known, nil
}

// takeAct queues a new act and lets it change what the box does. The caller holds mu.
func (r *recorder) takeAct(act *custody.Act, b []byte, from source) (seq uint64, err error) {
	if err := r.checkAct(act, from); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrBadAct, err)
	}
	seq, err = r.addLocked(&record.Record{Kind: record.KindAct, Act: &record.Act{Bytes: slices.Clone(b)}})
	if err != nil {
		return 0, err
	}
	r.acts[sha256.Sum256(b)] = seq
	r.hold.add(act.Hash(), act.Statement)
	r.rewatch()
	return seq, nil
}

// checkAct refuses what is damaged, or meant for another ledger. An act that packs another box is most likely handed to
// the wrong one; it is wanted only with a shipment that was moved here, for the profile in it.
func (r *recorder) checkAct(act *custody.Act, from source) error {
	s := &act.Statement
	if s.Kind == custody.Pack && s.Box != r.box && from != fromLedger && !r.hold.isMoved(s.Shipment, r.box) {
		return fmt.Errorf("it packs box %s, this is box %s", s.Box, r.box)
	}
	if r.origin != "" && s.Ledger != r.origin {
		return fmt.Errorf("it is for the ledger %s, this box is enrolled with %s", s.Ledger, r.origin)
	}
	return act.CheckSignatures(keyInAct(act))
}

// rewatch begins and ends watches as the acts now say. The caller holds mu.
func (r *recorder) rewatch() {
	r.hold.settle(r.box)
	for _, c := range r.hold.cargo {
		if c.here == nil || c.key() != c.tried {
			c.watch, c.tried = nil, watchKey{}
		}
	}
	aboard := r.hold.aboard()
	if over := len(aboard) - maxWatched; over > 0 {
		r.log.Error("more shipments are in this box than it can watch", "not_watched", over)
		for _, c := range aboard[:over] {
			c.watch, c.tried = nil, watchKey{}
		}
		aboard = aboard[over:]
	}
	for _, c := range aboard {
		if key := c.key(); key != c.tried {
			c.tried = key
			if err := r.startWatch(c); err != nil {
				r.log.Error("packed profile can't be followed; the box records without alarms", "shipment", c.id, "err", err)
			}
		}
	}
	if err := r.recordFound(r.hold.watched()); err != nil {
		r.log.Error("what was found is not recorded", "err", err)
	}
}
