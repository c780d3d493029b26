package trackerd

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/pelletier/go-toml/v2"

	"isotherm/hardware"
	"isotherm/hardware/ascii"
	"isotherm/hardware/modbus"
	"isotherm/hardware/onewire"
	"isotherm/hardware/serial"
)

// Drivers, as configurations name them.
const (
	driverModbus  = "modbus"
	driverOneWire = "onewire"
	driverW1      = "w1"
	driverASCII   = "ascii"
	driverXDR     = "xdr"
	driverGPIO    = "gpio"
	driverIIO     = "iio"
	driverSupply  = "supply"
	driverMegatec = "megatec"
	driverLED     = "led"
	driverRFKill  = "rfkill"
	driverCommand = "command"
)

// Port is a serial port and how its line is driven, in the tables of the devices on it. All devices of one line name the
// same settings.
type Port struct {
	// Path is the serial port: a /dev/serial/by-id/ or by-path/ name, or usb:0403:6001 or usb:0403:6001:SERIAL, the numbers
	// that trackerd ports shows. Required. Trusted: values are what the device says.
	Path string `toml:"path"`
	// Baud is the line's speed in bits per second. Default: what the driver's device uses, mostly 9600; a receiver without
	// one is tried at the usual speeds.
	Baud int `toml:"baud"`
	// Parity is none, even or odd. Default none.
	Parity string `toml:"parity"`
	// RS485 lets the port's driver switch the direction of a two-wire line. Default false: the adapter does it itself.
	RS485 bool `toml:"rs485"`
}

// check names what can't be.
func (p *Port) check() error {
	if p.Path == "" {
		return errors.New("path is missing; trackerd ports lists the ports")
	}
	if err := serial.CheckSpec(p.Path); err != nil {
		return err
	}
	_, err := p.parity()
	return err
}

// line returns the settings of the line; baud is that of the driver when the file says none.
func (p *Port) line(baud int) serial.Config {
	if p.Baud != 0 {
		baud = p.Baud
	}
	parity, _ := p.parity() // check refused the rest
	return serial.Config{Baud: baud, Parity: parity, RS485: p.RS485}
}

func (p *Port) parity() (serial.Parity, error) {
	switch p.Parity {
	case "", "none":
		return serial.ParityNone, nil
	case "even":
		return serial.ParityEven, nil
	case "odd":
		return serial.ParityOdd, nil
	}
	return 0, fmt.Errorf("parity is %.20q, want none, even or odd", p.Parity)
}

// GNSS is the position receiver; without the table the box has none.
type GNSS struct {
	Port
	// FixMaxAge is how old a position may be that goes into a reading, by the box's clock. Default "10s".
	FixMaxAge duration `toml:"fix_max_age"`
}

// Probe is a temperature probe. Probes are numbered in the order of the file, from 0. Which of its keys count depends on
// the driver; one that does not count is refused.
type Probe struct {
	Port
	// Place is what it measures: 'organ', 'box', 'ambient'; with a space of a box with several after a slash, 'organ/left'.
	// Required. A profile judges the probes of its place. Trusted: nothing proves that the probe is there.
	Place string `toml:"place"`
	// Driver is what it speaks: modbus, onewire (a DS2480B bridge), w1 (the kernel's 1-Wire files) or ascii (lines of text).
	// Default modbus.
	Driver string `toml:"driver"`
	// Preset is the kind of device: of modbus xy-md02, pt100-tenth and others, of ascii ezo-rtd and others; the error
	// for an unknown one lists them all. Required with modbus and ascii; 'custom' with the table that describes it.
	Preset string `toml:"preset"`
	// Address is its number on a Modbus line, 1 to 247, or on an ADAM or i-Series line. Required with modbus.
	Address uint8 `toml:"address"`
	// Register is where a Modbus device keeps the temperature. Default: the preset's.
	Register uint16 `toml:"register"`
	// ID is the number of a 1-Wire probe, 28-0316a279c4ff; trackerd ports lists those of the kernel, and trackerd doctor those on
	// a bridge. Required with w1 and onewire.
	ID string `toml:"id"`
	// Modbus describes the registers of a device without a preset.
	Modbus *Modbus `toml:"modbus"`
	// ASCII describes the lines of a device without a preset.
	ASCII *ASCII `toml:"ascii"`
	// AssumeCelsius believes an ascii device's lines without a unit. Default false. Trusted: whoever sets it has looked at the
	// device's setting.
	AssumeCelsius bool `toml:"assume_celsius"`
	// Calibration is its certificate. Default: none, its readings show as not calibrated.
	Calibration *Calibration `toml:"calibration"`
}

