package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/api/contract"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
)

// shipmentArg reads the SHIPMENT argument.
func shipmentArg(text string) (ledger.ShipmentID, error) {
	id, err := ledger.ParseID[ledger.ShipmentID](text)
	if err != nil {
		return id, usageError{fmt.Errorf("SHIPMENT: %w", err)}
	}
	return id, nil
}

// caseView is what show answers: the case, and its alarms.
type caseView struct {
	client.Shipment
	Alarms []client.Alarm `json:"alarms"`
}

func showCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "show SHIPMENT", Short: "Show one shipment: clock, custody, excursions, gaps and what is wrong", Args: exactly(1),
		Long:    "Show asks for all that the ledger knows of a case. That you read it becomes an entry.",
		Example: "  isotherm shipment show --me center 3f0c…\n  isotherm shipment show --me center --json 3f0c… | jq .trip.excursions",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := shipmentArg(args[0])
			if err != nil {
				return err
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.Shipment(ctx, id)
				if err != nil {
					return err
				}
				alarms, err := c.CaseAlarms(ctx, id)
				if err != nil {
					return err
				}
				v := caseView{x, alarms.Alarms}
				return s.print(cmd, v, func(w io.Writer) { s.writeCase(w, &v) })
			})
		},
	}
	s.flags(cmd)
	return cmd
}

// writeCase prints what wants attention first, then the facts, then the history.
func (s *session) writeCase(w io.Writer, v *caseView) {
	x := &v.Summary
	fmt.Fprintf(w, "%s from %s to %s\n", oneLine(organText(x.Organ, x.Side, true)), oneLine(x.From), oneLine(x.Dest))
	s.writeAlarms(w, v.Alarms, true)
	section := func(title string, fill func(*table)) {
		var t table
		fill(&t)
		if len(t.rows) > 0 {
			fmt.Fprintf(w, "\n%s\n", title)
			t.write(w)
		}
	}
	section("Now", func(t *table) { s.facts(t, v) })
	section("Custody", func(t *table) { s.custodians(t, v) })
	section("Readings", func(t *table) { s.readings(t, v) })
	section("What the box noticed", func(t *table) { v.events(t) })
	section("Way", func(t *table) { s.way(t, v) })
	section("Boxes", func(t *table) { s.boxes(t, v) })
	section("What to know", func(t *table) { s.notes(t, v) })
	section("Acts", func(t *table) { s.acts(t, v) })
	fmt.Fprintln(w)
	asOf(w, v.Node, v.Entries)
}

// facts are what a glance wants: state, holder, temperature, clock.
func (s *session) facts(t *table, v *caseView) {
	x := &v.Summary
	t.row("shipment", x.ID)
	t.row("state", stateText(x))
	t.row("held by", partyText(x.Custodian))
	if x.Pending != nil {
		t.row("", fmt.Sprintf("released by %s, not confirmed by %s", partyText(x.Custodian), partyText(x.Pending)))
	}
	if x.LastTempMC != nil {
		t.row("temperature", fmt.Sprintf("%s °C, %s", lastTemp(x), ago(x.LastReadingMS, s.now)))
	}
	if !x.Box.IsZero() {
		t.row("box", fmt.Sprintf("%s, heard %s", x.Box, ago(x.LastContactMS, s.now)))
	}
	if v.Trip != nil && v.Trip.Battery != nil {
		b := v.Trip.Battery
		t.row("box battery", fmt.Sprintf("%s, %s", b.Text, ago(b.AtMS, s.now)))
	}
	s.clock(t, v)
	if v.Trip != nil {
		p := v.Trip.Profile
		t.row("profile", fmt.Sprintf("%s version %d, band %s to %s °C, pinned as %.16s", p.Name, p.Version, bundle.Celsius(p.LowMC), bundle.Celsius(p.HighMC), p.Hash))
	}
}

