package custody

import (
	"fmt"
	"slices"
)

// codes are the names of an enumeration by number; an empty name is no code.
type codes []string

func (c codes) name(n uint8) string {
	if int(n) < len(c) && (c[n] != "" || n == 0) {
		return c[n]
	}
	return fmt.Sprintf("unknown(%d)", n)
}

// parse reads a name. what names the enumeration in the error.
func (c codes) parse(what, name string) (uint8, error) {
	if i := slices.Index(c, name); i > 0 && name != "" {
		return uint8(i), nil
	}
	return 0, fmt.Errorf("%s %q is not known: use %s", what, name, c.list())
}

// list returns the names as people say them: 'a, b or c'.
func (c codes) list() string {
	out, last := "", ""
	for _, name := range c {
		if name == "" {
			continue
		}
		if last != "" {
			if out != "" {
				out += ", "
			}
			out += last
		}
		last = name
	}
	if out == "" {
		return last
	}
	return out + " or " + last
}

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

var organs = codes{Heart: "heart", Lung: "lung", Liver: "liver", Kidney: "kidney", Pancreas: "pancreas", Intestine: "intestine"}

func (o Organ) String() string { return organs.name(uint8(o)) }

// ParseOrgan reads the name of an organ.
func ParseOrgan(name string) (Organ, error) {
	n, err := organs.parse("organ", name)
	return Organ(n), err
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

var sides = codes{SideLeft: "left", SideRight: "right", SideBoth: "both"}

func (s Side) String() string { return sides.name(uint8(s)) }

// ParseSide reads the name of a side; empty is none.
func ParseSide(name string) (Side, error) {
	if name == "" {
		return SideNone, nil
	}
	n, err := sides.parse("side", name)
	return Side(n), err
}

// ArrivalCode is the answer to 'was this the expected donor ID, organ and side?'.
type ArrivalCode uint8

// The answers. NotDone is a fact, not a failure: it never blocks anything.
const (
	Match    ArrivalCode = 1
	Mismatch ArrivalCode = 2
	NotDone  ArrivalCode = 3
)

var arrivals = codes{Match: "match", Mismatch: "mismatch", NotDone: "not done"}

func (c ArrivalCode) String() string { return arrivals.name(uint8(c)) }

// OutcomeCode is what became of the organ, as the center reports it.
type OutcomeCode uint8

// The outcomes.
const (
	Transplanted    OutcomeCode = 1
	NotTransplanted OutcomeCode = 2 // with a Reason
	Redirected      OutcomeCode = 3 // to Dest
	NotReported     OutcomeCode = 4
)

var outcomes = codes{Transplanted: "transplanted", NotTransplanted: "not transplanted", Redirected: "redirected", NotReported: "not reported"}

func (c OutcomeCode) String() string { return outcomes.name(uint8(c)) }

// ParseOutcome reads the name of an outcome.
func ParseOutcome(name string) (OutcomeCode, error) {
	n, err := outcomes.parse("outcome", name)
	return OutcomeCode(n), err
}

// ABO is a blood group as on the label: the set of the OPTN labelling form. It is in sealed payloads only.
type ABO uint8

// The blood groups.
const (
	ABOO   ABO = 1
	ABOA   ABO = 2
	ABOA1  ABO = 3
	ABOA2  ABO = 4
	ABOB   ABO = 5
	ABOAB  ABO = 6
	ABOA1B ABO = 7
	ABOA2B ABO = 8
)

var bloodGroups = codes{ABOO: "O", ABOA: "A", ABOA1: "A1", ABOA2: "A2", ABOB: "B", ABOAB: "AB", ABOA1B: "A1B", ABOA2B: "A2B"}

func (a ABO) String() string { return bloodGroups.name(uint8(a)) }

// ParseABO reads a blood group.
func ParseABO(name string) (ABO, error) {
	n, err := bloodGroups.parse("blood group", name)
	return ABO(n), err
}

// Packaging is what the organ travels in.
type Packaging uint8

// The kinds of packaging.
const (
	IceBox    Packaging = 1 // static cold storage in melting ice
	CooledBox Packaging = 2 // controlled hypothermia
	Machine   Packaging = 3 // perfusion machine
	OtherPack Packaging = 4
)

var packagings = codes{IceBox: "ice-box", CooledBox: "cooled-box", Machine: "machine", OtherPack: "other"}

func (p Packaging) String() string { return packagings.name(uint8(p)) }

// ParsePackaging reads a kind of packaging.
func ParsePackaging(name string) (Packaging, error) {
	n, err := packagings.parse("packaging", name)
	return Packaging(n), err
}

// Preservation is the state of the organ that a Preserve act states from its event time on.
type Preservation uint8

// The states. The cold clock runs in Cold; perfused time is counted apart; OutOfCold ends it.
const (
	Cold         Preservation = 1
	ColdPerfused Preservation = 2 // hypothermic machine perfusion
	WarmPerfused Preservation = 3 // normothermic machine perfusion
	OutOfCold    Preservation = 4
)

var preservations = codes{Cold: "cold", ColdPerfused: "cold-perfused", WarmPerfused: "warm-perfused", OutOfCold: "out-of-cold"}

func (p Preservation) String() string { return preservations.name(uint8(p)) }

// ParsePreservation reads a state of preservation.
func ParsePreservation(name string) (Preservation, error) {
	n, err := preservations.parse("preservation", name)
	return Preservation(n), err
}

// LabelCheck says how the label was checked by two people at packing (42 CFR 486.346(c)).
type LabelCheck uint8

// The ways of checking a label.
const (
	LabelTwoKeys   LabelCheck = 1 // the second person signed: RoleSecond
	LabelSecond    LabelCheck = 2 // a second person without an account; Reference names them as the program does
	LabelElsewhere LabelCheck = 3 // in the program's own system; Reference cites it
	LabelNotDone   LabelCheck = 4
)

var labelChecks = codes{LabelTwoKeys: "two-keys", LabelSecond: "second-person", LabelElsewhere: "own-system", LabelNotDone: "not-done"}

func (l LabelCheck) String() string { return labelChecks.name(uint8(l)) }

// ParseLabelCheck reads a way of checking a label.
func ParseLabelCheck(name string) (LabelCheck, error) {
	n, err := labelChecks.parse("label check", name)
	return LabelCheck(n), err
}

// SegmentCode says how the way of the readings changes: what a Move act states.
type SegmentCode uint8

// The changes. The time between two segments is a gap with their name.
const (
	MovedBox        SegmentCode = 1 // the organ was moved to another box
	TrackerReplaced SegmentCode = 2 // the same box, another tracker
	NoTracker       SegmentCode = 3 // the organ travels on without a tracker
)

var segmentCodes = codes{MovedBox: "moved to another box", TrackerReplaced: "tracker replaced", NoTracker: "no tracker"}

func (c SegmentCode) String() string { return segmentCodes.name(uint8(c)) }

// ParseSegmentCode reads a change of segment.
func ParseSegmentCode(name string) (SegmentCode, error) {
	n, err := segmentCodes.parse("change", name)
	return SegmentCode(n), err
}

// Evidence is how a change of custody is proven.
type Evidence uint8

// The grades of evidence, best first. Numbers are append only.
const (
	BothKeys      Evidence = 1 // releaser and accepter each signed with their own key
	CarriersPhone Evidence = 2 // the receiver confirmed on the carrier's phone: signed with the carrier's key
	OneSide       Evidence = 3 // one party signed, with a reason and a reference
	OwnKey        Evidence = 4 // packed or received it: there is no other side
)

var evidences = codes{BothKeys: "both keys", CarriersPhone: "confirmed on the carrier's phone", OneSide: "one side only", OwnKey: "own key"}

func (e Evidence) String() string { return evidences.name(uint8(e)) }

// LegCode is what a Waypoint act states of a planned leg.
type LegCode uint8

// The states of a leg.
const (
	Departed LegCode = 1
	Arrived  LegCode = 2
)

var legCodes = codes{Departed: "departed", Arrived: "arrived"}

func (c LegCode) String() string { return legCodes.name(uint8(c)) }

// Mode is how a leg is travelled.
type Mode uint8

// The modes.
const (
	Road    Mode = 1
	Flight  Mode = 2 // commercial
	Charter Mode = 3 // by private aircraft
	Rotor   Mode = 4 // by helicopter
	Rail    Mode = 5
	Drone   Mode = 6
	OnFoot  Mode = 7
)

var modes = codes{Road: "road", Flight: "flight", Charter: "charter", Rotor: "helicopter", Rail: "rail", Drone: "drone", OnFoot: "on-foot"}

func (m Mode) String() string { return modes.name(uint8(m)) }

// ParseMode reads a mode of travel.
func ParseMode(name string) (Mode, error) {
	n, err := modes.parse("mode", name)
	return Mode(n), err
}

// Reason is a coded reason. There is no free text: that is where a patient's data would leak. Numbers are append only.
type Reason uint8

// The reasons. ReasonFor says which of them a kind of act may give.
const (
	ReasonOther Reason = 1

	DonorUnsuitable      Reason = 10 // stand-down
	RecipientUnavailable Reason = 11
	NoTransport          Reason = 12
	ConsentWithdrawn     Reason = 13
	OrganUnsuitable      Reason = 14

	NoAccount  Reason = 20 // one side only
	Refused    Reason = 21
	DeadPhone  Reason = 22
	Unattended Reason = 23

	OrganQuality       Reason = 30 // not transplanted, redirected
	RecipientCondition Reason = 31
	IschemiaTime       Reason = 32
	OutOfBand          Reason = 33
	Damaged            Reason = 34
	WrongOrgan         Reason = 35
	Anatomy            Reason = 36
	Infection          Reason = 37

	TypingError  Reason = 40 // correction
	WrongTime    Reason = 41
	WrongItem    Reason = 42
	WrongPerson  Reason = 43
	EnteredTwice Reason = 44

	ByWitness      Reason = 50 // ruling
	BySealAndPlace Reason = 51
	ByDevice       Reason = 52
	ClaimWithdrawn Reason = 53

	BoxFault         Reason = 60 // move
	TrackerFault     Reason = 61
	ToMachine        Reason = 62
	TemperatureFault Reason = 63
	TrackerForbidden Reason = 64

	Lost             Reason = 70 // serious adverse event
	Delayed          Reason = 71
	WrongDestination Reason = 72
	Frozen           Reason = 73
	Warmed           Reason = 74
	DamagedInTransit Reason = 75
	WrongLabel       Reason = 76
	DeviceFailure    Reason = 77
)

var reasons = codes{
	ReasonOther: "other", DonorUnsuitable: "donor-unsuitable", RecipientUnavailable: "recipient-unavailable", NoTransport: "no-transport",
	ConsentWithdrawn: "consent-withdrawn", OrganUnsuitable: "organ-unsuitable", NoAccount: "no-account", Refused: "refused",
	DeadPhone: "dead-phone", Unattended: "unattended", OrganQuality: "organ-quality", RecipientCondition: "recipient-condition",
	IschemiaTime: "ischemia-time", OutOfBand: "out-of-band", Damaged: "damaged", WrongOrgan: "wrong-organ", Anatomy: "anatomy",
	Infection: "infection", TypingError: "typing-error", WrongTime: "wrong-time", WrongItem: "wrong-item", WrongPerson: "wrong-person",
	EnteredTwice: "entered-twice", ByWitness: "witness", BySealAndPlace: "seal-and-place", ByDevice: "device-records",
	ClaimWithdrawn: "claim-withdrawn", BoxFault: "box-fault", TrackerFault: "tracker-fault", ToMachine: "to-machine",
	TemperatureFault: "temperature", TrackerForbidden: "tracker-forbidden", Lost: "lost", Delayed: "delayed",
	WrongDestination: "wrong-destination", Frozen: "frozen", Warmed: "warmed", DamagedInTransit: "damaged-in-transit",
	WrongLabel: "wrong-label", DeviceFailure: "device-failure",
}

func (r Reason) String() string { return reasons.name(uint8(r)) }

// ParseReason reads a reason.
func ParseReason(name string) (Reason, error) {
	n, err := reasons.parse("reason", name)
	return Reason(n), err
}

// ReasonsFor returns the reasons that fit a kind of act, for menus and errors; ReasonOther always fits.
func ReasonsFor(k Kind) []Reason {
	in := func(from, to Reason) []Reason {
		var out []Reason
		for r := from; r <= to && int(r) < len(reasons); r++ {
			if reasons[r] != "" {
				out = append(out, r)
			}
		}
		return append(out, ReasonOther)
	}
	switch k {
	case StandDown:
		return in(10, 19)
	case Release, Accept:
		return in(20, 29)
	case Outcome:
		return in(30, 39)
	case Correction:
		return in(40, 49)
	case Ruling:
		return in(50, 59)
	case Move:
		return in(60, 69)
	case AdverseEvent:
		return in(70, 79)
	}
	return nil
}
