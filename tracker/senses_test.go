package tracker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
	"isotherm/ledger/record"
	"isotherm/tracker"
)

// equipped is a box on a bench with everything a box can have.
type equipped struct {
	*testBox
	cfg     tracker.Config
	devices *tracker.Devices
	lid     *fakeSensor
	gauge   *fakeGauge
	light   *fakeSwitch // alarm
	modem   *fakeSwitch // radio
}

func newEquipped(t *testing.T, l *fakeLedger) *equipped {
	b := &equipped{testBox: newBox(t, l), lid: &fakeSensor{events: make(chan hardware.Handling)}, light: &fakeSwitch{}, modem: &fakeSwitch{},
		gauge: &fakeGauge{now: hardware.Battery{ChargePermille: 900, MilliVolts: 12_000, State: hardware.PowerDischarging}}}
	b.cfg = b.config()
	b.devices = tracker.NewDevices(b.clock.Time)
	b.lid.monitor = b.devices.Monitor("lid")
	b.cfg.Equipment = tracker.Equipment{Devices: b.devices, Battery: b.gauge,
		Handling: []tracker.Handling{{Device: b.lid, Monitor: b.lid.monitor}},
		Outputs: []tracker.Output{{Name: tracker.AlarmOutput, Device: b.light, Monitor: b.devices.Monitor("alarm light")},
			{Name: tracker.RadioOutput, Device: b.modem, Monitor: b.devices.Monitor("modem")}}}
	return b
}

// start opens the box and runs it.
func (b *equipped) start() {
	b.t.Helper()
	tr, err := tracker.New(b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	b.tracker = tr
	b.run()
}

// fakeSensor reports what a test sends it.
type fakeSensor struct {
	monitor *hardware.Monitor
	events  chan hardware.Handling
}

func (*fakeSensor) Info() hardware.ProbeInfo { return hardware.ProbeInfo{Model: "fake", Bus: "fake"} }

func (s *fakeSensor) Run(ctx context.Context, report func(hardware.Handling)) error {
	s.monitor.Set(hardware.StateLive, hardware.None, "fake", "")
	report(hardware.Handling{Kind: hardware.HandlingLid})
	for {
		select {
		case e, ok := <-s.events:
			if !ok {
				return errors.New("broken")
			}
			report(e)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *fakeSensor) open(on bool) { s.events <- hardware.Handling{Kind: hardware.HandlingLid, On: on} }

// fakeGauge answers what it is set to.
type fakeGauge struct {
	mu  sync.Mutex // guards now
	now hardware.Battery
}

func (*fakeGauge) Info() hardware.ProbeInfo { return hardware.ProbeInfo{Model: "fake"} }

func (g *fakeGauge) Read(context.Context) hardware.Battery {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *fakeGauge) set(change func(b *hardware.Battery)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(&g.now)
}

// fakeSwitch notes what it is told, and fails or hangs when it is set to.
type fakeSwitch struct {
	mu    sync.Mutex // guards what follows
	told  []bool
	on    bool
	fail  error
	hang  bool
	check func(on bool) // called before it switches; may be nil
}

func (*fakeSwitch) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: "fake", Bus: "/sys/fake"}
}

func (s *fakeSwitch) Set(_ context.Context, on bool) error {
	s.mu.Lock()
	hang, check := s.hang, s.check
	s.mu.Unlock()
	if hang {
		time.Sleep(time.Hour) // heeds no context
	}
	if check != nil {
		check(on)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, on)
	if s.fail != nil {
		return s.fail
	}
	s.on = on
	return nil
}

func (s *fakeSwitch) set(change func(s *fakeSwitch)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *fakeSwitch) isOn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.on
}

