package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/alarm"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
	"isotherm/ledger/store"
)

// AlarmState is how far an alarm has come. Numbers are append only.
type AlarmState uint8

// The states.
const (
	AlarmNew          AlarmState = 1 // found, and not entered in the ledger yet
	AlarmActive       AlarmState = 2
	AlarmAcknowledged AlarmState = 3 // and lasting: it is repeated when the acknowledgement runs out
	AlarmOver         AlarmState = 4
)

func (s AlarmState) String() string {
	switch s {
	case AlarmNew:
		return "new"
	case AlarmActive:
		return "active"
	case AlarmAcknowledged:
		return "acknowledged"
	case AlarmOver:
		return "ended"
	}
	return fmt.Sprintf("unknown(%d)", uint8(s))
}

// Alarm is an alarm of a case, or a test alarm of an organisation, as a state of the ledger shows it.
type Alarm struct {
	alarm.Alarm
	Shipment     ledger.ShipmentID // zero for a test alarm
	Organisation string            // of a test alarm
	Box          ledger.BoxID      // zero for none
	State        AlarmState
	Acks         []alarm.Ack
	Deliveries   []alarm.Delivery // what was told whom, and what could not be
	Index        int64            // of its newest entry, -1 while it is new
}

// alarmsOf joins what a case's data say now with what was entered of its alarms, most urgent first.
func alarmsOf(found []alarm.Alarm, logs map[alarm.ID]alarm.Log, id ledger.ShipmentID, box ledger.BoxID, nowMS int64) []*Alarm {
	var out []*Alarm
	logs = maps.Clone(logs)
	for _, a := range found {
		l, entered := logs[a.ID]
		delete(logs, a.ID)
		x := &Alarm{Alarm: a, Shipment: id, Box: box, State: AlarmNew, Index: -1}
		if entered {
			x.enter(&l, nowMS)
		}
		if a.UntilMS != 0 {
			x.State = AlarmOver
		}
		out = append(out, x)
	}
	for _, l := range logs { // no longer found: over, though that may not be entered yet
		x := &Alarm{Alarm: alarm.Alarm{ID: l.ID, Code: l.Code, Severity: l.Severity, What: l.Code.Title(), SinceMS: l.SinceMS, UntilMS: l.UntilMS,
			LearnedMS: l.LearnedMS, Late: l.Late}, Shipment: id}
		x.enter(&l, nowMS)
		if x.State = AlarmOver; x.UntilMS == 0 {
			x.UntilMS = nowMS
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b *Alarm) int { return alarm.Compare(a.Alarm, b.Alarm) })
	return out
}

// enter adds what the ledger's entries say.
func (a *Alarm) enter(l *alarm.Log, nowMS int64) {
	a.Acks, a.Deliveries, a.Index, a.State = l.Acks, l.Deliveries, l.Index, AlarmActive
	if !l.Box.IsZero() {
		a.Box = l.Box
	}
	if l.Late { // as it was when it was raised, whatever came to light since
		a.Late, a.Severity = true, l.Severity
	}
	switch {
	case !l.Active() && a.UntilMS == 0:
		a.State = AlarmNew // it has come again
	case l.MutedUntilMS(nowMS) != 0:
		a.State = AlarmAcknowledged
	}
}

