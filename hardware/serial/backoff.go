package serial

import (
	"context"
	"math/rand/v2"
	"time"
)

// Limits of the wait before a port is opened again: soon enough that nobody notices
// a re-plugged cable, rare enough that an absent device costs nothing.
const (
	backoffMin = 250 * time.Millisecond
	backoffMax = 10 * time.Second
)

// Backoff spaces out attempts to open a port: 0.25 s, doubling to 10 s, each ± 20 %
// so that several boxes or ports do not knock in step. The zero value is ready.
// It is for one goroutine.
type Backoff struct {
	next time.Duration
}

// Next returns how long to wait before the next attempt.
func (b *Backoff) Next() time.Duration {
	base := max(b.next, backoffMin)
	b.next = min(2*base, backoffMax)
	return base*4/5 + rand.N(base*2/5)
}

// Wait waits as long as Next says, or until ctx is done and then returns its error.
func (b *Backoff) Wait(ctx context.Context) error {
	timer := time.NewTimer(b.Next())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Reset makes the next wait short again. Call it once the device has proved that it
// works, not when it merely opened: a device that opens and fails would spin.
func (b *Backoff) Reset() { b.next = 0 }
