package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"testing"

	"isotherm/api/contract"
	"isotherm/api/stranger"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
)

// foreign is a person who uses the client that the generator makes from the contract.
type foreign struct {
	*stranger.ClientWithResponses
	*person
}

// stranger returns the generated client with a token.
func (f *fixture) stranger(token string) *stranger.ClientWithResponses {
	f.t.Helper()
	text, err := os.ReadFile(f.ca)
	if err != nil {
		f.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	f.t.Cleanup(transport.CloseIdleConnections)
	c, err := stranger.NewClientWithResponses(f.server.URL, stranger.WithHTTPClient(&http.Client{Transport: transport}),
		stranger.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			return nil
		}))
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// must stops the test when a call failed or did not answer with the status.
func must(t *testing.T, what string, err error, got interface{ StatusCode() int }, want int, body []byte) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if got.StatusCode() != want {
		t.Fatalf("%s: status %d, want %d: %s", what, got.StatusCode(), want, body)
	}
}

// enrolForeign enrols somebody by the generated client; they set a password and sign in.
func (f *fixture) enrolForeign(admin *foreign, name, org, login string, role entry.Role) *foreign {
	f.t.Helper()
	ctx := f.t.Context()
	p := &person{id: ledger.NewPersonID(), org: org, key: key(name)}
	enrolled, err := admin.EnrolPersonWithResponse(ctx, nil, stranger.SignedCard{Card: f.card(p, name, role, admin.id, admin.key).Marshal()})
	must(f.t, "enrol "+name, err, enrolled, 200, enrolled.Body)
	first := f.stranger(*enrolled.JSON200.Token)
	set, err := first.SetPasswordWithResponse(ctx, nil, stranger.SetPassword{Login: &login, New: password})
	must(f.t, "password of "+name, err, set, 204, set.Body)
	session, err := f.stranger("").SignInWithResponse(ctx, stranger.SignIn{Login: login, Password: password})
	must(f.t, "sign in "+name, err, session, 201, session.Body)
	p.token = *session.JSON201.Token
	return &foreign{ClientWithResponses: f.stranger(p.token), person: p}
}

const octetStream = "application/octet-stream"

// act signs an act and delivers it by the generated client.
func (s *shipment) deliver(st custody.Statement, by *foreign, second ...*foreign) {
	s.f.t.Helper()
	var others []*person
	for _, o := range second {
		others = append(others, o.person)
	}
	a := s.make(st, by.person, others...)
	got, err := by.SubmitActWithBodyWithResponse(s.f.t.Context(), nil, octetStream, bytes.NewReader(a.Marshal()))
	must(s.f.t, st.Kind.String(), err, got, 200, got.Body)
	if got.JSON200.Standing != "applied" || got.JSON200.Tip != toHex(s.tip[:]) {
		s.f.t.Errorf("%s: got %+v, want applied, tip %x", st.Kind, got.JSON200, s.tip)
	}
}

// upload sends records by the generated client and checks the receipt.
func (f *fixture) upload(b *box, from int) {
	f.t.Helper()
	got, err := f.stranger("").SyncBoxWithBodyWithResponse(f.t.Context(), b.id().String(), nil, octetStream, bytes.NewReader(b.batch(from, b.size())))
	must(f.t, "sync", err, got, 200, got.Body)
	f.checkReceipt(b, got.JSON200.Receipt, b.size())
}

