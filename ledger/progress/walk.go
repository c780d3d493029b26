package progress

import (
	"cmp"
	"slices"

	"isotherm/ledger/custody"
)

// run counts fixes in a row for which something holds.
type run struct {
	n       int
	sinceMS int64 // of the first
}

func (r *run) count(holds bool, ms int64) {
	switch {
	case !holds:
		*r = run{}
	case r.n == 0:
		*r = run{n: 1, sinceMS: ms}
	default:
		r.n++
	}
}

// walker goes through the fixes and keeps which leg is under way.
type walker struct {
	state      *custody.State
	nowMS      int64
	legs       []Leg
	start, end []circle
	stated     []*custody.Statement // waypoints not yet reached, by event time
	current    int                  // index of the leg under way or next to begin

	seen      bool // the box was inside the start circle of the current leg
	bySaying  bool // the current leg was reached by a statement: the box may still be on its way to it
	out, in   run  // beyond its start circle; inside its end circle
	elsewhere run  // inside the circle of a stop that is not the current leg's
	stop      int  // index of the leg whose end that is

	anchor  vector // where the box stopped
	sinceMS int64  // of the first and the last fix there; zero before the first
	untilMS int64
	away    *point // a fix away from there: noise, or the begin of a move
}

func newWalker(state *custody.State, nowMS int64) *walker {
	w := &walker{state: state, nowMS: nowMS}
	for i, l := range state.Legs {
		w.legs = append(w.legs, Leg{Leg: l, Number: i + 1})
		w.start = append(w.start, circleOf(l.Start, l.RadiusM))
		w.end = append(w.end, circleOf(l.End, l.RadiusM))
	}
	for _, s := range state.Waypoints {
		if s != nil && s.Leg >= 1 && int(s.Leg) <= len(w.legs) && isTime(s.EventTimeMS) && s.EventTimeMS <= nowMS+ahead {
			w.stated = append(w.stated, s)
		}
	}
	slices.SortStableFunc(w.stated, func(a, b *custody.Statement) int { return cmp.Compare(a.EventTimeMS, b.EventTimeMS) })
	return w
}

// step takes the next fix.
func (w *walker) step(p *point) {
	w.applyStated(p.WallMS)
	w.stand(p)
	for w.current < len(w.legs) {
		if !w.onLeg(p) {
			break // else the same fix may begin the next leg
		}
	}
	w.strays(p)
}

// applyStated applies what people stated of legs up to a time. A stated arrival means that what lies before it is done, too.
func (w *walker) applyStated(ms int64) {
	for len(w.stated) > 0 && w.stated[0].EventTimeMS <= ms {
		s := w.stated[0]
		w.stated = w.stated[1:]
		i := int(s.Leg) - 1
		at := Point{Known: true, AtMS: s.EventTimeMS, Stated: true}
		switch s.LegState {
		case custody.Departed:
			w.legs[i].Departed = at
			if i > w.current {
				w.goTo(i)
				w.bySaying = true
			}
		case custody.Arrived:
			w.legs[i].Arrived = at
			if i >= w.current {
				w.goTo(i + 1)
				w.bySaying = true
			}
		}
	}
}

// goTo makes a leg the current one. What was passed over is known to have happened, but not when.
func (w *walker) goTo(i int) {
	for k := range w.legs[:i] {
		w.legs[k].Departed.Known = true
		w.legs[k].Arrived.Known = true
	}
	w.current, w.seen, w.bySaying = i, false, false
	w.out, w.in, w.elsewhere = run{}, run{}, run{}
}

// onLeg looks at the current leg's circles and returns true when the leg was ended.
func (w *walker) onLeg(p *point) bool {
	i := w.current
	start, end, leg := w.start[i], w.end[i], &w.legs[i]
	inStart := start.holds(p.at)
	w.seen = w.seen || inStart
	if !leg.Departed.Known {
		// A box whose receiver woke up on the way was never seen at the start: then it must be well away from it.
		limit := float64(strayM)
		if w.seen {
			limit = leaveM
		}
		w.out.count(start.known && start.outsideM(p.at) > limit && (w.seen || !w.bySaying), p.WallMS)
		if w.out.n >= leaves {
			leg.Departed = Point{Known: true, AtMS: w.out.sinceMS}
		}
	}
	// Circles may overlap: a box that has not left the start is not at the end.
	w.in.count(end.holds(p.at) && (leg.Departed.Known || !inStart), p.WallMS)
	if w.in.n < 2 || p.WallMS-w.in.sinceMS < dwell {
		return false
	}
	since := w.in.sinceMS
	if !leg.Arrived.Stated {
		leg.Arrived = Point{Known: true, AtMS: since}
	}
	w.goTo(i + 1)
	return true
}

// strays looks for a stop that is not the current leg's. The last one is where the organ shall be, so that being there
// early is an arrival; any other is out of order.
func (w *walker) strays(p *point) {
	stop := -1
	if i := w.current; i < len(w.legs) && !w.start[i].holds(p.at) && !w.end[i].holds(p.at) {
		for j := range w.legs {
			// The end of the leg before is where this one starts, if perhaps in another circle.
			if j != i && j != i-1 && w.end[j].holds(p.at) {
				stop = j
			}
		}
	}
	w.elsewhere.count(stop >= 0 && (w.elsewhere.n == 0 || stop == w.stop), p.WallMS)
	w.stop = stop
	if n := len(w.legs); stop == n-1 && stop >= 0 && w.elsewhere.n >= 2 && p.WallMS-w.elsewhere.sinceMS >= dwell {
		since := w.elsewhere.sinceMS
		if !w.legs[stop].Arrived.Stated {
			w.legs[stop].Arrived = Point{Known: true, AtMS: since}
		}
		w.goTo(n)
	}
}

// stand keeps since when the box stands still. One fix away from where it stopped is noise, two are a move.
func (w *walker) stand(p *point) {
	switch {
	case w.sinceMS != 0 && metres(w.anchor, p.at) <= stillM:
		w.away = nil
	case w.sinceMS != 0 && w.away == nil:
		w.away = p
		return
	case w.away != nil && metres(w.away.at, p.at) <= stillM:
		w.anchor, w.sinceMS, w.away = w.away.at, w.away.WallMS, nil
	default:
		w.anchor, w.sinceMS, w.away = p.at, p.WallMS, nil
	}
	w.untilMS = p.WallMS
}

// finish applies what people stated after the newest fix, and the receipt.
func (w *walker) finish() {
	w.applyStated(w.nowMS + ahead)
	if r := w.state.Receipt; r != nil && len(w.legs) > 0 && w.current < len(w.legs) {
		w.goTo(len(w.legs))
		if last := &w.legs[len(w.legs)-1]; isTime(r.EventTimeMS) && last.Arrived.AtMS == 0 {
			last.Arrived = Point{Known: true, AtMS: r.EventTimeMS, Stated: true}
		}
	}
}
