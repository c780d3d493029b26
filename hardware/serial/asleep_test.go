package serial_test

import (
	"testing"
	"time"

	"isotherm/hardware/serial"
)

// TestAsleep holds against the kernel that a machine that runs does not sleep: the value stands still.
func TestAsleep(t *testing.T) {
	first := serial.Asleep()
	for range 1000 {
		if got := serial.SleptSince(first, serial.Asleep()); got != 0 {
			t.Fatalf("slept %v between two looks", got)
		}
	}
	for _, tt := range []struct{ then, now, want time.Duration }{
		{0, 0, 0},
		{time.Hour, time.Hour + 49*time.Millisecond, 0},
		{time.Hour, time.Hour - time.Millisecond, 0},
		{time.Hour, time.Hour + 10*time.Minute, 10 * time.Minute},
	} {
		if got := serial.SleptSince(tt.then, tt.now); got != tt.want {
			t.Errorf("SleptSince(%v, %v) = %v, want %v", tt.then, tt.now, got, tt.want)
		}
	}
}
