package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/profile"
)

// profileFile is a profile as people write it: TOML, temperatures in °C, times as '30m'.
type profileFile struct {
	Name         string     `toml:"name" json:"name"`
	Version      uint32     `toml:"version" json:"version"`
	Program      string     `toml:"program" json:"program" comment:"code of the organisation that sets it"`
	ProbePlace   string     `toml:"probe_place" json:"probe_place" comment:"which probes it judges"`
	ProbeErrorC  float64    `toml:"probe_error_c" json:"probe_error_c"`
	LowC         float64    `toml:"low_c" json:"low_c" comment:"band shown to people"`
	HighC        float64    `toml:"high_c" json:"high_c"`
	Settle       string     `toml:"settle" json:"settle" comment:"rules begin at the first reading in band, at latest this long after packing"`
	ColdWarn     string     `toml:"cold_warn" json:"cold_warn"`
	ColdLimit    string     `toml:"cold_limit" json:"cold_limit"`
	Implant      string     `toml:"implant" json:"implant" comment:"part of the limit that is reserved for implanting"`
	Instructions []string   `toml:"instructions" json:"instructions"`
	Rules        []ruleFile `toml:"rule" json:"rule"`
}

// ruleFile is one rule of it.
type ruleFile struct {
	Name        string  `toml:"name" json:"name"`
	Kind        string  `toml:"kind" json:"kind"`
	Severity    string  `toml:"severity" json:"severity"`
	LimitC      float64 `toml:"limit_c,omitempty" json:"limit_c,omitempty"`
	HysteresisK float64 `toml:"hysteresis_k,omitempty" json:"hysteresis_k,omitempty"`
	Delay       string  `toml:"delay,omitempty" json:"delay,omitempty"`
	AreaKMin    float64 `toml:"area_kmin,omitempty" json:"area_kmin,omitempty" comment:"degree-minutes"`
}

var (
	ruleKinds = []profile.RuleKind{profile.Below, profile.Above, profile.Lost, profile.Silent, profile.BelowTotal, profile.AboveTotal,
		profile.BelowArea, profile.AboveArea}
	severities = []profile.Severity{profile.Low, profile.Medium, profile.High}
)

// fileOf returns the written form of a profile.
func fileOf(p *profile.Profile) *profileFile {
	c := func(mc int32) float64 { return float64(mc) / 1000 }
	d := func(ms uint64) string { return (time.Duration(ms) * time.Millisecond).String() }
	f := &profileFile{Name: p.Name, Version: p.Version, Program: p.Program, ProbePlace: p.ProbePlace, ProbeErrorC: c(int32(p.ProbeErrorMC)),
		LowC: c(p.LowMC), HighC: c(p.HighMC), Settle: d(p.SettleMS), ColdWarn: d(p.ColdWarnMS), ColdLimit: d(p.ColdLimitMS), Implant: d(p.ImplantMS),
		Instructions: p.Instructions}
	for _, r := range p.Rules {
		f.Rules = append(f.Rules, ruleFile{Name: r.Name, Kind: r.Kind.String(), Severity: r.Severity.String(), LimitC: c(r.LimitMC),
			HysteresisK: c(r.HysteresisMC), Delay: d(r.DelayMS), AreaKMin: float64(r.AreaMKMin) / 1000})
	}
	return f
}

// profile returns the profile that the file means, checked.
func (f *profileFile) profile() (*profile.Profile, error) {
	var errs []error
	mc := func(what string, c float64) int32 {
		v := math.Round(c * 1000)
		if math.IsNaN(v) || math.Abs(v) > 1_000_000 || math.Abs(v-c*1000) > 1e-6 {
			errs = append(errs, fmt.Errorf("%s = %v: want degrees with at most three decimals", what, c))
			return 0
		}
		return int32(v)
	}
	ms := func(what, text string) uint64 {
		if text == "" {
			return 0
		}
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			errs = append(errs, fmt.Errorf("%s = %q: want a duration such as 30m or 1h30m", what, text))
			return 0
		}
		return uint64(d.Milliseconds())
	}
	p := &profile.Profile{Name: f.Name, Version: f.Version, Program: f.Program, ProbePlace: f.ProbePlace, ProbeErrorMC: uint32(max(mc("probe_error_c", f.ProbeErrorC), 0)),
		LowMC: mc("low_c", f.LowC), HighMC: mc("high_c", f.HighC), SettleMS: ms("settle", f.Settle), ColdWarnMS: ms("cold_warn", f.ColdWarn),
		ColdLimitMS: ms("cold_limit", f.ColdLimit), ImplantMS: ms("implant", f.Implant), Instructions: f.Instructions}
	for i, r := range f.Rules {
		what := func(key string) string { return fmt.Sprintf("rule %d: %s", i+1, key) }
		kind, err := oneOf(what("kind"), ruleKinds...)(r.Kind)
		errs = append(errs, err)
		severity, err := oneOf(what("severity"), severities...)(r.Severity)
		errs = append(errs, err)
		p.Rules = append(p.Rules, profile.Rule{Name: r.Name, Kind: kind, Severity: severity, LimitMC: mc(what("limit_c"), r.LimitC),
			HysteresisMC: mc(what("hysteresis_k"), r.HysteresisK), DelayMS: ms(what("delay"), r.Delay), AreaMKMin: uint64(max(mc(what("area_kmin"), r.AreaKMin), 0))})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, p.Check()
}

// write writes the file.
func (f *profileFile) write(w io.Writer) error {
	text, err := toml.Marshal(f)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "# Profile of isotherm. Limits are the program's own; what ships is an example and not clinical advice.\n%s", text)
	return err
}

// readProfile reads a profile from a file.
func readProfile(path string) (*profile.Profile, error) {
	text, err := readLimited(path, maxPlan)
	if err != nil {
		return nil, err
	}
	f := &profileFile{}
	if err := decodeStrict(path, text, f); err != nil {
		return nil, err
	}
	p, err := f.profile()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// chooseProfile returns the profile of a name: a file, a published one (NAME@VERSION for a version), or a shipped one. c may be
// nil: then only files and the shipped ones are known.
func chooseProfile(ctx context.Context, c *client.Client, text string) (*profile.Profile, error) {
	if ext := filepath.Ext(text); ext == ".toml" || ext == ".json" || strings.ContainsRune(text, filepath.Separator) {
		return readProfile(text)
	}
	if c != nil {
		p, err := publishedProfile(ctx, c, text)
		if p != nil {
			return p, nil
		}
		// Without the ledger the shipped ones still are known: packing must not wait.
		if err != nil && ledger.CodeOf(err) != ledger.CodeUnavailable {
			return nil, err
		}
	}
	if p, ok := profile.Default(text); ok {
		return p, nil
	}
	return nil, usageError{fmt.Errorf("profile %q is not known: give a file (.toml, .json), a published name (isotherm profile list) or %s", text, shippedNames())}
}
