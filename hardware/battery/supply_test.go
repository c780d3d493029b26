package battery

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"isotherm/hardware"
)

const (
	noCharge = hardware.ChargeUnknown
	noVolts  = hardware.VoltsUnknown
)

// fake is a folder of the power_supply class.
type fake struct {
	t      *testing.T
	folder string
}

// newFake makes a battery that is well: 87 %, 3.912 V, discharging.
func newFake(t *testing.T) fake {
	t.Helper()
	f := fake{t, filepath.Join(t.TempDir(), "BAT0")}
	if err := os.Mkdir(f.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	f.set(map[string]string{"type": "Battery", "status": "Discharging", "capacity": "87", "voltage_now": "3912000"})
	return f
}

// set writes attributes; "-" removes one.
func (f fake) set(attributes map[string]string) {
	f.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		path, text := filepath.Join(f.folder, name), attributes[name]
		var err error
		if text == "-" {
			err = os.Remove(path)
		} else {
			err = os.WriteFile(path, []byte(text+"\n"), 0o644)
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f fake) gauge(cfg SupplyConfig) *Supply {
	f.t.Helper()
	cfg.Root, cfg.Name = filepath.Dir(f.folder), filepath.Base(f.folder)
	s, err := NewSupply(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// wantBattery compares all but the time and the text, and demands a text exactly with a fault.
func wantBattery(t *testing.T, got, want hardware.Battery) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(hardware.Battery{}, "At", "Detail")); diff != "" {
		t.Errorf("battery (-want +got):\n%s%s", diff, got.Detail)
	}
	if (got.Fault == hardware.None) != (got.Detail == "") || got.At.IsZero() {
		t.Errorf("fault %v with detail %q at %v", got.Fault, got.Detail, got.At)
	}
}

// nothing is the battery of a failed attempt.
func nothing(fault hardware.Fault) hardware.Battery {
	return hardware.Battery{ChargePermille: noCharge, MilliVolts: noVolts, State: hardware.PowerUnknown, Fault: fault}
}

// TestSupply_Read_badInputs: what gauges show when they fail, each as a case. None of it may be a number.
func TestSupply_Read_badInputs(t *testing.T) {
	tests := []struct {
		name string
		set  map[string]string
		want hardware.Fault
	}{
		{"gauge 256 %, 0 V", map[string]string{"capacity": "256", "voltage_now": "0"}, hardware.GaugeGlitch},
		{"256 % alone", map[string]string{"capacity": "256"}, hardware.GaugeGlitch},
		{"0 V alone", map[string]string{"voltage_now": "0"}, hardware.GaugeGlitch},
		{"charge 0xFFFF", map[string]string{"capacity": "65535"}, hardware.GaugeGlitch},
		{"voltage 0xFFFF in µV", map[string]string{"voltage_now": "65535"}, hardware.GaugeGlitch},
		{"voltage 0xFFFF in mV", map[string]string{"voltage_now": "65535000"}, hardware.GaugeGlitch},
		{"voltage 0xFFFFFFFF", map[string]string{"voltage_now": "4294967295"}, hardware.GaugeGlitch},
		{"voltage all ones of a MAX17043", map[string]string{"voltage_now": "5118750"}, hardware.GaugeGlitch},
		{"101 %", map[string]string{"capacity": "101"}, hardware.GaugeGlitch},
		{"-1 %", map[string]string{"capacity": "-1"}, hardware.GaugeGlitch},
		{"minus a great deal", map[string]string{"capacity": "-9223372036854775808"}, hardware.GaugeGlitch},
		{"a great deal", map[string]string{"capacity": "9223372036854775807"}, hardware.GaugeGlitch},
		{"voltage negative", map[string]string{"voltage_now": "-3912000"}, hardware.GaugeGlitch},
		{"charge above full", map[string]string{"capacity": "-", "charge_now": "3000000", "charge_full": "2000000"}, hardware.GaugeGlitch},
		{"charge negative", map[string]string{"capacity": "-", "charge_now": "-9223372036854775808", "charge_full": "2000000"}, hardware.GaugeGlitch},
		{"capacity empty", map[string]string{"capacity": ""}, hardware.FieldSyntax},
		{"capacity nan", map[string]string{"capacity": "nan"}, hardware.FieldSyntax},
		{"capacity hexadecimal", map[string]string{"capacity": "0x57"}, hardware.FieldSyntax},
		{"capacity with a unit", map[string]string{"capacity": "87 %"}, hardware.FieldSyntax},
		{"capacity with a point", map[string]string{"capacity": "87.0"}, hardware.FieldSyntax},
		{"capacity too large for a number", map[string]string{"capacity": strings.Repeat("9", 40)}, hardware.FieldSyntax},
		{"capacity is a flood", map[string]string{"capacity": strings.Repeat("8", 5000)}, hardware.TooLong},
		{"binary", map[string]string{"voltage_now": "\x00\xff\x00"}, hardware.FieldSyntax},
		{"neither charge nor voltage", map[string]string{"capacity": "-", "voltage_now": "-"}, hardware.Unsupported},
		{"a mains supply", map[string]string{"type": "Mains"}, hardware.Unsupported},
		{"battery taken out", map[string]string{"present": "0"}, hardware.Unplugged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				s := f.gauge(SupplyConfig{MaxMilliVolts: 4500})
				good := hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging}
				wantBattery(t, s.Read(t.Context()), good)
				f.set(tt.set)
				wantBattery(t, s.Read(t.Context()), nothing(tt.want))
				fresh := f.gauge(SupplyConfig{MaxMilliVolts: 4500}) // the same as a first reading
				wantBattery(t, fresh.Read(t.Context()), nothing(tt.want))
			})
		})
	}
}

