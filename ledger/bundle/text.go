package bundle

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

const clock = "2006-01-02 15:04:05 UTC"

// WriteText writes the verdict for people.
func (v *Verdict) WriteText(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cells ...any) { fmt.Fprintln(w, strings.TrimSuffix(fmt.Sprintln(cells...), "\n")) }
	fmt.Fprintf(w, "%s\n\n", v.Sentence())
	for _, f := range v.Findings {
		row("finding\t", f.Where+":", f.What)
	}
	s := v.Shipment
	row("verdict\t", v.Result)
	row("shipment\t", s.ID)
	row("organ\t", strings.TrimSpace(s.Organ+" "+s.Side)+", from", s.From, "to", s.To)
	row("state\t", s.Phase)
	row("profile\t", s.Profile+",", s.ProfileOrigin, "(the program's own; not clinical advice)")
	if c := v.Clock; c != nil {
		row("cold ischemia\t", c.Describe())
	}
	if s.Arrival != "" {
		row("arrival check\t", s.Arrival)
	}
	if s.Outcome != "" {
		row("outcome\t", s.Outcome)
	}
	row("counted\t", fmt.Sprintf("%d entries, %d acts, %d records, %d readings of the trip", v.Counts.Entries, v.Counts.Acts, v.Counts.Records, v.Counts.Readings))
	row("coverage\t", fmt.Sprintf("%d.%d %% of %s", v.Coverage.Permille/10, v.Coverage.Permille%10, v.Coverage.Total))
	for _, g := range v.Segments {
		row("way\t", g.Describe())
	}
	if v.Coverage.Simulated {
		row("clock\t", "simulated: this box ran in a demonstration")
	}
	for _, g := range v.Coverage.Gaps {
		length := g.Length
		if g.AtLeast {
			length = "at least " + length
		}
		row("gap\t", fmt.Sprintf("%s from %s: %s", length, g.From.Format(clock), g.Reason))
	}
	for _, l := range v.Late {
		row("late data\t", l.Describe())
	}
	for _, p := range v.Probes {
		row("probe\t", fmt.Sprintf("%d (%s): %s to %s °C, mean %s °C, mean kinetic %s °C", p.Number, p.Place, p.MinC, p.MaxC, p.MeanC, p.MeanKineticC))
	}
	for _, x := range v.Excursions {
		row("excursion\t", x.describe())
	}
	for _, c := range v.Custodians {
		row("custodian\t", c.describe())
	}
	v.writeClaims(row)
	for _, f := range v.Flags {
		row("note\t", f)
	}
	row("exported\t", v.Export.Time.Format(clock), "by person", v.Export.Person+":", v.Export.Reason)
	row("ledger\t", v.Ledger.Origin)
	row("checkpoint\t", fmt.Sprintf("%d entries, root %s", v.Ledger.Size, v.Ledger.Root))
	for _, c := range v.Ledger.Cosigners {
		row("cosigned by\t", c.Name, "at", c.Time.Format(clock))
	}
	for _, c := range v.Checked {
		row("checked\t", c)
	}
	return w.Flush()
}

// writeClaims writes what was disputed and corrected, and under which certificates was measured.
func (v *Verdict) writeClaims(row func(...any)) {
	for _, d := range v.Disputes {
		ruling := "nobody has ruled"
		if d.Ruling != "" {
			ruling = "by the " + d.Ruling
		}
		row("dispute\t", fmt.Sprintf("%s; %s stands (%s)", strings.Join(d.Claims, " against "), d.Stands, ruling))
	}
	for _, c := range v.Corrections {
		row("correction\t", fmt.Sprintf("%s of the %s: %q, not %q (%s)", c.Field, c.Of, c.New, c.Old, c.By))
	}
	for _, c := range v.Calibrations {
		text := fmt.Sprintf("probe %d: %s of no certificate", c.Probe, count(c.Readings, "reading"))
		if c.Certificate != "" {
			text = fmt.Sprintf("probe %d: %s under certificate %s, %s", c.Probe, count(c.Readings, "reading"), c.Certificate, c.State)
		}
		if c.Until != nil {
			text += ", valid until " + c.Until.Format("2006-01-02")
		}
		if c.Recalled != nil {
			text += fmt.Sprintf("; certificate recalled at entry %d", *c.Recalled)
		}
		row("calibration\t", text)
	}
}

// Describe says which data came late, how late and why.
func (l Late) Describe() string {
	text := fmt.Sprintf("%s from %s to %s came at %s", count(l.Records, "record"), l.From.Format(clock), l.Until.Format(clock), l.Came.Format(clock))
	if l.Delay != "" {
		text += ", up to " + l.Delay + " late"
	}
	return text + " (" + l.Cause + ")"
}

// Describe says in which box the organ was, and from when.
func (g Segment) Describe() string {
	text := "no tracker"
	if g.Box != "" {
		text = "box " + g.Box
	}
	if g.Space != "" {
		text += ", space " + g.Space
	}
	if g.Change != "" {
		text += " (" + g.Change + ")"
	}
	return text + " from " + g.From.Format(clock)
}

// Describe says the cold ischemia time, how it stands and the program's limit.
func (c *Clock) Describe() string {
	text := fmt.Sprintf("%s since %s, %s", c.Cold, c.Since.Format(clock), c.State)
	if c.Perfused != "" {
		text += ", perfused for " + c.Perfused
	}
	if c.Limit != "" {
		text += fmt.Sprintf("; %s (%s)", c.Status, c.Limit)
	}
	return text
}

// Who names a custodian: person or desk, and organisation.
func (c Custodian) Who() string {
	out := c.Organisation
	if c.OrganisationName != "" {
		out = c.OrganisationName
	}
	for _, more := range []string{c.Desk, c.Name} {
		if more != "" {
			out = more + ", " + out
		}
	}
	return out
}

func (c Custodian) describe() string {
	text := fmt.Sprintf("%s since %s (%s)", c.Who(), c.Since.Format(clock), c.Evidence)
	if c.Held != "" {
		text += fmt.Sprintf(", for %s, of which %s out of band", c.Held, c.OutOfBand)
	}
	if c.Unconfirmed != "" {
		text += fmt.Sprintf(" and %s released but not confirmed", c.Unconfirmed)
	}
	if c.Disputed {
		text += "; disputed"
	}
	return text
}

func (x Excursion) describe() string {
	text := fmt.Sprintf("%s for %s from %s", x.Rule, x.Length, x.From.Format(clock))
	if x.ExtremeC != "" {
		text += fmt.Sprintf(", farthest %s °C (probe %d)", x.ExtremeC, x.Probe)
	}
	for _, h := range x.Held {
		text += fmt.Sprintf("; %s while %s held the box", h.Length, h.Organisation)
		if h.ReleasedTo != "" {
			text += fmt.Sprintf(" (released to %s, not confirmed)", h.ReleasedTo)
		}
	}
	if x.Open {
		text += "; not ended"
	}
	return text
}
