package sysfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"isotherm/hardware"
)

// Error is the only error type of this package. Its text says what failed, where, why, and what to do about it.
type Error struct {
	Op    string         // "read", "write", "parse", "find"
	Path  string         // the attribute, or the folder or name that was looked for
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

// Absent reports whether err says that there is no such attribute, or that its driver has no value for it: a device need
// not have every attribute of its class.
func Absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENODATA)
}

func hint(f hardware.Fault) string {
	switch f {
	case hardware.NotFound:
		return "check that the device is attached, its driver loaded, and the path right"
	case hardware.Unplugged:
		return "the device behind it is gone; attach it again"
	case hardware.Denied:
		return "let this user read or write it: a udev rule, or ReadWritePaths of the service"
	case hardware.Busy:
		return "another driver or program holds it"
	case hardware.Timeout:
		return "its driver hangs; check the bus of the device (I2C wiring and power)"
	case hardware.Unsupported, hardware.TooLong:
		return "give the path of one attribute, a file of one line"
	case hardware.FieldSyntax, hardware.FieldRange:
		return "this is not the attribute it is taken for, or its driver is broken"
	default:
		return "see the kernel log"
	}
}

// faultOf maps why the kernel refused.
func faultOf(err error) hardware.Fault {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return hardware.NotFound
	case errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO):
		return hardware.Unplugged
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return hardware.Denied
	case errors.Is(err, syscall.EBUSY), errors.Is(err, syscall.EAGAIN):
		return hardware.Busy
	case errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, os.ErrDeadlineExceeded):
		return hardware.Timeout
	case errors.Is(err, syscall.EISDIR), errors.Is(err, errNotAttribute):
		return hardware.Unsupported
	case errors.Is(err, errTooLong):
		return hardware.TooLong
	}
	return hardware.IOError
}

// cause drops the *os.PathError around err: Error says op and path itself.
func cause(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}
