package node

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
)

func TestNode_PutConsent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	opo, other, courier := f.enrol("OPO", entry.RoleCoordinator), f.enrol("Other", entry.RoleCoordinator), f.enrol("Courier", entry.RoleCourier)
	id, _ := f.opened(opo, "")
	given := entry.Consent{Scope: entry.ConsentTracking, Given: true, Reference: "form F-12, file 2026-17", SHA256: [32]byte{1}}
	withdrawn := given
	withdrawn.Given = false
	edited := func(edit func(*entry.Consent)) entry.Consent { c := given; edit(&c); return c }
	for _, tt := range []struct {
		name    string
		by      Principal
		subject entry.Subject
		consent entry.Consent
		want    ledger.Code
	}{
		{"one's own", as(courier), entry.Account(courier.Person), given, ""},
		{"one's own, withdrawn", as(courier), entry.Account(courier.Person), withdrawn, ""},
		{"another's", as(opo), entry.Account(courier.Person), given, ledger.CodeForbidden},
		{"anybody's, by an admin", f.admin, entry.Account(opo.Person), given, ""},
		{"a case's", as(opo), entry.Case(id), given, ""},
		{"a case's that isn't theirs", as(other), entry.Case(id), given, ledger.CodeForbidden},
		{"an unknown case's", as(opo), entry.Case(ledger.NewShipmentID()), given, ledger.CodeNotFound},
		{"an unknown person's", f.admin, entry.Account(ledger.NewPersonID()), given, ledger.CodeNotFound},
		{"in the person's own chain", as(courier), entry.Person(courier.Person), given, ledger.CodeInvalid},
		{"without a hash", as(courier), entry.Account(courier.Person), edited(func(c *entry.Consent) { c.SHA256 = [32]byte{} }), ledger.CodeInvalid},
		{"without a reference", as(courier), entry.Account(courier.Person), edited(func(c *entry.Consent) { c.Reference = "" }), ledger.CodeInvalid},
		{"with a name in the reference", as(courier), entry.Account(courier.Person), edited(func(c *entry.Consent) { c.Reference = "form of Jane Doe" }), ledger.CodeInvalid},
		{"of unknown scope", as(courier), entry.Account(courier.Person), edited(func(c *entry.Consent) { c.Scope = 9 }), ledger.CodeInvalid},
	} {
		_, err := f.PutConsent(ctx, tt.by, tt.subject, tt.consent)
		want(t, tt.name, err, tt.want)
	}
	list, _, err := f.Consents(ctx, as(courier), entry.Account(courier.Person))
	if err != nil || len(list) != 2 || !list[0].Given || list[1].Given || list[1].By != courier.Person || list[0].Index >= list[1].Index {
		t.Errorf("got %+v, %v, want given, then withdrawn", list, err)
	}
	_, _, err = f.Consents(ctx, as(opo), entry.Account(courier.Person))
	want(t, "another's list", err, ledger.CodeForbidden)
}

