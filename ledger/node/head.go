package node

import (
	"context"
	"fmt"
	"math"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/batch"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// BoxHead is a signed head of a box's journal, of those that came with batches.
type BoxHead struct {
	Head   []byte
	Size   int64
	WallMS int64 // of the last record before it, Unix milliseconds by the box's clock, however that was set
}

// maxJournalsBack bounds how many of a box's journals, the newest first, are searched for an old head.
const maxJournalsBack = 256

// HeadAt returns the newest head of a box, of those that the ledger holds, whose last record was made at a time or before it:
// an act that is typed late begins there. The journals are searched in the order in which the ledger learned of them, the
// newest first; in one whose clock was set back meanwhile, one of several such heads is found. Whoever may deliver acts may
// ask. CodeNotFound: the box is not enrolled, or nothing of it from before that time is held.
func (n *Node) HeadAt(ctx context.Context, p Principal, box ledger.BoxID, atMS int64) (BoxHead, At, error) {
	if err := n.allow(p, access.DeliverActs); err != nil {
		return BoxHead{}, At{}, err
	}
	var out BoxHead
	var at At
	err := n.lookTwice(ctx, func() (err error) {
		at, err = n.view(func(v *store.View) error {
			out, err = headAt(ctx, v, box, atMS)
			return err
		})
		return err
	})
	return out, at, err
}

func headAt(ctx context.Context, v *store.View, box ledger.BoxID, atMS int64) (BoxHead, error) {
	if _, ok := v.Box(box); !ok {
		return BoxHead{}, errUnknownBox()
	}
	incs := v.Journals(box)
	for back, inc := range slices.Backward(incs) {
		if len(incs)-back > maxJournalsBack {
			return BoxHead{}, ledger.Errorf(ledger.CodeNotFound, "the newest %d journals of box %s hold no record from before that time", maxJournalsBack, box).
				WithHint("cite the box's newest head")
		}
		if err := ctx.Err(); err != nil {
			return BoxHead{}, err
		}
		head, err := headIn(v, inc, atMS)
		if err != nil || head.Size > 0 {
			return head, err
		}
	}
	return BoxHead{}, ledger.Errorf(ledger.CodeNotFound, "the ledger holds no record of box %s from before that time", box).
		WithHint("the box was enrolled later, or was without a link; cite its newest head")
}

// headIn searches one journal. The answer is zero when all of it is later.
func headIn(v *store.View, inc ledger.IncarnationID, atMS int64) (BoxHead, error) {
	var out BoxHead
	j, ok := v.Journal(inc)
	if !ok {
		return out, nil
	}
	low, high := int64(0), j.Size // batches before low are early enough, those from high on are not
	for seq := low; low < high; seq = low + (high-low)/2 {
		from, head, err := headBehind(v, inc, seq)
		switch {
		case err != nil:
			return BoxHead{}, err
		case head.WallMS <= atMS:
			out, low = head, head.Size
		default:
			high = from
		}
	}
	return out, nil
}

// headBehind returns the head of the batch that holds a record, and the seq of the batch's first record. A batch of which this
// version can read no record is later than any time.
func headBehind(v *store.View, inc ledger.IncarnationID, seq int64) (from int64, head BoxHead, err error) {
	for b := range v.Batches(inc, seq) {
		decoded, err := batch.Decode(b.Wire)
		if err != nil {
			return 0, head, fmt.Errorf("stored batch of entry %d: %w", b.Index, err)
		}
		head = BoxHead{Head: slices.Clone(decoded.Head), Size: b.To, WallMS: math.MaxInt64} // the wire ends with the view
		for _, raw := range slices.Backward(decoded.Records) {
			if r, err := record.Parse(raw); err == nil {
				head.WallMS = r.At.WallMS
				break
			}
		}
		return b.From, head, nil
	}
	return 0, head, fmt.Errorf("no batch of journal %s holds record %d", inc, seq)
}
