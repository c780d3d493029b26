package onewire

import (
	"encoding/hex"
	"strings"
	"testing"

	"isotherm/hardware"
)

// pad makes a scratchpad of eight bytes in hex and the right checksum.
func pad(t testing.TB, text string) scratchpad {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil || len(b) != 8 {
		t.Fatalf("%q is not eight bytes", text)
	}
	var s scratchpad
	copy(s[:], b)
	s[8] = crc8(s[:8])
	return s
}

func TestCRC8(t *testing.T) {
	// The check value of CRC-8/MAXIM-DOW, and an ID printed in Maxim's application note 27.
	if got := crc8([]byte("123456789")); got != 0xA1 {
		t.Errorf("crc8 = %02x, want a1", got)
	}
	if got := crc8([]byte{0x02, 0x1C, 0xB8, 0x01, 0x00, 0x00, 0x00}); got != 0xA2 {
		t.Errorf("crc8 = %02x, want a2", got)
	}
}

func TestParseID(t *testing.T) {
	id, err := ParseID("28-0316a279c4ff")
	if err != nil {
		t.Fatal(err)
	}
	want := ID{0x28, 0xFF, 0xC4, 0x79, 0xA2, 0x16, 0x03}
	want[7] = crc8(want[:7])
	if id != want || id.String() != "28-0316a279c4ff" || id.check() != nil {
		t.Errorf("got % x (%s), want % x", id[:], id, want[:])
	}
}

// TestScratchpad_decode holds the temperatures of the datasheets' tables, and every failure value of hardware.md.
func TestScratchpad_decode(t *testing.T) {
	const b20, s20 = familyDS18B20, familyDS18S20
	tests := []struct {
		name   string
		family byte
		bytes  string
		want   hardware.Temperature
		fault  hardware.Fault
	}{
		{"+125 °C", b20, "d0 07 4b 46 7f ff 10 10", 125_000, 0},
		{"+85 °C measured, byte 6 is 10", b20, "50 05 4b 46 7f ff 10 10", 85_000, 0},
		{"+85 °C not measured, byte 6 is 0C", b20, "50 05 4b 46 7f ff 0c 10", 0, hardware.PowerOnValue},
		{"+85 °C of a copy that does not keep byte 6", b20, "50 05 4b 46 7f ff 66 66", 0, hardware.PowerOnValue},
		{"+85 °C of a DS1822", familyDS1822, "50 05 4b 46 7f ff 0c 10", 0, hardware.PowerOnValue},
		{"+127.9375 °C", b20, "ff 07 4b 46 7f ff 0c 10", 0, hardware.ConversionFailed},
		{"+25.0625 °C", b20, "91 01 4b 46 7f ff 0f 10", 25_062, 0},
		{"+0.5 °C", b20, "08 00 4b 46 7f ff 08 10", 500, 0},
		{"0 °C", b20, "00 00 4b 46 7f ff 10 10", 0, 0},
		{"-0.0625 °C", b20, "ff ff 4b 46 7f ff 01 10", -62, 0},
		{"-0.5 °C", b20, "f8 ff 4b 46 7f ff 08 10", -500, 0},
		{"-25.0625 °C", b20, "6f fe 4b 46 7f ff 01 10", -25_062, 0},
		{"-55 °C", b20, "90 fc 4b 46 7f ff 10 10", -55_000, 0},
		{"-55.0625 °C", b20, "8f fc 4b 46 7f ff 01 10", 0, hardware.OutOfRange},
		{"+125.0625 °C", b20, "d1 07 4b 46 7f ff 0f 10", 0, hardware.OutOfRange},
		{"9 bits, the rest undefined", b20, "97 01 4b 46 1f ff 0f 10", 25_000, 0},
		{"10 bits", b20, "97 01 4b 46 3f ff 0f 10", 25_250, 0},
		{"11 bits", b20, "97 01 4b 46 5f ff 0f 10", 25_375, 0},
		{"9 bits below zero", b20, "ff ff 4b 46 1f ff 01 10", -500, 0},
		{"14 bits of a copy", b20, "91 01 4b 46 ff ff 0f 10", 25_062, 0},
		{"configuration that no chip has", b20, "91 01 4b 46 00 ff 0f 10", 0, hardware.FieldRange},
		{"sign bits that differ", b20, "91 81 4b 46 7f ff 0f 10", 0, hardware.OutOfRange},
		{"DS18S20 +25 °C", s20, "32 00 4b 46 ff ff 0c 10", 25_000, 0},
		{"DS18S20 +25.1875 °C", s20, "32 00 4b 46 ff ff 09 10", 25_187, 0},
		{"DS18S20 -0.5 °C", s20, "ff ff 4b 46 ff ff 04 10", -500, 0},
		{"DS18S20 -25 °C", s20, "ce ff 4b 46 ff ff 0c 10", -25_000, 0},
		{"DS18S20 +85 °C", s20, "aa 00 4b 46 ff ff 0c 10", 0, hardware.PowerOnValue},
		{"DS18S20 counter is zero", s20, "32 00 4b 46 ff ff 0c 00", 0, hardware.FieldRange},
		{"DS18S20 counter runs over", s20, "32 00 4b 46 ff ff 11 10", 0, hardware.FieldRange},
		{"DS18S20 high byte", s20, "32 01 4b 46 ff ff 0c 10", 0, hardware.FieldRange},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := pad(t, tt.bytes)
			if got, fault := s.decode(tt.family); got != tt.want || fault != tt.fault {
				t.Errorf("% x = %v, %v; want %v, %v", s[:], got, fault, tt.want, tt.fault)
			}
			for i := range 8 * len(s) {
				damaged := s
				damaged[i/8] ^= 1 << (i % 8)
				if got, fault := damaged.decode(tt.family); got != 0 || fault != hardware.CRCBad {
					t.Errorf("bit %d flipped: %v, %v; want crc_bad", i, got, fault)
				}
			}
		})
	}
	if got, fault := (scratchpad{}).decode(b20); got != 0 || fault != hardware.Disconnected {
		t.Errorf("all zeros: %v, %v; want disconnected", got, fault)
	}
	ones := scratchpad{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}
	if got, fault := ones.decode(b20); got != 0 || fault != hardware.NoPresence {
		t.Errorf("all ones: %v, %v; want no_presence", got, fault)
	}
}

