package api

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// TestAPI_journey takes an organ from opening to an export that verifies, with a box without a link at the handoff.
func TestAPI_journey(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	coordinator, _ := f.enrol("Coordinator", "OPO", entry.RoleCoordinator)
	ground, _ := f.enrol("Driver", "City Courier", entry.RoleCourier)
	air, _ := f.enrol("Pilot", "North Air", entry.RoleCourier)
	center, _ := f.enrol("Nurse", "City Transplant Center", entry.RoleCenter)
	auditor, _ := f.enrol("Auditor", "Registry", entry.RoleAuditor)
	b := newBox(t, "box")
	b.read(4, 5000)
	f.enrolBox(b)
	f.sync(b, 0)

	donor, err := coordinator.DonorCommitment(ctx, " abcd123 ")
	if err != nil {
		t.Fatal(err)
	}
	again, err := center.DonorCommitment(ctx, "ABCD123")
	if err != nil || again != donor {
		t.Fatalf("commitment by the center: %s, %v, want %s", again, err, donor)
	}
	s := &shipment{f: f, id: ledger.NewShipmentID()}
	s.act(custody.Statement{Kind: custody.Open, Organ: custody.Heart, From: "Donor Hospital", Dest: "City Transplant Center", Donor: donor}, coordinator)
	chs, _ := profile.Default("chs-4-8")
	packed := b.size()
	pack := custody.Statement{Kind: custody.Pack, Organ: custody.Heart, Box: b.id(), Head: b.head(packed), Profile: chs.Marshal(), ColdMS: b.wall, Seal: "A1"}
	s.act(pack, ground, coordinator)

	b.read(20, 5200)
	b.read(36, 1200) // six minutes too cold
	b.read(12, 5100)
	got := f.sync(b, packed)
	if len(got.Acts) != 1 {
		t.Fatalf("acts for the box after packing: got %d, want the pack act", len(got.Acts))
	}
	b.add(record.Record{Kind: record.KindAct, Act: &record.Act{Bytes: got.Acts[0]}})

	// The handoff happens without a link: the acts are in the box's journal, and the box delivers them.
	release := s.make(custody.Statement{Kind: custody.Release, To: custody.Party{Person: air.id, Organisation: air.org}, Head: b.head(b.size()), Place: "Airport"}, ground)
	b.add(record.Record{Kind: record.KindAct, Act: &record.Act{Bytes: release.Marshal()}})
	accept := s.make(custody.Statement{Kind: custody.Accept, Head: b.head(b.size()), Place: "Airport"}, air)
	b.add(record.Record{Kind: record.KindAct, Act: &record.Act{Bytes: accept.Marshal()}})
	b.read(10, 5100)
	if got := f.sync(b, packed+68); len(got.Acts) != 0 {
		t.Errorf("acts for the box that has all: got %d, want 0", len(got.Acts))
	}
	late, err := air.SubmitAct(ctx, accept.Marshal())
	if err != nil || !late.Duplicate || late.Standing != "applied" {
		t.Errorf("accept that the box had delivered: %+v, %v, want an applied duplicate", late, err)
	}
	s.act(custody.Statement{Kind: custody.Receive, Head: b.head(b.size()), Place: "Theatre 3"}, center)
	s.act(custody.Statement{Kind: custody.ArrivalCheck, Arrival: custody.Match, Organ: custody.Heart, Donor: donor}, center)
	s.act(custody.Statement{Kind: custody.Outcome, Result: custody.Transplanted}, center)

	checkBoard(t, coordinator, s, air)
	checkDetail(t, auditor, s, b, packed)
	checkReadings(t, center, s)
	checkSeries(t, center, s)
	checkExport(t, f, auditor, s)
	// An export is an entry in the chains of the next one.
	checkExport(t, f, auditor, s)
}

