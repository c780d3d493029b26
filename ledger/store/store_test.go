package store_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/store"
	"isotherm/ledger/store/storetest"
)

// applier gives commands to a store one after another, as raft does.
type applier struct {
	t     testing.TB
	store *store.Store
	index uint64
}

func newApplier(t testing.TB) *applier {
	return &applier{t: t, store: storetest.Open(t, filepath.Join(t.TempDir(), "state.db"))}
}

// begun returns an applier with a genesis and an enrolled box.
func begun(t testing.TB) (*applier, *storetest.Box) {
	a, box := newApplier(t), storetest.NewBox("box")
	a.want(command.Result{Status: command.Done}, storetest.GenesisCommand(storetest.Genesis("n1")))
	a.want(command.Result{Status: command.Done, Index: 1}, box.Enrol())
	return a, box
}

func (a *applier) apply(c *command.Command) command.Result {
	a.t.Helper()
	a.index++
	results, err := a.store.ApplyBatch(storetest.Logs(a.index, c))
	if err != nil {
		a.t.Fatal(err)
	}
	return results[0]
}

func (a *applier) want(want command.Result, c *command.Command) {
	a.t.Helper()
	if diff := cmp.Diff(want, a.apply(c)); diff != "" {
		a.t.Errorf("result differs (-want +got):\n%s", diff)
	}
}

func (a *applier) view(fn func(*store.View)) {
	a.t.Helper()
	if err := a.store.View(func(v *store.View) error { fn(v); return nil }); err != nil {
		a.t.Fatal(err)
	}
}

func (a *applier) size() (size int64) {
	a.view(func(v *store.View) { size = v.Size() })
	return size
}

func TestStore_ApplyBatch_Journal(t *testing.T) {
	a, box := begun(t)
	first, second := box.Next(t, 3), box.Next(t, 64)
	made := box.Made()
	a.want(command.Result{Status: command.Conflict, Next: 0, Root: merkle.EmptyRoot}, second)
	a.want(command.Result{Status: command.Done, Index: 2, Next: 3, Root: made[0].Root}, first)
	a.want(command.Result{Status: command.Done, Index: 3, Next: 67, Root: made[1].Root}, second)
	a.want(command.Result{Status: command.Duplicate, Index: 2, Next: 67, Root: made[1].Root}, first)
	a.want(command.Result{Status: command.Duplicate, Index: 3, Next: 67, Root: made[1].Root}, second)

	middle := made[1]
	middle.From, middle.Records = 5, middle.Records[2:]
	a.want(command.Result{Status: command.Conflict, Next: 67, Root: made[1].Root}, box.Command(t, middle))
	a.want(command.Result{Status: command.Conflict, Next: 67, Root: made[1].Root}, box.Command(t, box.Wrong(t, made[1])))

	box.Next(t, 2)
	a.want(command.Result{Status: command.WrongRoot, Next: 67, Root: made[1].Root}, box.Command(t, box.Wrong(t, box.Made()[2])))
	if got, want := a.size(), int64(4); got != want {
		t.Errorf("size: got %d, want %d", got, want)
	}
}

