package replica_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/replica"
	"isotherm/ledger/store"
	"isotherm/ledger/store/storetest"
)

// havoc cuts nodes off, stops and starts them, one at a time. It runs in a bubble.
type havoc struct {
	*cluster
	mu     sync.RWMutex // guards the cluster's nodes
	stop   chan struct{}
	faults int
}

func (h *havoc) node(name string) *replica.Replica {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.nodes[name]
}

func (h *havoc) run() {
	rng := rand.New(rand.NewPCG(1, 2))
	pause := func(limitMS int) time.Duration { return time.Duration(rng.IntN(limitMS)) * time.Millisecond }
	for {
		select {
		case <-h.stop:
			return
		case <-time.After(pause(4000)):
		}
		name := h.names[rng.IntN(3)]
		h.faults++
		if rng.IntN(2) == 0 {
			h.net.Cut(name, true)
			time.Sleep(pause(5000))
			h.net.Cut(name, false)
			continue
		}
		if err := h.node(name).Shutdown(); err != nil {
			h.t.Error(err)
		}
		time.Sleep(pause(3000))
		h.mu.Lock()
		if err := h.tryOpen(name); err != nil {
			h.t.Error(err)
		}
		h.mu.Unlock()
	}
}

// TestReplica_Chaos has eight clients write acts and take checkpoints while nodes are cut off, stopped and started. Every
// acknowledged act must be in the log once, on every node, and every checkpoint must fit the final tree.
func TestReplica_Chaos(t *testing.T) {
	const clients, acts = 8, 25
	synctest.Test(t, func(t *testing.T) {
		c, _ := started(t, "n1", "n2", "n3")
		h := &havoc{cluster: c, stop: make(chan struct{})}
		var chaos, work sync.WaitGroup
		chaos.Go(h.run)
		indexes, heads := make([]int64, clients*acts), make([][]byte, clients*acts)
		for client := range clients {
			work.Go(func() {
				rng := rand.New(rand.NewPCG(3, uint64(client)))
				for i := range acts {
					act := client*acts + i
					time.Sleep(time.Duration(rng.IntN(2000)) * time.Millisecond) // in a bubble
					for {
						n := h.node(c.names[rng.IntN(3)])
						got, err := n.Propose(timeout(t, 10*time.Second), storetest.Act(act, client))
						if err != nil {
							time.Sleep(100 * time.Millisecond) // in a bubble
							continue
						}
						if got.Status != command.Done && got.Status != command.Duplicate {
							t.Errorf("act %d: got %+v", act, got)
						}
						indexes[act] = got.Index
						// Without a majority it fails, which is fine; what it gives is compared with the final tree.
						if signed, err := n.Checkpoint(timeout(t, 5*time.Second), got.Index+1); err == nil {
							heads[act] = signed
						}
						break
					}
				}
			})
		}
		work.Wait()
		close(h.stop)
		chaos.Wait()
		if t.Logf("%d faults", h.faults); h.faults < 5 {
			t.Errorf("only %d faults: this tests nothing", h.faults)
		}
		for _, name := range c.names {
			c.waitSize(c.nodes[name], 2+clients*acts)
			err := c.nodes[name].View(func(v *store.View) error {
				if got := v.Size(); got != 2+clients*acts {
					t.Errorf("size on %s: got %d, want %d: an act was lost or doubled", name, got, 2+clients*acts)
				}
				for act, want := range indexes {
					if got, ok := v.EntryOfAct(*storetest.Act(act, 0).Dedup); !ok || got != want {
						t.Errorf("act %d on %s: got entry %d, %v, want %d as was answered", act, name, got, ok, want)
					}
				}
				return checkHeads(t, v, c.nodes[name].Trust(), heads)
			})
			if err != nil {
				t.Error(err)
			}
			if got := c.nodes[name].Status(); got.Halted != nil || got.Root != c.nodes["n1"].Status().Root {
				t.Errorf("%s: got root %v, halted %v", name, got.Root, got.Halted)
			}
			c.checkpoint(c.nodes[name], 2+clients*acts)
		}
	})
}

// checkHeads checks that checkpoints are signed by a majority and fit the tree, and that there are enough to mean it.
func checkHeads(t *testing.T, v *store.View, trust *entry.Trust, heads [][]byte) error {
	found := 0
	for _, signed := range heads {
		if signed == nil {
			continue
		}
		found++
		cp, _, err := trust.OpenCheckpoint(signed)
		if err != nil {
			return err
		}
		if root, err := v.Root(cp.Size); err != nil || root != cp.Root {
			t.Errorf("root at %d: got %v, %v, but %v was signed", cp.Size, root, err, cp.Root)
		}
	}
	if found < len(heads)/4 {
		t.Errorf("only %d checkpoints for %d acts", found, len(heads))
	}
	return nil
}
