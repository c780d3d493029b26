package node

import (
	"context"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/bundle"
	"isotherm/ledger/entry"
	"isotherm/ledger/privacy"
	"isotherm/ledger/store"
)

// Pick says which cases to export: those named, or all that were opened in a period. Without either it is all cases.
type Pick struct {
	Cases  []ledger.ShipmentID
	FromMS int64 // opened at or after, Unix milliseconds; zero for no bound
	ToMS   int64 // opened before; zero for no bound
}

// Picked returns the cases that somebody may export, in the order of IDs. A named case that is not there, or not theirs, is an
// error; of others those are taken that they may read. It enters nothing: Export does, case by case.
func (n *Node) Picked(ctx context.Context, p Principal, pick Pick, reason string) ([]ledger.ShipmentID, error) {
	if err := n.allow(p, access.ExportCases); err != nil {
		return nil, err
	}
	if err := checkText("reason", privacy.Reason, reason, 1); err != nil {
		return nil, err
	}
	var out []ledger.ShipmentID
	err := n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) (err error) {
			if len(pick.Cases) > 0 {
				out, err = n.named(ctx, v, p, pick.Cases)
			} else {
				out, err = n.opened(ctx, v, p, pick)
			}
			return err
		})
	})
	return out, err
}

func (n *Node) named(ctx context.Context, v *store.View, p Principal, ids []ledger.ShipmentID) ([]ledger.ShipmentID, error) {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b ledger.ShipmentID) int { return slices.Compare(a[:], b[:]) })
	ids = slices.Compact(ids)
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, err := n.visible(v, p, id); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// opened returns the cases of a period, one more than a collection takes at most.
func (n *Node) opened(ctx context.Context, v *store.View, p Principal, pick Pick) ([]ledger.ShipmentID, error) {
	var out []ledger.ShipmentID
	for _, s := range v.Subjects(entry.SubjectCase, [ledger.IDSize]byte{}, maxShipments) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, err := n.shipment(v, s.ID)
		if err != nil {
			return nil, err
		}
		if len(c.acts) == 0 || n.mayRead(v, p, c) != nil {
			continue // erased, or not theirs
		}
		at := int64(0)
		if o := c.state.Opening; o != nil {
			at = o.EventTimeMS
		}
		if at < pick.FromMS || pick.ToMS != 0 && at >= pick.ToMS {
			continue
		}
		if out = append(out, s.ID); len(out) > bundle.MaxBundles {
			break
		}
	}
	return out, nil
}

// VerifyBundle verifies a bundle as anybody can offline, under the keys that this node was given.
func (n *Node) VerifyBundle(b []byte) (*bundle.Verdict, *bundle.Contents) {
	return bundle.Open(b, &n.pin)
}
