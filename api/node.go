package api

import (
	"context"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger/muster"
)

// ListNodes lays the nodes side by side.
func (h *handler) ListNodes(ctx context.Context, _ server.ListNodesRequestObject) (server.ListNodesResponseObject, error) {
	m, at, err := h.node.Nodes(ctx, principal(ctx))
	if err != nil {
		return nil, err
	}
	out := server.ListNodes200JSONResponse{Node: at.Node, Entries: at.Entries, Size: m.Size, Agreed: m.Agreed, Nodes: []contract.NodeState{}}
	for _, n := range m.Nodes {
		out.Nodes = append(out.Nodes, nodeState(n))
	}
	callOf(ctx).answeredAt(at)
	return out, nil
}

func nodeState(n muster.Node) contract.NodeState {
	out := contract.NodeState{Name: n.Name, Voter: n.Voter, Leader: n.Leader, Reached: n.Reached, Problem: n.Problem, Entries: n.Entries,
		Behind: n.Behind, Checkpoint: n.Checkpoint}
	if n.Root != nil {
		out.Root = contract.Hash(*n.Root)
	}
	if n.Reached {
		out.AnsweredInMS = n.Took.Milliseconds()
	}
	for _, k := range n.Certificates {
		out.Certificates = append(out.Certificates, contract.NodeCertificate{Use: k.Use, UntilMS: k.UntilMS})
	}
	return out
}
