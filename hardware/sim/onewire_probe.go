package sim

import (
	"fmt"
	"time"

	"isotherm/hardware"
)

// OneWireProbe describes a DS18B20 on a simulated bus, or behind the kernel's files.
type OneWireProbe struct {
	ID          string                      // as the kernel writes it, "28-0316a279c4ff"; family 10 or 22 for the relatives
	Temperature func() hardware.Temperature // what it measures
	Parasite    bool                        // takes its power from the data wire
	Conversion  time.Duration               // how long it measures, in real time; default 600 ms, as most do at 12 bits
	PowerOn     func() bool                 // whether it shows 85 °C and has not measured; nil means never
	Open        func() bool                 // whether it is off the line; nil means never
}

// OneWireFault is what one probe does wrong.
type OneWireFault uint8

// What a probe can do wrong.
const (
	OneWireWell       OneWireFault = 0
	OneWireGone       OneWireFault = 1 // it does not answer to anything
	OneWireWrongCRC   OneWireFault = 2 // its scratchpad is damaged on the way, each time
	OneWirePowerOn    OneWireFault = 3 // it shows 85 °C and has not measured
	OneWireZeros      OneWireFault = 4 // its scratchpad is all zeros, for which the checksum is right
	OneWireOnes       OneWireFault = 5 // its scratchpad is all ones
	OneWireNoPower    OneWireFault = 6 // it shows 127.94 °C
	OneWireIDChanged  OneWireFault = 7 // it was replaced by another of the same kind
	OneWireTrue85     OneWireFault = 8 // no fault: it has measured 85 °C, and says so
	OneWireNeverReady OneWireFault = 9 // it stays busy; with parasite power, where that does not show, it loses its power over it
)

// oneWireDevice is a probe as the bus sees it: bit by bit, lowest first. It is for one goroutine.
type oneWireDevice struct {
	probe OneWireProbe
	fault OneWireFault
	rom   [8]byte

	step    oneWireStep
	in      byte // bits of a byte that is being received
	count   int  // bits since the step began
	out     []byte
	search  int // 0: shows its bit; 1: shows the opposite; 2: hears which way is taken
	memory  [9]byte
	readyAt time.Time // end of the conversion; zero when it does not measure
	fed     bool      // it had power since the conversion began
}

// wrong is its fault at present: one that was set, or one of its description.
func (d *oneWireDevice) wrong() OneWireFault {
	switch {
	case d.fault != OneWireWell:
		return d.fault
	case d.probe.Open != nil && d.probe.Open():
		return OneWireGone
	case d.probe.PowerOn != nil && d.probe.PowerOn():
		return OneWirePowerOn
	}
	return OneWireWell
}

// oneWireStep is what a device expects next.
type oneWireStep uint8

const (
	stepIdle     oneWireStep = iota // not addressed: it waits for a reset
	stepROM                         // a ROM command
	stepMatch                       // the 64 bits of an ID
	stepSearch                      // the three slots of each bit of a search
	stepFunction                    // a function command
	stepAnswer                      // the master reads bytes
	stepBusy                        // the master asks whether it is busy
	stepSupply                      // the master asks for the power supply
)

func newOneWireDevice(p OneWireProbe) (*oneWireDevice, error) {
	d := &oneWireDevice{probe: p}
	var serial uint64
	if n, err := fmt.Sscanf(p.ID, "%02x-%012x", &d.rom[0], &serial); n != 2 || err != nil || len(p.ID) != 15 {
		return nil, fmt.Errorf("simulate 1-Wire probe: ID %q is not like 28-0316a279c4ff", p.ID)
	}
	for i := range 6 {
		d.rom[1+i] = byte(serial >> (8 * i))
	}
	d.rom[7] = oneWireCRC(d.rom[:7])
	if d.probe.Conversion == 0 {
		d.probe.Conversion = 600 * time.Millisecond
	}
	d.powerOn()
	return d, nil
}

// powerOn is what the scratchpad holds until something was measured.
func (d *oneWireDevice) powerOn() {
	d.memory = [9]byte{0x50, 0x05, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10}
	if d.rom[0] == 0x10 {
		d.memory = [9]byte{0xAA, 0x00, 0x4B, 0x46, 0xFF, 0xFF, 0x0C, 0x10}
	}
	d.memory[8] = oneWireCRC(d.memory[:8])
}

// id is the ID that the device has at present.
func (d *oneWireDevice) id() [8]byte {
	rom := d.rom
	if d.fault == OneWireIDChanged {
		rom[1] ^= 0xFF
		rom[7] = oneWireCRC(rom[:7])
	}
	return rom
}

// reset makes it listen again, and returns whether it shows its presence.
func (d *oneWireDevice) reset(now time.Time) bool {
	d.finish(now)
	d.step, d.in, d.count, d.search = stepROM, 0, 0, 0
	return d.wrong() != OneWireGone
}

