package journey

import (
	"context"

	"isotherm/ledger"
	"isotherm/ledger/merkle"
)

// NodeState is how one node's process is.
type NodeState struct {
	Name    string `json:"name"`
	URL     string `json:"url"`
	Running bool   `json:"running"`
	Leader  bool   `json:"leader"`
}

// Nodes says how the nodes' processes are.
func (j *Journey) Nodes(ctx context.Context) ([]NodeState, error) {
	leader, err := j.cluster.leader(ctx)
	if err != nil {
		return nil, err
	}
	var out []NodeState
	for _, n := range j.cluster.nodes {
		out = append(out, NodeState{Name: n.name, URL: "https://" + n.api, Running: n.running(), Leader: n == leader})
	}
	return out, nil
}

// StopNode ends one node with kill -9, unless no majority would be left.
func (j *Journey) StopNode(name string) error {
	j.parking.Lock()
	defer j.parking.Unlock()
	n, err := j.cluster.node(name)
	if err != nil || !n.running() {
		return err
	}
	left := -1
	for _, other := range j.cluster.nodes {
		if other.running() {
			left++
		}
	}
	if left < merkle.Majority(voters) {
		return ledger.Errorf(ledger.CodeConflict, "%d of %d nodes would be left", left, voters).WithHint("start the other one first: with one node nobody can write")
	}
	n.parked.Store(true)
	n.proc.Load().kill()
	j.say("kill -9: %s", name)
	return nil
}

// StartNode starts one node again and waits until it is ready.
func (j *Journey) StartNode(ctx context.Context, name string) error {
	j.parking.Lock()
	defer j.parking.Unlock()
	n, err := j.cluster.node(name)
	if err != nil || n.running() {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := n.run(ctx, j.starter); err != nil {
		return err
	}
	n.parked.Store(false)
	j.say("%s runs again", name)
	return nil
}

func (c *cluster) node(name string) (*node, error) {
	for _, n := range c.nodes {
		if n.name == name {
			return n, nil
		}
	}
	return nil, ledger.Errorf(ledger.CodeNotFound, "the demonstration has no node %q", name)
}
