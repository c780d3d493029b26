// Package sim stands in for the devices of a box: a GNSS receiver on a route or from
// a capture, a Modbus temperature probe, and the physics of the box they sit in.
// Each device sits behind a pseudo-terminal, so that the box reads a true tty through
// the same driver it uses on a real port.
//
// It is not a mock: no driver knows that it is there. It shares no parser with the
// drivers, so that one mistake cannot hide another. It keeps nothing on disk; after
// a crash everything starts again from simulated time zero.
package sim

import "time"

// Clock returns the simulated time since the start of the simulation. It never runs
// backwards, may run many times faster than real time, and is safe to call from
// several goroutines.
type Clock func() time.Duration
