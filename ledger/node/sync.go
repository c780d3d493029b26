package node

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// SyncAnswer is the answer to a batch.
type SyncAnswer struct {
	Next    int64     // size of the journal as the ledger now holds it
	Root    tlog.Hash // its root there
	Receipt []byte    // see entry.Receipt
	Acts    [][]byte  // acts of the box's shipments that the box has not journaled yet; none for a repeat
}

// catchUpLimit bounds how long a sync waits for this node to reach a checkpoint that the box already saw elsewhere. It is
// shorter than a box's patience, so that the box gets an answer and tries another node.
const catchUpLimit = 5 * time.Second

// Sync takes a batch from a box. boxCheckpoint is the newest checkpoint of the ledger that the box holds, or empty. The
// box proves itself by the batch's signed head. A repeat gives the receipt of the same entry.
//
// Errors: *ConflictError, or *ledger.Error with its code.
func (n *Node) Sync(ctx context.Context, box ledger.BoxID, wire, boxCheckpoint []byte) (SyncAnswer, error) {
	b, advance, inc, err := n.readBatch(ctx, box, wire)
	if err != nil {
		return SyncAnswer{}, err
	}
	if err := n.compareCheckpoint(ctx, boxCheckpoint); err != nil {
		return SyncAnswer{}, err
	}
	d := draft{kind: entry.KindJournalAdvance, subjects: []entry.Subject{entry.Journal(inc)}, payload: advance.Marshal()}
	if b.From == 0 {
		d.kind, d.subjects = entry.KindJournalOpened, append(d.subjects, entry.Box(box))
	}
	e, err := n.entryOf(d)
	if err != nil {
		return SyncAnswer{}, err
	}
	r, err := n.propose(ctx, &command.Command{Entry: e, Batch: wire})
	if err != nil {
		return SyncAnswer{}, err
	}
	// Before the receipt: once the box has that, it sends these records to nobody again.
	if err := n.enterCarried(ctx, b); err != nil {
		return SyncAnswer{}, err
	}
	receipt, err := n.receipt(ctx, r.Index)
	if err != nil {
		return SyncAnswer{}, err
	}
	out := SyncAnswer{Next: advance.To, Root: advance.Root, Receipt: receipt}
	if r.Status == command.Duplicate {
		return out, nil // whoever holds an export of an earlier trip can send its batches again: new records come from the box alone
	}
	acts, done, err := n.actsFor(box)
	if err == nil {
		err = n.forgetCarried(ctx, done)
	}
	if err != nil {
		n.log.Warn("what a box must know can't be gathered; the next sync brings it", "box", box, "err", err)
	}
	out.Acts = acts
	return out, nil
}

// readBatch checks everything about a batch that needs no state but the box's key.
func (n *Node) readBatch(ctx context.Context, box ledger.BoxID, wire []byte) (*batch.Batch, *entry.Advance, ledger.IncarnationID, error) {
	fail := func(err error) (*batch.Batch, *entry.Advance, ledger.IncarnationID, error) {
		return nil, nil, ledger.IncarnationID{}, err
	}
	b, err := n.replica.DecodeBatch(wire)
	if err != nil {
		return fail(ledger.Errorf(ledger.CodeInvalid, "%v", err))
	}
	named, inc, err := record.ParseOrigin(b.Origin)
	if err != nil || named != box {
		return fail(ledger.Errorf(ledger.CodeInvalid, "the batch is of %s, not of box %s", b.Origin, box))
	}
	key, err := n.boxKey(ctx, box)
	if err != nil {
		return fail(err)
	}
	head, _, err := record.OpenHead(b.Head, key)
	if err != nil || head.Origin != b.Origin {
		return fail(ledger.Errorf(ledger.CodeUnauthenticated, "the batch's head is not signed by box %s", box))
	}
	if to := b.From + int64(len(b.Records)); head.Size != to {
		return fail(ledger.Errorf(ledger.CodeInvalid, "the batch ends at record %d, its head at %d", to, head.Size))
	}
	return b, &entry.Advance{Origin: b.Origin, From: b.From, To: head.Size, Root: head.Root, Head: b.Head}, inc, nil
}

func (n *Node) boxKey(ctx context.Context, box ledger.BoxID) ([]byte, error) {
	var key []byte
	err := n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) error {
			b, ok := v.Box(box)
			if !ok {
				return errUnknownBox()
			}
			key = b.Key
			return nil
		})
	})
	return key, err
}

