package custody

import "isotherm/ledger/merkle"

// holds tells whether a person acts for the custodian: the custodian's self, or anybody of the organisation when a desk or
// an organisation holds the box.
func holds(holder, by Party) bool {
	if holder.Person.IsZero() {
		return holder.Organisation == by.Organisation
	}
	return holder.Person == by.Person
}

// offeredTo tells whether who takes the box is whom it was offered to. An offer to an organisation is met by anybody of it,
// one to a desk by the desk or by somebody who names no desk; an offer to a person by that person, or by their
// organisation when the taker has no account.
func offeredTo(offer, taker Party) bool {
	if !offer.Person.IsZero() && !taker.Person.IsZero() {
		return offer.Person == taker.Person
	}
	return offer.Organisation == taker.Organisation && (offer.Desk == "" || taker.Desk == "" || offer.Desk == taker.Desk)
}

// take begins a custodian's time and ends the one before. Nobody's time begins before that of who held the box before them:
// whatever times people state, each moment has one custodian.
func (f *folder) take(n *node, party Party, head merkle.Checkpoint, evidence Evidence) {
	s := f.state
	c := Custodian{Party: party, SinceMS: n.right.EventTimeMS, Head: head, Act: n.hash, Evidence: evidence, Disputed: n.disputed}
	if f.pending != nil {
		c.Disputed = c.Disputed || f.pending.disputed
	}
	if last := s.Holder(); last != nil {
		c.SinceMS = max(c.SinceMS, last.SinceMS)
		if last.Released != nil {
			c.SinceMS = max(c.SinceMS, last.Released.SinceMS)
		}
		last.UntilMS = c.SinceMS
	}
	s.Custodians = append(s.Custodians, c)
	f.settle()
}

// settle ends an offer.
func (f *folder) settle() { f.pending, f.state.Pending = nil, nil }

func (f *folder) release(n *node) {
	st, s := n.right, f.state
	if s.Packing == nil {
		f.flag(FlagNotPacked, n, "%s before it was packed", what(n))
	}
	head := f.place(n, st.Head)
	holder := s.Holder()
	if holder != nil && !holds(holder.Party, st.By) {
		by, held := names(st.By, holder.Party)
		f.flag(FlagReleasedByOther, n, "released by %s, but the box was held by %s", by, held)
	}
	if holder != nil {
		holder.Released = &Offer{To: st.To, SinceMS: max(st.EventTimeMS, holder.SinceMS), ValidMS: st.ValidMS, Head: head, Act: n.hash}
	}
	f.pending, s.Pending = n, st
	if st.Evidence == OneSide {
		f.oneSide(n)
		f.take(n, st.To, head, OneSide)
	}
}

// oneSide flags what a handoff that only one party signed does not say.
func (f *folder) oneSide(n *node) {
	if n.right.Reason == 0 {
		f.flag(FlagOneSideReason, n, "%s by one side only states no reason", what(n))
	}
	if n.right.Reference == "" {
		f.flag(FlagOneSideReference, n, "%s by one side only states no reference, such as an air waybill", what(n))
	}
}

// taker returns who takes the box by an accept: To when it names somebody. On the carrier's phone an accept without a
// receiver means whom the box was offered to.
func (f *folder) taker(st *Statement) Party {
	switch {
	case !st.To.IsZero():
		return st.To
	case st.Evidence == CarriersPhone && f.pending != nil && f.pending.right.By.Person == st.By.Person:
		return f.pending.right.To
	}
	return st.By
}

func (f *folder) accept(n *node) {
	st, s := n.right, f.state
	if s.Packing == nil {
		f.flag(FlagNotPacked, n, "%s before it was packed", what(n))
	}
	head, taker := f.place(n, st.Head), f.taker(st)
	if f.pending == nil {
		f.acceptUnreleased(n, taker, head)
		return
	}
	offer := f.pending.right
	if offer.ValidMS != 0 && st.EventTimeMS > offer.ValidMS {
		f.flag(FlagAcceptedLate, n, "accepted by %s after the release had run out", name(taker))
	}
	evidence := f.grade(n, taker)
	if !offeredTo(offer.To, taker) {
		to, by := names(offer.To, taker)
		f.flag(FlagAcceptedByOther, n, "released to %s, but accepted by %s", to, by)
		evidence = OneSide
	}
	f.take(n, taker, head, evidence)
}

