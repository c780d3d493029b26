package journey

import (
	"fmt"
	"time"

	"isotherm/hardware/sim"
)

// plan is the timetable of a journey. Durations are simulated time since packing, unless they say otherwise.
type plan struct {
	trip      time.Duration
	iceAt     time.Duration // the organ touches ice
	cutAt     time.Duration // the network is lost
	joinAt    time.Duration // and back
	handoffAt time.Duration
	rate      int64     // simulated seconds in a real second
	start     time.Time // simulated wall time at the real time epoch
	epoch     time.Time
	capture   *sim.Capture // or nil
	route     *sim.Route   // when there is no capture
	played    int          // how often the capture is played to fill the trip
	meet      bool         // the clock goes on with time once it has caught up with it
}

// lead is the simulated time that box and people have before packing; the route waits at the hospital meanwhile.
const lead = 8 * time.Minute

// shortestTrip leaves room for all that happens on a trip. A shorter capture is played again from its beginning.
const shortestTrip = 100 * time.Minute

// makePlan lays out a journey whose drive takes about real time to watch.
func makePlan(gps string, real time.Duration) (*plan, error) {
	p := &plan{trip: 2 * time.Hour, played: 1}
	if gps != "" {
		c, err := sim.OpenCapture(gps)
		if err != nil {
			return nil, err
		}
		p.capture = c
		p.trip = max(c.Duration(), shortestTrip)
		p.played = int((p.trip + lead + c.Duration() - 1) / max(c.Duration(), time.Second))
	} else {
		route, err := sim.NewRoute(harborToHill(lead, p.trip))
		if err != nil {
			return nil, err
		}
		p.route = route
	}
	part := func(percent int) time.Duration { return p.trip * time.Duration(percent) / 100 }
	p.iceAt, p.cutAt, p.joinAt, p.handoffAt = part(20), part(40), part(55), part(70)
	p.rate = max(int64(p.trip/max(real, 1)), 1)
	// The journey ends about now, so that its acts don't lie in the ledger's future.
	p.start = time.Now().Add(-p.trip - lead - 15*time.Minute).Truncate(time.Second)
	if real <= 0 || p.rate > maxRate {
		return nil, fmt.Errorf("a trip of %v can't be shown in %v: probes and receiver would not keep up", p.trip, real)
	}
	return p, nil
}

// maxRate is where a probe's answer time on the line, some 20 ms, begins to be long beside the sample interval.
const maxRate = 600

// begin sets the clock going. Until then it stands at the start.
func (p *plan) begin() { p.epoch = time.Now() }

// elapsed is the simulated time since the start.
func (p *plan) elapsed() time.Duration {
	if p.epoch.IsZero() {
		return 0
	}
	d := time.Since(p.epoch) * time.Duration(p.rate)
	if p.meet {
		d = min(d, time.Since(p.start))
	}
	return d
}

// now is the simulated wall clock.
func (p *plan) now() time.Time { return p.start.Add(p.elapsed()) }

// real is how much real time a simulated duration takes.
func (p *plan) real(d time.Duration) time.Duration { return d / time.Duration(p.rate) }

// harborToHill is a route of our own: from a hospital near a harbor over country roads to a transplant center.
func harborToHill(lead, trip time.Duration) []sim.Waypoint {
	points := [][2]int32{
		{601_650_000, 249_500_000}, {601_660_000, 249_500_100}, {601_820_000, 249_310_000}, {602_240_000, 248_900_000},
		{602_910_000, 248_020_000}, {603_560_000, 246_510_000}, {604_020_000, 244_880_000}, {604_490_000, 242_740_000},
		{604_510_000, 242_690_000},
	}
	out := make([]sim.Waypoint, len(points))
	for i, p := range points {
		out[i] = sim.Waypoint{LatE7: p[0], LonE7: p[1], At: lead + trip*time.Duration(i)/time.Duration(len(points)-1)}
	}
	out[0].At = 0
	out[1].At = lead
	return out
}
