package entry_test

import (
	"bytes"
	"crypto/ed25519"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/entry"
)

// key returns a key that is the same in every run.
func key(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

const origin = "isotherm/ledger/test"

func leaves() map[string]*entry.Leaf {
	return map[string]*entry.Leaf{
		"bare":    {Kind: entry.KindGenesis},
		"later":   {Kind: math.MaxUint16, RecordTimeMS: math.MinInt64, Node: strings.Repeat("n", 64), Commitment: [32]byte{1}},
		"one":     {Kind: entry.KindAct, RecordTimeMS: 1_790_000_000_000, Node: "node-1", Links: []entry.Link{{Subject: entry.Case(ledger.ShipmentID{9}), Count: 1, Prev: entry.NoPrev}}},
		"several": several(),
		"export":  observing(),
	}
}

func several() *entry.Leaf {
	return &entry.Leaf{Kind: entry.KindExport, RecordTimeMS: 5, Node: "node-1", Commitment: [32]byte{31: 1}, Links: []entry.Link{
		{Subject: entry.Case(ledger.ShipmentID{8}), Count: 2, Prev: 0},
		{Subject: entry.Case(ledger.ShipmentID{9}), Count: math.MaxUint64, Prev: 1<<62 - 1},
		{Subject: entry.Box(ledger.BoxID{1}), Count: 1, Prev: entry.NoPrev},
		{Subject: entry.Person(ledger.PersonID{1}), Count: 3, Prev: 24},
		{Subject: entry.Policy, Count: 1, Prev: entry.NoPrev},
		{Subject: entry.Journal(ledger.IncarnationID{1}), Count: 1, Prev: entry.NoPrev},
	}}
}

// observing is an export that lengthens one chain and names the ends of two.
func observing() *entry.Leaf {
	return &entry.Leaf{Kind: entry.KindExport, RecordTimeMS: 5, Node: "node-1",
		Links: []entry.Link{{Subject: entry.Case(ledger.ShipmentID{8}), Count: 2, Prev: 0}},
		Observed: []entry.Link{
			{Subject: entry.Box(ledger.BoxID{1}), Count: 3, Prev: 0},
			{Subject: entry.Policy, Count: 1, Prev: 0},
		}}
}

func TestParseLeaf_refusesObserved(t *testing.T) {
	for name, edit := range map[string]func(l *entry.Leaf){
		"out of order":  func(l *entry.Leaf) { l.Observed[0], l.Observed[1] = l.Observed[1], l.Observed[0] },
		"twice":         func(l *entry.Leaf) { l.Observed[1] = l.Observed[0] },
		"touched too":   func(l *entry.Leaf) { l.Observed[0].Subject = l.Links[0].Subject },
		"empty chain":   func(l *entry.Leaf) { l.Observed[0].Count = 0 },
		"without index": func(l *entry.Leaf) { l.Observed[0].Prev = entry.NoPrev },
	} {
		l := observing()
		edit(l)
		if _, err := entry.ParseLeaf(l.Marshal()); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestLeaf_Covers(t *testing.T) {
	l := observing()
	for _, s := range []entry.Subject{entry.Case(ledger.ShipmentID{8}), entry.Box(ledger.BoxID{1}), entry.Policy} {
		if !l.Covers(s) {
			t.Errorf("%s is not covered", s)
		}
	}
	if l.Covers(entry.Box(ledger.BoxID{2})) || l.Link(entry.Policy) != nil {
		t.Error("it covers another box, or touches what it observes")
	}
}

func TestLeaf_Marshal(t *testing.T) {
	for name, want := range leaves() {
		t.Run(name, func(t *testing.T) {
			b := want.Marshal()
			got, err := entry.ParseLeaf(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			for n := range b {
				if _, err := entry.ParseLeaf(b[:n]); err == nil {
					t.Fatalf("the first %d bytes were taken", n)
				}
			}
			if _, err := entry.ParseLeaf(append(b, 0)); err == nil {
				t.Error("a byte after the end was taken")
			}
		})
	}
}

func TestParseLeaf_refuses(t *testing.T) {
	edited := func(edit func(l *entry.Leaf)) []byte {
		l := several()
		edit(l)
		return l.Marshal()
	}
	many := func(n int) []byte {
		l := &entry.Leaf{Kind: entry.KindExport}
		for i := range n {
			l.Links = append(l.Links, entry.Link{Subject: entry.Subject{Kind: entry.SubjectCase, ID: [16]byte{byte(i >> 8), byte(i)}}, Count: 1, Prev: entry.NoPrev})
		}
		return l.Marshal()
	}
	if _, err := entry.ParseLeaf(many(entry.MaxLinks)); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		in   []byte
	}{
		{"links out of order by ID", edited(func(l *entry.Leaf) { l.Links[0], l.Links[1] = l.Links[1], l.Links[0] })},
		{"links out of order by kind", edited(func(l *entry.Leaf) { l.Links[2], l.Links[3] = l.Links[3], l.Links[2] })},
		{"subject twice", edited(func(l *entry.Leaf) { l.Links[1].Subject = l.Links[0].Subject })},
		{"first, but with a previous entry", edited(func(l *entry.Leaf) { l.Links[0].Count = 1 })},
		{"second, but without a previous entry", edited(func(l *entry.Leaf) { l.Links[0].Prev = entry.NoPrev })},
		{"count 0", edited(func(l *entry.Leaf) { l.Links[2].Count = 0 })},
		{"count 0 with a previous entry", edited(func(l *entry.Leaf) { l.Links[0].Count = 0 })},
		{"previous entry below -1", edited(func(l *entry.Leaf) { l.Links[0].Prev = -2 })},
		{"previous entry over 2^62", edited(func(l *entry.Leaf) { l.Links[0].Prev = 1 << 62 })},
		{"long name of a node", edited(func(l *entry.Leaf) { l.Node = strings.Repeat("n", 65) })},
		{"name of a node not UTF-8", edited(func(l *entry.Leaf) { l.Node = "\xff" })},
		{"129 links", many(entry.MaxLinks + 1)},
		{"later version", bytes.Replace(several().Marshal(), []byte{0xA6, 0x01, 0x01}, []byte{0xA6, 0x01, 0x02}, 1)},
		{"no version", append([]byte{0xA5}, several().Marshal()[3:]...)},
		{"link of two", leafWithLink(cbor.AppendBytes([]byte{0x82, 0x01}, make([]byte, 16)))},
		{"link of five", leafWithLink(append(cbor.AppendBytes([]byte{0x85, 0x01}, make([]byte, 16)), 2, 1, 0))},
		{"empty", nil},
		{"over the limit", make([]byte, entry.MaxLeaf+1)},
	}
	if _, err := entry.ParseLeaf(leafWithLink(append(cbor.AppendBytes([]byte{0x83, 0x01}, make([]byte, 16)), 1))); err != nil {
		t.Fatalf("the test's own leaf is wrong: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if l, err := entry.ParseLeaf(tt.in); err == nil {
				t.Errorf("got %+v, want an error", l)
			}
		})
	}
}

// leafWithLink is a bare leaf with one link of raw bytes.
func leafWithLink(link []byte) []byte {
	b := (&entry.Leaf{Kind: entry.KindAct}).Marshal()
	return bytes.Replace(b, []byte{0x05, 0x80}, append([]byte{0x05, 0x81}, link...), 1)
}

// The largest leaf there can be must fit into what a tile of entries can hold.
func TestLeaf_largest(t *testing.T) {
	l := &entry.Leaf{Kind: math.MaxUint16, RecordTimeMS: math.MinInt64, Node: strings.Repeat("n", 64)}
	for i := range entry.MaxLinks {
		l.Links = append(l.Links, entry.Link{Subject: entry.Subject{Kind: 255, ID: [16]byte{byte(i)}}, Count: math.MaxUint64, Prev: 1<<62 - 1})
	}
	if b := l.Marshal(); len(b) > entry.MaxLeaf {
		t.Errorf("got %d bytes, more than the limit of %d", len(b), entry.MaxLeaf)
	} else if _, err := entry.ParseLeaf(b); err != nil {
		t.Error(err)
	}
}

func TestLeaf_Payload(t *testing.T) {
	payload := []byte("what concerns a person")
	salted := entry.Salted(payload)
	l := &entry.Leaf{Commitment: entry.Commit(salted)}
	got, err := l.Payload(salted)
	if err != nil || !bytes.Equal(got, payload) {
		t.Fatalf("got %q, %v, want %q", got, err, payload)
	}
	if again := entry.Salted(payload); bytes.Equal(again, salted) {
		t.Error("the same salt twice: equal payloads would show as equal")
	}
	empty := entry.Salted(nil)
	if got, err := (&entry.Leaf{Commitment: entry.Commit(empty)}).Payload(empty); err != nil || len(got) != 0 {
		t.Errorf("empty payload: got %x, %v", got, err)
	}
	long := make([]byte, entry.SaltSize+entry.MaxPayload+1)
	changed := bytes.Clone(salted)
	changed[0] ^= 1
	for name, tt := range map[string]struct {
		leaf   *entry.Leaf
		salted []byte
	}{
		"nothing":           {l, nil},
		"shorter than salt": {&entry.Leaf{Commitment: entry.Commit(salted[:15])}, salted[:15]},
		"too long":          {&entry.Leaf{Commitment: entry.Commit(long)}, long},
		"other salt":        {l, changed},
		"byte more":         {l, append(bytes.Clone(salted), 0)},
	} {
		if got, err := tt.leaf.Payload(tt.salted); err == nil {
			t.Errorf("%s: got %x, want an error", name, got)
		}
	}
}

func TestLeaf_Link(t *testing.T) {
	l := several()
	if got := l.Link(entry.Person(ledger.PersonID{1})); got == nil || got.Count != 3 {
		t.Errorf("got %+v, want count 3", got)
	}
	// The same 16 bytes name different things under different kinds.
	if got := l.Link(entry.Subject{Kind: entry.SubjectPerson, ID: [16]byte{8}}); got != nil {
		t.Errorf("got %+v, want none", got)
	}
}

func TestCompareSubjects(t *testing.T) {
	links := several().Links
	for i, a := range links {
		for j, b := range links {
			got := entry.CompareSubjects(a.Subject, b.Subject)
			if want := i - j; got > 0 != (want > 0) || got < 0 != (want < 0) {
				t.Errorf("%s and %s: got %d", a.Subject, b.Subject, got)
			}
		}
	}
}

func FuzzParseLeaf(f *testing.F) {
	for _, l := range leaves() {
		f.Add(l.Marshal())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := entry.ParseLeaf(b)
		if err != nil {
			return
		}
		if got := l.Marshal(); !bytes.Equal(got, b) {
			t.Errorf("got %x, want %x", got, b)
		}
	})
}
