package gnss

import (
	"math"
	"slices"
	"time"

	"isotherm/hardware"
)

// Moment is what a receiver's clock shows.
type Moment struct {
	Known     bool          // false: the receiver gave no time of day, and the rest is zero
	TimeOfDay time.Duration // UTC since midnight
	Date      time.Time     // midnight UTC; zero when the sentences gave none
}

// UTC returns date and time, and false when there is no date.
func (m Moment) UTC() (time.Time, bool) {
	if m.Date.IsZero() {
		return time.Time{}, false
	}
	return m.Date.Add(m.TimeOfDay), true
}

// since is how long after other m is. Without both dates it is at most half a day either way: 00:00:01 is two seconds
// after 23:59:59.
func (m Moment) since(other Moment) time.Duration {
	if a, ok := m.UTC(); ok {
		if b, ok := other.UTC(); ok {
			return a.Sub(b)
		}
	}
	const day = 24 * time.Hour
	d := (m.TimeOfDay - other.TimeOfDay + day) % day
	if d > day/2 {
		d -= day
	}
	return d
}

// Gap is a piece of time of which nothing came.
type Gap struct {
	From    Moment // the last moment before it
	To      Moment // the first after it
	Missing int64  // how many moments there should have been in between, going by those before the gap
}

// EarliestDate is the default of Decoder.SetEarliest: no box ran before it.
const EarliestDate = "2026-01-01"

func earliestDate() time.Time {
	at, err := time.Parse(time.DateOnly, EarliestDate)
	if err != nil {
		return time.Time{} // can't happen; a test holds it
	}
	return at
}

const (
	// GPS counts weeks with ten bits (IS-GPS-200), so a receiver that can't tell the eras apart is 1,024 weeks off.
	eraWeeks = 1024
	era      = eraWeeks * 7 * 24 * time.Hour

	eraSlack   = 48 * time.Hour        // how exactly a step back has to be an era
	stepCount  = 15                    // steps the period is learned from
	assumed    = time.Second           // the period before any step is known: what nearly every receiver does
	firstGap   = time.Minute           // and a first step that is longer than this is a gap at that period
	precision  = 40 * time.Millisecond // sentences of one moment may show it this differently; no receiver is faster than 25 Hz
	unsureStep = time.Hour             // a step of a receiver without a fix that is not believed, because its clock may not be set
)

// timeline follows the receiver's clock from one epoch to the next.
type timeline struct {
	earliest time.Time // no date before it is believed
	started  bool      // last is there
	last     Moment    // the newest moment that can be believed
	unsure   int64     // epochs since then whose time is not known or not believed
	steps    []time.Duration
	rolled   bool // the dates are snapped just now, which has been said
	lost     bool // a clock without a fix is behind last, which has been said
}

// turn is what one epoch says about time.
type turn struct {
	moment   Moment // with the date that is believed
	weeks    int    // by how much its date was moved
	rollover bool   // the date begins to be off, or ends to be
	backward bool
	gap      Gap // when gap.Missing is not zero
}

// next takes the next epoch. good says that it has a fix; the clock of a receiver without one may not be set.
func (l *timeline) next(m Moment, good bool) turn {
	t := turn{moment: m}
	if !m.Known {
		l.unsure++
		return t
	}
	step := l.step(&t)
	switch {
	case !l.started && !good:
		l.unsure++
		return t
	case !good && l.started && (step <= 0 || step > unsureStep):
		t.backward = step < 0 && !l.lost
		l.lost = l.lost || step < 0
		l.unsure++
		return t
	case step < -precision:
		t.backward = true
	case l.started:
		t.gap = l.gap(step, t.moment)
		l.learn(step)
	}
	l.started, l.last, l.unsure, l.lost = true, t.moment, 0, false
	return t
}

// step moves the date of a turn by eras until it can be true, and returns how long after the last moment it is then.
func (l *timeline) step(t *turn) time.Duration {
	if !t.moment.Date.IsZero() {
		for t.moment.Date.Before(l.earliest) {
			t.moment.Date = t.moment.Date.Add(era)
			t.weeks += eraWeeks
		}
	}
	step := time.Duration(0)
	if l.started {
		step = t.moment.since(l.last)
	}
	eras := time.Duration(math.Round(float64(step) / float64(era)))
	if (step - eras*era).Abs() > eraSlack {
		eras = 0
	}
	// A receiver whose week counter ran over while it was on falls back, and its dates go on from where they were. One
	// that finds out that it was wrong goes forward, and is believed.
	if eras < 0 {
		t.moment.Date = t.moment.Date.Add(-eras * era)
		t.weeks -= int(eras) * eraWeeks
	}
	if !t.moment.Date.IsZero() {
		t.rollover = eras > 0 || (t.weeks != 0) != l.rolled
		l.rolled = t.weeks != 0
	}
	return step - eras*era
}

// gap returns what is missing in a step of the given length to m.
func (l *timeline) gap(step time.Duration, m Moment) Gap {
	period := l.period()
	if period == 0 {
		if step <= firstGap {
			return Gap{}
		}
		period = assumed
	}
	// Not rounded to the nearest: times in whole seconds make a step of
	// three out of a period of 2.05 s every now and then, and nothing is missing there.
	missing := int64((step+period*3/10)/period) - 1 - l.unsure
	if missing <= 0 {
		return Gap{}
	}
	return Gap{From: l.last, To: m, Missing: missing}
}

// period is the mean of the newest steps that are near the middle one, so that neither gaps nor single odd steps change
// it; zero when nothing has been learned.
func (l *timeline) period() time.Duration {
	if len(l.steps) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(l.steps))
	middle := sorted[(len(sorted)-1)/2]
	sum, n := time.Duration(0), time.Duration(0)
	for _, step := range sorted {
		if step > middle/2 && step <= middle*8/5 {
			sum, n = sum+step, n+1
		}
	}
	return sum / n
}

func (l *timeline) learn(step time.Duration) {
	if step < precision || step > unsureStep || l.unsure > 0 {
		return
	}
	if len(l.steps) == stepCount {
		l.steps = slices.Delete(l.steps, 0, 1)
	}
	l.steps = append(l.steps, step)
}

// faults lists what the turn has to say that is not a gap.
func (t turn) faults() []hardware.Fault {
	var list []hardware.Fault
	if t.rollover {
		list = append(list, hardware.Rollover)
	}
	if t.backward {
		list = append(list, hardware.TimeBackwards)
	}
	return list
}
