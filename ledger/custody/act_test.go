package custody_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/custody"
	"isotherm/ledger/profile"
)

// full is a statement with every field set; it is of no kind yet.
func full(t testing.TB, kind custody.Kind) custody.Statement {
	t.Helper()
	return custody.Statement{
		Ledger: origin, ID: ledger.ActID{1}, Kind: kind, Shipment: ledger.ShipmentID{9}, Parent: [32]byte{2}, EventTimeMS: startWall,
		By: party("driver"), To: party("pilot"), Head: head(t, 5), Box: ledger.BoxID{3}, Organ: custody.Kidney, Side: custody.SideLeft,
		From: "Hospital", Dest: "Center", Donor: donor("D1"), Profile: testProfile(), ColdMS: startWall - 1, Place: "Airport", Condition: "W",
		Seal: "A1", ValidMS: startWall + 1, Arrival: custody.Match, Result: custody.Redirected, Corrects: [32]byte{4}, Reason: "test",
	}
}

func TestNewAct_check(t *testing.T) {
	kinds := []custody.Kind{custody.Open, custody.StandDown, custody.Pack, custody.Release, custody.Accept, custody.Receive,
		custody.ArrivalCheck, custody.Outcome, custody.Close, custody.Correction}
	needs := func(which ...custody.Kind) map[custody.Kind]bool {
		m := map[custody.Kind]bool{}
		for _, k := range which {
			m[k] = true
		}
		return m
	}
	without := func(k custody.Kind) []custody.Kind {
		var out []custody.Kind
		for _, other := range kinds {
			if other != k {
				out = append(out, other)
			}
		}
		return out
	}
	badProfile := profile.Profile{Name: "upside down", Version: 1, ProbePlace: "organ", LowMC: 8000, HighMC: 4000}
	tests := []struct {
		name   string
		edit   func(s *custody.Statement)
		needed map[custody.Kind]bool // kinds that are refused without it; all others are taken
	}{
		{"all there", func(s *custody.Statement) {}, nil},
		{"no ledger", func(s *custody.Statement) { s.Ledger = "" }, needs(kinds...)},
		{"no id", func(s *custody.Statement) { s.ID = ledger.ActID{} }, needs(kinds...)},
		{"no shipment", func(s *custody.Statement) { s.Shipment = ledger.ShipmentID{} }, needs(kinds...)},
		{"nobody states it", func(s *custody.Statement) { s.By.Person = ledger.PersonID{} }, needs(kinds...)},
		{"no organisation", func(s *custody.Statement) { s.By.Organisation = "" }, nil},
		{"no parent", func(s *custody.Statement) { s.Parent = [32]byte{} }, needs(without(custody.Open)...)},
		{"no event time", func(s *custody.Statement) { s.EventTimeMS = 0 }, nil},
		{"no accepter", func(s *custody.Statement) { s.To = custody.Party{} }, needs(custody.Release)},
		{"organisation as accepter", func(s *custody.Statement) { s.To.Person = ledger.PersonID{} }, needs(custody.Release)},
		{"no head", func(s *custody.Statement) { s.Head = nil }, needs(custody.Pack)},
		{"no box", func(s *custody.Statement) { s.Box = ledger.BoxID{} }, needs(custody.Pack)},
		{"no profile", func(s *custody.Statement) { s.Profile = nil }, needs(custody.Pack)},
		{"profile that can't be read", func(s *custody.Statement) { s.Profile = []byte{0xA0} }, needs(custody.Pack)},
		{"profile that can't be judged by", func(s *custody.Statement) { s.Profile = badProfile.Marshal() }, needs(custody.Pack)},
		{"no organ", func(s *custody.Statement) { s.Organ = 0 }, needs(custody.Open)},
		{"no side", func(s *custody.Statement) { s.Side = 0 }, nil},
		{"no destination", func(s *custody.Statement) { s.Dest = "" }, needs(custody.Open)},
		{"no donor hospital", func(s *custody.Statement) { s.From = "" }, nil},
		{"no donor", func(s *custody.Statement) { s.Donor = [32]byte{} }, nil},
		{"no arrival code", func(s *custody.Statement) { s.Arrival = 0 }, needs(custody.ArrivalCheck)},
		{"no result", func(s *custody.Statement) { s.Result = 0 }, needs(custody.Outcome)},
		{"corrects nothing", func(s *custody.Statement) { s.Corrects = [32]byte{} }, needs(custody.Correction)},
		{"no reason", func(s *custody.Statement) { s.Reason = "" }, nil},
		{"no kind", func(s *custody.Statement) { s.Kind = 0 }, needs(kinds...)},
		{"later kind", func(s *custody.Statement) { s.Kind = 11 }, needs(kinds...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, k := range kinds {
				s := full(t, k)
				tt.edit(&s)
				if _, err := custody.NewAct(s); (err != nil) != tt.needed[k] {
					t.Errorf("%s: got %v, want an error: %t", k, err, tt.needed[k])
				}
			}
		})
	}
}

