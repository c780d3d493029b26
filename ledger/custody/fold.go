package custody

import (
	"slices"

	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// folder makes a State.
type folder struct {
	tree    *tree
	state   *State
	pending *node  // the release that nobody has accepted yet
	seal    string // stated last along the line of custody
	before  *node  // the claim applied before
}

// Fold makes the state of a shipment from its acts in entry order. Signatures and membership are the caller's to check
// before; Fold never refuses an act, it only says how it stands. Only the choice among competing claims that nobody has
// ruled on hangs on the order of entry.
func Fold(acts []Entered) *State {
	tree, entered := newTree(acts)
	f := &folder{tree: tree, state: &State{}}
	if len(entered) == 0 {
		return f.state
	}
	f.state.Shipment = entered[0].Act.Statement.Shipment
	for _, n := range tree.nodes {
		if n.placed && !n.right.Kind.Claims() {
			n.standing = Applied
		}
	}
	f.correct()
	line, disputes := tree.line(f.rulings())
	f.state.Disputes = disputes
	f.redirect()
	for _, n := range line {
		f.claim(n)
	}
	f.noteAll()
	f.phase()
	f.pins()
	f.conflicts()
	f.missing()
	for i, n := range tree.nodes {
		f.state.History = append(f.state.History, HistoryItem{Entered: entered[i], Hash: n.hash, Standing: n.standing, Right: n.right})
	}
	return f.state
}

// notes returns the notes of a kind that are placed, in entry order.
func (f *folder) notes(kind Kind) []*node {
	var out []*node
	for _, n := range f.tree.nodes {
		if n.placed && n.right.Kind == kind {
			out = append(out, n)
		}
	}
	return out
}

// claim applies one claim of the line of custody.
func (f *folder) claim(n *node) {
	s, st := f.state, n.right
	f.order(n)
	f.interrupt(n)
	switch st.Kind {
	case Open:
		f.open(n)
	case StandDown:
		if s.Receipt != nil {
			f.flag(FlagStoodDownLate, n, "stood down after it was received")
			break
		}
		if s.Phase != PhaseClosed {
			s.Phase = PhaseStoodDown
		}
	case Pack:
		f.pack(n)
	case Release:
		f.release(n)
	case Accept:
		f.accept(n)
	case Receive:
		f.receive(n)
	case Move:
		f.move(n)
	case Close:
		f.closed(n)
	}
	f.found(n, st.Kind == Move)
	s.Tip = n.hash
	f.before = n
}

// order flags a claim that happened before the one it follows, and one that goes on after an end. A box that goes back
// after a stand-down changes hands as any other.
func (f *folder) order(n *node) {
	if f.before == nil {
		return
	}
	before, st := f.before.right, n.right
	if st.EventTimeMS != 0 && st.EventTimeMS+st.TimeErrorMS < before.EventTimeMS-before.TimeErrorMS {
		f.flag(FlagTimeOrder, n, "%s follows %s, but is said to have happened before it", what(n), what(f.before))
	}
	switch f.state.Phase {
	case PhaseStoodDown:
		if st.Kind == Pack || st.Kind == Receive {
			f.flag(FlagAfterStandDown, n, "%s after it was stood down", what(n))
		}
	case PhaseClosed:
		f.flag(FlagAfterClose, n, "%s after it was closed", what(n))
	}
}

// interrupt flags a claim that comes while an offer is open and does not answer it.
func (f *folder) interrupt(n *node) {
	st := n.right
	if f.pending == nil {
		return
	}
	to := f.pending.right.To
	switch st.Kind {
	case StandDown, Pack, Close:
	case Receive:
		if offeredTo(to, st.By) {
			return
		}
	case Release:
		f.flag(FlagReleasedAgain, n, "released to %s while a release to %s was not confirmed", name(st.To), name(to))
		return
	default:
		return
	}
	f.flag(FlagInterrupted, n, "%s while a release to %s was not confirmed", what(n), name(to))
}

func (f *folder) open(n *node) {
	if f.state.Opening != nil {
		f.flag(FlagOpenedTwice, n, "opened twice: the first opening, by %s, counts", name(f.state.Opening.By))
		return
	}
	f.state.Opening, f.state.Phase = n.right, PhaseOpen
	f.state.Legs = n.right.Legs
}

func (f *folder) closed(n *node) {
	s := f.state
	if s.Packing != nil && s.Receipt == nil && s.Phase != PhaseStoodDown {
		f.flag(FlagClosedEarly, n, "closed, but nobody has received it")
	}
	s.Phase = PhaseClosed
}

// HeadOf reads what a head cited in an act says, without checking its signature.
func HeadOf(signed []byte) (merkle.Checkpoint, bool) {
	origin, err := merkle.PeekOrigin(signed)
	if err != nil {
		return merkle.Checkpoint{}, false
	}
	if _, _, err := record.ParseOrigin(origin); err != nil {
		return merkle.Checkpoint{}, false
	}
	return merkle.PeekCheckpoint(signed)
}

// head returns the place in the journal of the box with the organ that an act cites. It is zero when the act cites none, one
// that can't be read, or one of another box: nobody may end a trip by the journal of a box that was not on it.
func (f *folder) head(n *node, signed []byte) merkle.Checkpoint {
	if len(signed) == 0 {
		return merkle.Checkpoint{}
	}
	cp, ok := HeadOf(signed)
	if !ok {
		return merkle.Checkpoint{} // flagged by pins
	}
	if len(f.state.Segments) == 0 {
		return cp
	}
	at := f.state.Segments[len(f.state.Segments)-1]
	if box, _, err := record.ParseOrigin(cp.Origin); err != nil || box != at.Box {
		f.flag(FlagHeadOfOtherBox, n, "%s cites the journal of a box that is not with the organ", what(n))
		return merkle.Checkpoint{}
	}
	if cp.Origin == at.Start.Origin && cp.Size < at.Start.Size {
		f.flag(FlagHeadBehind, n, "%s cites record %d of the box, before the organ was in it at record %d", what(n), cp.Size, at.Start.Size)
	}
	return cp
}

// signedLate is how long after what it states an act is signed for its head to say no longer where that was, in milliseconds:
// people type the PIN and the time on a clock, which takes a minute or two.
const signedLate = 2 * 60 * 1000

// signedLater tells whether an act was stated after the fact: its actor signed it well after the time that it states, both by
// the clock of one device. The head that it cites is the newest at the signing then, and says nothing of where the act was.
func signedLater(a *Act, right *Statement) bool {
	signed := int64(0)
	for _, s := range a.Signatures {
		if s.Role == RoleActor && (signed == 0 || s.SignedAtMS < signed) {
			signed = s.SignedAtMS
		}
	}
	return signed-right.EventTimeMS > signedLate
}

// place returns the head at which an act took place, zero when it is known by its time only.
func (f *folder) place(n *node, signed []byte) merkle.Checkpoint {
	cp := f.head(n, signed)
	if signedLater(n.act, n.right) {
		return merkle.Checkpoint{}
	}
	return cp
}

// pins lists the heads that acts and their signers cite, whatever the acts' standing: a head that somebody saw, and that the
// ledger has not, is how a withheld tail shows.
func (f *folder) pins() {
	for _, n := range inTime(f.tree.nodes) {
		var seen [][]byte
		for _, head := range n.act.Heads() {
			if slices.ContainsFunc(seen, func(have []byte) bool { return string(have) == string(head) }) {
				continue
			}
			seen = append(seen, head)
			if _, ok := HeadOf(head); !ok {
				f.flag(FlagHeadUnreadable, n, "%s cites a box head that can't be read", what(n))
				continue
			}
			f.state.Pins = append(f.state.Pins, Pinned{Act: n.hash, Head: head})
		}
	}
}
