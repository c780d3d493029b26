package battery

import (
	"fmt"

	"isotherm/hardware"
)

// Error says why a gauge that was reached gave no values. Ports and attributes that can't be reached have the errors of
// packages serial and sysfs.
type Error struct {
	Op    string         // "read battery", "ask ups at"
	Path  string         // the folder of its attributes, or its port
	Fault hardware.Fault // the reason as the journal knows it
	Err   error          // the cause; never nil
}

// Error gives the whole sentence for a person.
func (e *Error) Error() string {
	return fmt.Sprintf("%s %s: %s (%v): %s", e.Op, e.Path, e.Fault, e.Err, hint(e.Fault))
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Reason returns the fault, for hardware.FaultOf.
func (e *Error) Reason() hardware.Fault { return e.Fault }

func hint(f hardware.Fault) string {
	switch f {
	case hardware.GaugeGlitch:
		return "check the battery's contacts and the wiring of its gauge"
	case hardware.Unplugged:
		return "put the battery in"
	case hardware.Unsupported:
		return "it is not the kind of gauge that the configuration says"
	case hardware.DeviceError:
		return "see its own display"
	default:
		return "check wiring, speed, and that it speaks Megatec (Q1)"
	}
}
