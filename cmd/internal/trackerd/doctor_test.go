package trackerd_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"isotherm/cmd/internal/trackerd"
)

// finding is what doctor prints with --json, as a stranger reads it.
type finding struct{ Part, Verdict, Raw, Value, Text, Do string }

// examine runs doctor on the bench and returns its findings by their part.
func (b *bench) examine(t *testing.T, want int) map[string]finding {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := trackerd.Run(t.Context(), []string{"doctor", "--config", b.config, "--for", "3s", "--json"}, nil, &stdout, &stderr); got != want {
		t.Errorf("exit code %d, want %d\n%s%s", got, want, stdout.String(), stderr.String())
	}
	var answer struct{ Findings []finding }
	if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil {
		t.Fatalf("%v:\n%s", err, stdout.String())
	}
	out := map[string]finding{}
	for _, f := range answer.Findings {
		if f.Verdict == "wrong" && f.Do == "" && strings.Count(f.Text, ": ") < 2 {
			t.Errorf("%s is wrong, and nothing says what to do: %+v", f.Part, f)
		}
		out[f.Part] = f
	}
	return out
}

func TestDoctor(t *testing.T) {
	b := newBench(t, "")
	check := func(found map[string]finding) {
		t.Helper()
		probe := found["probe 0 (organ)"]
		if probe.Verdict != "ok" || probe.Value != "5.500 °C" || !strings.Contains(probe.Raw, "0x0037") {
			t.Errorf("probe: got %+v, want 5.500 °C from register value 0x0037", probe)
		}
	}
	found := b.examine(t, 0)
	check(found)
	if found["box"].Verdict != "note" || found["ledger"].Verdict != "note" {
		t.Errorf("box that does not run: got %+v, %+v", found["box"], found["ledger"])
	}
	if left, err := os.ReadDir(filepath.Join(b.dir)); err != nil || len(left) != 1 {
		t.Errorf("after an examination: got %v, %v, want the configuration and nothing else", left, err)
	}
	var stdout, stderr buffer
	stop := b.run(t, &stdout, &stderr)
	waitFor(t, "a reading", func() bool { s, ok := b.status(t); return ok && s.Reading != nil })
	found = b.examine(t, 0)
	check(found)
	if !strings.HasPrefix(found["box"].Text, "runs") {
		t.Errorf("box that runs: got %+v", found["box"])
	}
	if code := stop(); code != 0 {
		t.Errorf("stop: got exit code %d\n%s", code, stderr.String())
	}
}

func TestDoctor_FindsWhatIsWrong(t *testing.T) {
	b := newBench(t, "")
	text, err := os.ReadFile(b.config)
	if err != nil {
		t.Fatal(err)
	}
	more := `
[[probe]]
driver = "w1"
id = "28-0316a279c4ff"
place = "box"
[gnss]
path = "usb:1546:01a8"
[battery]
driver = "supply"
path = "/nowhere/BAT0"
`
	if err := os.WriteFile(b.config, append(text, more...), 0o600); err != nil {
		t.Fatal(err)
	}
	found := b.examine(t, 1)
	for part, want := range map[string]string{"port usb:1546:01a8": "not_found", "gnss": "not_found", "probe 1 (box)": "not_found", "battery": "not_found"} {
		if f := found[part]; f.Verdict != "wrong" || !strings.Contains(f.Text, want) {
			t.Errorf("%s: got %+v, want wrong with %q", part, f, want)
		}
	}
	if f := found["probe 0 (organ)"]; f.Verdict != "ok" {
		t.Errorf("the probe beside them: got %+v, want ok", f)
	}
}

func TestDoctor_Usage(t *testing.T) {
	b := newBench(t, "")
	for _, args := range [][]string{{"doctor"}, {"doctor", "--config", b.config, "--for", "0s"}, {"doctor", "--config", b.config, "--for", "24h"}, {"ports", "--listen", "-1s"}, {"ports", "x"}, {"decode"}} {
		var stdout, stderr bytes.Buffer
		if got := trackerd.Run(t.Context(), args, nil, &stdout, &stderr); got != 2 || stdout.Len() > 0 {
			t.Errorf("%q: got exit code %d and %q, want 2 and nothing", args, got, stdout.String())
		}
	}
}
