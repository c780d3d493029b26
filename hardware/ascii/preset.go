package ascii

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"isotherm/hardware"
	"isotherm/hardware/serial"
)

// Preset returns a known profile. The error lists the names.
func Preset(name string) (Profile, error) {
	for _, p := range presets() {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("unknown thermometer profile %q: use one of %s", name, strings.Join(Presets(), ", "))
}

// Presets returns the names of the known profiles.
func Presets() []string {
	var names []string
	for _, p := range presets() {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

func presets() []Profile {
	return append([]Profile{ezo(), omega(), adam(), pcsensor()}, talkers()...)
}

const answerTimeout = 500 * time.Millisecond

func nineSix() serial.Config { return serial.Config{Baud: 9600} }

// ezo is the Atlas Scientific EZO-RTD in UART mode. Its lines do not tell the unit, so the scale is asked for: "S,?".
// It is asked rather than listened to (C,0), because then an answer belongs to a question. Source: EZO-RTD data sheet,
// UART mode: commands C, R, S; response codes *OK *ER *OV *UV *RS *RE *SL *WA; a reading takes 600 ms.
func ezo() Profile {
	return Profile{
		Name: "ezo-rtd", Line: nineSix(), Ask: "R\r", Timeout: 800 * time.Millisecond,
		Setup:   []Exchange{{Send: "C,0\r"}, {Send: "S,?\r", Want: "?S,c", Prefix: "?S,", Else: hardware.UnitMismatch}},
		Pattern: `(?P<value>-?[0-9]{1,4}\.[0-9]{3})`,
		Words: []Word{
			{"*ER", hardware.DeviceError}, {"*OV", hardware.DeviceError}, {"*UV", hardware.DeviceError}, {"*SL", hardware.ConversionFailed},
			{"*RS", hardware.PowerOnValue}, {"*RE", hardware.PowerOnValue}, {"*WA", hardware.PowerOnValue},
			{"?S,f", hardware.UnitMismatch}, {"?S,k", hardware.UnitMismatch},
		},
		Marks:  []Sentinel{{"-1023", hardware.Disconnected}},
		Ignore: []string{"*OK"},
	}
}

// omega is an Omega i-Series meter asked for its reading. The unit is echoed only if the meter is set to; without it
// nothing tells Fahrenheit from Celsius. The meter has to be set to 8 data bits. Source: i-Series communication manual:
// command X01; ?43 command error, ?46 format error, ?50 parity error, ?56 address error.
func omega() Profile {
	return Profile{
		Name: "omega-i", Line: nineSix(), Ask: "*X01\r", Timeout: answerTimeout,
		Pattern: `(?:X01)?(?P<value>[ +-]?[0-9]{1,4}\.[0-9]{1,2})(?P<unit>[CF]?)`, Units: []string{"C"},
		Words: []Word{
			{"?43", hardware.DeviceError}, {"?46", hardware.DeviceError}, {"?50", hardware.DeviceError}, {"?56", hardware.DeviceError},
			{"?+999", hardware.Disconnected}, {"?-999", hardware.Shorted},
		},
	}
}

// adam is an ICP DAS I-7000 or Advantech ADAM-4000 module in engineering units. Its lines have no unit: that is set in
// the module. Source: the I-7000 and ADAM-4000 command sets: "#AA" reads, ">" answers, "?AA" refuses; over range is
// +9999, under range -0000.
func adam() Profile {
	return Profile{
		Name: "adam", Line: nineSix(), Ask: "#{addr}\r", Timeout: answerTimeout,
		Pattern: `>(?P<value>[+-][0-9]{3,4}\.[0-9]{1,3})`,
		Words: []Word{{">+9999", hardware.Disconnected}, {">+9999.9", hardware.Disconnected}, {">-0000", hardware.Shorted}, {">-9999", hardware.Shorted},
			{">+7FFF", hardware.Disconnected}, {">7FFF", hardware.Disconnected}, {">8000", hardware.Shorted}, {"?01", hardware.DeviceError}},
		Marks: []Sentinel{{"9999", hardware.Disconnected}, {"-9999", hardware.Shorted}},
	}
}

// pcsensor is a PCsensor TEMPerX232; the outer probe, if there is one, is another line, which is not read.
func pcsensor() Profile {
	return Profile{
		Name: "temperx232", Line: nineSix(), Ask: "ReadTemp\r\n", Timeout: answerTimeout, End: "<",
		Pattern: `Temp-Inner:(?P<value>[^ \[\],:]{1,8}) ?\[(?P<unit>[A-Z]?)\],[^ \[\],:]{1,8} ?\[%RH\]`, Units: []string{"C"},
		Words:  []Word{{"unknow!", hardware.DeviceError}, {"unknow", hardware.DeviceError}},
		Ignore: []string{"Temp-Outer:**"},
	}
}

// talkers are the devices that report by themselves.
func talkers() []Profile {
	return []Profile{
		{ // Papouch TM: a report about every 10 s; the line's power comes from DTR and RTS, which an open port has on.
			Name: "papouch-tm", Line: nineSix(), Period: 10 * time.Second,
			Pattern: `(?P<value>[+-][0-9]{3}\.[0-9])(?P<unit>[A-Z]?)`, Units: []string{"C"},
			Words: []Word{{"+ERR", hardware.Disconnected}, {"-ERR", hardware.Disconnected}},
		},
		{ // H-Tronic TSM 125: five characters, right-aligned; no unit, no sign of which error is which.
			Name: "tsm125", Line: nineSix(), Period: time.Second,
			Pattern: `(?P<value>[ 0-9-]{3}[.,][0-9])`,
		},
		{ // SATO SK-L200II: two channels in tenths of a degree without a point; the first is read.
			Name: "sk-l200ii", Line: nineSix(), Period: 2 * time.Second, Places: 1,
			Pattern: `S (?P<value>[ +-]?[0-9]{4}|-[HLE]-), ?(?:[ +-]?[0-9]{4}|-[HLE]-)`,
		},
		{ // Lutron and Sper meters: STX, 4, channel, unit (01 °C, 02 °F), polarity, places, eight digits. Source: Lutron TM-946 manual.
			Name: "lutron", Line: nineSix(), Period: 2 * time.Second,
			Pattern: `\x024[01](?P<unit>[0-9]{2})(?P<sign>[01])(?P<places>[0-3])(?P<value>[0-9]{8})`, Units: []string{"01"},
			Ignore: []string{"\x0242**", "\x0243**", "\x0244**"},
		},
		{ // A sketch of one's own: "T:4.20,C*hh". Name and checksum are required, because half a line is a number as well.
			Name: "arduino", Line: nineSix(), Period: time.Second, Sum: Xor,
			Pattern: `T:(?P<value>[^,*]{0,12}),(?P<unit>[A-Z]?)\*(?P<sum>[0-9A-Fa-f]{2})`, Units: []string{"C"},
			// All ones in a DS18B20 are -0.0625 °C, at two decimals -0.06: the price is one step of a true value.
			Marks: []Sentinel{{"-0.0625", hardware.Disconnected}, {"-0.063", hardware.Disconnected}, {"-0.062", hardware.Disconnected}, {"-0.06", hardware.Disconnected}},
		},
		{ // NMEA 0183 XDR: "$YXXDR,C,4.20,C,TEMP*hh".
			Name: "xdr", Line: serial.Config{Baud: 4800}, Period: time.Second, XDR: "TEMP",
		},
	}
}
