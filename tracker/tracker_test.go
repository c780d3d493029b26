package tracker_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/record"
	"isotherm/tracker"
	"isotherm/tracker/journal"
)

func TestTracker_Run(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t)
		b := newBox(t, l)
		b.start()
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		s := b.tracker.Status()
		if got, want := s.Recorded, int64(1+61); got != want {
			t.Errorf("recorded: got %d, want the boot record and %d readings", got, want-1)
		}
		if s.Link.State != tracker.LinkUp || s.Recorded-s.Receipted > 3 || s.Receipted == 0 || s.Unsent != s.Flushed-s.Receipted {
			t.Errorf("status: got %+v, want nearly everything receipted", s)
		}
		if len(s.Reading.Samples) != 2 || s.Reading.Samples[0].TempMC == nil || *s.Reading.Samples[0].TempMC != 5000 {
			t.Errorf("newest reading: got %+v, want what the probes answered", s.Reading)
		}
		first := b.tracker.Status().Incarnation
		b.stop()

		records := b.records()
		if last := records[len(records)-1]; last.Kind != record.KindShutdown {
			t.Errorf("last record: got kind %d, want a shutdown", last.Kind)
		}
		for i, r := range ofKind(records, record.KindReading) {
			if got, want := r.At.MonoMS, uint64(i*10_000); got != want {
				t.Errorf("reading %d: got time %d, want %d", i, got, want)
			}
		}
		b.start() // what the first incarnation did not deliver comes first
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got, want := l.heldSize(b.tracker.Box(), first), int64(len(records)); got != want {
			t.Errorf("first incarnation at the ledger: got %d records, want %d", got, want)
		}
		if len(l.seen) == 0 {
			t.Error("sync came without the newest ledger checkpoint")
		}
		b.stop()
	})
}

func TestTracker_NotEnrolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		b.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); s.Link.State != tracker.LinkNone || s.Flushed < 6 {
			t.Errorf("status: got %+v, want records without a link", s)
		}
		b.stop()
	})
}

func TestTracker_ProbeChangesAndGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		b.start()
		time.Sleep(15 * time.Second)
		b.second.set(0, hardware.Timeout)
		time.Sleep(20 * time.Second)
		b.second.set(0, hardware.CRCBad) // another fault is no change
		time.Sleep(20 * time.Second)
		b.second.set(7000, 0)
		time.Sleep(20 * time.Second)
		b.clock.jump(5 * time.Minute)
		time.Sleep(30 * time.Second)
		b.stop()
		records := b.records()
		var changes []record.ProbeChange
		for _, r := range ofKind(records, record.KindProbeChange) {
			changes = append(changes, *r.Probe)
		}
		if diff := cmp.Diff([]record.ProbeChange{{Probe: 1, Fault: record.Fault(hardware.Timeout)}, {Probe: 1}}, changes); diff != "" {
			t.Errorf("probe changes (-want +got):\n%s", diff)
		}
		gaps := ofKind(records, record.KindGap)
		if len(gaps) != 1 || gaps[0].Gap.Reason != record.GapSuspended || gaps[0].Gap.ToMono-gaps[0].Gap.FromMono < 300_000 {
			t.Errorf("gaps: got %+v, want one of 5 minutes", gaps)
		}
		for _, r := range ofKind(records, record.KindReading) {
			if s := r.Reading.Samples[1]; (s.Fault != 0) != (s.TempMC == 0) {
				t.Errorf("sample: got %+v, want either a fault or a temperature", s)
			}
		}
	})
}

// excursions returns the excursion and output records as text.
func excursions(records []*record.Record) []string {
	var out []string
	for _, r := range records {
		switch r.Kind {
		case record.KindExcursionOpened:
			out = append(out, fmt.Sprintf("opened %s of %d", r.Excursion.Rule, r.Excursion.Probe))
		case record.KindExcursionClosed:
			out = append(out, fmt.Sprintf("closed %s of %d, extreme %d", r.Excursion.Rule, r.Excursion.Probe, r.Excursion.ExtremeMC))
		case record.KindOutput:
			out = append(out, fmt.Sprintf("%s %v", r.Output.Name, r.Output.On))
		}
	}
	return out
}

func TestTracker_ExcursionGoesOnAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		b.start()
		time.Sleep(time.Minute)
		b.addAct(b.packAct())
		time.Sleep(time.Minute)
		b.organ.set(9000, 0)
		for range 10 * 60 * 6 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if b.tracker.Status().Alarm {
				break
			}
		}
		s := b.tracker.Status()
		if c := onlyShipment(t, s); len(c.Excursions) != 1 || c.Excursions[0].Rule != "too warm" || !c.Alarm || !s.Alarm || c.Profile != "chs-4-8 v1" {
			t.Errorf("status in the excursion: got %+v", s)
		}
		if s.Recorded != s.Flushed {
			t.Errorf("alarm: got %d of %d records on disk, want all at once", s.Flushed, s.Recorded)
		}
		b.stop()

		b.organ.set(10_000, 0)
		b.start()
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); len(onlyShipment(t, s).Excursions) != 1 || !s.Alarm || s.Shipments[0].Excursions[0].DurationMS < 5*60_000+50_000 {
			t.Errorf("status after the restart: got %+v, want the excursion to go on", s)
		}
		b.organ.set(5000, 0)
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); len(onlyShipment(t, s).Excursions) != 0 || s.Alarm {
			t.Errorf("status after the excursion: got %+v", s)
		}
		b.stop()
		want := []string{"opened too warm of 0", "alarm true", "alarm true", "closed too warm of 0, extreme 10000", "alarm false"}
		if diff := cmp.Diff(want, excursions(b.records())); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
}

