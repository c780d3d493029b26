package trackerd

import (
	"errors"
	"fmt"
)

// Handling is a sensor of what is done to the box.
type Handling struct {
	Port
	// Kind is lid, light or shock; with the driver xdr the device itself says, and none is given. Required with the others.
	Kind string `toml:"kind"`
	// Driver is gpio (a contact: a file that holds 0 or 1), iio (a light sensor or accelerometer of the kernel's) or xdr (a
	// microcontroller that sends NMEA XDR sentences on a serial port). Required.
	Driver string `toml:"driver"`
	// ActiveLow says that a contact's 0 means open. Default false.
	ActiveLow bool `toml:"active_low"`
	// Threshold is what counts as bright, in lux, or as a shock, in g. Default: the driver's.
	Threshold float64 `toml:"threshold"`
}

// check names what is missing or can't be.
func (h *Handling) check() error {
	switch h.Driver {
	case driverXDR:
		if h.Kind != "" || h.ActiveLow || h.Threshold != 0 {
			return errors.New("kind, active_low and threshold are not for the driver xdr: the device says what it noticed")
		}
		return h.Port.check()
	case driverGPIO:
		if h.Kind != "lid" {
			return fmt.Errorf("kind is %.20q, want lid with the driver gpio", h.Kind)
		}
	case driverIIO:
		if h.Kind != "light" && h.Kind != "shock" {
			return fmt.Errorf("kind is %.20q, want light or shock with the driver iio", h.Kind)
		}
	default:
		return fmt.Errorf("driver is %.20q, want gpio, iio or xdr", h.Driver)
	}
	if low := map[string]float64{"light": 1, "shock": 0.1}[h.Kind]; h.Threshold != 0 && !(h.Threshold >= low && h.Threshold <= maxThreshold) {
		return fmt.Errorf("threshold is %v, want %v to %v", h.Threshold, low, maxThreshold)
	}
	return h.checkName()
}

// maxThreshold is above full sunlight, in lux, and above what breaks a box, in g.
const maxThreshold = 100_000

// Battery is the gauge of the box's battery; without the table the box has none.
type Battery struct {
	Port
	// Driver is supply (the kernel's power_supply class) or megatec (an uninterruptible supply on a serial port). Required.
	Driver string `toml:"driver"`
	// LowPercent is the charge below which the battery counts as low. Default 15.
	LowPercent int `toml:"low_percent"`
	// Cells is how many lithium cells the battery has in series: of more than 4.5 V a cell the supply driver believes nothing. Of an
	// uninterruptible supply that tells the voltage of one cell it is how many there are. Default: not known.
	Cells int `toml:"cells"`
	// Throttled is the file in which a Raspberry Pi says that its supply is too weak (get_throttled), or rpi_volt for the
	// kernel's own warning. Default: none is read.
	Throttled string `toml:"throttled"`
}

const (
	maxCells       = 100   // of a battery; no box carries 400 V
	cellMilliVolts = 4_500 // above what any lithium cell is charged to
)

// check names what is missing or can't be.
func (b *Battery) check() error {
	if b.LowPercent < 0 || b.LowPercent > 90 {
		return fmt.Errorf("low_percent is %d, want 1 to 90", b.LowPercent)
	}
	if b.Cells < 0 || b.Cells > maxCells {
		return fmt.Errorf("cells is %d, want 1 to %d", b.Cells, maxCells)
	}
	switch b.Driver {
	case driverSupply:
		return b.checkName()
	case driverMegatec:
		return b.Port.check()
	}
	return fmt.Errorf("driver is %.20q, want supply or megatec", b.Driver)
}

// Output is something the box switches.
type Output struct {
	// Name is alarm (a light or buzzer that follows the alarm) or radio (the modem). Required. Several of a name are switched
	// together.
	Name string `toml:"name"`
	// Driver is led, gpio, rfkill or command. Required.
	Driver string `toml:"driver"`
	// Path is the name of the LED below /sys/class/leds, the file of the GPIO, or the rfkill switch by name or type (rfkill0,
	// phy0, wwan). Required, not with command.
	Path string `toml:"path"`
	// Command is a program with its arguments, in which {state} becomes on or off. It is run without a shell, as the box's user.
	// Required with the driver command. Trusted: it runs with all that the box may do.
	Command []string `toml:"command"`
	// ActiveLow says that a GPIO's 0 is on. Default false.
	ActiveLow bool `toml:"active_low"`
}

// check names what is missing or can't be.
func (o *Output) check() error {
	if o.Name != "alarm" && o.Name != "radio" {
		return fmt.Errorf("name is %.20q, want alarm or radio", o.Name)
	}
	if o.ActiveLow && o.Driver != driverGPIO {
		return errors.New("active_low is for the driver gpio")
	}
	switch o.Driver {
	case driverLED, driverGPIO, driverRFKill:
		if o.Path == "" || len(o.Command) > 0 {
			return fmt.Errorf("the driver %s needs path, and no command", o.Driver)
		}
		return nil
	case driverCommand:
		if len(o.Command) == 0 || o.Path != "" {
			return errors.New("the driver command needs command, and no path")
		}
		return nil
	}
	return fmt.Errorf("driver is %.20q, want led, gpio, rfkill or command", o.Driver)
}
