package report

import (
	"isotherm/ledger/excursion"
	"isotherm/ledger/record"
	"isotherm/ledger/series"
)

// sample is one temperature of a probe.
type sample struct {
	ms int64 // wall clock of the box, Unix milliseconds
	mc int32
}

// extreme is the lowest or highest temperature, and when it was first so.
type extreme struct {
	mc int32
	ms int64
}

// curve is what the judged probes showed: runs of samples without a gap inside. Readings of a clock that was not set are not in
// it, for nobody knows when they were taken.
type curve struct {
	runs     []run
	from, to int64 // of the trip
	lowest   *extreme
	highest  *extreme
	unset    int // readings that are left out
}

type run struct {
	probe   uint8
	samples []sample
}

// defaultSampleMS stands in for a boot record that states no interval.
const defaultSampleMS = 60_000

func (c *Case) curve() *curve {
	out := &curve{}
	a := c.Contents.Trip
	if a == nil {
		return out
	}
	out.from, out.to = a.Report.First.WallMS, a.Report.Last.WallMS
	for _, j := range c.Contents.Journals() {
		every := int64(defaultSampleMS)
		if j.Boot != nil && j.Boot.SampleMS > 0 {
			every = int64(j.Boot.SampleMS)
		}
		probes := c.probes(&j)
		open := map[uint8]int{} // index + 1 of the run that goes on
		for _, r := range j.Records {
			if r.Reading == nil {
				continue
			}
			if r.At.Quality == record.ClockUnset {
				out.unset++
				continue
			}
			for _, s := range r.Reading.Samples {
				if probes[s.Probe].judged {
					out.add(open, s, r.At.WallMS, every)
				}
			}
		}
	}
	out.extremes(a.Report)
	out.thin()
	return out
}

// beyond is more than any probe measures, in milli-°C: what a broken one says must not stretch the picture without end.
const beyond = 1_000_000

func (c *curve) add(open map[uint8]int, s record.Sample, ms, every int64) {
	if s.Fault != 0 {
		delete(open, s.Probe)
		return
	}
	s.TempMC = min(max(s.TempMC, -beyond), beyond)
	if i := open[s.Probe]; i > 0 {
		r := &c.runs[i-1]
		if last := r.samples[len(r.samples)-1].ms; !series.IsGap(last, ms, every) {
			r.samples = append(r.samples, sample{ms, s.TempMC})
			return
		}
	}
	c.runs = append(c.runs, run{probe: s.Probe, samples: []sample{{ms, s.TempMC}}})
	open[s.Probe] = len(c.runs)
}

// extremes finds the lowest and highest of the time that counts: from settled to opened.
func (c *curve) extremes(r *excursion.Report) {
	if !r.Settled {
		return
	}
	for _, run := range c.runs {
		for _, s := range run.samples {
			if s.ms < r.SettledAt.WallMS || s.ms > r.Last.WallMS {
				continue
			}
			if c.lowest == nil || s.mc < c.lowest.mc {
				c.lowest = &extreme{s.mc, s.ms}
			}
			if c.highest == nil || s.mc > c.highest.mc {
				c.highest = &extreme{s.mc, s.ms}
			}
		}
	}
}

// drawn is how many samples of a run a picture needs: finer than print shows. No peak is lost, see package series.
const drawn = 4000

// thin leaves out samples that no picture shows.
func (c *curve) thin() {
	for i := range c.runs {
		r := &c.runs[i]
		if len(r.samples) <= drawn {
			continue
		}
		readings, values := make([]series.Reading, len(r.samples)), make([]series.Value, len(r.samples))
		for k, s := range r.samples {
			values[k].V = s.mc
			readings[k] = series.Reading{WallMS: s.ms, Values: values[k : k+1 : k+1]}
		}
		var kept []sample
		for _, k := range series.Thin(readings, drawn, nil) {
			kept = append(kept, r.samples[k])
		}
		r.samples = kept
	}
}
