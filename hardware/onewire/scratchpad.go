package onewire

import (
	"encoding/binary"

	"isotherm/hardware"
)

// scratchpad is what a thermometer answers, in the order of the bus. Source: DS18B20 datasheet, figure 9; DS18S20
// datasheet, figure 8: temperature low and high, TH, TL, configuration (DS18B20) or 0xFF, reserved, count remain,
// count per °C, CRC-8.
type scratchpad [9]byte

const (
	rawPowerOn  = 0x0550 // 85 °C, which a probe shows until it has measured
	rawNoPower  = 0x07FF // 127.9375 °C, which a probe without enough power shows
	sPowerOn    = 0x00AA // 85 °C in the half degrees of a DS18S20
	countFresh  = 0x0C   // byte 6 until the probe has measured
	countAt85   = 0x10   // byte 6 after a conversion that gave 85 °C sharp: 16 minus the low four bits, which are zero
	configFixed = 0x1C   // bits of the configuration byte that read as one, in every variant
	tempMin     = hardware.Temperature(-55_000)
	tempMax     = hardware.Temperature(125_000)
)

// decode gives the temperature, or the most telling reason why there is none. All ones come first: they are what the
// bridge reads when nobody answers. Zeros come before the checksum, which is right for them.
func (s scratchpad) decode(family byte) (hardware.Temperature, hardware.Fault) {
	switch {
	case s.all(0xFF):
		return 0, hardware.NoPresence
	case s.all(0x00):
		return 0, hardware.Disconnected
	case crc8(s[:8]) != s[8]:
		return 0, hardware.CRCBad
	}
	temp, fault := s.measured(family)
	if fault == hardware.None && (temp < tempMin || temp > tempMax) {
		fault = hardware.OutOfRange
	}
	if fault != hardware.None {
		return 0, fault
	}
	return temp, hardware.None
}

func (s scratchpad) all(b byte) bool {
	for _, v := range s {
		if v != b {
			return false
		}
	}
	return true
}

func (s scratchpad) measured(family byte) (hardware.Temperature, hardware.Fault) {
	raw := int16(binary.LittleEndian.Uint16(s[:2]))
	if family == familyDS18S20 {
		return s.half(raw)
	}
	switch {
	case raw == rawPowerOn && s[6] != countAt85:
		// Copies that don't keep byte 6 are refused a true 85.0 °C: no organ has it.
		return 0, hardware.PowerOnValue
	case raw == rawNoPower:
		return 0, hardware.ConversionFailed
	case s[4]&configFixed != configFixed:
		return 0, hardware.FieldRange // a good checksum by chance, one in 256
	}
	return sixteenths(raw &^ (1<<s.undefinedBits() - 1)), hardware.None
}

// counterFits reports whether byte 6 goes with the temperature, as in the chips that are made now: it counts down from 16
// with each sixteenth of a degree. Older ones and copies keep other values there, so it proves, and does not refuse.
func (s scratchpad) counterFits(family byte) bool {
	if family == familyDS18S20 {
		return s[6] >= 1 && s[6] <= 16 && s[7] == 16 && s[5] == 0xFF
	}
	return s[6]+s[0]&15 == 16 && s[7] == 16 && s[5] == 0xFF
}

// undefinedBits is how many low bits of the temperature mean nothing at the resolution that is set: 9 to 12 bits.
// Source: DS18B20 datasheet, table 2. Some copies have 14 bits and bit 7 set then; their first twelve are the same.
func (s scratchpad) undefinedBits() int {
	if s[4]&0x80 != 0 {
		return 0
	}
	return 3 - int(s[4]>>5&3)
}

// sixteenths turns 1/16 °C into thousandths, towards zero as the kernel does.
func sixteenths(raw int16) hardware.Temperature { return hardware.Temperature(int32(raw) * 1000 / 16) }

// half reads the half degrees of a DS18S20 and refines them by its counters: T = TEMP_READ - 0.25 +
// (COUNT_PER_C - COUNT_REMAIN) / COUNT_PER_C, TEMP_READ without its half. Source: DS18S20 datasheet, "Operation".
func (s scratchpad) half(raw int16) (hardware.Temperature, hardware.Fault) {
	remain, perDegree := int32(s[6]), int32(s[7])
	switch {
	case raw == sPowerOn && remain == countFresh:
		return 0, hardware.PowerOnValue // a true 85.0 °C looks the same, and no organ has it
	case perDegree == 0 || remain > perDegree || s[1] != 0x00 && s[1] != 0xFF:
		return 0, hardware.FieldRange
	}
	whole := int32(raw >> 1)
	return hardware.Temperature(whole*1000 - 250 + 1000*(perDegree-remain)/perDegree), hardware.None
}
