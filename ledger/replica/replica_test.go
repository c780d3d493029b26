package replica_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"isotherm/ledger"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/replica"
	"isotherm/ledger/store"
	"isotherm/ledger/store/storetest"
)

// cluster is a cluster in one bubble. Nodes that run when the test ends are shut down, and every state is checked.
type cluster struct {
	t     *testing.T
	net   *replica.MemNet
	dir   string
	names []string
	nodes map[string]*replica.Replica
	tune  func(*raft.Config)
}

func newCluster(t *testing.T, names ...string) *cluster {
	c := &cluster{t: t, net: replica.NewMemNet(), dir: t.TempDir(), names: names, nodes: map[string]*replica.Replica{}}
	t.Cleanup(c.end)
	return c
}

// started returns a cluster with a leader, a genesis and an enrolled box.
func started(t *testing.T, names ...string) (*cluster, *storetest.Box) {
	c := newCluster(t, names...)
	for _, name := range names {
		c.open(name)
	}
	return c, c.begin()
}

func (c *cluster) begin() *storetest.Box {
	box := storetest.NewBox("box")
	n := c.nodes[c.names[0]]
	c.propose(n, storetest.GenesisCommand(storetest.Genesis(c.names...)))
	c.propose(n, box.Enrol())
	return box
}

func (c *cluster) config(name string) replica.Config {
	cfg := replica.Config{Name: name, Dir: filepath.Join(c.dir, name), Bootstrap: slices.Contains(c.names, name), LogKey: storetest.Key("log"), CosignKey: storetest.Key(name),
		Trust: entry.NewTrust(storetest.Genesis(c.names...)), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if os.Getenv("ISOTHERM_TEST_LOG") != "" {
		cfg.Logger = slog.Default()
	}
	for _, n := range c.names {
		cfg.Peers = append(cfg.Peers, replica.Peer{Name: n, Addr: "mem:1"})
	}
	return cfg
}

func (c *cluster) tryOpen(name string) error {
	r, err := c.net.OpenOn(c.config(name), c.tune)
	if err == nil {
		c.nodes[name] = r
	}
	return err
}

func (c *cluster) open(name string) *replica.Replica {
	c.t.Helper()
	if err := c.tryOpen(name); err != nil {
		c.t.Fatal(err)
	}
	return c.nodes[name]
}

func (c *cluster) stop(name string) {
	c.t.Helper()
	if err := c.nodes[name].Shutdown(); err != nil {
		c.t.Error(err)
	}
	delete(c.nodes, name)
}

func (c *cluster) end() {
	for name := range c.nodes {
		c.stop(name)
	}
	time.Sleep(20 * time.Second) // in a bubble: raft does not wait for its own leadership transfers
	folders, err := os.ReadDir(c.dir)
	if err != nil {
		c.t.Error(err)
	}
	for _, f := range folders {
		s, err := store.Open(filepath.Join(c.dir, f.Name(), replica.StateFile))
		if err != nil {
			c.t.Errorf("state of %s after the test: %v", f.Name(), err)
			continue
		}
		if err := s.Check(); err != nil {
			c.t.Errorf("state of %s after the test: %v", f.Name(), err)
		}
		s.Close()
	}
}

func timeout(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// propose has a command done and checks that the node which took it sees it.
func (c *cluster) propose(n *replica.Replica, cmd *command.Command) command.Result {
	c.t.Helper()
	ctx := timeout(c.t, 20*time.Second)
	if err := n.WaitLeader(ctx); err != nil {
		c.t.Fatal(err)
	}
	got, err := n.Propose(ctx, cmd)
	if err != nil {
		c.t.Fatal(err)
	}
	if got.Status != command.Done && got.Status != command.Duplicate {
		c.t.Fatalf("propose: got %+v, want done", got)
	}
	if cmd.Entry != nil {
		if size := c.size(n); size <= got.Index {
			c.t.Errorf("propose: entry %d is not in this node's state of %d", got.Index, size)
		}
	}
	return got
}

func (c *cluster) size(n *replica.Replica) (size int64) {
	c.t.Helper()
	if err := n.View(func(v *store.View) error { size = v.Size(); return nil }); err != nil {
		c.t.Fatal(err)
	}
	return size
}

// waitSize waits until the node has so many entries.
func (c *cluster) waitSize(n *replica.Replica, want int64) {
	c.t.Helper()
	ctx := timeout(c.t, time.Minute)
	for {
		changed := n.Changed()
		if c.size(n) >= want {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			c.t.Fatalf("size: got %d, want %d", c.size(n), want)
		}
	}
}

func (c *cluster) leader() *replica.Replica {
	c.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for ; time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) { // in a bubble
		for _, n := range c.nodes {
			if n.Status().State == "leader" {
				return n
			}
		}
	}
	c.t.Fatal("no leader")
	return nil
}

// checkpoint returns a checkpoint whose signatures hold.
func (c *cluster) checkpoint(n *replica.Replica, minSize int64) merkle.Checkpoint {
	c.t.Helper()
	signed, err := n.Checkpoint(timeout(c.t, 10*time.Second), minSize)
	if err != nil {
		c.t.Fatal(err)
	}
	cp, _, err := n.Trust().OpenCheckpoint(signed)
	if err != nil {
		c.t.Fatal(err)
	}
	if cp.Size < minSize {
		c.t.Errorf("checkpoint: got size %d, want %d at least", cp.Size, minSize)
	}
	return cp
}

func TestReplica_Single_Restart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, box := started(t, "n1")
		c.propose(c.nodes["n1"], box.Next(t, 10))
		before := c.checkpoint(c.nodes["n1"], 3)
		published := c.nodes["n1"].Published()
		c.stop("n1")

		n := c.open("n1")
		if got := n.Published(); string(got) != string(published) {
			t.Errorf("published after restart: got %q, want %q", got, published)
		}
		if got := c.propose(n, box.Command(t, box.Made()[0])); got.Status != command.Duplicate || got.Index != 2 {
			t.Errorf("repeat after restart: got %+v, want the duplicate of entry 2", got)
		}
		c.propose(n, box.Next(t, 1))
		if got := c.checkpoint(n, 4); got.Size != 4 || before.Size != 3 {
			t.Errorf("checkpoints: got %d and %d, want 3 and 4", before.Size, got.Size)
		}
	})
}

