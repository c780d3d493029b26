package api

import (
	"isotherm/api/contract"
	"isotherm/ledger/excursion"
	"isotherm/ledger/node"
	"isotherm/ledger/record"
	"isotherm/ledger/trip"
)

func showTrip(v *node.Shipment) *contract.Trip {
	r, p := v.Trip.Report, v.Trip.Profile
	out := &contract.Trip{
		Profile: contract.ProfileRef{Name: p.Name, Version: int64(p.Version), Program: p.Program, Hash: p.Hash(), ProbePlace: p.ProbePlace,
			LowMC: p.LowMC, HighMC: p.HighMC, ColdWarnMS: int64(p.ColdWarnMS), ColdLimitMS: int64(p.ColdLimitMS)},
		Readings: r.Readings, FirstMS: r.First.WallMS, LastMS: r.Last.WallMS, TotalMS: r.TotalMS(), CoveredMS: r.CoveredMS,
		CoveragePermille: r.CoveragePermille(), Settled: r.Settled, Opened: r.Opened, Before: uncounted(&r.Before), After: uncounted(&r.After),
		Excursions: []contract.Excursion{}, Totals: []contract.Total{}, Custodians: []contract.Held{}, Gaps: []contract.Gap{}, Warnings: []contract.TripWarning{},
		Late: []contract.Late{}, Events: []contract.BoxEvent{}, EventsLeftOut: v.Trip.LeftOut, OutMS: v.Trip.OutMS,
	}
	if r.Settled {
		out.SettledMS = r.SettledAt.WallMS
	}
	for _, x := range v.Trip.Excursions {
		out.Excursions = append(out.Excursions, showExcursion(v, x))
	}
	for _, t := range r.Totals {
		out.Totals = append(out.Totals, contract.Total{Rule: t.Rule.Name, Kind: t.Rule.Kind.String(), DurationMS: t.MS, AreaMkMin: int64(t.AreaMKMin), Reached: t.Reached})
	}
	for _, s := range v.Trip.Spans {
		out.Custodians = append(out.Custodians, showSpan(v, s))
	}
	for _, g := range r.Gaps {
		out.Gaps = append(out.Gaps, contract.Gap{FromMS: g.From.WallMS, ToMS: g.To.WallMS, Reason: g.Reason, UnknownLength: g.Unknown})
	}
	for _, w := range r.Warnings {
		out.Warnings = append(out.Warnings, contract.TripWarning{Code: w.Code, Text: w.Text, Segment: w.Segment, Probe: int(w.Probe)})
	}
	for _, l := range v.Trip.Late {
		out.Late = append(out.Late, showLate(l))
	}
	for i := range v.Trip.Events {
		out.Events = append(out.Events, boxEvent(&v.Trip.Events[i]))
	}
	out.Battery = boxBattery(v.Trip.Power)
	out.Probes, out.Calibration = probes(r), calibration(r)
	return out
}

func showExcursion(v *node.Shipment, x trip.Excursion) contract.Excursion {
	out := contract.Excursion{Rule: x.Rule.Name, Kind: x.Rule.Kind.String(), Severity: x.Rule.Severity.String(), Segment: x.Segment, Probe: int(x.Probe),
		LimitMC: x.Rule.LimitMC, Open: x.Open, Active: x.Active, Cut: x.Cut, BeganMS: x.Began.WallMS, EndedMS: x.Ended.WallMS, DurationMS: x.DurationMS(),
		ExtremeMC: x.ExtremeMC, AreaMkMin: int64(x.AreaMKMin), Held: []contract.Share{}}
	for _, p := range x.Parts {
		out.Parts = append(out.Parts, contract.Part{FromMS: p.FromMS, ToMS: p.ToMS})
	}
	for _, h := range x.Held {
		share := contract.Share{Party: party(v, h.Party), DurationMS: h.MS, Disputed: h.Disputed}
		if h.Unconfirmed != nil {
			share.Unconfirmed = someParty(v, *h.Unconfirmed)
		}
		out.Held = append(out.Held, share)
	}
	return out
}

