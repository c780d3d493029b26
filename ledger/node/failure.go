package node

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/entry"
)

// failureNotes are the entries of failed sign-ins under way. They are made beside the answer: were it to wait for them,
// its time would tell which logins exist.
type failureNotes struct {
	slots   chan struct{}
	running sync.WaitGroup
}

const (
	failuresAtOnce = 8 // further ones are in the node's log only
	failureLimit   = 5 * time.Second
)

func (f *failureNotes) init() { f.slots = make(chan struct{}, failuresAtOnce) }

// noteFailure enters that sign-ins failed: the first, the tenth, the hundredth in a row and so on, each once an hour and
// account, whatever nodes they came to. Whoever guesses can't fill the ledger. The goroutine ends within failureLimit, and
// Flush waits for it.
func (n *Node) noteFailure(person ledger.PersonID, count uint32) {
	n.log.Warn("sign-in failed", "person", person, "count", count)
	if !isPowerOfTen(count) {
		return
	}
	f := &n.accounts.notes
	select {
	case f.slots <- struct{}{}:
	default:
		return
	}
	f.running.Go(func() {
		defer func() { <-f.slots }()
		ctx, cancel := context.WithTimeout(context.Background(), failureLimit)
		defer cancel()
		if err := n.enterFailure(ctx, person, count); err != nil {
			n.log.Warn("a failed sign-in can't be entered", "person", person, "count", count, "err", err)
		}
	})
}

func (n *Node) enterFailure(ctx context.Context, person ledger.PersonID, count uint32) error {
	c, err := n.accountCommand(person, &entry.AccountEvent{Step: entry.AccountFailed, Count: count})
	if err != nil {
		return err
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(n.now().Unix()/3600))
	c.Dedup = dedupID("sign-in-failed", person[:], binary.BigEndian.AppendUint32(b, count))
	_, err = n.propose(ctx, c)
	return err
}

func isPowerOfTen(n uint32) bool {
	for n > 1 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}
