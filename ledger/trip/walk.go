package trip

import (
	"slices"

	"isotherm/ledger/custody"
	"isotherm/ledger/excursion"
	"isotherm/ledger/merkle"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// change is the begin of a span: a custodian takes over, or offers the box to somebody.
type change struct {
	index       int
	custodian   custody.Custodian
	head        merkle.Checkpoint
	sinceMS     int64
	unconfirmed *custody.Party
}

// changesOf returns the changes of a trip in their order.
func changesOf(state *custody.State) []change {
	var out []change
	for i, c := range state.Custodians {
		out = append(out, change{index: i, custodian: c, head: c.Head, sinceMS: c.SinceMS})
		if o := c.Released; o != nil {
			to := o.To
			out = append(out, change{index: i, custodian: c, head: o.Head, sinceMS: o.SinceMS, unconfirmed: &to})
		}
	}
	return out
}

type walker struct {
	state      *custody.State
	route      *route
	eval       *excursion.Evaluator
	assessment *Assessment
	changes    []change // those that have not begun yet
	end        ends
	late       lateness
	events     events
	next       int64 // seq behind the last record of the running piece
	at         int   // the running piece
	part       int   // of the way, from 0
	piece      int   // that of the newest run
}

// walk steps through one piece and returns false once the trip is over.
func (w *walker) walk(k int) bool {
	p := &w.route.pieces[k]
	before := w.eval.Now()
	if k > 0 && p.segment != w.route.pieces[k-1].segment {
		w.eval.EndSegment()
		w.eval.StartSegment(w.state.Segments[p.segment].Space, p.gap)
		if len(w.assessment.Runs) > 0 {
			w.part++ // as the evaluator counts
		}
	}
	if p.from > 0 { // its boot record is not among those that Step sees
		w.eval.Configure(p.journal.Boot)
	}
	w.at, w.next = k, p.from
	w.late.begin(p.journal)
	first := true
	for _, r := range p.journal.Records {
		seq := int64(r.Seq)
		switch {
		case seq < p.from:
			w.late.watch(r)
			continue
		case p.to >= 0 && seq >= p.to || p.untilMS != 0 && r.At.WallMS >= p.untilMS:
			return true
		case w.early(p, r):
			w.late.watch(r)
			if r.Boot != nil {
				w.eval.Configure(r.Boot)
			}
			w.next = seq + 1
			continue
		case !w.count(k, r):
			return false
		}
		w.eval.Step(r)
		w.next = seq + 1
		w.run(k, r)
		w.late.step(r, w.eval.Now())
		w.events.step(r, w.eval.Now())
		if w.eval.Report().Opened {
			continue
		}
		w.segment(p.segment)
		w.takeOver(k, r, before, first)
		w.compare(r)
		first = false
	}
	return true
}

// early tells whether a record was made before its segment began, which an act that was stated later says by its time only.
// No record is left out that was made after the signing, or by a clock that was not set, whatever time it bears.
func (w *walker) early(p *piece, r *record.Record) bool {
	if n := len(w.assessment.Segments); n > 0 && w.assessment.Segments[n-1].Index == p.segment {
		return false
	}
	return int64(r.Seq) < p.before && r.At.WallMS < p.fromMS && r.At.Quality != record.ClockUnset
}

// count ends what counts where the box was opened. It returns false behind the last record that is taken.
func (w *walker) count(k int, r *record.Record) bool {
	if !w.end.counts.reached(k, r) {
		return true
	}
	w.eval.Open()
	return w.end.taken.known && !w.end.taken.reached(k, r)
}

// run notes that a record was taken.
func (w *walker) run(k int, r *record.Record) {
	a, p := w.assessment, &w.route.pieces[k]
	if n := len(a.Runs); n == 0 || w.piece != k {
		a.Runs = append(a.Runs, Run{Origin: p.journal.Origin, From: int64(r.Seq), Part: w.part, Segment: p.segment, First: w.eval.Now()})
		w.piece = k
		w.events.begin(p.segment, p.journal.Boot)
	}
	a.Runs[len(a.Runs)-1].To = int64(r.Seq) + 1
}

// segment notes how far a segment goes.
func (w *walker) segment(index int) {
	a, now := w.assessment, w.eval.Now()
	if n := len(a.Segments); n == 0 || a.Segments[n-1].Index != index {
		a.Segments = append(a.Segments, Segment{Index: index, From: now})
	}
	a.Segments[len(a.Segments)-1].To = now
}

// takeOver starts the spans of custodians whose act pins this place of the journals, or one before it. An act that pins
// no known place counts from the time it states: from the first record that is not before it, and between two segments,
// where there is no record, from that time itself. before is the last moment ahead of the piece.
func (w *walker) takeOver(k int, r *record.Record, before excursion.Moment, first bool) {
	a := w.assessment
	now := w.eval.Now()
	for len(w.changes) > 0 {
		c := w.changes[0]
		at := w.route.place(c.head, c.sinceMS)
		if len(a.Spans) > 0 && !at.reached(k, r) {
			return
		}
		from := now.TripMS
		if first && k > 0 && !at.known && c.sinceMS >= before.WallMS {
			from = min(now.TripMS, before.TripMS+c.sinceMS-before.WallMS)
		}
		if n := len(a.Spans); n > 0 {
			from = max(from, a.Spans[n-1].FromMS)
			a.Spans[n-1].ToMS = from
		}
		a.Spans = append(a.Spans, Span{Index: c.index, Custodian: c.custodian, FromMS: from, ToMS: from, Unconfirmed: c.unconfirmed})
		w.changes = w.changes[1:]
	}
}

// compare keeps what the box itself found by this profile. Another shipment may be in the box, under rules of its own.
func (w *walker) compare(r *record.Record) {
	if r.Kind != record.KindExcursionClosed {
		return
	}
	for _, rule := range w.assessment.Profile.Rules {
		if rule.Name == r.Excursion.Rule && (rule.Kind == profile.Silent || w.eval.Judges(r.Excursion.Probe)) {
			w.assessment.Box = append(w.assessment.Box, *r.Excursion)
		}
	}
}

// finish ends the last span and shares the excursions out.
func (w *walker) finish() {
	a := w.assessment
	if end := w.end.counts; end.known && (w.at > end.piece || w.at == end.piece && w.next >= end.size) {
		w.eval.Open() // everything until then has come
	}
	a.Report = w.eval.Report()
	a.Simulated = a.Report.Simulated
	a.Late = w.late.finish(w.state)
	a.Events, a.LeftOut, a.Power = w.events.finish(), w.events.leftOut, w.events.power
	if n := len(a.Spans); n > 0 {
		a.Spans[n-1].ToMS = a.Report.Last.TripMS
	}
	a.Spans = slices.DeleteFunc(a.Spans, func(s Span) bool { return s.Unconfirmed != nil && s.FromMS == s.ToMS }) // accepted at once
	var all []excursion.Part
	for _, x := range a.Report.Excursions {
		e := Excursion{Excursion: x}
		times := x.Times()
		for i := range a.Spans {
			s := &a.Spans[i]
			if ms := within(times, s.FromMS, s.ToMS); ms > 0 {
				e.Held = append(e.Held, Share{Party: s.Custodian.Party, MS: ms, Unconfirmed: s.Unconfirmed, Disputed: s.Custodian.Disputed, Span: i})
			}
		}
		all = append(all, times...)
		a.Excursions = append(a.Excursions, e)
	}
	all = union(all)
	for i := range a.Spans {
		s := &a.Spans[i]
		s.OutMS = within(all, s.FromMS, s.ToMS)
		a.OutMS += s.OutMS
	}
}
