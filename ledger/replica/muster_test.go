package replica_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"isotherm/ledger/merkle"
	"isotherm/ledger/muster"
	"isotherm/ledger/replica"
	"isotherm/ledger/store/storetest"
)

// musterBy asks a node for all, and checks that it took no longer than a person waits.
func musterBy(t *testing.T, n *replica.Replica) muster.Muster {
	t.Helper()
	begin := time.Now()
	m, err := n.Muster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 1500*time.Millisecond {
		t.Errorf("muster took %v, want 1.5 s at most", took)
	}
	return m
}

func named(t *testing.T, m muster.Muster, name string) muster.Node {
	t.Helper()
	i := slices.IndexFunc(m.Nodes, func(n muster.Node) bool { return n.Name == name })
	if i < 0 {
		t.Fatalf("muster has no node %s: %+v", name, m.Nodes)
	}
	return m.Nodes[i]
}

func TestReplica_Muster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := started(t, "n1", "n2", "n3")
		for _, name := range c.names {
			c.waitSize(c.nodes[name], 2)
		}
		c.checkpoint(c.nodes["n2"], 2)
		leader := c.nodes["n1"].Status().Leader
		for _, asked := range c.names {
			m := musterBy(t, c.nodes[asked])
			if m.Size != 2 || !m.Agreed || len(m.Nodes) != 3 {
				t.Fatalf("asked %s: got %+v, want three nodes that agree at 2", asked, m)
			}
			root := c.nodes["n1"].Status().Root
			for _, n := range m.Nodes {
				if !n.Reached || !n.Voter || n.Problem != "" || n.Entries != 2 || n.Behind != 0 || n.Root == nil || *n.Root != root || n.Leader != (n.Name == leader) {
					t.Errorf("asked %s: got %+v", asked, n)
				}
			}
			if got := named(t, m, "n2").Checkpoint; got != 2 {
				t.Errorf("asked %s: n2 publishes checkpoint %d, want 2", asked, got)
			}
		}
	})
}

func TestReplica_Muster_OneBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := started(t, "n1", "n2", "n3")
		for _, name := range c.names {
			c.waitSize(c.nodes[name], 2)
		}
		lead := c.leader()
		rest := slices.DeleteFunc(slices.Clone(c.names), func(name string) bool { return c.nodes[name] == lead })
		up, gone := rest[0], rest[1]
		c.net.Cut(gone, true)
		for i := range 3 {
			c.propose(lead, storetest.Act(i, 1))
		}
		c.waitSize(c.nodes[up], 5)
		m := musterBy(t, lead)
		if n := named(t, m, gone); n.Reached || n.Problem == "" || n.Root != nil {
			t.Errorf("cut off: got %+v, want it not reached, with the reason", n)
		}
		if m.Size != 5 || !m.Agreed {
			t.Errorf("without it: got agreed %v at %d, want the others to agree at 5", m.Agreed, m.Size)
		}
		if m := musterBy(t, c.nodes[gone]); m.Size != 2 || named(t, m, up).Reached { // it knows only itself
			t.Errorf("asked the one that is cut off: got %+v, want itself alone at 2", m)
		}
		c.net.Bend(gone, "muster", func(a []byte) []byte { // as if it were slow to apply
			return bytes.Replace(a, []byte(`"Entries":5`), []byte(`"Entries":2`), 1)
		})
		c.net.Cut(gone, false)
		c.waitSize(c.nodes[gone], 5)
		m = musterBy(t, lead)
		if n := named(t, m, gone); m.Size != 2 || !m.Agreed || n.Behind != 3 || n.Root == nil {
			t.Errorf("three behind: got %+v at %d", n, m.Size)
		}
	})
}

