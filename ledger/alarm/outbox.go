package alarm

import (
	"fmt"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
)

// When messages are due after an alarm was raised, while nobody acknowledges it.
const (
	escalateAfter = 5 * minute  // the organisation that opened the case is told, too
	repeatEvery   = 15 * minute // then everybody again
	giveUpAfter   = 24 * 60 * minute
)

// Event is an alarm event as the ledger holds it.
type Event struct {
	entry.AlarmEvent
	Index        int64
	RecordTimeMS int64
}

// Ack is an acknowledgement. It keeps the alarm from being repeated until UntilMS, no longer.
type Ack struct {
	By      ledger.PersonID
	Reason  Reason
	AtMS    int64
	UntilMS int64
}

// Delivery is a message that was handed over, or could not be after several tries.
type Delivery struct {
	Event        string
	Organisation string
	Channel      Channel
	Round        uint32
	AtMS         int64
	Failed       bool
	Reason       string
}

// Log is what the ledger's own entries say of one alarm. Whoever has them knows which messages are due: what was raised,
// less what was told.
type Log struct {
	ID         ID
	Code       Code
	Severity   profile.Severity // when it was raised last
	Box        ledger.BoxID
	Round      uint32 // how often it began
	Late       bool
	SinceMS    int64
	UntilMS    int64           // as the data say; zero while it lasts
	LearnedMS  int64           // RecordTime of the first raising
	RaisedMS   int64           // RecordTime of the last raising
	EndedMS    int64           // RecordTime of the end; zero while it lasts
	By         ledger.PersonID // of a test: who asked for it
	Acks       []Ack           // of this round
	Deliveries []Delivery
	Index      int64 // of its newest entry
}

// maxDeliveries bounds what is kept of one alarm: a week of repeats on all channels of three organisations.
const maxDeliveries = 10_000

// Fold adds events, in entry order, to what is known of a case's alarms.
func Fold(logs map[ID]*Log, events []Event) {
	for i := range events {
		e := &events[i]
		l := logs[ID(e.Alarm)]
		if l == nil {
			l = &Log{ID: ID(e.Alarm), Code: Code(e.Code), LearnedMS: e.RecordTimeMS}
			logs[l.ID] = l
		}
		l.Index = e.Index
		l.take(e)
	}
}

func (l *Log) take(e *Event) {
	switch e.Step {
	case entry.AlarmRaised:
		if e.Round <= l.Round {
			return // two leaders for a moment, or a repeat
		}
		l.Round, l.RaisedMS, l.Acks = e.Round, e.RecordTimeMS, nil
		l.Code, l.Severity, l.Box, l.Late, l.By = Code(e.Code), profile.Severity(e.Severity), e.Box, e.Late, e.By
		l.SinceMS, l.UntilMS, l.EndedMS = e.SinceMS, e.UntilMS, 0
		if e.UntilMS != 0 {
			l.EndedMS = e.RecordTimeMS // a late notice: over before it was raised
		}
	case entry.AlarmEnded:
		if e.Round == l.Round && l.EndedMS == 0 {
			l.UntilMS, l.EndedMS = e.UntilMS, e.RecordTimeMS
		}
	case entry.AlarmAcknowledged:
		reason, err := ParseReason(e.Reason)
		if err == nil && e.Round == l.Round {
			l.Acks = append(l.Acks, Ack{By: e.By, Reason: reason, AtMS: e.RecordTimeMS, UntilMS: e.RecordTimeMS + reason.MuteMS()})
		}
	case entry.AlarmTold, entry.AlarmFailed:
		if len(l.Deliveries) < maxDeliveries {
			l.Deliveries = append(l.Deliveries, Delivery{Event: e.Event, Organisation: e.Organisation, Channel: Channel(e.Channel), Round: e.Round,
				AtMS: e.RecordTimeMS, Failed: e.Step == entry.AlarmFailed, Reason: e.Reason})
		}
	}
}

// Active tells whether the alarm lasts.
func (l *Log) Active() bool { return l.Round > 0 && l.EndedMS == 0 }

// MutedUntilMS returns until when acknowledgements keep the alarm from being repeated, zero when they do not.
func (l *Log) MutedUntilMS(nowMS int64) int64 {
	until := int64(0)
	for _, a := range l.Acks {
		if a.AtMS <= nowMS && nowMS < a.UntilMS {
			until = max(until, a.UntilMS)
		}
	}
	return until
}

