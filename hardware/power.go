package hardware

import (
	"context"
	"strconv"
	"time"
)

// PowerState says what a battery does. Zero is not a state.
type PowerState uint8

// Power states, append only.
const (
	PowerUnknown     PowerState = 1 // the gauge does not say
	PowerDischarging PowerState = 2
	PowerCharging    PowerState = 3
	PowerFull        PowerState = 4 // on outside power, and charged
)

// String gives the name that appears in JSON and on screens.
func (s PowerState) String() string {
	switch s {
	case PowerUnknown:
		return "unknown"
	case PowerDischarging:
		return "discharging"
	case PowerCharging:
		return "charging"
	case PowerFull:
		return "full"
	}
	return "power_" + strconv.Itoa(int(s))
}

// Values of a Battery that the gauge did not give.
const (
	ChargeUnknown uint16 = 0xFFFF
	VoltsUnknown  uint32 = 0xFFFF_FFFF
)

// Battery is the outcome of one attempt to read a battery's gauge. When Fault is a failure (not BatteryLow or
// Undervoltage, which come with values) every other value is unknown.
type Battery struct {
	At             time.Time     // when the box had the answer, or gave up, by the box's clock
	ChargePermille uint16        // 0 to 1000; ChargeUnknown when not given
	MilliVolts     uint32        // VoltsUnknown when not given
	State          PowerState    // PowerUnknown when not given
	Left           time.Duration // until it is empty at the present load, as the gauge says; 0 when it does not
	Fault          Fault
	Detail         string // for a person; empty when all is well
}

// Gauge is anything that can be asked for the state of the box's battery. Read MUST return soon after ctx is done.
type Gauge interface {
	Info() ProbeInfo
	Read(ctx context.Context) Battery
}
