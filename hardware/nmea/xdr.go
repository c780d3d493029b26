package nmea

import (
	"isotherm/hardware"
)

// Measurement is one of the values of an XDR sentence, as text: `C,4.2,C,TEMP` is a temperature of 4.2 °C of the probe
// TEMP. Nothing in it is converted; a missing value is "" and stays so.
type Measurement struct {
	Type  byte   // what is measured: 'C' temperature, 'S' switch, 'G' generic, 'U' voltage, ... (NMEA 0183)
	Value string // decimal text; "" when the device has none
	Unit  string // 'C' degrees Celsius, 'V' volts, ...; "" for a type without one
	Name  string // of the transducer; "" when the device gives none
}

// ParseXDR reads a whole sentence, "$IIXDR,C,4.2,C,TEMP*6A", of any talker: four fields for each measurement. One comma
// too many at the end is forgiven. It checks the checksum itself. A sentence that is refused gives no measurement and
// the reason:
//
//   - ChecksumBad, ChecksumMissing: also for a '*' in a name, because the first '*' begins the checksum;
//   - UnknownType: it is not an XDR;
//   - FieldCount: no fields, or not four for each measurement;
//   - FieldSyntax: a type that is not one character;
//   - Conflicting: two measurements of one type and name, since nothing says which is whose.
//
// The form is that of NMEA 0183; the values are not looked at: Temperature and Milli do that.
func ParseXDR(line []byte) ([]Measurement, hardware.Fault) {
	if fault := Checksum(line); fault != hardware.None {
		return nil, fault
	}
	address, fields := Split(line)
	if _, kind, ok := Type(address); !ok || kind != "XDR" || line[0] != '$' {
		return nil, hardware.UnknownType
	}
	if n := len(fields); n%4 == 1 && fields[n-1] == "" {
		fields = fields[:n-1]
	}
	if len(fields) == 0 || len(fields)%4 != 0 {
		return nil, hardware.FieldCount
	}
	list := make([]Measurement, 0, len(fields)/4)
	for ; len(fields) > 0; fields = fields[4:] {
		if len(fields[0]) != 1 {
			return nil, hardware.FieldSyntax
		}
		m := Measurement{Type: fields[0][0], Value: fields[1], Unit: fields[2], Name: fields[3]}
		for _, other := range list {
			if other.Type == m.Type && other.Name == m.Name {
				return nil, hardware.Conflicting
			}
		}
		list = append(list, m)
	}
	return list, hardware.None
}

// What a probe of a box can measure, and the two values that a DS18B20 and its drivers show instead of a measurement.
// Air outside and engines are outside of the range on purpose: they are no organ's temperature.
const (
	minTemperature   = -80_000
	maxTemperature   = 85_000
	powerOn          = 85_000   // DS18B20 data sheet: the register before the first conversion
	libraryNoAnswer  = -127_000 // DEVICE_DISCONNECTED_C of the Arduino library DallasTemperature
	thousandthDigits = 3
)

// Temperature returns the measurement as a temperature, rounded to a thousandth of a degree, or why it is none:
//
//   - UnitMismatch: not a temperature, or not in degrees Celsius; Fahrenheit is refused, not converted, because the unit
//     is then the one thing known to differ from what was configured;
//   - Disconnected: no value, or -127 °C, which a common library shows for a probe that does not answer;
//   - PowerOnValue: 85 °C, which a DS18B20 shows before it has measured;
//   - FieldSyntax: not a decimal number (NaN, Inf, hexadecimal, exponents);
//   - OutOfRange: below -80 °C or above 85 °C.
//
// "-0" is 0 °C: it is what printing a small negative number gives.
func (m Measurement) Temperature() (hardware.Temperature, hardware.Fault) {
	if m.Type != 'C' || m.Unit != "C" {
		return 0, hardware.UnitMismatch
	}
	if m.Value == "" {
		return 0, hardware.Disconnected
	}
	milli, fault := m.Milli()
	switch {
	case fault == hardware.FieldRange:
		return 0, hardware.OutOfRange
	case fault != hardware.None:
		return 0, fault
	case milli == powerOn:
		return 0, hardware.PowerOnValue
	case milli == libraryNoAnswer:
		return 0, hardware.Disconnected
	case milli < minTemperature || milli > maxTemperature:
		return 0, hardware.OutOfRange
	}
	return hardware.Temperature(milli), hardware.None
}

// Milli returns the value in thousandths, whatever its unit, rounded half away from zero. Faults: FieldSyntax for
// anything but a decimal number, no value included; FieldRange for more than nine digits before the point.
func (m Measurement) Milli() (int64, hardware.Fault) { return Decimal(m.Value, thousandthDigits) }
