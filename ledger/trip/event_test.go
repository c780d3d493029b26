package trip_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/record"
	"isotherm/ledger/trip"
)

func device(name string, state uint8, fault record.Fault) record.Record {
	return record.Record{Kind: record.KindDevice, Device: &record.Device{Name: name, State: state, Fault: fault}}
}

func handling(kind uint8, on bool, value int32) record.Record {
	return record.Record{Kind: record.KindHandling, Handling: &record.Handling{Kind: kind, On: on, Value: value}}
}

func probeChange(fault record.Fault) record.Record {
	return record.Record{Kind: record.KindProbeChange, Probe: &record.ProbeChange{Probe: 1, Fault: fault}}
}

func battery(permille uint16, state uint8, leftS uint32, fault record.Fault) record.Record {
	return record.Record{Kind: record.KindBattery, Battery: &record.Battery{ChargePermille: permille, MilliVolts: 3900, State: state, LeftS: leftS, Fault: fault}}
}

// volts is a gauge that knows no charge; of mv 0 not even the voltage.
func volts(mv uint32, state uint8, leftS uint32, fault record.Fault) record.Record {
	b := &record.Battery{ChargePermille: record.ChargeUnknown, MilliVolts: mv, State: state, LeftS: leftS, Fault: fault}
	if mv == 0 {
		b.MilliVolts = record.MilliVoltsUnknown
	}
	return record.Record{Kind: record.KindBattery, Battery: b}
}

func noticed(a *trip.Assessment) []string {
	var out []string
	for _, x := range a.Events {
		end := fmt.Sprintf("to %d s", x.To.TripMS/1000)
		if !x.Ended {
			end = fmt.Sprintf("still at %d s", x.To.TripMS/1000)
		}
		out = append(out, fmt.Sprintf("%s: %s from %d s %s", x.Kind, x.Text(), x.From.TripMS/1000, end))
	}
	return out
}

// Records lie 10 s apart; the trip begins with the first after the boot record.
func TestAssess_events(t *testing.T) {
	tests := []struct {
		name    string
		records []record.Record
		want    []string
	}{
		{"nothing", nil, nil},
		{"lid", []record.Record{handling(1, false, 0), handling(1, true, 0), handling(1, false, 0)}, []string{"lid: lid open from 20 s to 30 s"}},
		{"lid stays open", []record.Record{handling(1, true, 0)}, []string{"lid: lid open from 10 s still at 20 s"}},
		{"light gets brighter", []record.Record{handling(2, true, 80), handling(2, true, 320), handling(2, false, 2)}, []string{"light: light inside, 320 lux from 10 s to 30 s"}},
		{"light through an open lid", []record.Record{handling(1, true, 0), handling(2, true, 80), handling(1, false, 0), handling(2, false, 0)},
			[]string{"lid: lid open from 10 s to 30 s", "light: light inside, 80 lux from 20 s to 40 s"}},
		{"shocks", []record.Record{handling(3, true, 2500), handling(3, true, 4350), handling(3, false, 0), handling(1, false, 0), handling(3, true, 3000)},
			[]string{"shock: shock, 4.3 g from 10 s to 20 s", "shock: shock, 3.0 g from 50 s to 50 s"}},
		{"handling of a later version", []record.Record{handling(99, true, 7)}, nil},
		{"opening and live say nothing", []record.Record{device("gnss", 2, 0), device("gnss", 6, 0)}, nil},
		{"unplugged", []record.Record{device("gnss", 1, 5), device("gnss", 1, 1), device("gnss", 2, 0), device("gnss", 6, 0)},
			[]string{"device: satellite receiver: unplugged from 10 s to 40 s"}},
		{"not tried yet, then a reason", []record.Record{device("battery", 1, 0), device("battery", 1, 3)},
			[]string{"device: battery gauge: no permission to open it from 20 s still at 30 s"}},
		{"stale, then a reason", []record.Record{device("lid", 7, 0), device("lid", 3, 8)}, []string{"device: lid: sends nothing from 10 s still at 30 s"}},
		{"two devices", []record.Record{device("gnss", 3, 8), device("probe 0", 4, 24), device("gnss", 6, 0)},
			[]string{"device: satellite receiver: sends nothing from 10 s to 30 s", "device: probe 0: damaged data from 20 s still at 40 s"}},
		{"devices of which there are several", []record.Record{device("line 1", 3, 8), device("handling 0", 1, 5)},
			[]string{"device: probe line 1: sends nothing from 10 s still at 30 s", "device: handling sensor 0: unplugged from 20 s still at 30 s"}},
		{"no position for a bridge", []record.Record{device("gnss", 5, 40), device("gnss", 6, 0)}, nil},
		{"a state of a later version", []record.Record{device("gnss", 99, 0)}, []string{"device: satellite receiver: not live from 10 s still at 20 s"}},
		{"probe doubted, then lost", []record.Record{probeChange(81), probeChange(60), probeChange(0)},
			[]string{"probe: probe 1 (organ): value stuck, values kept from 10 s to 20 s", "probe: probe 1 (organ): no answer in time from 20 s to 30 s"}},
		{"battery low", []record.Record{battery(300, 2, 0, 0), battery(90, 2, 0, 90), battery(80, 2, 0, 90), battery(100, 3, 0, 0)},
			[]string{"battery: box battery low from 20 s to 40 s"}},
		{"gauge", []record.Record{battery(record.ChargeUnknown, 1, 0, 92)}, []string{"battery: box battery: gauge shows the impossible from 10 s still at 20 s"}},
		{"radio", []record.Record{radio(true), radio(false), radio(true)}, []string{"output: radio off from 20 s to 30 s"}},
		{"alarm", []record.Record{{Kind: record.KindOutput, Output: &record.Output{Name: "alarm", On: true}}}, []string{"output: alarm on from 10 s still at 20 s"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i := new(box).open()
			i.add(handling(1, true, 0)) // before packing: another trip's
			i.read(1, 5000)             // trip time 0 s
			for _, r := range tt.records {
				i.add(r)
			}
			i.read(1, 5000)
			i.add(handling(1, true, 0)) // after receipt
			a := assess(t, acts(t, open(), pack(i.head(t, 2)), receive(i.head(t, len(i.Records)-1))), i.Journal)
			if d := cmp.Diff(tt.want, noticed(a)); d != "" {
				t.Error(d)
			}
		})
	}
}

