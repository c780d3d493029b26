package handling

import (
	"context"
	"errors"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// health keeps a sensor's monitor from flapping with the sensor. The zero value with set is ready.
type health struct {
	set    func(state hardware.State, fault hardware.Fault, detail string)
	failed time.Time // when it last failed; zero when it never did
}

// bad notes a failure.
func (h *health) bad(now time.Time, err error) {
	h.failed = now
	fault := hardware.FaultOf(err)
	h.set(hardware.StateOf(fault), fault, err.Error())
}

// good notes a value. flaps says that reports have to wait.
func (h *health) good(now time.Time, where string, flaps bool) {
	if !h.failed.IsZero() && now.Sub(h.failed) < recovery {
		return
	}
	if flaps {
		why := errors.New("it changes more often than a journal can take")
		err := &Error{Op: "watch", Path: where, Fault: hardware.Overrun, Err: why}
		h.set(hardware.StateGarbled, hardware.Overrun, err.Error())
		return
	}
	h.set(hardware.StateLive, hardware.None, "")
}

// retryMost is the longest pause before a sensor that fails is tried again: a look at a file costs next to nothing.
const retryMost = 2 * time.Second

// poll calls look each interval until ctx is done, and returns its error. When look fails it calls lost and waits longer.
func poll(ctx context.Context, interval time.Duration, h *health, look func(ctx context.Context) error, lost func()) error {
	var backoff serial.Backoff
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		err := look(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			backoff.Reset()
			timer.Reset(interval)
			continue
		}
		h.bad(time.Now(), err)
		lost()
		timer.Reset(max(interval, min(backoff.Next(), retryMost)))
	}
}
