package hardware

import "strconv"

// Fault says why there is no reading. None (zero) means that there is one.
//
// Numbers are written into signed journals: they are explicit, a number is never
// reused or changed, and new ones go at the end of their group.
type Fault uint16

// None is the absence of a fault.
const None Fault = 0

// Faults of a serial port.
const (
	NotFound    Fault = 1  // no such device: unplugged, or the name moved
	Busy        Fault = 2  // another program holds the port
	Denied      Fault = 3  // no permission to open the port
	NotATTY     Fault = 4  // the path exists and is not a serial port
	Unplugged   Fault = 5  // the device went away while in use
	IOError     Fault = 6  // the kernel refused for another reason
	WriteStuck  Fault = 7  // output did not drain before the deadline
	Silent      Fault = 8  // no byte arrived before the deadline
	Closed      Fault = 9  // we closed the port ourselves
	WrongBaud   Fault = 10 // bytes arrive that no speed we tried turns into sentences
	Saturated   Fault = 11 // the line never pauses: the device sends more than it can carry, and what comes is late
	Overrun     Fault = 12 // bytes came faster than they were read, and some are lost
	Unsupported Fault = 13 // the driver of the port, or the device, can't do what the configuration asks for
	Ambiguous   Fault = 14 // several devices match what the configuration names
)

// Faults of framing and parsing: bytes arrived that are not a good sentence.
const (
	Noise           Fault = 20 // text or bytes that belong to no sentence or answer
	Binary          Fault = 21 // a packet of a binary protocol, or bytes outside ASCII
	TooLong         Fault = 22 // a sentence longer than any real one
	Truncated       Fault = 23 // a sentence or answer that ends early
	ChecksumBad     Fault = 24 // the checksum is there and does not match
	ChecksumMissing Fault = 25 // the sentence carries no checksum
	FieldCount      Fault = 26 // too few fields for its type
	FieldSyntax     Fault = 27 // a field is not in the form its type demands
	FieldRange      Fault = 28 // a field is well formed and impossible
	ParserPanic     Fault = 29 // the parser library panicked; the sentence is dropped
	Interleaved     Fault = 30 // a sentence begins inside of another one
	UnknownType     Fault = 31 // a good sentence of a type nobody reads
)

// Faults of a position.
const (
	NoFix        Fault = 40 // the receiver runs and says it has no position
	Void         Fault = 41 // a position marked not valid (status V)
	Simulated    Fault = 42 // simulated or typed in by hand, not measured
	DeadReckoned Fault = 43 // extrapolated, not measured
	NullIsland   Fault = 44 // latitude and longitude zero: an unset position
	Conflicting  Fault = 45 // sentences of one moment are far apart
	DateInvalid  Fault = 46 // the date is impossible or before 2000
	Stale        Fault = 47 // there was a position and it is too old to pass on

	// The position is there; these say why it is doubtful.
	Jump          Fault = 48 // farther from the one before than anything travels
	SpeedMismatch Fault = 49 // the positions move, and the measured speed does not, or the other way round
	LowSatellites Fault = 50 // fewer satellites than a position needs
	HDOPHigh      Fault = 51 // the geometry of the satellites spoils it

	// The receiver's time.
	Rollover      Fault = 52 // the date is 1,024 weeks, or a multiple, off
	TimeBackwards Fault = 53 // the receiver's time ran back
	LagHigh       Fault = 54 // the sentences come long after the moment they speak of
)

// Faults of a bus and of the probes on it.
const (
	Timeout          Fault = 60 // the device did not answer in time
	WrongAddress     Fault = 61 // another device answered
	WrongFunction    Fault = 62 // the answer is to another kind of request
	WrongLength      Fault = 63 // the answer has another number of values, or bytes after it
	Exception        Fault = 64 // the device refused the request
	CRCBad           Fault = 65 // the answer was damaged on the way
	LateReply        Fault = 66 // an answer to an older request was in the way
	Disconnected     Fault = 67 // the sensing element is open or short
	OutOfRange       Fault = 68 // outside of what the probe can measure
	Canceled         Fault = 69 // the caller gave up waiting
	Shorted          Fault = 70 // the bus or the sensing element is short
	PowerOnValue     Fault = 71 // the value a probe shows before it has measured
	ConversionFailed Fault = 72 // the probe did not measure: too little power, or interrupted
	Retained         Fault = 73 // the driver shows an older value because the newest answer was damaged
	UnitMismatch     Fault = 74 // the answer is in another unit than configured, or in none
	DeviceError      Fault = 75 // the device answered with an error of its own
	NoPresence       Fault = 76 // nothing on the 1-Wire line answers to a reset
)

