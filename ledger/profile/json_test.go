package profile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/profile"
)

func TestParseJSON_roundTrip(t *testing.T) {
	for _, p := range append(profile.Defaults(), full()) {
		t.Run(p.Name, func(t *testing.T) {
			got, err := profile.ParseJSON(p.JSON())
			if err != nil {
				t.Fatalf("%v\n%s", err, p.JSON())
			}
			if d := cmp.Diff(p, got); d != "" {
				t.Errorf("%s\n%s", d, p.JSON())
			}
		})
	}
}

// What people type: the least that is a profile, with quotes or without, and every way of writing a number.
func TestParseJSON(t *testing.T) {
	got, err := profile.ParseJSON([]byte(`{"name": "our heart", "version": 2, "probe_place": "organ", "low_c": "-0.5", "high_c": 4.05,
		"settle": "1h30m", "cold_warn": "90s", "cold_limit": "1m30.5s", "rules": [
		{"name": "too cold", "kind": "below", "severity": "high", "limit_c": -0.501, "delay": "10m"},
		{"name": "area", "kind": "degree-minutes above", "severity": "low", "limit_c": 8, "area_k_min": 60.5}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := &profile.Profile{Name: "our heart", Version: 2, ProbePlace: "organ", LowMC: -500, HighMC: 4050, SettleMS: 5_400_000, ColdWarnMS: 90_000, ColdLimitMS: 90_500,
		Rules: []profile.Rule{{Name: "too cold", Kind: profile.Below, Severity: profile.High, LimitMC: -501, DelayMS: 600_000},
			{Name: "area", Kind: profile.AboveArea, Severity: profile.Low, LimitMC: 8000, AreaMKMin: 60_500}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParseJSON_refuses(t *testing.T) {
	good := `{"name": "n", "version": 1, "probe_place": "organ", "low_c": 4, "high_c": 8, "rules": [{"name": "too cold", "kind": "below", "severity": "high", "limit_c": 4, "delay": "2m"}]}`
	if _, err := profile.ParseJSON([]byte(good)); err != nil {
		t.Fatalf("the test's own profile is wrong: %v", err)
	}
	tests := []struct {
		name, old, new string
		want           string // in the error
	}{
		{"unknown key", `"low_c": 4`, `"low": 4`, `"low": is not known`},
		{"key in capitals", `"low_c": 4`, `"LOW_C": 4`, `"LOW_C": is not known`},
		{"unknown key of a rule", `"limit_c": 4`, `"limit": 4`, `"limit": is not known`},
		{"key twice", `"low_c": 4`, `"low_c": 4, "low_c": 5`, `"low_c" comes twice`},
		{"four places", `"low_c": 4`, `"low_c": 4.0001`, "three places"},
		{"exponent", `"low_c": 4`, `"low_c": 4e0`, "no decimal number"},
		{"plus sign", `"low_c": 4`, `"low_c": "+4"`, "no decimal number"},
		{"no digit", `"low_c": 4`, `"low_c": "-"`, "no decimal number"},
		{"a point alone", `"low_c": 4`, `"low_c": "4."`, "no decimal number"},
		{"sign after the point", `"low_c": 4`, `"low_c": "4.-5"`, "no decimal number"},
		{"not a number", `"low_c": 4`, `"low_c": null`, "no decimal number"},
		{"too hot", `"high_c": 8`, `"high_c": 100.001`, "not from -100 to 100"},
		{"time without a unit", `"2m"`, `"120"`, "no time like"},
		{"time as a number", `"2m"`, `120`, "text in quotes"},
		{"negative time", `"2m"`, `"-2m"`, "not from 0s"},
		{"microseconds", `"2m"`, `"2m1us"`, "whole milliseconds"},
		{"too long", `"2m"`, `"721h"`, "to 720h"},
		{"kind by number", `"below"`, `1`, "text in quotes"},
		{"unknown kind", `"below"`, `"under"`, "none of: below, above"},
		{"empty kind", `"below"`, `""`, "none of"},
		{"unknown severity", `"high"`, `"urgent"`, "none of: low, medium, high"},
		{"version not whole", `"version": 1`, `"version": 1.5`, `"version"`},
		{"version negative", `"version": 1`, `"version": -1`, `"version"`},
		{"rules no list", `"rules": [`, `"rules": {}, "x": [`, `"rules"`},
		{"too many rules", `"rules": [`, `"rules": [` + strings.Repeat("{},", 16), "at most 16"},
		{"unfit", `"limit_c": 4`, `"limit_c": 8`, "top of the band"},
		{"not an object", good, `[]`, "object in {}"},
		{"empty", good, ``, "object in {}"},
		{"cut off", good, good[:len(good)-1], ""},
		{"something after it", good, good + "{}", "after the end"},
		{"too large", good, good + strings.Repeat(" ", profile.MaxJSON), "at most"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := profile.ParseJSON([]byte(strings.Replace(good, tt.old, tt.new, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %+v, %v, want %q", p, err, tt.want)
			}
		})
	}
}

func TestDecimal(t *testing.T) {
	for mc, want := range map[int64]string{0: "0", -500: "-0.5", -5: "-0.005", 4000: "4", 4050: "4.05", 100_000: "100", -100_001: "-100.001"} {
		if got := profile.Decimal(mc); got != want {
			t.Errorf("%d: got %s, want %s", mc, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for ms, want := range map[uint64]string{0: "0s", 500: "500ms", 90_000: "1m30s", 600_000: "10m", 3_600_000: "1h", 5_400_000: "1h30m", 3_601_000: "1h0m1s", 72_000_000: "20h",
		600_001: "10m0.001s", profile.MaxMS: "720h"} {
		if got := profile.Duration(ms); got != want {
			t.Errorf("%d: got %s, want %s", ms, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	below := func(p *profile.Profile, limit int32) *profile.Profile {
		p.Rules = []profile.Rule{{Name: "cold", Kind: profile.Below, Severity: profile.High, LimitMC: limit}}
		return p
	}
	above := func(p *profile.Profile, limit int32) *profile.Profile {
		p.Rules = []profile.Rule{{Name: "warm", Kind: profile.AboveTotal, Severity: profile.High, LimitMC: limit, DelayMS: 1}}
		return p
	}
	ice := func() *profile.Profile {
		return &profile.Profile{Name: "ice", Version: 1, ProbePlace: "beside the bags", LowMC: 0, HighMC: 4000, ProbeErrorMC: 500}
	}
	chs := func() *profile.Profile {
		return &profile.Profile{Name: "chs", Version: 1, ProbePlace: "organ", LowMC: 4000, HighMC: 8000, ProbeErrorMC: 500}
	}
	exact := func(p *profile.Profile) *profile.Profile { p.ProbeErrorMC = 0; return p }
	tests := []struct {
		name string
		p    *profile.Profile
		want []string // each in one warning
	}{
		{"ice, at 0 °C", below(ice(), 0), []string{"sits at 0 °C"}},
		{"ice, over 0 °C", below(ice(), 1000), []string{"sits at 0 °C"}},
		{"ice, at 0 °C, a perfect probe", below(exact(ice()), 0), []string{"sits at 0 °C"}},
		{"ice, within the probe's error", below(ice(), -499), []string{"of melting ice", "shows 0.5 K too little"}},
		{"ice, at the probe's error", below(ice(), -500), nil},
		{"ice, a perfect probe", below(exact(ice()), -1), nil},
		{"ice, warm alarm near 0 °C", above(ice(), 499), []string{"of melting ice", "inside the band"}},
		{"ice, warm alarm within the error of the band", above(ice(), 4499), []string{"shows 0.5 K too much"}},
		{"ice, warm alarm at the error", above(ice(), 4500), nil},
		{"chs, at the band", below(chs(), 4000), []string{"shows 0.5 K too little is under 4 °C"}},
		{"chs, within the error", below(chs(), 3501), []string{"shows 0.5 K too little"}},
		{"chs, at the error", below(chs(), 3500), nil},
		{"chs, at the band, a perfect probe", below(exact(chs()), 4000), nil},
		{"chs, inside the band, a perfect probe", below(exact(chs()), 4001), []string{"inside the band"}},
		{"chs, warm inside the band", above(chs(), 7999), []string{"inside the band"}},
		{"chs, warm at the band", above(chs(), 8000), []string{"over 8 °C while the organ is still in the band to 8 °C"}},
		{"chs, warm at the error", above(chs(), 8500), nil},
		{"no limit", &profile.Profile{Rules: []profile.Rule{{Kind: profile.Lost}, {Kind: profile.Silent}}, HighMC: 1, ProbeErrorMC: 9}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := profile.Warnings(tt.p)
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("got %q, want %q", got[i], want)
				}
			}
		})
	}
	p, _ := profile.Default("heart-ice")
	for _, w := range profile.Warnings(p) {
		if strings.Contains(w, "ice") {
			t.Errorf("the shipped profile for ice: %s", w)
		}
	}
}

func FuzzParseJSON(f *testing.F) {
	f.Add(full().JSON())
	for _, p := range profile.Defaults() {
		f.Add(p.JSON())
	}
	f.Add([]byte(`{"name": "n", "name": "n"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := profile.ParseJSON(b)
		if err != nil {
			return
		}
		again, err := profile.ParseJSON(p.JSON())
		if err != nil || !cmp.Equal(p.Marshal(), again.Marshal()) {
			t.Errorf("got %+v, %v, want %+v", again, err, p)
		}
		if _, err := profile.Parse(p.Marshal()); err != nil {
			t.Errorf("what can be written can't be pinned: %v", err)
		}
	})
}