func TestSupply_Read_absent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		m := hardware.NewMonitor("battery", time.Now, nil)
		s := f.gauge(SupplyConfig{Monitor: m})
		wantBattery(t, s.Read(t.Context()), hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging})
		if c := m.Condition(); c.State != hardware.StateLive {
			t.Errorf("condition %v, want live", c)
		}
		if err := os.Rename(f.folder, f.folder+"-gone"); err != nil {
			t.Fatal(err)
		}
		wantBattery(t, s.Read(t.Context()), nothing(hardware.Unplugged))
		if c := m.Condition(); c.State != hardware.StateDown || c.Fault != hardware.Unplugged {
			t.Errorf("condition %v, want down, unplugged", c)
		}
		wantBattery(t, f.gauge(SupplyConfig{}).Read(t.Context()), nothing(hardware.NotFound))
		if err := os.Rename(f.folder+"-gone", f.folder); err != nil {
			t.Fatal(err)
		}
		wantBattery(t, s.Read(t.Context()), hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging})
	})
}

func TestSupply_Read_canceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newFake(t).gauge(SupplyConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), secondLook/2)
		defer cancel()
		begin := time.Now()
		wantBattery(t, s.Read(ctx), nothing(hardware.Canceled))
		if took := time.Since(begin); took != secondLook/2 {
			t.Errorf("Read took %v, want the %v of its context", took, secondLook/2)
		}
	})
}

