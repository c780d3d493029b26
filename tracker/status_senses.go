package tracker

import (
	"time"

	"isotherm/hardware"
	"isotherm/ledger/record"
)

// Senses is what the box knows of its equipment.
type Senses struct {
	// Radio off: nothing is sent until it is switched on, or the box is started anew. It is on as long as a radio may send
	// that could not be switched off; RadioProblem says so.
	Radio        bool             `json:"radio"`
	RadioProblem string           `json:"radio_problem,omitempty"`
	Battery      *BatteryStatus   `json:"battery,omitempty"`  // absent without a gauge, and until it was read
	Receiver     *ReceiverStatus  `json:"receiver,omitempty"` // absent without one, and until it said something
	Devices      []DeviceStatus   `json:"devices"`
	Handling     []HandlingStatus `json:"handling"`             // the newest of each kind
	ClockStep    *ClockStepStatus `json:"clock_step,omitempty"` // absent when the wall clock was never set while the box ran
}

// BatteryStatus is what the gauge last said. What it does not know is absent.
type BatteryStatus struct {
	ChargePermille *uint16 `json:"charge_permille,omitempty"`
	State          string  `json:"state"`
	LeftS          *int64  `json:"left_s,omitempty"`
	MilliVolts     *uint32 `json:"millivolts,omitempty"`
	Fault          string  `json:"fault,omitempty"`
	Detail         string  `json:"detail,omitempty"` // for a person: what, where, what to do
	EventTimeMS    int64   `json:"event_time_ms"`
}

// ReceiverStatus is what the receiver said last.
type ReceiverStatus struct {
	Baud        int    `json:"baud"`
	Sentence    string `json:"sentence"`
	Sentences   uint64 `json:"sentences"` // good ones since the program was started
	EventTimeMS int64  `json:"event_time_ms"`
}

// DeviceStatus is how a device stands.
type DeviceStatus struct {
	Device     string `json:"device"`
	State      string `json:"state"`
	Fault      string `json:"fault,omitempty"`
	SinceMS    int64  `json:"since_ms"`
	Port       string `json:"port,omitempty"`
	Detail     string `json:"detail,omitempty"`     // for a person: what, where, what to do
	Unrecorded int    `json:"unrecorded,omitempty"` // changes that were too many for the journal
}

// HandlingStatus is what was last done to the box.
type HandlingStatus struct {
	Kind        string `json:"kind"`
	On          bool   `json:"on"`    // open, bright, struck
	Value       int32  `json:"value"` // lux, or thousandths of g
	EventTimeMS int64  `json:"event_time_ms"`
}

// ClockStepStatus tells that the wall clock was set while the box ran.
type ClockStepStatus struct {
	EventTimeMS int64 `json:"event_time_ms"` // after it
	StepMS      int64 `json:"step_ms"`       // above zero: forward
	Count       int   `json:"count"`         // since the program was started
}

func (t *Tracker) senses(now record.Stamp) Senses {
	out := Senses{Devices: []DeviceStatus{}, Handling: []HandlingStatus{}}
	out.Radio, out.RadioProblem = t.radio.state()
	if b, at, ok := t.battery.status(); ok {
		out.Battery = batteryStatus(b, at)
	}
	wall := t.cfg.Clock.Time()
	if t.cfg.Heard != nil {
		if h := t.cfg.Heard(); !h.At.IsZero() {
			out.Receiver = &ReceiverStatus{Baud: h.Baud, Sentence: h.Sentence, Sentences: h.Sentences, EventTimeMS: placed(h.At, now, wall)}
		}
	}
	for _, d := range t.cfg.Devices.conditions() {
		out.Devices = append(out.Devices, deviceStatus(d, now, wall))
	}
	for _, h := range t.handling.status() {
		out.Handling = append(out.Handling, HandlingStatus{Kind: h.Kind.String(), On: h.On, Value: h.Value, EventTimeMS: h.at.WallMS})
	}
	if c, ok := t.cfg.Clock.(stepper); ok {
		if s := c.Stepped(); s.Count > 0 {
			out.ClockStep = &ClockStepStatus{EventTimeMS: s.At.WallMS, StepMS: s.Step.Milliseconds(), Count: s.Count}
		}
	}
	return out
}

func batteryStatus(b hardware.Battery, at record.Stamp) *BatteryStatus {
	r := batteryRecord(b).Battery
	out := &BatteryStatus{State: hardware.PowerState(r.State).String(), Detail: b.Detail, EventTimeMS: at.WallMS}
	if r.ChargePermille != record.ChargeUnknown {
		out.ChargePermille = &r.ChargePermille
	}
	if r.MilliVolts != record.MilliVoltsUnknown {
		out.MilliVolts = &r.MilliVolts
	}
	if left := int64(r.LeftS); left > 0 {
		out.LeftS = &left
	}
	if r.Fault != 0 {
		out.Fault = hardware.Fault(r.Fault).String()
	}
	return out
}

// placed returns a driver's time in the time of records: drivers stamp with the system's wall clock, which may not be the
// one that records carry.
func placed(at time.Time, now record.Stamp, wall time.Time) int64 {
	return now.WallMS - max(wall.Sub(at), 0).Milliseconds()
}

func deviceStatus(d device, now record.Stamp, wall time.Time) DeviceStatus {
	c := d.newest
	out := DeviceStatus{Device: c.Device, State: c.State.String(), Port: c.Port, Detail: c.Detail,
		SinceMS: placed(c.Since, now, wall), Unrecorded: d.unrecorded}
	if c.Fault != hardware.None {
		out.Fault = c.Fault.String()
	}
	return out
}
