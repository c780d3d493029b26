package alarm

import (
	"fmt"
	"strings"
	"testing"

	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
)

// at is an event, minutes after t0.
func at(min int64, step entry.AlarmStep, change func(*entry.AlarmEvent)) Event {
	e := Event{AlarmEvent: entry.AlarmEvent{Alarm: [16]byte{0xab}, Step: step, Round: 1, Code: string(TooCold), Severity: uint8(profile.High), SinceMS: t0},
		RecordTimeMS: t0 + min*minute, Index: min}
	if change != nil {
		change(&e.AlarmEvent)
	}
	return e
}

func ack(r Reason) func(*entry.AlarmEvent) {
	return func(e *entry.AlarmEvent) { e.Reason, e.By = r.String(), ledger.PersonID{1} }
}

func told(organisation string) func(*entry.AlarmEvent) {
	return func(e *entry.AlarmEvent) {
		e.Organisation, e.Channel, e.Event = organisation, string(Webhook), ID(e.Alarm).String()+"-1-raised"
	}
}

func round(n uint32) func(*entry.AlarmEvent) { return func(e *entry.AlarmEvent) { e.Round = n } }

func folded(events ...Event) *Log {
	logs := map[ID]*Log{}
	Fold(logs, events)
	return logs[ID{0xab}]
}

func TestLog_Due(t *testing.T) {
	raised := at(0, entry.AlarmRaised, nil)
	ended := func(min int64) Event {
		return at(min, entry.AlarmEnded, func(e *entry.AlarmEvent) { e.UntilMS = t0 + min*minute })
	}
	low := at(0, entry.AlarmRaised, func(e *entry.AlarmEvent) { e.Severity = uint8(profile.Low) })
	late := at(0, entry.AlarmRaised, func(e *entry.AlarmEvent) { e.UntilMS, e.Late = t0, true })
	to := Recipients{First: []string{"air", "center", "air", ""}, Then: []string{"opo"}}
	for _, tt := range []struct {
		name   string
		events []Event
		now    float64 // minutes
		want   string
	}{
		{"at once", []Event{raised}, 0, "air raised, center raised"},
		{"4 min 59 s", []Event{raised}, 4.98, "air raised, center raised"},
		{"5 min: escalated", []Event{raised}, 5, "opo escalated, air raised, center raised"},
		{"19 min 59 s", []Event{raised}, 19.98, "opo escalated, air raised, center raised"},
		{"20 min: to all", []Event{raised}, 20, "air repeated-1, center repeated-1, opo repeated-1"},
		{"35 min: again", []Event{raised}, 35, "air repeated-2, center repeated-2, opo repeated-2"},
		{"a day: still", []Event{raised}, 24 * 60, "air repeated-95, center repeated-95, opo repeated-95"},
		{"seen before the escalation", []Event{raised, at(4, entry.AlarmAcknowledged, ack(Seen))}, 18, "air raised, center raised"},
		{"seen, and nobody acts", []Event{raised, at(4, entry.AlarmAcknowledged, ack(Seen))}, 20, "air repeated-1, center repeated-1, opo repeated-1"},
		{"acting mutes for half an hour", []Event{raised, at(6, entry.AlarmAcknowledged, ack(Acting))}, 35.9, "opo escalated, air raised, center raised"},
		{"no longer", []Event{raised, at(6, entry.AlarmAcknowledged, ack(Acting))}, 50, "air repeated-3, center repeated-3, opo repeated-3"},
		{"an unknown reason mutes nothing", []Event{raised, at(6, entry.AlarmAcknowledged, func(e *entry.AlarmEvent) { e.Reason = "asleep" })}, 20, "air repeated-1, center repeated-1, opo repeated-1"},
		{"low: once", []Event{low}, 600, "air raised, center raised"},
		{"low, over: still once", []Event{low, ended(3)}, 10, "air raised, center raised"},
		{"late: once", []Event{late}, 600, "air raised, center raised"},
		{"late, a day on", []Event{late}, 24*60 + 1, ""},
		{"over: who was told, and who should have been", []Event{raised, at(5, entry.AlarmTold, told("opo")), ended(7)}, 7, "air ended, center ended, opo ended"},
		{"over, escalation never handed over", []Event{raised, ended(7)}, 7, "air ended, center ended"},
		{"over for a day", []Event{raised, ended(7)}, 24*60 + 7, "air ended, center ended"},
		{"over for longer", []Event{raised, ended(7)}, 24*60 + 8, ""},
		{"ended twice", []Event{raised, ended(7), ended(9)}, 24*60 + 8, ""},
		{"again", []Event{raised, at(2, entry.AlarmAcknowledged, ack(Acting)), ended(7), at(9, entry.AlarmRaised, round(2))}, 14, "opo escalated, air raised, center raised"},
		{"raised by two leaders", []Event{raised, at(1, entry.AlarmRaised, nil)}, 5, "opo escalated, air raised, center raised"},
		{"only an end", []Event{ended(7)}, 7, ""},
	} {
		var got []string
		for _, d := range folded(tt.events...).Due(to, t0+int64(tt.now*minute)) {
			step := d.Event[strings.Index(d.Event, "-")+3:]
			got = append(got, d.Organisation+" "+step)
			if d.AtMS > t0+int64(tt.now*minute) {
				t.Errorf("%s: %s is due at %d, later than now", tt.name, step, d.AtMS)
			}
		}
		if text := strings.Join(got, ", "); text != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, text, tt.want)
		}
	}
	again := folded(raised, ended(7), at(9, entry.AlarmRaised, round(2)))
	if first, second := folded(raised).Due(to, t0)[0].Event, again.Due(to, t0+9*minute)[0].Event; first == second {
		t.Errorf("an alarm that comes again has the same message %s: receivers would drop it", first)
	}
}

