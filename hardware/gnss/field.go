package gnss

import (
	"strings"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/nmea"
)

// checkCoordinate checks "ddmm.mmmm" (degreeDigits 2, latitude) or "dddmm.mmmm"
// (3, longitude) and the hemisphere letter that goes with it.
func checkCoordinate(value, hemisphere string, degreeDigits int, letters string) hardware.Fault {
	if len(hemisphere) != 1 || !strings.Contains(letters, hemisphere) {
		return hardware.FieldSyntax
	}
	whole, fraction, _ := strings.Cut(value, ".")
	if len(whole) != degreeDigits+2 || !nmea.AllDigits(whole) || !nmea.AllDigits(fraction) {
		return hardware.FieldSyntax
	}
	degrees, minutes := nmea.Number(whole[:degreeDigits]), nmea.Number(whole[degreeDigits:])
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
	if len(day) != 2 || len(month) != 2 || len(year) > 4 || !nmea.AllDigits(day+month+year) {
		return time.Time{}, hardware.DateInvalid
	}
	y := nmea.Number(year)
	switch {
	case len(year) == 2 && y < 80:
		y += 2000
	case len(year) == 4 && y >= 2000 && y < 2080:
	default:
		return time.Time{}, hardware.DateInvalid
	}
	d, m := nmea.Number(day), nmea.Number(month)
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
	if len(s) > 2 || !nmea.AllDigits(s) {
		return 0, hardware.FieldSyntax
	}
	return uint8(nmea.Number(s)), hardware.None
}

// parseHDOP reads a dilution of precision as hundredths; an empty field is unknown.
func parseHDOP(s string) (uint16, hardware.Fault) {
	if s == "" {
		return hardware.HDOPUnknown, hardware.None
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if whole == "" || len(whole) > 4 || !nmea.AllDigits(whole) || !nmea.AllDigits(fraction) {
		return 0, hardware.FieldSyntax
	}
	hundredths := nmea.Number(whole)*100 + nmea.Number((fraction + "00")[:2])
	if hundredths >= int(hardware.HDOPUnknown) {
		return hardware.HDOPUnknown, hardware.None
	}
	return uint16(hundredths), hardware.None
}

// Limits of what a receiver can have measured; beyond them a field is damaged.
const (
	maxSpeed    = 2_000_000   // mm/s; export rules stop civil receivers at 515 m/s, and nothing that flies passes this
	minAltitude = -12_000_000 // mm, below the deepest sea
	maxAltitude = 100_000_000 // mm, the edge of space
)

// parseSpeed reads knots as mm/s (one knot is 1852 m an hour); an empty field is unknown.
func parseSpeed(s string) (uint32, hardware.Fault) {
	if s == "" {
		return hardware.SpeedUnknown, hardware.None
	}
	thousandths, fault := nmea.Decimal(s, 3)
	mms := (thousandths*1852 + 1800) / 3600
	if fault == hardware.None && (thousandths < 0 || mms > maxSpeed) {
		fault = hardware.FieldRange
	}
	if fault != hardware.None {
		return hardware.SpeedUnknown, fault
	}
	return uint32(mms), hardware.None
}

// parseCourse reads degrees as hundredths; an empty field is unknown, 360 is north.
func parseCourse(s string) (uint16, hardware.Fault) {
	if s == "" {
		return hardware.CourseUnknown, hardware.None
	}
	hundredths, fault := nmea.Decimal(s, 2)
	if fault == hardware.None && (hundredths < 0 || hundredths > 36_000) {
		fault = hardware.FieldRange
	}
	if fault != hardware.None {
		return hardware.CourseUnknown, fault
	}
	return uint16(hundredths % 36_000), hardware.None
}

// parseAltitude reads metres above mean sea level as millimetres.
func parseAltitude(s string) (int32, hardware.Fault) {
	mm, fault := nmea.Decimal(s, 3)
	if fault == hardware.None && (mm < minAltitude || mm > maxAltitude) {
		fault = hardware.FieldRange
	}
	if fault != hardware.None {
		return hardware.AltitudeUnknown, fault
	}
	return int32(mm), hardware.None
}
