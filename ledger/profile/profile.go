// Package profile defines what a transplant program demands of a shipment: temperature band, alarm rules and time
// limits. A profile is chosen by the program, versioned, and pinned by its hash at packing. It is not clinical advice.
//
// A profile is data with canonical bytes; judging readings by it is the work of ledger/excursion.
package profile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"

	"isotherm/ledger/cbor"
)

// RuleKind says how a rule judges. Numbers are append only.
type RuleKind uint8

// The kinds of rule. All speak of a single event that lasts at least the rule's delay.
const (
	Below  RuleKind = 1 // temperature under the limit
	Above  RuleKind = 2 // temperature over the limit
	Lost   RuleKind = 3 // the probe answers with faults only
	Silent RuleKind = 4 // no reading at all
)

func (k RuleKind) String() string {
	switch k {
	case Below:
		return "below"
	case Above:
		return "above"
	case Lost:
		return "lost"
	case Silent:
		return "silent"
	}
	return fmt.Sprintf("unknown(%d)", uint8(k))
}

// Rule turns readings into an excursion.
type Rule struct {
	Name         string // shown to people: 'too cold'
	Kind         RuleKind
	LimitMC      int32  // milli-°C; for Below and Above
	HysteresisMC int32  // how far back inside the limit the value must come to end it, in milli-K
	DelayMS      uint64 // an event shorter than this is no excursion
}

// Profile is one version of a program's demands.
type Profile struct {
	Name         string
	Version      uint32
	ProbePlace   string // the place of the probes it judges: 'organ'
	LowMC        int32  // band shown to people, milli-°C
	HighMC       int32
	SettleMS     uint64 // rules start at the first reading in band, at latest this long after packing
	ColdWarnMS   uint64 // cold ischemia: warn
	ColdLimitMS  uint64 // cold ischemia: the program's limit
	Rules        []Rule // low side first
	Instructions []string
}

// Limits of a profile.
const (
	MaxSize  = 4 << 10
	maxRules = 16
	maxSteps = 16
	maxText  = 200
	maxMS    = math.MaxInt64 // trip time is signed: a longer delay would count as a negative one, hence as passed
)

// Marshal returns the canonical bytes.
func (p *Profile) Marshal() []byte {
	b := cbor.AppendMap(nil, 10)
	b = cbor.AppendText(cbor.AppendUint(b, 1), p.Name)
	b = cbor.AppendUint(cbor.AppendUint(b, 2), uint64(p.Version))
	b = cbor.AppendText(cbor.AppendUint(b, 3), p.ProbePlace)
	b = cbor.AppendInt(cbor.AppendUint(b, 4), int64(p.LowMC))
	b = cbor.AppendInt(cbor.AppendUint(b, 5), int64(p.HighMC))
	b = cbor.AppendUint(cbor.AppendUint(b, 6), p.SettleMS)
	b = cbor.AppendUint(cbor.AppendUint(b, 7), p.ColdWarnMS)
	b = cbor.AppendUint(cbor.AppendUint(b, 8), p.ColdLimitMS)
	b = cbor.AppendArray(cbor.AppendUint(b, 9), len(p.Rules))
	for _, r := range p.Rules {
		b = cbor.AppendText(cbor.AppendArray(b, 5), r.Name)
		b = cbor.AppendUint(b, uint64(r.Kind))
		b = cbor.AppendInt(b, int64(r.LimitMC))
		b = cbor.AppendInt(b, int64(r.HysteresisMC))
		b = cbor.AppendUint(b, r.DelayMS)
	}
	b = cbor.AppendArray(cbor.AppendUint(b, 10), len(p.Instructions))
	for _, s := range p.Instructions {
		b = cbor.AppendText(b, s)
	}
	return b
}

// Hash names the profile: SHA-256 of its canonical bytes.
func (p *Profile) Hash() [32]byte { return sha256.Sum256(p.Marshal()) }