// TestSupply_Read_jumps plays readings a minute apart: permille, or "glitch".
func TestSupply_Read_jumps(t *testing.T) {
	const glitch = noCharge
	tests := []struct {
		name     string
		capacity []string
		want     []uint16
	}{
		{"one odd jump", []string{"87", "3", "87", "86"}, []uint16{870, glitch, 870, 860}},
		{"two odd jumps", []string{"87", "3", "60", "87"}, []uint16{870, glitch, glitch, 870}},
		{"odd, and odd again the other way", []string{"50", "99", "3", "99", "3", "50"}, []uint16{500, glitch, glitch, glitch, glitch, 500}},
		{"another battery", []string{"9", "100", "100", "99"}, []uint16{90, glitch, glitch, 990}},
		{"drains fast, and is believed", []string{"87", "78", "69", "60"}, []uint16{870, 780, 690, 600}},
		{"drains faster than a battery can", []string{"87", "70", "53", "36"}, []uint16{870, glitch, glitch, glitch}},
		{"stays", []string{"87", "87", "87"}, []uint16{870, 870, 870}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				s := f.gauge(SupplyConfig{LowPermille: 1})
				for i, capacity := range tt.capacity {
					f.set(map[string]string{"capacity": capacity})
					got := s.Read(t.Context())
					if got.ChargePermille != tt.want[i] || (got.Fault == hardware.GaugeGlitch) != (tt.want[i] == glitch) {
						t.Errorf("reading %d of %s %% = %+v, want %d permille", i, capacity, got, tt.want[i])
					}
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

// TestSupply_Read_first: a glitch that is there for the first look only is no number either.
func TestSupply_Read_first(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.set(map[string]string{"capacity": "3", "voltage_now": "2100000"})
		time.AfterFunc(secondLook/2, func() { f.set(map[string]string{"capacity": "87", "voltage_now": "3912000"}) })
		s := f.gauge(SupplyConfig{})
		wantBattery(t, s.Read(t.Context()), nothing(hardware.GaugeGlitch))
		time.Sleep(time.Second)
		wantBattery(t, s.Read(t.Context()), hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging})

		time.Sleep(2 * forget) // so long that the last reading says nothing
		f.set(map[string]string{"capacity": "20"})
		begin := time.Now()
		if got := s.Read(t.Context()); got.ChargePermille != 200 || time.Since(begin) != secondLook {
			t.Errorf("after a long pause %+v in %v, want 200 permille, confirmed after %v", got, time.Since(begin), secondLook)
		}
	})
}

func TestSupply_Read_values(t *testing.T) {
	tests := []struct {
		name string
		set  map[string]string
		want hardware.Battery
	}{
		{"status only and charge", map[string]string{"voltage_now": "-", "status": "Full", "capacity": "100"},
			hardware.Battery{ChargePermille: 1000, MilliVolts: noVolts, State: hardware.PowerFull}},
		{"voltage only", map[string]string{"capacity": "-", "status": "Unknown"},
			hardware.Battery{ChargePermille: noCharge, MilliVolts: 3912, State: hardware.PowerUnknown}},
		{"without a status", map[string]string{"status": "-"},
			hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerUnknown}},
		{"an unknown status", map[string]string{"status": "Not charging"},
			hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerUnknown}},
		{"charge and current", map[string]string{"capacity": "-", "charge_now": "1234000", "charge_full": "2000000", "current_now": "-411333"},
			hardware.Battery{ChargePermille: 617, MilliVolts: 3912, State: hardware.PowerDischarging, Left: 10800 * time.Second}},
		{"energy and power", map[string]string{"energy_now": "10000000", "power_now": "5000000"},
			hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging, Left: 2 * time.Hour}},
		{"power before time to empty", map[string]string{"energy_now": "10000000", "power_now": "5000000", "time_to_empty_now": "60"},
			hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging, Left: 2 * time.Hour}},
		{"time to empty", map[string]string{"time_to_empty_now": "5400"},
			hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging, Left: 90 * time.Minute}},
		{"time to empty 0xFFFF", map[string]string{"time_to_empty_now": "65535"},
			hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging}},
		{"no load", map[string]string{"energy_now": "10000000", "power_now": "0"},
			hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging}},
		{"hardly any load", map[string]string{"energy_now": "10000000", "power_now": "1"},
			hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging}},
		{"current is text", map[string]string{"charge_now": "1000000", "current_now": "none"},
			hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging}},
		{"time left while charging", map[string]string{"status": "Charging", "energy_now": "10000000", "power_now": "5000000"},
			hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerCharging}},
		{"charge a little above full", map[string]string{"capacity": "-", "charge_now": "2050000", "charge_full": "2000000"},
			hardware.Battery{ChargePermille: 1000, MilliVolts: 3912, State: hardware.PowerDischarging}},
		{"present", map[string]string{"present": "1"},
			hardware.Battery{ChargePermille: 870, MilliVolts: 3912, State: hardware.PowerDischarging}},
		{"low", map[string]string{"capacity": "15"},
			hardware.Battery{ChargePermille: 150, MilliVolts: 3912, State: hardware.PowerDischarging, Fault: hardware.BatteryLow}},
		{"empty", map[string]string{"capacity": "0"},
			hardware.Battery{ChargePermille: 0, MilliVolts: 3912, State: hardware.PowerDischarging, Fault: hardware.BatteryLow}},
		{"low and charging", map[string]string{"capacity": "15", "status": "Charging"},
			hardware.Battery{ChargePermille: 150, MilliVolts: 3912, State: hardware.PowerCharging}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.set(tt.set)
				wantBattery(t, f.gauge(SupplyConfig{}).Read(t.Context()), tt.want)
			})
		})
	}
}

