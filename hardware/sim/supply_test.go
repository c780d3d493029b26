package sim_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/battery"
	"isotherm/hardware/sim"
)

// TestSupply_Run has the driver read what the simulation shows.
func TestSupply_Run(t *testing.T) {
	var at atomic.Int64
	clock := func() time.Duration { return time.Duration(at.Load()) }
	dir := filepath.Join(t.TempDir(), "BAT0")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- sim.Supply{Permille: 870, Lasts: 20 * time.Hour, Clock: clock}.Run(ctx, dir) }()
	begin := time.Now()
	gauge, err := battery.NewSupply(battery.SupplyConfig{Name: dir, Now: func() time.Time { return begin.Add(clock()) }})
	if err != nil {
		t.Fatal(err)
	}
	read := func(permille uint16, left time.Duration) {
		t.Helper()
		var got hardware.Battery
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
			if got = gauge.Read(ctx); got.Fault == hardware.None && got.ChargePermille == permille && (got.Left-left).Abs() < 15*time.Minute && got.State == hardware.PowerDischarging {
				return
			}
		}
		t.Errorf("got %+v, want %d permille discharging, for about %v", got, permille, left)
	}
	read(870, 17*time.Hour+24*time.Minute)
	at.Store(int64(2 * time.Hour))
	read(770, 15*time.Hour+24*time.Minute)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("end: got %v", err)
	}
}
