package ascii

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/nmea"
	"isotherm/hardware/serial"
)

// Custom is a profile as a configuration gives it.
type Custom struct {
	Pattern   string            // as Profile.Pattern
	Ask       string            // as Profile.Ask, with \r, \n, \t, \\ and \xhh for bytes; empty: the device reports by itself
	Period    time.Duration     // between reports; only without Ask
	Unit      string            // what the group unit must say: "C"; or "none": the lines have no unit, and the device was set to °C
	Comma     bool              // as Profile.Comma
	Places    int               // as Profile.Places
	Checksum  string            // "xor" or empty
	End       string            // as Profile.End
	Words     map[string]string // what the device says instead of a value -> the name of a fault
	Sentinels map[string]string // decimal number that is no temperature -> the name of a fault
}

// faultNames are the faults that a word or sentinel may mean.
func faultNames() []hardware.Fault {
	return []hardware.Fault{hardware.Disconnected, hardware.Shorted, hardware.OutOfRange, hardware.PowerOnValue,
		hardware.ConversionFailed, hardware.UnitMismatch, hardware.DeviceError}
}

func faultByName(name string) (hardware.Fault, error) {
	var names []string
	for _, f := range faultNames() {
		if f.String() == name {
			return f, nil
		}
		names = append(names, f.String())
	}
	return hardware.None, fmt.Errorf("%q is no fault that a thermometer can have: use one of %s", name, strings.Join(names, ", "))
}

// Profile checks c strictly and makes its profile. The error names the key and says what is allowed.
func (c Custom) Profile() (Profile, error) {
	p := Profile{Name: "custom", Line: serial.Config{Baud: 9600}, Period: c.Period, Pattern: c.Pattern, Comma: c.Comma, Places: c.Places,
		Sum: Sum(c.Checksum), End: c.End}
	var err error
	if p.Ask, err = unescape(c.Ask); err != nil {
		return Profile{}, fmt.Errorf("custom thermometer: ask: %w", err)
	}
	if p.Ask != "" {
		p.Timeout = answerTimeout
	}
	switch c.Unit {
	case "":
		return Profile{}, errors.New(`custom thermometer: unit is missing: give the text that stands for °C in its lines, such as "C", or "none"`)
	case "none":
	default:
		p.Units = []string{c.Unit}
	}
	for _, text := range slices.Sorted(maps.Keys(c.Words)) {
		fault, err := faultByName(c.Words[text])
		if err != nil {
			return Profile{}, fmt.Errorf("custom thermometer: words: %q: %w", text, err)
		}
		p.Words = append(p.Words, Word{text, fault})
	}
	for _, value := range slices.Sorted(maps.Keys(c.Sentinels)) {
		fault, err := faultByName(c.Sentinels[value])
		if err != nil {
			return Profile{}, fmt.Errorf("custom thermometer: sentinels: %s: %w", value, err)
		}
		if _, bad := nmea.Decimal(value, microDigits); bad != hardware.None {
			return Profile{}, fmt.Errorf("custom thermometer: sentinels: %q is not a decimal number with a point", value)
		}
		p.Marks = append(p.Marks, Sentinel{value, fault})
	}
	if _, err := NewParser(p, false); err != nil { // for what only the pattern's compiler finds
		return Profile{}, err
	}
	return p, nil
}

// unescape turns \r, \n, \t, \\ and \xhh into bytes.
func unescape(text string) (string, error) {
	var out []byte
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		i++
		if i == len(text) {
			return "", errors.New(`it ends in a single \`)
		}
		switch text[i] {
		case 'r':
			out = append(out, '\r')
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case '\\':
			out = append(out, '\\')
		case 'x':
			var b byte
			if n, err := fmt.Sscanf(text[i+1:min(i+3, len(text))], "%02x", &b); n != 1 || err != nil || i+2 >= len(text) {
				return "", fmt.Errorf(`\x needs two hexadecimal digits in %q`, text)
			}
			out = append(out, b)
			i += 2
		default:
			return "", fmt.Errorf(`\%c is not known: use \r, \n, \t, \\ or \xhh`, text[i])
		}
	}
	return string(out), nil
}
