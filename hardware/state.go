package hardware

import (
	"strconv"
	"sync"
	"time"
)

// State says how a device stands. Zero is not a state: a device that nobody has tried yet is down.
// Numbers are written into signed journals, so they never change.
type State uint8

// The states, append only.
const (
	StateDown    State = 1 // there is no such port, or it can't be opened; the next attempt waits
	StateOpening State = 2 // the port is being opened, or is open and nothing is due yet
	StateSilent  State = 3 // open, and nothing comes
	StateGarbled State = 4 // bytes come that make no sense
	StateNoFix   State = 5 // a receiver talks and has no position
	StateLive    State = 6 // values come
	StateStale   State = 7 // values came, and the newest is too old to pass on
)

// String gives the name that appears in logs, in JSON and on screens.
func (s State) String() string {
	switch s {
	case StateDown:
		return "down"
	case StateOpening:
		return "opening"
	case StateSilent:
		return "silent"
	case StateGarbled:
		return "garbled"
	case StateNoFix:
		return "no_fix"
	case StateLive:
		return "live"
	case StateStale:
		return "stale"
	}
	return "state_" + strconv.Itoa(int(s))
}

// StateOf says how a device stands that fails with f: Down when it can't be reached, Silent when nothing comes, Garbled
// when what comes makes no sense. Whether one failure is a state already, the driver knows.
func StateOf(f Fault) State {
	switch f {
	case NotFound, Busy, Denied, NotATTY, Unplugged, IOError, WriteStuck, Closed, Unsupported, Ambiguous:
		return StateDown
	case Silent, Timeout:
		return StateSilent
	}
	return StateGarbled
}

// Condition is how one device stands, since when, and why.
type Condition struct {
	Device string    // its name in the configuration: "gnss", "probe 0", "battery"
	State  State     // never zero
	Fault  Fault     // why it is not live, or what spoils its values without taking them: Saturated, LagHigh, Overrun; else None
	Since  time.Time // when it became so, by the box's clock
	Port   string    // the port it is or was last open at; a device that is found by its USB number may move
	Detail string    // for a person: what, where, what to do; empty when all is well
}

// Monitor holds a device's condition and tells a listener of each change. Its methods may be called from any goroutine,
// and on a nil Monitor, which notes nothing.
type Monitor struct {
	now    func() time.Time
	listen func(Condition) // may be nil

	mu sync.Mutex // guards c, and is held while listen runs, so that changes are told in order
	c  Condition
}

// NewMonitor returns a monitor of a device that is down. listen is called with each change of state, fault or port, one
// after the other; it MUST NOT call the monitor. It may be nil.
func NewMonitor(device string, now func() time.Time, listen func(Condition)) *Monitor {
	return &Monitor{now: now, listen: listen, c: Condition{Device: device, State: StateDown, Since: now()}}
}

// Set notes how the device stands now. Nothing happens when only the detail differs from what is known already.
func (m *Monitor) Set(state State, fault Fault, port, detail string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.c.State == state && m.c.Fault == fault && m.c.Port == port {
		return
	}
	since := m.now()
	if m.c.State == state {
		since = m.c.Since
	}
	m.c = Condition{Device: m.c.Device, State: state, Fault: fault, Since: since, Port: port, Detail: detail}
	if m.listen != nil {
		m.listen(m.c)
	}
}

// Condition returns how the device stands.
func (m *Monitor) Condition() Condition {
	if m == nil {
		return Condition{State: StateDown}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.c
}
