package custody

import (
	"bytes"
	"errors"
	"fmt"

	"isotherm/ledger/cbor"
	"isotherm/ledger/profile"
)

// Organ is a kind of organ. Numbers are append only.
type Organ uint8

// The kinds of organ.
const (
	Heart     Organ = 1
	Lung      Organ = 2
	Liver     Organ = 3
	Kidney    Organ = 4
	Pancreas  Organ = 5
	Intestine Organ = 6
)

var organNames = [...]string{Heart: "heart", Lung: "lung", Liver: "liver", Kidney: "kidney", Pancreas: "pancreas", Intestine: "intestine"}

func (o Organ) String() string {
	if int(o) < len(organNames) && organNames[o] != "" {
		return organNames[o]
	}
	return fmt.Sprintf("unknown(%d)", uint8(o))
}

// ParseOrgan reads the name of an organ.
func ParseOrgan(name string) (Organ, error) {
	for i, n := range organNames {
		if n == name && n != "" {
			return Organ(i), nil
		}
	}
	return 0, fmt.Errorf("organ %q is not known: use heart, lung, liver, kidney, pancreas or intestine", name)
}

// Side tells left from right, where the organ has sides.
type Side uint8

// The sides.
const (
	SideNone  Side = 0
	SideLeft  Side = 1
	SideRight Side = 2
	SideBoth  Side = 3
)

var sideNames = [...]string{SideNone: "", SideLeft: "left", SideRight: "right", SideBoth: "both"}

func (s Side) String() string {
	if int(s) < len(sideNames) {
		return sideNames[s]
	}
	return fmt.Sprintf("unknown(%d)", uint8(s))
}

// ParseSide reads the name of a side; empty is none.
func ParseSide(name string) (Side, error) {
	for i, n := range sideNames {
		if n == name {
			return Side(i), nil
		}
	}
	return 0, fmt.Errorf("side %q is not known: use left, right, both, or leave it out", name)
}

// ArrivalCode is the answer to 'was this the expected donor ID, organ and side?'.
type ArrivalCode uint8

// The answers. NotDone is a fact, not a failure: it never blocks anything.
const (
	Match    ArrivalCode = 1
	Mismatch ArrivalCode = 2
	NotDone  ArrivalCode = 3
)

var arrivalNames = [...]string{Match: "match", Mismatch: "mismatch", NotDone: "not done"}

func (c ArrivalCode) String() string {
	if c >= Match && c <= NotDone {
		return arrivalNames[c]
	}
	return fmt.Sprintf("unknown(%d)", uint8(c))
}

// OutcomeCode is what became of the organ, as the center reports it.
type OutcomeCode uint8

// The outcomes.
const (
	Transplanted    OutcomeCode = 1
	NotTransplanted OutcomeCode = 2
	Redirected      OutcomeCode = 3
	NotReported     OutcomeCode = 4
)

var outcomeNames = [...]string{Transplanted: "transplanted", NotTransplanted: "not transplanted", Redirected: "redirected", NotReported: "not reported"}

func (c OutcomeCode) String() string {
	if c >= Transplanted && c <= NotReported {
		return outcomeNames[c]
	}
	return fmt.Sprintf("unknown(%d)", uint8(c))
}

// ParseOutcome reads the name of an outcome.
func ParseOutcome(name string) (OutcomeCode, error) {
	for i, n := range outcomeNames {
		if n == name && n != "" {
			return OutcomeCode(i), nil
		}
	}
	return 0, fmt.Errorf("outcome %q is not known: use transplanted, not transplanted, redirected or not reported", name)
}

// StatementVersion is the version of the statement format.
const StatementVersion = 1

// field is one key of the statement's map: how to write it, and whether it is there.
type field struct {
	key   uint64
	there bool
	write func([]byte) []byte
}

func (s *Statement) fields() []field {
	var none [32]byte
	text := func(v string) func([]byte) []byte { return func(b []byte) []byte { return cbor.AppendText(b, v) } }
	raw := func(v []byte) func([]byte) []byte { return func(b []byte) []byte { return cbor.AppendBytes(b, v) } }
	num := func(v int64) func([]byte) []byte { return func(b []byte) []byte { return cbor.AppendInt(b, v) } }
	party := func(p Party) func([]byte) []byte {
		return func(b []byte) []byte {
			return cbor.AppendText(cbor.AppendBytes(cbor.AppendArray(b, 2), p.Person[:]), p.Organisation)
		}
	}
	return []field{
		{1, true, num(StatementVersion)},
		{2, true, text(s.Ledger)},
		{3, true, raw(s.ID[:])},
		{4, true, num(int64(s.Kind))},
		{5, true, raw(s.Shipment[:])},
		{6, s.Parent != none, raw(s.Parent[:])},
		{7, true, num(s.EventTimeMS)},
		{8, true, party(s.By)},
		{9, s.To != Party{}, party(s.To)},
		{10, len(s.Head) > 0, raw(s.Head)},
		{11, !s.Box.IsZero(), raw(s.Box[:])},
		{12, s.Organ != 0, num(int64(s.Organ))},
		{13, s.Side != 0, num(int64(s.Side))},
		{14, s.From != "", text(s.From)},
		{15, s.Dest != "", text(s.Dest)},
		{16, s.Donor != none, raw(s.Donor[:])},
		{17, len(s.Profile) > 0, raw(s.Profile)},
		{18, s.ColdMS != 0, num(s.ColdMS)},
		{19, s.Place != "", text(s.Place)},
		{20, s.Condition != "", text(s.Condition)},
		{21, s.Seal != "", text(s.Seal)},
		{22, s.ValidMS != 0, num(s.ValidMS)},
		{23, s.Arrival != 0, num(int64(s.Arrival))},
		{24, s.Result != 0, num(int64(s.Result))},
		{25, s.Corrects != none, raw(s.Corrects[:])},
		{26, s.Reason != "", text(s.Reason)},
	}
}