// signed returns an act of every kind, signed by its actor and a second person.
func signed(t testing.TB, kind custody.Kind) *custody.Act {
	t.Helper()
	a, err := custody.NewAct(full(t, kind))
	if err != nil {
		t.Fatal(err)
	}
	a.Sign(key("driver"), personID("driver"), custody.RoleActor, startWall, head(t, 6))
	a.Sign(key("coordinator"), personID("coordinator"), custody.RoleSecond, startWall+5, nil)
	return a
}

func TestParseAct(t *testing.T) {
	for kind := custody.Open; kind <= custody.Correction; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			want := signed(t, kind)
			b := want.Marshal()
			got, err := custody.ParseAct(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if got.Hash() != want.Hash() {
				t.Error("another hash")
			}
			if err := got.CheckSignatures(keyOf); err != nil {
				t.Error(err)
			}
			for n := range b {
				if _, err := custody.ParseAct(b[:n]); err == nil {
					t.Fatalf("the first %d bytes were taken", n)
				}
			}
			if _, err := custody.ParseAct(append(b, 0)); err == nil {
				t.Error("a byte after the end was taken")
			}
		})
	}
}

func TestParseAct_refuses(t *testing.T) {
	act := func(statement []byte) []byte {
		return cbor.AppendArray(cbor.AppendBytes(cbor.AppendArray(nil, 2), statement), 0)
	}
	edited := func(edit func(s *custody.Statement)) []byte {
		s := full(t, custody.Close)
		edit(&s)
		a, err := custody.NewAct(s)
		if err != nil {
			t.Fatal(err)
		}
		return a.Marshal()
	}
	good := signed(t, custody.Close).StatementBytes
	if _, err := custody.ParseAct(act(good)); err != nil {
		t.Fatal(err)
	}
	five := signed(t, custody.Close)
	for range 3 {
		five.Sign(key("pilot"), personID("pilot"), custody.RoleSecond, startWall, nil)
	}
	longHead := signed(t, custody.Close)
	longHead.Signatures[0].Head = make([]byte, 1025)
	tests := []struct {
		name string
		in   []byte
	}{
		{"empty", nil},
		{"empty statement", act(nil)},
		{"statement that is no map", act([]byte{0x80})},
		{"later version", act(bytes.Replace(good, []byte{0x01, 0x01, 0x02}, []byte{0x01, 0x02, 0x02}, 1))},
		{"no version", act(append([]byte{good[0], good[1] - 1}, good[4:]...))},
		{"byte after the statement", act(append(bytes.Clone(good), 0))},
		{"empty field, written out", act(append([]byte{0xAB}, shortWith(t, 13, 0x00)...))},
		{"unknown field", act(append([]byte{0xAB}, shortWith(t, 0x18, 27, 0x00)...))},
		{"five signatures", five.Marshal()},
		{"head of a signer too long", longHead.Marshal()},
		{"text too long", edited(func(s *custody.Statement) { s.Place = strings.Repeat("x", 201) })},
		{"text not UTF-8", edited(func(s *custody.Statement) { s.Place = "\xff" })},
		{"head too long", edited(func(s *custody.Statement) { s.Head = make([]byte, 1025) })},
		{"profile too long", edited(func(s *custody.Statement) { s.Profile = make([]byte, profile.MaxSize+1) })},
		{"over the limit", make([]byte, custody.MaxSize+1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a, err := custody.ParseAct(tt.in); err == nil {
				t.Errorf("got %+v, want an error", a.Statement)
			}
		})
	}
}

// shortWith returns the pairs of a short statement, with one pair of raw bytes after them.
func shortWith(t *testing.T, pair ...byte) []byte {
	t.Helper()
	a, err := custody.NewAct(custody.Statement{Ledger: origin, ID: ledger.ActID{1}, Kind: custody.Close, Shipment: ledger.ShipmentID{9},
		Parent: [32]byte{2}, EventTimeMS: startWall, By: party("driver"), Box: ledger.BoxID{3}, Organ: custody.Heart})
	if err != nil {
		t.Fatal(err)
	}
	if a.StatementBytes[0] != 0xAA {
		t.Fatalf("statement begins with %x, want a map of 10", a.StatementBytes[0])
	}
	return append(bytes.Clone(a.StatementBytes[1:]), pair...)
}

