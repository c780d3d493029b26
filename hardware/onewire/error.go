package onewire

import (
	"fmt"

	"isotherm/hardware"
)

// Error says why the bus or a probe gave no answer that can be used.
type Error struct {
	Op     string         // "reset bus", "convert", "read probe", "search", "set up bridge"
	Where  string         // the port, with "#28-..." when it is about one probe; or the kernel's file
	Fault  hardware.Fault // the reason as the journal knows it
	Answer []byte         // what came, for a person to look at
	Err    error          // the cause or more about it; may be nil
}

// Error gives the whole sentence for a person: what, where, why, what to do.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s on 1-Wire bus %s: %s", e.Op, e.Where, e.Fault)
	if e.Err != nil {
		text += fmt.Sprintf(" (%v)", e.Err)
	}
	if len(e.Answer) > 0 {
		text += fmt.Sprintf(", got % x", e.Answer)
	}
	return text + ": " + hint(e.Fault)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Reason returns the fault, for hardware.FaultOf.
func (e *Error) Reason() hardware.Fault { return e.Fault }

func hint(f hardware.Fault) string {
	switch f {
	case hardware.NoPresence:
		return "check the plug and the cable to the probe, and its ID"
	case hardware.Shorted:
		return "the data wire is held low: look for a short, or a plug that is the wrong way round"
	case hardware.PowerOnValue, hardware.ConversionFailed:
		return "the probe did not measure: check its supply; with two wires only, set parasite power"
	case hardware.Disconnected:
		return "the probe answers with zeros: check data and ground wires, or replace the probe"
	case hardware.CRCBad, hardware.Retained, hardware.FieldRange:
		return "the answer is damaged: shorten the cable, keep it off power lines, check the plugs"
	case hardware.Timeout, hardware.Truncated:
		return "the bridge or the probe stopped answering: check its power and the cable"
	case hardware.Noise, hardware.LateReply, hardware.FieldSyntax:
		return "that is not what a thermometer on a DS2480B says: check which device this port belongs to"
	case hardware.NotFound, hardware.Unplugged:
		return "plug the probe in again; for the kernel's files load w1-gpio and w1-therm"
	case hardware.OutOfRange:
		return "no such probe measures that: replace it"
	}
	return "see the log"
}
