// Package storetest makes commands for tests of the ledger's state and its replication: a genesis, boxes, batches of their
// journals, acts. What it makes depends on its arguments only, so that a failing test can be run again.
package storetest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// Origin is the origin of the ledgers of tests.
const Origin = "ledger.test/isotherm"

// Key returns the private key of a name.
func Key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Public returns the public key of a name.
func Public(name string) ed25519.PublicKey { return Key(name).Public().(ed25519.PublicKey) }

// Genesis returns the genesis with the nodes as cosigners; their cosigning keys are Key(name), the log's is Key("log").
func Genesis(nodes ...string) *entry.Genesis {
	g := &entry.Genesis{Origin: Origin, LogKey: Public("log"), CreatedMS: 1}
	for _, name := range nodes {
		g.Cosigners = append(g.Cosigners, merkle.CosignerKey{Name: name, Key: Public(name)})
	}
	g.Sign(Key("operator"))
	return g
}

// Entry returns an entry in the clear. Its salt is zeros.
func Entry(kind entry.Kind, payload []byte, subjects ...entry.Subject) *command.Entry {
	salted := append(make([]byte, entry.SaltSize), payload...)
	return &command.Entry{Kind: kind, RecordTimeMS: 1_790_000_000_000, Node: "test", Subjects: subjects,
		Commitment: entry.Commit(salted), Stored: salted}
}

// GenesisCommand returns the command of entry 0.
func GenesisCommand(g *entry.Genesis) *command.Command {
	return &command.Command{Entry: Entry(entry.KindGenesis, g.Marshal(), entry.Policy)}
}

// Act returns the command of a custody act of a case. Both are numbers.
func Act(act, shipment int) *command.Command {
	id, of := ledger.ActID{1, byte(act >> 8), byte(act)}, ledger.ShipmentID{2, byte(shipment >> 8), byte(shipment)}
	return &command.Command{Entry: Entry(entry.KindAct, fmt.Appendf(nil, "act %d", act), entry.Case(of)), Dedup: &id}
}

// Box is a box with one incarnation of its journal.
type Box struct {
	Key         ed25519.PrivateKey
	ID          ledger.BoxID
	Incarnation ledger.IncarnationID
	Size        int64 // records that were made
	frontier    merkle.Frontier
	batches     []Batch
}

// Batch is a batch that a box made, with the parts of its command.
type Batch struct {
	From, To int64
	Root     tlog.Hash
	Head     []byte
	Records  [][]byte
}

// NewBox returns the box of a name.
func NewBox(name string) *Box {
	b := &Box{Key: Key(name), ID: ledger.BoxIDOf(Public(name))}
	sum := sha256.Sum256([]byte("incarnation of " + name))
	b.Incarnation = ledger.IncarnationID(sum[:ledger.IDSize])
	return b
}

// Origin returns the origin of the box's journal.
func (b *Box) Origin() string { return record.Origin(b.ID, b.Incarnation) }

// Enrol returns the command that makes the box known.
func (b *Box) Enrol() *command.Command {
	pub := b.Key.Public().(ed25519.PublicKey)
	payload := (&entry.BoxEnrolled{Key: pub, Label: "test"}).Marshal()
	return &command.Command{Entry: Entry(entry.KindBoxEnrolled, payload, entry.Box(b.ID)), Box: &command.Box{ID: b.ID, Key: pub}}
}

// Next makes n more records and returns the command of their batch.
func (b *Box) Next(t testing.TB, n int) *command.Command {
	t.Helper()
	made := Batch{From: b.Size, To: b.Size + int64(n)}
	for seq := made.From; seq < made.To; seq++ {
		raw, err := b.record(uint64(seq)).Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		b.frontier.Append(tlog.RecordHash(raw))
		made.Records = append(made.Records, raw)
	}
	made.Root = b.frontier.Root()
	var err error
	made.Head, err = merkle.Sign(merkle.Checkpoint{Origin: b.Origin(), Size: made.To, Root: made.Root}, b.Key)
	if err != nil {
		t.Fatal(err)
	}
	b.Size = made.To
	b.batches = append(b.batches, made)
	return b.Command(t, made)
}

// Made returns the batches made so far.
func (b *Box) Made() []Batch { return b.batches }

// Command returns the command of a batch as the door makes it.
func (b *Box) Command(t testing.TB, made Batch) *command.Command {
	t.Helper()
	wire, err := batch.Encode(b.Origin(), made.From, made.Records, made.Head)
	if err != nil {
		t.Fatal(err)
	}
	payload := (&entry.Advance{Origin: b.Origin(), From: made.From, To: made.To, Root: made.Root, Head: made.Head}).Marshal()
	e := Entry(entry.KindJournalAdvance, payload, entry.Journal(b.Incarnation))
	if made.From == 0 {
		e = Entry(entry.KindJournalOpened, payload, entry.Box(b.ID), entry.Journal(b.Incarnation))
	}
	return &command.Command{Entry: e, Batch: wire}
}

func (b *Box) record(seq uint64) *record.Record {
	r := &record.Record{Seq: seq, At: record.Stamp{MonoMS: seq * 10_000, WallMS: 1_790_000_000_000 + int64(seq)*10_000, Quality: record.ClockGNSS}}
	if seq == 0 {
		r.Kind, r.Boot = record.KindBoot, &record.Boot{Key: b.Key.Public().(ed25519.PublicKey), Incarnation: b.Incarnation, Software: "test"}
		return r
	}
	r.Kind = record.KindReading
	r.Reading = &record.Reading{Samples: []record.Sample{{Probe: 0, TempMC: 4000 + int32(seq%7)*62}, {Probe: 1, TempMC: 4500}}}
	return r
}

// Wrong returns the batch with another root in its signed head.
func (b *Box) Wrong(t testing.TB, made Batch) Batch {
	t.Helper()
	made.Root[0] ^= 1
	var err error
	made.Head, err = merkle.Sign(merkle.Checkpoint{Origin: b.Origin(), Size: made.To, Root: made.Root}, b.Key)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// Open opens the state at a path; when the test ends, it checks it whole and closes it.
func Open(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Check(); err != nil {
			t.Errorf("check after the test: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Logs numbers commands as raft entries from an index, all in term 1.
func Logs(from uint64, commands ...*command.Command) []store.Log {
	logs := make([]store.Log, len(commands))
	for i, c := range commands {
		logs[i] = store.Log{Index: from + uint64(i), Term: 1, Command: c}
	}
	return logs
}