// Recipients are the organisations that are told of a case's alarms, by their codes.
type Recipients struct {
	First []string // custodian and destination
	Then  []string // who opened the case
}

// Of returns who is told of an alarm of this kind: of a mismatch on arrival both sides are told at once, the donor's too.
func (to Recipients) Of(code Code) Recipients {
	if code == Mismatch {
		return Recipients{First: slices.Concat(to.First, to.Then), Then: to.Then}
	}
	return to
}

// Step is why a message is sent. Numbers are append only.
type Step uint8

// The steps.
const (
	StepRaised    Step = 1
	StepEscalated Step = 2
	StepRepeated  Step = 3
	StepEnded     Step = 4
)

var stepNames = [...]string{StepRaised: "raised", StepEscalated: "escalated", StepRepeated: "repeated", StepEnded: "ended"}

func (s Step) String() string {
	if s >= StepRaised && s <= StepEnded {
		return stepNames[s]
	}
	return fmt.Sprintf("unknown(%d)", uint8(s))
}

// Due is a message that an organisation should have got by now.
type Due struct {
	Event        string // names the message: alarm, round and step. A duplicate has the same
	Step         Step
	Organisation string
	AtMS         int64 // since when it is due
}

// Due returns the newest message due to each organisation. Older ones that were never handed over are passed over: nobody
// needs three repeats at once.
func (l *Log) Due(to Recipients, nowMS int64) []Due {
	if l.Round == 0 {
		return nil
	}
	var out []Due
	add := func(organisations []string, step Step, atMS, n int64) {
		event := fmt.Sprintf("%s-%d-%s", l.ID, l.Round, step)
		if step == StepRepeated {
			event = fmt.Sprintf("%s-%d", event, n)
		}
		for _, o := range organisations {
			if o != "" && !slices.ContainsFunc(out, func(d Due) bool { return d.Organisation == o }) {
				out = append(out, Due{Event: event, Step: step, Organisation: o, AtMS: atMS})
			}
		}
	}
	n := l.repeats(nowMS)
	switch {
	case l.Active() && n >= 2:
		add(slices.Concat(to.First, to.Then), StepRepeated, l.dueMS(n), n-1)
	case l.Active() && n == 1:
		add(to.Then, StepEscalated, l.dueMS(n), 0)
		add(to.First, StepRaised, l.RaisedMS, 0)
	case l.Active():
		add(to.First, StepRaised, l.RaisedMS, 0)
	case nowMS-l.EndedMS > giveUpAfter:
	case l.Severity <= profile.Low || l.EndedMS == l.RaisedMS: // told once, be it late or a test
		add(to.First, StepRaised, l.RaisedMS, 0)
	default: // who was not told that it began learns that it was
		add(slices.Concat(to.First, l.told()), StepEnded, l.EndedMS, 0)
	}
	return out
}

// repeats returns the newest time at which people were to be told: 0 when it was raised, 1 the escalation, then each
// repeat. Those that an acknowledgement muted do not count, nor do any of an alarm of low severity: that one is told once.
func (l *Log) repeats(nowMS int64) int64 {
	age := nowMS - l.RaisedMS
	if age < escalateAfter || l.Severity <= profile.Low {
		return 0
	}
	for n := 1 + (age-escalateAfter)/repeatEvery; n > 0; n-- {
		if l.MutedUntilMS(l.dueMS(n)) == 0 {
			return n
		}
	}
	return 0
}

func (l *Log) dueMS(n int64) int64 { return l.RaisedMS + escalateAfter + (n-1)*repeatEvery }

// told returns the organisations that got a message of this round.
func (l *Log) told() []string {
	var out []string
	for _, d := range l.Deliveries {
		if d.Round == l.Round && !d.Failed && !slices.Contains(out, d.Organisation) {
			out = append(out, d.Organisation)
		}
	}
	return out
}

// Told tells whether a message was handed over.
func (l *Log) Told(event, organisation string, channel Channel) bool {
	return l.has(event, organisation, channel, false)
}

// Failed tells whether it was entered that a message could not be handed over.
func (l *Log) Failed(event, organisation string, channel Channel) bool {
	return l.has(event, organisation, channel, true)
}

func (l *Log) has(event, organisation string, channel Channel, failed bool) bool {
	return slices.ContainsFunc(l.Deliveries, func(d Delivery) bool {
		return d.Event == event && d.Organisation == organisation && d.Channel == channel && d.Failed == failed
	})
}
