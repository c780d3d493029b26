package tracker

import (
	"errors"
	"log/slog"
	"slices"
	"sync"

	"isotherm/ledger"
	"isotherm/ledger/record"
	"isotherm/tracker/journal"
)

// Limits of what waits in memory while the disk takes nothing. 4,096 readings at 10 s are 11 hours; acts and excursions
// may take as much again, so that readings never push them out.
const (
	maxPendingReadings = 4096
	maxPending         = 2 * maxPendingReadings

	// roomForSenses is the room there must be before devices, handling and the battery are asked what is to be recorded: they
	// forget what they told. It is more than they and the probes can all tell at once.
	roomForSenses = 512
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
	alarmed chan struct{} // holds a token when the alarm changed; capacity 1

	flushMu sync.Mutex // one flush at a time; held over disk writes, never with mu

	mu sync.Mutex // guards what follows; held for memory work and short reads of the journal only
	outbox
	hold    hold
	alarm   bool                // the last alarm output of this incarnation was 'on'; power-on switches it off
	acts    map[[32]byte]uint64 // acts in this box's journals, by the SHA-256 of their bytes; value: seq in their incarnation
	last    *record.Record      // newest reading
	answers []answer            // of the probes in it
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

// errEnding says that the journal's last record is written.
var errEnding = errors.New("the box is shutting down")

// add numbers and stamps records, judges them, and queues what they and the judgement say. It returns the seq of the
// first. It writes nothing to disk; flush does.
func (r *recorder) add(records ...*record.Record) (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.addLocked(records...)
}

// addReading adds a reading, which comes last, with what is recorded because of it, and keeps the probes' answers for the status.
func (r *recorder) addReading(answers []answer, records ...*record.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.addLocked(records...)
	if r.last == records[len(records)-1] { // it was not dropped
		r.answers = answers
	}
	return err
}

func (r *recorder) addLocked(records ...*record.Record) (uint64, error) {
	first := r.next
	if r.shutdown {
		return first, errEnding
	}
	var dropped error
	for _, rec := range records {
		if err := r.queue(rec); err != nil {
			dropped = err // the rest may still find room, and a reading has to be counted
			continue
		}
		watched := r.hold.watched()
		for _, c := range watched {
			c.watch.step(rec)
		}
		if err := r.recordFound(watched); err != nil {
			return first, err
		}
	}
	return first, dropped
}

// hasRoom tells whether what devices, handling and the battery tell now finds room; what does not is told later, as it then
// stands.
func (r *recorder) hasRoom() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.pending)+roomForSenses <= maxPendingReadings
}

// recordFound queues what the watches found and the journal does not tell of yet, and the alarm if it must change. There
// is one alarm for all shipments. The caller holds mu.
func (r *recorder) recordFound(watched []*cargo) error {
	on := false
	for _, c := range watched {
		on = on || c.watch.alarm()
		for _, change := range c.watch.take() {
			if rec := c.watch.due(change); rec != nil {
				if err := r.queueFound(rec, watched); err != nil {
					return err
				}
			}
		}
	}
	if on == r.alarm {
		return nil
	}
	return r.queueFound(outputRecord(AlarmOutput, on), watched)
}

// queueFound queues one record of what was found.
func (r *recorder) queueFound(rec *record.Record, watched []*cargo) error {
	if err := r.queue(rec); err != nil {
		return err
	}
	for _, c := range watched {
		c.watch.step(rec)
	}
	r.logFound(rec)
	return nil
}

// mayBeDropped tells whether a record is one of many, and gives way to acts and excursions when memory runs out.
func mayBeDropped(kind record.Kind) bool {
	switch kind {
	case record.KindReading, record.KindProbeChange, record.KindGap, record.KindDevice, record.KindHandling, record.KindBattery:
		return true
	}
	return false
}

// queue numbers one record, or drops one that has no room; its Seq then stays 0, which is that of the boot record.
func (r *recorder) queue(rec *record.Record) error {
	limit := maxPending
	if mayBeDropped(rec.Kind) {
		limit = maxPendingReadings
	}
	if rec.At.Quality == 0 {
		rec.At = r.clock.Now()
	}
	if len(r.pending) >= limit {
		if rec.Kind == record.KindReading {
			if r.storage.dropped == 0 && r.last != nil {
				r.storage.kept = r.last.At.MonoMS
			}
			r.storage.dropped++
		}
		return errPendingFull
	}
	rec.Seq = r.next
	r.next++
	r.pending = append(r.pending, rec)
	if rec.Kind == record.KindOutput && rec.Output.Name == AlarmOutput {
		r.alarm = rec.Output.On
		poke(r.alarmed)
	}
	switch rec.Kind {
	case record.KindReading:
		r.last = rec
	case record.KindAct, record.KindExcursionOpened, record.KindExcursionClosed, record.KindOutput:
		r.urgent = true
	case record.KindHandling: // who opens the box on its way may go on to break it
		r.urgent = r.urgent || rec.Handling.On && r.hold.inCase()
	case record.KindBattery:
		r.urgent = r.urgent || isFailing(rec.Battery)
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

// inCase tells whether a shipment is under way in the box.
func (r *recorder) inCase() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hold.inCase()
}

// isAlarm tells whether the newest alarm record says 'on'.
func (r *recorder) isAlarm() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.alarm
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
		poke(r.hurry)
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
