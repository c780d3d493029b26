package gnss

import (
	"fmt"
	"strings"
	"time"

	"isotherm/hardware"
)

// nmeaLine frames a body with its checksum and line end.
func nmeaLine(body string) string { return withSum(body) + "\r\n" }

func withSum(body string) string {
	var sum byte
	for i := range len(body) {
		sum ^= body[i]
	}
	return fmt.Sprintf("$%s*%02X", body, sum)
}

// decode feeds all of in at once and ends the stream.
func decode(in string) []Event { return decodeSince(earliestDate(), in) }

// decodeSince does so with another earliest date.
func decodeSince(earliest time.Time, in string) []Event {
	var events []Event
	d := NewDecoder(func(e Event) { events = append(events, e) })
	d.SetEarliest(earliest)
	if _, err := d.Write([]byte(in)); err != nil {
		panic(err) // it is documented not to
	}
	d.Close()
	return events
}

// brief writes events as "fix@12h0m0s", with the doubt if there is one, and fault names, for tables.
func brief(events []Event) string {
	var parts []string
	for _, e := range events {
		switch e.Kind {
		case KindFix:
			parts = append(parts, fmt.Sprintf("fix@%v", e.Fix.TimeOfDay))
			if e.Fix.Doubt != hardware.None {
				parts[len(parts)-1] += "?" + e.Fix.Doubt.String()
			}
		case KindNoFix:
			parts = append(parts, "no:"+e.Fault.String())
		case KindFault:
			parts = append(parts, e.Fault.String())
		case KindGap:
			parts = append(parts, fmt.Sprintf("gap:%d", e.Gap.Missing))
		case KindTemperature:
			parts = append(parts, fmt.Sprintf("%s=%d", e.Temperature.Name, e.Temperature.Temp))
		}
	}
	return strings.Join(parts, " ")
}

// The position of the good sentences below: 52°30.0000' N, 13°15.0000' E.
const (
	goodRMC = "GPRMC,120000.00,A,5230.0000,N,01315.0000,E,0.5,90.0,150326,,,A"
	goodGGA = "GPGGA,120000.00,5230.0000,N,01315.0000,E,1,08,0.95,35.0,M,40.0,M,,"
	goodGLL = "GPGLL,5230.0000,N,01315.0000,E,120000.00,A,A"
	goodGNS = "GNGNS,120000.00,5230.0000,N,01315.0000,E,AAN,12,0.80,35.0,40.0,,"
	goodZDA = "GPZDA,120000.00,15,03,2026,00,00"
)

func goodFix() hardware.Fix {
	return hardware.Fix{
		TimeOfDay: 12 * time.Hour, Date: time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC),
		LatE7: 525_000_000, LonE7: 132_500_000,
		Quality: hardware.QualityGPS, Satellites: 8, HDOPx100: 95,
		SpeedMMS: 257, CourseCdeg: 9000, AltitudeMM: 35_000,
	}
}