// check names what is missing, can't be, or is not for the driver.
func (p *Probe) check() error {
	if p.Place == "" {
		return errors.New("place is missing: 'organ', 'box' or 'ambient'")
	}
	if _, err := p.Calibration.calibration(); err != nil {
		return fmt.Errorf("calibration: %w", err)
	}
	modbusKeys := p.Address != 0 || p.Register != 0 || p.Modbus != nil
	switch p.Driver {
	case "", driverModbus:
		switch {
		case p.Address == 0 || p.Preset == "":
			return errors.New("the driver modbus needs address and preset")
		case p.ID != "" || p.ASCII != nil:
			return errors.New("id and the table ascii are not for the driver modbus")
		}
	case driverASCII:
		switch {
		case p.Preset == "":
			return fmt.Errorf("the driver ascii needs preset: %s or %s", strings.Join(ascii.Presets(), ", "), presetCustom)
		case p.Register != 0 || p.Modbus != nil || p.ID != "":
			return errors.New("register, id and the table modbus are not for the driver ascii")
		}
		if _, err := p.profile(); err != nil {
			return err
		}
	case driverOneWire, driverW1:
		if modbusKeys || p.Preset != "" || p.ASCII != nil {
			return fmt.Errorf("address, register, preset and the tables modbus and ascii are not for the driver %s", p.Driver)
		}
		if _, err := onewire.ParseID(p.ID); err != nil {
			return err
		}
		if p.Driver == driverW1 {
			if p.Port != (Port{}) {
				return errors.New("path, baud, parity and rs485 are not for the driver w1: the kernel knows the wire")
			}
			return nil
		}
	default:
		return fmt.Errorf("driver is %.20q, want modbus, onewire, w1 or ascii", p.Driver)
	}
	return p.Port.check()
}

// modbus returns the device on its line.
func (p *Probe) modbus() modbus.ProbeConfig {
	c := modbus.ProbeConfig{Address: p.Address, Register: p.Register, Decode: modbus.Decode(p.Preset)}
	if m := p.Modbus; m != nil {
		c.Format = &modbus.Format{Function: modbus.Function(m.Function), Register: p.Register, Type: modbus.Type(m.Type), Order: modbus.Order(m.Order),
			Step: hardware.TemperatureDelta(math.Round(m.Step * 1000)), Sign: modbus.Sign(m.Sign), Absent: m.Absent}
	}
	return c
}

// Modbus describes the registers of a device, with preset = "custom".
type Modbus struct {
	// Function is 3 for holding or 4 for input registers. Default 4.
	Function uint8 `toml:"function"`
	// Type is int16, int32 or float32. Default int16.
	Type string `toml:"type"`
	// Order is that of the bytes of a number of two registers: big, word-swapped, byte-swapped or little. Default big.
	Order string `toml:"order"`
	// Step is what a step of the number is worth, in °C: 0.001, 0.01, 0.1 or 1. Required, but not with float32.
	Step float64 `toml:"step"`
	// Sign is how values below zero are written: twos-complement, or offset-10000 (10250 is -25.0). Default twos-complement.
	Sign string `toml:"sign"`
	// Absent are further values that mean there is no sensing element.
	Absent []uint32 `toml:"absent"`
}

// profile returns how a thermometer with the driver ascii speaks.
func (p *Probe) profile() (ascii.Profile, error) {
	switch custom := p.Preset == presetCustom; {
	case custom && p.ASCII == nil:
		return ascii.Profile{}, errors.New("preset custom needs a table [probe.ascii]")
	case !custom && p.ASCII != nil:
		return ascii.Profile{}, fmt.Errorf("preset %s has lines of its own: use custom to describe others", p.Preset)
	case !custom:
		return ascii.Preset(p.Preset)
	}
	a := p.ASCII
	return ascii.Custom{Pattern: a.Pattern, Ask: a.Ask, Period: time.Duration(a.Period), Unit: a.Unit, Comma: a.Comma, Places: a.Places,
		Checksum: a.Checksum, End: a.End, Words: a.Words, Sentinels: a.Sentinels}.Profile()
}

// presetCustom is the preset of a device that the file describes.
const presetCustom = "custom"

