package serial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"isotherm/hardware"
)

// Port is an open serial port. Its methods may be called from several goroutines;
// Close ends a blocked Read and a blocked Write at once.
type Port struct {
	spec, path string
	cfg        Config // as it is driven now; only SetBaud changes it, which is for one goroutine together with Baud
	// file is non-blocking and in Go's poller, which is what makes deadlines and
	// Close work. Calling file.Fd() would make it blocking again: use control.
	file *os.File
	// closed is set before file closes: the poller's own "use of closed file" is not
	// always os.ErrClosed.
	closed atomic.Bool
	// interrupted keeps deadlines in the past, also those that are set later.
	interrupted atomic.Bool
}

// Open finds the port that spec names (see Host.Find), opens and configures it, takes it for this process alone and
// throws away what the kernel had buffered. It waits as long as the kernel's open does, which a broken driver can
// stretch: see OpenContext. Its error is an *Error with NotFound, Ambiguous, Busy, Denied, NotATTY,
// Unplugged, Unsupported or IOError.
func Open(spec string, cfg Config) (*Port, error) { return Host{}.open(spec, cfg) }

// OpenContext is Open for callers that must not wait: when ctx ends first it returns ctx's error at once, and the port
// is closed as soon as the kernel hands it over.
func OpenContext(ctx context.Context, spec string, cfg Config) (*Port, error) {
	return openContext(ctx, func() (*Port, error) { return Open(spec, cfg) })
}

func openContext(ctx context.Context, open func() (*Port, error)) (*Port, error) {
	return await(ctx, open, func(port *Port) {
		if port != nil {
			_ = port.Close()
		}
	})
}

// await runs f, which the kernel may hold up, and returns ctx's error at once when that ends first; what f gives after that
// goes to late.
func await[T any](ctx context.Context, f func() (T, error), late func(T)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result) // unbuffered: a value is either taken over or given to late
	go func() {               // ends with f
		value, err := f()
		select {
		case done <- result{value, err}:
		case <-ctx.Done():
			late(value)
		}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// open is Open below the folders of h.
func (h Host) open(spec string, cfg Config) (*Port, error) {
	if err := cfg.check(); err != nil {
		return nil, &Error{Op: "configure", Path: spec, Fault: hardware.Unsupported, Err: err}
	}
	path, err := h.Find(spec)
	if err != nil {
		return nil, err
	}
	return h.openAt(path, spec, cfg)
}

// openAt opens the port at path, where spec was found a moment ago.
func (h Host) openAt(path, spec string, cfg Config) (*Port, error) {
	var err error
	p := &Port{spec: spec, path: path, cfg: cfg}
	// O_NONBLOCK also keeps open from waiting for a modem's carrier.
	p.file, err = os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &Error{Op: "open", Path: p.where(), Fault: openFault(err), Err: cause(err)}
	}
	if err := p.control(func(fd int) error { return claim(fd, cfg) }); err != nil {
		_ = p.file.Close() // the first error is the one that tells
		return nil, &Error{Op: "configure", Path: p.where(), Fault: openFault(err), Err: err}
	}
	// Names are handed out again: the device may have gone after it was found, and another one come to its path. While the
	// port is open its own path is nobody else's, so a second look that finds the same proves that it is the right one.
	switch now, err := h.locate(spec); {
	case err != nil:
		_ = p.Close()
		return nil, err
	case now != path:
		_ = p.Close()
		return nil, &Error{Op: "find", Path: spec, Fault: hardware.NotFound, Err: fmt.Errorf("it moved from %s to %s meanwhile", path, now)}
	}
	return p, nil
}

// where names the port for a person: as it was configured and, when that is something else, where it was found.
func (p *Port) where() string {
	if p.spec == p.path {
		return p.path
	}
	return p.spec + " (" + p.path + ")"
}

// Path returns the device's own path, "/dev/ttyUSB0", with links followed. After a re-plug it may be another one.
func (p *Port) Path() string { return p.path }

// Spec returns what was given to Open.
func (p *Port) Spec() string { return p.spec }

// Baud returns the speed that the port is driven at, in bits per second.
func (p *Port) Baud() int { return p.cfg.Baud }

// SetBaud changes the speed of the open port and throws away what came at the old one. Its error is an *Error with
// Unsupported when the driver can't make that rate.
func (p *Port) SetBaud(baud int) error {
	cfg := p.cfg
	cfg.Baud = baud
	err := cfg.check()
	if err == nil {
		err = p.control(func(fd int) error { return errors.Join(setLine(fd, cfg), flush(fd)) })
	}
	if err != nil {
		fault := openFault(err)
		if p.closed.Load() {
			fault = hardware.Closed
		}
		return &Error{Op: "set speed of", Path: p.where(), Fault: fault, Err: err}
	}
	p.cfg = cfg
	return nil
}

// ReadWithin is Read with a deadline that far from now: *Error with Silent when nothing came until then.
func (p *Port) ReadWithin(b []byte, wait time.Duration) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return 0, err
	}
	return p.Read(b)
}

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
	return p.deadline(p.file.SetReadDeadline, t)
}

// SetWriteDeadline sets when a Write, also one under way, gives up. Zero means never.
func (p *Port) SetWriteDeadline(t time.Time) error {
	return p.deadline(p.file.SetWriteDeadline, t)
}

func (p *Port) deadline(set func(time.Time) error, t time.Time) error {
	err := set(t)
	// After setting, not before: whoever interrupts now sets the past after us.
	if err == nil && p.interrupted.Load() {
		err = set(past())
	}
	if err != nil {
		return p.fail("set deadline", err, hardware.IOError)
	}
	return nil
}

// past is a deadline that has gone by.
func past() time.Time { return time.Unix(1, 0) }

// interrupt ends reads and writes under way, and those that follow until resume.
func (p *Port) interrupt() {
	p.interrupted.Store(true)
	_ = p.file.SetDeadline(past()) // fails on a closed port, where nothing waits
}

// resume takes interrupt back, and every deadline with it.
func (p *Port) resume() {
	p.interrupted.Store(false)
	_ = p.file.SetDeadline(time.Time{})
}

// Flush throws away bytes that arrived and were not read, and bytes not yet sent.
func (p *Port) Flush() error {
	if err := p.control(flush); err != nil {
		return p.fail("flush", err, hardware.IOError)
	}
	return nil
}

// Close gives the port up. It does not wait for output: a UART with nothing
// attached would hold it for up to 30 seconds, so unsent bytes are thrown away.
// A second Close returns an *Error with Closed.
func (p *Port) Close() error {
	p.closed.Store(true)
	// First the deadline: a writer that is blocked would use the room that flushing makes, and the kernel would wait for
	// its bytes. All of this fails on a device that is gone, which is fine: closing is what matters.
	_ = p.file.SetDeadline(past())
	_ = p.control(func(fd int) error {
		_ = flush(fd)
		_ = unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) // exclusive mode would otherwise outlive us on a pty
		return unix.Flock(fd, unix.LOCK_UN)
	})
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
	return &Error{Op: op, Path: p.where(), Fault: fault, Err: cause(err)}
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