func TestLog_Told(t *testing.T) {
	l := folded(at(0, entry.AlarmRaised, nil), at(1, entry.AlarmTold, told("air")), at(2, entry.AlarmFailed, told("center")))
	event := fmt.Sprintf("%s-1-raised", l.ID)
	if !l.Told(event, "air", Webhook) || l.Told(event, "air", Email) || l.Told(event, "center", Webhook) || l.Told("x", "air", Webhook) {
		t.Errorf("told: %+v", l.Deliveries)
	}
	if !l.Failed(event, "center", Webhook) || l.Failed(event, "air", Webhook) {
		t.Errorf("failed: %+v", l.Deliveries)
	}
}

func message(change func(*Message)) *Message {
	m := &Message{Event: "e-1-raised", Step: StepRaised, Box: "L4-7Q2X", Code: TooCold, Severity: profile.High, SinceMS: t0, TimeMS: t0 + 6*minute}
	if change != nil {
		change(m)
	}
	return m
}

func TestMessage_Subject(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Message)
		want   string
	}{
		{"raised", nil, "Box L4-7Q2X: too cold since 14:13 UTC (high)"},
		{"escalated", func(m *Message) { m.Step = StepEscalated }, "Box L4-7Q2X: too cold since 14:13 UTC (high, not acknowledged)"},
		{"repeated", func(m *Message) { m.Step = StepRepeated }, "Box L4-7Q2X: too cold since 14:13 UTC (high, still not acknowledged)"},
		{"ended", func(m *Message) { m.Step, m.UntilMS = StepEnded, t0+5*minute }, "Box L4-7Q2X: too cold from 14:13 to 14:18 UTC, over (high)"},
		{"late", func(m *Message) { m.Late, m.UntilMS, m.Severity = true, t0+5*minute, profile.Low }, "Box L4-7Q2X: too cold from 14:13 to 14:18 UTC, over (low, late)"},
		{"12 h later", func(m *Message) { m.TimeMS = t0 + 12*60*minute }, "Box L4-7Q2X: too cold since 2026-09-21 14:13 UTC (high)"},
		{"a test", func(m *Message) { m.Box, m.Code, m.Severity = "", TestOfContact, profile.Low }, "test alarm (low)"},
	} {
		if got := message(tt.change).Subject(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMessage_JSON(t *testing.T) {
	got, err := message(func(m *Message) { m.UntilMS = t0 + 5*minute }).JSON()
	want := `{"type":"alarm.raised","timestamp":"2026-09-21T14:19:20Z","data":{"event":"e-1-raised","box":"L4-7Q2X","state":"too cold","severity":"high",` +
		`"since":"2026-09-21T14:13:20Z","until":"2026-09-21T14:18:20Z","text":"Box L4-7Q2X: too cold from 14:13 to 14:18 UTC, over (high)"}}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	if text := message(nil).Text(); !strings.Contains(text, "Message e-1-raised") {
		t.Errorf("text without its ID: %s", text)
	}
}
