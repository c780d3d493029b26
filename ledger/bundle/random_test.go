package bundle_test

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"isotherm/hardware"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/tracker"
	"isotherm/tracker/journal"
)

// tripClock is a box's clock: monotonic since its power-on.
type tripClock struct {
	on      time.Time
	boot    [ledger.IDSize]byte
	quality record.ClockQuality
}

func (c *tripClock) Now() record.Stamp {
	return record.Stamp{MonoMS: uint64(time.Since(c.on).Milliseconds()) + 1000, WallMS: time.Now().UnixMilli(), Quality: c.quality}
}
func (c *tripClock) Time() time.Time                    { return time.Now() }
func (c *tripClock) Real(d time.Duration) time.Duration { return d }
func (c *tripClock) BootID() [ledger.IDSize]byte        { return c.boot }

// tripProbe answers by a course that was drawn beforehand, one value a minute.
type tripProbe struct {
	began  time.Time
	course []hardware.Sample
}

func (p *tripProbe) Info() hardware.ProbeInfo { return hardware.ProbeInfo{Model: "random"} }

func (p *tripProbe) Read(context.Context) hardware.Sample {
	return p.course[min(int(time.Since(p.began)/time.Minute), len(p.course)-1)]
}

// tripBox is a real tracker with its disk.
type tripBox struct {
	dir    string
	clock  *tripClock
	probes []tracker.Probe
	box    *tracker.Tracker
	stop   func()
	boots  byte
}

// randomTrip is one trip of one organ, in one box or two.
type randomTrip struct {
	*far
	t        *testing.T
	rng      *rand.Rand
	profile  *profile.Profile
	space    string
	boxes    []*tripBox
	people   map[string]person
	pending  []lateAct
	restarts int
}

// lateAct is an act that a box gets later than it was stated.
type lateAct struct {
	box *tripBox
	raw []byte
	at  time.Time
}

const tripMinutes = 240 // the longest

func newRandomTrip(t *testing.T, seed uint64) *randomTrip {
	rng := rand.New(rand.NewPCG(seed, 7))
	l := newLedger(t, "a-")
	l.now = time.Now().UnixMilli()
	r := &randomTrip{t: t, rng: rng, far: &far{journey: &journey{ledger: l, shipment: ledger.ShipmentID{9}}, entries: map[string]int64{}}, people: map[string]person{}}
	for i, p := range []struct {
		name, org string
		role      entry.Role
	}{{"Coordinator", "OPO", entry.RoleCoordinator}, {"Driver", "City Courier", entry.RoleCourier}, {"Pilot", "North Air", entry.RoleCourier}, {"Nurse", "CTC1", entry.RoleCenter}} {
		r.people[p.name] = l.enrol(byte(i+1), p.name, p.org, p.role)
	}
	r.profile = randomProfile(rng)
	if rng.IntN(3) == 0 {
		r.space = "left"
	}
	for range 1 + rng.IntN(2) {
		r.boxes = append(r.boxes, r.newBox())
	}
	return r
}

