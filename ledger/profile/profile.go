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

	"isotherm/ledger/cbor"
)

// RuleKind says how a rule judges. Numbers are append only.
type RuleKind uint8

// The kinds of rule. The first four speak of a single event that lasts at least the rule's delay; the totals add up all
// time beyond the limit, the areas all time weighted with the distance to the limit, since the rules began to count. Which
// of a rule's fields a kind uses is in Check.
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

var severityNames = [...]string{Low: "low", Medium: "medium", High: "high"}

func (s Severity) String() string {
	if int(s) < len(severityNames) && s != 0 {
		return severityNames[s]
	}
	return fmt.Sprintf("unknown(%d)", uint8(s))
}

var kindNames = [...]string{Below: "below", Above: "above", Lost: "lost", Silent: "silent", BelowTotal: "below in total",
	AboveTotal: "above in total", BelowArea: "degree-minutes below", AboveArea: "degree-minutes above"}

func (k RuleKind) String() string {
	if int(k) < len(kindNames) && k != 0 {
		return kindNames[k]
	}
	return fmt.Sprintf("unknown(%d)", uint8(k))
}

// IsLow tells whether the rule watches the cold side: the one that freezes an organ.
func (k RuleKind) IsLow() bool { return k == Below || k == BelowTotal || k == BelowArea }

// IsHigh tells whether the rule watches the warm side.
func (k RuleKind) IsHigh() bool { return k == Above || k == AboveTotal || k == AboveArea }

// IsTotal tells whether the rule adds up over the whole trip: a total or an area.
func (k RuleKind) IsTotal() bool { return k >= BelowTotal && k <= AboveArea }

// IsArea tells whether the rule adds up degree-minutes.
func (k RuleKind) IsArea() bool { return k == BelowArea || k == AboveArea }

// Rule turns readings into an excursion.
type Rule struct {
	Name         string // shown to people: 'too cold'
	Kind         RuleKind
	Severity     Severity
	LimitMC      int32  // milli-°C; for all but Lost and Silent
	HysteresisMC int32  // how far back inside the limit the value must come to end a Below or Above, in milli-K
	DelayMS      uint64 // an event, or a total, shorter than this is no excursion; zero for areas
	AreaMKMin    uint64 // milli-K x minutes; for areas
}

// Profile is one version of a program's demands.
type Profile struct {
	Name         string
	Version      uint32
	Program      string // code of the organisation that sets it; empty for the shipped ones
	ProbePlace   string // the place of the probes it judges: 'organ', 'beside the bags'
	ProbeErrorMC uint32 // the error it allows a probe, milli-K either way; zero when it states none
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

	// MaxMS bounds every time: 30 days. The longest trip of an organ, a kidney's on a pump, takes three.
	MaxMS = 30 * 24 * 60 * minute
	// MaxTempMC bounds every temperature, either way. Perfusion is at 38 °C, dry ice at -78.5 °C.
	MaxTempMC = 100_000
	// MaxAreaMKMin bounds degree-minutes: 200 K for 30 days.
	MaxAreaMKMin = 2 * MaxTempMC * (MaxMS / minute)
)

const minute = 60_000 // milliseconds

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
