package node

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/record"
)

// sharing is a case that went from the donor's side to a courier, and who may share it.
type sharing struct {
	*fixture
	id                  ledger.ShipmentID
	opo, courier, other *entry.PersonCard
}

func newSharing(t *testing.T) *sharing {
	f := &sharing{fixture: newFixture(t), id: ledger.NewShipmentID()}
	f.opo, f.courier, f.other = f.enrol("Donor Hospital OPO", entry.RoleCoordinator), f.enrol("Courier", entry.RoleCourier), f.enrol("Other", entry.RoleCoordinator)
	team := f.enrol("County Recovery", entry.RoleCoordinator)
	b := newBox(t, "box", 1, 20)
	f.enrolBox(b)
	donor, err := f.donorCommitment(testDonor)
	if err != nil {
		t.Fatal(err)
	}
	open := f.sign(custody.Statement{Kind: custody.Open, Shipment: f.id, Organ: custody.Liver, From: "County Hospital", Dest: "Center", Donor: donor,
		FromPhone: "+1 555 0111", DestPhone: "+1 555 0199", EventTimeMS: 1000}, f.opo, nil)
	pack := f.sign(custody.Statement{Kind: custody.Pack, Shipment: f.id, Organ: custody.Liver, Box: b.id, Head: b.head(t, 2), Profile: testProfile(t),
		ABO: custody.ABOA1B, Place: "Operating Room 3", EventTimeMS: 2000}, team, open)
	offer := f.sign(custody.Statement{Kind: custody.Release, Shipment: f.id, To: custody.Party{Person: f.opo.Person, Organisation: f.opo.Organisation}, Head: b.head(t, 3), EventTimeMS: 3000}, team, pack)
	handed := f.sign(custody.Statement{Kind: custody.Accept, Shipment: f.id, Head: b.head(t, 4), EventTimeMS: 4000}, f.opo, offer)
	release := f.sign(custody.Statement{Kind: custody.Release, Shipment: f.id, To: custody.Party{Person: f.courier.Person, Organisation: "Courier"}, Head: b.head(t, 5), EventTimeMS: 5000}, f.opo, handed)
	accept := f.sign(custody.Statement{Kind: custody.Accept, Shipment: f.id, Head: b.head(t, 5), EventTimeMS: 6000}, f.courier, release)
	for _, a := range []*custody.Act{open, pack, offer, handed, release, accept} {
		f.submit(a)
	}
	if _, err := f.Sync(t.Context(), b.id, b.batch(t, 0, 21), nil); err != nil {
		t.Fatal(err)
	}
	return f
}

// uses counts the entries that a link was used.
func (f *sharing) uses(link string) (n int) {
	for _, payload := range f.chain(entry.Case(f.id), entry.KindShare) {
		if e, err := entry.ParseShareEvent(payload); err == nil && e.Step == entry.ShareUsed && e.ID == link {
			n++
		}
	}
	return n
}

