package serial

import (
	"time"

	"golang.org/x/sys/unix"
)

// Asleep returns how long the machine has slept since it was switched on. Go's monotonic time stands meanwhile, so an age
// in it is too young by the growth of Asleep: what a device said right before a sleep would pass for new after it.
// Source: clock_gettime(2), CLOCK_BOOTTIME and CLOCK_MONOTONIC. It is right to some microseconds, and to zero where the
// kernel has no such clock.
func Asleep() time.Duration {
	const tries = 3
	best, narrowest := time.Duration(0), time.Duration(-1)
	for range tries { // of two clocks that are read one after the other: a busy machine can stop us in between
		before, boot, after := clock(unix.CLOCK_MONOTONIC), clock(unix.CLOCK_BOOTTIME), clock(unix.CLOCK_MONOTONIC)
		if gap := after - before; narrowest < 0 || gap < narrowest {
			best, narrowest = boot-after, gap
		}
	}
	return max(best, 0)
}

func clock(id int32) time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(id, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// sleepLeast tells a sleep from the unsteadiness of Asleep.
const sleepLeast = 50 * time.Millisecond

// SleptSince returns how long the machine has slept since Asleep gave then; what is too short for a sleep is none.
func SleptSince(then, now time.Duration) time.Duration {
	if now-then < sleepLeast {
		return 0
	}
	return now - then
}
