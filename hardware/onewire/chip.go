package onewire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// Bytes of the DS2480B's protocol at standard speed. Source: DS2480B datasheet, "Communication commands" and
// "Configuration commands" (tables 1 to 6); the order of the handshake follows Maxim application note 192.
const (
	modeData    = 0xE1 // no answer; from here on bytes are sent to the bus, and what the bus shows comes back
	modeCommand = 0xE3 // no answer; as data it is sent twice
	stopPulse   = 0xF1 // ends a strong pull-up; what answers is the pulse itself
	cmdReset    = 0xC1 // answer 11x_vvv_rr: x programming voltage there, v version, r the state of the bus
	cmdSearchOn = 0xB1 // no answer
	cmdNoSearch = 0xA1 // no answer
	cmdBit0     = 0x81 // write a zero; answer 100000rr, r twice what was read
	cmdBit1     = 0x91 // write a one, or read; answer 100100rr
	thenPullUp  = 0x02 // added to a bit command: a strong pull-up follows at once

	cfgForEver  = 0x3F // the strong pull-up lasts until stopPulse; answer 0x3E
	cfgReadBaud = 0x0F // answer 0000bbb0, b = 0 for 9600
	cfgMark     = 0x21 // the duration of 12 V pulses, which are never used here: three bits that come back, see mark
)

// Commands to devices on the bus. Source: DS18B20 datasheet, "ROM commands" and "Function commands".
const (
	romMatch       = 0x55
	romSkip        = 0xCC
	romSearch      = 0xF0
	convertT       = 0x44
	readScratchpad = 0xBE
	readPower      = 0xB4
)

const (
	bridgeBaud = 9600 // what a DS2480B speaks after a reset; faster gains nothing on a bus at standard speed
	resetBaud  = 4800 // a zero byte at this speed has no stop bit at 9600, which resets the bridge

	// settle covers one byte at 4800 baud (2 ms) and the buffers of USB adapters (16 ms each way).
	settle = 40 * time.Millisecond
	// maxDrain is for how long a line may babble before the port is believed to hold something else.
	maxDrain = 10 * settle
	// conversionTime is the longest a DS18B20 takes at 12 bits (datasheet: 750 ms), and a little.
	conversionTime = 760 * time.Millisecond
	// maxConversion is when a bus that still says "busy" is believed to be stuck. Slow copies take up to a second.
	maxConversion = 1200 * time.Millisecond
	pollInterval  = 20 * time.Millisecond
	// firstSlots is how many bytes are read right after the command to convert. They cover 8 ms, in which every probe that
	// measures is seen to be busy at least once.
	firstSlots = 8
)

// port is what a chip needs of a serial port.
type port interface {
	ReadWithin(b []byte, wait time.Duration) (int, error)
	Write(b []byte) (int, error)
	SetWriteDeadline(t time.Time) error
	SetBaud(baud int) error
}

// chip speaks to a DS2480B on an open port. It is for one goroutine at a time.
//
// Answers carry no address of the question, and the bus no length. But answers come in order. So each use of the bus
// begins and ends with a mark: a setting that has no effect, written with a value that goes round, which must come back.
// Once the first has, everything older is in; once the second has, no byte was lost and none came in between. Between
// uses the bridge is in command mode.
type chip struct {
	port    port
	where   string
	timeout time.Duration // for one answer
	count   byte          // of marks, modulo 8
}

// mark returns the next mark and the answer to it.
func (c *chip) mark() (sent, want byte) {
	c.count = (c.count + 1) & 7
	sent = cfgMark | c.count<<1
	return sent, sent &^ 1
}

func (c *chip) fail(op string, fault hardware.Fault, answer []byte, err error) error {
	return &Error{Op: op, Where: c.where, Fault: fault, Answer: bytes.Clone(answer), Err: err}
}

