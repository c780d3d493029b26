package nmea

import (
	"bytes"

	"isotherm/hardware"
)

// MaxSentence is the most bytes a sentence may have, without its line end. NMEA 0183 allows 82; real receivers send
// more (PUBX and PGLOR), and noise has to be given up soon.
const MaxSentence = 120

// maxTag is the most bytes of a TAG block, both backslashes included (NMEA 0183 4.0, 80 characters).
const maxTag = 82

// Framer cuts a stream of bytes into sentences. It holds what has not been decided yet: at most one unfinished sentence
// or packet, so at most maxPacket bytes more than one write. It is for one goroutine.
//
// What it finds does not depend on how the stream is cut into writes.
type Framer struct {
	buf    []byte
	offset int64 // of buf[0] in the stream
	noisy  bool  // inside a run of bytes that belong to nothing; it is reported once

	onSentence func(offset int64, line []byte)
	onFault    func(offset int64, fault hardware.Fault)
}

// NewFramer returns a framer at offset zero. onSentence gets each sentence, from its '$' or '!' up to its line end and
// without it; its checksum is not checked yet, and line is only valid during the call. onFault gets what is not a
// sentence: Noise, Binary, TooLong, Interleaved, Truncated, and the checksum faults of TAG blocks. Offsets count from
// the first byte of the stream.
func NewFramer(onSentence func(offset int64, line []byte), onFault func(offset int64, fault hardware.Fault)) *Framer {
	return &Framer{onSentence: onSentence, onFault: onFault}
}

// Write takes the next bytes of the stream.
func (f *Framer) Write(p []byte) {
	f.buf = append(f.buf, p...)
	f.scan(false)
}

// Flush says that the line has gone quiet, and decides what can be decided without more bytes: a sentence with a right
// checksum needs no line end, and a packet that did not become whole is none. An unfinished sentence stays, because
// slow lines pause in the middle of one.
func (f *Framer) Flush() { f.scan(true) }

// Close says that the stream has ended: after what Flush does, an unfinished sentence is Truncated. A Write after it
// begins a new sentence, at the offset where the stream stands.
func (f *Framer) Close() {
	f.Flush()
	if len(f.buf) == 0 {
		return
	}
	f.onFault(f.offset, hardware.Truncated)
	f.offset += int64(len(f.buf))
	f.buf, f.noisy = f.buf[:0], false
}

func (f *Framer) scan(quiet bool) {
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

// step looks at what starts at b[0] and returns how many bytes it used up, or zero when more bytes are needed to tell.
func (f *Framer) step(b []byte, quiet bool) int {
	switch c := b[0]; {
	case c == '$' || c == '!':
		return f.sentence(b, quiet)
	case c == '\r' || c == '\n' || isPadding(c):
		return 1
	case c == '\\':
		if n, decided := f.tag(b, quiet); n > 0 || !decided {
			return n
		}
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
	// A packet that does not check out gives up one byte, not its stated length: a sentence may have begun inside of it.
	f.noise(b[0])
	return 1
}

// sentence handles b, which begins with '$' or '!'.
func (f *Framer) sentence(b []byte, quiet bool) int {
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\r' || c == '\n':
			f.whole(b[:i])
			return i + 1
		case c == '$' || c == '!':
			// Glued to the next one, which costs nothing as long as its checksum tells where it ends.
			if Checksum(b[:i]) == hardware.None {
				f.whole(b[:i])
			} else {
				f.onFault(f.offset, hardware.Interleaved)
			}
			return i
		case !isText(c) && !isPadding(c):
			f.noise(c)
			return i
		case i >= MaxSentence:
			f.onFault(f.offset, hardware.TooLong)
			f.noisy = true // the rest of the line is not news
			return i
		}
	}
	// No line end yet. When the line is quiet and the checksum is right, none is needed.
	if quiet && Checksum(b) == hardware.None {
		f.whole(b)
		return len(b)
	}
	return 0
}

func (f *Framer) whole(line []byte) {
	f.noisy = false
	f.onSentence(f.offset, line)
}

// tag handles b, which begins with a backslash: a TAG block (NMEA 0183 4.0) goes before a sentence, between two
// backslashes and with a checksum of its own. What it says is not used, so a damaged one costs nothing but a fault.
// It returns how many bytes the block has, zero for no block; and whether that is decided.
func (f *Framer) tag(b []byte, quiet bool) (int, bool) {
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\':
			if fault := Checksum(b[:i]); fault != hardware.None {
				f.onFault(f.offset, fault)
			}
			f.noisy = false
			return i + 1, true
		case c == '$' || c == '!' || !isText(c) || i >= maxTag:
			return 0, true
		}
	}
	return 0, quiet
}

// noise reports a byte that belongs to nothing, once per run.
func (f *Framer) noise(c byte) {
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

// isPadding reports a byte that devices put between sentences and after checksums.
func isPadding(c byte) bool { return c == ' ' || c == '\t' }

// Checksum checks the "*hh" at the end of a sentence: the exclusive or of all bytes between the first one and the '*',
// in hexadecimal of either case (NMEA 0183). Spaces and tabs after it are padding. A '*' is not allowed in a field, so
// the first one counts, and what stands after two digits makes it ChecksumBad. Without any it is ChecksumMissing.
func Checksum(line []byte) hardware.Fault {
	line = bytes.TrimRight(line, " \t")
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
