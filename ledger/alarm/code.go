package alarm

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"isotherm/ledger"
	"isotherm/ledger/profile"
)

// Code says what an alarm is about. Codes are part of the API: none is renamed or reused.
type Code string

// The codes.
const (
	TooCold       Code = "too-cold"
	TooColdTotal  Code = "too-cold-total"
	TooColdArea   Code = "too-cold-area"
	TooWarm       Code = "too-warm"
	TooWarmTotal  Code = "too-warm-total"
	TooWarmArea   Code = "too-warm-area"
	SensorLost    Code = "sensor-lost"
	NoReadings    Code = "no-readings" // the box took none for a while
	Silence       Code = "silence"     // the ledger does not hear of the box
	ColdWarning   Code = "cold-time-warning"
	ColdLimit     Code = "cold-time-limit"
	HandoffLate   Code = "handoff-overdue"
	Conflict      Code = "conflicting-claim"
	Mismatch      Code = "arrival-mismatch"
	WrongPlace    Code = "wrong-place"
	LeftBehind    Code = "left-behind"
	NoProgress    Code = "no-progress"
	Delayed       Code = "delayed"
	Calibration   Code = "calibration-expired"
	DataWithheld  Code = "data-withheld"
	TestOfContact Code = "test"
)

// words are what a message says of a code outside the ledger: nothing but the state.
var words = map[Code]string{
	TooCold: "too cold", TooColdTotal: "too cold in total", TooColdArea: "too cold in total", TooWarm: "too warm", TooWarmTotal: "too warm in total",
	TooWarmArea: "too warm in total", SensorLost: "sensor lost", NoReadings: "no readings", Silence: "no contact", ColdWarning: "cold time: warning",
	ColdLimit: "cold time: limit passed", HandoffLate: "handoff overdue", Conflict: "conflicting claim", Mismatch: "arrival check: mismatch",
	WrongPlace: "wrong place", LeftBehind: "left behind", NoProgress: "no progress", Delayed: "delayed", Calibration: "calibration expired",
	DataWithheld: "data withheld", TestOfContact: "test alarm",
}

// Words returns what a message says of the code: 'too cold'.
func (c Code) Words() string {
	if w := words[c]; w != "" {
		return w
	}
	return "alarm"
}

// Title returns the words as the beginning of a line: 'Too cold'.
func (c Code) Title() string {
	w := c.Words()
	return strings.ToUpper(w[:1]) + w[1:]
}

// lowSide tells whether the code is about cold: freezing harms at once and for good, so it comes first.
func (c Code) lowSide() bool { return c == TooCold || c == TooColdTotal || c == TooColdArea }

// codeOf returns the code of an excursion of a rule's kind.
func codeOf(k profile.RuleKind) Code {
	switch k {
	case profile.Below:
		return TooCold
	case profile.Above:
		return TooWarm
	case profile.Lost:
		return SensorLost
	case profile.BelowTotal:
		return TooColdTotal
	case profile.AboveTotal:
		return TooWarmTotal
	case profile.BelowArea:
		return TooColdArea
	case profile.AboveArea:
		return TooWarmArea
	}
	return NoReadings
}

// ID names an alarm: the same on every node, and again after a restart.
type ID [ledger.IDSize]byte

// IDOf returns the ID of an alarm: the first 16 bytes of SHA-256("isotherm/alarm/v1\n" || shipment || code || 0 || detail
// || 0 || begin as 64 bits, big-endian). What began at another time is another alarm.
func IDOf(shipment ledger.ShipmentID, code Code, detail string, beginMS int64) ID {
	b := append([]byte("isotherm/alarm/v1\n"), shipment[:]...)
	b = append(append(b, code...), 0)
	b = append(append(b, detail...), 0)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(b, uint64(beginMS)))
	return ID(sum[:ledger.IDSize])
}

// String returns 32 lower-case hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText is the JSON form.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText accepts only what MarshalText writes.
func (id *ID) UnmarshalText(text []byte) error {
	var v ID
	if len(text) != 2*len(v) {
		return fmt.Errorf("alarm %.40q: want %d hexadecimal digits", text, 2*len(v))
	}
	if _, err := hex.Decode(v[:], text); err != nil || v.String() != string(text) {
		return fmt.Errorf("alarm %q: want %d lower-case hexadecimal digits", text, 2*len(v))
	}
	*id = v
	return nil
}

// ParseID reads what String writes.
func ParseID(text string) (ID, error) {
	var id ID
	err := id.UnmarshalText([]byte(text))
	return id, err
}

// Reason is the coded reason of an acknowledgement. Numbers are append only.
type Reason uint8

// The reasons.
const (
	Seen        Reason = 1 // and somebody else must act
	Acting      Reason = 2
	FalseAlarm  Reason = 3
	SensorFault Reason = 4
	Test        Reason = 5
)

var reasons = [...]string{Seen: "seen", Acting: "acting", FalseAlarm: "false-alarm", SensorFault: "sensor-fault", Test: "test"}

func (r Reason) String() string {
	if r >= Seen && r <= Test {
		return reasons[r]
	}
	return fmt.Sprintf("unknown(%d)", uint8(r))
}

// ParseReason reads the name of a reason.
func ParseReason(name string) (Reason, error) {
	for i, n := range reasons {
		if n == name && n != "" {
			return Reason(i), nil
		}
	}
	return 0, fmt.Errorf("reason %.40q is not known: use seen, acting, false-alarm, sensor-fault or test", name)
}

// MuteMS is for how long an acknowledgement keeps an alarm from being repeated, in milliseconds. None lasts longer than
// half an hour: there is no silence for good.
func (r Reason) MuteMS() int64 {
	if r == Seen {
		return 15 * minute
	}
	return 30 * minute
}