// randomProfile draws a profile with some rules of every kind, all of short delays.
func randomProfile(rng *rand.Rand) *profile.Profile {
	p := &profile.Profile{Name: "random", Version: 1, ProbePlace: "organ", LowMC: 4000, HighMC: 8000, SettleMS: uint64(rng.IntN(30)) * 60_000}
	delay := func() uint64 { return uint64(1+rng.IntN(10)) * 60_000 }
	hysteresis := int32(rng.IntN(3)) * 250
	for _, rule := range []profile.Rule{
		{Name: "too cold", Kind: profile.Below, Severity: profile.High, LimitMC: 4000, HysteresisMC: hysteresis, DelayMS: delay()},
		{Name: "cold in total", Kind: profile.BelowTotal, Severity: profile.Medium, LimitMC: 4000, DelayMS: 2 * delay()},
		{Name: "cold degree-minutes", Kind: profile.BelowArea, Severity: profile.Medium, LimitMC: 4000, AreaMKMin: uint64(1+rng.IntN(30)) * 1000},
		{Name: "too warm", Kind: profile.Above, Severity: profile.High, LimitMC: 8000, HysteresisMC: hysteresis, DelayMS: delay()},
		{Name: "warm in total", Kind: profile.AboveTotal, Severity: profile.Medium, LimitMC: 8000, DelayMS: 2 * delay()},
		{Name: "warm degree-minutes", Kind: profile.AboveArea, Severity: profile.Medium, LimitMC: 8000, AreaMKMin: uint64(1+rng.IntN(30)) * 1000},
		{Name: "sensor lost", Kind: profile.Lost, Severity: profile.Medium, DelayMS: delay()},
		{Name: "silence", Kind: profile.Silent, Severity: profile.Medium, DelayMS: 3 * delay()},
	} {
		if rng.IntN(4) > 0 {
			p.Rules = append(p.Rules, rule)
		}
	}
	return p
}

// course draws a probe's answers: mostly in band, now and then out of it, or none.
func course(rng *rand.Rand) []hardware.Sample {
	var out []hardware.Sample
	for len(out) < tripMinutes {
		low, high, fault := 4000, 8000, hardware.None
		switch rng.IntN(6) {
		case 0:
			low, high = -2000, 4500
		case 1:
			low, high = 7500, 14_000
		case 2:
			fault = hardware.Timeout
		}
		for range 1 + rng.IntN(25) {
			s := hardware.Sample{Fault: fault}
			if fault == hardware.None {
				s.Temp = hardware.Temperature(low + rng.IntN(high-low+1))
			}
			out = append(out, s)
		}
	}
	return out
}

// tempDir returns a directory in memory where there is one: 1,000 trips sync their disks 60,000 times.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "isotherm-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (r *randomTrip) newBox() *tripBox {
	b := &tripBox{dir: tempDir(r.t)}
	places := []string{"organ", "box"}
	if r.rng.IntN(2) == 0 {
		places = append(places, "organ") // two probes beside the organ
	}
	if r.rng.IntN(2) == 0 {
		places = append(places, "organ/left")
	}
	for _, place := range places {
		b.probes = append(b.probes, tracker.Probe{Place: place, Device: &tripProbe{began: time.Now(), course: course(r.rng)}})
	}
	r.start(b)
	k, err := journal.LoadKey(b.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	enrolment := entry.BoxEnrolled{Key: public(k), Label: "box", Head: b.box.Head()}
	r.ledger.add(entry.KindBoxEnrolled, enrolment.Marshal(), entry.Box(b.box.Box()))
	return b
}

// start powers a box on, or restarts its program only.
func (r *randomTrip) start(b *tripBox) {
	if b.clock == nil || r.rng.IntN(2) == 0 {
		b.boots++
		b.clock = &tripClock{on: time.Now(), boot: [ledger.IDSize]byte{b.boots}, quality: record.ClockNTP}
		if r.rng.IntN(5) == 0 {
			b.clock.quality = record.ClockUnset
		}
	}
	box, err := tracker.New(tracker.Config{DataDir: b.dir, Software: "test", Clock: b.clock, Probes: b.probes,
		Intervals: tracker.Intervals{Sample: time.Minute, Flush: time.Hour, Sync: time.Hour}})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- box.Run(ctx) }()
	b.box = box
	b.stop = func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Errorf("run: %v", err)
		}
		b.box = nil
	}
}

// wait lets some minutes pass; now and then a box is restarted meanwhile, and acts come late.
func (r *randomTrip) wait(minutes int) {
	for range minutes {
		time.Sleep(time.Minute)
		synctest.Wait()
		r.deliver(time.Now())
		if r.rng.IntN(60) > 0 {
			continue
		}
		b := r.boxes[r.rng.IntN(len(r.boxes))]
		r.restarts++
		b.stop()
		time.Sleep(time.Duration(r.rng.IntN(15)) * time.Minute)
		r.start(b)
		synctest.Wait()
	}
}

