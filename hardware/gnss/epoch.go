package gnss

import (
	"math"
	"slices"
	"time"

	"isotherm/hardware"
)

// conflictMetres is how far apart the sentences of one moment may put the receiver.
// Rounding makes a few metres; more is a damaged sentence that slipped through the
// 8-bit checksum, or two receivers on one line.
const conflictMetres = 100

// epoch gathers the sentences of one moment.
type epoch struct {
	open    bool
	offset  int64 // of its first sentence
	hasTime bool
	time    time.Duration
	kinds   []string // addresses seen; only kept for an epoch without a time

	judged   bool           // some sentence said whether there is a position
	worst    hardware.Fault // None while every validity field agrees
	gsaMode  byte           // the best of its GSA; zero when there was none
	hasVTG   bool           // a VTG is among them; a second one belongs to the next moment
	position position
	motion
	date       time.Time
	dateSpoilt bool // two sentences gave two dates, or one gave none that is real
	received   time.Time

	turn      turn // what it says about time; set when it is first sent
	sent      bool // an event has gone out for it
	sentFault hardware.Fault
}

// position is where an epoch is, and how that was found.
type position struct {
	known        bool
	talker       string // whose it is
	satellites   uint8  // of that sentence
	latE7, lonE7 int32
	accuracy     accuracy         // of the GGA or GNS with the most satellites
	plain        hardware.Quality // what the modes of RMC and GLL say, for an epoch without GGA and GNS
}

func newEpoch(offset int64, s sentence) epoch {
	return epoch{
		open: true, offset: offset, hasTime: s.hasTime, time: s.time,
		position: position{accuracy: unknownAccuracy()}, motion: unknownMotion(),
	}
}

// add takes one more sentence of the same moment.
func (e *epoch) add(s sentence, received time.Time) {
	e.received = received
	e.gsaMode = max(e.gsaMode, s.gsaMode)
	e.hasVTG = e.hasVTG || s.address[2:] == typeVTG
	e.addDate(s)
	timed := s.hasPosition || isPositional(s)
	e.judged = e.judged || timed && (s.verdict != hardware.None || s.hasPosition)
	switch {
	case s.verdict != hardware.None:
		// Higher numbers say more: simulated tells more than void, void than no fix.
		e.worst = max(e.worst, s.verdict)
		return
	case s.hasPosition && nullIsland(s.latE7, s.lonE7):
		e.worst = max(e.worst, hardware.NullIsland)
		return
	case s.hasPosition && e.position.known && metresApart(e.position.latE7, e.position.lonE7, s.latE7, s.lonE7) > conflictMetres:
		e.worst = max(e.worst, hardware.Conflicting)
		return
	}
	if s.hasPosition {
		e.position.add(s)
	}
	if e.speed == hardware.SpeedUnknown {
		e.speed = s.speed
	}
	if e.course == hardware.CourseUnknown {
		e.course = s.course
	}
}

// isPositional reports whether a sentence is of a type that carries a position. A VTG or GSA alone is no moment without
// a position: some receivers send them out of step with the rest.
func isPositional(s sentence) bool {
	switch s.address[2:] {
	case typeGSA, typeVTG:
		return false
	}
	return true
}

// add takes the position of one more sentence. GN is the combined solution of a receiver that also reports each system
// alone; among the others the one with the most satellites counts.
func (p *position) add(s sentence) {
	combined := s.talker == "GN" && p.talker != "GN"
	more := moreSatellites(s.satellites, p.satellites) && (s.talker == "GN" || p.talker != "GN")
	if !p.known || combined || more {
		p.known, p.talker, p.satellites, p.latE7, p.lonE7 = true, s.talker, s.satellites, s.latE7, s.lonE7
	}
	switch {
	case s.address[2:] == "RMC" || s.address[2:] == "GLL":
		p.plain = max(p.plain, s.quality)
	case p.accuracy.quality == 0 || moreSatellites(s.satellites, p.accuracy.satellites):
		altitude := p.accuracy.altitude
		p.accuracy = s.accuracy
		if p.accuracy.altitude == hardware.AltitudeUnknown {
			p.accuracy.altitude = altitude
		}
	}
}

func (e *epoch) addDate(s sentence) {
	if s.dateFault != hardware.None || !e.date.IsZero() && !s.date.IsZero() && !e.date.Equal(s.date) {
		e.dateSpoilt = true
	}
	if e.date.IsZero() {
		e.date = s.date
	}
}

func moreSatellites(a, b uint8) bool {
	return a != hardware.SatellitesUnknown && (b == hardware.SatellitesUnknown || a > b)
}

// verdict is what the sentences come to: the worst of them. A satellite system without a fix of its own (a GSA with mode
// 1) does not matter while another one has one.
func (e *epoch) verdict() hardware.Fault {
	if e.gsaMode == 1 {
		return max(e.worst, hardware.NoFix)
	}
	return e.worst
}

// moment is when the epoch is, by the receiver.
func (e *epoch) moment() Moment {
	m := Moment{Known: e.hasTime, TimeOfDay: e.time}
	if !e.dateSpoilt && e.verdict() == hardware.None {
		m.Date = e.date
	}
	return m
}

// fix is what a good epoch comes to.
func (e *epoch) fix() hardware.Fix {
	p := e.position
	fix := hardware.Fix{
		TimeOfDay: e.time, LatE7: p.latE7, LonE7: p.lonE7, Quality: p.accuracy.quality,
		Satellites: p.accuracy.satellites, HDOPx100: p.accuracy.hdop, AltitudeMM: p.accuracy.altitude,
		SpeedMMS: e.speed, CourseCdeg: e.course, Received: e.received,
	}
	switch {
	case fix.Quality != 0:
	case p.plain != 0:
		fix.Quality = p.plain
	default:
		fix.Quality = hardware.QualityAutonomous
	}
	return fix
}

// nullIsland reports a position within about 1 km of latitude and longitude zero:
// an unset variable in a receiver, never an organ.
func nullIsland(latE7, lonE7 int32) bool {
	const near = 100_000 // 1e-7 degrees
	return slices.Max([]int32{latE7, -latE7, lonE7, -lonE7}) < near
}

// metresApart is the distance of two near points on a flat map, 1e-7 degrees each.
func metresApart(lat1, lon1, lat2, lon2 int32) float64 {
	const metresPerE7 = 0.011132 // 111.32 km per degree
	const halfTurn, fullTurn = 1_800_000_000, 3_600_000_000
	dLon := int64(lon1) - int64(lon2)
	if dLon > halfTurn {
		dLon -= fullTurn
	} else if dLon < -halfTurn {
		dLon += fullTurn
	}
	north := float64(int64(lat1)-int64(lat2)) * metresPerE7
	east := float64(dLon) * metresPerE7 * math.Cos(float64(lat1)*1e-7*math.Pi/180)
	return math.Hypot(north, east)
}
