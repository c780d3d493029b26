package sim

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Speeds that a fault may ask for: what the drivers' serial port takes.
const (
	minBaud = 50
	maxBaud = 4_000_000
)

// Baud returns the speed that the driver has set on its end, in bits per second. A pseudo-terminal carries bytes at any
// speed, but it remembers what it was told; parity it forgets.
func (p *PTY) Baud() (int, error) {
	conn, err := p.slave.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("read pty's speed: %w", err)
	}
	var tio *unix.Termios
	var inner error
	if err = conn.Control(func(fd uintptr) { tio, inner = unix.IoctlGetTermios(int(fd), unix.TCGETS2) }); err == nil {
		err = inner
	}
	if err != nil {
		return 0, fmt.Errorf("read pty's speed: %w", err)
	}
	return int(tio.Ospeed), nil
}

// unsetBaud is the speed of a line that no driver has opened yet; no device uses it. The kernel begins at 38,400, at which a
// device would be heard before a driver has chosen its speed.
const unsetBaud = 134

// forgetBaud makes the terminal one whose speed no driver has set.
func (p *PTY) forgetBaud() error {
	conn, err := p.slave.SyscallConn()
	if err != nil {
		return fmt.Errorf("set pty's speed: %w", err)
	}
	var inner error
	err = conn.Control(func(fd uintptr) {
		tio, err := unix.IoctlGetTermios(int(fd), unix.TCGETS2)
		if err != nil {
			inner = err
			return
		}
		tio.Cflag = tio.Cflag&^unix.CBAUD | unix.BOTHER
		tio.Ispeed, tio.Ospeed = unsetBaud, unsetBaud
		inner = unix.IoctlSetTermios(int(fd), unix.TCSETS2, tio)
	})
	if err := errors.Join(err, inner); err != nil {
		return fmt.Errorf("set pty's speed: %w", err)
	}
	return nil
}

// heard returns what a UART at speed to makes of bytes that were sent, one right after the other, at speed from: 8 data
// bits, no parity, 1 stop bit. It looks for a start bit and then at the middle of each bit, as UARTs do (ITU-T V.4 has
// the order of the bits). Bytes without a stop bit are kept, as most USB adapters pass them on. Speeds within 2.5 % of
// each other are the same speed; zero is any.
func heard(sent []byte, from, to int) []byte {
	if from == 0 || to == 0 || abs(from-to)*40 <= from {
		return sent
	}
	const frame = 10 // bits of a byte on the line: start, data, stop
	bits := frame * len(sent)
	high := func(i int) bool {
		if i >= bits {
			return true // the line rests
		}
		switch bit := i % frame; bit {
		case 0:
			return false
		case frame - 1:
			return true
		default:
			return sent[i/frame]>>(bit-1)&1 == 1
		}
	}
	// middle is the sender's bit under the middle of the receiver's bit k of a byte that began at bit i.
	middle := func(i, k int) int { return i + from*(2*k+1)/(2*to) }
	var out []byte
	for i := 0; i < bits; {
		if high(i) || high(middle(i, 0)) { // no start bit, or one too short
			i++
			continue
		}
		var b byte
		for k := range 8 {
			if high(middle(i, k+1)) {
				b |= 1 << k
			}
		}
		out = append(out, b)
		for i = max(middle(i, 9), i+1); !high(i); i++ { // the line must rest before the next start bit
		}
	}
	return out
}

func abs(v int) int { return max(v, -v) }
