package custody_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
)

// pagesVectors is what the pages' own encoder is held against: they sign in a browser, in another language.
var pagesVectors = filepath.Join("..", "..", "api", "web", "src", "sign", "testdata", "acts.json")

type vectors struct {
	Comment    string             `json:"comment"`
	Acts       []actVector        `json:"acts"`
	Statements []statementVector  `json:"statements"`
	Refused    []refusedVector    `json:"refused"`
	People     []cardVector       `json:"people"`
	Companies  []cardVector       `json:"organisations"`
	Names      map[string][]named `json:"names"`
	Reasons    map[string][]int   `json:"reasons"`
}

type statementVector struct {
	Name      string         `json:"name"`
	Statement map[string]any `json:"statement"`
	Bytes     string         `json:"bytes"`
	Hash      string         `json:"hash"`
}

type actVector struct {
	statementVector
	Signers []signerVector `json:"signers"`
	Act     string         `json:"act"`
}

type signerVector struct {
	Role       uint8  `json:"role"`
	Person     string `json:"person"`
	Seed       string `json:"seed"`
	SignedAtMS int64  `json:"signedAtMS"`
	Head       string `json:"head"`
}

type refusedVector struct {
	Why string `json:"why"`
	Act string `json:"act"`
}

type cardVector struct {
	Fields map[string]any `json:"fields"`
	Seed   string         `json:"seed"`
	Bytes  string         `json:"bytes"`
}

type named struct {
	Number int    `json:"number"`
	Name   string `json:"name"`
}

