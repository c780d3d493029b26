package custody_test

import (
	"crypto/ed25519"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/merkle"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

const (
	origin    = "isotherm/ledger/test"
	startWall = int64(1_790_000_000_000) // Unix milliseconds
)

// key returns a key that is the same in every run.
func key(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// organisations is for whom the people of these tests act.
var organisations = map[string]string{"coordinator": "OPO", "officer": "OPO", "driver": "Courier", "mate": "Courier", "pilot": "North-Air",
	"clerk": "North-Air", "nurse": "Center", "doctor": "Center", "surgeon": "Other-Center", "stranger": "Other-Courier"}

func personID(name string) (id ledger.PersonID) {
	copy(id[:], name)
	return id
}

func party(name string) custody.Party {
	return custody.Party{Person: personID(name), Organisation: organisations[name]}
}

// anyParty reads 'driver', 'org:North-Air' or 'desk:North-Air:Cargo'.
func anyParty(text string) custody.Party {
	words := strings.Split(text, ":")
	switch words[0] {
	case "org":
		return custody.Party{Organisation: words[1]}
	case "desk":
		return custody.Party{Organisation: words[1], Desk: words[2]}
	}
	return party(text)
}

func keyOf(id ledger.PersonID) ed25519.PublicKey {
	name := strings.TrimRight(string(id[:]), "\x00")
	if organisations[name] == "" {
		return nil
	}
	return public(key(name))
}

func donor(name string) (d [32]byte) {
	copy(d[:], name)
	return d
}

func boxID(name string) ledger.BoxID { return ledger.BoxIDOf(public(key(name))) }

var heads sync.Map // signing takes its time: the model test asks for the same heads over and over

// head returns a signed head of the test's box.
func head(t testing.TB, size int64) []byte { return headOf(t, "box", 1, size) }

// headOf returns a signed head of one of the test's boxes.
func headOf(t testing.TB, name string, incarnation byte, size int64) []byte {
	t.Helper()
	what := fmt.Sprint(name, incarnation, size)
	if signed, ok := heads.Load(what); ok {
		return signed.([]byte)
	}
	cp := merkle.Checkpoint{Origin: record.Origin(boxID(name), ledger.IncarnationID{incarnation}), Size: size, Root: tlog.RecordHash(fmt.Append(nil, size))}
	signed, err := merkle.Sign(cp, key(name))
	if err != nil {
		t.Fatal(err)
	}
	heads.Store(what, signed)
	return signed
}

// testProfile is a profile of its own, so that a change of the shipped ones does not change the golden files.
func testProfile() []byte {
	p := profile.Profile{Name: "test", Version: 1, Program: "Center", ProbePlace: "organ", LowMC: 4000, HighMC: 8000}
	return p.Marshal()
}

// script is a testdata/<case>/acts.txt: one act a line, then the order in which the ledger takes them.
//
//	<name> <kind> by=<person> [second=<person>] [after=<name>|nothing] [at=<seconds>] [<field>=<value>]...
//	<name> copy of=<name> [second=<person>]
//	enter <name>...
//
// An act follows the one of the line before, a minute later, unless it says otherwise. A copy has the same statement and
// the actor's signature, and one of another second person.
type script struct {
	t     testing.TB
	acts  map[string]*custody.Act
	names []string // in the order of the lines
	order []string
}

func readScript(t testing.TB, path string) *script {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, acts: map[string]*custody.Act{}}
	for _, line := range strings.Split(string(text), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(line, "#"):
		case words[0] == "enter":
			s.order = words[1:]
		case words[1] == "copy":
			s.copy(words)
		default:
			s.line(words)
		}
	}
	if len(s.names) == 0 {
		t.Fatalf("%s has no acts", path)
	}
	if s.order == nil {
		s.order = s.names
	}
	return s
}

func kindOf(t testing.TB, name string) custody.Kind {
	t.Helper()
	for k := custody.Open; k <= custody.OpenBox; k++ {
		if k.String() == name {
			return k
		}
	}
	t.Fatalf("no kind of act is named %q", name)
	return 0
}

func (s *script) line(words []string) {
	st := custody.Statement{Ledger: origin, Shipment: ledger.ShipmentID{9}, EventTimeMS: startWall + int64(len(s.names))*60_000, Kind: kindOf(s.t, words[1])}
	copy(st.ID[:], words[0])
	if n := len(s.names); n > 0 {
		st.Parent = s.acts[s.names[n-1]].Hash()
	}
	if st.Kind == custody.Pack {
		st.Box, st.Profile = boxID("box"), testProfile()
	}
	var second []string
	var seen []byte
	signed := int64(0)
	for _, w := range words[2:] {
		name, value, _ := strings.Cut(w, "=")
		switch name {
		case "second":
			second = append(second, value)
		case "seen":
			seen = s.head(value)
		case "signed":
			signed = s.time(value)
		default:
			s.field(&st, name, value)
		}
	}
	a, err := custody.NewAct(st)
	if err != nil {
		s.t.Fatalf("%s: %v", words[0], err)
	}
	by := strings.TrimRight(string(st.By.Person[:]), "\x00")
	if signed == 0 {
		signed = st.EventTimeMS
	}
	a.Sign(key(by), st.By.Person, custody.RoleActor, signed, seen)
	for _, name := range second {
		a.Sign(key(name), personID(name), custody.RoleSecond, st.EventTimeMS, nil)
	}
	if err := a.CheckSignatures(keyOf); err != nil {
		s.t.Fatalf("%s: %v", words[0], err)
	}
	s.acts[words[0]] = a
	s.names = append(s.names, words[0])
}

