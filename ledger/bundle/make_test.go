package bundle_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// key returns a key that is the same in every run.
func key(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

const (
	origin    = "isotherm/ledger/test"
	startWall = int64(1_790_000_000_000) // Unix milliseconds
)

// fakeLedger is a ledger in memory: the same entries and trees as a node's, without disk, raft or network.
type fakeLedger struct {
	t       testing.TB
	keys    string // prefix of all key names, to make the same ledger with other keys
	entries []bundle.Entry
	hashes  []tlog.Hash
	links   map[entry.Subject]entry.Link
	voters  []string
	admin   person
	now     int64 // RecordTime of what is entered, Unix milliseconds
}

func newLedger(t testing.TB, keys string) *fakeLedger {
	l := &fakeLedger{t: t, keys: keys, links: map[entry.Subject]entry.Link{}, now: startWall, voters: []string{"node-1", "node-2", "node-3"}}
	g := &entry.Genesis{Origin: origin, LogKey: public(key(keys + "log")), CreatedMS: startWall}
	for _, n := range l.voters {
		g.Cosigners = append(g.Cosigners, merkle.CosignerKey{Name: n, Key: public(key(keys + n))})
	}
	g.Sign(key(keys + "operator"))
	l.add(entry.KindGenesis, g.Marshal(), entry.Policy)
	l.admin = person{id: ledger.PersonID{100}, org: "OPO", name: "Admin"}
	card := l.card(l.admin, entry.RoleAdmin)
	card.By = ledger.PersonID{}
	card.Sign(key(keys + "operator"))
	l.add(entry.KindPersonEnrolled, card.Marshal(), entry.Person(l.admin.id))
	return l
}

// card returns the first card of a person, not signed yet.
func (l *fakeLedger) card(p person, role entry.Role) *entry.PersonCard {
	return &entry.PersonCard{Ledger: origin, Person: p.id, Version: 1, Name: p.name, Organisation: p.org, Role: role, Key: public(key(l.keys + p.name)),
		Why: entry.CardEnrolled, IssuedMS: startWall, By: l.admin.id}
}

// change enters a person's next card, signed by the administrator.
func (l *fakeLedger) change(card *entry.PersonCard, why entry.CardReason, change func(*entry.PersonCard)) *entry.PersonCard {
	next := *card
	next.Version, next.Why = card.Version+1, why
	change(&next)
	next.Sign(key(l.keys + l.admin.name))
	l.add(entry.KindPersonChanged, next.Marshal(), entry.Person(card.Person))
	return &next
}

// export enters the export of a case: it observes all that has entries but other cases.
func (l *fakeLedger) export(id ledger.ShipmentID, by person) {
	var observed []entry.Subject
	for s := range l.links {
		if s.Kind != entry.SubjectCase {
			observed = append(observed, s)
		}
	}
	access := entry.Access{By: by.id, Reason: "audit"}
	l.addObserving(entry.KindExport, access.Marshal(), observed, entry.Case(id))
}

func (l *fakeLedger) pin() *entry.Pin {
	return &entry.Pin{Origin: origin, LogKey: public(key(l.keys + "log")), OperatorKey: public(key(l.keys + "operator"))}
}

func (l *fakeLedger) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.hashes[x]
	}
	return out, nil
}

func (l *fakeLedger) add(kind entry.Kind, payload []byte, subjects ...entry.Subject) int64 {
	l.t.Helper()
	return l.addObserving(kind, payload, nil, subjects...)
}

func (l *fakeLedger) addObserving(kind entry.Kind, payload []byte, observed []entry.Subject, subjects ...entry.Subject) int64 {
	l.t.Helper()
	slices.SortFunc(observed, entry.CompareSubjects)
	slices.SortFunc(subjects, entry.CompareSubjects)
	index := int64(len(l.entries))
	salted := append(fmt.Appendf(nil, "%016d", index), payload...)
	leaf := entry.Leaf{Kind: kind, RecordTimeMS: l.now, Node: "node-1", Commitment: entry.Commit(salted)}
	for _, s := range subjects {
		link, there := l.links[s]
		if !there {
			link = entry.Link{Subject: s, Prev: entry.NoPrev}
		} else {
			link.Prev = l.lastOf(s)
		}
		link.Count++
		l.links[s] = link
		leaf.Links = append(leaf.Links, link)
	}
	for _, s := range observed {
		leaf.Observed = append(leaf.Observed, entry.Link{Subject: s, Count: l.links[s].Count, Prev: l.lastOf(s)})
	}
	b := leaf.Marshal()
	stored, err := tlog.StoredHashes(index, b, l)
	if err != nil {
		l.t.Fatal(err)
	}
	l.hashes = append(l.hashes, stored...)
	l.entries = append(l.entries, bundle.Entry{Index: index, Leaf: b, Salted: salted})
	return index
}

// lastOf returns the newest entry that touches a subject.
func (l *fakeLedger) lastOf(s entry.Subject) int64 {
	for i := len(l.entries) - 1; i >= 0; i-- {
		leaf, err := entry.ParseLeaf(l.entries[i].Leaf)
		if err != nil {
			l.t.Fatal(err)
		}
		if leaf.Link(s) != nil {
			return int64(i)
		}
	}
	return entry.NoPrev
}

