package node

import (
	"context"
	"encoding/binary"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/privacy"
	"isotherm/ledger/store"
)

// grantLife is how long break-glass opens a case: a shift's part in which an organ travels.
const grantLife = 8 * time.Hour

func grantName(person ledger.PersonID, id ledger.ShipmentID) string {
	return grantPrefix + person.String() + "/" + id.String()
}

// BreakGlass opens a case that is not the principal's to read, until the returned time. The reason is typed; it is an entry
// of the case and of the person's account, and cannot be undone.
func (n *Node) BreakGlass(ctx context.Context, p Principal, id ledger.ShipmentID, reason string) (time.Time, error) {
	if err := n.allow(p, access.BreakTheGlass); err != nil {
		return time.Time{}, err
	}
	if err := checkText("reason", privacy.Reason, reason, minGlassReason); err != nil {
		return time.Time{}, err
	}
	err := n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) error {
			_, err := n.shipment(v, id)
			return err
		})
	})
	if err != nil {
		return time.Time{}, err
	}
	until := n.now().Add(grantLife)
	payload := entry.BreakGlass{By: p.Person, Reason: reason, UntilMS: until.UnixMilli()}
	d := draft{kind: entry.KindBreakGlass, subjects: []entry.Subject{entry.Case(id), entry.Account(p.Person)}, payload: payload.Marshal()}
	c := &command.Command{}
	if err := n.sealForCase(&d, c, id); err != nil {
		return time.Time{}, err
	}
	s, err := n.sealed(grantName(p.Person, id), binary.BigEndian.AppendUint64(nil, uint64(until.UnixMilli())))
	if err != nil {
		return time.Time{}, err
	}
	c.Secrets = append(c.Secrets, s)
	if c.Entry, err = n.entryOf(d); err != nil {
		return time.Time{}, err
	}
	n.log.Warn("break-glass", "person", p.Person, "shipment", id)
	return until, n.proposeHere(ctx, c)
}

// minGlassReason is the shortest reason in bytes: 'x' is none.
const minGlassReason = 8

// granted tells whether break-glass opens the case for the person now.
func (n *Node) granted(v *store.View, person ledger.PersonID, id ledger.ShipmentID) (bool, error) {
	raw, err := n.secret(v, grantName(person, id))
	if err != nil || len(raw) != 8 {
		return false, err
	}
	return n.now().UnixMilli() < int64(binary.BigEndian.Uint64(raw)), nil
}

// mayRead tells whether the principal may look at a case: by role and part in it, or by break-glass. The error is
// CodeForbidden.
func (n *Node) mayRead(v *store.View, p Principal, c *shipmentCase) error {
	if err := n.allow(p, access.ReadCases); err != nil {
		return err
	}
	ok, why := access.MayRead(access.Reader{Person: p.Person, Organisation: p.Organisation, Role: p.Role}, c.state)
	if ok {
		return nil
	}
	granted, err := n.granted(v, p.Person, c.id)
	if err != nil || granted {
		return err
	}
	return ledger.Errorf(ledger.CodeForbidden, "shipment %s is not yours to read: %s", c.id, why).WithHint("in an emergency break the glass, with a reason")
}
