package trackerd

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// maxComment is longer than any comment in a capture, and bounds what is kept of a line that may be one.
const maxComment = 512

// comments blanks lines of text that begin with '#', which is how captures say where they come from (gpsd's test logs,
// for one). No receiver that this box reads sends them. Offsets stay as they are.
type comments struct {
	out       io.Writer // the decoder, which never fails
	lineStart bool
	held      []byte // a line that may be a comment, from its '#'
}

func (c *comments) write(p []byte) {
	plain := 0 // where the bytes that are not out yet begin in p
	for i, b := range p {
		switch {
		case len(c.held) > 0 && b == '\n':
			c.blank()
			plain, c.lineStart = i, true
		case len(c.held) > 0 && (b < ' ' && b != '\t' && b != '\r' || len(c.held) == maxComment):
			c.pass()
			plain = i
		case len(c.held) > 0:
			c.held = append(c.held, b)
		case b == '#' && c.lineStart:
			c.forward(p[plain:i])
			c.held, c.lineStart = append(c.held, b), false
		default:
			c.lineStart = b == '\n'
		}
	}
	if len(c.held) == 0 {
		c.forward(p[plain:])
	}
}

// close ends the last line.
func (c *comments) close() {
	if len(c.held) > 0 {
		c.blank()
	}
}

// blank writes the held line as empty lines of the same length.
func (c *comments) blank() {
	if !utf8.Valid(c.held) {
		c.pass()
		return
	}
	c.forward(bytes.Repeat([]byte{'\n'}, len(c.held)))
	c.held = c.held[:0]
}

// pass writes the held line as it is: it is no comment.
func (c *comments) pass() {
	c.forward(c.held)
	c.held = c.held[:0]
}

func (c *comments) forward(p []byte) {
	_, _ = c.out.Write(p) // a decoder's Write never fails
}
