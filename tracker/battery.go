package tracker

import (
	"context"
	"sync"
	"time"

	"isotherm/hardware"
	"isotherm/ledger/record"
)

// How often the battery is looked at, and what of it is recorded. A battery that lasts a day gives about 100 records.
const (
	batteryEvery   = time.Minute      // by the box's clock
	batteryLeast   = time.Second      // in real time, when a demonstration runs fast
	batteryTimeout = 10 * time.Second // the first answer of a serial gauge takes three: its line is drained before

	// A change of charge is recorded when it is a hundredth or more, and not within 5 minutes of the record before. A change
	// of state or fault is recorded at once: one look a minute bounds those too.
	chargeChange = 10
	chargeEvery  = 5 * time.Minute

	// A gauge that says nothing new is recorded all the same, so that a trip which begins later knows its battery, and whoever
	// reads knows that the gauge lives: 96 records a day.
	tellAgain = 15 * time.Minute
)

// battery is what the box knows of its battery.
type battery struct {
	guard guard

	mu     sync.Mutex // guards what follows
	newest hardware.Battery
	at     record.Stamp // when; zero: never read

	told   hardware.Battery // what the journal says; owned by watchBattery, as toldAt is
	toldAt record.Stamp
}

// watchBattery asks the gauge until ctx is done.
func (t *Tracker) watchBattery(ctx context.Context) error {
	for {
		t.readBattery(ctx)
		if ctx.Err() != nil || waitReal(ctx, max(t.cfg.Clock.Real(batteryEvery), batteryLeast)) != nil {
			return nil
		}
	}
}

func (t *Tracker) readBattery(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, batteryTimeout)
	defer cancel()
	now, err := ask(limited, t.battery.guard, t.cfg.Battery.Read)
	if ctx.Err() != nil {
		return // what it said then is that it was interrupted
	}
	if err != nil {
		now = hardware.Battery{ChargePermille: hardware.ChargeUnknown, MilliVolts: hardware.VoltsUnknown, State: hardware.PowerUnknown,
			Fault: faultOf(err), Detail: err.Error()}
	}
	b := &t.battery
	at := t.cfg.Clock.Now()
	b.mu.Lock()
	b.newest, b.at = now, at
	b.mu.Unlock()
	if b.toldAt.Quality != 0 && !b.isNews(now, at) || !t.rec.hasRoom() {
		return
	}
	b.told, b.toldAt = now, at
	t.note([]*record.Record{batteryRecord(now)})
}

// isNews tells whether what the gauge says differs enough from what the journal says.
func (b *battery) isNews(now hardware.Battery, at record.Stamp) bool {
	if now.State != b.told.State || now.Fault != b.told.Fault {
		return true
	}
	since := at.MonoMS - b.toldAt.MonoMS
	if since < uint64(chargeEvery.Milliseconds()) {
		return false
	}
	if since >= uint64(tellAgain.Milliseconds()) {
		return true
	}
	if (now.ChargePermille == hardware.ChargeUnknown) != (b.told.ChargePermille == hardware.ChargeUnknown) {
		return true
	}
	return max(now.ChargePermille, b.told.ChargePermille)-min(now.ChargePermille, b.told.ChargePermille) >= chargeChange
}

// batteryRecord makes a record of what the gauge said. What no battery can be is unknown: the record would be refused, and
// the fault says why.
func batteryRecord(b hardware.Battery) *record.Record {
	out := &record.Battery{ChargePermille: b.ChargePermille, MilliVolts: b.MilliVolts, State: max(uint8(b.State), uint8(hardware.PowerUnknown)),
		LeftS: uint32(min(max(b.Left/time.Second, 0), 1<<32-1)), Fault: record.Fault(b.Fault)}
	if b.ChargePermille > 1000 {
		out.ChargePermille = record.ChargeUnknown
		if b.ChargePermille != hardware.ChargeUnknown && b.Fault == hardware.None {
			out.Fault = record.Fault(hardware.GaugeGlitch)
		}
	}
	return &record.Record{Kind: record.KindBattery, Battery: out}
}

// isFailing tells whether the box may soon be without power: that must be on disk before it is.
func isFailing(b *record.Battery) bool {
	f := hardware.Fault(b.Fault)
	return f == hardware.BatteryLow || f == hardware.Undervoltage
}

// status returns what the gauge last said, and false when it never did.
func (b *battery) status() (hardware.Battery, record.Stamp, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.newest, b.at, b.at.Quality != 0
}
