package record

import (
	"errors"
	"fmt"

	"isotherm/ledger/cbor"
)

// Values of a Battery that its gauge did not give. They are those of hardware.Battery.
const (
	ChargeUnknown     uint16 = 0xFFFF
	MilliVoltsUnknown uint32 = 0xFFFF_FFFF
)

// maxCharge is a full battery, in thousandths. A gauge that shows more is broken, and the box says so with a fault.
const maxCharge = 1000

// Device says how one of the box's devices stands from this record on: a receiver, a probe's port, a gauge, a switch.
type Device struct {
	Name  string // its name in the box's configuration: 'gnss', 'probe 0', 'battery'
	State uint8  // by the numbers of hardware.State, never zero
	Fault Fault  // why it is not live; zero when it is, or while it opens
	Port  string // the port it is or was last open at, empty when it has none
}

// Handling says what was done to the box: its lid opened or closed, light got in or went, it was struck.
type Handling struct {
	Kind  uint8 // by the numbers of hardware.HandlingKind, never zero
	On    bool  // open, bright, struck
	Value int32 // lux, or thousandths of g; 0 for a lid
}

// Battery is what the gauge of the box's battery said.
type Battery struct {
	ChargePermille uint16 // 0 to 1000, or ChargeUnknown
	MilliVolts     uint32 // or MilliVoltsUnknown
	State          uint8  // by the numbers of hardware.PowerState, never zero
	LeftS          uint32 // seconds until it is empty at the present load, as the gauge says; 0 when it does not
	Fault          Fault  // why values are missing, or what speaks against the battery (low, undervoltage)
}

// Point is one line of a probe's calibration certificate.
type Point struct {
	ReferenceMC int32 // what the laboratory's standard showed, milli-°C
	IndicatedMC int32 // what the probe showed
}

// check refuses what the format has no place for.
func (r *Device) check() error {
	if r.State == 0 {
		return errors.New("device without a state")
	}
	return nil
}

func (r *Handling) check() error {
	if r.Kind == 0 {
		return errors.New("handling without a kind")
	}
	return nil
}

func (r *Battery) check() error {
	if r.State == 0 {
		return errors.New("battery without a state")
	}
	if r.ChargePermille > maxCharge && r.ChargePermille != ChargeUnknown {
		return fmt.Errorf("battery with %d permille of charge", r.ChargePermille)
	}
	return nil
}

// checkPoints refuses a curve that does not give every indicated value exactly one corrected one, in the same order.
func checkPoints(points []Point) error {
	if len(points) > MaxPoints {
		return fmt.Errorf("%d calibration points, at most %d are allowed", len(points), MaxPoints)
	}
	for i := 1; i < len(points); i++ {
		if points[i].IndicatedMC <= points[i-1].IndicatedMC || points[i].ReferenceMC <= points[i-1].ReferenceMC {
			return fmt.Errorf("calibration point %d is not above the one before", i)
		}
	}
	return nil
}

func (r *Device) append(b []byte) []byte {
	b = cbor.AppendText(cbor.AppendArray(b, 4), r.Name)
	b = cbor.AppendUint(b, uint64(r.State))
	b = cbor.AppendUint(b, uint64(r.Fault))
	return cbor.AppendText(b, r.Port)
}

func (r *Handling) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 3), uint64(r.Kind))
	return cbor.AppendInt(cbor.AppendBool(b, r.On), int64(r.Value))
}

func (r *Battery) append(b []byte) []byte {
	return appendUints(b, uint64(r.ChargePermille), uint64(r.MilliVolts), uint64(r.State), uint64(r.LeftS), uint64(r.Fault))
}

func appendPoints(b []byte, points []Point) []byte {
	b = cbor.AppendArray(b, len(points))
	for _, p := range points {
		b = cbor.AppendInt(cbor.AppendArray(b, 2), int64(p.ReferenceMC))
		b = cbor.AppendInt(b, int64(p.IndicatedMC))
	}
	return b
}

func parseDevice(d *cbor.Decoder) *Device {
	d.ArrayOf(4)
	return &Device{Name: d.Text(maxText), State: uint8(d.UintMax(255)), Fault: Fault(d.UintMax(1<<16 - 1)), Port: d.Text(maxText)}
}

func parseHandling(d *cbor.Decoder) *Handling {
	d.ArrayOf(3)
	return &Handling{Kind: uint8(d.UintMax(255)), On: d.Bool(), Value: d.Int32()}
}

func parseBattery(d *cbor.Decoder) *Battery {
	d.ArrayOf(5)
	return &Battery{ChargePermille: uint16(d.UintMax(1<<16 - 1)), MilliVolts: uint32(d.UintMax(1<<32 - 1)), State: uint8(d.UintMax(255)),
		LeftS: uint32(d.UintMax(1<<32 - 1)), Fault: Fault(d.UintMax(1<<16 - 1))}
}

func parsePoints(d *cbor.Decoder) []Point {
	var points []Point
	for range d.Array(MaxPoints) {
		d.ArrayOf(2)
		points = append(points, Point{ReferenceMC: d.Int32(), IndicatedMC: d.Int32()})
	}
	return points
}
