package excursion

import (
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// judge runs all rules on the running reading, in the profile's order: the cold side first. dt is the covered time since
// the last reading.
func (e *Evaluator) judge(dt int64) {
	for i, rule := range e.profile.Rules {
		switch {
		case rule.Kind == profile.Silent:
			if e.read {
				e.silent(rule)
			}
		case rule.Kind.IsTotal():
			e.addUp(e.totals[i], dt)
		default:
			for k := range e.judged {
				e.single(i, &e.profile.Rules[i], &e.judged[k])
			}
		}
	}
}

// silent reports a silence that ended with this record. It opens and closes at once, for nobody could see it before. Of a
// silence that began before the rules counted, only the rest counts.
func (e *Evaluator) silent(rule profile.Rule) {
	began, now := e.reading, e.clock.now
	if began.TripMS < e.report.SettledAt.TripMS {
		began = e.report.SettledAt
	}
	if now.TripMS-began.TripMS < int64(rule.DelayMS) {
		return
	}
	x := &Excursion{Rule: rule, Segment: e.segment, Began: began, Ended: now}
	e.report.Excursions = append(e.report.Excursions, x)
	e.due = append(e.due, Change{Excursion: x}, Change{Excursion: x, Closed: true})
}

// single runs one rule on one probe's sample.
func (e *Evaluator) single(i int, rule *profile.Rule, a *answer) {
	ev, s := &a.lane.events[i], a.sample
	x := ev.x
	switch out, known := outside(rule, s, x != nil); {
	case !known:
		return // a fault says nothing of the temperature; the rule goes on as it was
	case out && x == nil:
		x = &Excursion{Rule: *rule, Segment: e.segment, Probe: s.Probe, Began: e.clock.now, Open: true, Active: true, ExtremeMC: s.TempMC}
		ev.x = x
	case !out && x != nil:
		opened := ev.opened
		*ev = event{}
		if opened { // else it was shorter than the delay: no excursion
			x.Open, x.Active, x.Ended = false, false, e.clock.now
			e.due = append(e.due, Change{Excursion: x, Closed: true})
		}
		return
	case !out:
		return
	}
	x.Ended = e.clock.now
	if rule.Kind == profile.Below && s.TempMC < x.ExtremeMC || rule.Kind == profile.Above && s.TempMC > x.ExtremeMC {
		x.ExtremeMC = s.TempMC
	}
	if !ev.opened && x.Ended.TripMS-x.Began.TripMS >= int64(rule.DelayMS) {
		ev.opened = true
		e.report.Excursions = append(e.report.Excursions, x)
		e.due = append(e.due, Change{Excursion: x})
	}
}

// outside tells whether the sample breaks the rule; a running event ends only past the hysteresis.
func outside(rule *profile.Rule, s record.Sample, running bool) (out, known bool) {
	if rule.Kind == profile.Lost {
		return s.Fault != 0, true
	}
	if s.Fault != 0 {
		return false, false
	}
	margin := int64(0)
	if running {
		margin = int64(rule.HysteresisMC)
	}
	if rule.Kind == profile.Below { // in 64 bits: a limit and its hysteresis may not fit into 32
		return int64(s.TempMC) < int64(rule.LimitMC)+margin, true
	}
	return int64(s.TempMC) > int64(rule.LimitMC)-margin, true
}

// total is the state of a rule that adds up. It goes on across segments and probes: at each reading the judged probe that
// is farthest beyond the limit stands for the organ.
type total struct {
	Total
	area    int64 // milli-K x ms
	beyond  int64 // of the last reading, in milli-K; zero when no judged probe is beyond the limit
	probe   uint8 // the one that is farthest beyond
	seen    bool  // a value beyond the limit
	extreme int32 // the farthest of them
	began   Moment
	parts   []Part
	x       *Excursion // once the bound is reached
}

// addUp adds the time since the last reading, in which what that one showed held, and takes in the running one.
func (e *Evaluator) addUp(t *total, dt int64) {
	if t.beyond > 0 && dt > 0 {
		t.add(e.reading, e.clock.now)
		if t.x == nil && t.full() {
			t.Reached = true
			t.x = &Excursion{Rule: t.Rule, Segment: e.segment, Probe: t.probe, Began: t.began, Open: true}
			e.report.Excursions = append(e.report.Excursions, t.x)
			e.due = append(e.due, Change{Excursion: t.x})
		}
		t.tell(e.clock.now)
	}
	t.beyond = 0
	for k := range e.judged {
		s := &e.judged[k].sample
		if by := beyond(&t.Rule, s); by > t.beyond {
			t.beyond, t.probe = by, s.Probe
			t.take(s.TempMC)
		}
	}
	if t.x != nil {
		t.x.Active, t.x.ExtremeMC = t.beyond > 0, t.extreme
	}
}

// beyond is how far the sample is past the rule's limit, in milli-K; zero or less when it is not.
func beyond(rule *profile.Rule, s *record.Sample) int64 {
	switch {
	case s.Fault != 0:
		return 0
	case rule.Kind.IsLow():
		return int64(rule.LimitMC) - int64(bounded(s.TempMC))
	}
	return int64(bounded(s.TempMC)) - int64(rule.LimitMC)
}

func (t *total) take(mc int32) {
	if !t.seen || t.Rule.Kind.IsLow() && mc < t.extreme || t.Rule.Kind.IsHigh() && mc > t.extreme {
		t.seen, t.extreme = true, mc
	}
}

// add counts a time in which the limit was passed.
func (t *total) add(from, to Moment) {
	ms := to.TripMS - from.TripMS
	t.MS += ms
	t.area += t.beyond * ms
	t.AreaMKMin = uint64(t.area / 60_000)
	n := len(t.parts)
	switch {
	case n == 0:
		t.began = from
	case t.parts[n-1].ToMS == from.TripMS:
		t.parts[n-1].ToMS = to.TripMS
		return
	}
	t.parts = append(t.parts, Part{from.TripMS, to.TripMS})
}

func (t *total) full() bool {
	if t.Rule.Kind.IsArea() {
		return t.area >= int64(t.Rule.AreaMKMin)*60_000
	}
	return t.MS >= int64(t.Rule.DelayMS)
}

// tell brings the excursion up to what was added.
func (t *total) tell(now Moment) {
	if t.x != nil {
		t.x.Ended, t.x.Parts, t.x.AreaMKMin, t.x.ExtremeMC = now, t.parts, t.AreaMKMin, t.extreme
	}
}

// pause says that nothing is known until the next segment's first reading; time before that is not covered anyway.
func (t *total) pause() {
	if t.x != nil {
		t.x.Active = false
	}
}
