// Package ischemia computes the cold ischemia clock of one organ from what people stated: when cold preservation began,
// when the organ was perfused, when it came out of the cold. Times that people typed are uncertain, so every total is an
// interval. The package computes only: no clock, no disk. It gives no clinical advice and calls no organ good or bad.
//
// # When the clock runs
//
// It starts at the start of cold preservation that the pack act states (cross-clamp or flush), else at the first
// preservation act that says cold or cold-perfused. A preservation act changes the state from its event time on. The clock
// ends:
//
//  1. at the first 'out of cold' that does not lie before the start; else
//  2. outside this record: at the opening of the box at its destination, else at the receipt, unless a later preservation act
//     shows that somebody still reports; else at the outcome (a redirection is none), else at the closing or the
//     stand-down. A time that has not come yet ends nothing; else
//  3. not yet.
//
// # How sure it is
//
// A start or a change is off by the time error of its act, either way; the present is exact. A period lasts at least
// (end - error of the end) - (begin + error of the begin), never less than nothing, and at most
// (end + error) - (begin - error). A total adds up the shortest and the longest: each boundary may be off on its own.
package ischemia

import (
	"fmt"
	"math"

	"isotherm/ledger/custody"
	"isotherm/ledger/profile"
)

// Interval is a span of time in milliseconds that is known from LoMS to HiMS.
type Interval struct{ LoMS, HiMS int64 }

// Moment is a time as stated, in Unix milliseconds, that may be off by ErrorMS either way.
type Moment struct{ MS, ErrorMS int64 }

// Period is a time in one state of preservation.
type Period struct {
	State custody.Preservation
	Begin Moment
	End   Moment // the present while it lasts
	Lasts Interval
}

// End says how the clock ended. Numbers are append only.
type End uint8

// The ends of a clock.
const (
	NotStarted End = 1 // no start of cold preservation is stated
	Running    End = 2
	OutOfCold  End = 3 // as the center reported
	Outside    End = 4 // outside this record: what is known ends before the organ came out of the cold
)

func (e End) String() string {
	switch e {
	case NotStarted:
		return "not started"
	case Running:
		return "running"
	case OutOfCold:
		return "out of cold"
	case Outside:
		return "ended outside this record"
	}
	return fmt.Sprintf("unknown(%d)", uint8(e))
}

// Status compares the longest the organ may have been cold with the program's limits. Numbers are append only.
type Status uint8

// The statuses. A bound is reached when the time is at least as long.
const (
	NoLimit Status = 1 // the profile sets none, or the clock has not started
	Within  Status = 2
	Warn    Status = 3 // ColdWarnMS is reached
	Reserve Status = 4 // what is left of the limit is reserved for implanting
	Over    Status = 5 // the program's limit is reached
)

func (s Status) String() string {
	switch s {
	case NoLimit:
		return "no limit"
	case Within:
		return "within the program's limits"
	case Warn:
		return "near the program's limit"
	case Reserve:
		return "in the time reserved for implanting"
	case Over:
		return "over the program's limit"
	}
	return fmt.Sprintf("unknown(%d)", uint8(s))
}

// Flag is a contradiction between stated times. Code is stable; Text says it in English.
type Flag struct {
	Code string
	Text string
}

// The codes of flags.
const (
	FlagNoStart          = "no-cold-start"            // packed, but nobody states when cold preservation began
	FlagStartFuture      = "cold-start-in-future"     // the start lies after the present, by more than its error
	FlagStartAfterPack   = "cold-start-after-packing" // the start lies after packing, by more than the error
	FlagBeforeStart      = "preserved-before-start"   // a preservation act lies before the start, by more than both errors
	FlagFuture           = "preserved-in-future"      // a preservation act lies after the present, by more than its error
	FlagAfterOutOfCold   = "preserved-after-out-of-cold"
	FlagOutOfColdNoStart = "out-of-cold-without-start"
)

