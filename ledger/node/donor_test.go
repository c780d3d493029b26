package node

import (
	"strings"
	"testing"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
)

const testDonor = "AAAA123"

// opened opens a shipment for a donor, from OPO to Center.
func (f *fixture) opened(by *entry.PersonCard, donorID string) (ledger.ShipmentID, *custody.Act) {
	f.t.Helper()
	st := custody.Statement{Kind: custody.Open, Shipment: ledger.NewShipmentID(), Organ: custody.Liver, From: "Hospital", Dest: "Center", EventTimeMS: 1000}
	if donorID != "" {
		commitment, err := f.donorCommitment(donorID)
		if err != nil {
			f.t.Fatal(err)
		}
		st.Donor = commitment
	}
	a := f.sign(st, by, nil)
	f.submit(a)
	return st.Shipment, a
}

func TestNode_FindByDonor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	now := time.UnixMilli(1_800_000_000_000).Truncate(time.Hour)
	f.now = func() time.Time { return now }
	opo, center, other := f.enrol("OPO", entry.RoleCoordinator), f.enrol("Center", entry.RoleCenter), f.enrol("Other", entry.RoleCenter)
	liver, _ := f.opened(opo, testDonor)
	lung, _ := f.opened(opo, testDonor)
	f.opened(opo, "BBBB456")
	f.opened(opo, "")
	for name, tt := range map[string]struct {
		by       *entry.PersonCard
		donor    string
		found    int
		readable bool
	}{
		"center":           {center, testDonor, 2, true},
		"typed otherwise":  {center, " aaaa123 ", 2, true},
		"unknown":          {center, "CCCC789", 0, false},
		"not their center": {other, testDonor, 2, false},
	} {
		got, _, err := f.FindByDonor(ctx, as(tt.by), tt.donor)
		if err != nil || len(got) != tt.found {
			t.Errorf("%s: got %+v, %v, want %d", name, got, err, tt.found)
		}
		for _, x := range got {
			if x.Readable != tt.readable || x.ID != liver && x.ID != lung {
				t.Errorf("%s: got %+v, want readable %v", name, x, tt.readable)
			}
		}
	}
	_, _, err := f.FindByDonor(ctx, f.admin, testDonor)
	want(t, "by an admin", err, ledger.CodeForbidden)
	_, _, err = f.FindByDonor(ctx, as(center), "")
	want(t, "no donor ID", err, ledger.CodeInvalid)

	for i := 3; ; i++ {
		_, _, err := f.FindByDonor(ctx, as(center), "DDDD000")
		if err == nil && i < donorTries {
			continue
		}
		want(t, "one too many", err, ledger.CodeOverloaded)
		if i != donorTries {
			t.Errorf("got %d tries, want %d", i, donorTries)
		}
		break
	}
	// Another node, or this one after a restart: nothing but the ledger counts.
	fresh, err := New(Options{Name: "node-2", Replica: f.replica, Keyring: f.keyring, Pin: f.pin, Now: f.now})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = fresh.FindByDonor(ctx, as(center), testDonor)
	want(t, "on another node", err, ledger.CodeOverloaded)
	_, _, err = f.FindByDonor(ctx, as(other), testDonor)
	want(t, "by somebody else", err, "")
	now = now.Add(time.Hour)
	_, _, err = f.FindByDonor(ctx, as(center), testDonor)
	want(t, "in the next hour", err, "")
	entries := f.chain(entry.Account(center.Person), entry.KindDonorFind)
	last, err := entry.ParseDonorAccess(entries[0])
	if err != nil || len(entries) != donorTries+1 || last.By != center.Person || last.Found != 2 {
		t.Errorf("got %d entries, the last %+v, %v, want %d", len(entries), last, err, donorTries+1)
	}
	for _, payload := range entries {
		if strings.Contains(string(payload), "AAAA123") {
			t.Error("an entry holds the donor ID itself")
		}
	}
}

