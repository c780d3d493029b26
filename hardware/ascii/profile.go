package ascii

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// Profile says how one kind of thermometer speaks. A line ends with CR, LF or one of End; empty lines are nothing.
type Profile struct {
	Name    string
	Line    serial.Config // how the device leaves the factory
	Ask     string        // sent for each reading, line end included; "{addr}" becomes Config.Address as two hex digits; empty: the device reports by itself
	Timeout time.Duration // real time for an answer to Ask
	Period  time.Duration // between the reports of a device without Ask
	Setup   []Exchange    // made after opening, after each failure, and every ten minutes; only with Ask
	End     string        // bytes that end a line, besides CR and LF

	// Pattern is an RE2 expression for a whole line with a temperature, with these groups: value (required), and as needed
	// sign ("-" or "1" is negative), unit, places (how many digits of value are decimals), error, sum (two hex digits).
	// XDR, the name of a transducer, stands instead of it for NMEA 0183.
	Pattern string
	XDR     string
	Units   []string   // what unit may say: degrees Celsius and nothing else; empty: the line has no unit
	Comma   bool       // value has a comma instead of a point
	Places  int        // how many digits of value are decimals although no point is written
	Sum     Sum        // how sum is made
	Words   []Word     // what the device says instead of a value, as a whole line or as value; some are known for all
	Marks   []Sentinel // values that are none; 85 °C and -127 °C are for all
	Ignore  []string   // lines that say nothing, such as "*OK"; one that ends in "**" stands for all with that beginning
}

// Exchange is a command that is sent before readings, and the answer that it must have.
type Exchange struct {
	Send   string         // line end included
	Want   string         // the line that must come, in either case; empty: whatever comes, or nothing
	Prefix string         // a line that begins so and is not Want
	Else   hardware.Fault // means this
}

// Word is a text that a device shows instead of a number. Upper and lower case are the same.
type Word struct {
	Text  string
	Fault hardware.Fault
}

// Sentinel is a number that a device shows instead of a temperature.
type Sentinel struct {
	Value string // decimal text, in °C
	Fault hardware.Fault
}

// Sum names a checksum.
type Sum string

// The checksums.
const (
	NoSum Sum = ""
	// Xor is the exclusive or of all bytes before the '*' that stands before the group sum, as in NMEA 0183 without its '$'.
	Xor Sum = "xor"
)

// Limits of a profile: a pattern is looked at for every line of a slow port, and people have to read it.
const (
	maxPattern = 400 // bytes
	maxWords   = 32  // Words, Marks, Units, Ignore: each
	maxAsk     = 64  // bytes
	maxPeriod  = time.Hour
)

// Check says what is wrong with a profile.
func (p Profile) Check() error {
	if err := p.check(); err != nil {
		return fmt.Errorf("thermometer profile %q: %w", p.Name, err)
	}
	return nil
}

func (p Profile) check() error {
	switch {
	case p.Name == "":
		return errors.New("it has no name")
	case p.XDR != "" && p.Pattern != "" || p.XDR == "" && p.Pattern == "":
		return errors.New("it needs either a pattern or the name of an XDR transducer")
	case len(p.Pattern) > maxPattern:
		return fmt.Errorf("the pattern has %d bytes, at most %d are allowed", len(p.Pattern), maxPattern)
	case p.Ask == "" && p.Period <= 0:
		return errors.New("it needs a command to ask with, or the period of a device that reports by itself")
	case p.Ask != "" && p.Period != 0:
		return errors.New("a device that is asked has no period")
	case p.Period > maxPeriod:
		return fmt.Errorf("period %v is above %v", p.Period, maxPeriod)
	case p.Ask != "" && p.Timeout <= 0:
		return errors.New("a device that is asked needs a timeout")
	case p.Ask == "" && len(p.Setup) > 0:
		return errors.New("only a device that is asked is set up")
	case len(p.Ask) > maxAsk:
		return fmt.Errorf("the command has %d bytes, at most %d are allowed", len(p.Ask), maxAsk)
	case p.Places < 0 || p.Places > 6:
		return fmt.Errorf("%d decimals that are not written, want 0 to 6", p.Places)
	case p.Sum != NoSum && p.Sum != Xor:
		return fmt.Errorf("checksum %q is not known: use %q", p.Sum, Xor)
	case max(len(p.Words), len(p.Marks), len(p.Units), len(p.Ignore), len(p.Setup)) > maxWords:
		return fmt.Errorf("it lists more than %d words, values, units or lines", maxWords)
	}
	return nil
}

// ask returns the command for the device with an address.
func (p Profile) ask(address uint8) string {
	return strings.ReplaceAll(p.Ask, "{addr}", fmt.Sprintf("%02X", address))
}
