package modbus

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Decode names how a kind of device writes a temperature into its registers: a preset, or Custom.
type Decode string

// The devices that are known. The PT100 transmitters stand for the many that follow the same few habits.
const (
	PT100Tenth        Decode = "pt100-tenth"         // one signed register, 0.1 °C
	PT100Hundredth    Decode = "pt100-hundredth"     // one signed register, 0.01 °C
	PT100Float        Decode = "pt100-float"         // two registers, float32, high word first
	PT100FloatSwapped Decode = "pt100-float-swapped" // two registers, float32, low word first
	// XYMD02 has the temperature in input register 1 and humidity in 2, both signed tenths, and a correction of its own in
	// holding register 0x0103. Source: the device's manual, as sellers print it.
	XYMD02 Decode = "xy-md02"
	// KinConySHT30 has the temperature in input register 0 and humidity in 1, both in tenths, negative values from 10,000
	// on. Source: KinCony's protocol of its SHT30 and TS sensors.
	KinConySHT30 Decode = "kincony-sht30"
	Custom       Decode = "custom" // as ProbeConfig.Format says
)

// presets returns the format of each known device.
func presets() map[Decode]Format {
	return map[Decode]Format{
		PT100Tenth:        {Step: 100},
		PT100Hundredth:    {Step: 10},
		PT100Float:        {Type: Float32},
		PT100FloatSwapped: {Type: Float32, Order: WordSwapped},
		XYMD02:            {Register: 1, Step: 100, Humidity: true, Offset: 0x0103},
		KinConySHT30:      {Step: 100, Sign: Offset10000, Humidity: true},
	}
}

// Presets returns the names that a configuration may give, Custom last.
func Presets() []Decode { return append(slices.Sorted(maps.Keys(presets())), Custom) }

// format returns the full format of a configuration.
func (c ProbeConfig) format() (Format, error) {
	f, known := presets()[c.Decode]
	switch {
	case c.Decode == Custom && c.Format == nil:
		return f, fmt.Errorf("modbus preset %s needs a format", Custom)
	case c.Decode == Custom:
		f = *c.Format
	case c.Format != nil:
		return f, fmt.Errorf("modbus preset %s has a format of its own: use %s to give one", c.Decode, Custom)
	case !known:
		var names []string
		for _, name := range Presets() {
			names = append(names, string(name))
		}
		return f, fmt.Errorf("unknown modbus preset %q: use %s", c.Decode, strings.Join(names, ", "))
	}
	if c.Register != 0 {
		f.Register = c.Register
	}
	if c.Function != 0 {
		f.Function = c.Function
	}
	return f.withDefaults(), f.Check()
}
