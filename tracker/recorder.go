package tracker

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/record"
	"isotherm/tracker/journal"
)

// Limits of what waits in memory while the disk takes nothing. 4,096 readings at 10 s are 11 hours; acts and excursions
// may take as much again, so that readings never push them out.
const (
	maxPendingReadings = 4096
	maxPending         = 2 * maxPendingReadings
)

// recorder numbers records, judges them, and brings them to the journal.
type recorder struct {
	journal *journal.Journal
	write   func(...*record.Record) error // journal.Append; a test makes it fail
	clock   Clock
	box     ledger.BoxID
	origin  string // ledger that acts must name; empty: not pinned
	log     *slog.Logger
	hurry   chan struct{} // holds a token when something urgent came to disk that should be sent now; capacity 1 merges

	flushMu sync.Mutex // one flush at a time; held over disk writes, never with mu

	mu sync.Mutex // guards what follows; held for memory work and short reads of the journal only
	outbox
	watch   *watch              // nil: nothing is packed
	acts    map[[32]byte]uint64 // acts in this box's journals, by statement hash; value: seq in their incarnation
	last    *record.Record      // newest reading
	storage storage
}

// outbox is what is on its way to the disk.
type outbox struct {
	pending  []*record.Record
	next     uint64 // seq of the next record
	urgent   bool   // pending holds something that must not wait
	shutdown bool   // the last record was written
}

// storage is the state of a disk that takes nothing.
type storage struct {
	since   record.Stamp // zero: all is well
	err     error
	dropped int    // readings that found no room even in memory
	kept    uint64 // monotonic time of the last reading kept before the first dropped
}

// errPendingFull says that neither the disk nor memory has room.
var errPendingFull = errors.New("journal is full, and so is the memory that stands in for it")

// add numbers and stamps records, judges them, and queues what they and the judgement say. It returns the seq of the
// first. It writes nothing to disk; flush does.
func (r *recorder) add(records ...*record.Record) (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.addLocked(records...)
}

func (r *recorder) addLocked(records ...*record.Record) (uint64, error) {
	first := r.next
	if r.shutdown {
		return first, errors.New("the box is shutting down")
	}
	for _, rec := range records {
		if err := r.queue(rec); err != nil {
			return first, err
		}
		if r.watch == nil {
			continue
		}
		r.watch.step(rec)
		for _, due := range r.watch.due() {
			r.urgent = true
			if err := r.queue(due); err != nil {
				return first, err
			}
			r.watch.step(due)
			r.logFound(due)
		}
	}
	return first, nil
}

// queue numbers one record, or drops a reading that has no room.
func (r *recorder) queue(rec *record.Record) error {
	limit := maxPending
	if rec.Kind == record.KindReading {
		limit = maxPendingReadings
	}
	if rec.At.Quality == 0 {
		rec.At = r.clock.Now()
	}
	if len(r.pending) >= limit {
		if r.storage.dropped == 0 && r.last != nil {
			r.storage.kept = r.last.At.MonoMS
		}
		r.storage.dropped++
		return errPendingFull
	}
	rec.Seq = r.next
	r.next++
	r.pending = append(r.pending, rec)
	switch rec.Kind {
	case record.KindReading:
		r.last = rec
	case record.KindAct, record.KindExcursionOpened, record.KindExcursionClosed, record.KindOutput:
		r.urgent = true
	}
	return nil
}

func (r *recorder) logFound(rec *record.Record) {
	switch rec.Kind {
	case record.KindExcursionOpened:
		r.log.Warn("excursion opened", "rule", rec.Excursion.Rule, "probe", rec.Excursion.Probe, "extreme_mc", rec.Excursion.ExtremeMC)
	case record.KindExcursionClosed:
		r.log.Info("excursion closed", "rule", rec.Excursion.Rule, "probe", rec.Excursion.Probe, "extreme_mc", rec.Excursion.ExtremeMC)
	}
}

// isUrgent tells whether something waits that must be on disk at once.
func (r *recorder) isUrgent() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.urgent
}

