package serial

import (
	"context"
	"time"

	"isotherm/hardware"
)

// listener is the part of a Port that Discard and Drain need.
type listener interface {
	ReadWithin(b []byte, wait time.Duration) (int, error)
}

// Discard drops what comes within d, and reports whether anything did: nobody asked for that. The error is the port's,
// or ctx's; silence is none.
func Discard(ctx context.Context, p listener, d time.Duration) (heard bool, err error) {
	var junk [256]byte
	for end := time.Now().Add(d); ; {
		// Waiting for no time at all would not even look.
		n, err := p.ReadWithin(junk[:], max(time.Until(end), time.Millisecond))
		heard = heard || n > 0
		switch {
		case ctx.Err() != nil:
			return heard, ctx.Err()
		case hardware.FaultOf(err) == hardware.Silent:
			return heard, nil
		case err != nil:
			return heard, err
		case time.Now().After(end):
			return heard, nil
		}
	}
}

// Drain drops what comes until nothing has come for quiet. It reports true when the line still babbled after limit, or
// had babbled until ctx ended. The error is the port's, or ctx's.
func Drain(ctx context.Context, p listener, quiet, limit time.Duration) (babbles bool, err error) {
	var junk [256]byte
	for end := time.Now().Add(limit); ; babbles = true {
		_, err := p.ReadWithin(junk[:], quiet)
		switch {
		case ctx.Err() != nil:
			return babbles, ctx.Err()
		case hardware.FaultOf(err) == hardware.Silent:
			return false, nil
		case err != nil:
			return babbles, err
		case time.Now().After(end):
			return true, nil
		}
	}
}
