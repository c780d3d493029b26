package custody_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/custody"
	"isotherm/ledger/merkle"
)

var update = flag.Bool("update", false, "write the golden files anew")

func scripts(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "*", "acts.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	return paths
}

func TestFold_golden(t *testing.T) {
	raised := map[string]bool{}
	for _, path := range scripts(t) {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			s := readScript(t, path)
			state := custody.Fold(s.entered())
			for _, f := range state.Flags {
				raised[f.Code] = true
			}
			got := s.show(state)
			golden := filepath.Join(filepath.Dir(path), "want.txt")
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
	for _, code := range flagCodes(t) {
		if !raised[code] {
			t.Errorf("no case raises the flag %q", code)
		}
	}
}

// flagCodes reads the codes from the source, so that a new one without a case shows.
func flagCodes(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("flag.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range strings.Split(string(source), "\n") {
		if words := strings.Fields(line); len(words) == 3 && strings.HasPrefix(words[0], "Flag") && words[1] == "=" {
			out = append(out, strings.Trim(words[2], `"`))
		}
	}
	if len(out) < 50 {
		t.Fatalf("found %d codes of flags only", len(out))
	}
	return out
}

func (s *script) name(hash [32]byte) string {
	for _, name := range s.names {
		if s.acts[name].Hash() == hash {
			return name
		}
	}
	return ""
}

func at(ms int64) string { return fmt.Sprintf("%.3f s", float64(ms-startWall)/1000) }

func place(cp merkle.Checkpoint) string {
	if cp.Origin == "" {
		return "no record"
	}
	words := strings.Split(cp.Origin, "/")
	for _, name := range []string{"box", "box2"} {
		if words[2] == boxID(name).String() {
			return fmt.Sprintf("record %d of %s/%s", cp.Size, name, strings.TrimRight(words[3], "0"))
		}
	}
	return cp.Origin
}

func holder(p custody.Party) string {
	out := strings.TrimRight(string(p.Person[:]), "\x00")
	if p.Desk != "" {
		out += "desk " + p.Desk
	}
	return strings.TrimSpace(out + " of " + p.Organisation)
}

// show writes a state in a form that people read: acts by their names in the script, times from its begin.
func (s *script) show(state *custody.State) []byte {
	var b bytes.Buffer
	statement := func(what string, st *custody.Statement) {
		if st != nil {
			fmt.Fprintf(&b, "%s: '%s' at %s\n", what, strings.TrimRight(string(st.ID[:]), "\x00"), at(st.EventTimeMS))
		}
	}
	fmt.Fprintf(&b, "phase: %s, tip '%s', destination %q\n", state.Phase, s.name(state.Tip), state.Destination())
	statement("opening", state.Opening)
	statement("packing", state.Packing)
	s.showWay(&b, state)
	statement("pending", state.Pending)
	statement("receipt", state.Receipt)
	statement("opened", state.Opened)
	statement("arrival", state.Arrival)
	statement("redirect", state.Redirect)
	if state.Outcome != nil {
		statement("outcome "+state.Outcome.Result.String(), state.Outcome)
	}
	for _, p := range state.Preservation {
		statement("preservation "+p.Preservation.String(), p)
	}
	for i, l := range state.Legs {
		fmt.Fprintf(&b, "leg %d: %s to %s\n", i+1, l.From, l.To)
	}
	for _, w := range state.Waypoints {
		statement("waypoint", w)
	}
	for _, a := range state.Adverse {
		statement("adverse event "+a.Reason.String(), a)
	}
	for _, c := range state.Corrections {
		fmt.Fprintf(&b, "correction '%s' of '%s': %s %q was %q\n", s.name(c.Act), s.name(c.Of), c.Field, c.New, c.Old)
	}
	for _, d := range state.Disputes {
		fmt.Fprintf(&b, "dispute after '%s':", s.name(d.Parent))
		for _, c := range d.Claims {
			fmt.Fprintf(&b, " '%s'", s.name(c))
		}
		fmt.Fprintf(&b, ", stands '%s', ruling '%s'\n", s.name(d.Stands), s.name(d.Ruling))
	}
	for _, h := range state.History {
		fmt.Fprintf(&b, "history %d '%s': %s\n", h.Index, s.name(h.Hash), h.Standing)
	}
	for _, p := range state.Pins {
		cp, _ := custody.HeadOf(p.Head)
		fmt.Fprintf(&b, "pin by '%s': %s\n", s.name(p.Act), place(cp))
	}
	for _, f := range state.Flags {
		text := f.Text
		for _, name := range s.names {
			text = strings.ReplaceAll(text, s.acts[name].Statement.ID.String(), "'"+name+"'")
		}
		fmt.Fprintf(&b, "flag %s by '%s': %s\n", f.Code, s.name(f.Act), text)
	}
	return b.Bytes()
}

// showWay writes custodians, segments and the end of the trip.
func (s *script) showWay(b *bytes.Buffer, state *custody.State) {
	for _, c := range state.Custodians {
		until := "now"
		if c.UntilMS != 0 {
			until = at(c.UntilMS)
		}
		fmt.Fprintf(b, "custodian %s: %s to %s, from %s by '%s', %s", holder(c.Party), at(c.SinceMS), until, place(c.Head), s.name(c.Act), c.Evidence)
		if c.Disputed {
			fmt.Fprint(b, ", disputed")
		}
		fmt.Fprintln(b)
		if r := c.Released; r != nil {
			fmt.Fprintf(b, "  released to %s: at %s, %s by '%s'\n", holder(r.To), at(r.SinceMS), place(r.Head), s.name(r.Act))
		}
	}
	for _, g := range state.Segments {
		code := "first"
		if g.Code != 0 {
			code = g.Code.String()
		}
		until := "now"
		if g.Until != 0 {
			until = at(g.Until)
		}
		box := "no box"
		for _, name := range []string{"box", "box2"} {
			if g.Box == boxID(name) {
				box = name
			}
		}
		fmt.Fprintf(b, "segment in %s %s, %s: %s to %s, %s to %s, by '%s'\n", box, g.Space, code, at(g.Begin), until, place(g.Start), place(g.End), s.name(g.Act))
	}
	for _, end := range state.Ends() {
		fmt.Fprintf(b, "records until %s at least\n", place(end))
	}
	if end, ok := state.Counts(); ok {
		fmt.Fprintf(b, "they count until %s\n", place(end))
	}
	if ms, ok := state.CountsUntilMS(); ok {
		fmt.Fprintf(b, "without a head they count until %s\n", at(ms))
	}
	var parties []string
	for _, p := range state.Parties() {
		parties = append(parties, holder(p))
	}
	slices.Sort(parties)
	fmt.Fprintf(b, "parties: %s\n", strings.Join(parties, ", "))
}

func TestFold_nothing(t *testing.T) {
	s := custody.Fold(nil)
	if d := cmp.Diff(&custody.State{}, s); d != "" {
		t.Errorf("want an empty state: %s", d)
	}
	if s.Holder() != nil || s.HolderAt(startWall) != nil || s.Destination() != "" || s.Overdue(startWall) || s.Parties() != nil {
		t.Error("an empty state says something")
	}
}

// An offer is overdue only after the moment that it names.
func TestState_Overdue(t *testing.T) {
	s := readScript(t, filepath.Join("testdata", "release-not-confirmed", "acts.txt"))
	state := custody.Fold(s.entered())
	for ms, want := range map[int64]bool{-1: false, 0: false, 1: true} {
		if got := state.Overdue(startWall + 600_000 + ms); got != want {
			t.Errorf("%d ms after the end: got %t, want %t", ms, got, want)
		}
	}
	state.Pending.ValidMS = 0
	if state.Overdue(startWall + 1e12) {
		t.Error("an offer without an end is overdue")
	}
}

func TestState_HolderAt(t *testing.T) {
	state := custody.Fold(readScript(t, filepath.Join("testdata", "journey", "acts.txt")).entered())
	for s, want := range map[int64]string{59_999: "", 60_000: "driver", 179_999: "driver", 180_000: "pilot", 239_999: "pilot", 240_000: "nurse", 1e9: "nurse"} {
		got := ""
		if c := state.HolderAt(startWall + s); c != nil {
			got = strings.TrimRight(string(c.Party.Person[:]), "\x00")
		}
		if got != want {
			t.Errorf("at %d ms: got %q, want %q", s, got, want)
		}
	}
}

// What Fold is given stays as it is: nodes keep acts and fold them again.
func TestFold_changesNothing(t *testing.T) {
	for _, path := range scripts(t) {
		s := readScript(t, path)
		before := map[string][]byte{}
		for name, a := range s.acts {
			before[name] = a.Marshal()
		}
		acts := s.entered()
		custody.Fold(acts)
		for name, a := range s.acts {
			again, err := custody.NewAct(a.Statement)
			if err != nil || !bytes.Equal(a.Marshal(), before[name]) || !bytes.Equal(again.StatementBytes, a.StatementBytes) {
				t.Errorf("%s: act '%s' was changed (%v)", path, name, err)
			}
		}
	}
}
