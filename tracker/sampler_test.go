package tracker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"isotherm/hardware"
	"isotherm/ledger/record"
	"isotherm/tracker"
)

// stillProbe is asked by a box that stands still before it hears the answer, the first times.
type stillProbe struct {
	clock *jumpClock
	times int
	asked int
}

func (p *stillProbe) Info() hardware.ProbeInfo { return hardware.ProbeInfo{Model: "fake"} }

// Read gives the temperature of the moment when it is asked: the number of the question.
func (p *stillProbe) Read(context.Context) hardware.Sample {
	p.asked++
	temp := hardware.Temperature(p.asked)
	if p.asked > 2 && p.asked <= 2+p.times {
		p.clock.jump(30 * time.Second)
	}
	return hardware.Sample{Temp: temp}
}

// An answer that waited at its port while the box stood still is not the temperature of now.
func TestTracker_StandsStillInRound(t *testing.T) {
	tests := []struct {
		name  string
		times int
		want  []record.Sample // of probe 1, in the first four readings
	}{
		{"never", 0, []record.Sample{{Probe: 1, TempMC: 1}, {Probe: 1, TempMC: 2}, {Probe: 1, TempMC: 3}, {Probe: 1, TempMC: 4}}},
		{"once", 1, []record.Sample{{Probe: 1, TempMC: 1}, {Probe: 1, TempMC: 2}, {Probe: 1, TempMC: 4}, {Probe: 1, TempMC: 5}}},
		{"twice in a row", 2, []record.Sample{{Probe: 1, TempMC: 1}, {Probe: 1, TempMC: 2}, {Probe: 1, Fault: record.Fault(hardware.Stale)}, {Probe: 1, TempMC: 5}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBox(t, nil)
				cfg := b.config()
				cfg.Probes[1].Device = &stillProbe{clock: b.clock, times: tt.times}
				tr, err := tracker.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				b.tracker = tr
				b.run()
				time.Sleep(45 * time.Second)
				b.stop()
				readings := ofKind(b.records(), record.KindReading)
				for i, want := range tt.want {
					if got := readings[i].Reading.Samples[1]; got != want {
						t.Errorf("reading %d: got %+v, want %+v", i, got, want)
					}
				}
				gaps := ofKind(b.records(), record.KindGap)
				if (len(gaps) > 0) != (tt.times > 0) || len(gaps) > 0 && gaps[0].Gap.Reason != record.GapSuspended {
					t.Errorf("gaps: got %d, want the box's own", len(gaps))
				}
			})
		})
	}
}