func TestNode_Shared(t *testing.T) {
	t.Parallel()
	f := newSharing(t)
	f.clock() // stands still: all within one hour
	ctx := t.Context()
	made, err := f.CreateShare(ctx, as(f.opo), f.id, MaxShareLife, "ward 4")
	if err != nil {
		t.Fatal(err)
	}
	p := f.by(made.Token)
	if p.Share == nil || p.Share.Shipment != f.id || !p.Person.IsZero() || p.Role != 0 || p.Organisation != "" {
		t.Errorf("principal of a link: got %+v", p)
	}
	view, _, err := f.Shared(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	if view.Shipment != f.id || view.Organ != custody.Liver || view.Dest != "Center" || view.DestPhone != "+1 555 0199" || view.Label != "ward 4" || view.Last == nil ||
		len(view.Holders) != 2 || view.Holders[0].Organisation != donorSide || view.Holders[1].Organisation != "Courier" || view.BandHighMC == 0 {
		t.Errorf("got %+v", view)
	}
	text, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"County", "Donor Hospital", "0111", "A1B", "Operating", f.opo.Person.String(), f.courier.Person.String(), testDonor} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the view of a link shows %q: %s", secret, text)
		}
	}
	for range 3 {
		if _, _, err := f.Shared(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.uses(made.ID); got != 1 {
		t.Errorf("got %d entries of its use within the hour, want 1", got)
	}
}

func TestNode_CreateShare(t *testing.T) {
	t.Parallel()
	f := newSharing(t)
	ctx, clock := t.Context(), f.clock()
	_, err := f.CreateShare(ctx, as(f.other), f.id, time.Hour, "ward 4")
	want(t, "by somebody who can't read it", err, ledger.CodeForbidden)
	_, err = f.CreateShare(ctx, as(f.courier), f.id, time.Hour, "ward 4")
	want(t, "by a courier", err, ledger.CodeForbidden)
	_, err = f.CreateShare(ctx, as(f.opo), f.id, MaxShareLife+1, "ward 4")
	want(t, "for too long", err, ledger.CodeInvalid)
	_, err = f.CreateShare(ctx, as(f.opo), f.id, time.Hour, "Jane Doe")
	want(t, "with a name as label", err, ledger.CodeInvalid)
	made, err := f.CreateShare(ctx, as(f.opo), f.id, MaxShareLife, "ward 4")
	if err != nil {
		t.Fatal(err)
	}
	if list, _, err := f.Shares(ctx, as(f.opo), f.id); err != nil || len(list) != 1 || list[0].ID != made.ID || list[0].Token != "" {
		t.Errorf("links: got %+v, %v", list, err)
	}
	want(t, "revoked by another", f.RevokeShare(ctx, as(f.other), f.id, made.ID), ledger.CodeForbidden)
	want(t, "revoked", f.RevokeShare(ctx, as(f.opo), f.id, made.ID), "")
	_, err = f.Authenticate(ctx, made.Token)
	want(t, "after it", err, ledger.CodeUnauthenticated)
	want(t, "revoked twice", f.RevokeShare(ctx, as(f.opo), f.id, made.ID), ledger.CodeNotFound)

	short, err := f.CreateShare(ctx, as(f.opo), f.id, time.Hour, "ward 4")
	if err != nil {
		t.Fatal(err)
	}
	left, err := f.CreateShare(ctx, as(f.opo), f.id, 2*time.Hour, "ward 4")
	if err != nil {
		t.Fatal(err)
	}
	clock.add(time.Hour)
	_, err = f.Authenticate(ctx, short.Token)
	want(t, "after its end", err, ledger.CodeUnauthenticated)
	f.by(left.Token)
	f.change(f.opo, entry.CardEnded, nil)
	_, err = f.Authenticate(ctx, left.Token)
	want(t, "when who shared it acts no more", err, ledger.CodeUnauthenticated)
}

// TestPrincipal_share proves that a link opens nothing but its own view.
func TestPrincipal_share(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	opo := f.enrol("OPO", entry.RoleCoordinator)
	id, open := f.opened(opo, testDonor)
	p := Principal{Credential: CredentialShare, Share: &ShareGrant{Shipment: id}, Scopes: access.AllScopes}
	for _, a := range access.Actions() {
		want(t, a.String(), f.allow(p, a), ledger.CodeForbidden)
	}
	ctx := t.Context()
	calls := map[string]func() error{
		"Shipment":     func() error { _, _, err := f.Shipment(ctx, p, id); return err },
		"Shipments":    func() error { _, _, err := f.Shipments(ctx, p); return err },
		"Readings":     func() error { _, _, err := f.Readings(ctx, p, id, 0, 1); return err },
		"Series":       func() error { _, _, err := f.Series(ctx, p, id, SeriesQuery{Points: 100}); return err },
		"Export":       func() error { _, err := f.Export(ctx, p, id, "audit"); return err },
		"SubmitAct":    func() error { _, err := f.SubmitAct(ctx, p, open.Marshal()); return err },
		"FindByDonor":  func() error { _, _, err := f.FindByDonor(ctx, p, testDonor); return err },
		"RevealDonor":  func() error { _, _, err := f.RevealDonor(ctx, p, id, "label unreadable"); return err },
		"KeepDonorID":  func() error { return f.KeepDonorID(ctx, p, id, testDonor) },
		"BreakGlass":   func() error { _, err := f.BreakGlass(ctx, p, id, "organ diverted"); return err },
		"CreateShare":  func() error { _, err := f.CreateShare(ctx, p, id, time.Hour, "ward 4"); return err },
		"Shares":       func() error { _, _, err := f.Shares(ctx, p, id); return err },
		"Trail":        func() error { _, _, err := f.Trail(ctx, p, 0, 1); return err },
		"Feed":         func() error { _, _, _, err := f.Feed(ctx, p, 0, 1); return err },
		"Account":      func() error { _, _, err := f.Account(ctx, p); return err },
		"SetPassword":  func() error { return f.SetPassword(ctx, p, "x", "", goodPassword) },
		"CreateToken":  func() error { _, err := f.CreateToken(ctx, p, TokenRequest{}); return err },
		"Tokens":       func() error { _, _, err := f.Tokens(ctx, p, ledger.PersonID{}); return err },
		"Consents":     func() error { _, _, err := f.Consents(ctx, p, entry.Case(id)); return err },
		"EnrolBox":     func() error { _, err := f.CreateEnrolToken(ctx, p, "box", time.Hour); return err },
		"EnrolPerson":  func() error { _, err := f.EnrolPerson(ctx, p, f.someone("X", entry.RoleAdmin)); return err },
		"Organisation": func() error { _, err := f.PutOrganisation(ctx, p, &entry.OrganisationCard{}); return err },
	}
	for name, call := range calls {
		want(t, name, call(), ledger.CodeForbidden)
	}
}

func TestSharedPosition(t *testing.T) {
	at := func(ms int64, latE7 int32) *record.Record {
		return &record.Record{At: record.Stamp{WallMS: ms, Quality: record.ClockGNSS}, Reading: &record.Reading{Fix: &record.Fix{LatE7: latE7, LonE7: 80_000_000, Quality: 1, HDOPx100: 100, Satellites: 9}}}
	}
	const start, km = 500_000_000, 89_900 // 1e-7 degrees
	for _, tt := range []struct {
		name string
		lat  []int32
		want int32 // zero: none
	}{
		{"no position", nil, 0},
		{"at the start", []int32{start, start + km}, 0},
		{"just within 5 km", []int32{start, start + 4.99*km}, 0},
		{"beyond it", []int32{start, start + 3*km, start + 5.1*km}, start + 5.1*km},
		{"back again", []int32{start, start + 6*km, start + 2*km}, 0},
		{"south", []int32{start, start - 6*km}, start - 6*km},
	} {
		c := &shipmentCase{state: &custody.State{}, journals: []journalPart{{}, {}}}
		for i, lat := range tt.lat {
			j := &c.journals[min(i, 1)] // the first position is in another incarnation than the rest
			j.records = append(j.records, at(int64(i+1)*60_000, lat))
		}
		got, _ := sharedPosition(c)
		if (got != nil) != (tt.want != 0) || got != nil && got.LatE7 != tt.want {
			t.Errorf("%s: got %+v, want %d", tt.name, got, tt.want)
		}
	}
	// No fix under the hospital's roof: the first one is on the way, and then the team comes back.
	place := custody.Position{LatE7: start, LonE7: 80_000_000}
	for what, state := range map[string]*custody.State{"packed there": {Packing: &custody.Statement{Position: &place}}, "planned from there": {Legs: []custody.Leg{{Start: place}}}} {
		c := &shipmentCase{state: state, journals: []journalPart{{records: []*record.Record{at(60_000, start+8*km), at(120_000, start)}}}}
		if got, _ := sharedPosition(c); got != nil {
			t.Errorf("%s, back at the hospital: got %+v, want none", what, got)
		}
		c.journals[0].records = append(c.journals[0].records, at(180_000, start+20*km))
		if got, _ := sharedPosition(c); got == nil {
			t.Errorf("%s, far away: got none", what)
		}
	}
}
