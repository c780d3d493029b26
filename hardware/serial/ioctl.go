package serial

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rs485 is struct serial_rs485 of linux/serial.h.
type rs485 struct {
	Flags       uint32
	DelayBefore uint32 // ms between raising RTS and the first bit
	DelayAfter  uint32 // ms between the last bit and lowering RTS
	_           [5]uint32
}

// Flags of rs485 (linux/serial.h).
const (
	rs485Enabled   = 1 << 0
	rs485RTSOnSend = 1 << 1
)

// unsupportedError says that the driver of a port can't do what the configuration asks for.
type unsupportedError struct{ err error }

func (e *unsupportedError) Error() string { return e.err.Error() }
func (e *unsupportedError) Unwrap() error { return e.err }

// setRS485 has the driver raise RTS while it sends, which is what drives the transceiver of most boards, and reads back
// whether it does: drivers take the request and leave out what they can't.
func setRS485(fd int) error {
	mode := rs485{Flags: rs485Enabled | rs485RTSOnSend}
	err := ioctlPointer(fd, unix.TIOCSRS485, unsafe.Pointer(&mode))
	if err == nil {
		err = ioctlPointer(fd, unix.TIOCGRS485, unsafe.Pointer(&mode))
	}
	switch {
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		return &unsupportedError{fmt.Errorf("the driver has no RS-485 mode: %w", err)}
	case err != nil:
		return fmt.Errorf("set RS-485 mode: %w", err)
	case mode.Flags&rs485Enabled == 0:
		return &unsupportedError{errors.New("the driver left RS-485 mode off")}
	}
	return nil
}

// Counters are what a driver has counted on a line since the machine started (TIOCGICOUNT, struct serial_icounter_struct of
// linux/serial.h). Only their growth means something.
type Counters struct {
	Framing  int32 // characters without a stop bit: a wrong speed, or noise
	Parity   int32 // characters with a wrong parity bit
	Breaks   int32 // the line was low for longer than a character
	Overruns int32 // characters lost in the hardware or in the kernel's buffer
}

// Counters returns what the driver has counted, and false where it doesn't count: on pseudo-terminals and on many
// USB adapters.
func (p *Port) Counters() (Counters, bool) {
	var raw struct {
		Cts, Dsr, Rng, Dcd, Rx, Tx                int32
		Frame, Overrun, Parity, Break, BufferFull int32
		_                                         [9]int32
	}
	err := p.control(func(fd int) error { return ioctlPointer(fd, unix.TIOCGICOUNT, unsafe.Pointer(&raw)) })
	if err != nil {
		return Counters{}, false
	}
	return Counters{Framing: raw.Frame, Parity: raw.Parity, Breaks: raw.Break, Overruns: raw.Overrun + raw.BufferFull}, true
}

// ioctlPointer is for the requests that golang.org/x/sys has no function for.
func ioctlPointer(fd int, request uint, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
