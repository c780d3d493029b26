package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"isotherm/ledger"
	"isotherm/ledger/command"
)

const (
	// leaderLimit is how long a command waits for a cluster that has no leader: an election takes one to three seconds.
	leaderLimit = 5 * time.Second
	// retryPause is the pause before a command is offered to the same leader again.
	retryPause = 50 * time.Millisecond
	// enqueueLimit is how long a command may wait for raft to take it.
	enqueueLimit = time.Second
)

// Limits of what is under way on a node. Past them it answers CodeOverloaded at once.
const (
	maxCommands     = 4096
	maxCommandBytes = 64 << 20 // 128 of the largest commands
)

// gate counts what is under way.
type gate struct {
	mu       sync.Mutex // guards what follows
	commands int
	bytes    int
}

// enter admits a command of n bytes; whoever entered calls leave.
func (g *gate) enter(n int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.commands >= maxCommands || g.bytes+n > maxCommandBytes {
		return ledger.Errorf(ledger.CodeOverloaded, "too many commands under way").WithHint("try again later")
	}
	g.commands++
	g.bytes += n
	return nil
}

func (g *gate) leave(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.commands--
	g.bytes -= n
}

// errNotTaken marks an error after which the command has certainly had no effect, so that it may be offered again.
var errNotTaken = errors.New("not taken")

func unavailable(what string, err error) error {
	return ledger.Errorf(ledger.CodeUnavailable, "%s: %v", what, err)
}

// Propose has a command applied by the cluster and returns the answer once this node has applied it too: a View after it
// sees its effect. Errors: CodeOverloaded, CodeInvalid for a command past its limits, and CodeUnavailable, after which the
// command may or may not take effect; propose it again, a repeat is recognised.
func (r *Replica) Propose(ctx context.Context, c *command.Command) (command.Result, error) {
	data := c.Marshal()
	if _, err := command.Parse(data); err != nil {
		return command.Result{}, ledger.Errorf(ledger.CodeInvalid, "propose: %v", err)
	}
	if err := r.begin(); err != nil {
		return command.Result{}, err
	}
	defer r.work.Done()
	until, cancel := context.WithTimeout(ctx, leaderLimit)
	defer cancel()
	for {
		change := r.leaderChanged.wait()
		a, err := r.offer(ctx, data)
		if err == nil {
			return a.Result, r.waitApplied(ctx, a.Raft)
		}
		if !errors.Is(err, errNotTaken) {
			return command.Result{}, err
		}
		select {
		case <-change:
		case <-time.After(retryPause):
		case <-until.Done():
			return command.Result{}, ledger.Errorf(ledger.CodeUnavailable, "propose: no leader takes the command").WithHint("try again later")
		case <-r.ctx.Done():
			return command.Result{}, errShutdown
		}
	}
}

var errShutdown = ledger.Errorf(ledger.CodeUnavailable, "this node is shutting down")

// answer is what applying a command gave, and the raft index of the command.
type answer struct {
	Result command.Result
	Raft   uint64
}

// offer gives the command to the leader. The error is marked errNotTaken when there is none.
func (r *Replica) offer(ctx context.Context, data []byte) (answer, error) {
	leader := r.leader()
	switch leader {
	case "":
		return answer{}, errNotTaken
	case r.cfg.Name:
		return r.applyHere(ctx, data)
	}
	if err := r.gate.enter(len(data)); err != nil {
		return answer{}, err
	}
	defer r.gate.leave(len(data))
	if err := r.ready(); err != nil {
		return answer{}, err
	}
	body, err := r.network.call(ctx, leader, methodPropose, data)
	if err != nil {
		return answer{}, err
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return answer{}, unavailable("propose: answer of "+leader, err)
	}
	return a, nil
}

// applyHere gives the command to raft on this node, which should be the leader.
func (r *Replica) applyHere(ctx context.Context, data []byte) (answer, error) {
	if err := r.ready(); err != nil {
		return answer{}, err
	}
	if err := r.gate.enter(len(data)); err != nil {
		return answer{}, err
	}
	future := r.raft.Apply(data, enqueueLimit)
	left := make(chan struct{}) // whoever waits may give up; the command counts as under way until raft is done with it
	var err error
	r.work.Go(func() {
		defer close(left)
		defer r.gate.leave(len(data))
		err = future.Error()
	})
	select {
	case <-left:
	case <-ctx.Done():
		return answer{}, unavailable("propose: outcome is not known", ctx.Err())
	}
	if err != nil {
		return answer{}, raftError("propose", err)
	}
	switch got := future.Response().(type) {
	case command.Result:
		return answer{Result: got, Raft: future.Index()}, nil
	case error:
		return answer{}, unavailable("propose", errors.New("this node has failed"))
	default:
		return answer{}, ledger.Errorf(ledger.CodeInternal, "propose: raft answered a %T", got)
	}
}

// raftError says in the ledger's words what raft's error means to a caller.
func raftError(what string, err error) error {
	switch {
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return fmt.Errorf("%s: %w", what, errNotTaken)
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return ledger.Errorf(ledger.CodeOverloaded, "%s: raft does not keep up", what).WithHint("try again later")
	}
	return unavailable(what, err)
}

// ready returns why this node takes no commands, or nil.
func (r *Replica) ready() error {
	if r.ctx.Err() != nil {
		return errShutdown
	}
	return r.signer.err()
}

// leader returns the name of the leader, "" when none is known.
func (r *Replica) leader() string {
	_, id := r.raft.LeaderWithID()
	return string(id)
}

// waitApplied waits until this node's state is at a raft index.
func (r *Replica) waitApplied(ctx context.Context, index uint64) error {
	return r.waitState(ctx, func() bool { return r.machine.applied.Load() >= index })
}

// waitState waits until the state has reached what reached looks for.
func (r *Replica) waitState(ctx context.Context, reached func() bool) error {
	for {
		change := r.machine.changed.wait()
		if reached() {
			return nil
		}
		select {
		case <-change:
		case <-ctx.Done():
			return unavailable("wait for this node to catch up", ctx.Err())
		case <-r.ctx.Done():
			return errShutdown
		}
	}
}
