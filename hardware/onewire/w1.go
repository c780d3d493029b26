package onewire

import (
	"encoding/hex"
	"strconv"
	"strings"

	"isotherm/hardware"
)

// parseW1 reads the kernel's w1_slave: two lines, each with the nine bytes of the scratchpad in hex. Source: kernel
// documentation, w1/slaves/w1_therm.rst, and ABI/testing/sysfs-driver-w1_therm.
//
//	58 01 4b 46 7f ff 0c 10 c2 : crc=c2 YES
//	58 01 4b 46 7f ff 0c 10 c2 t=21500
//
// The second line shows the last scratchpad that was good. So after NO its temperature is an old one, or nonsense, and the
// first line alone counts. Nothing at all means that the probe gave no good answer to several attempts of the kernel.
func parseW1(text string, family byte) (hardware.Temperature, hardware.Fault) {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return 0, hardware.Timeout
	}
	first, second, ok := strings.Cut(text, "\n")
	if !ok {
		return 0, hardware.Truncated
	}
	newest, verdict, fault := parseVerdict(first)
	if fault != hardware.None {
		return 0, fault
	}
	shown, shownTemp, fault := parseShown(second)
	switch {
	case fault != hardware.None:
		return 0, fault
	case newest.all(0xFF):
		return 0, hardware.NoPresence
	case !verdict:
		return 0, hardware.Retained
	}
	temp, fault := newest.decode(family)
	if fault != hardware.None {
		return 0, fault
	}
	if shown != newest {
		return 0, hardware.Retained
	}
	if !agrees(temp, shownTemp) {
		return 0, hardware.FieldRange
	}
	return temp, hardware.None
}

// agrees allows for what kernels do differently: they leave bits in that mean nothing at 9 bits (437 thousandths), add the
// two more bits of some copies, and round in their own way.
func agrees(temp hardware.Temperature, shown int64) bool {
	d := shown - int64(temp)
	return -500 <= d && d <= 500
}

// parseVerdict reads "xx xx xx xx xx xx xx xx xx : crc=xx YES". A verdict that does not go with its checksum counts as NO.
func parseVerdict(line string) (s scratchpad, yes bool, fault hardware.Fault) {
	s, rest, fault := parseBytes(line)
	if fault != hardware.None {
		return s, false, fault
	}
	rest, ok := strings.CutPrefix(rest, ": crc=")
	if !ok || len(rest) < len("xx NO") || rest[2] != ' ' {
		return s, false, hardware.FieldSyntax
	}
	crc, err := hex.DecodeString(rest[:2])
	if err != nil {
		return s, false, hardware.FieldSyntax
	}
	switch rest[3:] {
	case "YES":
		return s, crc[0] == s[8], hardware.None
	case "NO":
		return s, false, hardware.None
	}
	return s, false, hardware.FieldSyntax
}

// parseShown reads "xx xx xx xx xx xx xx xx xx t=21500".
func parseShown(line string) (s scratchpad, milli int64, fault hardware.Fault) {
	s, rest, fault := parseBytes(line)
	if fault != hardware.None {
		return s, 0, fault
	}
	number, ok := strings.CutPrefix(rest, "t=")
	if !ok {
		return s, 0, hardware.FieldSyntax
	}
	milli, fault = parseMilli(number)
	return s, milli, fault
}

// parseBytes reads nine bytes, each followed by a space, and returns what follows.
func parseBytes(line string) (s scratchpad, rest string, fault hardware.Fault) {
	if len(line) <= 3*len(s) {
		return s, "", hardware.Truncated
	}
	for i := range s {
		b, err := hex.DecodeString(line[3*i : 3*i+2])
		if err != nil || line[3*i+2] != ' ' {
			return s, "", hardware.FieldSyntax
		}
		s[i] = b[0]
	}
	return s, line[3*len(s):], hardware.None
}

func parseMilli(number string) (int64, hardware.Fault) {
	milli, err := strconv.ParseInt(number, 10, 32)
	if err != nil || strings.HasPrefix(number, "+") {
		return 0, hardware.FieldSyntax
	}
	return milli, hardware.None
}

// parseTemperature reads the kernel's file "temperature", which is one number and says neither whether the checksum was
// right nor whether the probe measured. So the four numbers that failures show as are refused, although the probe may
// mean them; w1_slave tells, where there is one. Source: ABI/testing/sysfs-driver-w1_therm.
func parseTemperature(text string) (hardware.Temperature, hardware.Fault) {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return 0, hardware.Timeout
	}
	milli, fault := parseMilli(text)
	if fault != hardware.None {
		return 0, fault
	}
	switch milli {
	case 85_000:
		return 0, hardware.PowerOnValue
	case 127_937:
		return 0, hardware.ConversionFailed
	case 0:
		return 0, hardware.Disconnected // a scratchpad of zeros
	case -62, -63:
		return 0, hardware.NoPresence // a scratchpad of ones
	}
	temp := hardware.Temperature(milli)
	if temp < tempMin || temp > tempMax {
		return 0, hardware.OutOfRange
	}
	return temp, hardware.None
}
