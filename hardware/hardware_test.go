package hardware

import (
	"strings"
	"testing"
	"time"
)

func TestTemperature_String(t *testing.T) {
	tests := []struct {
		in   Temperature
		want string
	}{
		{0, "0.000 °C"},
		{5500, "5.500 °C"},
		{-50, "-0.050 °C"},
		{-20500, "-20.500 °C"},
		{-2147483648, "-2147483.648 °C"},
	}
	for _, tt := range tests {
		if got := tt.in.String(); got != tt.want {
			t.Errorf("Temperature(%d).String() = %q, want %q", int32(tt.in), got, tt.want)
		}
	}
	if got, want := Temperature(4000).Sub(5500).String(), "-1.500 K"; got != want {
		t.Errorf("Sub = %q, want %q", got, want)
	}
	if got, want := Temperature(4000).Add(-1500), Temperature(2500); got != want {
		t.Errorf("Add = %v, want %v", got, want)
	}
}

func TestSample_Value(t *testing.T) {
	if got, ok := (Sample{Temp: 5500}).Value(); !ok || got != 5500 {
		t.Errorf("good sample: Value() = %v, %v, want 5500, true", got, ok)
	}
	if got, ok := (Sample{Temp: 5500, Fault: Timeout}).Value(); ok || got != 0 {
		t.Errorf("failed sample: Value() = %v, %v, want 0, false", got, ok)
	}
}

// TestFault_String holds the numbers still: they are in signed journals.
func TestFault_String(t *testing.T) {
	want := map[Fault]string{
		0: "none", 1: "not_found", 2: "busy", 3: "denied", 4: "not_a_tty", 5: "unplugged", 6: "io_error",
		7: "write_stuck", 8: "silent", 9: "closed", 10: "wrong_baud", 11: "saturated", 12: "overrun", 13: "unsupported", 14: "ambiguous",
		20: "noise", 21: "binary", 22: "too_long", 23: "truncated", 24: "checksum_bad", 25: "checksum_missing",
		26: "field_count", 27: "field_syntax", 28: "field_range", 29: "parser_panic", 30: "interleaved", 31: "unknown_type",
		40: "no_fix", 41: "void", 42: "simulated", 43: "dead_reckoned", 44: "null_island", 45: "conflicting",
		46: "date_invalid", 47: "stale", 48: "jump", 49: "speed_mismatch", 50: "low_satellites", 51: "hdop_high",
		52: "rollover", 53: "time_backwards", 54: "lag_high",
		60: "timeout", 61: "wrong_address", 62: "wrong_function", 63: "wrong_length", 64: "exception",
		65: "crc_bad", 66: "late_reply", 67: "disconnected", 68: "out_of_range", 69: "canceled",
		70: "shorted", 71: "power_on_value", 72: "conversion_failed", 73: "retained", 74: "unit_mismatch", 75: "device_error",
		76: "no_presence",
		80: "rate_of_change", 81: "stuck", 82: "disagree", 83: "offset_changed", 84: "cert_expired",
		90: "battery_low", 91: "undervoltage", 92: "gauge_glitch", 93: "switch_failed",
	}
	for f := range Fault(1000) {
		got := f.String()
		if name, ok := want[f]; ok && got != name {
			t.Errorf("Fault(%d).String() = %q, want %q", uint16(f), got, name)
		} else if !ok && !strings.HasPrefix(got, "fault_") {
			t.Errorf("Fault(%d).String() = %q and is not in this test's list", uint16(f), got)
		}
	}
}

func TestFix_UTC(t *testing.T) {
	f := Fix{TimeOfDay: 23*time.Hour + 59*time.Minute}
	if _, ok := f.UTC(); ok {
		t.Error("a fix without a date has a UTC time")
	}
	f.Date = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	got, ok := f.UTC()
	if want := time.Date(2026, 3, 1, 23, 59, 0, 0, time.UTC); !ok || !got.Equal(want) {
		t.Errorf("UTC() = %v, %v, want %v, true", got, ok, want)
	}
}
