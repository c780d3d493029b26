package tracker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
	"isotherm/ledger/record"
	"isotherm/tracker"
)

// startWith opens the box with a config and runs it.
func (b *testBox) startWith(cfg tracker.Config) {
	b.t.Helper()
	tr, err := tracker.New(cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	b.tracker = tr
	b.run()
}

func TestTracker_Calibration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		cfg := b.config()
		cfg.Probes[0].Calibration = hardware.Calibration{Certificate: "K-1", Uncertainty: 150, Expires: b.clock.Start.Add(5 * time.Minute),
			Points: []hardware.CalibrationPoint{{Reference: 0, Indicated: 20}, {Reference: 10_000, Indicated: 10_220}}}
		b.organ.answer(hardware.Sample{Temp: 5120, Raw: "01 03 02 02 00"})
		b.startWith(cfg)
		time.Sleep(time.Minute)
		synctest.Wait()
		temp, indicated := int32(5000), int32(5120)
		want := tracker.SampleStatus{Place: "organ", TempMC: &temp, IndicatedMC: &indicated, Raw: "01 03 02 02 00"}
		if diff := cmp.Diff(want, b.tracker.Status().Reading.Samples[0]); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		want.Doubt = "cert_expired"
		if diff := cmp.Diff(want, b.tracker.Status().Reading.Samples[0]); diff != "" {
			t.Errorf("status once the certificate is not valid any more (-want +got):\n%s", diff)
		}
		b.stop()
		records := b.records()
		for _, r := range ofKind(records, record.KindReading) {
			if got := r.Reading.Samples; got[0].TempMC != 5000 || got[1].TempMC != 6000 || got[0].Fault != 0 {
				t.Fatalf("samples: got %+v, want the first one corrected", got)
			}
		}
		if diff := cmp.Diff([]string{"probe 0 cert_expired"}, only(senses(records), "probe")); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		cfg.Probes[0].Calibration.Points[1].Indicated = 0
		if _, err := tracker.New(cfg); err == nil {
			t.Error("points that can't correct were taken")
		}
	})
}

// TestTracker_Doubts has several doubts of one probe at once, and failures between them: the record tells the one that
// leads, and values are kept while there is no failure.
func TestTracker_Doubts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		cfg := b.config()
		cfg.Probes[0].Calibration = hardware.Calibration{Certificate: "K-1", Uncertainty: 150, Expires: b.clock.Start.Add(time.Minute)}
		b.startWith(cfg)
		time.Sleep(95 * time.Second)                                                 // the certificate expires
		b.organ.answer(hardware.Sample{Temp: 5000, Doubt: hardware.OffsetChanged})   // and the device has another offset
		time.Sleep(30 * time.Second)                                                 //
		b.organ.answer(hardware.Sample{Temp: 22_000, Doubt: hardware.OffsetChanged}) // and it jumps
		time.Sleep(30 * time.Second)
		b.organ.answer(hardware.Sample{Fault: hardware.Timeout})
		time.Sleep(30 * time.Second)
		b.organ.answer(hardware.Sample{Fault: hardware.CRCBad}) // another failure is no change
		time.Sleep(2 * time.Minute)
		b.organ.answer(hardware.Sample{Temp: 22_000, Doubt: hardware.OffsetChanged})
		time.Sleep(30 * time.Second)
		b.organ.answer(hardware.Sample{Temp: 22_000, Doubt: hardware.Timeout}) // no doubt at all: a broken driver
		time.Sleep(30 * time.Second)
		b.stop()
		records := b.records()
		want := []string{"probe 0 cert_expired", "probe 0 offset_changed", "probe 0 rate_of_change", "probe 0 timeout", "probe 0 offset_changed", "probe 0 cert_expired"}
		if diff := cmp.Diff(want, only(senses(records), "probe")); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		jumped := 0
		for _, r := range ofKind(records, record.KindReading) {
			if s := r.Reading.Samples[0]; s.TempMC == 22_000 {
				jumped++
			}
		}
		if jumped < 8 {
			t.Errorf("got %d readings of 22 °C, want all of them kept", jumped)
		}
	})
}

// A box that is opened shows the step in its air without a doubt, as a sensor at the lid explains it.
func TestTracker_Doubts_lid(t *testing.T) {
	for _, open := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := newEquipped(t, nil)
			b.start()
			b.second.set(4000, 0)
			time.Sleep(5*time.Minute + 5*time.Second)
			if open {
				b.lid.open(true)
			}
			b.second.set(22_000, 0)
			time.Sleep(5 * time.Minute)
			if open {
				b.lid.open(false)
			}
			b.second.set(4000, 0)
			time.Sleep(5 * time.Minute)
			b.stop()
			var want []string
			if !open {
				want = []string{"probe 1 rate_of_change", "probe 1 none", "probe 1 rate_of_change", "probe 1 none"}
			}
			if diff := cmp.Diff(want, only(senses(b.records()), "probe")); len(want) > 0 && diff != "" || len(want) == 0 && len(only(senses(b.records()), "probe")) > 0 {
				t.Errorf("lid open %v: records (-want +got):\n%s", open, diff)
			}
		})
	}
}

func TestTracker_DoubtedFix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBox(t, nil)
		cfg := b.config()
		cfg.Locator = fakeLocator{doubt: hardware.LowSatellites}
		b.startWith(cfg)
		time.Sleep(time.Minute)
		b.addAct(b.packAct())
		time.Sleep(time.Minute)
		synctest.Wait()
		if r := b.tracker.Status().Reading; r.LatE7 == nil || r.FixFault != "low_satellites" || r.Satellites == nil {
			t.Errorf("status: got %+v, want the position and the doubt", r)
		}
		b.stop()
		last := ofKind(b.records(), record.KindReading)
		if r := last[len(last)-1].Reading; r.Fix == nil || r.FixFault != record.Fault(hardware.LowSatellites) {
			t.Errorf("reading: got %+v, want a fix with its doubt", r)
		}
	})
}
