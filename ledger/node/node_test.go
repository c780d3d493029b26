package node

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// forge returns a checkpoint that the ledger's own keys signed.
func forge(t *testing.T, cp merkle.Checkpoint) []byte {
	t.Helper()
	signed, err := merkle.Sign(cp, key("log"))
	if err != nil {
		t.Fatal(err)
	}
	cosigner, err := merkle.NewCosigner("node-1", key("cosign"))
	if err != nil {
		t.Fatal(err)
	}
	line, err := cosigner.Cosign(cp)
	if err != nil {
		t.Fatal(err)
	}
	return merkle.AddCosignatures(signed, line)
}

func TestNode_Sync_boxCheckpoint(t *testing.T) {
	f := newFixture(t)
	b := newBox(t, "box", 1, 3)
	f.enrolBox(b)
	at, err := f.At()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	ahead := forge(t, merkle.Checkpoint{Origin: testOrigin, Size: at.Entries + 1, Root: tlog.Hash{1}})
	if _, err := f.Sync(ctx, b.id, b.batch(t, 0, 4), ahead); ledger.CodeOf(err) != ledger.CodeUnavailable || f.Halted() != "" {
		t.Errorf("a checkpoint ahead: got %v, halted %q, want %s", err, f.Halted(), ledger.CodeUnavailable)
	}
	if now, err := f.At(); err != nil || now != at {
		t.Errorf("after it: %+v, %v, want %+v: nothing may be appended", now, err, at)
	}
	other := forge(t, merkle.Checkpoint{Origin: testOrigin, Size: at.Entries, Root: tlog.Hash{1}})
	if _, err := f.Sync(t.Context(), b.id, b.batch(t, 0, 4), other); ledger.CodeOf(err) != ledger.CodeUnavailable || f.Halted() == "" {
		t.Errorf("a checkpoint that contradicts: got %v, halted %q", err, f.Halted())
	}
	if _, err := f.CreateEnrolToken(t.Context(), f.admin, "", time.Hour); ledger.CodeOf(err) != ledger.CodeUnavailable {
		t.Errorf("a write through a halted node: got %v, want %s", err, ledger.CodeUnavailable)
	}
	if _, _, err := f.People(); err != nil {
		t.Errorf("a view of a halted node: %v", err)
	}
}

