package tracker

import (
	"math"
	"strings"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/ledger/record"
)

// Whatever a driver says, the record can be written: one that can't would stop the box.
func TestRecords_anyDriver(t *testing.T) {
	conditions := []hardware.Condition{{}, {Device: strings.Repeat("ä", 300), State: 255, Fault: math.MaxUint16, Port: strings.Repeat("\xff\x00", 200)},
		{Device: "\n", Port: strings.Repeat("x", 199) + "€"}}
	batteries := []hardware.Battery{{}, {ChargePermille: 1001}, {ChargePermille: 2560, Fault: hardware.GaugeGlitch}, {Left: -time.Hour},
		{Left: math.MaxInt64, MilliVolts: math.MaxUint32, State: 255, Fault: math.MaxUint16, ChargePermille: math.MaxUint16}}
	var all []*record.Record
	for _, c := range conditions {
		all = append(all, deviceRecord(c))
	}
	for _, b := range batteries {
		all = append(all, batteryRecord(b))
	}
	h := newHandling(make([]Handling, 1))
	for _, e := range []hardware.Handling{{}, {Kind: 255, On: true, Value: math.MinInt32}, {Kind: hardware.HandlingShock, Value: math.MaxInt32}} {
		h.report(0, e, record.Stamp{})
	}
	due, _ := h.collect(time.Now())
	if len(due) != 2 {
		t.Errorf("handling: got %d records, want none of no kind", len(due))
	}
	for _, r := range append(all, due...) {
		r.At.Quality = record.ClockUnset
		b, err := r.Append(nil)
		if err != nil {
			t.Errorf("%+v: %v", r, err)
			continue
		}
		if _, err := record.Parse(b); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestClip(t *testing.T) {
	for in, want := range map[string]string{"": "", "probe 0": "probe 0", "a\xffb": "a?b", strings.Repeat("x", 199) + "€": strings.Repeat("x", 199)} {
		if got := clip(in); got != want {
			t.Errorf("clip(%q) = %q, want %q", in, got, want)
		}
	}
}
