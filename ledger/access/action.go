package access

import (
	"fmt"
	"slices"
	"strings"

	"isotherm/ledger"
	"isotherm/ledger/entry"
)

// Scope is a set of what an API token may be used for. A session has all of it; what a person may do is bounded by their
// role in either case. Bits are append only: they stand in entries.
type Scope uint32

// The scopes.
const (
	ScopeRead    Scope = 1 << 0 // look at cases, boxes, people, profiles, alarms and the feed
	ScopeAct     Scope = 1 << 1 // deliver signed acts, acknowledge alarms, share a case, note consent, break glass
	ScopeExport  Scope = 1 << 2 // export cases
	ScopeDonor   Scope = 1 << 3 // keep, find and reveal donor IDs
	ScopeAccount Scope = 1 << 4 // the person's own tokens
	ScopeAdmin   Scope = 1 << 5 // people, organisations, boxes, profiles, contacts, certificates, nodes
	ScopeAudit   Scope = 1 << 6 // the audit trail

	AllScopes = ScopeRead | ScopeAct | ScopeExport | ScopeDonor | ScopeAccount | ScopeAdmin | ScopeAudit
)

var scopeNames = []string{"read", "act", "export", "donor", "account", "admin", "audit"} // by bit

// Has tells whether all of the scopes are in the set.
func (s Scope) Has(all Scope) bool { return s&all == all }

// Names returns the names of the scopes in the set.
func (s Scope) Names() []string {
	var out []string
	for i, name := range scopeNames {
		if s&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

func (s Scope) String() string { return strings.Join(s.Names(), " ") }

// ParseScopes reads names of scopes.
func ParseScopes(names []string) (Scope, error) {
	var out Scope
	for _, name := range names {
		i := slices.Index(scopeNames, name)
		if i < 0 {
			return 0, fmt.Errorf("scope %q is not known: use %s", name, strings.Join(scopeNames, ", "))
		}
		out |= 1 << i
	}
	return out, nil
}

// Action is something that people ask of a node.
type Action uint8

// The actions. The table below says which roles may, and which scope a token needs.
const (
	ReadCases Action = iota + 1
	DeliverActs
	ExportCases
	AcknowledgeAlarms
	CommitDonor
	KeepDonor
	FindDonor
	RevealDonor
	BreakTheGlass
	ShareCases
	GiveConsent
	ReadDirectory
	ManagePeople
	ManageOrganisations
	EnrolBoxes
	PublishProfiles
	RecallCertificates
	ManageContacts
	ReadTrail
	OwnAccount
	ManageAccounts
	WatchNodes
	lastAction = WatchNodes
)

// permission is a row of the table.
type permission struct {
	name  string
	scope Scope
	roles []entry.Role
}

func (a Action) permission() permission {
	const (
		admin       = entry.RoleAdmin
		coordinator = entry.RoleCoordinator
		courier     = entry.RoleCourier
		center      = entry.RoleCenter
		auditor     = entry.RoleAuditor
	)
	all := []entry.Role{admin, coordinator, courier, center, auditor}
	acting := []entry.Role{admin, coordinator, courier, center}
	staff := []entry.Role{coordinator, center} // of the two ends of a trip
	switch a {
	case ReadCases: // which cases: MayRead
		return permission{"read cases", ScopeRead, all}
	case DeliverActs: // which acts: Admit
		return permission{"deliver acts", ScopeAct, acting}
	case ExportCases:
		return permission{"export cases", ScopeExport, []entry.Role{admin, coordinator, center, auditor}}
	case AcknowledgeAlarms:
		return permission{"acknowledge alarms", ScopeAct, acting}
	case CommitDonor:
		return permission{"commit to a donor ID", ScopeDonor, []entry.Role{admin, coordinator, center}}
	case KeepDonor:
		return permission{"keep a donor ID", ScopeDonor, []entry.Role{admin, coordinator, center}}
	case FindDonor: // everyone on the phone speaks it; what is found says only whether there is a case, and its ID
		return permission{"find a case by donor ID", ScopeDonor, []entry.Role{coordinator, courier, center, auditor}}
	case RevealDonor:
		return permission{"reveal a donor ID", ScopeDonor, []entry.Role{coordinator, center, auditor}}
	case BreakTheGlass:
		return permission{"break the glass", ScopeAct, acting}
	case ShareCases:
		return permission{"share cases", ScopeAct, staff}
	case GiveConsent: // their own, or a case's that they may read
		return permission{"note consent", ScopeAct, all}
	case ReadDirectory:
		return permission{"read people, organisations, boxes and profiles", ScopeRead, all}
	case ManagePeople:
		return permission{"manage people", ScopeAdmin, []entry.Role{admin}}
	case ManageOrganisations:
		return permission{"manage organisations", ScopeAdmin, []entry.Role{admin}}
	case EnrolBoxes:
		return permission{"enrol boxes", ScopeAdmin, []entry.Role{admin}}
	case PublishProfiles: // of their own organisation
		return permission{"publish profiles", ScopeAdmin, []entry.Role{admin, coordinator, center}}
	case RecallCertificates:
		return permission{"recall certificates", ScopeAdmin, []entry.Role{admin, coordinator}}
	case ManageContacts: // of their own organisation, an admin of all
		return permission{"manage contacts", ScopeAdmin, []entry.Role{admin, coordinator, center}}
	case ReadTrail:
		return permission{"read the audit trail", ScopeAudit, []entry.Role{auditor}}
	case OwnAccount:
		return permission{"manage their own account", ScopeAccount, all}
	case ManageAccounts:
		return permission{"manage accounts", ScopeAdmin, []entry.Role{admin}}
	case WatchNodes: // roots and certificates of the nodes: nothing of any case
		return permission{"watch the nodes", ScopeAdmin, []entry.Role{admin}}
	}
	return permission{name: fmt.Sprintf("unknown(%d)", uint8(a))}
}

func (a Action) String() string { return a.permission().name }

// Roles returns the roles that may.
func (a Action) Roles() []entry.Role { return a.permission().roles }

// Scope returns the scope that a token needs.
func (a Action) Scope() Scope { return a.permission().scope }

// Actions returns all actions.
func Actions() []Action {
	var out []Action
	for a := Action(1); a <= lastAction; a++ {
		out = append(out, a)
	}
	return out
}

// May tells whether somebody of the role, with the scopes of their token, may. The error is CodeForbidden.
func May(role entry.Role, scopes Scope, a Action) error {
	p := a.permission()
	if !slices.Contains(p.roles, role) {
		return ledger.Errorf(ledger.CodeForbidden, "a person of role %s can't %s", role, p.name)
	}
	if !scopes.Has(p.scope) {
		return ledger.Errorf(ledger.CodeForbidden, "this token can't %s", p.name).WithHint("it takes a token with scope " + p.scope.String())
	}
	return nil
}
