package custody

import (
	"slices"

	"isotherm/ledger"
)

// ruling is a Ruling act that is in effect, with the claim that it picks.
type ruling struct {
	by   *node
	pick *node
}

// rulings returns the ruling in effect for each fork, by the claim that the competing claims follow, nil for those that
// open the shipment. A ruling needs two different people, one as actor and one as second; until both have signed it
// waits. Of several on the same fork the newest by event time counts.
func (f *folder) rulings() map[*node]*ruling {
	out := map[*node]*ruling{}
	forks := map[*node][]*node{} // rivals by what they follow: many rulings on one fork don't sort it each
	for _, n := range inTime(f.notes(Ruling)) {
		pick := f.tree.by[n.right.Cites]
		switch {
		case pick == nil || !pick.placed:
			f.flag(FlagRulingUnknownClaim, n, "a ruling by %s names a claim that is not known", name(n.right.By))
			n.standing = Waiting
			continue
		case !pick.act.Statement.Kind.Claims():
			f.flag(FlagRulingNoClaim, n, "a ruling by %s names an act that claims nothing: %s", name(n.right.By), pick.right.Kind)
			continue
		case n.act.second() == nil:
			f.flag(FlagRulingOneSigner, n, "a ruling by %s for %s waits for a second person's signature", name(n.right.By), what(pick))
			n.standing = Waiting
			continue
		}
		rivals, known := forks[pick.claim]
		if !known {
			rivals = f.tree.rivals(pick)
			forks[pick.claim] = rivals
		}
		if len(rivals) < 2 {
			f.flag(FlagRulingNoDispute, n, "a ruling by %s names %s, which no other claim disputes", name(n.right.By), what(pick))
		}
		for _, signer := range []ledger.PersonID{n.right.By.Person, n.act.second().Person} {
			own := slices.IndexFunc(rivals, func(rival *node) bool { return rival.right.By.Person == signer })
			if own >= 0 { // one of each is enough to tell: many claims times many rulings would be too many flags to hold
				f.flag(FlagRulingByParty, n, "a ruling is signed by a person who made one of the claims: %s", what(rivals[own]))
			}
		}
		if before := out[pick.claim]; before != nil {
			before.by.standing = SetAside
			if before.pick != pick {
				f.flag(FlagRulingsDiffer, n, "two rulings differ: the newer one picks %s, the older one %s", what(pick), what(before.pick))
			}
		}
		out[pick.claim] = &ruling{by: n, pick: pick}
	}
	return out
}

// rivals returns the claims that follow the same claim, the given one among them.
func (t *tree) rivals(n *node) []*node {
	if n.claim == nil {
		return inTime(t.roots)
	}
	return inTime(n.claim.children)
}

// second returns the signature of a second person, one other than the actor, or nil.
func (a *Act) second() *ActSignature {
	for i := range a.Signatures {
		if s := &a.Signatures[i]; s.Role == RoleSecond && s.Person != a.Statement.By.Person {
			return s
		}
	}
	return nil
}
