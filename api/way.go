package api

import (
	"isotherm/api/contract"
	"isotherm/ledger/custody"
	"isotherm/ledger/ischemia"
	"isotherm/ledger/progress"
)

// showClock shows what is known of cold ischemia at a moment, in Unix milliseconds.
func showClock(c *ischemia.Clock, nowMS int64) contract.Clock {
	out := contract.Clock{AsOfMS: nowMS, End: c.End.String(), StartMS: c.Start.MS, StartErrorMS: c.Start.ErrorMS, StopMS: c.Stop.MS, StopErrorMS: c.Stop.ErrorMS,
		Now: custody.CodeText(c.Now), Periods: []contract.Period{}, ColdLoMS: c.Cold.LoMS, ColdHiMS: c.Cold.HiMS, PerfusedLoMS: c.Perfused.LoMS, PerfusedHiMS: c.Perfused.HiMS,
		Status: c.Status.String(), WarnMS: int64(c.WarnMS), LimitMS: int64(c.LimitMS), ImplantMS: int64(c.ImplantMS), LeftLoMS: c.Left.LoMS, LeftHiMS: c.Left.HiMS,
		Flags: []contract.Flag{}}
	for _, p := range c.Periods {
		out.Periods = append(out.Periods, contract.Period{State: p.State.String(), BeginMS: p.Begin.MS, BeginErrorMS: p.Begin.ErrorMS, EndMS: p.End.MS,
			EndErrorMS: p.End.ErrorMS, LoMS: p.Lasts.LoMS, HiMS: p.Lasts.HiMS})
	}
	for _, f := range c.Flags {
		out.Flags = append(out.Flags, contract.Flag{Code: f.Code, Text: f.Text})
	}
	return out
}

func showProgress(p *progress.Progress) contract.Progress {
	out := contract.Progress{Legs: []contract.Leg{}, Current: p.Current, DelayMS: p.DelayMS, DelayAt: p.DelayAt, ETAMS: p.ETAMS, ETAMethod: p.ETAMethod,
		Findings: []contract.Finding{}}
	for _, l := range p.Legs {
		out.Legs = append(out.Legs, contract.Leg{Number: l.Number, From: l.From, To: l.To, Mode: l.Mode.String(), DepartMS: l.DepartMS, ArriveMS: l.ArriveMS,
			Start: position(l.Start), End: position(l.End), RadiusM: int64(l.RadiusM), Departed: legPoint(l.Departed), Arrived: legPoint(l.Arrived)})
	}
	if f := p.Newest; f != nil {
		out.Newest = &contract.PlaceFix{WallMS: f.WallMS, LatE7: f.LatE7, LonE7: f.LonE7}
	}
	for _, f := range p.Findings {
		out.Findings = append(out.Findings, contract.Finding{Kind: f.Kind.String(), SinceMS: f.SinceMS, Leg: f.Leg, Place: f.Place, DistanceM: f.DistanceM, DelayMS: f.DelayMS})
	}
	return out
}

// legPoint returns nil for what is not known.
func legPoint(p progress.Point) *contract.LegPoint {
	if !p.Known {
		return nil
	}
	return &contract.LegPoint{AtMS: p.AtMS, Stated: p.Stated}
}