// compareCheckpoint makes sure that this node's ledger contains the one that the box has seen. One ahead makes the node
// wait; one that contradicts it, under a majority of cosignatures, halts it: somewhere history was forked.
func (n *Node) compareCheckpoint(ctx context.Context, signed []byte) error {
	if len(signed) == 0 {
		return nil
	}
	cp, _, err := n.replica.Trust().OpenCheckpoint(signed)
	if err != nil {
		return ledger.Errorf(ledger.CodeInvalid, "the box's checkpoint of the ledger does not verify: %v", err).
			WithHint("the box may have been enrolled with another ledger's policy")
	}
	if err := n.waitFor(ctx, cp.Size); err != nil {
		return err
	}
	var root tlog.Hash
	err = n.replica.View(func(v *store.View) error {
		root, err = v.Root(cp.Size)
		return err
	})
	if err != nil {
		return fmt.Errorf("root of %d entries: %w", cp.Size, err)
	}
	if root != cp.Root {
		n.halt(fmt.Sprintf("a box holds a cosigned checkpoint of %d entries with root %s, here the root is %s: %q", cp.Size, cp.Root, root, signed))
		return ledger.Errorf(ledger.CodeUnavailable, "node %s contradicts a checkpoint that was cosigned: it takes no more writes", n.name).
			WithHint("keep the box's checkpoint, it is evidence; use another node")
	}
	return nil
}

// waitFor waits until this node has applied size entries, for at most catchUpLimit.
func (n *Node) waitFor(ctx context.Context, size int64) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpLimit)
	defer cancel()
	for {
		changed := n.replica.Changed() // before looking, so that no change is missed
		at, err := n.At()
		if err != nil || at.Entries >= size {
			return err
		}
		select {
		case <-ctx.Done():
			return ledger.Errorf(ledger.CodeUnavailable, "node %s holds %d entries, but %d are known elsewhere", n.name, at.Entries, size).
				WithHint("it catches up; try again or use another node")
		case <-changed:
		}
	}
}

// receipt makes the receipt of an entry under a checkpoint with a majority of cosignatures.
func (n *Node) receipt(ctx context.Context, index int64) ([]byte, error) {
	proof, err := n.prove(ctx, index)
	if err != nil {
		return nil, err
	}
	r := entry.Receipt{Proof: proof}
	err = n.replica.View(func(v *store.View) error {
		if r.Leaf, err = v.Leaf(index); err != nil {
			return err
		}
		r.Salted, _, err = v.Stored(index) // advances are stored in the clear
		return err
	})
	return r.Marshal(), err
}

// prove returns the tlog-proof of an entry under a checkpoint with a majority of cosignatures.
func (n *Node) prove(ctx context.Context, index int64) ([]byte, error) {
	signed, err := n.replica.Checkpoint(ctx, index+1)
	if err != nil {
		return nil, err
	}
	cp, ok := merkle.PeekCheckpoint(signed)
	if !ok || cp.Size <= index {
		return nil, fmt.Errorf("checkpoint of the replica does not cover entry %d", index)
	}
	proof := merkle.Proof{Index: index, Checkpoint: signed}
	if err := n.waitFor(ctx, cp.Size); err != nil {
		return nil, err
	}
	err = n.replica.View(func(v *store.View) error {
		proof.Path, err = tlog.ProveRecord(cp.Size, index, v.HashReader())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prove entry %d: %w", index, err)
	}
	return proof.Marshal(), nil
}

// Proof returns the tlog-proof of an entry.
func (n *Node) Proof(ctx context.Context, index int64) ([]byte, error) {
	at, err := n.At()
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= at.Entries {
		return nil, ledger.Errorf(ledger.CodeNotFound, "no entry %d, the ledger holds %d", index, at.Entries)
	}
	return n.prove(ctx, index)
}

// Receipt returns the receipt for a journal up to at least size.
func (n *Node) Receipt(ctx context.Context, box ledger.BoxID, inc ledger.IncarnationID, size int64) ([]byte, error) {
	var index int64
	err := n.replica.View(func(v *store.View) error {
		var ok bool
		if index, _, _, ok = v.EntryCovering(inc, size); !ok {
			return ledger.Errorf(ledger.CodeNotFound, "the ledger does not hold journal %s up to %d", inc, size)
		}
		if j, ok := v.Journal(inc); !ok || j.Box != box {
			return ledger.Errorf(ledger.CodeNotFound, "box %s has no journal %s", box, inc)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return n.receipt(ctx, index)
}
