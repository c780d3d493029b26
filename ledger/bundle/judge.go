package bundle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"isotherm/ledger/entry"
	"isotherm/ledger/excursion"
	"isotherm/ledger/ischemia"
	"isotherm/ledger/profile"
	"isotherm/ledger/trip"
)

// judge judges the readings anew, and fills the verdict's answers.
func (v *verifier) judge() {
	state := v.state
	v.verdict.Flags = append(v.verdict.Flags, state.Texts()...)
	v.reportShipment()
	v.reportClaims()
	v.reportBoxes()
	v.reportClock()
	if state.Packing == nil {
		return
	}
	journals := v.checkSuccession()
	if len(journals) == 0 {
		v.reportCustodians(nil)
		return
	}
	a, err := trip.Assess(state, journals)
	if err != nil { // what was left out or changed was found before: here only what the ledger has not got is missing
		v.flag("the readings can't be judged: %v", err)
		v.reportCustodians(nil)
		return
	}
	v.judged, v.of = a, journals
	v.reportTrip(a)
	v.reportProbes(a.Report)
	v.reportLate(a)
	v.reportCalibration(a.Report)
	v.reportCustodians(a)
	v.compareBox(a)
	v.done("excursions and coverage: judged anew from %d readings", a.Report.Readings)
}

