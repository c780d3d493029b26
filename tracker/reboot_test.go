package tracker_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"isotherm/ledger/record"
	"isotherm/tracker"
)

// A box that is switched on again without a clock chip shows an older time than before: the journal goes on by its numbers,
// and so does an excursion, for which the time that nobody knows does not count.
func TestTracker_RebootWithOlderWall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		b.start()
		time.Sleep(time.Minute)
		b.addAct(b.packAct())
		time.Sleep(time.Minute)
		b.organ.set(9000, 0)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); !s.Alarm {
			t.Fatalf("status in the excursion: got %+v", s)
		}
		b.stop()

		b.clock = &jumpClock{SimulatedClock: tracker.SimulatedClock{Rate: 1, Start: b.clock.Start.Add(-14 * 24 * time.Hour), Epoch: time.Now()}}
		b.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		s := b.tracker.Status()
		if !s.Alarm || len(onlyShipment(t, s).Excursions) == 0 || s.Shipments[0].Excursions[0].DurationMS > time.Hour.Milliseconds() ||
			s.Shipments[0].Excursions[0].DurationMS < 9*time.Minute.Milliseconds() {
			t.Errorf("status after the reboot: got %+v, want the excursion to go on", s)
		}
		b.organ.set(5000, 0)
		time.Sleep(2 * time.Minute)
		b.stop()
		records := b.records()
		boots := ofKind(records, record.KindBoot)
		if len(boots) != 2 || boots[1].Boot.BootCount != boots[0].Boot.BootCount+1 || boots[1].Boot.Predecessor == nil ||
			boots[1].Boot.Predecessor.Incarnation != boots[0].Boot.Incarnation || boots[1].Boot.BootID == boots[0].Boot.BootID ||
			boots[1].At.WallMS >= boots[0].At.WallMS {
			t.Errorf("boots: got %+v, want two that follow on each other, the second with an older wall time", boots)
		}
		if closed := ofKind(records, record.KindExcursionClosed); len(closed) != 1 {
			t.Errorf("excursions closed: got %d, want one", len(closed))
		}
	})
}

// wallClock is a clock whose wall time is set while the box runs.
type wallClock struct {
	*jumpClock
	off atomic.Int64 // ms
}

func (c *wallClock) Now() record.Stamp {
	s := c.jumpClock.Now()
	s.WallMS += c.off.Load()
	return s
}

// The network's time comes while records are on their way to the disk: nothing is lost, doubled or out of order, and no gap
// is told of.
func TestTracker_WallSetInWrite(t *testing.T) {
	for name, step := range map[string]time.Duration{"2 weeks ahead": 14 * 24 * time.Hour, "2 weeks back": -14 * 24 * time.Hour,
		"to 1970": time.Unix(0, 0).Sub(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)), "1 s back": -time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox(t, nil)
				clock := &wallClock{jumpClock: b.clock}
				cfg := b.config()
				cfg.Clock = clock
				tr, err := tracker.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				writes := 0
				tr.SetWrite(func() error {
					if writes++; writes == 5 {
						clock.off.Store(step.Milliseconds())
					}
					return nil
				})
				b.tracker = tr
				b.run()
				time.Sleep(5 * time.Minute)
				b.stop()
				records := b.records()
				for i, r := range records {
					if r.Seq != uint64(i) || i > 0 && r.At.MonoMS < records[i-1].At.MonoMS {
						t.Errorf("record %d: got seq %d at %d ms, after %d ms", i, r.Seq, r.At.MonoMS, records[max(i-1, 0)].At.MonoMS)
					}
				}
				if got := len(ofKind(records, record.KindReading)); got < 30 || got > 31 {
					t.Errorf("readings: got %d in 5 minutes, want one each 10 s", got)
				}
				if gaps := ofKind(records, record.KindGap); len(gaps) != 0 {
					t.Errorf("gaps: got %+v, want none", gaps)
				}
			})
		})
	}
}
