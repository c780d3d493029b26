package sim

import (
	"fmt"
	"path/filepath"
	"time"
)

// Kind names what goes wrong. The names are those of a plan for isotherm sim.
type Kind string

// What can happen to a simulated device. The first group happens on its line, whatever the device is; the second is of
// the device itself, and does nothing to one that has no such state.
const (
	Unplug   Kind = "unplug"    // the line is hung up and its name vanishes; at the end it is plugged in again, see As
	Silence  Kind = "silence"   // nothing comes from the device
	Garbage  Kind = "garbage"   // random bytes come instead, as many
	Late     Kind = "late"      // each answer or report comes Delay later
	HalfLine Kind = "half-line" // each line or answer ends in its middle, without a line end
	WrongCRC Kind = "wrong-crc" // each checksum is wrong; a line of text without one ("*hh") goes through unharmed
	Speed    Kind = "baud"      // the device speaks at Baud; a driver at another speed hears what a UART makes of that
	Babble   Kind = "babble"    // random bytes come, unasked, between the device's own: a line without termination
	Echo     Kind = "echo"      // what the driver sends comes back to it first: a two-wire line that hears itself
	Console  Kind = "console"   // a login console answers instead of the device

	PowerOn Kind = "power-on" // the value that the device shows before it has measured
	Open    Kind = "open"     // the sensing element is not connected
	NoFix   Kind = "no-fix"   // a receiver without a position
)

// Kinds returns all kinds, in the order of their documentation.
func Kinds() []Kind {
	return []Kind{Unplug, Silence, Garbage, Late, HalfLine, WrongCRC, Speed, Babble, Echo, Console, PowerOn, Open, NoFix}
}

// Fault is one thing that goes wrong. It lasts from At until At+For; with Every it begins again and again.
type Fault struct {
	Kind  Kind
	At    time.Duration // simulated time
	For   time.Duration // simulated time; zero means to the end
	Every time.Duration // simulated time from one begin to the next; zero means once
	As    string        // Unplug: the name under which the device comes back, in the same folder; empty means the same
	Delay time.Duration // Late: REAL time, because drivers time out in real time; zero means one second
	Baud  int           // Speed: bits per second
}

const (
	defaultDelay = time.Second

	// maxDelay bounds what is under way on a line, together with maxQueue.
	maxDelay = time.Minute
	// maxFaults bounds a script: each report looks through all of it.
	maxFaults = 1000
)

// Script is what goes wrong with one device, in any order. Faults may overlap: all of them act. The zero value is a
// device that works.
type Script []Fault

// Check says what is wrong with the script, and with which of its faults.
func (s Script) Check() error {
	if len(s) > maxFaults {
		return fmt.Errorf("script has %d faults, at most %d are allowed", len(s), maxFaults)
	}
	for i, f := range s {
		if err := f.check(); err != nil {
			return fmt.Errorf("fault %d (%s): %w", i+1, f.Kind, err)
		}
	}
	return nil
}

func (f Fault) check() error {
	known := false
	for _, k := range Kinds() {
		known = known || k == f.Kind
	}
	switch {
	case !known:
		return fmt.Errorf("no such kind: use one of %v", Kinds())
	case f.At < 0 || f.For < 0 || f.Every < 0:
		return fmt.Errorf("at %v, for %v, every %v: none may be negative", f.At, f.For, f.Every)
	case f.Every > 0 && (f.For == 0 || f.For >= f.Every):
		return fmt.Errorf("repeats every %v, so it must last shorter than that, not %v", f.Every, f.For)
	case f.As != "" && (f.Kind != Unplug || !plainName(f.As)):
		return fmt.Errorf("as %q: only unplug has it, and it is a name without a folder", f.As)
	case f.Delay != 0 && (f.Kind != Late || f.Delay < 0 || f.Delay > maxDelay):
		return fmt.Errorf("delay %v: only late has it, and at most %v", f.Delay, maxDelay)
	case f.Kind == Speed && (f.Baud < minBaud || f.Baud > maxBaud):
		return fmt.Errorf("baud %d is not between %d and %d", f.Baud, minBaud, maxBaud)
	case f.Kind != Speed && f.Baud != 0:
		return fmt.Errorf("baud %d: only baud has it", f.Baud)
	}
	return nil
}

// plainName tells whether name is that of a file in a folder that is known already.
func plainName(name string) bool {
	return name == filepath.Base(name) && name != "." && name != ".." && name != string(filepath.Separator)
}

// active tells whether the fault acts at a moment.
func (f Fault) active(at time.Duration) bool {
	if at < f.At {
		return false
	}
	at -= f.At
	if f.Every > 0 {
		at %= f.Every
	}
	return f.For == 0 || at < f.For
}

// find returns the first fault of the kind that acts at a moment.
func (s Script) find(kind Kind, at time.Duration) (Fault, bool) {
	for _, f := range s {
		if f.Kind == kind && f.active(at) {
			return f, true
		}
	}
	return Fault{}, false
}

// begins returns how often the fault began up to a moment, and when last.
func (f Fault) begins(at time.Duration) (times int, last time.Duration) {
	switch {
	case at < f.At:
		return 0, 0
	case f.Every == 0:
		return 1, f.At
	}
	n := (at - f.At) / f.Every
	return int(n) + 1, f.At + n*f.Every
}

// unplugs returns how often the plug was pulled up to a moment, and the name under which the device came back last.
func (s Script) unplugs(at time.Duration) (times int, as string) {
	latest := time.Duration(-1)
	for _, f := range s {
		if f.Kind != Unplug {
			continue
		}
		n, began := f.begins(at)
		times += n
		if n > 0 && f.As != "" && began > latest {
			latest, as = began, f.As
		}
	}
	return times, as
}

// During returns a function that tells whether a fault of the kind acts now, by the clock. Devices take it for what only
// they can do: PowerOn, Open and NoFix.
func (s Script) During(kind Kind, clock Clock) func() bool {
	return func() bool {
		_, ok := s.find(kind, clock())
		return ok
	}
}

// during is a state of a device that may not have been given.
type during func() bool

func (d during) now() bool { return d != nil && d() }
