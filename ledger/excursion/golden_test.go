package excursion_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/excursion"
	"isotherm/ledger/profile"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testProfile is a profile of its own, so that a change of the shipped ones does not change the golden files.
func testProfile() *profile.Profile {
	return &profile.Profile{
		Name: "test", Version: 1, ProbePlace: "organ", LowMC: 4000, HighMC: 8000, SettleMS: 900_000,
		Rules: []profile.Rule{
			{Name: "too cold", Kind: profile.Below, Severity: profile.High, LimitMC: 4000, HysteresisMC: 200, DelayMS: 120_000},
			{Name: "too warm", Kind: profile.Above, Severity: profile.High, LimitMC: 8000, HysteresisMC: 200, DelayMS: 300_000},
			{Name: "sensor lost", Kind: profile.Lost, Severity: profile.Medium, DelayMS: 120_000},
			{Name: "silence", Kind: profile.Silent, Severity: profile.Medium, DelayMS: 600_000},
		},
	}
}

// cases returns the folders with a script.
func cases(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "*", "records.txt"))
	if err != nil || len(paths) < 60 {
		t.Fatalf("%d cases: %v", len(paths), err)
	}
	for i := range paths {
		paths[i] = filepath.Dir(paths[i])
	}
	return paths
}

func TestEvaluator_Step_golden(t *testing.T) {
	for _, dir := range cases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			s := readScript(t, dir)
			if err := s.profile.Check(); err != nil {
				t.Fatal(err)
			}
			e := s.evaluator()
			var changes []string
			for _, st := range s.steps {
				for _, c := range st.run(e) {
					changes = append(changes, describe(st, c))
				}
			}
			got := toJSON(t, e.Report(), changes)
			golden := filepath.Join(dir, "report.golden.json")
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

func describe(st step, c excursion.Change) string {
	word := "opens"
	if c.Closed {
		word = "closes"
	}
	by := st.name
	if r := st.record; r != nil {
		by = fmt.Sprintf("record %d at %s s", r.Seq, profile.Decimal(r.At.WallMS-startWall))
	}
	return fmt.Sprintf("%s %s '%s' of probe %d", by, word, c.Excursion.Rule.Name, c.Excursion.Probe)
}

// goldenReport is a report in a form that people read.
type goldenReport struct {
	Readings         int               `json:"readings"`
	TotalMS          int64             `json:"total_ms"`
	CoveredMS        int64             `json:"covered_ms"`
	CoveragePermille int               `json:"coverage_permille"`
	Settled          *excursion.Moment `json:"settled"`
	Opened           bool              `json:"opened,omitempty"`
	Before           string            `json:"before_settled,omitempty"`
	After            string            `json:"after_opened,omitempty"`
	Excursions       []goldenEvent     `json:"excursions"`
	Totals           []string          `json:"totals,omitempty"`
	Gaps             []string          `json:"gaps"`
	Probes           []string          `json:"probes"`
	Calibration      []string          `json:"calibration,omitempty"`
	Warnings         []string          `json:"warnings,omitempty"`
	Simulated        bool              `json:"simulated,omitempty"`
	Changes          []string          `json:"changes"`
}

type goldenEvent struct {
	Rule       string           `json:"rule"`
	Segment    int              `json:"segment,omitempty"`
	Probe      uint8            `json:"probe"`
	Began      excursion.Moment `json:"began"`
	Ended      excursion.Moment `json:"ended"`
	DurationMS int64            `json:"duration_ms"`
	State      string           `json:"state"`
	ExtremeMC  int32            `json:"extreme_mc"`
	AreaMKMin  uint64           `json:"area_mk_min,omitempty"`
	Parts      []excursion.Part `json:"parts,omitempty"`
}

func toJSON(t *testing.T, r *excursion.Report, changes []string) []byte {
	t.Helper()
	g := goldenReport{Readings: r.Readings, TotalMS: r.TotalMS(), CoveredMS: r.CoveredMS, CoveragePermille: r.CoveragePermille(), Opened: r.Opened,
		Before: phase(r.Before), After: phase(r.After), Simulated: r.Simulated, Changes: changes}
	if r.Settled {
		g.Settled = &r.SettledAt
	}
	for _, x := range r.Excursions {
		g.Excursions = append(g.Excursions, goldenEvent{x.Rule.Name, x.Segment, x.Probe, x.Began, x.Ended, x.DurationMS(), state(x), x.ExtremeMC, x.AreaMKMin, x.Parts})
	}
	for _, total := range r.Totals {
		g.Totals = append(g.Totals, fmt.Sprintf("%s: %d ms, %d mK min, reached %t", total.Rule.Name, total.MS, total.AreaMKMin, total.Reached))
	}
	for _, gap := range r.Gaps {
		text := fmt.Sprintf("%d ms to %d ms: %s", gap.From.TripMS, gap.To.TripMS, gap.Reason)
		if gap.Unknown {
			text += ", of unknown length"
		}
		g.Gaps = append(g.Gaps, text)
	}
	for _, s := range r.Probes {
		g.Probes = append(g.Probes, fmt.Sprintf("segment %d, probe %d at %q, judged %t: %d readings, %d faults, %d to %d, mean %d, kinetic %d m°C; %d ms covered, %d in band, %d below, %d above",
			s.Segment, s.Probe, s.Place, s.Judged, s.Readings, s.Faults, s.MinMC, s.MaxMC, s.MeanMC, s.MeanKineticMC, s.CoveredMS, s.InBandMS, s.BelowMS, s.AboveMS))
		if s.CoveredMS != s.InBandMS+s.BelowMS+s.AboveMS {
			t.Errorf("exposure of probe %d does not add up: %+v", s.Probe, s)
		}
	}
	for _, c := range r.Calibration {
		g.Calibration = append(g.Calibration, fmt.Sprintf("segment %d, probe %d: certificate %q %s, %d readings from %d to %d ms", c.Segment, c.Probe, c.Certificate, c.State, c.Readings, c.From.TripMS, c.To.TripMS))
	}
	for _, w := range r.Warnings {
		g.Warnings = append(g.Warnings, fmt.Sprintf("%s, segment %d: %s", w.Code, w.Segment, w.Text))
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

func state(x *excursion.Excursion) string {
	switch {
	case x.Open && x.Active:
		return "open, active"
	case x.Open:
		return "open"
	case x.Active:
		return "closed and active: a fault"
	case x.Cut:
		return "cut"
	}
	return "closed"
}

func phase(p excursion.Phase) string {
	if p.Readings == 0 {
		return ""
	}
	text := fmt.Sprintf("%d readings from %d to %d ms", p.Readings, p.From.TripMS, p.To.TripMS)
	for _, r := range p.Probes {
		text += fmt.Sprintf("; segment %d, probe %d at %q: %d readings, %d faults, %d to %d m°C", r.Segment, r.Probe, r.Place, r.Readings, r.Faults, r.MinMC, r.MaxMC)
	}
	return text
}
