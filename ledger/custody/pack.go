package custody

import (
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
	f.segment(n, next)
}

// segment ends the segment that lasts and begins the next, never before the one before began.
func (f *folder) segment(n *node, next Segment) {
	last := &f.state.Segments[len(f.state.Segments)-1]
	next.Begin, next.Act = max(n.right.EventTimeMS, last.Begin), n.hash
	last.Until = next.Begin
	f.state.Segments = append(f.state.Segments, next)
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
