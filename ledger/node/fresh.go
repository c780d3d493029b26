package node

import (
	"context"
	"time"

	"isotherm/ledger"
)

// What is not found here may have been entered through another node a moment ago: a box is enrolled with one and syncs with
// the next. Then this node asks the leader how far it should be, waits, and looks again. Anybody can make it ask, with a
// token of their own invention, so it asks at most once in askEvery.
const (
	askEvery = 20 * time.Millisecond
	askLimit = 2 * time.Second
)

// lookTwice looks for something, and once more on a linearizable state when it is missing. Without a majority the first
// answer stands.
func (n *Node) lookTwice(ctx context.Context, look func() error) error {
	err := look()
	switch ledger.CodeOf(err) {
	case ledger.CodeNotFound, ledger.CodeForbidden, ledger.CodeUnauthenticated:
	default:
		return err
	}
	if !n.mayAsk() {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	if n.replica.Linearizable(ctx) != nil {
		return err
	}
	return look()
}

// mayAsk tells whether the last question is long enough ago, and counts this one.
func (n *Node) mayAsk() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	if now.Sub(n.asked).Abs() < askEvery {
		return false
	}
	n.asked = now
	return true
}
