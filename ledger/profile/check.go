package profile

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Check returns an error that names what can't be judged by, or would not fit into a pack statement. Every number is
// bounded, so that no sum of an evaluation overflows.
func (p *Profile) Check() error {
	switch {
	case p.Name == "" || p.Version == 0:
		return errors.New("profile has no name or no version")
	case p.ProbePlace == "":
		return fmt.Errorf("profile %s names no place of its probe", p.Name)
	case !sensible(p.LowMC) || !sensible(p.HighMC):
		return fmt.Errorf("profile %s: band from %s to %s °C is out of range, at most %d °C either way", p.Name, Decimal(int64(p.LowMC)), Decimal(int64(p.HighMC)), MaxTempMC/1000)
	case p.LowMC >= p.HighMC:
		return fmt.Errorf("profile %s: band from %s to %s °C is empty", p.Name, Decimal(int64(p.LowMC)), Decimal(int64(p.HighMC)))
	case p.ProbeErrorMC > MaxTempMC:
		return fmt.Errorf("profile %s: probe error of more than %d K", p.Name, MaxTempMC/1000)
	case max(p.SettleMS, p.ColdWarnMS, p.ColdLimitMS, p.ImplantMS) > MaxMS:
		return fmt.Errorf("profile %s: a time limit is longer than %d ms", p.Name, uint64(MaxMS))
	case p.ColdLimitMS != 0 && p.ColdWarnMS > p.ColdLimitMS:
		return fmt.Errorf("profile %s: warns of cold ischemia after the limit", p.Name)
	case p.ColdLimitMS != 0 && p.ImplantMS >= p.ColdLimitMS:
		return fmt.Errorf("profile %s: implanting takes all of the cold limit", p.Name)
	case len(p.Rules) > maxRules || len(p.Instructions) > maxSteps:
		return fmt.Errorf("profile %s: %d rules and %d instructions, at most %d each are allowed", p.Name, len(p.Rules), len(p.Instructions), maxRules)
	}
	if err := p.checkTexts(); err != nil {
		return err
	}
	if err := p.checkRules(); err != nil {
		return err
	}
	if n := len(p.Marshal()); n > MaxSize {
		return fmt.Errorf("profile %s: %d bytes, at most %d are allowed", p.Name, n, MaxSize)
	}
	return nil
}

func sensible(mc int32) bool { return mc >= -MaxTempMC && mc <= MaxTempMC }

func (p *Profile) checkTexts() error {
	texts := append([]string{p.Name, p.Program, p.ProbePlace}, p.Instructions...)
	for _, r := range p.Rules {
		texts = append(texts, r.Name)
	}
	for _, text := range texts {
		if len(text) > maxText || !utf8.ValidString(text) {
			return fmt.Errorf("profile %.40q: text %.40q is longer than %d bytes or not UTF-8", p.Name, text, maxText)
		}
	}
	return nil
}

// checkRules checks each rule, and their order: cold side first, for freezing is what no later care undoes.
func (p *Profile) checkRules() error {
	names := map[string]bool{}
	high := ""
	for _, r := range p.Rules {
		if err := p.checkRule(r); err != nil {
			return fmt.Errorf("profile %s: rule %q %w", p.Name, r.Name, err)
		}
		if names[r.Name] {
			return fmt.Errorf("profile %s: two rules are named %q", p.Name, r.Name)
		}
		names[r.Name] = true
		if r.Kind.IsLow() && high != "" {
			return fmt.Errorf("profile %s: rule %q of the cold side comes after %q of the warm side", p.Name, r.Name, high)
		}
		if r.Kind.IsHigh() {
			high = r.Name
		}
	}
	return nil
}