// acceptUnreleased takes an accept while no offer is open. One by whom the box was left with by one side proves the other
// side after the fact; any other is by one side only.
func (f *folder) acceptUnreleased(n *node, taker Party, head merkle.Checkpoint) {
	st, holder := n.right, f.state.Holder()
	if holder != nil && n.claim != nil && holder.Act == n.claim.hash && n.claim.right.Kind == Release && offeredTo(holder.Party, taker) {
		releaser := n.claim.right.By.Person
		switch {
		case st.By.Person != releaser && forSelf(st, taker):
			holder.Evidence = BothKeys
		case st.By.Person == releaser && st.Evidence == CarriersPhone:
			holder.Evidence = CarriersPhone
		}
		return
	}
	f.flag(FlagAcceptedNoRelease, n, "accepted by %s without a release", name(taker))
	evidence := OneSide
	if st.Evidence == CarriersPhone && holder != nil && holds(holder.Party, st.By) {
		evidence = CarriersPhone
	}
	f.take(n, taker, head, evidence)
}

// forSelf tells whether who states an accept is who takes the box, or acts for the desk or organisation that does.
func forSelf(st *Statement, taker Party) bool {
	return taker.Person == st.By.Person || taker.Person.IsZero() && taker.Organisation == st.By.Organisation
}

// grade returns how well an accept of the open offer is proven, whatever it says of itself.
func (f *folder) grade(n *node, taker Party) Evidence {
	st, offer := n.right, f.pending.right
	switch {
	case st.Evidence == CarriersPhone && st.By.Person == offer.By.Person:
		return CarriersPhone
	case st.Evidence == CarriersPhone && !forSelf(st, taker):
		f.flag(FlagConfirmedByOther, n, "confirmed on the phone of %s, who did not release it", name(st.By))
		return OneSide
	case !forSelf(st, taker):
		f.flag(FlagAcceptedForOther, n, "%s states that %s accepted, who did not sign", name(st.By), name(taker))
		return OneSide
	case st.By.Person == offer.By.Person:
		f.flag(FlagSamePerson, n, "released and accepted by the same person of %s", name(st.By))
		return OneSide
	}
	return BothKeys
}

func (f *folder) receive(n *node) {
	st, s := n.right, f.state
	head := f.head(n, st.Head)
	ends := f.ends(n)
	if dest := f.destination(ends); dest != "" && st.By.Organisation != dest {
		f.flag(FlagReceivedElsewhere, n, "received by %s, but it was to go to %s", name(st.By), dest)
	}
	evidence := OwnKey
	if f.pending != nil && offeredTo(f.pending.right.To, st.By) && f.pending.right.By.Person != st.By.Person {
		evidence = BothKeys
	}
	if holder := s.Holder(); holder == nil || holder.Party != st.By {
		f.take(n, st.By, f.place(n, st.Head), evidence)
	} else {
		holder.Released = nil // the offer ended with the receipt: the box never left
	}
	f.settle()
	if !ends {
		return
	}
	if s.Receipt != nil {
		f.flag(FlagReceivedTwice, n, "received twice: the first receipt, by %s, counts", name(s.Receipt.By))
		return
	}
	s.Receipt, s.ReceivedAt = st, &head
	s.Phase = max(s.Phase, PhaseReceived)
}

// destination returns where the organ was to go: as planned for a receipt that a redirection followed.
func (f *folder) destination(ends bool) string {
	if !ends && f.state.Opening != nil {
		return f.state.Opening.Dest
	}
	return f.state.Destination()
}

// ends tells whether a receipt, or the opening of the box, is the end of the trip. After a redirection it is only when it
// came later, or is by the center that the organ was sent on to.
func (f *folder) ends(n *node) bool {
	to := f.state.Redirect
	return to == nil || n.right.By.Organisation == to.Dest || n.right.EventTimeMS >= to.EventTimeMS
}
