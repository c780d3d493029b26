package gnss

import (
	"time"

	"isotherm/hardware"
)

const (
	// minEpochs and minSpan are what has to agree before a receiver's time is believed.
	minEpochs = 3
	minSpan   = 2 * time.Second
	// maxStep is the longest pause between two of these: receivers report each second, or each few.
	maxStep = 10 * time.Second
	// maxDrift is by how much a step of the receiver may differ from the box's: sentences come up to half a second late,
	// and not always by as much.
	maxDrift = 500 * time.Millisecond
	// maxLag is how late sentences may come. An idle line needs well below a second; a saturated one falls behind.
	maxLag = 2 * time.Second
)

// moment is a time of the receiver, and when it came by the box's monotonic clock.
type moment struct{ utc, at time.Time }

// timekeeper decides when a receiver's time may set a clock. It is for one goroutine.
type timekeeper struct {
	earliest time.Time
	newest   moment
	begin    moment // of the run that newest ends
	epochs   int    // in that run

	trusted moment
	ok      bool // trusted holds one
}

// fix takes a fix that came at the given time; lagging says that the line falls behind.
func (k *timekeeper) fix(fix hardware.Fix, at time.Time, lagging bool) {
	utc, dated := fix.UTC()
	// Positions that jump are what a spoofed signal looks like; its time is as false.
	spoofed := fix.Doubt == hardware.Jump || fix.Doubt == hardware.SpeedMismatch
	if !dated || spoofed || lagging || utc.Before(k.earliest) || !utc.Before(k.earliest.Add(era)) {
		k.interrupt()
		return
	}
	m := moment{utc, at}
	switch step, real := utc.Sub(k.newest.utc), at.Sub(k.newest.at); {
	case k.epochs == 0 || step > maxStep && within(step-real, maxDrift):
		k.begin, k.epochs = m, 1
	case step <= 0 || !within(step-real, maxDrift):
		k.contradict()
		k.begin, k.epochs = m, 1
	default:
		k.epochs++
	}
	k.newest = m
	if k.epochs >= minEpochs && m.utc.Sub(k.begin.utc) >= minSpan {
		k.trusted, k.ok = m, true
	}
}

// interrupt ends a run. What was trusted stays true.
func (k *timekeeper) interrupt() { k.epochs = 0 }

// contradict ends a run and the trust in what it gave.
func (k *timekeeper) contradict() { k.epochs, k.ok, k.trusted = 0, false, moment{} }

func within(d, most time.Duration) bool { return d <= most && d >= -most }
