package report

import (
	"fmt"
	"strconv"
	"strings"

	"isotherm/ledger/bundle"
	"isotherm/ledger/excursion"
)

// noLimit is more rows than a report has.
const noLimit = 1 << 30

// cellLines bounds the lines of a cell in a report; a statement's texts are at most some hundred bytes each.
const cellLines = 14

// layoutAudit lays out all that the verifier found out about a case.
func layoutAudit(f *fonts, s size, c *Case, attached bool) []*page {
	cv := c.curve()
	w := newFlow(f, s)
	w.put(w.page(), marginX, w.y+titleStyle.ascent(), w.width()-45, titleStyle, w.clean(bold, c.organ()))
	w.right(w.page(), marginX+w.width(), w.y+titleStyle.ascent(), style{regular, 11, soft}, "Audit report")
	w.y += titleStyle.lineHeight() + 1
	w.sentence(c)
	w.verification(c, attached)
	w.head("The case", 20)
	w.facts(2, 4, c.caseFacts(cv))
	w.facts(1, 3, c.identifiers())
	height := min(w.bottom()-w.y-16, 88) // what is left of the page, if that is enough to be read
	if height < 60 {
		height = 88
	}
	w.head("Temperature", height)
	w.chart(c, cv, height)
	w.legend(c, cv)
	w.probeTable(c)
	w.excursionTable(c, noLimit, cellLines)
	w.uncounted(c)
	w.gaps(c)
	w.events(c)
	w.late(c)
	w.calibration(c)
	w.custodyTable(c, noLimit, cellLines)
	w.way(c)
	w.claims(c)
	w.acts(c)
	w.ledger(c)
	w.foot(c, "Audit report")
	return w.pages
}

// verification says what was checked, and what is wrong.
func (w *flow) verification(c *Case, attached bool) {
	v := c.Verdict
	w.head("Verification", 16)
	where := "The evidence bundle is attached to this file"
	if !attached {
		where = "The evidence bundle is too large to be attached; export it as a bundle"
	}
	w.facts(1, 6, []fact{{label: "Verdict", text: string(v.Result), alarm: v.Result == bundle.Broken},
		{label: "To check it", text: where + ". It needs no network and no server: isotherm verify --policy POLICY BUNDLE. POLICY is the file with the ledger's keys; obtain it from the ledger's operator, not together with the bundle."}})
	var findings []string
	for _, f := range v.Findings {
		findings = append(findings, f.Where+": "+f.What)
	}
	w.list("Findings", findings)
	w.list("Notes", v.Flags)
	w.list("What was checked", v.Checked)
}

// list sets texts under a head; nothing for none.
func (w *flow) list(head string, texts []string) {
	if len(texts) == 0 {
		return
	}
	w.head(head, 6)
	w.notes(texts, noLimit, cellLines)
}

// identifiers are in full what the facts name in short.
func (c *Case) identifiers() []fact {
	out := []fact{{label: "Case ID", text: grouped(c.Verdict.Shipment.ID)}}
	st := c.Contents.State
	if st == nil {
		return out
	}
	seen := map[string]bool{}
	for _, s := range st.Segments {
		if !s.Box.IsZero() && !seen[s.Box.String()] {
			seen[s.Box.String()] = true
			out = append(out, fact{label: "Box serial", text: join(", ", grouped(s.Box.String()), c.Contents.BoxLabel(s.Box))})
		}
	}
	opened := "–"
	if st.Opened != nil {
		opened = secondMS(st.Opened.EventTimeMS)
	}
	out = append(out, fact{label: "Box opened", text: opened})
	if a := c.Contents.Trip; a != nil {
		out = append(out, fact{label: "Pinned program", text: fmt.Sprintf("%s version %d, pinned by SHA-256 %x; the program's own, not clinical advice", a.Profile.Name, a.Profile.Version, a.Profile.Hash())})
	}
	if k := c.Verdict.Clock; k != nil {
		out = append(out, fact{label: "Cold time, full", text: k.Describe()})
	}
	return out
}

