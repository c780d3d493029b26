package node

import (
	"bytes"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// restarted is the journal of a box's second opening: n records, the first at a wall time.
func restarted(t *testing.T, name string, wallMS int64, n int) *box {
	t.Helper()
	b := newBox(t, name, 2, n-1)
	b.records, b.trees = nil, []merkle.Frontier{{}}
	for i := range n {
		r := record.Record{Seq: uint64(i), Kind: record.KindReading, At: record.Stamp{MonoMS: uint64(i) * 1000, WallMS: wallMS + int64(i)*1000, Quality: record.ClockNTP},
			Reading: &record.Reading{Samples: []record.Sample{{TempMC: 5000}}}}
		if i == 0 {
			r.Kind, r.Reading = record.KindBoot, nil
			r.Boot = &record.Boot{Key: public(b.key), Incarnation: b.inc, BootCount: 2, Probes: []record.Probe{{Place: "organ"}}, SampleMS: 1000}
		}
		raw, err := r.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		tree := b.trees[i].Clone()
		tree.Append(tlog.RecordHash(raw))
		b.records, b.trees = append(b.records, raw), append(b.trees, tree)
	}
	return b
}

func TestNode_HeadAt(t *testing.T) {
	f := newFixture(t)
	first := newBox(t, "first", 1, 60) // records 0 to 60, one in a second
	second := restarted(t, "first", 100_000, 30)
	empty := newBox(t, "empty", 1, 0)
	f.enrolBox(first)
	f.enrolBox(empty)
	for _, cut := range [][2]int{{0, 10}, {10, 11}, {11, 30}, {30, 35}, {35, 61}} {
		f.deliver(first, cut[0], cut[1])
	}
	f.deliver(second, 0, 20)
	f.deliver(second, 20, 30)
	for _, tt := range []struct {
		name string
		box  ledger.BoxID
		atMS int64
		of   *box // nil: none is found
		size int
	}{
		{"before the first batch ends", first.id, 8_999, nil, 0},
		{"at its last record", first.id, 9_000, first, 10},
		{"a batch of one record", first.id, 10_000, first, 11},
		{"within a batch", first.id, 28_999, first, 11},
		{"at the end of a batch", first.id, 29_999, first, 30},
		{"the last batch but one", first.id, 34_500, first, 35},
		{"between two journals", first.id, 99_000, first, 61},
		{"within the first batch of the next", first.id, 118_999, first, 61},
		{"the next journal", first.id, 119_000, second, 20},
		{"the newest of all", first.id, 1 << 60, second, 30},
		{"of a box that has sent nothing", empty.id, 1 << 60, nil, 0},
		{"of an unknown box", ledger.BoxID{1}, 1 << 60, nil, 0},
	} {
		got, at, err := f.HeadAt(t.Context(), f.admin, tt.box, tt.atMS)
		if tt.of == nil {
			if ledger.CodeOf(err) != ledger.CodeNotFound {
				t.Errorf("%s: got %+v, %v, want not found", tt.name, got, err)
			}
			continue
		}
		if err != nil || at.Entries == 0 || !bytes.Equal(got.Head, tt.of.head(t, tt.size)) || got.Size != int64(tt.size) || got.WallMS > tt.atMS {
			t.Errorf("%s: got size %d, wall %d, %v, want size %d of journal %s", tt.name, got.Size, got.WallMS, err, tt.size, tt.of.inc)
		}
	}
	for _, role := range []entry.Role{entry.RoleCourier, entry.RoleAuditor} {
		_, _, err := f.HeadAt(t.Context(), as(f.enrol("Role "+role.String(), role)), first.id, 50_000)
		if denied := ledger.CodeOf(err) == ledger.CodeForbidden; denied != (role == entry.RoleAuditor) {
			t.Errorf("%s: got %v", role, err)
		}
	}
}

// late signs a statement at a time, beside the newest head that the actor has seen.
func (f *fixture) late(st custody.Statement, by *entry.PersonCard, parent *custody.Act, signedMS int64, seen []byte) *custody.Act {
	f.t.Helper()
	a := f.sign(st, by, parent)
	a.Signatures = nil
	a.Sign(key(by.Name), by.Person, custody.RoleActor, signedMS, seen)
	return a
}

// TestNode_Shipment_packedLate packs and moves long after the fact: the readings that the ledger has since are of the trip,
// those of before are not, and nothing is flagged unless an act cites the box's newest head all the same.
func TestNode_Shipment_packedLate(t *testing.T) {
	m := newMoved(t)
	m.first.read(t, 360, 5000)  // records 1 to 400, one in a second
	m.second.read(t, 460, 6000) // 1 to 500
	for b, cuts := range map[*box][]int{m.first: {100, 250, 401}, m.second: {200, 290, 501}} {
		from := 0
		for _, to := range cuts {
			m.deliver(b, from, to)
			from = to
		}
	}
	headAt := func(b *box, atMS int64) []byte {
		t.Helper()
		got, _, err := m.HeadAt(t.Context(), as(m.courier), b.id, atMS)
		if err != nil {
			t.Fatal(err)
		}
		return got.Head
	}
	look := func(id ledger.ShipmentID) (*Shipment, bool) {
		t.Helper()
		s, _, err := m.Shipment(t.Context(), as(m.coordinator), id)
		if err != nil || s.Trip == nil {
			t.Fatalf("got %+v, %v", s, err)
		}
		return s, slices.ContainsFunc(s.State.Flags, func(f custody.Flag) bool { return f.Code == custody.FlagSignedLate })
	}
	const packedMS, movedMS, typedMS = 255_000, 300_000, 500_000
	m.submit(m.open)
	pack := m.pack.Statement
	pack.EventTimeMS, pack.Head = packedMS, headAt(m.first, packedMS)
	packed := m.late(pack, m.courier, m.open, typedMS, m.first.head(t, 401))
	m.submit(packed)
	s, flagged := look(m.id)
	r := s.Trip.Report
	if flagged || r.First.WallMS != packedMS || r.Last.WallMS != 400_000 || r.Readings != 146 || r.CoveragePermille() != 1000 {
		t.Errorf("packed late: flagged %v, from %d to %d, %d readings, coverage %d", flagged, r.First.WallMS, r.Last.WallMS, r.Readings, r.CoveragePermille())
	}
	move := m.move.Statement
	move.EventTimeMS, move.Head, move.NewHead = movedMS, m.first.head(t, 401), headAt(m.second, movedMS)
	m.submit(m.late(move, m.courier, packed, typedMS, m.second.head(t, 501)))
	s, flagged = look(m.id)
	r = s.Trip.Report
	if flagged || len(s.Trip.Segments) != 2 || s.Trip.Segments[1].From.WallMS != movedMS || r.First.WallMS != packedMS || r.Last.WallMS != 500_000 || r.Readings != 45+201 {
		t.Errorf("moved late: flagged %v, %d readings until %d, segments %+v", flagged, r.Readings, r.Last.WallMS, s.Trip.Segments)
	}

	other := ledger.NewShipmentID()
	open := m.sign(custody.Statement{Kind: custody.Open, Shipment: other, Organ: custody.Liver, From: "OPO", Dest: "CTC1"}, m.coordinator, nil)
	m.submit(open)
	pack.Shipment, pack.Head = other, m.first.head(t, 390)
	m.submit(m.late(pack, m.courier, open, typedMS, m.first.head(t, 390)))
	if s, flagged := look(other); !flagged || s.Trip.Report.Readings != 11 {
		t.Errorf("packed late at the newest head: flagged %v, %d readings, want them from there, and a flag", flagged, s.Trip.Report.Readings)
	}
}
