package excursion

import (
	"fmt"
	"slices"

	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// Evaluator judges records one after another. Its state is small and made anew by replaying the records of the trip.
type Evaluator struct {
	profile  *profile.Profile
	space    string
	report   Report
	clock    clock
	segment  int
	start    Moment // first record of the segment
	sampleMS int64
	lanes    []*lane    // probes of the running configuration
	byNumber [256]*lane // the same, by their number
	reading  Moment     // that of the last reading of the segment
	read     bool
	count    int // of readings, for lanes to know whether they were in the last one
	gap      gapReason
	totals   []*total // by rule; nil for the rules that are none
	judged   []answer // of the running reading, kept to spare an allocation
	due      []Change // found outside of a reading
}

// gapReason is what the gap that may end with the next reading is called.
type gapReason struct {
	name    string
	unknown bool // its length
	stopped bool // the box was told to stop
}

// answer is a judged probe's sample.
type answer struct {
	lane   *lane
	sample record.Sample
}

// New returns an evaluator that starts with the next record it is given. In a box with several spaces, space names the one
// that the organ is in, see JudgedPlace.
func New(p *profile.Profile, space string) *Evaluator {
	e := &Evaluator{profile: p, space: space, totals: make([]*total, len(p.Rules))}
	for i, r := range p.Rules {
		if r.Kind.IsTotal() {
			e.totals[i] = &total{Total: Total{Rule: r}}
			e.report.Totals = append(e.report.Totals, &e.totals[i].Total)
		}
	}
	return e
}

// Settle makes the rules count from the first record on: for a box that an organ is moved into, which knows nothing of
// the segments before. It must be called before the first Step.
func (e *Evaluator) Settle() { e.report.Settled = true }

// Configure tells the evaluator what the boot record of the running incarnation says, without counting it as part of
// the trip. It is needed when a trip begins in the middle of an incarnation.
func (e *Evaluator) Configure(b *record.Boot) {
	place := JudgedPlace(e.profile, e.space, b)
	for _, l := range slices.Clone(e.lanes) {
		same := func(p record.Probe) bool {
			return p.Number == l.number && p.Place == l.place && (p.Place == place) == l.judged
		}
		if !slices.ContainsFunc(b.Probes, same) {
			e.retire(l)
		}
	}
	found := false
	for _, p := range b.Probes {
		l := e.lane(p.Number, p.Place)
		l.judged = p.Place == place
		if c := &l.calibration; c.certificate != p.Certificate || c.untilMS != p.UntilMS {
			*c = calibration{certificate: p.Certificate, untilMS: p.UntilMS}
		}
		found = found || l.judged
		if allowed := e.profile.ProbeErrorMC; l.judged && allowed != 0 && p.ErrorMC > allowed {
			e.warn(WarnProbeError, p.Number, fmt.Sprintf("probe %d may be off by %s K, more than the %s K that the profile allows",
				p.Number, profile.Decimal(int64(p.ErrorMC)), profile.Decimal(int64(allowed))))
		}
	}
	if !found {
		e.warn(WarnNoProbe, 0, fmt.Sprintf("no probe is at %q: no temperature was judged", place))
	}
	e.sampleMS = int64(b.SampleMS)
	e.clock.configure(b.BootID)
}

// JudgedPlace returns the place whose probes are judged, in a space of a box that is configured so: that in the space when
// the box has a probe there, else the profile's place itself.
func JudgedPlace(p *profile.Profile, space string, b *record.Boot) string {
	if space != "" {
		place := p.ProbePlace + "/" + space
		if slices.ContainsFunc(b.Probes, func(probe record.Probe) bool { return probe.Place == place }) {
			return place
		}
	}
	return p.ProbePlace
}

func (e *Evaluator) warn(code string, probe uint8, text string) {
	w := Warning{Code: code, Segment: e.segment, Probe: probe, Text: text}
	if !slices.Contains(e.report.Warnings, w) {
		e.report.Warnings = append(e.report.Warnings, w)
	}
}

// Step judges the next record and returns what it opened and closed, in the order of the profile's rules. A record of the
// box's own findings, of an act or of an output moves trip time on and finds nothing.
func (e *Evaluator) Step(r *record.Record) []Change {
	e.advance(r)
	switch {
	case r.Boot != nil:
		e.Configure(r.Boot)
		e.clock.newPower = false // advance has taken it in
	case r.Gap != nil:
		e.gap.name = gapName(r.Gap.Reason)
	case r.Shutdown != nil:
		e.gap.stopped = true
	case r.Reading != nil && e.report.Opened:
		e.report.After.take(e, r.Reading)
	case r.Reading != nil:
		e.step(r)
	}
	out := e.due
	e.due = nil
	return out
}

func gapName(r record.GapReason) string {
	switch r {
	case record.GapSuspended:
		return GapSuspended
	case record.GapStorage:
		return GapStorage
	case record.GapProbes:
		return GapProbes
	}
	return ""
}

// advance moves trip time on, and names the gap that a record begins or ends.
func (e *Evaluator) advance(r *record.Record) {
	first, apart, before := !e.clock.started, e.clock.apart, e.clock.now
	powered, unknown := e.clock.advance(r)
	e.report.Simulated = e.report.Simulated || r.At.Quality == record.ClockSimulated
	if e.report.Opened {
		return
	}
	now := e.clock.now
	switch {
	case first:
		e.report.First, e.start = now, now
		if e.report.Settled {
			e.report.SettledAt = now
		}
	case apart:
		e.report.Gaps = append(e.report.Gaps, Gap{From: before, To: now, Reason: e.gap.name, Unknown: unknown})
		e.gap, e.start = gapReason{}, now
	case powered || r.Boot != nil && e.clock.configured:
		e.gap.name = GapRestarted
		if powered {
			e.gap.name = GapDead
		}
		if e.gap.stopped {
			e.gap.name = GapOff
		}
		e.gap.stopped, e.gap.unknown = false, e.gap.unknown || unknown
	}
	e.report.Last = now
}

// EndSegment says that the organ left the box, or the tracker, with the last record. Single events that run are cut
// there; totals go on. It returns what that closes.
func (e *Evaluator) EndSegment() []Change {
	for _, l := range slices.Clone(e.lanes) {
		e.retire(l)
	}
	if e.read {
		for _, rule := range e.profile.Rules {
			if rule.Kind == profile.Silent && e.report.Settled && !e.report.Opened {
				e.silent(rule)
			}
		}
	}
	if !e.report.Opened {
		e.endGap()
	}
	for _, t := range e.totals {
		if t != nil {
			t.pause()
		}
	}
	e.read, e.gap = false, gapReason{}
	out := e.due
	e.due = nil
	return out
}

// StartSegment says that the records that follow are of another box or tracker, in which the organ is in that space. gap
// names the time between.
func (e *Evaluator) StartSegment(space, gap string) {
	e.space = space
	if e.clock.started {
		e.segment++
		e.clock.apart, e.gap.name = true, gap
	}
}

// Open says that the box was opened at its destination, or received: what follows is shown and never counted. It returns
// what that closes.
func (e *Evaluator) Open() []Change {
	if e.report.Opened {
		return nil
	}
	lanes := slices.Clone(e.lanes)
	out := e.EndSegment()
	for _, x := range e.report.Excursions {
		if x.Open { // single events are closed by now
			x.Open, x.Active, x.Cut = false, false, true
			out = append(out, Change{Excursion: x, Closed: true})
		}
	}
	e.report.Opened = true
	for _, l := range lanes { // the probes go on, to be shown
		e.lane(l.number, l.place)
	}
	return out
}

// step judges a reading.
func (e *Evaluator) step(r *record.Record) {
	e.report.Readings++
	e.count++
	dt := e.cover()
	if !e.report.Settled {
		e.settle(r.Reading)
	}
	e.calibrate(r)
	if e.report.Settled {
		e.measure(r.Reading, dt)
		e.judge(dt)
	} else {
		e.report.Before.take(e, r.Reading)
	}
	e.reading, e.read, e.gap = e.clock.now, true, gapReason{}
}

// settle starts the rules at the first reading in band, or when the profile's patience ends.
func (e *Evaluator) settle(r *record.Reading) {
	inBand := false
	for _, s := range r.Samples {
		l := e.laneOf(s.Probe)
		inBand = inBand || l.judged && s.Fault == 0 && s.TempMC >= e.profile.LowMC && s.TempMC <= e.profile.HighMC
	}
	late := e.clock.now.TripMS - e.report.First.TripMS - int64(e.profile.SettleMS)
	if inBand || late >= 0 {
		e.report.Settled = true
		e.report.SettledAt = e.clock.now.earlier(max(late, 0))
	}
}

// cover counts the time since the last reading as covered or as a gap, and returns what is covered.
func (e *Evaluator) cover() int64 {
	from := e.reading
	if !e.read {
		from = e.start
	}
	dt := e.clock.now.TripMS - from.TripMS
	if e.gapFrom(from, dt) || !e.read {
		return 0
	}
	e.report.CoveredMS += dt
	return dt
}

// gapFrom keeps the time until now as a gap if it is one.
func (e *Evaluator) gapFrom(from Moment, ms int64) bool {
	if !e.gap.unknown && (e.sampleMS == 0 || ms <= 3*e.sampleMS) {
		return false
	}
	reason := e.gap.name
	if reason == "" {
		reason = GapNoReading
	}
	e.report.Gaps = append(e.report.Gaps, Gap{From: from, To: e.clock.now, Reason: reason, Unknown: e.gap.unknown})
	return true
}

// endGap keeps the time from the last reading to the end of a segment, if it is a gap.
func (e *Evaluator) endGap() {
	from := e.reading
	if !e.read {
		from = e.start
	}
	if e.clock.started && !e.clock.apart {
		e.gapFrom(from, e.clock.now.TripMS-from.TripMS)
	}
}

// Now returns the time of the newest record.
func (e *Evaluator) Now() Moment { return e.clock.now }

// Judges tells whether the probe of that number is judged, as the box is configured now.
func (e *Evaluator) Judges(probe uint8) bool {
	return e.byNumber[probe] != nil && e.byNumber[probe].judged
}

// Report returns the report so far. The caller must not change it; a later Step does.
func (e *Evaluator) Report() *Report {
	for _, l := range e.lanes {
		l.finish()
	}
	return &e.report
}
