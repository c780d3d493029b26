package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/custody"
	"isotherm/ledger/profile"
)

func TestParsePosition(t *testing.T) {
	for _, tt := range []struct {
		text string
		want custody.Position
		good bool
	}{
		{"60.1699,24.9384", custody.Position{LatE7: 601_699_000, LonE7: 249_384_000}, true},
		{"-33.8688, 151.2093", custody.Position{LatE7: -338_688_000, LonE7: 1_512_093_000}, true},
		{"90,-180", custody.Position{LatE7: 900_000_000, LonE7: -1_800_000_000}, true},
		{"0,0", custody.Position{}, true},
		{"90.1,0", custody.Position{}, false}, {"0,180.1", custody.Position{}, false}, {"NaN,0", custody.Position{}, false}, {"Inf,0", custody.Position{}, false},
		{"60", custody.Position{}, false}, {"", custody.Position{}, false}, {"60,24,3", custody.Position{}, false}, {"north,east", custody.Position{}, false},
	} {
		got, err := parsePosition(tt.text)
		if got != tt.want || (err == nil) != tt.good {
			t.Errorf("%q: got %v, %v, want %v", tt.text, got, err, tt.want)
		}
	}
}

// TestFields sets every field from its flag, so that none is without effect or set where another is meant.
func TestFields(t *testing.T) {
	values := map[string]string{"organ": "kidney", "side": "left", "abo": "A2B", "packaging": "machine", "label-check": "own-system", "condition": "sb CC",
		"position": "1,2", "result": "redirected", "answer": "not done", "preservation": "cold-perfused", "leg": "3", "leg-state": "arrived"}
	set := map[string]string{}
	for _, f := range fields() {
		text, ok := values[f.name]
		if !ok {
			text = "text of " + f.name
		}
		var before, after custody.Statement
		if err := f.set(&after, text); err != nil {
			t.Fatalf("--%s %q: %v", f.name, text, err)
		}
		diff := cmp.Diff(before, after)
		if n := strings.Count(diff, "\n+") + strings.Count(diff, "\n \t+"); diff == "" || n > 5 {
			t.Errorf("--%s %q changes:\n%s", f.name, text, diff)
		}
		if other := set[diff]; other != "" {
			t.Errorf("--%s does what --%s does", f.name, other)
		}
		set[diff] = f.name
		if ok && f.name != "position" && f.name != "condition" {
			if err := f.set(&after, "nonsense"); err == nil {
				t.Errorf("--%s nonsense was taken", f.name)
			}
		}
	}
}

func TestReadLegs(t *testing.T) {
	want := []custody.Leg{
		{From: "RIVER", To: "Airfield", Mode: custody.Road, DepartMS: 1_795_442_400_000, ArriveMS: 1_795_446_000_000,
			Start: custody.Position{LatE7: 600_000_000, LonE7: 240_000_000}, End: custody.Position{LatE7: 601_000_000, LonE7: 241_000_000}, RadiusM: 300},
		{From: "Airfield", To: "HILL", Mode: custody.Flight, End: custody.Position{LatE7: 614_980_000, LonE7: 237_810_000}, RadiusM: defaultRadiusM},
	}
	files := map[string]string{
		"plan.toml": `[[leg]]
from = "RIVER"
to = "Airfield"
mode = "road"
depart = "2026-11-23T15:00+01:00"
arrive = "2026-11-23T16:00+01:00"
start = "60,24"
end = "60.1,24.1"
radius_m = 300

[[leg]]
from = "Airfield"
to = "HILL"
mode = "flight"
end = "61.498,23.781"
`,
		"plan.json": `{"leg": [{"from": "RIVER", "to": "Airfield", "mode": "road", "depart": "2026-11-23T15:00+01:00", "arrive": "2026-11-23T16:00+01:00",
 "start": "60,24", "end": "60.1,24.1", "radius_m": 300}, {"from": "Airfield", "to": "HILL", "mode": "flight", "end": "61.498,23.781"}]}`,
	}
	read := func(plan []plannedLeg) []custody.Leg {
		var out []custody.Leg
		for i := range plan {
			l, err := plan[i].leg(&act{})
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, l)
		}
		return out
	}
	for name, text := range files {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		plan, err := readLegs(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, read(plan)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(text, "mode", "modus", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readLegs(path); err == nil || !strings.Contains(err.Error(), "modus") {
			t.Errorf("%s with an unknown key: %v", name, err)
		}
	}
	var plan []plannedLeg
	for _, text := range []string{"from=RIVER,to=Airfield,mode=road,depart=2026-11-23T15:00+01:00,arrive=2026-11-23T16:00+01:00,start=60/24,end=60.1/24.1,radius=300m",
		"from=Airfield, to=HILL, mode=flight, end=61.498/23.781"} {
		p, err := parseLeg(text)
		if err != nil {
			t.Fatal(err)
		}
		plan = append(plan, p)
	}
	if diff := cmp.Diff(want, read(plan)); diff != "" {
		t.Errorf("--leg (-want +got):\n%s", diff)
	}
}

func TestParseLeg_errors(t *testing.T) {
	for _, bad := range []string{"", "RIVER", "from=A", "from=A,to=B,mode=broom", "from=A,to=B,mode=road,radius=wide", "from=A,to=B,mode=road,arrive=16:00",
		"from=A,to=B,mode=road,depart=2026-11-23T15:00Z,arrive=2026-11-23T14:00Z", "from=A,to=B,mode=road,end=61"} {
		p, err := parseLeg(bad)
		if err == nil {
			_, err = p.leg(&act{})
		}
		if err == nil {
			t.Errorf("--leg %q was taken", bad)
		}
	}
}

// TestReadProfile writes every shipped profile as profile show does, and reads it again.
func TestReadProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "profile.json")
	for _, p := range profile.Defaults() {
		var out strings.Builder
		if code := run(t.Context(), []string{"isotherm", "profile", "show", p.Name}, nil, &out, &out); code != exitOK {
			t.Fatal(out.String())
		}
		if err := os.WriteFile(path, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		again, err := readProfile(path)
		if err != nil {
			t.Fatalf("%s: %v\n%s", p.Name, err, out.String())
		}
		if again.Hash() != p.Hash() {
			t.Errorf("%s (-want +got):\n%s", p.Name, cmp.Diff(p, again))
		}
	}
	if err := os.WriteFile(path, []byte(`{"name": "x", "lowest_c": 2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readProfile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a file with an unknown key: %v", err)
	}
}
