package tracker_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/hardware"
	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/tracker"
	"isotherm/tracker/journal"
)

const ledgerOrigin = "ledger.example/test"

func seedKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// fakeLedger is a ledger of one node in memory, with true receipts.
type fakeLedger struct {
	t     *testing.T
	trust *entry.Trust

	mu       sync.Mutex // guards what follows
	journals map[string]*held
	hashes   []tlog.Hash // of the ledger's tree
	size     int64
	down     error
	calls    int
	sizes    []int // records of each batch taken
	acts     [][]byte
	seen     []byte // checkpoint of the newest call
	forge    bool   // sign receipts with a wrong key
}

// held is the ledger's copy of one journal.
type held struct {
	records  [][]byte
	frontier merkle.Frontier
	receipt  []byte
}

func newLedger(t *testing.T) *fakeLedger {
	g := &entry.Genesis{Origin: ledgerOrigin, LogKey: public(seedKey(10)), CreatedMS: 1,
		Cosigners: []merkle.CosignerKey{{Name: "node1." + ledgerOrigin, Key: public(seedKey(11))}}}
	g.Sign(seedKey(12))
	return &fakeLedger{t: t, trust: entry.NewTrust(g), journals: map[string]*held{}}
}

func (l *fakeLedger) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = l.hashes[x]
	}
	return out, nil
}

func (l *fakeLedger) Sync(_ context.Context, wire, checkpoint []byte) (tracker.SyncAnswer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	l.seen = checkpoint
	if l.down != nil {
		return tracker.SyncAnswer{}, l.down
	}
	b, err := batch.Decode(wire)
	if err != nil {
		l.t.Errorf("batch: %v", err)
		return tracker.SyncAnswer{}, err
	}
	j := l.journals[b.Origin]
	if j == nil {
		j = &held{}
		l.journals[b.Origin] = j
	}
	if b.From != j.frontier.Size() {
		return tracker.SyncAnswer{}, &tracker.Conflict{Next: j.frontier.Size(), Root: j.frontier.Root()}
	}
	f := j.frontier.Clone()
	for _, r := range b.Records {
		f.Append(tlog.RecordHash(r))
	}
	head, ok := merkle.PeekCheckpoint(b.Head)
	if !ok || head.Size != f.Size() || head.Root != f.Root() {
		l.t.Errorf("batch to %d: head %v does not sign it", f.Size(), head)
	}
	j.records = append(j.records, b.Records...)
	j.frontier = f
	j.receipt = l.makeReceipt(&entry.Advance{Origin: b.Origin, From: b.From, To: f.Size(), Root: f.Root(), Head: b.Head})
	l.sizes = append(l.sizes, len(b.Records))
	return tracker.SyncAnswer{Next: f.Size(), Receipt: j.receipt, Acts: l.acts}, nil
}

func (l *fakeLedger) makeReceipt(a *entry.Advance) []byte {
	salted := entry.Salted(a.Marshal())
	leaf := &entry.Leaf{Kind: entry.KindJournalAdvance, RecordTimeMS: 1, Node: "node1", Commitment: entry.Commit(salted)}
	raw := leaf.Marshal()
	hashes, err := tlog.StoredHashes(l.size, raw, l)
	if err != nil {
		l.t.Error(err)
	}
	l.hashes = append(l.hashes, hashes...)
	l.size++
	root, err := tlog.TreeHash(l.size, l)
	if err != nil {
		l.t.Error(err)
	}
	path, err := tlog.ProveRecord(l.size, l.size-1, l)
	if err != nil {
		l.t.Error(err)
	}
	cp := merkle.Checkpoint{Origin: ledgerOrigin, Size: l.size, Root: root}
	logKey := seedKey(10)
	if l.forge {
		logKey = seedKey(99)
	}
	signed, err := merkle.Sign(cp, logKey)
	if err != nil {
		l.t.Error(err)
	}
	cosigner, err := merkle.NewCosigner("node1."+ledgerOrigin, seedKey(11))
	if err != nil {
		l.t.Error(err)
	}
	line, err := cosigner.Cosign(cp)
	if err != nil {
		l.t.Error(err)
	}
	proof := merkle.Proof{Index: l.size - 1, Path: path, Checkpoint: merkle.AddCosignatures(signed, line)}
	return (&entry.Receipt{Leaf: raw, Salted: salted, Proof: proof.Marshal()}).Marshal()
}

