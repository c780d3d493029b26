package serial

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"isotherm/hardware"
)

// Parity of each character on the line.
type Parity uint8

// Parities. Zero is none, which nearly every device uses.
const (
	ParityNone Parity = 0
	ParityEven Parity = 1
	ParityOdd  Parity = 2
)

// Config says how the line is driven: 8 data bits, 1 stop bit, no flow control.
type Config struct {
	Baud   int // bits per second; any rate the hardware can make, 50 to 4,000,000
	Parity Parity
}

const (
	minBaud = 50
	maxBaud = 4_000_000
)

// Port is an open serial port. Its methods may be called from several goroutines;
// Close ends a blocked Read and a blocked Write at once.
type Port struct {
	path string
	// file is non-blocking and in Go's poller, which is what makes deadlines and
	// Close work. Calling file.Fd() would make it blocking again: use control.
	file *os.File
	// closed is set before file closes: the poller's own "use of closed file" is not
	// always os.ErrClosed.
	closed atomic.Bool
}

// Open opens and configures the port at path, takes it for this process alone and
// throws away what the kernel had buffered. Its error is an *Error with NotFound,
// Busy, Denied, NotATTY, Unplugged or IOError.
func Open(path string, cfg Config) (*Port, error) {
	if cfg.Baud < minBaud || cfg.Baud > maxBaud {
		err := fmt.Errorf("baud rate %d is not between %d and %d", cfg.Baud, minBaud, maxBaud)
		return nil, &Error{Op: "configure", Path: path, Fault: hardware.IOError, Err: err}
	}
	// O_NONBLOCK also keeps open from waiting for a modem's carrier.
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &Error{Op: "open", Path: path, Fault: openFault(err), Err: cause(err)}
	}
	p := &Port{path: path, file: file}
	if err := p.control(func(fd int) error { return claim(fd, cfg) }); err != nil {
		_ = file.Close() // the first error is the one that tells
		return nil, &Error{Op: "configure", Path: path, Fault: openFault(err), Err: err}
	}
	return p, nil
}

// claim proves that fd is a tty, takes it and sets the line up, in this order: a
// port that another program holds must not have its settings changed under it.
func claim(fd int, cfg Config) error {
	if _, err := unix.IoctlGetTermios(fd, unix.TCGETS2); err != nil {
		return fmt.Errorf("read line settings: %w", err)
	}
	// TIOCEXCL does not bind root, and boxes run drivers as root more often than
	// anyone admits; the advisory lock does.
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if err := unix.IoctlSetInt(fd, unix.TIOCEXCL, 0); err != nil {
		return fmt.Errorf("make exclusive: %w", err)
	}
	if err := unix.IoctlSetTermios(fd, unix.TCSETS2, lineSettings(cfg)); err != nil {
		return fmt.Errorf("set line to %d baud: %w", cfg.Baud, err)
	}
	if err := unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}

// lineSettings is a raw 8-bit line. BOTHER takes any rate as a number, where the
// older interface knows only a list.
func lineSettings(cfg Config) *unix.Termios {
	tio := &unix.Termios{
		Iflag:  unix.IGNPAR | unix.IGNBRK,
		Cflag:  unix.CS8 | unix.CREAD | unix.CLOCAL | unix.BOTHER,
		Ispeed: uint32(cfg.Baud),
		Ospeed: uint32(cfg.Baud),
	}
	switch cfg.Parity {
	case ParityEven:
		tio.Cflag |= unix.PARENB
	case ParityOdd:
		tio.Cflag |= unix.PARENB | unix.PARODD
	}
	tio.Cc[unix.VMIN] = 1
	tio.Cc[unix.VTIME] = 0
	return tio
}

// Path returns the path that was given to Open.
func (p *Port) Path() string { return p.path }

// Read reads what has arrived, at least one byte. Its error is an *Error: Silent
// when the read deadline passed, Unplugged when the device went away, Closed after
// Close. Unlike a file, a port never returns io.EOF: its cause is inside the Error.
func (p *Port) Read(b []byte) (int, error) {
	n, err := p.file.Read(b)
	if err != nil {
		return n, p.fail("read", err, hardware.Silent)
	}
	return n, nil
}

// Write writes all of b. Its error is an *Error: WriteStuck when the write deadline
// passed, Unplugged, Closed or IOError; n says how much was taken.
func (p *Port) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	if err != nil {
		return n, p.fail("write", err, hardware.WriteStuck)
	}
	return n, nil
}

// SetReadDeadline sets when a Read, also one under way, gives up. Zero means never.
func (p *Port) SetReadDeadline(t time.Time) error {
	return p.deadline(p.file.SetReadDeadline(t))
}

// SetWriteDeadline sets when a Write, also one under way, gives up. Zero means never.
func (p *Port) SetWriteDeadline(t time.Time) error {
	return p.deadline(p.file.SetWriteDeadline(t))
}

func (p *Port) deadline(err error) error {
	if err == nil {
		return nil
	}
	return p.fail("set deadline", err, hardware.IOError)
}

// Flush throws away bytes that arrived and were not read, and bytes not yet sent.
func (p *Port) Flush() error {
	err := p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH) })
	if err != nil {
		return p.fail("flush", err, hardware.IOError)
	}
	return nil
}

// Close gives the port up. It does not wait for output: a UART with nothing
// attached would hold it for up to 30 seconds, so unsent bytes are thrown away.
// A second Close returns an *Error with Closed.
func (p *Port) Close() error {
	// All of these fail on a device that is gone, which is fine: closing is what
	// matters. Exclusive mode would otherwise outlive us on a pty.
	_ = p.control(func(fd int) error {
		_ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH)
		_ = unix.IoctlSetInt(fd, unix.TIOCNXCL, 0)
		return unix.Flock(fd, unix.LOCK_UN)
	})
	p.closed.Store(true)
	if err := p.file.Close(); err != nil {
		return p.fail("close", err, hardware.IOError)
	}
	return nil
}

// fail makes the error of op; onDeadline is what a passed deadline means for it.
func (p *Port) fail(op string, err error, onDeadline hardware.Fault) error {
	fault := useFault(err, onDeadline)
	if p.closed.Load() {
		fault = hardware.Closed
	}
	return &Error{Op: op, Path: p.path, Fault: fault, Err: cause(err)}
}

// control runs fn on the descriptor without taking it out of the poller.
func (p *Port) control(fn func(fd int) error) error {
	conn, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := conn.Control(func(fd uintptr) { inner = fn(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// cause drops the *os.PathError around err: Error says op and path itself.
func cause(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}