// What went on when a box restarted is not known to go on.
func TestAssess_eventsRestart(t *testing.T) {
	var b box
	one := b.open()
	one.read(1, 5000)
	one.add(handling(1, true, 0))
	two := b.open()
	two.add(handling(1, false, 0))
	two.add(handling(1, true, 0))
	two.read(40, 5000)
	a := assess(t, acts(t, open(), pack(one.head(t, 1))), one.Journal, two.Journal)
	want := []string{"lid: lid open from 10 s still at 10 s", "lid: lid open from 40 s still at 440 s"}
	if d := cmp.Diff(want, noticed(a)); d != "" {
		t.Error(d)
	}
}

// A receiver that has had no position for long is told of.
func TestAssess_eventsNoFix(t *testing.T) {
	i := new(box).open()
	i.add(device("gnss", 5, 40))
	i.read(30, 5000)
	i.add(device("gnss", 3, 8))
	i.read(1, 5000)
	a := assess(t, acts(t, open(), pack(i.head(t, 1))), i.Journal)
	want := []string{"device: satellite receiver: no position from 0 s to 310 s", "device: satellite receiver: sends nothing from 310 s still at 320 s"}
	if d := cmp.Diff(want, noticed(a)); d != "" {
		t.Error(d)
	}
}

// A loose contact, or a box that lies, fills no node's memory.
func TestAssess_eventsLimit(t *testing.T) {
	i := new(box).open()
	for n := range 200 {
		i.add(device(fmt.Sprintf("device %d", n), 1, 1))
	}
	for range 1500 {
		i.add(handling(1, true, 0))
		i.add(handling(1, false, 0))
	}
	for n := range 64 {
		i.add(device(fmt.Sprintf("device %d", n), 6, 0))
	}
	for range 1500 {
		i.add(handling(1, true, 0))
		i.add(handling(1, false, 0))
	}
	a := assess(t, acts(t, open(), pack(i.head(t, 1))), i.Journal)
	if got, want := len(a.Events), 1000; got != want {
		t.Errorf("events: got %d, want %d", got, want)
	}
	if got, want := a.LeftOut, 200+3000-1000; got != want {
		t.Errorf("left out: got %d, want %d", got, want)
	}
}

func TestPower_Text(t *testing.T) {
	tests := []struct {
		record.Record
		want string
	}{
		{battery(870, 2, 68_400, 0), "87 %, about 19 h"},
		{battery(866, 2, 0, 0), "87 %"},
		{battery(90, 2, 2700, 90), "9 %, about 45 min"},
		{battery(90, 2, 7199, 0), "9 %, about 1 h 59 min"},
		{battery(1000, 4, 0, 0), "100 %, on outside power"},
		{battery(400, 3, 9000, 0), "40 %, charging"},
		{battery(0, 1, 0, 0), "0 %"},
		{volts(0, 1, 0, 0), "charge not known"},
		{volts(0, 2, 7200, 91), "charge not known, about 2 h"},
		{volts(0, 1, 0, 60), "no answer in time"},
		{volts(12_780, 2, 0, 0), "12.8 V"},
		{volts(3_050, 3, 0, 0), "3.1 V, charging"},
	}
	for _, tt := range tests {
		i := new(box).open()
		i.read(1, 5000)
		i.add(tt.Record)
		a := assess(t, acts(t, open(), pack(i.head(t, 1))), i.Journal)
		if a.Power == nil || a.Power.Text() != tt.want {
			t.Errorf("got %v, want %s", a.Power, tt.want)
		}
	}
}
