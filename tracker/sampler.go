package tracker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	doubter  *doubter
	handling *handling
	locator  Locator
	interval time.Duration
	kick     chan<- struct{} // wakes the flusher; capacity 1
	log      *slog.Logger
	last     uint64 // monotonic time of the last reading
	begun    bool
	steps    int // of the wall clock, as far as they were told to the log
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
	samples := s.ask(ctx)
	if ctx.Err() != nil {
		return nil // what the probes said then is that they were interrupted
	}
	at := s.clock.Now()
	s.noticeStep()
	values, answers := s.doubter.judge(samples, s.handling.lid(), at)
	reading := &record.Reading{Samples: values}
	if s.locator != nil && s.rec.inCase() { // where an empty box goes is nobody's business
		reading.Fix, reading.FixFault = fixOf(s.locator.Latest())
	}
	var records []*record.Record
	if late := uint64(gapIntervals * s.interval / time.Millisecond); s.begun && at.MonoMS-s.last > late {
		reason := record.GapSuspended
		if 2*(at.MonoMS-asked.MonoMS) > at.MonoMS-s.last {
			reason = record.GapProbes // most of the time went into waiting for them
		}
		records = append(records, &record.Record{Kind: record.KindGap, At: at,
			Gap: &record.Gap{Reason: reason, FromMono: s.last, ToMono: at.MonoMS}})
	}
	records = append(records, s.doubter.changes(answers, at)...)
	s.last, s.begun = at.MonoMS, true
	records = append(records, &record.Record{Kind: record.KindReading, At: at, Reading: reading})
	if err := s.rec.addReading(answers, records...); err != nil && !errors.Is(err, errPendingFull) {
		return fmt.Errorf("record reading: %w", err)
	}
	if s.rec.isUrgent() {
		poke(s.kick)
	}
	return nil
}

// ask asks all probes at once, and returns what they said.
func (s *sampler) ask(ctx context.Context) []hardware.Sample {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	samples := make([]hardware.Sample, len(s.doubter.probes))
	var wg sync.WaitGroup
	for i, p := range s.doubter.probes {
		wg.Go(func() {
			sample, err := ask(ctx, s.doubter.guards[i], p.Device.Read)
			if err != nil {
				sample = hardware.Sample{At: s.clock.Time(), Fault: faultOf(err), Detail: err.Error()}
			}
			samples[i] = sample
		})
	}
	wg.Wait()
	return samples
}

// noticeStep tells the log when the wall clock was set. The journal needs no record of it: every record carries both times.
func (s *sampler) noticeStep() {
	c, ok := s.clock.(stepper)
	if !ok {
		return
	}
	if step := c.Stepped(); step.Count != s.steps {
		s.log.Warn("the wall clock was set; records are ordered by their numbers and the monotonic clock", "step", step.Step,
			"clock", step.At.Quality, "steps", step.Count)
		s.steps = step.Count
	}
}

// fixOf turns the receiver's answer into that of a record: a position, with a fault when there is a doubt about it, or why
// there is none.
func fixOf(fix hardware.Fix, age time.Duration, fault hardware.Fault) (*record.Fix, record.Fault) {
	if fault != hardware.None {
		return nil, record.Fault(fault)
	}
	out := &record.Fix{LatE7: fix.LatE7, LonE7: fix.LonE7, Quality: uint8(fix.Quality), Satellites: fix.Satellites,
		HDOPx100: fix.HDOPx100, AgeMS: uint32(min(max(age.Milliseconds(), 0), 1<<32-1))}
	if fix.HDOPx100 == hardware.HDOPUnknown {
		out.HDOPx100 = 0
	}
	return out, record.Fault(fix.Doubt)
}
