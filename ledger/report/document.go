package report

import (
	"fmt"
	"io"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"rsc.io/qr"

	"isotherm/ledger/bundle"
)

// Form is a kind of document.
type Form uint8

// The forms.
const (
	Sheet Form = 1 // of the transport, one page a case
	Audit Form = 2 // the whole report, with the bundle attached
)

// Paper is a size of paper.
type Paper uint8

// The sizes.
const (
	A4     Paper = 0
	Letter Paper = 1
)

// maxAttached bounds the bundles that a report carries: a PDF is made in memory. The report of a case whose bundle has no room says
// so.
const maxAttached = 64 << 20

// Document is a PDF of one or more cases. It is not for use by several goroutines at once.
type Document struct {
	form     Form
	paper    Paper
	fonts    *fonts
	pdf      *fpdf.Fpdf
	attached []fpdf.Attachment
	room     int // bytes of bundles that may still be attached
	newest   time.Time
}

var families = [faces]string{regular: "sans", bold: "sansbold", mono: "mono"}

// NewDocument begins a document.
func NewDocument(form Form, paper Paper) (*Document, error) {
	f, err := newFonts()
	if err != nil {
		return nil, err
	}
	s := paper.size()
	pdf := fpdf.NewCustom(&fpdf.InitType{UnitStr: "mm", Size: fpdf.SizeType{Wd: s.W, Ht: s.H}})
	pdf.SetAutoPageBreak(false, 0)
	pdf.SetMargins(0, 0, 0)
	pdf.SetCatalogSort(true)
	pdf.SetProducer("isotherm", true)
	pdf.SetLang("en")
	pdf.SetTitle(map[Form]string{Sheet: "Transport sheet", Audit: "Audit report"}[form], true)
	for i, b := range fontFiles() {
		pdf.AddUTF8FontFromBytes(families[i], "", b)
	}
	if err := pdf.Error(); err != nil {
		return nil, fmt.Errorf("make document: %w", err)
	}
	return &Document{form: form, paper: paper, fonts: f, pdf: pdf, room: maxAttached}, nil
}

// Add writes the pages of a case.
func (d *Document) Add(c *Case) error {
	var pages []*page
	if d.form == Sheet {
		pages = layoutSheet(d.fonts, d.paper.size(), c)
	} else {
		fits := len(c.Bundle) <= d.room
		if fits {
			d.room -= len(c.Bundle)
			d.attached = append(d.attached, fpdf.Attachment{Content: c.Bundle, Filename: bundle.FileName(c.Verdict.Shipment.ID), Description: "evidence bundle"})
		}
		pages = layoutAudit(d.fonts, d.paper.size(), c, fits)
	}
	for i, p := range pages {
		d.pdf.AddPage()
		if i == 0 {
			d.pdf.Bookmark(d.fonts.clean(regular, c.organ()+" "+c.Verdict.Shipment.ID), 0, 0)
		}
		if err := d.draw(p); err != nil {
			return fmt.Errorf("write document: %w", err)
		}
	}
	if t := c.Verdict.Export.Time; t.After(d.newest) {
		d.newest = t
	}
	if err := d.pdf.Error(); err != nil {
		return fmt.Errorf("write document: %w", err)
	}
	return nil
}

// Write ends the document. Its dates are those of the newest export in it: no clock is asked.
func (d *Document) Write(w io.Writer) error {
	at := d.newest
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	d.pdf.SetCreationDate(at.UTC())
	d.pdf.SetModificationDate(at.UTC())
	d.pdf.SetAttachments(d.attached)
	if err := d.pdf.Output(w); err != nil {
		return fmt.Errorf("write document: %w", err)
	}
	return nil
}

// tones are in red, green and blue. They keep 4.5:1 to white where they are text, and can be told apart in grey.
var tones = [...][3]int{ink: {26, 28, 30}, soft: {94, 99, 104}, faint: {208, 211, 214}, band: {230, 235, 240}, alarm: {176, 22, 28}, blush: {243, 190, 188}, white: {255, 255, 255}}

