package journey

import (
	"time"

	"isotherm/hardware"
	"isotherm/ledger/record"
)

// simSenses are the devices of a simBox beside its probes, and what fails of them.
type simSenses struct {
	battery  simBattery
	noFix    bool         // the receiver has no position
	airFault record.Fault // why the probe in the air has no value, or what speaks against it
}

// simBattery is a battery that falls evenly, from what it holds when the box is switched on.
type simBattery struct {
	permille int           // when the box is switched on
	lasts    time.Duration // from full to empty
	told     uint16        // newest that was recorded
}

// What a simBattery shows: that of a lead battery of 12 V. It is never quite empty, for its box goes on.
const (
	fullMV, emptyMV = 12_800, 11_200
	lowPermille     = 200 // trackerd's default
	leastPermille   = 10
)

// after returns what the gauge shows so long after the box was switched on.
func (b *simBattery) after(d time.Duration) *record.Battery {
	permille := max(b.permille-int(1000*d/b.lasts), leastPermille)
	out := &record.Battery{ChargePermille: uint16(permille), MilliVolts: uint32(emptyMV + (fullMV-emptyMV)*permille/1000),
		State: uint8(hardware.PowerDischarging), LeftS: uint32(b.lasts / time.Second * time.Duration(permille) / 1000)}
	if permille < lowPermille {
		out.Fault = record.Fault(hardware.BatteryLow)
	}
	return out
}

// gauge records the battery as a box does: when a hundredth of it is gone.
func (b *simBox) gauge() error {
	now := b.senses.battery.after(b.at.Sub(b.start))
	told := &b.senses.battery.told
	if *told != 0 && *told-now.ChargePermille < 10 && (*told < lowPermille) == (now.ChargePermille < lowPermille) {
		return nil
	}
	*told = now.ChargePermille
	return b.add(record.Record{Kind: record.KindBattery, Battery: now})
}

// fail takes from a reading what the devices don't give.
func (s *simSenses) fail(r *record.Reading) {
	if s.noFix {
		r.Fix, r.FixFault = nil, record.Fault(hardware.NoFix)
	}
	if s.airFault != 0 {
		r.Samples[1] = record.Sample{Probe: 1, Fault: s.airFault}
	}
}

// notice records what the box's devices tell of, and lets the readings that follow be so.
func (b *simBox) notice(r record.Record) error {
	switch {
	case r.Device != nil:
		b.senses.noFix = r.Device.State != uint8(hardware.StateLive)
	case r.Probe != nil:
		b.senses.airFault = r.Probe.Fault
	}
	return b.add(r)
}

func radio(on bool) record.Record {
	return record.Record{Kind: record.KindOutput, Output: &record.Output{Name: "radio", On: on}}
}

func lid(open bool) record.Record {
	return record.Record{Kind: record.KindHandling, Handling: &record.Handling{Kind: uint8(hardware.HandlingLid), On: open}}
}

// blow is a shock; mg is its peak in thousandths of g.
func blow(mg int32) record.Record {
	return record.Record{Kind: record.KindHandling, Handling: &record.Handling{Kind: uint8(hardware.HandlingShock), On: true, Value: mg}}
}

// receiver finds or loses its position.
func receiver(fix bool) record.Record {
	d := &record.Device{Name: "gnss", State: uint8(hardware.StateLive)}
	if !fix {
		d.State, d.Fault = uint8(hardware.StateNoFix), record.Fault(hardware.NoFix)
	}
	return record.Record{Kind: record.KindDevice, Device: d}
}

// airFails says why the probe in the air has no value; zero: it has one again.
func airFails(f hardware.Fault) record.Record {
	return record.Record{Kind: record.KindProbeChange, Probe: &record.ProbeChange{Probe: 1, Fault: record.Fault(f)}}
}
