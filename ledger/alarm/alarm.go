// Package alarm says which alarms a case has at a time, and which messages about them are due: pure functions of what the
// ledger holds, so that every node finds the same and a new leader goes on where the old one stopped.
//
// An alarm tells people; it changes nothing and holds up nothing. Sending is the work of ledger/node and api/notify.
package alarm

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/ischemia"
	"isotherm/ledger/profile"
	"isotherm/ledger/progress"
	"isotherm/ledger/record"
	"isotherm/ledger/trip"
)

const (
	minute = 60_000 // milliseconds

	silent   = 10 * minute // without contact while under way
	withheld = 10 * minute // records that an act cites may be this long under way
	lateBy   = 10 * minute // what is learned this much after it happened is marked late
)

// Call is whom to call.
type Call struct {
	Organisation string
	Phone        string
}

// Alarm is one alarm of a case at a time.
type Alarm struct {
	ID        ID
	Code      Code
	Severity  profile.Severity
	What      string // 'Too cold: 1.2 °C, band 2 to 8'
	SinceMS   int64  // when it began, as the data say: Unix milliseconds
	UntilMS   int64  // when it was over; zero while it lasts
	LearnedMS int64  // when the ledger learned of it
	Late      bool   // it was over before it was learned, or learned long after it happened: never shown as live
	Do        []string
	Call      []Call
}

// Cold is the cold clock, as far as alarms need it: when its limits were reached, Unix milliseconds, zero while they were
// not.
type Cold struct {
	Running bool
	WarnMS  int64
	LimitMS int64
}

// ColdOf takes from the clock when its limits were or will be reached, by the longest the organ may have been cold.
func ColdOf(c *ischemia.Clock) Cold {
	out := Cold{Running: c.End == ischemia.Running}
	for i := len(c.Periods) - 1; i >= 0; i-- {
		p := &c.Periods[i]
		if p.State != custody.Cold {
			continue
		}
		// Counted back from the end of the last period in the cold, so that the time stays the same while the clock runs.
		at := func(limitMS uint64) int64 {
			if limitMS == 0 || limitMS > math.MaxInt64 || c.Cold.HiMS < int64(limitMS) {
				return 0
			}
			return p.End.MS + p.End.ErrorMS - (c.Cold.HiMS - int64(limitMS))
		}
		out.WarnMS, out.LimitMS = at(c.WarnMS), at(c.LimitMS)
		break
	}
	return out
}

// Contact is when the ledger last heard of the box.
type Contact struct {
	LastMS   int64 // RecordTime of its newest batch, or of the act that packed it; zero for never
	RadioOff bool  // a record says that its radio was switched off, and none after that it is on again
}

// Withheld is that an act cites records of the box that the ledger does not hold.
type Withheld struct {
	SinceMS int64 // RecordTime of the first such act; zero when nothing is withheld
	Heard   bool  // the box was in contact long enough after it to have delivered them
}

// Input is what alarms follow from.
type Input struct {
	Shipment ledger.ShipmentID
	State    *custody.State
	Trip     *trip.Assessment // nil while there is none
	Cold     Cold
	Progress progress.Progress
	Contact  Contact
	Withheld Withheld
	Probes   []record.Probe    // as the newest boot record of the trip describes them
	Phones   map[string]string // of organisations, by code
	Known    map[ID]int64      // alarms that were raised before: when the ledger learned of them
	NowMS    int64
}

// Of returns the alarms of a case: those that last, most urgent first, and excursions that are over, so that each can be
// told of once.
func Of(in Input) []Alarm {
	if in.State == nil {
		return nil
	}
	f := finder{Input: in, call: calls(&in)}
	f.excursions()
	switch {
	case in.State.Phase == custody.PhasePacked:
		f.underWay()
		f.custody()
	case in.State.Phase > custody.PhasePacked && in.State.Phase < custody.PhaseClosed:
		f.custody()
	}
	slices.SortFunc(f.out, Compare)
	return f.out
}

