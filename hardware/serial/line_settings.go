package serial

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Parity of each character on the line.
type Parity uint8

// Parities. Zero is none, which nearly every device uses.
const (
	ParityNone Parity = 0
	ParityEven Parity = 1
	ParityOdd  Parity = 2
)

// Config says how the line is driven: 8 data bits, no flow control.
type Config struct {
	Baud     int // bits per second; any rate the hardware can make, 50 to 4,000,000
	Parity   Parity
	StopBits int // 1 or 2; zero means 1
	// RS485 asks the driver to switch the direction of a two-wire line by itself (Linux,
	// Documentation/driver-api/serial/serial-rs485.rst). Most USB adapters do so in hardware and need nothing.
	RS485 bool
}

const (
	minBaud = 50
	maxBaud = 4_000_000
)

// check reports a configuration that no port can be driven with.
func (c Config) check() error {
	switch {
	case c.Baud < minBaud || c.Baud > maxBaud:
		return &unsupportedError{fmt.Errorf("baud rate %d is not between %d and %d", c.Baud, minBaud, maxBaud)}
	case c.Parity > ParityOdd:
		return &unsupportedError{fmt.Errorf("parity %d is not known", c.Parity)}
	case c.StopBits < 0 || c.StopBits > 2:
		return &unsupportedError{fmt.Errorf("%d stop bits are not 1 or 2", c.StopBits)}
	}
	return nil
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
	if err := setLine(fd, cfg); err != nil {
		return err
	}
	if cfg.RS485 {
		if err := setRS485(fd); err != nil {
			return err
		}
	}
	return flush(fd)
}

// setLine sets speed and form of the characters. A driver that can't make the speed takes another one and reports
// success, so the settings are read back.
func setLine(fd int, cfg Config) error {
	if err := unix.IoctlSetTermios(fd, unix.TCSETS2, lineSettings(cfg)); err != nil {
		return fmt.Errorf("set line to %d baud: %w", cfg.Baud, err)
	}
	got, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		return fmt.Errorf("read line settings back: %w", err)
	}
	// A receiver samples the middle of the tenth bit: both ends together may be off by 5 %, half of that is ours.
	const most = 2.5 / 100
	if off := float64(got.Ospeed)/float64(cfg.Baud) - 1; off > most || off < -most {
		return &unsupportedError{fmt.Errorf("the driver makes %d baud of %d", got.Ospeed, cfg.Baud)}
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
	if cfg.StopBits == 2 {
		tio.Cflag |= unix.CSTOPB
	}
	tio.Cc[unix.VMIN] = 1
	tio.Cc[unix.VTIME] = 0
	return tio
}

// flush throws away what arrived and was not read, and what was written and not sent.
func flush(fd int) error {
	if err := unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}
