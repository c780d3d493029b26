package report

import (
	"strconv"
	"time"

	"isotherm/ledger/bundle"
	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
	"isotherm/ledger/trip"
)

// The parts of a chart around its field, in millimetres.
const (
	chartLeft   = 11.0
	chartTop    = 8.5
	chartBottom = 8.0
)

// chart is where times and temperatures lie on the paper.
type chart struct {
	w          *flow
	p          *page
	curve      *curve
	x, y       float64 // of the field
	width      float64
	height     float64
	from, to   int64
	low, high  int32
	step       int32
	labels     []rectItem // places taken by texts
	lowC, hiC  int32      // of the band
	excursions []trip.Excursion
}

// chart draws the temperature of a case with band, excursions, gaps and changes of custody, over the whole width.
func (w *flow) chart(c *Case, cv *curve, height float64) {
	w.room(height)
	k := &chart{w: w, p: w.page(), curve: cv, x: marginX + chartLeft, y: w.y + chartTop, width: w.width() - chartLeft, height: height - chartTop - chartBottom,
		from: cv.from, to: cv.to}
	w.y += height
	a := c.Contents.Trip
	if a == nil || len(cv.runs) == 0 || cv.to <= cv.from {
		k.p.add(item{Rect: &rectItem{X: k.x, Y: k.y, W: k.width, H: k.height, Tone: faint, Framed: true}})
		w.put(k.p, k.x+4, k.y+k.height/2, k.width-8, bodyStyle, "There is no temperature of a judged probe to be drawn.")
		return
	}
	k.lowC, k.hiC, k.excursions = a.Profile.LowMC, a.Profile.HighMC, a.Excursions
	k.scale()
	k.field()
	for _, g := range a.Report.Gaps {
		k.gap(g)
	}
	for i := range k.excursions {
		k.fill(&k.excursions[i])
	}
	for _, r := range cv.runs {
		k.draw(r)
	}
	k.custody(c)
	for i := range k.excursions {
		k.name(&k.excursions[i])
	}
	k.timeAxis()
}

// steps are distances of marks on the axis of temperature, in milli-°C.
var steps = []int32{200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000}

// maxMarks is how many marks an axis of temperature has at most.
const maxMarks = 8

func (k *chart) scale() {
	low, high := k.lowC, k.hiC
	for _, r := range k.curve.runs {
		for _, s := range r.samples {
			low, high = min(low, s.mc), max(high, s.mc)
		}
	}
	k.step = steps[len(steps)-1]
	for _, s := range steps {
		if (high-low)/s <= maxMarks-2 {
			k.step = s
			break
		}
	}
	k.low, k.high = floorTo(low-k.step/4, k.step), -floorTo(-high-k.step/4, k.step)
}

// floorTo rounds down to a multiple.
func floorTo(n, step int32) int32 {
	m := n % step
	if m < 0 {
		m += step
	}
	return n - m
}

func (k *chart) atX(ms int64) float64 {
	ms = min(max(ms, k.from), k.to)
	return k.x + k.width*float64(ms-k.from)/float64(k.to-k.from)
}

func (k *chart) atY(mc int32) float64 {
	return k.y + k.height*float64(k.high-mc)/float64(k.high-k.low)
}

// field draws band, axis and marks of temperature.
func (k *chart) field() {
	k.p.rect(k.x, k.atY(k.hiC), k.width, k.atY(k.lowC)-k.atY(k.hiC), band)
	for mc := k.low; mc <= k.high; mc += k.step {
		y := k.atY(mc)
		k.p.line(0.1, faint, point{k.x, y}, point{k.x + k.width, y})
		k.w.right(k.p, k.x-1.5, y+0.9, labelStyle, bundle.Celsius(mc))
	}
	for _, mc := range []int32{k.lowC, k.hiC} {
		k.p.line(0.2, soft, point{k.x, k.atY(mc)}, point{k.x + k.width, k.atY(mc)})
	}
	k.p.add(item{Rect: &rectItem{X: k.x, Y: k.y, W: k.width, H: k.height, Tone: soft, Framed: true}})
	k.w.put(k.p, marginX, k.y-2.5, chartLeft-1, labelStyle, "°C")
}

// gap hatches a time without readings, and names it where there is room.
func (k *chart) gap(g excursion.Gap) {
	x, end := k.atX(g.From.WallMS), k.atX(g.To.WallMS)
	k.p.add(item{Rect: &rectItem{X: x, Y: k.y, W: max(end-x, 0.3), H: k.height, Tone: soft, Hatched: true}})
	for _, text := range []string{g.Reason + ", " + bundle.Duration(g.MS()), bundle.Duration(g.MS())} {
		text = k.w.clean(labelStyle.face, text)
		width := k.w.measure(labelStyle.face, labelStyle.points, text)
		left := (x + end - width) / 2
		if width+2 > end-x || !k.take(left-0.6, k.y+1.2, width+1.2, 3.2) {
			continue
		}
		k.p.rect(left-0.6, k.y+1.2, width+1.2, 3.2, white)
		k.w.put(k.p, left, k.y+3.7, width+0.1, labelStyle, text)
		return
	}
}

// limited tells whether an excursion is of a value beyond a limit, so that an area can be filled.
func limited(x *trip.Excursion) bool {
	return x.Rule.Kind == profile.Below || x.Rule.Kind == profile.Above
}

