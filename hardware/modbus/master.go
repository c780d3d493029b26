package modbus

import (
	"context"
	"encoding/binary"
	"errors"
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
	Exception uint8  // with hardware.Exception: the device's code, 2 is "illegal data address"
	Answer    []byte // what came, for a person to look at
}

// Error gives the reason, what was asked, and the bytes that came.
func (e *Error) Error() string {
	text := fmt.Sprintf("modbus device %d, function %d, register 0x%04x: %v",
		e.Request.Address, e.Request.Function, e.Request.Register, e.Fault)
	if e.Fault == hardware.Exception {
		text += fmt.Sprintf(" %d (%s)", e.Exception, exceptionName(e.Exception))
	}
	if len(e.Answer) > 0 {
		text += fmt.Sprintf(", got % x", e.Answer)
	}
	if todo := hint(e.Fault); todo != "" {
		text += ": " + todo
	}
	return text
}

// Reason returns the fault, for hardware.FaultOf.
func (e *Error) Reason() hardware.Fault { return e.Fault }

// hint says what to do about an answer that did not come or can't be believed.
func hint(f hardware.Fault) string {
	switch f {
	case hardware.Timeout:
		return "check its power, the wiring (A and B swapped?), the speed and the address"
	case hardware.Noise:
		return "something talks without being asked; check termination, and that there is one master on the line"
	case hardware.LateReply:
		return "a device answers too slowly; set a longer timeout"
	case hardware.WrongAddress, hardware.CRCBad, hardware.Truncated, hardware.WrongLength, hardware.WrongFunction:
		return "check termination, speed, parity, and that no two devices share an address"
	}
	return ""
}

// exceptionName says what a device means. Source: "MODBUS Application Protocol
// Specification", V1.1b3, 7.
func exceptionName(code uint8) string {
	switch code {
	case 1:
		return "illegal function: use the other of 3 and 4"
	case 2:
		return "illegal data address: it has no such register"
	case 3:
		return "illegal data value: it does not give so many registers at once"
	case 4:
		return "device failure"
	case 5:
		return "acknowledge: it needs more time"
	case 6:
		return "device busy"
	case 7:
		return "negative acknowledge"
	case 8:
		return "memory parity error"
	case 10:
		return "gateway path unavailable"
	case 11:
		return "gateway target device failed to respond"
	}
	return "not in the standard"
}

// port is what the master needs of a serial port.
type port interface {
	ReadWithin(p []byte, wait time.Duration) (int, error)
	Write(p []byte) (int, error)
	SetWriteDeadline(t time.Time) error
}

// master runs one transaction after the other on an open port. It is for one
// goroutine at a time.
//
// Modbus answers do not say which request they belong to, only which device they come
// from. So a device that did not answer owes an answer, and a line on which anything
// unusual was heard is dirty. Before the next request to that device, or on a dirty
// line to any, the line must have been quiet for two timeouts; then the request is made
// twice and the first answer thrown away. Should that first one be a straggler from
// before, the second still is from the right register. A neighbour of a device that
// merely owes an answer is asked at once: a straggler carries another address.
type master struct {
	port    port
	timeout time.Duration // for the whole answer
	gap     time.Duration // silence that ends a frame
	dirty   bool
	babbles bool                // bytes came while the line was to be quiet, and no answer since
	owed    map[uint8]time.Time // devices that owe an answer, since the wait for it ended; at most 247
}

const (
	// maxDrain is how many times two timeouts a line may babble before a request gives up on it: 4 s as a rule, which is
	// below the 5 s that a round of the tracker lasts.
	maxDrain = 4

	// owedFor is for how many timeouts a straggler may run into the answer of a neighbour. That is only about asking the
	// neighbour once more: what ran into each other is refused in any case.
	owedFor = 3
)

