package trip

import (
	"fmt"
	"strconv"
	"strings"

	"isotherm/ledger/excursion"
	"isotherm/ledger/record"
)

// EventKind says what a box noticed. Its text is its name in the API.
type EventKind string

// The kinds of event.
const (
	EventLid     EventKind = "lid"     // the lid was open
	EventLight   EventKind = "light"   // light was inside
	EventShock   EventKind = "shock"   // the box was struck
	EventDevice  EventKind = "device"  // one of its devices did not work
	EventProbe   EventKind = "probe"   // a probe did not answer, or something spoke against its values
	EventBattery EventKind = "battery" // the battery was low, or its gauge did not work
	EventOutput  EventKind = "output"  // the radio was off, an alarm was on
)

// Event is something that a box noticed on the trip, from its begin to its end. It decides nothing: no rule looks at it.
type Event struct {
	Kind    EventKind
	Segment int // in State.Segments
	From    excursion.Moment
	To      excursion.Moment // of its end; of the newest record that is known when Ended is false
	Ended   bool             // false: it went on when the box restarted, the segment ended, or no more had come
	Name    string           // of a device or an output
	Probe   uint8
	Place   string       // of the probe
	Fault   record.Fault // why, or what speaks against it
	Value   int32        // the highest: lux, or thousandths of g
	NoFix   bool         // of a receiver: it works, and has no position
}

// Power is what the box's battery gauge said last.
type Power struct {
	record.Battery
	At      excursion.Moment
	Segment int // in State.Segments
}

// Limits of events. A loose contact can make thousands: behind the limit they are counted only.
const (
	maxEvents   = 1000
	maxRunning  = 64         // at a time: more than a box has devices and probes
	oneShockMS  = 10_000     // blows so close are told as one, with the hardest
	noFixTellMS = 5 * 60_000 // a receiver without a position is told of after that; bridges and lifts are not
)

// Numbers of hardware that decide what an event is.
const (
	stateDown     = 1
	stateOpening  = 2
	stateNoFix    = 5
	stateLive     = 6
	handlingLid   = 1
	handlingLight = 2
	handlingShock = 3
	powerCharging = 3
	powerFull     = 4
	outputOfRadio = "radio"
)

// eventKey names what can go on only once at a time.
type eventKey struct {
	kind  EventKind
	name  string
	probe uint8
}

// events gathers what the boxes noticed.
type events struct {
	list    []Event
	leftOut int
	power   *Power
	running map[eventKey]int // places in list; -1 for one that is left out
	segment int
	boot    *record.Boot
	last    excursion.Moment
}

// begin notes that the records which follow are of another run: what went on is not known to go on.
func (e *events) begin(segment int, boot *record.Boot) {
	e.running = map[eventKey]int{}
	e.segment, e.boot = segment, boot
}

// step looks at one record.
func (e *events) step(r *record.Record, now excursion.Moment) {
	e.last = now
	switch {
	case r.Boot != nil:
		e.begin(e.segment, r.Boot)
	case r.Handling != nil:
		e.handling(r.Handling)
	case r.Device != nil:
		e.device(r.Device)
	case r.Probe != nil:
		e.set(Event{Kind: EventProbe, Probe: r.Probe.Probe, Place: e.place(r.Probe.Probe), Fault: r.Probe.Fault}, r.Probe.Fault != 0)
	case r.Battery != nil:
		e.power = &Power{Battery: *r.Battery, At: now, Segment: e.segment}
		e.set(Event{Kind: EventBattery, Fault: r.Battery.Fault}, r.Battery.Fault != 0)
	case r.Output != nil:
		e.set(Event{Kind: EventOutput, Name: r.Output.Name}, r.Output.On != (r.Output.Name == outputOfRadio))
	}
	for _, i := range e.running {
		if i >= 0 {
			e.list[i].To = now
		}
	}
}

func (e *events) handling(h *record.Handling) {
	switch h.Kind {
	case handlingLid:
		e.set(Event{Kind: EventLid}, h.On)
	case handlingLight:
		e.set(Event{Kind: EventLight, Value: h.Value}, h.On)
	case handlingShock:
		if h.On {
			e.shock(h.Value)
		}
	}
}

// shock adds a blow, or makes one of two.
func (e *events) shock(value int32) {
	for i := len(e.list) - 1; i >= 0; i-- {
		if x := &e.list[i]; x.Kind == EventShock {
			if x.Segment != e.segment || e.last.TripMS-x.To.TripMS > oneShockMS {
				break
			}
			x.To, x.Value = e.last, max(x.Value, value)
			return
		}
	}
	x := Event{Kind: EventShock, Value: value}
	e.set(x, true)
	e.set(x, false)
}

