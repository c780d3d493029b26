package bundle_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
)

// far is a case with all that can happen: two boxes, a disputed handoff with a ruling whose second signature came later, a
// correction, a published profile, a key that was replaced, and a certificate that was recalled.
type far struct {
	*journey
	second   *fakeBox
	entries  map[string]int64 // what forgers are after, by name
	journals []bundle.Journal
}

// make makes an act that follows parent, signed by the first of the signers only.
func (f *far) make(s custody.Statement, parent [32]byte, signers ...person) *custody.Act {
	f.ledger.t.Helper()
	f.acts++
	s.Ledger, s.ID, s.Shipment, s.Parent = origin, ledger.ActID{byte(f.acts)}, f.shipment, parent
	s.By = custody.Party{Person: signers[0].id, Organisation: signers[0].org}
	s.EventTimeMS = startWall + int64(f.acts)*60_000
	a, err := custody.NewAct(s)
	if err != nil {
		f.ledger.t.Fatal(err)
	}
	f.sign(a, custody.RoleActor, signers[0])
	return a
}

func (f *far) sign(a *custody.Act, role custody.Role, p person) {
	a.Sign(key(f.ledger.keys+p.name), p.id, role, a.Statement.EventTimeMS, nil)
}

func (f *far) enter(a *custody.Act) int64 {
	f.ledger.now = max(f.ledger.now, a.Statement.EventTimeMS)
	return f.ledger.add(entry.KindAct, a.Marshal(), entry.Case(f.shipment))
}

// next enters an act that follows the tip and is the new one.
func (f *far) next(s custody.Statement, p person) int64 {
	a := f.make(s, f.tip, p)
	f.tip = a.Hash()
	return f.enter(a)
}

func (p person) party() custody.Party { return custody.Party{Person: p.id, Organisation: p.org} }

func travelFar(t testing.TB) *far {
	t.Helper()
	l := newLedger(t, "a-")
	f := &far{journey: &journey{ledger: l, box: newBox(t, "a-box"), shipment: ledger.ShipmentID{9}}, entries: map[string]int64{},
		second: newBoxOf(t, "a-box-2", ledger.IncarnationID{7}, "K-2")}
	a, b := f.box, f.second
	org := &entry.OrganisationCard{Ledger: origin, Code: "CTC1", Version: 1, Name: "City Transplant Center", Kind: entry.OrganisationCenter, IssuedMS: startWall, By: l.admin.id}
	org.Sign(key("a-" + l.admin.name))
	f.entries["organisation"] = l.add(entry.KindOrganisation, org.Marshal(), entry.Organisation("CTC1"))
	coordinator := l.enrol(1, "Coordinator", "OPO", entry.RoleCoordinator)
	ground := l.enrol(2, "Driver", "City Courier", entry.RoleCourier)
	air := l.enrol(3, "Pilot", "North Air", entry.RoleCourier)
	center := l.enrol(4, "Nurse", "CTC1", entry.RoleCenter)
	for _, x := range []*fakeBox{a, b} {
		enrolment := entry.BoxEnrolled{Key: public(x.key), Label: "box", Head: x.head(0)}
		l.add(entry.KindBoxEnrolled, enrolment.Marshal(), entry.Box(x.id()))
	}
	p, _ := profile.Default("chs-4-8")
	p.Program, p.Version = "OPO", 3
	pub := &entry.ProfilePublished{Ledger: origin, Profile: p.Marshal(), IssuedMS: startWall, By: coordinator.id}
	pub.Sign(key("a-Coordinator"))
	f.entries["profile"] = l.add(entry.KindProfile, pub.Marshal(), entry.Profile(p.Hash()))
	a.read(steady(9, 5000)...)
	b.read(steady(9, 5000)...)
	a.sync(l, 0, 10)
	b.sync(l, 0, 10)
	f.entries["open"] = f.next(custody.Statement{Kind: custody.Open, Organ: custody.Heart, From: "OPO", Dest: "CTC1"}, coordinator)
	f.next(custody.Statement{Kind: custody.Pack, Organ: custody.Heart, Box: a.id(), Head: a.newest(), Profile: p.Marshal(), ColdMS: startWall, Seal: "A1",
		LabelCheck: custody.LabelElsewhere, Reference: "checklist 7"}, ground)
	packed := f.tip
	a.read(steady(30, 5000)...)
	a.sync(l, 10, 40)
	f.next(custody.Statement{Kind: custody.Release, To: air.party(), Head: a.newest()}, ground)
	released := f.tip
	f.next(custody.Statement{Kind: custody.Accept, Head: a.newest()}, air)
	accepted := f.tip
	claim := f.make(custody.Statement{Kind: custody.Close}, released, center) // closed by mistake: it competes with the accept
	f.entries["claim"] = f.enter(claim)
	ruling := f.make(custody.Statement{Kind: custody.Ruling, Cites: accepted, Reason: custody.ByWitness}, claim.Hash(), coordinator)
	f.entries["ruling"] = f.enter(ruling)
	signed := *ruling
	signed.Signatures = nil
	f.sign(&signed, custody.RoleActor, coordinator)
	f.sign(&signed, custody.RoleSecond, center)
	f.entries["second signature"] = f.enter(&signed)
	b.read(steady(40, 3000)...) // it was not pre-cooled to the band
	f.tip = accepted
	f.entries["move"] = f.next(custody.Statement{Kind: custody.Move, Segment: custody.MovedBox, Reason: custody.BoxFault, Head: a.head(35), Box: a.id(), NewBox: b.id(), NewHead: b.head(12)}, air)
	moved := f.tip
	f.entries["correction"] = f.enter(f.make(custody.Statement{Kind: custody.Correction, Cites: packed, Reason: custody.TypingError, Seal: "A7"}, moved, ground))
	b.sync(l, 10, len(b.records))
	f.next(custody.Statement{Kind: custody.Receive, Head: b.head(45), Place: "Theatre 3"}, center)
	f.next(custody.Statement{Kind: custody.OpenBox, Head: b.head(48)}, center)
	b.read(steady(5, 21_000)...)
	b.sync(l, 50, len(b.records))
	card := l.card(air, entry.RoleCourier)
	f.entries["card"] = l.lastOf(entry.Person(air.id))
	l.change(card, entry.CardKeyLost, func(c *entry.PersonCard) { c.Key = public(key("a-new phone")) })
	f.entries["card change"] = l.lastOf(entry.Person(air.id))
	late := f.make(custody.Statement{Kind: custody.Waypoint, Leg: 1, LegState: custody.Arrived}, moved, air) // signed before the phone was lost
	f.enter(late)
	recall := entry.CertificateRecalled{Number: "K-2", Reason: "wrong reference", By: l.admin.id}
	f.entries["recall"] = l.add(entry.KindCertificate, recall.Marshal(), entry.Certificate("K-2"))
	l.export(f.shipment, center)
	f.journals = []bundle.Journal{a.journal(10, 40), b.journal(12, 50)}
	return f
}

