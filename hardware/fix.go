package hardware

import (
	"strconv"
	"time"
)

// Quality says how a position was found. Zero is not a quality: a Fix always has one.
// The first five are the GGA quality field of NMEA 0183.
type Quality uint8

// Qualities, append only.
const (
	QualityGPS        Quality = 1 // ordinary satellite fix
	QualityDGPS       Quality = 2 // corrected by a ground or satellite service
	QualityPPS        Quality = 3 // military precise service
	QualityRTKFixed   Quality = 4 // centimetres
	QualityRTKFloat   Quality = 5 // decimetres
	QualityAutonomous Quality = 6 // valid, and the receiver did not say which kind (GLL or RMC without GGA)
)

// String gives the name that appears in logs and JSON.
func (q Quality) String() string {
	switch q {
	case QualityGPS:
		return "gps"
	case QualityDGPS:
		return "dgps"
	case QualityPPS:
		return "pps"
	case QualityRTKFixed:
		return "rtk_fixed"
	case QualityRTKFloat:
		return "rtk_float"
	case QualityAutonomous:
		return "autonomous"
	}
	return "quality_" + strconv.Itoa(int(q))
}

// Values of a Fix that the receiver did not give.
const (
	SatellitesUnknown uint8  = 0xFF
	HDOPUnknown       uint16 = 0xFFFF
	SpeedUnknown      uint32 = 0xFFFF_FFFF
	CourseUnknown     uint16 = 0xFFFF
	AltitudeUnknown   int32  = -0x8000_0000
)

// Fix is one measured position. A Fix exists only when the receiver called it valid
// in every sentence of that moment; there is no such thing as an invalid Fix.
type Fix struct {
	TimeOfDay  time.Duration // UTC since midnight, below 24 h
	Date       time.Time     // midnight UTC of the day; zero when the receiver gave none
	LatE7      int32         // 1e-7 degrees, north positive
	LonE7      int32         // 1e-7 degrees, east positive
	Quality    Quality
	Satellites uint8     // used in the fix; SatellitesUnknown when not given
	HDOPx100   uint16    // horizontal dilution of precision times 100; HDOPUnknown when not given
	SpeedMMS   uint32    // over ground, mm/s; SpeedUnknown when not given
	CourseCdeg uint16    // over ground, 0.01 degrees from true north, 0 to 35999; CourseUnknown when not given
	AltitudeMM int32     // above mean sea level, mm; AltitudeUnknown when not given
	Doubt      Fault     // Jump, SpeedMismatch, LowSatellites, HDOPHigh: what speaks against it; None when nothing does
	Received   time.Time // when the box had the last byte of it, by the box's clock
}

// UTC returns the receiver's own date and time, and false when it gave no date.
func (f Fix) UTC() (time.Time, bool) {
	if f.Date.IsZero() {
		return time.Time{}, false
	}
	return f.Date.Add(f.TimeOfDay), true
}
