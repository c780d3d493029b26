package custody

import "isotherm/ledger/merkle"

// newest returns the note that counts among several of a kind: of the highest rank, of these the newest by event time, then
// hash. A higher rank is a firmer statement: a check that was made stands against one that was not.
func newest(notes []*node, rank func(s *Statement) int) *node {
	var best *node
	for _, n := range inTime(notes) {
		if best == nil || rank(n.right) >= rank(best.right) {
			best = n
		}
	}
	return best
}

func equalRank(*Statement) int { return 0 }

// differing returns an older note of the highest rank that does not say the same as the one that counts, or nil.
func differing(notes []*node, best *node, rank func(s *Statement) int, same func(a, b *Statement) bool) *node {
	for _, n := range inTime(notes) {
		if n != best && rank(n.right) == rank(best.right) && !same(n.right, best.right) {
			return n
		}
	}
	return nil
}

// redirect finds the newest act that sends the organ to another center. It comes before the claims: a receipt is judged by it.
func (f *folder) redirect() {
	var all []*node
	for _, n := range inTime(f.notes(Outcome)) {
		if n.right.Result != Redirected {
			continue
		}
		if n.right.Dest == "" {
			f.flag(FlagRedirectNoDest, n, "redirected by %s, but no destination is stated", name(n.right.By))
			continue
		}
		all = append(all, n)
	}
	if n := newest(all, equalRank); n != nil {
		f.state.Redirect = n.right
	}
}

// noteAll works the notes in.
func (f *folder) noteAll() {
	s := f.state
	f.arrival()
	f.outcome()
	f.opened()
	for _, n := range inTime(f.notes(Preserve)) {
		s.Preservation = append(s.Preservation, n.right)
	}
	f.waypoints()
	for _, n := range inTime(f.notes(AdverseEvent)) {
		s.Adverse = append(s.Adverse, n.right)
		f.flag(FlagAdverse, n, "serious adverse event reported by %s: %s", name(n.right.By), n.right.Reason)
	}
}

func (f *folder) arrival() {
	s, checks := f.state, f.notes(ArrivalCheck)
	rank := func(s *Statement) int {
		if s.Arrival == NotDone {
			return 0
		}
		return 1
	}
	best := newest(checks, rank)
	if best == nil {
		return
	}
	s.Arrival = best.right
	same := func(a, b *Statement) bool { return a.Arrival == b.Arrival }
	if other := differing(checks, best, rank, same); other != nil {
		first, last := names(other.right.By, s.Arrival.By)
		f.flag(FlagArrivalsDiffer, best, "arrival checks differ: %s by %s, %s by %s, which counts", other.right.Arrival, first, s.Arrival.Arrival, last)
	}
	for _, n := range inTime(checks) {
		f.found(n, false)
		f.match(n)
	}
}

// match flags an arrival check that says match and states something else than what was opened and packed.
func (f *folder) match(n *node) {
	st, s := n.right, f.state
	if st.Arrival != Match || s.Opening == nil {
		return
	}
	donor := st.Donor != [32]byte{} && s.Opening.Donor != [32]byte{} && st.Donor != s.Opening.Donor
	organ := st.Organ != 0 && (st.Organ != s.Opening.Organ || st.Side != s.Opening.Side)
	group := s.Packing != nil && st.ABO != 0 && s.Packing.ABO != 0 && st.ABO != s.Packing.ABO
	if donor || organ || group {
		f.flag(FlagMatchOfOther, n, "arrival check says match, but donor, organ, side or blood group differ from what was opened and packed")
	}
	if st.Donor == [32]byte{} && s.Opening.Donor != [32]byte{} {
		f.flag(FlagMatchNotScanned, n, "arrival check says match, but states no donor ID")
	}
}

func (f *folder) outcome() {
	s, outcomes := f.state, f.notes(Outcome)
	rank := func(s *Statement) int {
		switch s.Result {
		case Transplanted, NotTransplanted:
			return 2
		case Redirected:
			return 0
		}
		return 1
	}
	best := newest(outcomes, rank)
	if best == nil {
		return
	}
	s.Outcome = best.right
	same := func(a, b *Statement) bool { return a.Result == b.Result || a.Result == Redirected }
	if other := differing(outcomes, best, rank, same); other != nil {
		first, last := names(other.right.By, s.Outcome.By)
		f.flag(FlagOutcomesDiffer, best, "outcomes differ: %s by %s, %s by %s, which counts", other.right.Result, first, s.Outcome.Result, last)
	}
	if s.Outcome.Result == NotTransplanted && s.Outcome.Reason == 0 {
		f.flag(FlagOutcomeNoReason, best, "outcome is not transplanted, but no reason is stated")
	}
}

func (f *folder) opened() {
	s := f.state
	var all []*node
	for _, n := range inTime(f.notes(OpenBox)) {
		f.found(n, false)
		if f.ends(n) {
			all = append(all, n)
		}
	}
	best := newest(all, equalRank)
	if best == nil {
		return
	}
	head := merkle.Checkpoint{}
	if s.Packing != nil {
		head = f.head(best, best.right.Head)
	}
	s.Opened, s.OpenedAt = best.right, &head
	same := func(a, b *Statement) bool { return a.EventTimeMS == b.EventTimeMS && string(a.Head) == string(b.Head) }
	if other := differing(all, best, equalRank, same); other != nil {
		first, last := names(other.right.By, s.Opened.By)
		f.flag(FlagOpeningsDiffer, best, "the box was opened at its destination twice: by %s, then by %s, which counts", first, last)
	}
	switch {
	case s.Receipt == nil:
		f.flag(FlagOpenedNotReceived, best, "the box was opened at its destination, but nobody has received it")
	case s.Opened.EventTimeMS+s.Opened.TimeErrorMS < s.Receipt.EventTimeMS-s.Receipt.TimeErrorMS:
		f.flag(FlagOpenedBeforeReceipt, best, "the box is said to have been opened at its destination before it was received")
	}
}

// waypoints takes the newest plan, then what was reported of its legs.
func (f *folder) waypoints() {
	s, points := f.state, inTime(f.notes(Waypoint))
	var plans []*node
	for _, n := range points {
		s.Waypoints = append(s.Waypoints, n.right)
		if len(n.right.Legs) > 0 {
			plans = append(plans, n)
		}
	}
	if best := newest(plans, equalRank); best != nil {
		s.Legs = best.right.Legs
		same := func(a, b *Statement) bool { return a.EventTimeMS != b.EventTimeMS || legsText(a) == legsText(b) }
		if other := differing(plans, best, equalRank, same); other != nil {
			counts, not := names(best.right.By, other.right.By)
			f.flag(FlagPlansDiffer, best, "two plans of the same time differ: that of %s counts, not that of %s", counts, not)
		}
	}
	for _, n := range points {
		if int(n.right.Leg) > len(s.Legs) {
			f.flag(FlagLegNotPlanned, n, "%s of leg %d, but %d are planned", n.right.LegState, n.right.Leg, len(s.Legs))
		}
	}
}
