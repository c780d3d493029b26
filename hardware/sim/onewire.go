package sim

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// OneWireBus is a DS2480B bridge with DS18B20 thermometers behind it. The faults below may be set while it is served, from
// any goroutine.
type OneWireBus struct {
	mu      sync.Mutex // guards all below; held while one byte is worked on
	devices []*oneWireDevice
	bus     OneWireBusFault
	late    time.Duration
	silent  bool
	half    bool
	chip    ds2480
}

// OneWireBusFault is what is wrong with the wire behind the bridge.
type OneWireBusFault uint8

// What can be wrong with the wire.
const (
	OneWireBusWell       OneWireBusFault = 0
	OneWireBusNoPresence OneWireBusFault = 1 // nothing is plugged in
	OneWireBusShorted    OneWireBusFault = 2 // the data wire is held low
)

// NewOneWireBus plugs probes into a bridge that was just powered. The error names an ID it can't read.
func NewOneWireBus(probes ...OneWireProbe) (*OneWireBus, error) {
	b := &OneWireBus{}
	for _, p := range probes {
		d, err := newOneWireDevice(p)
		if err != nil {
			return nil, err
		}
		b.devices = append(b.devices, d)
	}
	return b, nil
}

// SetProbe gives probe i, counted from zero, a fault, or takes it away.
func (b *OneWireBus) SetProbe(i int, fault OneWireFault) {
	b.with(func() { b.devices[i].fault = fault })
}

// SetBus gives the wire a fault, or takes it away.
func (b *OneWireBus) SetBus(fault OneWireBusFault) { b.with(func() { b.bus = fault }) }

// SetSilent makes the bridge say nothing, as one without power.
func (b *OneWireBus) SetSilent(on bool) { b.with(func() { b.silent = on }) }

// SetHalf makes the bridge send the first half of each answer only.
func (b *OneWireBus) SetHalf(on bool) { b.with(func() { b.half = on }) }

// SetLate makes each answer come that much later, in real time.
func (b *OneWireBus) SetLate(by time.Duration) { b.with(func() { b.late = by }) }

// Unpower takes the power of the probes away for a moment: what they measured is lost.
func (b *OneWireBus) Unpower() {
	b.with(func() {
		for _, d := range b.devices {
			d.powerOn()
			d.readyAt = time.Time{}
			d.next(stepIdle)
		}
	})
}

func (b *OneWireBus) with(fn func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fn()
}

// ServeOneWire answers on line for the bridge until ctx is done or the line fails (a PTY that is closed), and returns that
// error. line must be a PTY or another io.Closer that ends a blocked Read: it is closed when ctx ends.
func ServeOneWire(ctx context.Context, line io.ReadWriteCloser, bus *OneWireBus) error {
	stop := context.AfterFunc(ctx, func() { _ = line.Close() }) // the read below reports it
	defer stop()
	buf := make([]byte, 256)
	for {
		n, err := line.Read(buf)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("simulate 1-Wire bridge: %w", err)
		}
		answer, late := bus.hear(buf[:n], slowLine(line))
		if late > 0 {
			timer := time.NewTimer(late)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return ctx.Err()
			}
		}
		if _, err := line.Write(answer); err != nil {
			return fmt.Errorf("simulate 1-Wire bridge: %w", err)
		}
	}
}

// hear works on what the driver sent, and returns what to send back and how late.
func (b *OneWireBus) hear(in []byte, slow bool) ([]byte, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []byte
	for _, c := range in {
		if slow && c == 0 {
			b.chip = ds2480{} // a byte at half the speed has no stop bit
			continue
		}
		out = append(out, b.chip.byteIn(b, c)...)
	}
	if b.silent {
		return nil, 0
	}
	if b.half {
		out = out[:len(out)/2]
	}
	return out, b.late
}

// slowLine reports whether the driver's end of the line runs at 4800 baud or less. A line that does not tell is taken to
// be right.
func slowLine(line io.ReadWriteCloser) bool {
	l, ok := line.(interface{ Baud() (int, error) })
	if !ok {
		return false
	}
	baud, err := l.Baud()
	return err == nil && baud <= 4800
}

