package custody

import (
	"bytes"
	"errors"
	"fmt"

	"isotherm/ledger/cbor"
	"isotherm/ledger/profile"
)

// StatementVersion is the version of the statement format.
const StatementVersion = 1

// lastKey is the highest key of the statement's map.
const lastKey = 45

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
			b = cbor.AppendBytes(cbor.AppendArray(b, 3), p.Person[:])
			return cbor.AppendText(cbor.AppendText(b, p.Organisation), p.Desk)
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
		{25, s.Cites != none, raw(s.Cites[:])},
		{26, s.Reason != 0, num(int64(s.Reason))},
		{27, s.Zone != nil, func(b []byte) []byte { return cbor.AppendInt(b, int64(*s.Zone)) }},
		{28, s.TimeErrorMS != 0, num(s.TimeErrorMS)},
		{29, s.Space != "", text(s.Space)},
		{30, s.Packaging != 0, num(int64(s.Packaging))},
		{31, s.Preservation != 0, num(int64(s.Preservation))},
		{32, s.ABO != 0, num(int64(s.ABO))},
		{33, s.LabelCheck != 0, num(int64(s.LabelCheck))},
		{34, s.Reference != "", text(s.Reference)},
		{35, s.Segment != 0, num(int64(s.Segment))},
		{36, !s.NewBox.IsZero(), raw(s.NewBox[:])},
		{37, len(s.NewHead) > 0, raw(s.NewHead)},
		{38, len(s.Legs) > 0, func(b []byte) []byte { return appendLegs(b, s.Legs) }},
		{39, s.Leg != 0, num(int64(s.Leg))},
		{40, s.LegState != 0, num(int64(s.LegState))},
		{41, s.Position != nil, func(b []byte) []byte { return s.Position.append(b) }},
		{42, s.Evidence != 0, num(int64(s.Evidence))},
		{43, s.SaysTimeMS != 0, num(s.SaysTimeMS)},
		{44, s.FromPhone != "", text(s.FromPhone)},
		{45, s.DestPhone != "", text(s.DestPhone)},
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
	d.Map(lastKey, func(key uint64) bool {
		if key == 1 {
			version = d.Uint()
			return true
		}
		return s.parseHeader(d, key) || s.parseDetail(d, key) || s.parseCircumstance(d, key)
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
	d.ArrayOf(3)
	d.Fixed(p.Person[:])
	p.Organisation = d.Text(maxText)
	p.Desk = d.Text(maxText)
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
		d.Fixed(s.Cites[:])
	case 26:
		s.Reason = Reason(d.UintMax(255))
	default:
		return false
	}
	return true
}

func (s *Statement) parseCircumstance(d *cbor.Decoder, key uint64) bool {
	switch key {
	case 27:
		zone := d.Int32()
		s.Zone = &zone
	case 28:
		s.TimeErrorMS = d.Int()
	case 29:
		s.Space = d.Text(maxText)
	case 30:
		s.Packaging = Packaging(d.UintMax(255))
	case 31:
		s.Preservation = Preservation(d.UintMax(255))
	case 32:
		s.ABO = ABO(d.UintMax(255))
	case 33:
		s.LabelCheck = LabelCheck(d.UintMax(255))
	case 34:
		s.Reference = d.Text(maxText)
	case 35:
		s.Segment = SegmentCode(d.UintMax(255))
	case 36:
		d.Fixed(s.NewBox[:])
	case 37:
		s.NewHead = d.Bytes(maxHead)
	case 38:
		s.Legs = parseLegs(d)
	case 39:
		s.Leg = uint8(d.UintMax(maxLegs))
	case 40:
		s.LegState = LegCode(d.UintMax(255))
	case 41:
		p := parsePosition(d)
		s.Position = &p
	case 42:
		s.Evidence = Evidence(d.UintMax(255))
	case 43:
		s.SaysTimeMS = d.Int()
	case 44:
		s.FromPhone = d.Text(maxText)
	case 45:
		s.DestPhone = d.Text(maxText)
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
	case s.Kind < Open || s.Kind > OpenBox:
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
	case s.Kind == Release && s.To.IsZero():
		return missing("accepter")
	case s.Kind == ArrivalCheck && s.Arrival == 0:
		return missing("answer")
	case s.Kind == Outcome && s.Result == 0:
		return missing("result")
	case (s.Kind == Correction || s.Kind == Ruling) && s.Cites == [32]byte{}:
		return missing("act that it cites")
	case s.Kind == Move && s.Segment == 0:
		return missing("change of segment")
	case s.Kind == Move && s.Segment != NoTracker && (s.NewBox.IsZero() || len(s.NewHead) == 0):
		return missing("new box or its head")
	case s.Kind == Waypoint && (s.Leg == 0 || s.LegState == 0):
		return missing("leg or its state")
	case s.Kind == AdverseEvent && s.Reason == 0:
		return missing("coded reason")
	case s.Kind == Preserve && s.Preservation == 0:
		return missing("state of preservation")
	}
	if err := s.checkTimes(); err != nil {
		return err
	}
	if s.Kind == Pack {
		if _, err := s.PinnedProfile(); err != nil {
			return fmt.Errorf("pack statement: %w", err)
		}
	}
	return nil
}

// maxTimeMS bounds every time in an act, in Unix milliseconds: the end of the year 9999. Sums and differences of such times
// never overflow, whoever computes them.
const maxTimeMS = 253_402_300_799_999

// maxZone bounds the zone of typed times: no place on earth is further from UTC than 14 hours.
const maxZone = 14 * 60

// checkTimes returns an error for a number that is no time.
func (s *Statement) checkTimes() error {
	times := []int64{s.EventTimeMS, s.ColdMS, s.ValidMS, s.SaysTimeMS, s.TimeErrorMS}
	for _, l := range s.Legs {
		times = append(times, l.DepartMS, l.ArriveMS)
	}
	for _, t := range times {
		if t < 0 || t > maxTimeMS {
			return fmt.Errorf("%s statement has a time of %d ms, outside 1970 to 9999", s.Kind, t)
		}
	}
	if s.Zone != nil && (*s.Zone < -maxZone || *s.Zone > maxZone) {
		return fmt.Errorf("%s statement has a zone of %d minutes, at most %d are allowed", s.Kind, *s.Zone, maxZone)
	}
	return nil
}
