package tracker

import (
	"testing"
	"time"
)

func TestAllowance_take(t *testing.T) {
	var a allowance
	now := time.Unix(1_000, 0)
	taken := 0
	for range 100 {
		if ok, _ := a.take(now, 8, time.Minute); ok {
			taken++
		}
	}
	if taken != 8 {
		t.Errorf("at once: got %d, want 8", taken)
	}
	for range 600 { // ten minutes, asked each second
		now = now.Add(time.Second)
		ok, wait := a.take(now, 8, time.Minute)
		if ok {
			taken++
		} else if wait <= 0 || wait > time.Minute {
			t.Errorf("wait: got %v", wait)
		}
	}
	if taken != 18 {
		t.Errorf("in ten minutes: got %d, want 10 more", taken-8)
	}
	now = now.Add(time.Hour)
	for taken = 0; ; taken++ {
		if ok, _ := a.take(now, 8, time.Minute); !ok {
			break
		}
	}
	if taken != 8 {
		t.Errorf("after an hour: got %d, want 8 again", taken)
	}
}
