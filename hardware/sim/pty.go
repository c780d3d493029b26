package sim

import (
	"errors"
	"fmt"
	"os"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// PTY is a pseudo-terminal: the simulated device holds this end, the driver under
// test opens Path. Read and Write may be called from several goroutines.
type PTY struct {
	master *os.File
	// slave is held open so that a driver that closes and opens again finds the line
	// as it left it, and so that the device does not see an error in between.
	slave *os.File
}

// OpenPTY makes a pseudo-terminal in raw mode. The error says which step failed.
func OpenPTY() (*PTY, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("open pty: %w", err)
	}
	p := &PTY{slave: slave}
	if p.master, err = pollable(master); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare pty: %w", err), slave.Close())
	}
	if err := setRaw(slave); err != nil {
		return nil, errors.Join(fmt.Errorf("set pty raw: %w", err), p.Close())
	}
	return p, nil
}

// pollable moves file to a non-blocking descriptor in Go's poller. creack/pty calls
// Fd on the master, which leaves it blocking: a Close would not end a blocked Read.
func pollable(file *os.File) (*os.File, error) {
	defer file.Close()
	conn, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var dupErr error
	if err := conn.Control(func(old uintptr) {
		fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil {
		return nil, err
	}
	if dupErr != nil {
		return nil, dupErr
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), file.Name()), nil
}

// setRaw turns echo and line editing off, or the device would read its own output.
func setRaw(slave *os.File) error {
	conn, err := slave.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = conn.Control(func(fd uintptr) {
		tio, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		if err != nil {
			inner = err
			return
		}
		tio.Iflag, tio.Oflag, tio.Lflag = unix.IGNPAR|unix.IGNBRK, 0, 0
		tio.Cc[unix.VMIN], tio.Cc[unix.VTIME] = 1, 0
		inner = unix.IoctlSetTermios(int(fd), unix.TCSETS, tio)
	})
	return errors.Join(err, inner)
}

// Path is what the driver opens, "/dev/pts/7".
func (p *PTY) Path() string { return p.slave.Name() }

// Read reads what the driver wrote. It ends with an error once Close is called.
func (p *PTY) Read(b []byte) (int, error) { return p.master.Read(b) }

// Write sends b to the driver. It blocks while the driver is slow and loses nothing;
// Close ends it with an error.
func (p *PTY) Write(b []byte) (int, error) { return p.master.Write(b) }

// offer sends as much of b as fits into the kernel's buffers now, and does not wait.
func (p *PTY) offer(b []byte) (int, error) {
	conn, err := p.master.SyscallConn()
	if err != nil {
		return 0, err
	}
	var n int
	var inner error
	err = conn.Write(func(fd uintptr) bool {
		n, inner = unix.Write(int(fd), b)
		return true
	})
	if errors.Is(inner, unix.EAGAIN) || errors.Is(inner, unix.EINTR) {
		inner = nil
	}
	return max(n, 0), errors.Join(err, inner)
}

// Close is pulling the plug: the driver's next read and write fail, and Path is gone.
func (p *PTY) Close() error {
	if err := errors.Join(p.master.Close(), p.slave.Close()); err != nil {
		return fmt.Errorf("close pty: %w", err)
	}
	return nil
}
