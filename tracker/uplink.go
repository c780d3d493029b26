package tracker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
	"isotherm/tracker/journal"
)

// Uplink hands batches to the ledger; api/client implements it. Its calls MUST end with their context.
type Uplink interface {
	// Sync delivers a batch with the newest ledger checkpoint the box holds (nil when it holds none). Errors: *Conflict
	// when the batch does not start where the ledger's copy ends, *ledger.Error for what else the ledger said.
	Sync(ctx context.Context, wire []byte, checkpoint []byte) (SyncAnswer, error)
	// Receipt returns the receipt that covers the first size records of an incarnation.
	Receipt(ctx context.Context, inc ledger.IncarnationID, size int64) ([]byte, error)
}

// SyncAnswer is the ledger's answer to a batch that it took.
type SyncAnswer struct {
	Next    int64    // seq at which the next batch starts
	Receipt []byte   // canonical entry.Receipt
	Acts    [][]byte // custody acts addressed to this box that it has not journaled
}

// Conflict says that the ledger's copy of an incarnation ends elsewhere: at Next, with Root.
type Conflict struct {
	Next int64
	Root tlog.Hash
}

// Error says where the ledger's copy ends.
func (e *Conflict) Error() string {
	return fmt.Sprintf("the ledger's copy of this journal ends at %d with root %s", e.Next, e.Root)
}

const (
	batchRecords = 600              // 6 B a reading on the wire; larger batches gain little and cost more to repeat
	callTimeout  = 10 * time.Second // real time for one call
	minBackoff   = 500 * time.Millisecond
	maxBackoff   = 30 * time.Second
	refusedRetry = 10 * time.Minute // before an incarnation that the ledger refused is tried again
)

// errContradiction says that box and ledger hold different records under the same numbers. No retry can heal it.
var errContradiction = errors.New("the ledger's copy of this journal contradicts the box's")

// stop is why an incarnation is not sent.
type stop struct {
	reason string
	retry  time.Time // real time; zero: not before the next start
}

// uplink sends journals, oldest incarnation first. Its goroutine owns all fields but link.
type uplink struct {
	rec      *recorder
	journal  *journal.Journal
	remote   Uplink
	trust    Trust
	every    time.Duration
	keep     int64
	log      *slog.Logger
	radio    *radio
	position map[ledger.IncarnationID]int64 // where the ledger's copy ends, once it has said so
	stopped  map[ledger.IncarnationID]stop
	known    merkle.Checkpoint // what the stored ledger checkpoint says

	link linkState
}

// linkState is what the status shows of the uplink.
type linkState struct {
	mu sync.Mutex // guards what follows
	Link
}

// run sends until ctx is done. It waits for new records when all is sent, and longer each time after a failure.
func (u *uplink) run(ctx context.Context) error {
	u.position, u.stopped = map[ledger.IncarnationID]int64{}, map[ledger.IncarnationID]stop{}
	if cp, ok := merkle.PeekCheckpoint(u.journal.Checkpoint()); ok {
		u.known = cp
	}
	backoff := minBackoff
	for ctx.Err() == nil {
		if on := u.radio.wake(); on != nil { // what is recorded meanwhile waits for it
			u.off()
			select {
			case <-on:
			case <-ctx.Done():
				return nil
			}
		}
		more, err := u.round(ctx)
		if err != nil && !u.radio.isOn() {
			continue // it was cut short
		}
		u.report(err)
		switch {
		case err != nil:
			u.log.Warn("sync failed", "err", err, "again_in", backoff)
			jittered := backoff/2 + rand.N(backoff)
			if waitReal(ctx, jittered) != nil {
				return nil
			}
			backoff = min(2*backoff, maxBackoff)
		case more:
			backoff = minBackoff
		default:
			backoff = minBackoff
			u.idle(ctx)
		}
	}
	return nil
}

// idle waits for the next sync, less when something urgent was flushed.
func (u *uplink) idle(ctx context.Context) {
	t := time.NewTimer(u.every)
	defer t.Stop()
	select {
	case <-u.rec.hurry:
	case <-t.C:
	case <-u.radio.sleep():
	case <-ctx.Done():
	}
}

// target returns the oldest incarnation with something to send, and where to start.
func (u *uplink) target() (inc journal.Incarnation, from int64, found bool) {
	for _, inc := range u.journal.Incarnations() {
		from, said := u.position[inc.ID]
		if !said {
			from = inc.Receipted
		}
		if s, is := u.stopped[inc.ID]; is && (s.retry.IsZero() || time.Now().Before(s.retry)) {
			continue
		}
		if from < inc.Size {
			return inc, from, true
		}
	}
	return inc, 0, false
}