// senses returns the records of devices, handling, batteries, probe changes and outputs as text.
func senses(records []*record.Record) []string {
	var out []string
	for _, r := range records {
		switch {
		case r.Device != nil:
			d := r.Device
			out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", d.Name, hardware.State(d.State), noneIsEmpty(d.Fault))))
		case r.Handling != nil:
			out = append(out, fmt.Sprintf("%s %v %d", hardware.HandlingKind(r.Handling.Kind), r.Handling.On, r.Handling.Value))
		case r.Battery != nil:
			out = append(out, strings.TrimSpace(fmt.Sprintf("battery %d %s %s", r.Battery.ChargePermille, hardware.PowerState(r.Battery.State), noneIsEmpty(r.Battery.Fault))))
		case r.Probe != nil:
			out = append(out, fmt.Sprintf("probe %d %s", r.Probe.Probe, hardware.Fault(r.Probe.Fault)))
		case r.Output != nil:
			out = append(out, fmt.Sprintf("%s %v", r.Output.Name, r.Output.On))
		}
	}
	return out
}

func noneIsEmpty(f record.Fault) string {
	if f == 0 {
		return ""
	}
	return hardware.Fault(f).String()
}

// only returns the texts that begin with a word.
func only(all []string, word string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !strings.HasPrefix(s, word+" ") })
}

func TestTracker_Devices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newEquipped(t, nil)
		gnss := b.devices.Monitor("gnss")
		gnss.Set(hardware.StateDown, hardware.NotFound, "", "no such device: plug it in") // before the box runs
		b.start()
		time.Sleep(time.Minute)
		for range 60 { // attempts to open a port that is not there
			gnss.Set(hardware.StateOpening, hardware.None, "", "")
			time.Sleep(500 * time.Millisecond)
			gnss.Set(hardware.StateDown, hardware.NotFound, "", "")
			time.Sleep(10 * time.Second)
		}
		gnss.Set(hardware.StateLive, hardware.None, "/dev/ttyUSB0", "")
		time.Sleep(time.Minute)
		gnss.Set(hardware.StateDown, hardware.Unplugged, "/dev/ttyUSB0", "unplugged")
		time.Sleep(time.Minute)
		gnss.Set(hardware.StateLive, hardware.None, "/dev/ttyUSB1", "")
		time.Sleep(time.Minute)
		synctest.Wait()
		s := b.tracker.Status()
		i := slices.IndexFunc(s.Devices, func(d tracker.DeviceStatus) bool { return d.Device == "gnss" })
		want := tracker.DeviceStatus{Device: "gnss", State: "live", Port: "/dev/ttyUSB1", SinceMS: s.NowMS - 60_000}
		if diff := cmp.Diff(want, s.Devices[i]); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		b.stop()
		records := senses(b.records())
		if diff := cmp.Diff([]string{"gnss down not_found", "gnss live", "gnss down unplugged", "gnss live"}, only(records, "gnss")); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"lid false 0", "lid live"}, only(records, "lid")); diff != "" {
			t.Errorf("records of the lid (-want +got):\n%s", diff)
		}
	})
}

// A plug that is loose for a day fills neither the journal nor memory, and its newest condition is told in a minute.
func TestTracker_Devices_flap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newEquipped(t, nil)
		probe := b.devices.Monitor("probe 0")
		b.start()
		for range 6 * 60 * 60 / 5 { // six hours
			probe.Set(hardware.StateLive, hardware.None, "/dev/ttyUSB0", "")
			time.Sleep(2500 * time.Millisecond)
			probe.Set(hardware.StateDown, hardware.Unplugged, "/dev/ttyUSB0", "")
			time.Sleep(2500 * time.Millisecond)
		}
		probe.Set(hardware.StateSilent, hardware.Timeout, "/dev/ttyUSB0", "")
		time.Sleep(61 * time.Second)
		synctest.Wait()
		s := b.tracker.Status()
		if i := slices.IndexFunc(s.Devices, func(d tracker.DeviceStatus) bool { return d.Device == "probe 0" }); s.Devices[i].Unrecorded < 8000 {
			t.Errorf("status: got %+v, want it to tell how many changes are not recorded", s.Devices[i])
		}
		b.stop()
		records := slices.DeleteFunc(senses(b.records()), func(s string) bool { return !strings.HasPrefix(s, "probe 0 ") })
		if n := len(records); n < 6*60-10 || n > 6*60+20 {
			t.Errorf("got %d records in 6 h, want about one a minute", n)
		}
		if last := records[len(records)-1]; last != "probe 0 silent timeout" {
			t.Errorf("last record: got %q", last)
		}
	})
}

