package modbus

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// Function is a Modbus function code that reads 16-bit registers.
type Function uint8

// The functions this master uses.
const (
	ReadHolding Function = 3 // FC03, holding registers
	ReadInput   Function = 4 // FC04, input registers
)

// maxCount is the most registers one answer can carry (Modbus application protocol).
const maxCount = 125

// Request asks a device for Count registers from Register on.
type Request struct {
	Address  uint8 // 1 to 247
	Function Function
	Register uint16
	Count    uint16 // 1 to 125
}

func (r Request) check() error {
	switch {
	case r.Address < 1 || r.Address > 247:
		return fmt.Errorf("modbus address %d is not between 1 and 247", r.Address)
	case r.Function != ReadHolding && r.Function != ReadInput:
		return fmt.Errorf("modbus function %d is not 3 or 4", r.Function)
	case r.Count < 1 || r.Count > maxCount:
		return fmt.Errorf("modbus register count %d is not between 1 and %d", r.Count, maxCount)
	}
	return nil
}

// Error says why a request gave no values.
type Error struct {
	Request   Request
	Fault     hardware.Fault
	Exception uint8  // with hardware.Exception: the device's code, 2 is "no such register"
	Answer    []byte // what came, for a person to look at
}

// Error gives the reason, what was asked, and the bytes that came.
func (e *Error) Error() string {
	text := fmt.Sprintf("modbus device %d, function %d, register 0x%04x: %v",
		e.Request.Address, e.Request.Function, e.Request.Register, e.Fault)
	if e.Fault == hardware.Exception {
		text += fmt.Sprintf(" %d", e.Exception)
	}
	if len(e.Answer) > 0 {
		text += fmt.Sprintf(", got % x", e.Answer)
	}
	return text
}

// port is what the master needs of a serial port.
type port interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// master runs one transaction after the other on an open port. It is for one
// goroutine at a time.
//
// Modbus answers do not say which request they belong to. So after anything unusual
// the line is dirty: it is drained until it has been quiet for two timeouts, and the
// next request is asked twice and the first answer thrown away. Should that first one
// be a straggler from before, the second still is from the right register.
type master struct {
	port    port
	timeout time.Duration // for the whole answer
	gap     time.Duration // silence that ends a frame
	dirty   bool
}

// maxDrain is how many timeouts a line may babble before a request gives up on it.
const maxDrain = 6

func newMaster(p port, baud int, timeout time.Duration) *master {
	// 3.5 characters of 11 bits each. Above 19200 baud the standard fixes 1.75 ms;
	// 4 ms covers the scheduler of a small board as well.
	gap := time.Duration(3.5 * 11 * float64(time.Second) / float64(baud))
	// A line that was just opened may hold the end of someone else's answer.
	return &master{port: p, timeout: timeout, gap: max(gap, 4*time.Millisecond), dirty: true}
}

// read performs one request. Its error is an *Error, a *serial.Error, or ctx's.
func (m *master) read(ctx context.Context, req Request) ([]uint16, error) {
	stop := context.AfterFunc(ctx, func() {
		_ = m.port.SetReadDeadline(time.Unix(1, 0)) // wakes a blocked Read
		_ = m.port.SetWriteDeadline(time.Unix(1, 0))
	})
	defer stop()
	stray, err := m.quiet(ctx, m.gap)
	if err != nil {
		return nil, err
	}
	if stray {
		m.dirty = true // bytes that nobody asked for: an answer to an older request
	}
	if m.dirty {
		if err := m.clean(ctx, req); err != nil {
			return nil, err
		}
	}
	values, err := m.transact(ctx, req)
	if err != nil {
		return nil, err
	}
	return values, nil
}

// clean drains a dirty line and makes the throw-away request.
func (m *master) clean(ctx context.Context, req Request) error {
	for range maxDrain {
		stray, err := m.quiet(ctx, 2*m.timeout)
		if err != nil {
			return err
		}
		if stray {
			continue
		}
		m.dirty = false
		if _, err := m.transact(ctx, req); err != nil {
			return err
		}
		// Were that a straggler, the true answer would still come.
		stray, err = m.quiet(ctx, m.timeout)
		if err != nil {
			return err
		}
		if stray {
			m.dirty = true
			return &Error{Request: req, Fault: hardware.LateReply}
		}
		return nil
	}
	return &Error{Request: req, Fault: hardware.Noise}
}

