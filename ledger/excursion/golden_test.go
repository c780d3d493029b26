package excursion_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
	"isotherm/ledger/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

const startWall = int64(1_790_000_000_000) // Unix milliseconds

// testProfile is a profile of its own, so that a change of the shipped ones does not change the golden files.
func testProfile() *profile.Profile {
	return &profile.Profile{
		Name: "test", Version: 1, ProbePlace: "organ", LowMC: 4000, HighMC: 8000, SettleMS: 900_000,
		Rules: []profile.Rule{
			{Name: "too cold", Kind: profile.Below, LimitMC: 4000, HysteresisMC: 200, DelayMS: 120_000},
			{Name: "too warm", Kind: profile.Above, LimitMC: 8000, HysteresisMC: 200, DelayMS: 300_000},
			{Name: "sensor lost", Kind: profile.Lost, DelayMS: 120_000},
			{Name: "silence", Kind: profile.Silent, DelayMS: 600_000},
		},
	}
}

// TestEvaluator_Step_golden reads testdata/<case>/records.txt, one record a line:
//
//	<seconds> boot <name of the power-on> <probe>=<place>...
//	<seconds> read <probe>:<°C or 'fault'>...
//	<seconds> gap suspended|storage|probes
//	<seconds> shutdown
//	clock <seconds>             shifts the wall clock from here on
//
// Seconds count from the first record, real time; '10..60/10' repeats a line every 10 s. The sample interval is 10 s.
func TestEvaluator_Step_golden(t *testing.T) {
	cases, err := filepath.Glob(filepath.Join("testdata", "*", "records.txt"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			e := excursion.New(testProfile())
			var changes []string
			for _, r := range readRecords(t, path) {
				for _, c := range e.Step(r) {
					changes = append(changes, describe(r, c))
				}
			}
			got := toJSON(t, e.Report(), changes)
			golden := filepath.Join(filepath.Dir(path), "report.golden.json")
			if *update {
				if err := os.WriteFile(golden, got, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

func describe(r *record.Record, c excursion.Change) string {
	word := "opens"
	if c.Closed {
		word = "closes"
	}
	return fmt.Sprintf("record %d at %d s %s '%s' of probe %d", r.Seq, (r.At.WallMS-startWall)/1000, word, c.Excursion.Rule.Name, c.Excursion.Probe)
}

// goldenReport is a report in a form that people read.
type goldenReport struct {
	Readings         int               `json:"readings"`
	TotalMS          int64             `json:"total_ms"`
	CoveredMS        int64             `json:"covered_ms"`
	CoveragePermille int               `json:"coverage_permille"`
	Settled          *excursion.Moment `json:"settled"`
	Excursions       []goldenEvent     `json:"excursions"`
	Gaps             []string          `json:"gaps"`
	Probes           map[uint8]string  `json:"probes"`
	Changes          []string          `json:"changes"`
}

type goldenEvent struct {
	Rule       string           `json:"rule"`
	Probe      uint8            `json:"probe"`
	Began      excursion.Moment `json:"began"`
	Ended      excursion.Moment `json:"ended"`
	DurationMS int64            `json:"duration_ms"`
	Open       bool             `json:"open"`
	ExtremeMC  int32            `json:"extreme_mc"`
}

func toJSON(t *testing.T, r *excursion.Report, changes []string) []byte {
	t.Helper()
	g := goldenReport{Readings: r.Readings, TotalMS: r.TotalMS(), CoveredMS: r.CoveredMS, CoveragePermille: r.CoveragePermille(),
		Probes: map[uint8]string{}, Changes: changes}
	if r.Settled {
		g.Settled = &r.SettledAt
	}
	for _, x := range r.Excursions {
		g.Excursions = append(g.Excursions, goldenEvent{x.Rule.Name, x.Probe, x.Began, x.Ended, x.DurationMS(), x.Open, x.ExtremeMC})
	}
	for _, gap := range r.Gaps {
		g.Gaps = append(g.Gaps, fmt.Sprintf("%d ms to %d ms: %s", gap.From.TripMS, gap.To.TripMS, gap.Reason))
	}
	for n, s := range r.Probe {
		g.Probes[n] = fmt.Sprintf("%d readings, %d faults, %d to %d, mean %d m°C", s.Readings, s.Faults, s.MinMC, s.MaxMC, s.MeanMC)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(g); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// reader turns the lines of a records.txt into records.
type reader struct {
	t       *testing.T
	clockMS int64            // shift of the wall clock
	powerOn map[string]int64 // when each power-on began, milliseconds
	boot    string           // the running one
	out     []*record.Record
}

func readRecords(t *testing.T, path string) []*record.Record {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := reader{t: t, powerOn: map[string]int64{}}
	for _, line := range strings.Split(string(text), "\n") {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			r.line(words)
		}
	}
	if len(r.out) == 0 {
		t.Fatalf("%s has no records", path)
	}
	return r.out
}

func (r *reader) line(words []string) {
	if words[0] == "clock" {
		r.clockMS += 1000 * r.number(words[1])
		return
	}
	span, step, repeated := strings.Cut(words[0], "/")
	if !repeated {
		r.add(r.number(words[0]), words[1], words[2:])
		return
	}
	from, to, _ := strings.Cut(span, "..")
	for s := r.number(from); s <= r.number(to); s += r.number(step) {
		r.add(s, words[1], words[2:])
	}
}

func (r *reader) number(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

func (r *reader) add(second int64, verb string, words []string) {
	rec := &record.Record{Seq: uint64(len(r.out))}
	switch verb {
	case "boot":
		rec.Kind, rec.Boot = record.KindBoot, r.bootRecord(second, words)
	case "read":
		rec.Kind, rec.Reading = record.KindReading, &record.Reading{}
		for _, w := range words {
			rec.Reading.Samples = append(rec.Reading.Samples, r.sample(w))
		}
	case "gap":
		reason := map[string]record.GapReason{"suspended": record.GapSuspended, "storage": record.GapStorage, "probes": record.GapProbes}[words[0]]
		rec.Kind, rec.Gap = record.KindGap, &record.Gap{Reason: reason}
	case "shutdown":
		rec.Kind, rec.Shutdown = record.KindShutdown, &record.Shutdown{Reason: "test"}
	default:
		r.t.Fatalf("unknown word %q", verb)
	}
	rec.At = record.Stamp{MonoMS: uint64(1000*second - r.powerOn[r.boot]), WallMS: startWall + r.clockMS + 1000*second, Quality: record.ClockNTP}
	r.out = append(r.out, rec)
}

// bootRecord begins a power-on the first time it is named: 3 s earlier, for the kernel has run by then.
func (r *reader) bootRecord(second int64, words []string) *record.Boot {
	r.boot = words[0]
	if _, known := r.powerOn[r.boot]; !known {
		r.powerOn[r.boot] = 1000 * (second - 3)
	}
	b := &record.Boot{SampleMS: 10_000, BootID: [16]byte([]byte(fmt.Sprintf("%-16s", r.boot)))}
	for _, w := range words[1:] {
		n, place, _ := strings.Cut(w, "=")
		b.Probes = append(b.Probes, record.Probe{Number: uint8(r.number(n)), Place: place})
	}
	return b
}

func (r *reader) sample(word string) record.Sample {
	n, value, _ := strings.Cut(word, ":")
	s := record.Sample{Probe: uint8(r.number(n))}
	if value == "fault" {
		s.Fault = 1
		return s
	}
	c, err := strconv.ParseFloat(value, 64)
	if err != nil {
		r.t.Fatal(err)
	}
	s.TempMC = int32(c*1000 + 0.5)
	if c < 0 {
		s.TempMC = int32(c*1000 - 0.5)
	}
	return s
}
