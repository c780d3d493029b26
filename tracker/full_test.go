package tracker_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"isotherm/hardware"
	"isotherm/tracker"
	"isotherm/tracker/journal"
)

// What changes while neither disk nor memory has room is told once there is room, as it then stands: else the journal would
// say for ever that a probe fails, a lid is open, a receiver is gone.
func TestTracker_FullDisk_senses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newEquipped(t, nil)
		gnss := b.devices.Monitor("gnss")
		var full atomic.Bool
		tr, err := tracker.New(b.cfg)
		if err != nil {
			t.Fatal(err)
		}
		tr.SetWrite(func() error {
			if full.Load() {
				return fmt.Errorf("%w: %w", journal.ErrFull, syscall.ENOSPC)
			}
			return nil
		})
		b.tracker = tr
		b.run()
		gnss.Set(hardware.StateDown, hardware.Unplugged, "/dev/ttyUSB0", "")
		b.organ.set(0, hardware.Timeout)
		b.lid.open(true)
		b.gauge.set(func(b *hardware.Battery) { b.Fault = hardware.BatteryLow })
		time.Sleep(2 * time.Minute)
		full.Store(true)
		time.Sleep((tracker.MaxPendingReadings + 100) * 10 * time.Second)
		synctest.Wait()
		if s := b.tracker.Status(); s.Storage == nil || s.Storage.Dropped == 0 {
			t.Fatalf("storage: got %+v, want readings dropped", s.Storage)
		}
		gnss.Set(hardware.StateLive, hardware.None, "/dev/ttyUSB0", "")
		b.organ.set(5000, hardware.None)
		b.lid.open(false)
		b.gauge.set(func(b *hardware.Battery) { b.Fault = hardware.None })
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		full.Store(false)
		time.Sleep(2 * time.Minute)
		b.stop()
		records := senses(b.records())
		for name, want := range map[string]string{"gnss": "gnss live", "probe": "probe 0 none", "lid": "lid false 0", "battery": "battery 900 discharging"} {
			got := slices.DeleteFunc(only(records, name), func(s string) bool { return s == "lid live" }) // the sensor's port
			if len(got) < 2 || got[len(got)-1] != want {
				t.Errorf("%s: got %v, want %q last", name, got, want)
			}
		}
	})
}

// A probe that flaps while the disk is full leaves the room of acts and excursions alone.
func TestTracker_FullDisk_flap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		b.write = func() error { return fmt.Errorf("%w: %w", journal.ErrFull, syscall.ENOSPC) }
		b.start()
		for i := range tracker.MaxPendingReadings + 100 {
			b.organ.set(5000, []hardware.Fault{hardware.None, hardware.Timeout}[i%2])
			time.Sleep(10 * time.Second)
		}
		synctest.Wait()
		s := b.tracker.Status()
		if s.Storage == nil || s.Storage.Waiting > tracker.MaxPendingReadings || s.Storage.Dropped < tracker.MaxPendingReadings*2/5 {
			t.Errorf("storage: got %+v, want at most %d records waiting, and every reading that was dropped counted", s.Storage, tracker.MaxPendingReadings)
		}
		b.cancel()
		<-b.done // it can't be ended in order: the disk is full
	})
}