func (l *fakeLedger) checkpoint() []byte {
	l.t.Helper()
	size := int64(len(l.entries))
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		l.t.Fatal(err)
	}
	cp := merkle.Checkpoint{Origin: origin, Size: size, Root: root}
	signed, err := merkle.Sign(cp, key(l.keys+"log"))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, n := range l.voters[:2] {
		c, err := merkle.NewCosigner(n, key(l.keys+n))
		if err != nil {
			l.t.Fatal(err)
		}
		line, err := c.Cosign(cp)
		if err != nil {
			l.t.Fatal(err)
		}
		signed = merkle.AddCosignatures(signed, line)
	}
	return signed
}

// source returns all entries with their proofs.
func (l *fakeLedger) source(journals ...bundle.Journal) bundle.Source {
	src := bundle.Source{Checkpoint: l.checkpoint(), Journals: journals}
	for _, e := range l.entries {
		p, err := tlog.ProveRecord(int64(len(l.entries)), e.Index, l)
		if err != nil {
			l.t.Fatal(err)
		}
		e.Path = p
		src.Entries = append(src.Entries, e)
	}
	return src
}

// fakeBox is a box's journal in memory.
type fakeBox struct {
	t       testing.TB
	key     ed25519.PrivateKey
	inc     ledger.IncarnationID
	records [][]byte
	tree    merkle.Frontier
	trees   []merkle.Frontier // by size
}

func newBox(t testing.TB, name string) *fakeBox {
	return newBoxOf(t, name, ledger.IncarnationID{1, 2, 3}, "")
}

// newBoxOf makes a box with an incarnation of its journal, and the number of its probe's certificate.
func newBoxOf(t testing.TB, name string, inc ledger.IncarnationID, certificate string) *fakeBox {
	b := &fakeBox{t: t, key: key(name), inc: inc}
	b.trees = []merkle.Frontier{b.tree.Clone()}
	b.add(record.Record{Kind: record.KindBoot, Boot: &record.Boot{Key: public(b.key), Incarnation: b.inc, BootCount: 1, Software: "test",
		Probes: []record.Probe{{Number: 1, Place: "organ", Model: "pt100", Certificate: certificate}}, SampleMS: 10_000}})
	return b
}

func (b *fakeBox) id() ledger.BoxID { return ledger.BoxIDOf(public(b.key)) }

func (b *fakeBox) origin() string { return record.Origin(b.id(), b.inc) }

func (b *fakeBox) add(r record.Record) {
	b.t.Helper()
	n := uint64(len(b.records))
	r.Seq = n
	r.At = record.Stamp{MonoMS: n * 10_000, WallMS: startWall + int64(n)*10_000, Quality: record.ClockGNSS}
	raw, err := r.Append(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.records = append(b.records, raw)
	b.tree.Append(tlog.RecordHash(raw))
	b.trees = append(b.trees, b.tree.Clone())
}

func (b *fakeBox) read(temps ...int32) {
	for _, t := range temps {
		b.add(record.Record{Kind: record.KindReading, Reading: &record.Reading{Samples: []record.Sample{{Probe: 1, TempMC: t}}}})
	}
}

func (b *fakeBox) head(size int) []byte {
	signed, err := merkle.Sign(merkle.Checkpoint{Origin: b.origin(), Size: int64(size), Root: b.trees[size].Root()}, b.key)
	if err != nil {
		b.t.Fatal(err)
	}
	return signed
}

func (b *fakeBox) newest() []byte { return b.head(len(b.records)) }

// sync enters the records from one size to another.
func (b *fakeBox) sync(l *fakeLedger, from, to int) {
	l.now = max(l.now, startWall+int64(to)*10_000)
	a := entry.Advance{Origin: b.origin(), From: int64(from), To: int64(to), Root: b.trees[to].Root(), Head: b.head(to)}
	if from == 0 {
		l.add(entry.KindJournalOpened, a.Marshal(), entry.Box(b.id()), entry.Journal(b.inc))
		return
	}
	l.add(entry.KindJournalAdvance, a.Marshal(), entry.Journal(b.inc))
}

// journal returns the records from one place to another, with what proves the part before.
func (b *fakeBox) journal(from, to int) bundle.Journal {
	j := bundle.Journal{Origin: b.origin(), From: int64(from), Frontier: b.trees[from].Hashes(), Records: b.records[from:to]}
	if from == 0 {
		return j
	}
	var hashes []tlog.Hash
	read := tlog.HashReaderFunc(func(ix []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(ix))
		for i, x := range ix {
			out[i] = hashes[x]
		}
		return out, nil
	})
	for i, r := range b.records[:to] {
		h, err := tlog.StoredHashes(int64(i), r, read)
		if err != nil {
			b.t.Fatal(err)
		}
		hashes = append(hashes, h...)
	}
	path, err := tlog.ProveRecord(int64(to), 0, read)
	if err != nil {
		b.t.Fatal(err)
	}
	j.Boot, j.BootPath = b.records[0], path
	return j
}

