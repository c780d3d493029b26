// Package trip joins what people signed with what the box recorded: it judges the readings of one shipment by its pinned
// profile and tells which custodian held the box in every out-of-range minute. The ledger's pages and the offline
// verifier use this one function. It computes only.
package trip

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"isotherm/ledger/custody"
	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// Journal is what is held of one incarnation of the box's journal.
type Journal struct {
	Origin  string
	From    int64 // seq of the first of Records
	Boot    *record.Boot
	Records []*record.Record
}

// Share is the part of an excursion that fell in one custodian's time. It says who held the box, not who caused it:
// heat lags.
type Share struct {
	Party custody.Party
	MS    int64
}

// Excursion is an excursion with the custodians in whose time it fell.
type Excursion struct {
	*excursion.Excursion
	Held []Share
}

// Span is one custodian's time, in milliseconds of trip time.
type Span struct {
	Custodian custody.Custodian
	FromMS    int64
	ToMS      int64
	OutMS     int64 // of it, inside excursions
}

// Assessment is everything that follows from the acts and the records of one shipment.
type Assessment struct {
	Profile    *profile.Profile
	Report     *excursion.Report
	Excursions []Excursion
	Spans      []Span
	Box        []record.Excursion // what the box itself had found and closed, to compare
}

// ErrNotPacked is returned while no act packs the organ into a box: there is no trip yet.
var ErrNotPacked = errors.New("not packed yet")

// Assess judges the trip from packing to receipt, or to the newest record while it is under way. The journals are those
// of the packed box, in any order.
func Assess(state *custody.State, journals []Journal) (*Assessment, error) {
	if state.Packing == nil {
		return nil, ErrNotPacked
	}
	p, err := state.Packing.PinnedProfile()
	if err != nil {
		return nil, err
	}
	start, ok := custody.HeadOf(state.Packing.Head)
	if !ok {
		return nil, fmt.Errorf("pack act %s cites a box head that can't be read", state.Packing.ID)
	}
	journals, err = inOrder(journals, start.Origin)
	if err != nil {
		return nil, err
	}
	w := walker{state: state, eval: excursion.New(p), assessment: &Assessment{Profile: p}, order: map[string]int{}}
	for i, j := range journals {
		w.order[j.Origin] = i
	}
	for _, j := range journals {
		if j.Origin == start.Origin && j.From > start.Size {
			return nil, fmt.Errorf("journal %s begins at record %d, after packing at %d", j.Origin, j.From, start.Size)
		}
		if !w.walk(j, start.Origin, start.Size) {
			break
		}
	}
	w.finish()
	return w.assessment, nil
}

// inOrder sorts journals by the box's count of openings and drops those before packing.
func inOrder(journals []Journal, origin string) ([]Journal, error) {
	sorted := slices.Clone(journals)
	for _, j := range sorted {
		if j.Boot == nil {
			return nil, fmt.Errorf("journal %s comes without its boot record", j.Origin)
		}
	}
	slices.SortStableFunc(sorted, func(a, b Journal) int { return cmp.Compare(a.Boot.BootCount, b.Boot.BootCount) })
	i := slices.IndexFunc(sorted, func(j Journal) bool { return j.Origin == origin })
	if i < 0 {
		return nil, fmt.Errorf("journal %s, which the pack act cites, is not here", origin)
	}
	return sorted[i:], nil
}

type walker struct {
	state      *custody.State
	eval       *excursion.Evaluator
	assessment *Assessment
	order      map[string]int // place of each journal, by origin
}

// walk steps through one journal and returns false once the box was received.
func (w *walker) walk(j Journal, origin string, from int64) bool {
	if j.Origin == origin || j.From > 0 { // its boot record is not among those that Step sees
		w.eval.Configure(j.Boot)
	}
	for _, r := range j.Records {
		if j.Origin == origin && int64(r.Seq) < from {
			continue
		}
		if w.received(j.Origin, r) {
			return false
		}
		w.eval.Step(r)
		w.takeOver(j.Origin, r)
		if r.Kind == record.KindExcursionClosed {
			w.assessment.Box = append(w.assessment.Box, *r.Excursion)
		}
	}
	return true
}

// received tells whether the record came after the box was received: at or behind the place that the receipt pins. It may
// pin the end of one incarnation, and a later one go on behind it. A receipt that pins no known place counts from the time
// it states.
func (w *walker) received(origin string, r *record.Record) bool {
	if w.state.ReceivedAt == nil {
		return false
	}
	at, known := w.order[w.state.ReceivedAt.Origin]
	if !known {
		return r.At.WallMS >= w.state.Receipt.EventTimeMS
	}
	here := w.order[origin]
	return here > at || here == at && int64(r.Seq) >= w.state.ReceivedAt.Size
}

// takeOver starts the spans of custodians whose act pins this place of the journals, or one before it. An act that pins
// no known place counts from the time it states.
func (w *walker) takeOver(origin string, r *record.Record) {
	a := w.assessment
	for len(a.Spans) < len(w.state.Custodians) {
		c := w.state.Custodians[len(a.Spans)]
		at, known := w.order[c.Head.Origin]
		here := w.order[origin]
		if known && (here < at || here == at && int64(r.Seq) < c.Head.Size) || !known && r.At.WallMS < c.SinceMS {
			return
		}
		now := w.eval.Report().Last.TripMS
		if n := len(a.Spans); n > 0 {
			a.Spans[n-1].ToMS = now
		}
		a.Spans = append(a.Spans, Span{Custodian: c, FromMS: now, ToMS: now})
	}
}

// finish ends the last span and shares the excursions out.
func (w *walker) finish() {
	a := w.assessment
	a.Report = w.eval.Report()
	if n := len(a.Spans); n > 0 {
		a.Spans[n-1].ToMS = a.Report.Last.TripMS
	}
	for _, x := range a.Report.Excursions {
		e := Excursion{Excursion: x}
		for i := range a.Spans {
			s := &a.Spans[i]
			if ms := min(x.Ended.TripMS, s.ToMS) - max(x.Began.TripMS, s.FromMS); ms > 0 {
				e.Held = append(e.Held, Share{Party: s.Custodian.Party, MS: ms})
				s.OutMS += ms
			}
		}
		a.Excursions = append(a.Excursions, e)
	}
}
