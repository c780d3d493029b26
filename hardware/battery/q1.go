package battery

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"isotherm/hardware"
)

// status is what a UPS says in one answer to Q1 of the Megatec protocol:
//
//	(MMM.M NNN.N PPP.P QQQ RR.R S.SS TT.T b7b6b5b4b3b2b1b0<cr>
//
// input voltage, input voltage at the last fault, output voltage, load in percent, frequency, battery voltage,
// temperature, and eight flags. Source: NUT's documentation of the Megatec protocol and its drivers blazer and nutdrv_qx.
type status struct {
	milliVolts uint32 // of the battery, or of one cell; hardware.VoltsUnknown when the UPS sent dashes
	perCell    bool   // the form S.SS, which UPS of the on-line kind use; SS.S is the whole battery
	flags      uint8
}

// The flags that matter here, b7 first. b0 is the beeper, b3 the kind of UPS, b5 a bypass.
const (
	utilityFailed = 1 << 7
	batteryLow    = 1 << 6
	upsFailed     = 1 << 4
	selfTest      = 1 << 2
	shutdown      = 1 << 1
	beeper        = 1 << 0
)

const (
	maxAnswer  = 64 // bytes of an answer: 47 by the book, and some for devices with wider fields
	q1Fields   = 8
	flagDigits = 8
	cellMin    = 1_000 // mV of one cell: less and more is no battery of a UPS
	cellMax    = 3_000
	wholeMin   = 5_000 // mV of the smallest battery, 6 V when it is flat
)

// q1Limits are the largest sensible values of the fields that are not used. There is no checksum, so what is impossible
// in any field speaks against the whole answer.
var q1Limits = [q1Fields - 1]struct {
	name string
	most float64
}{
	{"input voltage", 500}, {"fault voltage", 500}, {"output voltage", 500}, {"load", 250}, {"frequency", 99.9},
	{"battery voltage", 999}, {"temperature", 125},
}

// refusals are what a UPS answers that does not know Q1: the request itself, or one of these.
var refusals = [...]string{"Q1", "(NAK", "NAK", "N"}

// parseQ1 reads an answer without its carriage return. When the fault is not None the status means nothing, and the text
// says what is wrong: Unsupported for an echo or a refusal, which is how a UPS says that it does not know Q1, Noise for
// what does not begin as an answer, TooLong, Truncated, FieldCount, FieldSyntax, FieldRange, GaugeGlitch.
func parseQ1(line []byte) (status, hardware.Fault, string) {
	switch {
	case len(line) > maxAnswer:
		return status{}, hardware.TooLong, fmt.Sprintf("an answer of more than %d bytes", maxAnswer)
	case slices.Contains(refusals[:], string(line)):
		return status{}, hardware.Unsupported, fmt.Sprintf("answers %q: it does not know this request", line)
	case len(line) == 0 || line[0] != '(':
		return status{}, hardware.Noise, fmt.Sprintf("%q does not begin with a bracket", line)
	}
	fields := strings.Split(string(line[1:]), " ")
	if len(fields) != q1Fields {
		fault := hardware.FieldCount
		if len(fields) < q1Fields {
			fault = hardware.Truncated
		}
		return status{}, fault, fmt.Sprintf("%q has %d fields, not %d", line, len(fields), q1Fields)
	}
	for i, limit := range q1Limits {
		if fault := checkField(fields[i], limit.most); fault != hardware.None {
			return status{}, fault, fmt.Sprintf("%s %q", limit.name, fields[i])
		}
	}
	flags, fault := parseFlags(fields[q1Fields-1])
	if fault != hardware.None {
		return status{}, fault, fmt.Sprintf("flags %q", fields[q1Fields-1])
	}
	volts, perCell := parseVolts(fields[5])
	if perCell && (volts < cellMin || volts > cellMax) || !perCell && volts < wholeMin {
		return status{}, hardware.GaugeGlitch, fmt.Sprintf("shows a battery voltage of %q", fields[5])
	}
	return status{milliVolts: volts, perCell: perCell, flags: flags}, hardware.None, ""
}

// checkField checks one number: dashes (the UPS does not measure it), or one to three digits, perhaps a point and one or
// two more.
func checkField(text string, most float64) hardware.Fault {
	if dashes(text) {
		return hardware.None
	}
	whole, fraction, point := strings.Cut(text, ".")
	if !digits(whole, 3) || point && !digits(fraction, 2) {
		return hardware.FieldSyntax
	}
	if v, err := strconv.ParseFloat(text, 64); err != nil || v > most {
		return hardware.FieldRange
	}
	return hardware.None
}

func dashes(text string) bool { return text != "" && strings.Trim(text, "-.") == "" && text[0] == '-' }

func digits(s string, most int) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= most
}

// parseVolts turns a field that checkField let pass into mV.
func parseVolts(text string) (milli uint32, perCell bool) {
	if dashes(text) {
		return hardware.VoltsUnknown, false
	}
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseUint(whole+(fraction + "000")[:3], 10, 32)
	if err != nil {
		return 0, false
	}
	return uint32(n), len(whole) == 1 && len(fraction) == 2
}

func parseFlags(text string) (uint8, hardware.Fault) {
	if len(text) < flagDigits {
		return 0, hardware.Truncated
	}
	if strings.Trim(text, "01") != "" || len(text) > flagDigits {
		return 0, hardware.FieldSyntax
	}
	v, err := strconv.ParseUint(text, 2, 8)
	if err != nil {
		return 0, hardware.FieldSyntax
	}
	return uint8(v), hardware.None
}

// agrees reports whether other, asked for right after s, says the same: the flags but the beeper's, and the voltage
// within a twentieth.
func (s status) agrees(other status) bool {
	if (s.flags^other.flags)&^beeper != 0 || s.perCell != other.perCell {
		return false
	}
	if s.milliVolts == hardware.VoltsUnknown || other.milliVolts == hardware.VoltsUnknown {
		return s.milliVolts == other.milliVolts
	}
	return 20*absolute(int64(s.milliVolts)-int64(other.milliVolts)) <= int64(s.milliVolts)
}

// state is what the flags say. With outside power a UPS charges its battery or keeps it full and does not tell which.
func (s status) state() hardware.PowerState {
	switch {
	case s.flags&utilityFailed != 0:
		return hardware.PowerDischarging
	case s.flags&selfTest != 0:
		return hardware.PowerUnknown // on battery, for a test
	default:
		return hardware.PowerCharging
	}
}
