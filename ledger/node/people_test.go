package node

import (
	"slices"
	"testing"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
	"isotherm/ledger/store"
)

// want checks that an error has a code; "" means none.
func want(t *testing.T, what string, err error, code ledger.Code) {
	t.Helper()
	if ledger.CodeOf(err) != code {
		t.Errorf("%s: got %v, want code %q", what, err, code)
	}
}

func TestNode_EnrolPerson(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	nurse := f.someone("Nurse", entry.RoleCenter)
	first, err := f.EnrolPerson(ctx, f.admin, nurse)
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.EnrolPerson(ctx, f.admin, nurse)
	if err != nil || again.Index != first.Index || again.Token == first.Token {
		t.Errorf("the same card again: got %+v, %v, want entry %d and another token", again, err, first.Index)
	}
	p, err := f.Authenticate(ctx, again.Token)
	if err != nil || p.Person != nurse.Person || p.Role != entry.RoleCenter || p.Organisation != "Nurse" || p.Credential != CredentialToken || p.Scopes != access.AllScopes {
		t.Errorf("token of enrolment: got %+v, %v", p, err)
	}
	_, err = f.Authenticate(ctx, first.Token)
	want(t, "the token before it", err, ledger.CodeUnauthenticated)
	other := f.someone("Other", entry.RoleCenter)
	other.Person = nurse.Person
	other.Sign(key("Admin"))
	_, err = f.EnrolPerson(ctx, f.admin, other)
	want(t, "another card for the same person", err, ledger.CodeConflict)
	twin := f.someone("Twin", entry.RoleCenter)
	twin.Key = nurse.Key
	twin.Sign(key("Admin"))
	_, err = f.EnrolPerson(ctx, f.admin, twin)
	want(t, "a key that somebody else has", err, ledger.CodeConflict)
	forged := f.someone("Forged", entry.RoleCenter)
	forged.Role = entry.RoleAdmin
	_, err = f.EnrolPerson(ctx, f.admin, forged)
	want(t, "a card changed after signing", err, ledger.CodeInvalid)
	_, err = f.EnrolPerson(ctx, as(nurse), f.someone("X", entry.RoleCourier))
	want(t, "by a nurse", err, ledger.CodeForbidden)
	_, err = f.EnrolPerson(ctx, f.admin, f.next(nurse, entry.CardName, func(c *entry.PersonCard) { c.Name = "N" }))
	want(t, "version 2", err, ledger.CodeInvalid)
	limited := f.admin
	limited.Scopes = access.ScopeRead
	_, err = f.EnrolPerson(ctx, limited, f.someone("X", entry.RoleCourier))
	want(t, "with a token that only reads", err, ledger.CodeForbidden)
}