func TestReplica_Propose_OnEveryNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := started(t, "n1", "n2", "n3")
		for i := range 9 {
			c.propose(c.nodes[c.names[i%3]], storetest.Act(i, i%2))
		}
		for i, name := range c.names {
			n := c.nodes[name]
			if err := n.Linearizable(timeout(t, time.Second)); err != nil {
				t.Fatal(err)
			}
			if got := c.size(n); got != 11 {
				t.Errorf("size on %s after a linearizable read: got %d, want 11", name, got)
			}
			c.checkpoint(n, 11)
			if got := c.propose(n, storetest.Act(i, i)); got.Status != command.Duplicate || got.Index != int64(i)+2 {
				t.Errorf("act %d again: got %+v", i, got)
			}
		}
	})
}

func TestReplica_Partition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := started(t, "n1", "n2", "n3")
		old := c.leader()
		name := old.Status().Name
		c.net.Cut(name, true)
		_, err := old.Propose(timeout(t, 20*time.Second), storetest.Act(1, 1))
		if got := ledger.CodeOf(err); got != ledger.CodeUnavailable {
			t.Errorf("propose without a majority: got %v, want unavailable", err)
		}
		if err := old.Linearizable(timeout(t, 5*time.Second)); ledger.CodeOf(err) != ledger.CodeUnavailable {
			t.Errorf("linearizable read without a majority: got %v, want unavailable", err)
		}
		if _, err := old.Checkpoint(timeout(t, 10*time.Second), 2); err == nil && len(old.Published()) == 0 {
			t.Error("checkpoint without a majority: got no error")
		}
		time.Sleep(time.Minute)
		delete(c.nodes, name)
		next := c.leader()
		c.propose(next, storetest.Act(2, 1))
		c.checkpoint(next, 3)
		c.net.Cut(name, false)
		c.nodes[name] = old
		c.waitSize(old, c.size(next))
		// The same act again: done now, or already when the first attempt got through after all.
		c.propose(old, storetest.Act(1, 1))
		c.checkpoint(old, 4)
		for _, n := range c.nodes {
			c.waitSize(n, 4)
		}
		if got := c.size(next); got != 4 {
			t.Errorf("size: got %d, want 4: an act was lost or doubled", got)
		}
	})
}

