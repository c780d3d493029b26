package ascii

import (
	"testing"

	"isotherm/hardware"
)

func newParser(t testing.TB, name string) *Parser {
	t.Helper()
	p, err := Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewParser(p, false)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sealed puts the checksum of the profile arduino on a line.
func sealed(text string) string {
	sum := byte(0)
	for i := range len(text) {
		sum ^= text[i]
	}
	const digits = "0123456789ABCDEF"
	return text + "*" + string(digits[sum>>4]) + string(digits[sum&15])
}

// sentence makes an NMEA sentence.
func sentence(body string) string { return "$" + sealed(body) }

// nothing is expected of a line that is neither a value nor a fault.
const nothing = hardware.Fault(0xFFFF)

// TestParser_Parse names each bad input of a line-based thermometer and the fault it must give.
func TestParser_Parse(t *testing.T) {
	tests := []struct {
		name, profile, line string
		want                hardware.Temperature
		fault               hardware.Fault
	}{
		{"ezo value", "ezo-rtd", "25.104", 25_104, 0},
		{"ezo below zero", "ezo-rtd", "-0.050", -50, 0},
		{"ezo zero", "ezo-rtd", "0.000", 0, 0},
		{"ezo minus zero", "ezo-rtd", "-0.000", 0, 0},
		{"ezo open element", "ezo-rtd", "-1023.000", 0, hardware.Disconnected},
		{"ezo *ER", "ezo-rtd", "*ER", 0, hardware.DeviceError},
		{"ezo *OV", "ezo-rtd", "*OV", 0, hardware.DeviceError},
		{"ezo *UV", "ezo-rtd", "*UV", 0, hardware.DeviceError},
		{"ezo *RS", "ezo-rtd", "*RS", 0, hardware.PowerOnValue},
		{"ezo *RE", "ezo-rtd", "*RE", 0, hardware.PowerOnValue},
		{"ezo *OK", "ezo-rtd", "*OK", 0, nothing},
		{"ezo ?S,f", "ezo-rtd", "?S,f", 0, hardware.UnitMismatch},
		{"ezo ?S,k", "ezo-rtd", "?S,k", 0, hardware.UnitMismatch},
		{"ezo in kelvin", "ezo-rtd", "278.150", 0, hardware.OutOfRange},
		{"ezo half line, end missing", "ezo-rtd", "25.1", 0, hardware.Truncated},
		{"ezo half line, no point", "ezo-rtd", "25", 0, hardware.Truncated},
		{"ezo glued", "ezo-rtd", "25.10425.104", 0, hardware.Interleaved},
		{"ezo comma", "ezo-rtd", "25,104", 0, hardware.FieldSyntax},
		{"25,3", "ezo-rtd", "25,3", 0, hardware.FieldSyntax},
		{"ezo boot text", "ezo-rtd", "raspberrypi login:", 0, hardware.Noise},
		{"ezo nan", "ezo-rtd", "nan", 0, hardware.ConversionFailed},
		{"ezo NUL", "ezo-rtd", "25.1\x0004", 0, hardware.Binary},
		{"ezo bytes FF", "ezo-rtd", "\xff\xff\xff\xff\xff\xff", 0, hardware.Binary},
		{"ezo plus sign", "ezo-rtd", "+25.104", 0, hardware.FieldSyntax},
		{"ezo exponent", "ezo-rtd", "2.510e1", 0, hardware.FieldSyntax},
		{"ezo hexadecimal", "ezo-rtd", "0x1.5p3", 0, hardware.FieldSyntax},
		{"ezo 85", "ezo-rtd", "85.000", 0, hardware.PowerOnValue},
		{"ezo 850", "ezo-rtd", "850.000", 0, hardware.Disconnected},
		{"ezo -200", "ezo-rtd", "-200.000", 0, hardware.Shorted},

		{"papouch value", "papouch-tm", "+025.3C", 25_300, 0},
		{"papouch below zero", "papouch-tm", "-012.5C", -12_500, 0},
		{"papouch minus zero", "papouch-tm", "-000.0C", 0, 0},
		{"papouch +ERR", "papouch-tm", "+ERR", 0, hardware.Disconnected},
		{"papouch unit missing", "papouch-tm", "+025.3", 0, hardware.UnitMismatch},
		{"papouch unit changed", "papouch-tm", "+077.5F", 0, hardware.UnitMismatch},
		{"+025.3C+025.3C", "papouch-tm", "+025.3C+025.3C", 0, hardware.Interleaved},
		{"papouch half line, begin missing", "papouch-tm", "25.3C", 0, hardware.Truncated},
		{"papouch half line, end missing", "papouch-tm", "+02", 0, hardware.Truncated},
		{"papouch halves of two lines", "papouch-tm", "+02+025.3C", 0, hardware.FieldSyntax},
		{"papouch comma", "papouch-tm", "+025,3C", 0, hardware.FieldSyntax},
		{"papouch -127", "papouch-tm", "-127.0C", 0, hardware.Disconnected},
		{"papouch beyond a box", "papouch-tm", "+099.9C", 0, hardware.OutOfRange},
		{"papouch lower case unit", "papouch-tm", "+025.3c", 0, hardware.FieldSyntax},

		{"tsm125 value", "tsm125", "  1.5", 1_500, 0},
		{"tsm125 below zero", "tsm125", "-12.5", -12_500, 0},
		{"tsm125 Err.1", "tsm125", "Err.1", 0, hardware.DeviceError},
		{"tsm125 Err.3", "tsm125", "Err.3", 0, hardware.DeviceError},
		{"tsm125 half line", "tsm125", "1.5", 0, hardware.Truncated},
		{"tsm125 comma", "tsm125", " 25,3", 0, hardware.FieldSyntax},
		{"tsm125 sign inside", "tsm125", "1-2.5", 0, hardware.FieldSyntax},
		{"tsm125 space inside", "tsm125", "1 2.5", 0, hardware.FieldSyntax},
		{"tsm125 sign alone", "tsm125", "  -.5", 0, hardware.FieldSyntax},

		{"sato value", "sk-l200ii", "S  0253, 0248", 25_300, 0},
		{"sato below zero", "sk-l200ii", "S -0015,-0020", -1_500, 0},
		{"sato -H-", "sk-l200ii", "S -H-, 0248", 0, hardware.OutOfRange},
		{"sato -L-", "sk-l200ii", "S -L-, 0248", 0, hardware.OutOfRange},
		{"sato -E-", "sk-l200ii", "S -E-,-E-", 0, hardware.DeviceError},
		{"sato other channel broken", "sk-l200ii", "S  0253,-E-", 25_300, 0},
		{"sato half line", "sk-l200ii", "S  02", 0, hardware.Truncated},

		{"omega value", "omega-i", "X01025.3C", 25_300, 0},
		{"omega without echo", "omega-i", "025.3C", 25_300, 0},
		{"omega unit missing", "omega-i", "X01025.3", 0, hardware.UnitMismatch},
		{"omega unit changed", "omega-i", "X01077.5F", 0, hardware.UnitMismatch},
		{"omega ?43", "omega-i", "?43", 0, hardware.DeviceError},
		{"omega ?46", "omega-i", "?46", 0, hardware.DeviceError},
		{"omega ?50", "omega-i", "?50", 0, hardware.DeviceError},
		{"omega ?56", "omega-i", "?56", 0, hardware.DeviceError},
		{"omega ?+999", "omega-i", "?+999", 0, hardware.Disconnected},

		{"temperx value", "temperx232", "Temp-Inner:25.50 [C],45.00 [%RH]", 25_500, 0},
		{"temperx unknow!", "temperx232", "unknow!", 0, hardware.DeviceError},
		{"temperx fahrenheit", "temperx232", "Temp-Inner:77.90 [F],45.00 [%RH]", 0, hardware.UnitMismatch},
		{"temperx nan", "temperx232", "Temp-Inner:nan [C],nan [%RH]", 0, hardware.ConversionFailed},
		{"temperx half line", "temperx232", "Temp-Inner:25.5", 0, hardware.Truncated},
		{"temperx glued", "temperx232", "Temp-Inner:25.50 [C],45.00 [%RH]Temp-Inner:25.50 [C],45.00 [%RH]", 0, hardware.Interleaved},

		{"adam value", "adam", ">+025.12", 25_120, 0},
		{"adam below zero", "adam", ">-000.06", -60, 0},
		{"adam +9999", "adam", ">+9999", 0, hardware.Disconnected},
		{"adam -0000", "adam", ">-0000", 0, hardware.Shorted},
		{"adam ?01", "adam", "?01", 0, hardware.DeviceError},
		{"adam hexadecimal", "adam", ">7FFF", 0, hardware.Disconnected},
		{"adam over range with decimals", "adam", ">+9999.9", 0, hardware.Disconnected},
		{"adam of two channels", "adam", ">+025.12+025.13", 0, hardware.FieldSyntax},
		{"adam half line", "adam", ">+02", 0, hardware.Truncated},
		{"adam no decimals", "adam", ">+02512", 0, hardware.FieldSyntax},

		{"lutron value", "lutron", "\x0241010100000253", 25_300, 0},
		{"lutron below zero", "lutron", "\x0241011100000253", -25_300, 0},
		{"lutron two decimals", "lutron", "\x0241010200000253", 2_530, 0},
		{"lutron no decimals", "lutron", "\x0241010000000025", 25_000, 0},
		{"lutron fahrenheit", "lutron", "\x0241020100000775", 0, hardware.UnitMismatch},
		{"lutron second channel", "lutron", "\x0242010100000253", 0, nothing},
		{"lutron open", "lutron", "\x0241010100018888", 0, hardware.Disconnected},
		{"lutron half line", "lutron", "\x02410101000", 0, hardware.Truncated},
		{"lutron without start", "lutron", "41010100000253", 0, hardware.Truncated},

		{"arduino value", "arduino", sealed("T:4.20,C"), 4_200, 0},
		{"arduino value of four decimals", "arduino", sealed("T:4.1875,C"), 4_188, 0},
		{"arduino nan", "arduino", sealed("T:nan,C"), 0, hardware.ConversionFailed},
		{"arduino NAN", "arduino", sealed("T:NAN,C"), 0, hardware.ConversionFailed},
		{"arduino inf", "arduino", sealed("T:inf,C"), 0, hardware.OutOfRange},
		{"arduino ovf", "arduino", sealed("T:ovf,C"), 0, hardware.OutOfRange},
		{"arduino OL", "arduino", sealed("T:OL,C"), 0, hardware.Disconnected},
		{"arduino -127.00", "arduino", sealed("T:-127.00,C"), 0, hardware.Disconnected},
		{"arduino 85.00", "arduino", sealed("T:85.00,C"), 0, hardware.PowerOnValue},
		{"arduino -0.0625", "arduino", sealed("T:-0.0625,C"), 0, hardware.Disconnected},
		{"arduino -0.06", "arduino", sealed("T:-0.06,C"), 0, hardware.Disconnected},
		{"arduino one step further", "arduino", sealed("T:-0.12,C"), -120, 0},
		{"arduino empty value", "arduino", sealed("T:,C"), 0, hardware.Disconnected},
		{"arduino comma", "arduino", sealed("T:25;3,C"), 0, hardware.FieldSyntax},
		{"arduino unit missing", "arduino", sealed("T:4.20,"), 0, hardware.UnitMismatch},
		{"arduino unit changed", "arduino", sealed("T:39.56,F"), 0, hardware.UnitMismatch},
		{"arduino no checksum", "arduino", "T:4.20,C", 0, hardware.ChecksumMissing},
		{"arduino no prefix", "arduino", "4.20", 0, hardware.Truncated},
		{"arduino bad checksum", "arduino", "T:4.20,C*00", 0, hardware.ChecksumBad},
		{"arduino digit lost", "arduino", "T:4.2,C*" + sealed("T:4.20,C")[9:], 0, hardware.ChecksumBad},
		{"arduino half line, end missing", "arduino", "T:4.", 0, hardware.Truncated},
		{"arduino half line, begin missing", "arduino", ".20,C*" + sealed("T:4.20,C")[9:], 0, hardware.Noise},
		{"arduino boot banner", "arduino", "Thermometer 1.0 ready", 0, hardware.Noise},
		{"arduino banner and value", "arduino", "ready" + sealed("T:4.20,C"), 0, hardware.Noise},
		{"arduino glued", "arduino", sealed("T:4.20,C") + sealed("T:4.20,C"), 0, hardware.Interleaved},
		{"arduino two numbers", "arduino", sealed("T:4.20.1,C"), 0, hardware.FieldSyntax},
		{"arduino many digits", "arduino", sealed("T:1234567890.1,C"), 0, hardware.OutOfRange},
		{"arduino beyond a box", "arduino", sealed("T:99999.99,C"), 0, hardware.Disconnected},

		{"xdr value", "xdr", sentence("YXXDR,C,4.20,C,TEMP"), 4_200, 0},
		{"xdr among others", "xdr", sentence("YXXDR,G,7,,SEQ,C,4.2,C,TEMP,C,9,C,T2"), 4_200, 0},
		{"xdr empty", "xdr", sentence("IIXDR,C,,C,TEMP"), 0, hardware.Disconnected},
		{"xdr NaN", "xdr", sentence("IIXDR,C,NaN,C,TEMP"), 0, hardware.FieldSyntax},
		{"xdr 1e400", "xdr", sentence("IIXDR,C,1e400,C,TEMP"), 0, hardware.FieldSyntax},
		{"xdr -0", "xdr", sentence("IIXDR,C,-0,C,TEMP"), 0, 0},
		{"xdr fahrenheit", "xdr", sentence("IIXDR,C,39.6,F,TEMP"), 0, hardware.UnitMismatch},
		{"xdr no unit", "xdr", sentence("IIXDR,C,4.2,,TEMP"), 0, hardware.UnitMismatch},
		{"xdr three fields", "xdr", sentence("IIXDR,C,4.2,C"), 0, hardware.FieldCount},
		{"xdr five fields", "xdr", sentence("IIXDR,C,4.2,C,TEMP,C"), 0, hardware.FieldCount},
		{"xdr no fields", "xdr", sentence("IIXDR"), 0, hardware.FieldCount},
		{"xdr duplicate name", "xdr", sentence("IIXDR,C,4.2,C,TEMP,C,5.2,C,TEMP"), 0, hardware.Conflicting},
		{"xdr name like a checksum", "xdr", sentence("IIXDR,C,4.2,C,TEMP*5A"), 0, hardware.ChecksumBad},
		{"xdr other transducer", "xdr", sentence("IIXDR,C,4.2,C,AIRTEMP"), 0, nothing},
		{"xdr other sentence", "xdr", sentence("GPZDA,120000,01,01,2026,,"), 0, nothing},
		{"xdr bad checksum", "xdr", "$IIXDR,C,4.2,C,TEMP*00", 0, hardware.ChecksumBad},
		{"xdr no checksum", "xdr", "$IIXDR,C,4.2,C,TEMP", 0, hardware.ChecksumMissing},
		{"xdr 85", "xdr", sentence("IIXDR,C,85.00,C,TEMP"), 0, hardware.PowerOnValue},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := newParser(t, tt.profile).Parse([]byte(tt.line))
			if got.Nothing {
				got.Fault = nothing
			}
			if got.Temp != tt.want || got.Fault != tt.fault {
				t.Errorf("Parse(%q) = %v, %v, want %v, %v", tt.line, got.Temp, got.Fault, tt.want, tt.fault)
			}
		})
	}
}

func TestParser_assumeCelsius(t *testing.T) {
	p, err := Preset("omega-i")
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewParser(p, true)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Parse([]byte("X01025.3")); got.Temp != 25_300 || got.Fault != hardware.None {
		t.Errorf("without a unit: %+v, want 25.3 °C", got)
	}
	if got := r.Parse([]byte("X01077.5F")); got.Fault != hardware.UnitMismatch {
		t.Errorf("in Fahrenheit: %+v, want unit_mismatch", got)
	}
}

func TestPreset(t *testing.T) {
	if len(Presets()) < 10 {
		t.Fatalf("%d presets, want all of them", len(Presets()))
	}
	for _, name := range Presets() {
		newParser(t, name)
	}
	if _, err := Preset("mercury"); err == nil {
		t.Error("an unknown profile was accepted")
	}
}
