package modbus

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"isotherm/hardware"
)

// Type is the kind of number in a device's registers.
type Type string

// The types.
const (
	Int16   Type = "int16"   // one register
	Int32   Type = "int32"   // two registers
	Float32 Type = "float32" // two registers, IEEE 754, in °C
)

// Order is how the four bytes A (with the sign), B, C, D of a number are sent. Modbus fixes the order of the bytes of a
// register only (application protocol V1.1b3, 4.2); devices differ in the rest.
type Order string

// The orders.
const (
	Big         Order = "big"          // AB CD
	WordSwapped Order = "word-swapped" // CD AB: the lower register first
	ByteSwapped Order = "byte-swapped" // BA DC
	Little      Order = "little"       // DC BA
)

// Sign is how a device writes temperatures below zero.
type Sign string

// The signs.
const (
	TwosComplement Sign = "twos-complement"
	// Offset10000 writes 10,000 and the amount: 10250 is -25.0 at 0.1 °C. Source: KinCony's protocol of its SHT30 sensor.
	Offset10000 Sign = "offset-10000"
)

// Format says how a kind of device writes a temperature into its registers. Zero values of Function, Type, Order, Sign
// and Count mean the first of each, and what Type needs.
type Format struct {
	Function Function // default ReadInput
	Register uint16
	Type     Type                      // default Int16
	Order    Order                     // default Big; only Big for Int16
	Step     hardware.TemperatureDelta // of Int16 and Int32: what one step is worth, in thousandths of a degree: 1, 10, 100 or 1000
	Sign     Sign                      // default TwosComplement; Offset10000 only for Int16
	// Absent are register values, as they come, that mean "no sensing element", besides the ends of the range, which always
	// do. 0xFFFF is one only if it is listed: at 0.1 °C it is also -0.1 °C.
	Absent []uint32
	// Humidity says that the register after the temperature is the relative humidity in tenths of a percent. It is read as
	// well, and vouches for the temperature: a sensor that is gone shows an impossible one, or zeros all over.
	Humidity bool
	// Offset is the holding register in which the device keeps a correction that it applies by itself; zero is none.
	Offset uint16
}

// maxAbsent bounds Format.Absent; no device needs more than two.
const maxAbsent = 8

// withDefaults fills in what may be left out.
func (f Format) withDefaults() Format {
	if f.Function == 0 {
		f.Function = ReadInput
	}
	if f.Type == "" {
		f.Type = Int16
	}
	if f.Order == "" {
		f.Order = Big
	}
	if f.Sign == "" {
		f.Sign = TwosComplement
	}
	return f
}

// Check says what is wrong with a format, after defaults.
func (f Format) Check() error {
	f = f.withDefaults()
	steps := []hardware.TemperatureDelta{1, 10, 100, 1000}
	switch {
	case f.Function != ReadHolding && f.Function != ReadInput:
		return fmt.Errorf("modbus function %d is not 3 or 4", f.Function)
	case !slices.Contains([]Type{Int16, Int32, Float32}, f.Type):
		return fmt.Errorf("modbus type %q is not %s, %s or %s", f.Type, Int16, Int32, Float32)
	case !slices.Contains([]Order{Big, WordSwapped, ByteSwapped, Little}, f.Order):
		return fmt.Errorf("modbus order %q is not %s, %s, %s or %s", f.Order, Big, WordSwapped, ByteSwapped, Little)
	case f.Type == Int16 && f.Order != Big && f.Order != ByteSwapped:
		return fmt.Errorf("modbus order %s needs two registers, and %s has one", f.Order, f.Type)
	case f.Sign != TwosComplement && f.Sign != Offset10000:
		return fmt.Errorf("modbus sign %q is not %s or %s", f.Sign, TwosComplement, Offset10000)
	case f.Sign == Offset10000 && f.Type != Int16:
		return fmt.Errorf("modbus sign %s needs type %s", f.Sign, Int16)
	case f.Type == Float32 && f.Step != 0:
		return fmt.Errorf("modbus type %s is in °C and has no step", f.Type)
	case f.Type != Float32 && !slices.Contains(steps, f.Step):
		return fmt.Errorf("modbus step is %d thousandths of a degree, want 1, 10, 100 or 1000", f.Step)
	case len(f.Absent) > maxAbsent:
		return fmt.Errorf("modbus format lists %d absent values, at most %d are allowed", len(f.Absent), maxAbsent)
	}
	return nil
}

// words is how many registers the number takes.
func (f Format) words() uint16 {
	if f.Type == Int16 {
		return 1
	}
	return 2
}

