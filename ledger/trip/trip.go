// Package trip joins what people signed with what the boxes recorded: it judges the readings of one shipment by its pinned
// profile and tells which custodian held the box in every out-of-range minute. The ledger's pages and the offline
// verifier use this one function. It computes only.
package trip

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// Journal is what is held of one incarnation of a box's journal.
type Journal struct {
	Origin  string
	From    int64 // seq of the first of Records
	Boot    *record.Boot
	Records []*record.Record
	Held    int64     // size of the journal as the ledger holds it; when zero, the records end it
	Arrived []Arrival // in order; empty when it is not known when records came
}

// Arrival is when a batch of records came to the ledger.
type Arrival struct {
	To           int64 // seq after its last record
	RecordTimeMS int64 // Unix milliseconds, by the clock of the node that proposed it
}

// held is the size of the journal as the ledger holds it.
func (j *Journal) held() int64 {
	end := j.From
	if n := len(j.Records); n > 0 {
		end = int64(j.Records[n-1].Seq) + 1
	}
	return max(j.Held, end)
}

// Share is the part of an excursion that fell in one custodian's time. It says who held the box, not who caused it:
// heat lags.
type Share struct {
	Party       custody.Party
	MS          int64
	Unconfirmed *custody.Party // released by Party, not confirmed by this one
	Disputed    bool           // another party claims to have held the box
	Span        int            // in Assessment.Spans
}

// Excursion is an excursion with the custodians in whose time it fell. The shares sum up to its duration.
type Excursion struct {
	*excursion.Excursion
	Held []Share
}

// Span is one custodian's time, or a part of it, in milliseconds of trip time. Spans follow one another without a hole from
// packing to the last record that counts.
type Span struct {
	Index       int // in State.Custodians
	Custodian   custody.Custodian
	FromMS      int64
	ToMS        int64
	OutMS       int64          // of it, inside one excursion or more
	Unconfirmed *custody.Party // since the release: 'released by Custodian, not confirmed by this one'
}

// Segment is the time that the organ was in one box, as far as records tell.
type Segment struct {
	Index    int // in State.Segments
	From, To excursion.Moment
}

// Run is a run of records of one journal that were taken into the trip, those that count and those that are only shown.
// Runs are in the order of the way; a box that the organ came back to has more than one.
type Run struct {
	Origin  string
	From    int64            // seq of its first record
	To      int64            // behind its last
	Part    int              // of the way, from 0, as in excursion.Excursion.Segment
	Segment int              // in State.Segments
	First   excursion.Moment // its first record; from there trip time runs with the box's monotonic clock
}

// TripMS is the trip time of a record of the run, in milliseconds.
func (r *Run) TripMS(rec *record.Record) int64 {
	if rec.At.MonoMS <= r.First.BootMS {
		return r.First.TripMS
	}
	return r.First.TripMS + int64(min(rec.At.MonoMS-r.First.BootMS, math.MaxInt32*1000))
}

// Assessment is everything that follows from the acts and the records of one shipment.
type Assessment struct {
	Profile    *profile.Profile
	Report     *excursion.Report
	Excursions []Excursion
	Spans      []Span
	OutMS      int64 // inside one excursion or more: the sum of that of all spans
	Segments   []Segment
	Runs       []Run
	Late       []Late
	Withheld   []Withheld
	Events     []Event            // what the boxes noticed, by begin
	LeftOut    int                // events that are counted only, for there were too many
	Power      *Power             // what a box's battery gauge said last; nil when none spoke
	Simulated  bool               // a record's clock was that of a demonstration
	Box        []record.Excursion // what the box itself had found and closed by this profile, to compare
}

// Held returns how long a custodian, by its place in State.Custodians, held the box, and how much of it was out of range.
func Held(spans []Span, index int) (ms, outMS int64) {
	for _, s := range spans {
		if s.Index == index {
			ms += s.ToMS - s.FromMS
			outMS += s.OutMS
		}
	}
	return ms, outMS
}

// Ended returns the excursions that the box should have recorded as closed: those that ended by themselves.
func (a *Assessment) Ended() []*excursion.Excursion {
	var out []*excursion.Excursion
	for _, x := range a.Report.Excursions {
		if !x.Open && !x.Cut {
			out = append(out, x)
		}
	}
	return out
}

// GapWithheld names the time of a segment of which no record has come: data may have been taken, and is withheld.
const GapWithheld = "data withheld"

// ErrNotPacked is returned while no act packs the organ into a box: there is no trip yet.
var ErrNotPacked = errors.New("not packed yet")