// reset gives the bus a reset pulse and returns what the bridge says about it.
func (b *OneWireBus) reset(now time.Time) byte {
	present := false
	for _, d := range b.devices {
		d.starve(now)
		present = d.reset(now) || present
	}
	switch {
	case b.bus == OneWireBusShorted:
		return 0
	case b.bus == OneWireBusNoPresence || !present:
		return 3
	}
	return 1
}

// slot gives the bus one time slot and returns its level: high only when nobody pulls it low.
func (b *OneWireBus) slot(now time.Time, bit bool) bool {
	level := bit
	for _, d := range b.devices {
		d.starve(now)
		if b.bus == OneWireBusWell && !d.slot(now, bit) {
			level = false
		}
	}
	return level && b.bus != OneWireBusShorted
}

func (b *OneWireBus) feed() {
	for _, d := range b.devices {
		d.fed = true
	}
}

// ds2480 is the state of the bridge chip; the zero value is that after power-on or a master reset.
type ds2480 struct {
	calibrated bool
	data       bool
	escape     bool // in data mode: the last byte was 0xE3, which may be data
	search     bool
	pulse      bool // a strong pull-up without end is on
	param      [8]byte
}

// byteIn works on one byte of the driver and returns the answer to it.
func (c *ds2480) byteIn(b *OneWireBus, in byte) []byte {
	switch {
	case !c.calibrated:
		c.calibrated = in == 0xC1 // which has no other effect
		return nil
	case c.data && c.escape:
		c.escape = false
		if in == 0xE3 {
			return c.dataByte(b, in)
		}
		c.data = false
		return c.command(b, in)
	case c.data && in == 0xE3:
		c.escape = true
		return nil
	case c.data:
		return c.dataByte(b, in)
	}
	return c.command(b, in)
}

func (c *ds2480) dataByte(b *OneWireBus, in byte) []byte {
	now := time.Now()
	var out byte
	if c.search {
		for i := range 4 {
			out |= searchBit(b, now, in>>(2*i+1)&1 == 1) << (2 * i)
		}
		return []byte{out}
	}
	for i := range 8 {
		if b.slot(now, in>>i&1 == 1) {
			out |= 1 << i
		}
	}
	return []byte{out}
}

// searchBit does what the accelerator does for one bit of an ID: read it, read its opposite, take a way.
func searchBit(b *OneWireBus, now time.Time, wanted bool) byte {
	is, not := b.slot(now, true), b.slot(now, true)
	way, differ := is, byte(0)
	switch {
	case !is && !not:
		way, differ = wanted, 1
	case is && not:
		way, differ = true, 1
	}
	b.slot(now, way)
	if way {
		return 2 | differ
	}
	return differ
}

func (c *ds2480) command(b *OneWireBus, in byte) []byte {
	if c.pulse && in != 0xF1 {
		return nil // deaf until the pulse ends
	}
	switch {
	case in == 0xE1:
		c.data = true
	case in == 0xE3:
	case in == 0xF1:
		if c.pulse {
			c.pulse = false
			for _, d := range b.devices {
				d.starve(time.Now())
			}
			return []byte{0xEC}
		}
	case in&0x81 == 0x01:
		return c.configure(in)
	case in&0xE1 == 0xC1:
		return []byte{0xCC | b.reset(time.Now())}
	case in&0xE1 == 0xA1:
		c.search = in&0x10 != 0
	case in&0xE1 == 0x81:
		return c.bit(b, in)
	}
	return nil
}

func (c *ds2480) configure(in byte) []byte {
	which, value := in>>4&7, in>>1&7
	if which == 0 {
		return []byte{c.param[value] << 1}
	}
	c.param[which] = value
	return []byte{in &^ 1}
}

func (c *ds2480) bit(b *OneWireBus, in byte) []byte {
	out := in & 0xFC
	if b.slot(time.Now(), in&0x10 != 0) {
		out |= 3
	}
	if in&2 != 0 {
		b.feed()
		c.pulse = c.param[3] == 7 // other lengths are not simulated
	}
	return []byte{out}
}
