package plausible_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"isotherm/hardware"
	"isotherm/hardware/plausible"
	"isotherm/hardware/sim"
)

const every = 10 * time.Second

// course tells what the probes indicate in a round, and how the lid stands. A probe that does not answer gives noAnswer.
type course func(at time.Duration) (temps []hardware.Temperature, lid plausible.Lid)

const noAnswer = math.MinInt32

func steady(temps ...hardware.Temperature) course {
	return func(time.Duration) ([]hardware.Temperature, plausible.Lid) { return temps, plausible.LidClosed }
}

// noise is ±0.05 K, the same in every run.
func noise(at time.Duration, probe int) hardware.Temperature {
	x := uint64(at/every)*2654435761 + uint64(probe)*40503 + 12345
	x ^= x >> 13
	x *= 0x9E3779B97F4A7C15
	return hardware.Temperature(x>>32%101) - 50
}

// lag is what a body with a time constant does after its surroundings changed by a step.
func lag(from, to hardware.Temperature, passed, tau time.Duration) hardware.Temperature {
	if passed <= 0 {
		return from
	}
	return to + hardware.Temperature(math.Round(float64(from-to)*math.Exp(-passed.Seconds()/tau.Seconds())))
}

// ramp goes from one temperature to another.
func ramp(from, to hardware.Temperature, at, whole time.Duration) hardware.Temperature {
	return from + hardware.Temperature(int64(to-from)*int64(min(at, whole))/int64(whole))
}

func coarse(t hardware.Temperature) hardware.Temperature {
	return hardware.Temperature(math.Round(float64(t)/100)) * 100
}

// play runs a course and returns which doubts each probe ever had, and which at the end.
func play(t *testing.T, probes []plausible.Probe, length time.Duration, step time.Duration, f course) (ever, last [][]hardware.Fault) {
	t.Helper()
	c := plausible.New(probes)
	ever = make([][]hardware.Fault, len(probes))
	for at := time.Duration(0); at <= length; at += step {
		temps, lid := f(at)
		r := plausible.Round{At: 42*time.Hour + at, Lid: lid}
		for _, temp := range temps {
			s := plausible.Sample{Raw: temp, Temp: temp}
			if temp == noAnswer {
				s = plausible.Sample{Fault: hardware.Timeout}
			}
			r.Samples = append(r.Samples, s)
		}
		before := slices.Clone(r.Samples)
		last = c.Judge(r)
		if diff := cmp.Diff(before, r.Samples); diff != "" {
			t.Fatalf("a value was changed (-want +got):\n%s", diff)
		}
		for i, doubts := range last {
			for _, d := range doubts {
				if !slices.Contains(ever[i], d) {
					ever[i] = append(ever[i], d)
				}
			}
		}
	}
	for i := range ever {
		slices.Sort(ever[i])
	}
	return ever, last
}

var (
	organAndBox = []plausible.Probe{{Place: "organ", Uncertainty: 100}, {Place: "box"}}
	twoOrgans   = []plausible.Probe{{Place: "organ", Uncertainty: 100}, {Place: "organ", Uncertainty: 200}}
	oneOrgan    = []plausible.Probe{{Place: "organ"}}
	boxOnly     = []plausible.Probe{{Place: "box"}}
)

type faults = []hardware.Fault