func TestTracker_Handling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newEquipped(t, nil)
		b.start()
		time.Sleep(time.Minute)
		b.addAct(b.packAct())
		time.Sleep(time.Minute + 3*time.Second) // between two readings
		b.lid.open(true)
		synctest.Wait()
		if s := b.tracker.Status(); s.Flushed != s.Recorded || len(s.Handling) != 1 || !s.Handling[0].On || s.Handling[0].EventTimeMS != s.NowMS {
			t.Errorf("status with the lid open on the way: got %+v, want it on disk at once", s)
		}
		time.Sleep(time.Minute)
		b.lid.open(false)
		b.lid.open(false) // no news
		b.lid.events <- hardware.Handling{Kind: hardware.HandlingShock, On: true, Value: 4200}
		time.Sleep(time.Minute)
		close(b.lid.events) // it gives up, and again each time
		time.Sleep(time.Minute)
		b.stop()
		want := []string{"lid false 0", "lid true 0", "lid false 0", "shock true 4200"}
		got := slices.DeleteFunc(senses(b.records()), func(s string) bool {
			return !strings.HasPrefix(s, "lid f") && !strings.HasPrefix(s, "lid t") && !strings.HasPrefix(s, "shock")
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
	})
}

// A contact that chatters and a bad road are bounded; the strongest shock and the newest state stay.
func TestTracker_Handling_flood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newEquipped(t, nil)
		b.start()
		time.Sleep(time.Second)
		for i := range 36_000 { // an hour
			b.lid.open(i%2 == 0)
			shock := hardware.Handling{Kind: hardware.HandlingShock, On: true, Value: int32(1000 + i%7000)}
			if i == 12_345 {
				shock.Value = 9999
			}
			b.lid.events <- shock
			time.Sleep(100 * time.Millisecond)
		}
		b.lid.open(true)
		time.Sleep(10 * time.Minute)
		b.stop()
		got := senses(b.records())
		lids := slices.DeleteFunc(only(got, "lid"), func(s string) bool { return s == "lid live" })
		shocks := only(got, "shock")
		if len(lids) > 500 || len(shocks) > 500 || lids[len(lids)-1] != "lid true 0" {
			t.Errorf("got %d records of the lid, %d of shocks, last %q", len(lids), len(shocks), lids[len(lids)-1])
		}
		if !slices.Contains(shocks, "shock true 9999") {
			t.Errorf("the strongest shock is not recorded")
		}
	})
}

// TestTracker_Battery_tellsAgain is a gauge that says the same for two hours.
func TestTracker_Battery_tellsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newEquipped(t, nil)
		b.start()
		time.Sleep(2*time.Hour + 30*time.Second)
		synctest.Wait()
		b.stop()
		got := only(senses(b.records()), "battery")
		if n := len(got); n != 9 {
			t.Errorf("got %d records, want one at the start and one in 15 minutes: %v", n, got)
		}
	})
}

