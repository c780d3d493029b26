package progress

import (
	"fmt"
	"math"

	"isotherm/ledger/custody"
)

// delay is how far a shipment is behind its plan at the last planned point with a known time.
type delay struct {
	ms   int64
	at   string
	next int   // leg of the next point with a planned time that is not reached; -1 for none
	plan int64 // when that one was planned
	miss int64 // since when the delay is a near miss; zero while it is none
}

func delayOf(legs []Leg) delay {
	d := delay{next: -1}
	for i := range legs {
		l := &legs[i]
		for _, p := range []struct {
			Point
			plan int64
			at   string
		}{{l.Departed, l.DepartMS, l.From}, {l.Arrived, l.ArriveMS, l.To}} {
			switch {
			case !isTime(p.plan):
			case p.Known && isTime(p.AtMS):
				d.ms, d.at, d.next = p.AtMS-p.plan, p.at, -1
				if d.ms < nearMiss {
					d.miss = 0
				} else if d.miss == 0 {
					d.miss = p.plan + nearMiss
				}
			case p.Known:
				d.next = -1
			case d.next < 0:
				d.next, d.plan = i, p.plan
			}
		}
	}
	return d
}

// words says a delay: '12 min later than planned at North Airport'.
func (d delay) words() string {
	switch {
	case d.ms >= minute:
		return fmt.Sprintf("%s later than planned at %s", Duration(d.ms), d.at)
	case d.ms <= -minute:
		return fmt.Sprintf("%s earlier than planned at %s", Duration(-d.ms), d.at)
	}
	return "on time at " + d.at
}

// estimate returns when the last leg will end, and what stands behind that: nothing more than the plan and the delay
// against it, or on the last road the straight distance and the speed of the last minutes.
func estimate(w *walker, points []point, d delay) (int64, string) {
	n := len(w.legs)
	if n == 0 {
		return 0, ""
	}
	last := &w.legs[n-1]
	if w.current >= n {
		return 0, "arrived"
	}
	if ms, method, ok := byRoad(w, points); ok {
		return ms, method
	}
	if !isTime(last.ArriveMS) {
		return 0, "no arrival is planned"
	}
	eta, method := last.ArriveMS, "planned"
	if d.at != "" {
		eta, method = last.ArriveMS+d.ms, "planned, "+d.words()
	}
	if eta <= w.nowMS {
		return 0, fmt.Sprintf("the arrival expected (%s) passed %s ago", method, Duration(w.nowMS-eta))
	}
	return eta, method
}

// slowest is the speed in m/s under which no time of arrival is estimated: a box that waits would arrive next week.
const slowest = 5

// byRoad estimates the arrival on the last leg while it is a road under way.
func byRoad(w *walker, points []point) (int64, string, bool) {
	n := len(w.legs)
	last := &w.legs[n-1]
	if w.current != n-1 || last.Mode != custody.Road || !last.Departed.Known || !w.end[n-1].known || len(points) == 0 {
		return 0, "", false
	}
	newest := &points[len(points)-1]
	if w.nowMS-newest.WallMS > recent {
		return 0, "", false
	}
	way, from := 0.0, newest.WallMS
	for i := len(points) - 2; i >= 0 && newest.WallMS-points[i].WallMS <= idle; i-- {
		way += metres(points[i].at, points[i+1].at)
		from = points[i].WallMS
	}
	span := newest.WallMS - from
	if span < recent {
		return 0, "", false
	}
	speed := way / (float64(span) / second)
	if speed < slowest {
		return 0, "", false
	}
	distance := metres(newest.at, w.end[n-1].at)
	ms := newest.WallMS + int64(distance/speed*second)
	if ms <= w.nowMS {
		return 0, "", false
	}
	return ms, fmt.Sprintf("estimate: %.0f km in a straight line at %.0f km/h, the mean of the last %s",
		math.Round(distance/1000), speed*3.6, Duration(span)), true
}