// custodians are who held the box, and how that is proven. From a release on until it is confirmed, both sides are named.
func (s *session) custodians(t *table, v *caseView) {
	t.head = []string{"HELD BY", "SINCE", "EVIDENCE", "OUT OF BAND"}
	for i := range v.Custodians {
		h := &v.Custodians[i]
		evidence := cell{text: h.Evidence}
		if h.Disputed {
			evidence = cell{h.Evidence + ", disputed", medium}
		}
		t.row(partyText(&h.Party), stamp(h.SinceMS), evidence, v.outOf(h, false))
		if h.Unconfirmed != nil && h.UnconfirmedSinceMS != h.UntilMS { // one side alone hands over at once
			t.row(holderText(&h.Party, h.Unconfirmed), stamp(h.UnconfirmedSinceMS), evidence, v.outOf(h, true))
		}
	}
}

// outOf is how much of a custodian's time was out of band, of that before or after they released the box.
func (v *caseView) outOf(h *client.Custodian, released bool) cell {
	if v.Trip == nil {
		return cell{text: "no readings"}
	}
	since := h.SinceMS
	if released {
		since = h.UnconfirmedSinceMS
	}
	for i := range v.Trip.Custodians {
		x := &v.Trip.Custodians[i]
		if x.Party != h.Party || x.SinceMS != since || (x.Unconfirmed != nil) != released {
			continue
		}
		if x.OutMS == 0 {
			return cell{text: "none"}
		}
		return cell{bundle.Duration(x.OutMS) + " of " + bundle.Duration(x.ToMS-x.FromMS), low}
	}
	return cell{text: "no readings"}
}

// holderText names who held the box; between a release and its accept, both sides.
func holderText(p, unconfirmed *client.Party) string {
	if unconfirmed == nil {
		return partyText(p)
	}
	return fmt.Sprintf("released by %s, not confirmed by %s", partyText(p), partyText(unconfirmed))
}

// readings are coverage, excursions, gaps and probes.
func (s *session) readings(t *table, v *caseView) {
	trip := v.Trip
	if trip == nil {
		return
	}
	t.row("coverage", fmt.Sprintf("%d.%d %% of %s, %s", trip.CoveragePermille/10, trip.CoveragePermille%10, bundle.Duration(trip.TotalMS), count(trip.Readings, "reading")))
	if !trip.Settled {
		t.row("settled", "not yet: rules begin at the first reading in band")
	}
	for i := range trip.Excursions {
		excursion(t, &trip.Excursions[i])
	}
	for _, g := range trip.Gaps {
		least := ""
		if g.UnknownLength {
			least = "at least "
		}
		t.row("gap", fmt.Sprintf("%s%s without readings from %s: %s", least, bundle.Duration(g.ToMS-g.FromMS), stamp(g.FromMS), g.Reason))
	}
	for _, l := range trip.Late {
		by := ""
		if l.LateMS > 0 {
			by = "up to " + bundle.Duration(l.LateMS)
		}
		t.row("late", fmt.Sprintf("%s from %s to %s came %s late: %s", count(l.Records, "record"), stamp(l.FromMS), stamp(l.ToMS), by, l.Cause))
	}
	for _, x := range []struct {
		what string
		t    contract.UncountedTime
	}{{"before settled", trip.Before}, {"after opened", trip.After}} {
		if x.t.Readings > 0 && x.t.MinMC != nil && x.t.MaxMC != nil {
			t.row(x.what, fmt.Sprintf("%s to %s °C in %s, not counted", bundle.Celsius(*x.t.MinMC), bundle.Celsius(*x.t.MaxMC), bundle.Duration(x.t.ToMS-x.t.FromMS)))
		}
	}
	for _, x := range trip.Totals {
		if x.DurationMS > 0 {
			t.row("total", fmt.Sprintf("%s: %s, %d.%03d K·min", x.Rule, bundle.Duration(x.DurationMS), x.AreaMkMin/1000, x.AreaMkMin%1000))
		}
	}
	for _, p := range trip.Probes {
		judged := ""
		if p.Judged {
			judged = ", judged by the profile"
		}
		t.row("probe", fmt.Sprintf("%d at %s%s: %s to %s °C, mean %s °C, mean kinetic %s °C (a statistic, not a verdict), %s%s", p.Probe, p.Place, v.inBox(p.Segment),
			bundle.Celsius(p.MinMC), bundle.Celsius(p.MaxMC), bundle.Celsius(p.MeanMC), bundle.Celsius(p.MeanKineticMC), count(p.Faults, "fault"), judged))
	}
	for _, k := range trip.Calibration {
		c := cell{text: fmt.Sprintf("probe %d%s: certificate %s, %s", k.Probe, v.inBox(k.Segment), k.Certificate, k.State)}
		if k.Certificate == "" {
			c.text = fmt.Sprintf("probe %d%s: no certificate", k.Probe, v.inBox(k.Segment))
		}
		if k.State != "valid" && k.Judged {
			c.mark = low
		}
		if k.UntilMS != 0 {
			c.text += ", valid until " + stamp(k.UntilMS)
		}
		t.row("calibration", c)
	}
}