// ASCII describes the lines of text of a device, with preset = "custom".
type ASCII struct {
	// Pattern is a regular expression (RE2) for a whole line with a temperature. Its group value is the number; groups sign,
	// unit, places, error and sum as the line has them. Required.
	Pattern string `toml:"pattern"`
	// Ask is what is sent for each reading, with \r, \n, \t and \x03 for bytes. Default: the device reports by itself.
	Ask string `toml:"ask"`
	// Period is the time between the reports of a device without Ask. Required without Ask.
	Period duration `toml:"period"`
	// Unit is what the group unit must say, such as "C"; "none" for lines without one, when the device was set to °C. Required.
	Unit string `toml:"unit"`
	// Comma says that the number has a comma and no point. Default false.
	Comma bool `toml:"comma"`
	// Places is how many digits of the number are decimals although no point is written. Default 0.
	Places int `toml:"places"`
	// Checksum is xor for an exclusive or of all before the '*' in front of the group sum. Default: none.
	Checksum string `toml:"checksum"`
	// End is bytes that end a line, besides carriage return and line feed. Default: none.
	End string `toml:"end"`
	// Words are texts that the device shows instead of a number, and the fault that each means. Default: none.
	Words map[string]string `toml:"words"`
	// Sentinels are numbers that are no temperature, and the fault that each means. Default: none besides 85 and -127.
	Sentinels map[string]string `toml:"sentinels"`
}

// Calibration is what a certificate says of a probe. Trusted: nobody checks that it is this probe's.
type Calibration struct {
	// Certificate is its number. Required.
	Certificate string `toml:"certificate"`
	// Issued is the day of the calibration, in UTC. Default: not said.
	Issued toml.LocalDate `toml:"issued"`
	// Expires is its last day, 2027-03-31, in UTC. Required.
	Expires toml.LocalDate `toml:"expires"`
	// Uncertainty is how far a corrected value may be off either way, in °C to three decimals: the certificate's expanded
	// uncertainty, or the class of the probe. Required, 0.001 to 10.
	Uncertainty float64 `toml:"uncertainty"`
	// Points are pairs of what the laboratory's standard showed and what the probe showed, in °C, rising. Values are corrected
	// on straight lines between them. Default: no correction.
	Points [][]float64 `toml:"points"`
}

// maxCertificate bounds the number of a certificate, in bytes.
const maxCertificate = 60

// calibration returns the certificate, the zero value when there is none.
func (c *Calibration) calibration() (hardware.Calibration, error) {
	if c == nil {
		return hardware.Calibration{}, nil
	}
	none := toml.LocalDate{}
	uncertainty := math.Round(c.Uncertainty * 1000)
	switch {
	case c.Certificate == "" || len(c.Certificate) > maxCertificate || strings.ContainsFunc(c.Certificate, func(r rune) bool { return !unicode.IsPrint(r) }):
		return hardware.Calibration{}, fmt.Errorf("certificate must be 1 to %d printable bytes", maxCertificate)
	case c.Expires == none:
		return hardware.Calibration{}, errors.New("expires is missing, a date like 2027-03-31")
	case !(uncertainty >= 1 && uncertainty <= 10_000): // also when it is not a number
		return hardware.Calibration{}, fmt.Errorf("uncertainty is %v °C, want 0.001 to 10", c.Uncertainty)
	}
	out := hardware.Calibration{Certificate: c.Certificate, Uncertainty: hardware.TemperatureDelta(uncertainty),
		Expires: c.Expires.AsTime(time.UTC).AddDate(0, 0, 1).Add(-time.Millisecond)} // the whole last day counts
	if c.Issued != none {
		out.Issued = c.Issued.AsTime(time.UTC)
	}
	for i, pair := range c.Points {
		if len(pair) != 2 {
			return hardware.Calibration{}, fmt.Errorf("point %d has %d numbers, want [reference, indicated]", i, len(pair))
		}
		reference, ok := milliDegrees(pair[0])
		indicated, ok2 := milliDegrees(pair[1])
		if !ok || !ok2 {
			return hardware.Calibration{}, fmt.Errorf("point %d is not two temperatures in °C: %v", i, pair)
		}
		out.Points = append(out.Points, hardware.CalibrationPoint{Reference: reference, Indicated: indicated})
	}
	return out, out.Check()
}

// milliDegrees reads a temperature as people write it; false when no probe could show it.
func milliDegrees(celsius float64) (hardware.Temperature, bool) {
	const limit = 1000
	if !(celsius >= -limit && celsius <= limit) { // also when it is not a number
		return 0, false
	}
	return hardware.Temperature(math.Round(celsius * 1000)), true
}

// checkName checks the path of a device that is not on a serial port.
func (p *Port) checkName() error {
	if p.Path == "" {
		return errors.New("path is missing")
	}
	if p.Baud != 0 || p.Parity != "" || p.RS485 {
		return errors.New("baud, parity and rs485 are for serial ports")
	}
	return nil
}