func TestNode_RevealDonor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	opo, center, other := f.enrol("OPO", entry.RoleCoordinator), f.enrol("Center", entry.RoleCenter), f.enrol("Other", entry.RoleCenter)
	id, _ := f.opened(opo, testDonor)
	_, _, err := f.RevealDonor(ctx, as(center), id, "label unreadable")
	want(t, "before it is kept", err, ledger.CodeNotFound)
	want(t, "another than the act commits to", f.KeepDonorID(ctx, as(opo), id, "BBBB456"), ledger.CodeInvalid)
	want(t, "of an unknown shipment", f.KeepDonorID(ctx, as(opo), ledger.NewShipmentID(), testDonor), ledger.CodeNotFound)
	want(t, "by another center, the right one", f.KeepDonorID(ctx, as(other), id, testDonor), ledger.CodeForbidden)
	want(t, "by another center, a wrong one", f.KeepDonorID(ctx, as(other), id, "BBBB456"), ledger.CodeForbidden)
	want(t, "by an admin", f.KeepDonorID(ctx, f.admin, id, testDonor), ledger.CodeForbidden)
	want(t, "kept", f.KeepDonorID(ctx, as(opo), id, "aaaa123"), "")
	got, _, err := f.RevealDonor(ctx, as(center), id, "label unreadable")
	if err != nil || got != testDonor {
		t.Errorf("got %q, %v, want %s", got, err, testDonor)
	}
	_, _, err = f.RevealDonor(ctx, as(center), id, "")
	want(t, "without a reason", err, ledger.CodeInvalid)
	_, _, err = f.RevealDonor(ctx, as(center), id, "asked by Jane Doe")
	want(t, "with a name in the reason", err, ledger.CodeInvalid)
	_, _, err = f.RevealDonor(ctx, as(other), id, "label unreadable")
	want(t, "by another center", err, ledger.CodeForbidden)
	_, _, err = f.RevealDonor(ctx, f.admin, id, "label unreadable")
	want(t, "by an admin", err, ledger.CodeForbidden)
	for _, s := range []entry.Subject{entry.Case(id), entry.Account(center.Person)} {
		if entries := f.chain(s, entry.KindDonorReveal); len(entries) != 1 {
			t.Errorf("%s: got %d entries of it, want 1", s, len(entries))
		}
	}
}

func TestNode_BreakGlass(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	now := time.Now()
	f.now = func() time.Time { return now }
	opo, other, auditor := f.enrol("OPO", entry.RoleCoordinator), f.enrol("Other", entry.RoleCenter), f.enrol("Auditor", entry.RoleAuditor)
	id, _ := f.opened(opo, "")
	second, _ := f.opened(opo, "")
	reads := func(p Principal, id ledger.ShipmentID) ledger.Code {
		_, _, err := f.Shipment(ctx, p, id)
		return ledger.CodeOf(err)
	}
	for what, p := range map[string]Principal{"another center": as(other), "an admin": f.admin} {
		if got := reads(p, id); got != ledger.CodeForbidden {
			t.Errorf("%s before: got %q", what, got)
		}
		until, err := f.BreakGlass(ctx, p, id, "organ diverted, center not reached")
		if err != nil || until.Sub(now) != grantLife {
			t.Errorf("%s: got %v, %v", what, until, err)
		}
		if got := reads(p, id); got != "" {
			t.Errorf("%s after: got %q", what, got)
		}
		if got := reads(p, second); got != ledger.CodeForbidden {
			t.Errorf("%s, another case: got %q", what, got)
		}
		if list, _, err := f.Shipments(ctx, p); err != nil || len(list) != 1 {
			t.Errorf("%s: the board shows %d, %v, want that case", what, len(list), err)
		}
	}
	seen, _, err := f.Shipment(ctx, as(opo), id)
	if err != nil || len(seen.Notes) != 2 {
		t.Fatalf("whose case it is sees %+v, %v, want two notes", seen.Notes, err)
	}
	for _, note := range seen.Notes {
		if note.Code != flagBreakGlass || !strings.HasPrefix(note.Text, "opened in an emergency by ") || !strings.HasSuffix(note.Text, "): organ diverted, center not reached") {
			t.Errorf("got %+v", note)
		}
	}
	if seen, _, err := f.Shipment(ctx, as(opo), second); err != nil || len(seen.Notes) != 0 {
		t.Errorf("another case: %+v, %v", seen.Notes, err)
	}
	_, err = f.BreakGlass(ctx, as(other), id, "x")
	want(t, "without a real reason", err, ledger.CodeInvalid)
	_, err = f.BreakGlass(ctx, as(other), id, "patient 61 years old in room 4")
	want(t, "with a patient in the reason", err, ledger.CodeInvalid)
	_, err = f.BreakGlass(ctx, as(other), ledger.NewShipmentID(), "organ diverted")
	want(t, "of an unknown case", err, ledger.CodeNotFound)
	_, err = f.BreakGlass(ctx, as(auditor), id, "organ diverted")
	want(t, "by an auditor, who reads everything", err, ledger.CodeForbidden)
	entries := f.chain(entry.Case(id), entry.KindBreakGlass)
	if len(entries) != 2 {
		t.Fatalf("got %d entries, want 2", len(entries))
	}
	now = now.Add(grantLife)
	if got := reads(as(other), id); got != ledger.CodeForbidden {
		t.Errorf("eight hours later: got %q", got)
	}
}