// TestChecker_Judge has every course of temperatures of the list of bad inputs, and what must not be taken for one.
func TestChecker_Judge(t *testing.T) {
	const rate, stuck, disagree = hardware.RateOfChange, hardware.Stuck, hardware.Disagree
	open := func(at, from, to time.Duration) plausible.Lid {
		if at >= from && at < to {
			return plausible.LidOpen
		}
		return plausible.LidClosed
	}
	for _, tt := range []struct {
		name   string
		probes []plausible.Probe
		length time.Duration
		f      course
		ever   []faults
		last   []faults
	}{
		{"stuck 1 h, the other probe of the place moves", twoOrgans, 90 * time.Minute, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{5000, ramp(4800, 5200, at, time.Hour) + noise(at, 1)}, plausible.LidClosed
		}, []faults{{stuck}, nil}, []faults{{stuck}, nil}},
		{"stuck 1 h, the air of the box warms", organAndBox, 2 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{5000, ramp(5000, 9000, at, time.Hour) + noise(at, 1)}, plausible.LidClosed
		}, []faults{{stuck}, nil}, []faults{{stuck}, nil}},
		{"stuck 1 h, then it moves again", organAndBox, 2 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			organ := hardware.Temperature(5000)
			if at > 110*time.Minute {
				organ = 5400
			}
			return []hardware.Temperature{organ, ramp(5000, 9000, at, time.Hour)}, plausible.LidClosed
		}, []faults{{stuck}, nil}, []faults{nil, nil}},
		{"stuck 59 min", []plausible.Probe{{Place: "organ", Uncertainty: 1000}, {Place: "organ"}}, 59 * time.Minute, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{5000, ramp(5000, 6000, at, time.Hour)}, plausible.LidClosed
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"coarse box probe that stands still while a warm organ cools", organAndBox, 2 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{lag(20_000, 4000, at, 30*time.Minute), 4100}, plausible.LidClosed
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"noise of ±0.05 for a day", organAndBox, 24 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{5000 + noise(at, 0), 5000 + noise(at, 1)}, plausible.LidClosed
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"noise of ±0.05 on one of a place, and a coarse one that stands still", twoOrgans, 24 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{5000 + noise(at, 0), 5000}, plausible.LidClosed
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"coarse 0.1 K probes in a good box for a day", organAndBox, 24 * time.Hour, steady(4200, 4000), []faults{nil, nil}, []faults{nil, nil}},
		{"coarse organ probe, packs that swing the air by 0.5 K", organAndBox, 12 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{4200, coarse(4000 + hardware.Temperature(500*math.Sin(at.Minutes()/15)))}, plausible.LidClosed
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"coarse organ probe, the lid is open for 2 minutes", organAndBox, 3 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			air := lag(4000, 22_000, at-20*time.Minute, time.Minute)
			if at > 22*time.Minute {
				air = lag(20_000, 4000, at-22*time.Minute, time.Minute)
			}
			return []hardware.Temperature{4200, air}, open(at, 20*time.Minute, 22*time.Minute)
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"organ in melting ice, air above it warms", organAndBox, 5 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{100, ramp(2000, 8000, at, 4*time.Hour)}, plausible.LidClosed
		}, []faults{nil, nil}, []faults{nil, nil}},

		{"step 4 to 22 in the air, lid open: kept", organAndBox, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			air := hardware.Temperature(4000)
			if at >= 20*time.Minute && at < 25*time.Minute {
				air = 22_000
			}
			return []hardware.Temperature{lag(5000, 6000, at-20*time.Minute, time.Hour), air}, open(at, 20*time.Minute, 25*time.Minute)
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"step 4 to 22 in the air, lid just closed: kept", boxOnly, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			air := hardware.Temperature(4000)
			if at >= 26*time.Minute {
				air = 22_000
			}
			return []hardware.Temperature{air}, open(at, 20*time.Minute, 25*time.Minute)
		}, []faults{nil}, []faults{nil}},
		{"step 4 to 22 in the air, nothing watches the lid: kept", boxOnly, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{lag(4000, 22_000, at-20*time.Minute, time.Second)}, plausible.LidUnknown
		}, []faults{nil}, []faults{nil}},
		{"step 4 to 22 in the air, lid closed", boxOnly, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{lag(4000, 22_000, at-20*time.Minute, time.Second)}, plausible.LidClosed
		}, []faults{{rate}}, []faults{nil}},
		{"step 4 to 22 of an organ, lid open", organAndBox, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			temp := lag(4000, 22_000, at-20*time.Minute, time.Second)
			return []hardware.Temperature{temp, temp}, open(at, 20*time.Minute, 25*time.Minute)
		}, []faults{{rate}, nil}, []faults{nil, nil}},
		{"step 22 to -10 outside: the box is carried out", []plausible.Probe{{Place: "ambient"}}, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{lag(22_000, -10_000, at-20*time.Minute, 10*time.Second)}, plausible.LidClosed
		}, []faults{nil}, []faults{nil}},

		{"ramp -5 to +8 in an hour", organAndBox, 2 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{ramp(-5000, 8000, max(at-10*time.Minute, 0), time.Hour), ramp(-5000, 8000, at, time.Hour)}, plausible.LidClosed
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"ramp -5 to +8 in two minutes of an organ from a freezer", oneOrgan, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{ramp(-5000, 8000, at, 2*time.Minute) + noise(at, 0)}, plausible.LidClosed
		}, []faults{nil}, []faults{nil}},
		{"ramp -5 to +8 that loses its sign on one probe of the place", twoOrgans, 2 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			true1 := ramp(-5000, 8000, at, 100*time.Minute)
			return []hardware.Temperature{max(true1, -true1), true1}, plausible.LidClosed
		}, []faults{{disagree}, {disagree}}, []faults{nil, nil}},
		{"sign jumps at -4", oneOrgan, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			if at == 30*time.Minute {
				return []hardware.Temperature{4000}, plausible.LidClosed
			}
			return []hardware.Temperature{-4000 + noise(at, 0)}, plausible.LidClosed
		}, []faults{{rate}}, []faults{nil}},
		{"80 °C once, with a good checksum", organAndBox, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			if at == 30*time.Minute {
				return []hardware.Temperature{80_000, 80_000}, plausible.LidUnknown
			}
			return []hardware.Temperature{5000 + noise(at, 0), 5000 + noise(at, 1)}, plausible.LidUnknown
		}, []faults{{rate}, {rate}}, []faults{nil, nil}},
		{"a large organ laid on ice", oneOrgan, 3 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{lag(37_000, 0, at-time.Minute, 4*time.Minute)}, plausible.LidOpen
		}, []faults{nil}, []faults{nil}},

		{"probes swapped while the box runs", organAndBox, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			organ, air := 5000+noise(at, 0), 2500+noise(at, 1)
			if at > 30*time.Minute {
				organ, air = air, organ
			}
			return []hardware.Temperature{organ, air}, plausible.LidUnknown
		}, []faults{{rate}, {rate}}, []faults{nil, nil}},
		{"probes swapped from the start, shown by the lid", organAndBox, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			organ, air := lag(5000, 22_000, at-20*time.Minute, 30*time.Minute), lag(4000, 22_000, at-20*time.Minute, time.Minute)
			return []hardware.Temperature{air, organ}, open(at, 20*time.Minute, time.Hour)
		}, []faults{{rate}, nil}, []faults{nil, nil}},
		{"probes swapped that are nearly equal", organAndBox, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			organ, air := 5000+noise(at, 0), 5400+noise(at, 1)
			if at > 30*time.Minute {
				organ, air = air, organ
			}
			return []hardware.Temperature{organ, air}, plausible.LidUnknown
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"two probes that cross on a ramp", organAndBox, 2 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{ramp(-5000, 8000, at, time.Hour), ramp(8000, -5000, at, time.Hour)}, plausible.LidClosed
		}, []faults{nil, nil}, []faults{nil, nil}},

		{"two of a place differ by more than both uncertainties", twoOrgans, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{5000 + noise(at, 0)/5, 5350 + noise(at, 1)/5}, plausible.LidClosed
		}, []faults{{disagree}, {disagree}}, []faults{{disagree}, {disagree}}},
		{"two of a place differ by less", twoOrgans, 3 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{5000 + noise(at, 0)/5, 5270 + noise(at, 1)/5}, plausible.LidClosed
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"two of a place without certificates, 0.9 K apart", []plausible.Probe{{Place: "organ"}, {Place: "organ"}}, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{5000 + noise(at, 0)/5, 5900 + noise(at, 1)/5}, plausible.LidClosed
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"two of a place, one follows later, for 9 minutes", twoOrgans, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			second := 5000 + noise(at, 1)/5
			if at > 20*time.Minute && at < 29*time.Minute {
				second += 1000
			}
			return []hardware.Temperature{5000 + noise(at, 0)/5, second}, plausible.LidClosed
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"two of a place disagree, then one falls silent", twoOrgans, time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			second := 6000 + noise(at, 1)
			if at > 30*time.Minute {
				second = noAnswer
			}
			return []hardware.Temperature{5000 + noise(at, 0), second}, plausible.LidClosed
		}, []faults{{disagree}, {disagree}}, []faults{nil, nil}},
		{"two spaces differ", []plausible.Probe{{Place: "organ/left"}, {Place: "organ/right"}}, 3 * time.Hour, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
			return []hardware.Temperature{4000, lag(20_000, 4000, at, 30*time.Minute)}, plausible.LidClosed
		}, []faults{nil, nil}, []faults{nil, nil}},
		{"no answer at all", organAndBox, 3 * time.Hour, steady(noAnswer, noAnswer), []faults{nil, nil}, []faults{nil, nil}},
		{"answers that are missing", organAndBox, 3 * time.Hour, steady(), []faults{nil, nil}, []faults{nil, nil}},
		{"more answers than probes", boxOnly, 3 * time.Hour, steady(5000, 6000, 7000), []faults{nil}, []faults{nil}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, step := range []time.Duration{every, 30 * time.Second} {
				ever, last := play(t, tt.probes, tt.length, step, tt.f)
				if diff := cmp.Diff(tt.ever, ever); diff != "" {
					t.Errorf("doubts, one round in %v (-want +got):\n%s", step, diff)
				}
				if diff := cmp.Diff(tt.last, last); diff != "" {
					t.Errorf("doubts at the end, one round in %v (-want +got):\n%s", step, diff)
				}
			}
		})
	}
}