func (l *fakeLedger) Receipt(_ context.Context, inc ledger.IncarnationID, size int64) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for origin, j := range l.journals {
		if _, id, err := record.ParseOrigin(origin); err == nil && id == inc && j.frontier.Size() >= size {
			return j.receipt, nil
		}
	}
	return nil, ledger.Errorf(ledger.CodeNotFound, "no receipt")
}

// count returns how often it was called.
func (l *fakeLedger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

func (l *fakeLedger) set(change func(l *fakeLedger)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

// heldSize returns how many records of an incarnation the ledger has.
func (l *fakeLedger) heldSize(box ledger.BoxID, inc ledger.IncarnationID) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if j := l.journals[record.Origin(box, inc)]; j != nil {
		return j.frontier.Size()
	}
	return 0
}

// lossy is a ledger that takes every other batch and whose answer is then lost.
type lossy struct {
	*fakeLedger
	lose bool
	lost int
}

func (l *lossy) Sync(ctx context.Context, wire, checkpoint []byte) (tracker.SyncAnswer, error) {
	answer, err := l.fakeLedger.Sync(ctx, wire, checkpoint)
	if l.lose = !l.lose; !l.lose && err == nil {
		l.lost++
		return tracker.SyncAnswer{}, context.DeadlineExceeded
	}
	return answer, err
}

// fakeProbe answers what it is set to.
type fakeProbe struct {
	mu     sync.Mutex // guards sample
	sample hardware.Sample
}

func (p *fakeProbe) Info() hardware.ProbeInfo { return hardware.ProbeInfo{Model: "fake"} }

func (p *fakeProbe) Read(context.Context) hardware.Sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sample
}

func (p *fakeProbe) set(temp hardware.Temperature, fault hardware.Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sample = hardware.Sample{Temp: temp, Fault: fault}
}

// answer sets a whole sample.
func (p *fakeProbe) answer(s hardware.Sample) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sample = s
}

// fakeLocator stands still.
type fakeLocator struct{ doubt hardware.Fault }

func (l fakeLocator) Latest() (hardware.Fix, time.Duration, hardware.Fault) {
	return hardware.Fix{LatE7: 481370000, LonE7: 115750000, Quality: hardware.QualityGPS, Satellites: 9,
		HDOPx100: hardware.HDOPUnknown, Doubt: l.doubt}, 300 * time.Millisecond, hardware.None
}

// jumpClock is a simulated clock at the speed of time that can jump ahead, as after a suspend.
type jumpClock struct {
	tracker.SimulatedClock
	mu    sync.Mutex // guards ahead
	ahead time.Duration
}

func (c *jumpClock) Now() record.Stamp {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.SimulatedClock.Now()
	s.MonoMS += uint64(c.ahead.Milliseconds())
	s.WallMS += c.ahead.Milliseconds()
	return s
}

func (c *jumpClock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// testBox is a box on a bench, with two probes.
type testBox struct {
	t      *testing.T
	dir    string
	clock  *jumpClock
	organ  *fakeProbe
	second *fakeProbe
	ledger *fakeLedger // nil: not enrolled
	write  func() error

	tracker *tracker.Tracker
	cancel  context.CancelFunc
	done    chan error
}

func newBox(t *testing.T, l *fakeLedger) *testBox {
	b := &testBox{t: t, dir: t.TempDir(), organ: &fakeProbe{}, second: &fakeProbe{}, ledger: l}
	b.clock = &jumpClock{SimulatedClock: tracker.SimulatedClock{Rate: 1, Start: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Epoch: time.Now()}}
	b.organ.set(5000, 0)
	b.second.set(6000, 0)
	return b
}

func (b *testBox) config() tracker.Config {
	cfg := tracker.Config{DataDir: b.dir, Software: "test", Clock: b.clock, Locator: fakeLocator{},
		Probes: []tracker.Probe{{Place: "organ", Device: b.organ}, {Place: "box", Device: b.second}}}
	if b.ledger != nil {
		cfg.Uplink, cfg.Trust = b.ledger, b.ledger.trust
	}
	return cfg
}

// open makes the box without running it.
func (b *testBox) open() *tracker.Tracker {
	b.t.Helper()
	t, err := tracker.New(b.config())
	if err != nil {
		b.t.Fatal(err)
	}
	if b.write != nil {
		t.SetWrite(b.write)
	}
	b.tracker = t
	return t
}

// start opens the box and runs it.
func (b *testBox) start() {
	b.t.Helper()
	b.open()
	b.run()
}

func (b *testBox) run() {
	ctx, cancel := context.WithCancel(b.t.Context())
	b.cancel, b.done = cancel, make(chan error, 1)
	t := b.tracker
	go func() { b.done <- t.Run(ctx) }()
}

// stop ends the run in order and checks the journal whole.
func (b *testBox) stop() {
	b.t.Helper()
	b.cancel()
	if err := <-b.done; err != nil {
		b.t.Errorf("run: %v", err)
	}
	b.check()
}

// copyDir copies the box's disk, so that looking at it starts no incarnation on it.
func (b *testBox) copyDir() string {
	b.t.Helper()
	dir := b.t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "copy"), os.DirFS(b.dir)); err != nil {
		b.t.Fatal(err)
	}
	return filepath.Join(dir, "copy")
}

