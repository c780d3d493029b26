package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
)

// Times in documents are UTC; each page says so.

func day(t time.Time) string    { return t.UTC().Format("2006-01-02 15:04") }
func second(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

func dayMS(ms int64) string    { return day(time.UnixMilli(ms)) }
func secondMS(ms int64) string { return second(time.UnixMilli(ms)) }

func celsius(mc int32) string { return bundle.Celsius(mc) + " °C" }

func permille(n int) string { return fmt.Sprintf("%d.%d %%", n/10, n%10) }

// grouped writes an identifier in groups of four.
func grouped(id string) string {
	var b strings.Builder
	for i, r := range id {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// short is the begin of an identifier, enough to tell it from others on the page.
func short(id string) string {
	if len(id) > 8 {
		return grouped(id[:8])
	}
	return id
}

// title begins a text with a capital letter.
func title(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 || first == utf8.RuneError {
		return s
	}
	return string(unicode.ToUpper(first)) + s[n:]
}

// join joins what is not empty.
func join(separator string, parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, separator)
}

// labelled writes 'label value', nothing for no value.
func labelled(label, value string) string {
	if value == "" {
		return ""
	}
	return label + " " + value
}

// organ names what travels.
func (c *Case) organ() string {
	s := c.Verdict.Shipment
	if s.Organ == "" {
		return "Organ"
	}
	return join(", ", title(s.Organ), s.Side)
}

// place names one end of the way, with its code when that differs.
func (c *Case) place(code string) string {
	name := c.Contents.OrganisationName(code)
	if name == code {
		return code
	}
	return name + " (" + code + ")"
}

// party names who acted or was offered the box.
func (c *Case) party(p custody.Party) string {
	if p.IsZero() {
		return ""
	}
	name := c.Contents.PersonName(p.Person)
	if name == "" && !p.Person.IsZero() {
		name = "person " + short(p.Person.String())
	}
	return join(", ", name, p.Desk, c.Contents.OrganisationName(p.Organisation))
}

// exporter names who took the bundle.
func (c *Case) exporter() string {
	id, err := ledger.ParseID[ledger.PersonID](c.Verdict.Export.Person)
	if err != nil {
		return c.Verdict.Export.Person
	}
	if name := c.Contents.PersonName(id); name != "" {
		return name
	}
	return "person " + short(id.String())
}

// holders names who held the box during an excursion, and how long each.
func (c *Case) holders(x *bundle.Excursion) string {
	var out []string
	for _, h := range x.Held {
		text := c.Contents.OrganisationName(h.Organisation)
		if len(x.Held) > 1 {
			text = h.Length + " " + text
		}
		if h.ReleasedTo != "" {
			text += " (released to " + c.Contents.OrganisationName(h.ReleasedTo) + ", not confirmed)"
		}
		if h.Disputed {
			text += " (disputed)"
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// applied returns the acts that stand, in entry order.
func (c *Case) applied() []custody.HistoryItem {
	var out []custody.HistoryItem
	if c.Contents.State == nil {
		return nil
	}
	for _, item := range c.Contents.State.History {
		if item.Standing == custody.Applied {
			out = append(out, item)
		}
	}
	return out
}

// kindText names a kind of act as people say it: 'arrival check'.
func kindText(k custody.Kind) string { return strings.ReplaceAll(k.String(), "-", " ") }

// seals says which seals were stated, and whether they differ. Another box has another seal.
func (c *Case) seals() (text string, differ bool) {
	var out []string
	first := ""
	for _, item := range c.applied() {
		st := item.Right
		if st.Kind == custody.Move {
			first = ""
		}
		if st.Seal == "" || st.Kind == custody.Correction { // corrections are worked in
			continue
		}
		if first == "" {
			first = st.Seal
		}
		differ = differ || st.Seal != first
		out = append(out, st.Seal+" at "+kindText(st.Kind))
	}
	if len(out) == 0 {
		return "none stated", false
	}
	if differ {
		return "differs: " + strings.Join(out, ", "), true
	}
	return strings.Join(out, ", "), false
}

// conditions says which conditions of the box were stated at a handoff (HL7 table 0544), empty for none.
func (c *Case) conditions() string {
	var out []string
	for _, item := range c.applied() {
		if st := item.Right; st.Condition != "" {
			out = append(out, st.Condition+" at "+kindText(st.Kind))
		}
	}
	return strings.Join(out, ", ")
}

// statementTime returns when something happened, as stated; a dash when it has not.
func statementTime(st *custody.Statement) string {
	if st == nil {
		return "–"
	}
	return dayMS(st.EventTimeMS)
}

// temperatures says what the judged probes showed. Of several, the range is that of all.
func (c *Case) temperatures(cv *curve) string {
	var out []string
	for _, p := range c.Verdict.Probes {
		if p.Judged && p.MinC != "" {
			out = append(out, fmt.Sprintf("%s to %s °C, mean %s °C, mean kinetic %s °C", p.MinC, p.MaxC, p.MeanC, p.MeanKineticC))
		}
	}
	if len(out) == 0 {
		return "nothing is known of it"
	}
	if cv.lowest != nil {
		layout := "15:04"
		if dayMS(cv.from)[:len("2006-01-02")] != dayMS(cv.to)[:len("2006-01-02")] {
			layout = "2 Jan 15:04"
		}
		at := func(e *extreme) string { return celsius(e.mc) + " at " + time.UnixMilli(e.ms).UTC().Format(layout) }
		out = append(out, "lowest "+at(cv.lowest)+", highest "+at(cv.highest))
	}
	return strings.Join(out, "; ")
}
