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
	NotFound   Fault = 1 // no such device: unplugged, or the name moved
	Busy       Fault = 2 // another program holds the port
	Denied     Fault = 3 // no permission to open the port
	NotATTY    Fault = 4 // the path exists and is not a serial port
	Unplugged  Fault = 5 // the device went away while in use
	IOError    Fault = 6 // the kernel refused for another reason
	WriteStuck Fault = 7 // output did not drain before the deadline
	Silent     Fault = 8 // no byte arrived before the deadline
	Closed     Fault = 9 // we closed the port ourselves
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
)

// Faults of a bus and of the probes on it.
const (
	Timeout       Fault = 60 // the device did not answer in time
	WrongAddress  Fault = 61 // another device answered
	WrongFunction Fault = 62 // the answer is to another kind of request
	WrongLength   Fault = 63 // the answer has another number of values, or bytes after it
	Exception     Fault = 64 // the device refused the request
	CRCBad        Fault = 65 // the answer was damaged on the way
	LateReply     Fault = 66 // an answer to an older request was in the way
	Disconnected  Fault = 67 // the sensing element is open or short
	OutOfRange    Fault = 68 // outside of what the probe can measure
	Canceled      Fault = 69 // the caller gave up waiting
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
	default:
		return f.busName()
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
	}
	return ""
}
