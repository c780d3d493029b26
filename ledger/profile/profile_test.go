package profile_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/profile"
)

func TestDefaults(t *testing.T) {
	seen := map[[32]byte]string{}
	for _, p := range profile.Defaults() {
		t.Run(p.Name, func(t *testing.T) {
			back, err := profile.Parse(p.Marshal())
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(p, back); d != "" {
				t.Error(d)
			}
			if other := seen[p.Hash()]; other != "" {
				t.Errorf("same hash as %s", other)
			}
			seen[p.Hash()] = p.Name
			if byName, ok := profile.Default(p.Name); !ok || byName.Hash() != p.Hash() {
				t.Errorf("Default(%q): got %+v, %t", p.Name, byName, ok)
			}
			names := map[string]bool{}
			for _, r := range p.Rules {
				if names[r.Name] || r.DelayMS == 0 {
					t.Errorf("rule %q: twice, or without a delay", r.Name)
				}
				names[r.Name] = true
			}
			if p.ColdWarnMS >= p.ColdLimitMS {
				t.Errorf("warns at %d ms, limit is %d ms", p.ColdWarnMS, p.ColdLimitMS)
			}
		})
	}
	if len(seen) == 0 {
		t.Error("no profiles")
	}
	if p, ok := profile.Default("none such"); ok {
		t.Errorf("got %+v, want none", p)
	}
}

// full has every field set, to values that take every width of an integer.
func full() *profile.Profile {
	return &profile.Profile{
		Name: "Prüfung", Version: math.MaxUint32, ProbePlace: "organ", LowMC: math.MinInt32, HighMC: math.MaxInt32,
		SettleMS: 1, ColdWarnMS: math.MaxInt64, ColdLimitMS: 1 << 32, Instructions: []string{"", "Call."},
		Rules: []profile.Rule{
			{Name: "low", Kind: profile.Below, LimitMC: math.MinInt32, HysteresisMC: math.MaxInt32, DelayMS: 0},
			{Name: "high", Kind: profile.Above, LimitMC: math.MaxInt32, DelayMS: math.MaxInt64},
			{Kind: profile.Lost}, {Kind: profile.Silent, DelayMS: 65_536},
		},
	}
}

func TestParse(t *testing.T) {
	want := full()
	b := want.Marshal()
	got, err := profile.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for n := range b {
		if _, err := profile.Parse(b[:n]); err == nil {
			t.Errorf("the first %d bytes were taken", n)
		}
	}
	if _, err := profile.Parse(append(b, 0)); err == nil {
		t.Error("a byte after the end was taken")
	}
}

// unfit is every way in which Check and Parse refuse a profile.
var unfit = []struct {
	name string
	edit func(p *profile.Profile)
	want string // in the error
}{
	{"no name", func(p *profile.Profile) { p.Name = "" }, "no name"},
	{"no version", func(p *profile.Profile) { p.Version = 0 }, "no version"},
	{"no place", func(p *profile.Profile) { p.ProbePlace = "" }, "no place"},
	{"empty band", func(p *profile.Profile) { p.LowMC, p.HighMC = 4000, 4000 }, "is empty"},
	{"band upside down", func(p *profile.Profile) { p.LowMC, p.HighMC = 8000, 4000 }, "is empty"},
	{"rule of no kind", func(p *profile.Profile) { p.Rules[0].Kind = 0 }, "unknown kind 0"},
	{"rule of a later kind", func(p *profile.Profile) { p.Rules[0].Kind = 5 }, "unknown kind 5"},
	{"negative hysteresis", func(p *profile.Profile) { p.Rules[1].HysteresisMC = -1 }, "negative hysteresis"},
	{"delay over int64", func(p *profile.Profile) { p.Rules[1].DelayMS = 1 << 63 }, "delay longer"},
	{"settling over int64", func(p *profile.Profile) { p.SettleMS = 1 << 63 }, "time limit"},
	{"cold warning over int64", func(p *profile.Profile) { p.ColdWarnMS = 1 << 63 }, "time limit"},
	{"cold limit over int64", func(p *profile.Profile) { p.ColdLimitMS = 1 << 63 }, "time limit"},
}

func TestProfile_Check(t *testing.T) {
	if err := full().Check(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range unfit {
		t.Run(tt.name, func(t *testing.T) {
			p := full()
			tt.edit(p)
			if err := p.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("check: got %v, want %q", err, tt.want)
			}
			if _, err := profile.Parse(p.Marshal()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("parse: got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestParse_refuses(t *testing.T) {
	edited := func(edit func(p *profile.Profile)) []byte {
		p := full()
		edit(p)
		return p.Marshal()
	}
	tests := []struct {
		name string
		in   []byte
	}{
		{"empty", nil},
		{"not a map", []byte{0x80}},
		{"17 rules", edited(func(p *profile.Profile) { p.Rules = make([]profile.Rule, 17) })},
		{"17 instructions", edited(func(p *profile.Profile) { p.Instructions = make([]string, 17) })},
		{"long name", edited(func(p *profile.Profile) { p.Name = strings.Repeat("x", 201) })},
		{"long instruction", edited(func(p *profile.Profile) { p.Instructions[0] = strings.Repeat("x", 201) })},
		{"name not UTF-8", edited(func(p *profile.Profile) { p.Name = "\xff" })},
		{"key left out", append([]byte{0xA9}, full().Marshal()[1:len(full().Marshal())-9]...)},
		{"over the limit", bytes.Repeat([]byte{0}, profile.MaxSize+1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p, err := profile.Parse(tt.in); err == nil {
				t.Errorf("got %+v, want an error", p)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(full().Marshal())
	for _, p := range profile.Defaults() {
		f.Add(p.Marshal())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := profile.Parse(b)
		if err != nil {
			return
		}
		if got := p.Marshal(); !bytes.Equal(got, b) {
			t.Errorf("got %x, want %x", got, b)
		}
	})
}
