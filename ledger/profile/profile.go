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

// The kinds of rule. The first four speak of a single event that lasts at least the rule's delay; the totals add up all
// time beyond the limit, the areas all time weighted with the distance to the limit, since the rules began to count.
const (
	Below      RuleKind = 1 // temperature under the limit
	Above      RuleKind = 2 // temperature over the limit
	Lost       RuleKind = 3 // the probe answers with faults only
	Silent     RuleKind = 4 // no reading at all
	BelowTotal RuleKind = 5 // total time under the limit reaches DelayMS
	AboveTotal RuleKind = 6 // total time over the limit reaches DelayMS
	BelowArea  RuleKind = 7 // degree-minutes under the limit reach AreaMKMin
	AboveArea  RuleKind = 8 // degree-minutes over the limit reach AreaMKMin
)

// Severity is how urgently people must know. Numbers are append only.
type Severity uint8

// The severities, by the colours of IEC 60601-1-8.
const (
	Low    Severity = 1 // cyan: advisory
	Medium Severity = 2 // amber: prompt response
	High   Severity = 3 // red: immediate response
)

func (s Severity) String() string {
	switch s {
	case Low:
		return "low"
	case Medium:
		return "medium"
	case High:
		return "high"
	}
	return fmt.Sprintf("unknown(%d)", uint8(s))
}

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
	case BelowTotal:
		return "below in total"
	case AboveTotal:
		return "above in total"
	case BelowArea:
		return "degree-minutes below"
	case AboveArea:
		return "degree-minutes above"
	}
	return fmt.Sprintf("unknown(%d)", uint8(k))
}

// Rule turns readings into an excursion.
type Rule struct {
	Name         string // shown to people: 'too cold'
	Kind         RuleKind
	Severity     Severity
	LimitMC      int32  // milli-°C; for all but Lost and Silent
	HysteresisMC int32  // how far back inside the limit the value must come to end a single event, in milli-K
	DelayMS      uint64 // an event, or a total, shorter than this is no excursion
	AreaMKMin    uint64 // milli-K x minutes; for areas
}

// Profile is one version of a program's demands.
type Profile struct {
	Name         string
	Version      uint32
	Program      string // code of the organisation that sets it; empty for the shipped ones
	ProbePlace   string // the place of the probes it judges: 'organ', 'beside the bags'
	ProbeErrorMC uint32 // the error it allows a probe, milli-K: limits closer to the band's reason than that get a warning
	LowMC        int32  // band shown to people, milli-°C
	HighMC       int32
	SettleMS     uint64 // rules start at the first reading in band, at latest this long after packing
	ColdWarnMS   uint64 // cold ischemia: warn
	ColdLimitMS  uint64 // cold ischemia: the program's limit
	ImplantMS    uint64 // of the limit, reserved for implanting; zero for none
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
	b := cbor.AppendMap(nil, 13)
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
		b = cbor.AppendText(cbor.AppendArray(b, 7), r.Name)
		b = cbor.AppendUint(b, uint64(r.Kind))
		b = cbor.AppendUint(b, uint64(r.Severity))
		b = cbor.AppendInt(b, int64(r.LimitMC))
		b = cbor.AppendInt(b, int64(r.HysteresisMC))
		b = cbor.AppendUint(b, r.DelayMS)
		b = cbor.AppendUint(b, r.AreaMKMin)
	}
	b = cbor.AppendArray(cbor.AppendUint(b, 10), len(p.Instructions))
	for _, s := range p.Instructions {
		b = cbor.AppendText(b, s)
	}
	b = cbor.AppendText(cbor.AppendUint(b, 11), p.Program)
	b = cbor.AppendUint(cbor.AppendUint(b, 12), uint64(p.ProbeErrorMC))
	b = cbor.AppendUint(cbor.AppendUint(b, 13), p.ImplantMS)
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
	d.Map(13, func(key uint64) bool {
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
				d.ArrayOf(7)
				p.Rules = append(p.Rules, Rule{Name: d.Text(maxText), Kind: RuleKind(d.UintMax(255)), Severity: Severity(d.UintMax(255)),
					LimitMC: d.Int32(), HysteresisMC: d.Int32(), DelayMS: d.Uint(), AreaMKMin: d.Uint()})
			}
		case 10:
			for range d.Array(maxSteps) {
				p.Instructions = append(p.Instructions, d.Text(maxText))
			}
		case 11:
			p.Program = d.Text(maxText)
		case 12:
			p.ProbeErrorMC = uint32(d.UintMax(1<<32 - 1))
		case 13:
			p.ImplantMS = d.Uint()
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
