package sim

import (
	"context"
	"time"
)

// pollInterval is how often a device looks at the simulated clock, in real time: often
// enough for one report a second at 240 times real time (one each 4 ms, in bursts of
// at most two), rare enough to cost nothing at real time.
const pollInterval = 5 * time.Millisecond

// ended is why a device ends: that of ctx when it is done, because a line that was closed for it fails for no other reason.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// waitUntil returns nil once the clock has reached at, or the error of ctx.
func waitUntil(ctx context.Context, clock Clock, at time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if clock() >= at {
		return nil
	}
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			if clock() >= at {
				return nil
			}
		}
	}
}