func TestStore_ApplyBatch_Refuses(t *testing.T) {
	g := storetest.GenesisCommand(storetest.Genesis("n1"))
	box, stranger := storetest.NewBox("box"), storetest.NewBox("stranger")
	good := box.Next(t, 2)
	change := func(fn func(c *command.Command, e *command.Entry)) *command.Command {
		c, e := *good, *good.Entry
		c.Entry = &e
		fn(&c, &e)
		return &c
	}
	late := storetest.NewBox("box") // its first batch lacks the boot record
	late.Next(t, 1)
	late.Next(t, 1)
	headless := late.Made()[1]
	headless.From, headless.To = 0, 1
	other := storetest.Entry(entry.KindAct, nil, entry.Box(box.ID))

	for _, tt := range []struct {
		name string
		cmd  *command.Command
		want command.Status
	}{
		{"unknown box", stranger.Next(t, 1), command.UnknownBox},
		{"no boot record", box.Command(t, headless), command.Malformed},
		{"batch without entry", &command.Command{Batch: good.Batch}, command.Malformed},
		{"not a batch", change(func(c *command.Command, _ *command.Entry) { c.Batch = []byte("x") }), command.Malformed},
		{"advance for opening", change(func(_ *command.Command, e *command.Entry) { e.Kind = entry.KindJournalAdvance }), command.Malformed},
		{"advance without batch", change(func(c *command.Command, _ *command.Entry) { c.Batch = nil }), command.Malformed},
		{"subject missing", change(func(_ *command.Command, e *command.Entry) { e.Subjects = e.Subjects[1:] }), command.Malformed},
		{"payload of another", change(func(_ *command.Command, e *command.Entry) { e.Stored, e.Commitment = other.Stored, other.Commitment }), command.Malformed},
		{"wrong commitment", change(func(_ *command.Command, e *command.Entry) { e.Commitment[0] ^= 1 }), command.Malformed},
		{"second genesis", storetest.GenesisCommand(storetest.Genesis("n1", "n2")), command.Malformed},
		{"genesis again", g, command.Duplicate},
		{"box again", box.Enrol(), command.Duplicate},
		{"no secret", &command.Command{Require: "token"}, command.NoSecret},
		{"secret without name", &command.Command{Secrets: []command.Secret{{Value: []byte("x")}}}, command.Malformed},
		{"no subject", &command.Command{Entry: storetest.Entry(entry.KindAct, nil)}, command.Malformed},
		{"subject twice", &command.Command{Entry: storetest.Entry(entry.KindAct, nil, entry.Policy, entry.Policy)}, command.Malformed},
		{"no kind", &command.Command{Entry: storetest.Entry(0, nil, entry.Policy)}, command.Malformed},
		{"act without entry", &command.Command{Dedup: &ledger.ActID{1}}, command.Malformed},
		{"box of another key", &command.Command{Entry: storetest.Entry(entry.KindBoxEnrolled, nil, entry.Box(stranger.ID)),
			Box: &command.Box{ID: stranger.ID, Key: storetest.Public("x")}}, command.Malformed},
		{"bytes of no command", nil, command.Malformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newApplier(t)
			a.apply(g)
			a.apply(box.Enrol())
			if got := a.apply(tt.cmd).Status; got != tt.want {
				t.Errorf("status: got %d, want %d", got, tt.want)
			}
			if got := a.size(); got != 2 {
				t.Errorf("size: got %d, want 2: something was written", got)
			}
		})
	}
}

func TestStore_ApplyBatch_BeforeGenesis(t *testing.T) {
	newApplier(t).want(command.Result{Status: command.Malformed}, storetest.Act(1, 1))
}

func TestStore_ApplyBatch_SecretsAndToken(t *testing.T) {
	a, _ := begun(t)
	a.want(command.Result{Status: command.Done}, &command.Command{Secrets: []command.Secret{{Name: "token/1", Value: []byte("a")}, {Name: "token/2", Value: []byte("b")}, {Name: "other", Value: []byte("c")}}})
	box := storetest.NewBox("second")
	enrol := box.Enrol()
	enrol.Require, enrol.Secrets = "token/1", []command.Secret{{Name: "token/1"}}
	a.want(command.Result{Status: command.Done, Index: 2}, enrol)
	a.want(command.Result{Status: command.Duplicate, Index: 2}, enrol) // its token is used up, but it is the same enrolment
	third := storetest.NewBox("third").Enrol()
	third.Require = "token/1"
	a.want(command.Result{Status: command.NoSecret}, third)
	a.view(func(v *store.View) {
		var got []string
		for name, value := range v.Secrets("token/") {
			got = append(got, name+"="+string(value))
		}
		if diff := cmp.Diff([]string{"token/2=b"}, got); diff != "" {
			t.Errorf("secrets differ (-want +got):\n%s", diff)
		}
	})
}

func TestView_Journal(t *testing.T) {
	a, box := begun(t)
	for _, n := range []int{3, 10, 1, 20} {
		a.apply(box.Next(t, n))
	}
	a.view(func(v *store.View) {
		j, ok := v.Journal(box.Incarnation)
		if !ok || j.Size != 34 || j.Root != box.Made()[3].Root || j.Opened != 2 || j.Advanced != 5 {
			t.Errorf("journal: got %+v, %v", j, ok)
		}
		if diff := cmp.Diff([]ledger.IncarnationID{box.Incarnation}, v.Journals(box.ID)); diff != "" {
			t.Errorf("journals of the box differ (-want +got):\n%s", diff)
		}
		for _, tt := range []struct{ size, index, from, to int64 }{{1, 2, 0, 3}, {3, 2, 0, 3}, {4, 3, 3, 13}, {13, 3, 3, 13}, {14, 4, 13, 14}, {34, 5, 14, 34}} {
			index, from, to, ok := v.EntryCovering(box.Incarnation, tt.size)
			if !ok || index != tt.index || from != tt.from || to != tt.to {
				t.Errorf("entry covering %d: got %d (%d to %d, %v), want %d (%d to %d)", tt.size, index, from, to, ok, tt.index, tt.from, tt.to)
			}
		}
		for _, size := range []int64{0, 35, -1} {
			if index, _, _, ok := v.EntryCovering(box.Incarnation, size); ok {
				t.Errorf("entry covering %d: got %d, want none", size, index)
			}
		}
		var got []int64
		for b := range v.Batches(box.Incarnation, 5) {
			decoded, err := batch.Decode(b.Wire)
			if err != nil || decoded.From != b.From {
				t.Errorf("batch %d: %v", b.From, err)
			}
			got = append(got, b.From, b.To, b.Index)
		}
		if diff := cmp.Diff([]int64{3, 13, 3, 13, 14, 4, 14, 34, 5}, got); diff != "" {
			t.Errorf("batches from 5 differ (-want +got):\n%s", diff)
		}
		for b := range v.Batches(box.Incarnation, 34) {
			t.Errorf("batch %d at the end of the journal", b.From)
		}
	})
}