// fill fills what lies beyond the limit while an excursion lasted.
func (k *chart) fill(x *trip.Excursion) {
	if !limited(x) {
		return
	}
	for _, r := range k.curve.runs {
		if r.probe != x.Probe {
			continue
		}
		var shape []point
		for _, s := range r.samples {
			if s.ms < x.Began.WallMS || s.ms > x.Ended.WallMS {
				continue
			}
			mc := max(s.mc, x.Rule.LimitMC)
			if x.Rule.Kind == profile.Below {
				mc = min(s.mc, x.Rule.LimitMC)
			}
			shape = append(shape, point{k.atX(s.ms), k.atY(mc)})
		}
		if len(shape) < 2 {
			continue
		}
		base := k.atY(x.Rule.LimitMC)
		shape = append(shape, point{shape[len(shape)-1].X, base}, point{shape[0].X, base})
		k.p.add(item{Line: &lineItem{Points: shape, Tone: blush, Filled: true}})
	}
}

// draw draws a run of a probe, in red where an excursion lasts.
func (k *chart) draw(r run) {
	samples := r.samples
	if len(samples) == 1 {
		k.p.rect(k.atX(samples[0].ms)-0.2, k.atY(samples[0].mc)-0.2, 0.4, 0.4, ink)
		return
	}
	var points []point
	tone := ink
	for _, s := range samples {
		t := ink
		if k.during(r.probe, s.ms) {
			t = alarm
		}
		at := point{k.atX(s.ms), k.atY(s.mc)}
		if points = append(points, at); t != tone {
			k.p.line(0.35, tone, points...)
			points, tone = []point{at}, t
		}
	}
	if len(points) > 1 {
		k.p.line(0.35, tone, points...)
	}
}

func (k *chart) during(probe uint8, ms int64) bool {
	for i := range k.excursions {
		x := &k.excursions[i]
		if limited(x) && x.Probe == probe && x.Began.WallMS <= ms && ms <= x.Ended.WallMS {
			return true
		}
	}
	return false
}

// name writes how long an excursion was beside it, where there is room.
func (k *chart) name(x *trip.Excursion) {
	if !limited(x) {
		return
	}
	text := bundle.Duration(x.DurationMS())
	s := style{bold, 7.5, alarm}
	width := k.w.measure(s.face, s.points, text)
	middle := (k.atX(x.Began.WallMS) + k.atX(x.Ended.WallMS)) / 2
	left := min(max(middle-width/2, k.x+0.5), k.x+k.width-width-0.5)
	above, below := k.atY(max(x.ExtremeMC, x.Rule.LimitMC))-1, k.atY(min(x.ExtremeMC, x.Rule.LimitMC))+3
	order := []float64{above, below}
	if x.Rule.Kind == profile.Below {
		order = []float64{below, above}
	}
	for _, y := range order {
		if y < k.y+2.5 || y > k.y+k.height-0.6 || !k.take(left, y-2.4, width, 2.8) {
			continue
		}
		k.w.put(k.p, left, y, width+0.1, s, text)
		return
	}
}

// take takes a place for a text unless it is taken.
func (k *chart) take(x, y, width, height float64) bool {
	for _, l := range k.labels {
		if x < l.X+l.W && l.X < x+width && y < l.Y+l.H && l.Y < y+height {
			return false
		}
	}
	k.labels = append(k.labels, rectItem{X: x, Y: y, W: width, H: height})
	return true
}

// custody marks where the box changed hands, with the number of the custodian in the table.
func (k *chart) custody(c *Case) {
	for i, h := range c.Contents.State.Custodians {
		x := k.atX(h.SinceMS)
		k.p.add(item{Line: &lineItem{Points: []point{{x, k.y - 1}, {x, k.y + k.height}}, Weight: 0.2, Tone: soft, Dashed: true}})
		text := strconv.Itoa(i + 1)
		s := style{bold, 7.5, ink}
		width := k.w.measure(s.face, s.points, text)
		left := min(x-width/2, k.x+k.width-width)
		for _, y := range []float64{k.y - 1.8, k.y - 5} {
			if k.take(left-0.4, y-2.4, width+0.8, 2.8) {
				k.w.put(k.p, left, y, width+0.1, s, text)
				break
			}
		}
	}
}

// timeSteps are distances of marks on the axis of time.
var timeSteps = []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
	3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour}

// maxTimes is how many marks the axis of time has at most: their texts need some 12 mm each.
const maxTimes = 10

func (k *chart) timeAxis() {
	step := timeSteps[len(timeSteps)-1]
	for _, s := range timeSteps {
		if time.Duration(k.to-k.from)*time.Millisecond/s < maxTimes {
			step = s
			break
		}
	}
	y := k.y + k.height
	day := ""
	first := time.UnixMilli(k.from).UTC().Truncate(step)
	for n := 0; n <= maxTimes+1; n++ {
		t := first.Add(time.Duration(n) * step)
		ms := t.UnixMilli()
		if ms < k.from || ms > k.to {
			continue
		}
		x := k.atX(ms)
		k.p.line(0.2, soft, point{x, y}, point{x, y + 1})
		k.timeText(x, y+3.6, t.Format("15:04"))
		if d := t.Format("2 Jan"); d != day {
			k.timeText(x, y+6.6, d)
			day = d
		}
	}
}

func (k *chart) timeText(x, y float64, text string) {
	width := k.w.measure(labelStyle.face, labelStyle.points, text)
	left := min(max(x-width/2, k.x), k.x+k.width-width)
	if k.take(left-0.5, y-2.4, width+1, 2.8) {
		k.w.put(k.p, left, y, width+0.1, labelStyle, text)
	}
}
