// Package progress compares the planned way of a shipment with where its box is: which legs are done, what is late, and
// what looks wrong: the wrong place, a box left behind, a handoff nobody confirmed, no progress.
//
// It is a pure function of acts, positions and the time asked for. It proves nothing: positions are what the box's receiver
// said, times of arrival are estimates and name what stands behind them. Nothing here changes custody or holds up an organ.
package progress

import (
	"fmt"

	"isotherm/ledger/custody"
	"isotherm/ledger/record"
)

// Bounds. Each is tested from both sides.
const (
	leaveM  = 100 // beyond a circle's edge: it is left
	leaves  = 2   // fixes in a row that must be beyond
	strayM  = 2000
	stillM  = 200 // a box within this distance of where it stopped stands still
	apartM  = 2000
	maxHDOP = 2000 // in hundredths: a worse fix says too little to raise anything

	second   = 1000 // milliseconds
	minute   = 60 * second
	hour     = 60 * minute
	dwell    = 2 * minute  // inside a circle: arrived, not passing through
	standing = 5 * minute  // at a place that is not planned: wrong place
	idle     = 15 * minute // without moving, on a leg under way: no progress
	stale    = 15 * minute // a newest fix older than this says nothing of now
	recent   = 5 * minute  // a newest fix older than this carries no estimate
	behind   = 10 * minute // after a stated departure the box must have left
	near     = 5 * minute  // a fix this close in time is compared with a stated position
	ahead    = 5 * minute  // a clock may be this much ahead of ours
	nearMiss = 2 * hour    // delay from which on the field counts a near miss
	latestMS = 1 << 53     // later times, and those before 1970, are no times
)

// Fix is a position of the box.
type Fix struct {
	WallMS       int64 // the box's wall clock, Unix milliseconds
	LatE7, LonE7 int32 // 1e-7 degrees, WGS 84
	HDOPx100     uint16
}

// maxFixAge is how old a receiver's fix may be at its record's time.
const maxFixAge = 10 * second

// doubtJump is hardware.Jump: a position farther from the one before than anything travels.
const doubtJump = 48

// FixOf takes the position from a record; ok is false for one that has none, none that a time can be given to, and one that
// the box itself took for a jump: nobody shall be sent there.
func FixOf(r *record.Record) (f Fix, ok bool) {
	if r.Reading == nil || r.Reading.Fix == nil || r.At.Quality == record.ClockUnset {
		return Fix{}, false
	}
	p := r.Reading.Fix
	if p.Quality == 0 || p.AgeMS > maxFixAge || r.Reading.FixFault == doubtJump {
		return Fix{}, false
	}
	return Fix{WallMS: r.At.WallMS - int64(p.AgeMS), LatE7: p.LatE7, LonE7: p.LonE7, HDOPx100: p.HDOPx100}, true
}

// Point is a departure or an arrival, as far as it is known.
type Point struct {
	Known  bool
	AtMS   int64 // zero when known only from what came after it
	Stated bool  // by a person; else found from the box's positions
}

// Leg is one planned leg and what is known of it.
type Leg struct {
	custody.Leg
	Number   int // from 1
	Departed Point
	Arrived  Point
}

// Kind tells what a finding is about. Numbers are append only.
type Kind uint8

// The kinds of finding.
const (
	WrongPlace     Kind = 1 // stands where nothing is planned, or at a stop out of order
	LeftBehind     Kind = 2 // box and custodian are apart
	HandoffOverdue Kind = 3 // a release was not confirmed in time
	NoProgress     Kind = 4 // the leg is under way and the box does not move
	Delayed        Kind = 5 // two hours or more behind the plan: a near miss
)

var kindNames = [...]string{WrongPlace: "wrong place", LeftBehind: "left behind", HandoffOverdue: "handoff overdue", NoProgress: "no progress", Delayed: "delayed"}

func (k Kind) String() string {
	if k >= WrongPlace && k <= Delayed {
		return kindNames[k]
	}
	return fmt.Sprintf("unknown(%d)", uint8(k))
}

// Finding is something that looks wrong, now. At most one of a kind is found.
type Finding struct {
	Kind      Kind
	SinceMS   int64  // Unix milliseconds; does not move while the finding lasts
	Leg       int    // number of the leg it concerns; zero for none
	Place     string // as the plan names it; empty for none
	DistanceM int64  // WrongPlace: to the nearest planned circle; LeftBehind: between box and custodian
	DelayMS   int64  // Delayed
}

// Progress is how far a shipment has come on its planned way.
type Progress struct {
	Legs      []Leg
	Current   int    // number of the leg under way, or next to begin; zero without a plan and after the last leg
	DelayMS   int64  // against the plan at DelayAt; negative when earlier
	DelayAt   string // the last planned place reached or left, with a known time; empty when there is none
	ETAMS     int64  // at the end of the last leg; zero when nothing is known
	ETAMethod string // what stands behind ETAMS, or why it is zero; empty without a plan
	Newest    *Fix   // the newest usable position; nil for none
	Findings  []Finding
}

// Of returns the progress at a time. The fixes are those of the trip, in the order in which the box recorded them.
func Of(state *custody.State, fixes []Fix, nowMS int64) Progress {
	var p Progress
	if state == nil || !isTime(nowMS) {
		return p
	}
	points := usable(fixes, nowMS)
	if n := len(points); n > 0 {
		p.Newest = &points[n-1].Fix
	}
	w := newWalker(state, nowMS)
	for i := range points {
		w.step(&points[i])
	}
	w.finish()
	p.Legs = w.legs
	if w.current < len(w.legs) {
		p.Current = w.current + 1
	}
	late := delayOf(p.Legs)
	p.DelayMS, p.DelayAt = late.ms, late.at
	p.ETAMS, p.ETAMethod = estimate(w, points, late)
	if state.Phase == custody.PhasePacked {
		p.Findings = find(w, points, late)
	}
	return p
}

func isTime(ms int64) bool { return ms > 0 && ms < latestMS }

// point is a usable fix with its place on the sphere.
type point struct {
	Fix
	at vector
}

// usable drops fixes that are not on earth, too vague, or of no usable time: before 1970, in the future, or earlier than
// the one before. When two in a row are earlier, the clock was set back: then those before them had the wrong time.
func usable(fixes []Fix, nowMS int64) []point {
	out := make([]point, 0, len(fixes))
	var odd *Fix
	for i := range fixes {
		f := fixes[i]
		if !onEarth(f.LatE7, f.LonE7) || f.HDOPx100 > maxHDOP || !isTime(f.WallMS) || f.WallMS > nowMS+ahead {
			continue
		}
		if n := len(out); n > 0 && f.WallMS <= out[n-1].WallMS {
			if odd == nil || f.WallMS <= odd.WallMS {
				odd = &fixes[i]
				continue
			}
			for len(out) > 0 && out[len(out)-1].WallMS >= odd.WallMS {
				out = out[:len(out)-1]
			}
			out = append(out, point{Fix: *odd, at: vectorOf(odd.LatE7, odd.LonE7)})
		}
		odd = nil
		out = append(out, point{Fix: f, at: vectorOf(f.LatE7, f.LonE7)})
	}
	return out
}

// Duration says a length of time as people do: '2 h 41 min', '12 min', 'less than a minute'.
func Duration(ms int64) string {
	switch m := ms / minute; {
	case m < 1:
		return "less than a minute"
	case m < 60:
		return fmt.Sprintf("%d min", m)
	case m%60 == 0:
		return fmt.Sprintf("%d h", m/60)
	default:
		return fmt.Sprintf("%d h %d min", m/60, m%60)
	}
}
