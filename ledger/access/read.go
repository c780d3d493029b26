package access

import (
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
)

// Reader is who wants to look at a case, by their current card.
type Reader struct {
	Person       ledger.PersonID
	Organisation string
	Role         entry.Role
}

// MayRead tells whether somebody may look at a case, and why not. Break-glass is beside it: it opens any case.
func MayRead(r Reader, state *custody.State) (ok bool, why string) {
	switch r.Role {
	case entry.RoleAuditor:
		return true, ""
	case entry.RoleAdmin:
		return false, "administrators manage people and boxes, they read no cases"
	case entry.RoleCourier:
		return r.isParty(state), "neither you nor your organisation held the box or was offered it"
	case entry.RoleCenter:
		return r.isDestination(state) || r.isParty(state), "the organ does not come to your organisation, which never held it either"
	case entry.RoleCoordinator:
		o := state.Opening
		opened := o != nil && (r.is(o.By) || r.isOf(o.From))
		return opened || r.isDestination(state) || r.isParty(state), "your organisation neither opened it, nor sends, gets or held the organ"
	}
	return false, "your role reads no cases"
}

func (r Reader) isOf(code string) bool { return code != "" && code == r.Organisation }

// is tells whether the party is the reader, or the reader's organisation or somebody of it.
func (r Reader) is(p custody.Party) bool {
	return !r.Person.IsZero() && p.Person == r.Person || r.isOf(p.Organisation)
}

func (r Reader) isParty(state *custody.State) bool {
	for _, p := range state.Parties() {
		if r.is(p) {
			return true
		}
	}
	return false
}

// isDestination tells whether the organ was meant for the reader's organisation, at first or after a redirection.
func (r Reader) isDestination(state *custody.State) bool {
	return state.Opening != nil && r.isOf(state.Opening.Dest) || r.isOf(state.Destination())
}
