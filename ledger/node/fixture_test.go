package node

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/batch"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/ledger/replica"
	"isotherm/ledger/seal"
	"isotherm/ledger/store"
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
	genesis []byte
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
	f := &fixture{t: t, replica: &cutOff{Replica: r}, pin: trust.Pin, genesis: g.Marshal()}
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
	admin.By = ledger.PersonID{}
	admin.Sign(key("operator"))
	f.admin = as(admin)
	err = f.Bootstrap(ctx, Bootstrap{Genesis: g.Marshal(), Admin: admin, TokenHash: TokenHash("x"), TokenExpiry: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// as is a session of somebody.
func as(card *entry.PersonCard) Principal {
	return Principal{Person: card.Person, Organisation: card.Organisation, Role: card.Role, Expires: time.Now().Add(time.Hour), Credential: CredentialSession,
		Scopes: access.AllScopes}
}

// someone is the card of somebody new, signed by the administrator. Their organisation and their key have their name.
func (f *fixture) someone(name string, role entry.Role) *entry.PersonCard {
	c := &entry.PersonCard{Ledger: testOrigin, Person: ledger.NewPersonID(), Version: 1, Name: name, Organisation: name, Role: role, Key: public(key(name)),
		Why: entry.CardEnrolled, By: f.admin.Person}
	c.Sign(key("Admin"))
	return c
}

func (f *fixture) enrol(name string, role entry.Role) *entry.PersonCard {
	f.t.Helper()
	c := f.someone(name, role)
	if _, err := f.EnrolPerson(f.t.Context(), f.admin, c); err != nil {
		f.t.Fatal(err)
	}
	return c
}

// next is the card after old with an edit, signed by the administrator.
func (f *fixture) next(old *entry.PersonCard, why entry.CardReason, edit func(*entry.PersonCard)) *entry.PersonCard {
	c := *old
	c.Version, c.Why, c.By = old.Version+1, why, f.admin.Person
	if edit != nil {
		edit(&c)
	}
	c.Sign(key("Admin"))
	return &c
}

// change enters the card after old.
func (f *fixture) change(old *entry.PersonCard, why entry.CardReason, edit func(*entry.PersonCard)) *entry.PersonCard {
	f.t.Helper()
	c := f.next(old, why, edit)
	if _, err := f.ChangePerson(f.t.Context(), f.admin, c, false); err != nil {
		f.t.Fatal(err)
	}
	return c
}

// sign makes an act.
func (f *fixture) sign(st custody.Statement, by *entry.PersonCard, parent *custody.Act) *custody.Act {
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

// chain returns the payloads of a subject's entries of a kind, newest first.
func (f *fixture) chain(s entry.Subject, kind entry.Kind) [][]byte {
	f.t.Helper()
	var out [][]byte
	err := f.replica.View(func(v *store.View) error {
		for _, index := range v.Chain(s) {
			leaf, payload, err := f.open(v, index)
			if err != nil {
				return err
			}
			if leaf.Kind == kind {
				out = append(out, payload)
			}
		}
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

// accountNow returns somebody's account.
func (f *fixture) accountNow(id ledger.PersonID) (a *account, err error) {
	err = f.replica.View(func(v *store.View) error {
		a, err = f.account(v, id)
		return err
	})
	return a, err
}

func testProfile(t *testing.T) []byte {
	t.Helper()
	p, ok := profile.Default("chs-4-8")
	if !ok {
		t.Fatal("no default profile chs-4-8")
	}
	return p.Marshal()
}

// clock is a time that only a test moves. What a node enters beside its answers reads it too.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time { return time.UnixMilli(c.ms.Load()) }

func (c *clock) add(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// clock makes the node go by a clock that stands at the time it is.
func (f *fixture) clock() *clock {
	c := &clock{}
	c.ms.Store(time.Now().UnixMilli())
	f.now = c.now
	return c
}
