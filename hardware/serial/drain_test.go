package serial

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"isotherm/hardware"
)

// talker is a port on which a byte comes at each of the given times after its making, and which is lost at the end of them.
type talker struct {
	born  time.Time
	bytes []time.Duration
	lost  bool
}

func (l *talker) ReadWithin(b []byte, wait time.Duration) (int, error) {
	if len(l.bytes) == 0 && l.lost {
		return 0, &Error{Op: "read", Path: "x", Fault: hardware.Unplugged, Err: errors.New("gone")}
	}
	if len(l.bytes) == 0 || time.Since(l.born)+wait <= l.bytes[0] {
		time.Sleep(wait)
		return 0, &Error{Op: "read", Path: "x", Fault: hardware.Silent, Err: errors.New("nothing")}
	}
	time.Sleep(l.bytes[0] - time.Since(l.born))
	l.bytes = l.bytes[1:]
	return copy(b, "x"), nil
}

// every returns n times, d apart.
func every(d time.Duration, n int) []time.Duration {
	times := make([]time.Duration, n)
	for i := range times {
		times[i] = time.Duration(i+1) * d
	}
	return times
}

func TestDiscard(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name  string
		line  talker
		wait  time.Duration
		heard bool
		fault hardware.Fault
		took  time.Duration
	}{
		{"silence", talker{}, 50 * ms, false, hardware.None, 50 * ms},
		{"one byte", talker{bytes: every(10*ms, 1)}, 50 * ms, true, hardware.None, 50 * ms},
		{"a look", talker{}, 0, false, hardware.None, ms},
		{"babble", talker{bytes: every(ms, 10_000)}, 50 * ms, true, hardware.None, 50 * ms},
		{"lost", talker{bytes: every(ms, 1), lost: true}, 50 * ms, true, hardware.Unplugged, ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.line.born = time.Now()
				heard, err := Discard(t.Context(), &tt.line, tt.wait)
				if took := time.Since(tt.line.born); heard != tt.heard || hardware.FaultOf(err) != tt.fault || took != tt.took {
					t.Errorf("heard %v, %v after %v; want %v, %v after %v", heard, err, took, tt.heard, tt.fault, tt.took)
				}
			})
		})
	}
}

func TestDrain(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name    string
		line    talker
		cancel  time.Duration // 0: never
		babbles bool
		fault   hardware.Fault
		took    time.Duration
	}{
		{"silence", talker{}, 0, false, hardware.None, 100 * ms},
		{"a late answer", talker{bytes: every(90*ms, 1)}, 0, false, hardware.None, 190 * ms},
		{"babble", talker{bytes: every(90*ms, 10_000)}, 0, true, hardware.None, 450 * ms},
		{"babble until the caller gives up", talker{bytes: every(10*ms, 10_000)}, 35 * ms, true, hardware.Canceled, 40 * ms},
		{"lost", talker{lost: true}, 0, false, hardware.Unplugged, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.line.born = time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
				}
				babbles, err := Drain(ctx, &tt.line, 100*ms, 400*ms)
				if took := time.Since(tt.line.born); babbles != tt.babbles || hardware.FaultOf(err) != tt.fault || took != tt.took {
					t.Errorf("babbles %v, %v after %v; want %v, %v after %v", babbles, err, took, tt.babbles, tt.fault, tt.took)
				}
			})
		})
	}
}
