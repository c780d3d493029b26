package access_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
)

var roles = []entry.Role{entry.RoleAdmin, entry.RoleCoordinator, entry.RoleCourier, entry.RoleCenter, entry.RoleAuditor}

// letters writes which roles may: 'a' admin, 'o' coordinator, 'c' courier, 't' center, 'u' auditor.
func letters(may func(entry.Role) bool) string {
	out := ""
	for i, r := range roles {
		if may(r) {
			out += string("aoctu"[i])
		}
	}
	return out
}

// TestMayState is the table of roles by kind of act: a change of policy must change it.
func TestMayState(t *testing.T) {
	want := map[custody.Kind]string{
		custody.Open: "ao", custody.StandDown: "ao", custody.Pack: "aoc", custody.Release: "aoct", custody.Accept: "aoct", custody.Receive: "at",
		custody.ArrivalCheck: "at", custody.Outcome: "at", custody.Close: "aot", custody.Correction: "aoct", custody.Move: "aoct", custody.Ruling: "aot",
		custody.Waypoint: "aoct", custody.AdverseEvent: "aoct", custody.Preserve: "aoct", custody.OpenBox: "aot",
	}
	for kind := custody.Open; kind <= custody.OpenBox; kind++ {
		if got := letters(func(r entry.Role) bool { return access.MayState(kind, r) }); got != want[kind] {
			t.Errorf("%s: got %q, want %q", kind, got, want[kind])
		}
		if access.MayState(kind, 0) || access.MayState(kind, 6) {
			t.Errorf("%s: somebody without a role may state it", kind)
		}
	}
	for what, tt := range map[string]struct {
		may  func(entry.Role) bool
		want string
	}{"second": {access.MaySecond, "aoct"}, "deliver": {access.MayDeliver, "aoct"}, "rule": {access.MayRule, "aot"}} {
		if got := letters(tt.may); got != tt.want {
			t.Errorf("%s: got %q, want %q", what, got, tt.want)
		}
	}
}

// TestMay is the table of roles and scopes by action.
func TestMay(t *testing.T) {
	want := map[access.Action]string{
		access.ReadCases: "aoctu read", access.DeliverActs: "aoct act", access.ExportCases: "aotu export", access.AcknowledgeAlarms: "aoct act",
		access.CommitDonor: "aot donor", access.KeepDonor: "aot donor", access.FindDonor: "octu donor", access.RevealDonor: "otu donor",
		access.BreakTheGlass: "aoct act", access.ShareCases: "ot act", access.GiveConsent: "aoctu act", access.ReadDirectory: "aoctu read",
		access.ManagePeople: "a admin", access.ManageOrganisations: "a admin", access.EnrolBoxes: "a admin", access.PublishProfiles: "aot admin",
		access.RecallCertificates: "ao admin", access.ManageContacts: "aot admin", access.ReadTrail: "u audit", access.OwnAccount: "aoctu account",
		access.ManageAccounts: "a admin", access.WatchNodes: "a admin",
	}
	if len(access.Actions()) != len(want) {
		t.Errorf("got %d actions, want %d", len(access.Actions()), len(want))
	}
	for _, a := range access.Actions() {
		got := letters(func(r entry.Role) bool { return access.May(r, access.AllScopes, a) == nil }) + " " + a.Scope().String()
		if got != want[a] {
			t.Errorf("%s: got %q, want %q", a, got, want[a])
		}
		if strings.HasPrefix(a.String(), "unknown") {
			t.Errorf("action %d has no name", a)
		}
		for _, r := range a.Roles() {
			err := access.May(r, access.AllScopes&^a.Scope(), a)
			if ledger.CodeOf(err) != ledger.CodeForbidden || !strings.Contains(err.Error(), a.Scope().String()) {
				t.Errorf("%s without its scope: got %v, want it to name the scope", a, err)
			}
		}
	}
	if err := access.May(entry.RoleAdmin, access.AllScopes, 0); err == nil {
		t.Error("action 0 is allowed")
	}
}

func TestScope(t *testing.T) {
	for s := access.Scope(0); s <= access.AllScopes; s++ {
		back, err := access.ParseScopes(s.Names())
		if err != nil || back != s {
			t.Fatalf("%s: got %s, %v", s, back, err)
		}
	}
	if len(access.AllScopes.Names()) != 7 {
		t.Errorf("got %d names of scopes, want 7", len(access.AllScopes.Names()))
	}
	if _, err := access.ParseScopes([]string{"read", "root"}); err == nil {
		t.Error("scope root was taken")
	}
	if access.ScopeRead.Has(access.ScopeRead | access.ScopeAct) {
		t.Error("read has act")
	}
}

func TestCheckPassword(t *testing.T) {
	for _, tt := range []struct {
		name, login, password string
		want                  bool
	}{
		{"twelve characters", "mia", "plum harbour", true},
		{"eleven", "mia", "plumharbour", false},
		{"twelve that take more bytes", "mia", "übergrößerÄÖ", true},
		{"no composition demanded", "mia", "aaaaaaaaaaab", true},
		{"one character many times", "mia", "aaaaaaaaaaaa", false},
		{"holds the login", "mia.k", "good MIA.K morning", false},
		{"256 bytes", "mia", strings.Repeat("ab", 128), true},
		{"257 bytes", "mia", strings.Repeat("ab", 128) + "c", false},
		{"no UTF-8", "mia", "plum harbour\xff", false},
		{"empty", "mia", "", false},
	} {
		if err := access.CheckPassword(tt.login, tt.password); (err == nil) != tt.want {
			t.Errorf("%s: got %v, want taken %v", tt.name, err, tt.want)
		}
	}
}

