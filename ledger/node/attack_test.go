package node

import (
	"testing"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
)

// TestNode_Sync_replayed proves that an old batch, which everybody has who was given an export of an earlier trip, does not
// bring out what the box carries today.
func TestNode_Sync_replayed(t *testing.T) {
	t.Parallel()
	m := newMoved(t)
	m.deliver(m.first, 0, 20)
	m.submit(m.open)
	m.submit(m.pack)
	if acts := m.deliver(m.first, 0, 20); len(acts) != 0 {
		t.Errorf("an old batch brought the box's acts: %s", kinds(acts))
	}
	if acts := m.deliver(m.first, 20, 30); kinds(acts) != "pack" {
		t.Errorf("a new batch: got %q, want the pack act", kinds(acts))
	}
}

// TestPrincipal_enrolledAnew proves that credentials of before a person's end stay worth nothing when they come back.
func TestPrincipal_enrolledAnew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	nurse := f.enrol("Nurse", entry.RoleCenter)
	info, err := f.CreateToken(t.Context(), as(nurse), TokenRequest{Label: "bridge", Scopes: access.ScopeRead, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ended := f.change(nurse, entry.CardEnded, nil)
	_, err = f.Authenticate(t.Context(), info.Secret)
	want(t, "ended", err, ledger.CodeUnauthenticated)
	f.change(ended, entry.CardEnrolled, func(c *entry.PersonCard) { c.Key = public(key("Nurse 2")) })
	_, err = f.Authenticate(t.Context(), info.Secret)
	want(t, "enrolled anew, a token of before", err, ledger.CodeUnauthenticated)
}

// TestNode_EnrolPerson_narrow proves that a program's token, which may manage people, gets no token of enrolment with a card
// that it has only read: that opens everything, in anybody's name.
func TestNode_EnrolPerson_narrow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	auditor := f.enrol("Auditor", entry.RoleAuditor)
	program := f.admin
	program.Credential, program.Scopes = CredentialToken, access.ScopeAdmin|access.ScopeRead
	_, err := f.EnrolPerson(t.Context(), program, auditor)
	want(t, "the same card again", err, ledger.CodeForbidden)
	changed := f.change(auditor, entry.CardName, func(c *entry.PersonCard) { c.Name = "Auditor Two" })
	_, err = f.ChangePerson(t.Context(), program, changed, true)
	want(t, "the newest card again", err, ledger.CodeForbidden)
}

// TestNode_SubmitAct_forgedHead proves that nobody cites a head that the box did not sign: it would name the box as one that
// withholds records, and every export of the case would fail.
func TestNode_SubmitAct_forgedHead(t *testing.T) {
	t.Parallel()
	m := newMoved(t)
	m.submit(m.open)
	m.submit(m.pack)
	forged := *m.first
	forged.key = key("somebody")
	st := custody.Statement{Kind: custody.Release, Shipment: m.id, To: custody.Party{Organisation: "Air"}, Head: forged.head(t, 30)}
	_, err := m.SubmitAct(t.Context(), as(m.courier), m.sign(st, m.courier, m.pack).Marshal())
	want(t, "in the statement", err, ledger.CodeForbidden)
	st.Head = nil
	act := m.sign(st, m.courier, m.pack)
	act.Signatures = nil
	act.Sign(key(m.courier.Name), m.courier.Person, custody.RoleActor, 1, forged.head(t, 30))
	_, err = m.SubmitAct(t.Context(), as(m.courier), act.Marshal())
	want(t, "beside a signature", err, ledger.CodeForbidden)
}

// TestNode_CommitToDonor proves that nobody tries out unseen to which donor ID a case commits.
func TestNode_CommitToDonor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	now := time.UnixMilli(1_800_000_000_000).Truncate(time.Hour)
	f.now = func() time.Time { return now }
	opo, center := f.enrol("OPO", entry.RoleCoordinator), f.enrol("Center", entry.RoleCenter)
	id, open := f.opened(opo, testDonor)
	got, err := f.CommitToDonor(t.Context(), as(opo), " aaaa123")
	if err != nil || got != open.Statement.Donor {
		t.Fatalf("got %x, %v", got, err)
	}
	_, err = f.CommitToDonor(t.Context(), as(f.enrol("Courier", entry.RoleCourier)), testDonor)
	want(t, "by a courier", err, ledger.CodeForbidden)
	if n := len(f.chain(entry.Account(opo.Person), entry.KindDonorFind)); n != 1 {
		t.Errorf("got %d entries of a commitment, want 1", n)
	}
	for range donorWrites {
		want(t, "a guess", f.KeepDonorID(t.Context(), as(center), id, "BBBB456"), ledger.CodeInvalid)
	}
	want(t, "one more, which is right", f.KeepDonorID(t.Context(), as(center), id, testDonor), ledger.CodeOverloaded)
	if n := len(f.chain(entry.Account(center.Person), entry.KindDonorFind)); n != donorWrites {
		t.Errorf("got %d entries of guesses, want %d", n, donorWrites)
	}
	for i := range donorWrites {
		_, err := f.CommitToDonor(t.Context(), as(opo), testDonor)
		if want := i == donorWrites-1; (ledger.CodeOf(err) == ledger.CodeOverloaded) != want {
			t.Fatalf("commitment %d: got %v", i+2, err)
		}
	}
}

// TestNode_Sync_crowded proves that pack acts of cases that nobody opened keep nothing from a box.
func TestNode_Sync_crowded(t *testing.T) {
	t.Parallel()
	m := newMoved(t)
	m.submit(m.open)
	m.submit(m.pack)
	for i := range maxCarried {
		st := m.pack.Statement
		st.Shipment = ledger.ShipmentID{0, byte(i + 1)} // before the real one
		m.submit(m.sign(st, m.courier, m.open))
	}
	if acts := m.deliver(m.first, 0, 20); kinds(acts) != "pack" {
		t.Errorf("got %q, want the pack act", kinds(acts))
	}
	boxes, _, err := m.Boxes(t.Context(), as(m.coordinator))
	if err != nil || len(boxes[0].Shipments)+len(boxes[1].Shipments) != 1 {
		t.Errorf("boxes: got %+v, %v, want one with the shipment", boxes, err)
	}
}

// TestPrincipal_deviceLost proves that whoever finds a lost phone does not find its session, or the token of enrolment that
// lies beside the key.
func TestPrincipal_deviceLost(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cheap()
	nurse, enrolment := f.withPassword("Nurse", entry.RoleCenter)
	session, err := f.SignIn(t.Context(), "Nurse", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	bridge, err := f.CreateToken(t.Context(), as(nurse), TokenRequest{Label: "bridge", Scopes: access.ScopeRead, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	lost := f.next(nurse, entry.CardKeyLost, func(c *entry.PersonCard) { c.Key = public(key("Nurse 2")) })
	given, err := f.ChangePerson(t.Context(), f.admin, lost, true)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"the session": session.Token, "the token of enrolment": enrolment} {
		_, err := f.Authenticate(t.Context(), token)
		want(t, name, err, ledger.CodeUnauthenticated)
	}
	f.by(bridge.Secret) // of a program, elsewhere
	f.by(given.Token)
	if session, err = f.SignIn(t.Context(), "Nurse", goodPassword); err != nil {
		t.Fatal(err)
	}
	f.by(session.Token)
}
