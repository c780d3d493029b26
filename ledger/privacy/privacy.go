// Package privacy finds what looks like a patient's data in the few short texts that people type: names of places, seals,
// references, labels, reasons. The ledger has no field for a name, a birth date, a record number or a story; this linter
// refuses those that somebody squeezes into another field.
//
// It judges looks, not truth: it misses a lone surname, and may refuse a seal that looks like a telephone number; the error
// says what to do then. It is no parser of any format, and takes time in proportion to the text.
package privacy

import (
	"fmt"
	"strings"
	"unicode"
)

// Field is what a text is meant to be. It decides which look-alikes are looked for.
type Field uint8

// The fields.
const (
	Code      Field = 1 // of an organisation
	Label     Field = 2 // on a box, of a token or link
	Place     Field = 3 // where something happened: names of places are names
	Reference Field = 4 // what others call it: air waybill, seal, number of a report, a staff number
	Reason    Field = 5 // why, in a sentence
	Phone     Field = 6
	Name      Field = 7 // of a member of staff, on their card
)

func (f Field) String() string {
	names := [...]string{Code: "code", Label: "label", Place: "place", Reference: "reference", Reason: "reason", Phone: "phone number", Name: "name"}
	if int(f) < len(names) && names[f] != "" {
		return names[f]
	}
	return fmt.Sprintf("unknown(%d)", uint8(f))
}

// Error says what in a text looks like a patient's data, where, and what to do.
type Error struct {
	Field  Field
	Rule   string // stable: 'birth-date'
	What   string // 'a date of birth'
	Text   string // the look-alike
	Offset int    // of it, in characters from 0
	Hint   string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%q at character %d of the %s looks like %s: %s", e.Text, e.Offset+1, e.Field, e.What, e.Hint)
}

// Check returns an *Error for the first look-alike in a text, nil when there is none.
func Check(f Field, text string) error {
	plain := plainRunes(text)
	if i := hidden(plain); i >= 0 {
		return &Error{Field: f, Rule: "hidden-character", What: "a character that can't be seen", Text: string(plain[i : i+1]), Offset: i, Hint: "type the text anew, on one line"}
	}
	if f == Phone {
		return checkPhone(plain)
	}
	s := string(plain)
	s = blank(s, waybills(s)) // an air waybill looks like a telephone number, and has a check digit to prove itself
	for _, r := range rules {
		if r.fields&(1<<f) == 0 {
			continue
		}
		if at := r.find(s); at != nil {
			return &Error{Field: f, Rule: r.name, What: r.what, Text: s[at[0]:at[1]], Offset: len([]rune(s[:at[0]])), Hint: r.hint}
		}
	}
	return nil
}

// plainRunes returns the text with each character in its plainest form, so that full-width or typographic ones hide
// nothing. It keeps the number of characters.
func plainRunes(text string) []rune {
	out := []rune(text)
	for i, r := range out {
		switch {
		case r >= 0xFF01 && r <= 0xFF5E: // full width
			out[i] = r - 0xFEE0
		case r >= 0x2010 && r <= 0x2015 || r == 0x2212 || r == 0x00AD || r == 0xFE63: // dashes
			out[i] = '-'
		case r != ' ' && unicode.Is(unicode.Zs, r):
			out[i] = ' '
		case r == 0x2019 || r == 0x02BC:
			out[i] = '\''
		case unicode.Is(unicode.Nd, r) && r > '9':
			out[i] = digit(r)
		}
	}
	return out
}

// digit returns the ASCII digit of the same value. Digits of every script come in runs of ten that begin with zero.
func digit(r rune) rune {
	zero := r
	for range 9 {
		if !unicode.Is(unicode.Nd, zero-1) {
			break
		}
		zero--
	}
	return '0' + (r-zero)%10
}

// hidden returns the place of the first character that shows nothing, -1 for none.
func hidden(text []rune) int {
	for i, r := range text {
		if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return i
		}
	}
	return -1
}

// blank replaces parts of a text by 'x', which no rule finds.
func blank(s string, parts [][]int) string {
	b := []byte(s)
	for _, p := range parts {
		for i := p[0]; i < p[1]; i++ {
			b[i] = 'x'
		}
	}
	return string(b)
}

// checkPhone refuses what is no telephone number: that field would hold anything else otherwise.
func checkPhone(text []rune) error {
	digits := 0
	for i, r := range text {
		if r >= '0' && r <= '9' {
			digits++
		} else if !strings.ContainsRune("+-()./ #*,", r) && !isExtension(text, i) {
			return &Error{Field: Phone, Rule: "not-a-number", What: "something else than a telephone number", Text: string(text[i : i+1]), Offset: i,
				Hint: "use digits, spaces and + - ( ) . / only, and 'ext' before an extension"}
		}
	}
	if len(text) > 0 && (digits < 3 || digits > 20) {
		return &Error{Field: Phone, Rule: "not-a-number", What: fmt.Sprintf("no telephone number, with %d digits", digits), Text: string(text), Hint: "use 3 to 20 digits"}
	}
	return nil
}

// isExtension tells whether the character is part of the word 'ext'.
func isExtension(text []rune, i int) bool {
	for start := max(0, i-2); start <= i && start+3 <= len(text); start++ {
		if strings.EqualFold(string(text[start:start+3]), "ext") {
			return true
		}
	}
	return false
}