func TestVerify_far(t *testing.T) {
	f := travelFar(t)
	v := bundle.Verify(write(t, f.ledger.source(f.journals...)), f.ledger.pin())
	if v.Result != bundle.Verified {
		t.Fatalf("result %q, findings %v", v.Result, v.Findings)
	}
	if len(v.Segments) != 2 || v.Segments[0].Box != f.box.id().String() || v.Segments[1].Box != f.second.id().String() || v.Segments[1].Change != "moved to another box" {
		t.Errorf("segments: got %+v", v.Segments)
	}
	held := []bundle.Held{{Origin: f.box.origin(), From: 10, To: 35, Ledger: 40}, {Origin: f.second.origin(), From: 12, To: 48, Ledger: 55}}
	if !slices.Equal(v.Journals, held) {
		t.Errorf("journals: got %+v, want %+v", v.Journals, held)
	}
	if len(v.Disputes) != 1 || !strings.HasPrefix(v.Disputes[0].Stands, "accept by North Air") || !strings.HasPrefix(v.Disputes[0].Ruling, "ruling by OPO") {
		t.Errorf("disputes: got %+v, want the accept to stand by the ruling", v.Disputes)
	}
	if len(v.Corrections) != 1 || v.Corrections[0].Old != "A1" || v.Corrections[0].New != "A7" {
		t.Errorf("corrections: got %+v", v.Corrections)
	}
	if want := fmt.Sprintf("published by OPO in entry %d", f.entries["profile"]); v.Shipment.ProfileOrigin != want {
		t.Errorf("profile: got %q, want %q", v.Shipment.ProfileOrigin, want)
	}
	last := v.Custodians[len(v.Custodians)-1]
	if last.OrganisationName != "City Transplant Center" || last.Name != "Nurse" {
		t.Errorf("last custodian: got %+v", last)
	}
	if c := v.Calibrations; len(c) != 2 || c[0].State != "missing" || c[0].Recalled != nil || c[1].Recalled == nil || *c[1].Recalled != f.entries["recall"] {
		t.Errorf("calibrations: got %+v, want the recall", v.Calibrations)
	}
	for _, want := range []string{"reported lost", "certificate K-2 was recalled"} {
		if !strings.Contains(fmt.Sprint(v.Flags), want) {
			t.Errorf("flags lack %q: %q", want, v.Flags)
		}
	}
	if v.Clock == nil || v.Clock.State != "ended outside this record" {
		t.Errorf("cold ischemia: got %+v", v.Clock)
	}
	if len(v.Excursions) != 1 || v.Excursions[0].Rule != "too cold" || v.Excursions[0].Held[0].Organisation != "North Air" {
		t.Errorf("excursions: got %+v, want one in the second box", v.Excursions)
	}
	var out strings.Builder
	if err := v.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"dispute", "A7", "certificate recalled at entry", "moved to another box", "Nurse, City Transplant Center"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("text lacks %q:\n%s", want, out.String())
		}
	}
}