func (w *flow) probeTable(c *Case) {
	var rows []row
	for _, p := range c.Verdict.Probes {
		judged := ""
		if p.Judged {
			judged = "yes"
		}
		cells := []string{strconv.Itoa(int(p.Number)), p.Place, c.segmentText(p.Segment), judged, p.MinC, p.MaxC, p.MeanC, p.MeanKineticC}
		for i := 4; i < 8; i++ {
			if cells[i] == "" {
				cells[i] = "–"
			}
		}
		rows = append(rows, row{cells: cells})
	}
	if len(rows) == 0 {
		return
	}
	w.head("Probes", 12)
	w.table([]column{{"probe", 0.8, bold}, {"place", 3, regular}, {"box", 3.5, regular}, {"judged", 1, regular}, {"lowest °C", 1.2, regular}, {"highest °C", 1.2, regular},
		{"mean °C", 1.2, regular}, {"mean kinetic °C", 1.9, regular}}, rows, cellLines)
	w.para(labelStyle, 2, "From settled to opened. The mean kinetic temperature (83.144 kJ/mol) is a statistic, never a verdict: it hides freezing.")
}

// segmentText names the box of a segment of the way.
func (c *Case) segmentText(i int) string {
	st := c.Contents.State
	if st == nil || i < 0 || i >= len(st.Segments) {
		return ""
	}
	s := st.Segments[i]
	return join(", ", c.Contents.BoxLabel(s.Box), short(s.Box.String()), labelled("space", s.Space))
}

// uncounted says what was measured before the rules began to count, and after.
func (w *flow) uncounted(c *Case) {
	a := c.Contents.Trip
	if a == nil {
		return
	}
	var out []string
	add := func(what string, p *excursion.Phase) {
		for _, r := range p.Probes {
			if r.Readings > 0 {
				out = append(out, fmt.Sprintf("%s, from %s to %s: probe %d (%s) %s to %s, not counted", what, secondMS(p.From.WallMS), secondMS(p.To.WallMS), r.Probe, r.Place,
					bundle.Celsius(r.MinMC), celsius(r.MaxMC)))
			}
		}
	}
	add("before it had settled", &a.Report.Before)
	add("after the box was opened", &a.Report.After)
	for _, t := range a.Report.Totals {
		if t.MS > 0 {
			out = append(out, fmt.Sprintf("%s: %s in total, %s K·min", t.Rule.Name, bundle.Duration(t.MS), decimal(int64(t.AreaMKMin), 3)))
		}
	}
	w.list("Not counted, and totals", out)
}

func (w *flow) gaps(c *Case) {
	var out []string
	for _, g := range c.Verdict.Coverage.Gaps {
		out = append(out, gapText(g))
	}
	w.list("Gaps: no data was taken", out)
}

// events are what the boxes noticed on the way.
func (w *flow) events(c *Case) {
	a := c.Contents.Trip
	if a == nil {
		return
	}
	var out []string
	for i := range a.Events {
		x := &a.Events[i]
		text := secondMS(x.From.WallMS) + ": " + x.Text()
		switch ms := x.To.TripMS - x.From.TripMS; {
		case !x.Ended && ms < 1000:
			text += ", its end is not recorded"
		case !x.Ended:
			text += ", for at least " + bundle.Duration(ms)
		case ms > 0:
			text += ", for " + bundle.Duration(ms)
		}
		out = append(out, text)
	}
	if a.LeftOut > 0 {
		out = append(out, fmt.Sprintf("and %d more", a.LeftOut))
	}
	w.list("What the box noticed: it decides nothing", out)
}

func (w *flow) late(c *Case) {
	var out []string
	for _, l := range c.Verdict.Late {
		out = append(out, l.Describe())
	}
	w.list("Late data: taken, and not there when it was needed", out)
}

