package profile

import "slices"

// The shipped profiles are for a program to copy, change and sign as its own. They are NOT clinical advice: bands, limits
// and times differ between sources and are set by the transplant program. Where a number comes from is said beside it.

// Bands are the names of the ways of preservation that a profile is shipped for. Each is also the name of the profile for no
// organ in particular, see Default.
const (
	Ice          = "ice-scs"      // static cold storage in melting ice
	Hypothermic  = "chs-4-8"      // controlled hypothermic storage
	Lung10       = "lung-10"      // lungs at 10 °C
	Normothermic = "normothermic" // machine perfusion at body temperature
)

// The places of probes that the shipped profiles judge.
const (
	PlaceOrgan = "organ"
	PlaceIce   = "beside the bags" // melting ice: what the bags touch, not what the organ has
)

// coldTime is how long an organ of a kind may be cold: the middle of what LifeSource, New England Donor Services and ASTS
// publish for donation after circulatory death.
type coldTime struct {
	organ       string
	warn, limit uint64 // hours
}

// coldTimes names organs as custody.Organ does, which can't be imported here: custody imports this package. The first
// stands for any organ, with the shortest times.
var coldTimes = [...]coldTime{
	{"", 3, 4}, {"heart", 3, 4}, {"lung", 4, 6}, {"liver", 8, 12}, {"kidney", 24, 36}, {"pancreas", 12, 18}, {"intestine", 6, 12},
}

// band is what a way of preservation asks for.
type band struct {
	name, place  string
	short        string // after the organ in a profile's name
	low, high    int32  // shown as the band
	cold, warm   int32  // limits of the alarms
	coldMinutes  uint64
	warmMinutes  uint64
	organs       []string // kinds that it is practised for; nil for all
	coldArea     uint64   // degree-minutes under the cold limit
	warmArea     uint64   // and over the warm limit
	errorMC      uint32
	instructions []string
}

var (
	handsOff = []string{"Do not open the box.", "Check that the box stands upright and the lid is shut.", "Call the coordinator."}
	onPump   = []string{"Look at the machine's own display: its alarms come first.", "Call the perfusionist.", "Call the coordinator."}
)

// bands returns the ways of preservation. WHO asks of a logger's probe +-0.5 °C (E06/TR05.1).
func bands() []band {
	return []band{
		// A probe in melting ice shows 0 °C: -0.5 °C is where its error ends, and UW solution freezes near -0.7 °C. Bags in
		// ice are at 0 to 4 °C; 8 °C means that the ice is gone.
		{name: Ice, short: "ice", place: PlaceIce, low: -500, high: 4000, cold: -500, warm: 8000, coldMinutes: 10, warmMinutes: 5,
			coldArea: 10, warmArea: 60, errorMC: 500, instructions: handsOff},
		// Sold as keeping 4 to 8 °C; out of it for minutes means that the box fails.
		{name: Hypothermic, short: "chs", place: PlaceOrgan, low: 4000, high: 8000, cold: 4000, warm: 8000, coldMinutes: 2, warmMinutes: 5,
			coldArea: 60, warmArea: 60, errorMC: 500, instructions: handsOff},
		// Lungs keep longest near 10 °C, in studies up to a day.
		{name: Lung10, short: "10", place: PlaceOrgan, low: 8000, high: 12000, cold: 8000, warm: 12000, coldMinutes: 5, warmMinutes: 5,
			coldArea: 60, warmArea: 60, errorMC: 500, organs: []string{"lung"}, instructions: handsOff},
		// The machine keeps 34 to 37 °C; cooling on the pump means that it has stopped.
		{name: Normothermic, short: "normothermic", place: PlaceOrgan, low: 34000, high: 38000, cold: 34000, warm: 38000, coldMinutes: 2, warmMinutes: 2,
			coldArea: 60, warmArea: 30, errorMC: 500, organs: []string{"heart", "lung", "liver", "kidney"}, instructions: onPump},
	}
}

// totalFactor is how much longer than a single event all time beyond a limit may be in total: repeated short
// excursions, none of them an event, must not pass unseen.
const totalFactor = 6

func (b band) profile(name string, t coldTime) *Profile {
	const hour = 60 * minute
	coldMS, warmMS := b.coldMinutes*minute, b.warmMinutes*minute
	return &Profile{
		Name: name, Version: 1, ProbePlace: b.place, ProbeErrorMC: b.errorMC, LowMC: b.low, HighMC: b.high,
		SettleMS: 30 * minute, ColdWarnMS: t.warn * hour, ColdLimitMS: t.limit * hour, Instructions: slices.Clone(b.instructions),
		Rules: []Rule{
			{Name: "too cold", Kind: Below, Severity: High, LimitMC: b.cold, HysteresisMC: 200, DelayMS: coldMS},
			{Name: "too cold in total", Kind: BelowTotal, Severity: Medium, LimitMC: b.cold, DelayMS: totalFactor * coldMS},
			{Name: "cold degree-minutes", Kind: BelowArea, Severity: Medium, LimitMC: b.cold, AreaMKMin: b.coldArea * 1000},
			{Name: "too warm", Kind: Above, Severity: High, LimitMC: b.warm, HysteresisMC: 200, DelayMS: warmMS},
			{Name: "too warm in total", Kind: AboveTotal, Severity: Medium, LimitMC: b.warm, DelayMS: totalFactor * warmMS},
			{Name: "warm degree-minutes", Kind: AboveArea, Severity: Medium, LimitMC: b.warm, AreaMKMin: b.warmArea * 1000},
			{Name: "sensor lost", Kind: Lost, Severity: Medium, DelayMS: 2 * minute}, // loggers wait 10 min: too long for an organ
			{Name: "silence", Kind: Silent, Severity: Medium, DelayMS: 10 * minute},
		},
	}
}

// Defaults returns the profiles that isotherm ships: each way of preservation for no organ in particular, then for each
// organ that it is practised for, as 'heart-ice' or 'kidney-chs'.
func Defaults() []*Profile {
	var all, organs []*Profile
	for _, b := range bands() {
		if len(b.organs) == 1 { // its name says which
			all = append(all, b.profile(b.name, timesOf(b.organs[0])))
			continue
		}
		all = append(all, b.profile(b.name, timesOf("")))
		for _, t := range coldTimes[1:] {
			if b.fits(t.organ) {
				organs = append(organs, b.profile(t.organ+"-"+b.short, t))
			}
		}
	}
	return append(all, organs...)
}

func (b band) fits(organ string) bool { return b.organs == nil || slices.Contains(b.organs, organ) }

func timesOf(organ string) coldTime {
	i := slices.IndexFunc(coldTimes[:], func(t coldTime) bool { return t.organ == organ })
	return coldTimes[max(i, 0)]
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
