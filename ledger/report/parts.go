package report

import (
	"fmt"
	"strconv"
	"strings"

	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/ischemia"
)

// What sheet and report have in common.

// sentence sets the verdict. A bar beside it says that there is something to see.
func (w *flow) sentence(c *Case) {
	v := c.Verdict
	s := style{bold, 9.5, ink}
	if v.Result == bundle.Broken {
		s.tone = alarm
	}
	lines := w.wrap(s.face, s.points, w.width()-4, 5, w.clean(s.face, c.Sentence))
	w.room(float64(len(lines)) * s.lineHeight())
	h := w.lines(w.page(), marginX+4, w.y, s, lines)
	tone := soft
	if v.Result == bundle.Broken || len(v.Excursions) > 0 {
		tone = alarm
	}
	w.page().rect(marginX, w.y+0.3, 1.2, h-0.3, tone)
	w.y += h + 1.5
}

// caseFacts are those that both begin with.
func (c *Case) caseFacts(cv *curve) []fact {
	v, st := c.Verdict, c.Contents.State
	if st == nil {
		return nil
	}
	out := []fact{{label: "From", text: c.place(v.Shipment.From)}, {label: "To", text: c.place(v.Shipment.To)}}
	out = append(out, fact{label: "Box", text: c.boxes()}, fact{label: "Program", text: c.program()})
	out = append(out, fact{label: "Packed", text: statementTime(st.Packing)}, fact{label: "Received", text: statementTime(st.Receipt)})
	out = append(out, c.coldFact(), fact{label: "Temperature", text: c.temperatures(cv)})
	seal, differ := c.seals()
	out = append(out, fact{label: "Seal", text: seal, alarm: differ}, c.labelFact())
	cover := v.Coverage
	readings := fmt.Sprintf("%s readings, %s of %s covered", bundle.Grouped(v.Counts.Readings), permille(cover.Permille), cover.Total)
	if v.Counts.Readings == 0 {
		readings = "none"
	}
	out = append(out, fact{label: "Readings", text: readings}, c.arrivalFact())
	if cond := c.conditions(); cond != "" {
		out = append(out, fact{label: "Condition", text: cond + " (HL7 table 0544)", alarm: true})
	}
	if cover.Simulated {
		out = append(out, fact{label: "Clock", text: "simulated: this box ran in a demonstration", alarm: true})
	}
	return out
}

// boxes names the boxes on the way.
func (c *Case) boxes() string {
	text, seen := "", map[string]bool{}
	for _, s := range c.Contents.State.Segments {
		name := "no tracker"
		if !s.Box.IsZero() {
			name = join(", ", c.Contents.BoxLabel(s.Box), labelled("serial", short(s.Box.String())), labelled("space", s.Space))
		}
		if !seen[name] {
			text = join("; then ", text, name)
		}
		seen[name] = true
	}
	return text
}

func (c *Case) program() string {
	v := c.Verdict
	if v.Shipment.Profile == "" {
		return "not packed yet"
	}
	text := v.Shipment.Profile
	if a := c.Contents.Trip; a != nil {
		text += fmt.Sprintf(", band %s to %s °C, probe at %s", bundle.Celsius(a.Profile.LowMC), bundle.Celsius(a.Profile.HighMC), a.Profile.ProbePlace)
	}
	return join("; ", text, v.Shipment.ProfileOrigin)
}

func (c *Case) coldFact() fact {
	k := c.Verdict.Clock
	if k == nil {
		return fact{label: "Cold time", text: "no start of cold preservation is stated"}
	}
	text := fmt.Sprintf("%s since %s, %s", k.Cold, day(k.Since), k.State)
	if k.Limit != "" {
		text += fmt.Sprintf("; program limit %s: %s", k.Limit, k.Status)
	}
	return fact{label: "Cold time", text: join("; ", text, labelled("perfused for", k.Perfused)), alarm: k.Status == ischemia.Over.String()}
}

func (c *Case) labelFact() fact {
	p := c.Contents.State.Packing
	if p == nil {
		return fact{label: "Label check", text: "–"}
	}
	text := custody.CodeText(p.LabelCheck)
	if text == "" {
		text = "not stated"
	}
	return fact{label: "Label check", text: join(", ", text, labelled("blood group", custody.CodeText(p.ABO)))}
}

func (c *Case) arrivalFact() fact {
	s, st := c.Verdict.Shipment, c.Contents.State
	text := join("; ", labelled("check on arrival:", s.Arrival), labelled("organ", s.Outcome))
	if text == "" {
		text = "nothing stated yet; the case is " + s.Phase
	}
	return fact{label: "Arrival", text: text, alarm: st.Arrival != nil && st.Arrival.Arrival == custody.Mismatch}
}