func (w *flow) calibration(c *Case) {
	var rows []row
	for _, k := range c.Verdict.Calibrations {
		until, number := "–", k.Certificate
		if k.Until != nil {
			until = k.Until.Format("2006-01-02")
		}
		if number == "" {
			number = "none"
		}
		state := k.State
		if k.Recalled != nil {
			state += fmt.Sprintf(", recalled in entry %d", *k.Recalled)
		}
		rows = append(rows, row{cells: []string{strconv.Itoa(int(k.Probe)), c.segmentText(k.Segment), number, state, until, bundle.Grouped(k.Readings), second(k.From), second(k.To)},
			alarm: k.State == excursion.CalibrationExpired.String() || k.Recalled != nil})
	}
	if len(rows) == 0 {
		return
	}
	w.head("Calibration of the judged probes", 12)
	w.table([]column{{"probe", 0.7, bold}, {"box", 2.6, regular}, {"certificate", 2.4, regular}, {"state", 1.8, regular}, {"valid until", 1.4, regular}, {"readings", 1, regular},
		{"first", 2.3, regular}, {"last", 2.3, regular}}, rows, cellLines)
}

// way says in which boxes the organ was.
func (w *flow) way(c *Case) {
	var out []string
	for _, s := range c.Verdict.Segments {
		out = append(out, s.Describe())
	}
	if len(out) > 1 {
		w.list("Boxes on the way", out)
	}
}

func disputeText(d bundle.Dispute) string {
	ruling := "nobody has ruled"
	if d.Ruling != "" {
		ruling = "by the " + d.Ruling
	}
	return "dispute: " + strings.Join(d.Claims, " against ") + "; " + d.Stands + " stands (" + ruling + ")"
}

func correctionText(k bundle.Correction) string {
	return fmt.Sprintf("%s of the %s: %q, not %q (%s)", k.Field, k.Of, k.New, k.Old, k.By)
}

// claims says what people disputed and corrected.
func (w *flow) claims(c *Case) {
	var disputes, corrections []string
	for _, d := range c.Verdict.Disputes {
		disputes = append(disputes, disputeText(d))
	}
	for _, k := range c.Verdict.Corrections {
		corrections = append(corrections, correctionText(k))
	}
	w.list("Disputes and rulings", disputes)
	w.list("Corrections", corrections)
}

// ledger says on which checkpoint everything hangs, and which records of the boxes are in the bundle.
func (w *flow) ledger(c *Case) {
	v := c.Verdict
	w.head("Ledger", 24)
	list := []fact{{label: "Origin", text: v.Ledger.Origin}, {label: "Checkpoint", text: fmt.Sprintf("%s entries, root %s", bundle.Grouped(int(v.Ledger.Size)), v.Ledger.Root)}}
	for _, s := range v.Ledger.Cosigners {
		list = append(list, fact{label: "Cosigned by", text: s.Name + " at " + second(s.Time)})
	}
	list = append(list, fact{label: "Cosigner set", text: fmt.Sprintf("%d, of %d nodes", v.Ledger.CosignerSet, v.Ledger.Voters)})
	list = append(list, fact{label: "Exported", text: fmt.Sprintf("%s by %s: %s", second(v.Export.Time), c.exporter(), v.Export.Reason)})
	list = append(list, fact{label: "Bundle", text: fmt.Sprintf("%s bytes, SHA-256 %x", bundle.Grouped(len(c.Bundle)), c.SHA256)})
	w.facts(1, 3, list)
	var rows []row
	for _, j := range v.Journals {
		rows = append(rows, row{cells: []string{j.Origin, strconv.FormatInt(j.From, 10), strconv.FormatInt(j.To-1, 10), bundle.Grouped(int(j.Ledger))}})
	}
	if len(rows) > 0 {
		w.head("Journals of the boxes", 12)
		w.table([]column{{"journal", 9, mono}, {"first record", 1.2, regular}, {"last record", 1.2, regular}, {"in the ledger", 1.3, regular}}, rows, 3)
	}
}
