package node

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/alarm"
	"isotherm/ledger/entry"
	"isotherm/ledger/store"
)

// Times of sending.
const (
	sendLimit  = 20 * time.Second // for one try
	firstPause = 2 * time.Second  // after the first failure; it doubles with every further one
	maxPause   = time.Minute
	slowPause  = 10 * time.Minute // after failTries
	failTries  = 5                // then it is entered that the message could not be handed over
	maxTries   = 10_000           // messages remembered as failing; beyond it, all are tried anew
)

// sendKey names a message to somebody by some way.
type sendKey struct {
	event        string
	organisation string
	channel      alarm.Channel
}

// try is a message that is under way, or waits after a failure.
type try struct {
	n     int // failures so far
	next  time.Time
	under bool
}

// sendDue sends what is due of the alarms of a case or an organisation, and is not told yet. waits: something is still to
// be handed over, or may become due.
func (r *alarmRun) sendDue(ctx context.Context, s entry.Subject, now *caseLook) (waits bool, err error) {
	for _, l := range now.logs {
		waits = waits || l.Active()
		for _, d := range l.Due(now.to.Of(l.Code), now.nowMS) {
			sent, err := r.sendTo(ctx, s, &l, &d)
			if err != nil {
				return true, err
			}
			waits = waits || !sent
		}
	}
	return waits, nil
}

// sendTo sends one message on all channels of an organisation; sent: it was told on all of them before.
func (r *alarmRun) sendTo(ctx context.Context, s entry.Subject, l *alarm.Log, d *alarm.Due) (sent bool, err error) {
	n := r.node
	var contacts *Contacts
	var box string
	err = n.replica.View(func(v *store.View) error {
		if contacts, err = n.contacts(v, d.Organisation); err == nil {
			box, err = n.boxName(v, l.Box)
		}
		return err
	})
	if err != nil {
		return false, err
	}
	sent = true
	for _, target := range contacts.targets() {
		if l.Told(d.Event, d.Organisation, target.Channel) {
			continue
		}
		sent = false
		key := sendKey{d.Event, d.Organisation, target.Channel}
		if r.begin(key) {
			failed := l.Failed(d.Event, d.Organisation, target.Channel)
			r.sending.Go(func() { r.send(ctx, s, l, key, target, messageOf(l, d, box), failed) })
		}
	}
	return sent, nil
}

// begin tells whether a message is to be tried now, and counts it as under way.
func (r *alarmRun) begin(key sendKey) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tries[key]
	if t != nil && (t.under || r.node.now().Before(t.next)) {
		return false
	}
	select {
	case r.slots <- struct{}{}:
	default:
		return false // the next look tries again
	}
	if t == nil {
		t = &try{}
		if len(r.tries) >= maxTries {
			r.forget()
		}
		r.tries[key] = t
	}
	t.under = true
	return true
}

// forget lets go of what waits. The caller holds mu.
func (r *alarmRun) forget() {
	for key, t := range r.tries {
		if !t.under {
			delete(r.tries, key)
		}
	}
}

// send hands one message over and enters that. When the entry fails, or the node dies before it, the message is sent again
// with the same ID: at least once.
func (r *alarmRun) send(ctx context.Context, s entry.Subject, l *alarm.Log, key sendKey, target alarm.Target, m *alarm.Message, failed bool) {
	defer func() {
		<-r.slots
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}()
	limited, cancel := context.WithTimeout(ctx, sendLimit)
	err := r.options.Notifier.Notify(limited, target, m)
	cancel()
	e := entry.AlarmEvent{Alarm: l.ID, Step: entry.AlarmTold, Round: l.Round, Code: string(l.Code), Severity: uint8(l.Severity), Box: l.Box, SinceMS: l.SinceMS,
		Event: key.event, Organisation: key.organisation, Channel: string(key.channel)}
	tries := r.end(key, err)
	if err != nil {
		r.node.log.Warn("a message could not be handed over", "event", key.event, "channel", key.channel, "tries", tries, "err", err)
		if tries < failTries || failed {
			return
		}
		e.Step, e.Reason = entry.AlarmFailed, classOf(err)
	}
	if err := r.node.enterAlarm(ctx, s, e, nil); err != nil && ctx.Err() == nil {
		r.node.log.Warn("it could not be entered what became of a message", "event", key.event, "err", err)
		r.end(key, err)
	}
}

// end counts a try and returns how many have failed.
func (r *alarmRun) end(key sendKey, err error) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tries[key]
	if t == nil {
		t = &try{}
		r.tries[key] = t
	}
	t.under = false
	// After a success the entry is on its way. Until this node sees it, the message is not sent again.
	pause := sendLimit
	if err != nil {
		t.n++
		pause = backoff(t.n)
	}
	t.next = r.node.now().Add(pause)
	return t.n
}

// backoff returns how long to wait after the nth failure, half of it by chance, so that many messages to one receiver do
// not come at once.
func backoff(n int) time.Duration {
	pause := slowPause
	if n < failTries {
		pause = min(firstPause<<(n-1), maxPause)
	}
	return pause/2 + rand.N(pause/2)
}

// classOf returns the class of a failure. The ledger gets no text from outside.
func classOf(err error) string {
	var failure *alarm.Failure
	switch {
	case errors.As(err, &failure):
		return failure.Class
	case errors.Is(err, context.DeadlineExceeded):
		return alarm.ClassTimeout
	case ledger.CodeOf(err) != ledger.CodeInternal:
		return string(ledger.CodeOf(err))
	}
	return alarm.ClassUnreachable
}