func TestSupply_Read_lowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		s := f.gauge(SupplyConfig{LowPermille: 200})
		for i, step := range []struct {
			capacity string
			want     hardware.Fault
		}{
			{"22", hardware.None}, {"20", hardware.BatteryLow}, {"21", hardware.BatteryLow}, {"23", hardware.BatteryLow},
			{"24", hardware.None}, {"21", hardware.None}, {"19", hardware.BatteryLow},
		} {
			f.set(map[string]string{"capacity": step.capacity})
			if got := s.Read(t.Context()); got.Fault != step.want {
				t.Errorf("step %d, %s %%: fault %v, want %v", i, step.capacity, got.Fault, step.want)
			}
			time.Sleep(time.Minute)
		}
	})
}

// TestSupply_Read_monitor: one glitch is in the Battery and no event of the device; three in a row are.
func TestSupply_Read_monitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		m := hardware.NewMonitor("battery", time.Now, func(c hardware.Condition) {
			told = append(told, c.State.String()+" "+c.Fault.String())
		})
		f := newFake(t)
		s := f.gauge(SupplyConfig{Monitor: m})
		for _, capacity := range []string{"87", "256", "87", "256", "256", "87", "256", "256", "256", "256", "87"} {
			f.set(map[string]string{"capacity": capacity})
			s.Read(t.Context())
			time.Sleep(time.Second)
		}
		if want := []string{"live none", "garbled gauge_glitch", "live none"}; !cmp.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

func TestNewSupply_config(t *testing.T) {
	for _, cfg := range []SupplyConfig{
		{}, {Name: "../BAT0"}, {Name: ".."}, {Name: "BAT0", LowPermille: 1001}, {Name: "BAT0", MinMilliVolts: 5000, MaxMilliVolts: 4000},
	} {
		if _, err := NewSupply(cfg); err == nil {
			t.Errorf("NewSupply(%+v) has no error", cfg)
		}
	}
}

// FuzzSupply: whatever the attributes hold, a number is one that a battery can have.
func FuzzSupply(f *testing.F) {
	for _, seed := range [][4]string{
		{"87", "3912000", "1234000", "2000000"}, {"256", "0", "", ""}, {"65535", "65535", "65535", "65535"}, {"", "", "-5", "1"},
		{"", "3912000", "2050000", "2000000"}, {"nan", "1e6", "0x10", "9223372036854775807"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, charge, volts, now, full string) {
		r := reading{status: "Discharging", numbers: map[string]int64{}}
		for name, text := range map[string]string{capacity: charge, voltage: volts, chargeNow: now, chargeFull: full, current: full, timeToEmpty: charge} {
			if v, err := strconv.ParseInt(text, 10, 64); err == nil {
				r.numbers[name] = v
			}
		}
		l, err := r.level(1000, 4500)
		if err == nil && (l.charge != noCharge && l.charge > 1000 || l.volts != noVolts && (l.volts < 1000 || l.volts > 4500)) {
			t.Errorf("level %v from %q %q %q %q", l, charge, volts, now, full)
		}
		if left := r.left(); left < 0 || left > maxLeft {
			t.Errorf("%v left from %q %q", left, now, full)
		}
	})
}
