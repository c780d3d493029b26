package progress

import (
	"math"

	"isotherm/ledger/custody"
)

// find returns what looks wrong now, in the order of kinds.
func find(w *walker, points []point, d delay) []Finding {
	var out []Finding
	for _, f := range []*Finding{wrongPlace(w, points), leftBehind(w, points), handoffOverdue(w), noProgress(w, points), delayed(w, d)} {
		if f != nil {
			out = append(out, *f)
		}
	}
	return out
}

// fresh returns the newest fix if it says something of now.
func fresh(w *walker, points []point) *point {
	if len(points) == 0 {
		return nil
	}
	p := &points[len(points)-1]
	if w.nowMS-p.WallMS > stale {
		return nil
	}
	return p
}

// wrongPlace finds a box that stands where nothing is planned, or at a stop that is not next.
func wrongPlace(w *walker, points []point) *Finding {
	p := fresh(w, points)
	if p == nil || len(w.legs) == 0 || w.current >= len(w.legs) {
		return nil
	}
	if w.elsewhere.n > 0 && p.WallMS-w.elsewhere.sinceMS >= standing {
		return &Finding{Kind: WrongPlace, SinceMS: w.elsewhere.sinceMS, Leg: w.stop + 1, Place: w.legs[w.stop].To}
	}
	if w.untilMS-w.sinceMS < standing || w.between(w.anchor) {
		return nil
	}
	nearest, place, any := math.Inf(1), "", false
	for i := range w.legs {
		for _, c := range []struct {
			circle
			name string
		}{{w.start[i], w.legs[i].From}, {w.end[i], w.legs[i].To}} {
			if m := c.outsideM(w.anchor); c.known && m < nearest {
				nearest, place, any = m, c.name, true
			}
		}
	}
	if !any || nearest <= strayM {
		return nil
	}
	return &Finding{Kind: WrongPlace, SinceMS: w.sinceMS, Leg: w.current + 1, Place: place, DistanceM: int64(math.Round(nearest))}
}

// detour is how much longer than the straight line the way over a point may be, for the point to lie between.
const detour = 1.3

// between tells whether a point lies on some way between the ends of the leg under way: a box that stands there is held
// up, not lost. Without both ends nothing is between.
func (w *walker) between(v vector) bool {
	i := w.current
	start, end := w.start[i], w.end[i]
	if !start.known || !end.known {
		return false
	}
	return metres(start.at, v)+metres(v, end.at) <= detour*metres(start.at, end.at)
}

// leftBehind finds a box that is not where its custodian says to be, or stays where they say they left.
func leftBehind(w *walker, points []point) *Finding {
	if f := apart(w, points); f != nil {
		return f
	}
	i := w.current
	if i >= len(w.legs) || !w.legs[i].Departed.Stated || len(points) == 0 {
		return nil
	}
	p := &points[len(points)-1]
	left := w.legs[i].Departed.AtMS
	if p.WallMS-left < behind || !w.start[i].holds(p.at) {
		return nil
	}
	return &Finding{Kind: LeftBehind, SinceMS: left, Leg: i + 1, Place: w.legs[i].From}
}

// apart compares the newest position that a custodian stated with where the box was then. It ends when the box is seen
// near that position.
func apart(w *walker, points []point) *Finding {
	var s *custody.Statement
	for i := range w.state.History {
		item := &w.state.History[i]
		st := item.Right
		if st == nil {
			st = &item.Act.Statement
		}
		if item.Standing != custody.Applied || st.Position == nil || !isTime(st.EventTimeMS) || st.EventTimeMS > w.nowMS+ahead ||
			!onEarth(st.Position.LatE7, st.Position.LonE7) {
			continue
		}
		if (st.Kind == custody.Accept || st.Kind == custody.Waypoint) && (s == nil || st.EventTimeMS >= s.EventTimeMS) {
			s = st
		}
	}
	if s == nil {
		return nil
	}
	at := vectorOf(s.Position.LatE7, s.Position.LonE7)
	var then *point
	for i := range points {
		p := &points[i]
		if gap := distant(p.WallMS, s.EventTimeMS); gap <= near && (then == nil || gap < distant(then.WallMS, s.EventTimeMS)) {
			then = p
		}
	}
	if then == nil || metres(then.at, at) <= apartM {
		return nil
	}
	for i := range points {
		if points[i].WallMS > s.EventTimeMS && metres(points[i].at, at) <= apartM {
			return nil
		}
	}
	return &Finding{Kind: LeftBehind, SinceMS: s.EventTimeMS, Leg: int(s.Leg), Place: s.Place, DistanceM: int64(math.Round(metres(then.at, at)))}
}

func distant(a, b int64) int64 { return max(a-b, b-a) }

// handoffOverdue finds a release that nobody confirmed by its time. Custody stays with the releaser.
func handoffOverdue(w *walker) *Finding {
	r := w.state.Pending
	if r == nil || !isTime(r.ValidMS) || !w.state.Overdue(w.nowMS) {
		return nil
	}
	return &Finding{Kind: HandoffOverdue, SinceMS: r.ValidMS, Place: r.Place}
}

// noProgress finds a box that stands still while its leg is under way.
func noProgress(w *walker, points []point) *Finding {
	i := w.current
	if fresh(w, points) == nil || i >= len(w.legs) || !w.legs[i].Departed.Known {
		return nil
	}
	// Time before the leg began does not count.
	since := max(w.sinceMS, w.legs[i].Departed.AtMS)
	if w.untilMS-since < idle || w.end[i].holds(w.anchor) {
		return nil
	}
	return &Finding{Kind: NoProgress, SinceMS: since, Leg: i + 1, Place: w.legs[i].To}
}

// delayed finds a near miss: a delay known at the last point, or the next point overdue by as much.
func delayed(w *walker, d delay) *Finding {
	if w.current >= len(w.legs) {
		return nil
	}
	f := Finding{Kind: Delayed, SinceMS: d.miss, Leg: w.current + 1, Place: d.at, DelayMS: d.ms}
	if over := w.nowMS - d.plan; d.next >= 0 && over >= nearMiss && over >= d.ms {
		l := &w.legs[d.next]
		f.DelayMS, f.Place = over, l.To
		if !l.Departed.Known && d.plan == l.DepartMS {
			f.Place = l.From
		}
		if f.SinceMS == 0 {
			f.SinceMS = d.plan + nearMiss
		}
	}
	if f.SinceMS == 0 {
		return nil
	}
	return &f
}
