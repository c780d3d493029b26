package node

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"

	"isotherm/ledger"
	"isotherm/ledger/alarm"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// alarmCache keeps what was entered of alarms, by case or organisation, and which cases have none to look for. Both begin
// anew beyond maxAlarmLogs: everything in them can be read again. The zero value is ready.
type alarmCache struct {
	mu    sync.Mutex
	logs  map[entry.Subject]*alarmLog // guarded by mu
	quiet map[entry.Subject]uint64    // count of the chain at which nothing lasted and nothing could begin; guarded by mu
}

const maxAlarmLogs = 20_000

// alarmLog is what the first count entries of a chain say.
type alarmLog struct {
	count uint64
	logs  map[alarm.ID]*alarm.Log
}

// alarmLogs returns what was entered of the alarms of a case or an organisation.
func (n *Node) alarmLogs(v *store.View, s entry.Subject) (map[alarm.ID]alarm.Log, error) {
	count, _, _ := v.Last(s)
	n.alarms.mu.Lock()
	defer n.alarms.mu.Unlock()
	held := n.alarms.logs[s]
	if held == nil {
		held = &alarmLog{logs: map[alarm.ID]*alarm.Log{}}
		if n.alarms.logs == nil || len(n.alarms.logs) >= maxAlarmLogs {
			n.alarms.logs = map[entry.Subject]*alarmLog{}
		}
		n.alarms.logs[s] = held
	}
	if held.count < count { // a view that is older than the cache sees a little more than it should
		events, err := n.alarmEvents(v, s, held.count)
		if err != nil {
			return nil, err
		}
		alarm.Fold(held.logs, events)
		held.count = count
	}
	out := make(map[alarm.ID]alarm.Log, len(held.logs))
	for id, l := range held.logs { // Fold only appends to the slices that a copy shares
		out[id] = *l
	}
	return out, nil
}

// alarmEvents returns the alarm events of a chain after its first have entries, in entry order.
func (n *Node) alarmEvents(v *store.View, s entry.Subject, have uint64) ([]alarm.Event, error) {
	var out []alarm.Event
	for o, err := range n.payloads(v, s, entry.KindAlarm, have) {
		if err != nil {
			return nil, err
		}
		e, err := entry.ParseAlarmEvent(o.payload)
		if err != nil {
			return nil, o.unread(err)
		}
		out = append(out, alarm.Event{AlarmEvent: *e, Index: o.index, RecordTimeMS: o.recordTimeMS})
	}
	slices.Reverse(out)
	return out, nil
}

// quiet tells whether a case has no alarm that lasts, and none that could begin without a new entry. Most cases of a
// ledger are closed: what is remembered of them saves decoding their trips.
func (n *Node) quiet(v *store.View, id ledger.ShipmentID) (bool, error) {
	s := entry.Case(id)
	count, _, _ := v.Last(s)
	n.alarms.mu.Lock()
	at, known := n.alarms.quiet[s]
	n.alarms.mu.Unlock()
	if known && at == count {
		return true, nil
	}
	state, err := n.stateOf(v, id, count)
	if err != nil {
		return false, err
	}
	logs, err := n.alarmLogs(v, s)
	if err != nil || !still(state, logs) {
		return false, err
	}
	n.setQuiet(s, count)
	return true, nil
}

// stateOf returns the state of a case without decoding its trip.
func (n *Node) stateOf(v *store.View, id ledger.ShipmentID, count uint64) (*custody.State, error) {
	if c := n.cases.get(id); c != nil && c.count == count {
		return c.state, nil
	}
	acts, err := n.newActs(v, id, 0)
	if err != nil {
		return nil, err
	}
	return custody.Fold(acts), nil
}

func (n *Node) setQuiet(s entry.Subject, count uint64) {
	n.alarms.mu.Lock()
	defer n.alarms.mu.Unlock()
	if n.alarms.quiet == nil || len(n.alarms.quiet) >= maxShipments {
		n.alarms.quiet = map[entry.Subject]uint64{}
	}
	n.alarms.quiet[s] = count
}

// still tells whether a case is before packing or closed, and all its alarms are entered as ended.
func still(state *custody.State, logs map[alarm.ID]alarm.Log) bool {
	for _, l := range logs {
		if l.Active() {
			return false
		}
	}
	switch state.Phase {
	case custody.PhaseUnknown, custody.PhaseOpen, custody.PhaseStoodDown, custody.PhaseClosed:
		return true
	}
	return false
}

// caseLook is what alarms of a case follow from, at one state of the ledger.
type caseLook struct {
	found []alarm.Alarm
	logs  map[alarm.ID]alarm.Log
	box   ledger.BoxID // that the organ is in; zero for none
	to    alarm.Recipients
	nowMS int64
}

// lookAt finds the alarms of a case.
func (n *Node) lookAt(v *store.View, c *shipmentCase) (*caseLook, error) {
	logs, err := n.alarmLogs(v, entry.Case(c.id))
	if err != nil {
		return nil, err
	}
	out := &caseLook{logs: logs, nowMS: n.now().UnixMilli(), to: recipients(c.state)}
	if k := len(c.state.Segments); k > 0 {
		out.box = c.state.Segments[k-1].Box
	}
	in := alarm.Input{Shipment: c.id, State: c.state, Trip: c.judged, NowMS: out.nowMS, Phones: map[string]string{}, Known: map[alarm.ID]int64{}}
	for _, code := range reachable(c.state, out.to) {
		phone, err := n.phone(v, code)
		if err != nil {
			return nil, err
		}
		in.Phones[code] = phone
	}
	for id, l := range logs {
		in.Known[id] = l.LearnedMS
	}
	if c.state.Phase == custody.PhasePacked {
		c.underWay(&in, logs)
		in.Withheld = withheldSince(v, c.state, in.Contact.LastMS)
	}
	out.found = alarm.Of(in)
	return out, nil
}

