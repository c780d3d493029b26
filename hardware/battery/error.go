package battery

import (
	"context"
	"errors"
	"fmt"

	"isotherm/hardware"
	"isotherm/hardware/serial"
	"isotherm/hardware/sysfs"
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

// FaultOf returns the fault that an error of a gauge, a port or an attribute carries, Canceled for the end of a context,
// and IOError for any other error that is not nil.
func FaultOf(err error) hardware.Fault {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Fault
	}
	if _, ok := errors.AsType[*serial.Error](err); ok {
		return serial.FaultOf(err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return hardware.Canceled
	}
	return sysfs.FaultOf(err)
}
