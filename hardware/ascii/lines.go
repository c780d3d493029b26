package ascii

import (
	"strings"

	"isotherm/hardware"
	"isotherm/hardware/nmea"
)

// maxLine is the most bytes of a line; the longest of a known device has 40.
const maxLine = 120

// feeder cuts bytes into lines.
type feeder interface {
	write(p []byte)
	// pause says that nothing came for so long that an unfinished line will not be finished.
	pause()
}

// splitter is the feeder of lines without a frame of their own. It holds at most maxLine bytes. It is for one goroutine.
type splitter struct {
	ends   string // bytes that end a line
	buf    []byte
	long   bool // inside a line that was too long
	synced bool // buf began at the beginning of a line

	onLine  func(line []byte)                      // a whole line; only valid during the call
	onFault func(fault hardware.Fault, raw []byte) // what is none
}

// newSplitter returns a splitter. Unless synced, it drops everything up to the first line end or pause: that may be the
// second half of a line, which looks like a number.
func newSplitter(end string, synced bool, onLine func([]byte), onFault func(hardware.Fault, []byte)) *splitter {
	return &splitter{ends: "\r\n" + end, synced: synced, onLine: onLine, onFault: onFault}
}

func (s *splitter) write(p []byte) {
	for _, b := range p {
		switch {
		case strings.IndexByte(s.ends, b) >= 0:
			s.end()
		case s.long:
		case len(s.buf) == maxLine:
			s.long = true
			if s.synced {
				s.onFault(hardware.TooLong, s.buf)
			}
		default:
			s.buf = append(s.buf, b)
		}
	}
}

func (s *splitter) end() {
	if s.synced && !s.long && len(s.buf) > 0 {
		s.onLine(s.buf)
	}
	s.buf, s.long, s.synced = s.buf[:0], false, true
}

func (s *splitter) pause() {
	if s.synced && !s.long && len(s.buf) > 0 {
		s.onFault(hardware.Truncated, s.buf)
	}
	s.buf, s.long, s.synced = s.buf[:0], false, true
}

// sentences is the feeder of NMEA 0183.
type sentences struct{ framer *nmea.Framer }

func newSentences(onLine func([]byte), onFault func(hardware.Fault, []byte)) *sentences {
	return &sentences{nmea.NewFramer(
		func(_ int64, line []byte) { onLine(line) },
		func(_ int64, fault hardware.Fault) { onFault(fault, nil) },
	)}
}

func (s *sentences) write(p []byte) { s.framer.Write(p) }
func (s *sentences) pause()         { s.framer.Flush() }
