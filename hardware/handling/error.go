package handling

import (
	"fmt"

	"isotherm/hardware"
)

// Error says why a sensor that answers gives no value. Attributes and ports that can't be read have the errors of
// packages sysfs and serial.
type Error struct {
	Op    string         // "read light", "read contact"
	Path  string         // the sensor's folder, file or port
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
	case hardware.Noise, hardware.Overrun:
		return "check the contact, its wiring and its pull-up"
	case hardware.OutOfRange:
		return "check the sensor's power and scale"
	case hardware.UnitMismatch:
		return "check the sentence that the device sends"
	case hardware.Unsupported:
		return "it is not the kind of sensor that the configuration says"
	default:
		return "check the sensor"
	}
}