// TestVerify_farLeavesOut leaves out each entry of the case that somebody might want to hide.
func TestVerify_farLeavesOut(t *testing.T) {
	f := travelFar(t)
	for name, index := range f.entries {
		src := f.ledger.source(f.journals...)
		src.Entries = slices.DeleteFunc(src.Entries, func(e bundle.Entry) bool { return e.Index == index })
		v := bundle.Verify(write(t, src), f.ledger.pin())
		if text := fmt.Sprint(v.Findings); v.Result != bundle.Broken || !strings.Contains(text, fmt.Sprintf("{entry %d is missing", index)) {
			t.Errorf("%s: result %q, findings %v, want the entry missing", name, v.Result, text)
		}
	}
	for i := range f.journals {
		src := f.ledger.source(slices.Delete(slices.Clone(f.journals), i, i+1)...)
		if v := bundle.Verify(write(t, src), f.ledger.pin()); v.Result != bundle.Broken || !strings.Contains(fmt.Sprint(v.Findings), "not in the bundle") {
			t.Errorf("journal %d: result %q, findings %v", i, v.Result, v.Findings)
		}
	}
}

// TestVerify_farShortened ends a journal of the way before the move, and begins one after it.
func TestVerify_farShortened(t *testing.T) {
	f := travelFar(t)
	for _, tt := range []struct {
		name     string
		journals []bundle.Journal
		want     string
	}{
		{"ends before the move", []bundle.Journal{f.box.journal(5, 10), f.journals[1]}, "and the trip was not over"},
		{"begins after the move", []bundle.Journal{f.journals[0], f.second.journal(20, 50)}, "begins at record 20"},
		{"another journal", []bundle.Journal{f.journals[0], f.journals[1], newBoxOf(t, "a-box", ledger.IncarnationID{8}, "").journal(0, 1)}, "is not covered by the export"},
	} {
		v := bundle.Verify(write(t, f.ledger.source(tt.journals...)), f.ledger.pin())
		if v.Result != bundle.Broken || !strings.Contains(fmt.Sprint(v.Findings), tt.want) {
			t.Errorf("%s: result %q, findings %v, want %q", tt.name, v.Result, v.Findings, tt.want)
		}
	}
}

// forgery is something that a node might enter on its own.
type forgery struct {
	name  string
	forge func(l *fakeLedger, driver person)
	want  string
}

// forgedCards are cards of people that nobody in office signed.
func forgedCards() []forgery {
	return []forgery{
		{"card signed by nobody in office", func(l *fakeLedger, driver person) {
			card := l.card(driver, entry.RoleCourier)
			card.Person = ledger.PersonID{50}
			card.Sign(key("stranger"))
			l.add(entry.KindPersonEnrolled, card.Marshal(), entry.Person(card.Person))
		}, "not signed with the key that its issuer"},
		{"card changed after signing", func(l *fakeLedger, driver person) {
			card := l.card(driver, entry.RoleCourier)
			card.Version, card.Why = 2, entry.CardKeyRotated
			card.Sign(key(l.keys + l.admin.name))
			card.Key = public(key("stranger"))
			l.add(entry.KindPersonChanged, card.Marshal(), entry.Person(card.Person))
		}, "signature"},
		{"card signed by a courier", func(l *fakeLedger, driver person) {
			card := l.card(driver, entry.RoleCourier)
			card.Person, card.By = ledger.PersonID{50}, driver.id
			card.Sign(key(l.keys + driver.name))
			l.add(entry.KindPersonEnrolled, card.Marshal(), entry.Person(card.Person))
		}, "is of role courier"},
		{"administrator by another operator", func(l *fakeLedger, _ person) {
			card := l.card(person{id: ledger.PersonID{50}, org: "OPO", name: "Other"}, entry.RoleAdmin)
			card.By = ledger.PersonID{}
			card.Sign(key("stranger"))
			l.add(entry.KindPersonEnrolled, card.Marshal(), entry.Person(card.Person))
		}, "operator's key did not sign"},
		{"card under another person's chain", func(l *fakeLedger, driver person) {
			card := l.card(person{id: ledger.PersonID{50}, org: "OPO", name: "Other"}, entry.RoleCourier)
			card.Sign(key(l.keys + l.admin.name))
			l.add(entry.KindPersonChanged, card.Marshal(), entry.Person(driver.id))
		}, "does not concern the subject"},
	}
}

