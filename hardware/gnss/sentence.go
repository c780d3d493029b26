package gnss

import (
	"errors"
	"math"
	"time"

	gonmea "github.com/adrianmo/go-nmea"

	"isotherm/hardware"
	"isotherm/hardware/nmea"
)

// sentence is what one NMEA sentence says about one moment.
type sentence struct {
	address string
	talker  string
	hasTime bool
	time    time.Duration  // UTC since midnight
	verdict hardware.Fault // None: nothing in it speaks against the position
	gsaMode byte           // of a GSA: 1 no fix, 2 flat, 3 with height; zero: not said

	hasPosition  bool
	latE7, lonE7 int32
	accuracy
	motion
	date      time.Time // zero: not said
	dateFault hardware.Fault
	odd       hardware.Fault // a field beside the position that can't be read; it costs that field alone
}

// accuracy is what a GGA or GNS says about how the position was found.
type accuracy struct {
	quality    hardware.Quality // zero: not said
	satellites uint8
	hdop       uint16
	altitude   int32
}

// motion is what an RMC or VTG says.
type motion struct {
	speed  uint32
	course uint16
}

func unknownAccuracy() accuracy {
	return accuracy{satellites: hardware.SatellitesUnknown, hdop: hardware.HDOPUnknown, altitude: hardware.AltitudeUnknown}
}

func unknownMotion() motion {
	return motion{speed: hardware.SpeedUnknown, course: hardware.CourseUnknown}
}

// The sentence types that are read; these two are none of go-nmea's business, because nothing is left to convert.
const (
	typeGSA = gonmea.TypeGSA
	typeVTG = gonmea.TypeVTG
)

// layout says where the fields of a sentence type are, as NMEA 0183 numbers them after the address; -1 is "has none".
type layout struct {
	min  int // fewest fields of a device that leaves old or optional ones out
	want int // how many go-nmea insists on
	time int
	lat  int // latitude, its hemisphere, longitude, its hemisphere
}

func layoutOf(kind string) (layout, bool) {
	switch kind {
	case gonmea.TypeRMC:
		return layout{min: 9, want: 11, time: 0, lat: 2}, true
	case gonmea.TypeGGA:
		return layout{min: 8, want: 14, time: 0, lat: 1}, true
	case gonmea.TypeGNS:
		return layout{min: 8, want: 12, time: 0, lat: 1}, true
	case gonmea.TypeGLL:
		return layout{min: 6, want: 6, time: 4, lat: 0}, true
	case gonmea.TypeZDA:
		return layout{min: 4, want: 6, time: 0, lat: -1}, true
	}
	return layout{}, false
}

// refusal carries a fault out of go-nmea's hook. Its text is the fault's name.
type refusal struct{ fault hardware.Fault }

func (r refusal) Error() string { return r.fault.String() }

// parser wraps one go-nmea parser, which is not safe for several goroutines.
type parser struct {
	lib gonmea.SentenceParser
	now sentence // what the guard has read of the sentence at hand
}

func newParser() *parser {
	p := &parser{}
	p.lib.OnBaseSentence = p.guard
	return p
}

// parse reads a line whose checksum is right and whose type is one of the above.
func (p *parser) parse(address string, line []byte) (s sentence, fault hardware.Fault) {
	defer func() {
		if recover() != nil { // the library is not ours, and the bytes are not either
			s, fault = sentence{}, hardware.ParserPanic
		}
	}()
	talker, kind, _ := nmea.Type(address)
	p.now = sentence{address: address, talker: talker, accuracy: unknownAccuracy(), motion: unknownMotion()}
	switch kind {
	case typeGSA:
		return p.readGSA(line)
	case typeVTG:
		return p.readVTG(line)
	}
	// go-nmea panics on some sentences, so it gets no others than those that layoutOf names.
	parsed, err := p.lib.Parse(string(line))
	if err != nil {
		if r, ok := errors.AsType[refusal](err); ok {
			return sentence{}, r.fault
		}
		return sentence{}, hardware.FieldSyntax
	}
	if p.now.hasPosition {
		p.setPosition(parsed)
	}
	return p.now, hardware.None
}

func (p *parser) setPosition(parsed gonmea.Sentence) {
	var lat, lon float64
	switch m := parsed.(type) {
	case gonmea.RMC:
		lat, lon = m.Latitude, m.Longitude
	case gonmea.GGA:
		lat, lon = m.Latitude, m.Longitude
	case gonmea.GNS:
		lat, lon = m.Latitude, m.Longitude
	case gonmea.GLL:
		lat, lon = m.Latitude, m.Longitude
	}
	p.now.latE7 = int32(math.Round(lat * 1e7))
	p.now.lonE7 = int32(math.Round(lon * 1e7))
}

