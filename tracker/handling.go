package tracker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/plausible"
	"isotherm/ledger/record"
)

// Limits of what is recorded of the box's handling, in real time. A box is opened a few times on a trip; a contact that
// chatters, or a bad road, must not fill the journal.
const (
	handlingBurst = 32
	handlingEvery = 10 * time.Second
	sensorAgain   = 10 * time.Second // real time before a sensor that gave up is asked again
)

// handling collects what is done to the box. Sensors never wait for it; beyond the limits it keeps the newest state of a
// kind, of shocks the strongest.
type handling struct {
	sensors []Handling
	wake    chan struct{} // holds a token when something waits; capacity 1

	mu     sync.Mutex // guards what follows; held for memory work only
	latest map[sensed]hardware.Handling
	kinds  map[hardware.HandlingKind]*handlingKind
	opened bool // a lid or light was on since the round before
}

// sensed is one kind of handling as one sensor sees it.
type sensed struct {
	sensor int
	kind   hardware.HandlingKind
}

// handlingKind is what is to be recorded of one kind.
type handlingKind struct {
	queue      []hardware.Handling
	told       handlingStatus // newest, for the status
	unrecorded int            // changes that were too many for the journal
	allowance  allowance
}

// handlingStatus is a change and when the box had it.
type handlingStatus struct {
	hardware.Handling
	at record.Stamp
}

func newHandling(sensors []Handling) *handling {
	return &handling{sensors: sensors, wake: make(chan struct{}, 1), latest: map[sensed]hardware.Handling{},
		kinds: map[hardware.HandlingKind]*handlingKind{}}
}

// report takes in what a sensor noticed. A sensor that starts again says what is known already; that is no news.
func (h *handling) report(sensor int, e hardware.Handling, at record.Stamp) {
	if e.Kind == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	key := sensed{sensor, e.Kind}
	before, known := h.latest[key]
	h.latest[key] = e
	h.opened = h.opened || e.On && (e.Kind == hardware.HandlingLid || e.Kind == hardware.HandlingLight)
	if known && before.On == e.On && before.Value == e.Value && e.Kind != hardware.HandlingShock {
		return
	}
	k := h.kinds[e.Kind]
	if k == nil {
		k = &handlingKind{}
		h.kinds[e.Kind] = k
	}
	k.told = handlingStatus{e, at}
	k.push(e)
	poke(h.wake)
}

// push queues a change. The queue is as long as what may be recorded at once; beyond that the last one is merged.
func (k *handlingKind) push(e hardware.Handling) {
	if len(k.queue) < handlingBurst {
		k.queue = append(k.queue, e)
		return
	}
	k.unrecorded++
	last := &k.queue[len(k.queue)-1]
	if e.Kind != hardware.HandlingShock || e.Value > last.Value {
		*last = e
	}
}

// collect returns the records that are due, and how long until the next may be made; 0: none waits.
func (h *handling) collect(now time.Time) (due []*record.Record, again time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, kind := range slices.Sorted(maps.Keys(h.kinds)) {
		k := h.kinds[kind]
		for len(k.queue) > 0 {
			ok, wait := k.allowance.take(now, handlingBurst, handlingEvery)
			if !ok {
				if again == 0 || wait < again {
					again = wait
				}
				break
			}
			e := k.queue[0]
			k.queue = k.queue[1:]
			due = append(due, &record.Record{Kind: record.KindHandling,
				Handling: &record.Handling{Kind: uint8(e.Kind), On: e.On, Value: e.Value}})
		}
	}
	return due, again
}

// lid tells how the lid stands and stood since it was last asked, by contact or light. A sensor that has failed says
// nothing: unknown is not closed.
func (h *handling) lid() plausible.Lid {
	live := make([]bool, len(h.sensors))
	for i, s := range h.sensors { // not under mu: a monitor's listener may wait for nothing of ours, and so we for nothing of its
		live[i] = s.Monitor == nil || s.Monitor.Condition().State == hardware.StateLive
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	opened := h.opened
	h.opened = false
	known := false
	for key, e := range h.latest {
		if !live[key.sensor] || key.kind != hardware.HandlingLid && key.kind != hardware.HandlingLight {
			continue
		}
		known = true
		if e.On {
			opened, h.opened = true, true // it goes on to be open
		}
	}
	switch {
	case opened:
		return plausible.LidOpen
	case known:
		return plausible.LidClosed
	}
	return plausible.LidUnknown
}

// status returns the newest change of each kind.
func (h *handling) status() []handlingStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []handlingStatus
	for _, kind := range slices.Sorted(maps.Keys(h.kinds)) {
		out = append(out, h.kinds[kind].told)
	}
	return out
}

// runSensor keeps one sensor running until ctx is done. A sensor that gives up never ends the box.
func (t *Tracker) runSensor(ctx context.Context, i int) error {
	sensor, g := t.cfg.Handling[i].Device, newGuard(t.cfg.Logger)
	report := func(e hardware.Handling) { t.handling.report(i, e, t.cfg.Clock.Now()) }
	for {
		ended, err := ask(ctx, g, func(ctx context.Context) error { return sensor.Run(ctx, report) })
		if ctx.Err() != nil {
			return nil
		}
		err = errors.Join(ended, err)
		t.cfg.Logger.Error("sensor of handling gave up; it is started again", "sensor", sensor.Info().Bus, "err", err, "again_in", sensorAgain)
		if waitReal(ctx, sensorAgain) != nil {
			return nil
		}
	}
}

// recordHandling brings what is done to the box to the journal until ctx is done: at once, as long as it is not too much.
func (t *Tracker) recordHandling(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.handling.wake:
		case <-timer.C:
		}
		if !t.rec.hasRoom() {
			timer.Reset(roomAgain)
			continue
		}
		due, again := t.handling.collect(time.Now())
		t.note(due)
		if again > 0 {
			timer.Reset(again)
		}
	}
}
