package gnss

import (
	"slices"
	"time"

	"isotherm/hardware"
)

// Kind says what an Event is. Zero is not a kind.
type Kind uint8

// Kinds, append only.
const (
	KindFix   Kind = 1 // a position, in Event.Fix
	KindNoFix Kind = 2 // a moment without a position; Event.Fault says why
	KindFault Kind = 3 // bytes that gave nothing; Event.Fault says why
)

// Event is one thing the decoder found in the stream.
type Event struct {
	Kind   Kind
	Offset int64          // of the first byte it is about, from the start of the stream
	Fix    hardware.Fix   // only with KindFix
	Fault  hardware.Fault // only without
	// Revoked goes with KindNoFix: the moment was passed on as a fix, and a sentence
	// that came after the pause says that it is none.
	Revoked bool
}

// maxAddresses bounds what is kept of an epoch without a time of day; a receiver with
// every satellite system sends fewer kinds of sentence than that.
const maxAddresses = 32

// Decoder turns a byte stream into events, the same ones however the stream is cut
// into writes. It is for one goroutine.
type Decoder struct {
	emit      func(Event)
	framer    framer
	parser    *parser
	epoch     epoch
	received  time.Time // when the bytes being decoded arrived
	sentences uint64
}

// NewDecoder returns a decoder that calls emit for each event, during Write, Receive
// and Flush.
func NewDecoder(emit func(Event)) *Decoder {
	d := &Decoder{emit: emit, parser: newParser()}
	d.framer.onSentence = d.sentence
	d.framer.onFault = d.fault
	return d
}

// Write decodes p without a time of reception, as for a file. It never fails.
func (d *Decoder) Write(p []byte) (int, error) {
	d.Receive(p, time.Time{})
	return len(p), nil
}

// Receive decodes p, which arrived at the given time. It becomes Fix.Received.
func (d *Decoder) Receive(p []byte, at time.Time) {
	d.received = at
	d.framer.write(p)
}

// Flush says that the stream has paused or ended: what has been gathered of the
// present moment goes out now. Sentences of the same moment that still come cause
// another event only when they change the verdict, so a receiver that repeats one
// moment for ever does not look alive.
func (d *Decoder) Flush() {
	d.framer.flush()
	d.send()
}

// Sentences returns how many sentences with a right checksum there were, of any
// type: the sign that a receiver is there and the line is good.
func (d *Decoder) Sentences() uint64 { return d.sentences }

func (d *Decoder) fault(offset int64, fault hardware.Fault) {
	d.emit(Event{Kind: KindFault, Offset: offset, Fault: fault})
}

func (d *Decoder) sentence(offset int64, line []byte) {
	if fault := checksum(line); fault != hardware.None {
		d.fault(offset, fault)
		return
	}
	d.sentences++
	if !needed(line) {
		return
	}
	s, fault := d.parser.parse(line)
	if fault != hardware.None {
		d.fault(offset, fault)
		return
	}
	if s.dateFault != hardware.None {
		d.fault(offset, s.dateFault)
	}
	address := string(line[1:6])
	if !d.sameEpoch(s, address) {
		d.send()
		d.epoch = newEpoch(offset, s)
	}
	if !s.hasTime {
		d.epoch.kinds = append(d.epoch.kinds, address)
	}
	d.epoch.add(s, d.received)
}

// sameEpoch reports whether s speaks of the moment at hand. Without a time of day,
// which is a receiver that has just started, a repeated address is the next moment.
func (d *Decoder) sameEpoch(s sentence, address string) bool {
	e := &d.epoch
	if !e.open || e.hasTime != s.hasTime {
		return false
	}
	if s.hasTime {
		return e.time == s.time
	}
	return len(e.kinds) < maxAddresses && !slices.Contains(e.kinds, address)
}

// send emits the epoch at hand, unless it went out with the same verdict before.
func (d *Decoder) send() {
	e := &d.epoch
	// A lone ZDA is a clock, not a moment without a position: some receivers send it
	// out of step with the rest.
	if !e.judged {
		return
	}
	event := e.event()
	if e.sent && event.Fault == e.sentFault {
		return
	}
	event.Revoked = e.sent && e.sentFault == hardware.None
	e.sent, e.sentFault = true, event.Fault
	d.emit(event)
}
