package replica

import (
	"context"
	"time"

	"github.com/hashicorp/raft"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/store"
)

// Status is what a node says about itself, for operators. Nothing in it is a promise.
type Status struct {
	Name        string
	State       string // of raft: leader, follower, candidate, shutdown
	Leader      string // name; empty when there is none
	Term        uint64 // of raft
	Commit      uint64 // raft index that the cluster has committed, as far as this node knows
	Applied     uint64 // raft index of this node's state
	Size        int64  // entries
	Root        tlog.Hash
	LastContact time.Duration // since this node heard of the leader; 0 on the leader, negative when never
	Peers       []PeerStatus
	Halted      error // why this node signs and takes nothing more; nil when it does
}

// PeerStatus is a node as raft's configuration has it.
type PeerStatus struct {
	Peer
	Voter bool
}

// Status returns the node's present state. It reads the root: for dashboards, not for hot paths.
func (r *Replica) Status() Status {
	s := Status{Name: r.cfg.Name, State: stateName(r.raft.State()), Leader: r.leader(), Term: r.raft.CurrentTerm(),
		Commit: r.raft.CommitIndex(), Halted: r.signer.err(), LastContact: -1}
	if at := r.raft.LastContact(); s.State == stateName(raft.Leader) {
		s.LastContact = 0
	} else if !at.IsZero() {
		s.LastContact = time.Since(at)
	}
	err := r.store.View(func(v *store.View) (err error) {
		s.Applied, s.Size = v.AppliedIndex(), v.Size()
		s.Root, err = v.Root(s.Size)
		return err
	})
	if err != nil && s.Halted == nil {
		s.Halted = err
	}
	for _, server := range r.raft.GetConfiguration().Configuration().Servers {
		if p, err := parseAddress(server.Address); err == nil {
			s.Peers = append(s.Peers, PeerStatus{Peer: p, Voter: server.Suffrage == raft.Voter})
		}
	}
	return s
}

func stateName(s raft.RaftState) string {
	switch s {
	case raft.Leader:
		return "leader"
	case raft.Follower:
		return "follower"
	case raft.Candidate:
		return "candidate"
	}
	return "shutdown"
}

// WaitLeader waits until this node knows a leader. CodeUnavailable when ctx ends before.
func (r *Replica) WaitLeader(ctx context.Context) error {
	for {
		change := r.leaderChanged.wait()
		if r.leader() != "" {
			return nil
		}
		select {
		case <-change:
		case <-time.After(retryPause): // raft drops observations that nobody takes in time
		case <-ctx.Done():
			return unavailable("wait for a leader", ctx.Err())
		case <-r.ctx.Done():
			return errShutdown
		}
	}
}

// Checkpoint returns a signed checkpoint of at least minSize entries with cosignatures of a majority, and publishes it.
// This node has applied that size. Concurrent callers share one collection. CodeUnavailable when no majority answers.
func (r *Replica) Checkpoint(ctx context.Context, minSize int64) ([]byte, error) {
	if err := r.begin(); err != nil {
		return nil, err
	}
	defer r.work.Done()
	if err := r.ready(); err != nil {
		return nil, err
	}
	if err := r.waitState(ctx, func() bool { return r.machine.size.Load() >= minSize }); err != nil {
		return nil, err
	}
	return r.heads.atLeast(ctx, minSize)
}

// membershipLimit is how long a change of the cluster may wait to be taken.
const membershipLimit = 5 * time.Second

// AddNode adds a node that receives everything and has no vote, or changes its address. Only the leader takes it:
// CodeUnavailable elsewhere. The name must be new: never give a replaced disk its old name. Add it to the Peers in every
// node's configuration, too: a node that was down meanwhile admits only whom it knows, be it the new leader.
func (r *Replica) AddNode(ctx context.Context, p Peer) error {
	return r.change(ctx, "add node "+p.Name, func() raft.IndexFuture {
		return r.raft.AddNonvoter(raft.ServerID(p.Name), p.address(), 0, membershipLimit)
	})
}

// Promote gives a node a vote in raft. It counts for checkpoints once it is in a cosigner set.
func (r *Replica) Promote(ctx context.Context, name string) error {
	for _, p := range r.Status().Peers {
		if p.Name == name {
			return r.change(ctx, "promote node "+name, func() raft.IndexFuture {
				return r.raft.AddVoter(raft.ServerID(name), p.address(), 0, membershipLimit)
			})
		}
	}
	return ledger.Errorf(ledger.CodeNotFound, "node %q is not in the cluster", name)
}

// RemoveNode takes a node out of the cluster, for good.
func (r *Replica) RemoveNode(ctx context.Context, name string) error {
	return r.change(ctx, "remove node "+name, func() raft.IndexFuture {
		return r.raft.RemoveServer(raft.ServerID(name), 0, membershipLimit)
	})
}

func (r *Replica) change(ctx context.Context, what string, do func() raft.IndexFuture) error {
	if err := r.begin(); err != nil {
		return err
	}
	defer r.work.Done()
	if err := r.await(ctx, do()); err != nil {
		return unavailable(what, err)
	}
	return nil
}