func TestReplica_Checkpoint_SharedByManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := started(t, "n1", "n2", "n3")
		var wg sync.WaitGroup
		for i := range 256 {
			wg.Go(func() {
				n := c.nodes[c.names[i%3]]
				got, err := n.Propose(timeout(t, 20*time.Second), storetest.Act(i, i))
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := n.Checkpoint(timeout(t, 20*time.Second), got.Index+1); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if calls := c.net.Calls("cosign"); calls > 120 {
			t.Errorf("256 receipts took %d requests for cosignatures", calls)
		} else {
			t.Logf("256 receipts took %d requests for cosignatures", calls)
		}
	})
}

func TestReplica_Checkpoint_Diverged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := started(t, "n1", "n2", "n3")
		n := c.nodes["n2"]
		c.waitSize(n, 2)
		if _, err := n.AskCosign(timeout(t, time.Minute), merkle.Checkpoint{Origin: storetest.Origin, Size: 3}); ledger.CodeOf(err) != ledger.CodeUnavailable {
			t.Errorf("cosign of a size that is not there: got %v, want unavailable", err)
		}
		if n.Status().Halted != nil {
			t.Error("node has halted too early")
		}
		if _, err := n.AskCosign(t.Context(), merkle.Checkpoint{Origin: storetest.Origin, Size: 2}); err == nil {
			t.Error("cosign of another root: got no error")
		}
		if n.Status().Halted == nil {
			t.Error("node has not halted")
		}
		if _, err := n.Propose(t.Context(), storetest.Act(1, 1)); err == nil {
			t.Error("propose on a halted node: got no error")
		}
		c.propose(c.nodes["n1"], storetest.Act(2, 1))
		c.checkpoint(c.nodes["n1"], 3) // the other two are a majority
	})
}

func TestReplica_UnknownVersionStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := started(t, "n1")
		n := c.nodes["n1"]
		later := []byte{0xa2, 0x01, 0x02, 0x06, 0x80} // version 2
		go n.ApplyRaw(later)
		if err := <-n.Done(); err == nil || !strings.Contains(err.Error(), "upgrade") {
			t.Errorf("done: got %v, want an error that asks for an upgrade", err)
		}
		if _, err := n.Propose(t.Context(), storetest.Act(1, 1)); ledger.CodeOf(err) != ledger.CodeUnavailable {
			t.Errorf("propose afterwards: got %v, want unavailable", err)
		}
	})
}

func TestReplica_CosignerSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := started(t, "n1", "n2", "n3")
		set := entry.CosignerSet{Number: 2, Origin: storetest.Origin}
		for _, name := range []string{"n2", "n3", "n9"} {
			set.Members = append(set.Members, merkle.CosignerKey{Name: name, Key: storetest.Public(name)})
		}
		change := &entry.SetChange{Set: set, Operator: set.Sign(storetest.Key("operator"))}
		for _, name := range c.names[:2] {
			change.Approvals = append(change.Approvals, entry.Approval{Name: name, Signature: set.Sign(storetest.Key(name))})
		}
		n := c.nodes["n1"]
		c.propose(n, &command.Command{Entry: storetest.Entry(entry.KindCosigners, change.Marshal(), entry.Policy)})
		signed, err := n.Checkpoint(timeout(t, 10*time.Second), 3)
		if err != nil {
			t.Fatal(err)
		}
		_, cosigs, err := n.Trust().OpenCheckpoint(signed)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range cosigs {
			got = append(got, s.Name)
		}
		slices.Sort(got)
		if want := "[n2 n3]"; fmt.Sprint(got) != want {
			t.Errorf("cosigners: got %v, want %v", got, want)
		}
	})
}
