package node

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// ActAnswer says how an act was entered.
type ActAnswer struct {
	Index        int64
	RecordTimeMS int64
	Duplicate    bool
	Act          *custody.Act
	Standing     custody.Standing
	State        *custody.State // of the shipment, with the act
}

// SubmitAct enters a signed act. It refuses what is forged or not allowed, and never for order or contradiction: those
// become flags.
func (n *Node) SubmitAct(ctx context.Context, p Principal, raw []byte) (ActAnswer, error) {
	if !mayDeliver(p.Role) {
		return ActAnswer{}, ledger.Errorf(ledger.CodeForbidden, "a person of role %s can't enter acts", p.Role)
	}
	act, err := n.readAct(ctx, raw)
	if err != nil {
		return ActAnswer{}, err
	}
	out := ActAnswer{Act: act}
	if out.Index, out.Duplicate, err = n.enterAct(ctx, act, raw); err != nil {
		return ActAnswer{}, err
	}
	if err := n.waitFor(ctx, out.Index+1); err != nil {
		return ActAnswer{}, err
	}
	err = n.replica.View(func(v *store.View) error {
		c, err := n.shipment(v, act.Statement.Shipment)
		if err != nil {
			return err
		}
		out.State = c.state
		return nil
	})
	if err != nil {
		return ActAnswer{}, err
	}
	for _, item := range out.State.History {
		if item.Act.Statement.ID == act.Statement.ID {
			out.Standing, out.RecordTimeMS = item.Standing, item.RecordTimeMS
			// The same ID with another content is not the same act: say so instead of pretending it was entered.
			if item.Hash != act.Hash() {
				return ActAnswer{}, ledger.Errorf(ledger.CodeConflict, "another act was entered under the id %s", act.Statement.ID).
					WithHint("make a new random id for every act")
			}
		}
	}
	if out.Standing == 0 {
		return ActAnswer{}, ledger.Errorf(ledger.CodeConflict, "the id %s is that of an act of another shipment", act.Statement.ID).
			WithHint("make a new random id for every act")
	}
	return out, nil
}

// readAct parses an act and checks who signed it, and whether they may.
func (n *Node) readAct(ctx context.Context, raw []byte) (*custody.Act, error) {
	act, err := custody.ParseAct(raw)
	if err != nil {
		return nil, ledger.Errorf(ledger.CodeInvalid, "%v", err)
	}
	if act.Statement.Ledger != n.pin.Origin {
		return nil, ledger.Errorf(ledger.CodeInvalid, "the act is for ledger %.80q, this is %s", act.Statement.Ledger, n.pin.Origin)
	}
	return act, n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) error { return n.checkSigners(v, act) })
	})
}

func (n *Node) checkSigners(v *store.View, act *custody.Act) error {
	signers := map[ledger.PersonID]*Person{}
	for _, s := range act.Signatures {
		p, err := n.person(v, s.Person)
		if err != nil {
			return err
		}
		if p != nil {
			signers[s.Person] = p
		}
	}
	err := act.CheckSignatures(func(id ledger.PersonID) ed25519.PublicKey {
		if p := signers[id]; p != nil {
			return p.Key
		}
		return nil
	})
	if err != nil {
		return ledger.Errorf(ledger.CodeForbidden, "%v", err).WithHint("acts are signed with the keys of enrolled people")
	}
	actor := signers[act.Statement.By.Person]
	if !mayState(act.Statement.Kind, actor.Role) {
		return ledger.Errorf(ledger.CodeForbidden, "a person of role %s can't state %s", actor.Role, act.Statement.Kind)
	}
	for _, s := range act.Signatures {
		if s.Role != custody.RoleActor && !maySecond(signers[s.Person].Role) {
			return ledger.Errorf(ledger.CodeForbidden, "a person of role %s can't sign as %s", signers[s.Person].Role, s.Role)
		}
	}
	return nil
}