func TestNormalLogin(t *testing.T) {
	for login, want := range map[string]string{" Mia.K ": "mia.k", "a": "a", "m@ctc.org": "m@ctc.org", strings.Repeat("x", 64): strings.Repeat("x", 64),
		"": "", "  ": "", "mía": "", "a b": "", strings.Repeat("x", 65): ""} {
		got, ok := access.NormalLogin(login)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: got %q, %v, want %q", login, got, ok, want)
		}
	}
}

func TestMayRead(t *testing.T) {
	party := func(name, organisation string) custody.Party {
		return custody.Party{Person: id(name), Organisation: organisation}
	}
	item := func(standing custody.Standing, s custody.Statement) custody.HistoryItem {
		return custody.HistoryItem{Standing: standing, Right: &s}
	}
	opened := custody.Statement{Kind: custody.Open, By: party("coordinator", "OPO"), From: "Hospital", Dest: "CTC1"}
	base := func(items ...custody.HistoryItem) *custody.State {
		return &custody.State{Opening: &opened, History: append([]custody.HistoryItem{item(custody.Applied, opened)}, items...)}
	}
	release := custody.Statement{Kind: custody.Release, By: party("driver", "North Air"), To: party("pilot", "Sky")}
	pack := custody.Statement{Kind: custody.Pack, By: party("driver", "North Air")}
	redirected := base()
	redirected.Redirect = &custody.Statement{Kind: custody.Outcome, Dest: "CTC2"}
	for _, tt := range []struct {
		name   string
		reader access.Reader
		state  *custody.State
		want   bool
	}{
		{"auditor", access.Reader{Role: entry.RoleAuditor}, base(), true},
		{"admin", access.Reader{Person: id("admin"), Organisation: "OPO", Role: entry.RoleAdmin}, base(), false},
		{"no role", access.Reader{Person: id("coordinator"), Organisation: "OPO"}, base(), false},
		{"coordinator who opened", access.Reader{Person: id("coordinator"), Role: entry.RoleCoordinator}, base(), true},
		{"coordinator of who opened", access.Reader{Person: id("x"), Organisation: "OPO", Role: entry.RoleCoordinator}, base(), true},
		{"coordinator of the origin", access.Reader{Person: id("x"), Organisation: "Hospital", Role: entry.RoleCoordinator}, base(), true},
		{"coordinator of the destination", access.Reader{Person: id("x"), Organisation: "CTC1", Role: entry.RoleCoordinator}, base(), true},
		{"coordinator of another", access.Reader{Person: id("x"), Organisation: "OPO2", Role: entry.RoleCoordinator}, base(), false},
		{"coordinator without organisation", access.Reader{Person: id("x"), Role: entry.RoleCoordinator}, base(), false},
		{"center of the destination", access.Reader{Person: id("x"), Organisation: "CTC1", Role: entry.RoleCenter}, base(), true},
		{"center of the origin", access.Reader{Person: id("x"), Organisation: "Hospital", Role: entry.RoleCenter}, base(), false},
		{"center of another", access.Reader{Person: id("x"), Organisation: "CTC2", Role: entry.RoleCenter}, base(), false},
		{"center it was redirected to", access.Reader{Person: id("x"), Organisation: "CTC2", Role: entry.RoleCenter}, redirected, true},
		{"center it was redirected from", access.Reader{Person: id("x"), Organisation: "CTC1", Role: entry.RoleCenter}, redirected, true},
		{"courier before packing", access.Reader{Person: id("driver"), Organisation: "North Air", Role: entry.RoleCourier}, base(), false},
		{"courier who packed", access.Reader{Person: id("driver"), Role: entry.RoleCourier}, base(item(custody.Applied, pack)), true},
		{"courier of who packed", access.Reader{Person: id("x"), Organisation: "North Air", Role: entry.RoleCourier}, base(item(custody.Applied, pack)), true},
		{"courier who was offered it", access.Reader{Person: id("pilot"), Role: entry.RoleCourier}, base(item(custody.Applied, release)), true},
		{"courier of who was offered it", access.Reader{Person: id("x"), Organisation: "Sky", Role: entry.RoleCourier}, base(item(custody.Applied, release)), true},
		{"courier whose claim is not ruled on", access.Reader{Person: id("driver"), Role: entry.RoleCourier}, base(item(custody.Conflicting, pack)), true},
		{"courier whose act hangs in the air", access.Reader{Person: id("driver"), Role: entry.RoleCourier}, base(item(custody.Waiting, pack)), false},
		{"courier of another", access.Reader{Person: id("x"), Organisation: "East Air", Role: entry.RoleCourier}, base(item(custody.Applied, pack), item(custody.Applied, release)), false},
		{"nothing known", access.Reader{Person: id("x"), Organisation: "CTC1", Role: entry.RoleCenter}, &custody.State{}, false},
	} {
		got, why := access.MayRead(tt.reader, tt.state)
		if got != tt.want || !got && why == "" {
			t.Errorf("%s: got %v, %q, want %v", tt.name, got, why, tt.want)
		}
	}
	if d := cmp.Diff([]custody.Party{party("driver", "North Air")}, base(item(custody.Applied, pack)).Parties()); d != "" {
		t.Errorf("the tests rest on Parties: %s", d)
	}
}
