package sim

import (
	"encoding/binary"
	"math"

	"isotherm/hardware"
)

// ModbusForm is how a probe writes a number into its registers.
type ModbusForm uint8

// The forms.
const (
	ModbusInt16       ModbusForm = 0 // one register, two's complement
	ModbusInt16Offset ModbusForm = 1 // one register, negative values as 10,000 and their amount: 10250 is -25.0 at 0.1 °C
	ModbusInt32       ModbusForm = 2 // two registers, two's complement
	ModbusFloat32     ModbusForm = 3 // two registers, IEEE 754, in °C
)

// ModbusOrder is the order of the four bytes of a number on the line; A is the one with the sign.
type ModbusOrder uint8

// The orders. Modbus itself fixes only that of the two bytes of a register.
const (
	ModbusABCD ModbusOrder = 0
	ModbusCDAB ModbusOrder = 1 // registers swapped
	ModbusBADC ModbusOrder = 2 // bytes swapped
	ModbusDCBA ModbusOrder = 3
)

// pt100End is where transmitters end that take an open element for a hot one.
const pt100End hardware.Temperature = 850_000

// registers is what the probe's temperature registers hold now.
func (p ModbusProbe) registers() []uint16 {
	t := p.Temperature()
	if during(p.Open).now() {
		t = pt100End
	}
	blank := during(p.PowerOn).now()
	step := hardware.Temperature(100)
	if p.Hundredths {
		step = 10
	}
	half := step / 2
	if t < 0 {
		half = -half
	}
	n := int32((t + half) / step) // rounded to the nearest step
	switch p.Form {
	case ModbusInt32:
		if blank {
			n = math.MaxInt32
		}
		return p.ordered(uint32(n))
	case ModbusFloat32:
		v := float32(t) / 1000
		if blank {
			v = float32(math.NaN())
		}
		return p.ordered(math.Float32bits(v))
	case ModbusInt16Offset:
		if n < 0 {
			n = 10_000 - n
		}
	}
	if blank || n > math.MaxInt16 {
		n = math.MaxInt16
	}
	return []uint16{uint16(int16(n))}
}

// ordered lays a number of four bytes out as the probe does.
func (p ModbusProbe) ordered(v uint32) []uint16 {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	places := [...][4]int{ModbusABCD: {0, 1, 2, 3}, ModbusCDAB: {2, 3, 0, 1}, ModbusBADC: {1, 0, 3, 2}, ModbusDCBA: {3, 2, 1, 0}}
	at := places[p.Order&3]
	return []uint16{uint16(b[at[0]])<<8 | uint16(b[at[1]]), uint16(b[at[2]])<<8 | uint16(b[at[3]])}
}
