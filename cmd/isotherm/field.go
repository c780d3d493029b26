package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"isotherm/ledger"
	"isotherm/ledger/custody"
)

// field is a flag that says one thing of a statement. The same flag sets it when it is stated and when it is corrected.
type field struct {
	name string
	help string
	set  func(s *custody.Statement, text string) error
}

// code makes the setter of an enumeration.
func code[C any](parse func(string) (C, error), at func(*custody.Statement) *C) func(*custody.Statement, string) error {
	return func(s *custody.Statement, text string) error {
		v, err := parse(text)
		if err == nil {
			*at(s) = v
		}
		return err
	}
}

// oneOf makes the parser of a few codes.
func oneOf[C fmt.Stringer](what string, all ...C) func(string) (C, error) {
	return func(text string) (C, error) {
		var names []string
		for _, c := range all {
			if c.String() == text {
				return c, nil
			}
			names = append(names, c.String())
		}
		var none C
		return none, fmt.Errorf("%s %q is not known: use %s", what, text, strings.Join(names, " or "))
	}
}

// words makes the setter of a text.
func words(at func(*custody.Statement) *string) func(*custody.Statement, string) error {
	return func(s *custody.Statement, text string) error {
		*at(s) = strings.TrimSpace(text)
		return nil
	}
}

// fields are all such flags. Times, the donor ID and the planned legs need more than a text: they have their own.
func fields() []field {
	return []field{
		{"organ", "heart, lung, liver, kidney, pancreas or intestine", code(custody.ParseOrgan, func(s *custody.Statement) *custody.Organ { return &s.Organ })},
		{"side", "left, right or both, where the organ has sides", code(custody.ParseSide, func(s *custody.Statement) *custody.Side { return &s.Side })},
		{"abo", "blood group as on the label: O, A, A1, A2, B, AB, A1B or A2B", code(custody.ParseABO, func(s *custody.Statement) *custody.ABO { return &s.ABO })},
		{"from", "code of the donor hospital or its OPO", words(func(s *custody.Statement) *string { return &s.From })},
		{"to", "code of the transplant center", words(func(s *custody.Statement) *string { return &s.Dest })},
		{"from-phone", "number to call at the donor hospital, day and night", words(func(s *custody.Statement) *string { return &s.FromPhone })},
		{"to-phone", "number to call at the transplant center, day and night", words(func(s *custody.Statement) *string { return &s.DestPhone })},
		{"space", "space of a box with several, as its probes name it", words(func(s *custody.Statement) *string { return &s.Space })},
		{"packaging", "ice-box, cooled-box, machine or other", code(custody.ParsePackaging, func(s *custody.Statement) *custody.Packaging { return &s.Packaging })},
		{"label-check", "two-keys, second-person, own-system or not-done", code(custody.ParseLabelCheck, func(s *custody.Statement) *custody.LabelCheck { return &s.LabelCheck })},
		{"place", "where", words(func(s *custody.Statement) *string { return &s.Place })},
		{"condition", "what is wrong with the container, codes of HL7 table 0544: " + conditionCodes(), setCondition},
		{"seal", "number on the seal", words(func(s *custody.Statement) *string { return &s.Seal })},
		{"position", "where, as latitude,longitude in degrees", setPosition},
		{"result", "transplanted, not transplanted, redirected or not reported", code(custody.ParseOutcome, func(s *custody.Statement) *custody.OutcomeCode { return &s.Result })},
		{"answer", "match, mismatch or not done", code(oneOf("answer", custody.Match, custody.Mismatch, custody.NotDone), func(s *custody.Statement) *custody.ArrivalCode { return &s.Arrival })},
		{"preservation", "cold, cold-perfused, warm-perfused or out-of-cold", code(custody.ParsePreservation, func(s *custody.Statement) *custody.Preservation { return &s.Preservation })},
		{"leg", "number of the planned leg, from 1", setLeg},
		{"leg-state", "departed or arrived", code(oneOf("state", custody.Departed, custody.Arrived), func(s *custody.Statement) *custody.LegCode { return &s.LegState })},
		{"reference", "what others call it: air waybill, report or staff number", words(func(s *custody.Statement) *string { return &s.Reference })},
	}
}

func conditionCodes() string {
	var out []string
	for _, c := range custody.Conditions() {
		out = append(out, c.Code+" "+c.Text)
	}
	return strings.Join(out, ", ")
}

func setCondition(s *custody.Statement, text string) error {
	codes, err := custody.ParseCondition(text)
	s.Condition = codes
	return err
}

func setPosition(s *custody.Statement, text string) error {
	p, err := parsePosition(text)
	s.Position = &p
	return err
}

func setLeg(s *custody.Statement, text string) error {
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || n == 0 {
		return fmt.Errorf("leg %q: legs are counted from 1", text)
	}
	s.Leg = uint8(n)
	return nil
}

// parsePosition reads 'latitude,longitude' in degrees (WGS 84).
func parsePosition(text string) (custody.Position, error) {
	lat, lon, ok := strings.Cut(text, ",")
	degrees := func(text string, limit float64) int32 {
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		ok = ok && err == nil && math.Abs(v) <= limit // false for not a number, too
		if !ok {
			return 0
		}
		return int32(math.Round(v * 1e7))
	}
	p := custody.Position{LatE7: degrees(lat, 90), LonE7: degrees(lon, 180)}
	if !ok {
		return custody.Position{}, fmt.Errorf("position %q: write latitude,longitude in degrees, like 60.1699,24.9384", text)
	}
	return p, nil
}

// fields registers the flags of these names.
func (a *act) fields(names ...string) {
	for _, name := range names {
		for _, f := range fields() {
			if f.name == name {
				a.cmd.Flags().Func(name, f.help, func(text string) error { return f.set(&a.s, text) })
			}
		}
	}
}

// reasonFlag registers --reason with the codes that fit the kind of act.
func (a *act) reasonFlag() {
	fit := custody.ReasonsFor(a.s.Kind)
	names := make([]string, len(fit))
	for i, r := range fit {
		names[i] = r.String()
	}
	list := strings.Join(names, ", ")
	a.cmd.Flags().Func("reason", "coded reason: "+list, func(text string) error {
		for i, r := range fit {
			if names[i] == text {
				a.s.Reason = r
				return nil
			}
		}
		return fmt.Errorf("reason %q does not fit %s: use %s", text, a.s.Kind, list)
	})
}

// wants returns a usage error for the first flag that was not given.
func (a *act) wants(names ...string) error {
	for _, name := range names {
		if !a.cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s is needed: %s", name, a.cmd.Flags().Lookup(name).Usage)}
		}
	}
	return nil
}

// parsePerson reads the identifier of a person.
func parsePerson(what, text string) (ledger.PersonID, error) {
	id, err := ledger.ParseID[ledger.PersonID](text)
	if err != nil {
		return id, usageError{fmt.Errorf("%s: %w", what, err)}
	}
	return id, nil
}
