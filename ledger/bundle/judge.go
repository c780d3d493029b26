package bundle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
	"isotherm/ledger/trip"
)

// judge judges the readings anew, and fills the verdict's answers.
func (v *verifier) judge() {
	state := v.state
	v.verdict.Flags = append(v.verdict.Flags, state.Texts()...)
	s := &v.verdict.Shipment
	s.Phase = state.Phase.String()
	if o := state.Opening; o != nil {
		s.Organ, s.Side, s.From, s.To = o.Organ.String(), o.Side.String(), o.From, o.Dest
	}
	if state.Arrival != nil {
		s.Arrival = state.Arrival.Arrival.String()
	}
	if state.Outcome != nil {
		s.Outcome = state.Outcome.Result.String()
	}
	if state.Packing == nil {
		return
	}
	s.Box = state.Packing.Box.String()
	if !v.export.leaf.Covers(entry.Box(state.Packing.Box)) {
		v.find(entryName(v.export.index), "the export does not cover box %s, in which the organ was packed", s.Box)
	}
	first, _ := custody.HeadOf(state.Packing.Head)
	last := ""
	if state.ReceivedAt != nil {
		last = state.ReceivedAt.Origin
	}
	journals := v.checkSuccession(state.Packing.Box, first.Origin, last)
	if len(journals) == 0 {
		v.reportCustodians(state, nil)
		return
	}
	a, err := trip.Assess(state, journals)
	if err != nil {
		v.find("trip", "%v", err)
		return
	}
	s.Profile = fmt.Sprintf("%s version %d", a.Profile.Name, a.Profile.Version)
	v.reportTrip(a, journals)
	v.reportCustodians(state, a.Spans)
	v.compareBox(a)
	v.done("excursions and coverage: judged anew from %d readings", a.Report.Readings)
}

func wall(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func (v *verifier) reportTrip(a *trip.Assessment, journals []trip.Journal) {
	r := a.Report
	v.verdict.Counts.Readings = r.Readings
	c := &v.verdict.Coverage
	*c = Coverage{Permille: r.CoveragePermille(), Covered: Duration(r.CoveredMS), Total: Duration(r.TotalMS()), From: wall(r.First.WallMS), Until: wall(r.Last.WallMS)}
	for _, g := range r.Gaps {
		c.Gaps = append(c.Gaps, Gap{From: wall(g.From.WallMS), Until: wall(g.To.WallMS), Length: Duration(g.To.TripMS - g.From.TripMS), Reason: g.Reason})
	}
	places := map[uint8]string{}
	for _, j := range journals {
		for _, p := range j.Boot.Probes {
			places[p.Number] = p.Place
		}
		for _, rec := range j.Records {
			c.Simulated = c.Simulated || rec.At.Quality == record.ClockSimulated
		}
	}
	for n, st := range r.Probe {
		v.verdict.Counts.Faults += st.Faults
		p := Probe{Number: n, Place: places[n]}
		if st.Readings > 0 {
			p.MinC, p.MaxC, p.MeanC = Celsius(st.MinMC), Celsius(st.MaxMC), Celsius(st.MeanMC)
		}
		v.verdict.Probes = append(v.verdict.Probes, p)
	}
	slices.SortFunc(v.verdict.Probes, func(x, y Probe) int { return int(x.Number) - int(y.Number) })
	for _, x := range a.Excursions {
		out := Excursion{Rule: x.Rule.Name, Probe: x.Probe, From: wall(x.Began.WallMS), Until: wall(x.Ended.WallMS), Length: Duration(x.DurationMS()), Open: x.Open}
		if x.Rule.Kind == profile.Below || x.Rule.Kind == profile.Above {
			out.ExtremeC = Celsius(x.ExtremeMC)
		}
		for _, h := range x.Held {
			out.Held = append(out.Held, Share{Organisation: h.Party.Organisation, Person: h.Party.Person.String(), Length: Duration(h.MS)})
		}
		v.verdict.Excursions = append(v.verdict.Excursions, out)
	}
}

func (v *verifier) reportCustodians(state *custody.State, spans []trip.Span) {
	for i, c := range state.Custodians {
		out := Custodian{Organisation: c.Party.Organisation, Person: c.Party.Person.String(), Since: wall(c.SinceMS), Evidence: c.Evidence.String()}
		if p := v.people[c.Party.Person]; p != nil {
			out.Name = p.person.Name
		}
		if i < len(spans) && spans[i].ToMS > spans[i].FromMS {
			out.Held, out.OutOfBand = Duration(spans[i].ToMS-spans[i].FromMS), Duration(spans[i].OutMS)
		}
		v.verdict.Custodians = append(v.verdict.Custodians, out)
	}
}

// compareBox compares the excursions that the box reported on its way with those found anew.
func (v *verifier) compareBox(a *trip.Assessment) {
	ended := slices.DeleteFunc(slices.Clone(a.Report.Excursions), func(x *excursion.Excursion) bool { return x.Open })
	if len(ended) == len(a.Box) {
		return
	}
	names := make([]string, 0, len(a.Box))
	for _, x := range a.Box {
		names = append(names, x.Rule)
	}
	v.verdict.Flags = append(v.verdict.Flags, fmt.Sprintf("the box itself reported %d ended excursions (%s), judged anew there are %d", len(a.Box), strings.Join(names, ", "), len(ended)))
}
