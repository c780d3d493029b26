package node

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"sync"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/alarm"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
	"isotherm/ledger/store"
)

// Notifier hands a message over to somebody outside. It returns an error when that is not certain: then the message is
// sent again, with the same ID. It returns when ctx ends.
type Notifier interface {
	Notify(ctx context.Context, to alarm.Target, m *alarm.Message) error
}

// AlarmOptions are what RunAlarms needs.
type AlarmOptions struct {
	Notifier Notifier
	Leads    func() bool // whether this node leads the cluster now; may be wrong for a moment: then a message goes out twice
}

// Times of the alarm loop.
const (
	lookEvery  = 5 * time.Second // time alone raises alarms, too: silence, cold time, handoffs
	leadsEvery = 64              // cases looked at before asking again whether this node leads
	lookPause  = time.Second     // a busy ledger changes more often than alarms must be looked at
)

// alarmRun is the state of one RunAlarms. Whatever it forgets at its end, the ledger's entries say.
type alarmRun struct {
	node    *Node
	options AlarmOptions
	wake    chan struct{}            // a message was handed over, or was not
	done    map[entry.Subject]uint64 // chains at whose count nothing is left to do, of those that chains lists
	slots   chan struct{}            // one for each message under way
	sending sync.WaitGroup

	mu    sync.Mutex
	tries map[sendKey]*try // messages not handed over yet; guarded by mu
}

// maxSends bounds the messages under way at once: a receiver that hangs holds up one of them until its time is over.
const maxSends = 16

// RunAlarms looks for alarms until ctx ends, and while this node leads: it enters what begins and ends, and sends what is
// due. It goes on where another node stopped, because what is due follows from the ledger's entries alone. What fails is
// logged and tried again with the next look.
func (n *Node) RunAlarms(ctx context.Context, o AlarmOptions) {
	r := &alarmRun{node: n, options: o, wake: make(chan struct{}, 1), done: map[entry.Subject]uint64{}, slots: make(chan struct{}, maxSends), tries: map[sendKey]*try{}}
	defer r.sending.Wait()
	for {
		changed := n.replica.Changed() // before looking, so that no change is missed
		if o.Leads() {
			if err := r.pass(ctx); err != nil && ctx.Err() == nil {
				n.log.Warn("alarms could not be looked at", "err", err)
			}
		} else {
			clear(r.done)
		}
		if !r.rest(ctx, changed) {
			return
		}
	}
}

// rest waits for the next look and returns false at the end of ctx.
func (r *alarmRun) rest(ctx context.Context, changed <-chan struct{}) bool {
	pause := time.NewTimer(lookPause)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-pause.C:
	}
	latest := time.NewTimer(lookEvery - lookPause)
	defer latest.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-changed:
	case <-r.wake:
	case <-latest.C:
	}
	return true
}

// chain is a chain that alarms are looked for in.
type chain struct {
	subject      entry.Subject
	count        uint64
	last         int64  // index of its newest entry
	organisation string // whose tests are in it; empty for a case
}