// Clock is what is known at one moment.
type Clock struct {
	End       End
	Start     Moment               // zero when not started
	Stop      Moment               // zero while it runs
	Now       custody.Preservation // state at the moment, or at the end; zero when not started
	Periods   []Period             // without a hole, from Start to Stop or the present
	Cold      Interval             // in static cold, all periods: what the limits judge
	Perfused  Interval             // cold and warm, all periods: counted apart
	Status    Status
	WarnMS    uint64 // the profile's; zero for none
	LimitMS   uint64
	ImplantMS uint64   // of the limit, reserved for implanting
	Left      Interval // LimitMS - ImplantMS - Cold; negative once used up; zero for NoLimit
	Flags     []Flag
}

// Of returns the clock of a shipment at a moment in Unix milliseconds. p is the pinned profile, or nil for no limits.
func Of(s *custody.State, p *profile.Profile, nowMS int64) Clock {
	w := watch{state: s, now: min(max(nowMS, 0), maxTimeMS)}
	w.clock.End, w.clock.Status = NotStarted, NoLimit
	if w.start() {
		w.run()
	}
	if p != nil {
		w.judge(p)
	}
	return w.clock
}

// maxTimeMS is the end of the year 9999, as in statements.
const maxTimeMS = 253_402_300_799_999

// add adds without overflow: the number of periods is not bounded.
func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func (i Interval) plus(j Interval) Interval {
	return Interval{add(i.LoMS, j.LoMS), add(i.HiMS, j.HiMS)}
}

func between(begin, end Moment) Interval {
	lo := end.MS - end.ErrorMS - begin.MS - begin.ErrorMS
	hi := end.MS + end.ErrorMS - begin.MS + begin.ErrorMS
	return Interval{max(lo, 0), max(hi, 0)}
}

func moment(s *custody.Statement) Moment { return Moment{s.EventTimeMS, s.TimeErrorMS} }

// before tells whether a lies before b whatever the errors.
func (a Moment) before(b Moment) bool { return a.MS+a.ErrorMS < b.MS-b.ErrorMS }

type watch struct {
	state *custody.State
	clock Clock
	now   int64
}

func (w *watch) flag(code, format string, args ...any) {
	w.clock.Flags = append(w.clock.Flags, Flag{code, fmt.Sprintf(format, args...)})
}

// start finds the begin of cold preservation.
func (w *watch) start() bool {
	pack := w.state.Packing
	switch {
	case pack != nil && pack.ColdMS != 0:
		w.clock.Start = Moment{pack.ColdMS, pack.TimeErrorMS}
		if pack.EventTimeMS != 0 && (Moment{MS: pack.EventTimeMS}).before(w.clock.Start) {
			w.flag(FlagStartAfterPack, "cold preservation is said to have begun after packing")
		}
	default:
		first := w.first()
		if pack != nil {
			w.flag(FlagNoStart, "packed, but the pack act does not state when cold preservation began")
		}
		if first == nil {
			return false
		}
		w.clock.Start = moment(first)
	}
	if (Moment{MS: w.now}).before(w.clock.Start) {
		w.flag(FlagStartFuture, "cold preservation is said to begin in the future")
	}
	return true
}

// first returns the first preservation act that says cold.
func (w *watch) first() *custody.Statement {
	for _, s := range w.state.Preservation {
		switch s.Preservation {
		case custody.Cold, custody.ColdPerfused:
			return s
		case custody.OutOfCold:
			w.flag(FlagOutOfColdNoStart, "reported out of cold, but no start of cold preservation is stated")
			return nil
		}
	}
	return nil
}