// What the physics of a box gives is never doubted, in tenths or hundredths of a degree, whatever people do to it.
func TestChecker_Judge_physics(t *testing.T) {
	lid := sim.Disturbance{From: time.Hour, To: 65 * time.Minute, Ambient: 30_000}
	glance := sim.Disturbance{From: 3 * time.Hour, To: 3*time.Hour + 40*time.Second, Ambient: 19_000}
	ice := sim.Disturbance{From: 5 * time.Hour, To: 5*time.Hour + 10*time.Minute, IceContact: true}
	for _, resolution := range []hardware.Temperature{100, 62, 10, 1} {
		for _, step := range []time.Duration{3 * time.Second, every, 30 * time.Second, 5 * time.Minute} {
			box, err := sim.NewThermal(sim.ThermalConfig{Hold: 5500, Swing: 700, Disturbances: []sim.Disturbance{lid, glance, ice}})
			if err != nil {
				t.Fatal(err)
			}
			ever, _ := play(t, append(twoOrgans, organAndBox[1]), 12*time.Hour, step, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
				organ, air := box.Probe(at)/resolution*resolution, box.Air(at)/resolution*resolution
				return []hardware.Temperature{organ, organ + resolution, air}, plausible.LidUnknown
			})
			if diff := cmp.Diff([]faults{nil, nil, nil}, ever); diff != "" {
				t.Errorf("%v, one round in %v (-want +got):\n%s", resolution, step, diff)
			}
		}
	}
}

