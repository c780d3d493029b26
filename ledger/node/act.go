package node

import (
	"context"
	"fmt"
	"strings"

	"isotherm/ledger"
	"isotherm/ledger/access"
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

// SubmitAct enters a signed act. It refuses what is forged or not allowed, and what looks like a patient's data; never for
// order or contradiction: those become flags. The same statement with a further signature is entered too: a second person
// may sign hours after the first.
func (n *Node) SubmitAct(ctx context.Context, p Principal, raw []byte) (ActAnswer, error) {
	if err := n.allow(p, access.DeliverActs); err != nil {
		return ActAnswer{}, err
	}
	act, err := n.readAct(ctx, raw)
	if err != nil {
		return ActAnswer{}, err
	}
	if err := lintStatement(&act.Statement); err != nil {
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
	hash := act.Hash()
	for _, item := range out.State.History {
		if item.Hash == hash {
			out.Act, out.Standing, out.RecordTimeMS = item.Act, item.Standing, item.RecordTimeMS
			return out, nil
		}
	}
	return ActAnswer{}, fmt.Errorf("act %s was entered at %d, but shipment %s does not show it", act.Statement.ID, out.Index, act.Statement.Shipment)
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

// checkSigners checks an act against the cards as of the next entry.
func (n *Node) checkSigners(v *store.View, act *custody.Act) error {
	var failed error
	signers, err := access.CheckSigners(act, func(id ledger.PersonID) []access.Card {
		cards, err := n.cards(v, id)
		if err != nil {
			failed = err
		}
		return cards
	}, v.Size())
	if failed != nil {
		return failed
	}
	if err != nil {
		return ledger.Errorf(ledger.CodeForbidden, "%v", err).WithHint("acts are signed with the keys of enrolled people")
	}
	if err := access.Admit(act, signers); err != nil {
		return err
	}
	return checkHeads(v, act)
}

// checkHeads refuses an act that cites a head which its box did not sign: it would name the box as one that withholds
// records, and no export of the case would verify any more. What can't be read, or is of a box that the ledger does not
// know, proves nothing either way; the fold flags it.
func checkHeads(v *store.View, act *custody.Act) error {
	for _, head := range act.Heads() {
		cp, ok := custody.HeadOf(head)
		if !ok {
			continue
		}
		id, _, err := record.ParseOrigin(cp.Origin)
		if err != nil {
			continue
		}
		box, known := v.Box(id)
		if !known {
			continue
		}
		if _, _, err := record.OpenHead(head, box.Key); err != nil {
			return ledger.Errorf(ledger.CodeForbidden, "the act cites a head that box %s did not sign: %v", id, err).WithHint("take the head from the box, or cite none")
		}
	}
	return nil
}

// enterAct enters a checked act, unless it is there with all its signatures.
func (n *Node) enterAct(ctx context.Context, act *custody.Act, raw []byte) (index int64, duplicate bool, err error) {
	if index, known, err := n.knownAct(act); err != nil || known {
		return index, known, err
	}
	s := &act.Statement
	d := draft{kind: entry.KindAct, subjects: []entry.Subject{entry.Case(s.Shipment)}, payload: raw}
	c := &command.Command{Dedup: dedupID("act", raw)}
	if err := n.sealForCase(&d, c, s.Shipment); err != nil {
		return 0, false, err
	}
	if err := n.carry(c, s); err != nil {
		return 0, false, err
	}
	if err := n.indexDonor(c, s); err != nil {
		return 0, false, err
	}
	if c.Entry, err = n.entryOf(d); err != nil {
		return 0, false, err
	}
	r, err := n.propose(ctx, c)
	return r.Index, r.Status == command.Duplicate, err
}

// knownAct tells whether the ledger has the statement, signed by everybody who signed it here. CodeConflict: another
// statement of the shipment has its ID.
func (n *Node) knownAct(act *custody.Act) (index int64, known bool, err error) {
	id, hash := act.Statement.ID, act.Hash()
	type part struct {
		person ledger.PersonID
		role   custody.Role
	}
	signed := map[part]bool{}
	index = -1
	err = n.replica.View(func(v *store.View) error {
		c, err := n.shipment(v, act.Statement.Shipment)
		if ledger.CodeOf(err) == ledger.CodeNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		for _, e := range c.acts {
			if e.Act.Statement.ID != id {
				continue
			}
			if e.Act.Hash() != hash {
				return ledger.Errorf(ledger.CodeConflict, "another act was entered under the id %s", id).WithHint("make a new random id for every act")
			}
			if index < 0 {
				index = e.Index
			}
			for _, s := range e.Act.Signatures {
				signed[part{s.Person, s.Role}] = true
			}
		}
		return nil
	})
	known = index >= 0
	for _, s := range act.Signatures {
		known = known && signed[part{s.Person, s.Role}]
	}
	return index, known, err
}

// sealForCase sets the case's data key, and makes one with the same command for a case without.
func (n *Node) sealForCase(d *draft, c *command.Command, id ledger.ShipmentID) error {
	err := n.replica.View(func(v *store.View) error {
		for _, index := range v.Chain(entry.Case(id)) {
			_, name, err := v.Stored(index)
			if err != nil {
				return err
			}
			if !strings.HasPrefix(name, casePrefix) {
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
			if lint := lintStatement(&act.Statement); lint != nil { // signed and journaled long ago: people must know, and it counts
				n.log.Warn("an act that a box carries holds what looks like a patient's data", "origin", b.Origin, "seq", b.From+int64(i), "act", act.Statement.ID)
			}
			_, _, err = n.enterAct(ctx, act, r.Act.Bytes)
		}
		switch ledger.CodeOf(err) {
		case "":
		case ledger.CodeInvalid, ledger.CodeForbidden, ledger.CodeConflict:
			n.log.Warn("a box carries an act that can't be entered", "origin", b.Origin, "seq", b.From+int64(i), "err", err)
		default:
			return fmt.Errorf("enter act of record %d: %w", b.From+int64(i), err)
		}
	}
	return nil
}
