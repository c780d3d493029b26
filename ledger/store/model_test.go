package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"isotherm/ledger"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/store"
	"isotherm/ledger/store/storetest"
)

// model is the state in maps and slices, with the rules written a second time as plainly as can be.
type model struct {
	leaves  [][]byte
	chains  map[entry.Subject][]int64
	acts    map[ledger.ActID]int64
	secrets map[string]string
	boxes   map[ledger.BoxID]int64
	held    map[ledger.IncarnationID][]heldBatch
}

type heldBatch struct {
	storetest.Batch
	index int64
}

func newModel() *model {
	return &model{chains: map[entry.Subject][]int64{}, acts: map[ledger.ActID]int64{}, secrets: map[string]string{},
		boxes: map[ledger.BoxID]int64{}, held: map[ledger.IncarnationID][]heldBatch{}}
}

func (m *model) append(e *command.Entry) {
	leaf := entry.Leaf{Kind: e.Kind, RecordTimeMS: e.RecordTimeMS, Node: e.Node, Commitment: e.Commitment}
	for _, s := range e.Subjects {
		prev := int64(entry.NoPrev)
		if chain := m.chains[s]; len(chain) > 0 {
			prev = chain[len(chain)-1]
		}
		m.chains[s] = append(m.chains[s], int64(len(m.leaves)))
		leaf.Links = append(leaf.Links, entry.Link{Subject: s, Count: uint64(len(m.chains[s])), Prev: prev})
	}
	m.leaves = append(m.leaves, leaf.Marshal())
}

func (m *model) root() tlog.Hash {
	var f merkle.Frontier
	for _, leaf := range m.leaves {
		f.Append(tlog.RecordHash(leaf))
	}
	return f.Root()
}

func (m *model) secret(c *command.Command) {
	for _, s := range c.Secrets {
		if m.secrets[s.Name] = string(s.Value); len(s.Value) == 0 {
			delete(m.secrets, s.Name)
		}
	}
}

// do answers a command that says in made which batch it carries.
func (m *model) do(c *command.Command, box *storetest.Box, made *storetest.Batch) command.Result {
	index := int64(len(m.leaves))
	if c.Dedup != nil {
		if at, ok := m.acts[*c.Dedup]; ok {
			return command.Result{Status: command.Duplicate, Index: at}
		}
	}
	if c.Box != nil {
		if at, ok := m.boxes[c.Box.ID]; ok {
			return command.Result{Status: command.Duplicate, Index: at}
		}
	}
	if _, ok := m.secrets[c.Require]; c.Require != "" && !ok {
		return command.Result{Status: command.NoSecret}
	}
	got := command.Result{Status: command.Done}
	if made != nil {
		if _, ok := m.boxes[box.ID]; !ok {
			return command.Result{Status: command.UnknownBox}
		}
		size, root := int64(0), merkle.EmptyRoot
		for _, b := range m.held[box.Incarnation] {
			if size, root = b.To, b.Root; b.From == made.From && b.To == made.To && b.Root == made.Root {
				got = command.Result{Status: command.Duplicate, Index: b.index}
			}
		}
		if got.Next, got.Root = size, root; got.Status == command.Duplicate {
			return got
		}
		if made.From != size {
			got.Status = command.Conflict
			return got
		}
		if made.Root != box.Made()[slices.IndexFunc(box.Made(), func(b storetest.Batch) bool { return b.From == made.From })].Root {
			got.Status = command.WrongRoot
			return got
		}
		m.held[box.Incarnation] = append(m.held[box.Incarnation], heldBatch{*made, index})
		got.Next, got.Root = made.To, made.Root
	}
	if c.Dedup != nil {
		m.acts[*c.Dedup] = index
	}
	if c.Box != nil {
		m.boxes[c.Box.ID] = index
	}
	m.secret(c)
	if c.Entry != nil {
		got.Index = index
		m.append(c.Entry)
	}
	return got
}

// machine drives a store and the model side by side.
type machine struct {
	t     *testing.T
	path  string
	store *store.Store
	model *model
	boxes []*storetest.Box
	index uint64
}

func (m *machine) both(t *rapid.T, c *command.Command, box *storetest.Box, made *storetest.Batch) {
	m.index++
	want := m.model.do(c, box, made)
	got, err := m.store.ApplyBatch(storetest.Logs(m.index, c))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Fatalf("result differs (-want +got):\n%s", diff)
	}
}

func (m *machine) reopen(t *rapid.T) {
	if err := m.store.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(m.path)
	if err != nil {
		t.Fatal(err)
	}
	m.store = s
}

