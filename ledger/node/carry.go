package node

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"sync"

	"isotherm/ledger"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// carriesName names the note that an act put a shipment into a box. The act is in it, so that forgetting an old stay in
// the box never forgets a newer one.
func carriesName(box ledger.BoxID, s *custody.Statement) string {
	return carriesPrefix + box.String() + "/" + s.Shipment.String() + "/" + s.ID.String()
}

// carry notes with the command into which box the act puts the shipment, if it does. A move leaves the note of the old box
// in place: that box must learn of it.
func (n *Node) carry(c *command.Command, s *custody.Statement) error {
	var box ledger.BoxID
	switch s.Kind {
	case custody.Pack:
		box = s.Box
	case custody.Move:
		box = s.NewBox
	}
	if box.IsZero() {
		return nil
	}
	note, err := n.sealed(carriesName(box, s), s.Shipment[:])
	if err != nil {
		return err
	}
	c.Secrets = append(c.Secrets, note)
	return nil
}

// carried is a shipment that is or was in a box, with the notes of that.
type carried struct {
	id    ledger.ShipmentID
	notes []string
	c     *shipmentCase
}

// Bounds of what a sync looks at. A note is dropped when the box knows the end. A pack act of a case that nobody opened
// stays without effect, but its note stays, too: such ones must not crowd out what really is in the box.
const (
	maxCarried = 64   // shipments of one box
	maxNoted   = 4096 // shipments with notes
)

// shipmentsIn returns the shipments that the box carries, or carried and may not know the end of.
func (n *Node) shipmentsIn(v *store.View, box ledger.BoxID) ([]carried, error) {
	var out []carried
	for _, s := range notedIn(v, box) {
		c, err := n.shipment(v, s.id)
		if err != nil {
			return nil, err
		}
		if c.state.Packing == nil {
			continue
		}
		if s.c = c; len(out) == maxCarried {
			break
		}
		out = append(out, s)
	}
	return out, nil
}

// notedIn returns the shipments with a note that an act put them into the box.
func notedIn(v *store.View, box ledger.BoxID) []carried {
	var out []carried
	prefix := carriesPrefix + box.String() + "/"
	for name := range v.Secrets(prefix) {
		text, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "/")
		id, err := ledger.ParseID[ledger.ShipmentID](text)
		if err != nil {
			continue
		}
		if i := len(out) - 1; i >= 0 && out[i].id == id { // names come in order
			out[i].notes = append(out[i].notes, name)
			continue
		}
		if len(out) == maxNoted {
			break
		}
		out = append(out, carried{id: id, notes: []string{name}})
	}
	return out
}

// isIn tells whether the shipment is in the box and on its way.
func isIn(s *custody.State, box ledger.BoxID) bool {
	if len(s.Segments) == 0 || s.Phase >= custody.PhaseReceived || s.Phase == custody.PhaseStoodDown {
		return false
	}
	return s.Segments[len(s.Segments)-1].Box == box
}

// isOver tells whether nothing that the box must know can follow: the shipment left it, or the case is over.
func isOver(s *custody.State, box ledger.BoxID) bool {
	if s.Phase == custody.PhaseClosed || s.Phase == custody.PhaseStoodDown || s.Opened != nil {
		return true
	}
	return len(s.Segments) > 0 && s.Segments[len(s.Segments)-1].Box != box
}

// forBox tells whether a box needs an act: to know whether the shipment is in it, by which profile it is judged, and the
// newest claim for phones without a network. Notes stay out of the journal but for the one that ends the watch.
func forBox(item *custody.HistoryItem) bool {
	k := item.Act.Statement.Kind
	return item.Standing != custody.Waiting && k != custody.Open && (k.Claims() || k == custody.OpenBox)
}