// round sends one batch, if there is anything to send; more tells that another should follow at once.
func (u *uplink) round(ctx context.Context) (more bool, err error) {
	inc, from, found := u.target()
	if !found {
		return false, nil
	}
	u.waiting(inc, from)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if !u.radio.during(cancel) {
		return false, errRadioOff
	}
	defer u.radio.during(nil)
	wire, err := u.encode(inc, from)
	if err != nil {
		return false, err
	}
	answer, err := u.remote.Sync(ctx, wire, u.journal.Checkpoint())
	var conflict *Conflict
	if errors.As(err, &conflict) {
		if err := u.resolve(ctx, inc, from, conflict); err != nil {
			return u.failed(inc, err)
		}
		return true, nil
	}
	if err == nil {
		err = u.advance(inc, from, answer)
	}
	if err != nil {
		return u.failed(inc, err)
	}
	delete(u.stopped, inc.ID)
	for _, act := range answer.Acts {
		u.takeAct(act)
	}
	return u.hasBacklog(), nil
}

// advance takes over where the ledger's copy ends after a batch. A ledger that took nothing, or more than there is, is
// not believed.
func (u *uplink) advance(inc journal.Incarnation, from int64, answer SyncAnswer) error {
	if answer.Next > inc.Size {
		return fmt.Errorf("%w: it holds %d records, the box %d", errContradiction, answer.Next, inc.Size)
	}
	if answer.Next <= from {
		return fmt.Errorf("the ledger took a batch from %d and goes on at %d", from, answer.Next)
	}
	if err := u.accept(inc, answer.Receipt); err != nil {
		return err
	}
	u.position[inc.ID] = answer.Next
	return nil
}

// hasBacklog tells whether more than a batch's worth of patience is due: closed incarnations, or many records.
func (u *uplink) hasBacklog() bool {
	inc, from, found := u.target()
	return found && (!inc.Current || inc.Size-from >= batchRecords)
}

func (u *uplink) takeAct(b []byte) {
	seq, known, err := u.rec.addAct(b, fromLedger)
	switch {
	case err != nil:
		u.log.Error("act from the ledger not journaled", "err", err)
	case !known:
		u.log.Info("act from the ledger journaled", "seq", seq)
	}
}

// encode makes the largest batch that fits.
func (u *uplink) encode(inc journal.Incarnation, from int64) ([]byte, error) {
	// Not past the size that was listed: what comes to disk meanwhile goes with the next batch.
	records, err := u.journal.Records(inc.ID, from, int(min(batchRecords, inc.Size-from)))
	if err != nil {
		return nil, err
	}
	for {
		head, err := u.journal.Head(inc.ID, from+int64(len(records)))
		if err != nil {
			return nil, err
		}
		wire, err := batch.Encode(record.Origin(u.rec.box, inc.ID), from, records, head.Signed)
		if !errors.Is(err, batch.ErrTooLarge) || len(records) <= 1 {
			return wire, err
		}
		records = records[:(len(records)+1)/2]
	}
}

// resolve compares the ledger's copy with the journal after a conflict, and goes on from where both agree.
func (u *uplink) resolve(ctx context.Context, inc journal.Incarnation, from int64, c *Conflict) error {
	if c.Next == from {
		return fmt.Errorf("the ledger refused a batch from %d, and asks for one from there", from)
	}
	if c.Next < 0 || c.Next > inc.Size {
		return fmt.Errorf("%w: it holds %d records, the box %d", errContradiction, c.Next, inc.Size)
	}
	root, err := u.journal.Root(inc.ID, c.Next)
	if err != nil {
		return err
	}
	if root != c.Root {
		return fmt.Errorf("%w: at %d it has root %s, the box %s", errContradiction, c.Next, c.Root, root)
	}
	if c.Next <= inc.Receipted { // the ledger lost what it receipted, or starts anew: it gets everything again
		u.position[inc.ID] = c.Next
		if c.Next < inc.Receipted {
			u.log.Error("the ledger holds less than it receipted", "incarnation", inc.ID, "receipted", inc.Receipted, "holds", c.Next)
		}
		return nil
	}
	receipt, err := u.remote.Receipt(ctx, inc.ID, c.Next)
	if err != nil {
		return err
	}
	if err := u.accept(inc, receipt); err != nil {
		return err
	}
	u.position[inc.ID] = c.Next
	return nil
}

