package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// mark is how urgently a cell wants attention. What is as it should be has none: colour is for the abnormal.
type mark uint8

// The marks, in the colours of the pages.
const (
	plain  mark = iota
	low         // cyan: advisory
	medium      // amber: prompt
	high        // red: at once
)

// ansi are the marks' colours of the terminal's own palette.
var ansi = [...]string{plain: "", low: "\x1b[36m", medium: "\x1b[33m", high: "\x1b[1;31m"}

// severityMark returns the mark of a severity as the API names it.
func severityMark(severity string) mark {
	switch severity {
	case "high":
		return high
	case "medium":
		return medium
	case "low":
		return low
	}
	return plain
}

// cell is a text with a mark.
type cell struct {
	text string
	mark mark
}

// table is aligned columns. A row with fewer cells than columns leaves the last ones empty.
type table struct {
	head []string
	rows [][]cell
}

// row adds cells: a cell, or anything that fmt prints.
func (t *table) row(values ...any) {
	row := make([]cell, len(values))
	for i, v := range values {
		if c, ok := v.(cell); ok {
			row[i] = c
		} else {
			row[i] = cell{text: fmt.Sprint(v)}
		}
	}
	t.rows = append(t.rows, row)
}

// write prints the table, with two spaces between columns and none at a line's end. An empty one with a head says 'none'.
func (t *table) write(w io.Writer) {
	all := t.rows
	if len(all) == 0 && len(t.head) > 0 {
		fmt.Fprintln(w, "none")
		return
	}
	if len(t.head) > 0 {
		head := make([]cell, len(t.head))
		for i, h := range t.head {
			head[i] = cell{text: h}
		}
		all = append([][]cell{head}, all...)
	}
	var width []int
	for _, row := range all {
		for i, c := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(c.text))
		}
	}
	colour := colours(w)
	for _, row := range all {
		last := len(row) - 1
		for last >= 0 && row[last].text == "" {
			last--
		}
		var b strings.Builder
		for i, c := range row[:last+1] {
			text := oneLine(c.text)
			if colour && c.mark != plain {
				text = ansi[c.mark] + text + "\x1b[0m"
			}
			b.WriteString(text)
			if i < last {
				b.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		fmt.Fprintln(w, b.String())
	}
}

// count is a number of things: '1 record', '2 records'.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// oneLine takes control characters out of a text that others wrote: they could move the cursor, or draw another table.
func oneLine(text string) string { return printable(text, 0) }

// printable does the same and keeps one control character.
func printable(text string, keep rune) string {
	return strings.Map(func(r rune) rune {
		if r == keep && keep != 0 {
			return r
		}
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '�'
		}
		return r
	}, text)
}

// colours tells whether w is a terminal that wants colour: see no-color.org.
func colours(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
