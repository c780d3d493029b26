package node

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/donor"
	"isotherm/ledger/entry"
	"isotherm/ledger/privacy"
	"isotherm/ledger/store"
)

// donorTries is how often an hour somebody may look for a case by donor ID, and how often have one revealed: more than a
// busy night needs, and too few to try numbers out.
const donorTries = 20

// donorWrites is how often an hour somebody may have a commitment made, and how often keep a donor ID: once for each organ
// of a few donors. Without a limit, who reads a case could try out to which donor ID it commits, and nobody would know.
const donorWrites = 60

// CommitToDonor returns the keyed commitment to a donor ID, for an act that opens or checks a case. It is an entry.
// CodeInvalid for what is no donor ID; CodeOverloaded: too often within an hour.
func (n *Node) CommitToDonor(ctx context.Context, p Principal, donorID string) ([32]byte, error) {
	if err := n.allow(p, access.CommitDonor); err != nil {
		return [32]byte{}, err
	}
	commitment, err := n.donorCommitment(donorID)
	if err != nil {
		return [32]byte{}, err
	}
	d, err := n.donorEntry(p, commitment, 0, "commitment made")
	if err != nil {
		return [32]byte{}, err
	}
	return commitment, n.enterLimited(ctx, p, "donor-commit", donorWrites, d, &command.Command{})
}

// donorEntry is that somebody did something with a donor ID, in the chain of their account.
func (n *Node) donorEntry(p Principal, commitment [32]byte, found int, what string) (draft, error) {
	key, err := n.personKey(p.Person)
	if err == nil && key == nil {
		err = ledger.Errorf(ledger.CodeNotFound, "no person %s, or they were erased", p.Person)
	}
	payload := entry.DonorAccess{By: p.Person, Donor: commitment, Found: uint32(found), Reason: what}
	return draft{kind: entry.KindDonorFind, subjects: []entry.Subject{entry.Account(p.Person)}, payload: payload.Marshal(), sealKey: key}, err
}

// donorCommitment returns HMAC-SHA256 under the ledger's commitment key over the normal form of a donor ID, see package
// donor.
func (n *Node) donorCommitment(donorID string) ([32]byte, error) {
	id, err := parseDonor(donorID)
	if err != nil {
		return [32]byte{}, err
	}
	var out [32]byte
	err = n.replica.View(func(v *store.View) (err error) {
		out, err = n.keyedHash(v, "donor", id.String())
		return err
	})
	return out, err
}

func parseDonor(text string) (donor.ID, error) {
	id, err := donor.Parse(text)
	if err != nil {
		return id, ledger.Errorf(ledger.CodeInvalid, "donor ID: %v", err)
	}
	return id, nil
}

func donorIndex(commitment [32]byte) string {
	return donorPrefix + hex.EncodeToString(commitment[:]) + "/"
}

// indexDonor adds to an act's command what finds its case by donor ID.
func (n *Node) indexDonor(c *command.Command, s *custody.Statement) error {
	if s.Donor == [32]byte{} || s.Kind != custody.Open && s.Kind != custody.Correction {
		return nil
	}
	note, err := n.sealed(donorIndex(s.Donor)+s.Shipment.String(), s.Shipment[:])
	c.Secrets = append(c.Secrets, note)
	return err
}