func TestReplica_Muster_Hangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := started(t, "n1", "n2", "n3")
		c.waitSize(c.nodes["n2"], 2)
		c.net.Bend("n3", "muster", func([]byte) []byte { return nil })
		m := musterBy(t, c.nodes["n1"])
		if n := named(t, m, "n3"); n.Reached || n.Problem != "it did not answer in time" {
			t.Errorf("one that hangs: got %+v", n)
		}
		if n := named(t, m, "n2"); !n.Reached || n.Root == nil {
			t.Errorf("beside one that hangs: got %+v", n)
		}
		answers := 0 // it hangs before it says its root
		c.net.Bend("n3", "muster", func(a []byte) []byte {
			if answers++; answers > 1 {
				return nil
			}
			return a
		})
		m = musterBy(t, c.nodes["n1"])
		if n := named(t, m, "n3"); !n.Reached || n.Root != nil || n.Problem == "" || !m.Agreed {
			t.Errorf("one that hangs halfway: got %+v", n)
		}
	})
}

func TestReplica_Muster_Disagrees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := started(t, "n1", "n2", "n3")
		for _, name := range c.names {
			c.waitSize(c.nodes[name], 2)
		}
		c.net.Bend("n3", "muster", func(a []byte) []byte {
			if i := bytes.Index(a, []byte(`"Root":"`)); i >= 0 {
				a[i+len(`"Root":"`)] ^= 1 // another letter of base64, or none: then it can't be read and the test fails
			}
			return a
		})
		m := musterBy(t, c.nodes["n1"])
		if n := named(t, m, "n3"); m.Agreed || n.Root == nil || *n.Root == *named(t, m, "n1").Root {
			t.Errorf("another root: got agreed %v, %+v", m.Agreed, n)
		}
		if _, err := c.nodes["n2"].AskCosign(t.Context(), merkle.Checkpoint{Origin: storetest.Origin, Size: 2}); err == nil {
			t.Fatal("n2 has not halted")
		}
		c.nodes["n1"].SetDoorProblem("a box holds another checkpoint")
		m = musterBy(t, c.nodes["n1"])
		if n := named(t, m, "n2"); !n.Reached || !strings.Contains(n.Problem, "halted") || n.Root == nil {
			t.Errorf("one that has halted: got %+v, want it reached, with root and reason", n)
		}
		if n := named(t, m, "n1"); !strings.Contains(n.Problem, "a box holds another checkpoint") {
			t.Errorf("one whose door is closed: got %+v", n)
		}
	})
}

func TestReplica_Muster_Alone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "n1")
		n := c.open("n1")
		if err := n.WaitLeader(timeout(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
		if m := musterBy(t, n); m.Size != 0 || !m.Agreed || !named(t, m, "n1").Reached {
			t.Errorf("an empty ledger: got %+v", m)
		}
		c.begin()
		if m := musterBy(t, n); m.Size != 2 || named(t, m, "n1").Root == nil {
			t.Errorf("one node: got %+v", m)
		}
	})
}

// TestReplica_Muster_RealSockets asks over TLS, with a node gone, and sees the ends of certificates.
func TestReplica_Muster_RealSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("elections take seconds")
	}
	c := newRealCluster(t, "n1", "n2", "n3")
	n1 := c.nodes["n1"]
	c.propose(n1, storetest.GenesisCommand(storetest.Genesis("n1", "n2", "n3")))
	c.checkpoint(n1, 1)
	c.retry(c.nodes["n2"].Linearizable)
	c.stop("n3")
	m := musterBy(t, n1)
	if m.Size != 1 || !m.Agreed {
		t.Errorf("got %+v, want agreement at 1", m)
	}
	if n := named(t, m, "n3"); n.Reached || !strings.Contains(n.Problem, "connect to n3") {
		t.Errorf("stopped: got %+v, want why it was not reached", n)
	}
	n2 := named(t, m, "n2")
	if !n2.Reached || n2.Root == nil || len(n2.Certificates) != 2 || n2.Certificates[0].Use != "cluster" || n2.Certificates[1].Use != "ca" {
		t.Fatalf("a peer: got %+v", n2)
	}
	for _, k := range n2.Certificates { // the test's authority gives an hour
		if left := time.Until(time.UnixMilli(k.UntilMS)); left <= 0 || left > time.Hour {
			t.Errorf("certificate %s ends in %v, want within the hour", k.Use, left)
		}
	}
	m, err := n1.Muster(t.Context())
	if err != nil || len(m.Nodes) != 3 {
		t.Errorf("again: got %+v, %v", m, err)
	}
}