func showSpan(v *node.Shipment, s trip.Span) contract.Held {
	out := contract.Held{Party: party(v, s.Custodian.Party), SinceMS: s.Custodian.SinceMS, Evidence: s.Custodian.Evidence.String(),
		Disputed: s.Custodian.Disputed, FromMS: s.FromMS, ToMS: s.ToMS, OutMS: s.OutMS}
	if s.Unconfirmed != nil {
		out.Unconfirmed = someParty(v, *s.Unconfirmed)
		if o := s.Custodian.Released; o != nil {
			out.SinceMS = o.SinceMS // this row began with the release, not with the custodian's time
		}
	}
	return out
}

func showLate(l trip.Late) contract.Late {
	box, inc, _ := record.ParseOrigin(l.Origin) // it named a journal of the ledger
	return contract.Late{Box: box, Incarnation: inc, FromSeq: int64(l.From.Seq), ToSeq: int64(l.To.Seq), FromMS: l.From.WallMS, ToMS: l.To.WallMS,
		Records: l.Records, RecordTimeMS: l.RecordTimeMS, LateMS: l.LateMS, Cause: l.Cause}
}

func boxEvent(x *trip.Event) contract.BoxEvent {
	out := contract.BoxEvent{Kind: string(x.Kind), Segment: x.Segment, FromMS: x.From.WallMS, ToMS: x.To.WallMS, Ended: x.Ended, Text: x.Text(),
		Name: x.Name, Fault: int(x.Fault), Value: x.Value}
	if x.Kind == trip.EventProbe {
		number := int(x.Probe)
		out.Probe = &number
	}
	return out
}

// boxBattery is nil when no box told of its battery.
func boxBattery(p *trip.Power) *contract.BoxBattery {
	if p == nil {
		return nil
	}
	out := &contract.BoxBattery{Segment: p.Segment, AtMS: p.At.WallMS, Text: p.Text(), LeftS: int64(p.LeftS), Fault: int(p.Fault)}
	if p.ChargePermille != record.ChargeUnknown {
		charge := int(p.ChargePermille)
		out.ChargePermille = &charge
	}
	if p.MilliVolts != record.MilliVoltsUnknown {
		out.Millivolts = int64(p.MilliVolts)
	}
	return out
}

// uncounted shows a phase that does not count; its range is that of all probes together.
func uncounted(p *excursion.Phase) contract.UncountedTime {
	out := contract.UncountedTime{Readings: p.Readings, FromMS: p.From.WallMS, ToMS: p.To.WallMS}
	for _, r := range p.Probes {
		if r.Readings == 0 {
			continue
		}
		if out.MinMC == nil || r.MinMC < *out.MinMC {
			out.MinMC = &r.MinMC
		}
		if out.MaxMC == nil || r.MaxMC > *out.MaxMC {
			out.MaxMC = &r.MaxMC
		}
	}
	return out
}

func probes(r *excursion.Report) []contract.ProbeStats {
	out := []contract.ProbeStats{}
	for _, s := range r.Probes {
		out = append(out, contract.ProbeStats{Segment: s.Segment, Probe: int(s.Probe), Place: s.Place, Judged: s.Judged, Readings: s.Readings, Faults: s.Faults,
			MinMC: s.MinMC, MaxMC: s.MaxMC, MeanMC: s.MeanMC, MeanKineticMC: s.MeanKineticMC, CoveredMS: s.CoveredMS, InBandMS: s.InBandMS,
			BelowMS: s.BelowMS, AboveMS: s.AboveMS})
	}
	return out
}

func calibration(r *excursion.Report) []contract.Calibration {
	out := []contract.Calibration{}
	for _, c := range r.Calibration {
		out = append(out, contract.Calibration{Segment: c.Segment, Probe: int(c.Probe), Judged: c.Judged, Certificate: c.Certificate, UntilMS: c.UntilMS,
			State: c.State.String(), FromMS: c.From.WallMS, ToMS: c.To.WallMS, Readings: c.Readings})
	}
	return out
}