// quiet listens for d and reports whether anything came; what came is dropped.
func (m *master) quiet(ctx context.Context, d time.Duration) (stray bool, err error) {
	var junk [256]byte
	end := time.Now().Add(d)
	for {
		n, err := m.readUntil(ctx, junk[:], end)
		if n == 0 && serial.FaultOf(err) == hardware.Silent {
			return stray, nil
		}
		if err != nil {
			return stray, err
		}
		stray = true
	}
}

// readUntil reads what comes before the deadline.
func (m *master) readUntil(ctx context.Context, p []byte, deadline time.Time) (int, error) {
	if err := m.port.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	// After setting the deadline: it may have overwritten the one from the end of ctx.
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.port.Read(p)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return n, err
}

// transact sends req on a clean line and checks the answer. Any failure but a plain
// refusal leaves the line dirty.
func (m *master) transact(ctx context.Context, req Request) ([]uint16, error) {
	frame := []byte{req.Address, byte(req.Function)}
	frame = binary.BigEndian.AppendUint16(frame, req.Register)
	frame = binary.BigEndian.AppendUint16(frame, req.Count)
	m.dirty = true // until the whole answer has come
	if err := m.port.SetWriteDeadline(time.Now().Add(m.timeout)); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, err := m.port.Write(appendCRC(frame)); err != nil {
		return nil, err
	}
	answer, err := m.answer(ctx, 5+2*int(req.Count))
	if err != nil {
		return nil, err
	}
	values, fail := parse(req, answer)
	if fail != nil {
		m.dirty = fail.Fault != hardware.Exception
		return nil, fail
	}
	m.dirty = false
	return values, nil
}

// answer reads until a frame of the expected size has come and the line is quiet
// after it, or the timeout is over. A frame that is too short waits for the timeout:
// USB adapters make pauses inside of a frame.
func (m *master) answer(ctx context.Context, size int) ([]byte, error) {
	var buf [260]byte
	n := 0
	end := time.Now().Add(m.timeout)
	for n < len(buf) {
		deadline := end
		if complete(buf[:n], size) {
			deadline = time.Now().Add(m.gap)
		}
		more, err := m.readUntil(ctx, buf[n:], deadline)
		n += more
		if err != nil {
			if serial.FaultOf(err) == hardware.Silent {
				break
			}
			return nil, err
		}
	}
	return buf[:n], nil
}

// complete reports whether b can be a whole answer: the expected size, or a refusal.
func complete(b []byte, size int) bool {
	return len(b) >= size || len(b) >= 5 && b[1]&0x80 != 0 && crcGood(b[:5])
}

// parse checks answer against req, in the order that gives the most telling fault.
func parse(req Request, answer []byte) ([]uint16, *Error) {
	fail := func(fault hardware.Fault) ([]uint16, *Error) {
		return nil, &Error{Request: req, Fault: fault, Answer: answer}
	}
	size := 5 + 2*int(req.Count)
	switch {
	case len(answer) == 0:
		return fail(hardware.Timeout)
	case len(answer) < 5:
		return fail(hardware.Truncated)
	case !crcGood(answer):
		if len(answer) > size && crcGood(answer[:size]) {
			return fail(hardware.WrongLength) // a good frame with bytes after it
		}
		if len(answer) < size && answer[1]&0x80 == 0 {
			return fail(hardware.Truncated)
		}
		return fail(hardware.CRCBad)
	case answer[0] != req.Address:
		return fail(hardware.WrongAddress)
	case answer[1] == byte(req.Function)|0x80 && len(answer) == 5:
		_, e := fail(hardware.Exception)
		e.Exception = answer[2]
		return nil, e
	case answer[1] != byte(req.Function):
		return fail(hardware.WrongFunction)
	case len(answer) != size || int(answer[2]) != 2*int(req.Count):
		return fail(hardware.WrongLength)
	}
	values := make([]uint16, req.Count)
	for i := range values {
		values[i] = binary.BigEndian.Uint16(answer[3+2*i:])
	}
	return values, nil
}
