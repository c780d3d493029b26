package profile_test

import (
	"bytes"
	"math"
	"slices"
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
			kinds := map[profile.RuleKind]bool{}
			for _, r := range p.Rules {
				if r.DelayMS == 0 && !r.Kind.IsArea() {
					t.Errorf("rule %q has no delay", r.Name)
				}
				kinds[r.Kind] = true
			}
			for k := profile.Below; k <= profile.AboveArea; k++ {
				if !kinds[k] {
					t.Errorf("no rule of the kind %q", k)
				}
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

// The numbers of domain knowledge, said once more: a slip of a digit in a default would harm somebody.
func TestDefault(t *testing.T) {
	const hour = 3_600_000
	tests := []struct {
		name              string
		place             string
		lowMC, highMC     int32
		coldMC            int32 // limit of the cold alarm
		coldDelayMS       uint64
		warnHrs, limitHrs uint64
	}{
		{"heart-ice", profile.PlaceIce, -500, 4000, -500, 600_000, 3, 4},
		{"lung-ice", profile.PlaceIce, -500, 4000, -500, 600_000, 4, 6},
		{"liver-ice", profile.PlaceIce, -500, 4000, -500, 600_000, 8, 12},
		{"pancreas-ice", profile.PlaceIce, -500, 4000, -500, 600_000, 12, 18},
		{"intestine-ice", profile.PlaceIce, -500, 4000, -500, 600_000, 6, 12},
		{"kidney-ice", profile.PlaceIce, -500, 4000, -500, 600_000, 24, 36},
		{"heart-chs", "organ", 4000, 8000, 4000, 120_000, 3, 4},
		{"lung-10", "organ", 8000, 12000, 8000, 300_000, 4, 6},
		{"liver-normothermic", "organ", 34000, 38000, 34000, 120_000, 8, 12},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, ok := profile.Default(tt.name)
			if !ok {
				t.Fatal("none")
			}
			r := p.Rules[0]
			if p.Name != tt.name || p.ProbePlace != tt.place || p.LowMC != tt.lowMC || p.HighMC != tt.highMC || r.Kind != profile.Below ||
				r.LimitMC != tt.coldMC || r.DelayMS != tt.coldDelayMS || p.ColdWarnMS != tt.warnHrs*hour || p.ColdLimitMS != tt.limitHrs*hour {
				t.Errorf("got %+v", p)
			}
		})
	}
	for _, none := range []string{"heart-10", "pancreas-normothermic", "heart-none such", "-ice", "spleen-ice", ""} {
		if p, ok := profile.Default(none); ok {
			t.Errorf("%q: got %s", none, p.Name)
		}
	}
}

