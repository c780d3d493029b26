// Package excursion judges a box's records by a profile: one pure function, used unchanged by the box, the ledger and
// the offline verifier. It reads records in seq order, incarnation after incarnation, and knows no clock of its own.
package excursion

import (
	"isotherm/ledger"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// Position is a place in a box's journals: after Size records of that incarnation.
type Position struct {
	Incarnation ledger.IncarnationID
	Size        int64
}

// Excursion is one event out of band, a lost sensor or a silence, that lasted at least its rule's delay.
type Excursion struct {
	Rule      profile.Rule
	Probe     uint8 // zero and meaningless for silence
	Began     Moment
	Ended     Moment // that of the last record seen while Open
	Open      bool
	ExtremeMC int32 // farthest value; zero for lost and silent
}

// DurationMS is how long it lasted, in milliseconds of trip time.
func (e *Excursion) DurationMS() int64 { return e.Ended.TripMS - e.Began.TripMS }

// Moment is a time of the trip, told by the record that showed it.
type Moment struct {
	TripMS int64 // milliseconds since the first record of the trip
	WallMS int64 // the box's wall clock then
	Seq    uint64
	BootMS uint64 // the box's monotonic clock then
}

// earlier returns the time ms milliseconds before, as told by the same record.
func (m Moment) earlier(ms int64) Moment {
	m.TripMS -= ms
	m.WallMS -= ms
	m.BootMS -= min(uint64(ms), m.BootMS)
	return m
}

// Gap is a time without readings.
type Gap struct {
	From, To Moment
	Reason   string // 'box off or restarted', 'box suspended', 'probes slow to answer', 'journal not writable', 'no reading'
}

// Stats are figures of one probe over the trip. MeanMC is time-weighted over covered time.
type Stats struct {
	Readings, Faults int
	MinMC, MaxMC     int32
	MeanMC           int32
}

// Report is what the records of a trip say under a profile.
type Report struct {
	Readings   int
	First      Moment
	Last       Moment
	Settled    bool // from here on the rules counted
	SettledAt  Moment
	Excursions []*Excursion
	Gaps       []Gap
	CoveredMS  int64 // time between readings no farther apart than three sample intervals
	Probe      map[uint8]*Stats
}

// TotalMS is the time from the first to the last record.
func (r *Report) TotalMS() int64 { return r.Last.TripMS - r.First.TripMS }

// CoveragePermille is the covered part of the trip in thousandths; 0 for a trip without length.
func (r *Report) CoveragePermille() int {
	if r.TotalMS() <= 0 {
		return 0
	}
	return int(r.CoveredMS * 1000 / r.TotalMS())
}

// Change is an excursion that was opened or closed by a record.
type Change struct {
	Excursion *Excursion
	Closed    bool
}

// key tells running events apart.
type key struct {
	rule  int
	probe uint8
}

// Evaluator judges records one after another. Its state is small and made anew by replaying the records of the trip.
type Evaluator struct {
	profile  *profile.Profile
	report   Report
	started  bool
	places   map[uint8]bool // probes that the profile judges, by number
	sampleMS int64
	bootID   [16]byte
	haveBoot bool
	quality  record.ClockQuality // of the newest record's wall clock
	now      Moment
	reading  Moment // that of the last reading
	read     bool
	gap      string             // reason to name the gap that ends with the next reading
	running  map[key]*Excursion // events that may become excursions, or are
	opened   map[key]bool
	weighted map[uint8]int64 // sum of value x time for the mean
	weight   map[uint8]int64
	lastTemp map[uint8]int32
}

// New returns an evaluator that starts with the next record it is given.
func New(p *profile.Profile) *Evaluator {
	e := &Evaluator{
		profile: p, places: map[uint8]bool{}, running: map[key]*Excursion{}, opened: map[key]bool{},
		weighted: map[uint8]int64{}, weight: map[uint8]int64{}, lastTemp: map[uint8]int32{},
	}
	e.report.Probe = map[uint8]*Stats{}
	return e
}

// Configure tells the evaluator what the boot record of the running incarnation says, without counting it as part of
// the trip. It is needed when a trip begins in the middle of an incarnation.
func (e *Evaluator) Configure(b *record.Boot) {
	e.places = map[uint8]bool{}
	for _, p := range b.Probes {
		if p.Place == e.profile.ProbePlace {
			e.places[p.Number] = true
		}
	}
	e.sampleMS = int64(b.SampleMS)
	e.bootID = b.BootID
	e.haveBoot = true
}

// Step judges the next record and returns what it opened and closed, in the order of the profile's rules.
func (e *Evaluator) Step(r *record.Record) []Change {
	e.advance(r)
	switch {
	case r.Boot != nil:
		e.Configure(r.Boot)
		if e.read {
			e.gap = "box off or restarted"
		}
	case r.Gap != nil && r.Gap.Reason == record.GapSuspended:
		e.gap = "box suspended"
	case r.Gap != nil && r.Gap.Reason == record.GapStorage:
		e.gap = "journal not writable"
	case r.Gap != nil && r.Gap.Reason == record.GapProbes:
		e.gap = "probes slow to answer"
	case r.Reading != nil:
		return e.step(r.Reading)
	}
	return nil
}

// advance moves trip time on: by the monotonic clock inside one power-on, by the wall clock across two, never back.
func (e *Evaluator) advance(r *record.Record) {
	next := Moment{WallMS: r.At.WallMS, Seq: r.Seq, BootMS: r.At.MonoMS}
	if !e.started {
		e.started = true
		e.quality = r.At.Quality
		e.report.First, e.now = next, next
		e.report.Last = next
		return
	}
	delta := int64(next.BootMS - e.now.BootMS)
	if r.Boot != nil && e.haveBoot && r.Boot.BootID != e.bootID {
		delta = 0 // how long the box was off is not known, unless both clocks were set
		if e.quality != record.ClockUnset && r.At.Quality != record.ClockUnset {
			delta = next.WallMS - e.now.WallMS
		}
	}
	e.quality = r.At.Quality
	next.TripMS = e.now.TripMS + max(delta, 0)
	e.now = next
	e.report.Last = next
}

func (e *Evaluator) step(r *record.Reading) []Change {
	var changes []Change
	e.report.Readings++
	e.cover(r)
	if !e.report.Settled {
		e.settle(r)
	}
	if e.report.Settled {
		for i, rule := range e.profile.Rules {
			if rule.Kind == profile.Silent {
				changes = append(changes, e.silent(rule)...)
				continue
			}
			for _, s := range r.Samples {
				if e.places[s.Probe] {
					changes = append(changes, e.judge(key{i, s.Probe}, rule, s)...)
				}
			}
		}
	}
	e.reading, e.read, e.gap = e.now, true, ""
	return changes
}

// settle starts the rules at the first reading in band, or when the profile's patience ends.
func (e *Evaluator) settle(r *record.Reading) {
	inBand := false
	for _, s := range r.Samples {
		if e.places[s.Probe] && s.Fault == 0 && s.TempMC >= e.profile.LowMC && s.TempMC <= e.profile.HighMC {
			inBand = true
		}
	}
	late := e.now.TripMS - e.report.First.TripMS - int64(e.profile.SettleMS)
	if inBand || late >= 0 {
		e.report.Settled = true
		e.report.SettledAt = e.now.earlier(max(late, 0))
	}
}

// cover counts the time since the last reading as covered or as a gap, and keeps each probe's figures.
func (e *Evaluator) cover(r *record.Reading) {
	var dt int64
	if e.read {
		dt = e.now.TripMS - e.reading.TripMS
		if e.sampleMS > 0 && dt > 3*e.sampleMS {
			reason := e.gap
			if reason == "" {
				reason = "no reading"
			}
			e.report.Gaps = append(e.report.Gaps, Gap{From: e.reading, To: e.now, Reason: reason})
			dt = 0
		}
		e.report.CoveredMS += dt
	}
	for _, s := range r.Samples {
		st := e.report.Probe[s.Probe]
		if st == nil {
			st = &Stats{}
			e.report.Probe[s.Probe] = st
		}
		if s.Fault != 0 {
			st.Faults++
			delete(e.lastTemp, s.Probe)
			continue
		}
		if st.Readings == 0 || s.TempMC < st.MinMC {
			st.MinMC = s.TempMC
		}
		if st.Readings == 0 || s.TempMC > st.MaxMC {
			st.MaxMC = s.TempMC
		}
		st.Readings++
		if last, ok := e.lastTemp[s.Probe]; ok {
			e.weighted[s.Probe] += (int64(last) + int64(s.TempMC)) * dt
			e.weight[s.Probe] += 2 * dt
		}
		e.lastTemp[s.Probe] = s.TempMC
		if w := e.weight[s.Probe]; w > 0 {
			st.MeanMC = int32(e.weighted[s.Probe] / w)
		} else {
			st.MeanMC = s.TempMC
		}
	}
}

// silent reports a silence that ended with this reading. It opens and closes at once, for nobody could see it before.
// Of a silence that began before the rules counted, only the rest counts.
func (e *Evaluator) silent(rule profile.Rule) []Change {
	if !e.read {
		return nil
	}
	began := e.reading
	if began.TripMS < e.report.SettledAt.TripMS {
		began = e.report.SettledAt
	}
	if e.now.TripMS-began.TripMS < int64(rule.DelayMS) {
		return nil
	}
	x := &Excursion{Rule: rule, Began: began, Ended: e.now}
	e.report.Excursions = append(e.report.Excursions, x)
	return []Change{{Excursion: x}, {Excursion: x, Closed: true}}
}

// judge runs one rule on one probe's sample.
func (e *Evaluator) judge(k key, rule profile.Rule, s record.Sample) []Change {
	x := e.running[k]
	switch out, known := outside(rule, s, x != nil); {
	case !known:
		return nil // a fault says nothing of the temperature; the rule goes on as it was
	case out && x == nil:
		x = &Excursion{Rule: rule, Probe: s.Probe, Began: e.now, Open: true, ExtremeMC: s.TempMC}
		e.running[k] = x
	case !out && x != nil:
		delete(e.running, k)
		x.Open = false
		if !e.opened[k] {
			return nil // shorter than the delay: no excursion
		}
		delete(e.opened, k)
		x.Ended = e.now
		return []Change{{Excursion: x, Closed: true}}
	case !out:
		return nil
	}
	x.Ended = e.now
	if (rule.Kind == profile.Below && s.TempMC < x.ExtremeMC) || (rule.Kind == profile.Above && s.TempMC > x.ExtremeMC) {
		x.ExtremeMC = s.TempMC
	}
	if !e.opened[k] && x.DurationMS() >= int64(rule.DelayMS) {
		e.opened[k] = true
		e.report.Excursions = append(e.report.Excursions, x)
		return []Change{{Excursion: x}}
	}
	return nil
}

// outside tells whether the sample breaks the rule; a running event ends only past the hysteresis.
func outside(rule profile.Rule, s record.Sample, running bool) (out, known bool) {
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

// Report returns the report so far. The caller must not change it; a later Step does.
func (e *Evaluator) Report() *Report { return &e.report }
