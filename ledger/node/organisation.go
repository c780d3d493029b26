package node

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/privacy"
	"isotherm/ledger/store"
)

// Organisation is an organisation as its newest card says.
type Organisation struct {
	*entry.OrganisationCard
	Index int64 // of the newest card's entry
}

// maxOrganisations bounds the list: more than a country's hospitals.
const maxOrganisations = 20_000

// organisationCache keeps the newest cards: the length of an organisation's chain says whether there is a newer one.
type organisationCache struct {
	mu sync.Mutex
	m  map[entry.Subject]*Organisation // guarded by mu
}

func (c *organisationCache) init() { c.m = map[entry.Subject]*Organisation{} }

// organisation returns the organisation of a subject, nil for one without a card.
func (n *Node) organisation(v *store.View, s entry.Subject) (*Organisation, error) {
	_, index, ok := v.Last(s)
	if !ok {
		return nil, nil
	}
	c := &n.organisations
	c.mu.Lock()
	known := c.m[s]
	c.mu.Unlock()
	if known != nil && known.Index == index {
		return known, nil
	}
	_, payload, err := n.open(v, index)
	if err != nil {
		return nil, err
	}
	card, err := entry.ParseOrganisationCard(payload)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", index, err)
	}
	out := &Organisation{OrganisationCard: card, Index: index}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= maxOrganisations {
		clear(c.m)
	}
	c.m[s] = out
	return out, nil
}

// Organisations returns all organisations that have a card.
func (n *Node) Organisations() ([]*Organisation, At, error) {
	var out []*Organisation
	at, err := n.view(func(v *store.View) error {
		for _, s := range v.Subjects(entry.SubjectOrganisation, [ledger.IDSize]byte{}, maxOrganisations) {
			o, err := n.organisation(v, s)
			if err != nil {
				return err
			}
			out = append(out, o)
		}
		return nil
	})
	return out, at, err
}

// PutOrganisation enters the next version of an organisation's card, and returns its entry's index. The same card again
// answers the same index. CodeConflict: the version is not the next one.
func (n *Node) PutOrganisation(ctx context.Context, p Principal, card *entry.OrganisationCard) (int64, error) {
	if err := n.allow(p, access.ManageOrganisations); err != nil {
		return 0, err
	}
	if err := privacy.Check(privacy.Phone, card.Phone); err != nil {
		return 0, lintError("phone", err)
	}
	raw := card.Marshal()
	known := int64(-1)
	err := n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) error {
			o, err := n.organisation(v, entry.Organisation(card.Code))
			if err != nil {
				return err
			}
			version := uint32(0)
			if o != nil {
				version = o.Version
				if string(o.Marshal()) == string(raw) {
					known = o.Index
					return nil
				}
			}
			issuer, err := n.cards(v, card.By)
			if err != nil {
				return err
			}
			if err := access.CheckOrganisation(n.pin, card, version, issuer); err != nil {
				return cardError(err)
			}
			return nil
		})
	})
	if err != nil || known >= 0 {
		return known, err
	}
	slot := dedupID("organisation-card", binary.BigEndian.AppendUint32(nil, card.Version), []byte(card.Code))
	return n.enterOnce(ctx, draft{kind: entry.KindOrganisation, subjects: []entry.Subject{entry.Organisation(card.Code)}, payload: raw}, slot)
}

// enterOnce enters what takes a place of its own, such as a version. CodeConflict: something else took it a moment ago.
func (n *Node) enterOnce(ctx context.Context, d draft, slot *ledger.ActID) (int64, error) {
	what := d.kind
	e, err := n.entryOf(d)
	if err != nil {
		return 0, err
	}
	r, err := n.propose(ctx, &command.Command{Entry: e, Dedup: slot})
	if err != nil {
		return 0, err
	}
	if r.Status == command.Duplicate {
		return r.Index, ledger.Errorf(ledger.CodeConflict, "another %s of this version was entered at %d", what, r.Index).
			WithHint("look at the newest one, and make the one that follows it")
	}
	return r.Index, n.waitFor(ctx, r.Index+1)
}
