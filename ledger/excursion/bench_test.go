package excursion_test

import (
	"testing"

	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

// One reading of three probes, two of them judged, around the limits: what a box does every ten seconds, and a verifier
// for every reading of a trip.
func BenchmarkEvaluator_Step(b *testing.B) {
	for name, p := range map[string]*profile.Profile{"four rules": testProfile(), "eight rules": fullProfile()} {
		b.Run(name, func(b *testing.B) {
			e := excursion.New(p, "")
			e.Configure(&record.Boot{SampleMS: 10_000, Probes: []record.Probe{{Number: 1, Place: "organ"}, {Number: 2, Place: "organ"}, {Number: 3, Place: "box"}}})
			temps := []int32{5000, 5100, 5200, 5100, 3990, 4100, 5000, 8100, 7900}
			r := &record.Record{Kind: record.KindReading, Reading: &record.Reading{Samples: []record.Sample{{Probe: 1}, {Probe: 2}, {Probe: 3}}}}
			b.ReportAllocs()
			for i := range b.N {
				r.Seq, r.At.MonoMS = uint64(i), uint64(i)*10_000
				for k := range r.Reading.Samples {
					r.Reading.Samples[k].TempMC = temps[(i+k)%len(temps)]
				}
				e.Step(r)
			}
		})
	}
}
