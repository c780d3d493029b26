package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// Waypoint is where the box is at a moment of the simulation.
type Waypoint struct {
	LatE7, LonE7 int32         // 1e-7 degrees, north and east positive
	At           time.Duration // simulated time since the start
}

// Route is a way from waypoint to waypoint at constant speed in between. Two equal
// positions one after the other are a stop.
type Route struct {
	points []Waypoint
}

// NewRoute checks the waypoints: at least one, times strictly rising, positions on
// Earth. A route must not cross the 180th meridian: positions are interpolated flat.
func NewRoute(points []Waypoint) (*Route, error) {
	if len(points) == 0 {
		return nil, errors.New("route has no waypoint")
	}
	for i, p := range points {
		if p.LatE7 < -900_000_000 || p.LatE7 > 900_000_000 || p.LonE7 < -1_800_000_000 || p.LonE7 > 1_800_000_000 {
			return nil, fmt.Errorf("waypoint %d is not on Earth: %+v", i, p)
		}
		if i > 0 && p.At <= points[i-1].At {
			return nil, fmt.Errorf("waypoint %d at %v is not after the one before", i, p.At)
		}
	}
	return &Route{points: slices.Clone(points)}, nil
}

// Duration returns when the last waypoint is reached.
func (r *Route) Duration() time.Duration { return r.points[len(r.points)-1].At }

// Position returns where the box is, in 1e-7 degrees. Before the first waypoint it
// waits there, and after the last one too.
func (r *Route) Position(at time.Duration) (latE7, lonE7 int32) {
	i, _ := slices.BinarySearchFunc(r.points, at, func(p Waypoint, at time.Duration) int {
		return int(min(max(p.At-at, -1), 1))
	})
	if i == 0 {
		return r.points[0].LatE7, r.points[0].LonE7
	}
	if i == len(r.points) {
		last := r.points[i-1]
		return last.LatE7, last.LonE7
	}
	from, to := r.points[i-1], r.points[i]
	done := float64(at-from.At) / float64(to.At-from.At)
	along := func(a, b int32) int32 {
		return int32(math.Round(float64(a) + done*(float64(b)-float64(a))))
	}
	return along(from.LatE7, to.LatE7), along(from.LonE7, to.LonE7)
}

// RouteReceiver is a satellite receiver that travels along a route.
type RouteReceiver struct {
	Route  *Route
	Start  time.Time     // UTC at simulated time zero
	Period time.Duration // simulated time between reports; zero means 1 s
	From   time.Duration // simulated time before which it is not switched on: there are no reports from then
	Clock  Clock
	// NoFix is while it has no position, and knows the time. PowerOn is while it has neither, and shows its factory date, as
	// after a cold start. Nil is never.
	NoFix, PowerOn func() bool
}

// Run writes a report (GGA, GSA, RMC) to w for each period of simulated time, from
// zero or the first one that is not before From, until ctx is done or w fails, and returns that error. When w or the
// machine is slow the reports come late, but all of them come, in order. A Write that
// blocks ends when w is closed, as a PTY can be, not when ctx is done.
func (s RouteReceiver) Run(ctx context.Context, w io.Writer) error {
	period := s.Period
	if period <= 0 {
		period = time.Second
	}
	for at := (max(s.From, 0) + period - 1) / period * period; ; at += period {
		if err := waitUntil(ctx, s.Clock, at); err != nil {
			return err
		}
		if _, err := w.Write(s.report(at, period)); err != nil {
			return fmt.Errorf("simulate gnss receiver: %w", err)
		}
	}
}

// factoryDate is what a receiver shows before it has heard a satellite: the first week of the second GPS epoch, a common one.
const factoryDate = "220899"

func (s RouteReceiver) report(at, period time.Duration) []byte {
	if cold := during(s.PowerOn).now(); cold || during(s.NoFix).now() {
		utc := s.Start.UTC().Add(at)
		clock, date := utc.Format("150405.000"), utc.Format("020106")
		if cold {
			clock, date = time.Time{}.Add(at-s.From).Format("150405.000"), factoryDate
		}
		out := appendSentence(nil, "GPGGA,"+clock+",,,,,0,00,99.99,,M,,M,,")
		out = appendSentence(out, "GPGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99")
		return appendSentence(out, "GPRMC,"+clock+",V,,,,,,,"+date+",,,N")
	}
	lat, lon := s.Route.Position(at)
	latBefore, lonBefore := s.Route.Position(at - period)
	knots, course := motion(latBefore, lonBefore, lat, lon, period)
	utc := s.Start.UTC().Add(at)
	clock, date := utc.Format("150405.000"), utc.Format("020106")
	where := nmeaCoordinate(lat, 2, "N", "S") + "," + nmeaCoordinate(lon, 3, "E", "W")

	var out []byte
	out = appendSentence(out, "GPGGA,"+clock+","+where+",1,09,0.90,120.0,M,46.0,M,,")
	out = appendSentence(out, "GPGSA,A,3,02,05,07,13,15,18,21,26,29,,,,1.60,0.90,1.30")
	return appendSentence(out, fmt.Sprintf("GPRMC,%s,A,%s,%.2f,%.2f,%s,,,A", clock, where, knots, course, date))
}

// nmeaCoordinate writes an angle as degrees and minutes with five decimals (2 cm).
func nmeaCoordinate(e7 int32, degreeDigits int, positive, negative string) string {
	letter, v := positive, int64(e7)
	if v < 0 {
		letter, v = negative, -v
	}
	const degree = 10_000_000
	minutes := (v%degree*60 + 50) / 100 // 1e-5 minutes, rounded
	degrees := v / degree
	if minutes == 60*100_000 {
		degrees, minutes = degrees+1, 0
	}
	return fmt.Sprintf("%0*d%02d.%05d,%s", degreeDigits, degrees, minutes/100_000, minutes%100_000, letter)
}

// motion returns speed in knots and course in degrees from north.
func motion(lat1, lon1, lat2, lon2 int32, in time.Duration) (knots, course float64) {
	const metresPerE7 = 0.011132 // 111.32 km per degree
	north := (float64(lat2) - float64(lat1)) * metresPerE7
	east := (float64(lon2) - float64(lon1)) * metresPerE7 * math.Cos(float64(lat2)*1e-7*math.Pi/180)
	const knot = 0.514444 // m/s
	knots = math.Hypot(north, east) / in.Seconds() / knot
	course = math.Mod(math.Atan2(east, north)*180/math.Pi+360, 360)
	return knots, course
}

// appendSentence appends "$body*hh" and a line end, with the checksum of NMEA 0183.
func appendSentence(out []byte, body string) []byte {
	return fmt.Appendf(out, "$%s*%02X\r\n", body, xorSum(body))
}

func xorSum(s string) byte {
	var sum byte
	for i := range len(s) {
		sum ^= s[i]
	}
	return sum
}