// forgedOthers are forged organisations, profiles, recalls and acts.
func forgedOthers() []forgery {
	return []forgery{
		{"organisation signed by a courier", func(l *fakeLedger, driver person) {
			org := &entry.OrganisationCard{Ledger: origin, Code: "CTC1", Version: 1, Name: "Elsewhere", Kind: entry.OrganisationCenter, By: driver.id}
			org.Sign(key(l.keys + driver.name))
			l.add(entry.KindOrganisation, org.Marshal(), entry.Organisation("CTC1"))
		}, "is of role courier"},
		{"profile of another program", func(l *fakeLedger, _ person) {
			p, _ := profile.Default("chs-4-8")
			p.Program = "Elsewhere"
			pub := &entry.ProfilePublished{Ledger: origin, Profile: p.Marshal(), By: l.admin.id}
			pub.Sign(key(l.keys + l.admin.name))
			l.add(entry.KindProfile, pub.Marshal(), entry.Profile(p.Hash()))
		}, "is issued by somebody of OPO"},
		{"profile swapped", func(l *fakeLedger, _ person) {
			p, _ := profile.Default("chs-4-8")
			p.Program = "OPO"
			pub := &entry.ProfilePublished{Ledger: origin, Profile: p.Marshal(), By: l.admin.id}
			pub.Sign(key(l.keys + l.admin.name))
			p.HighMC = 12_000
			pub.Profile = p.Marshal()
			l.add(entry.KindProfile, pub.Marshal(), entry.Profile(p.Hash()))
		}, "signature"},
		{"profile under another name", func(l *fakeLedger, _ person) {
			p, _ := profile.Default("chs-4-8")
			p.Program = "OPO"
			pub := &entry.ProfilePublished{Ledger: origin, Profile: p.Marshal(), By: l.admin.id}
			pub.Sign(key(l.keys + l.admin.name))
			l.add(entry.KindProfile, pub.Marshal(), entry.Profile([32]byte{1}))
		}, "does not concern the subject"},
		{"recall of another certificate", func(l *fakeLedger, _ person) {
			recall := entry.CertificateRecalled{Number: "K-9", Reason: "none"}
			l.add(entry.KindCertificate, recall.Marshal(), entry.Certificate("K-2"))
		}, "does not concern the subject"},
		{"act of a role that may not", func(l *fakeLedger, driver person) {
			j := &far{journey: &journey{ledger: l, shipment: ledger.ShipmentID{9}}}
			j.enter(j.make(custody.Statement{Kind: custody.Open, Organ: custody.Heart, Dest: "CTC1"}, [32]byte{}, driver))
		}, "role courier can't state open"},
		{"act with a key that its person never held", func(l *fakeLedger, driver person) {
			j := &far{journey: &journey{ledger: l, shipment: ledger.ShipmentID{9}}}
			a := j.make(custody.Statement{Kind: custody.AdverseEvent, Reason: custody.Lost}, [32]byte{1}, driver)
			a.Signatures = nil
			a.Sign(key("stranger"), driver.id, custody.RoleActor, 1, nil)
			j.enter(a)
		}, "another key"},
		{"act for an organisation that is not the person's", func(l *fakeLedger, driver person) {
			j := &far{journey: &journey{ledger: l, shipment: ledger.ShipmentID{9}}}
			driver.org = "CTC1"
			j.enter(j.make(custody.Statement{Kind: custody.AdverseEvent, Reason: custody.Lost}, [32]byte{1}, driver))
		}, "but is of City Courier"},
	}
}

// TestVerify_forgedSubjects enters forgeries: the trees and chains are right, so only signatures, and who may sign what,
// can tell.
func TestVerify_forgedSubjects(t *testing.T) {
	for _, tt := range append(forgedCards(), forgedOthers()...) {
		t.Run(tt.name, func(t *testing.T) {
			l := newLedger(t, "a-")
			driver := l.enrol(2, "Driver", "City Courier", entry.RoleCourier)
			id := ledger.ShipmentID{9}
			l.add(entry.KindCaseRead, (&entry.Access{By: driver.id, Reason: "x"}).Marshal(), entry.Case(id))
			tt.forge(l, driver)
			l.export(id, driver)
			v := bundle.Verify(write(t, l.source()), l.pin())
			if v.Result != bundle.Broken || !strings.Contains(fmt.Sprint(v.Findings), tt.want) {
				t.Errorf("result %q, findings %v, want %q", v.Result, v.Findings, tt.want)
			}
		})
	}
}