func TestAct_CheckSignatures_refuses(t *testing.T) {
	other := func(t *testing.T, edit func(s *custody.Statement)) *custody.Act {
		s := full(t, custody.Release)
		edit(&s)
		a, err := custody.NewAct(s)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	moved := func(edit func(s *custody.Statement)) func(t *testing.T, a *custody.Act) *custody.Act {
		return func(t *testing.T, a *custody.Act) *custody.Act {
			b := other(t, edit)
			b.Signatures = a.Signatures
			return b
		}
	}
	changed := func(edit func(s *custody.ActSignature)) func(t *testing.T, a *custody.Act) *custody.Act {
		return func(t *testing.T, a *custody.Act) *custody.Act {
			edit(&a.Signatures[0])
			return a
		}
	}
	tests := []struct {
		name  string
		edit  func(t *testing.T, a *custody.Act) *custody.Act
		isBad bool // refused by the signature itself
	}{
		{"moved to another statement", moved(func(s *custody.Statement) { s.Place = "elsewhere" }), true},
		{"moved to another act", moved(func(s *custody.Statement) { s.ID = ledger.ActID{8} }), true},
		{"moved to another shipment", moved(func(s *custody.Statement) { s.Shipment = ledger.ShipmentID{8} }), true},
		{"moved to another parent", moved(func(s *custody.Statement) { s.Parent = [32]byte{8} }), true},
		{"moved to another kind", moved(func(s *custody.Statement) { s.Kind = custody.Accept }), true},
		{"moved to another ledger", moved(func(s *custody.Statement) { s.Ledger = "isotherm/ledger/other" }), true},
		// The origin is in the signed bytes beside the hash: so much so that not even the same hash would do.
		{"another ledger named after signing", func(t *testing.T, a *custody.Act) *custody.Act {
			a.Statement.Ledger = "isotherm/ledger/other"
			return a
		}, true},
		{"other role", func(t *testing.T, a *custody.Act) *custody.Act {
			a.Signatures[1].Role = custody.RoleActor
			return a
		}, true},
		{"roles exchanged", func(t *testing.T, a *custody.Act) *custody.Act {
			a.Signatures[0].Role, a.Signatures[1].Role = a.Signatures[1].Role, a.Signatures[0].Role
			return a
		}, true},
		{"other time", changed(func(s *custody.ActSignature) { s.SignedAtMS++ }), true},
		{"other head", changed(func(s *custody.ActSignature) { s.Head = append(bytes.Clone(s.Head), ' ') }), true},
		{"no head", changed(func(s *custody.ActSignature) { s.Head = nil }), true},
		{"other person, own key", changed(func(s *custody.ActSignature) { s.Person = personID("pilot") }), false},
		{"other person, that person's key", changed(func(s *custody.ActSignature) {
			s.Person, s.Signature.Key = personID("pilot"), public(key("pilot"))
		}), true},
		{"unknown person", changed(func(s *custody.ActSignature) { s.Person = personID("nobody") }), false},
		{"changed signature", changed(func(s *custody.ActSignature) { s.Signature.Sig[0] ^= 1 }), true},
		{"signature of another kind", changed(func(s *custody.ActSignature) {
			s.Signature = ledger.Sign(key("driver"), "genesis", nil)
		}), true},
		{"wrong second signature", func(t *testing.T, a *custody.Act) *custody.Act {
			a.Signatures[1].SignedAtMS++
			return a
		}, true},
		{"no signatures", func(t *testing.T, a *custody.Act) *custody.Act { a.Signatures = nil; return a }, false},
		{"second person only", func(t *testing.T, a *custody.Act) *custody.Act { a.Signatures = a.Signatures[1:]; return a }, false},
		{"actor is not who states it", func(t *testing.T, a *custody.Act) *custody.Act {
			a.Signatures = nil
			a.Sign(key("pilot"), personID("pilot"), custody.RoleActor, startWall, nil)
			return a
		}, false},
	}
	if err := signed(t, custody.Release).CheckSignatures(keyOf); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.edit(t, signed(t, custody.Release)).CheckSignatures(keyOf)
			if err == nil {
				t.Fatal("was taken")
			}
			if got := errors.Is(err, ledger.ErrBadSignature); got != tt.isBad {
				t.Errorf("got %v, want ErrBadSignature: %t", err, tt.isBad)
			}
		})
	}
}