func (d *Document) draw(p *page) error {
	for _, i := range p.Items {
		switch {
		case i.Text != nil:
			d.text(i.Text)
		case i.Rect != nil:
			d.rect(i.Rect)
		case i.Line != nil:
			d.line(i.Line)
		case i.Code != nil:
			if err := d.code(i.Code); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Document) text(t *textItem) {
	c := tones[t.Tone]
	d.pdf.SetTextColor(c[0], c[1], c[2])
	d.pdf.SetFont(families[t.Face], "", t.Points)
	d.pdf.Text(t.X, t.Y, t.Text)
}

func (d *Document) rect(r *rectItem) {
	c := tones[r.Tone]
	switch {
	case r.Framed:
		d.pdf.SetDrawColor(c[0], c[1], c[2])
		d.pdf.SetLineWidth(0.2)
		d.pdf.Rect(r.X, r.Y, r.W, r.H, "D")
	case r.Hatched:
		d.hatch(r)
	default:
		d.pdf.SetFillColor(c[0], c[1], c[2])
		d.pdf.Rect(r.X, r.Y, r.W, r.H, "F")
	}
}

// hatch covers what is below with white and draws slanted lines.
func (d *Document) hatch(r *rectItem) {
	const distance = 1.6
	w := tones[white]
	d.pdf.SetFillColor(w[0], w[1], w[2])
	d.pdf.Rect(r.X, r.Y, r.W, r.H, "F")
	c := tones[r.Tone]
	d.pdf.SetDrawColor(c[0], c[1], c[2])
	d.pdf.SetLineWidth(0.15)
	d.pdf.ClipRect(r.X, r.Y, r.W, r.H, false)
	for x := r.X - r.H; x < r.X+r.W; x += distance {
		d.pdf.Line(x, r.Y+r.H, x+r.H, r.Y)
	}
	d.pdf.ClipEnd()
	d.pdf.Line(r.X, r.Y, r.X, r.Y+r.H)
	d.pdf.Line(r.X+r.W, r.Y, r.X+r.W, r.Y+r.H)
}

func (d *Document) line(l *lineItem) {
	c := tones[l.Tone]
	if l.Filled {
		points := make([]fpdf.PointType, len(l.Points))
		for i, p := range l.Points {
			points[i] = fpdf.PointType{X: p.X, Y: p.Y}
		}
		d.pdf.SetFillColor(c[0], c[1], c[2])
		d.pdf.Polygon(points, "F")
		return
	}
	d.pdf.SetDrawColor(c[0], c[1], c[2])
	d.pdf.SetLineWidth(l.Weight)
	d.pdf.SetLineJoinStyle("round")
	if l.Dashed {
		d.pdf.SetDashPattern([]float64{0.8, 0.8}, 0)
		defer d.pdf.SetDashPattern(nil, 0)
	}
	for i, p := range l.Points {
		if i == 0 {
			d.pdf.MoveTo(p.X, p.Y)
		} else {
			d.pdf.LineTo(p.X, p.Y)
		}
	}
	d.pdf.DrawPath("D")
}

// code draws a QR code as runs of dark squares.
func (d *Document) code(i *codeItem) error {
	q, err := qr.Encode(i.Text, qr.M)
	if err != nil {
		return fmt.Errorf("make QR code: %w", err)
	}
	c := tones[ink]
	d.pdf.SetFillColor(c[0], c[1], c[2])
	m := i.Size / float64(q.Size)
	for y := range q.Size {
		for x := 0; x < q.Size; x++ {
			end := x
			for end < q.Size && q.Black(end, y) {
				end++
			}
			if end > x {
				d.pdf.Rect(i.X+float64(x)*m, i.Y+float64(y)*m, float64(end-x)*m, m, "F")
				x = end
			}
		}
	}
	return nil
}