// TestStore_ApplyBatch_Observed has an export name where a chain ends without making it longer.
func TestStore_ApplyBatch_Observed(t *testing.T) {
	f, _ := begun(t)
	export := storetest.Entry(entry.KindExport, []byte("who and why"), entry.Case(ledger.ShipmentID{2, 0, 1}))
	export.Observed = []entry.Subject{entry.Policy}
	missing := *export
	missing.Observed = []entry.Subject{entry.Box(ledger.BoxID{9})}
	f.want(command.Result{Status: command.Done, Index: 2}, storetest.Act(1, 1))
	f.want(command.Result{Status: command.Done, Index: 3}, &command.Command{Entry: export})
	f.want(command.Result{Status: command.Malformed}, &command.Command{Entry: &missing}) // a subject without entries
	f.view(func(v *store.View) {
		raw, err := v.Leaf(3)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := entry.ParseLeaf(raw)
		if err != nil {
			t.Fatal(err)
		}
		want := []entry.Link{{Subject: entry.Policy, Count: 1, Prev: 0}}
		if diff := cmp.Diff(want, leaf.Observed); diff != "" {
			t.Error(diff)
		}
		if count, index, _ := v.Last(entry.Policy); count != 1 || index != 0 {
			t.Errorf("the policy chain has %d entries and ends at %d, want 1 at 0", count, index)
		}
	})
}

func TestView_Chain(t *testing.T) {
	a, _ := begun(t)
	for i := range 6 {
		a.apply(storetest.Act(i, i%2))
	}
	a.view(func(v *store.View) {
		cases := v.Subjects(entry.SubjectCase, [ledger.IDSize]byte{}, 10)
		if len(cases) != 2 {
			t.Fatalf("cases: got %v, want two", cases)
		}
		if diff := cmp.Diff(cases[1:], v.Subjects(entry.SubjectCase, cases[0].ID, 10)); diff != "" {
			t.Errorf("cases after the first differ (-want +got):\n%s", diff)
		}
		var got []int64
		for _, index := range v.Chain(cases[1]) {
			got = append(got, index)
		}
		if diff := cmp.Diff([]int64{7, 5, 3}, got); diff != "" {
			t.Errorf("chain differs (-want +got):\n%s", diff)
		}
		if index, ok := v.EntryOfAct(*storetest.Act(4, 0).Dedup); !ok || index != 6 {
			t.Errorf("entry of act 4: got %d, %v, want 6", index, ok)
		}
		if _, err := v.Leaf(8); ledger.CodeOf(err) != ledger.CodeNotFound {
			t.Errorf("leaf 8 of 8: got %v, want not found", err)
		}
	})
}

// TestStore_ApplyBatch_Deterministic applies the same commands cut into runs at different places.
func TestStore_ApplyBatch_Deterministic(t *testing.T) {
	box := storetest.NewBox("box")
	commands := []*command.Command{storetest.GenesisCommand(storetest.Genesis("n1")), box.Enrol()}
	for i := range 40 {
		commands = append(commands, box.Next(t, i%5+1), storetest.Act(i%25, i%4), &command.Command{Secrets: []command.Secret{{Name: "s", Value: []byte{byte(i)}}}})
	}
	var want tlog.Hash
	var wantResults []command.Result
	for i, run := range []int{1, 2, 7, len(commands)} {
		a := newApplier(t)
		var results []command.Result
		index := uint64(1)
		for chunk := range slices.Chunk(commands, run) {
			got, err := a.store.ApplyBatch(storetest.Logs(index, chunk...))
			if err != nil {
				t.Fatal(err)
			}
			results, index = append(results, got...), index+uint64(len(chunk))
		}
		a.view(func(v *store.View) {
			got, err := v.Root(v.Size())
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				want, wantResults = got, results
			}
			if got != want {
				t.Errorf("root in runs of %d: got %v, want %v", run, got, want)
			}
		})
		if diff := cmp.Diff(wantResults, results); diff != "" {
			t.Errorf("results in runs of %d differ (-want +got):\n%s", run, diff)
		}
	}
}

