package tracker

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"isotherm/hardware"
	"isotherm/ledger/record"
)

// Limits of what devices may write into the journal; in real time, because it protects a real disk.
const (
	// settle is how long a condition stands before it is recorded: every attempt to open a port that is not there passes
	// through 'opening' in no time, and that is no news.
	settle = time.Second

	// A device may change 8 times in a row, which is an evening of mishaps, then its newest condition is recorded once a
	// minute. A plug that is loose for a day costs 1,440 records of about 60 bytes.
	deviceBurst = 8
	deviceEvery = time.Minute

	// roomAgain is how long what is to be told waits while neither disk nor memory has room.
	roomAgain = 5 * time.Second

	maxRecordText = 200 // bytes of a name or port in a record, below what records allow
)

// Devices collects how the box's devices stand. Drivers tell it through their monitors and never wait for it: it keeps the
// newest condition of each device, so its memory is bounded by their number. The tracker brings it to the journal.
type Devices struct {
	now  func() time.Time // the box's clock
	wake chan struct{}    // holds a token when something changed; capacity 1 merges

	mu   sync.Mutex // guards what follows; held for memory work only, under a monitor's own
	list []*device
}

// device is one device's condition, and what the journal says of it.
type device struct {
	newest     hardware.Condition
	told       hardware.Condition // the newest that is recorded; zero: none is
	due        bool               // it changed since it was last looked at
	pending    int                // changes since then
	held       bool               // it changes too often, and waits for its allowance
	unrecorded int                // changes that were too many for the journal
	allowance  allowance
}

// NewDevices returns an empty collection. now is the box's clock: Clock.Time.
func NewDevices(now func() time.Time) *Devices {
	return &Devices{now: now, wake: make(chan struct{}, 1)}
}

// Monitor returns the monitor for a new device of that name: 'gnss', 'probe 0', 'battery'. Call it once a device, before
// Run.
func (d *Devices) Monitor(name string) *hardware.Monitor {
	dev := &device{newest: hardware.Condition{Device: name, State: hardware.StateDown, Since: d.now()}}
	d.mu.Lock()
	d.list = append(d.list, dev)
	d.mu.Unlock()
	return hardware.NewMonitor(name, d.now, func(c hardware.Condition) {
		d.mu.Lock()
		dev.newest, dev.due = c, true
		dev.pending++
		d.mu.Unlock()
		poke(d.wake)
	})
}

// poke leaves a token in a channel of capacity 1.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // there is one already
	}
}

// collect returns the records that are due, and how long until the next may be made; 0: none waits.
func (d *Devices) collect(now time.Time) (due []*record.Record, again time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, dev := range d.list {
		if !dev.due {
			continue
		}
		c := dev.newest
		if c.State == dev.told.State && c.Fault == dev.told.Fault && c.Port == dev.told.Port {
			dev.settle(dev.pending) // it came and went, as an attempt to open does
			continue
		}
		ok, wait := dev.allowance.take(now, deviceBurst, deviceEvery)
		if !ok {
			dev.held = true
			if again == 0 || wait < again {
				again = wait
			}
			continue
		}
		dev.told = c
		dev.settle(dev.pending - 1)
		due = append(due, deviceRecord(c))
	}
	return due, again
}

// settle notes that the journal tells how the device stands, and how many changes it does not tell of.
func (d *device) settle(swallowed int) {
	if d.held {
		d.unrecorded += swallowed
	}
	d.due, d.held, d.pending = false, false, 0
}

func deviceRecord(c hardware.Condition) *record.Record {
	return &record.Record{Kind: record.KindDevice, Device: &record.Device{Name: clip(c.Device), State: max(uint8(c.State), uint8(hardware.StateDown)),
		Fault: record.Fault(c.Fault), Port: clip(c.Port)}}
}

// clip makes a text of a device or the kernel fit for a record: a record that can't be written would stop the box.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	for len(s) > maxRecordText {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// conditions returns how all devices stand, in the order in which they were made.
func (d *Devices) conditions() []device {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]device, len(d.list))
	for i, dev := range d.list {
		out[i] = *dev
	}
	return out
}

// recordDevices brings changes of devices to the journal until ctx is done.
func (t *Tracker) recordDevices(ctx context.Context) error {
	d := t.cfg.Devices
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		case <-timer.C:
		}
		if waitReal(ctx, settle) != nil {
			return nil
		}
		if !t.rec.hasRoom() {
			timer.Reset(roomAgain)
			continue
		}
		due, again := d.collect(time.Now())
		t.note(due)
		if again > 0 {
			timer.Reset(again)
		}
	}
}

// note records what is not urgent enough to wait for. What finds no room is told to the log: readings and acts come first.
func (t *Tracker) note(due []*record.Record) {
	if len(due) == 0 {
		return
	}
	if _, err := t.rec.add(due...); err != nil {
		t.cfg.Logger.Warn("not recorded", "records", len(due), "err", err)
	}
	if t.rec.isUrgent() {
		poke(t.kick)
	}
}
