package excursion_test

import (
	"testing"

	"isotherm/ledger/excursion"
)

// The vectors are computed with dH/R = 83144/8.314472, equal intervals: counts of hours at a temperature.
func TestKinetic_MeanMC(t *testing.T) {
	type run struct {
		hours  int
		tempMC int32
	}
	tests := []struct {
		name string
		runs []run
		want int32
	}{
		{"constant", []run{{288, 5000}}, 5000},
		{"a quarter at 14 °C", []run{{216, 5000}, {72, 14_000}}, 8285},
		{"half a day at 15 °C", []run{{276, 5000}, {12, 15_000}}, 5764},
		{"freezing is hidden", []run{{36, 5000}, {12, -3000}}, 3623},
		{"equal halves", []run{{24, 4000}, {24, 8000}}, 6240},
		{"absolute zero adds nothing but time", []run{{1, 5000}, {0, -273_150}}, 5000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var each, lumped, alternating excursion.Kinetic
			longest := 0
			for _, r := range tt.runs {
				for range r.hours {
					each.Add(r.tempMC, 3_600_000)
				}
				lumped.Add(r.tempMC, int64(r.hours)*3_600_000)
				longest = max(longest, r.hours)
			}
			for i := range longest {
				for _, r := range tt.runs {
					if i < r.hours {
						alternating.Add(r.tempMC, 3_600_000)
					}
				}
			}
			for name, k := range map[string]*excursion.Kinetic{"hour by hour": &each, "lumped": &lumped, "alternating": &alternating} {
				if got, ok := k.MeanMC(); !ok || got != tt.want {
					t.Errorf("%s: got %d, %t, want %d", name, got, ok, tt.want)
				}
			}
		})
	}
	var none excursion.Kinetic
	if got, ok := none.MeanMC(); ok {
		t.Errorf("of nothing: got %d", got)
	}
}