// events are what the boxes noticed: lid, light, blows, devices, probes, battery, radio.
func (v *caseView) events(t *table) {
	if v.Trip == nil {
		return
	}
	for _, x := range v.Trip.Events {
		m := plain
		if x.Kind == "lid" || x.Kind == "light" || x.Kind == "shock" {
			m = low
		}
		t.row(stamp(x.FromMS), cell{x.Text + v.inBox(x.Segment), m}, lasted(&x))
	}
	if n := v.Trip.EventsLeftOut; n > 0 {
		t.row("", fmt.Sprintf("and %s more", count(n, "event")))
	}
}

// lasted says how long an event went on, as far as that is known.
func lasted(x *client.BoxEvent) string {
	length := bundle.Duration(x.ToMS - x.FromMS)
	switch {
	case !x.Ended && x.ToMS-x.FromMS < 1000:
		return "its end is not recorded"
	case !x.Ended:
		return "for at least " + length
	case x.ToMS <= x.FromMS:
		return ""
	}
	return "for " + length
}

// inBox says which of several boxes a segment was in; nothing when there was one only.
func (v *caseView) inBox(segment int) string {
	if len(v.Segments) < 2 || segment >= len(v.Segments) || v.Segments[segment].Box.IsZero() {
		return ""
	}
	return fmt.Sprintf(" in box %.8s", v.Segments[segment].Box)
}

// excursion says what was out of band, for how long, and who held the box meanwhile.
func excursion(t *table, e *client.Excursion) {
	m, state := low, "for"
	switch {
	case e.Active:
		m, state = severityMark(e.Severity), "now, for"
	case e.Open: // a total adds up to the trip's end, and lasts no longer than the value is out
		state = "so far for"
	}
	text := fmt.Sprintf("%s %s %s, farthest %s °C, began %s", e.Rule, state, bundle.Duration(e.DurationMS), bundle.Celsius(e.ExtremeMC), stamp(e.BeganMS))
	t.row("excursion", cell{text, m})
	for i := range e.Held {
		h := &e.Held[i]
		if h.Unconfirmed != nil {
			t.row("", fmt.Sprintf("%s while %s", bundle.Duration(h.DurationMS), holderText(&h.Party, h.Unconfirmed)))
			continue
		}
		t.row("", fmt.Sprintf("%s while %s held the box", bundle.Duration(h.DurationMS), partyText(&h.Party)))
	}
}

// way is the planned legs with what is known of them, what looks wrong, and the boxes that the organ was in.
func (s *session) way(t *table, v *caseView) {
	p := &v.Progress
	for i := range p.Legs {
		l := &p.Legs[i]
		text := fmt.Sprintf("%s to %s, %s", l.From, l.To, l.Mode)
		switch {
		case l.Arrived != nil:
			text += ", arrived" + point(l.Arrived.AtMS, l.Arrived.Stated)
		case l.Departed != nil:
			text += ", departed" + point(l.Departed.AtMS, l.Departed.Stated)
		}
		if l.ArriveMS != 0 && l.Arrived == nil {
			text += ", planned arrival " + stamp(l.ArriveMS)
		}
		t.row(fmt.Sprintf("leg %d", l.Number), text)
	}
	if p.ETAMS != 0 {
		arrives := "arrives"
		if p.ETAMS < s.now.UnixMilli() {
			arrives = "was due"
		}
		t.row(arrives, fmt.Sprintf("%s, %s: %s", ago(p.ETAMS, s.now), stamp(p.ETAMS), p.ETAMethod))
	}
	if p.DelayMS > 0 {
		t.row(cell{"delay", medium}, bundle.Duration(p.DelayMS)+" at "+p.DelayAt)
	}
	for _, f := range p.Findings {
		text := f.Kind
		if f.Leg != 0 {
			text += fmt.Sprintf(", leg %d", f.Leg)
		}
		if f.Place != "" {
			text += ", " + f.Place
		}
		t.row(cell{"way", medium}, text+", "+ago(f.SinceMS, s.now))
	}
	if n := p.Newest; n != nil {
		t.row("position", fmt.Sprintf("%.5f, %.5f, %s", float64(n.LatE7)/1e7, float64(n.LonE7)/1e7, ago(n.WallMS, s.now)))
	}
}