// checkRule asks for what the rule's kind needs, and refuses what it does not use: a value that does nothing misleads.
func (p *Profile) checkRule(r Rule) error {
	kind := r.Kind
	switch {
	case r.Name == "":
		return errors.New("has no name")
	case kind < Below || kind > AboveArea:
		return fmt.Errorf("is of unknown kind %d", kind)
	case r.Severity < Low || r.Severity > High:
		return fmt.Errorf("is of unknown severity %d", r.Severity)
	case !sensible(r.LimitMC):
		return fmt.Errorf("has a limit out of range, at most %d °C either way", MaxTempMC/1000)
	case r.HysteresisMC < 0 || r.HysteresisMC > MaxTempMC:
		return errors.New("has a negative hysteresis or one out of range")
	case r.DelayMS > MaxMS:
		return fmt.Errorf("has a delay longer than %d ms", uint64(MaxMS))
	case r.AreaMKMin > MaxAreaMKMin:
		return fmt.Errorf("has an area of more than %d milli-K x minutes", uint64(MaxAreaMKMin))
	case kind.IsLow() && r.LimitMC >= p.HighMC:
		return errors.New("alarms below a limit that is not under the top of the band")
	case kind.IsHigh() && r.LimitMC <= p.LowMC:
		return errors.New("alarms above a limit that is not over the bottom of the band")
	case kind.IsTotal() && !kind.IsArea() && r.DelayMS == 0:
		return errors.New("adds up time, but has no delay")
	case kind.IsArea() && r.AreaMKMin == 0:
		return errors.New("adds up degree-minutes, but has no area")
	case kind == Silent && r.DelayMS == 0:
		return errors.New("alarms at silence, but has no delay")
	case (kind == Lost || kind == Silent) && r.LimitMC != 0:
		return errors.New("has a limit, which its kind does not use")
	case kind != Below && kind != Above && r.HysteresisMC != 0:
		return errors.New("has a hysteresis, which its kind does not use")
	case kind.IsArea() && r.DelayMS != 0:
		return errors.New("has a delay, which its kind does not use")
	case !kind.IsArea() && r.AreaMKMin != 0:
		return errors.New("has an area, which its kind does not use")
	}
	return nil
}

// meltingIceMC is the temperature of melting ice, which a probe beside bags in ice shows for hours.
const meltingIceMC = 0

// Warnings returns, in English, what may be meant but rarely is: limits that a good probe crosses by its error alone. A
// profile with warnings can be judged by.
func Warnings(p *Profile) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	err := int64(p.ProbeErrorMC)
	inIce := p.LowMC <= meltingIceMC && p.HighMC >= meltingIceMC
	for _, r := range p.Rules {
		limit := int64(r.LimitMC)
		fromIce := max(limit-meltingIceMC, meltingIceMC-limit)
		switch {
		case !r.Kind.IsLow() && !r.Kind.IsHigh():
			continue
		case inIce && r.Kind.IsLow() && limit >= meltingIceMC:
			say("%s: a probe beside bags in melting ice sits at 0 °C, so a cold alarm at %s °C is always near; set it to -0.5 °C or lower", r.Name, Decimal(limit))
			continue
		case inIce && fromIce < err:
			say("%s: the limit of %s °C is within the probe's error of %s K of melting ice", r.Name, Decimal(limit), Decimal(err))
		}
		switch {
		case r.Kind.IsLow() && limit > int64(p.LowMC), r.Kind.IsHigh() && limit < int64(p.HighMC):
			say("%s: the limit of %s °C is inside the band", r.Name, Decimal(limit))
		case r.Kind.IsLow() && int64(p.LowMC)-limit < err:
			say("%s: a probe that shows %s K too little is under %s °C while the organ is still in the band from %s °C", r.Name, Decimal(err), Decimal(limit), Decimal(int64(p.LowMC)))
		case r.Kind.IsHigh() && limit-int64(p.HighMC) < err:
			say("%s: a probe that shows %s K too much is over %s °C while the organ is still in the band to %s °C", r.Name, Decimal(err), Decimal(limit), Decimal(int64(p.HighMC)))
		}
	}
	return out
}

// Decimal writes thousandths exactly, with as few digits as that takes: -500 is '-0.5'.
func Decimal(thousandths int64) string {
	sign := ""
	if thousandths < 0 {
		sign, thousandths = "-", -thousandths
	}
	s := fmt.Sprintf("%s%d.%03d", sign, thousandths/1000, thousandths%1000)
	for s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return s
}
