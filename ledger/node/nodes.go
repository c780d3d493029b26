package node

import (
	"context"

	"isotherm/ledger/access"
	"isotherm/ledger/muster"
)

// Nodes asks every node of the ledger how it is, and compares their roots. One that does not answer makes the answer come
// later by a second at most.
func (n *Node) Nodes(ctx context.Context, p Principal) (muster.Muster, At, error) {
	if err := n.allow(p, access.WatchNodes); err != nil {
		return muster.Muster{}, At{}, err
	}
	at, err := n.At()
	if err != nil {
		return muster.Muster{}, at, err
	}
	m, err := n.replica.Muster(ctx)
	return m, at, err
}