// deliver hands the acts over that are due by a time.
func (r *randomTrip) deliver(now time.Time) {
	r.pending = slices.DeleteFunc(r.pending, func(a lateAct) bool {
		if a.at.After(now) {
			return false
		}
		if _, _, err := a.box.box.AddAct(a.raw); err != nil {
			r.t.Errorf("hand an act over: %v", err)
		}
		return true
	})
}

// state makes an act that follows the newest one, enters it, and hands it to boxes, at once or some minutes later.
func (r *randomTrip) state(s custody.Statement, who string, boxes ...*tripBox) {
	by := r.people[who]
	a := r.make(s, r.tip, by)
	a.Statement.EventTimeMS = time.Now().UnixMilli()
	again, err := custody.NewAct(a.Statement)
	if err != nil {
		r.t.Fatal(err)
	}
	r.sign(again, custody.RoleActor, by)
	r.tip = again.Hash()
	r.enter(again)
	for _, b := range boxes {
		late := lateAct{box: b, raw: again.Marshal(), at: time.Now()}
		if r.rng.IntN(3) == 0 {
			late.at = late.at.Add(time.Duration(r.rng.IntN(6)) * time.Minute)
		}
		r.pending = append(r.pending, late)
	}
	r.deliver(time.Now())
}

// travel makes the trip.
func (r *randomTrip) travel() {
	rng, first := r.rng, r.boxes[0]
	last := r.boxes[len(r.boxes)-1]
	r.wait(rng.IntN(20))
	r.state(custody.Statement{Kind: custody.Open, Organ: custody.Heart, From: "OPO", Dest: "CTC1"}, "Coordinator")
	pack := custody.Statement{Kind: custody.Pack, Organ: custody.Heart, Box: first.box.Box(), Head: first.box.Head(), Space: r.space, Profile: r.profile.Marshal()}
	r.state(pack, "Driver", first)
	r.wait(31 + rng.IntN(30)) // long enough for the rules to count, whatever the profile's patience
	if rng.IntN(2) == 0 {
		r.state(custody.Statement{Kind: custody.Release, To: r.people["Pilot"].party(), Head: first.box.Head()}, "Driver", first)
		r.wait(rng.IntN(20))
		r.state(custody.Statement{Kind: custody.Accept, Head: first.box.Head()}, "Pilot", first)
	}
	r.wait(rng.IntN(40))
	if last != first {
		r.state(custody.Statement{Kind: custody.Move, Segment: custody.MovedBox, Box: first.box.Box(), Head: first.box.Head(), NewBox: last.box.Box(), NewHead: last.box.Head(), Space: r.space},
			"Coordinator", first)
		r.handMove(last)
		r.wait(10 + rng.IntN(40))
	}
	r.state(custody.Statement{Kind: custody.Receive, Head: last.box.Head()}, "Nurse", last)
	if rng.IntN(2) == 0 {
		r.wait(rng.IntN(20))
		r.state(custody.Statement{Kind: custody.OpenBox, Head: last.box.Head()}, "Nurse", last)
	}
	r.wait(10)
	for _, b := range r.boxes {
		b.stop()
	}
}

// handMove hands the move and the act with the profile to the new box, in this order.
func (r *randomTrip) handMove(b *tripBox) {
	var moved, packed []byte
	for _, e := range r.ledger.entries {
		if a, err := custody.ParseAct(e.Salted[entry.SaltSize:]); err == nil && a.Statement.Kind == custody.Move {
			moved = a.Marshal()
		} else if err == nil && a.Statement.Kind == custody.Pack {
			packed = a.Marshal()
		}
	}
	for _, raw := range [][]byte{moved, packed} {
		if _, _, err := b.box.AddAct(raw); err != nil {
			r.t.Errorf("hand a move over: %v", err)
		}
	}
}