// boxes are those that the organ was in, when it was in more than one.
func (s *session) boxes(t *table, v *caseView) {
	if len(v.Segments) < 2 {
		return
	}
	for _, g := range v.Segments {
		where := "without a tracker"
		if !g.Box.IsZero() {
			where = fmt.Sprintf("box %s", g.Box)
			if g.Space != "" {
				where += ", space " + g.Space
			}
		}
		if g.Code != "" {
			where += ": " + g.Code
		}
		t.row("since "+stamp(g.BeginMS), where)
	}
}

// point says when a leg was begun or ended, and how that is known.
func point(atMS int64, stated bool) string {
	out := ""
	if atMS != 0 {
		out = " " + stamp(atMS)
	}
	if !stated {
		out += " by its position"
	}
	return out
}

// notes are contradictions, what is missing, disputes and corrections.
func (s *session) notes(t *table, v *caseView) {
	for _, f := range v.Flags {
		t.row(cell{"note", low}, f.Text)
	}
	if v.Summary.Trouble != "" {
		t.row(cell{"trouble", medium}, v.Summary.Trouble)
	}
	for _, r := range v.Recalled {
		t.row(cell{"recalled", medium}, fmt.Sprintf("calibration certificate %s: %s (entry %d)", r.Number, r.Reason, r.Index))
	}
	if v.Trip != nil {
		for _, warning := range v.Trip.Warnings {
			t.row(cell{"look at", low}, warning.Text)
		}
	}
	for _, p := range v.Withheld {
		t.row(cell{"withheld", medium}, fmt.Sprintf("records %d to %d of box %s were seen, and the ledger does not hold them", p.From, p.To, p.Box))
	}
	for _, d := range v.Disputes {
		state := "the first entered stands until a ruling"
		if !d.Ruling.IsZero() {
			state = "ruled by " + v.actText(d.Ruling)
		}
		t.row(cell{"dispute", medium}, fmt.Sprintf("%s: %s; %s stands", count(len(d.Claims), "claim"), state, v.actText(d.Stands)))
	}
	for _, c := range v.Corrections {
		t.row("corrected", fmt.Sprintf("%s: %s from %q to %q", v.actText(c.Of), c.Field, c.Old, c.New))
	}
}

// actText names an act by kind and entry.
func (v *caseView) actText(h client.Hash) string {
	for i := range v.History {
		if v.History[i].Hash == h {
			return fmt.Sprintf("%s (entry %d)", v.History[i].Kind, v.History[i].Index)
		}
	}
	return fmt.Sprintf("act %.16s", h)
}

// clock is how long the organ has been cold, against the program's limit.
func (s *session) clock(t *table, v *caseView) {
	k := &v.Clock
	if k.StartMS == 0 {
		return
	}
	out := coldText(&v.Summary)
	text := span(k.ColdLoMS, k.ColdHiMS)
	if text == "" {
		text = "0 s"
	}
	text += fmt.Sprintf(" since %s", stamp(k.StartMS))
	if k.LimitMS != 0 {
		text += fmt.Sprintf(", program limit %s", bundle.Duration(k.LimitMS))
		if k.ImplantMS != 0 {
			text += fmt.Sprintf(" with %s for implanting", bundle.Duration(k.ImplantMS))
		}
		text += ": " + k.Status
	}
	t.row("cold", cell{text, out.mark})
	if k.PerfusedHiMS != 0 {
		t.row("perfused", span(k.PerfusedLoMS, k.PerfusedHiMS))
	}
	if k.StopMS != 0 {
		t.row("", k.End+" "+stamp(k.StopMS))
	}
	for _, f := range k.Flags {
		t.row(cell{"clock", low}, f.Text)
	}
}