// full has every field set, to values that take every width of an integer.
func full() *profile.Profile {
	return &profile.Profile{
		Name: "Prüfung", Version: math.MaxUint32, Program: "CTC1", ProbePlace: "organ", ProbeErrorMC: 65_536, LowMC: -100_000, HighMC: 100_000,
		SettleMS: 1, ColdWarnMS: profile.MaxMS, ColdLimitMS: profile.MaxMS, ImplantMS: profile.MaxMS - 1, Instructions: []string{"", "Call."},
		Rules: []profile.Rule{
			{Name: "low", Kind: profile.Below, Severity: profile.High, LimitMC: -100_000, HysteresisMC: 100_000},
			{Name: "low total", Kind: profile.BelowTotal, Severity: profile.Low, LimitMC: -1, DelayMS: 1},
			{Name: "low area", Kind: profile.BelowArea, Severity: profile.Medium, AreaMKMin: profile.MaxAreaMKMin},
			{Name: "lost", Kind: profile.Lost, Severity: profile.Low},
			{Name: "high", Kind: profile.Above, Severity: profile.High, LimitMC: 100_000, DelayMS: profile.MaxMS},
			{Name: "high total", Kind: profile.AboveTotal, Severity: profile.High, LimitMC: 255, DelayMS: 65_535},
			{Name: "high area", Kind: profile.AboveArea, Severity: profile.High, LimitMC: 256, AreaMKMin: 1},
			{Name: "silence", Kind: profile.Silent, Severity: profile.Medium, DelayMS: 65_536},
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

// Rules of full, by their place.
const (
	below = iota
	belowTotal
	belowArea
	lost
	above
	aboveTotal
	aboveArea
	silent
)

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
	{"band too low", func(p *profile.Profile) { p.LowMC = -100_001 }, "out of range"},
	{"band too high", func(p *profile.Profile) { p.HighMC = 100_001 }, "out of range"},
	{"probe error too great", func(p *profile.Profile) { p.ProbeErrorMC = 100_001 }, "probe error"},
	{"settling too long", func(p *profile.Profile) { p.SettleMS = profile.MaxMS + 1 }, "time limit"},
	{"cold warning too long", func(p *profile.Profile) { p.ColdWarnMS = 1 << 63 }, "time limit"},
	{"cold limit too long", func(p *profile.Profile) { p.ColdLimitMS = profile.MaxMS + 1 }, "time limit"},
	{"implanting too long", func(p *profile.Profile) { p.ImplantMS = profile.MaxMS + 1 }, "time limit"},
	{"warning after the limit", func(p *profile.Profile) { p.ColdLimitMS, p.ImplantMS = profile.MaxMS-1, 0 }, "warns"},
	{"implanting takes all", func(p *profile.Profile) { p.ImplantMS = profile.MaxMS }, "implanting"},
	{"rule without a name", func(p *profile.Profile) { p.Rules[lost].Name = "" }, "has no name"},
	{"two rules of a name", func(p *profile.Profile) { p.Rules[lost].Name = "low" }, "two rules"},
	{"rule of no kind", func(p *profile.Profile) { p.Rules[below].Kind = 0 }, "unknown kind 0"},
	{"rule of a later kind", func(p *profile.Profile) { p.Rules[below].Kind = 9 }, "unknown kind 9"},
	{"no severity", func(p *profile.Profile) { p.Rules[below].Severity = 0 }, "severity 0"},
	{"later severity", func(p *profile.Profile) { p.Rules[below].Severity = 4 }, "severity 4"},
	{"limit too low", func(p *profile.Profile) { p.Rules[below].LimitMC = -100_001 }, "limit out of range"},
	{"limit too high", func(p *profile.Profile) { p.Rules[above].LimitMC = 100_001 }, "limit out of range"},
	{"cold limit over the band", func(p *profile.Profile) { p.Rules[below].LimitMC = 100_000 }, "top of the band"},
	{"warm limit under the band", func(p *profile.Profile) { p.Rules[above].LimitMC = -100_000 }, "bottom of the band"},
	{"negative hysteresis", func(p *profile.Profile) { p.Rules[below].HysteresisMC = -1 }, "hysteresis"},
	{"hysteresis too great", func(p *profile.Profile) { p.Rules[below].HysteresisMC = 100_001 }, "hysteresis"},
	{"delay too long", func(p *profile.Profile) { p.Rules[above].DelayMS = profile.MaxMS + 1 }, "delay longer"},
	{"delay over int64", func(p *profile.Profile) { p.Rules[above].DelayMS = 1 << 63 }, "delay longer"},
	{"area too great", func(p *profile.Profile) { p.Rules[belowArea].AreaMKMin = profile.MaxAreaMKMin + 1 }, "area of more"},
	{"total without a delay", func(p *profile.Profile) { p.Rules[belowTotal].DelayMS = 0 }, "has no delay"},
	{"area without an area", func(p *profile.Profile) { p.Rules[aboveArea].AreaMKMin = 0 }, "has no area"},
	{"silence without a delay", func(p *profile.Profile) { p.Rules[silent].DelayMS = 0 }, "has no delay"},
	{"lost with a limit", func(p *profile.Profile) { p.Rules[lost].LimitMC = 1 }, "limit, which"},
	{"silence with a limit", func(p *profile.Profile) { p.Rules[silent].LimitMC = -1 }, "limit, which"},
	{"total with a hysteresis", func(p *profile.Profile) { p.Rules[aboveTotal].HysteresisMC = 1 }, "hysteresis, which"},
	{"area with a delay", func(p *profile.Profile) { p.Rules[aboveArea].DelayMS = 1 }, "delay, which"},
	{"event with an area", func(p *profile.Profile) { p.Rules[below].AreaMKMin = 1 }, "area, which"},
	{"warm side first", func(p *profile.Profile) { p.Rules[below], p.Rules[above] = p.Rules[above], p.Rules[below] }, "comes after"},
	{"more bytes than a pack act takes", func(p *profile.Profile) {
		p.Instructions = slices.Repeat([]string{strings.Repeat("x", 200)}, 16)
		for i := range p.Rules {
			p.Rules[i].Name += strings.Repeat("x", 180)
		}
	}, "bytes, at most"},
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
			if _, err := profile.Parse(p.Marshal()); err == nil || !strings.Contains(err.Error(), tt.want) && len(p.Marshal()) <= profile.MaxSize {
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
		{"key left out", append([]byte{0xAC}, full().Marshal()[1:len(full().Marshal())-6]...)},
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