func checkBoard(t *testing.T, p *person, s *shipment, holder *person) {
	t.Helper()
	board, err := p.Linearizable().Shipments(t.Context(), client.ShipmentQuery{})
	if err != nil || len(board.Shipments) != 1 {
		t.Fatalf("board: %+v, %v", board, err)
	}
	got := board.Shipments[0]
	if got.ID != s.id || got.Phase != "outcome reported" || got.Organ != "heart" || got.Excursions != 1 || got.OpenExcursions != 0 || got.Trouble != "" {
		t.Errorf("board: got %+v", got)
	}
	if got.LastTempMC == nil || *got.LastTempMC != 5100 || got.Custodian == nil || got.Custodian.Organisation != "City Transplant Center" || got.LastContactMS == 0 {
		t.Errorf("board: got last %v, custodian %v, contact %d", got.LastTempMC, got.Custodian, got.LastContactMS)
	}
	if board.Node != "node-1" || board.Entries == 0 {
		t.Errorf("board answered by %q as of %d entries", board.Node, board.Entries)
	}
}

func checkDetail(t *testing.T, p *person, s *shipment, b *box, packed int) {
	t.Helper()
	got, err := p.Shipment(t.Context(), s.id)
	if err != nil {
		t.Fatal(err)
	}
	var kinds, standings []string
	for _, a := range got.History {
		kinds = append(kinds, a.Kind)
		standings = append(standings, a.Standing)
	}
	if diff := cmp.Diff([]string{"open", "pack", "release", "accept", "receive", "arrival-check", "outcome"}, kinds); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	want := []client.JournalPart{{Box: b.id(), Incarnation: b.inc, From: int64(packed), To: int64(b.size())}}
	if diff := cmp.Diff(want, got.Journals); diff != "" {
		t.Errorf("segments (-want +got):\n%s", diff)
	}
	if len(got.Withheld) != 0 || got.Trip == nil || got.Tip != client.Hash(s.tip) {
		t.Fatalf("withheld %v, trip %v, tip %s", got.Withheld, got.Trip, got.Tip)
	}
	if len(got.Flags) != 0 {
		t.Errorf("flags: got %q, want none", got.Flags)
	}
	x := got.Trip.Excursions
	if len(x) != 1 || x[0].Kind != "below" || x[0].ExtremeMC != 1200 || len(x[0].Held) != 1 || x[0].Held[0].Party.Name != "Driver" {
		t.Errorf("excursions: got %+v, want one, cold, held by the driver", x)
	}
	var held []string
	for _, c := range got.Trip.Custodians {
		line := c.Party.Name + ": " + c.Evidence
		if c.Unconfirmed != nil {
			line += ", not confirmed by " + c.Unconfirmed.Name
		}
		held = append(held, line)
	}
	if diff := cmp.Diff([]string{"Driver: own key", "Driver: own key, not confirmed by Pilot", "Pilot: both keys"}, held); diff != "" {
		t.Errorf("custodians in trip time (-want +got):\n%s", diff)
	}
	checkSigners(t, &got)
	if diff := cmp.Diff([]string{"applied", "applied", "applied", "applied", "applied", "applied", "applied"}, standings); diff != "" {
		t.Errorf("standings (-want +got):\n%s", diff)
	}
	// Looking again in the same hour is not noted again.
	again, err := p.Shipment(t.Context(), s.id)
	if err != nil || again.Entries != got.Entries+1 {
		t.Errorf("entries: got %d, %v, want the %d of before and the note of that read", again.Entries, err, got.Entries)
	}
	third, err := p.Shipment(t.Context(), s.id)
	if err != nil || third.Entries != again.Entries {
		t.Errorf("entries after a third look: got %d, %v, want %d", third.Entries, err, again.Entries)
	}
}

// checkSigners wants every signer named, and custodians with the time of an offer that nobody has confirmed yet.
func checkSigners(t *testing.T, got *client.Shipment) {
	t.Helper()
	var signers []string
	for _, a := range got.History {
		for _, s := range a.Signatures {
			signers = append(signers, s.Role+" "+s.Name)
		}
	}
	want := []string{"actor Coordinator", "actor Driver", "second person Coordinator", "actor Driver", "actor Pilot", "actor Nurse", "actor Nurse", "actor Nurse"}
	if diff := cmp.Diff(want, signers); diff != "" {
		t.Errorf("signers (-want +got):\n%s", diff)
	}
	var held []string
	for _, c := range got.Custodians {
		held = append(held, c.Party.Name)
	}
	if diff := cmp.Diff([]string{"Driver", "Pilot", "Nurse"}, held); diff != "" {
		t.Errorf("custodians (-want +got):\n%s", diff)
	}
	if offer, row := got.Custodians[0].UnconfirmedSinceMS, got.Trip.Custodians[1]; offer <= got.Custodians[0].SinceMS || row.Unconfirmed == nil || row.SinceMS != offer {
		t.Errorf("the time that is not confirmed begins at %d, the offer at %d", row.SinceMS, offer)
	}
}