// custodyTable says who held the box. The numbers are those of the chart.
func (w *flow) custodyTable(c *Case, limit, maxLines int) {
	w.head("Who held the box", 12)
	list := c.Verdict.Custodians
	var rows []row
	for i := range list[:min(limit, len(list))] {
		h := &list[i]
		proven := h.Evidence
		if h.ReleasedTo != "" && h.Unconfirmed != "" {
			proven += "; " + h.Unconfirmed + " released to " + c.Contents.OrganisationName(h.ReleasedTo) + " and not confirmed"
		}
		if h.Disputed {
			proven += "; disputed"
		}
		out := h.OutOfBand
		if out == "0 s" {
			out = "none"
		}
		held := h.Held
		if held == "" {
			held, out = "–", "–"
		}
		rows = append(rows, row{cells: []string{strconv.Itoa(i + 1), h.Who(), day(h.Since), held, out, proven}, alarm: h.Disputed})
	}
	if len(rows) == 0 {
		w.para(bodyStyle, 0, "Nobody yet: the organ is not packed.")
		return
	}
	w.table([]column{{"", 0.35, bold}, {"held by", 5, regular}, {"since", 2.3, regular}, {"for", 1.5, regular}, {"out of band", 1.5, regular}, {"how it is proven", 5, regular}}, rows, maxLines)
	w.more(len(list), limit, "custodian")
}

// excursionTable says what was out of band, and who held the box meanwhile.
func (w *flow) excursionTable(c *Case, limit, maxLines int) {
	list := c.Verdict.Excursions
	if len(list) == 0 {
		return
	}
	w.head("Excursions", 12)
	var rows []row
	for i := range list[:min(limit, len(list))] {
		x := &list[i]
		farthest := "–"
		if x.ExtremeC != "" {
			farthest = x.ExtremeC + " °C"
		}
		length := x.Length
		if x.Open {
			length += ", not ended"
		}
		rows = append(rows, row{cells: []string{x.Rule + " (" + x.Severity + ")", strconv.Itoa(int(x.Probe)), second(x.From), length, farthest, c.holders(x)}, alarm: true})
	}
	w.table([]column{{"what", 2.6, bold}, {"probe", 0.8, regular}, {"began", 2.6, regular}, {"for", 1.8, regular}, {"farthest", 1.3, regular}, {"who held the box", 5, regular}}, rows, maxLines)
	w.more(len(list), limit, "excursion")
}

// more says that a list was cut.
func (w *flow) more(n, limit int, noun string) {
	if n <= limit {
		return
	}
	text := fmt.Sprintf("and %d more %ss: the audit report has all", n-limit, noun)
	if n-limit == 1 {
		text = "and 1 more " + noun + ": the audit report has all"
	}
	w.para(labelStyle, 1, text)
}

// notes sets a list of texts.
func (w *flow) notes(list []string, limit, maxLines int) {
	for _, text := range list[:min(limit, len(list))] {
		lines := w.wrap(smallStyle.face, smallStyle.points, w.width()-4, maxLines, w.clean(smallStyle.face, text))
		if len(lines) == 0 {
			continue
		}
		w.room(float64(len(lines)) * smallStyle.lineHeight())
		w.put(w.page(), marginX, w.y+smallStyle.ascent(), 4, smallStyle, "–")
		w.y += w.lines(w.page(), marginX+4, w.y, smallStyle, lines) + 0.3
	}
}

// legend explains the chart.
func (w *flow) legend(c *Case, cv *curve) {
	a := c.Contents.Trip
	if a == nil {
		return
	}
	text := fmt.Sprintf("Line: probe at %s. Pale field: band %s to %s °C. Red: excursion. Hatched: no readings. Dashed, numbered: the box changed hands.",
		a.Profile.ProbePlace, bundle.Celsius(a.Profile.LowMC), bundle.Celsius(a.Profile.HighMC))
	if cv.unset > 0 {
		text += fmt.Sprintf(" %s readings of a clock that was not set are not drawn.", bundle.Grouped(cv.unset))
	}
	w.para(labelStyle, 2, text)
}

// foot sets what every page ends with.
func (w *flow) foot(c *Case, what string) {
	v := c.Verdict
	sum := fmt.Sprintf("%x", c.SHA256)
	times := "Times are UTC."
	if w.lacks() {
		times += " " + string(missing) + ": a character that this document's fonts have not."
	}
	for i, p := range w.pages {
		top := w.bottom() + 2
		const code = 16.0
		width := w.width() - code - 4
		p.line(0.25, soft, point{marginX, top}, point{marginX + width, top})
		y := top + 1 + labelStyle.ascent()
		w.put(p, marginX, y, width-24, labelStyle, what+", case "+grouped(v.Shipment.ID))
		w.right(p, marginX+width, y, labelStyle, fmt.Sprintf("page %d of %d", i+1, len(w.pages)))
		by := "unknown"
		if v.Export.Person != "" {
			by = c.exporter()
		}
		y += labelStyle.lineHeight()
		w.put(p, marginX, y, width, labelStyle, w.clean(regular, fmt.Sprintf("%s Exported %s by %s: %s", times, second(v.Export.Time), by, v.Export.Reason)))
		y += labelStyle.lineHeight()
		w.put(p, marginX, y, width, labelStyle, fmt.Sprintf("Ledger %s, %s entries. SHA-256 of the evidence bundle:", w.clean(regular, v.Ledger.Origin), bundle.Grouped(int(v.Ledger.Size))))
		y += labelStyle.lineHeight()
		w.put(p, marginX, y, width, codeStyle, sum)
		p.add(item{Code: &codeItem{X: w.size.W - marginX - code, Y: top, Size: code, Text: "isotherm bundle sha256:" + sum}})
	}
}

// lacks tells whether a character is missing somewhere.
func (w *flow) lacks() bool {
	for _, p := range w.pages {
		for _, i := range p.Items {
			if i.Text != nil && strings.ContainsRune(i.Text.Text, missing) {
				return true
			}
		}
	}
	return false
}