// TestNode_Trail makes an entry of nearly every kind and reads them all back.
func TestNode_Trail(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cheap()
	ctx := t.Context()
	opo, _ := f.withPassword("OPO", entry.RoleCoordinator)
	auditor := f.enrol("Auditor", entry.RoleAuditor)
	id, _ := f.opened(opo, testDonor)
	b := newBox(t, "box", 1, 3)
	f.enrolBox(b)
	steps := []func() error{
		func() error { _, err := f.SignIn(ctx, "opo", goodPassword); return err },
		func() error { _, err := f.SignIn(ctx, "opo", "wrong password"); _ = err; return f.Flush(ctx) },
		func() error { _, err := f.Sync(ctx, b.id, b.batch(t, 0, 2), nil); return err },
		func() error { _, err := f.Sync(ctx, b.id, b.batch(t, 2, 4), nil); return err },
		func() error { return f.KeepDonorID(ctx, as(opo), id, testDonor) },
		func() error { _, _, err := f.FindByDonor(ctx, as(opo), testDonor); return err },
		func() error { _, _, err := f.RevealDonor(ctx, as(opo), id, "label unreadable"); return err },
		func() error { _, err := f.BreakGlass(ctx, f.admin, id, "organ diverted"); return err },
		func() error { _, err := f.CreateShare(ctx, as(opo), id, time.Hour, "ward 4"); return err },
		func() error { _, _, err := f.Shipment(ctx, as(opo), id); return err },
		func() error { _, err := f.Export(ctx, as(opo), id, "quality review"); return err },
		func() error {
			_, err := f.PutConsent(ctx, as(opo), entry.Case(id), entry.Consent{Scope: entry.ConsentResearch, Reference: "F-12", SHA256: [32]byte{1}})
			return err
		},
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	_, _, err := f.Trail(ctx, as(opo), 0, 10)
	want(t, "by a coordinator", err, ledger.CodeForbidden)
	_, _, err = f.Trail(ctx, as(auditor), 0, MaxTrail+1)
	want(t, "too much at once", err, ledger.CodeInvalid)
	var all []TrailItem
	for {
		page, at, err := f.Trail(ctx, as(auditor), int64(len(all)), 3)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if int64(len(all)) == at.Entries {
			break
		}
	}
	var got []string
	for i, item := range all {
		if item.Index != int64(i) || item.Erased || item.What == "" || item.Node != "node-1" || item.TimeMS == 0 || len(item.Subjects) == 0 {
			t.Errorf("item %d: got %+v", i, item)
		}
		who := "-"
		for name, card := range map[string]*entry.PersonCard{"OPO": opo, "auditor": auditor} {
			if item.By == card.Person {
				who = name
			}
		}
		if item.By == f.admin.Person {
			who = "admin"
		}
		if strings.Contains(item.What, testDonor) {
			t.Errorf("the trail shows a donor ID: %s", item.What)
		}
		got = append(got, item.Kind.String()+" by "+who)
	}
	if d := cmp.Diff([]string{"genesis by -", "person enrolled by -", "person enrolled by admin", "account by OPO", "person enrolled by admin", "custody act by OPO",
		"box enrolled by admin", "account by OPO", "account by -", "journal opened by -", "journal advance by -", "donor ID looked for by OPO", "donor ID looked for by OPO", "donor ID revealed by OPO",
		"break-glass by admin", "share link by OPO", "case read by OPO", "export by OPO", "consent by OPO"}, got); d != "" {
		t.Error(d)
	}
}

func TestNode_Feed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	opo, other, auditor := f.enrol("OPO", entry.RoleCoordinator), f.enrol("Other", entry.RoleCoordinator), f.enrol("Auditor", entry.RoleAuditor)
	start, err := f.At()
	if err != nil {
		t.Fatal(err)
	}
	b, empty := newBox(t, "box", 1, 10), newBox(t, "empty", 1, 3)
	f.enrolBox(b)
	f.enrolBox(empty)
	id, open := f.opened(opo, "")
	foreign, _ := f.opened(other, "")
	f.submit(f.sign(custody.Statement{Kind: custody.Pack, Shipment: id, Organ: custody.Liver, Box: b.id, Head: b.head(t, 2), Profile: testProfile(t), EventTimeMS: 2000}, opo, open))
	for _, s := range []*box{b, empty} {
		if _, err := f.Sync(ctx, s.id, s.batch(t, 0, 3), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := f.Shipment(ctx, as(auditor), id); err != nil { // a read is nobody's news
		t.Fatal(err)
	}
	collect := func(p Principal, limit int) []string {
		t.Helper()
		var out []string
		after := start.Entries - 1
		for {
			events, next, at, err := f.Feed(ctx, p, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				text := e.Kind.String()
				if e.Case != nil {
					text += map[ledger.ShipmentID]string{id: " of the case", foreign: " of the foreign case"}[*e.Case]
				}
				if e.Box != nil {
					text += map[ledger.BoxID]string{b.id: " of the box", empty.id: " of the empty box"}[*e.Box]
				}
				out = append(out, text)
			}
			if after = next; next == at.Entries-1 {
				return out
			}
		}
	}
	enrolled := []string{"box enrolled of the box", "box enrolled of the empty box"}
	for _, tt := range []struct {
		name string
		by   Principal
		want []string
	}{
		{"who opened it", as(opo), []string{"custody act of the case", "custody act of the case", "journal opened of the case of the box"}},
		{"another", as(other), []string{"custody act of the foreign case"}},
		{"auditor", as(auditor), []string{"custody act of the case", "custody act of the foreign case", "custody act of the case", "journal opened of the case of the box"}},
		{"admin", f.admin, []string{"journal opened of the empty box"}},
	} {
		for _, limit := range []int{1, 2, MaxFeed} {
			if d := cmp.Diff(append(slices.Clone(enrolled), tt.want...), collect(tt.by, limit)); d != "" {
				t.Errorf("%s, %d at once: %s", tt.name, limit, d)
			}
		}
	}
	_, _, _, err = f.Feed(ctx, as(opo), 0, MaxFeed+1)
	want(t, "too much at once", err, ledger.CodeInvalid)
	limited := as(opo)
	limited.Scopes = access.ScopeAct
	_, _, _, err = f.Feed(ctx, limited, 0, 1)
	want(t, "with a token that can't read", err, ledger.CodeForbidden)
	changed := f.Changed()
	f.opened(opo, "")
	select {
	case <-changed:
	default:
		t.Error("an entry does not close Changed")
	}
}
