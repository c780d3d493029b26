package report

// column is one of a table. Weight is its share of the width.
type column struct {
	head   string
	weight float64
	face   face
}

// row is one of a table, cell by cell; alarm marks it.
type row struct {
	cells []string
	alarm bool
}

const (
	cellGap  = 2.5
	rowSpace = 0.9
)

// table sets a table with lines below its rows. A row is not split between pages; its cells have at most maxLines lines. The head is
// repeated on each page.
func (w *flow) table(cols []column, rows []row, maxLines int) {
	widths := w.columnWidths(cols)
	fresh := true
	for _, r := range rows {
		cells, h := w.cells(cols, widths, r, maxLines)
		if before := len(w.pages); !fresh {
			w.room(h + rowSpace)
			fresh = len(w.pages) != before
		}
		if fresh {
			w.room(h + rowSpace + labelStyle.lineHeight() + 1)
			w.tableHead(cols, widths)
			fresh = false
		}
		x := marginX
		for i := range cells {
			w.lines(w.page(), x, w.y+rowSpace/2, cols[i].style(r.alarm), cells[i])
			x += widths[i] + cellGap
		}
		w.y += h + rowSpace
		w.page().line(0.1, faint, point{marginX, w.y}, point{marginX + w.width(), w.y})
	}
	w.y += 1
}

func (c column) style(marked bool) style {
	s := smallStyle
	s.face = c.face
	if c.face == mono {
		s.points = 6.5
	}
	if marked {
		s.tone = alarm
	}
	return s
}

func (w *flow) columnWidths(cols []column) []float64 {
	sum := 0.0
	for _, c := range cols {
		sum += c.weight
	}
	out := make([]float64, len(cols))
	for i, c := range cols {
		out[i] = (w.width() - cellGap*float64(len(cols)-1)) * c.weight / sum
	}
	return out
}

// cells wraps the cells of a row and returns its height.
func (w *flow) cells(cols []column, widths []float64, r row, maxLines int) ([][]string, float64) {
	out, h := make([][]string, len(cols)), 0.0
	for i, c := range cols {
		s := c.style(r.alarm)
		out[i] = w.wrap(s.face, s.points, widths[i], maxLines, w.clean(s.face, r.cells[i]))
		h = max(h, float64(len(out[i]))*s.lineHeight())
	}
	return out, max(h, smallStyle.lineHeight())
}

func (w *flow) tableHead(cols []column, widths []float64) {
	x := marginX
	for i, c := range cols {
		w.put(w.page(), x, w.y+labelStyle.ascent(), widths[i], labelStyle, c.head)
		x += widths[i] + cellGap
	}
	w.y += labelStyle.lineHeight() + 0.4
	w.page().line(0.25, ink, point{marginX, w.y}, point{marginX + w.width(), w.y})
}
