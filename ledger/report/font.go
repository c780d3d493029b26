package report

import (
	"fmt"

	"github.com/go-fonts/dejavu/dejavusanscondensed"
	"github.com/go-fonts/dejavu/dejavusanscondensedbold"
	"github.com/go-fonts/dejavu/dejavusansmono"
	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// face is one of the document's typefaces.
type face uint8

const (
	regular face = iota
	bold
	mono
	faces
)

// fontFiles are DejaVu: Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew and Arabic letters, a true minus sign, and a licence
// that lets documents carry them.
func fontFiles() [faces][]byte {
	return [faces][]byte{dejavusanscondensed.TTF, dejavusanscondensedbold.TTF, dejavusansmono.TTF}
}

const mmPerPoint = 25.4 / 72

// fonts measure text. They are not for use by several goroutines at once.
type fonts struct {
	parsed [faces]*sfnt.Font
	buf    sfnt.Buffer
	width  [faces]map[rune]float64 // of the em; 0 for a rune that the face has not
}

func newFonts() (*fonts, error) {
	f := &fonts{}
	for i, b := range fontFiles() {
		parsed, err := sfnt.Parse(b)
		if err != nil {
			return nil, fmt.Errorf("read font: %w", err)
		}
		f.parsed[i], f.width[i] = parsed, map[rune]float64{}
	}
	return f, nil
}

// advance returns the width of a rune as a part of the em, 0 for one that the face has not.
func (f *fonts) advance(in face, r rune) float64 {
	if w, known := f.width[in][r]; known {
		return w
	}
	w := 0.0
	p := f.parsed[in]
	if g, err := p.GlyphIndex(&f.buf, r); err == nil && g != 0 && r <= maxRune {
		em := p.UnitsPerEm()
		if a, err := p.GlyphAdvance(&f.buf, g, fixed.I(int(em)), font.HintingNone); err == nil {
			w = float64(a) / 64 / float64(em)
		}
	}
	f.width[in][r] = w
	return w
}

// maxRune is the last that the PDF's fonts can name.
const maxRune = 0xfffe

// has tells whether a face has a rune that leaves something to be seen.
func (f *fonts) has(in face, r rune) bool { return f.advance(in, r) > 0 }

// measure returns the width of a text in millimetres.
func (f *fonts) measure(in face, points float64, s string) float64 {
	w := 0.0
	for _, r := range s {
		w += f.advance(in, r)
	}
	return w * points * mmPerPoint
}