func TestStore_Open_ReplayIsPassedOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	logs := storetest.Logs(1, storetest.GenesisCommand(storetest.Genesis("n1")), storetest.Act(1, 1))
	s, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ApplyBatch(logs); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ApplyBatch(logs); !errors.Is(err, store.ErrFailed) {
		t.Errorf("apply on a closed store: got %v, want ErrFailed", err)
	}
	again := storetest.Open(t, path)
	third := &command.Command{Entry: storetest.Entry(entry.KindAct, []byte("no dedup"), entry.Case(ledger.ShipmentID{1}))}
	got, err := again.ApplyBatch(append(slices.Clone(logs), store.Log{Index: 3, Term: 2, Command: third}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]command.Result{{}, {}, {Status: command.Done, Index: 2}}, got); diff != "" {
		t.Errorf("results differ (-want +got):\n%s", diff)
	}
	a := &applier{t: t, store: again}
	a.view(func(v *store.View) {
		if index, term := v.Applied(); index != 3 || term != 2 || v.Size() != 3 {
			t.Errorf("applied: got %d in term %d with %d entries, want 3, 2, 3", index, term, v.Size())
		}
	})
}

func TestStore_Export_Install(t *testing.T) {
	from, box := begun(t)
	from.apply(box.Next(t, 5))
	if _, err := from.store.ApplyBatch([]store.Log{{Index: 4, Term: 3, Configuration: []byte("nodes")}}); err != nil {
		t.Fatal(err)
	}
	if err := from.store.Witness(9, 4); err != nil {
		t.Fatal(err)
	}
	e, err := from.store.Export()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.Index != 9 || e.Term != 4 || e.ConfigurationIndex != 4 || string(e.Configuration) != "nodes" {
		t.Errorf("export: got %+v", e)
	}
	to := newApplier(t)
	to.apply(storetest.GenesisCommand(storetest.Genesis("old")))
	if err := to.store.Install(9); err == nil {
		t.Error("install of nothing: got no error")
	}
	data, err := io.ReadAll(e)
	if err != nil || int64(len(data)) != e.Size {
		t.Fatalf("read export: %d bytes of %d, %v", len(data), e.Size, err)
	}
	if err := os.WriteFile(to.store.InstallPath(), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := to.store.Install(8); err == nil {
		t.Error("install at another raft index: got no error")
	}
	// A reader of the old state holds up nobody and goes on reading the old.
	to.view(func(v *store.View) {
		if err := to.store.Install(9); err != nil {
			t.Fatal(err)
		}
		if got := v.Size(); got != 1 {
			t.Errorf("size in the old view: got %d, want 1", got)
		}
	})
	if got, want := to.size(), from.size(); got != want {
		t.Errorf("size: got %d, want %d", got, want)
	}
	to.index = 9
	to.want(command.Result{Status: command.Done, Index: 3, Next: 9, Root: nextRoot(t, box)}, box.Command(t, box.Made()[1]))
	if err := to.store.Check(); err != nil {
		t.Error(err)
	}
}

// nextRoot has the box make four more records.
func nextRoot(t *testing.T, box *storetest.Box) tlog.Hash {
	box.Next(t, 4)
	return box.Made()[1].Root
}

func TestStore_DecodeBatch(t *testing.T) {
	a, box := begun(t)
	c := box.Next(t, 3)
	b, err := a.store.DecodeBatch(c.Batch)
	if err != nil || len(b.Records) != 3 {
		t.Fatalf("decode: %v, %v", b, err)
	}
	b.Records[1][0] ^= 1 // what the door does with its copy changes nothing
	a.want(command.Result{Status: command.Done, Index: 2, Next: 3, Root: box.Made()[0].Root}, c)
	if _, err := a.store.DecodeBatch([]byte("x")); err == nil {
		t.Error("decode of rubbish: got no error")
	}
}

func TestStore_Open_Refuses(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string][]byte{"empty": {}, "text": []byte("not a database"), "zeros": make([]byte, 1<<16)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := store.Open(path); err == nil {
			t.Errorf("%s: got a store, want an error", name)
			s.Close()
		}
	}
}
