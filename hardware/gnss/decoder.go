package gnss

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"isotherm/hardware"
	"isotherm/hardware/nmea"
)

// Kind says what an Event is. Zero is not a kind.
type Kind uint8

// Kinds, append only.
const (
	KindFix         Kind = 1 // a position, in Event.Fix
	KindNoFix       Kind = 2 // a moment without a position; Event.Fault says why
	KindFault       Kind = 3 // bytes that gave nothing, or what is wrong with the receiver's time; Event.Fault says what
	KindGap         Kind = 4 // moments of which nothing came, in Event.Gap; it goes before the moment that ends it
	KindTemperature Kind = 5 // a temperature from an XDR sentence in the stream, in Event.Temperature
)

// Event is one thing the decoder found in the stream.
type Event struct {
	Kind   Kind
	Offset int64          // of the first byte it is about, from the start of the stream
	Fix    hardware.Fix   // only with KindFix
	Fault  hardware.Fault // only with KindNoFix and KindFault
	// Revoked goes with KindNoFix: the moment was passed on as a fix, and a sentence
	// that came after the pause says that it is none.
	Revoked bool
	// Moment goes with KindNoFix: what the receiver's clock showed. Without a fix it may show anything.
	Moment Moment
	// Weeks goes with KindFix: by how many weeks its date was moved, because the receiver's had rolled over.
	Weeks       int
	Gap         Gap         // only with KindGap
	Temperature Temperature // only with KindTemperature
}

// Temperature is what one measurement of an XDR sentence says.
type Temperature struct {
	Name string // of the transducer; may be empty
	Temp hardware.Temperature
}

const (
	// maxAddresses bounds what is kept of an epoch without a time of day; a receiver with
	// every satellite system sends fewer kinds of sentence than that.
	maxAddresses = 32
	// maxLeading bounds the GSA and VTG that wait for a sentence with a time: seven systems, twice.
	maxLeading = 16
)

// Decoder turns a byte stream into events, the same ones however the stream is cut
// into writes. It is for one goroutine.
type Decoder struct {
	emit      func(Event)
	framer    *nmea.Framer
	parser    *parser
	epoch     epoch
	leading   []sentence // without a time of their own, of the moment that comes next
	first     string     // the address that the stream, or the burst, began with, when it has no time
	begun     bool       // a sentence with a time has come since then
	timeline  timeline
	doubter   doubter
	received  time.Time // when the bytes being decoded arrived
	sentences uint64
	last      []byte // the newest sentence with a right checksum
}

// NewDecoder returns a decoder that calls emit for each event, during Write, Receive,
// Flush and Close.
func NewDecoder(emit func(Event)) *Decoder {
	d := &Decoder{emit: emit, parser: newParser(), timeline: timeline{earliest: earliestDate()}}
	d.framer = nmea.NewFramer(d.sentence, d.fault)
	return d
}

// SetEarliest says before which date no receiver's date is believed, to be called before the first byte. GPS counts
// 1,024 weeks and starts over, so a date before it is moved by 1,024 weeks until it is not, and said to be: Rollover,
// Event.Weeks. The default is EarliestDate, which is right for a live receiver: true dates are later, and dates are
// right until 1,024 weeks after it. For a capture it is the day the capture cannot be older than.
func (d *Decoder) SetEarliest(date time.Time) {
	d.timeline.earliest = date.UTC().Truncate(24 * time.Hour)
}

// Write decodes p without a time of reception, as for a file. It never fails.
func (d *Decoder) Write(p []byte) (int, error) {
	d.Receive(p, time.Time{})
	return len(p), nil
}

// Receive decodes p, which arrived at the given time. It becomes Fix.Received.
func (d *Decoder) Receive(p []byte, at time.Time) {
	d.received = at
	d.framer.Write(p)
}

// Flush says that the stream has paused: what has been gathered of the
// present moment goes out now. Sentences of the same moment that still come cause
// another event only when they change the verdict, so a receiver that repeats one
// moment for ever does not look alive.
func (d *Decoder) Flush() {
	d.framer.Flush()
	d.send()
	d.first, d.begun = "", false
}

// Close says that the stream has ended. It does what Flush does, and a sentence that has begun is Truncated.
func (d *Decoder) Close() {
	d.framer.Close()
	d.send()
	d.first, d.begun = "", false
}

// Sentences returns how many sentences with a right checksum there were, of any
// type: the sign that a receiver is there and the line is good.
func (d *Decoder) Sentences() uint64 { return d.sentences }

// Last returns the newest sentence with a right checksum, of any type and without its line end; "" before the first.
func (d *Decoder) Last() string { return string(d.last) }

// Pending returns the offset of the moment that is being gathered, and false when there is none: every event that has
// yet to come is at or after it, and without one after all that has been decoded.
func (d *Decoder) Pending() (int64, bool) {
	return d.epoch.offset, d.epoch.open && !d.epoch.sent
}

func (d *Decoder) fault(offset int64, fault hardware.Fault) {
	d.emit(Event{Kind: KindFault, Offset: offset, Fault: fault})
}

