package custody

import (
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

func (f *folder) pack(n *node) {
	st, s := n.right, f.state
	if s.Opening != nil && (st.Organ != 0 && st.Organ != s.Opening.Organ || st.Organ != 0 && st.Side != s.Opening.Side) {
		f.flag(FlagPackedOther, n, "packed %s, but opened for %s", organText(st), organText(s.Opening))
	}
	f.label(n)
	head, ok := HeadOf(st.Head)
	switch {
	case !ok: // flagged by pins
	case !originOf(head.Origin, st.Box):
		f.flag(FlagHeadOfOtherBox, n, "%s cites the journal of a box that is not with the organ", what(n))
		head = merkle.Checkpoint{}
	}
	f.startsLate(n, head)
	if s.Packing != nil {
		f.flag(FlagPackedTwice, n, "packed twice: the profile of the later packing, by %s, counts", name(st.By))
	}
	switch {
	case s.Packing == nil:
		s.Segments = []Segment{{Box: st.Box, Space: st.Space, Start: head, Begin: st.EventTimeMS, Act: n.hash}}
	case s.Segments[len(s.Segments)-1].Box != st.Box:
		// The way until now stays part of the trip: packing again hides nothing.
		f.segment(n, Segment{Box: st.Box, Space: st.Space, Start: head, Code: MovedBox})
	}
	if len(s.Custodians) > 0 && s.Custodians[0].SinceMS > st.EventTimeMS {
		s.Custodians[0].SinceMS = st.EventTimeMS // handed over before packing, they say: somebody held it all the same
	}
	s.Packing = st
	s.Phase = max(PhasePacked, s.Phase)
	f.take(n, st.By, head, OwnKey)
}

// startsLate flags an act that was stated after the fact and begins a segment. The segment begins at the head all the same, for
// what the box recorded before may be of another shipment: records between the act and its signing are missing in the trip,
// unless the actor cites an older head than the newest one that they had seen.
func (f *folder) startsLate(n *node, head merkle.Checkpoint) {
	newest, ok := newestSeen(n.act, head.Origin)
	if ok && (newest.Origin != head.Origin || newest.Size > head.Size) {
		return
	}
	if head.Size > 1 && signedLater(n.act, n.right) {
		f.flag(FlagSignedLate, n, "%s was signed well after it happened: what the box recorded before record %d is not in the trip", what(n), head.Size)
	}
}

func organText(s *Statement) string {
	if s.Side == SideNone {
		return s.Organ.String()
	}
	return s.Side.String() + " " + s.Organ.String()
}

// label flags a label that was not checked by two people.
func (f *folder) label(n *node) {
	st := n.right
	switch {
	case n.act.second() != nil:
	case st.LabelCheck == LabelTwoKeys:
		f.flag(FlagLabelNoSecond, n, "label check with two keys, but no second person has signed")
	case st.LabelCheck == LabelNotDone:
		f.flag(FlagLabelNotDone, n, "label check was not done")
	case st.LabelCheck == LabelSecond || st.LabelCheck == LabelElsewhere:
		if st.Reference == "" {
			f.flag(FlagLabelNoReference, n, "label check %s states no reference", st.LabelCheck)
		}
	default:
		f.flag(FlagLabelOnePerson, n, "label was checked by one person only")
	}
}

// move ends a segment and begins the next.
func (f *folder) move(n *node) {
	st, s := n.right, f.state
	if s.Packing == nil {
		f.flag(FlagMovedNotPacked, n, "%s (%s) before it was packed", what(n), st.Segment)
		return
	}
	if holder := s.Holder(); holder != nil && !holds(holder.Party, st.By) {
		by, held := names(st.By, holder.Party)
		f.flag(FlagMovedByOther, n, "move (%s) by %s, but the box was held by %s", st.Segment, by, held)
	}
	next := Segment{Space: st.Space, Code: st.Segment}
	last := &s.Segments[len(s.Segments)-1]
	if !last.Box.IsZero() {
		last.End = f.place(n, st.Head)
	}
	if st.Segment != NoTracker {
		next.Box = st.NewBox
		if next.Box == last.Box && st.Space == last.Space {
			f.flag(FlagMovedSameBox, n, "%s (%s), but it is the same box", what(n), st.Segment)
		}
		if start, ok := HeadOf(st.NewHead); ok {
			next.Start = start
			if !originOf(start.Origin, st.NewBox) {
				next.Start = merkle.Checkpoint{}
				f.flag(FlagHeadOfOtherBox, n, "%s cites as the new box's journal that of another", what(n))
			}
		}
	}
	f.startsLate(n, next.Start)
	f.segment(n, next)
}

// segment ends the segment that lasts and begins the next, never before the one before began.
func (f *folder) segment(n *node, next Segment) {
	last := &f.state.Segments[len(f.state.Segments)-1]
	next.Begin, next.Act = max(n.right.EventTimeMS, last.Begin), n.hash
	last.Until = next.Begin
	f.state.Segments = append(f.state.Segments, next)
}

// StatedLater tells whether the act that begins a segment was signed well after what it states, and returns the newest head of
// the box that its actor had seen then. The organ was put into the box at Begin, between Start and that head: what was
// recorded before Begin is not of the trip. It returns false when the actor cites no such head.
func (s *State) StatedLater(seg Segment) (newest merkle.Checkpoint, ok bool) {
	i := slices.IndexFunc(s.History, func(item HistoryItem) bool { return item.Hash == seg.Act })
	if i < 0 || !signedLater(s.History[i].Act, s.History[i].Right) {
		return merkle.Checkpoint{}, false
	}
	return newestSeen(s.History[i].Act, seg.Start.Origin)
}

// newestSeen returns the head that an act's actor cites beside the signature, when it is of the box that a journal is of.
func newestSeen(a *Act, journal string) (merkle.Checkpoint, bool) {
	box, _, err := record.ParseOrigin(journal)
	if err != nil {
		return merkle.Checkpoint{}, false
	}
	for _, sig := range a.Signatures {
		if cp, ok := HeadOf(sig.Head); ok && sig.Role == RoleActor && originOf(cp.Origin, box) {
			return cp, true
		}
	}
	return merkle.Checkpoint{}, false
}

// found flags the conditions that were found, and a seal that is not the one stated before. reseal is for an act that puts
// on a new one.
func (f *folder) found(n *node, reseal bool) {
	st := n.right
	if st.Condition != "" {
		f.flag(FlagCondition, n, "%s found: %s", what(n), ConditionText(st.Condition))
	}
	if st.Seal == "" {
		return
	}
	if f.seal != "" && f.seal != st.Seal && !reseal {
		f.flag(FlagSealChanged, n, "%s: seal changed from %s to %s", what(n), f.seal, st.Seal)
	}
	f.seal = st.Seal
}

// originOf tells whether a journal is one of the box.
func originOf(origin string, box ledger.BoxID) bool {
	of, _, err := record.ParseOrigin(origin)
	return err == nil && of == box
}