func TestNode_ChangePerson(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	nurse := f.enrol("Nurse", entry.RoleCenter)
	info, err := f.CreateToken(ctx, as(nurse), TokenRequest{Label: "bridge", Scopes: access.ScopeRead, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	role := func(step string, want entry.Role) {
		t.Helper()
		p, err := f.Authenticate(ctx, info.Secret)
		if err != nil || p.Role != want {
			t.Errorf("%s: got role %s, %v, want %s", step, p.Role, err, want)
		}
	}
	role("before", entry.RoleCenter)
	second := f.change(nurse, entry.CardRole, func(c *entry.PersonCard) { c.Role = entry.RoleAuditor })
	role("after the role changed", entry.RoleAuditor)
	_, err = f.ChangePerson(ctx, f.admin, f.next(nurse, entry.CardName, func(c *entry.PersonCard) { c.Name = "N" }), false)
	want(t, "version 2 twice", err, ledger.CodeConflict)
	again, err := f.ChangePerson(ctx, f.admin, second, false)
	if p, _, _ := f.Person(nurse.Person); err != nil || p == nil || again.Index != p.Index || again.Token != "" {
		t.Errorf("the same version again: got %+v, %v", again, err)
	}
	lost := f.next(second, entry.CardKeyLost, func(c *entry.PersonCard) { c.Key = public(key("Nurse 2")) })
	given, err := f.ChangePerson(ctx, f.admin, lost, true)
	if err != nil || given.Token == "" {
		t.Fatalf("a lost key: got %+v, %v, want a token", given, err)
	}
	role("after the key was lost", entry.RoleAuditor)
	stolen := f.change(lost, entry.CardKeyStolen, func(c *entry.PersonCard) { c.Key = public(key("Nurse 3")) })
	for what, token := range map[string]string{"API token": info.Secret, "token of enrolment": given.Token} {
		_, err = f.Authenticate(ctx, token)
		want(t, what+" after the key was stolen", err, ledger.CodeUnauthenticated)
	}
	fresh, err := f.CreateToken(ctx, as(stolen), TokenRequest{Label: "bridge", Scopes: access.ScopeRead, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	f.change(stolen, entry.CardEnded, nil)
	_, err = f.Authenticate(ctx, fresh.Secret)
	want(t, "token after the end", err, ledger.CodeUnauthenticated)
	p, _, err := f.Person(nurse.Person)
	if err != nil || len(p.Cards) != 5 || !p.Ended() || p.Cards[0].Index >= p.Cards[4].Index || p.Index != p.Cards[4].Index {
		t.Errorf("got %+v, %v, want five cards, the last one the end", p, err)
	}
	var chain []entry.Kind
	err = f.replica.View(func(v *store.View) error {
		for _, index := range v.Chain(entry.Person(nurse.Person)) {
			leaf, err := leafAt(v, index)
			if err != nil {
				return err
			}
			chain = append(chain, leaf.Kind)
		}
		return nil
	})
	slices.Reverse(chain)
	if err != nil || len(chain) != 5 || chain[0] != entry.KindPersonEnrolled || slices.Contains(chain[1:], entry.KindPersonEnrolled) {
		t.Errorf("the person's chain: got %v, %v, want five cards and nothing else", chain, err)
	}
}

// TestNode_SubmitAct_keys is the key rule at the door: what a person once held counts, but for what was stolen.
func TestNode_SubmitAct_keys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	coordinator := f.enrol("Coordinator", entry.RoleCoordinator)
	rekeyed := func(name string, why entry.CardReason) *entry.PersonCard {
		c := f.enrol(name, entry.RoleCoordinator)
		f.change(c, why, func(c *entry.PersonCard) {
			if why == entry.CardRole {
				c.Role = entry.RoleCourier
			} else if why != entry.CardEnded {
				c.Key = public(key(name + " 2"))
			}
		})
		return c
	}
	auditor := as(f.enrol("Auditor", entry.RoleAuditor))
	for _, tt := range []struct {
		name string
		by   *entry.PersonCard
		want ledger.Code
	}{
		{"current key", coordinator, ""},
		{"rotated key", rekeyed("Rotated", entry.CardKeyRotated), ""},
		{"lost key", rekeyed("Lost", entry.CardKeyLost), ""},
		{"stolen key", rekeyed("Stolen", entry.CardKeyStolen), ledger.CodeForbidden},
		{"ended", rekeyed("Ended", entry.CardEnded), ledger.CodeForbidden},
		{"role that may no more", rekeyed("Demoted", entry.CardRole), ledger.CodeForbidden},
	} {
		st := custody.Statement{Kind: custody.Open, Shipment: ledger.NewShipmentID(), Organ: custody.Liver, Dest: "Center"}
		_, err := f.SubmitAct(t.Context(), as(coordinator), f.sign(st, tt.by, nil).Marshal())
		want(t, tt.name, err, tt.want)
		if tt.want != "" {
			continue
		}
		seen, _, err := f.Shipment(t.Context(), auditor, st.Shipment)
		if err != nil || (len(seen.Notes) == 1) != (tt.by != coordinator) {
			t.Errorf("%s: notes %+v, %v", tt.name, seen.Notes, err)
		}
	}
	for _, tt := range []struct {
		name string
		edit func(*custody.Statement)
	}{
		{"a patient in the place", func(s *custody.Statement) { s.Place = "patient room 4" }},
		{"a birth date in the seal", func(s *custody.Statement) { s.Seal = "12.03.1961" }},
		{"a name in the reference", func(s *custody.Statement) { s.Reference = "Jane Doe" }},
		{"a word as a phone number", func(s *custody.Statement) { s.DestPhone = "ask Mia" }},
		{"an e-mail address at a leg's end", func(s *custody.Statement) { s.Legs = []custody.Leg{{From: "A", To: "mia@example.org"}} }},
	} {
		st := custody.Statement{Kind: custody.Open, Shipment: ledger.NewShipmentID(), Organ: custody.Liver, Dest: "Center"}
		tt.edit(&st)
		_, err := f.SubmitAct(t.Context(), as(coordinator), f.sign(st, coordinator, nil).Marshal())
		want(t, tt.name, err, ledger.CodeInvalid)
	}
}

// TestNode_SubmitAct_secondSignature enters one statement with a signature each from two phones.
func TestNode_SubmitAct_secondSignature(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	a, b, courier := f.enrol("A", entry.RoleCoordinator), f.enrol("B", entry.RoleCenter), f.enrol("Courier", entry.RoleCourier)
	id := ledger.NewShipmentID()
	open := f.sign(custody.Statement{Kind: custody.Open, Shipment: id, Organ: custody.Liver, Dest: "Center"}, a, nil)
	f.submit(open)
	close1 := f.sign(custody.Statement{Kind: custody.Close, Shipment: id}, a, open)
	close2 := f.sign(custody.Statement{Kind: custody.StandDown, Shipment: id}, a, open)
	f.submit(close1)
	f.submit(close2)
	ruling := f.sign(custody.Statement{Kind: custody.Ruling, Shipment: id, Cites: close2.Hash(), Reason: custody.ByWitness}, a, open)
	first := f.submit(ruling)
	if first.Standing != custody.Waiting || first.Duplicate {
		t.Errorf("a ruling by one: got %s, want that it waits", first.Standing)
	}
	both := *ruling
	both.Signatures = slices.Clone(ruling.Signatures)
	both.Sign(key("B"), b.Person, custody.RoleSecond, 2, nil)
	second := f.submit(&both)
	if second.Duplicate || second.Index == first.Index || second.Standing != custody.Applied || second.State.Phase != custody.PhaseStoodDown {
		t.Errorf("with the second signature: got %+v, phase %s, want another entry, applied, stood down", second, second.State.Phase)
	}
	for _, again := range []*custody.Act{ruling, &both} {
		if got := f.submit(again); !got.Duplicate || got.Index != first.Index {
			t.Errorf("a repeat: got entry %d, duplicate %v, want a duplicate of %d", got.Index, got.Duplicate, first.Index)
		}
	}
	wrong := *ruling
	wrong.Signatures = slices.Clone(ruling.Signatures)
	wrong.Sign(key("Courier"), courier.Person, custody.RoleSecond, 2, nil)
	_, err := f.SubmitAct(t.Context(), as(a), wrong.Marshal())
	want(t, "a courier as the second of a ruling", err, ledger.CodeForbidden)
}

func TestNode_PutOrganisation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	card := func(version uint32, phone string) *entry.OrganisationCard {
		c := &entry.OrganisationCard{Ledger: testOrigin, Code: "CTC1", Version: version, Name: "City Transplant Center", Kind: entry.OrganisationCenter, Phone: phone, By: f.admin.Person}
		c.Sign(key("Admin"))
		return c
	}
	first, err := f.PutOrganisation(ctx, f.admin, card(1, "+1 555 0100"))
	want(t, "first", err, "")
	again, err := f.PutOrganisation(ctx, f.admin, card(1, "+1 555 0100"))
	if err != nil || again != first {
		t.Errorf("the same again: got entry %d, %v, want %d", again, err, first)
	}
	_, err = f.PutOrganisation(ctx, f.admin, card(1, "+1 555 0199"))
	want(t, "version 1 twice", err, ledger.CodeConflict)
	_, err = f.PutOrganisation(ctx, f.admin, card(3, "+1 555 0199"))
	want(t, "a version left out", err, ledger.CodeConflict)
	_, err = f.PutOrganisation(ctx, f.admin, card(2, "ask Mia"))
	want(t, "no number", err, ledger.CodeInvalid)
	_, err = f.PutOrganisation(ctx, as(f.enrol("Nurse", entry.RoleCenter)), card(2, "+1 555 0199"))
	want(t, "by a nurse", err, ledger.CodeForbidden)
	_, err = f.PutOrganisation(ctx, f.admin, card(2, "+1 555 0199"))
	want(t, "second", err, "")
	list, _, err := f.Organisations()
	if err != nil || len(list) != 1 || list[0].Version != 2 || list[0].Phone != "+1 555 0199" {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestNode_PublishProfile(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	coordinator, courier := f.enrol("OPO", entry.RoleCoordinator), f.enrol("Air", entry.RoleCourier)
	publish := func(by *entry.PersonCard, edit func(*profile.Profile)) (int64, error) {
		p := *profile.Defaults()[0]
		p.Program = by.Organisation
		if edit != nil {
			edit(&p)
		}
		out := &entry.ProfilePublished{Ledger: testOrigin, Profile: p.Marshal(), By: by.Person}
		out.Sign(key(by.Name))
		return f.PublishProfile(ctx, as(by), out)
	}
	first, err := publish(coordinator, nil)
	want(t, "first", err, "")
	again, err := publish(coordinator, nil)
	if err != nil || again != first {
		t.Errorf("the same again: got entry %d, %v, want %d", again, err, first)
	}
	_, err = publish(coordinator, func(p *profile.Profile) { p.ColdLimitMS++ })
	want(t, "another one of the same version", err, ledger.CodeConflict)
	_, err = publish(coordinator, func(p *profile.Profile) { p.ColdLimitMS++; p.Version++ })
	want(t, "the next version", err, "")
	_, err = publish(coordinator, func(p *profile.Profile) { p.Program = "CTC1" })
	want(t, "another program's", err, ledger.CodeForbidden)
	_, err = publish(courier, nil)
	want(t, "by a courier", err, ledger.CodeForbidden)
	_, err = publish(coordinator, func(p *profile.Profile) { p.LowMC = p.HighMC + 1; p.Version = 9 })
	want(t, "one that can't be judged by", err, ledger.CodeInvalid)
	list, _, err := f.Profiles()
	if err != nil || len(list) != 2 {
		t.Errorf("got %d profiles, %v, want 2", len(list), err)
	}
}

func TestNode_issuers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	second := f.enrol("Second", entry.RoleAdmin)
	nurse := f.someone("Nurse", entry.RoleCenter)
	nurse.By = second.Person
	nurse.Sign(key("Second"))
	if _, err := f.EnrolPerson(t.Context(), f.admin, nurse); err != nil {
		t.Fatal(err)
	}
	var got []ledger.PersonID
	err := f.replica.View(func(v *store.View) (err error) {
		got, err = f.issuers(v, []ledger.PersonID{nurse.Person})
		return err
	})
	if want := []ledger.PersonID{nurse.Person, second.Person, f.admin.Person}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// TestNode_Bootstrap_race lets two nodes begin the same ledger: what one enters just before the other is as good as its
// own. Another administrator is not.
func TestNode_Bootstrap_race(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	second := f.someone("Second", entry.RoleAdmin)
	second.By = ledger.PersonID{}
	second.Sign(key("operator"))
	token := NewPersonToken(second.Person)
	begin := Bootstrap{Genesis: f.genesis, Admin: second, TokenHash: TokenHash(token), TokenExpiry: time.Now().Add(time.Hour)}
	f.replica.before = func(*command.Command) {
		if err := f.Bootstrap(t.Context(), begin); err != nil {
			t.Errorf("the first: %v", err)
		}
	}
	want(t, "the second", f.Bootstrap(t.Context(), begin), "")
	f.by(token)
	third := f.someone("Third", entry.RoleCenter)
	other := f.next(third, entry.CardEnrolled, func(c *entry.PersonCard) { c.Version, c.Name = 1, "Another" })
	f.replica.before = func(*command.Command) {
		if _, err := f.EnrolPerson(t.Context(), f.admin, third); err != nil {
			t.Errorf("the first: %v", err)
		}
	}
	_, err := f.EnrolPerson(t.Context(), f.admin, other)
	want(t, "another card at the same time", err, ledger.CodeConflict)
	fourth := f.someone("Fourth", entry.RoleCenter)
	f.replica.before = func(*command.Command) {
		if _, err := f.EnrolPerson(t.Context(), f.admin, fourth); err != nil {
			t.Errorf("the first: %v", err)
		}
	}
	given, err := f.EnrolPerson(t.Context(), f.admin, fourth)
	if err != nil {
		t.Fatal(err)
	}
	f.by(given.Token)
}