// accept verifies a receipt against the pinned keys and the journal, and only then stores it.
func (u *uplink) accept(inc journal.Incarnation, receipt []byte) error {
	advance, cp, err := u.trust.CheckReceipt(receipt, record.Origin(u.rec.box, inc.ID))
	if err != nil {
		return err
	}
	if advance.To > inc.Size {
		return fmt.Errorf("%w: it has receipted %d records, the box holds %d", errContradiction, advance.To, inc.Size)
	}
	root, err := u.journal.Root(inc.ID, advance.To)
	if err != nil {
		return err
	}
	if root != advance.Root {
		return fmt.Errorf("%w: it has receipted root %s at %d, the box has %s", errContradiction, advance.Root, advance.To, root)
	}
	if cp.Size == u.known.Size && cp.Root != u.known.Root {
		return fmt.Errorf("two checkpoints of the ledger of size %d have different roots: %s and %s; nothing is believed", cp.Size, cp.Root, u.known.Root)
	}
	if err := u.journal.PutReceipt(inc.ID, advance.To, receipt); err != nil {
		return err
	}
	if err := u.keepCheckpoint(receipt, cp); err != nil {
		return err
	}
	if inc.Current {
		return nil
	}
	removed, err := u.journal.Prune(u.keep)
	for _, id := range removed {
		u.log.Info("receipted journal removed", "incarnation", id)
	}
	return err
}

// keepCheckpoint stores the ledger's checkpoint when it is newer than the one the box holds.
func (u *uplink) keepCheckpoint(receipt []byte, cp merkle.Checkpoint) error {
	if cp.Size <= u.known.Size {
		return nil
	}
	parsed, err := entry.ParseReceipt(receipt)
	if err != nil {
		return err
	}
	signed, err := parsed.Checkpoint()
	if err != nil {
		return err
	}
	if err := u.journal.PutCheckpoint(signed); err != nil {
		return err
	}
	u.known = cp
	return nil
}

// failed decides what a failure means. One that concerns a single incarnation sets it aside, so that it holds up no
// other; everything of it is kept.
func (u *uplink) failed(inc journal.Incarnation, err error) (more bool, _ error) {
	switch code := ledger.CodeOf(err); {
	case errors.Is(err, errContradiction):
		u.stopped[inc.ID] = stop{reason: err.Error()}
	case code == ledger.CodeQuarantined, code == ledger.CodeWrongRoot, code == ledger.CodeInvalid:
		u.stopped[inc.ID] = stop{reason: err.Error(), retry: time.Now().Add(refusedRetry)}
	default:
		return false, err
	}
	u.log.Error("journal is not sent any more; everything is kept", "incarnation", inc.ID, "err", err)
	return true, nil
}

// waiting notes since when something waits: the time of the oldest record that the ledger has not.
func (u *uplink) waiting(inc journal.Incarnation, from int64) {
	records, err := u.journal.Records(inc.ID, from, 1)
	if err != nil || len(records) == 0 {
		return
	}
	if r, err := record.Parse(records[0]); err == nil {
		u.link.mu.Lock()
		u.link.WaitingSinceMS = r.At.WallMS
		u.link.mu.Unlock()
	}
}

// off tells the status that nothing is sent.
func (u *uplink) off() {
	u.link.mu.Lock()
	defer u.link.mu.Unlock()
	if u.link.State != LinkOff {
		u.link.State, u.link.SinceMS, u.link.Problem = LinkOff, u.rec.clock.Now().WallMS, ""
	}
}

// report brings the status up to date after a round.
func (u *uplink) report(err error) {
	_, _, found := u.target()
	stopped := make([]Stopped, 0, len(u.stopped))
	for id, s := range u.stopped {
		stopped = append(stopped, Stopped{Incarnation: id, Reason: s.reason})
	}
	u.link.mu.Lock()
	defer u.link.mu.Unlock()
	state, problem := LinkUp, ""
	if err != nil {
		state, problem = LinkDown, err.Error()
	}
	if state != u.link.State {
		u.link.State, u.link.SinceMS = state, u.rec.clock.Now().WallMS
	}
	u.link.Problem, u.link.Stopped = problem, stopped
	if err == nil {
		u.link.LastSyncMS = u.rec.clock.Now().WallMS
	}
	if !found {
		u.link.WaitingSinceMS = 0
	}
}
