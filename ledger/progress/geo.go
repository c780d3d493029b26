package progress

import (
	"math"

	"isotherm/ledger/custody"
)

// earthM is the mean radius of the earth in metres (IUGG). A sphere is at most 0.6 % off, far less than any bound here.
const earthM = 6_371_008.8

// vector is a point of the unit sphere: distances come out right at the poles and across the antimeridian.
type vector struct{ x, y, z float64 }

func vectorOf(latE7, lonE7 int32) vector {
	lat, lon := float64(latE7)*math.Pi/180e7, float64(lonE7)*math.Pi/180e7
	return vector{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}

// metres returns the great-circle distance.
func metres(a, b vector) float64 {
	dx, dy, dz := a.x-b.x, a.y-b.y, a.z-b.z
	chord := math.Sqrt(dx*dx + dy*dy + dz*dz)
	return 2 * earthM * math.Asin(min(chord/2, 1))
}

// onEarth tells whether numbers are a latitude and a longitude at all: 32 bits hold up to 214 degrees.
func onEarth(latE7, lonE7 int32) bool {
	return latE7 >= -90e7 && latE7 <= 90e7 && lonE7 >= -180e7 && lonE7 <= 180e7
}

// DistanceM returns the great-circle distance of two positions in metres; ok is false when one is not on earth.
func DistanceM(a, b custody.Position) (m int64, ok bool) {
	if !onEarth(a.LatE7, a.LonE7) || !onEarth(b.LatE7, b.LonE7) {
		return 0, false
	}
	return int64(math.Round(metres(vectorOf(a.LatE7, a.LonE7), vectorOf(b.LatE7, b.LonE7)))), true
}

// circle is a planned place. One without radius, or not on earth, is not known: nothing is in it, nor far from it.
type circle struct {
	at      vector
	radiusM float64
	known   bool
}

func circleOf(p custody.Position, radiusM uint32) circle {
	if radiusM == 0 || !onEarth(p.LatE7, p.LonE7) {
		return circle{}
	}
	return circle{at: vectorOf(p.LatE7, p.LonE7), radiusM: float64(radiusM), known: true}
}

// outsideM returns how far beyond the edge a point is; negative inside. Infinite for a circle that is not known: callers
// that ask for 'far' must ask for known, too.
func (c circle) outsideM(v vector) float64 {
	if !c.known {
		return math.Inf(1)
	}
	return metres(c.at, v) - c.radiusM
}

func (c circle) holds(v vector) bool { return c.known && c.outsideM(v) <= 0 }
