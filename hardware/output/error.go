package output

import (
	"context"
	"errors"
	"fmt"

	"isotherm/hardware"
	"isotherm/hardware/sysfs"
)

// Error says why a switch did not do what it was told. Its text says what, where, why, and what to do about it.
type Error struct {
	Op    string         // "switch on", "switch off"
	Path  string         // the folder, file or command
	Fault hardware.Fault // SwitchFailed when it took the order and did not obey; else why it could not be reached
	Err   error          // the cause; never nil
}

// Error gives the whole sentence for a person.
func (e *Error) Error() string {
	if _, ok := errors.AsType[*sysfs.Error](e.Err); ok {
		return fmt.Sprintf("%s %s: %v", e.Op, e.Path, e.Err) // which says the fault and the hint itself
	}
	return fmt.Sprintf("%s %s: %s (%v): %s", e.Op, e.Path, e.Fault, e.Err, hint(e.Fault))
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Reason returns the fault, for hardware.FaultOf.
func (e *Error) Reason() hardware.Fault { return e.Fault }

func hint(f hardware.Fault) string {
	switch f {
	case hardware.NotFound:
		return "check the path in the configuration"
	case hardware.Denied:
		return "let this user do it: a udev rule, or the service unit"
	case hardware.Timeout:
		return "it hangs; try it by hand"
	case hardware.Canceled:
		return "the caller gave up; the state is not known"
	default:
		return "its state is not known; try it by hand"
	}
}

// wrong is an error that makes the fault SwitchFailed.
func wrong(format string, args ...any) error { return fmt.Errorf(format, args...) }

// finish makes the result of one Set and tells the monitor, to whom every failure is SwitchFailed: what counts for who
// reads the journal is that the state is not known, and the detail says why. The end of ctx says nothing about the device.
func finish(m *hardware.Monitor, path string, on bool, err error) error {
	if err == nil {
		m.Set(hardware.StateLive, hardware.None, path, "")
		return nil
	}
	e := &Error{Op: "switch off", Path: path, Fault: hardware.SwitchFailed, Err: err}
	if on {
		e.Op = "switch on"
	}
	var timeout *timeoutError
	switch {
	case errors.As(err, &timeout):
		e.Fault = hardware.Timeout
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Fault = hardware.Canceled
		return e
	default:
		if inner, ok := errors.AsType[*sysfs.Error](err); ok {
			e.Fault = inner.Fault
		}
		if inner, ok := errors.AsType[*startError](err); ok {
			e.Fault = inner.fault
		}
	}
	m.Set(hardware.StateDown, hardware.SwitchFailed, path, e.Error())
	return e
}
