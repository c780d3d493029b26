package custody_test

import (
	"crypto/ed25519"
	"fmt"
	"os"
	"strconv"
	"strings"
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
var organisations = map[string]string{"coordinator": "OPO", "driver": "City Courier", "pilot": "North Air", "nurse": "City Transplant Center", "stranger": "Other Courier"}

func personID(name string) (id ledger.PersonID) {
	copy(id[:], name)
	return id
}

func party(name string) custody.Party {
	return custody.Party{Person: personID(name), Organisation: organisations[name]}
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

// head returns a signed head of the test's box.
func head(t testing.TB, size int64) []byte {
	t.Helper()
	box := key("box")
	cp := merkle.Checkpoint{Origin: record.Origin(ledger.BoxIDOf(public(box)), ledger.IncarnationID{1}), Size: size, Root: tlog.RecordHash(fmt.Append(nil, size))}
	signed, err := merkle.Sign(cp, box)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// testProfile is a profile of its own, so that a change of the shipped ones does not change the golden files.
func testProfile() []byte {
	p := profile.Profile{Name: "test", Version: 1, ProbePlace: "organ", LowMC: 4000, HighMC: 8000}
	return p.Marshal()
}

// script is a testdata/<case>/acts.txt: one act a line, then the order in which the ledger takes them.
//
//	<name> <kind> by=<person> [second=<person>] [after=<name>|nothing] [at=<seconds>] [<field>=<value>]...
//	enter <name>...
//
// An act follows the one of the line before, a minute later, unless it says otherwise.
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
		case len(words) == 0 || words[0] == "#" || strings.HasPrefix(line, "#"):
		case words[0] == "enter":
			s.order = words[1:]
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

func (s *script) line(words []string) {
	st := custody.Statement{Ledger: origin, Shipment: ledger.ShipmentID{9}, EventTimeMS: startWall + int64(len(s.names))*60_000}
	copy(st.ID[:], words[0])
	if n := len(s.names); n > 0 {
		st.Parent = s.acts[s.names[n-1]].Hash()
	}
	for k := custody.Open; k <= custody.Correction; k++ {
		if k.String() == words[1] {
			st.Kind = k
		}
	}
	if st.Kind == custody.Pack {
		st.Box, st.Profile = ledger.BoxIDOf(public(key("box"))), testProfile()
	}
	second := ""
	for _, w := range words[2:] {
		name, value, _ := strings.Cut(w, "=")
		if name == "second" {
			second = value
			continue
		}
		s.field(&st, name, value)
	}
	a, err := custody.NewAct(st)
	if err != nil {
		s.t.Fatalf("%s: %v", words[0], err)
	}
	by := strings.TrimRight(string(st.By.Person[:]), "\x00")
	a.Sign(key(by), st.By.Person, custody.RoleActor, st.EventTimeMS, st.Head)
	if second != "" {
		a.Sign(key(second), personID(second), custody.RoleSecond, st.EventTimeMS, nil)
	}
	if err := a.CheckSignatures(keyOf); err != nil {
		s.t.Fatalf("%s: %v", words[0], err)
	}
	s.acts[words[0]] = a
	s.names = append(s.names, words[0])
}

func (s *script) field(st *custody.Statement, name, value string) {
	var err error
	switch name {
	case "by":
		st.By = party(value)
	case "to":
		st.To = party(value)
	case "after":
		st.Parent = [32]byte{}
		if value != "nothing" {
			st.Parent = s.acts[value].Hash()
		}
	case "at":
		st.EventTimeMS = startWall + s.seconds(value)
	case "valid":
		st.ValidMS = startWall + s.seconds(value)
	case "head":
		st.Head = []byte("not a head")
		if value != "bad" {
			st.Head = head(s.t, s.seconds(value)/1000)
		}
	case "organ":
		st.Organ, err = custody.ParseOrgan(value)
	case "side":
		st.Side, err = custody.ParseSide(value)
	case "from":
		st.From = value
	case "dest":
		st.Dest = value
	case "donor":
		st.Donor = donor(value)
	case "arrival":
		st.Arrival = map[string]custody.ArrivalCode{"match": custody.Match, "mismatch": custody.Mismatch, "not-done": custody.NotDone}[value]
	case "result":
		st.Result, err = custody.ParseOutcome(value)
	case "corrects":
		st.Corrects = s.acts[value].Hash()
	case "reason":
		st.Reason = value
	default:
		err = fmt.Errorf("unknown field %q", name)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *script) seconds(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n * 1000
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
