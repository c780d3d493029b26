package tracker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"isotherm/hardware"
)

// guardGrace is how long after the end of its context a driver may still answer, in real time.
const guardGrace = time.Second

// errHangs says that a driver is still busy with an earlier question. It is not asked again meanwhile, so that at most one
// goroutine a driver is ever left behind.
var errHangs = errors.New("the driver still hangs in an earlier attempt")

// errPanicked says that a driver panicked; the log has its stack.
var errPanicked = errors.New("the driver panicked")

// guard stands before one driver, so that one that hangs or panics, against its promise, takes neither the box nor the other
// drivers with it.
type guard struct {
	free chan struct{} // holds a token while the driver is free; capacity 1
	log  *slog.Logger
}

func newGuard(log *slog.Logger) guard {
	g := guard{free: make(chan struct{}, 1), log: log}
	g.free <- struct{}{}
	return g
}

// faultOf names what ask says of a driver.
func faultOf(err error) hardware.Fault {
	if errors.Is(err, errPanicked) {
		return hardware.ParserPanic
	}
	return hardware.Timeout
}

// ask calls f, and gives it up shortly after the end of ctx. What f answers later is thrown away: a late answer must never
// pass for one to a newer question.
func ask[T any](ctx context.Context, g guard, f func(context.Context) T) (answer T, err error) {
	select {
	case <-g.free:
	default:
		return answer, errHangs
	}
	type outcome struct {
		answer T
		err    error
	}
	done := make(chan outcome, 1)
	go func() { // ends with f, which promises to end with ctx
		var out outcome
		defer func() {
			if p := recover(); p != nil {
				g.log.Error("driver panicked", "panic", p, "stack", string(debug.Stack()))
				out.err = fmt.Errorf("%w: %v", errPanicked, p)
			}
			g.free <- struct{}{}
			done <- out
		}()
		out.answer = f(ctx)
	}()
	select {
	case out := <-done:
		return out.answer, out.err
	case <-ctx.Done():
	}
	patience := time.NewTimer(guardGrace)
	defer patience.Stop()
	select {
	case out := <-done:
		return out.answer, out.err
	case <-patience.C:
		return answer, fmt.Errorf("no answer %v after it was given up: %w", guardGrace, context.Cause(ctx))
	}
}