func (s *script) copy(words []string) {
	of := s.acts[strings.TrimPrefix(words[2], "of=")]
	a := &custody.Act{StatementBytes: of.StatementBytes, Statement: of.Statement, Signatures: []custody.ActSignature{of.Signatures[0]}}
	if len(words) > 3 {
		name := strings.TrimPrefix(words[3], "second=")
		a.Sign(key(name), personID(name), custody.RoleSecond, a.Statement.EventTimeMS+5000, nil)
	}
	s.acts[words[0]] = a
}

// head reads '40', '40@box2' or 'bad'. A number from 1000 on is of the box's second incarnation.
func (s *script) head(value string) []byte {
	if value == "bad" {
		return []byte("not a head")
	}
	size, box, ok := strings.Cut(value, "@")
	if !ok {
		box = "box"
	}
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	if n >= 1000 {
		return headOf(s.t, box, 2, n-1000)
	}
	return headOf(s.t, box, 1, n)
}

// hash reads the name of an act; 'unknown' is none that anybody has.
func (s *script) hash(value string) [32]byte {
	if value == "unknown" {
		return [32]byte{7}
	}
	a := s.acts[value]
	if a == nil {
		s.t.Fatalf("no act is named %q", value)
	}
	return a.Hash()
}

// number parses one of the enumerations.
func number[T any](dst *T, parse func(string) (T, error), value string) error {
	v, err := parse(value)
	*dst = v
	return err
}

func (s *script) field(st *custody.Statement, name, value string) {
	var err error
	switch name {
	case "by":
		st.By = party(value)
	case "to":
		st.To = anyParty(value)
	case "after":
		st.Parent = [32]byte{}
		if value != "nothing" {
			st.Parent = s.hash(value)
		}
	case "at":
		st.EventTimeMS = s.time(value)
	case "valid":
		st.ValidMS = s.time(value)
	case "says":
		st.SaysTimeMS = s.time(value)
	case "cold":
		st.ColdMS = s.time(value)
	case "error":
		st.TimeErrorMS = s.time(value) - startWall
	case "id":
		st.ID = ledger.ActID{}
		copy(st.ID[:], value)
	case "head":
		st.Head = s.head(value)
	case "box":
		st.Box = boxID(value)
	case "newbox":
		st.NewBox = boxID(value)
	case "newhead":
		st.NewHead = s.head(value)
	case "cites":
		st.Cites = s.hash(value)
	case "donor":
		st.Donor = donor(value)
	default:
		if !s.text(st, name, value) {
			err = s.code(st, name, value)
		}
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// text sets a field of plain text; '+' stands for a space.
func (s *script) text(st *custody.Statement, name, value string) bool {
	fields := map[string]*string{"from": &st.From, "dest": &st.Dest, "fromphone": &st.FromPhone, "destphone": &st.DestPhone, "space": &st.Space,
		"place": &st.Place, "condition": &st.Condition, "seal": &st.Seal, "reference": &st.Reference}
	dst := fields[name]
	if dst != nil {
		*dst = strings.ReplaceAll(value, "+", " ")
	}
	return dst != nil
}

// code sets a coded field.
func (s *script) code(st *custody.Statement, name, value string) error {
	spaced := strings.ReplaceAll(value, "+", " ")
	switch name {
	case "organ":
		return number(&st.Organ, custody.ParseOrgan, value)
	case "side":
		return number(&st.Side, custody.ParseSide, value)
	case "abo":
		return number(&st.ABO, custody.ParseABO, value)
	case "packaging":
		return number(&st.Packaging, custody.ParsePackaging, value)
	case "label":
		return number(&st.LabelCheck, custody.ParseLabelCheck, value)
	case "result":
		return number(&st.Result, custody.ParseOutcome, spaced)
	case "segment":
		return number(&st.Segment, custody.ParseSegmentCode, spaced)
	case "preservation":
		return number(&st.Preservation, custody.ParsePreservation, value)
	case "reason":
		return number(&st.Reason, custody.ParseReason, value)
	case "arrival":
		st.Arrival = map[string]custody.ArrivalCode{"match": custody.Match, "mismatch": custody.Mismatch, "not-done": custody.NotDone}[value]
	case "evidence":
		st.Evidence = map[string]custody.Evidence{"carriers-phone": custody.CarriersPhone, "one-side": custody.OneSide}[value]
	case "state":
		st.LegState = map[string]custody.LegCode{"departed": custody.Departed, "arrived": custody.Arrived}[value]
	case "leg":
		st.Leg = uint8(s.seconds(value) / 1000)
	case "legs": // 'OPO:Airport,Airport:Center'
		for _, l := range strings.Split(value, ",") {
			from, to, _ := strings.Cut(l, ":")
			st.Legs = append(st.Legs, custody.Leg{From: from, To: to, Mode: custody.Road})
		}
	default:
		return fmt.Errorf("unknown field %q", name)
	}
	return nil
}

func (s *script) time(text string) int64 { return startWall + s.seconds(text) }

// seconds reads '600' or '600.001', in milliseconds.
func (s *script) seconds(text string) int64 {
	whole, part, _ := strings.Cut(text, ".")
	ms, err := strconv.ParseInt(whole+(part + "000")[:3], 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return ms
}

// entered returns the acts in the order in which the ledger took them.
func (s *script) entered() []custody.Entered {
	var out []custody.Entered
	for i, name := range s.order {
		a := s.acts[name]
		if a == nil {
			s.t.Fatalf("no act is named %q", name)
		}
		out = append(out, custody.Entered{Act: a, Index: int64(10 + i), RecordTimeMS: startWall + int64(i)})
	}
	return out
}
