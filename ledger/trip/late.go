package trip

import (
	"cmp"
	"slices"

	"isotherm/ledger/custody"
	"isotherm/ledger/excursion"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

// lateAfterMS is how much later than it was made a record may come before it is called late: the box sends every few
// minutes, and clocks differ.
const lateAfterMS = 5 * 60_000

// The causes of late records.
const (
	CauseFlight   = "flight"    // its time lies in a leg by air
	CauseRadioOff = "radio off" // the box says that its radio was switched off
	CauseNoCover  = "no cover"  // the radio was on, but nothing got through
	CauseUnknown  = "unknown"   // the clock was not set: how late the records are is not known
)

// Late is a run of records that came late: data that was taken, and was not there when it was needed. It looks live
// nowhere.
type Late struct {
	Origin       string
	From, To     excursion.Moment // of its first and last record
	Records      int
	RecordTimeMS int64 // when the last of them came
	LateMS       int64 // the greatest delay of a record; zero when unknown
	Cause        string
}

// lateness finds late records as the walker goes through them.
type lateness struct {
	journal *Journal
	out     []Late
	running bool  // the last of out goes on
	off     bool  // the radio, now
	batch   int   // of the journal's arrivals: that of the newest record
	lastMS  int64 // monotonic time of that batch's last record
	last    int   // index in the journal's records behind it
}

// begin goes on with a journal.
func (l *lateness) begin(j *Journal) {
	*l = lateness{journal: j, out: l.out, batch: -1}
}

// watch keeps track of the radio.
func (l *lateness) watch(r *record.Record) {
	switch {
	case r.Boot != nil:
		l.off = false // power-on switches it on
	case r.Output != nil && r.Output.Name == "radio":
		l.off = !r.Output.On
	}
}

// step takes the next record.
func (l *lateness) step(r *record.Record, now excursion.Moment) {
	l.watch(r)
	if !l.arrival(r) {
		l.running = false
		return
	}
	came := l.journal.Arrived[l.batch].RecordTimeMS
	// The box itself was that much further when it sent: that holds for any clock.
	late := l.lastMS - int64(r.At.MonoMS)
	switch r.At.Quality {
	case record.ClockRTC, record.ClockNTP, record.ClockGNSS:
		late = max(late, came-r.At.WallMS)
	}
	cause := CauseNoCover
	switch {
	case late > lateAfterMS:
	case r.At.Quality == record.ClockUnset:
		cause, late = CauseUnknown, 0
	default:
		l.running = false
		return
	}
	if n := len(l.out); !l.running || (l.out[n-1].Cause == CauseUnknown) != (cause == CauseUnknown) {
		l.out = append(l.out, Late{Origin: l.journal.Origin, From: now, Cause: cause})
		l.running = true
	}
	w := &l.out[len(l.out)-1]
	w.To, w.RecordTimeMS = now, came
	w.Records++
	w.LateMS = max(w.LateMS, late)
	if l.off && w.Cause == CauseNoCover {
		w.Cause = CauseRadioOff
	}
}

// arrival moves on to the batch that the record came in; false when it is not known.
func (l *lateness) arrival(r *record.Record) bool {
	j := l.journal
	moved := false
	for l.batch < 0 || l.batch < len(j.Arrived) && j.Arrived[l.batch].To <= int64(r.Seq) {
		l.batch++
		moved = true
	}
	if l.batch >= len(j.Arrived) {
		return false
	}
	if moved {
		for l.last < len(j.Records) && int64(j.Records[l.last].Seq) < j.Arrived[l.batch].To {
			l.last++
		}
		l.lastMS = int64(j.Records[l.last-1].At.MonoMS)
	}
	return true
}

// finish returns the late records; in flight, where a leg by air says so.
func (l *lateness) finish(state *custody.State) []Late {
	flights := flightsOf(state)
	for i := range l.out {
		w := &l.out[i]
		for _, f := range flights {
			if w.Cause != CauseUnknown && w.From.WallMS <= f.ToMS && w.To.WallMS >= f.FromMS {
				w.Cause = CauseFlight
			}
		}
	}
	return l.out
}

// flightsOf returns the times in the air, as people stated them.
func flightsOf(state *custody.State) []excursion.Part {
	var out []excursion.Part
	open := map[uint8]int{} // index + 1 in out of the leg that was departed on
	for _, st := range state.Waypoints {
		if st.Leg < 1 || int(st.Leg) > len(state.Legs) {
			continue
		}
		switch state.Legs[st.Leg-1].Mode {
		case custody.Flight, custody.Charter, custody.Rotor, custody.Drone:
		default:
			continue
		}
		switch {
		case st.LegState == custody.Departed:
			out = append(out, excursion.Part{FromMS: st.EventTimeMS, ToMS: 1<<63 - 1})
			open[st.Leg] = len(out)
		case st.LegState == custody.Arrived && open[st.Leg] > 0:
			out[open[st.Leg]-1].ToMS = st.EventTimeMS
		}
	}
	return out
}

// Withheld is a journal of which people, or the box itself, cited more than the ledger holds: data that was taken and has
// not come.
type Withheld struct {
	Origin string
	Held   int64    // size of the journal as the ledger holds it
	Cited  int64    // greatest size that is cited
	Act    [32]byte // that cites it; zero when the journal's successor does
}

// withheld compares what is cited with what is held, in the order in which the journals are first cited. A journal that is
// not given counts when the way of the organ leads through it: an act may cite a box that has long gone on without it.
func withheld(state *custody.State, journals []Journal) []Withheld {
	held := map[string]int64{}
	for i := range journals {
		held[journals[i].Origin] = journals[i].held()
	}
	way := wayOf(state)
	var out []Withheld
	cite := func(cp merkle.Checkpoint, act [32]byte) {
		size, given := held[cp.Origin]
		if cp.Size <= size || !given && !way[cp.Origin] {
			return
		}
		for i := range out {
			if out[i].Origin == cp.Origin {
				if cp.Size > out[i].Cited {
					out[i].Cited, out[i].Act = cp.Size, act
				}
				return
			}
		}
		out = append(out, Withheld{Origin: cp.Origin, Held: held[cp.Origin], Cited: cp.Size, Act: act})
	}
	for _, pin := range state.Pins {
		if cp, ok := custody.HeadOf(pin.Head); ok {
			cite(cp, pin.Act)
		}
	}
	for _, j := range ordered(journals) {
		box, _, err := record.ParseOrigin(j.Origin)
		if p := j.Boot.Predecessor; p != nil && err == nil {
			if origin := record.Origin(box, p.Incarnation); held[origin] > 0 {
				cite(merkle.Checkpoint{Origin: origin, Size: p.Size}, [32]byte{})
			}
		}
	}
	return out
}

// wayOf returns the journals that the acts say the organ went through.
func wayOf(state *custody.State) map[string]bool {
	heads := state.Ends()
	for _, seg := range state.Segments {
		heads = append(heads, seg.Start, seg.End)
	}
	for _, c := range state.Custodians {
		heads = append(heads, c.Head)
		if c.Released != nil {
			heads = append(heads, c.Released.Head)
		}
	}
	out := map[string]bool{}
	for _, cp := range heads {
		out[cp.Origin] = true
	}
	return out
}

// ordered returns the journals by origin, so that their order when they were given does not matter.
func ordered(journals []Journal) []Journal {
	out := slices.Clone(journals)
	slices.SortFunc(out, func(a, b Journal) int { return cmp.Compare(a.Origin, b.Origin) })
	return out
}
