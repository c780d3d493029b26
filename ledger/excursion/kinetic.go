package excursion

import "math"

// Kinetic adds up the mean kinetic temperature: the one temperature that, held all the time, would give the same decay
// by Arrhenius' law. T = (dH/R) / -ln(sum(t x exp(-dH/(R x Ti))) / sum(t)), in kelvin, time-weighted; dH is USP's 83.144
// kJ/mol (USP <1079.2>).
//
// It is a statistic and never a verdict: it hides freezing, and a short excursion that does harm. It is worked out in
// floating point, whose last digit differs between machines, so it must stay out of anything signed.
type Kinetic struct {
	sum, ms float64
	last    int32   // the exponential of the last temperature, for most repeat
	exp     float64 // zero before the first
}

const (
	arrheniusK   = 83144 / 8.314472 // dH/R in kelvin
	zeroCelsiusK = 273.15
)

// Add counts a temperature that was held for ms milliseconds.
func (k *Kinetic) Add(tempMC int32, ms int64) {
	if k.exp == 0 || tempMC != k.last {
		k.last, k.exp = tempMC, math.Exp(-arrheniusK/max(float64(tempMC)/1000+zeroCelsiusK, 1))
	}
	k.sum += float64(ms) * k.exp
	k.ms += float64(ms)
}

// MeanMC returns the mean kinetic temperature, rounded to milli-°C; false when no time was added, or all of it so cold
// that no decay can be computed.
func (k *Kinetic) MeanMC() (int32, bool) {
	if k.ms <= 0 || k.sum <= 0 {
		return 0, false
	}
	mc := math.Round((arrheniusK/-math.Log(k.sum/k.ms) - zeroCelsiusK) * 1000)
	return int32(min(max(mc, -hottestMC), hottestMC)), true
}
