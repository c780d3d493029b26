package trip_test

import (
	"crypto/ed25519"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/merkle"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/ledger/trip"
)

const (
	origin    = "isotherm/ledger/test"
	startWall = int64(1_790_000_000_000) // Unix milliseconds
)

// key is the same in every run.
func (b *box) key() ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = b.number
	return ed25519.NewKeyFromSeed(seed)
}

func (b *box) id() ledger.BoxID { return ledger.BoxIDOf(b.key().Public().(ed25519.PublicKey)) }

func boxID() ledger.BoxID { return new(box).id() }

// incarnation is a journal in the making. Its records are 10 s apart, and follow one another on the box's clock.
type incarnation struct {
	trip.Journal
	box *box
}

// box makes the journals of one box, all in one power-on.
type box struct {
	t      testing.TB // for pack2
	number byte
	tick   int64 // of 10 s since startWall
	opened byte
	probes []record.Probe // one at 'organ' when nil
}

func (b *box) open() *incarnation {
	b.opened++
	probes := b.probes
	if probes == nil {
		probes = []record.Probe{{Number: 1, Place: "organ"}}
	}
	i := &incarnation{box: b, Journal: trip.Journal{Origin: record.Origin(b.id(), ledger.IncarnationID{b.number, b.opened}),
		Boot: &record.Boot{BootCount: uint64(b.opened), BootID: [16]byte{1 + b.number}, SampleMS: 10_000, Probes: probes}}}
	i.add(record.Record{Kind: record.KindBoot, Boot: i.Boot})
	return i
}

func (i *incarnation) add(r record.Record) {
	r.Seq = uint64(len(i.Records))
	r.At = record.Stamp{MonoMS: uint64(i.box.tick) * 10_000, WallMS: startWall + i.box.tick*10_000, Quality: record.ClockNTP}
	i.box.tick++
	i.Records = append(i.Records, &r)
}

func (i *incarnation) read(n int, tempMC int32) {
	for range n {
		i.add(record.Record{Kind: record.KindReading, Reading: &record.Reading{Samples: []record.Sample{{Probe: 1, TempMC: tempMC}}}})
	}
}

// head is a signed head of the journal at a size.
func (i *incarnation) head(t testing.TB, size int) []byte {
	t.Helper()
	signed, err := merkle.Sign(merkle.Checkpoint{Origin: i.Origin, Size: int64(size), Root: tlog.RecordHash(fmt.Append(nil, size))}, i.box.key())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// end is the head after the newest record.
func (i *incarnation) end(t testing.TB) []byte { return i.head(t, len(i.Records)) }

// from drops the records before a place, as a bundle does.
func (i *incarnation) from(seq int) trip.Journal {
	j := i.Journal
	j.From, j.Records = int64(seq), j.Records[seq:]
	return j
}

func party(name string) custody.Party {
	var p custody.Party
	copy(p.Person[:], name)
	p.Organisation = name
	return p
}

// acts makes a state from statements, each following the one before.
func acts(t *testing.T, statements ...custody.Statement) *custody.State {
	t.Helper()
	var entered []custody.Entered
	var tip [32]byte
	for n, s := range statements {
		s.Ledger, s.ID, s.Shipment, s.Parent = origin, ledger.ActID{byte(n + 1)}, ledger.ShipmentID{9}, tip
		a, err := custody.NewAct(s)
		if err != nil {
			t.Fatal(err)
		}
		tip = a.Hash()
		entered = append(entered, custody.Entered{Act: a, Index: int64(n)})
	}
	return custody.Fold(entered)
}

func at(s custody.Statement, second int64) custody.Statement {
	s.EventTimeMS = startWall + second*1000
	return s
}

func open() custody.Statement {
	return custody.Statement{Kind: custody.Open, By: party("coordinator"), Organ: custody.Heart, Dest: "Center"}
}

func pack(head []byte) custody.Statement {
	p := profile.Profile{Name: "test", Version: 1, ProbePlace: "organ", LowMC: 4000, HighMC: 8000, SettleMS: 600_000,
		Rules: []profile.Rule{{Name: "too cold", Kind: profile.Below, Severity: profile.High, LimitMC: 4000, DelayMS: 60_000},
			{Name: "silence", Kind: profile.Silent, Severity: profile.Medium, DelayMS: 3_600_000}}}
	return custody.Statement{Kind: custody.Pack, By: party("driver"), Box: boxID(), Head: head, Profile: p.Marshal()}
}

func release(who, to string, head []byte) custody.Statement {
	return custody.Statement{Kind: custody.Release, By: party(who), To: party(to), Head: head}
}

// move moves the organ into another box.
func move(who string, head []byte, to *incarnation, newHead []byte) custody.Statement {
	return custody.Statement{Kind: custody.Move, By: party(who), Head: head, Segment: custody.MovedBox, NewBox: to.box.id(), NewHead: newHead}
}

func openBox(head []byte) custody.Statement {
	return custody.Statement{Kind: custody.OpenBox, By: party("nurse"), Head: head}
}

func accept(who string, head []byte) custody.Statement {
	return custody.Statement{Kind: custody.Accept, By: party(who), Head: head}
}

func receive(head []byte) custody.Statement {
	return custody.Statement{Kind: custody.Receive, By: party("nurse"), Head: head}
}

// spans and shares are what an assessment says of custody, in words.
func spans(a *trip.Assessment) []string {
	var out []string
	for _, s := range a.Spans {
		who := s.Custodian.Party.Organisation
		if s.Unconfirmed != nil {
			who += ", not confirmed by " + s.Unconfirmed.Organisation
		}
		if s.Custodian.Disputed {
			who += ", disputed"
		}
		out = append(out, fmt.Sprintf("%s from %d s to %d s, %d s out", who, s.FromMS/1000, s.ToMS/1000, s.OutMS/1000))
	}
	return out
}

func shares(a *trip.Assessment) []string {
	var out []string
	for _, x := range a.Excursions {
		for _, h := range x.Held {
			who := h.Party.Organisation
			if h.Unconfirmed != nil {
				who += ", not confirmed by " + h.Unconfirmed.Organisation
			}
			out = append(out, fmt.Sprintf("%s: %s %d s of %d s", x.Rule.Name, who, h.MS/1000, x.DurationMS()/1000))
		}
	}
	return out
}

func assess(t *testing.T, state *custody.State, journals ...trip.Journal) *trip.Assessment {
	t.Helper()
	a, err := trip.Assess(state, journals)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func check(t *testing.T, a *trip.Assessment, wantSpans, wantShares []string) {
	t.Helper()
	if d := cmp.Diff(wantSpans, spans(a)); d != "" {
		t.Errorf("spans: %s", d)
	}
	if d := cmp.Diff(wantShares, shares(a)); d != "" {
		t.Errorf("shares: %s", d)
	}
}
