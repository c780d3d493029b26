package nmea

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"isotherm/hardware"
)

// TestParseXDR has every bad XDR a device or a line can make, and the outcome of each.
func TestParseXDR(t *testing.T) {
	temp := func(value string) []Measurement { return []Measurement{{'C', value, "C", "TEMP"}} }
	tests := []struct {
		name, in string
		want     []Measurement
		fault    hardware.Fault
	}{
		{"a temperature", sum("IIXDR,C,4.2,C,TEMP"), temp("4.2"), hardware.None},
		{"a temperature and a switch", sum("YXXDR,C,-4.2,C,T2,S,1,,LID"), []Measurement{{'C', "-4.2", "C", "T2"}, {'S', "1", "", "LID"}}, hardware.None},
		{"empty value", sum("IIXDR,C,,C,TEMP"), temp(""), hardware.None},
		{"NaN", sum("IIXDR,C,NaN,C,TEMP"), temp("NaN"), hardware.None},
		{"Fahrenheit", sum("IIXDR,C,39.6,F,TEMP"), []Measurement{{'C', "39.6", "F", "TEMP"}}, hardware.None},
		{"one name, two types", sum("IIXDR,C,4.2,C,0,H,55,P,0"), []Measurement{{'C', "4.2", "C", "0"}, {'H', "55", "P", "0"}}, hardware.None},
		{"no name", sum("IIXDR,C,4.2,C,"), []Measurement{{'C', "4.2", "C", ""}}, hardware.None},
		{"trailing comma", sum("IIXDR,C,4.2,C,TEMP,"), temp("4.2"), hardware.None},
		{"0 fields", sum("IIXDR"), nil, hardware.FieldCount},
		{"one empty field", sum("IIXDR,"), nil, hardware.FieldCount},
		{"3 fields", sum("IIXDR,C,4.2,C"), nil, hardware.FieldCount},
		{"5 fields", sum("IIXDR,C,4.2,C,TEMP,C"), nil, hardware.FieldCount},
		{"two trailing commas", sum("IIXDR,C,4.2,C,TEMP,,"), nil, hardware.FieldCount},
		{"duplicate name", sum("IIXDR,C,4.2,C,TEMP,C,9.9,C,TEMP"), nil, hardware.Conflicting},
		{"duplicate of no name", sum("IIXDR,C,4.2,C,,C,9.9,C,"), nil, hardware.Conflicting},
		{"no type", sum("IIXDR,,4.2,C,TEMP"), nil, hardware.FieldSyntax},
		{"long type", sum("IIXDR,CC,4.2,C,TEMP"), nil, hardware.FieldSyntax},
		{"star in a name", sum("IIXDR,C,4.2,C,TE*MP"), nil, hardware.ChecksumBad},
		{"checksum in a name", sum("IIXDR,C,4.2,C,TEMP") + "X" + xor("IIXDR,C,4.2,C,TEMP"), nil, hardware.ChecksumBad},
		{"checksum in a name, with a star", sum("IIXDR,C,4.2,C,TEMP") + "*00", nil, hardware.ChecksumBad},
		{"wrong checksum", "$IIXDR,C,4.2,C,TEMP*00", nil, hardware.ChecksumBad},
		{"no checksum", "$IIXDR,C,4.2,C,TEMP", nil, hardware.ChecksumMissing},
		{"another type", sum("IIMTW,4.2,C"), nil, hardware.UnknownType},
		{"proprietary", sum("PIXDR,C,4.2,C,TEMP"), nil, hardware.UnknownType},
		{"wrong start", "!" + sum("IIXDR,C,4.2,C,TEMP")[1:], nil, hardware.UnknownType},
		{"empty", "", nil, hardware.ChecksumMissing},
		{"20,000 commas", sum("IIXDR" + strings.Repeat(",", 20_000)), nil, hardware.FieldSyntax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, fault := ParseXDR([]byte(tt.in))
			if diff := cmp.Diff(tt.want, got); diff != "" || fault != tt.fault {
				t.Errorf("fault %v, want %v (-want +got):\n%s", fault, tt.fault, diff)
			}
		})
	}
}