// Compare orders alarms: those that last before those that are over, then by severity, low side first, older first.
func Compare(a, b Alarm) int {
	return cmp.Or(
		boolean(a.UntilMS != 0)-boolean(b.UntilMS != 0),
		-cmp.Compare(a.Severity, b.Severity),
		-cmp.Compare(boolean(a.Code.lowSide()), boolean(b.Code.lowSide())),
		cmp.Compare(a.SinceMS, b.SinceMS),
		bytes.Compare(a.ID[:], b.ID[:]),
	)
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

type finder struct {
	Input
	call []Call
	out  []Alarm
}

// calls returns both ends of the way, and who holds the box.
func calls(in *Input) []Call {
	var out []Call
	add := func(code, phone string) {
		if phone == "" {
			phone = in.Phones[code]
		}
		if code != "" && !slices.ContainsFunc(out, func(c Call) bool { return c.Organisation == code }) {
			out = append(out, Call{Organisation: code, Phone: phone})
		}
	}
	s := in.State
	if n := len(s.Custodians); n > 0 && s.Phase == custody.PhasePacked {
		add(s.Custodians[n-1].Party.Organisation, "")
	}
	if o := s.Opening; o != nil {
		add(o.From, o.FromPhone)
		if r := s.Redirect; r != nil && r.Dest != "" {
			add(r.Dest, r.DestPhone)
		} else {
			add(s.Destination(), o.DestPhone)
		}
	}
	return out
}

// add raises an alarm that lasts. detail tells alarms of one code and begin apart.
func (f *finder) add(code Code, severity profile.Severity, sinceMS int64, detail, what string, do []string) {
	a := Alarm{ID: IDOf(f.Shipment, code, detail, sinceMS), Code: code, Severity: severity, What: what, SinceMS: sinceMS, LearnedMS: f.NowMS, Do: do, Call: f.call}
	if learned, ok := f.Known[a.ID]; ok {
		a.LearnedMS = learned
	}
	f.out = append(f.out, a)
}

// noBox tells whether the organ travels without a tracker.
func (f *finder) noBox() bool {
	n := len(f.State.Segments)
	return n > 0 && f.State.Segments[n-1].Box.IsZero()
}

// underWay adds what matters between packing and receipt.
func (f *finder) underWay() {
	f.silence()
	f.cold()
	f.way()
	f.calibration()
	if w := f.Withheld; w.SinceMS != 0 && f.NowMS-w.SinceMS >= withheld {
		severity := profile.Low
		if w.Heard {
			severity = profile.Medium
		}
		f.add(DataWithheld, severity, w.SinceMS, "", "Data withheld: records that people saw on the box have not come", doWithheld)
	}
}

func (f *finder) silence() {
	if f.noBox() || f.Contact.LastMS == 0 || f.NowMS-f.Contact.LastMS < silent {
		return
	}
	if f.Contact.RadioOff {
		f.add(Silence, profile.Low, f.Contact.LastMS, "", "No contact with the box: its radio was switched off", doRadioOff)
		return
	}
	f.add(Silence, profile.Medium, f.Contact.LastMS, "", "No contact with the box", doSilence)
}

func (f *finder) cold() {
	c := f.Cold
	switch {
	case !c.Running:
	case c.LimitMS != 0 && f.NowMS >= c.LimitMS:
		f.add(ColdLimit, profile.High, c.LimitMS, "", "Cold time: the program's limit has passed", doCold)
	case c.WarnMS != 0 && f.NowMS >= c.WarnMS:
		f.add(ColdWarning, profile.Medium, c.WarnMS, "", "Cold time: near the program's limit", doCold)
	}
}

// way adds what the comparison of plan and positions found.
func (f *finder) way() {
	for i := range f.Progress.Findings {
		x := &f.Progress.Findings[i]
		code, severity, do := WrongPlace, profile.High, doPlace
		switch x.Kind {
		case progress.LeftBehind:
			code, do = LeftBehind, doBehind
		case progress.HandoffOverdue:
			code, severity, do = HandoffLate, profile.Medium, doHandoff
		case progress.NoProgress:
			code, severity, do = NoProgress, profile.Medium, doProgress
		case progress.Delayed:
			code, severity, do = Delayed, profile.Medium, doDelay
		}
		f.add(code, severity, x.SinceMS, "", finding(f.State, x), do)
	}
}

func (f *finder) calibration() {
	if f.Trip == nil || f.Trip.Profile == nil {
		return
	}
	for _, p := range f.Probes {
		if p.UntilMS != 0 && p.UntilMS < f.NowMS && f.judged(p.Place) {
			f.add(Calibration, profile.Low, p.UntilMS, probe(p.Number), "Calibration of "+probe(p.Number)+" has expired", doCalibration)
		}
	}
}

// judged tells whether the profile judges probes at a place, in whichever space of the box.
func (f *finder) judged(place string) bool {
	want := f.Trip.Profile.ProbePlace
	return place == want || len(place) > len(want) && place[:len(want)] == want && place[len(want)] == '/'
}

// custody adds what people have to settle, before and after receipt.
func (f *finder) custody() {
	s := f.State
	for i := range s.Disputes {
		d := &s.Disputes[i]
		if d.Ruling != [32]byte{} {
			continue
		}
		f.add(Conflict, profile.Medium, f.disputed(d), string(d.Parent[:]), "Conflicting claims of custody: a ruling by two people is needed", doConflict)
	}
	if a := s.Arrival; a != nil && a.Arrival == custody.Mismatch {
		f.add(Mismatch, profile.High, a.EventTimeMS, "", "Arrival check: donor ID, organ or side do not match", doMismatch)
	}
}

// disputed returns when the ledger took the claim that made it a dispute: the second to be entered.
func (f *finder) disputed(d *custody.Dispute) int64 {
	n := 0
	for i := range f.State.History {
		if item := &f.State.History[i]; slices.Contains(d.Claims, item.Hash) {
			if n++; n == 2 {
				return item.RecordTimeMS
			}
		}
	}
	return f.NowMS
}

// excursions adds those that last and those that are over; a total lasts while it grows. One that was over before anybody knew of it is a late notice.
func (f *finder) excursions() {
	if f.Trip == nil || f.Trip.Profile == nil {
		return
	}
	for i := range f.Trip.Excursions {
		x := f.Trip.Excursions[i].Excursion
		a := Alarm{Code: codeOf(x.Rule.Kind), Severity: x.Rule.Severity, SinceMS: x.Began.WallMS, LearnedMS: f.NowMS, Call: f.call}
		a.ID = IDOf(f.Shipment, a.Code, x.Rule.Name+"/"+probe(x.Probe), x.Began.WallMS)
		learned, known := f.Known[a.ID]
		if known {
			a.LearnedMS = learned
		}
		if !x.Active {
			a.UntilMS = max(x.Ended.WallMS, 1)
		}
		happened := x.Began.WallMS + int64(x.Rule.DelayMS)
		a.Late = a.LearnedMS-happened >= lateBy
		if a.UntilMS != 0 && (!known || a.UntilMS < a.LearnedMS) {
			a.Late, a.Severity = true, profile.Low
		}
		a.What = excursionText(f.Trip.Profile, x)
		a.Do = steps(f.Trip.Profile, a.Code)
		f.out = append(f.out, a)
	}
}