func TestNode_SubmitAct(t *testing.T) {
	f := newFixture(t)
	coordinator, courier, auditor := f.enrol("Coordinator", entry.RoleCoordinator), f.enrol("Courier", entry.RoleCourier), f.enrol("Auditor", entry.RoleAuditor)
	stranger := f.someone("Stranger", entry.RoleAdmin)
	id := ledger.NewShipmentID()
	st := custody.Statement{Kind: custody.Open, Shipment: id, Organ: custody.Liver, Dest: "Center"}
	open := f.sign(st, coordinator, nil)
	for _, tt := range []struct {
		name string
		by   Principal
		act  func() []byte
		want ledger.Code
	}{
		{"by a courier", f.admin, func() []byte { return f.sign(st, courier, nil).Marshal() }, ledger.CodeForbidden},
		{"by an unknown person", f.admin, func() []byte { return f.sign(st, stranger, nil).Marshal() }, ledger.CodeForbidden},
		{"brought by an auditor", as(auditor), open.Marshal, ledger.CodeForbidden},
		{"unsigned", f.admin, func() []byte { a := *open; a.Signatures = nil; return a.Marshal() }, ledger.CodeForbidden},
		{"signed for another act", f.admin, func() []byte {
			a := f.sign(st, coordinator, nil)
			a.Signatures = open.Signatures
			return a.Marshal()
		}, ledger.CodeForbidden},
		{"for another ledger", f.admin, func() []byte {
			other := st
			other.Ledger, other.ID, other.By.Person = "elsewhere", ledger.NewActID(), coordinator.Person
			a, err := custody.NewAct(other)
			if err != nil {
				t.Fatal(err)
			}
			return a.Marshal()
		}, ledger.CodeInvalid},
	} {
		if _, err := f.SubmitAct(t.Context(), tt.by, tt.act()); ledger.CodeOf(err) != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
	// A later act first: it waits, and applies once the one before is known.
	standDown := f.sign(custody.Statement{Kind: custody.StandDown, Shipment: id, Reason: custody.DonorUnsuitable}, coordinator, open)
	if got := f.submit(standDown); got.Standing != custody.Waiting || got.Duplicate {
		t.Errorf("an act before its parent: got %s, want waiting", got.Standing)
	}
	first := f.submit(open)
	if first.Standing != custody.Applied || first.State.Phase != custody.PhaseStoodDown {
		t.Errorf("the parent: got %s, phase %s, want applied, stood down", first.Standing, first.State.Phase)
	}
	again := f.submit(open)
	if !again.Duplicate || again.Index != first.Index || again.RecordTimeMS != first.RecordTimeMS {
		t.Errorf("a repeat: got %+v, want a duplicate of entry %d", again, first.Index)
	}
	claim := f.submit(f.sign(custody.Statement{Kind: custody.Close, Shipment: id}, coordinator, open))
	if claim.Standing != custody.Conflicting || len(claim.State.Flags) == 0 {
		t.Errorf("a second child: got %s, flags %q", claim.Standing, claim.State.Flags)
	}
	reused := f.sign(st, coordinator, nil)
	changed := reused.Statement
	changed.ID, changed.Dest = open.Statement.ID, "Other Center"
	forged, err := custody.NewAct(changed)
	if err != nil {
		t.Fatal(err)
	}
	forged.Sign(key("Coordinator"), coordinator.Person, custody.RoleActor, 1, nil)
	if _, err := f.SubmitAct(t.Context(), f.admin, forged.Marshal()); ledger.CodeOf(err) != ledger.CodeConflict {
		t.Errorf("another act under a used id: got %v, want %s", err, ledger.CodeConflict)
	}
}

func TestNode_Shipment_withoutMajority(t *testing.T) {
	f := newFixture(t)
	coordinator := f.enrol("Coordinator", entry.RoleCoordinator)
	id := ledger.NewShipmentID()
	f.submit(f.sign(custody.Statement{Kind: custody.Open, Shipment: id, Organ: custody.Liver, Dest: "Center"}, coordinator, nil))
	f.replica.cut = true
	if _, _, err := f.Shipment(t.Context(), as(coordinator), id); err != nil {
		t.Errorf("a look while cut off: %v", err)
	}
	before, err := f.At()
	if err != nil {
		t.Fatal(err)
	}
	f.replica.cut = false
	if err := f.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := f.At()
	if err != nil || after.Entries != before.Entries+1 {
		t.Errorf("entries: got %d, %v, want the note of the look after %d", after.Entries, err, before.Entries)
	}
}

// TestNode_Export_restart exports a trip over two incarnations while somebody new signs during the export.
func TestNode_Export_restart(t *testing.T) {
	f := newFixture(t)
	coordinator, courier, center := f.enrol("Coordinator", entry.RoleCoordinator), f.enrol("Courier", entry.RoleCourier), f.enrol("Center", entry.RoleCenter)
	first, second := newBox(t, "box", 1, 20), newBox(t, "box", 2, 10)
	f.enrolBox(first)
	sync := func(b *box, from, to int) {
		t.Helper()
		if _, err := f.Sync(t.Context(), b.id, b.batch(t, from, to), nil); err != nil {
			t.Fatal(err)
		}
	}
	id := ledger.NewShipmentID()
	open := f.sign(custody.Statement{Kind: custody.Open, Shipment: id, Organ: custody.Liver, Dest: "Center"}, coordinator, nil)
	chs, _ := profile.Default("chs-4-8")
	pack := f.sign(custody.Statement{Kind: custody.Pack, Shipment: id, Organ: custody.Liver, Box: first.id, Head: first.head(t, 7), Profile: chs.Marshal()}, courier, open)
	f.submit(open)
	f.submit(pack)
	s, _, err := f.Shipment(t.Context(), as(coordinator), id)
	if err != nil || s.Trip != nil || s.Trouble == nil || len(s.Withheld) != 1 || s.Withheld[0].To != 7 {
		t.Fatalf("packed, but no batch yet: trip %v, trouble %v, withheld %+v, %v", s.Trip, s.Trouble, s.Withheld, err)
	}
	sync(first, 0, 12)
	sync(first, 12, 21)
	sync(second, 0, 11)
	s, _, err = f.Shipment(t.Context(), as(coordinator), id)
	if err != nil || s.Trip == nil || s.Trip.Report.Readings != 24 || len(s.Segments) != 2 || len(s.Withheld) != 0 {
		t.Fatalf("trip over two incarnations: %+v, %v", s, err)
	}
	receive := f.sign(custody.Statement{Kind: custody.Receive, Shipment: id, Head: second.head(t, 8)}, center, pack)
	f.replica.before = func(c *command.Command) {
		if c.Entry.Kind != entry.KindExport {
			t.Errorf("proposed %s, want the export", c.Entry.Kind)
		}
		f.submit(receive)
	}
	src, err := f.Export(t.Context(), as(coordinator), id, "test")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, src); err != nil {
		t.Fatal(err)
	}
	v := bundle.Verify(out.Bytes(), &f.pin)
	if v.Result != bundle.Verified || v.Counts.Acts != 3 || v.Counts.Records != 14+11 {
		t.Errorf("verdict: %s, %+v, %+v", v.Result, v.Counts, v.Findings)
	}
	s, _, err = f.Shipment(t.Context(), as(coordinator), id)
	if err != nil || s.Trip.Report.Readings != 14+7 {
		t.Errorf("trip until receipt: got %+v, %v, want 21 readings", s.Trip.Report, err)
	}
}

