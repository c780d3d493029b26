package report

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"testing"
	"unicode/utf16"
)

// textsOf returns what the content streams of a PDF show, in order: a reader of just what our writer writes.
func textsOf(t testing.TB, pdf []byte) []string {
	t.Helper()
	var out []string
	for {
		_, rest, found := bytes.Cut(pdf, []byte("\nstream\n"))
		if !found {
			break
		}
		pdf = rest
		r, err := zlib.NewReader(bytes.NewReader(rest))
		if err != nil {
			continue
		}
		content, err := io.ReadAll(r)
		if err != nil {
			continue
		}
		out = append(out, shown(content)...)
	}
	if len(out) == 0 {
		t.Fatal("the PDF shows no text")
	}
	return out
}

// shown returns the strings before Tj: UTF-16, with parentheses, backslashes and returns escaped.
func shown(content []byte) []string {
	var out []string
	for {
		_, rest, found := bytes.Cut(content, []byte(" Td ("))
		if !found {
			return out
		}
		var raw []byte
		for i := 0; i < len(rest); i++ {
			if rest[i] == ')' {
				content = rest[i:]
				break
			}
			c := rest[i]
			if c == '\\' {
				i++
				if c = rest[i]; c == 'r' {
					c = '\r'
				}
			}
			raw = append(raw, c)
		}
		var units []uint16
		for i := 0; i+1 < len(raw); i += 2 {
			units = append(units, binary.BigEndian.Uint16(raw[i:]))
		}
		out = append(out, string(utf16.Decode(units)))
	}
}

// TestDocument_attached takes the bundle out of a report: it is the one whose SHA-256 the report names.
func TestDocument_attached(t *testing.T) {
	c := heart(t)
	_, rest, found := bytes.Cut(render(t, Audit, A4, c), []byte("/Type /EmbeddedFile "))
	_, rest, stream := bytes.Cut(rest, []byte("stream\n"))
	if !found || !stream {
		t.Fatal("the report carries no file")
	}
	r, err := zlib.NewReader(bytes.NewReader(rest))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || sha256.Sum256(got) != c.SHA256 {
		t.Errorf("the report carries another file of %d bytes: %v", len(got), err)
	}
	if bytes.Contains(render(t, Sheet, A4, c), []byte("/EmbeddedFile ")) {
		t.Error("the sheet carries a file")
	}
}
