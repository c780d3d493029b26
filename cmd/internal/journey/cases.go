package journey

import (
	"context"
	"fmt"
	"time"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/hardware"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// place is a position in 1e-7 degrees.
type place struct{ lat, lon int32 }

// between is the place at so many percent of the way.
func between(from, to place, percent int32) place {
	return place{from.lat + (to.lat-from.lat)/100*percent, from.lon + (to.lon-from.lon)/100*percent}
}

func (p place) position() custody.Position { return custody.Position{LatE7: p.lat, LonE7: p.lon} }

// Places of the simulated trips.
var (
	harborHospital = place{601_650_000, 249_500_000}
	northAirport   = place{603_170_000, 249_630_000}
	southAirport   = place{614_140_000, 236_040_000}
	hillCenter     = place{614_980_000, 237_810_000}
)

// sideTrip is a simulated shipment beside the one that is driven: real acts and real entries over the records of simBoxes.
// Its steps do nothing once one of them has failed.
type sideTrip struct {
	j     *Journey
	ctx   context.Context // of the steps
	id    ledger.ShipmentID
	box   *simBox
	admin *client.Client
	donor [32]byte                  // commitment to the donor ID; zero: the case is opened without one
	acts  map[custody.Kind][32]byte // newest of each kind
	err   error
}

// sideTrips puts shipments on the board that show what the main one does not.
func (j *Journey) sideTrips(ctx context.Context) error {
	c, err := j.people.admin.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	var boxes []*simBox
	for _, trip := range []struct {
		says    string
		begun   time.Duration // before now
		battery simBattery
		run     func(*sideTrip)
	}{
		{"a second heart, in flight: six cold minutes on the road, then the radio off over the flight", 95 * time.Minute,
			simBattery{permille: 940, lasts: 30 * time.Hour}, heartInFlight},
		{"a kidney at airline cargo: released by one side, with the air waybill, and a seal number corrected", 145 * time.Minute,
			simBattery{permille: 710, lasts: 26 * time.Hour}, kidneyAtCargo},
		{"a liver that was moved to another box on the way, for the battery of the first was low", 100 * time.Minute,
			simBattery{permille: 270, lasts: 8 * time.Hour}, liverMoved},
		{"a lung that two couriers claim to have taken; two other people ruled", 115 * time.Minute,
			simBattery{permille: 880, lasts: 30 * time.Hour}, lungClaimedTwice},
		{"a pancreas whose box had no network: its readings came late, and now it is too cold", 90 * time.Minute,
			simBattery{permille: 970, lasts: 22 * time.Hour}, pancreasLate},
	} {
		t := &sideTrip{j: j, ctx: ctx, id: ledger.NewShipmentID(), admin: c, acts: map[custody.Kind][32]byte{}}
		t.switchOn(time.Now().Add(-trip.begun).Truncate(time.Second), trip.battery)
		if trip.run(t); t.err != nil {
			return fmt.Errorf("%s: %w", trip.says, t.err)
		}
		j.say("simulated: %s", trip.says)
		boxes = append(boxes, t.box)
	}
	if j.opts.Pages {
		j.stopRides, err = j.ride(boxes)
	}
	return err
}

// step does something unless the trip has failed, and again while the ledger is unavailable.
func (t *sideTrip) step(f func(context.Context) error) {
	if t.err == nil {
		t.err = patiently(t.ctx, f)
	}
}

// switchOn gives the trip a new box.
func (t *sideTrip) switchOn(at time.Time, battery simBattery) {
	t.j.boxes++
	b, err := newSimBox(fmt.Sprintf(simLabel, t.j.boxes+1), "organ", at, battery)
	if err != nil {
		t.err = err
		return
	}
	t.step(func(ctx context.Context) error { return b.enrol(ctx, t.admin) })
	t.box = b
}

// head is the newest head of the box, as its page shows it to whoever stands beside it.
func (t *sideTrip) head() (head []byte) {
	if t.err == nil {
		head, t.err = t.box.head()
	}
	return head
}

// act makes an act at the box's time. It follows the newest one unless its parent is set.
func (t *sideTrip) act(me *identity.Me, s custody.Statement, others ...*identity.Me) {
	s.Shipment, s.ID, s.EventTimeMS = t.id, ledger.NewActID(), t.box.at.UnixMilli()
	setClocks(func() time.Time { return t.box.at }, me, others)
	t.step(func(ctx context.Context) error {
		c, err := me.Client()
		if err != nil {
			return err
		}
		defer c.Close()
		act, _, err := me.Act(ctx, c, s, others...)
		if err != nil {
			return fmt.Errorf("%s by %s: %w", s.Kind, me.Organisation, err)
		}
		t.acts[s.Kind] = act.Hash()
		return nil
	})
}

// record takes readings for d that stay on the box.
func (t *sideTrip) record(d time.Duration, fromMC, toMC int32, from, to place) {
	if t.err == nil {
		t.err = t.box.read(d, fromMC, toMC, from, to)
	}
}

// notice lets the box record what happens to it, or to its devices.
func (t *sideTrip) notice(r record.Record) {
	if t.err == nil {
		t.err = t.box.notice(r)
	}
}

// opened is a minute for which the lid is open.
func (t *sideTrip) opened(tempMC int32, at place) {
	t.notice(lid(true))
	t.record(time.Minute, tempMC, tempMC, at, at)
	t.notice(lid(false))
	t.send()
}

// send hands what is on the box to the ledger.
func (t *sideTrip) send() {
	t.step(func(ctx context.Context) error { return t.box.send(ctx, t.admin) })
}

// batchEvery is how often a driven box sends; more than five minutes would be late data.
const batchEvery = 4 * time.Minute

// drive takes readings for d and hands them to the ledger every few minutes.
func (t *sideTrip) drive(d time.Duration, fromMC, toMC int32, from, to place) {
	n := int64((d + batchEvery - 1) / batchEvery)
	for i := range n {
		part := func(a, b int32, k int64) int32 { return int32(int64(a) + (int64(b)-int64(a))*k/n) }
		until := func(k int64) time.Duration { return (d * time.Duration(k) / time.Duration(n)).Truncate(simEvery) } // whole readings
		at := func(k int64) place { return place{part(from.lat, to.lat, k), part(from.lon, to.lon, k)} }
		t.record(until(i+1)-until(i), part(fromMC, toMC, i), part(fromMC, toMC, i+1), at(i), at(i+1))
		t.send()
	}
}

// pack opens the shipment and packs the organ under a shipped profile, ten minutes after the box was switched on.
func (t *sideTrip) pack(organ custody.Organ, side custody.Side, profileName string) {
	p, ok := profile.Default(profileName)
	if !ok {
		t.err = fmt.Errorf("profile %s is not shipped", profileName)
		return
	}
	people := t.j.cast
	t.act(people.coordinator, custody.Statement{Kind: custody.Open, Organ: organ, Side: side, From: "River OPO", Dest: "Hill Transplant Center",
		FromPhone: "+1 206 555 0100", DestPhone: "+1 206 555 0199", Donor: t.donor, Legs: t.legs()})
	middle := (p.LowMC + p.HighMC) / 2
	t.drive(10*time.Minute, middle+1500, middle, harborHospital, harborHospital)
	t.act(people.ground, custody.Statement{Kind: custody.Pack, Organ: organ, Side: side, Box: t.box.id(), Head: t.head(), Profile: p.Marshal(),
		ColdMS: t.box.at.Add(-14 * time.Minute).UnixMilli(), TimeErrorMS: 60_000, ABO: custody.ABOO, Packaging: custody.CooledBox,
		LabelCheck: custody.LabelTwoKeys, Seal: "0551"}, people.coordinator)
	t.opened(middle, harborHospital) // for the papers and the blood samples
}

// legs is the planned way: by road to one airport, by air to the next, by road to the center.
func (t *sideTrip) legs() []custody.Leg {
	at := func(d time.Duration) int64 { return t.box.at.Add(d).UnixMilli() }
	return []custody.Leg{
		{From: "Harbor Hospital", To: "North Airport", Mode: custody.Road, DepartMS: at(12 * time.Minute), ArriveMS: at(45 * time.Minute),
			Start: harborHospital.position(), End: northAirport.position(), RadiusM: 800},
		{From: "North Airport", To: "South Airport", Mode: custody.Charter, DepartMS: at(time.Hour), ArriveMS: at(105 * time.Minute),
			Start: northAirport.position(), End: southAirport.position(), RadiusM: 1500},
		{From: "South Airport", To: "Hill Transplant Center", Mode: custody.Road, DepartMS: at(110 * time.Minute), ArriveMS: at(135 * time.Minute),
			Start: southAirport.position(), End: hillCenter.position(), RadiusM: 800},
	}
}

// handOver moves custody with two keys; the box waits two minutes meanwhile.
func (t *sideTrip) handOver(from, to *identity.Me, where string, at place, tempMC int32) {
	t.act(from, custody.Statement{Kind: custody.Release, To: to.Party(), Head: t.head(), Place: where, Seal: "0551",
		ValidMS: t.box.at.Add(30 * time.Minute).UnixMilli()})
	t.send()
	t.record(2*time.Minute, tempMC, tempMC, at, at)
	t.act(to, custody.Statement{Kind: custody.Accept, Head: t.head(), Place: where, Seal: "0551"})
}

// heartDonor is made up, as all donor IDs here.
const heartDonor = "DEMO-3088"

func heartInFlight(t *sideTrip) {
	p := t.j.cast
	t.j.showpiece = t.id
	t.step(func(ctx context.Context) (err error) {
		t.donor, err = t.j.commit(ctx, p.coordinator, heartDonor)
		return err
	})
	t.pack(custody.Heart, custody.SideNone, "chs-4-8")
	t.step(func(ctx context.Context) error { return t.j.keepDonor(ctx, p.coordinator, t.id, heartDonor) })
	t.drive(19*time.Minute, 6000, 5600, harborHospital, northAirport)
	t.drive(6*time.Minute, 3100, 3000, northAirport, northAirport) // six cold minutes, while the ground courier holds it
	t.drive(10*time.Minute, 4800, 5200, northAirport, northAirport)
	t.handOver(p.ground, p.air, "North Airport", northAirport, 5200)
	t.notice(blow(4_300)) // loaded
	t.notice(radio(false))
	t.send()
	aloft, descent := between(northAirport, southAirport, 25), between(northAirport, southAirport, 75)
	t.record(9*time.Minute, 5200, 5300, northAirport, aloft)
	t.notice(receiver(false)) // the cargo hold has no windows
	t.record(17*time.Minute, 5300, 5400, aloft, descent)
	t.notice(receiver(true))
	t.record(9*time.Minute, 5400, 5500, descent, southAirport)
	t.notice(radio(true))
	t.drive(10*time.Minute, 5500, 5400, southAirport, hillCenter)
}

func kidneyAtCargo(t *sideTrip) {
	p := t.j.cast
	t.pack(custody.Kidney, custody.SideLeft, "chs-4-8")
	t.drive(39*time.Minute, 6000, 5500, harborHospital, northAirport)
	t.act(p.ground, custody.Statement{Kind: custody.Release, To: custody.Party{Organisation: "Skyline Cargo", Desk: "Export desk"}, Head: t.head(),
		Place: "North Airport", Seal: "0515", Evidence: custody.OneSide, Reason: custody.NoAccount, Reference: "618-12345675"})
	t.act(p.ground, custody.Statement{Kind: custody.Correction, Cites: t.acts[custody.Release], Seal: "0551", Reason: custody.TypingError})
	t.notice(blow(6_100)) // put down hard at the cargo desk
	t.drive(90*time.Minute, 5500, 5800, northAirport, northAirport)
}

func liverMoved(t *sideTrip) {
	t.pack(custody.Liver, custody.SideNone, "chs-4-8")
	t.drive(34*time.Minute, 5500, 6400, harborHospital, northAirport)
	t.drive(4*time.Minute, 6400, 6500, northAirport, northAirport)
	t.opened(6500, northAirport) // the organ is taken out
	old, head := t.box, t.head()
	t.switchOn(old.at, simBattery{permille: 980, lasts: 30 * time.Hour})
	t.drive(5*time.Minute, 5600, 5400, northAirport, northAirport)
	t.act(t.j.cast.ground, custody.Statement{Kind: custody.Move, Segment: custody.MovedBox, Box: old.id(), Head: head, NewBox: t.box.id(),
		NewHead: t.head(), Place: "North Airport", Seal: "0552", Reason: custody.BoxFault})
	t.drive(40*time.Minute, 5400, 5500, northAirport, southAirport)
}

func lungClaimedTwice(t *sideTrip) {
	p := t.j.cast
	t.pack(custody.Lung, custody.SideLeft, "lung-10")
	t.drive(39*time.Minute, 10_000, 9800, harborHospital, northAirport)
	t.handOver(p.ground, p.air, "North Airport", northAirport, 9800)
	stands := t.acts[custody.Accept]
	t.act(p.relief, custody.Statement{Kind: custody.Accept, Parent: t.acts[custody.Release], Head: t.head(), Place: "North Airport"})
	t.drive(18*time.Minute, 9800, 9900, northAirport, between(northAirport, southAirport, 50))
	t.notice(airFails(hardware.Timeout)) // a plug that is not all the way in
	t.drive(4*time.Minute, 9900, 9900, between(northAirport, southAirport, 50), between(northAirport, southAirport, 60))
	t.notice(airFails(hardware.None))
	t.drive(18*time.Minute, 9900, 10_100, between(northAirport, southAirport, 60), southAirport)
	t.act(p.coordinator, custody.Statement{Kind: custody.Ruling, Cites: stands, Reason: custody.ByDevice}, p.center)
	t.drive(20*time.Minute, 10_100, 10_000, southAirport, hillCenter)
}

func pancreasLate(t *sideTrip) {
	t.pack(custody.Pancreas, custody.SideNone, "chs-4-8")
	t.drive(15*time.Minute, 6000, 5900, harborHospital, northAirport)
	t.drive(4*time.Minute, 5900, 5900, northAirport, northAirport)
	t.record(45*time.Minute, 5900, 5600, northAirport, southAirport) // no network: nothing is sent
	t.send()
	t.drive(10*time.Minute, 5600, 5500, southAirport, hillCenter)
	t.drive(4*time.Minute, 2900, 2400, hillCenter, hillCenter) // up to now: an alarm that lasts, for whoever holds it
}
