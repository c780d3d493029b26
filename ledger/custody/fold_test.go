package custody_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"isotherm/ledger"
	"isotherm/ledger/custody"
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
	for _, path := range scripts(t) {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			s := readScript(t, path)
			got := s.toJSON(custody.Fold(s.entered()))
			golden := filepath.Join(filepath.Dir(path), "state.golden.json")
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

// goldenState is a state in a form that people read: acts by their names in the script.
type goldenState struct {
	Phase      string   `json:"phase"`
	Opening    string   `json:"opening,omitempty"`
	Packing    string   `json:"packing,omitempty"`
	Custodians []string `json:"custodians"`
	Pending    string   `json:"pending,omitempty"`
	Arrival    string   `json:"arrival,omitempty"`
	Outcome    string   `json:"outcome,omitempty"`
	ReceivedAt string   `json:"received_at,omitempty"`
	Tip        string   `json:"tip,omitempty"`
	History    []string `json:"history"`
	Pins       []string `json:"pins"`
	Flags      []string `json:"flags"`
}

func (s *script) name(hash [32]byte) string {
	for name, a := range s.acts {
		if a.Hash() == hash {
			return name
		}
	}
	return ""
}

func (s *script) nameOf(st *custody.Statement) string {
	if st == nil {
		return ""
	}
	return strings.TrimRight(string(st.ID[:]), "\x00")
}

func (s *script) toJSON(state *custody.State) []byte {
	s.t.Helper()
	g := goldenState{Phase: state.Phase.String(), Opening: s.nameOf(state.Opening), Packing: s.nameOf(state.Packing), Pending: s.nameOf(state.Pending),
		Arrival: s.nameOf(state.Arrival), Outcome: s.nameOf(state.Outcome), Tip: s.name(state.Tip)}
	if state.ReceivedAt != nil {
		g.ReceivedAt = fmt.Sprintf("record %d of %q", state.ReceivedAt.Size, state.ReceivedAt.Origin)
	}
	for _, c := range state.Custodians {
		g.Custodians = append(g.Custodians, fmt.Sprintf("%s by '%s' since %d s, record %d: %s", c.Party.Organisation, s.name(c.Act), (c.SinceMS-startWall)/1000, c.Head.Size, c.Evidence))
	}
	for _, h := range state.History {
		g.History = append(g.History, fmt.Sprintf("%d %s: %s", h.Index, s.name(h.Hash), h.Standing))
	}
	for _, p := range state.Pins {
		cp, ok := custody.HeadOf(p.Head)
		g.Pins = append(g.Pins, fmt.Sprintf("%s: record %d, %t", s.name(p.Act), cp.Size, ok))
	}
	for _, f := range state.Flags {
		for name, a := range s.acts { // names instead of random numbers
			hash := a.Hash()
			f = strings.NewReplacer(a.Statement.ID.String(), "'"+name+"'", hex.EncodeToString(hash[:4]), "'"+name+"'").Replace(f)
		}
		g.Flags = append(g.Flags, f)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(g); err != nil {
		s.t.Fatal(err)
	}
	return out.Bytes()
}

// What a shipment's acts say does not hang on the order in which phones regained a link, as long as the acts are one
// chain.
func TestFold_anyOrder(t *testing.T) {
	for _, name := range []string{"journey", "correction", "packed-twice", "release-twice", "stand-down-while-released"} {
		t.Run(name, func(t *testing.T) {
			s := readScript(t, filepath.Join("testdata", name, "acts.txt"))
			want := custody.Fold(s.entered())
			rapid.Check(t, func(rt *rapid.T) {
				got := custody.Fold(rapid.Permutation(s.entered()).Draw(rt, "order"))
				if got.Tip != want.Tip || got.Phase != want.Phase {
					rt.Fatalf("tip '%s' in phase %s, want '%s' in %s", s.name(got.Tip), got.Phase, s.name(want.Tip), want.Phase)
				}
				if d := cmp.Diff(want.Custodians, got.Custodians); d != "" {
					rt.Fatal(d)
				}
				if d := cmp.Diff(want.Flags, got.Flags); d != "" {
					rt.Fatal(d)
				}
				for _, h := range got.History {
					if h.Standing != custody.Applied {
						rt.Fatalf("'%s': %s", s.name(h.Hash), h.Standing)
					}
				}
			})
		})
	}
}

// Committed acts never move: whatever enters later, an act that applied or conflicted stays so. The acts are a random
// tree, entered in random order, some twice.
func TestFold_neverMoves(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var acts []*custody.Act
		n := rapid.IntRange(1, 12).Draw(rt, "acts")
		for i := range n {
			st := custody.Statement{Ledger: origin, ID: ledger.ActID{byte(i + 1)}, Shipment: ledger.ShipmentID{9}, Kind: custody.Accept,
				EventTimeMS: startWall + int64(i), By: party(rapid.SampledFrom([]string{"driver", "pilot"}).Draw(rt, "by"))}
			if i == 0 {
				st.Kind, st.Organ, st.Dest = custody.Open, custody.Heart, "Center"
			} else {
				st.Parent = acts[rapid.IntRange(0, i-1).Draw(rt, "parent")].Hash()
			}
			a, err := custody.NewAct(st)
			if err != nil {
				rt.Fatal(err)
			}
			acts = append(acts, a)
		}
		var entered []custody.Entered
		for i, a := range rapid.Permutation(append(acts, acts[0], acts[n-1])).Draw(rt, "order") {
			entered = append(entered, custody.Entered{Act: a, Index: int64(i)})
		}
		stood := map[[32]byte]custody.Standing{}
		for i := range len(entered) + 1 {
			state := custody.Fold(entered[:i])
			for _, h := range state.History {
				if before := stood[h.Hash]; before != 0 && before != custody.Waiting && before != h.Standing {
					rt.Fatalf("act %s moved from %q to %q when act %d entered", h.Act.Statement.ID, before, h.Standing, i)
				}
				stood[h.Hash] = h.Standing
			}
		}
		if len(stood) != n {
			rt.Fatalf("got %d acts, want %d", len(stood), n)
		}
		for hash, s := range stood {
			if s == custody.Waiting {
				rt.Fatalf("act %x waits, though all acts are in", hash[:4])
			}
		}
	})
}

func TestFold_nothing(t *testing.T) {
	s := custody.Fold(nil)
	if s.Phase != custody.PhaseUnknown || len(s.Flags) != 0 || s.Tip != [32]byte{} {
		t.Errorf("got %+v, want an empty state", s)
	}
}
