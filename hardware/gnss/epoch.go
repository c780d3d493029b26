package gnss

import (
	"math"
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

	judged       bool           // some sentence said whether there is a position
	worst        hardware.Fault // None while every validity field agrees
	hasPosition  bool
	talker       string // whose position it is
	latE7, lonE7 int32
	quality      hardware.Quality
	satellites   uint8
	hdop         uint16
	date         time.Time
	dateSpoilt   bool // two sentences gave two dates, or one gave none that is real
	received     time.Time

	sent      bool // an event has gone out for it
	sentFault hardware.Fault
}

func newEpoch(offset int64, s sentence) epoch {
	return epoch{
		open: true, offset: offset, hasTime: s.hasTime, time: s.time,
		satellites: hardware.SatellitesUnknown, hdop: hardware.HDOPUnknown,
	}
}

// add takes one more sentence of the same moment.
func (e *epoch) add(s sentence, received time.Time) {
	e.received = received
	e.addDate(s)
	e.judged = e.judged || s.verdict != hardware.None || s.hasPosition
	switch {
	case s.verdict != hardware.None:
		// Higher numbers say more: simulated tells more than void, void than no fix.
		e.worst = max(e.worst, s.verdict)
		return
	case !s.hasPosition:
		return
	case s.nullIsland():
		e.worst = max(e.worst, hardware.NullIsland)
		return
	case e.hasPosition && metresApart(e.latE7, e.lonE7, s.latE7, s.lonE7) > conflictMetres:
		e.worst = max(e.worst, hardware.Conflicting)
		return
	}
	// GN is the combined solution of a receiver that also reports each system alone.
	if !e.hasPosition || s.talker == "GN" && e.talker != "GN" {
		e.hasPosition, e.talker, e.latE7, e.lonE7 = true, s.talker, s.latE7, s.lonE7
	}
	if s.quality != 0 && (e.quality == 0 || moreSatellites(s.satellites, e.satellites)) {
		e.quality, e.satellites, e.hdop = s.quality, s.satellites, s.hdop
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

// event is what a judged epoch comes to.
func (e *epoch) event() Event {
	if e.worst != hardware.None {
		return Event{Kind: KindNoFix, Offset: e.offset, Fault: e.worst}
	}
	fix := hardware.Fix{
		TimeOfDay: e.time, LatE7: e.latE7, LonE7: e.lonE7, Quality: e.quality,
		Satellites: e.satellites, HDOPx100: e.hdop, Received: e.received,
	}
	if fix.Quality == 0 {
		fix.Quality = hardware.QualityAutonomous
	}
	if !e.dateSpoilt {
		fix.Date = e.date
	}
	return Event{Kind: KindFix, Offset: e.offset, Fix: fix}
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