// TestStranger_journey takes an organ from enrolment to an export that verifies, by a client that was generated from the
// contract. Acts and records are made with the ledger's formats, which are a contract of their own.
func TestStranger_journey(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	admin := &foreign{ClientWithResponses: f.stranger(f.admin.token), person: f.admin}
	card := &entry.OrganisationCard{Ledger: testOrigin, Code: "CTC1", Version: 1, Name: "City Transplant Center", Kind: entry.OrganisationCenter, Phone: "+1 555 0100", IssuedMS: 1_790_000_000_000, By: f.admin.id}
	card.Sign(f.admin.key)
	put, err := admin.PutOrganisationWithResponse(ctx, nil, stranger.SignedCard{Card: card.Marshal()})
	must(t, "organisation", err, put, 200, put.Body)
	coordinator := f.enrolForeign(admin, "Coordinator", "OPO", "coordinator", entry.RoleCoordinator)
	ground := f.enrolForeign(admin, "Driver", "City Courier", "driver", entry.RoleCourier)
	air := f.enrolForeign(admin, "Pilot", "North Air", "pilot", entry.RoleCourier)
	nurse := f.enrolForeign(admin, "Nurse", "CTC1", "nurse", entry.RoleCenter)
	auditor := f.enrolForeign(admin, "Auditor", "Registry", "auditor", entry.RoleAuditor)
	me, err := nurse.GetMeWithResponse(ctx, nil)
	must(t, "me", err, me, 200, me.Body)
	if me.JSON200.Origin != testOrigin || string(me.JSON200.Role) != "center" || me.JSON200.Organisation != "CTC1" {
		t.Errorf("me: got %+v", me.JSON200)
	}

	b := newBox(t, "box")
	b.read(4, 5000)
	token, err := admin.CreateEnrolTokenWithResponse(ctx, nil, stranger.EnrolTokenRequest{Label: "box 7", TtlS: 3600})
	must(t, "token for the box", err, token, 200, token.Body)
	enrolled, err := f.stranger(token.JSON200.Token).EnrolBoxWithResponse(ctx, stranger.Enrolment{Key: public(b.key), Head: b.head(b.size())})
	must(t, "enrol the box", err, enrolled, 200, enrolled.Body)
	f.upload(b, 0)

	commitment, err := coordinator.CommitToDonorIdWithResponse(ctx, nil, stranger.DonorIdRequest{DonorId: "ABCD123"})
	must(t, "commitment", err, commitment, 200, commitment.Body)
	donor := fromHex(t, commitment.JSON200.Commitment)
	profiles, err := coordinator.ListProfilesWithResponse(ctx, nil)
	must(t, "profiles", err, profiles, 200, profiles.Body)
	var chosen []byte
	for _, p := range profiles.JSON200.Profiles {
		if p.LowMc == 4000 && p.HighMc == 8000 {
			chosen = p.Bytes
		}
	}
	s := &shipment{f: f, id: ledger.NewShipmentID()}
	s.deliver(custody.Statement{Kind: custody.Open, Organ: custody.Heart, From: "OPO", Dest: "CTC1", Donor: donor}, coordinator)
	packed := b.size()
	s.deliver(custody.Statement{Kind: custody.Pack, Organ: custody.Heart, Box: b.id(), Head: b.head(packed), Profile: chosen, ColdMS: b.wall,
		LabelCheck: custody.LabelTwoKeys, Packaging: custody.CooledBox, Seal: "A1"}, ground, coordinator)
	b.read(20, 5200)
	b.read(36, 1200) // six minutes too cold
	b.read(12, 5100)
	f.upload(b, packed)
	head := b.size()
	s.deliver(custody.Statement{Kind: custody.Release, To: custody.Party{Person: air.id, Organisation: air.org}, Head: b.head(head), Place: "Airport"}, ground)
	s.deliver(custody.Statement{Kind: custody.Accept, Head: b.head(head), Place: "Airport"}, air)
	b.read(10, 5100)
	f.upload(b, head)
	s.deliver(custody.Statement{Kind: custody.Receive, Head: b.head(b.size()), Place: "Theatre 3"}, nurse)
	s.deliver(custody.Statement{Kind: custody.ArrivalCheck, Arrival: custody.Match, Organ: custody.Heart, Donor: donor}, nurse)
	s.deliver(custody.Statement{Kind: custody.Outcome, Result: custody.Transplanted}, nurse)
	checkStranger(t, f, s, nurse, auditor)
}

func checkStranger(t *testing.T, f *fixture, s *shipment, nurse, auditor *foreign) {
	t.Helper()
	ctx := t.Context()
	board, err := nurse.ListShipmentsWithResponse(ctx, nil)
	must(t, "board", err, board, 200, board.Body)
	if n := len(board.JSON200.Shipments); n != 1 || board.JSON200.Shipments[0].Id != s.id.String() || board.JSON200.Shipments[0].Excursions != 1 {
		t.Fatalf("board: got %s", board.Body)
	}
	one, err := nurse.GetShipmentWithResponse(ctx, s.id.String(), nil)
	must(t, "shipment", err, one, 200, one.Body)
	if x := one.JSON200; len(x.History) != 7 || x.Trip == nil || len(x.Trip.Excursions) != 1 || x.Summary.Phase != "outcome reported" {
		t.Errorf("shipment: got %s", one.Body)
	}
	limit, count := 30, 0
	var cursor *string
	for {
		page, err := nurse.ListReadingsWithResponse(ctx, s.id.String(), &stranger.ListReadingsParams{Limit: &limit, Cursor: cursor})
		must(t, "readings", err, page, 200, page.Body)
		count += len(page.JSON200.Readings)
		if cursor = page.JSON200.Next; cursor == nil {
			break
		}
	}
	if count != 78 {
		t.Errorf("readings: got %d, want 78", count)
	}
	made, err := auditor.CreateExportWithResponse(ctx, s.id.String(), nil, stranger.ReasonRequest{Reason: "audit"})
	must(t, "export", err, made, 201, made.Body)
	got, err := auditor.GetExportWithResponse(ctx, made.JSON201.Id, nil)
	must(t, "bundle", err, got, 200, nil)
	v := bundle.Verify(got.Body, &f.pin)
	if v.Result != bundle.Verified || v.Counts.Acts != 7 || len(v.Excursions) != 1 {
		t.Errorf("verdict: %s, findings %+v", v.Result, v.Findings)
	}
	out, err := nurse.SignOutWithResponse(ctx, nil)
	must(t, "sign out", err, out, 204, out.Body)
	after, err := nurse.GetMeWithResponse(ctx, nil)
	must(t, "after signing out", err, after, 401, after.Body)
	if after.ApplicationproblemJSON401.Code != "unauthenticated" {
		t.Errorf("problem: got %s", after.Body)
	}
}

func toHex(b []byte) string { return contract.Hash(b).String() }

func fromHex(t *testing.T, text string) [32]byte {
	t.Helper()
	var h contract.Hash
	if err := h.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return h
}
