package report

import (
	"fmt"
	"strconv"
	"strings"

	"isotherm/ledger/custody"
)

// acts lists every act of the case in entry order, with what it says and who signed it.
func (w *flow) acts(c *Case) {
	if c.Contents.State == nil || len(c.Contents.State.History) == 0 {
		return
	}
	w.head("Every act", 14)
	var rows []row
	for i := range c.Contents.State.History {
		item := &c.Contents.State.History[i]
		kind := title(kindText(item.Right.Kind))
		if item.Standing != custody.Applied {
			kind += " (" + item.Standing.String() + ")"
		}
		rows = append(rows, row{cells: []string{strconv.FormatInt(item.Index, 10), kind, secondMS(item.Right.EventTimeMS), secondMS(item.RecordTimeMS), c.says(item.Right), c.signers(item.Act, item.Right.EventTimeMS)}})
	}
	w.table([]column{{"entry", 0.8, bold}, {"act", 1.7, bold}, {"happened", 1.75, regular}, {"entered", 1.75, regular}, {"what it says", 5, regular}, {"signed by", 3.6, regular}}, rows, cellLines)
	w.para(labelStyle, 2, "What an act says is shown with corrections worked in; the bundle has the signed bytes. 'Happened' is what the signer stated, 'entered' is by the clock of the node.")
}

// says puts into words what an act states beside its kind.
func (c *Case) says(s *custody.Statement) string {
	parts := []string{labelled("by", c.party(s.By)), labelled("to", c.party(s.To)), custody.CodeText(s.Organ), custody.CodeText(s.Side)}
	if s.From != "" || s.Dest != "" {
		parts = append(parts, labelled("from", c.place(s.From)), labelled("for", c.place(s.Dest)))
	}
	if !s.Box.IsZero() {
		parts = append(parts, "box "+short(s.Box.String()))
	}
	if !s.NewBox.IsZero() {
		parts = append(parts, "now in box "+short(s.NewBox.String()))
	}
	parts = append(parts, labelled("space", s.Space), labelled("at", s.Place), labelled("seal", s.Seal), labelled("condition", s.Condition))
	if s.ColdMS != 0 {
		parts = append(parts, "cold since "+secondMS(s.ColdMS))
	}
	if s.ValidMS != 0 {
		parts = append(parts, "offer valid until "+secondMS(s.ValidMS))
	}
	parts = append(parts, labelled("evidence", custody.CodeText(s.Evidence)), labelled("label", custody.CodeText(s.LabelCheck)), labelled("blood group", custody.CodeText(s.ABO)),
		custody.CodeText(s.Packaging), custody.CodeText(s.Preservation), labelled("on arrival", custody.CodeText(s.Arrival)), custody.CodeText(s.Result),
		custody.CodeText(s.Segment), labelled("reason", custody.CodeText(s.Reason)), labelled("reference", s.Reference))
	if s.Leg != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("leg %d %s", s.Leg, custody.CodeText(s.LegState))))
	}
	for i, l := range s.Legs {
		parts = append(parts, fmt.Sprintf("leg %d %s to %s by %s", i+1, l.From, l.To, l.Mode))
	}
	if s.Position != nil {
		parts = append(parts, "position "+decimal(int64(s.Position.LatE7), 7)+", "+decimal(int64(s.Position.LonE7), 7))
	}
	if s.TimeErrorMS != 0 {
		parts = append(parts, fmt.Sprintf("times may be off by %d s", s.TimeErrorMS/1000))
	}
	return join("; ", parts...)
}

// signers names who signed an act, in which part, and when by their device: the day only when it is another than that of the
// event.
func (c *Case) signers(a *custody.Act, eventMS int64) string {
	var out []string
	for i := range a.Signatures {
		s := &a.Signatures[i]
		name := c.Contents.PersonName(s.Person)
		if name == "" {
			name = "person " + short(s.Person.String())
		}
		at := secondMS(s.SignedAtMS)
		if day, clock, _ := strings.Cut(at, " "); strings.HasPrefix(secondMS(eventMS), day) {
			at = clock
		}
		out = append(out, fmt.Sprintf("%s (%s) at %s", name, s.Role, at))
	}
	return strings.Join(out, "; ")
}
