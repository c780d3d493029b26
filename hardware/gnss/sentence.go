package gnss

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/adrianmo/go-nmea"

	"isotherm/hardware"
)

// sentence is what one NMEA sentence says about one moment.
type sentence struct {
	talker  string
	hasTime bool
	time    time.Duration  // UTC since midnight
	verdict hardware.Fault // None: the receiver calls the position valid

	hasPosition  bool
	latE7, lonE7 int32
	quality      hardware.Quality // zero: not said
	satellites   uint8
	hdop         uint16
	date         time.Time // zero: not said
	dateFault    hardware.Fault
}

// layout says where the fields of a sentence type are, as NMEA 0183 numbers them
// after the address; -1 is "has none".
type layout struct {
	min  int // fewest fields of a device that leaves old or optional ones out
	want int // how many go-nmea insists on
	time int
	lat  int // latitude, its hemisphere, longitude, its hemisphere
}

func layoutOf(kind string) (layout, bool) {
	switch kind {
	case nmea.TypeRMC:
		return layout{min: 9, want: 11, time: 0, lat: 2}, true
	case nmea.TypeGGA:
		return layout{min: 8, want: 14, time: 0, lat: 1}, true
	case nmea.TypeGNS:
		return layout{min: 8, want: 12, time: 0, lat: 1}, true
	case nmea.TypeGLL:
		return layout{min: 6, want: 6, time: 4, lat: 0}, true
	case nmea.TypeZDA:
		return layout{min: 4, want: 6, time: 0, lat: -1}, true
	}
	return layout{}, false
}

// refusal carries a fault out of go-nmea's hook. Its text is the fault's name.
type refusal struct{ fault hardware.Fault }

func (r refusal) Error() string { return r.fault.String() }

// parser wraps one go-nmea parser, which is not safe for several goroutines.
type parser struct {
	lib nmea.SentenceParser
	now sentence // what the guard has read of the sentence at hand
}

func newParser() *parser {
	p := &parser{}
	p.lib.OnBaseSentence = p.guard
	return p
}

// needed reports whether line is of a type we read. Any other type is not handed to
// go-nmea at all: it panics on some of them (TXT, ALC).
func needed(line []byte) bool {
	if len(line) < 7 || line[0] != '$' || line[1] == nmea.ProprietarySentencePrefix || line[6] != ',' {
		return false
	}
	_, ok := layoutOf(string(line[3:6]))
	return ok
}

