// Package excursion judges a box's records by a profile: one pure function, used unchanged by the box, the ledger and
// the offline verifier. It reads records in seq order, incarnation after incarnation and segment after segment, and knows
// no clock of its own.
//
// What counts is exact integer arithmetic, so that every reader comes to the same excursions. Statistics that no rule
// looks at, the mean kinetic temperature above all, may differ between machines in their last digit.
package excursion

import (
	"isotherm/ledger/profile"
)

// Excursion is one event out of band, a lost sensor or a silence, that lasted at least its rule's delay; or a total that
// reached its rule's bound.
type Excursion struct {
	Rule      profile.Rule
	Segment   int   // in which it began, from 0; of a total, in which the bound was reached
	Probe     uint8 // zero and meaningless for silence; of a total, the probe farthest out when the bound was reached
	Began     Moment
	Ended     Moment // that of the last record seen while Open
	Open      bool   // a total stays open until the box is opened: what was used up stays used up
	Active    bool   // out of band at the newest reading: what an alarm goes by
	Cut       bool   // ended with its segment or the trip, and not because the value came back
	ExtremeMC int32  // farthest value; zero for lost and silent
	AreaMKMin uint64 // of an area: milli-K x minutes so far
	Parts     []Part // of a total or an area: the times that were added up; nil for single events
}

// Part is a time of the trip, from FromMS up to ToMS, in milliseconds of trip time.
type Part struct{ FromMS, ToMS int64 }

// Times returns what counts as the excursion's time: one part for a single event, all that was added up for a total. They
// are in order, do not overlap, and sum up to DurationMS.
func (e *Excursion) Times() []Part {
	if e.Rule.Kind.IsTotal() {
		return e.Parts
	}
	return []Part{{e.Began.TripMS, e.Ended.TripMS}}
}

// DurationMS is how long it lasted, or how much was added up, in milliseconds of trip time.
func (e *Excursion) DurationMS() int64 {
	var sum int64
	for _, p := range e.Times() {
		sum += p.ToMS - p.FromMS
	}
	return sum
}

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

// The reasons of gaps, as people read them. That between two segments has the name that the caller gives.
const (
	GapOff       = "box off"             // it was told to stop, and was switched on again
	GapDead      = "box lost power"      // it was not told to stop: battery empty or pulled, or a crash
	GapRestarted = "box restarted"       // its program only, the box was on all the time
	GapSuspended = "box suspended"       // the box slept or its processor was held up
	GapStorage   = "journal not written" // the disk was full or broken
	GapProbes    = "probes slow to answer"
	GapNoReading = "no reading" // the journal does not say why
)

// Gap is a time without readings: no data was taken. Data that was taken and has not come is something else, and told by
// the heads that people pinned.
type Gap struct {
	From, To Moment
	Reason   string
	Unknown  bool // its length is not known, for a clock was not set or ran back: at least To - From
}

// MS is the known length in milliseconds of trip time.
func (g Gap) MS() int64 { return g.To.TripMS - g.From.TripMS }

// Stats are figures of one probe from settled to opened. They decide nothing.
type Stats struct {
	Segment          int
	Probe            uint8
	Place            string
	Judged           bool // by the profile
	Readings, Faults int
	MinMC, MaxMC     int32
	MeanMC           int32 // time-weighted over covered time
	MeanKineticMC    int32 // likewise, see Kinetic: a statistic, never a verdict
	CoveredMS        int64 // a temperature holds until the next reading, if that is at most three sample intervals later
	InBandMS         int64 // of it; the three sum up to CoveredMS
	BelowMS          int64 // under the profile's band
	AboveMS          int64
}

// Range are the temperatures that a probe showed in a phase that does not count.
type Range struct {
	Segment          int
	Probe            uint8
	Place            string
	Readings, Faults int
	MinMC, MaxMC     int32
}

// Phase is a time that is shown and never counted.
type Phase struct {
	Readings int
	From, To Moment // of its first and last reading
	Probes   []*Range
}

// Total is how far a total or an area has come, its bound reached or not.
type Total struct {
	Rule      profile.Rule
	MS        int64  // time beyond the limit, of all judged probes together
	AreaMKMin uint64 // milli-K x minutes beyond the limit, of the probe farthest out at each time
	Reached   bool
}

// Report is what the records of a trip say under a profile.
type Report struct {
	Readings    int // from the first record until the box was opened
	First       Moment
	Last        Moment
	Settled     bool // from here on the rules counted
	SettledAt   Moment
	Opened      bool  // the box was opened at its destination, or received: nothing counts from Last on
	Before      Phase // before settled
	After       Phase // after opened
	Excursions  []*Excursion
	Totals      []*Total
	Gaps        []Gap
	CoveredMS   int64 // time between readings no farther apart than three sample intervals
	Probes      []*Stats
	Calibration []Calibrated
	Warnings    []Warning
	Simulated   bool // a record's clock was that of a demonstration
}

// TotalMS is the time from the first to the last record that counts.
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

// Warning says that something limits what the report can say. Code is stable: WarnNoProbe, WarnProbeError.
type Warning struct {
	Code    string
	Segment int
	Probe   uint8 // zero and meaningless for WarnNoProbe
	Text    string
}

// The codes of warnings.
const (
	WarnNoProbe    = "no-probe"    // no probe is at the place that the profile judges: no rule on temperature could find anything
	WarnProbeError = "probe-error" // a probe is less exact than the profile allows
)
