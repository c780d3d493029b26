package trip

import (
	"cmp"
	"slices"

	"isotherm/ledger/excursion"
)

// within is how much of the times lies between two moments, in milliseconds. The times are in order and do not overlap.
func within(times []excursion.Part, from, to int64) int64 {
	var sum int64
	for _, p := range times {
		sum += max(min(p.ToMS, to)-max(p.FromMS, from), 0)
	}
	return sum
}

// union returns the times that at least one of the parts covers, in order and without overlap.
func union(parts []excursion.Part) []excursion.Part {
	slices.SortFunc(parts, func(a, b excursion.Part) int { return cmp.Compare(a.FromMS, b.FromMS) })
	var out []excursion.Part
	for _, p := range parts {
		if n := len(out); n > 0 && p.FromMS <= out[n-1].ToMS {
			out[n-1].ToMS = max(out[n-1].ToMS, p.ToMS)
			continue
		}
		out = append(out, p)
	}
	return out
}
