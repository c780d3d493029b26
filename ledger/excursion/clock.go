package excursion

import "isotherm/ledger/record"

// maxTripMS bounds trip time: 34.8 years. No sum of times, of temperatures up to hottestMC x times, or of distances to a
// limit x times overflows 64 bits, whatever clocks a hostile journal claims.
const maxTripMS = 1 << 40

// clock makes trip time from the box's clocks: by the monotonic clock inside one power-on, by the wall clock across two
// power-ons and across segments, never back.
type clock struct {
	started    bool
	now        Moment
	quality    record.ClockQuality // of the newest record's wall clock
	configured bool
	bootID     [16]byte // name of the running power-on
	newPower   bool     // Configure told of another power-on; the next record is its first
	apart      bool     // the next record is the first of another segment
}

func (c *clock) configure(bootID [16]byte) {
	c.newPower = c.configured && c.started && !c.apart && bootID != c.bootID
	c.bootID, c.configured = bootID, true
}

// advance moves on to a record. It tells whether another power-on began with it, and whether time has passed of which
// nobody knows how much.
func (c *clock) advance(r *record.Record) (powered, unknown bool) {
	next := Moment{WallMS: r.At.WallMS, Seq: r.Seq, BootMS: r.At.MonoMS}
	if !c.started {
		c.started, c.quality, c.now = true, r.At.Quality, next
		return false, false
	}
	powered = c.newPower || r.Boot != nil && c.configured && r.Boot.BootID != c.bootID
	var passed uint64
	switch {
	case c.apart || powered:
		unknown = c.quality == record.ClockUnset || r.At.Quality == record.ClockUnset || next.WallMS < c.now.WallMS
		if !unknown {
			passed = uint64(next.WallMS) - uint64(c.now.WallMS)
		}
	case next.BootMS > c.now.BootMS:
		passed = next.BootMS - c.now.BootMS
	}
	next.TripMS = min(c.now.TripMS+int64(min(passed, maxTripMS)), maxTripMS)
	c.now, c.quality, c.apart, c.newPower = next, r.At.Quality, false, false
	return powered, unknown
}
