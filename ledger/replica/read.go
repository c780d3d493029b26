package replica

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"isotherm/ledger"
)

// barrierLimit is how long raft may take to take a barrier.
const barrierLimit = 5 * time.Second

// Linearizable returns when this node's state contains everything that was acknowledged anywhere before the call. A View
// after it is a linearizable read. CodeUnavailable when there is no leader, or no majority.
//
// The recipe is section 6.4 of Ongaro's dissertation: the leader takes its commit index, makes sure that it still leads
// and has committed something in its term, and the reader waits until it has applied that index.
func (r *Replica) Linearizable(ctx context.Context) error {
	if err := r.begin(); err != nil {
		return err
	}
	defer r.work.Done()
	index, err := r.askReadIndex(ctx)
	if errors.Is(err, errNotTaken) {
		return ledger.Errorf(ledger.CodeUnavailable, "linearizable read: no leader").WithHint("try again later")
	}
	if err != nil {
		return err
	}
	return r.waitApplied(ctx, index)
}

func (r *Replica) askReadIndex(ctx context.Context) (uint64, error) {
	leader := r.leader()
	switch leader {
	case "":
		return 0, errNotTaken
	case r.cfg.Name:
		return r.readIndex(ctx)
	}
	body, err := r.network.call(ctx, leader, methodReadIndex, nil)
	if err != nil {
		return 0, err
	}
	var index uint64
	if err := json.Unmarshal(body, &index); err != nil {
		return 0, unavailable("linearizable read: answer of "+leader, err)
	}
	return index, nil
}

// readIndex returns, on the leader, the raft index that a reader must have applied.
func (r *Replica) readIndex(ctx context.Context) (uint64, error) {
	if err := r.ready(); err != nil {
		return 0, err
	}
	term := r.raft.CurrentTerm()
	if r.confirmed.Load() != term {
		if err := r.await(ctx, r.raft.Barrier(barrierLimit)); err != nil {
			return 0, err
		}
		r.confirmed.Store(term)
	}
	commit := r.raft.CommitIndex()
	if err := r.await(ctx, r.raft.VerifyLeader()); err != nil {
		return 0, err
	}
	if r.raft.CurrentTerm() != term {
		return 0, errNotTaken
	}
	return r.lastApplicable(commit)
}

// await waits for a raft future, or for the caller to give up.
func (r *Replica) await(ctx context.Context, f raft.Future) error {
	got := make(chan error, 1)
	r.work.Go(func() { got <- f.Error() })
	select {
	case err := <-got:
		if err != nil {
			return raftError("linearizable read", err)
		}
		return nil
	case <-ctx.Done():
		return unavailable("linearizable read", ctx.Err())
	}
}

// lastApplicable returns the last raft entry up to index that the state sees. A new leader's entry and barriers are not
// for the state, so that its applied index never reaches theirs.
func (r *Replica) lastApplicable(index uint64) (uint64, error) {
	for ; index > r.machine.applied.Load(); index-- {
		var l raft.Log
		if err := r.log.GetLog(index, &l); err != nil {
			return 0, unavailable("linearizable read: raft log", err)
		}
		if l.Type == raft.LogCommand || l.Type == raft.LogConfiguration {
			break
		}
	}
	return index, nil
}
