package tracker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"isotherm/hardware"
	"isotherm/ledger/record"
)

// roundTimeout is how long a round of probes may take, in real time: enough for a Modbus line that must first be drained
// (three timeouts) and then asked for 16 probes, and half of the usual interval. A shorter one would interrupt the
// draining at every reading, and never get an answer.
const roundTimeout = 5 * time.Second

// gapIntervals is how many intervals late a reading may be before the journal says why.
const gapIntervals = 3

// sampler reads all probes and the receiver at every interval. Run owns its fields.
type sampler struct {
	rec      *recorder
	clock    Clock
	probes   []Probe
	locator  Locator
	interval time.Duration
	kick     chan<- struct{} // wakes the flusher; capacity 1
	failing  map[int]bool    // probes that did not answer last time
	last     uint64          // monotonic time of the last reading
	begun    bool
}

// run samples until ctx is done. Readings keep to the grid of the interval: one that came late moves none of the later.
func (s *sampler) run(ctx context.Context) error {
	step := uint64(s.interval / time.Millisecond)
	due := s.clock.Now().MonoMS
	for {
		if now := s.clock.Now().MonoMS; now < due {
			if err := wait(ctx, s.clock, time.Duration(due-now)*time.Millisecond); err != nil {
				return nil
			}
			continue
		}
		if err := s.once(ctx); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		due += step
		if now := s.clock.Now().MonoMS; now >= due+step { // whole intervals were missed
			due += (now - due) / step * step
		}
	}
}

// once takes one reading and records it.
func (s *sampler) once(ctx context.Context) error {
	asked := s.clock.Now()
	reading, faults := s.read(ctx)
	if ctx.Err() != nil {
		return nil // what the probes said then is that they were interrupted
	}
	at := s.clock.Now()
	var records []*record.Record
	if late := uint64(gapIntervals * s.interval / time.Millisecond); s.begun && at.MonoMS-s.last > late {
		reason := record.GapSuspended
		if 2*(at.MonoMS-asked.MonoMS) > at.MonoMS-s.last {
			reason = record.GapProbes // most of the time went into waiting for them
		}
		records = append(records, &record.Record{Kind: record.KindGap, At: at,
			Gap: &record.Gap{Reason: reason, FromMono: s.last, ToMono: at.MonoMS}})
	}
	for i, fault := range faults {
		if fails := fault != hardware.None; fails != s.failing[i] {
			s.failing[i] = fails
			records = append(records, &record.Record{Kind: record.KindProbeChange, At: at,
				Probe: &record.ProbeChange{Probe: uint8(i), Fault: record.Fault(fault)}})
		}
	}
	s.last, s.begun = at.MonoMS, true
	records = append(records, &record.Record{Kind: record.KindReading, At: at, Reading: reading})
	if _, err := s.rec.add(records...); err != nil && !errors.Is(err, errPendingFull) {
		return fmt.Errorf("record reading: %w", err)
	}
	if s.rec.isUrgent() {
		select {
		case s.kick <- struct{}{}:
		default: // it is awake already
		}
	}
	return nil
}

// read asks all probes at once and the receiver, and returns what they said.
func (s *sampler) read(ctx context.Context) (*record.Reading, []hardware.Fault) {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	samples := make([]hardware.Sample, len(s.probes))
	var wg sync.WaitGroup
	for i, p := range s.probes {
		wg.Go(func() { samples[i] = p.Device.Read(ctx) }) // ends with ctx, as hardware.Probe promises
	}
	wg.Wait()
	reading := &record.Reading{}
	faults := make([]hardware.Fault, len(s.probes))
	for i, sample := range samples {
		out := record.Sample{Probe: uint8(i), Fault: record.Fault(sample.Fault)}
		if temp, ok := sample.Value(); ok {
			out.TempMC = int32(temp)
		}
		faults[i] = sample.Fault
		reading.Samples = append(reading.Samples, out)
	}
	if s.locator != nil && s.rec.inCase() { // where an empty box goes is nobody's business
		reading.Fix, reading.FixFault = fixOf(s.locator.Latest())
	}
	return reading, faults
}

// fixOf turns the receiver's answer into that of a record: a position, or why there is none.
func fixOf(fix hardware.Fix, age time.Duration, fault hardware.Fault) (*record.Fix, record.Fault) {
	if fault != hardware.None {
		return nil, record.Fault(fault)
	}
	out := &record.Fix{LatE7: fix.LatE7, LonE7: fix.LonE7, Quality: uint8(fix.Quality), Satellites: fix.Satellites,
		HDOPx100: fix.HDOPx100, AgeMS: uint32(min(max(age.Milliseconds(), 0), 1<<32-1))}
	if fix.HDOPx100 == hardware.HDOPUnknown {
		out.HDOPx100 = 0
	}
	return out, 0
}