// run walks through the changes.
func (w *watch) run() {
	c := &w.clock
	c.End, c.Now = Running, custody.Cold
	begin := c.Start
	outside := w.outside()
	for _, s := range w.state.Preservation {
		at := moment(s)
		switch {
		case (Moment{MS: w.now}).before(at):
			w.flag(FlagFuture, "%s is said to begin in the future", s.Preservation)
			continue
		case c.End == OutOfCold:
			w.flag(FlagAfterOutOfCold, "%s is said to begin after the organ came out of the cold", s.Preservation)
			continue
		case at.before(c.Start) && s.Preservation == custody.WarmPerfused:
			continue // before the cold the organ may well have been perfused warm: that is not the clock's time
		case at.before(c.Start):
			w.flag(FlagBeforeStart, "%s is said to have begun before cold preservation", s.Preservation)
			if s.Preservation == custody.OutOfCold {
				continue // what never began can't have ended
			}
		}
		if at.MS < begin.MS { // as good as at the start
			at = begin
		}
		if s.Preservation == custody.OutOfCold {
			w.period(begin, at)
			c.End, c.Stop = OutOfCold, at
			continue
		}
		if s.Preservation != c.Now {
			w.period(begin, at)
			begin, c.Now = at, s.Preservation
		}
	}
	switch {
	case c.End == OutOfCold:
		c.Now = custody.OutOfCold
	case outside != nil:
		c.End, c.Stop = Outside, *outside
		if c.Stop.MS < begin.MS {
			c.Stop = begin
		}
		w.period(begin, c.Stop)
	default:
		end := Moment{MS: max(w.now, begin.MS)}
		w.period(begin, end)
	}
}

// period adds a period of the present state; one that is empty beyond doubt is none.
func (w *watch) period(begin, end Moment) {
	c := &w.clock
	p := Period{State: c.Now, Begin: begin, End: end, Lasts: between(begin, end)}
	if begin == end {
		return
	}
	c.Periods = append(c.Periods, p)
	if c.Now == custody.Cold {
		c.Cold = c.Cold.plus(p.Lasts)
		return
	}
	c.Perfused = c.Perfused.plus(p.Lasts)
}

// outside returns the end of the record, or nil while it goes on.
func (w *watch) outside() *Moment {
	end := w.arrived()
	if end == nil {
		end = w.ended()
	}
	if end == nil {
		return nil
	}
	at := moment(end)
	if (Moment{MS: w.now}).before(at) {
		return nil
	}
	return &at
}

// arrived returns the opening of the box at its destination, else the receipt, unless a preservation act came later.
func (w *watch) arrived() *custody.Statement {
	end := w.state.Opened
	if end == nil {
		end = w.state.Receipt
	}
	for _, p := range w.state.Preservation {
		if end != nil && p.EventTimeMS > end.EventTimeMS {
			return nil
		}
	}
	return end
}

// ended returns the outcome, else the newest closing or stand-down.
func (w *watch) ended() *custody.Statement {
	s := w.state
	if s.Outcome != nil && s.Outcome.Result != custody.Redirected {
		return s.Outcome
	}
	var end *custody.Statement
	for i := range s.History {
		item := &s.History[i]
		k := item.Right.Kind
		closed := k == custody.Close && s.Phase == custody.PhaseClosed || k == custody.StandDown && s.Phase == custody.PhaseStoodDown
		if closed && item.Standing == custody.Applied && (end == nil || item.Right.EventTimeMS > end.EventTimeMS) {
			end = item.Right
		}
	}
	return end
}

// judge compares the time in the cold with the program's limits.
func (w *watch) judge(p *profile.Profile) {
	c := &w.clock
	c.WarnMS, c.LimitMS, c.ImplantMS = p.ColdWarnMS, p.ColdLimitMS, p.ImplantMS
	if c.End == NotStarted || c.LimitMS == 0 {
		return
	}
	limit := int64(min(c.LimitMS, math.MaxInt64))
	usable := limit - int64(min(c.ImplantMS, uint64(limit)))
	c.Left = Interval{usable - c.Cold.HiMS, usable - c.Cold.LoMS}
	switch hi := c.Cold.HiMS; {
	case hi >= limit:
		c.Status = Over
	case hi >= usable:
		c.Status = Reserve
	case c.WarnMS != 0 && uint64(hi) >= c.WarnMS:
		c.Status = Warn
	default:
		c.Status = Within
	}
}
