package tracker

import (
	"log/slog"
	"slices"

	"isotherm/hardware"
	"isotherm/hardware/plausible"
	"isotherm/ledger/record"
)

// answer is what a probe said in the newest reading, beyond what the record holds.
type answer struct {
	hardware.Sample                // as the driver gave it
	state           hardware.Fault // why there is no temperature, or what speaks against it; None: all is well
}

// doubter judges the probes' answers and keeps what the journal says of each probe. The sampler owns it.
type doubter struct {
	probes  []Probe
	guards  []guard
	checker *plausible.Checker
	told    []hardware.Fault // by the newest probe change record of each probe; None at the start
}

func newDoubter(probes []Probe, log *slog.Logger) *doubter {
	known := make([]plausible.Probe, len(probes))
	for i, p := range probes {
		known[i] = plausible.Probe{Place: p.Place, Uncertainty: p.Calibration.Uncertainty}
	}
	guards := make([]guard, len(probes))
	for i := range guards {
		guards[i] = newGuard(log)
	}
	return &doubter{probes: probes, guards: guards, checker: plausible.New(known), told: make([]hardware.Fault, len(probes))}
}

// judge corrects the samples, and finds out what speaks against each. The values go into the reading as they are, whatever
// is found.
func (d *doubter) judge(samples []hardware.Sample, lid plausible.Lid, at record.Stamp) ([]record.Sample, []answer) {
	round := plausible.Round{At: monotonic(at), Lid: lid, Samples: make([]plausible.Sample, len(samples))}
	out := make([]record.Sample, len(samples))
	for i, s := range samples {
		out[i] = record.Sample{Probe: uint8(i), Fault: record.Fault(s.Fault)}
		round.Samples[i] = plausible.Sample{Fault: s.Fault}
		if indicated, ok := s.Value(); ok {
			temp := d.probes[i].Calibration.Correct(indicated)
			out[i].TempMC = int32(temp)
			round.Samples[i] = plausible.Sample{Raw: indicated, Temp: temp}
		}
	}
	answers := make([]answer, len(samples))
	for i, doubts := range d.checker.Judge(round) {
		answers[i] = answer{Sample: samples[i], state: samples[i].Fault}
		if samples[i].Fault == hardware.None {
			answers[i].state = leading(append(doubts, samples[i].Doubt, d.expired(i, at)))
		}
	}
	return out, answers
}

// leading returns the doubt that is told when there are several: that with the lowest number. These are the doubts about
// the value of this moment, which pass; one of a device or a certificate lasts, and is told again once they have.
func leading(doubts []hardware.Fault) hardware.Fault {
	doubts = slices.DeleteFunc(doubts, func(f hardware.Fault) bool { return !isDoubt(f) })
	if len(doubts) == 0 {
		return hardware.None
	}
	return slices.Min(doubts)
}

func isDoubt(f hardware.Fault) bool { return f >= hardware.RateOfChange && f <= hardware.CertExpired }

// expired doubts a probe whose certificate is not valid any more. A clock that was never set can't tell.
func (d *doubter) expired(i int, at record.Stamp) hardware.Fault {
	c := d.probes[i].Calibration
	if c.Certificate == "" || c.Expires.IsZero() || at.Quality == record.ClockUnset || at.WallMS <= c.Expires.UnixMilli() {
		return hardware.None
	}
	return hardware.CertExpired
}

// changes returns the records that tell how the probes stand, of those that stand otherwise than the journal says: one
// answers again or no longer, or is doubted for another reason. Another failure than before is no change.
func (d *doubter) changes(answers []answer, at record.Stamp) []*record.Record {
	var out []*record.Record
	for i, a := range answers {
		told := d.told[i]
		failing, failed := a.Fault != hardware.None, told != hardware.None && !isDoubt(told)
		if a.state == told || failing && failed {
			continue
		}
		out = append(out, &record.Record{Kind: record.KindProbeChange, At: at,
			Probe: &record.ProbeChange{Probe: uint8(i), Fault: record.Fault(a.state)}})
	}
	return out
}

// tell notes what the journal says of the probes after changes were recorded. One that found no room is told later.
func (d *doubter) tell(changes []*record.Record) {
	for _, c := range changes {
		if c.Seq != 0 {
			d.told[c.Probe.Probe] = hardware.Fault(c.Probe.Fault)
		}
	}
}