// count is how many registers are read.
func (f Format) count() uint16 {
	if f.Humidity {
		return f.words() + 1
	}
	return f.words()
}

const (
	probeMin = hardware.Temperature(-80_000)
	probeMax = hardware.Temperature(85_000)

	// A PT100 has 18.5 Ω at -200 °C and 390.5 Ω at 850 °C (IEC 60751): transmitters end there, at the low end with a short
	// element and at the high end with an open one.
	elementShort = -200_000
	elementOpen  = 850_000

	maxHumidity = 1000 // tenths of a percent
)

// decode turns registers into a temperature, or says why they are none. words has count() elements.
func (f Format) decode(words []uint16) (hardware.Temperature, hardware.Fault) {
	var bits uint32
	if f.Type == Int16 {
		bits = uint32(f.ordered16(words[0]))
	} else {
		bits = f.ordered32(words[0], words[1])
	}
	if slices.Contains(f.Absent, bits) {
		return 0, hardware.Disconnected
	}
	if f.Humidity {
		humidity := words[f.words()]
		switch {
		case humidity > maxHumidity:
			return 0, hardware.Disconnected
		case humidity == 0 && bits == 0:
			return 0, hardware.ConversionFailed // 0.0 °C in air of 0.0 % is an empty answer
		}
	}
	var milli int64
	var fault hardware.Fault
	switch f.Type {
	case Float32:
		milli, fault = milliOfFloat(bits)
	case Int32:
		milli, fault = milliOfInt(int64(int32(bits)), math.MinInt32, math.MaxInt32, f.Step)
	default:
		n := int64(int16(bits))
		if f.Sign == Offset10000 && bits < 0x7FFF && bits >= 10_000 {
			n = 10_000 - int64(bits)
		}
		if f.Sign == Offset10000 && bits > 0x7FFF {
			n = math.MaxInt16 // twice what this sign can say: all ones, or another device
		}
		milli, fault = milliOfInt(n, math.MinInt16, math.MaxInt16, f.Step)
	}
	if fault != hardware.None {
		return 0, fault
	}
	return judge(milli)
}

func (f Format) ordered16(v uint16) uint16 {
	if f.Order == ByteSwapped {
		return v<<8 | v>>8
	}
	return v
}

func (f Format) ordered32(first, second uint16) uint32 {
	var b [4]byte
	if f.Order == WordSwapped || f.Order == Little {
		first, second = second, first
	}
	binary.BigEndian.PutUint16(b[:], first)
	binary.BigEndian.PutUint16(b[2:], second)
	if f.Order == ByteSwapped || f.Order == Little {
		b[0], b[1], b[2], b[3] = b[1], b[0], b[3], b[2]
	}
	return binary.BigEndian.Uint32(b[:])
}

// swapped is the format with the order of words reversed.
func (f Format) swapped() Format {
	switch f.Order {
	case Big:
		f.Order = WordSwapped
	case WordSwapped:
		f.Order = Big
	case ByteSwapped:
		f.Order = Little
	case Little:
		f.Order = ByteSwapped
	}
	return f
}

// milliOfInt scales; the ends of the range mean an element that is not there.
func milliOfInt(n, low, high int64, step hardware.TemperatureDelta) (int64, hardware.Fault) {
	if n == low || n == high {
		return 0, hardware.Disconnected
	}
	return n * int64(step), hardware.None
}

// milliOfFloat reads an IEEE 754 number in °C.
func milliOfFloat(bits uint32) (int64, hardware.Fault) {
	// A float in the wrong order of words is most often a number with an exponent far below zero, which would come out as
	// 0.000 °C. No transmitter resolves a hundred-thousandth of a degree, so a value below that is none.
	const least = 1e-5
	v := float64(math.Float32frombits(bits))
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return 0, hardware.Disconnected
	case v != 0 && math.Abs(v) < least:
		return 0, hardware.FieldRange
	case math.Abs(v) > 1e6:
		return 0, hardware.FieldRange // nothing means that: not even a broken element
	}
	return int64(math.Round(v * 1000)), hardware.None
}

// judge tells temperatures from the marks of a broken element and from what no probe of a box can measure.
func judge(milli int64) (hardware.Temperature, hardware.Fault) {
	switch {
	case milli >= elementOpen:
		return 0, hardware.Disconnected
	case milli <= elementShort:
		return 0, hardware.Shorted
	case milli < int64(probeMin) || milli > int64(probeMax):
		return 0, hardware.OutOfRange
	}
	return hardware.Temperature(milli), hardware.None
}