// One reading an hour proves less: nothing is stuck before ten of them.
func TestChecker_Judge_rare(t *testing.T) {
	f := func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
		return []hardware.Temperature{5000, 5000 + 20*hardware.Temperature(at.Minutes())}, plausible.LidClosed
	}
	for length, want := range map[time.Duration]faults{8 * time.Hour: {hardware.Disagree}, 10 * time.Hour: {hardware.Stuck, hardware.Disagree}} {
		if ever, _ := play(t, twoOrgans, length, time.Hour, f); cmp.Diff(want, ever[0]) != "" {
			t.Errorf("one round an hour for %v: got %v, want %v", length, ever[0], want)
		}
	}
}

// A round a second must not hide what ten seconds show.
func TestChecker_Judge_often(t *testing.T) {
	ever, last := play(t, oneOrgan, 10*time.Minute, time.Second, func(at time.Duration) ([]hardware.Temperature, plausible.Lid) {
		return []hardware.Temperature{ramp(4000, 22_000, max(at-time.Minute, 0), 40*time.Second)}, plausible.LidClosed
	})
	if diff := cmp.Diff([]faults{{hardware.RateOfChange}}, ever); diff != "" {
		t.Errorf("18 K in 40 s (-want +got):\n%s", diff)
	}
	if len(last[0]) != 0 {
		t.Errorf("at the end: got %v, want no doubt", last[0])
	}
}