func TestNode_Checkpoint(t *testing.T) {
	f := newFixture(t)
	at, err := f.At()
	if err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		t.Helper()
		signed, err := f.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cp, _, err := f.replica.Trust().OpenCheckpoint(signed)
		if err != nil {
			t.Fatal(err)
		}
		return cp.Size
	}
	if got := size(); got != at.Entries {
		t.Errorf("first checkpoint: got %d entries, want all %d", got, at.Entries)
	}
	now := time.Now()
	f.now = func() time.Time { return now }
	f.enrol("Nurse", entry.RoleCenter)
	if got := size(); got != at.Entries {
		t.Errorf("asked again at once: got %d entries, want the published %d", got, at.Entries)
	}
	now = now.Add(2 * collectEvery)
	if got := size(); got != at.Entries+1 {
		t.Errorf("asked again later: got %d entries, want %d", got, at.Entries+1)
	}
}

func TestFirstPath(t *testing.T) {
	var hashes []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = hashes[x]
		}
		return out, nil
	})
	var p firstPath
	var tree merkle.Frontier
	for n := range int64(70) {
		leaf := []byte{byte(n)}
		stored, err := tlog.StoredHashes(n, leaf, read)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, stored...)
		p.add(tlog.RecordHash(leaf))
		tree.Append(tlog.RecordHash(leaf))
		if err := tlog.CheckRecord(p.path(), n+1, tree.Root(), 0, tlog.RecordHash([]byte{0})); err != nil {
			t.Errorf("path of leaf 0 in a tree of %d: %v", n+1, err)
		}
	}
}

func TestCaseCache_put_letsGo(t *testing.T) {
	var c caseCache
	c.init()
	for i := range 4 {
		c.put(&shipmentCase{id: ledger.ShipmentID{byte(i)}, journals: []journalPart{{records: make([]*record.Record, maxCachedRecords/2-1)}}})
		c.get(ledger.ShipmentID{0})
	}
	if len(c.m) != 2 || c.get(ledger.ShipmentID{0}) == nil || c.get(ledger.ShipmentID{3}) == nil {
		t.Errorf("cache holds %d cases, want the one asked for last and the newest", len(c.m))
	}
}

func TestDataKey_open(t *testing.T) {
	a, b := newDataKey("a"), newDataKey("b")
	sealed, err := a.seal([]byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.open(sealed); err != nil || string(got) != "payload" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := b.open(sealed); err == nil {
		t.Error("another key opened it")
	}
	renamed := &dataKey{name: "c", key: a.key}
	if _, err := renamed.open(sealed); err == nil {
		t.Error("the key under another name opened it")
	}
}

func TestNode_Bootstrap_otherGenesis(t *testing.T) {
	f := newFixture(t)
	g := &entry.Genesis{Origin: testOrigin, LogKey: public(key("log")), CreatedMS: 2, Cosigners: []merkle.CosignerKey{{Name: "node-1", Key: public(key("cosign"))}}}
	g.Sign(key("operator"))
	err := f.Bootstrap(t.Context(), Bootstrap{Genesis: g.Marshal(), Admin: f.someone("Admin", entry.RoleAdmin)})
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("another genesis: got %v, want an error at once", err)
	}
}

func TestNode_lookTwice(t *testing.T) {
	f := newFixture(t)
	now := time.Now()
	f.now = func() time.Time { return now }
	missing := ledger.Errorf(ledger.CodeNotFound, "missing")
	for _, tt := range []struct {
		name  string
		wait  time.Duration
		first error
		looks int
		want  error
	}{
		{"missing at first", time.Second, missing, 2, nil},
		{"missing, just asked", 0, missing, 1, missing},
		{"there", time.Second, nil, 1, nil},
		{"another error", time.Second, context.Canceled, 1, context.Canceled},
	} {
		now = now.Add(tt.wait)
		looks := 0
		err := f.lookTwice(t.Context(), func() error {
			if looks++; looks == 1 {
				return tt.first
			}
			return nil
		})
		if looks != tt.looks || err != tt.want {
			t.Errorf("%s: got %d looks, %v, want %d, %v", tt.name, looks, err, tt.looks, tt.want)
		}
	}
}