// flush brings everything queued so far to the disk in one transaction. A full disk is an error that wraps
// journal.ErrFull: everything is kept, and the next flush tries again. Any other error is fatal.
func (r *recorder) flush() error {
	r.flushMu.Lock()
	defer r.flushMu.Unlock()
	r.mu.Lock()
	batch := slices.Clone(r.pending)
	urgent := r.urgent
	r.urgent = false
	r.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	err := r.write(batch...)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.urgent = r.urgent || urgent
		if r.storage.since.Quality == 0 {
			r.storage.since = r.clock.Now()
		}
		r.storage.err = err
		return err
	}
	r.pending = slices.Delete(r.pending, 0, len(batch))
	if r.storage.since.Quality != 0 {
		r.recovered()
	}
	if urgent {
		select {
		case r.hurry <- struct{}{}:
		default: // the uplink knows already
		}
	}
	return nil
}

// recovered says in the journal what was lost while the disk took nothing. The caller holds mu.
func (r *recorder) recovered() {
	s := r.storage
	r.storage = storage{}
	if s.dropped == 0 {
		return // memory stood in: nothing is missing
	}
	now := r.clock.Now()
	gap := &record.Record{Kind: record.KindGap, At: now, Gap: &record.Gap{Reason: record.GapStorage, FromMono: s.kept, ToMono: now.MonoMS}}
	if _, err := r.addLocked(gap); err != nil {
		r.log.Error("storage gap not recorded", "err", err)
	}
}

// ErrBadAct says that bytes handed over as a custody act are none, or are not for this box.
var ErrBadAct = errors.New("not a custody act for this box")

// addAct journals a custody act once, and has it on disk before it returns. The seq is that of its record; known tells
// that it was journaled before, then maybe in an earlier incarnation.
//
// The box does not know people's keys: it checks that the signatures fit the act and the keys in it, so that nothing
// damaged is journaled. Whether a signer may act is for the ledger to say.
func (r *recorder) addAct(b []byte) (seq uint64, known bool, err error) {
	act, err := custody.ParseAct(b)
	if err != nil {
		return 0, false, fmt.Errorf("%w: %w", ErrBadAct, err)
	}
	if err := r.checkAct(act); err != nil {
		return 0, false, fmt.Errorf("%w: %w", ErrBadAct, err)
	}
	r.mu.Lock()
	seq, known = r.acts[act.Hash()]
	if !known {
		seq, err = r.addLocked(&record.Record{Kind: record.KindAct, Act: &record.Act{Bytes: slices.Clone(b)}})
		if err == nil {
			r.acts[act.Hash()] = seq
			r.takeAct(&act.Statement)
		}
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

func (r *recorder) checkAct(act *custody.Act) error {
	s := &act.Statement
	if s.Kind == custody.Pack && s.Box != r.box {
		return fmt.Errorf("it packs box %s, this is box %s", s.Box, r.box)
	}
	if r.origin != "" && s.Ledger != r.origin {
		return fmt.Errorf("it is for the ledger %s, this box is enrolled with %s", s.Ledger, r.origin)
	}
	return act.CheckSignatures(keyInAct(act))
}

// takeAct lets a journaled act change what the box does. The caller holds mu.
func (r *recorder) takeAct(s *custody.Statement) {
	switch {
	case s.Kind == custody.Pack:
		r.endWatch()
		if err := r.startWatch(s); err != nil {
			r.log.Error("packed profile can't be followed; the box records without alarms", "err", err)
		}
	case r.watch != nil && r.watch.ends(s):
		r.endWatch()
	}
}

// endWatch stops judging and switches the alarm off. The caller holds mu.
func (r *recorder) endWatch() {
	if r.watch == nil {
		return
	}
	alarm := r.watch.alarm
	r.watch = nil
	if !alarm {
		return
	}
	if _, err := r.addLocked(alarmRecord(false)); err != nil {
		r.log.Error("end of alarm not recorded", "err", err)
	}
}