// slot is one time slot: the master writes bit, or reads with a one. It returns what the device lets the bus show: false
// pulls it low.
func (d *oneWireDevice) slot(now time.Time, bit bool) bool {
	if d.step == stepIdle {
		return true
	}
	if d.wrong() == OneWireGone {
		d.next(stepIdle)
		return true
	}
	switch d.step {
	case stepSearch:
		return d.searchSlot(bit)
	case stepAnswer:
		n := d.count
		d.count++
		return n/8 >= len(d.out) || d.out[n/8]>>(n%8)&1 == 1
	case stepBusy:
		d.finish(now)
		return d.probe.Parasite || d.readyAt.IsZero()
	case stepSupply:
		return !d.probe.Parasite
	}
	if bit {
		d.in |= 1 << (d.count % 8)
	}
	d.count++
	if d.count%8 == 0 {
		d.received(now, d.in)
		d.in = 0
	}
	return true
}

func (d *oneWireDevice) searchSlot(bit bool) bool {
	rom := d.id()
	mine := rom[d.count/8]>>(d.count%8)&1 == 1
	d.search = (d.search + 1) % 3
	switch d.search {
	case 1:
		return mine
	case 2:
		return !mine
	}
	if d.count++; bit != mine || d.count == 64 {
		d.next(stepIdle)
		if bit == mine {
			d.next(stepFunction)
		}
	}
	return true
}

func (d *oneWireDevice) next(step oneWireStep) { d.step, d.count, d.in = step, 0, 0 }

// received acts on a whole byte.
func (d *oneWireDevice) received(now time.Time, b byte) {
	switch d.step {
	case stepROM:
		switch b {
		case 0x55:
			d.next(stepMatch)
		case 0xCC:
			d.next(stepFunction)
		case 0xF0:
			d.next(stepSearch)
		default:
			d.next(stepIdle)
		}
	case stepMatch:
		if rom := d.id(); b != rom[d.count/8-1] {
			d.next(stepIdle)
		} else if d.count == 64 {
			d.next(stepFunction)
		}
	case stepFunction:
		switch b {
		case 0x44:
			d.readyAt = now.Add(d.probe.Conversion)
			d.fed = !d.probe.Parasite // the pull-up has to follow
			d.next(stepBusy)
		case 0xBE:
			d.out = d.scratchpad()
			d.next(stepAnswer)
		case 0xB4:
			d.next(stepSupply)
		default:
			d.next(stepIdle)
		}
	}
}

// starve is told when the data wire stops to feed the device.
func (d *oneWireDevice) starve(now time.Time) {
	d.finish(now)
	d.fed = !d.probe.Parasite
}

// finish ends a conversion whose time has come. One without power leaves the chip as after power-on.
func (d *oneWireDevice) finish(now time.Time) {
	stuck := d.fault == OneWireNeverReady
	if d.readyAt.IsZero() || stuck && !d.probe.Parasite || now.Before(d.readyAt) && d.fed {
		return
	}
	d.readyAt = time.Time{}
	if !d.fed || stuck {
		d.powerOn()
		return
	}
	d.latch(d.probe.Temperature())
}

// latch writes a temperature into the scratchpad: sixteenths of a degree, or halves with a counter.
func (d *oneWireDevice) latch(t hardware.Temperature) {
	sixteenths := int(t) * 16
	raw := (sixteenths + 500) / 1000
	if sixteenths < 0 {
		raw = (sixteenths - 500) / 1000
	}
	d.memory[6] = byte(16 - raw&15)
	if d.rom[0] == 0x10 { // whole degrees, in halves, and a counter that starts a quarter below
		shifted := raw + 4
		d.memory[6], raw = byte(16-shifted&15), shifted>>4<<1
	}
	d.memory[0], d.memory[1] = byte(raw), byte(raw>>8)
	d.memory[8] = oneWireCRC(d.memory[:8])
}

// scratchpad is what the device sends when it is read, with its fault.
func (d *oneWireDevice) scratchpad() []byte {
	out := d.memory
	switch d.wrong() {
	case OneWireWrongCRC:
		out[0] ^= 0x04
	case OneWirePowerOn:
		out[0], out[1], out[6] = 0x50, 0x05, 0x0C
		if d.rom[0] == 0x10 {
			out[0], out[1] = 0xAA, 0x00
		}
		out[8] = oneWireCRC(out[:8])
	case OneWireTrue85:
		out[0], out[1], out[6] = 0x50, 0x05, 0x10
		out[8] = oneWireCRC(out[:8])
	case OneWireNoPower:
		out[0], out[1], out[6] = 0xFF, 0x07, 0x0C
		out[8] = oneWireCRC(out[:8])
	case OneWireZeros:
		out = [9]byte{}
	case OneWireOnes:
		out = [9]byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
	}
	return out[:]
}

// oneWireCRC divides bit by bit from the low end, apart from the driver's: a shared mistake would go unnoticed.
func oneWireCRC(p []byte) byte {
	remainder := byte(0)
	for _, b := range p {
		for bit := range 8 {
			carry := remainder&1 != b>>bit&1
			remainder >>= 1
			if carry {
				remainder ^= 0x8C
			}
		}
	}
	return remainder
}
