package tracker

import (
	"bytes"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/record"
)

// maxWatched bounds how many shipments are judged at once. A box has at most as many spaces as probes; beyond that,
// those that came last are watched.
const maxWatched = record.MaxProbes

// cargo is what the journaled acts say of one shipment: whether it is in this box, and since when.
type cargo struct {
	id       ledger.ShipmentID
	acts     []heldAct // in the order in which they came
	here     *heldAct  // Pack or Move that put it into this box; nil: it is not in it
	received bool      // a center has it; it is watched until the box is opened
	watch    *watch    // nil: not watched
	tried    watchKey  // what watch was last made for, also when that failed
}

// heldAct is an act in this box's journals.
type heldAct struct {
	hash    [32]byte
	st      custody.Statement
	arrived int // number of the act, in the order in which acts of all shipments came
}

// add takes an act in, once whatever signatures its copies carry.
func (c *cargo) add(a heldAct) {
	if !slices.ContainsFunc(c.acts, func(b heldAct) bool { return b.hash == a.hash }) {
		c.acts = append(c.acts, a)
	}
}

// follows tells whether an act comes after the one with that hash, as far as the acts here tell.
func (c *cargo) follows(a *heldAct, hash [32]byte) bool {
	parent := a.st.Parent
	for range c.acts { // a chain is no longer than that, whatever parents a forger writes
		if parent == hash {
			return true
		}
		i := slices.IndexFunc(c.acts, func(b heldAct) bool { return b.hash == parent })
		if i < 0 {
			return false
		}
		parent = c.acts[i].st.Parent
	}
	return false
}

// settle finds out whether the shipment is in the box. Acts come late and in any order, so all are looked at: the last
// Pack or Move says where it is, and what does not come before that one may have ended its time here. Last is what
// follows by parents; where the acts between are not known here, what came last, but for an act that packs another box:
// that one comes along with a move into this box.
func (c *cargo) settle(box ledger.BoxID) {
	c.here, c.received = nil, false
	var last *heldAct
	for i := range c.acts {
		a := &c.acts[i]
		if a.st.Kind != custody.Pack && a.st.Kind != custody.Move {
			continue
		}
		along := a.st.Kind == custody.Pack && a.st.Box != box
		if last == nil || c.follows(a, last.hash) || !along && !c.follows(last, a.hash) {
			last = a
		}
	}
	if last == nil || !bringsTo(&last.st, box) {
		return
	}
	for i := range c.acts {
		a := &c.acts[i]
		if c.follows(last, a.hash) {
			continue
		}
		switch a.st.Kind {
		case custody.StandDown, custody.Close, custody.OpenBox:
			c.received = false
			return
		case custody.Receive:
			c.received = true
		}
	}
	c.here = last
}

// bringsTo tells whether a Pack or Move act puts the shipment into the box.
func bringsTo(s *custody.Statement, box ledger.BoxID) bool {
	return s.Kind == custody.Pack && s.Box == box || s.Kind == custody.Move && s.NewBox == box
}

// packing returns the act whose profile counts here: the Pack act that put the shipment into the box, or, for one that
// was moved here, the newest before that. Nil while it is not known: the ledger sends it along.
func (c *cargo) packing() *heldAct {
	if c.here == nil || c.here.st.Kind == custody.Pack {
		return c.here
	}
	var out *heldAct
	for i := range c.acts {
		a := &c.acts[i]
		if a.st.Kind == custody.Pack && !c.follows(a, c.here.hash) && (out == nil || !c.follows(out, a.hash)) {
			out = a
		}
	}
	return out
}

// tip returns the newest claim of the shipment that is known here: the parent of the next act, for phones without a
// network. Nil when there is none.
func (c *cargo) tip() *heldAct {
	var out *heldAct
	for i := range c.acts {
		if a := &c.acts[i]; a.st.Kind.Claims() && (out == nil || !c.follows(out, a.hash)) {
			out = a
		}
	}
	return out
}

// watchKey tells whether a watch still judges what it should.
type watchKey struct{ here, pack [32]byte }

// key returns what a watch of the shipment is made from; zero while there is nothing to judge by.
func (c *cargo) key() watchKey {
	pack := c.packing()
	if pack == nil {
		return watchKey{}
	}
	return watchKey{here: c.here.hash, pack: pack.hash}
}

// hold is all that the box carries, or carried as far as its journals tell.
type hold struct {
	cargo    map[ledger.ShipmentID]*cargo
	arrivals int // acts that came
}

// add takes an act in; settle says what follows from it.
func (h *hold) add(hash [32]byte, s custody.Statement) {
	c := h.cargo[s.Shipment]
	if c == nil {
		c = &cargo{id: s.Shipment}
		h.cargo[s.Shipment] = c
	}
	h.arrivals++
	c.add(heldAct{hash: hash, st: s, arrived: h.arrivals})
}

// settle finds out what is in the box. A shipment that was received and not opened leaves at the latest when another is
// packed into its space: the box was opened then, whatever nobody stated.
func (h *hold) settle(box ledger.BoxID) {
	for _, c := range h.cargo {
		c.settle(box)
	}
	aboard := h.aboard()
	for i, c := range aboard {
		if c.received && slices.ContainsFunc(aboard[i+1:], func(d *cargo) bool { return d.here.st.Space == c.here.st.Space }) {
			c.here = nil
		}
	}
}

// aboard returns the shipments that are in the box, in the order in which they came.
func (h *hold) aboard() []*cargo {
	var out []*cargo
	for _, c := range h.cargo {
		if c.here != nil {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *cargo) int { return a.here.arrived - b.here.arrived })
	return out
}

// watched returns the shipments that are judged.
func (h *hold) watched() []*cargo {
	return slices.DeleteFunc(h.aboard(), func(c *cargo) bool { return c.watch == nil })
}

// inCase tells whether a shipment is under way in the box: only then may its position be recorded.
func (h *hold) inCase() bool {
	return slices.ContainsFunc(h.aboard(), func(c *cargo) bool { return !c.received })
}

// isMoved tells whether the box knows an act that moves the shipment into it.
func (h *hold) isMoved(id ledger.ShipmentID, box ledger.BoxID) bool {
	c := h.cargo[id]
	return c != nil && slices.ContainsFunc(c.acts, func(a heldAct) bool { return a.st.Kind == custody.Move && a.st.NewBox == box })
}

// startHead returns the head of this box's journal from which on the shipment is judged.
func (c *cargo) startHead() []byte {
	if c.here.st.Kind == custody.Move {
		return c.here.st.NewHead
	}
	return c.here.st.Head
}

// byID orders shipments for people.
func byID(a, b *cargo) int { return bytes.Compare(a.id[:], b.id[:]) }