func (m *machine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"act": func(t *rapid.T) {
			m.both(t, storetest.Act(rapid.IntRange(0, 30).Draw(t, "act"), rapid.IntRange(0, 3).Draw(t, "case")), nil, nil)
		},
		"enrol": func(t *rapid.T) {
			c := rapid.SampledFrom(m.boxes).Draw(t, "box").Enrol()
			if rapid.Bool().Draw(t, "token") {
				c.Require = "token"
				c.Secrets = []command.Secret{{Name: "token"}}
			}
			m.both(t, c, nil, nil)
		},
		"secret": func(t *rapid.T) {
			name := rapid.SampledFrom([]string{"token", "a/1", "a/2"}).Draw(t, "name")
			m.both(t, &command.Command{Secrets: []command.Secret{{Name: name, Value: []byte(rapid.StringN(0, 5, 20).Draw(t, "value"))}}}, nil, nil)
		},
		"batch": func(t *rapid.T) {
			box := rapid.SampledFrom(m.boxes).Draw(t, "box")
			if len(box.Made()) == 0 || rapid.IntRange(0, 2).Draw(t, "new") > 0 {
				box.Next(m.t, rapid.IntRange(1, 5).Draw(t, "records"))
			}
			made := rapid.SampledFrom(box.Made()).Draw(t, "batch")
			if rapid.IntRange(0, 4).Draw(t, "wrong") == 0 {
				made = box.Wrong(m.t, made)
			}
			m.both(t, box.Command(m.t, made), box, &made)
		},
		"replay": func(t *rapid.T) {
			got, err := m.store.ApplyBatch(storetest.Logs(m.index, storetest.Act(99, 9)))
			if err != nil || got[0] != (command.Result{}) {
				t.Fatalf("replay: got %+v, %v", got, err)
			}
		},
		"reopen": m.reopen,
		"": func(t *rapid.T) {
			if err := m.store.View(func(v *store.View) error { return m.compare(v) }); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// compare compares everything that can be read.
func (m *machine) compare(v *store.View) error {
	root, err := v.Root(v.Size())
	if err != nil {
		return err
	}
	if want := m.model.root(); root != want || v.Size() != int64(len(m.model.leaves)) {
		return fmt.Errorf("root at %d: got %v, want %v at %d", v.Size(), root, want, len(m.model.leaves))
	}
	for s, want := range m.model.chains {
		var got []int64
		for _, index := range v.Chain(s) {
			got = append(got, index)
		}
		slices.Reverse(got)
		if diff := cmp.Diff(want, got); diff != "" {
			return fmt.Errorf("chain of %s differs (-want +got):\n%s", s, diff)
		}
	}
	secrets := map[string]string{}
	for name, value := range v.Secrets("") {
		secrets[name] = string(value)
	}
	if diff := cmp.Diff(m.model.secrets, secrets); diff != "" {
		return fmt.Errorf("secrets differ (-want +got):\n%s", diff)
	}
	for inc, want := range m.model.held {
		n := 0
		for b := range v.Batches(inc, 0) {
			if w := want[n]; b.From != w.From || b.To != w.To || b.Root != w.Root || b.Index != w.index {
				return fmt.Errorf("batch %d of %s: got %d to %d by %d, want %d to %d by %d", n, inc, b.From, b.To, b.Index, w.From, w.To, w.index)
			}
			for size := b.From + 1; size <= b.To; size++ {
				if index, _, _, ok := v.EntryCovering(inc, size); !ok || index != b.Index {
					return fmt.Errorf("entry covering %d: got %d, want %d", size, index, b.Index)
				}
			}
			n++
		}
		if n != len(want) {
			return fmt.Errorf("batches of %s: got %d, want %d", inc, n, len(want))
		}
	}
	return nil
}

func TestStore_Model(t *testing.T) {
	dir, run := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		m := &machine{t: t, path: filepath.Join(dir, fmt.Sprint(run)), model: newModel()}
		s, err := store.Open(m.path)
		if err != nil {
			rt.Fatal(err)
		}
		m.store = s
		defer func() {
			if err := m.store.Check(); err != nil {
				t.Error(err)
			}
			if err := m.store.Close(); err != nil {
				t.Error(err)
			}
			os.Remove(m.path)
		}()
		for i := range 3 {
			m.boxes = append(m.boxes, storetest.NewBox(fmt.Sprint("box ", i)))
		}
		m.both(rt, storetest.GenesisCommand(storetest.Genesis("n1")), nil, nil)
		rt.Repeat(m.actions())
	})
}
