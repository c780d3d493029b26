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

// maxRound is how long a round takes at the most, in real time, whatever the probes do; it is generous to a slow processor.
// A longer one means that the box itself stood still: it slept, or its program was held up.
const maxRound = 2 * roundTimeout

// stillSettle is how long, in real time, the box lets its drivers read what piled up at their ports while it stood still, before
// it asks them: the kernel keeps the first 4 KiB of a line and drops the newest, so that the last sentence to be had may be
// minutes old and looks new. It takes the next one, of a device that talks once a second, to put it right.
const stillSettle = 3 * time.Second

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
		} else if late := time.Duration(now-due) * time.Millisecond; s.clock.Real(late) > maxRound {
			s.log.Warn("the box stood still", "for", late)
			if waitReal(ctx, stillSettle) != nil {
				return nil
			}
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
	samples, at, held := s.askInTime(ctx)
	if ctx.Err() != nil {
		return nil // what the probes said then is that they were interrupted
	}
	s.noticeStep()
	values, answers := s.doubter.judge(samples, s.handling.lid(), at)
	reading := &record.Reading{Samples: values}
	if s.locator != nil && s.rec.inCase() { // where an empty box goes is nobody's business
		reading.Fix, reading.FixFault = fixOf(s.locator.Latest())
	}
	var records []*record.Record
	if late := uint64(gapIntervals * s.interval / time.Millisecond); s.begun && at.MonoMS-s.last > late {
		reason := record.GapSuspended
		if !held && 2*(at.MonoMS-asked.MonoMS) > at.MonoMS-s.last {
			reason = record.GapProbes // most of the time went into waiting for them
		}
		records = append(records, &record.Record{Kind: record.KindGap, At: at,
			Gap: &record.Gap{Reason: reason, FromMono: s.last, ToMono: at.MonoMS}})
	}
	changes := s.doubter.changes(answers, at)
	records = append(records, changes...)
	s.last, s.begun = at.MonoMS, true
	records = append(records, &record.Record{Kind: record.KindReading, At: at, Reading: reading})
	if err := s.rec.addReading(answers, records...); err != nil && !errors.Is(err, errPendingFull) {
		return fmt.Errorf("record reading: %w", err)
	}
	s.doubter.tell(changes)
	if s.rec.isUrgent() {
		poke(s.kick)
	}
	return nil
}

// askInTime asks all probes, and once more when the box stood still meanwhile, which held tells: an answer that a driver finds
// at its port then may have waited there as long, and looks like a new one. After two times nothing is passed on.
func (s *sampler) askInTime(ctx context.Context) (samples []hardware.Sample, at record.Stamp, held bool) {
	for range 2 {
		asked := s.clock.Now()
		samples, at = s.ask(ctx), s.clock.Now()
		took := monotonic(at) - monotonic(asked)
		if s.clock.Real(took) <= maxRound {
			return samples, at, held
		}
		held = true
		s.log.Warn("the box stood still while it waited for its probes; their answers are not used", "for", took)
		if waitReal(ctx, stillSettle) != nil {
			break
		}
	}
	for i := range samples {
		samples[i] = hardware.Sample{At: samples[i].At, Fault: hardware.Stale, Detail: "the box stood still while it waited for the answer"}
	}
	return samples, at, held
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