func newMaster(p port, baud int, timeout time.Duration) *master {
	// 3.5 characters of 11 bits each. Above 19200 baud the standard fixes 1.75 ms;
	// 4 ms covers the scheduler of a small board as well.
	gap := time.Duration(3.5 * 11 * float64(time.Second) / float64(baud))
	// A line that was just opened may hold the end of someone else's answer.
	return &master{port: p, timeout: timeout, gap: max(gap, 4*time.Millisecond), dirty: true, owed: map[uint8]time.Time{}}
}

// read performs one request. Its error is an *Error, a *serial.Error, or ctx's.
func (m *master) read(ctx context.Context, req Request) ([]uint16, error) {
	values, err := m.once(ctx, req)
	e, ok := errors.AsType[*Error](err)
	if !ok || !m.othersOwe(req.Address) {
		return values, err
	}
	switch e.Fault {
	case hardware.Timeout, hardware.Exception, hardware.Noise:
		return nil, err
	}
	// The straggler of a slow neighbour ran into it: that must not cost this device its answer.
	return m.once(ctx, req)
}

func (m *master) once(ctx context.Context, req Request) ([]uint16, error) {
	stray, err := serial.Discard(ctx, m.port, m.gap)
	if err != nil {
		return nil, err
	}
	if stray {
		m.dirty = true // bytes that nobody asked for: an answer to an older request
	}
	if _, owes := m.owed[req.Address]; owes || m.dirty {
		if err := m.clean(ctx, req); err != nil {
			return nil, err
		}
	}
	return m.transact(ctx, req)
}

// othersOwe reports whether the answer of another device may still be under way.
func (m *master) othersOwe(address uint8) bool {
	for other, since := range m.owed {
		if other != address && time.Since(since) < owedFor*m.timeout {
			return true
		}
	}
	return false
}

// clean waits until the line is quiet and makes the throw-away request.
func (m *master) clean(ctx context.Context, req Request) error {
	wait := 2 * m.timeout
	if since, owes := m.owed[req.Address]; owes && !m.dirty {
		// Whatever came since would have made the line dirty, so that time counts.
		wait = max(wait-time.Since(since), m.gap)
	}
	for range maxDrain {
		stray, err := serial.Discard(ctx, m.port, wait)
		if err != nil {
			return err
		}
		if stray {
			m.dirty, m.babbles, wait = true, true, 2*m.timeout
			continue
		}
		if _, err := m.transact(ctx, req); err != nil {
			return err
		}
		// Were that a straggler, the true answer would still come.
		stray, err = serial.Discard(ctx, m.port, m.timeout)
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

// transact sends req on a clean line and checks the answer. After any failure but a plain
// refusal the device owes an answer; after any but that and silence the line is dirty.
func (m *master) transact(ctx context.Context, req Request) ([]uint16, error) {
	m.dirty = true // until the whole answer has come
	values, err := m.exchange(ctx, req)
	e, _ := errors.AsType[*Error](err)
	switch {
	case err == nil, e != nil && e.Fault == hardware.Exception:
		m.dirty, m.babbles = false, false
		delete(m.owed, req.Address)
		return values, err
	case e != nil && e.Fault == hardware.Timeout:
		m.dirty = false
	case e != nil && e.Fault == hardware.WrongAddress:
		if _, late := m.owed[e.Answer[0]]; late {
			e.Fault = hardware.LateReply
		}
	}
	m.owed[req.Address] = time.Now()
	return nil, err
}

func (m *master) exchange(ctx context.Context, req Request) ([]uint16, error) {
	frame := []byte{req.Address, byte(req.Function)}
	frame = binary.BigEndian.AppendUint16(frame, req.Register)
	frame = binary.BigEndian.AppendUint16(frame, req.Count)
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
	if fail != nil { // not a nil *Error in the interface
		return nil, fail
	}
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
		more, err := m.port.ReadWithin(buf[n:], time.Until(deadline))
		n += more
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			if hardware.FaultOf(err) == hardware.Silent {
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
