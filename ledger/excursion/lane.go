package excursion

import (
	"slices"

	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// hottestMC bounds temperatures in sums, either way: 1,000 °C. Rules on single events compare values as they are.
const hottestMC = 1_000_000

// lane is one probe at one place, in one segment.
type lane struct {
	number      uint8
	place       string
	judged      bool
	calibration calibration
	events      []event // by rule
	stats       *Stats  // nil before the first reading that counts
	last        int32   // newest temperature, bounded
	lastAt      int     // the count of the reading that it was in
	weighted    int64   // sum of temperature x time, for the mean
	kinetic     Kinetic
}

// event is a single event that may become an excursion, or is one.
type event struct {
	x      *Excursion
	opened bool
}

// lane returns that of the probe, a new one when its place is another than before.
func (e *Evaluator) lane(number uint8, place string) *lane {
	if l := e.byNumber[number]; l != nil {
		if l.place == place {
			return l
		}
		e.retire(l)
	}
	l := &lane{number: number, place: place, events: make([]event, len(e.profile.Rules))}
	e.lanes = append(e.lanes, l)
	e.byNumber[number] = l
	return l
}

// laneOf returns that of a sample, also of a probe that the boot record does not name.
func (e *Evaluator) laneOf(number uint8) *lane {
	if l := e.byNumber[number]; l != nil {
		return l
	}
	return e.lane(number, "")
}

// retire ends a probe's part in the trip: single events that run are cut.
func (e *Evaluator) retire(l *lane) {
	l.finish()
	for i := range l.events {
		if x := l.events[i].x; x != nil && l.events[i].opened {
			x.Open, x.Active, x.Cut, x.Ended = false, false, true, e.clock.now
			e.due = append(e.due, Change{Excursion: x, Closed: true})
		}
	}
	e.lanes = slices.DeleteFunc(e.lanes, func(other *lane) bool { return other == l })
	e.byNumber[l.number] = nil
}

// measure keeps each probe's figures, and the answers that are to be judged. dt is the covered time since the last
// reading.
func (e *Evaluator) measure(r *record.Reading, dt int64) {
	e.judged = e.judged[:0]
	for _, s := range r.Samples {
		l := e.laneOf(s.Probe)
		if l.judged {
			e.judged = append(e.judged, answer{l, s})
		}
		if l.stats == nil {
			l.stats = &Stats{Segment: e.segment, Probe: l.number, Place: l.place, Judged: l.judged}
			e.report.Probes = append(e.report.Probes, l.stats)
		}
		if dt > 0 && l.lastAt == e.count-1 && l.stats.Readings > 0 {
			l.hold(dt, e.profile)
		}
		if s.Fault != 0 {
			l.stats.Faults++
			continue
		}
		l.take(s.TempMC)
		l.lastAt = e.count
	}
}

func bounded(mc int32) int32 { return min(max(mc, -hottestMC), hottestMC) }

// hold counts the time in which the newest temperature held.
func (l *lane) hold(dt int64, p *profile.Profile) {
	l.weighted += int64(l.last) * dt
	l.kinetic.Add(l.last, dt)
	st := l.stats
	st.CoveredMS += dt
	switch {
	case l.last < p.LowMC:
		st.BelowMS += dt
	case l.last > p.HighMC:
		st.AboveMS += dt
	default:
		st.InBandMS += dt
	}
}

func (l *lane) take(mc int32) {
	st := l.stats
	if st.Readings == 0 || mc < st.MinMC {
		st.MinMC = mc
	}
	if st.Readings == 0 || mc > st.MaxMC {
		st.MaxMC = mc
	}
	st.Readings++
	l.last = bounded(mc)
}

// finish works out the means.
func (l *lane) finish() {
	if l.stats == nil {
		return
	}
	l.stats.MeanMC, l.stats.MeanKineticMC = l.last, l.last
	if w := l.stats.CoveredMS; w > 0 {
		l.stats.MeanMC = int32(l.weighted / w)
		l.stats.MeanKineticMC, _ = l.kinetic.MeanMC()
	}
}

// take keeps a reading of a phase that does not count.
func (p *Phase) take(e *Evaluator, r *record.Reading) {
	if p.Readings == 0 {
		p.From = e.clock.now
	}
	p.Readings++
	p.To = e.clock.now
	for _, s := range r.Samples {
		place := ""
		if l := e.byNumber[s.Probe]; l != nil {
			place = l.place
		}
		p.rangeOf(e.segment, s.Probe, place).take(s)
	}
}

func (p *Phase) rangeOf(segment int, probe uint8, place string) *Range {
	for _, r := range p.Probes {
		if r.Segment == segment && r.Probe == probe && r.Place == place {
			return r
		}
	}
	r := &Range{Segment: segment, Probe: probe, Place: place}
	p.Probes = append(p.Probes, r)
	return r
}

func (r *Range) take(s record.Sample) {
	if s.Fault != 0 {
		r.Faults++
		return
	}
	if r.Readings == 0 || s.TempMC < r.MinMC {
		r.MinMC = s.TempMC
	}
	if r.Readings == 0 || s.TempMC > r.MaxMC {
		r.MaxMC = s.TempMC
	}
	r.Readings++
}
