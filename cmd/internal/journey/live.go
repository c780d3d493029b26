package journey

import (
	"context"
	"fmt"
	"time"

	"isotherm/cmd/internal/identity"
	"isotherm/hardware/sim"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/profile"
)

// The live trip: it began a while ago, and goes on as long as the journey's parts run.
const (
	liveBefore = 48 * time.Minute
	liveTrip   = 4 * time.Hour
	liveRate   = 144 // simulated seconds in a real second until the clock meets the time: 20 s
	liveSample = 15 * time.Second
	liveDonor  = "DEMO-2077"
)

// driveLive drives a second box in real time: a kidney that the courier of the pages carries. Its clock runs fast until it
// meets the time, so that there is something to see.
func (j *Journey) driveLive(ctx context.Context) error {
	p := &plan{trip: liveTrip, rate: liveRate, meet: true, start: time.Now().Add(-liveBefore).Truncate(time.Second)}
	var err error
	if p.route, err = sim.NewRoute(harborToHill(lead, p.trip)); err != nil {
		return err
	}
	p.begin()
	j.live = &box{name: "live", label: liveLabel, plan: p, sample: liveSample}
	if j.live.devices, err = startDevices(j.ctx, p, liveSurroundings()); err != nil {
		return err
	}
	if err := j.setUp(ctx, j.live); err != nil {
		return err
	}
	if err := j.packLive(ctx); err != nil {
		return fmt.Errorf("live trip: %w", err)
	}
	return nil
}

// liveSurroundings are a quiet trip: a slow wave, and a lid that somebody opened for a moment.
func liveSurroundings() surroundings {
	const from, to = 17 * time.Minute, 17*time.Minute + 50*time.Second
	return surroundings{
		weather: sim.ThermalConfig{Hold: 5_200, Swing: 600, SwingPeriod: 50 * time.Minute,
			Disturbances: []sim.Disturbance{{From: from, To: to, Ambient: 19_000}}},
		handled: []sim.Handled{{From: 0, To: 2 * time.Minute, Lid: true}, {From: 5 * time.Minute, Blow: 5_400}, {From: from, To: to, Lid: true}},
	}
}

// packLive opens the shipment and packs it. Who packs has it.
func (j *Journey) packLive(ctx context.Context) error {
	donor, err := j.commit(ctx, j.cast.coordinator, liveDonor)
	if err != nil {
		return err
	}
	at := j.live.plan
	when := func(d time.Duration) int64 { return at.start.Add(lead + d).UnixMilli() }
	shipment := ledger.NewShipmentID()
	j.onLive = shipment
	open := custody.Statement{Kind: custody.Open, Shipment: shipment, Organ: custody.Kidney, Side: custody.SideLeft, From: "River OPO",
		Dest: "Hill Transplant Center", FromPhone: "+1 206 555 0100", DestPhone: "+1 206 555 0199", Donor: donor, Legs: []custody.Leg{{From: "Harbor Hospital",
			To: "Hill Transplant Center", Mode: custody.Road, DepartMS: when(5 * time.Minute), ArriveMS: when(liveTrip),
			Start: harborHospital.position(), End: custody.Position{LatE7: 604_510_000, LonE7: 242_690_000}, RadiusM: 800}}}
	if err := j.actAt(ctx, at, j.cast.coordinator, open); err != nil {
		return err
	}
	if err := j.keepDonor(ctx, j.cast.coordinator, shipment, liveDonor); err != nil {
		return err
	}
	if err := j.sleep(ctx, at.real(lead-at.elapsed())); err != nil {
		return err
	}
	head, id, err := identity.BoxHead(ctx, j.live.url)
	if err != nil {
		return err
	}
	program, ok := profile.Default("kidney-chs")
	if !ok {
		return fmt.Errorf("profile kidney-chs is not shipped")
	}
	j.live.devices.pack(at.elapsed())
	return j.actAt(ctx, at, j.cast.ground, custody.Statement{Kind: custody.Pack, Shipment: shipment, Organ: custody.Kidney, Side: custody.SideLeft, Box: id,
		Head: head, Profile: program.Marshal(), ColdMS: at.now().Add(-22 * time.Minute).UnixMilli(), TimeErrorMS: 60_000, ABO: custody.ABOO,
		Packaging: custody.CooledBox, LabelCheck: custody.LabelTwoKeys, Seal: "0733"}, j.cast.coordinator)
}