// chains returns those that may have something to do, the newest first: a new leader of a large ledger must not look through
// the closed cases of years before it comes to one under way.
func (r *alarmRun) chains() ([]chain, error) {
	n := r.node
	var out []chain
	err := n.replica.View(func(v *store.View) error {
		add := func(s entry.Subject, organisation string) {
			count, last, _ := v.Last(s)
			if at, known := r.done[s]; !known || at != count {
				out = append(out, chain{s, count, last, organisation})
			}
		}
		for _, s := range v.Subjects(entry.SubjectCase, [ledger.IDSize]byte{}, maxShipments) {
			add(s, "")
		}
		for name := range v.Secrets(testPrefix) {
			code, err := n.secret(v, name)
			if err != nil {
				return err
			}
			add(entry.OrganisationAccount(string(code)), string(code))
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b chain) int { return cmp.Compare(b.last, a.last) })
	return out, err
}

// pass looks once at everything that may have something to do.
func (r *alarmRun) pass(ctx context.Context) error {
	chains, err := r.chains()
	if err != nil {
		return err
	}
	for i, c := range chains {
		if ctx.Err() != nil || i%leadsEvery == leadsEvery-1 && !r.options.Leads() {
			return ctx.Err()
		}
		look := r.lookAtCase
		if c.organisation != "" {
			look = r.lookAtTests
		}
		idle, err := look(ctx, c)
		if err != nil { // one case that can't be read must not keep the alarms of others from going out
			r.node.log.Error("alarms could not be looked at", "subject", c.subject.String(), "err", err)
			continue
		}
		if idle {
			r.done[c.subject] = c.count
		} else {
			delete(r.done, c.subject)
		}
	}
	return nil
}

// lookAtCase enters what began and ended in a case, and sends what is due. idle: nothing is left to do before its chain
// grows.
func (r *alarmRun) lookAtCase(ctx context.Context, c chain) (idle bool, err error) {
	n, s := r.node, c.subject
	var quiet bool
	var now *caseLook
	look := func(v *store.View) error {
		if quiet, err = n.quiet(v, ledger.ShipmentID(s.ID)); err != nil {
			return err
		}
		if quiet { // closed, and yet its last messages may be due
			logs, err := n.alarmLogs(v, s)
			if err != nil || !anyDue(logs, n.now().UnixMilli()) {
				now = nil
				return err
			}
		}
		c, err := n.shipment(v, ledger.ShipmentID(s.ID))
		if err == nil {
			now, err = n.lookAt(v, c)
		}
		return err
	}
	if err := n.replica.View(look); err != nil || now == nil {
		return err == nil, err
	}
	entered, err := r.enterChanges(ctx, s, now)
	if err != nil {
		return false, err
	}
	if entered {
		if err := n.replica.View(look); err != nil || now == nil {
			return err == nil, err
		}
	}
	waits, err := r.sendDue(ctx, s, now)
	return quiet && !waits, err
}

// anyDue tells whether something may be due of alarms that are over.
func anyDue(logs map[alarm.ID]alarm.Log, nowMS int64) bool {
	for _, l := range logs {
		if len(l.Due(alarm.Recipients{First: []string{"anybody"}}, nowMS)) > 0 {
			return true
		}
	}
	return false
}

// enterChanges enters what began and what ended since.
func (r *alarmRun) enterChanges(ctx context.Context, s entry.Subject, now *caseLook) (entered bool, err error) {
	lasting := map[alarm.ID]bool{}
	for i := range now.found {
		a := &now.found[i]
		l, known := now.logs[a.ID]
		var e entry.AlarmEvent
		switch {
		case a.UntilMS == 0:
			lasting[a.ID] = true
			if l.Active() && a.Severity <= l.Severity {
				continue
			}
			e = raisedEvent(a, now.box, l.Round+1) // what has become more urgent begins anew
		case !known:
			e = raisedEvent(a, now.box, 1)
		case l.Active():
			lasting[a.ID] = true
			e = endedEvent(&l, a.UntilMS)
		default:
			continue
		}
		if err := r.node.enterAlarm(ctx, s, e, nil); err != nil {
			return entered, err
		}
		entered = true
	}
	for id, l := range now.logs {
		if !l.Active() || lasting[id] {
			continue
		}
		if err := r.node.enterAlarm(ctx, s, endedEvent(&l, now.nowMS), nil); err != nil {
			return entered, err
		}
		entered = true
	}
	return entered, nil
}

func endedEvent(l *alarm.Log, untilMS int64) entry.AlarmEvent {
	return entry.AlarmEvent{Alarm: l.ID, Step: entry.AlarmEnded, Round: l.Round, Code: string(l.Code), Severity: uint8(l.Severity), Box: l.Box,
		SinceMS: l.SinceMS, UntilMS: max(untilMS, 1)}
}

// lookAtTests sends an organisation's test alarms.
func (r *alarmRun) lookAtTests(ctx context.Context, c chain) (idle bool, err error) {
	now := &caseLook{nowMS: r.node.now().UnixMilli(), to: alarm.Recipients{First: []string{c.organisation}}}
	err = r.node.replica.View(func(v *store.View) error {
		now.logs, err = r.node.alarmLogs(v, c.subject)
		return err
	})
	if err != nil {
		return false, err
	}
	waits, err := r.sendDue(ctx, c.subject, now)
	return !waits, err
}

// plainLabel is a label that is a code and nothing else: it may leave the ledger. Of another one only the ID does.
var plainLabel = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{0,19}$`)

// boxName returns how a message names a box.
func (n *Node) boxName(v *store.View, id ledger.BoxID) (string, error) {
	b, ok := v.Box(id)
	if !ok {
		if id.IsZero() {
			return "", nil
		}
		return id.String(), nil
	}
	_, payload, err := n.open(v, b.Index)
	if err != nil {
		return "", err
	}
	enrolled, err := entry.ParseBoxEnrolled(payload)
	if err != nil {
		return "", err
	}
	if plainLabel.MatchString(enrolled.Label) {
		return enrolled.Label, nil
	}
	return id.String(), nil
}

// messageOf makes the message of something that is due.
func messageOf(l *alarm.Log, d *alarm.Due, box string) *alarm.Message {
	m := &alarm.Message{Event: d.Event, Step: d.Step, Box: box, Code: l.Code, Severity: l.Severity, SinceMS: l.SinceMS, UntilMS: l.UntilMS, Late: l.Late, TimeMS: d.AtMS}
	if m.Severity == 0 {
		m.Severity = profile.Medium
	}
	return m
}
