package node

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
)

// readNote is that somebody looked at a case in an hour.
type readNote struct {
	person ledger.PersonID // zero for a share link
	share  string          // ID of the share link, empty for a person
	id     ledger.ShipmentID
	hour   int64 // since 1970
}

// readNotes are reads that the ledger has, so that each is proposed once, and those that it could not take yet.
type readNotes struct {
	mu      sync.Mutex
	noted   map[readNote]bool // guarded by mu
	waiting []readNote        // guarded by mu
}

// maxNotes bounds both; noted starts anew beyond it, which costs proposals that change nothing.
const maxNotes = 10_000

// noteLimit bounds how long a look at a case waits for its note: an isolated node still shows what it holds.
const noteLimit = 2 * time.Second

// flushAtOnce is how many waiting notes go along with a new one.
const flushAtOnce = 16

func (r *readNotes) init() { r.noted = map[readNote]bool{} }

// begin tells whether the note is new, and takes some that wait along with it.
func (r *readNotes) begin(k readNote) []readNote {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.noted[k] {
		return nil
	}
	n := min(flushAtOnce, len(r.waiting))
	out := append([]readNote{k}, r.waiting[:n]...)
	r.waiting = r.waiting[n:]
	if len(r.noted) >= maxNotes {
		clear(r.noted)
	}
	r.noted[k] = true
	return out
}

// wait keeps notes for later; it returns how many there was no room for.
func (r *readNotes) wait(notes []readNote) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(notes), maxNotes-len(r.waiting))
	r.waiting = append(r.waiting, notes[:n]...)
	return len(notes) - n
}

// noteRead enters that a case was read, once per person, case and hour. Where no majority answers, the note waits in this
// process for the next read: looking at an organ's temperature must not depend on it.
func (n *Node) noteRead(ctx context.Context, p Principal, id ledger.ShipmentID) {
	note := readNote{person: p.Person, id: id, hour: n.now().Unix() / 3600}
	if p.Share != nil {
		note.share = p.Share.ID
	}
	notes := n.reads.begin(note)
	ctx, cancel := context.WithTimeout(ctx, noteLimit)
	defer cancel()
	for i, note := range notes {
		err := n.enterRead(ctx, note)
		if err == nil {
			continue
		}
		lost := n.reads.wait(notes[i:])
		n.log.Warn("reads of cases can't be noted in the ledger yet", "waiting", len(notes)-i, "lost", lost, "err", err)
		return
	}
}

func (n *Node) enterRead(ctx context.Context, r readNote) error {
	access := entry.Access{By: r.person, Reason: "looked at in the hour from " + time.Unix(r.hour*3600, 0).UTC().Format("2006-01-02 15:04")}
	d := draft{kind: entry.KindCaseRead, subjects: []entry.Subject{entry.Case(r.id)}, payload: access.Marshal()}
	if r.share != "" {
		used := entry.ShareEvent{Step: entry.ShareUsed, ID: r.share}
		d.kind, d.payload = entry.KindShare, used.Marshal()
	}
	c := &command.Command{Dedup: dedupID("case-read", r.person[:], []byte(r.share), r.id[:], binary.BigEndian.AppendUint64(nil, uint64(r.hour)))}
	if err := n.sealForCase(&d, c, r.id); err != nil {
		return err
	}
	var err error
	if c.Entry, err = n.entryOf(d); err != nil {
		return err
	}
	_, err = n.propose(ctx, c)
	return err
}

// Flush tries to enter the notes that wait, before the process ends, and waits for those of failed sign-ins under way.
func (n *Node) Flush(ctx context.Context) error {
	n.accounts.notes.running.Wait()
	n.reads.mu.Lock()
	notes := n.reads.waiting
	n.reads.waiting = nil
	n.reads.mu.Unlock()
	for i, note := range notes {
		if err := n.enterRead(ctx, note); err != nil {
			n.reads.wait(notes[i:])
			return err
		}
	}
	return nil
}