// Doubts: the probe answers and its value is kept, and this speaks against it. The journal tells when a doubt begins and
// ends.
const (
	RateOfChange  Fault = 80 // changes faster than what it measures can
	Stuck         Fault = 81 // has shown the very same value for longer than a probe that measures does
	Disagree      Fault = 82 // two probes of one place differ by more than their uncertainties
	OffsetChanged Fault = 83 // the correction stored inside of the device is not what it was, or not zero
	CertExpired   Fault = 84 // the calibration certificate is not valid any more
)

// Faults of power and of what the box switches.
const (
	BatteryLow   Fault = 90 // little charge is left
	Undervoltage Fault = 91 // the supply is too weak for the computer
	GaugeGlitch  Fault = 92 // the gauge shows what no battery can: 256 %, 0 V
	SwitchFailed Fault = 93 // an output did not do what it was told
)

// String gives the name that appears in logs, in JSON and on screens. A number this
// version does not know is shown as "fault_N", so that an old reader loses nothing.
func (f Fault) String() string {
	if name := f.name(); name != "" {
		return name
	}
	return "fault_" + strconv.Itoa(int(f))
}

func (f Fault) name() string {
	switch {
	case f < Noise:
		return f.portName()
	case f < NoFix:
		return f.frameName()
	case f < Timeout:
		return f.fixName()
	case f < RateOfChange:
		return f.busName()
	default:
		return f.doubtName()
	}
}

func (f Fault) portName() string {
	switch f {
	case None:
		return "none"
	case NotFound:
		return "not_found"
	case Busy:
		return "busy"
	case Denied:
		return "denied"
	case NotATTY:
		return "not_a_tty"
	case Unplugged:
		return "unplugged"
	case IOError:
		return "io_error"
	case WriteStuck:
		return "write_stuck"
	case Silent:
		return "silent"
	case Closed:
		return "closed"
	case WrongBaud:
		return "wrong_baud"
	case Saturated:
		return "saturated"
	case Overrun:
		return "overrun"
	case Unsupported:
		return "unsupported"
	case Ambiguous:
		return "ambiguous"
	}
	return ""
}

func (f Fault) frameName() string {
	switch f {
	case Noise:
		return "noise"
	case Binary:
		return "binary"
	case TooLong:
		return "too_long"
	case Truncated:
		return "truncated"
	case ChecksumBad:
		return "checksum_bad"
	case ChecksumMissing:
		return "checksum_missing"
	case FieldCount:
		return "field_count"
	case FieldSyntax:
		return "field_syntax"
	case FieldRange:
		return "field_range"
	case ParserPanic:
		return "parser_panic"
	case Interleaved:
		return "interleaved"
	case UnknownType:
		return "unknown_type"
	}
	return ""
}

func (f Fault) fixName() string {
	switch f {
	case NoFix:
		return "no_fix"
	case Void:
		return "void"
	case Simulated:
		return "simulated"
	case DeadReckoned:
		return "dead_reckoned"
	case NullIsland:
		return "null_island"
	case Conflicting:
		return "conflicting"
	case DateInvalid:
		return "date_invalid"
	case Stale:
		return "stale"
	case Jump:
		return "jump"
	case SpeedMismatch:
		return "speed_mismatch"
	case LowSatellites:
		return "low_satellites"
	case HDOPHigh:
		return "hdop_high"
	case Rollover:
		return "rollover"
	case TimeBackwards:
		return "time_backwards"
	case LagHigh:
		return "lag_high"
	}
	return ""
}

func (f Fault) busName() string {
	switch f {
	case Timeout:
		return "timeout"
	case WrongAddress:
		return "wrong_address"
	case WrongFunction:
		return "wrong_function"
	case WrongLength:
		return "wrong_length"
	case Exception:
		return "exception"
	case CRCBad:
		return "crc_bad"
	case LateReply:
		return "late_reply"
	case Disconnected:
		return "disconnected"
	case OutOfRange:
		return "out_of_range"
	case Canceled:
		return "canceled"
	case Shorted:
		return "shorted"
	case PowerOnValue:
		return "power_on_value"
	case ConversionFailed:
		return "conversion_failed"
	case Retained:
		return "retained"
	case UnitMismatch:
		return "unit_mismatch"
	case DeviceError:
		return "device_error"
	case NoPresence:
		return "no_presence"
	}
	return ""
}

func (f Fault) doubtName() string {
	switch f {
	case RateOfChange:
		return "rate_of_change"
	case Stuck:
		return "stuck"
	case Disagree:
		return "disagree"
	case OffsetChanged:
		return "offset_changed"
	case CertExpired:
		return "cert_expired"
	case BatteryLow:
		return "battery_low"
	case Undervoltage:
		return "undervoltage"
	case GaugeGlitch:
		return "gauge_glitch"
	case SwitchFailed:
		return "switch_failed"
	}
	return ""
}