func TestMeasurement_Temperature(t *testing.T) {
	tests := []struct {
		name, value, unit string
		want              hardware.Temperature
		fault             hardware.Fault
	}{
		{"plain", "4.2", "C", 4200, hardware.None},
		{"whole", "4", "C", 4000, hardware.None},
		{"signed, padded", "+004.20", "C", 4200, hardware.None},
		{"below zero", "-20.5", "C", -20_500, hardware.None},
		{"-0", "-0", "C", 0, hardware.None},
		{"-0.0004", "-0.0004", "C", 0, hardware.None},
		{"rounded up", "4.2005", "C", 4201, hardware.None},
		{"rounded down", "-4.20049999999999999999999", "C", -4200, hardware.None},
		{"no digit before the point", ".5", "C", 500, hardware.None},
		{"no digit behind the point", "5.", "C", 5000, hardware.None},
		{"coldest", "-80", "C", -80_000, hardware.None},
		{"hottest", "84.999", "C", 84_999, hardware.None},
		{"empty", "", "C", 0, hardware.Disconnected},
		{"power-on value", "85.00", "C", 0, hardware.PowerOnValue},
		{"no answer", "-127.00", "C", 0, hardware.Disconnected},
		{"too cold", "-80.001", "C", 0, hardware.OutOfRange},
		{"too hot", "85.001", "C", 0, hardware.OutOfRange},
		{"below absolute zero", "-1023.000", "C", 0, hardware.OutOfRange},
		{"9999", "+9999", "C", 0, hardware.OutOfRange},
		{"NaN", "NaN", "C", 0, hardware.FieldSyntax},
		{"nan", "nan", "C", 0, hardware.FieldSyntax},
		{"Inf", "Inf", "C", 0, hardware.FieldSyntax},
		{"-Inf", "-Inf", "C", 0, hardware.FieldSyntax},
		{"hexadecimal", "0x1p5", "C", 0, hardware.FieldSyntax},
		{"1e400", "1e400", "C", 0, hardware.FieldSyntax},
		{"1e0", "1e0", "C", 0, hardware.FieldSyntax},
		{"400 digits", strings.Repeat("1", 400), "C", 0, hardware.OutOfRange},
		{"400 zeros", strings.Repeat("0", 400) + "4", "C", 4000, hardware.None},
		{"sign only", "-", "C", 0, hardware.FieldSyntax},
		{"two signs", "--4", "C", 0, hardware.FieldSyntax},
		{"sign behind", "4-", "C", 0, hardware.FieldSyntax},
		{"point only", ".", "C", 0, hardware.FieldSyntax},
		{"two points", "4.2.1", "C", 0, hardware.FieldSyntax},
		{"space", " 4.2", "C", 0, hardware.FieldSyntax},
		{"comma as point", "4;2", "C", 0, hardware.FieldSyntax},
		{"underscore", "1_0", "C", 0, hardware.FieldSyntax},
		{"full-width digits", "４", "C", 0, hardware.FieldSyntax},
		{"F", "39.6", "F", 0, hardware.UnitMismatch},
		{"K", "277.35", "K", 0, hardware.UnitMismatch},
		{"no unit", "4.2", "", 0, hardware.UnitMismatch},
		{"small letter", "4.2", "c", 0, hardware.UnitMismatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, fault := Measurement{'C', tt.value, tt.unit, "TEMP"}.Temperature()
			if got != tt.want || fault != tt.fault {
				t.Errorf("Temperature(%q %s) = %v, %v, want %v, %v", tt.value, tt.unit, got, fault, tt.want, tt.fault)
			}
		})
	}
	if got, fault := (Measurement{'U', "4.2", "C", "TEMP"}).Temperature(); got != 0 || fault != hardware.UnitMismatch {
		t.Errorf("a voltage is a temperature of %v, %v", got, fault)
	}
}