// actsFor returns the acts of all shipments in the box that its journals, as held, do not show, and the notes of those
// whose end the box knows.
func (n *Node) actsFor(box ledger.BoxID) (acts [][]byte, done []string, err error) {
	err = n.replica.View(func(v *store.View) error {
		list, err := n.shipmentsIn(v, box)
		if err != nil || len(list) == 0 {
			n.journaled.forget(box)
			return err
		}
		known, err := n.journaled.of(v, box, firstOf(v, box, list))
		if err != nil {
			return err
		}
		for _, s := range list {
			missing := s.c.missing(known)
			acts = append(acts, missing...)
			if len(missing) == 0 && isOver(s.c.state, box) {
				done = append(done, s.notes...)
			}
		}
		return nil
	})
	return acts, done, err
}

// missing returns the acts that a box needs and does not know, each copy for itself: a later one brings a further signature.
func (c *shipmentCase) missing(known map[[32]byte]bool) [][]byte {
	wanted := map[[32]byte]bool{}
	for i := range c.state.History {
		wanted[c.state.History[i].Hash] = forBox(&c.state.History[i])
	}
	var out [][]byte
	for _, e := range c.acts {
		if raw := e.Act.Marshal(); wanted[e.Act.Hash()] && !known[sha256.Sum256(raw)] {
			out = append(out, raw)
		}
	}
	return out
}

// firstOf returns the place, among the box's journals, of the oldest that one of the shipments' ways begins in: acts of
// theirs are in that one or later.
func firstOf(v *store.View, box ledger.BoxID, list []carried) int {
	incs := v.Journals(box)
	first := len(incs)
	for _, s := range list {
		for _, seg := range s.c.state.Segments {
			of, inc, err := record.ParseOrigin(seg.Start.Origin)
			if i := slices.Index(incs, inc); err == nil && of == box && i >= 0 {
				first = min(first, i)
			}
		}
	}
	return min(first, max(len(incs)-1, 0))
}

// secretsAtOnce is how many notes one command drops: a command takes no more.
const secretsAtOnce = 16

// forgetCarried drops notes of shipments whose end the box knows. It may fail: the next sync tries again.
func (n *Node) forgetCarried(ctx context.Context, notes []string) error {
	for some := range slices.Chunk(notes, secretsAtOnce) {
		c := &command.Command{}
		for _, name := range some {
			c.Secrets = append(c.Secrets, command.Secret{Name: name})
		}
		if _, err := n.propose(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// journaledActs knows which acts the journals of boxes show, so that a sync need not read a whole trip again: it reads on
// from where it stopped.
type journaledActs struct {
	mu    sync.Mutex // guards what follows
	boxes map[ledger.BoxID]*boxActs
}

// boxActs are the acts in a box's journals, by the SHA-256 of their bytes, and how far each journal was read.
type boxActs struct {
	mu   sync.Mutex // guards what follows; held while journals are read
	read map[ledger.IncarnationID]int64
	acts map[[32]byte]bool
}

func (j *journaledActs) init() { j.boxes = map[ledger.BoxID]*boxActs{} }

// forget lets go of a box that carries nothing.
func (j *journaledActs) forget(box ledger.BoxID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.boxes, box)
}

// of returns the acts that the box's journals show, but for its first ones.
func (j *journaledActs) of(v *store.View, box ledger.BoxID, first int) (map[[32]byte]bool, error) {
	j.mu.Lock()
	b := j.boxes[box]
	if b == nil {
		b = &boxActs{read: map[ledger.IncarnationID]int64{}, acts: map[[32]byte]bool{}}
		j.boxes[box] = b
	}
	j.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	incs := v.Journals(box)
	for _, inc := range incs[min(first, len(incs)):] {
		held, ok := v.Journal(inc)
		if !ok || held.Size <= b.read[inc] {
			continue
		}
		for batch := range v.Batches(inc, b.read[inc]) {
			records, err := parseRecords(batch, b.read[inc], held.Size)
			if err != nil {
				return nil, err
			}
			b.add(records)
		}
		b.read[inc] = held.Size
	}
	out := make(map[[32]byte]bool, len(b.acts))
	for hash := range b.acts {
		out[hash] = true
	}
	return out, nil
}

func (b *boxActs) add(records []*record.Record) {
	for _, r := range records {
		if r.Act != nil {
			b.acts[sha256.Sum256(r.Act.Bytes)] = true
		}
	}
}
