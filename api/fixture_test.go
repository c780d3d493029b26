package api

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/api/client"
	"isotherm/api/contract"
	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/node"
	"isotherm/ledger/record"
	"isotherm/ledger/replica"
	"isotherm/ledger/seal"
)

const testOrigin = "isotherm.test/ledger"

// key returns a key that is the same in every run.
func key(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// fixture is a ledger of one real node with its API over TLS, and an administrator.
type fixture struct {
	t      *testing.T
	node   *node.Node
	api    *Server
	server *httptest.Server
	ca     string
	pin    entry.Pin
	clock  atomic.Int64 // added to the node's time, in nanoseconds
	admin  *person
}

// person is somebody with a key and a client.
type person struct {
	*client.Client
	id    ledger.PersonID
	org   string
	key   ed25519.PrivateKey
	token string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, ca: filepath.Join(t.TempDir(), "ca.pem")}
	g := &entry.Genesis{Origin: testOrigin, LogKey: public(key("log")), CreatedMS: 1,
		Cosigners: []merkle.CosignerKey{{Name: "node-1", Key: public(key("cosign"))}}}
	g.Sign(key("operator"))
	trust := entry.NewTrust(g)
	f.pin = trust.Pin
	r, err := replica.Open(replica.Config{Name: "node-1", Dir: t.TempDir(), Bootstrap: true, LogKey: key("log"), CosignKey: key("cosign"), Trust: trust,
		Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Shutdown(); err != nil {
			t.Errorf("shut down: %v", err)
		}
	})
	f.node, err = node.New(node.Options{Name: "node-1", Replica: r, Keyring: seal.NewKeyring(), Pin: f.pin, Now: f.now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := r.WaitLeader(ctx); err != nil {
		t.Fatal(err)
	}
	adminID := ledger.NewPersonID()
	token := node.NewPersonToken(adminID)
	admin := &person{id: adminID, org: "OPO", key: key("Admin"), token: token}
	first := node.Bootstrap{Genesis: g.Marshal(), Admin: f.card(admin, "Admin", entry.RoleAdmin, ledger.PersonID{}, key("operator")),
		TokenHash: node.TokenHash(token), TokenExpiry: time.Now().Add(time.Hour)}
	for range 2 { // the second changes nothing
		if err := f.node.Bootstrap(ctx, first); err != nil {
			t.Fatal(err)
		}
	}
	f.api, err = New(Options{Node: f.node, Status: func() contract.Status { return contract.Status{State: r.Status().State} }, Temp: t.TempDir(), Now: f.now})
	if err != nil {
		t.Fatal(err)
	}
	f.server = httptest.NewUnstartedServer(newChecker(t, f.api))
	f.server.EnableHTTP2 = true
	f.server.StartTLS()
	t.Cleanup(f.server.Close)
	t.Cleanup(func() { // before the server waits for its connections
		if err := f.api.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.server.Certificate().Raw})
	if err := os.WriteFile(f.ca, text, 0o600); err != nil {
		t.Fatal(err)
	}
	admin.Client = f.client(token)
	f.admin = admin
	return f
}

func (f *fixture) now() time.Time { return time.Now().Add(time.Duration(f.clock.Load())) }

// card makes version 1 of a person's card.
func (f *fixture) card(p *person, name string, role entry.Role, by ledger.PersonID, signer ed25519.PrivateKey) *entry.PersonCard {
	c := &entry.PersonCard{Ledger: testOrigin, Person: p.id, Version: 1, Name: name, Organisation: p.org, Role: role, Key: public(p.key),
		Why: entry.CardEnrolled, IssuedMS: 1_790_000_000_000, By: by}
	c.Sign(signer)
	return c
}

func (f *fixture) client(token string) *client.Client {
	f.t.Helper()
	c, err := client.New(client.Options{URLs: []string{f.server.URL}, CAFile: f.ca, Token: token})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(c.Close)
	return c
}

// enrol makes a person known.
func (f *fixture) enrol(name, org string, role entry.Role) (*person, string) {
	f.t.Helper()
	p := &person{id: ledger.NewPersonID(), org: org, key: key(name)}
	got, err := f.admin.EnrolPerson(f.t.Context(), f.card(p, name, role, f.admin.id, f.admin.key).Marshal())
	if err != nil {
		f.t.Fatal(err)
	}
	p.Client, p.token = f.client(got.Token), got.Token
	return p, got.Token
}

// box is a box's journal in memory.
type box struct {
	t       *testing.T
	key     ed25519.PrivateKey
	inc     ledger.IncarnationID
	records [][]byte
	trees   []merkle.Frontier // by size
	wall    int64
}

func newBox(t *testing.T, name string) *box {
	b := &box{t: t, key: key(name), inc: ledger.NewIncarnationID(), trees: []merkle.Frontier{{}}, wall: 1_790_000_000_000}
	b.add(record.Record{Kind: record.KindBoot, Boot: &record.Boot{Key: public(b.key), Incarnation: b.inc, BootCount: 1, Software: "test",
		Probes: []record.Probe{{Number: 0, Place: "organ", Model: "pt100"}}, SampleMS: 10_000}})
	return b
}

func (b *box) id() ledger.BoxID { return ledger.BoxIDOf(public(b.key)) }

func (b *box) origin() string { return record.Origin(b.id(), b.inc) }

func (b *box) size() int { return len(b.records) }

func (b *box) add(r record.Record) {
	b.t.Helper()
	n := uint64(len(b.records))
	r.Seq = n
	r.At = record.Stamp{MonoMS: n * 10_000, WallMS: b.wall + int64(n)*10_000, Quality: record.ClockNTP}
	raw, err := r.Append(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	tree := b.trees[len(b.trees)-1].Clone()
	tree.Append(tlog.RecordHash(raw))
	b.records, b.trees = append(b.records, raw), append(b.trees, tree)
}

// read adds n readings of one temperature.
func (b *box) read(n int, mc int32) {
	b.t.Helper()
	for range n {
		b.add(record.Record{Kind: record.KindReading, Reading: &record.Reading{Samples: []record.Sample{{Probe: 0, TempMC: mc}}}})
	}
}

func (b *box) head(size int) []byte {
	b.t.Helper()
	signed, err := merkle.Sign(merkle.Checkpoint{Origin: b.origin(), Size: int64(size), Root: b.trees[size].Root()}, b.key)
	if err != nil {
		b.t.Fatal(err)
	}
	return signed
}

func (b *box) batch(from, to int) []byte {
	b.t.Helper()
	wire, err := batch.Encode(b.origin(), int64(from), b.records[from:to], b.head(to))
	if err != nil {
		b.t.Fatal(err)
	}
	return wire
}

// enrolBox makes a box known with a new token, and returns the token.
func (f *fixture) enrolBox(b *box) string {
	f.t.Helper()
	token, err := f.admin.CreateEnrolToken(f.t.Context(), "box 7", time.Hour)
	if err != nil {
		f.t.Fatal(err)
	}
	got, err := f.client("").EnrolBox(f.t.Context(), token.Token, client.Enrolment{Key: public(b.key), Head: b.head(b.size())})
	if err != nil {
		f.t.Fatal(err)
	}
	if got.Box != b.id() {
		f.t.Fatalf("enrolled box: got %s, want %s", got.Box, b.id())
	}
	return token.Token
}

// sync sends the records of a box from a place on and checks the receipt as the box would.
func (f *fixture) sync(b *box, from int) client.SyncAnswer {
	f.t.Helper()
	got, err := f.client("").Sync(f.t.Context(), b.id(), b.batch(from, b.size()), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.checkReceipt(b, got.Receipt, b.size())
	return got
}

func (f *fixture) trust() *entry.Trust {
	f.t.Helper()
	raw, err := f.client("").Genesis(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	g, err := entry.ParseGenesis(raw)
	if err != nil {
		f.t.Fatal(err)
	}
	trust := entry.NewTrust(g)
	if !trust.Pin.Equal(f.pin) {
		f.t.Fatalf("genesis is of %+v, want %+v", trust.Pin, f.pin)
	}
	return trust
}

func (f *fixture) checkReceipt(b *box, receipt []byte, size int) {
	f.t.Helper()
	advance, _, err := f.trust().CheckReceipt(receipt, b.origin())
	if err != nil {
		f.t.Fatal(err)
	}
	if advance.To != int64(size) || advance.Root != b.trees[size].Root() {
		f.t.Errorf("receipt: got size %d, root %s, want %d, %s", advance.To, advance.Root, size, b.trees[size].Root())
	}
}

// shipment makes acts, each following the one before.
type shipment struct {
	f    *fixture
	id   ledger.ShipmentID
	tip  [32]byte
	made int64 // acts: each happens a minute after the one before
}

// make signs an act.
func (s *shipment) make(st custody.Statement, by *person, second ...*person) *custody.Act {
	s.f.t.Helper()
	st.Ledger, st.ID, st.Shipment, st.Parent = testOrigin, ledger.NewActID(), s.id, s.tip
	st.By, st.EventTimeMS = custody.Party{Person: by.id, Organisation: by.org}, 1_790_000_100_000+60_000*s.made
	s.made++
	a, err := custody.NewAct(st)
	if err != nil {
		s.f.t.Fatal(err)
	}
	a.Sign(by.key, by.id, custody.RoleActor, st.EventTimeMS, st.Head)
	for _, p := range second {
		a.Sign(p.key, p.id, custody.RoleSecond, st.EventTimeMS, st.Head)
	}
	if st.Kind.Claims() {
		s.tip = a.Hash()
	}
	return a
}

// act signs an act and enters it.
func (s *shipment) act(st custody.Statement, by *person, second ...*person) client.ActAnswer {
	s.f.t.Helper()
	a := s.make(st, by, second...)
	got, err := by.SubmitAct(s.f.t.Context(), a.Marshal())
	if err != nil {
		s.f.t.Fatalf("%s: %v", st.Kind, err)
	}
	if got.Standing != "applied" || !bytes.Equal(got.Tip[:], s.tip[:]) {
		s.f.t.Errorf("%s: standing %q, tip %s, want applied, %x", st.Kind, got.Standing, got.Tip, s.tip)
	}
	return got
}