// Assess judges the trip from packing to the opening of the box, or to the newest record while it is under way. The
// journals are those of the boxes of all segments, in any order.
func Assess(state *custody.State, journals []Journal) (*Assessment, error) {
	if state.Packing == nil || len(state.Segments) == 0 {
		return nil, ErrNotPacked
	}
	p, err := state.Packing.PinnedProfile()
	if err != nil {
		return nil, err
	}
	way, err := newRoute(state, journals)
	if err != nil {
		return nil, err
	}
	w := walker{state: state, route: way, eval: excursion.New(p, state.Segments[0].Space), assessment: &Assessment{Profile: p}, changes: changesOf(state)}
	w.end = way.end(state)
	for k := range way.pieces {
		if !w.walk(k) {
			break
		}
	}
	w.finish()
	w.assessment.Withheld = withheld(state, journals)
	return w.assessment, nil
}

// piece is a run of records: part of one journal, in one segment.
type piece struct {
	journal *Journal
	segment int
	from    int64 // seq of the first record
	to      int64 // of the first behind; -1 for all that come
	before  int64 // seq before which records may be of before the segment's begin; zero for none
	fromMS  int64 // wall time of that begin
	untilMS int64 // wall time at which a piece without a known end ends; zero for never
	gap     string
}

// route is the order in which the trip went through the journals.
type route struct{ pieces []piece }

func newRoute(state *custody.State, journals []Journal) (*route, error) {
	sorted, err := byBox(journals)
	if err != nil {
		return nil, err
	}
	r := &route{}
	gap := ""
	for i, seg := range state.Segments {
		if gap == "" && i > 0 {
			gap = seg.Code.String()
		}
		switch {
		case seg.Box.IsZero():
			gap = custody.NoTracker.String()
			continue
		case i == 0 && seg.Start.Origin == "":
			return nil, fmt.Errorf("pack act %x cites a box head that can't be read", seg.Act[:4])
		}
		pieces, err := piecesOf(state, i, sorted[seg.Box])
		if err != nil {
			return nil, err
		}
		if len(pieces) == 0 {
			gap = GapWithheld
			continue
		}
		pieces[0].gap, gap = gap, ""
		r.pieces = append(r.pieces, pieces...)
	}
	return r, nil
}

// byBox sorts each box's journals by its count of openings.
func byBox(journals []Journal) (map[ledger.BoxID][]*Journal, error) {
	out := map[ledger.BoxID][]*Journal{}
	for i := range journals {
		j := &journals[i]
		if j.Boot == nil {
			return nil, fmt.Errorf("journal %s comes without its boot record", j.Origin)
		}
		box, _, err := record.ParseOrigin(j.Origin)
		if err != nil {
			return nil, err
		}
		out[box] = append(out[box], j)
	}
	for _, list := range out {
		slices.SortStableFunc(list, func(a, b *Journal) int {
			return cmp.Or(cmp.Compare(a.Boot.BootCount, b.Boot.BootCount), cmp.Compare(a.Origin, b.Origin))
		})
	}
	return out, nil
}

// piecesOf returns those of one segment; none when the journal that its begin cites has not come.
func piecesOf(state *custody.State, i int, journals []*Journal) ([]piece, error) {
	seg := state.Segments[i]
	index := func(origin string) int {
		return slices.IndexFunc(journals, func(j *Journal) bool { return j.Origin == origin })
	}
	first := index(seg.Start.Origin)
	if first < 0 {
		if i == 0 {
			return nil, fmt.Errorf("journal %s, which the pack act cites, is not here", seg.Start.Origin)
		}
		return nil, nil
	}
	if j := journals[first]; j.From > seg.Start.Size {
		return nil, fmt.Errorf("journal %s begins at record %d, after packing at %d", j.Origin, j.From, seg.Start.Size)
	}
	last, to, untilMS := len(journals)-1, int64(-1), int64(0)
	if i < len(state.Segments)-1 {
		untilMS = seg.Until
		if at := index(seg.End.Origin); at >= first && (at > first || seg.End.Size >= seg.Start.Size) {
			last, to, untilMS = at, seg.End.Size, 0
		}
	}
	newest, later := state.StatedLater(seg)
	seen := index(newest.Origin)
	var out []piece
	for k, j := range journals[first : last+1] {
		p := piece{journal: j, segment: i, from: j.From, to: -1, fromMS: seg.Begin, untilMS: untilMS}
		if k == 0 {
			p.from = seg.Start.Size
		}
		if first+k == last {
			p.to = to
		}
		switch {
		case later && first+k < seen:
			p.before = math.MaxInt64
		case later && first+k == seen:
			p.before = newest.Size
		}
		out = append(out, p)
	}
	return out, nil
}
