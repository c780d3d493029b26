package report

// The layout is a model of pages that knows nothing of PDF: what stands where, in millimetres from the top left. Everything is
// placed here, so that tests can look for what overlaps or leaves the paper.

// tone is a colour by its meaning. Red is for what was out of band or is wrong, and nothing else.
type tone uint8

const (
	ink tone = iota
	soft
	faint
	band
	alarm
	blush // pale alarm
	white
)

// item is one thing on a page. Exactly one of its pointers is set.
type item struct {
	Text *textItem `json:"text,omitempty"`
	Rect *rectItem `json:"rect,omitempty"`
	Line *lineItem `json:"line,omitempty"`
	Code *codeItem `json:"code,omitempty"`
}

// textItem is a line of text; Y is its baseline.
type textItem struct {
	X, Y, W float64
	Face    face
	Points  float64
	Tone    tone
	Text    string
}

// rectItem is a filled rectangle, or a hatched one.
type rectItem struct {
	X, Y, W, H float64
	Tone       tone
	Hatched    bool
	Framed     bool // a frame and no fill
}

// lineItem is a line through points.
type lineItem struct {
	Points []point
	Weight float64
	Tone   tone
	Dashed bool
	Filled bool // a polygon without outline
}

type point struct{ X, Y float64 }

// codeItem is a QR code.
type codeItem struct {
	X, Y, Size float64
	Text       string
}

type page struct{ Items []item }

func (p *page) add(i item) { p.Items = append(p.Items, i) }

func (p *page) rect(x, y, w, h float64, t tone) {
	p.add(item{Rect: &rectItem{X: x, Y: y, W: w, H: h, Tone: t}})
}

func (p *page) line(weight float64, t tone, points ...point) {
	p.add(item{Line: &lineItem{Points: points, Weight: weight, Tone: t}})
}

// size is that of the paper, in millimetres.
type size struct{ W, H float64 }

func (p Paper) size() size {
	if p == Letter {
		return size{215.9, 279.4}
	}
	return size{210, 297}
}

// The margins, in millimetres. The foot holds the QR code.
const (
	marginX   = 15.0
	marginTop = 13.0
	footH     = 21.0
)

// style is how a text is set.
type style struct {
	face   face
	points float64
	tone   tone
}

var (
	titleStyle = style{bold, 16, ink}
	headStyle  = style{bold, 10, ink}
	bodyStyle  = style{regular, 8.5, ink}
	labelStyle = style{regular, 7.5, soft}
	smallStyle = style{regular, 7.5, ink}
	alarmStyle = style{bold, 8.5, alarm}
	codeStyle  = style{mono, 7, ink}
)

// lineHeight is the distance of two baselines.
func (s style) lineHeight() float64 { return s.points * mmPerPoint * 1.3 }

// ascent is how far below the top of its line a baseline stands.
func (s style) ascent() float64 { return s.points * mmPerPoint * 0.98 }

// flow fills pages from top to bottom.
type flow struct {
	*fonts
	size  size
	pages []*page
	y     float64 // where the next thing begins
}

func newFlow(f *fonts, s size) *flow {
	w := &flow{fonts: f, size: s}
	w.newPage()
	return w
}

func (w *flow) newPage() {
	w.pages = append(w.pages, &page{})
	w.y = marginTop
}

func (w *flow) page() *page     { return w.pages[len(w.pages)-1] }
func (w *flow) width() float64  { return w.size.W - 2*marginX }
func (w *flow) bottom() float64 { return w.size.H - footH }

// room begins a new page unless so much is left of this one.
func (w *flow) room(h float64) {
	if w.y+h > w.bottom() && w.y > marginTop {
		w.newPage()
	}
}

// put sets one line at a baseline, cut to width.
func (w *flow) put(p *page, x, baseline, width float64, s style, text string) {
	text = visual(w.cut(s.face, s.points, width, text))
	if text == "" {
		return
	}
	p.add(item{Text: &textItem{X: x, Y: baseline, W: w.measure(s.face, s.points, text), Face: s.face, Points: s.points, Tone: s.tone, Text: text}})
}

// right sets one line that ends at x.
func (w *flow) right(p *page, x, baseline float64, s style, text string) {
	w.put(p, x-w.measure(s.face, s.points, text), baseline, w.size.W, s, text)
}

// lines sets wrapped lines below one another and returns their height.
func (w *flow) lines(p *page, x, y float64, s style, lines []string) float64 {
	for i, line := range lines {
		w.put(p, x, y+s.ascent()+float64(i)*s.lineHeight(), w.size.W, s, line)
	}
	return float64(len(lines)) * s.lineHeight()
}

// para sets a paragraph over the whole width, of at most limit lines; 0 for as many as it takes.
func (w *flow) para(s style, limit int, text string) {
	lines := w.wrap(s.face, s.points, w.width(), limit, w.clean(s.face, text))
	for _, line := range lines {
		w.room(s.lineHeight())
		w.put(w.page(), marginX, w.y+s.ascent(), w.width(), s, line)
		w.y += s.lineHeight()
	}
}

// head begins a section, with so much room for what follows.
func (w *flow) head(text string, follows float64) {
	w.room(headStyle.lineHeight() + 5 + follows)
	if w.y > marginTop {
		w.y += 3
	}
	w.put(w.page(), marginX, w.y+headStyle.ascent(), w.width(), headStyle, text)
	w.y += headStyle.lineHeight() + 0.8
}

// fact is a label and what it says. Alarm marks what people must see.
type fact struct {
	label, text string
	alarm       bool
}

const factLabel = 21.0 // width of labels

// facts sets labels and texts in columns, of at most limit lines each, row by row.
func (w *flow) facts(columns, limit int, list []fact) {
	gap := 6.0
	each := (w.width() - gap*float64(columns-1)) / float64(columns)
	for len(list) > 0 {
		n := min(columns, len(list))
		cells, h := make([][]string, n), bodyStyle.lineHeight()
		for i, f := range list[:n] {
			s := f.style()
			cells[i] = w.wrap(s.face, s.points, each-factLabel, limit, w.clean(s.face, f.text))
			h = max(h, float64(len(cells[i]))*s.lineHeight())
		}
		w.room(h)
		for i, f := range list[:n] {
			x := marginX + float64(i)*(each+gap)
			w.put(w.page(), x, w.y+bodyStyle.ascent(), factLabel-1, labelStyle, f.label)
			w.lines(w.page(), x+factLabel, w.y, f.style(), cells[i])
		}
		w.y += h + 0.7
		list = list[n:]
	}
}

func (f fact) style() style {
	if f.alarm {
		return alarmStyle
	}
	return bodyStyle
}