func (d *Decoder) sentence(offset int64, line []byte) {
	if fault := nmea.Checksum(line); fault != hardware.None {
		d.fault(offset, fault)
		return
	}
	d.sentences++
	d.last = append(d.last[:0], line...)
	address, fields := nmea.Split(line)
	need, fault := needed(line[0], address, fields)
	if fault != hardware.None {
		d.fault(offset, fault)
		return
	}
	switch need {
	case readsMoment:
		d.moment(offset, address, line)
	case readsTemperature:
		d.temperature(offset, line)
	}
}

// need says what a sentence is read for.
type need uint8

const (
	readsNothing     need = 1
	readsMoment      need = 2
	readsTemperature need = 3
)

// needed decides by the address. Receivers send much that nobody needs here (GSV, TXT, PUBX), which is no fault; what has
// no address at all, or one of ours behind the wrong start character, is.
func needed(start byte, address string, fields []string) (need, hardware.Fault) {
	if address != "" && address[0] == 'P' { // proprietary: any form
		return readsNothing, hardware.None
	}
	_, kind, ok := nmea.Type(address)
	switch {
	case address == "" || strings.ContainsFunc(address, func(r rune) bool { return !unicode.IsUpper(r) && !unicode.IsDigit(r) }):
		return readsNothing, hardware.UnknownType
	case !ok:
		return readsNothing, hardware.None
	}
	what := readsMoment
	if kind == "XDR" {
		what = readsTemperature
	} else if _, ok := layoutOf(kind); !ok && kind != typeGSA && kind != typeVTG {
		return readsNothing, hardware.None
	}
	switch {
	case start != '$':
		return readsNothing, hardware.UnknownType
	case fields == nil:
		return readsNothing, hardware.FieldCount
	}
	return what, hardware.None
}

func (d *Decoder) temperature(offset int64, line []byte) {
	list, fault := nmea.ParseXDR(line)
	if fault != hardware.None {
		d.fault(offset, fault)
	}
	for _, m := range list {
		if m.Type != 'C' {
			continue
		}
		temp, fault := m.Temperature()
		if fault != hardware.None {
			d.fault(offset, fault)
			continue
		}
		d.emit(Event{Kind: KindTemperature, Offset: offset, Temperature: Temperature{Name: m.Name, Temp: temp}})
	}
}

func (d *Decoder) moment(offset int64, address string, line []byte) {
	s, fault := d.parser.parse(address, line)
	if fault != hardware.None {
		d.fault(offset, fault)
		return
	}
	for _, fault := range []hardware.Fault{s.dateFault, s.odd} {
		if fault != hardware.None {
			d.fault(offset, fault)
		}
	}
	if !isPositional(s) {
		d.accompany(s)
		return
	}
	d.begun = true
	if !d.sameEpoch(s, address) {
		d.send()
		d.epoch = newEpoch(offset, s)
	}
	if !s.hasTime {
		d.epoch.kinds = append(d.epoch.kinds, address)
	}
	for _, lead := range d.leading {
		d.epoch.add(lead, d.received)
	}
	d.leading = d.leading[:0]
	d.epoch.add(s, d.received)
}

// accompany takes a GSA or VTG, which has no time. It belongs to the moment at hand; unless the stream, or the burst
// after a pause, began with its kind: then each one begins the next moment. So does a second VTG.
func (d *Decoder) accompany(s sentence) {
	if !d.begun && d.first == "" {
		d.first = s.address
	}
	second := d.epoch.hasVTG && s.address[2:] == typeVTG
	switch {
	case d.begun && len(d.leading) == 0 && s.address != d.first && !second:
		d.epoch.add(s, d.received)
	case len(d.leading) < maxLeading:
		d.leading = append(d.leading, s)
	}
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
	verdict := e.verdict()
	if e.sent && verdict == e.sentFault {
		return
	}
	revoked := e.sent && e.sentFault == hardware.None
	if !e.sent {
		e.turn = d.timeline.next(e.moment(), verdict == hardware.None)
		d.announce(e.offset, e.turn)
	}
	e.sent, e.sentFault = true, verdict
	if verdict != hardware.None {
		if revoked {
			d.doubter.forget()
		}
		d.emit(Event{Kind: KindNoFix, Offset: e.offset, Fault: verdict, Revoked: revoked, Moment: e.moment()})
		return
	}
	fix := e.fix()
	fix.Date = e.turn.moment.Date
	fix.Doubt = d.doubter.judge(e.turn.moment, fix)
	d.emit(Event{Kind: KindFix, Offset: e.offset, Fix: fix, Weeks: e.turn.weeks})
}

// announce says what an epoch shows about the receiver's clock, before the epoch itself.
func (d *Decoder) announce(offset int64, t turn) {
	for _, fault := range t.faults() {
		d.fault(offset, fault)
	}
	if t.gap.Missing != 0 {
		d.emit(Event{Kind: KindGap, Offset: offset, Gap: t.gap})
	}
}
