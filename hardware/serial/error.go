package serial

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"isotherm/hardware"
)

// Error is the only error type of this package. Its text says what failed, where,
// why, and what to do about it.
type Error struct {
	Op    string         // "find", "open", "configure", "read", "write", "flush", "set deadline"
	Path  string         // the port, as it was given to Open, and where it was found when that is elsewhere
	Fault hardware.Fault // the reason as the journal knows it
	Err   error          // the cause; never nil

	stalled bool // made by Session.Stalled: the port itself is well
}

// Error gives the whole sentence for a person.
func (e *Error) Error() string {
	return fmt.Sprintf("%s serial port %s: %s (%v): %s", e.Op, e.Path, e.Fault, e.Err, Hint(e.Fault))
}

// Unwrap returns the cause, for errors.Is(err, os.ErrDeadlineExceeded) and the like.
func (e *Error) Unwrap() error { return e.Err }

// Reason returns the fault, for hardware.FaultOf.
func (e *Error) Reason() hardware.Fault { return e.Fault }

// Hint says for a person what to do about a fault of a port; it may be asked for any fault.
func Hint(f hardware.Fault) string {
	switch f {
	case hardware.NotFound:
		return "check the cable; names move, so use /dev/serial/by-id/ or usb:VVVV:PPPP"
	case hardware.Busy:
		return "stop the other program that uses it; on a Raspberry Pi also the login console (serial-getty@)"
	case hardware.Denied:
		return "add this user to the group dialout, or allow the device in the service unit"
	case hardware.NotATTY:
		return "give the path of a serial port, or usb:VVVV:PPPP"
	case hardware.Unplugged:
		return "plug the device in again"
	case hardware.WriteStuck:
		return "nothing takes the bytes; check flow control and wiring"
	case hardware.Silent:
		return "check power, wiring and baud rate"
	case hardware.Unsupported:
		return "change the configuration, or use another adapter; most RS-485 adapters switch direction without rs485 = true"
	case hardware.WrongBaud, hardware.Noise, hardware.Binary, hardware.ChecksumBad:
		return "check the baud rate, and that nothing else is on the line"
	case hardware.Ambiguous:
		return "name one of them by its /dev/serial/by-path/ or by usb:VVVV:PPPP:SERIAL"
	case hardware.Closed:
		return "it was closed by this program"
	default:
		return "see the kernel log"
	}
}

// openFault maps why open or configure failed.
func openFault(err error) hardware.Fault {
	if _, ok := errors.AsType[*unsupportedError](err); ok {
		return hardware.Unsupported
	}
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return hardware.NotFound
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EWOULDBLOCK):
		return hardware.Busy
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return hardware.Denied
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTDIR):
		return hardware.NotATTY
	case errors.Is(err, unix.EIO):
		return hardware.Unplugged
	}
	return hardware.IOError
}

// useFault maps why a read, write or flush failed. Which fault a deadline means
// depends on the direction, so the caller says.
func useFault(err error, onDeadline hardware.Fault) hardware.Fault {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return onDeadline
	case errors.Is(err, os.ErrClosed):
		return hardware.Closed
	case errors.Is(err, io.EOF), errors.Is(err, unix.EIO), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return hardware.Unplugged
	}
	return hardware.IOError
}