// enterAct enters a checked act, unless it is there.
func (n *Node) enterAct(ctx context.Context, act *custody.Act, raw []byte) (index int64, duplicate bool, err error) {
	if index, ok, err := n.known(act.Statement.ID); err != nil || ok {
		return index, ok, err
	}
	s := &act.Statement
	d := draft{kind: entry.KindAct, subjects: []entry.Subject{entry.Case(s.Shipment)}, payload: raw}
	c := &command.Command{Dedup: &s.ID}
	if err := n.sealForCase(&d, c, s.Shipment); err != nil {
		return 0, false, err
	}
	if s.Kind == custody.Pack {
		carries, err := n.sealed(carriesPrefix+s.Box.String(), s.Shipment[:])
		if err != nil {
			return 0, false, err
		}
		c.Secrets = append(c.Secrets, carries)
	}
	if c.Entry, err = n.entryOf(d); err != nil {
		return 0, false, err
	}
	r, err := n.propose(ctx, c)
	return r.Index, r.Status == command.Duplicate, err
}

// sealForCase sets the case's data key, and makes one with the same command for a case without.
func (n *Node) sealForCase(d *draft, c *command.Command, id ledger.ShipmentID) error {
	err := n.replica.View(func(v *store.View) error {
		for _, index := range v.Chain(entry.Case(id)) {
			_, name, err := v.Stored(index)
			if err != nil {
				return err
			}
			if name == "" {
				continue
			}
			if d.sealKey, err = n.loadKey(v, name); err != nil || d.sealKey != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || d.sealKey != nil {
		return err
	}
	d.sealKey = newCaseKey(id)
	s, err := n.sealed(d.sealKey.name, d.sealKey.key)
	c.Secrets = append(c.Secrets, s)
	return err
}

// enterCarried enters the acts that came with a batch's records: whoever regains a link first delivers. A forged one is
// noted in the log only, for the record itself is in the ledger. A node that can't write fails the sync, so that the box
// sends the batch again.
func (n *Node) enterCarried(ctx context.Context, b *batch.Batch) error {
	for i, raw := range b.Records {
		r, err := record.Parse(raw)
		if err != nil || r.Act == nil {
			continue
		}
		act, err := n.readAct(ctx, r.Act.Bytes)
		if err == nil {
			_, _, err = n.enterAct(ctx, act, r.Act.Bytes)
		}
		switch ledger.CodeOf(err) {
		case "":
		case ledger.CodeInvalid, ledger.CodeForbidden:
			n.log.Warn("a box carries an act that can't be entered", "origin", b.Origin, "seq", b.From+int64(i), "err", err)
		default:
			return fmt.Errorf("enter act of record %d: %w", b.From+int64(i), err)
		}
	}
	return nil
}

// actsFor returns the acts of the shipment in the box, from packing on, that its journal as held does not show.
func (n *Node) actsFor(box ledger.BoxID) ([][]byte, error) {
	var out [][]byte
	err := n.replica.View(func(v *store.View) error {
		id, err := n.shipmentIn(v, box)
		if err != nil || id.IsZero() {
			return err
		}
		c, err := n.shipment(v, id)
		if err != nil {
			return err
		}
		if c.state.Packing == nil || c.state.Packing.Box != box || c.state.Phase >= custody.PhaseClosed {
			return nil
		}
		journaled := c.journaledActs()
		packed := false
		for _, item := range c.state.History {
			packed = packed || item.Act.Statement.ID == c.state.Packing.ID
			if packed && !journaled[item.Hash] {
				out = append(out, item.Act.Marshal())
			}
		}
		return nil
	})
	return out, err
}

// shipmentIn returns the case of the newest act that packs an organ into the box, zero for none.
func (n *Node) shipmentIn(v *store.View, box ledger.BoxID) (ledger.ShipmentID, error) {
	var id ledger.ShipmentID
	raw, err := n.secret(v, carriesPrefix+box.String())
	if err != nil || raw == nil {
		return id, err
	}
	if len(raw) != len(id) {
		return id, fmt.Errorf("what box %s carries is kept as %d bytes", box, len(raw))
	}
	return ledger.ShipmentID(raw), nil
}