// check opens a copy of the journal and checks it whole.
func (b *testBox) check() {
	b.t.Helper()
	j, err := journal.Open(journal.Options{Dir: b.copyDir(), Key: b.key(), At: record.Stamp{Quality: record.ClockUnset}})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := errors.Join(j.Check(), j.Close()); err != nil {
		b.t.Errorf("check journal: %v", err)
	}
}

func (b *testBox) key() ed25519.PrivateKey {
	b.t.Helper()
	key, err := journal.LoadKey(b.dir)
	if err != nil {
		b.t.Fatal(err)
	}
	return key
}

// records returns all records on the disk of a stopped box, oldest incarnation first.
func (b *testBox) records() []*record.Record {
	b.t.Helper()
	j, err := journal.Open(journal.Options{Dir: b.copyDir(), Key: b.key(), At: record.Stamp{Quality: record.ClockUnset}})
	if err != nil {
		b.t.Fatal(err)
	}
	defer j.Close()
	var out []*record.Record
	for _, inc := range j.Incarnations() {
		if inc.Current { // the one that looking started
			continue
		}
		raw, err := j.Records(inc.ID, 0, int(inc.Size))
		if err != nil {
			b.t.Fatal(err)
		}
		for _, r := range raw {
			parsed, err := record.Parse(r)
			if err != nil {
				b.t.Fatal(err)
			}
			out = append(out, parsed)
		}
	}
	return out
}

func ofKind(records []*record.Record, kind record.Kind) []*record.Record {
	var out []*record.Record
	for _, r := range records {
		if r.Kind == kind {
			out = append(out, r)
		}
	}
	return out
}

// act makes a signed act for a shipment.
func act(t *testing.T, s custody.Statement) []byte {
	t.Helper()
	return actAfter(t, s, [32]byte{1})
}

// actAfter makes a signed act that follows another.
func actAfter(t *testing.T, s custody.Statement, parent [32]byte) []byte {
	t.Helper()
	s.Ledger, s.By = ledgerOrigin, custody.Party{Person: ledger.PersonID{1}, Organisation: "OPO"}
	if s.ID.IsZero() {
		s.ID = ledger.NewActID()
	}
	if s.Kind != custody.Open {
		s.Parent = parent
	}
	a, err := custody.NewAct(s)
	if err != nil {
		t.Fatal(err)
	}
	a.Sign(seedKey(20), ledger.PersonID{1}, custody.RoleActor, 1, nil)
	return a.Marshal()
}

var testShipment = ledger.ShipmentID{42}

func (b *testBox) packAct() []byte {
	b.t.Helper()
	p, ok := profile.Default("chs-4-8")
	if !ok {
		b.t.Fatal("no profile chs-4-8")
	}
	return act(b.t, custody.Statement{Kind: custody.Pack, Shipment: testShipment, Box: b.tracker.Box(), Head: b.tracker.Head(), Profile: p.Marshal()})
}

func (b *testBox) addAct(a []byte) {
	b.t.Helper()
	if _, known, err := b.tracker.AddAct(a); err != nil || known {
		b.t.Fatalf("add act: known %v, error %v", known, err)
	}
}

// onlyShipment returns the one shipment that the status shows.
func onlyShipment(t *testing.T, s tracker.Status) tracker.ShipmentStatus {
	t.Helper()
	if len(s.Shipments) != 1 {
		t.Fatalf("shipments: got %+v, want one", s.Shipments)
	}
	return s.Shipments[0]
}