// parse reads a line whose checksum is right and whose type is needed.
func (p *parser) parse(line []byte) (s sentence, fault hardware.Fault) {
	defer func() {
		if recover() != nil { // the library is not ours, and the bytes are not either
			s, fault = sentence{}, hardware.ParserPanic
		}
	}()
	p.now = sentence{satellites: hardware.SatellitesUnknown, hdop: hardware.HDOPUnknown}
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

func (p *parser) setPosition(parsed nmea.Sentence) {
	var lat, lon float64
	switch m := parsed.(type) {
	case nmea.RMC:
		lat, lon = m.Latitude, m.Longitude
	case nmea.GGA:
		lat, lon = m.Latitude, m.Longitude
	case nmea.GNS:
		lat, lon = m.Latitude, m.Longitude
	case nmea.GLL:
		lat, lon = m.Latitude, m.Longitude
	}
	p.now.latE7 = int32(math.Round(lat * 1e7))
	p.now.lonE7 = int32(math.Round(lon * 1e7))
}

// guard runs inside go-nmea, between splitting and converting. It reads what decides
// about validity from the raw fields and blanks every field that is not used, so that
// an odd speed or altitude of a good device cannot cost a position.
func (p *parser) guard(base *nmea.BaseSentence) error {
	lay, ok := layoutOf(base.Type)
	if !ok || len(base.Fields) < lay.min {
		return refusal{hardware.FieldCount}
	}
	p.now.talker = base.Talker
	raw := base.Fields
	base.Fields = make([]string, lay.want)
	if err := p.readTime(raw[lay.time]); err != nil {
		return err
	}
	base.Fields[lay.time] = raw[lay.time]
	if base.Type == nmea.TypeZDA {
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
	at, fault := parseTimeOfDay(field)
	if fault != hardware.None {
		return refusal{fault}
	}
	p.now.time, p.now.hasTime = at, true
	return nil
}

// readVerdict finds what the receiver itself says about the position.
func (p *parser) readVerdict(kind string, raw []string) error {
	switch kind {
	case nmea.TypeRMC:
		p.now.verdict = max(statusVerdict(raw[1]), rmcModeVerdict(raw))
	case nmea.TypeGLL:
		p.now.verdict = statusVerdict(raw[5])
		if len(raw) > 6 {
			p.now.verdict = max(p.now.verdict, modeVerdict(raw[6]))
		}
	case nmea.TypeGGA:
		return p.readQuality(raw[5])
	case nmea.TypeGNS:
		return p.readModes(raw[5])
	}
	return nil
}

// statusVerdict takes anything but A for void: some receivers swap N and V here.
func statusVerdict(status string) hardware.Fault {
	if status == nmea.StatusValid {
		return hardware.None
	}
	return hardware.Void
}

// rmcModeVerdict finds the mode, which NMEA 2.3 added after the magnetic variation
// and some receivers put in the place of its direction. There E is ambiguous (east).
func rmcModeVerdict(raw []string) hardware.Fault {
	if len(raw) > 11 {
		return modeVerdict(raw[11])
	}
	if len(raw) == 11 && (raw[10] == nmea.FAAModeDataNotValid || raw[10] == nmea.FAAModeSimulated) {
		return modeVerdict(raw[10])
	}
	return hardware.None
}

func modeVerdict(mode string) hardware.Fault {
	switch mode {
	case "", nmea.FAAModeAutonomous, nmea.FAAModeDifferential, nmea.FAAModePrecise, nmea.FAAModeRTKInteger, nmea.FAAModeRTKFloat:
		return hardware.None
	case nmea.FAAModeEstimated:
		return hardware.DeadReckoned
	case nmea.FAAModeSimulated, nmea.FAAModeManualInput:
		return hardware.Simulated
	case nmea.FAAModeDataNotValid:
		return hardware.NoFix
	}
	return hardware.Void // a letter we do not know is no promise
}

func (p *parser) readQuality(field string) error {
	switch field {
	case "0":
		p.now.verdict = hardware.NoFix
	case "1", "2", "3", "4", "5":
		p.now.quality = hardware.Quality(field[0] - '0')
	case "6":
		p.now.verdict = hardware.DeadReckoned
	case "7", "8": // typed in by hand, simulator
		p.now.verdict = hardware.Simulated
	case "":
		return refusal{hardware.FieldSyntax}
	default:
		return refusal{hardware.FieldRange}
	}
	return nil
}

// readModes reads the modes of a GNS, one letter for each satellite system. A system
// without a fix (N) does not matter while another one has one.
func (p *parser) readModes(field string) error {
	if field == "" {
		return refusal{hardware.FieldSyntax}
	}
	worst := hardware.None
	var quality hardware.Quality
	for i := range len(field) {
		mode := field[i : i+1]
		if mode != nmea.FAAModeDataNotValid {
			worst = max(worst, modeVerdict(mode))
			quality = max(quality, modeQuality(mode))
		}
	}
	if worst == hardware.None && quality == 0 {
		worst = hardware.NoFix
	}
	p.now.verdict, p.now.quality = worst, quality
	return nil
}

func modeQuality(mode string) hardware.Quality {
	switch mode {
	case nmea.AutonomousGNS:
		return hardware.QualityGPS
	case nmea.DifferentialGNS:
		return hardware.QualityDGPS
	case nmea.PreciseGNS:
		return hardware.QualityPPS
	case nmea.RealTimeKinematicGNS:
		return hardware.QualityRTKFixed
	case nmea.FloatRTKGNS:
		return hardware.QualityRTKFloat
	}
	return 0
}

// readExtras reads what goes with a valid position: date, satellites, HDOP.
func (p *parser) readExtras(kind string, raw []string) error {
	switch kind {
	case nmea.TypeRMC:
		date := raw[8]
		if date != "" && len(date) != 6 {
			p.now.dateFault = hardware.DateInvalid
		} else if date != "" {
			p.readDate(date[:2], date[2:4], date[4:])
		}
	case nmea.TypeGGA, nmea.TypeGNS:
		satellites, satFault := parseSatellites(raw[6])
		hdop, hdopFault := parseHDOP(raw[7])
		if fault := max(satFault, hdopFault); fault != hardware.None {
			return refusal{fault}
		}
		p.now.satellites, p.now.hdop = satellites, hdop
	}
	return nil
}

// readDate takes a date unless all of it is empty. A bad date costs the date alone.
func (p *parser) readDate(day, month, year string) {
	if strings.Join([]string{day, month, year}, "") == "" {
		return
	}
	p.now.date, p.now.dateFault = parseDate(day, month, year)
}

// nullIsland reports a position within about 100 m of latitude and longitude zero:
// an unset variable in a receiver, never an organ.
func (s *sentence) nullIsland() bool {
	const near = 10_000 // 1e-7 degrees
	return slices.Max([]int32{s.latE7, -s.latE7, s.lonE7, -s.lonE7}) < near
}
