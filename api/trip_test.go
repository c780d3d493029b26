package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/api/contract"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// TestShipment_events shows to people what a box noticed, and only what it noticed while the organ was in it.
func TestShipment_events(t *testing.T) {
	f := newFixture(t)
	coordinator, _ := f.enrol("Coordinator", "OPO", entry.RoleCoordinator)
	b := newBox(t, "box")
	f.enrolBox(b)
	b.add(record.Record{Kind: record.KindHandling, Handling: &record.Handling{Kind: 3, On: true, Value: 9000}}) // before packing
	s := &shipment{f: f, id: ledger.NewShipmentID()}
	s.act(custody.Statement{Kind: custody.Open, Organ: custody.Kidney, Side: custody.SideLeft, From: "OPO", Dest: "Center"}, coordinator)
	s.act(custody.Statement{Kind: custody.Pack, Organ: custody.Kidney, Side: custody.SideLeft, Box: b.id(), Head: b.head(b.size()),
		Profile: profile.Defaults()[0].Marshal(), ColdMS: b.wall}, coordinator)
	from := b.wall + int64(b.size())*10_000
	b.read(1, 5000)
	b.add(record.Record{Kind: record.KindHandling, Handling: &record.Handling{Kind: 1, On: true}})
	b.add(record.Record{Kind: record.KindHandling, Handling: &record.Handling{Kind: 1}})
	b.add(record.Record{Kind: record.KindProbeChange, Probe: &record.ProbeChange{Fault: 81}})
	b.add(record.Record{Kind: record.KindDevice, Device: &record.Device{Name: "gnss", State: 1, Fault: 5, Port: "/dev/ttyUSB0"}})
	b.add(record.Record{Kind: record.KindBattery, Battery: &record.Battery{ChargePermille: 870, MilliVolts: record.MilliVoltsUnknown, State: 2, LeftS: 68_400}})
	b.add(record.Record{Kind: record.KindReading, Reading: &record.Reading{Samples: []record.Sample{{TempMC: 5000}}, FixFault: 48,
		Fix: &record.Fix{LatE7: 1, LonE7: 2, Quality: 1, Satellites: 9, HDOPx100: 90}}})
	f.sync(b, 0)

	got, err := coordinator.Shipment(t.Context(), s.id)
	if err != nil || got.Trip == nil {
		t.Fatalf("no trip: %v", err)
	}
	at := func(n int64) int64 { return from + n*10_000 }
	zero, charge := 0, 870
	want := []contract.BoxEvent{
		{Kind: "lid", FromMS: at(1), ToMS: at(2), Ended: true, Text: "lid open"},
		{Kind: "probe", FromMS: at(3), ToMS: at(6), Text: "probe 0 (organ): value stuck, values kept", Probe: &zero, Fault: 81},
		{Kind: "device", FromMS: at(4), ToMS: at(6), Text: "satellite receiver: unplugged", Name: "gnss", Fault: 5},
	}
	if d := cmp.Diff(want, got.Trip.Events); d != "" {
		t.Errorf("events: %s", d)
	}
	power := &contract.BoxBattery{AtMS: at(5), Text: "87 %, about 19 h", ChargePermille: &charge, LeftS: 68_400}
	if d := cmp.Diff(power, got.Trip.Battery); d != "" {
		t.Errorf("battery: %s", d)
	}
	if got.Progress.Newest != nil {
		t.Errorf("a position that jumped is told as the newest: %v", got.Progress.Newest)
	}
}