// device tells of one that does not work. That it is being opened says nothing yet, nor that nobody has tried: down, and no
// fault.
func (e *events) device(d *record.Device) {
	x := Event{Kind: EventDevice, Name: d.Name, Fault: d.Fault, NoFix: d.State == stateNoFix}
	i, runs := e.running[x.key()]
	switch {
	case (d.State == stateDown || d.State == stateOpening) && d.Fault == 0:
		return
	case d.State == stateLive:
		e.set(x, false)
	case runs && i >= 0 && e.list[i].NoFix == x.NoFix: // the first reason is the one to act on: unplugged, then not there
		if e.list[i].Fault == 0 {
			e.list[i].Fault = d.Fault
		}
	default:
		e.set(x, true)
	}
}

func (x *Event) key() eventKey { return eventKey{x.Kind, x.Name, x.Probe} }

// set begins an event, or ends it. One with another fault is another event.
func (e *events) set(x Event, on bool) {
	key := x.key()
	i, runs := e.running[key]
	if runs && i >= 0 && on && e.list[i].Fault == x.Fault && e.list[i].NoFix == x.NoFix {
		e.list[i].Value = max(e.list[i].Value, x.Value)
		return
	}
	if runs {
		delete(e.running, key)
		if i >= 0 {
			e.list[i].To, e.list[i].Ended = e.last, true
		}
	}
	if !on {
		return
	}
	if len(e.running) >= maxRunning {
		e.leftOut++
		return
	}
	if len(e.list) >= maxEvents {
		e.leftOut++
		e.running[key] = -1
		return
	}
	x.Segment, x.From, x.To = e.segment, e.last, e.last
	e.running[key] = len(e.list)
	e.list = append(e.list, x)
}

func (e *events) place(number uint8) string {
	if e.boot != nil {
		for _, p := range e.boot.Probes {
			if p.Number == number {
				return p.Place
			}
		}
	}
	return ""
}

// finish returns the events in the order of their begin.
func (e *events) finish() []Event {
	var out []Event
	for _, x := range e.list {
		if !x.NoFix || x.To.TripMS-x.From.TripMS >= noFixTellMS {
			out = append(out, x)
		}
	}
	return out
}

// Text says what the event is, in words for people, without its time.
func (x *Event) Text() string {
	switch x.Kind {
	case EventLid:
		return "lid open"
	case EventLight:
		if x.Value > 0 {
			return fmt.Sprintf("light inside, %d lux", x.Value)
		}
		return "light inside"
	case EventShock:
		if x.Value > 0 {
			return fmt.Sprintf("shock, %d.%d g", x.Value/1000, x.Value%1000/100)
		}
		return "shock"
	case EventProbe:
		text := "probe " + strconv.Itoa(int(x.Probe))
		if x.Place != "" {
			text += " (" + x.Place + ")"
		}
		return text + ": " + doubted(x.Fault)
	case EventBattery:
		if x.Fault == 0 || x.Fault.IsDoubt() {
			return "box " + x.Fault.String()
		}
		return "box battery: " + x.Fault.String()
	case EventOutput:
		if x.Name == outputOfRadio {
			return "radio off"
		}
		return x.Name + " on"
	}
	name := deviceText(x.Name)
	switch {
	case x.NoFix:
		return name + ": no position"
	case x.Fault == 0:
		return name + ": not live"
	}
	return name + ": " + x.Fault.String()
}

// deviceText is a device's name for people; the box's own ends in a number when it may have several: 'line 1', 'handling 0'.
func deviceText(name string) string {
	switch name {
	case "gnss":
		return "satellite receiver"
	case "battery":
		return "battery gauge"
	}
	if strings.HasPrefix(name, "line ") {
		return "probe " + name
	}
	if number, ok := strings.CutPrefix(name, "handling "); ok {
		return "handling sensor " + number
	}
	return name
}

// doubted says of a doubt that the values are kept.
func doubted(f record.Fault) string {
	if f.IsDoubt() {
		return f.String() + ", values kept"
	}
	return f.String()
}

// Text says how full the box's battery is, and for how long it lasts when the gauge says so: '87 %, about 19 h'. Of a gauge
// that knows no charge it is the voltage: '12.8 V'.
func (p *Power) Text() string {
	text := "charge not known"
	switch {
	case p.ChargePermille != record.ChargeUnknown:
		text = fmt.Sprintf("%d %%", (p.ChargePermille+5)/10)
	case p.Fault != 0 && !p.Fault.IsDoubt():
		return p.Fault.String()
	case p.MilliVolts != record.MilliVoltsUnknown:
		tenths := (p.MilliVolts + 50) / 100
		text = fmt.Sprintf("%d.%d V", tenths/10, tenths%10)
	}
	switch {
	case p.State == powerCharging:
		return text + ", charging"
	case p.State == powerFull:
		return text + ", on outside power"
	case p.LeftS >= 2*3600:
		return fmt.Sprintf("%s, about %d h", text, (p.LeftS+1800)/3600)
	case p.LeftS >= 3600:
		return fmt.Sprintf("%s, about 1 h %02d min", text, p.LeftS%3600/60)
	case p.LeftS > 0:
		return fmt.Sprintf("%s, about %d min", text, max(p.LeftS/60, 1))
	}
	return text
}
