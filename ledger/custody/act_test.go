package custody_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"math"
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
	zone := int32(-300)
	return custody.Statement{
		Ledger: origin, ID: ledger.ActID{1}, Kind: kind, Shipment: ledger.ShipmentID{9}, Parent: [32]byte{2}, EventTimeMS: startWall,
		By: party("driver"), To: custody.Party{Person: personID("pilot"), Organisation: "North-Air", Desk: "Cargo"}, Head: head(t, 5), Box: ledger.BoxID{3},
		Organ: custody.Kidney, Side: custody.SideLeft, ABO: custody.ABOA1B, From: "Hospital", Dest: "Center", FromPhone: "555-0199", DestPhone: "555-0100",
		Donor: donor("D1"), Profile: testProfile(), ColdMS: startWall - 1, Space: "left", Packaging: custody.IceBox, LabelCheck: custody.LabelTwoKeys,
		Legs: []custody.Leg{{From: "OPO", To: "Airport", Mode: custody.Road, DepartMS: startWall, ArriveMS: startWall + 1, Start: custody.Position{LatE7: 1, LonE7: -2},
			End: custody.Position{LatE7: -3, LonE7: 4}, RadiusM: 500}, {From: "Airport", To: "Center", Mode: custody.Flight}},
		Place: "Airport", Position: &custody.Position{LatE7: -900_000_000, LonE7: 1_800_000_000}, Condition: "SB XREF", Seal: "A1", ValidMS: startWall + 1,
		Evidence: custody.OneSide, Arrival: custody.Match, Result: custody.Redirected, Cites: [32]byte{4}, SaysTimeMS: startWall - 2,
		Segment: custody.MovedBox, NewBox: boxID("box2"), NewHead: headOf(t, "box2", 1, 7), Leg: 2, LegState: custody.Arrived,
		Preservation: custody.ColdPerfused, Reason: custody.Refused, Reference: "AWB 123-45678901", Zone: &zone, TimeErrorMS: 60_000,
	}
}