// KeepDonorID keeps the donor ID of a case, which its acts only commit to, encrypted beside the log. CodeInvalid when it is
// not the one that the case was opened with. Who keeps it must be able to read the case. Either way it is an entry, and
// CodeOverloaded when it was too often within an hour.
func (n *Node) KeepDonorID(ctx context.Context, p Principal, id ledger.ShipmentID, donorID string) error {
	if err := n.allow(p, access.KeepDonor); err != nil {
		return err
	}
	parsed, err := parseDonor(donorID)
	if err != nil {
		return err
	}
	commitment, err := n.donorCommitment(donorID)
	if err != nil {
		return err
	}
	var wrong error
	err = n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) error {
			c, err := n.shipment(v, id)
			if err != nil {
				return err
			}
			// First: who can't read the case must not try donor IDs on it.
			if err := n.mayRead(v, p, c); err != nil {
				return err
			}
			wrong = nil
			if o := c.state.Opening; o == nil || o.Donor != commitment {
				wrong = ledger.Errorf(ledger.CodeInvalid, "shipment %s was not opened with this donor ID", id).WithHint("compare it with the label, and correct the act if that is wrong")
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	c := &command.Command{}
	found, what := 0, "not that of the case"
	if wrong == nil {
		found, what = 1, "kept for a case"
		if err := n.sealDonorID(c, id, parsed); err != nil {
			return err
		}
	}
	d, err := n.donorEntry(p, commitment, found, what)
	if err != nil {
		return err
	}
	if err := n.enterLimited(ctx, p, "donor-keep", donorWrites, d, c); err != nil {
		return err
	}
	return wrong
}

// sealDonorID adds to a command what keeps the donor ID of a case.
func (n *Node) sealDonorID(c *command.Command, id ledger.ShipmentID, donorID donor.ID) error {
	var d draft
	if err := n.sealForCase(&d, c, id); err != nil {
		return err
	}
	inner, err := d.sealKey.seal([]byte(donorID.String()))
	if err != nil {
		return err
	}
	name := append([]byte{byte(len(d.sealKey.name))}, d.sealKey.name...)
	s, err := n.sealed(donorIDPrefix+id.String(), append(name, inner...))
	c.Secrets = append(c.Secrets, s)
	return err
}

// donorID returns the donor ID that is kept for a case, empty when there is none.
func (n *Node) donorID(v *store.View, id ledger.ShipmentID) (string, error) {
	raw, err := n.secret(v, donorIDPrefix+id.String())
	if err != nil || len(raw) == 0 {
		return "", err
	}
	end := 1 + int(raw[0])
	if len(raw) < end {
		return "", fmt.Errorf("the donor ID of shipment %s is cut", id)
	}
	key, err := n.loadKey(v, string(raw[1:end]))
	if err != nil || key == nil {
		return "", err
	}
	plain, err := key.open(raw[end:])
	return string(plain), err
}

// Found is a case with a donor ID that somebody looked for.
type Found struct {
	ID       ledger.ShipmentID
	Readable bool // by who looked; else break-glass opens it
}

// maxFound bounds the cases of one donor: eight organs, and some that were opened twice.
const maxFound = 32

// FindByDonor returns the cases with a donor ID. Looking is an entry, whether something is found or not. CodeOverloaded:
// too often within an hour.
func (n *Node) FindByDonor(ctx context.Context, p Principal, donorID string) ([]Found, At, error) {
	if err := n.allow(p, access.FindDonor); err != nil {
		return nil, At{}, err
	}
	commitment, err := n.donorCommitment(donorID)
	if err != nil {
		return nil, At{}, err
	}
	var out []Found
	at, err := n.view(func(v *store.View) error {
		prefix := donorIndex(commitment)
		for name := range v.Secrets(prefix) {
			id, err := ledger.ParseID[ledger.ShipmentID](strings.TrimPrefix(name, prefix))
			if err != nil || len(out) == maxFound {
				continue
			}
			c, err := n.shipment(v, id)
			if err != nil {
				return err
			}
			if o := c.state.Opening; o == nil || o.Donor != commitment {
				continue // erased, or corrected since
			}
			out = append(out, Found{ID: id, Readable: n.mayRead(v, p, c) == nil})
		}
		return nil
	})
	if err != nil {
		return nil, at, err
	}
	d, err := n.donorEntry(p, commitment, len(out), "")
	if err != nil {
		return nil, at, err
	}
	if err := n.enterLimited(ctx, p, "donor-find", donorTries, d, &command.Command{}); err != nil {
		return nil, at, err
	}
	return out, at, nil
}

// RevealDonor returns the donor ID of a case that the principal may read. It is an entry of the case.
func (n *Node) RevealDonor(ctx context.Context, p Principal, id ledger.ShipmentID, reason string) (string, At, error) {
	if err := n.allow(p, access.RevealDonor); err != nil {
		return "", At{}, err
	}
	if err := checkText("reason", privacy.Reason, reason, 1); err != nil {
		return "", At{}, err
	}
	var kept string
	var commitment [32]byte
	var at At
	err := n.lookTwice(ctx, func() (err error) {
		at, err = n.view(func(v *store.View) error {
			c, err := n.shipment(v, id)
			if err != nil {
				return err
			}
			if err := n.mayRead(v, p, c); err != nil {
				return err
			}
			if o := c.state.Opening; o != nil {
				commitment = o.Donor
			}
			if kept, err = n.donorID(v, id); err == nil && kept == "" {
				err = ledger.Errorf(ledger.CodeNotFound, "no donor ID is kept for shipment %s", id).WithHint("ask who opened it")
			}
			return err
		})
		return err
	})
	if err != nil {
		return "", at, err
	}
	payload := entry.DonorAccess{By: p.Person, Donor: commitment, Found: 1, Reason: reason}
	d := draft{kind: entry.KindDonorReveal, subjects: []entry.Subject{entry.Case(id), entry.Account(p.Person)}, payload: payload.Marshal()}
	c := &command.Command{}
	if err := n.sealForCase(&d, c, id); err != nil {
		return "", at, err
	}
	if err := n.enterLimited(ctx, p, "donor-reveal", donorTries, d, c); err != nil {
		return "", at, err
	}
	return kept, at, nil
}

// enterLimited enters what somebody does by donor ID into one of the person's places for that in this hour: so that the
// limit holds over restarts and on all nodes together.
func (n *Node) enterLimited(ctx context.Context, p Principal, what string, places int, d draft, c *command.Command) error {
	e, err := n.entryOf(d)
	if err != nil {
		return err
	}
	c.Entry = e
	hour := binary.BigEndian.AppendUint64(nil, uint64(n.now().Unix()/3600))
	for number := range places {
		c.Dedup = dedupID(what, p.Person[:], hour, []byte{byte(number)})
		_, taken, err := n.known(*c.Dedup)
		if err != nil {
			return err
		}
		if taken {
			continue
		}
		r, err := n.propose(ctx, c)
		if err != nil {
			return err
		}
		if r.Status == command.Done {
			return n.waitFor(ctx, r.Index+1)
		}
	}
	return ledger.Errorf(ledger.CodeOverloaded, "you did that by donor ID %d times within this hour", places).WithHint("use the list of shipments, or go on with the next full hour")
}