// TestParseW1 holds the bad inputs of hardware.md, section 9, that the kernel's files can show.
func TestParseW1(t *testing.T) {
	const (
		good = "58 01 4b 46 7f ff 0c 10 "
		ones = "ff ff ff ff ff ff ff ff ff "
	)
	sum := func(eight string) string { // two hex digits
		s := pad(t, strings.TrimSpace(eight))
		return hex.EncodeToString(s[8:])
	}
	lines := func(eight, verdict, number string) string {
		c := sum(eight)
		return eight + c + " : crc=" + c + " " + verdict + "\n" + eight + c + " t=" + number + "\n"
	}
	crc := sum(good)
	tests := []struct {
		name, text string
		want       hardware.Temperature
		fault      hardware.Fault
	}{
		{"21.5 °C", lines(good, "YES", "21500"), 21_500, 0},
		{"below zero", lines("6f fe 4b 46 7f ff 01 10 ", "YES", "-25062"), -25_062, 0},
		{"rounded another way", lines("6f fe 4b 46 7f ff 01 10 ", "YES", "-25063"), -25_062, 0},
		{"0 °C", lines("00 00 4b 46 7f ff 10 10 ", "YES", "0"), 0, 0},
		{"-55", lines("90 fc 4b 46 7f ff 10 10 ", "YES", "-55000"), -55_000, 0},
		{"125", lines("d0 07 4b 46 7f ff 10 10 ", "YES", "125000"), 125_000, 0},
		{"CRC NO with an old t", good + "00 : crc=" + crc + " NO\n" + good + crc + " t=21500\n", 0, hardware.Retained},
		{"zero scratchpad", lines("00 00 00 00 00 00 00 00 ", "YES", "0"), 0, hardware.Disconnected},
		{"all FF", ones + ": crc=c9 NO\n" + good + crc + " t=21500\n", 0, hardware.NoPresence},
		{"all FF and YES", ones + ": crc=ff YES\n" + ones + "t=-62\n", 0, hardware.NoPresence},
		{"85000, byte 6 is 0C", lines("50 05 4b 46 7f ff 0c 10 ", "YES", "85000"), 0, hardware.PowerOnValue},
		{"85000, byte 6 is 10", lines("50 05 4b 46 7f ff 10 10 ", "YES", "85000"), 85_000, 0},
		{"127937", lines("ff 07 4b 46 7f ff 0c 10 ", "YES", "127937"), 0, hardware.ConversionFailed},
		{"YES with a wrong checksum", good + "00 : crc=00 YES\n" + good + "00 t=21500\n", 0, hardware.CRCBad},
		{"other bytes below", good + crc + " : crc=" + crc + " YES\n" + "59 01 4b 46 7f ff 0c 10 00 t=21500\n", 0, hardware.Retained},
		{"another number below", lines(good, "YES", "4000"), 0, hardware.FieldRange},
		{"empty", "", 0, hardware.Timeout},
		{"line end only", "\n", 0, hardware.Timeout},
		{"first line only", strings.SplitAfter(lines(good, "YES", "21500"), "\n")[0], 0, hardware.Truncated},
		{"cut in the first line", "58 01 4b", 0, hardware.Truncated},
		{"cut in the second line", good + crc + " : crc=" + crc + " YES\n58 01", 0, hardware.Truncated},
		{"no number", lines(good, "YES", ""), 0, hardware.FieldSyntax},
		{"nan", lines(good, "YES", "nan"), 0, hardware.FieldSyntax},
		{"hex number", lines(good, "YES", "0x10"), 0, hardware.FieldSyntax},
		{"plus sign", lines(good, "YES", "+21500"), 0, hardware.FieldSyntax},
		{"huge number", lines(good, "YES", "99999999999"), 0, hardware.FieldSyntax},
		{"neither YES nor NO", lines(good, "YESNO", "21500"), 0, hardware.FieldSyntax},
		{"no hex", lines(good, "YES", "21500")[1:], 0, hardware.FieldSyntax},
		{"three lines", lines(good, "YES", "21500") + "more\n", 0, hardware.FieldSyntax},
		{"NUL bytes", strings.Repeat("\x00", 80), 0, hardware.Truncated},
		{"another file", "w1_slave_driver\nw1_slave_driver\n", 0, hardware.Truncated},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, fault := parseW1(tt.text, familyDS18B20); got != tt.want || fault != tt.fault {
				t.Errorf("%q = %v, %v; want %v, %v", tt.text, got, fault, tt.want, tt.fault)
			}
		})
	}
}

func TestParseTemperature(t *testing.T) {
	for text, want := range map[string]struct {
		temp  hardware.Temperature
		fault hardware.Fault
	}{
		"21500\n":  {21_500, 0},
		"-55000\n": {-55_000, 0},
		"125000":   {125_000, 0},
		"62\n":     {62, 0},
		"0\n":      {0, hardware.Disconnected},
		"-62\n":    {0, hardware.NoPresence},
		"85000\n":  {0, hardware.PowerOnValue},
		"127937\n": {0, hardware.ConversionFailed},
		"125062\n": {0, hardware.OutOfRange},
		"":         {0, hardware.Timeout},
		"4.2\n":    {0, hardware.FieldSyntax},
		"4200 C":   {0, hardware.FieldSyntax},
	} {
		if got, fault := parseTemperature(text); got != want.temp || fault != want.fault {
			t.Errorf("%q = %v, %v; want %v, %v", text, got, fault, want.temp, want.fault)
		}
	}
}
