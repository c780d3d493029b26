package entry

import (
	"isotherm/ledger"
	"isotherm/ledger/cbor"
)

// AlarmStep is what happened to an alarm. Numbers are append only.
type AlarmStep uint8

// The steps.
const (
	AlarmRaised       AlarmStep = 1
	AlarmTold         AlarmStep = 2 // a message about it was handed over
	AlarmFailed       AlarmStep = 3 // a message could not be handed over after several tries
	AlarmAcknowledged AlarmStep = 4
	AlarmEnded        AlarmStep = 5
)

var alarmSteps = names{AlarmRaised: "raised", AlarmTold: "told", AlarmFailed: "not told", AlarmAcknowledged: "acknowledged", AlarmEnded: "ended"}

func (s AlarmStep) String() string { return alarmSteps.name(uint8(s)) }

// AlarmEvent is the payload of KindAlarm. Its subject is the case, or the account of the organisation for a test alarm.
type AlarmEvent struct {
	Alarm        [ledger.IDSize]byte // see alarm.ID
	Step         AlarmStep
	Round        uint32 // raised, ended: how often it began, from 1; told, failed: that of the raising
	Code         string // what it is about: 'too-cold'
	Severity     uint8  // numbers of profile.Severity
	Late         bool   // raised: it was over before it was learned
	Box          ledger.BoxID
	SinceMS      int64           // when it began, as the data say
	UntilMS      int64           // ended: when it ended, as the data say; zero while it lasts
	Event        string          // told, failed: ID of the message
	Organisation string          // told, failed: whom
	Channel      string          // told, failed: 'webhook', 'e-mail', 'hook'
	By           ledger.PersonID // acknowledged, or raised as a test: who
	Reason       string          // acknowledged: coded; failed: class of the failure
}

// Marshal returns the canonical bytes.
func (p *AlarmEvent) Marshal() []byte {
	b := cbor.AppendBytes(cbor.AppendArray(nil, 14), p.Alarm[:])
	b = cbor.AppendUint(b, uint64(p.Step))
	b = cbor.AppendUint(b, uint64(p.Round))
	b = cbor.AppendText(b, p.Code)
	b = cbor.AppendUint(b, uint64(p.Severity))
	b = cbor.AppendBool(b, p.Late)
	b = cbor.AppendBytes(b, p.Box[:])
	b = cbor.AppendInt(b, p.SinceMS)
	b = cbor.AppendInt(b, p.UntilMS)
	b = cbor.AppendText(b, p.Event)
	b = cbor.AppendText(b, p.Organisation)
	b = cbor.AppendText(b, p.Channel)
	b = cbor.AppendBytes(b, p.By[:])
	return cbor.AppendText(b, p.Reason)
}

// ParseAlarmEvent reads what Marshal writes.
func ParseAlarmEvent(b []byte) (*AlarmEvent, error) {
	d := cbor.NewDecoder(b)
	var p AlarmEvent
	d.ArrayOf(14)
	d.Fixed(p.Alarm[:])
	p.Step = AlarmStep(d.UintMax(255))
	p.Round = uint32(d.UintMax(1<<32 - 1))
	p.Code = d.Text(maxText)
	p.Severity = uint8(d.UintMax(255))
	p.Late = d.Bool()
	d.Fixed(p.Box[:])
	p.SinceMS = d.Int()
	p.UntilMS = d.Int()
	p.Event = d.Text(maxText)
	p.Organisation = d.Text(maxText)
	p.Channel = d.Text(maxText)
	d.Fixed(p.By[:])
	p.Reason = d.Text(maxText)
	return &p, finish("alarm event", d, p.Marshal(), b)
}

// maxChannels bounds the channels of an organisation's alarms.
const maxChannels = 8

// ContactChanged is the payload of KindContact: the ways in which alarms reach an organisation were changed. Numbers and
// addresses are in the private state only. Its subject is the account of the organisation.
type ContactChanged struct {
	Organisation string
	By           ledger.PersonID
	Channels     []string // that are set from now on
}

// Marshal returns the canonical bytes.
func (p *ContactChanged) Marshal() []byte {
	b := cbor.AppendText(cbor.AppendArray(nil, 3), p.Organisation)
	b = cbor.AppendBytes(b, p.By[:])
	b = cbor.AppendArray(b, len(p.Channels))
	for _, c := range p.Channels {
		b = cbor.AppendText(b, c)
	}
	return b
}

// ParseContactChanged reads what Marshal writes.
func ParseContactChanged(b []byte) (*ContactChanged, error) {
	d := cbor.NewDecoder(b)
	var p ContactChanged
	d.ArrayOf(3)
	p.Organisation = d.Text(maxText)
	d.Fixed(p.By[:])
	for range d.Array(maxChannels) {
		p.Channels = append(p.Channels, d.Text(maxText))
	}
	return &p, finish("change of contacts", d, p.Marshal(), b)
}