func TestTimeOfDay(t *testing.T) {
	tests := []struct {
		in    string
		want  time.Duration
		fault hardware.Fault
	}{
		{"000000", 0, hardware.None},
		{"120000.00", 12 * time.Hour, hardware.None},
		{"235959.999", 24*time.Hour - time.Millisecond, hardware.None},
		{"120000.9999", 12*time.Hour + 999*time.Millisecond, hardware.None},
		{"235960", 24*time.Hour - time.Millisecond, hardware.None},
		{"235960.500", 24*time.Hour - time.Millisecond, hardware.None},
		{"125960", 0, hardware.FieldRange},
		{"235961", 0, hardware.FieldRange},
		{"240000", 0, hardware.FieldRange},
		{"256199", 0, hardware.FieldRange},
		{"", 0, hardware.FieldSyntax},
		{"12000", 0, hardware.FieldSyntax},
		{"-12000", 0, hardware.FieldSyntax},
		{"12:00:00", 0, hardware.FieldSyntax},
		{"120000.0.0", 0, hardware.FieldSyntax},
		{"120000.x", 0, hardware.FieldSyntax},
	}
	for _, tt := range tests {
		if got, fault := TimeOfDay(tt.in); got != tt.want || fault != tt.fault {
			t.Errorf("TimeOfDay(%q) = %v, %v, want %v, %v", tt.in, got, fault, tt.want, tt.fault)
		}
	}
}

func TestType(t *testing.T) {
	tests := []struct {
		in, talker, kind string
		ok               bool
	}{
		{"GPRMC", "GP", "RMC", true},
		{"IIXDR", "II", "XDR", true},
		{"PUBX", "", "", false},
		{"PMTKX", "", "", false},
		{"RMC", "", "", false},
		{"GPRMCX", "", "", false},
		{"G RMC", "", "", false},
		{"gprmc", "", "", false},
		{"", "", "", false},
	}
	for _, tt := range tests {
		if talker, kind, ok := Type(tt.in); talker != tt.talker || kind != tt.kind || ok != tt.ok {
			t.Errorf("Type(%q) = %q, %q, %v, want %q, %q, %v", tt.in, talker, kind, ok, tt.talker, tt.kind, tt.ok)
		}
	}
}

// FuzzDecimal compares with exact arithmetic of the standard library: what is accepted is within half a unit.
func FuzzDecimal(f *testing.F) {
	for _, seed := range []string{"4.2", "-0", "+004.2005", "1e400", "NaN", "0x1p5", ".", "5.", "-.5", "999999999.9999999", "1_0"} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, s string, decimals int) {
		got, fault := Decimal(s, decimals)
		if fault != hardware.None {
			if got != 0 {
				t.Errorf("%q is refused with %d", s, got)
			}
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("%q is accepted as %d and is no number", s, got)
		}
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
		diff := new(big.Rat).Sub(want.Mul(want, new(big.Rat).SetInt(scale)), new(big.Rat).SetInt64(got))
		if diff.Abs(diff).Cmp(big.NewRat(1, 2)) > 0 {
			t.Errorf("Decimal(%q, %d) = %d, off by %v", s, decimals, got, diff)
		}
	})
}

// FuzzParseXDR holds that what is accepted is what is written: joined again it gives the sentence.
func FuzzParseXDR(f *testing.F) {
	for _, body := range []string{
		"IIXDR,C,4.2,C,TEMP", "IIXDR,C,,C,TEMP", "IIXDR,C,4.2,C,TEMP,S,1,,LID", "IIXDR,C,4.2,C,TEMP,", "IIXDR", "IIXDR,", "IIXDR,C,NaN,C,A*41",
		"IIXDR,C,1,C,A,C,2,C,A", "IIXDR,C,4.2,C",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		line := sum(body)
		list, fault := ParseXDR([]byte(line))
		if (len(list) == 0) == (fault == hardware.None) {
			t.Fatalf("%q: %d measurements and %v", line, len(list), fault)
		}
		if fault != hardware.None {
			return
		}
		again := body[:5]
		for _, m := range list {
			again += "," + strings.Join([]string{string([]byte{m.Type}), m.Value, m.Unit, m.Name}, ",")
			if temp, fault := m.Temperature(); fault == hardware.None && (m.Value == "" || temp < -80_000 || temp >= 85_000) {
				t.Errorf("%q is %v", m, temp)
			}
		}
		if again != strings.TrimSuffix(body, ",") && again != body {
			t.Errorf("%q became %q", body, again)
		}
	})
}
