package hardware

import (
	"context"
	"strconv"
	"time"
)

// HandlingKind says what is done to the box. Zero is not a kind.
type HandlingKind uint8

// Kinds of handling, append only.
const (
	HandlingLid   HandlingKind = 1 // a contact at the lid: on is open
	HandlingLight HandlingKind = 2 // light inside of the box: on is bright, Value is lux
	HandlingShock HandlingKind = 3 // acceleration: on is a shock, Value is its peak in thousandths of g
)

// String gives the name that appears in JSON and on screens.
func (k HandlingKind) String() string {
	switch k {
	case HandlingLid:
		return "lid"
	case HandlingLight:
		return "light"
	case HandlingShock:
		return "shock"
	}
	return "handling_" + strconv.Itoa(int(k))
}

// Handling is something that a sensor of the box's handling noticed. A sensor that fails reports that through its
// Monitor, never as "closed".
type Handling struct {
	At    time.Time // by the box's clock
	Kind  HandlingKind
	On    bool  // open, bright, struck
	Value int32 // lux, or thousandths of g; 0 for a lid
}

// HandlingSensor watches the box's handling. Run reports each change, begins with the state it finds, and returns the
// error of ctx once that is done; every failure before shows in the sensor's Monitor and is retried.
type HandlingSensor interface {
	Info() ProbeInfo
	Run(ctx context.Context, report func(Handling)) error
}