// start resets the bridge, whatever state it is in, and makes sure that it is one.
func (c *chip) start(ctx context.Context) error {
	const op = "set up bridge"
	if err := c.port.SetBaud(resetBaud); err != nil {
		return err
	}
	if err := c.send(ctx, []byte{0}); err != nil {
		return err
	}
	if _, err := serial.Discard(ctx, c.port, settle); err != nil {
		return err
	}
	if err := c.port.SetBaud(bridgeBaud); err != nil {
		return err
	}
	// The first reset only sets the bridge's clock, and has no answer. The rest is for a bridge that a zero byte did not
	// reset: it may be in data mode, in the middle of a pull-up, in a search. What it says to that does not matter.
	for _, out := range [][]byte{{cmdReset}, {modeCommand, stopPulse, cmdNoSearch}} {
		if err := c.send(ctx, out); err != nil {
			return err
		}
		if err := c.drain(ctx, op); err != nil {
			return err
		}
	}
	answer, err := c.ask(ctx, op, []byte{cfgForEver, cfgReadBaud, cmdBit1}, 3)
	if err != nil {
		return err
	}
	if answer[0] != cfgForEver&^1 || answer[1] != 0 || answer[2]&0xFC != cmdBit1&0xFC {
		return c.fail(op, hardware.Noise, answer, errors.New("it does not answer as a DS2480B"))
	}
	return nil
}

// drain waits until nothing comes any more. A device that never stops talking is no bridge.
func (c *chip) drain(ctx context.Context, op string) error {
	babbles, err := serial.Drain(ctx, c.port, settle, maxDrain)
	if babbles && err == nil {
		err = c.fail(op, hardware.Noise, nil, errors.New("the line never rests"))
	}
	return err
}

// reset sends the mark and a reset to the bus, and says whether a probe is there.
func (c *chip) reset(ctx context.Context) error {
	const op = "reset bus"
	mark, want := c.mark()
	answer, err := c.ask(ctx, op, []byte{mark, cmdReset}, 2)
	if err != nil {
		return err
	}
	if answer[0] != want {
		return c.fail(op, hardware.LateReply, answer, nil)
	}
	if answer[1]&0xC0 != 0xC0 {
		return c.fail(op, hardware.Noise, answer, errors.New("that is no answer to a reset"))
	}
	switch answer[1] & 3 {
	case 0:
		return c.fail(op, hardware.Shorted, nil, nil)
	case 3:
		return c.fail(op, hardware.NoPresence, nil, errors.New("no probe answers"))
	}
	return nil // 1: presence; 2: presence of a probe outside of its alarm limits, which nobody set
}

// exchange sends data to the bus and returns what the bus showed meanwhile.
func (c *chip) exchange(ctx context.Context, op string, out []byte) ([]byte, error) {
	raw := []byte{modeData}
	for _, b := range out {
		raw = append(raw, b)
		if b == modeCommand {
			raw = append(raw, b)
		}
	}
	mark, want := c.mark()
	answer, err := c.ask(ctx, op, append(raw, modeCommand, mark), len(out)+1)
	if err != nil {
		return nil, err
	}
	if answer[len(out)] != want {
		return nil, c.fail(op, hardware.Noise, answer, errors.New("the answer has bytes too many or too few"))
	}
	return answer[:len(out)], nil
}

// command is exchange for bytes of which the first n bytes must come back as they were sent; it returns the rest. What
// differs was changed on the bus: two devices at once, a short, a disturbance.
func (c *chip) command(ctx context.Context, op string, out []byte, n int) ([]byte, error) {
	answer, err := c.exchange(ctx, op, out)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(answer[:n], out[:n]) {
		return nil, c.fail(op, hardware.Noise, answer, fmt.Errorf("sent % x", out[:n]))
	}
	return answer[n:], nil
}

// ask sends out and waits for exactly n bytes.
func (c *chip) ask(ctx context.Context, op string, out []byte, n int) ([]byte, error) {
	stray, err := serial.Discard(ctx, c.port, 0)
	if err != nil {
		return nil, err
	}
	if stray {
		return nil, c.fail(op, hardware.LateReply, nil, errors.New("bytes came that nobody asked for"))
	}
	if err := c.send(ctx, out); err != nil {
		return nil, err
	}
	answer := make([]byte, 0, n)
	end := time.Now().Add(c.timeout)
	for len(answer) < n {
		more, err := c.port.ReadWithin(answer[len(answer):n], time.Until(end))
		answer = answer[:len(answer)+more]
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case hardware.FaultOf(err) == hardware.Silent && len(answer) == 0:
			return nil, c.fail(op, hardware.Timeout, nil, fmt.Errorf("no answer within %v", c.timeout))
		case hardware.FaultOf(err) == hardware.Silent:
			return nil, c.fail(op, hardware.Truncated, answer, fmt.Errorf("%d bytes of %d", len(answer), n))
		case err != nil:
			return nil, err
		}
	}
	return answer, nil
}

func (c *chip) send(ctx context.Context, out []byte) error {
	if err := c.port.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return err
	}
	_, err := c.port.Write(out)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
