package access

import (
	"bytes"
	"crypto/ed25519"
	"fmt"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
)

// Holding is how a person held a key when something signed with it was entered.
type Holding uint8

// The holdings. What was signed with a key that the person once held counts, for nobody can say when it was signed: a
// handoff made offline may come days after the phone was replaced. All but Current are flagged. The door takes nothing
// signed with a stolen key or by a person who has ended; one that slipped in beside the card that says so is flagged.
const (
	NotHeld Holding = 0 // never: a forgery
	Current Holding = 1
	Rotated Holding = 2 // replaced, and nothing was wrong with it
	Lost    Holding = 3
	Stolen  Holding = 4
	Ended   Holding = 5 // the person acts no more
)

// Flag returns the code and the text of the flag that an act signed so gets; empty for a current key.
func (h Holding) Flag() (code, text string) {
	switch h {
	case Rotated:
		return "key-rotated", "signed with a key that was replaced before the act was entered"
	case Lost:
		return "key-lost", "signed with a key that was reported lost before the act was entered"
	case Stolen:
		return "key-stolen", "signed with a key that was reported stolen before the act was entered"
	case Ended:
		return "person-ended", "signed by a person who had ended before the act was entered"
	}
	return "", ""
}

// HoldingOf tells how a person held a key as of the entries before index. cards are the person's, oldest first.
func HoldingOf(cards []Card, key ed25519.PublicKey, index int64) Holding {
	cards = before(cards, index)
	last := -1
	for i, c := range cards {
		if bytes.Equal(c.Key, key) {
			last = i
		}
	}
	if last < 0 {
		return NotHeld
	}
	if last+1 < len(cards) && cards[last+1].Why == entry.CardKeyStolen {
		return Stolen
	}
	if newest(cards).Why == entry.CardEnded {
		return Ended
	}
	if last+1 == len(cards) {
		return Current
	}
	if cards[last+1].Why == entry.CardKeyLost {
		return Lost
	}
	return Rotated
}

// Signer is somebody who signed an act.
type Signer struct {
	Signature *custody.ActSignature
	Card      Card // the newest before the act's entry
	Holding   Holding
}

// CheckSigners checks who signed the act that is entered at index: every signature is good and made with a key that its
// person held in a card entered before, the actor's is among them, and the actor is, or once was, of the organisation for
// which they state it. An error means a forgery. cards returns a person's cards, oldest first; those at or after index
// don't count. Once right, the answer stays right, whatever is entered later.
func CheckSigners(act *custody.Act, cards func(ledger.PersonID) []Card, index int64) ([]Signer, error) {
	known := map[ledger.PersonID][]Card{}
	of := func(id ledger.PersonID) []Card {
		if _, there := known[id]; !there {
			known[id] = before(cards(id), index)
		}
		return known[id]
	}
	err := act.CheckSignatures(func(id ledger.PersonID) ed25519.PublicKey {
		held := of(id)
		if len(held) == 0 {
			return nil
		}
		for i := range act.Signatures { // one person signs an act with one key
			if s := &act.Signatures[i]; s.Person == id && HoldingOf(held, s.Signature.Key, index) != NotHeld {
				return s.Signature.Key
			}
		}
		return newest(held).Key
	})
	if err != nil {
		return nil, err
	}
	st := &act.Statement
	if by := of(st.By.Person); !hadOrganisation(by, st.By.Organisation) {
		return nil, fmt.Errorf("act %s: person %s states it for %.60q, but is of %s", st.ID, st.By.Person, st.By.Organisation, newest(by).Organisation)
	}
	out := make([]Signer, len(act.Signatures))
	for i := range act.Signatures {
		s := &act.Signatures[i]
		held := of(s.Person)
		out[i] = Signer{Signature: s, Card: held[len(held)-1], Holding: HoldingOf(held, s.Signature.Key, index)}
	}
	return out, nil
}

// hadOrganisation tells whether one of the cards names the organisation. An empty one claims nothing.
func hadOrganisation(cards []Card, code string) bool {
	for _, c := range cards {
		if c.Organisation == code {
			return true
		}
	}
	return code == ""
}

// Admit tells whether the door takes an act from its signers: they act still, with keys that nobody stole, in roles that
// may. The error is CodeForbidden.
func Admit(act *custody.Act, signers []Signer) error {
	kind := act.Statement.Kind
	for _, s := range signers {
		role := s.Card.Role
		switch {
		case s.Holding == Stolen:
			return ledger.Errorf(ledger.CodeForbidden, "the key of person %s was reported stolen", s.Card.Person).WithHint("sign again with the new key")
		case s.Holding == Ended:
			return ledger.Errorf(ledger.CodeForbidden, "person %s acts no more", s.Card.Person)
		case kind == custody.Ruling && !MayRule(role):
			return ledger.Errorf(ledger.CodeForbidden, "a person of role %s can't rule on claims", role).
				WithHint("a ruling is signed by two people who are coordinator, center or admin")
		case s.Signature.Role == custody.RoleActor && !MayState(kind, role):
			return ledger.Errorf(ledger.CodeForbidden, "a person of role %s can't state %s", role, kind)
		case s.Signature.Role != custody.RoleActor && !MaySecond(role):
			return ledger.Errorf(ledger.CodeForbidden, "a person of role %s can't sign as %s", role, s.Signature.Role)
		}
	}
	return nil
}

// MayState says which roles may state an act of a kind. A handoff can go to anybody who carries or receives. Software
// never holds up an organ, so the table is wide where an emergency could make it so: an admin may state everything.
func MayState(kind custody.Kind, role entry.Role) bool {
	switch role {
	case entry.RoleAdmin:
		return true
	case entry.RoleCoordinator:
		return kind != custody.Receive && kind != custody.ArrivalCheck && kind != custody.Outcome
	case entry.RoleCourier:
		switch kind {
		case custody.Pack, custody.Release, custody.Accept, custody.Correction, custody.Move, custody.Waypoint, custody.AdverseEvent, custody.Preserve:
			return true
		}
		return false
	case entry.RoleCenter:
		return kind != custody.Open && kind != custody.StandDown && kind != custody.Pack
	}
	return false // auditors look, they do not act
}

// MaySecond tells whether somebody of the role may sign beside the actor.
func MaySecond(role entry.Role) bool { return role != entry.RoleAuditor && MayDeliver(role) }

// MayDeliver tells whether somebody may bring an act that others signed: whoever regains a link first delivers.
func MayDeliver(role entry.Role) bool { return May(role, AllScopes, DeliverActs) == nil }

// MayRule tells whether somebody of the role may be one of the two who pick the claim that stands.
func MayRule(role entry.Role) bool {
	return role == entry.RoleCoordinator || role == entry.RoleCenter || role == entry.RoleAdmin
}