func checkReadings(t *testing.T, p *person, s *shipment) {
	t.Helper()
	var seqs []int64
	var total int64
	for cursor := ""; ; {
		page, err := p.Readings(t.Context(), s.id, cursor, 30)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Readings {
			seqs = append(seqs, r.Seq)
			if len(r.Samples) != 1 || r.Samples[0].TempMC == nil {
				t.Fatalf("reading %d: got %+v", r.Seq, r)
			}
		}
		if cursor, total = page.Next, page.Total; cursor == "" {
			break
		}
	}
	if len(seqs) != 78 || total != 78 || seqs[0] != 5 {
		t.Errorf("readings: got %d of %d from seq %v, want 78 from 5", len(seqs), total, seqs[:1])
	}
	if _, err := p.Readings(t.Context(), s.id, "", 100_000); ledger.CodeOf(err) != ledger.CodeInvalid {
		t.Errorf("a page too large: got %v, want %s", err, ledger.CodeInvalid)
	}
}

// checkSeries holds the columns of a chart against the readings.
func checkSeries(t *testing.T, p *person, s *shipment) {
	t.Helper()
	all, err := p.Readings(t.Context(), s.id, "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Series(t.Context(), s.id, client.SeriesQuery{Points: 100})
	if err != nil {
		t.Fatal(err)
	}
	if got.Total != 78 || len(got.WallMS) != 78 || len(got.Late) != 78 || len(got.Probes) != 1 || len(got.Probes[0].TempMC) != 78 {
		t.Fatalf("series: got %d readings in %d rows of %d probes, want 78 of one", got.Total, len(got.WallMS), len(got.Probes))
	}
	for i, r := range all.Readings {
		if got.WallMS[i] != r.WallMS || *got.Probes[0].TempMC[i] != *r.Samples[0].TempMC || got.Late[i] != r.Late {
			t.Errorf("row %d: got %d at %d, want %+v", i, *got.Probes[0].TempMC[i], got.WallMS[i], r)
		}
	}
	if place, judged := got.Probes[0].Place, got.Probes[0].Judged; place == "" || !judged {
		t.Errorf("the probe is at %q, judged %t", place, judged)
	}
	from, to := all.Readings[10].WallMS, all.Readings[13].WallMS
	if part, err := p.Series(t.Context(), s.id, client.SeriesQuery{FromMS: from, ToMS: to}); err != nil || part.Total != 3 || part.WallMS[0] != from {
		t.Errorf("part of the series: got %+v, %v, want three rows", part, err)
	}
	if _, err := p.Series(t.Context(), s.id, client.SeriesQuery{Points: 7}); ledger.CodeOf(err) != ledger.CodeInvalid {
		t.Errorf("too few points: got %v, want %s", err, ledger.CodeInvalid)
	}
}

func checkExport(t *testing.T, f *fixture, p *person, s *shipment) {
	t.Helper()
	var out bytes.Buffer
	if err := p.Export(t.Context(), s.id, "audit", &out); err != nil {
		t.Fatal(err)
	}
	v := bundle.Verify(out.Bytes(), &f.pin)
	if v.Result != bundle.Verified || len(v.Findings) != 0 {
		t.Fatalf("verdict: %s, findings %+v", v.Result, v.Findings)
	}
	if v.Shipment.ID != s.id.String() || v.Counts.Acts != 7 || len(v.Excursions) != 1 || v.Shipment.Outcome != "transplanted" {
		t.Errorf("verdict: got %+v, %+v, %+v", v.Shipment, v.Counts, v.Excursions)
	}
	if err := p.Export(t.Context(), s.id, "", &out); ledger.CodeOf(err) != ledger.CodeInvalid {
		t.Errorf("export without a reason: got %v, want %s", err, ledger.CodeInvalid)
	}
}

// TestAPI_sync covers what a box can meet.
func TestAPI_sync(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	c := f.client("")
	b := newBox(t, "box")
	b.read(9, 5000)
	if _, err := c.Sync(ctx, b.id(), b.batch(0, 5), nil); ledger.CodeOf(err) != ledger.CodeNotFound {
		t.Errorf("unknown box: got %v, want %s", err, ledger.CodeNotFound)
	}
	token := f.enrolBox(b)
	first, err := c.Sync(ctx, b.id(), b.batch(0, 5), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.checkReceipt(b, first.Receipt, 5)
	again, err := c.Sync(ctx, b.id(), b.batch(0, 5), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.checkReceipt(b, again.Receipt, 5)
	var conflict *client.Conflict
	_, err = c.Sync(ctx, b.id(), b.batch(7, 10), nil)
	if !errors.As(err, &conflict) || conflict.Next != 5 || conflict.Root != b.trees[5].Root() || ledger.CodeOf(err) != ledger.CodeConflict {
		t.Errorf("batch that begins elsewhere: got %v, want a conflict at 5", err)
	}
	receipt, err := c.Receipt(ctx, b.id(), b.inc, 3)
	if err != nil {
		t.Fatal(err)
	}
	f.checkReceipt(b, receipt, 5)
	entryReceipt, err := entry.ParseReceipt(receipt)
	if err != nil {
		t.Fatal(err)
	}
	cp, err := entryReceipt.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sync(ctx, b.id(), b.batch(5, 10), cp); err != nil {
		t.Errorf("sync with a checkpoint of the ledger: %v", err)
	}
	if _, err := c.EnrolBox(ctx, token, client.Enrolment{Key: public(b.key), Head: b.head(2)}); err != nil {
		t.Errorf("enrolling the same box again: %v", err)
	}
	boxes, err := f.admin.Boxes(ctx)
	if err != nil || len(boxes.Boxes) != 1 || boxes.Boxes[0].Size != 10 || boxes.Boxes[0].Label != "box 7" {
		t.Errorf("boxes: got %+v, %v", boxes, err)
	}
}

// TestAPI_refusals covers what boxes, and others that pretend to be one, are refused.
func TestAPI_refusals(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	c := f.client("")
	b := newBox(t, "box")
	b.read(9, 5000)
	token := f.enrolBox(b)
	f.sync(b, 0)
	other := newBox(t, "other")
	other.read(3, 5000)
	for _, tt := range []struct {
		name string
		call func() error
		want ledger.Code
	}{
		{"records that don't give the root", func() error {
			forged := newBox(t, "box")
			forged.inc, forged.records = b.inc, b.records
			forged.trees = append([]merkle.Frontier(nil), b.trees...)
			forged.read(2, 5000)
			forged.trees[12] = forged.trees[11]
			forged.trees[12].Append([32]byte{1})
			_, err := c.Sync(ctx, b.id(), forged.batch(10, 12), nil)
			return err
		}, ledger.CodeWrongRoot},
		{"another box's batch", func() error {
			_, err := c.Sync(ctx, b.id(), other.batch(0, 2), nil)
			return err
		}, ledger.CodeInvalid},
		{"no batch", func() error { _, err := c.Sync(ctx, b.id(), []byte("hello"), nil); return err }, ledger.CodeInvalid},
		{"a checkpoint by nobody", func() error {
			_, err := c.Sync(ctx, b.id(), b.batch(0, 5), b.head(3))
			return err
		}, ledger.CodeInvalid},
		{"a receipt beyond", func() error { _, err := c.Receipt(ctx, b.id(), b.inc, 11); return err }, ledger.CodeNotFound},
		{"a receipt of nothing", func() error { _, err := c.Receipt(ctx, b.id(), b.inc, 0); return err }, ledger.CodeNotFound},
		{"a receipt of another box", func() error { _, err := c.Receipt(ctx, other.id(), b.inc, 3); return err }, ledger.CodeNotFound},
		{"a token used twice", func() error {
			_, err := c.EnrolBox(ctx, token, client.Enrolment{Key: public(other.key), Head: other.head(2)})
			return err
		}, ledger.CodeUnauthenticated},
		{"a head by another key", func() error {
			_, err := c.EnrolBox(ctx, token, client.Enrolment{Key: public(other.key), Head: b.head(2)})
			return err
		}, ledger.CodeInvalid},
	} {
		if err := tt.call(); ledger.CodeOf(err) != tt.want {
			t.Errorf("%s: got %v (%s), want %s", tt.name, err, ledger.CodeOf(err), tt.want)
		}
	}
}