// Parse reads canonical bytes and checks that the profile can be judged by.
func Parse(b []byte) (*Profile, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("profile of %d bytes, at most %d are allowed", len(b), MaxSize)
	}
	d := cbor.NewDecoder(b)
	var p Profile
	d.Map(10, func(key uint64) bool {
		switch key {
		case 1:
			p.Name = d.Text(maxText)
		case 2:
			p.Version = uint32(d.UintMax(1<<32 - 1))
		case 3:
			p.ProbePlace = d.Text(maxText)
		case 4:
			p.LowMC = d.Int32()
		case 5:
			p.HighMC = d.Int32()
		case 6:
			p.SettleMS = d.Uint()
		case 7:
			p.ColdWarnMS = d.Uint()
		case 8:
			p.ColdLimitMS = d.Uint()
		case 9:
			for range d.Array(maxRules) {
				d.ArrayOf(5)
				p.Rules = append(p.Rules, Rule{Name: d.Text(maxText), Kind: RuleKind(d.UintMax(255)), LimitMC: d.Int32(),
					HysteresisMC: d.Int32(), DelayMS: d.Uint()})
			}
		case 10:
			for range d.Array(maxSteps) {
				p.Instructions = append(p.Instructions, d.Text(maxText))
			}
		default:
			return false
		}
		return true
	})
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	if !bytes.Equal(p.Marshal(), b) {
		return nil, errors.New("read profile: not in canonical form")
	}
	return &p, p.Check()
}

// Check returns an error that names what can't be judged by.
func (p *Profile) Check() error {
	switch {
	case p.Name == "" || p.Version == 0:
		return errors.New("profile has no name or no version")
	case p.ProbePlace == "":
		return fmt.Errorf("profile %s names no place of its probe", p.Name)
	case p.LowMC >= p.HighMC:
		return fmt.Errorf("profile %s: band from %d to %d milli-°C is empty", p.Name, p.LowMC, p.HighMC)
	case max(p.SettleMS, p.ColdWarnMS, p.ColdLimitMS) > maxMS:
		return fmt.Errorf("profile %s: a time limit is longer than %d ms", p.Name, uint64(maxMS))
	}
	for _, r := range p.Rules {
		if r.Kind < Below || r.Kind > Silent {
			return fmt.Errorf("profile %s: rule %q is of unknown kind %d", p.Name, r.Name, r.Kind)
		}
		if r.HysteresisMC < 0 {
			return fmt.Errorf("profile %s: rule %q has a negative hysteresis", p.Name, r.Name)
		}
		if r.DelayMS > maxMS {
			return fmt.Errorf("profile %s: rule %q has a delay longer than %d ms", p.Name, r.Name, uint64(maxMS))
		}
	}
	return nil
}

const minute = 60_000 // milliseconds

// Defaults returns the profiles that isotherm ships, for a program to copy and change. Numbers and their sources are in
// FORMAT.md; they are not clinical advice.
func Defaults() []*Profile {
	steps := []string{"Do not open the box.", "Check that the box stands upright and the lid is shut.", "Call the coordinator."}
	band := func(name string, low, high, alarmLow, alarmHigh int32, lowDelay uint64) *Profile {
		return &Profile{
			Name: name, Version: 1, ProbePlace: "organ", LowMC: low, HighMC: high,
			SettleMS: 30 * minute, ColdWarnMS: 180 * minute, ColdLimitMS: 240 * minute, Instructions: steps,
			Rules: []Rule{
				{Name: "too cold", Kind: Below, LimitMC: alarmLow, HysteresisMC: 200, DelayMS: lowDelay},
				{Name: "too warm", Kind: Above, LimitMC: alarmHigh, HysteresisMC: 200, DelayMS: 5 * minute},
				{Name: "sensor lost", Kind: Lost, DelayMS: 2 * minute},
				{Name: "silence", Kind: Silent, DelayMS: 10 * minute},
			},
		}
	}
	return []*Profile{
		band("ice-scs", -500, 4000, -500, 8000, 10*minute),
		band("chs-4-8", 4000, 8000, 4000, 8000, 2*minute),
		band("lung-10", 8000, 12000, 8000, 12000, 5*minute),
		band("normothermic", 34000, 38000, 34000, 38000, 2*minute),
	}
}

// Default returns the shipped profile of that name.
func Default(name string) (*Profile, bool) {
	for _, p := range Defaults() {
		if p.Name == name {
			return p, true
		}
	}
	return nil, false
}
