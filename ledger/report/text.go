package report

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// missing stands for a character that the document's font has not.
const missing = '\u25a1' // white square

const ellipsis = "…"

// clean makes one line of a text that people or devices wrote: without control characters and marks that turn the direction of what
// follows, with single spaces. Characters that no face has become squares.
func (f *fonts) clean(in face, s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case r == utf8.RuneError:
			r = missing
		case unicode.IsSpace(r) || unicode.IsControl(r):
			space = true
			continue
		case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) || unicode.Is(unicode.Cs, r):
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		if !f.has(in, r) && !unicode.Is(unicode.Mn, r) {
			r = missing
		}
		if f.has(in, r) || f.inFont(in, r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// inFont tells whether a face has a rune at all: a combining mark may have no width.
func (f *fonts) inFont(in face, r rune) bool {
	g, err := f.parsed[in].GlyphIndex(&f.buf, r)
	return err == nil && g != 0 && r <= maxRune
}

// unit is a number's unit, which stays on its line.
var unit = regexp.MustCompile(`([0-9]) (°C|min|h|s|%|K·min)(\W|$)`)

// glue joins numbers and their units with a space at which no line breaks.
func glue(s string) string {
	return unit.ReplaceAllString(unit.ReplaceAllString(s, "$1\u00a0$2$3"), "$1\u00a0$2$3") // twice: '2 h 41 min' overlaps
}

// wrap breaks a clean text into lines of at most width millimetres. Of more than limit lines the last one is cut with an
// ellipsis; a limit of 0 is none.
func (f *fonts) wrap(in face, points, width float64, limit int, s string) []string {
	var lines []string
	line := ""
	for _, word := range strings.Split(glue(s), " ") {
		if line != "" && f.measure(in, points, line+" "+word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; f.measure(in, points, line) > width; { // a word longer than the line
			n := f.fitting(in, points, width, line)
			if n == len(line) {
				break
			}
			lines, line = append(lines, line[:n]), line[n:]
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	if limit > 0 && len(lines) > limit {
		lines = lines[:limit]
		lines[limit-1] = f.shorten(in, points, width, lines[limit-1])
	}
	return lines
}

// fitting returns how many bytes of a text fit into a line: one rune at least.
func (f *fonts) fitting(in face, points, width float64, s string) int {
	w := 0.0
	for i, r := range s {
		w += f.advance(in, r) * points * mmPerPoint
		if w > width && i > 0 {
			return i
		}
	}
	return len(s)
}

// cut returns a text that fits into a line: with an ellipsis when it had to be shortened.
func (f *fonts) cut(in face, points, width float64, s string) string {
	if f.measure(in, points, s) <= width {
		return s
	}
	return f.shorten(in, points, width, s)
}

// shorten ends a text with an ellipsis, within width.
func (f *fonts) shorten(in face, points, width float64, s string) string {
	n := f.fitting(in, points, max(width-f.measure(in, points, ellipsis), 0), s)
	return strings.TrimRight(s[:n], " ") + ellipsis
}

// leftward are words of Hebrew and Arabic letters, with their marks and the spaces between them.
var leftward = regexp.MustCompile(`[\x{590}-\x{8ff}\x{fb1d}-\x{fdff}\x{fe70}-\x{fefc}](?:[\x{590}-\x{8ff}\x{fb1d}-\x{fdff}\x{fe70}-\x{fefc} ]*[\x{590}-\x{8ff}\x{fb1d}-\x{fdff}\x{fe70}-\x{fefc}])?`)

// visual puts a line into the order in which it is drawn, from left to right: words of Hebrew and Arabic letters go the other way. It
// is not all of Unicode's Annex 9, and it does not join Arabic letters: names can be read, no more.
func visual(s string) string {
	return leftward.ReplaceAllStringFunc(s, func(words string) string {
		out, marks := "", ""
		for runes := []rune(words); len(runes) > 0; runes = runes[:len(runes)-1] {
			if r := runes[len(runes)-1]; unicode.Is(unicode.Mn, r) {
				marks = string(r) + marks // behind the letter that they belong to
			} else {
				out, marks = out+string(r)+marks, ""
			}
		}
		return out + marks
	})
}
