package hardware

import (
	"context"
	"strconv"
	"time"
)

// Temperature is an absolute temperature in thousandths of a degree Celsius.
// 5500 is 5.5 °C. Zero is a real temperature (0 °C), never "no value": a missing
// value is a Sample with a Fault.
type Temperature int32

// TemperatureDelta is a difference of two temperatures in thousandths of a kelvin.
// It is its own type because adding two absolute temperatures means nothing.
type TemperatureDelta int32

// Add returns the temperature d above t.
func (t Temperature) Add(d TemperatureDelta) Temperature { return t + Temperature(d) }

// Sub returns how far t lies above other.
func (t Temperature) Sub(other Temperature) TemperatureDelta { return TemperatureDelta(t - other) }

// String gives the temperature in degrees Celsius with three decimals, "-0.050 °C".
func (t Temperature) String() string { return thousandths(int64(t)) + " °C" }

// String gives the difference in kelvin with three decimals, "1.500 K".
func (d TemperatureDelta) String() string { return thousandths(int64(d)) + " K" }

// thousandths prints v/1000 without a float, so that what is shown is what is stored.
func thousandths(v int64) string {
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	frac := strconv.FormatInt(1000+v%1000, 10)
	return sign + strconv.FormatInt(v/1000, 10) + "." + frac[1:]
}

// Sample is the outcome of one attempt to read a probe.
// When Fault is not zero the attempt failed and Temp is zero and means nothing.
type Sample struct {
	At     time.Time   // when the box had the answer, or gave up
	Temp   Temperature // only meaningful when Fault is None
	Fault  Fault       // why there is no temperature
	Doubt  Fault       // what the device itself says against a temperature that is there: OffsetChanged; else None
	Detail string      // for a person: what, where, what to do; empty when all is well
	Raw    string      // for a person: what the device said, registers in hex or the line of text; at most MaxRaw bytes
}

// MaxRaw bounds Sample.Raw, in bytes: a line of text or nine scratchpad bytes fit, a flood does not.
const MaxRaw = 80

// Value returns the temperature, and false when the attempt gave none.
func (s Sample) Value() (Temperature, bool) {
	if s.Fault != None {
		return 0, false
	}
	return s.Temp, true
}

// ProbeInfo says what a probe is and where it is attached.
type ProbeInfo struct {
	Model string // "pt100-hundredth": what the driver takes the device for
	Bus   string // "/dev/serial/by-id/...#3": the port, and the address on it
}

// Probe is anything that can be asked for a temperature.
//
// Read MUST return soon after ctx is done, and reports every failure in the Sample:
// it has no error result, so that a caller cannot drop the reason on the floor.
type Probe interface {
	Info() ProbeInfo
	Read(ctx context.Context) Sample
}