// A clock that stands still or runs back, against its promise, costs no more than a doubt.
func TestChecker_Judge_clock(t *testing.T) {
	c := plausible.New(oneOrgan)
	for _, at := range []time.Duration{0, 10, 10, 5, 0, math.MaxInt64, math.MinInt64} {
		c.Judge(plausible.Round{At: at, Samples: []plausible.Sample{{Raw: math.MaxInt32, Temp: math.MaxInt32}}})
		c.Judge(plausible.Round{At: at, Samples: []plausible.Sample{{Raw: math.MinInt32, Temp: math.MinInt32}}})
	}
}

// TestChecker_Judge_properties plays any history: the doubts do not depend on where the clock began, come in order, concern
// nothing but values, and end once all is well.
func TestChecker_Judge_properties(t *testing.T) {
	places := []string{"organ", "organ", "box", "box", "ambient", "organ/left", "shelf"}
	known := faults{hardware.RateOfChange, hardware.Stuck, hardware.Disagree}
	rapid.Check(t, func(t *rapid.T) {
		var probes []plausible.Probe
		for range rapid.IntRange(0, 5).Draw(t, "probes") {
			probes = append(probes, plausible.Probe{Place: rapid.SampledFrom(places).Draw(t, "place"),
				Uncertainty: hardware.TemperatureDelta(rapid.IntRange(-1, 1000).Draw(t, "uncertainty"))})
		}
		shift := time.Duration(rapid.Int64Range(0, 1<<60).Draw(t, "origin"))
		a, b := plausible.New(probes), plausible.New(probes)
		at := time.Duration(0)
		judge := func(samples []plausible.Sample, lid plausible.Lid) [][]hardware.Fault {
			got := a.Judge(plausible.Round{At: at, Samples: samples, Lid: lid})
			if diff := cmp.Diff(got, b.Judge(plausible.Round{At: at + shift, Samples: samples, Lid: lid})); diff != "" {
				t.Fatalf("a clock of another origin (-zero +shifted):\n%s", diff)
			}
			if len(got) != len(probes) {
				t.Fatalf("got doubts of %d probes, want %d", len(got), len(probes))
			}
			for i, doubts := range got {
				for k, d := range doubts {
					if !slices.Contains(known, d) || k > 0 && doubts[k-1] >= d {
						t.Fatalf("probe %d: got %v, want known doubts in order", i, doubts)
					}
				}
			}
			return got
		}
		for range rapid.IntRange(0, 200).Draw(t, "rounds") {
			at += time.Duration(rapid.Int64Range(0, int64(20*time.Minute)).Draw(t, "pause"))
			samples := make([]plausible.Sample, len(probes))
			for i := range samples {
				temp := hardware.Temperature(rapid.SampledFrom([]int32{5000, 5000, 5000, 5100, 22_000, -4000, 80_000, math.MaxInt32, math.MinInt32}).Draw(t, "temp"))
				samples[i] = plausible.Sample{Raw: temp, Temp: temp}
				if rapid.IntRange(0, 9).Draw(t, "fails") == 0 {
					samples[i] = plausible.Sample{Fault: hardware.Timeout}
				}
			}
			judge(samples, plausible.Lid(rapid.IntRange(0, 3).Draw(t, "lid")))
		}
		var last [][]hardware.Fault
		for k := range 3 * 60 {
			at += time.Minute
			samples := make([]plausible.Sample, len(probes))
			for i := range samples {
				temp := hardware.Temperature(5000 + 100*(k%2))
				samples[i] = plausible.Sample{Raw: temp, Temp: temp}
			}
			last = judge(samples, plausible.LidClosed)
		}
		for i, doubts := range last {
			if len(doubts) > 0 {
				t.Fatalf("probe %d: %v after three hours of good values", i, doubts)
			}
		}
	})
}
