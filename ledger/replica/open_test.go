package replica_test

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"isotherm/ledger/replica"
	"isotherm/ledger/store"
	"isotherm/ledger/store/storetest"
)

// movedOn stops n3 of three nodes and moves the others on until their raft logs no longer hold what n3 lacks.
func movedOn(t *testing.T, add int) (*cluster, *storetest.Box) {
	c := newCluster(t, "n1", "n2", "n3")
	c.tune = func(conf *raft.Config) { conf.TrailingLogs, conf.SnapshotThreshold = 2, 1<<20 }
	for _, name := range c.names {
		c.open(name)
	}
	box := c.begin()
	c.waitSize(c.nodes["n3"], 2)
	c.checkpoint(c.nodes["n3"], 2)
	c.stop("n3")
	for i := range add {
		c.propose(c.nodes["n1"], box.Next(t, i+1))
	}
	for _, name := range []string{"n1", "n2"} {
		c.waitSize(c.nodes[name], int64(2+add))
		if err := c.nodes[name].Snapshot(); err != nil {
			t.Fatal(err)
		}
	}
	return c, box
}

func TestReplica_Install(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, box := movedOn(t, 30)
		n3 := c.open("n3")
		c.waitSize(n3, 32)
		if _, err := os.Stat(filepath.Join(c.dir, "n3", replica.MarkerFile)); err != nil {
			t.Errorf("n3 was not sent the state: %v", err) // it takes no snapshots of its own here
		}
		c.propose(n3, box.Next(t, 3))
		c.checkpoint(n3, 33)
		c.stop("n3") // and it starts again from what was installed
		n3 = c.open("n3")
		c.propose(n3, box.Next(t, 3))
		c.checkpoint(n3, 34)

		// A new node gets everything, too, and stays without a vote.
		if err := c.leader().AddNode(timeout(t, 10*time.Second), replica.Peer{Name: "n4", Addr: "mem:1"}); err != nil {
			t.Fatal(err)
		}
		n4 := c.open("n4")
		c.waitSize(n4, 34)
		c.propose(n4, storetest.Act(1, 1))
		c.checkpoint(n4, 35)
		peers := n4.Status().Peers
		if i := slices.IndexFunc(peers, func(p replica.PeerStatus) bool { return p.Name == "n4" }); i < 0 || peers[i].Voter {
			t.Errorf("peers: got %+v, want n4 without a vote", peers)
		}
	})
}

// TestReplica_Install_CrashBefore leaves n3 as a crash does after the state was replaced and before raft dropped its log.
func TestReplica_Install_CrashBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, box := movedOn(t, 10)
		e, err := c.nodes["n1"].Export()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(e)
		if err != nil {
			t.Fatal(err)
		}
		e.Close()
		if err := os.WriteFile(filepath.Join(c.dir, "n3", replica.StateFile), data, 0o600); err != nil {
			t.Fatal(err)
		}
		n3 := c.open("n3")
		c.propose(n3, box.Next(t, 3))
		c.checkpoint(n3, 13)
	})
}

func TestReplica_Open_Refuses(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		want  string
	}{
		{"last-signed lost", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, replica.LastSignedFile)) }, "new name"},
		{"raft log lost", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, replica.RaftDir)) }, "votes"},
		{"state lost", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, replica.StateFile)) }, "older copy"},
		{"last-signed spoilt", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, replica.LastSignedFile), []byte("?"))
		}, "neither copy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := started(t, "n1")
				c.checkpoint(c.nodes["n1"], 2)
				if err := c.nodes["n1"].Snapshot(); err != nil {
					t.Fatal(err)
				}
				c.stop("n1")
				tt.spoil(t, filepath.Join(c.dir, "n1"))
				if err := c.tryOpen("n1"); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("open: got %v, want an error with %q", err, tt.want)
				}
			})
		})
	}
}

// TestReplica_Open_OtherHistory puts a state of the same ledger but another history in place.
func TestReplica_Open_OtherHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := started(t, "n1")
		n := c.nodes["n1"]
		c.propose(n, storetest.Act(1, 1))
		c.checkpoint(n, 3)
		c.stop("n1")
		path := filepath.Join(c.dir, "n1", replica.StateFile)
		remove(t, path)
		s, err := store.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		logs := storetest.Logs(2, storetest.GenesisCommand(storetest.Genesis("n1")), storetest.Act(7, 1), storetest.Act(8, 1))
		if _, err := s.ApplyBatch(logs); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if err := c.tryOpen("n1"); err == nil || !strings.Contains(err.Error(), "has signed") {
			t.Errorf("open: got %v, want an error about what was signed", err)
		}
	})
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
