package report

import (
	"fmt"
	"slices"
	"strings"

	"isotherm/ledger/bundle"
)

// fit is how much a sheet shows.
type fit struct {
	rows, lines int     // of a list, of a cell
	chart       float64 // its height
}

// fits are tried in this order until all is on one page. The chart then takes what is left.
var fits = []fit{{24, 3, 65}, {24, 2, 58}, {12, 2, 58}, {8, 2, 58}, {6, 2, 52}, {4, 2, 48}, {3, 1, 42}}

const tallest = 120.0 // chart

// layoutSheet lays a case out on one page: what somebody who receives the organ needs to know of its way.
func layoutSheet(f *fonts, s size, c *Case) []*page {
	w := fitSheet(f, s, c)
	w.pages = w.pages[:1] // the last of fits fits, whatever the case: a test holds it to that
	w.foot(c, "Transport sheet")
	return w.pages
}

// fitSheet returns the first try that is on one page.
func fitSheet(f *fonts, s size, c *Case) *flow {
	cv := c.curve()
	var w *flow
	for _, try := range fits {
		if w = sheetFlow(f, s, c, cv, try); len(w.pages) > 1 {
			continue
		}
		if left := min(tallest-try.chart, w.bottom()-w.y-1); left > 0 {
			try.chart += left
			w = sheetFlow(f, s, c, cv, try)
		}
		break
	}
	return w
}

func sheetFlow(f *fonts, s size, c *Case, cv *curve, show fit) *flow {
	w := newFlow(f, s)
	w.sheetHead(c)
	w.facts(2, show.lines+1, c.caseFacts(cv))
	w.y += 1.5
	w.chart(c, cv, show.chart)
	w.legend(c, cv)
	w.custodyTable(c, show.rows, show.lines)
	w.excursionTable(c, show.rows, show.lines)
	w.sheetNotes(c, show.rows, show.lines)
	return w
}

func (w *flow) sheetHead(c *Case) {
	w.put(w.page(), marginX, w.y+titleStyle.ascent(), w.width()-45, titleStyle, w.clean(bold, c.organ()))
	w.right(w.page(), marginX+w.width(), w.y+titleStyle.ascent(), style{regular, 11, soft}, "Transport sheet")
	w.y += titleStyle.lineHeight() + 1
	w.sentence(c)
}

// sheetNotes are gaps, what contradicts, and what is wrong with a broken bundle.
func (w *flow) sheetNotes(c *Case, limit, maxLines int) {
	v := c.Verdict
	var list []string
	for _, x := range v.Findings {
		list = append(list, x.Where+": "+x.What)
	}
	for _, d := range v.Disputes {
		list = append(list, disputeText(d))
	}
	list = append(list, v.Flags...)
	for _, k := range v.Corrections {
		list = append(list, "corrected: "+correctionText(k))
	}
	for _, g := range v.Coverage.Gaps {
		list = append(list, gapText(g))
	}
	list = append(list, lateTexts(v.Late)...)
	if len(list) == 0 {
		return
	}
	w.head("Gaps and notes", 6)
	w.notes(list, limit, maxLines)
	w.more(len(list), limit, "note")
}

func gapText(g bundle.Gap) string {
	least := ""
	if g.AtLeast {
		least = "at least "
	}
	return "gap of " + least + g.Length + " from " + second(g.From) + ": " + g.Reason
}

// lateTexts tells what came late: of more than a few runs only how many records there were, and why.
func lateTexts(late []bundle.Late) []string {
	const few = 3
	var out, causes []string
	records := 0
	for _, l := range late {
		out = append(out, "late data: "+l.Describe())
		records += l.Records
		if !slices.Contains(causes, l.Cause) {
			causes = append(causes, l.Cause)
		}
	}
	if len(late) <= few {
		return out
	}
	return []string{fmt.Sprintf("late data: %s records, in %d runs between %s and %s (%s)", bundle.Grouped(records), len(late), second(late[0].From), second(late[len(late)-1].Until),
		strings.Join(causes, ", "))}
}