// TestPages_vectors writes one act of every kind, statements of all sorts, cards, and the names of all codes for the pages.
func TestPages_vectors(t *testing.T) {
	v := vectors{Comment: "Written by go test ./ledger/custody -update: do not edit.", Names: codeNames(), Reasons: map[string][]int{}}
	for k := custody.Open; k <= custody.OpenBox; k++ {
		v.Acts = append(v.Acts, actOf(t, k.String(), exampleOf(t, k)))
		for _, r := range custody.ReasonsFor(k) {
			v.Reasons[k.String()] = append(v.Reasons[k.String()], int(r))
		}
	}
	v.Acts = append(v.Acts, actOf(t, "every field", everyField(t)))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 24 {
		v.Statements = append(v.Statements, statementOf(t, fmt.Sprintf("random %d", i), randomStatement(t, random)))
	}
	v.Refused = refusedActs(t)
	v.People, v.Companies = cards()

	got, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.MkdirAll(filepath.Dir(pagesVectors), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(pagesVectors, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(pagesVectors)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Error(d)
	}
}

func statementOf(t *testing.T, name string, s custody.Statement) statementVector {
	t.Helper()
	a, err := custody.NewAct(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	hash := a.Hash()
	return statementVector{Name: name, Statement: pagesForm(t, s), Bytes: hex.EncodeToString(a.StatementBytes), Hash: hex.EncodeToString(hash[:])}
}

func actOf(t *testing.T, name string, s custody.Statement) actVector {
	t.Helper()
	a, err := custody.NewAct(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	out := actVector{statementVector: statementOf(t, name, s)}
	for i, who := range []string{"coordinator", "nurse"} {
		role, seen := custody.Role(i+1), head(t, int64(50+i))
		if i == 1 && s.Kind%2 == 0 {
			continue // acts with one signature, and with two
		}
		if s.Kind == custody.Open {
			seen = nil
		}
		at := s.EventTimeMS + int64(i)*1000
		a.Sign(key(who), personID(who), role, at, seen)
		id := personID(who)
		out.Signers = append(out.Signers, signerVector{uint8(role), id.String(), hex.EncodeToString(key(who).Seed()), at, hex.EncodeToString(seen)})
	}
	if err := a.CheckSignatures(keyOf); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if _, err := custody.ParseAct(a.Marshal()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	out.Act = hex.EncodeToString(a.Marshal())
	return out
}

// exampleOf returns a statement of a kind as the pages make it.
func exampleOf(t *testing.T, k custody.Kind) custody.Statement {
	zone := int32(60)
	s := custody.Statement{Ledger: origin, ID: ledger.ActID{byte(k)}, Kind: k, Shipment: ledger.ShipmentID{9}, Parent: [32]byte{8, byte(k)}, EventTimeMS: startWall, By: party("coordinator")}
	switch k {
	case custody.Open:
		s.Parent, s.Organ, s.From, s.Dest, s.FromPhone, s.DestPhone, s.Donor = [32]byte{}, custody.Heart, "OPO", "Center", "+1 555 0100", "+1 555 0199", donor("G1")
		s.Legs = []custody.Leg{{From: "OPO", To: "Airfield", Mode: custody.Road, DepartMS: startWall, ArriveMS: startWall + 3_600_000,
			Start: custody.Position{LatE7: 601_699_000, LonE7: 249_384_000}, End: custody.Position{LatE7: -337_000_000, LonE7: -1_800_000_000}, RadiusM: 500}}
	case custody.StandDown:
		s.Reason = custody.DonorUnsuitable
	case custody.Pack:
		s.Box, s.Head, s.Profile, s.Organ, s.ABO, s.ColdMS = boxID("box"), head(t, 40), testProfile(), custody.Heart, custody.ABOA1B, startWall-60_000
		s.Packaging, s.LabelCheck, s.Seal, s.Zone, s.Space = custody.CooledBox, custody.LabelTwoKeys, "0417", &zone, "left"
	case custody.Release:
		s.To, s.Head, s.Place, s.Seal, s.Condition, s.ValidMS = party("pilot"), head(t, 41), "Gate 4, Zürich ✈", "0417", "CC SB", startWall+1_800_000
	case custody.Accept:
		s.To, s.Evidence, s.Head = anyParty("desk:North-Air:Cargo"), custody.CarriersPhone, head(t, 42)
		s.Position = &custody.Position{LatE7: -1, LonE7: 0}
	case custody.Receive, custody.OpenBox:
		s.Head, s.Place, s.Seal = head(t, 43), "Theatre 3", "0417"
	case custody.ArrivalCheck:
		s.Arrival, s.Donor, s.Organ, s.ABO = custody.Match, donor("G1"), custody.Heart, custody.ABOO
	case custody.Outcome:
		s.Result, s.Dest, s.DestPhone = custody.Redirected, "Lake", "+1 555 0111"
	case custody.Correction:
		s.Cites, s.Reason, s.SaysTimeMS, s.Seal = [32]byte{7}, custody.WrongTime, startWall-120_000, "0471"
		s.Zone, s.TimeErrorMS = new(int32), 120_000
	case custody.Move:
		s.Segment, s.NewBox, s.NewHead, s.Head, s.Reason = custody.MovedBox, boxID("box2"), headOf(t, "box2", 1, 7), head(t, 44), custody.BoxFault
	case custody.Ruling:
		s.Cites, s.Reason = [32]byte{6}, custody.ByWitness
	case custody.Waypoint:
		s.Leg, s.LegState = 2, custody.Departed
	case custody.AdverseEvent:
		s.Reason, s.Reference = custody.Frozen, "SAE 2026-118"
	case custody.Preserve:
		s.Preservation = custody.OutOfCold
	}
	return s
}

// everyField sets each field of a statement, whichever they are.
func everyField(t *testing.T) custody.Statement {
	s := exampleOf(t, custody.Correction)
	v := reflect.ValueOf(&s).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.IsZero() {
			setSome(t, f, v.Type().Field(i).Name)
		}
	}
	return s
}

func setSome(t *testing.T, f reflect.Value, name string) {
	t.Helper()
	switch {
	case f.Kind() == reflect.String:
		f.SetString("text of " + name)
	case f.CanInt():
		f.SetInt(startWall)
	case f.CanUint():
		f.SetUint(1)
	case f.Kind() == reflect.Array:
		f.Index(0).SetUint(5)
	case f.Type() == reflect.TypeFor[[]byte]():
		f.SetBytes([]byte(name))
	case f.Type() == reflect.TypeFor[custody.Party]():
		f.Set(reflect.ValueOf(party("pilot")))
	case f.Type() == reflect.TypeFor[*custody.Position]():
		f.Set(reflect.ValueOf(&custody.Position{LatE7: 5, LonE7: -5}))
	case f.Type() == reflect.TypeFor[*int32]():
		f.Set(reflect.ValueOf(new(int32)))
	case f.Type() == reflect.TypeFor[[]custody.Leg]():
		f.Set(reflect.ValueOf([]custody.Leg{{From: "a", To: "b", Mode: custody.Drone}, {}}))
	default:
		t.Fatalf("field %s is of a type that the pages don't know: %s", name, f.Type())
	}
}

// randomStatement sets some fields to values of all sizes.
func randomStatement(t *testing.T, r *rand.Rand) custody.Statement {
	s := exampleOf(t, custody.Kind(1+r.IntN(int(custody.OpenBox))))
	texts := []*string{&s.Place, &s.Seal, &s.Reference, &s.Space, &s.Condition, &s.FromPhone}
	for _, p := range texts {
		if r.IntN(3) == 0 {
			*p = strings.Repeat("é", r.IntN(101)) // up to the 200 bytes that a text may have
		}
	}
	for _, p := range []*int64{&s.EventTimeMS, &s.ColdMS, &s.ValidMS, &s.SaysTimeMS, &s.TimeErrorMS} {
		if r.IntN(2) == 0 {
			*p = r.Int64N(int64(1) << (1 + r.IntN(47))) // below the end of the year 9999
		}
	}
	if r.IntN(2) == 0 {
		zone := int32(r.IntN(2*840+1) - 840)
		s.Zone = &zone
	}
	if r.IntN(2) == 0 {
		s.Position = &custody.Position{LatE7: int32(r.Uint32()), LonE7: int32(r.Uint32())}
	}
	return s
}

// pagesForm returns a statement as the pages name its fields, bytes as hexadecimal digits. Zero values are left out.
func pagesForm(t *testing.T, s custody.Statement) map[string]any {
	t.Helper()
	out := map[string]any{}
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		if f.IsZero() && name != "EventTimeMS" { // which is always there
			continue
		}
		key := strings.ToLower(name[:1]) + name[1:]
		if name == "ID" || name == "ABO" {
			key = strings.ToLower(name)
		}
		out[key] = pagesValue(f)
	}
	return out
}

func pagesValue(f reflect.Value) any {
	switch x := f.Interface().(type) {
	case custody.Party:
		out := map[string]any{"organisation": x.Organisation}
		if !x.Person.IsZero() {
			out["person"] = x.Person.String()
		}
		if x.Desk != "" {
			out["desk"] = x.Desk
		}
		return out
	case *custody.Position:
		return pagesPosition(*x)
	case []custody.Leg:
		var out []any
		for _, l := range x {
			out = append(out, map[string]any{"from": l.From, "to": l.To, "mode": l.Mode, "departMS": l.DepartMS, "arriveMS": l.ArriveMS,
				"start": pagesPosition(l.Start), "end": pagesPosition(l.End), "radiusM": l.RadiusM})
		}
		return out
	case *int32:
		return *x
	case []byte:
		return hex.EncodeToString(x)
	}
	if f.Kind() == reflect.Array {
		b := make([]byte, f.Len())
		reflect.Copy(reflect.ValueOf(b), f)
		return hex.EncodeToString(b)
	}
	if f.CanUint() {
		return f.Uint() // a code's number, not its name
	}
	return f.Interface()
}

func pagesPosition(p custody.Position) map[string]any {
	return map[string]any{"latE7": p.LatE7, "lonE7": p.LonE7}
}

// refusedActs are bytes that no reader takes.
func refusedActs(t *testing.T) []refusedVector {
	t.Helper()
	good := actOf(t, "release", exampleOf(t, custody.Release))
	whole, _ := hex.DecodeString(good.Act)
	statement, _ := hex.DecodeString(good.Bytes)
	// with makes an unsigned act of a statement's bytes.
	with := func(st []byte) []byte {
		a := custody.Act{StatementBytes: st}
		return a.Marshal()
	}
	change := func(from, to string) []byte {
		return with(bytes.Replace(statement, []byte(from), []byte(to), 1))
	}
	list := []struct {
		why string
		b   []byte
	}{
		{"nothing", nil},
		{"ends early", whole[:len(whole)-1]},
		{"one byte more", append(slices.Clone(whole), 0)},
		{"an integer in more bytes than it needs", change("\x01\x01", "\x01\x18\x01")},
		{"another version", change("\x01\x01", "\x01\x02")},
		{"keys not ascending", change("\x13\x73", "\x02\x71")},
		{"an unknown key", with(append(append([]byte{statement[0] + 1}, statement[1:]...), 0x18, 46, 0))},
		{"a field that is empty", with(append(append([]byte{statement[0] + 1}, statement[1:]...), 0x18, 45, 0x60))},
		{"a float", with(append(append([]byte{statement[0] + 1}, statement[1:]...), 0x18, 43, 0xf9, 0, 1))},
		{"an indefinite length", change("\x13\x73", "\x13\x7f")},
		{"text that is no UTF-8", change("Gate", "\xff\xfe\xfd\xfc")},
		{"a kind that is not known", change("\x04\x04", "\x04\x17")},
		{"no statement", with(nil)},
	}
	var out []refusedVector
	for _, x := range list {
		if _, err := custody.ParseAct(x.b); err == nil {
			t.Errorf("%s: it was taken", x.why)
		}
		if bytes.Equal(x.b, with(statement)) {
			t.Errorf("%s: nothing was changed", x.why)
		}
		out = append(out, refusedVector{x.why, hex.EncodeToString(x.b)})
	}
	return out
}

func cards() (people, organisations []cardVector) {
	admin := personID("coordinator")
	seed := hex.EncodeToString(key("coordinator").Seed())
	for role := entry.RoleAdmin; role <= entry.RoleAuditor; role++ {
		for _, why := range []entry.CardReason{entry.CardEnrolled, entry.CardKeyLost, entry.CardEnded} {
			c := entry.PersonCard{Ledger: origin, Person: personID("pilot"), Version: uint32(why) * 300, Name: "Zoë Ruiz", Organisation: "North Air", Role: role,
				Key: public(key("pilot")), Why: why, IssuedMS: startWall, By: admin}
			c.Sign(key("coordinator"))
			people = append(people, cardVector{map[string]any{"ledger": c.Ledger, "person": c.Person.String(), "version": c.Version, "name": c.Name,
				"organisation": c.Organisation, "role": c.Role.String(), "key": hex.EncodeToString(c.Key), "why": c.Why.String(), "issuedMS": c.IssuedMS,
				"by": c.By.String()}, seed, hex.EncodeToString(c.Marshal())})
		}
	}
	for kind := entry.OrganisationOPO; kind <= entry.OrganisationOther; kind++ {
		c := entry.OrganisationCard{Ledger: origin, Code: "North Air-2.b_c", Version: 1, Name: "North Air", Kind: kind, Phone: "+1 555 0100", IssuedMS: startWall, By: admin}
		c.Sign(key("coordinator"))
		organisations = append(organisations, cardVector{map[string]any{"ledger": c.Ledger, "code": c.Code, "version": c.Version, "name": c.Name, "kind": c.Kind.String(),
			"phone": c.Phone, "issuedMS": c.IssuedMS, "by": c.By.String()}, seed, hex.EncodeToString(c.Marshal())})
	}
	return people, organisations
}

// codeNames returns the numbers and names of every enumeration: those that have a name.
func codeNames() map[string][]named {
	out := map[string][]named{}
	add := func(what string, name func(n uint8) string) {
		for n := 1; n < 256; n++ {
			if text := name(uint8(n)); !strings.HasPrefix(text, "unknown(") && text != "" {
				out[what] = append(out[what], named{n, text})
			}
		}
	}
	add("kind", func(n uint8) string { return custody.Kind(n).String() })
	add("organ", func(n uint8) string { return custody.Organ(n).String() })
	add("side", func(n uint8) string { return custody.Side(n).String() })
	add("arrival", func(n uint8) string { return custody.ArrivalCode(n).String() })
	add("result", func(n uint8) string { return custody.OutcomeCode(n).String() })
	add("abo", func(n uint8) string { return custody.ABO(n).String() })
	add("packaging", func(n uint8) string { return custody.Packaging(n).String() })
	add("preservation", func(n uint8) string { return custody.Preservation(n).String() })
	add("labelCheck", func(n uint8) string { return custody.LabelCheck(n).String() })
	add("segment", func(n uint8) string { return custody.SegmentCode(n).String() })
	add("evidence", func(n uint8) string { return custody.Evidence(n).String() })
	add("legState", func(n uint8) string { return custody.LegCode(n).String() })
	add("mode", func(n uint8) string { return custody.Mode(n).String() })
	add("reason", func(n uint8) string { return custody.Reason(n).String() })
	for i, c := range custody.Conditions() {
		out["condition"] = append(out["condition"], named{i, c.Code})
	}
	return out
}
