// Package sim stands in for the devices of a box: a GNSS receiver on a route or from
// a capture, temperature probes on Modbus, on a 1-Wire bridge and in lines of text, a
// board that watches how the box is handled, a battery, and the physics of the box they
// sit in. Each device sits behind a pseudo-terminal, so that the box reads a true tty
// through the same driver it uses on a real port. A Line gives it a path that stays, and
// the faults of a Script.
//
// It is not a mock: no driver knows that it is there. It shares no parser with the
// drivers, so that one mistake cannot hide another. It keeps nothing on disk; after
// a crash everything starts again from simulated time zero; a Line's symlinks that lead
// nowhere any more are replaced by the next one.
package sim

import "time"

// Clock returns the simulated time since the start of the simulation. It never runs
// backwards, may run many times faster than real time, and is safe to call from
// several goroutines.
type Clock func() time.Duration