// reachable are the organisations whose numbers an alarm may show.
func reachable(s *custody.State, to alarm.Recipients) []string {
	out := slices.Concat(to.First, to.Then)
	if s.Opening != nil && s.Opening.From != "" {
		out = append(out, s.Opening.From)
	}
	return out
}

// phone is the on-call number of an organisation, else the number on its card, else empty.
func (n *Node) phone(v *store.View, code string) (string, error) {
	contacts, err := n.contacts(v, code)
	if err != nil || contacts.Phone != "" {
		return contacts.Phone, err
	}
	card, err := n.organisation(v, entry.Organisation(code))
	if err != nil || card == nil {
		return "", err
	}
	return card.Phone, nil
}

// recipients are the custodian's organisation and the destination, then who opened the case.
func recipients(s *custody.State) alarm.Recipients {
	var to alarm.Recipients
	if h := s.Holder(); h != nil && h.Party.Organisation != "" {
		to.First = append(to.First, h.Party.Organisation)
	}
	if d := s.Destination(); d != "" {
		to.First = append(to.First, d)
	}
	if s.Opening != nil && s.Opening.By.Organisation != "" {
		to.Then = append(to.Then, s.Opening.By.Organisation)
	}
	return to
}

// underWay adds what matters between packing and receipt. A simulated box's clock is not ours: then its newest record says
// what time it was when it came, and since then time has gone on as ours did.
func (c *shipmentCase) underWay(in *alarm.Input, logs map[alarm.ID]alarm.Log) {
	var newest *record.Record
	for i := range c.journals {
		j := &c.journals[i]
		if j.boot != nil {
			in.Probes = j.boot.Probes
		}
		in.Contact.LastMS = max(in.Contact.LastMS, j.lastArrival())
		for _, r := range j.records {
			if newest = r; r.Output != nil && r.Output.Name == "radio" {
				in.Contact.RadioOff = !r.Output.On
			}
		}
	}
	if in.Contact.LastMS == 0 {
		in.Contact.LastMS = recordTimeOf(c.state, c.state.Packing)
	}
	if newest != nil && newest.At.Quality == record.ClockSimulated {
		in.NowMS += newest.At.WallMS - in.Contact.LastMS
		in.Contact.LastMS = newest.At.WallMS // stays what it is: an alarm is known by its begin
		for id, l := range logs {            // nothing of a simulation is late
			in.Known[id] = l.SinceMS
		}
	}
	var told Shipment
	told.tellTime(c, in.NowMS)
	in.Cold, in.Progress = alarm.ColdOf(&told.Clock), told.Progress
}

// recordTimeOf returns when the ledger took the act of a statement, 0 when it is not there.
func recordTimeOf(state *custody.State, s *custody.Statement) int64 {
	for i := range state.History {
		if s != nil && state.History[i].Act.Statement.ID == s.ID {
			return state.History[i].RecordTimeMS
		}
	}
	return 0
}

// withheldSince tells since when acts cite records that the ledger does not hold.
func withheldSince(v *store.View, state *custody.State, contactMS int64) alarm.Withheld {
	var out alarm.Withheld
	for _, cited := range citedBeyond(v, state) {
		for i := range state.History {
			if item := &state.History[i]; item.Hash == cited.act && (out.SinceMS == 0 || item.RecordTimeMS < out.SinceMS) {
				out.SinceMS = item.RecordTimeMS
			}
		}
	}
	out.Heard = out.SinceMS != 0 && contactMS-out.SinceMS >= heardAfter
	return out
}

// heardAfter is how long after an act a box that is still in contact should have delivered the records that it cites.
const heardAfter = 60_000 // milliseconds

// raisedEvent is the event that raises an alarm. One that is over already is told of once.
func raisedEvent(a *alarm.Alarm, box ledger.BoxID, round uint32) entry.AlarmEvent {
	return entry.AlarmEvent{Alarm: a.ID, Step: entry.AlarmRaised, Round: round, Code: string(a.Code), Severity: uint8(a.Severity), Late: a.Late, Box: box,
		SinceMS: a.SinceMS, UntilMS: a.UntilMS}
}

func dedupNumber(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// enterAlarm enters an event of an alarm once, whoever enters it: under the alarm, its step and round, whom it told and
// how, who acknowledged it, and extra.
func (n *Node) enterAlarm(ctx context.Context, s entry.Subject, e entry.AlarmEvent, extra []byte, secrets ...command.Secret) error {
	d := draft{kind: entry.KindAlarm, subjects: []entry.Subject{s}, payload: e.Marshal()}
	c := &command.Command{Secrets: secrets, Dedup: dedupID("alarm", e.Alarm[:], []byte{byte(e.Step)}, binary.BigEndian.AppendUint32(nil, e.Round),
		[]byte(e.Event+"\x00"+e.Organisation+"\x00"+e.Channel+"\x00"), e.By[:], extra)}
	if s.Kind == entry.SubjectCase {
		if err := n.sealForCase(&d, c, ledger.ShipmentID(s.ID)); err != nil {
			return err
		}
	}
	var err error
	if c.Entry, err = n.entryOf(d); err != nil {
		return err
	}
	_, err = n.propose(ctx, c)
	return err
}
