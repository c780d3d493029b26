package gnss

import (
	"isotherm/hardware"
)

// maxSentence is longer than NMEA's own 82 bytes, because real receivers are (PUBX
// and PGLOR), and short enough that noise is given up soon.
const maxSentence = 120

// framer cuts a stream of bytes into sentences. It holds what has not been decided
// yet: at most one unfinished sentence or packet, so at most maxPacket bytes more
// than one write.
type framer struct {
	buf    []byte
	offset int64 // of buf[0] in the stream
	noisy  bool  // inside a run of bytes that belong to nothing; it is reported once

	onSentence func(offset int64, line []byte) // line is only valid during the call
	onFault    func(offset int64, fault hardware.Fault)
}

// write takes the next bytes of the stream.
func (f *framer) write(p []byte) {
	f.buf = append(f.buf, p...)
	f.scan(false)
}

// flush decides what can be decided without more bytes: the line has gone quiet.
// An unfinished sentence stays, because slow lines pause in the middle of one.
func (f *framer) flush() { f.scan(true) }

func (f *framer) scan(quiet bool) {
	rest := f.buf
	for len(rest) > 0 {
		n := f.step(rest, quiet)
		if n == 0 {
			break
		}
		rest = rest[n:]
		f.offset += int64(n)
	}
	f.buf = append(f.buf[:0], rest...)
}

// step looks at what starts at b[0] and returns how many bytes it used up, or zero
// when more bytes are needed to tell.
func (f *framer) step(b []byte, quiet bool) int {
	switch c := b[0]; {
	case c == '$' || c == '!':
		return f.sentence(b, quiet)
	case c == '\r' || c == '\n':
		return 1
	case c == ubxSync || c == casicSync || c == rtcmSync:
		n, verdict := packet(b)
		if verdict == packetGood {
			f.onFault(f.offset, hardware.Binary)
			f.noisy = false
			return n
		}
		if verdict == packetUnfinished && !quiet {
			return 0
		}
	}
	// A packet that does not check out gives up one byte, not its stated length: a
	// sentence may have begun inside of it.
	f.noise(b[0])
	return 1
}

// sentence handles b, which begins with '$' or '!'.
func (f *framer) sentence(b []byte, quiet bool) int {
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\r' || c == '\n':
			f.noisy = false
			f.onSentence(f.offset, b[:i])
			return i + 1
		case c == '$' || c == '!':
			f.onFault(f.offset, hardware.Truncated)
			return i
		case !isText(c):
			f.noise(c)
			return i
		case i >= maxSentence:
			f.onFault(f.offset, hardware.TooLong)
			f.noisy = true // the rest of the line is not news
			return i
		}
	}
	// No line end yet. When the line is quiet and the checksum is right, none is needed.
	if quiet && checksum(b) == hardware.None {
		f.noisy = false
		f.onSentence(f.offset, b)
		return len(b)
	}
	return 0
}

// noise reports a byte that belongs to nothing, once per run.
func (f *framer) noise(c byte) {
	if f.noisy {
		return
	}
	f.noisy = true
	if isText(c) {
		f.onFault(f.offset, hardware.Noise)
	} else {
		f.onFault(f.offset, hardware.Binary)
	}
}

func isText(c byte) bool { return c >= ' ' && c < 0x7F }

// checksum checks the "*hh" at the end of a sentence: the exclusive or of all bytes
// between the '$' and the '*' (NMEA 0183). Spaces after it are padding.
func checksum(line []byte) hardware.Fault {
	for len(line) > 0 && line[len(line)-1] == ' ' {
		line = line[:len(line)-1]
	}
	var sum byte
	for i := 1; i < len(line); i++ {
		if line[i] != '*' {
			sum ^= line[i]
			continue
		}
		if len(line) != i+3 {
			return hardware.ChecksumBad
		}
		high, okHigh := hexDigit(line[i+1])
		low, okLow := hexDigit(line[i+2])
		if !okHigh || !okLow || high<<4|low != sum {
			return hardware.ChecksumBad
		}
		return hardware.None
	}
	return hardware.ChecksumMissing
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