// person is somebody who signs.
type person struct {
	id   ledger.PersonID
	org  string
	name string
}

func (l *fakeLedger) enrol(n byte, name, org string, role entry.Role) person {
	p := person{id: ledger.PersonID{n}, org: org, name: name}
	card := l.card(p, role)
	card.Sign(key(l.keys + l.admin.name))
	l.add(entry.KindPersonEnrolled, card.Marshal(), entry.Person(p.id))
	return p
}

// journey is the case that the tests verify: a heart, packed at record 5, six cold minutes, one handoff.
type journey struct {
	ledger   *fakeLedger
	box      *fakeBox
	shipment ledger.ShipmentID
	tip      [32]byte
	acts     int
	received int // size of the box's journal at receipt
}

// trip returns the journal's part that belongs into a bundle.
func (j *journey) trip() bundle.Journal { return j.box.journal(packedAt, j.received) }

// packedAt is the size of the box's journal at packing.
const packedAt = 5

func (j *journey) act(s custody.Statement, signers ...person) int64 {
	j.ledger.t.Helper()
	j.acts++
	s.Ledger, s.ID, s.Shipment, s.Parent = origin, ledger.ActID{byte(j.acts)}, j.shipment, j.tip
	s.By = custody.Party{Person: signers[0].id, Organisation: signers[0].org}
	s.EventTimeMS = startWall + int64(len(j.box.records))*10_000
	a, err := custody.NewAct(s)
	if err != nil {
		j.ledger.t.Fatal(err)
	}
	for i, p := range signers {
		role := custody.RoleActor
		if i > 0 {
			role = custody.RoleSecond
		}
		a.Sign(key(j.ledger.keys+p.name), p.id, role, s.EventTimeMS, nil)
	}
	j.tip = a.Hash()
	return j.ledger.add(entry.KindAct, a.Marshal(), entry.Case(j.shipment))
}

// steady returns n readings of one temperature.
func steady(n int, temp int32) []int32 { return slices.Repeat([]int32{temp}, n) }

// travel makes a journey up to the export's entry and returns it with the bundle's bytes.
func travel(t testing.TB, keys string) (*journey, []byte) {
	t.Helper()
	l := newLedger(t, keys)
	j := &journey{ledger: l, box: newBox(t, keys+"box"), shipment: ledger.ShipmentID{9}}
	coordinator := l.enrol(1, "Coordinator", "OPO", entry.RoleCoordinator)
	ground := l.enrol(2, "Driver", "City Courier", entry.RoleCourier)
	air := l.enrol(3, "Pilot", "North Air", entry.RoleCourier)
	center := l.enrol(4, "Nurse", "City Transplant Center", entry.RoleCenter)
	b := j.box
	enrolment := entry.BoxEnrolled{Key: public(b.key), Label: "box 1", Head: b.head(0)}
	l.add(entry.KindBoxEnrolled, enrolment.Marshal(), entry.Box(b.id()))
	donor := [32]byte{7}
	b.read(steady(4, 5000)...)
	b.sync(l, 0, 5)
	j.act(custody.Statement{Kind: custody.Open, Organ: custody.Heart, From: "Donor Hospital", Dest: "City Transplant Center", Donor: donor}, coordinator)
	p, _ := profile.Default("chs-4-8")
	j.act(custody.Statement{Kind: custody.Pack, Organ: custody.Heart, Box: b.id(), Head: b.newest(), Profile: p.Marshal(), ColdMS: startWall, Seal: "A1"}, ground, coordinator)
	b.read(append(steady(20, 5200), steady(36, 1200)...)...)
	b.read(steady(12, 5100)...)
	b.sync(l, 5, 40)
	j.act(custody.Statement{Kind: custody.Release, To: custody.Party{Person: air.id, Organisation: air.org}, Head: b.head(40), Place: "Airport"}, ground)
	j.act(custody.Statement{Kind: custody.Accept, Head: b.head(41), Place: "Airport"}, air)
	b.sync(l, 40, len(b.records))
	j.received = len(b.records)
	j.act(custody.Statement{Kind: custody.Receive, Head: b.newest(), Place: "Theatre 3"}, center)
	j.act(custody.Statement{Kind: custody.ArrivalCheck, Arrival: custody.Match, Organ: custody.Heart, Donor: donor}, center)
	j.act(custody.Statement{Kind: custody.Outcome, Result: custody.Transplanted}, center)
	j.act(custody.Statement{Kind: custody.Close}, center)
	b.read(steady(5, 21_000)...) // the empty box, on its way to the next organ
	b.sync(l, j.received, len(b.records))
	l.export(j.shipment, center)
	return j, write(t, l.source(j.trip()))
}

func write(t testing.TB, src bundle.Source) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := bundle.Write(&out, src); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// whole returns the journal of the journey from its first record on.
func whole(t testing.TB) bundle.Journal {
	j, _ := travel(t, "a-")
	return j.box.journal(0, j.received)
}