// guard runs inside go-nmea, between splitting and converting. It reads what decides about validity from the raw fields
// and blanks every field that go-nmea is not needed for, so that an odd speed or altitude of a good device cannot cost a
// position.
func (p *parser) guard(base *gonmea.BaseSentence) error {
	lay, ok := layoutOf(base.Type)
	if !ok || len(base.Fields) < lay.min {
		return refusal{hardware.FieldCount}
	}
	raw := base.Fields
	base.Fields = make([]string, lay.want)
	if err := p.readTime(raw[lay.time]); err != nil {
		return err
	}
	base.Fields[lay.time] = raw[lay.time]
	if base.Type == gonmea.TypeZDA {
		p.readDate(raw[1], raw[2], raw[3])
		return nil
	}
	if err := p.readVerdict(base.Type, raw); err != nil {
		return err
	}
	if p.now.verdict != hardware.None {
		return nil // where there is no valid position, its digits do not matter
	}
	if !p.now.hasTime {
		return refusal{hardware.FieldSyntax}
	}
	coords := raw[lay.lat : lay.lat+4]
	for _, fault := range []hardware.Fault{
		checkCoordinate(coords[0], coords[1], 2, "NS"),
		checkCoordinate(coords[2], coords[3], 3, "EW"),
	} {
		if fault != hardware.None {
			return refusal{fault}
		}
	}
	copy(base.Fields[lay.lat:], coords)
	p.now.hasPosition = true
	return p.readExtras(base.Type, raw)
}

func (p *parser) readTime(field string) error {
	if field == "" {
		return nil // a receiver that has just started
	}
	at, fault := nmea.TimeOfDay(field)
	if fault != hardware.None {
		return refusal{fault}
	}
	p.now.time, p.now.hasTime = at, true
	return nil
}

// readExtras reads what goes with a valid position: date, satellites, HDOP, altitude, speed and course.
func (p *parser) readExtras(kind string, raw []string) error {
	switch kind {
	case gonmea.TypeRMC:
		p.readMotion(raw[6], raw[7])
		date := raw[8]
		if date != "" && len(date) != 6 {
			p.now.dateFault = hardware.DateInvalid
		} else if date != "" {
			p.readDate(date[:2], date[2:4], date[4:])
		}
	case gonmea.TypeGGA, gonmea.TypeGNS:
		return p.readAccuracy(kind, raw)
	}
	return nil
}

func (p *parser) readAccuracy(kind string, raw []string) error {
	satellites, satFault := parseSatellites(raw[6])
	hdop, hdopFault := parseHDOP(raw[7])
	if fault := max(satFault, hdopFault); fault != hardware.None {
		return refusal{fault}
	}
	p.now.satellites, p.now.hdop = satellites, hdop
	if hdop != hardware.HDOPUnknown && hdop >= noGeometry {
		p.now.verdict, p.now.hasPosition = hardware.NoFix, false
		return nil
	}
	if len(raw) <= 8 || raw[8] == "" {
		return nil
	}
	if kind == gonmea.TypeGGA && (len(raw) <= 9 || raw[9] != "M") {
		p.now.odd = hardware.UnitMismatch
		return nil
	}
	altitude, fault := parseAltitude(raw[8])
	p.now.altitude, p.now.odd = altitude, fault
	return nil
}

// readMotion takes speed in knots and course in degrees; either may be empty, or costs itself alone.
func (p *parser) readMotion(speed, course string) {
	var speedFault, courseFault hardware.Fault
	p.now.speed, speedFault = parseSpeed(speed)
	p.now.course, courseFault = parseCourse(course)
	p.now.odd = max(speedFault, courseFault)
}

// readDate takes a date unless all of it is empty. A bad date costs the date alone.
func (p *parser) readDate(day, month, year string) {
	if day+month+year == "" {
		return
	}
	p.now.date, p.now.dateFault = parseDate(day, month, year)
}

// readGSA takes the mode of a GSA: its only word on validity.
func (p *parser) readGSA(line []byte) (sentence, hardware.Fault) {
	_, fields := nmea.Split(line)
	if len(fields) < 2 {
		return sentence{}, hardware.FieldCount
	}
	switch mode := fields[1]; mode {
	case "1", "2", "3":
		p.now.gsaMode = mode[0] - '0'
	case "": // says nothing
	default:
		return sentence{}, hardware.FieldSyntax
	}
	return p.now, hardware.None
}

// readVTG takes speed, course and mode. Before NMEA 2.3 there was no mode, and before 2.0 there were no unit letters;
// that form is not read.
func (p *parser) readVTG(line []byte) (sentence, hardware.Fault) {
	_, fields := nmea.Split(line)
	if len(fields) < 8 {
		return sentence{}, hardware.FieldCount
	}
	if len(fields) > 8 {
		p.now.verdict = modeVerdict(fields[8])
	}
	if p.now.verdict == hardware.None && (fields[1] == "T" || fields[0] == "") && (fields[5] == "N" || fields[4] == "") {
		p.readMotion(fields[4], fields[0])
	}
	return p.now, hardware.None
}