// Alarms returns the alarms that last, of all cases that the principal may see, most urgent first.
func (n *Node) Alarms(ctx context.Context, p Principal) ([]*Alarm, At, error) {
	if p.Share != nil {
		return nil, At{}, ledger.Errorf(ledger.CodeForbidden, "a share link shows no alarms")
	}
	var out []*Alarm
	at, err := n.view(func(v *store.View) error {
		for _, s := range v.Subjects(entry.SubjectCase, [ledger.IDSize]byte{}, maxShipments) {
			if err := ctx.Err(); err != nil {
				return err
			}
			all, err := n.visibleAlarms(v, p, ledger.ShipmentID(s.ID))
			switch ledger.CodeOf(err) {
			case "":
			case ledger.CodeForbidden:
				continue
			default:
				return err
			}
			for _, a := range all {
				if a.State != AlarmOver {
					out = append(out, a)
				}
			}
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b *Alarm) int { return alarm.Compare(a.Alarm, b.Alarm) })
	return out, at, err
}

// visibleAlarms returns the alarms of a case that is not known to be quiet. CodeForbidden: not theirs to see.
func (n *Node) visibleAlarms(v *store.View, p Principal, id ledger.ShipmentID) ([]*Alarm, error) {
	quiet, err := n.quiet(v, id)
	if err != nil || quiet {
		return nil, err
	}
	c, err := n.visible(v, p, id)
	if err != nil {
		return nil, err
	}
	look, err := n.lookAt(v, c)
	if err != nil {
		return nil, err
	}
	return alarmsOf(look.found, look.logs, id, look.box, look.nowMS), nil
}

// CaseAlarms returns all alarms of a case, those that are over last.
func (n *Node) CaseAlarms(ctx context.Context, p Principal, id ledger.ShipmentID) ([]*Alarm, At, error) {
	var out []*Alarm
	var at At
	err := n.lookTwice(ctx, func() (err error) {
		at, err = n.view(func(v *store.View) error {
			c, err := n.visible(v, p, id)
			if err != nil {
				return err
			}
			look, err := n.lookAt(v, c)
			if err == nil {
				out = alarmsOf(look.found, look.logs, id, look.box, look.nowMS)
			}
			return err
		})
		return err
	})
	if err == nil {
		n.noteRead(ctx, p, id)
	}
	return out, at, err
}

// AcknowledgeAlarm enters that somebody knows of an alarm. It keeps it from being repeated for a while, see
// alarm.Reason.MuteMS, and never for good. CodeConflict: the alarm is over.
func (n *Node) AcknowledgeAlarm(ctx context.Context, p Principal, id alarm.ID, reason alarm.Reason) (*Alarm, error) {
	if err := n.allow(p, access.AcknowledgeAlarms); err != nil {
		return nil, err
	}
	if _, err := alarm.ParseReason(reason.String()); err != nil {
		return nil, ledger.Errorf(ledger.CodeInvalid, "%v", err)
	}
	var a *Alarm
	err := n.lookTwice(ctx, func() (err error) {
		a, err = n.findAlarm(ctx, p, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	if a.State == AlarmOver {
		return nil, ledger.Errorf(ledger.CodeConflict, "alarm %s is over", id).WithHint("there is nothing to acknowledge")
	}
	now := n.now().UnixMilli()
	for _, k := range a.Acks {
		if k.By == p.Person && k.Reason == reason && now < k.UntilMS && a.State == AlarmAcknowledged {
			return a, nil // pressed twice
		}
	}
	if a.State == AlarmNew { // acknowledged before the leader came to enter it
		if err := n.enterAlarm(ctx, entry.Case(a.Shipment), raisedEvent(&a.Alarm, a.Box, n.roundOf(a)+1), nil); err != nil {
			return nil, err
		}
	}
	e := entry.AlarmEvent{Alarm: id, Step: entry.AlarmAcknowledged, Round: max(n.roundOf(a), 1), Code: string(a.Code), Severity: uint8(a.Severity), Box: a.Box,
		SinceMS: a.SinceMS, By: p.Person, Reason: reason.String()}
	if err := n.enterAlarm(ctx, entry.Case(a.Shipment), e, dedupNumber(now)); err != nil {
		return nil, err
	}
	return n.findAlarm(ctx, p, id)
}

// roundOf returns how often an alarm was raised so far.
func (n *Node) roundOf(a *Alarm) uint32 {
	var round uint32
	_ = n.replica.View(func(v *store.View) error { // an error leaves it at none, and entering it will fail, too
		logs, err := n.alarmLogs(v, entry.Case(a.Shipment))
		round = logs[a.ID].Round
		return err
	})
	return round
}

// findAlarm looks for an alarm in the cases that the principal may see.
func (n *Node) findAlarm(ctx context.Context, p Principal, id alarm.ID) (*Alarm, error) {
	var out *Alarm
	err := n.replica.View(func(v *store.View) error {
		for _, s := range v.Subjects(entry.SubjectCase, [ledger.IDSize]byte{}, maxShipments) {
			if err := ctx.Err(); err != nil {
				return err
			}
			all, err := n.visibleAlarms(v, p, ledger.ShipmentID(s.ID))
			if ledger.CodeOf(err) == ledger.CodeForbidden {
				continue
			}
			if err != nil {
				return err
			}
			if i := slices.IndexFunc(all, func(a *Alarm) bool { return a.ID == id }); i >= 0 {
				out = all[i]
				return nil
			}
		}
		return ledger.Errorf(ledger.CodeNotFound, "no alarm %s lasts in the cases that you may see", id)
	})
	return out, err
}

// testEvery is how often an organisation's contacts may be tested.
const testEvery = 60_000 // milliseconds

// maxTests bounds the list of an organisation's test alarms.
const maxTests = 20

// TestAlarm enters a test alarm of an organisation: it goes out on all its channels, once.
func (n *Node) TestAlarm(ctx context.Context, p Principal, organisation string) (*Alarm, error) {
	if err := n.mayManage(p, organisation); err != nil {
		return nil, err
	}
	now := n.now().UnixMilli()
	err := n.replica.View(func(v *store.View) error {
		c, err := n.contacts(v, organisation)
		if err != nil {
			return err
		}
		if len(c.targets()) == 0 {
			return ledger.Errorf(ledger.CodeConflict, "%s has no contacts", organisation).WithHint("set a webhook, an e-mail address or a hook first")
		}
		logs, err := n.alarmLogs(v, entry.OrganisationAccount(organisation))
		for _, l := range logs {
			if now-l.RaisedMS < testEvery {
				return ledger.Errorf(ledger.CodeOverloaded, "%s was tested less than a minute ago", organisation).WithHint("wait a minute")
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	e := entry.AlarmEvent{Alarm: alarm.IDOf(ledger.ShipmentID{}, alarm.TestOfContact, organisation, now), Step: entry.AlarmRaised, Round: 1, Code: string(alarm.TestOfContact),
		Severity: uint8(profile.Low), SinceMS: now, UntilMS: now, Organisation: organisation, By: p.Person}
	tested, err := n.sealed(contactName(testPrefix, organisation), []byte(organisation)) // so that the leader finds it
	if err != nil {
		return nil, err
	}
	if err := n.enterAlarm(ctx, entry.OrganisationAccount(organisation), e, nil, tested); err != nil {
		return nil, err
	}
	all, _, err := n.OrganisationAlarms(ctx, p, organisation)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if a.ID == alarm.ID(e.Alarm) {
			return a, nil
		}
	}
	return nil, errors.New("enter test alarm: it is not there")
}

// OrganisationAlarms returns the newest test alarms of an organisation and what became of them, newest first.
func (n *Node) OrganisationAlarms(_ context.Context, p Principal, organisation string) ([]*Alarm, At, error) {
	if err := n.mayManage(p, organisation); err != nil {
		return nil, At{}, err
	}
	var out []*Alarm
	at, err := n.view(func(v *store.View) error {
		logs, err := n.alarmLogs(v, entry.OrganisationAccount(organisation))
		if err == nil {
			out = alarmsOf(nil, logs, ledger.ShipmentID{}, ledger.BoxID{}, n.now().UnixMilli())
		}
		return err
	})
	slices.SortStableFunc(out, func(a, b *Alarm) int { return int(b.Index - a.Index) })
	for _, a := range out {
		a.Organisation = organisation
	}
	return out[:min(len(out), maxTests)], at, err
}
