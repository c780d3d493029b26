package tracker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"isotherm/hardware"
)

// Limits of a switch, in real time.
const (
	switchTimeout = 6 * time.Second  // for one switch: a modem's command takes some. With callEnds and guardGrace below localTimeout
	alarmAgain    = 10 * time.Second // before an alarm that could not be switched is tried again
)

// outputs are the switches of one name.
type outputs []*output

// output is one switch.
type output struct {
	Output
	guard guard
}

func newOutputs(all []Output, name string, log *slog.Logger) outputs {
	var out outputs
	for _, o := range all {
		if o.Name == name {
			out = append(out, &output{Output: o, guard: newGuard(log)})
		}
	}
	return out
}

// set switches all at once, and returns within switchTimeout and guardGrace. The error names those that failed: their
// state is not known.
func (o outputs) set(ctx context.Context, on bool) error {
	errs := make([]error, len(o))
	var wg sync.WaitGroup
	for i, out := range o {
		wg.Go(func() { errs[i] = out.set(ctx, on) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (o *output) set(ctx context.Context, on bool) error {
	info := o.Device.Info()
	err := o.try(ctx, on)
	if err == nil {
		o.Monitor.Set(hardware.StateLive, hardware.None, info.Bus, "")
		return nil
	}
	if ctx.Err() != nil {
		return err // it was interrupted, which says nothing of the switch
	}
	word := map[bool]string{true: "on", false: "off"}[on]
	o.Monitor.Set(hardware.StateDown, hardware.SwitchFailed, info.Bus, "not switched "+word+": "+err.Error())
	return fmt.Errorf("switch %s (%s) %s: %w", o.Name, info.Bus, word, err)
}

// try switches, and gives up on a switch that does not heed its context.
func (o *output) try(ctx context.Context, on bool) error {
	limited, cancel := context.WithTimeout(ctx, switchTimeout)
	defer cancel()
	failed, err := ask(limited, o.guard, func(ctx context.Context) error { return o.Device.Set(ctx, on) })
	return errors.Join(failed, err)
}

// switchAlarm keeps the alarm's outputs as the newest alarm record says, from a known state at the start on. A switch that
// failed is tried again: it may have been unplugged. It never holds up recording.
func (t *Tracker) switchAlarm(ctx context.Context) error {
	failing := false
	for {
		on := t.rec.isAlarm()
		err := t.alarms.set(ctx, on)
		if err != nil && ctx.Err() == nil && !failing { // once, and not each time
			t.cfg.Logger.Error("alarm not switched; it is tried again", "on", on, "err", err, "every", alarmAgain)
		}
		var again <-chan time.Time
		if failing = err != nil; failing {
			again = time.After(alarmAgain)
		}
		if on != t.rec.isAlarm() {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.rec.alarmed:
		case <-again:
		}
	}
}
