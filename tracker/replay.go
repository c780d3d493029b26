package tracker

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/record"
	"isotherm/tracker/journal"
)

// replayChunk is how many records are held at once while the journal is read back.
const replayChunk = 1024

// keyInAct returns the keys that an act itself names.
func keyInAct(act *custody.Act) func(ledger.PersonID) ed25519.PublicKey {
	return func(p ledger.PersonID) ed25519.PublicKey {
		for _, s := range act.Signatures {
			if s.Person == p {
				return s.Signature.Key
			}
		}
		return nil
	}
}

// eachRecord calls f for the records of an incarnation from a seq up to its size when it was listed.
func eachRecord(j *journal.Journal, inc journal.Incarnation, from int64, f func(b []byte) error) error {
	for from < inc.Size {
		chunk, err := j.Records(inc.ID, from, int(min(replayChunk, inc.Size-from)))
		if err != nil {
			return err
		}
		for _, b := range chunk {
			if err := f(b); err != nil {
				return err
			}
		}
		from += int64(len(chunk))
	}
	return nil
}

// isAct tells from the first bytes of a canonical record whether it is an act: a map of six pairs, key 1, the kind. It
// spares parsing every reading at start.
func isAct(b []byte) bool { return len(b) > 3 && b[1] == 1 && b[2] == byte(record.KindAct) }

// restore reads the journals on disk: which acts they hold, and so which shipments the box carries. It runs once, before
// any other goroutine.
func (r *recorder) restore() error {
	r.hold.cargo = map[ledger.ShipmentID]*cargo{}
	for _, inc := range r.journal.Incarnations() {
		err := eachRecord(r.journal, inc, 0, func(b []byte) error {
			if !isAct(b) {
				return nil
			}
			rec, err := record.Parse(b)
			if err != nil {
				return err
			}
			act, err := custody.ParseAct(rec.Act.Bytes)
			if err != nil {
				return nil // of a newer version: kept and sent, but not for us to follow
			}
			r.acts[sha256.Sum256(rec.Act.Bytes)] = rec.Seq
			r.hold.add(act.Hash(), act.Statement)
			return nil
		})
		if err != nil {
			return fmt.Errorf("read journal %s: %w", inc.ID, err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = uint64(r.journal.Newest().Size)
	r.rewatch()
	return nil
}

// startWatch judges everything from the place that the act cites which put the shipment into this box. What the journal
// does not tell of yet is recorded after: an act that came late may show an excursion that nobody has seen. The caller
// holds mu.
func (r *recorder) startWatch(c *cargo) error {
	pack := c.packing()
	if pack == nil {
		return nil // moved here; the ledger sends the act with the profile
	}
	w, err := newWatch(&pack.st, &c.here.st)
	if err != nil {
		return err
	}
	list := r.journal.Incarnations()
	start, from := len(list)-1, int64(0) // a place that is not on disk any more: from this incarnation's beginning
	if head, ok := custody.HeadOf(c.startHead()); ok {
		for i, inc := range list {
			if record.Origin(r.box, inc.ID) == head.Origin {
				start, from = i, min(head.Size, inc.Size)
			}
		}
	}
	for i, inc := range list[start:] {
		if i > 0 {
			from = 0
		}
		if err := r.replay(w, inc, from); err != nil {
			return fmt.Errorf("replay journal %s: %w", inc.ID, err)
		}
	}
	for _, rec := range r.pending {
		if rec.Seq >= uint64(list[len(list)-1].Size) {
			w.step(rec)
		}
	}
	c.watch = w
	return nil
}

func (r *recorder) replay(w *watch, inc journal.Incarnation, from int64) error {
	if from > 0 { // a trip that begins in the middle still needs to know the probes
		boot, err := r.journal.Records(inc.ID, 0, 1)
		if err != nil {
			return err
		}
		rec, err := record.Parse(boot[0])
		if err != nil {
			return err
		}
		w.eval.Configure(rec.Boot)
	}
	return eachRecord(r.journal, inc, from, func(b []byte) error {
		rec, err := record.Parse(b)
		if err != nil {
			return err
		}
		w.step(rec)
		return nil
	})
}