func wall(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func (v *verifier) reportShipment() {
	s, state := &v.verdict.Shipment, v.state
	s.Phase = state.Phase.String()
	if o := state.Opening; o != nil {
		s.Organ, s.Side, s.From, s.To = o.Organ.String(), o.Side.String(), o.From, state.Destination()
	}
	if state.Arrival != nil {
		s.Arrival = state.Arrival.Arrival.String()
	}
	if o := state.Outcome; o != nil {
		s.Outcome = o.Result.String()
		if o.Reason != 0 {
			s.Outcome += ": " + o.Reason.String()
		}
	}
	if state.Packing == nil {
		return
	}
	if p, err := state.Packing.PinnedProfile(); err == nil {
		s.Profile = fmt.Sprintf("%s version %d", p.Name, p.Version)
		s.ProfileOrigin = v.profileOrigin(p)
	}
}

// profileOrigin says where the pinned profile comes from.
func (v *verifier) profileOrigin(p *profile.Profile) string {
	if pub, ok := v.profiles[p.Hash()]; ok {
		return fmt.Sprintf("published by %s in entry %d", pub.program, pub.index)
	}
	if shipped, ok := profile.Default(p.Name); ok && shipped.Hash() == p.Hash() {
		return "shipped with isotherm"
	}
	v.flag("the profile %s version %d is not published in the ledger: only the pack act states it", p.Name, p.Version)
	return "not published"
}

// reportBoxes names the boxes on the way, and wants each covered by the export: else its journals could be left out.
func (v *verifier) reportBoxes() {
	for _, seg := range v.state.Segments {
		out := Segment{Space: seg.Space, From: wall(seg.Begin)}
		if seg.Code != 0 {
			out.Change = seg.Code.String()
		}
		if seg.Until != 0 {
			until := wall(seg.Until)
			out.Until = &until
		}
		if !seg.Box.IsZero() {
			out.Box = seg.Box.String()
			if !v.export.leaf.Covers(entry.Box(seg.Box)) {
				v.find(entryName(v.export.index), "the export does not cover box %s, in which the organ was", out.Box)
			}
		}
		v.verdict.Segments = append(v.verdict.Segments, out)
	}
}

// reportClaims tells what people disputed, ruled and corrected.
func (v *verifier) reportClaims() {
	names := map[[32]byte]string{}
	for _, item := range v.state.History {
		names[item.Hash] = fmt.Sprintf("%s by %s (entry %d)", item.Right.Kind, item.Right.By.Organisation, item.Index)
	}
	for _, d := range v.state.Disputes {
		out := Dispute{Stands: names[d.Stands], Ruling: names[d.Ruling]}
		for _, c := range d.Claims {
			out.Claims = append(out.Claims, names[c])
		}
		v.verdict.Disputes = append(v.verdict.Disputes, out)
	}
	for _, c := range v.state.Corrections {
		v.verdict.Corrections = append(v.verdict.Corrections, Correction{By: names[c.Act], Of: names[c.Of], Field: c.Field, Old: c.Old, New: c.New})
	}
}

// reportClock tells the cold ischemia time as of the export.
func (v *verifier) reportClock() {
	var p *profile.Profile
	if v.state.Packing != nil {
		p, _ = v.state.Packing.PinnedProfile() // parsed when the act was read
	}
	c := ischemia.Of(v.state, p, v.export.leaf.RecordTimeMS)
	if c.End == ischemia.NotStarted {
		return
	}
	out := &Clock{State: c.End.String(), Since: wall(c.Start.MS), Cold: interval(c.Cold), Status: c.Status.String()}
	if c.Perfused.HiMS > 0 {
		out.Perfused = interval(c.Perfused)
	}
	if c.LimitMS > 0 {
		out.Limit = Duration(int64(c.LimitMS))
	}
	v.verdict.Clock = out
	for _, f := range c.Flags {
		v.flag("%s", f.Text)
	}
}

// interval writes a time that is known within bounds: '2 h 41 min', or '2 h 40 min to 2 h 44 min'.
func interval(i ischemia.Interval) string {
	lo, hi := Duration(i.LoMS), Duration(i.HiMS)
	if lo == hi {
		return lo
	}
	return lo + " to " + hi
}

func (v *verifier) reportTrip(a *trip.Assessment) {
	r := a.Report
	v.verdict.Counts.Readings = r.Readings
	c := &v.verdict.Coverage
	*c = Coverage{Permille: r.CoveragePermille(), Covered: Duration(r.CoveredMS), Total: Duration(r.TotalMS()), From: wall(r.First.WallMS), Until: wall(r.Last.WallMS),
		Simulated: r.Simulated}
	if r.Settled {
		settled := wall(r.SettledAt.WallMS)
		c.Settled = &settled
	}
	for _, g := range r.Gaps {
		c.Gaps = append(c.Gaps, Gap{From: wall(g.From.WallMS), Until: wall(g.To.WallMS), Length: Duration(g.MS()), AtLeast: g.Unknown, Reason: g.Reason})
	}
	for _, x := range a.Excursions {
		v.verdict.Excursions = append(v.verdict.Excursions, reportExcursion(x))
	}
	for _, w := range r.Warnings {
		v.flag("%s", w.Text)
	}
}

// reportProbes gives the figures of each probe. They decide nothing.
func (v *verifier) reportProbes(r *excursion.Report) {
	for _, st := range r.Probes {
		v.verdict.Counts.Faults += st.Faults
		p := Probe{Number: st.Probe, Segment: st.Segment, Place: st.Place, Judged: st.Judged}
		if st.Readings > 0 {
			p.MinC, p.MaxC, p.MeanC, p.MeanKineticC = Celsius(st.MinMC), Celsius(st.MaxMC), Celsius(st.MeanMC), Celsius(st.MeanKineticMC)
		}
		v.verdict.Probes = append(v.verdict.Probes, p)
	}
}

// reportLate tells which data came late: it was taken, and was not there when it was needed.
func (v *verifier) reportLate(a *trip.Assessment) {
	for _, l := range a.Late {
		out := Late{From: wall(l.From.WallMS), Until: wall(l.To.WallMS), Records: l.Records, Came: wall(l.RecordTimeMS), Cause: l.Cause}
		if l.LateMS > 0 {
			out.Delay = Duration(l.LateMS)
		}
		v.verdict.Late = append(v.verdict.Late, out)
	}
}

func reportExcursion(x trip.Excursion) Excursion {
	out := Excursion{Rule: x.Rule.Name, Severity: x.Rule.Severity.String(), Probe: x.Probe, From: wall(x.Began.WallMS), Until: wall(x.Ended.WallMS),
		Length: Duration(x.DurationMS()), Open: x.Open}
	if x.Rule.Kind != profile.Lost && x.Rule.Kind != profile.Silent {
		out.ExtremeC = Celsius(x.ExtremeMC)
	}
	for _, h := range x.Held {
		out.Held = append(out.Held, share(h))
	}
	return out
}

func share(h trip.Share) Share {
	out := Share{Organisation: h.Party.Organisation, Desk: h.Party.Desk, Length: Duration(h.MS), Disputed: h.Disputed}
	if !h.Party.Person.IsZero() {
		out.Person = h.Party.Person.String()
	}
	if h.Unconfirmed != nil {
		out.ReleasedTo = h.Unconfirmed.Organisation
	}
	return out
}

// reportCustodians tells who held the box; a is nil when no readings are judged.
func (v *verifier) reportCustodians(a *trip.Assessment) {
	for i, c := range v.state.Custodians {
		out := Custodian{Organisation: c.Party.Organisation, OrganisationName: v.organisationName(c.Party.Organisation), Desk: c.Party.Desk,
			Name: v.name(c.Party.Person), Since: wall(c.SinceMS), Evidence: c.Evidence.String(), Disputed: c.Disputed}
		if !c.Party.Person.IsZero() {
			out.Person = c.Party.Person.String()
		}
		if c.Released != nil {
			out.ReleasedTo = c.Released.To.Organisation
		}
		if a != nil {
			out.tell(a, i)
		}
		v.verdict.Custodians = append(v.verdict.Custodians, out)
	}
}

// tell adds how long custodian i held the box.
func (c *Custodian) tell(a *trip.Assessment, i int) {
	ms, outMS := trip.Held(a.Spans, i)
	if ms == 0 {
		return
	}
	c.Held, c.OutOfBand = Duration(ms), Duration(outMS)
	unconfirmed := int64(0)
	for _, s := range a.Spans {
		if s.Index == i && s.Unconfirmed != nil {
			unconfirmed += s.ToMS - s.FromMS
		}
	}
	if unconfirmed > 0 {
		c.Unconfirmed = Duration(unconfirmed)
	}
}

// reportCalibration tells under which certificates the judged probes measured, and which of them were recalled. A recall
// changes no verdict.
func (v *verifier) reportCalibration(r *excursion.Report) {
	told := map[string]bool{}
	for _, c := range r.Calibration {
		if !c.Judged {
			continue
		}
		out := Calibration{Probe: c.Probe, Segment: c.Segment, Certificate: c.Certificate, State: c.State.String(), From: wall(c.From.WallMS),
			To: wall(c.To.WallMS), Readings: c.Readings}
		if c.UntilMS != 0 {
			until := wall(c.UntilMS)
			out.Until = &until
		}
		if r, ok := v.recalls[c.Certificate]; ok && c.Certificate != "" {
			out.Recalled = &r.index
			if !told[c.Certificate] {
				told[c.Certificate] = true
				v.flag("certificate %s was recalled in entry %d: %s", c.Certificate, r.index, r.reason)
			}
		}
		v.verdict.Calibrations = append(v.verdict.Calibrations, out)
	}
}

// compareBox compares the excursions that the boxes reported as ended on their way with those found anew.
func (v *verifier) compareBox(a *trip.Assessment) {
	type key struct {
		rule  string
		probe uint8
		began uint64
	}
	reported := map[key]int{} // a key may come again: monotonic clocks begin anew
	for _, x := range a.Box {
		reported[key{x.Rule, x.Probe, x.BeganMono}]++
	}
	missing := 0
	for _, x := range a.Ended() {
		k := key{x.Rule.Name, x.Probe, x.Began.BootMS}
		if reported[k] > 0 {
			reported[k]--
		} else {
			missing++
		}
	}
	var extra []string
	for k, n := range reported {
		if n > 0 {
			extra = append(extra, k.rule)
		}
	}
	if missing == 0 && len(extra) == 0 {
		return
	}
	slices.Sort(extra)
	if missing > 0 {
		v.flag("the boxes did not report %d of the ended excursions that are judged anew", missing)
	}
	if len(extra) > 0 {
		v.flag("the boxes reported excursions that are not found anew: %s", strings.Join(extra, ", "))
	}
}
