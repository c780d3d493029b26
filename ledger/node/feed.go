package node

import (
	"context"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/entry"
	"isotherm/ledger/store"
)

// Event tells that something changed; what it is now, the views say.
type Event struct {
	Index  int64 // of the entry
	Kind   entry.Kind
	TimeMS int64
	Case   *ledger.ShipmentID // nil when it concerns no case
	Box    *ledger.BoxID      // nil when it concerns no box
}

// Limits of the feed: of a page, and of the entries that are looked at for one.
const (
	MaxFeed  = 500
	feedScan = 5000
)

// Feed returns up to limit events after an entry, of what the principal may see. next is what to pass as after the next
// time; when it is below the last entry of at, there may be more at once. Events of one entry are never cut apart: a page
// may be longer than limit by those of its last entry.
func (n *Node) Feed(ctx context.Context, p Principal, after int64, limit int) (events []Event, next int64, at At, err error) {
	if err := n.allow(p, access.ReadCases); err != nil {
		return nil, 0, At{}, err
	}
	if after < -1 || limit < 1 || limit > MaxFeed {
		return nil, 0, At{}, ledger.Errorf(ledger.CodeInvalid, "page of %d events after %d, want 1 to %d after -1 or later", limit, after, MaxFeed)
	}
	next = after
	at, err = n.view(func(v *store.View) error {
		w := feedWalk{node: n, view: v, principal: p, may: map[ledger.ShipmentID]bool{}}
		for next+1 < min(v.Size(), after+1+feedScan) && len(w.events) < limit {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := w.look(next + 1); err != nil {
				return err
			}
			next++
		}
		events = w.events
		return nil
	})
	return events, next, at, err
}

// feedWalk gathers the events of a page.
type feedWalk struct {
	node      *Node
	view      *store.View
	principal Principal
	may       map[ledger.ShipmentID]bool // cases looked at for this page
	events    []Event
}

// look adds the events of the entry at an index.
func (w *feedWalk) look(index int64) error {
	leaf, err := leafAt(w.view, index)
	if err != nil {
		return err
	}
	e := Event{Index: index, Kind: leaf.Kind, TimeMS: leaf.RecordTimeMS}
	switch leaf.Kind {
	case entry.KindAct, entry.KindAlarm, entry.KindExport, entry.KindShare, entry.KindBreakGlass, entry.KindConsent:
		for _, l := range leaf.Links {
			if l.Subject.Kind == entry.SubjectCase {
				return w.addCase(e, l.Subject.ID)
			}
		}
	case entry.KindJournalOpened, entry.KindJournalAdvance:
		for _, l := range leaf.Links {
			if j, ok := w.view.Journal(l.Subject.ID); l.Subject.Kind == entry.SubjectJournal && ok {
				return w.addBox(e, j.Box)
			}
		}
	case entry.KindBoxEnrolled:
		for _, l := range leaf.Links {
			box := ledger.BoxID(l.Subject.ID)
			e.Box = &box
		}
		w.events = append(w.events, e)
	case entry.KindPersonEnrolled, entry.KindPersonChanged, entry.KindOrganisation, entry.KindProfile, entry.KindCertificate:
		w.events = append(w.events, e)
	}
	return nil
}

// addCase adds an event of a case that the principal may see.
func (w *feedWalk) addCase(e Event, id ledger.ShipmentID) error {
	may, looked := w.may[id]
	if !looked {
		c, err := w.node.shipment(w.view, id)
		if err != nil {
			return err
		}
		err = w.node.mayRead(w.view, w.principal, c)
		if code := ledger.CodeOf(err); code != "" && code != ledger.CodeForbidden {
			return err
		}
		may = err == nil
		w.may[id] = may
	}
	if may {
		e.Case = &id
		w.events = append(w.events, e)
	}
	return nil
}

// addBox adds an event of a box: one for each case in it that the principal may see, and one without a case for an empty
// box, for who manages boxes.
func (w *feedWalk) addBox(e Event, box ledger.BoxID) error {
	e.Box = &box
	list, err := w.node.shipmentsIn(w.view, box)
	if err != nil {
		return err
	}
	for _, s := range list {
		if err := w.addCase(e, s.id); err != nil {
			return err
		}
	}
	if len(list) == 0 && access.May(w.principal.Role, access.AllScopes, access.EnrolBoxes) == nil {
		w.events = append(w.events, e)
	}
	return nil
}
