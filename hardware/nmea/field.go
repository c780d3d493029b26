package nmea

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"isotherm/hardware"
)

// Split cuts a sentence into its address ("GPRMC": talker and type) and the fields after it, without the checksum. The
// start character is dropped. A sentence without a comma has no fields.
func Split(line []byte) (address string, fields []string) {
	body, _, _ := bytes.Cut(line, []byte{'*'})
	if len(body) == 0 {
		return "", nil
	}
	address, rest, more := strings.Cut(string(body[1:]), ",")
	if !more {
		return address, nil
	}
	return address, strings.Split(rest, ",")
}

// Type returns the talker and the sentence type of an address with both: "GPRMC" is "GP" and "RMC". Proprietary
// addresses, which begin with P, and all others that are not five capital letters or digits give false.
func Type(address string) (talker, kind string, ok bool) {
	if len(address) != 5 || address[0] == 'P' {
		return "", "", false
	}
	for i := range len(address) {
		if c := address[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return "", "", false
		}
	}
	return address[:2], address[2:], true
}

// TimeOfDay reads "hhmmss" with an optional fraction: UTC since midnight, to the millisecond. The leap second 23:59:60
// counts as the last millisecond of the day, so that a time of day stays below 24 hours; at more than 1 Hz its epochs
// become one. Faults: FieldSyntax, FieldRange.
func TimeOfDay(s string) (time.Duration, hardware.Fault) {
	whole, fraction, _ := strings.Cut(s, ".")
	if len(whole) != 6 || !AllDigits(whole) || !AllDigits(fraction) {
		return 0, hardware.FieldSyntax
	}
	h, m, sec := Number(whole[:2]), Number(whole[2:4]), Number(whole[4:])
	if h == 23 && m == 59 && sec == 60 {
		return 24*time.Hour - time.Millisecond, hardware.None
	}
	if h > 23 || m > 59 || sec > 59 {
		return 0, hardware.FieldRange
	}
	ms := Number((fraction + "000")[:3])
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute +
		time.Duration(sec)*time.Second + time.Duration(ms)*time.Millisecond, hardware.None
}

// maxWhole is how many digits before the point Decimal takes: more than any quantity here needs, and few enough that
// nothing overflows with maxDecimals after it.
const (
	maxWhole    = 9
	maxDecimals = 6
)

// Decimal reads a decimal number as a whole number of 10^-decimals, decimals being at most 6: Decimal("4.2", 3) is
// 4200. A sign, leading zeros and a missing digit on one side of the point are fine; what is beyond the last decimal is
// rounded half away from zero. "-0" is zero. There are no floats on the way: exponents, hexadecimal, NaN and Inf are
// FieldSyntax like the empty string, and more than nine digits before the point, leading zeros aside, are FieldRange.
func Decimal(s string, decimals int) (int64, hardware.Fault) {
	sign, digits := int64(1), s
	if s != "" && (s[0] == '-' || s[0] == '+') {
		digits = s[1:]
		if s[0] == '-' {
			sign = -1
		}
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole+fraction == "" || !AllDigits(whole) || !AllDigits(fraction) || decimals < 0 || decimals > maxDecimals {
		return 0, hardware.FieldSyntax
	}
	whole = strings.TrimLeft(whole, "0")
	if len(whole) > maxWhole {
		return 0, hardware.FieldRange
	}
	fraction += strings.Repeat("0", maxDecimals+1) // so that there is a digit to round by
	value, err := strconv.ParseInt("0"+whole+fraction[:decimals], 10, 64)
	if err != nil {
		return 0, hardware.FieldRange // can't happen: 15 digits at most
	}
	if fraction[decimals] >= '5' {
		value++
	}
	return sign * value, hardware.None
}

// AllDigits reports whether s has nothing but digits; the empty string has.
func AllDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Number is the value of up to nine digits that AllDigits has passed; zero for the empty string.
func Number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0 // only the empty string gets here
	}
	return n
}
