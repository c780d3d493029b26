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

// convert makes all probes on the bus measure at once, and waits for them.
func (c *chip) convert(ctx context.Context, parasite bool) error {
	if !parasite {
		var err error
		if parasite, err = c.anyParasite(ctx); err != nil {
			return err
		}
	}
	if err := c.reset(ctx); err != nil {
		return err
	}
	if parasite {
		return c.convertPulledUp(ctx)
	}
	return c.convertPolled(ctx)
}

// anyParasite reports whether a probe takes its power from the data wire: such a one answers the question with a zero.
func (c *chip) anyParasite(ctx context.Context) (bool, error) {
	if err := c.reset(ctx); err != nil {
		return false, err
	}
	answer, err := c.command(ctx, "ask for power supply", []byte{romSkip, readPower, 0xFF}, 2)
	if err != nil {
		return false, err
	}
	return answer[0] != 0xFF, nil
}

// convertPolled asks until no probe is busy. Probes show zeros while they measure.
func (c *chip) convertPolled(ctx context.Context) error {
	const op = "convert"
	begin := time.Now()
	out := append([]byte{romSkip, convertT}, bytes.Repeat([]byte{0xFF}, firstSlots)...)
	slots, err := c.command(ctx, op, out, 2)
	if err != nil {
		return err
	}
	if bytes.Count(slots, []byte{0xFF}) > firstSlots-2 { // one byte may be a disturbance
		return c.fail(op, hardware.ConversionFailed, slots, errors.New("no probe begins to measure"))
	}
	return c.untilReady(ctx, begin, slots[firstSlots-2:])
}

// untilReady asks until two whole bytes read as ones: one alone may be a disturbance. last is what was read before.
func (c *chip) untilReady(ctx context.Context, begin time.Time, last []byte) error {
	const op = "convert"
	ready := []byte{0xFF, 0xFF}
	for !bytes.Equal(last, ready) {
		if time.Since(begin) > maxConversion {
			return c.fail(op, hardware.ConversionFailed, last, fmt.Errorf("a probe is busy for more than %v", maxConversion))
		}
		if err := c.rest(ctx, op, pollInterval); err != nil {
			return err
		}
		var err error
		if last, err = c.exchange(ctx, op, ready); err != nil {
			return err
		}
	}
	return nil
}

// convertPulledUp feeds the probes through the data wire. The pull-up must stand within 10 µs of the command's last bit
// (DS18B20 datasheet, "Powering"), so the bridge is told bit by bit.
func (c *chip) convertPulledUp(ctx context.Context) error {
	const op = "convert"
	if _, err := c.command(ctx, op, []byte{romSkip}, 1); err != nil {
		return err
	}
	bits, want := c.commandBits(convertT)
	answer, err := c.ask(ctx, op, bits, len(want))
	if err != nil {
		return err
	}
	if !bytes.Equal(answer, want) {
		return c.fail(op, hardware.Noise, answer, fmt.Errorf("sent % x", bits))
	}
	begin := time.Now()
	if err := c.rest(ctx, op, conversionTime); err != nil {
		return err
	}
	pulse, err := c.ask(ctx, op, []byte{stopPulse}, 1)
	if err != nil {
		return err
	}
	if pulse[0]&0xE0 != 0xE0 {
		return c.fail(op, hardware.Noise, pulse, errors.New("that is not the end of a pull-up"))
	}
	// One with a supply of its own may be slow, and would show its value of the time before. It says that it is busy.
	slots, err := c.exchange(ctx, op, []byte{0xFF, 0xFF})
	if err != nil {
		return err
	}
	return c.untilReady(ctx, begin, slots)
}

// commandBits returns the bridge's commands that write a byte bit by bit, with a mark between any two so that none is lost
// unnoticed, and a pull-up after the last; and the answer to them.
func (c *chip) commandBits(b byte) (out, want []byte) {
	for i := range 8 {
		bit, read := byte(cmdBit0), byte(cmdBit0&0xFC)
		if b>>i&1 == 1 {
			bit, read = cmdBit1, cmdBit1&0xFC|3
		}
		if i == 7 {
			return append(out, bit|thenPullUp), append(want, read)
		}
		mark, back := c.mark()
		out, want = append(out, bit, mark), append(want, read, back)
	}
	return out, want
}

// rest waits for d, in which nothing must come.
func (c *chip) rest(ctx context.Context, op string, d time.Duration) error {
	stray, err := serial.Discard(ctx, c.port, d)
	if err != nil {
		return err
	}
	if stray {
		return c.fail(op, hardware.LateReply, nil, errors.New("bytes came that nobody asked for"))
	}
	return nil
}

// maxReads is how often a scratchpad is read at most: until one is beyond doubt, or two are the same.
const maxReads = 4

// reading is one probe's answer: a temperature, or why there is none. The raw bytes are for a person.
type reading struct {
	temp  hardware.Temperature
	fault hardware.Fault
	raw   []byte
}

// read returns what the probe measured last. A damaged answer is asked for again, without another conversion; eight bits of
// checksum let one in 256 through, so after one, and where the counter does not fit the temperature, it takes two answers
// that are the same. The error is about the bridge or the bus as a whole.
func (c *chip) read(ctx context.Context, id ID) (reading, error) {
	out := append([]byte{romMatch}, id[:]...)
	out = append(out, readScratchpad)
	sent := len(out)
	out = append(out, bytes.Repeat([]byte{0xFF}, len(scratchpad{}))...)
	var last reading
	for attempt := range maxReads {
		if err := c.reset(ctx); err != nil {
			return reading{}, err
		}
		raw, err := c.command(ctx, "read probe", out, sent)
		if err != nil {
			return reading{}, err
		}
		s := scratchpad(raw)
		r := reading{raw: raw}
		r.temp, r.fault = s.decode(id[0])
		damaged := r.fault == hardware.CRCBad || r.fault == hardware.FieldRange
		sure := attempt == 0 && s.counterFits(id[0]) || bytes.Equal(raw, last.raw)
		if !damaged && (sure || r.fault != hardware.None) {
			return r, nil
		}
		last = r
	}
	return reading{fault: hardware.CRCBad, raw: last.raw}, nil
}
