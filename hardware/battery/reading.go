package battery

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/sysfs"
)

// reading holds the attributes of one look at a battery, in the kernel's units. What the battery does not give is not in
// numbers.
type reading struct {
	status  string
	numbers map[string]int64
}

// The attributes that are numbers: percent, µV, µAh, µA, µWh, µW, seconds.
const (
	capacity    = "capacity"
	voltage     = "voltage_now"
	chargeNow   = "charge_now"
	chargeFull  = "charge_full"
	current     = "current_now"
	energyNow   = "energy_now"
	energyFull  = "energy_full"
	power       = "power_now"
	timeToEmpty = "time_to_empty_now"
)

// attributes reads them. A battery need not have each, but must have its charge or its voltage.
func (s *Supply) attributes(ctx context.Context) (reading, error) {
	r := reading{numbers: map[string]int64{}}
	if err := s.check(ctx); err != nil {
		return r, err
	}
	var err error
	if r.status, err = s.dev.Read(ctx, filepath.Join(s.folder, "status")); err != nil && !sysfs.Absent(err) {
		return r, err
	}
	names := []string{capacity, voltage, chargeNow, chargeFull, energyNow, energyFull, current, power, timeToEmpty}
	for _, name := range names {
		v, err := s.dev.ReadInt(ctx, filepath.Join(s.folder, name))
		switch {
		case err == nil:
			r.numbers[name] = v
		case sysfs.Absent(err):
		case name == capacity || name == voltage || ctx.Err() != nil:
			return r, err
		default:
			// The others only help to tell how long it lasts, and many drivers can't read them at all times.
		}
	}
	if _, ok := r.numbers[voltage]; !ok {
		if _, ok := r.charge(); !ok {
			// A battery that was pulled out between two attributes looks like one that has none.
			if err := s.check(ctx); err != nil {
				return r, err
			}
			err := errors.New("it gives neither charge nor voltage")
			return r, s.fail(hardware.Unsupported, err)
		}
	}
	return r, nil
}

// check makes sure that there is a battery.
func (s *Supply) check(ctx context.Context) error {
	kind, err := s.dev.Read(ctx, filepath.Join(s.folder, "type"))
	if err != nil {
		return err // every supply has a type: without one there is no supply
	}
	if kind != "Battery" && kind != "UPS" {
		err := fmt.Errorf("its type is %.20q", kind)
		return s.fail(hardware.Unsupported, err)
	}
	present, err := s.dev.Read(ctx, filepath.Join(s.folder, "present"))
	if err != nil && !sysfs.Absent(err) {
		return err
	}
	if err == nil && present == "0" {
		return s.fail(hardware.Unplugged, errors.New("no battery is present"))
	}
	return nil
}

// charge returns the charge in permille, which may be impossible, and false when the battery does not give it. A driver
// that gives no percentage gives the charge and the full one; that is learned, so up to a tenth above is full.
func (r reading) charge() (int64, bool) {
	if v, ok := r.numbers[capacity]; ok {
		// Kept small enough for the product, and still impossible.
		return 10 * max(-1, min(v, 1_000_000)), true
	}
	for _, names := range [][2]string{{chargeNow, chargeFull}, {energyNow, energyFull}} {
		now, haveNow := r.numbers[names[0]]
		full, haveFull := r.numbers[names[1]]
		if !haveNow || !haveFull || full <= 0 || full > maxMicro || now > maxMicro {
			continue
		}
		if now < 0 {
			return -10, true
		}
		permille := 1000 * now / full
		if permille > 1000 && permille <= 1100 {
			permille = 1000
		}
		return permille, true
	}
	return 0, false
}

// maxMicro bounds the amounts that are counted with: 10,000 Ah.
const maxMicro = 10_000_000_000

// level checks the reading, whole. Its error says what no battery has.
func (r reading) level(minVolts, maxVolts uint32) (level, error) {
	l := level{hardware.ChargeUnknown, hardware.VoltsUnknown}
	if permille, ok := r.charge(); ok {
		if permille < 0 || permille > 1000 {
			return l, fmt.Errorf("it shows a charge of %d %%", permille/10)
		}
		l.charge = uint16(permille)
	}
	if micro, ok := r.numbers[voltage]; ok {
		if micro < int64(minVolts)*1000 || micro > int64(maxVolts)*1000 {
			return l, fmt.Errorf("it shows %d µV, which is not between %d and %d mV", micro, minVolts, maxVolts)
		}
		l.volts = uint32(micro / 1000)
	}
	return l, nil
}

// state maps the kernel's words. "Not charging" is on outside power and neither charging nor full, for which there is no
// word of ours.
func (r reading) state() hardware.PowerState {
	switch r.status {
	case "Discharging":
		return hardware.PowerDischarging
	case "Charging":
		return hardware.PowerCharging
	case "Full":
		return hardware.PowerFull
	}
	return hardware.PowerUnknown
}

const (
	// maxLeft bounds a time that is passed on: a battery that lasts a week at the present load is idle, and the figure
	// means nothing.
	maxLeft = 7 * 24 * time.Hour
	// register16 is all ones of a 16-bit register, in whole and in thousandths: no amount.
	register16 = 0xFFFF
)

// left returns how long the battery lasts, and 0 when that can't be told: amount over rate, or what the driver says.
func (r reading) left() time.Duration {
	for _, names := range [][2]string{{energyNow, power}, {chargeNow, current}} {
		amount, haveAmount := r.numbers[names[0]]
		rate, haveRate := r.numbers[names[1]]
		rate = absolute(rate) // some drivers give a current out of the battery as negative
		if !haveAmount || !haveRate || !sensible(amount) || !sensible(rate) {
			continue
		}
		return bounded(amount * 3600 / rate)
	}
	if seconds, ok := r.numbers[timeToEmpty]; ok && sensible(seconds) {
		return bounded(seconds)
	}
	return 0
}

func sensible(v int64) bool {
	return v > 0 && v <= maxMicro && v != register16 && v != register16*1000
}

func bounded(seconds int64) time.Duration {
	if seconds > int64(maxLeft/time.Second) {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