func (s *Statement) marshal() []byte {
	fields := s.fields()
	n := 0
	for _, f := range fields {
		if f.there {
			n++
		}
	}
	b := cbor.AppendMap(nil, n)
	for _, f := range fields {
		if f.there {
			b = f.write(cbor.AppendUint(b, f.key))
		}
	}
	return b
}

func parseStatement(b []byte) (*Statement, error) {
	d := cbor.NewDecoder(b)
	var s Statement
	version := uint64(0)
	d.Map(26, func(key uint64) bool {
		if key == 1 {
			version = d.Uint()
			return true
		}
		return s.parseHeader(d, key) || s.parseDetail(d, key)
	})
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	if version != StatementVersion {
		return nil, fmt.Errorf("read statement: version %d, this program knows %d", version, StatementVersion)
	}
	if !bytes.Equal(s.marshal(), b) {
		return nil, errors.New("read statement: not in canonical form")
	}
	return &s, s.check()
}

func parseParty(d *cbor.Decoder) Party {
	var p Party
	d.ArrayOf(2)
	d.Fixed(p.Person[:])
	p.Organisation = d.Text(maxText)
	return p
}

func (s *Statement) parseHeader(d *cbor.Decoder, key uint64) bool {
	switch key {
	case 2:
		s.Ledger = d.Text(maxText)
	case 3:
		d.Fixed(s.ID[:])
	case 4:
		s.Kind = Kind(d.UintMax(255))
	case 5:
		d.Fixed(s.Shipment[:])
	case 6:
		d.Fixed(s.Parent[:])
	case 7:
		s.EventTimeMS = d.Int()
	case 8:
		s.By = parseParty(d)
	case 9:
		s.To = parseParty(d)
	case 10:
		s.Head = d.Bytes(maxHead)
	case 11:
		d.Fixed(s.Box[:])
	default:
		return false
	}
	return true
}

func (s *Statement) parseDetail(d *cbor.Decoder, key uint64) bool {
	switch key {
	case 12:
		s.Organ = Organ(d.UintMax(255))
	case 13:
		s.Side = Side(d.UintMax(255))
	case 14:
		s.From = d.Text(maxText)
	case 15:
		s.Dest = d.Text(maxText)
	case 16:
		d.Fixed(s.Donor[:])
	case 17:
		s.Profile = d.Bytes(profile.MaxSize)
	case 18:
		s.ColdMS = d.Int()
	case 19:
		s.Place = d.Text(maxText)
	case 20:
		s.Condition = d.Text(maxText)
	case 21:
		s.Seal = d.Text(maxText)
	case 22:
		s.ValidMS = d.Int()
	case 23:
		s.Arrival = ArrivalCode(d.UintMax(255))
	case 24:
		s.Result = OutcomeCode(d.UintMax(255))
	case 25:
		d.Fixed(s.Corrects[:])
	case 26:
		s.Reason = d.Text(maxText)
	default:
		return false
	}
	return true
}

// check returns an error for a statement that says nothing its kind must say. It asks only for what the statement would
// be meaningless without; what people left out later shows as missing.
func (s *Statement) check() error {
	missing := func(what string) error { return fmt.Errorf("%s statement has no %s", s.Kind, what) }
	switch {
	case s.Kind < Open || s.Kind > Correction:
		return fmt.Errorf("statement of kind %d is not known", s.Kind)
	case s.Ledger == "":
		return missing("ledger origin")
	case s.ID.IsZero():
		return missing("id")
	case s.Shipment.IsZero():
		return missing("shipment")
	case s.By.Person.IsZero():
		return missing("person who states it")
	case s.Kind != Open && s.Parent == [32]byte{}:
		return missing("parent act")
	case s.Kind == Open && (s.Organ == 0 || s.Dest == ""):
		return missing("organ or destination")
	case s.Kind == Pack && (s.Box.IsZero() || len(s.Head) == 0 || len(s.Profile) == 0):
		return missing("box, box head or profile")
	case s.Kind == Release && s.To.Person.IsZero():
		return missing("accepter")
	case s.Kind == ArrivalCheck && s.Arrival == 0:
		return missing("answer")
	case s.Kind == Outcome && s.Result == 0:
		return missing("result")
	case s.Kind == Correction && s.Corrects == [32]byte{}:
		return missing("act that it corrects")
	}
	if s.Kind == Pack {
		if _, err := s.PinnedProfile(); err != nil {
			return fmt.Errorf("pack statement: %w", err)
		}
	}
	return nil
}