func TestTracker_LatePackActShowsExcursion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		b.start()
		time.Sleep(time.Minute)
		pack := b.packAct() // signed now, handed over later
		time.Sleep(time.Minute)
		b.organ.set(3000, 0)
		time.Sleep(5 * time.Minute)
		b.organ.set(5000, 0)
		time.Sleep(time.Minute)
		b.addAct(pack)
		if seq, known, err := b.tracker.AddAct(pack); err != nil || !known {
			t.Errorf("same act again: got seq %d, known %v, error %v", seq, known, err)
		}
		time.Sleep(time.Minute)
		b.organ.set(9000, 0)
		time.Sleep(6 * time.Minute)
		b.addAct(act(t, custody.Statement{Kind: custody.Receive, Shipment: testShipment}))
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); !onlyShipment(t, s).Received || !s.Alarm {
			t.Errorf("status after receipt: got %+v, want the alarm until the box is opened", s)
		}
		b.addAct(act(t, custody.Statement{Kind: custody.OpenBox, Shipment: testShipment}))
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); len(s.Shipments) != 0 || s.Alarm {
			t.Errorf("status after the box was opened: got %+v, want no shipment", s)
		}
		b.stop()
		want := []string{"opened too cold of 0", "closed too cold of 0, extreme 3000", "opened too warm of 0", "alarm true", "alarm false"}
		records := b.records()
		if diff := cmp.Diff(want, excursions(records)); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if got, want := len(ofKind(records, record.KindAct)), 3; got != want {
			t.Errorf("acts: got %d records, want %d", got, want)
		}
	})
}

func TestTracker_AddActRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(t)
		b := newBox(t, l)
		b.start()
		time.Sleep(time.Second)
		good := act(t, custody.Statement{Kind: custody.Receive, Shipment: testShipment})
		bad := append([]byte(nil), good...)
		bad[len(bad)-1] ^= 1
		other := custody.Statement{Kind: custody.Pack, Shipment: testShipment, Box: [16]byte{9}, Head: b.tracker.Head()}
		statement, err := custody.ParseAct(b.packAct())
		if err != nil {
			t.Fatal(err)
		}
		other.Profile = statement.Statement.Profile
		for name, a := range map[string][]byte{"nothing": nil, "junk": []byte("junk"), "signature": bad, "other box": act(t, other)} {
			if _, _, err := b.tracker.AddAct(a); !errors.Is(err, tracker.ErrBadAct) {
				t.Errorf("%s: got error %v, want ErrBadAct", name, err)
			}
		}
		b.addAct(good)
		signed, err := custody.ParseAct(good)
		if err != nil {
			t.Fatal(err)
		}
		signed.Sign(seedKey(21), ledger.PersonID{2}, custody.RoleSecond, 2, nil)
		b.addAct(signed.Marshal()) // a second person signs later: the copy is kept too
		b.stop()
		if got, want := len(ofKind(b.records(), record.KindAct)), 2; got != want {
			t.Errorf("acts: got %d records, want %d", got, want)
		}
	})
}

func TestTracker_FullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		var full atomic.Bool
		b.write = func() error {
			if full.Load() {
				return fmt.Errorf("%w: %w", journal.ErrFull, syscall.ENOSPC)
			}
			return nil
		}
		b.start()
		time.Sleep(time.Minute)
		full.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		s := b.tracker.Status()
		if s.Storage == nil || s.Storage.Waiting == 0 || s.Recorded == s.Flushed {
			t.Errorf("status with a full disk: got %+v, want it raised", s)
		}
		if _, _, err := b.tracker.AddAct(act(t, custody.Statement{Kind: custody.Receive, Shipment: testShipment})); !errors.Is(err, journal.ErrFull) {
			t.Errorf("act with a full disk: got error %v, want ErrFull", err)
		}
		time.Sleep(tracker.MaxPendingReadings*10*time.Second + time.Hour) // longer than memory can stand in
		synctest.Wait()
		full.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.tracker.Status(); s.Storage != nil || s.Recorded-s.Flushed > 1 {
			t.Errorf("status with room again: got %+v, want all well", s)
		}
		b.stop()
		records := b.records()
		gaps := ofKind(records, record.KindGap)
		if len(gaps) != 1 || gaps[0].Gap.Reason != record.GapStorage || gaps[0].Gap.ToMono-gaps[0].Gap.FromMono < 3000_000 {
			t.Errorf("gaps: got %+v, want one of about an hour", gaps)
		}
		if got, want := len(ofKind(records, record.KindAct)), 1; got != want {
			t.Errorf("acts: got %d records, want %d", got, want)
		}
		if got := len(ofKind(records, record.KindReading)); got < tracker.MaxPendingReadings {
			t.Errorf("readings: got %d, want those that memory held too", got)
		}
	})
}

func TestTracker_BrokenDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		b.write = func() error { return fmt.Errorf("%w: %w", journal.ErrBroken, syscall.EIO) }
		b.start()
		if err := <-b.done; !errors.Is(err, journal.ErrBroken) {
			t.Errorf("run: got error %v, want ErrBroken", err)
		}
	})
}