// A person may hold any key type one day; a nil key means unknown, also when the signature carries no key.
func TestAct_CheckSignatures_noKey(t *testing.T) {
	a := signed(t, custody.Release)
	a.Signatures[0].Signature.Key = nil
	if err := a.CheckSignatures(func(ledger.PersonID) ed25519.PublicKey { return nil }); err == nil {
		t.Error("a signature without key was taken for that of an unknown person")
	}
}

func TestAct_Hash(t *testing.T) {
	a := signed(t, custody.Release)
	bare, err := custody.NewAct(a.Statement)
	if err != nil {
		t.Fatal(err)
	}
	if a.Hash() != bare.Hash() {
		t.Error("the hash hangs on the signatures: no later act could cite it before all have signed")
	}
}

func TestNames(t *testing.T) {
	for o := custody.Heart; o <= custody.Intestine; o++ {
		if back, err := custody.ParseOrgan(o.String()); err != nil || back != o {
			t.Errorf("organ %s: got %s, %v", o, back, err)
		}
	}
	for s := custody.SideNone; s <= custody.SideBoth; s++ {
		if back, err := custody.ParseSide(s.String()); err != nil || back != s {
			t.Errorf("side %s: got %s, %v", s, back, err)
		}
	}
	for o := custody.Transplanted; o <= custody.NotReported; o++ {
		if back, err := custody.ParseOutcome(o.String()); err != nil || back != o {
			t.Errorf("outcome %s: got %s, %v", o, back, err)
		}
	}
	for _, name := range []string{"", "Heart", "heart ", "unknown(0)"} {
		if o, err := custody.ParseOrgan(name); err == nil {
			t.Errorf("organ %q: got %s, want an error", name, o)
		}
		if o, err := custody.ParseOutcome(name); err == nil {
			t.Errorf("outcome %q: got %s, want an error", name, o)
		}
	}
	if s, err := custody.ParseSide("Left"); err == nil {
		t.Errorf("side: got %s, want an error", s)
	}
	// A number of a later version is shown as such; it must not look like a known one, or fail.
	for _, s := range []string{custody.Organ(0).String(), custody.Organ(99).String(), custody.Side(4).String(), custody.ArrivalCode(0).String(),
		custody.OutcomeCode(5).String(), custody.Kind(0).String(), custody.Kind(11).String(), custody.Role(3).String(),
		custody.Standing(0).String(), custody.Phase(7).String()} {
		if !strings.HasPrefix(s, "unknown(") {
			t.Errorf("got %q, want 'unknown(number)'", s)
		}
	}
}

func TestHeadOf(t *testing.T) {
	if cp, ok := custody.HeadOf(head(t, 5)); !ok || cp.Size != 5 {
		t.Errorf("got %+v, %t, want size 5", cp, ok)
	}
	for name, b := range map[string][]byte{"empty": nil, "text": []byte("not a head"), "of a ledger": bytes.Replace(head(t, 5), []byte("isotherm/box"), []byte("isotherm/x"), 1)} {
		if cp, ok := custody.HeadOf(b); ok {
			t.Errorf("%s: got %+v, want none", name, cp)
		}
	}
}

func FuzzParseAct(f *testing.F) {
	for kind := custody.Open; kind <= custody.Correction; kind++ {
		f.Add(signed(f, kind).Marshal())
	}
	paths, err := filepath.Glob(filepath.Join("testdata", "*", "acts.txt"))
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, path := range paths {
		s := readScript(f, path)
		for _, name := range s.names {
			f.Add(s.acts[name].Marshal())
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := custody.ParseAct(b)
		if err != nil {
			return
		}
		if got := a.Marshal(); !bytes.Equal(got, b) {
			t.Errorf("got %x, want %x", got, b)
		}
		again, err := custody.NewAct(a.Statement)
		if err != nil || !bytes.Equal(again.StatementBytes, a.StatementBytes) {
			t.Errorf("statement: got %+v, %v, want %x", again, err, a.StatementBytes)
		}
		// Whatever is signed or not, following it must not panic.
		_ = a.CheckSignatures(keyOf)
		custody.Fold([]custody.Entered{{Act: a}, {Act: a, Index: 1}})
	})
}
