package bundle

import (
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// NoEnd is the End of a run that takes all records that come.
const NoEnd = -1

// Span is a run of records: from seq From up to, not including, End.
type Span struct{ From, End int64 }

// Holds tells whether a record is in the run.
func (s Span) Holds(seq int64) bool { return seq >= s.From && (s.End == NoEnd || seq < s.End) }

// Part is what of one incarnation belongs to a trip: the records of Spans, of which there are several when the organ came
// back into the box. Whole holds them all; what lies between is carried along, so that the journal's tree can be checked.
type Part struct {
	Box         ledger.BoxID
	Incarnation ledger.IncarnationID
	Whole       Span
	Spans       []Span
}

// Equal tells whether two parts are the same.
func (p Part) Equal(q Part) bool {
	return p.Incarnation == q.Incarnation && p.Whole == q.Whole && slices.Equal(p.Spans, q.Spans)
}

// Holds tells whether a record of the incarnation belongs to the trip.
func (p Part) Holds(seq uint64) bool {
	return slices.ContainsFunc(p.Spans, func(s Span) bool { return s.Holds(int64(seq)) })
}

// Parts returns the journals of all segments of a trip: each from the incarnation that the segment's begin cites to the
// one that its end cites, or to the newest. The last segment ends where the box was received or opened, whichever is
// farther. journals returns a box's incarnations in the order in which the ledger learned of them. An incarnation that the
// ledger has not got is not among the parts.
func Parts(state *custody.State, journals func(ledger.BoxID) []ledger.IncarnationID) []Part {
	var out []Part
	for i, seg := range state.Segments {
		if seg.Box.IsZero() {
			continue
		}
		ends := []merkle.Checkpoint{seg.End}
		if i == len(state.Segments)-1 {
			ends = endsOf(state)
		}
		for _, p := range segmentParts(journals(seg.Box), seg, ends) {
			if k := slices.IndexFunc(out, func(o Part) bool { return o.Incarnation == p.Incarnation }); k >= 0 {
				out[k] = join(out[k], p)
				continue
			}
			out = append(out, p)
		}
	}
	return out
}

// endsOf returns the heads that end the last segment: where the box was received and opened, or where the case was stood
// down or closed without that.
func endsOf(state *custody.State) []merkle.Checkpoint {
	if st := state.Stopped(); st != nil {
		head, _ := custody.HeadOf(st.Head)
		return []merkle.Checkpoint{head}
	}
	return state.Ends()
}

// segmentParts returns the journals of one segment, among the box's, up to the farthest of its ends.
func segmentParts(incs []ledger.IncarnationID, seg custody.Segment, ends []merkle.Checkpoint) []Part {
	place := func(origin string) int {
		return slices.IndexFunc(incs, func(inc ledger.IncarnationID) bool { return record.Origin(seg.Box, inc) == origin })
	}
	first := place(seg.Start.Origin)
	if first < 0 {
		return nil
	}
	last, end := len(incs)-1, int64(NoEnd)
	for _, cp := range ends {
		at := place(cp.Origin)
		if at < 0 || end != NoEnd && (at < last || at == last && cp.Size < end) {
			continue
		}
		last, end = at, cp.Size
	}
	if end != NoEnd && last <= first { // an end before the begin leaves nothing
		if last < first {
			last, end = first, 0
		}
		end = max(end, seg.Start.Size)
	}
	var out []Part
	for i := first; i <= last; i++ {
		run := Span{End: NoEnd}
		if i == first {
			run.From = seg.Start.Size
		}
		if i == last {
			run.End = end
		}
		out = append(out, Part{Box: seg.Box, Incarnation: incs[i], Whole: run, Spans: []Span{run}})
	}
	return out
}

// join returns the part that holds two parts of one incarnation.
func join(a, b Part) Part {
	a.Whole.From = min(a.Whole.From, b.Whole.From)
	if a.Whole.End == NoEnd || b.Whole.End == NoEnd {
		a.Whole.End = NoEnd
	} else {
		a.Whole.End = max(a.Whole.End, b.Whole.End)
	}
	a.Spans = append(slices.Clip(a.Spans), b.Spans...)
	return a
}
