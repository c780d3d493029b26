package gnss

import (
	"strconv"
	"strings"
	"time"

	"isotherm/hardware"
)

// parseTimeOfDay reads "hhmmss" with an optional fraction, to the millisecond. The
// leap second 23:59:60 counts as the last millisecond of the day, so that a time of
// day stays below 24 hours; at more than 1 Hz its epochs become one.
func parseTimeOfDay(s string) (time.Duration, hardware.Fault) {
	whole, fraction, _ := strings.Cut(s, ".")
	if len(whole) != 6 || !allDigits(whole) || !allDigits(fraction) {
		return 0, hardware.FieldSyntax
	}
	h, m, sec := number(whole[:2]), number(whole[2:4]), number(whole[4:])
	if h == 23 && m == 59 && sec == 60 {
		return 24*time.Hour - time.Millisecond, hardware.None
	}
	if h > 23 || m > 59 || sec > 59 {
		return 0, hardware.FieldRange
	}
	ms := number((fraction + "000")[:3])
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute +
		time.Duration(sec)*time.Second + time.Duration(ms)*time.Millisecond, hardware.None
}

// checkCoordinate checks "ddmm.mmmm" (degreeDigits 2, latitude) or "dddmm.mmmm"
// (3, longitude) and the hemisphere letter that goes with it.
func checkCoordinate(value, hemisphere string, degreeDigits int, letters string) hardware.Fault {
	if len(hemisphere) != 1 || !strings.Contains(letters, hemisphere) {
		return hardware.FieldSyntax
	}
	whole, fraction, _ := strings.Cut(value, ".")
	if len(whole) != degreeDigits+2 || !allDigits(whole) || !allDigits(fraction) {
		return hardware.FieldSyntax
	}
	degrees, minutes := number(whole[:degreeDigits]), number(whole[degreeDigits:])
	limit := 90
	if degreeDigits == 3 {
		limit = 180
	}
	atLimit := minutes == 0 && strings.Trim(fraction, "0") == ""
	if minutes > 59 || degrees > limit || degrees == limit && !atLimit {
		return hardware.FieldRange
	}
	return hardware.None
}

// parseDate checks that a day is real and in this century as far as two digits tell.
// Years 80 to 99 are receivers that have just started or that passed a week rollover.
func parseDate(day, month, year string) (time.Time, hardware.Fault) {
	if len(day) != 2 || len(month) != 2 || !allDigits(day+month+year) {
		return time.Time{}, hardware.DateInvalid
	}
	y := number(year)
	switch {
	case len(year) == 2 && y < 80:
		y += 2000
	case len(year) == 4 && y >= 2000 && y < 2080:
	default:
		return time.Time{}, hardware.DateInvalid
	}
	d, m := number(day), number(month)
	date := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if date.Day() != d || int(date.Month()) != m { // time.Date turns 31 February into March
		return time.Time{}, hardware.DateInvalid
	}
	return date, hardware.None
}

// parseSatellites reads the number of satellites used; an empty field is unknown.
func parseSatellites(s string) (uint8, hardware.Fault) {
	if s == "" {
		return hardware.SatellitesUnknown, hardware.None
	}
	if len(s) > 2 || !allDigits(s) {
		return 0, hardware.FieldSyntax
	}
	return uint8(number(s)), hardware.None
}

// parseHDOP reads a dilution of precision as hundredths; an empty field is unknown.
func parseHDOP(s string) (uint16, hardware.Fault) {
	if s == "" {
		return hardware.HDOPUnknown, hardware.None
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if whole == "" || len(whole) > 4 || !allDigits(whole) || !allDigits(fraction) {
		return 0, hardware.FieldSyntax
	}
	hundredths := number(whole)*100 + number((fraction + "00")[:2])
	if hundredths >= int(hardware.HDOPUnknown) {
		return hardware.HDOPUnknown, hardware.None
	}
	return uint16(hundredths), hardware.None
}

// allDigits reports whether s has nothing but digits; the empty string has.
func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// number is the value of a string that allDigits has passed.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0 // only the empty string gets here, and its length was checked
	}
	return n
}