func TestNewAct_check(t *testing.T) {
	var kinds []custody.Kind
	for k := custody.Open; k <= custody.OpenBox; k++ {
		kinds = append(kinds, k)
	}
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
		{"organisation as accepter", func(s *custody.Statement) { s.To = custody.Party{Organisation: "North-Air"} }, nil},
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
		{"cites nothing", func(s *custody.Statement) { s.Cites = [32]byte{} }, needs(custody.Correction, custody.Ruling)},
		{"no reason", func(s *custody.Statement) { s.Reason = 0 }, needs(custody.AdverseEvent)},
		{"no reference", func(s *custody.Statement) { s.Reference = "" }, nil},
		{"no change", func(s *custody.Statement) { s.Segment = 0 }, needs(custody.Move)},
		{"no new box", func(s *custody.Statement) { s.NewBox = ledger.BoxID{} }, needs(custody.Move)},
		{"no head of the new box", func(s *custody.Statement) { s.NewHead = nil }, needs(custody.Move)},
		{"no new box, but no tracker either", func(s *custody.Statement) {
			s.Segment, s.NewBox, s.NewHead = custody.NoTracker, ledger.BoxID{}, nil
		}, nil},
		{"no leg", func(s *custody.Statement) { s.Leg = 0 }, needs(custody.Waypoint)},
		{"no state of the leg", func(s *custody.Statement) { s.LegState = 0 }, needs(custody.Waypoint)},
		{"no preservation", func(s *custody.Statement) { s.Preservation = 0 }, needs(custody.Preserve)},
		{"codes of a later version", func(s *custody.Statement) {
			s.Reason, s.Evidence, s.Packaging, s.LabelCheck, s.ABO, s.Condition = 200, 200, 200, 200, 200, "ZZ"
		}, nil},
		{"no kind", func(s *custody.Statement) { s.Kind = 0 }, needs(kinds...)},
		{"later kind", func(s *custody.Statement) { s.Kind = custody.OpenBox + 1 }, needs(kinds...)},
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

// Times from 1970 to 9999, zones of the earth: no sum of such numbers overflows.
func TestNewAct_times(t *testing.T) {
	const lastMS = 253_402_300_799_999
	tests := []struct {
		name string
		edit func(s *custody.Statement)
		good bool
	}{
		{"first moment of time", func(s *custody.Statement) {
			s.EventTimeMS, s.ColdMS, s.ValidMS, s.SaysTimeMS, s.TimeErrorMS = 0, 0, 0, 0, 0
		}, true},
		{"last moment of time", func(s *custody.Statement) {
			s.EventTimeMS, s.ColdMS, s.ValidMS, s.SaysTimeMS, s.TimeErrorMS = lastMS, lastMS, lastMS, lastMS, lastMS
		}, true},
		{"event time before 1970", func(s *custody.Statement) { s.EventTimeMS = -1 }, false},
		{"event time after 9999", func(s *custody.Statement) { s.EventTimeMS = lastMS + 1 }, false},
		{"cold start after 9999", func(s *custody.Statement) { s.ColdMS = math.MaxInt64 }, false},
		{"offer valid before 1970", func(s *custody.Statement) { s.ValidMS = math.MinInt64 }, false},
		{"right time before 1970", func(s *custody.Statement) { s.SaysTimeMS = -1 }, false},
		{"negative time error", func(s *custody.Statement) { s.TimeErrorMS = -1 }, false},
		{"leg that departs before 1970", func(s *custody.Statement) { s.Legs = []custody.Leg{{DepartMS: -1}} }, false},
		{"leg that arrives after 9999", func(s *custody.Statement) { s.Legs = []custody.Leg{{ArriveMS: lastMS + 1}} }, false},
		{"easternmost zone", func(s *custody.Statement) { *s.Zone = 14 * 60 }, true},
		{"zone beyond", func(s *custody.Statement) { *s.Zone = 14*60 + 1 }, false},
		{"westernmost zone", func(s *custody.Statement) { *s.Zone = -14 * 60 }, true},
		{"zone beyond the west", func(s *custody.Statement) { *s.Zone = -14*60 - 1 }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := full(t, custody.Pack)
			tt.edit(&s)
			if _, err := custody.NewAct(s); (err == nil) != tt.good {
				t.Errorf("got %v, want it taken: %t", err, tt.good)
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
	for kind := custody.Open; kind <= custody.OpenBox; kind++ {
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
	signedAt := func(ms int64) []byte {
		a := signed(t, custody.Close)
		a.Sign(key("pilot"), personID("pilot"), custody.RoleSecond, ms, nil)
		return a.Marshal()
	}
	if _, err := custody.ParseAct(signedAt(253_402_300_799_999)); err != nil {
		t.Fatal(err)
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
		{"unknown field", act(append([]byte{0xAB}, shortWith(t, 0x18, 46, 0x00)...))},
		{"five signatures", five.Marshal()},
		{"head of a signer too long", longHead.Marshal()},
		{"text too long", edited(func(s *custody.Statement) { s.Place = strings.Repeat("x", 201) })},
		{"text not UTF-8", edited(func(s *custody.Statement) { s.Place = "\xff" })},
		{"head too long", edited(func(s *custody.Statement) { s.Head = make([]byte, 1025) })},
		{"profile too long", edited(func(s *custody.Statement) { s.Profile = make([]byte, profile.MaxSize+1) })},
		{"signed before 1970", signedAt(-1)},
		{"signed after 9999", signedAt(253_402_300_800_000)},
		{"17 legs", edited(func(s *custody.Statement) { s.Legs = make([]custody.Leg, 17) })},
		{"leg 17", edited(func(s *custody.Statement) { s.Leg = 17 })},
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
	for kind := custody.Open; kind <= custody.OpenBox; kind++ {
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
