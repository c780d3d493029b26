package trackerd

import (
	"fmt"
	"math"

	"isotherm/hardware"
	"isotherm/hardware/battery"
	"isotherm/hardware/handling"
	"isotherm/hardware/output"
	"isotherm/tracker"
)

// handlingDevice begins the names of handling sensors, for people.
const handlingDevice = "handling "

// openHandling prepares the sensors of handling.
func (d *devices) openHandling(cfg *Config) error {
	for i, h := range cfg.Handling {
		monitor := d.monitor(fmt.Sprintf("%s%d", handlingDevice, i))
		sensor, err := h.open(monitor, d)
		if err != nil {
			return fmt.Errorf("handling %d: %w", i, err)
		}
		d.equipment.Handling = append(d.equipment.Handling, tracker.Handling{Device: sensor, Monitor: monitor})
	}
	return nil
}

func (h *Handling) open(monitor *hardware.Monitor, d *devices) (hardware.HandlingSensor, error) {
	now := d.clock.Time
	switch {
	case h.Driver == driverXDR:
		return handling.NewXDR(handling.XDRConfig{Port: h.Path, Baud: h.Baud, Now: now, Monitor: monitor, Logger: d.log})
	case h.Driver == driverGPIO:
		return handling.NewGPIO(handling.GPIOConfig{Path: h.Path, ActiveLow: h.ActiveLow, Now: now, Monitor: monitor})
	case h.Kind == "light":
		return handling.NewIIOLight(handling.LightConfig{Name: h.Path, Bright: int32(math.Round(h.Threshold)), Now: now, Monitor: monitor})
	}
	return handling.NewIIOShock(handling.ShockConfig{Name: h.Path, Threshold: int32(math.Round(h.Threshold * 1000)), Now: now, Monitor: monitor})
}

// openBattery prepares the gauge.
func (d *devices) openBattery(cfg *Config) error {
	b := cfg.Battery
	if b == nil {
		return nil
	}
	monitor, now := d.monitor("battery"), d.clock.Time
	var err error
	switch b.Driver {
	case driverSupply:
		d.equipment.Battery, err = battery.NewSupply(battery.SupplyConfig{Name: b.Path, LowPermille: uint16(10 * b.LowPercent),
			MaxMilliVolts: uint32(b.Cells * cellMilliVolts), Now: now, Monitor: monitor})
	case driverMegatec:
		var ups *battery.Megatec
		ups, err = battery.NewMegatec(battery.MegatecConfig{Port: b.Path, Baud: b.Baud, Cells: b.Cells, Now: now, Monitor: monitor, Logger: d.log})
		if err == nil {
			d.equipment.Battery = ups
			d.closers = append(d.closers, ups)
		}
	}
	if err != nil {
		return fmt.Errorf("battery: %w", err)
	}
	if b.Throttled == "" {
		return nil
	}
	path := b.Throttled
	if path == throttledByChip {
		path = ""
	}
	d.equipment.Battery, err = battery.NewThrottled(battery.ThrottledConfig{Gauge: d.equipment.Battery, Path: path, Now: now, Monitor: d.monitor("supply")})
	if err != nil {
		return fmt.Errorf("battery: %w", err)
	}
	return nil
}

// throttledByChip names the kernel's own undervoltage chip of a Raspberry Pi, which has no fixed path.
const throttledByChip = "rpi_volt"

// openOutputs prepares what the box switches. Nothing is switched yet.
func (d *devices) openOutputs(cfg *Config) error {
	for i, o := range cfg.Output {
		monitor := d.monitor(fmt.Sprintf("%s output %d", o.Name, i))
		device, err := o.open(monitor)
		if err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
		d.equipment.Outputs = append(d.equipment.Outputs, tracker.Output{Name: o.Name, Device: device, Monitor: monitor})
	}
	return nil
}

func (o *Output) open(monitor *hardware.Monitor) (hardware.Switch, error) {
	switch o.Driver {
	case driverLED:
		return output.NewLED(output.LEDConfig{Name: o.Path, Monitor: monitor})
	case driverGPIO:
		return output.NewGPIO(output.GPIOConfig{Path: o.Path, ActiveLow: o.ActiveLow, Monitor: monitor})
	case driverRFKill:
		return output.NewRFKill(output.RFKillConfig{Name: o.Path, Monitor: monitor})
	}
	return output.NewCommand(output.CommandConfig{Argv: o.Command, Monitor: monitor})
}