func TestTracker_Battery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newEquipped(t, nil)
		b.start()
		time.Sleep(time.Second)
		synctest.Wait()
		charge, volts := uint16(900), uint32(12_000)
		now := b.tracker.Status()
		want := &tracker.BatteryStatus{ChargePermille: &charge, State: "discharging", MilliVolts: &volts, EventTimeMS: now.NowMS - 1000}
		if diff := cmp.Diff(want, now.Battery); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		time.Sleep(30 * time.Second)
		for range 120 { // two hours, in which it loses 12 %
			b.gauge.set(func(b *hardware.Battery) { b.ChargePermille-- })
			time.Sleep(time.Minute)
		}
		b.gauge.set(func(b *hardware.Battery) { b.State = hardware.PowerCharging })
		time.Sleep(time.Minute)
		b.gauge.set(func(b *hardware.Battery) { b.State, b.Fault = hardware.PowerDischarging, hardware.BatteryLow })
		time.Sleep(time.Minute)
		synctest.Wait()
		b.gauge.set(func(b *hardware.Battery) { *b = hardware.Battery{ChargePermille: 2560} }) // 256 %, and no state: a broken driver
		time.Sleep(time.Minute)
		b.gauge.set(func(b *hardware.Battery) {
			*b = hardware.Battery{ChargePermille: hardware.ChargeUnknown, MilliVolts: hardware.VoltsUnknown, State: hardware.PowerUnknown, Fault: hardware.Unplugged}
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.tracker.Status().Battery; s.ChargePermille != nil || s.MilliVolts != nil || s.LeftS != nil || s.Fault != "unplugged" {
			t.Errorf("status of a gauge that is gone: got %+v", s)
		}
		b.stop()
		got := only(senses(b.records()), "battery")
		if n := len(got); n < 12 || n > 18 {
			t.Errorf("got %d records, want one in ten minutes and the changes of state: %v", n, got)
		}
		last := []string{"battery 780 charging", "battery 780 discharging battery_low", "battery 65535 unknown gauge_glitch", "battery 65535 unknown unplugged"}
		if diff := cmp.Diff(last, got[len(got)-4:]); diff != "" {
			t.Errorf("last records (-want +got):\n%s", diff)
		}
	})
}

// driver is a probe, a gauge and a sensor that breaks every promise.
type driver struct {
	panics bool
	calls  atomic.Int32
}

func (*driver) Info() hardware.ProbeInfo {
	return hardware.ProbeInfo{Model: strings.Repeat("\xff", 300)}
}

func (d *driver) breaks() {
	d.calls.Add(1)
	if d.panics {
		panic("index out of range")
	}
	time.Sleep(24 * time.Hour)
}

func (d *driver) Read(context.Context) hardware.Sample {
	d.breaks()
	return hardware.Sample{Temp: 85_000}
}

func (d *driver) Run(context.Context, func(hardware.Handling)) error {
	d.breaks()
	return nil
}

// badGauge is a driver that is asked for a battery.
type badGauge struct{ *driver }

func (g badGauge) Read(context.Context) hardware.Battery {
	g.breaks()
	return hardware.Battery{}
}

// A driver that hangs or panics takes neither the box nor the other drivers with it, nor does it pile up goroutines.
func TestTracker_brokenDrivers(t *testing.T) {
	for name, tt := range map[string]struct {
		panics bool
		fault  hardware.Fault
		calls  int32 // in an hour, at most
	}{"hang": {false, hardware.Timeout, 1}, "panic": {true, hardware.ParserPanic, 400}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newEquipped(t, nil)
				probe, sensor, gauge := &driver{panics: tt.panics}, &driver{panics: tt.panics}, &driver{panics: tt.panics}
				b.cfg.Probes = append(b.cfg.Probes, tracker.Probe{Place: "ambient", Device: probe})
				b.cfg.Handling = append(b.cfg.Handling, tracker.Handling{Device: sensor})
				b.cfg.Battery = badGauge{gauge}
				b.start()
				time.Sleep(time.Hour)
				synctest.Wait()
				s := b.tracker.Status()
				if got := s.Reading.Samples; len(got) != 3 || got[0].TempMC == nil || got[2].TempMC != nil || got[2].Fault != tt.fault.String() {
					t.Errorf("newest reading: got %+v", got)
				}
				if s.Battery == nil || s.Battery.Fault != tt.fault.String() || s.Battery.ChargePermille != nil {
					t.Errorf("battery: got %+v", s.Battery)
				}
				for _, d := range []*driver{probe, sensor, gauge} {
					if n := d.calls.Load(); n < 1 || n > tt.calls {
						t.Errorf("asked %d times in an hour, want at most %d", n, tt.calls)
					}
				}
				before := time.Now()
				b.stop()
				if d := time.Since(before); d > 10*time.Second {
					t.Errorf("stopped after %v", d)
				}
				for _, r := range ofKind(b.records(), record.KindReading) {
					if s := r.Reading.Samples; s[0].TempMC != 5000 || s[2].Fault != record.Fault(tt.fault) {
						t.Fatalf("reading: got %+v", s)
					}
				}
				time.Sleep(25 * time.Hour) // what hangs ends
			})
		})
	}
}
