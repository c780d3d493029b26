package node

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/bundle"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/ledger/replica"
	"isotherm/ledger/seal"
)

const testOrigin = "isotherm.test/ledger"

func key(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// cutOff is a replica that can be cut off from its majority.
type cutOff struct {
	*replica.Replica
	cut    bool
	before func(c *command.Command) // called before a command is proposed
}

func (c *cutOff) Propose(ctx context.Context, cmd *command.Command) (command.Result, error) {
	if c.cut {
		return command.Result{}, ledger.Errorf(ledger.CodeUnavailable, "cut off")
	}
	if before := c.before; before != nil {
		c.before = nil
		before(cmd)
	}
	return c.Replica.Propose(ctx, cmd)
}

type fixture struct {
	*Node
	t       *testing.T
	replica *cutOff
	pin     entry.Pin
	admin   Principal
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	g := &entry.Genesis{Origin: testOrigin, LogKey: public(key("log")), CreatedMS: 1,
		Cosigners: []merkle.CosignerKey{{Name: "node-1", Key: public(key("cosign"))}}}
	g.Sign(key("operator"))
	trust := entry.NewTrust(g)
	r, err := replica.Open(replica.Config{Name: "node-1", Dir: t.TempDir(), Bootstrap: true, LogKey: key("log"), CosignKey: key("cosign"),
		Trust: trust, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Shutdown(); err != nil {
			t.Errorf("shut down: %v", err)
		}
	})
	f := &fixture{t: t, replica: &cutOff{Replica: r}, pin: trust.Pin}
	f.Node, err = New(Options{Name: "node-1", Replica: f.replica, Keyring: seal.NewKeyring(), Pin: trust.Pin})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := r.WaitLeader(ctx); err != nil {
		t.Fatal(err)
	}
	admin := f.someone("Admin", entry.RoleAdmin)
	f.admin = Principal{Person: admin.Person, Role: entry.RoleAdmin}
	err = f.Bootstrap(ctx, Bootstrap{Genesis: g.Marshal(), Admin: admin, TokenHash: TokenHash("x"), TokenExpiry: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) someone(name string, role entry.Role) entry.PersonEnrolled {
	return entry.PersonEnrolled{Person: ledger.NewPersonID(), Name: name, Organisation: name, Role: role, Key: public(key(name))}
}

func (f *fixture) enrol(name string, role entry.Role) entry.PersonEnrolled {
	f.t.Helper()
	p := f.someone(name, role)
	if _, err := f.EnrolPerson(f.t.Context(), f.admin, p); err != nil {
		f.t.Fatal(err)
	}
	return p
}

// sign makes an act.
func (f *fixture) sign(st custody.Statement, by entry.PersonEnrolled, parent *custody.Act) *custody.Act {
	f.t.Helper()
	st.Ledger, st.ID, st.By = testOrigin, ledger.NewActID(), custody.Party{Person: by.Person, Organisation: by.Organisation}
	if parent != nil {
		st.Parent = parent.Hash()
	}
	a, err := custody.NewAct(st)
	if err != nil {
		f.t.Fatal(err)
	}
	a.Sign(key(by.Name), by.Person, custody.RoleActor, 1, nil)
	return a
}

func (f *fixture) submit(a *custody.Act) ActAnswer {
	f.t.Helper()
	got, err := f.SubmitAct(f.t.Context(), f.admin, a.Marshal())
	if err != nil {
		f.t.Fatal(err)
	}
	return got
}

// box is a box's journal of readings at 5 °C, after its boot record.
type box struct {
	id      ledger.BoxID
	inc     ledger.IncarnationID
	key     ed25519.PrivateKey
	origin  string
	records [][]byte
	trees   []merkle.Frontier
}

func newBox(t *testing.T, name string, boot uint64, readings int) *box {
	t.Helper()
	k := key(name)
	b := &box{id: ledger.BoxIDOf(public(k)), inc: ledger.NewIncarnationID(), key: k, trees: []merkle.Frontier{{}}}
	b.origin = record.Origin(b.id, b.inc)
	for i := range readings + 1 {
		r := record.Record{Seq: uint64(i), Kind: record.KindReading, At: record.Stamp{MonoMS: uint64(i) * 1000, WallMS: int64(i) * 1000, Quality: record.ClockNTP}}
		if i == 0 {
			r.Kind = record.KindBoot
			r.Boot = &record.Boot{Key: public(k), Incarnation: b.inc, BootCount: boot, Probes: []record.Probe{{Place: "organ"}}, SampleMS: 1000}
		} else {
			r.Reading = &record.Reading{Samples: []record.Sample{{TempMC: 5000}}}
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

func (b *box) head(t *testing.T, size int) []byte {
	t.Helper()
	signed, err := merkle.Sign(merkle.Checkpoint{Origin: b.origin, Size: int64(size), Root: b.trees[size].Root()}, b.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (b *box) batch(t *testing.T, from, to int) []byte {
	t.Helper()
	wire, err := batch.Encode(b.origin, int64(from), b.records[from:to], b.head(t, to))
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func (f *fixture) enrolBox(b *box) {
	f.t.Helper()
	token, err := f.CreateEnrolToken(f.t.Context(), f.admin, "box", time.Hour)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, _, err := f.EnrolBox(f.t.Context(), token.Token, public(b.key), b.head(f.t, 0), ""); err != nil {
		f.t.Fatal(err)
	}
}

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
		{"brought by an auditor", Principal{Person: auditor.Person, Role: entry.RoleAuditor}, open.Marshal, ledger.CodeForbidden},
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
	standDown := f.sign(custody.Statement{Kind: custody.StandDown, Shipment: id, Reason: "donor"}, coordinator, open)
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
	if _, _, err := f.Shipment(t.Context(), f.admin, id); err != nil {
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

func TestMaySee(t *testing.T) {
	f := &fixture{t: t}
	coordinator, driver, other := f.someone("Coordinator", entry.RoleCoordinator), f.someone("Driver", entry.RoleCourier), f.someone("Other", entry.RoleCourier)
	id := ledger.NewShipmentID()
	open := f.sign(custody.Statement{Kind: custody.Open, Shipment: id, Organ: custody.Liver, Dest: "Center"}, coordinator, nil)
	release := f.sign(custody.Statement{Kind: custody.Release, Shipment: id, To: custody.Party{Person: driver.Person}}, coordinator, open)
	receive := f.sign(custody.Statement{Kind: custody.Receive, Shipment: id}, coordinator, release)
	underWay := custody.Fold([]custody.Entered{{Act: open}, {Act: release}})
	done := custody.Fold([]custody.Entered{{Act: open}, {Act: release}, {Act: receive}})
	for _, tt := range []struct {
		name  string
		who   entry.PersonEnrolled
		state *custody.State
		want  bool
	}{
		{"any courier, under way", other, underWay, true}, {"another courier, done", other, done, false},
		{"their courier, done", driver, done, true}, {"coordinator, done", coordinator, done, true},
	} {
		if got := maySee(Principal{Person: tt.who.Person, Role: tt.who.Role}, tt.state); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
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
	s, _, err := f.Shipment(t.Context(), f.admin, id)
	if err != nil || s.Trip != nil || s.Trouble == nil || len(s.Withheld) != 1 || s.Withheld[0].To != 7 {
		t.Fatalf("packed, but no batch yet: trip %v, trouble %v, withheld %+v, %v", s.Trip, s.Trouble, s.Withheld, err)
	}
	sync(first, 0, 12)
	sync(first, 12, 21)
	sync(second, 0, 11)
	s, _, err = f.Shipment(t.Context(), f.admin, id)
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
	src, err := f.Export(t.Context(), f.admin, id, "test")
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
	s, _, err = f.Shipment(t.Context(), f.admin, id)
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
