package node

import (
	"bytes"
	"crypto/ed25519"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// add appends a record to the box's journal.
func (b *box) add(t *testing.T, r record.Record) {
	t.Helper()
	n := len(b.records)
	r.Seq, r.At = uint64(n), record.Stamp{MonoMS: uint64(n) * 1000, WallMS: int64(n) * 1000, Quality: record.ClockNTP}
	raw, err := r.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	tree := b.trees[n].Clone()
	tree.Append(tlog.RecordHash(raw))
	b.records, b.trees = append(b.records, raw), append(b.trees, tree)
}

// read appends readings of one temperature, in milli-°C.
func (b *box) read(t *testing.T, n int, temp int32) {
	t.Helper()
	for range n {
		b.add(t, record.Record{Kind: record.KindReading, Reading: &record.Reading{Samples: []record.Sample{{TempMC: temp}}}})
	}
}

// newCertified makes a box whose probe has a certificate.
func newCertified(t *testing.T, name, certificate string) *box {
	t.Helper()
	b := newBox(t, name, 1, 0)
	boot := &record.Boot{Key: b.key.Public().(ed25519.PublicKey), Incarnation: b.inc, BootCount: 1, SampleMS: 1000,
		Probes: []record.Probe{{Place: "organ", Certificate: certificate, UntilMS: 1 << 50, ErrorMC: 100}}}
	b.records, b.trees = nil, b.trees[:1]
	b.add(t, record.Record{Kind: record.KindBoot, Boot: boot})
	return b
}

// deliver syncs a box's records and returns the acts in the answer.
func (f *fixture) deliver(b *box, from, to int) []*custody.Act {
	f.t.Helper()
	answer, err := f.Sync(f.t.Context(), b.id, b.batch(f.t, from, to), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	var out []*custody.Act
	for _, raw := range answer.Acts {
		a, err := custody.ParseAct(raw)
		if err != nil {
			f.t.Fatal(err)
		}
		out = append(out, a)
	}
	return out
}

// kinds returns the kinds of acts, in order.
func kinds(acts []*custody.Act) string {
	var out []string
	for _, a := range acts {
		out = append(out, a.Statement.Kind.String())
	}
	return strings.Join(out, " ")
}

// journalAll has the box journal what the ledger sent.
func (f *fixture) journalAll(b *box, acts []*custody.Act) {
	f.t.Helper()
	for _, a := range acts {
		b.add(f.t, record.Record{Kind: record.KindAct, Act: &record.Act{Bytes: a.Marshal()}})
	}
}

// notes returns how many notes of shipments in a box are kept.
func (f *fixture) notes(b *box) int {
	f.t.Helper()
	n := 0
	err := f.replica.View(func(v *store.View) error {
		for _, s := range notedIn(v, b.id) {
			n += len(s.notes)
		}
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// moved is a case that was packed into one box and moved into another.
type moved struct {
	*fixture
	first, second               *box
	coordinator, courier, nurse *entry.PersonCard
	id                          ledger.ShipmentID
	open, pack, move            *custody.Act
}

// moveAt is the size of the first box's journal at the move; packAt and newAt those at packing and in the new box.
const packAt, moveAt, newAt = 6, 31, 11

func newMoved(t *testing.T) *moved {
	m := &moved{fixture: newFixture(t), first: newCertified(t, "first", "K-1"), second: newCertified(t, "second", "K-2"), id: ledger.NewShipmentID()}
	m.coordinator, m.courier, m.nurse = m.enrol("OPO", entry.RoleCoordinator), m.enrol("Courier", entry.RoleCourier), m.enrol("CTC1", entry.RoleCenter)
	m.enrolBox(m.first)
	m.enrolBox(m.second)
	m.first.read(t, 40, 5000)
	m.second.read(t, 40, 6000)
	chs, _ := profile.Default("chs-4-8")
	m.open = m.sign(custody.Statement{Kind: custody.Open, Shipment: m.id, Organ: custody.Liver, From: "OPO", Dest: "CTC1"}, m.coordinator, nil)
	m.pack = m.sign(custody.Statement{Kind: custody.Pack, Shipment: m.id, Organ: custody.Liver, Box: m.first.id, Head: m.first.head(t, packAt), Profile: chs.Marshal()}, m.courier, m.open)
	m.move = m.sign(custody.Statement{Kind: custody.Move, Shipment: m.id, Segment: custody.MovedBox, Reason: custody.BoxFault, Head: m.first.head(t, moveAt),
		NewBox: m.second.id, NewHead: m.second.head(t, newAt)}, m.courier, m.pack)
	return m
}

// TestNode_Sync_acts follows what each box is told while a shipment moves through two, beside another in the first.
func TestNode_Sync_acts(t *testing.T) {
	m := newMoved(t)
	m.submit(m.open)
	m.submit(m.pack)
	other := ledger.NewShipmentID()
	open := m.sign(custody.Statement{Kind: custody.Open, Shipment: other, Organ: custody.Kidney, Dest: "CTC1"}, m.coordinator, nil)
	pack := m.sign(custody.Statement{Kind: custody.Pack, Shipment: other, Organ: custody.Kidney, Box: m.first.id, Space: "left", Head: m.first.head(t, packAt), Profile: m.pack.Statement.Profile}, m.courier, open)
	m.submit(open)
	m.submit(pack)
	acts := m.deliver(m.first, 0, 20)
	if kinds(acts) != "pack pack" || acts[0].Statement.Shipment == acts[1].Statement.Shipment {
		t.Fatalf("first box, packed: got %s, want the pack acts of both shipments", kinds(acts))
	}
	if acts := m.deliver(m.second, 0, 20); len(acts) != 0 {
		t.Errorf("second box before the move: got %s, want nothing", kinds(acts))
	}
	m.submit(m.move)
	if acts := m.deliver(m.second, 20, 41); kinds(acts) != "pack move" {
		t.Errorf("second box after the move: got %s, want the move and the pack act with the profile", kinds(acts))
	} else {
		m.journalAll(m.second, acts)
	}
	acts = m.deliver(m.first, 20, 41)
	if kinds(acts) != "pack pack move" && kinds(acts) != "pack move pack" {
		t.Errorf("first box after the move: got %s, want it told", kinds(acts))
	}
	m.journalAll(m.first, acts)
	if got := m.notes(m.first); got != 2 {
		t.Errorf("notes of the first box: got %d, want 2", got)
	}
	if acts := m.deliver(m.first, 41, len(m.first.records)); len(acts) != 0 {
		t.Errorf("first box, all journaled: got %s, want nothing again", kinds(acts))
	}
	if got := m.notes(m.first); got != 1 { // it knows of the move; the kidney is still in it
		t.Errorf("notes of the first box that knows of the move: got %d, want that of the other shipment", got)
	}
	receive := m.sign(custody.Statement{Kind: custody.Receive, Shipment: m.id, Head: m.second.head(t, 41)}, m.nurse, m.move)
	m.submit(receive)
	m.submit(m.sign(custody.Statement{Kind: custody.ArrivalCheck, Shipment: m.id, Arrival: custody.Match}, m.nurse, receive))
	m.submit(m.sign(custody.Statement{Kind: custody.OpenBox, Shipment: m.id}, m.nurse, receive))
	acts = m.deliver(m.second, 41, len(m.second.records))
	if kinds(acts) != "receive open-box" {
		t.Errorf("second box after receipt: got %s, want no note but the opening", kinds(acts))
	}
	from := len(m.second.records)
	m.journalAll(m.second, acts)
	m.deliver(m.second, from, len(m.second.records))
	if got := m.notes(m.second); got != 0 {
		t.Errorf("notes of the second box: got %d, want none", got)
	}
	boxes, _, err := m.Boxes(t.Context(), as(m.coordinator))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range boxes {
		if want := b.ID == m.first.id; want != slices.Equal(b.Shipments, []ledger.ShipmentID{other}) {
			t.Errorf("box %s: got shipments %v", b.ID, b.Shipments)
		}
	}
	if boxes, _, err := m.Boxes(t.Context(), as(m.enrol("Stranger", entry.RoleCourier))); err != nil || len(boxes) != 2 || len(boxes[0].Shipments)+len(boxes[1].Shipments) != 0 {
		t.Errorf("boxes for a stranger: got %+v, %v, want no shipments", boxes, err)
	}
}

// TestNode_Shipment_twoBoxes looks at a case again and again while it grows, moves and ends, and exports it.
func TestNode_Shipment_twoBoxes(t *testing.T) {
	m := newMoved(t)
	look := func(what string, readings int, segments ...Segment) *Shipment {
		t.Helper()
		s, _, err := m.Shipment(t.Context(), as(m.coordinator), m.id)
		if err != nil || s.Trip == nil {
			t.Fatalf("%s: %+v, %v", what, s, err)
		}
		page, _, err := m.Readings(t.Context(), as(m.coordinator), m.id, 0, MaxReadings)
		if err != nil || int(page.Total) != readings || len(page.Page) != readings {
			t.Errorf("%s: got %d readings, %v, want %d", what, page.Total, err, readings)
		}
		if !slices.Equal(s.Segments, segments) {
			t.Errorf("%s: got segments %+v, want %+v", what, s.Segments, segments)
		}
		return s
	}
	m.submit(m.open)
	m.submit(m.pack)
	m.deliver(m.first, 0, 20)
	first := Segment{Box: m.first.id, Incarnation: m.first.inc, From: packAt, To: 20}
	look("in the first box", 14, first)
	m.deliver(m.first, 20, 41)
	first.To = 41
	look("more of it", 35, first)
	m.deliver(m.second, 0, 41)
	m.submit(m.move) // comes late: the first box's later readings are not of the trip
	first.To = moveAt
	second := Segment{Box: m.second.id, Incarnation: m.second.inc, From: newAt, To: 41}
	s := look("moved", 25+30, first, second)
	if len(s.Trip.Report.Gaps) == 0 || s.Last == nil || s.Last.MC != 6000 {
		t.Errorf("moved: got gaps %+v, last %+v, want the gap of the move and the second box's temperature", s.Trip.Report.Gaps, s.Last)
	}
	back := m.sign(custody.Statement{Kind: custody.Move, Shipment: m.id, Segment: custody.MovedBox, Reason: custody.BoxFault, Head: m.second.head(t, 41),
		NewBox: m.first.id, NewHead: m.first.head(t, 38)}, m.courier, m.move)
	m.submit(back)
	again := Segment{Box: m.first.id, Incarnation: m.first.inc, From: 38, To: 41}
	look("back in the first box", 25+30+3, first, again, second)
	m.first.read(t, 20, 5000)
	m.deliver(m.first, 41, 61)
	receive := m.sign(custody.Statement{Kind: custody.Receive, Shipment: m.id, Head: m.first.head(t, 50)}, m.nurse, back)
	m.submit(receive)
	again.To = 50
	s = look("received", 25+30+12, first, again, second)
	if !bytes.Equal(s.BoxHead, m.first.head(t, 61)) {
		t.Error("box head: want the newest of the box that the organ is in")
	}
	if tip, _, err := m.Tip(t.Context(), as(m.courier), m.id); err != nil || tip.Hash != receive.Hash() || !bytes.Equal(tip.BoxHead, s.BoxHead) {
		t.Errorf("tip: got %+v, %v", tip, err)
	}
	m.exportOf(bundle.Verified, 25+30+12)
}

// exportOf exports the case and verifies the bundle.
func (m *moved) exportOf(want bundle.Result, readings int) *bundle.Verdict {
	m.t.Helper()
	src, err := m.Export(m.t.Context(), as(m.coordinator), m.id, "quality review")
	if err != nil {
		m.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, src); err != nil {
		m.t.Fatal(err)
	}
	v := bundle.Verify(out.Bytes(), &m.pin)
	if v.Result != want || v.Counts.Readings != readings {
		m.t.Errorf("bundle: got %s, %d readings, findings %v, want %s, %d", v.Result, v.Counts.Readings, v.Findings, want, readings)
	}
	return v
}

// TestNode_Export_subjects exports a case with all that it hangs on: cards of organisations, a published profile, a probe's
// certificate that was recalled.
func TestNode_Export_subjects(t *testing.T) {
	m := newMoved(t)
	center := &entry.OrganisationCard{Ledger: testOrigin, Code: "CTC1", Version: 1, Name: "City Transplant Center", Kind: entry.OrganisationCenter, By: m.admin.Person}
	center.Sign(key("Admin"))
	if _, err := m.PutOrganisation(t.Context(), m.admin, center); err != nil {
		t.Fatal(err)
	}
	p, _ := profile.Default("chs-4-8")
	p.Program = "OPO"
	published := &entry.ProfilePublished{Ledger: testOrigin, Profile: p.Marshal(), By: m.coordinator.Person}
	published.Sign(key("OPO"))
	if _, err := m.PublishProfile(t.Context(), as(m.coordinator), published); err != nil {
		t.Fatal(err)
	}
	st := m.pack.Statement
	st.Profile = p.Marshal()
	m.pack = m.sign(st, m.courier, m.open)
	st = m.move.Statement
	m.move = m.sign(st, m.courier, m.pack)
	m.submit(m.open)
	m.submit(m.pack)
	m.submit(m.move)
	m.deliver(m.first, 0, 41)
	m.deliver(m.second, 0, 41)
	index, err := m.RecallCertificate(t.Context(), m.admin, "K-2", "reference was off")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := m.RecallCertificate(t.Context(), m.admin, "K-2", "reference was off"); err != nil || again != index {
		t.Errorf("recall again: got entry %d, %v, want %d", again, err, index)
	}
	v := m.exportOf(bundle.Verified, 25+30)
	if v.Shipment.ProfileOrigin == "not published" || !strings.HasPrefix(v.Shipment.ProfileOrigin, "published by OPO") {
		t.Errorf("profile: got %q", v.Shipment.ProfileOrigin)
	}
	recalls := 0
	for _, c := range v.Calibrations {
		if c.Recalled != nil && *c.Recalled == index && c.Certificate == "K-2" {
			recalls++
		}
	}
	if recalls != 1 {
		t.Errorf("calibrations: got %+v, want the recall of K-2", v.Calibrations)
	}
	s, _, err := m.Shipment(t.Context(), as(m.coordinator), m.id)
	if err != nil || len(s.Recalled) != 1 || s.Recalled[0].Index != index {
		t.Errorf("view: got recalls %+v, %v", s.Recalled, err)
	}
}

func TestNode_CertificateTrips(t *testing.T) {
	m := newMoved(t)
	m.submit(m.open)
	m.submit(m.pack)
	m.submit(m.move)
	m.deliver(m.first, 0, 41)
	m.deliver(m.second, 0, 41)
	for _, tt := range []struct {
		name     string
		who      Principal
		number   string
		readings int
		hidden   int
	}{
		{"of the first box", as(m.coordinator), "K-1", 25, 0},
		{"of the second box", as(m.coordinator), "K-2", 30, 0},
		{"of none", as(m.coordinator), "K-3", 0, 0},
		{"without a number", as(m.coordinator), "", 0, 0},
		{"by a stranger", as(m.enrol("Stranger", entry.RoleCenter)), "K-1", 0, 1},
		{"by an administrator", m.admin, "K-1", 0, 1},
	} {
		got, _, err := m.CertificateTrips(t.Context(), tt.who, tt.number)
		if err != nil {
			t.Fatal(err)
		}
		readings := 0
		for _, trip := range got.Trips {
			readings += trip.Readings
			if trip.Shipment != m.id || len(trip.Boxes) != 1 || trip.ToMS-trip.FromMS != int64(tt.readings-1)*1000 {
				t.Errorf("%s: got %+v", tt.name, trip)
			}
		}
		if readings != tt.readings || got.Hidden != tt.hidden || got.Recall != nil {
			t.Errorf("%s: got %+v, want %d readings, %d hidden", tt.name, got, tt.readings, tt.hidden)
		}
	}
	for name, err := range map[string]error{
		"by a courier":   func() error { _, err := m.RecallCertificate(t.Context(), as(m.courier), "K-1", "why"); return err }(),
		"without number": func() error { _, err := m.RecallCertificate(t.Context(), m.admin, "", "why"); return err }(),
		"without reason": func() error { _, err := m.RecallCertificate(t.Context(), m.admin, "K-1", ""); return err }(),
		"with a birthday": func() error {
			_, err := m.RecallCertificate(t.Context(), m.admin, "K-1", "DOB 1970-01-01")
			return err
		}(),
	} {
		if err == nil {
			t.Errorf("recall %s: got no error", name)
		}
	}
}

// TestShipment_note takes an hour of readings, newest first: each minute shows its value farthest from the middle of the band.
func TestShipment_note(t *testing.T) {
	const minute, end = 60_000, 10_000_000
	reading := func(agoMS int64, mc int32, fault uint8) *record.Record {
		return &record.Record{At: record.Stamp{WallMS: end - agoMS}, Reading: &record.Reading{Samples: []record.Sample{{Probe: 1, TempMC: mc, Fault: record.Fault(fault)}, {Probe: 2, TempMC: 99_000}}}}
	}
	s := Shipment{Band: &Band{LowMC: 2000, HighMC: 8000}}
	judged := map[uint8]bool{1: true}
	for _, r := range []*record.Record{reading(0, 0, 1), reading(1000, 4600, 0), reading(30_000, 1200, 0), reading(59_000, 5000, 0), reading(minute, 8100, 0),
		reading(2*minute, 0, 1), reading(59*minute, 3000, 0)} {
		if !s.note(r, judged) {
			t.Fatalf("reading at %d: no older one wanted", r.At.WallMS)
		}
	}
	if s.note(reading(60*minute, 7000, 0), judged) {
		t.Error("an hour back: older ones still wanted")
	}
	if s.LastReadingMS != end || s.Last == nil || s.Last.MC != 4600 {
		t.Errorf("got newest %d, %+v, want the failed reading's time and the newest answer", s.LastReadingMS, s.Last)
	}
	got := map[int]int32{}
	for i, mc := range s.Recent {
		if mc != nil {
			got[i] = *mc
		}
	}
	if want := (map[int]int32{59: 1200, 58: 8100, 0: 3000}); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
