package node

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/privacy"
	"isotherm/ledger/record"
	"isotherm/ledger/store"
)

// maxLabel bounds the text on a box and other short texts.
const maxLabel = 200

// EnrolToken is a one-time token with which a box enrols itself.
type EnrolToken struct {
	Token   string
	Expires time.Time
}

// CreateEnrolToken makes a one-time token for a box. ttl is at most MaxEnrolTokenLife.
func (n *Node) CreateEnrolToken(ctx context.Context, p Principal, label string, ttl time.Duration) (EnrolToken, error) {
	if err := n.allow(p, access.EnrolBoxes); err != nil {
		return EnrolToken{}, err
	}
	if ttl <= 0 || ttl > MaxEnrolTokenLife {
		return EnrolToken{}, ledger.Errorf(ledger.CodeInvalid, "token life of %v, want up to %v", ttl, MaxEnrolTokenLife)
	}
	if err := checkText("label", privacy.Label, label, 0); err != nil {
		return EnrolToken{}, err
	}
	now := n.now()
	out := EnrolToken{Token: boxToken + newSecret(), Expires: now.Add(ttl)}
	s, err := n.sealCredential(enrolPrefix, &credential{hash: TokenHash(out.Token), by: p.Person, createdMS: now.UnixMilli(),
		expiresMS: out.Expires.UnixMilli(), label: label})
	if err != nil {
		return EnrolToken{}, err
	}
	if _, err := n.propose(ctx, &command.Command{Secrets: []command.Secret{s}}); err != nil {
		return EnrolToken{}, err
	}
	return out, nil
}

// EnrolBox makes a box known and uses up the token. The head proves that the box holds the key. A repeat with the same
// key answers the first enrolment's entry, so that a lost answer costs no second token.
func (n *Node) EnrolBox(ctx context.Context, token string, key ed25519.PublicKey, head []byte, label string) (ledger.BoxID, int64, error) {
	if len(key) != ed25519.PublicKeySize {
		return ledger.BoxID{}, 0, ledger.Errorf(ledger.CodeInvalid, "box key of %d bytes, want %d", len(key), ed25519.PublicKeySize)
	}
	box := ledger.BoxIDOf(key)
	if _, _, err := record.OpenHead(head, key); err != nil {
		return box, 0, ledger.Errorf(ledger.CodeInvalid, "the head does not prove that the box holds its key: %v", err)
	}
	if err := checkText("label", privacy.Label, label, 0); err != nil {
		return box, 0, err
	}
	dedup := dedupID("box", box[:])
	index, known, err := n.known(*dedup)
	if err != nil || known {
		return box, index, err
	}
	t, err := n.boxCredential(ctx, token)
	if err != nil {
		return box, 0, err
	}
	if label == "" {
		label = t.label
	}
	payload := entry.BoxEnrolled{Key: key, Label: label, By: t.by, Head: head}
	e, err := n.entryOf(draft{kind: entry.KindBoxEnrolled, subjects: []entry.Subject{entry.Box(box)}, payload: payload.Marshal()})
	if err != nil {
		return box, 0, err
	}
	name := t.name(enrolPrefix)
	r, err := n.propose(ctx, &command.Command{Entry: e, Dedup: dedup, Require: name,
		Secrets: []command.Secret{{Name: name}}, Box: &command.Box{ID: box, Key: key}})
	return box, r.Index, err
}

func (n *Node) known(id ledger.ActID) (index int64, ok bool, err error) {
	err = n.replica.View(func(v *store.View) error {
		index, ok = v.EntryOfAct(id)
		return nil
	})
	return index, ok, err
}

// Bootstrap is what a new ledger begins with. Every node of it holds the same.
type Bootstrap struct {
	Genesis     []byte            // payload of entry 0, signed by the operator
	Admin       *entry.PersonCard // version 1, signed by the operator
	TokenHash   [32]byte          // of the first administrator's token
	TokenExpiry time.Time
}

// Bootstrap enters genesis, the commitment key and the first administrator, unless they are there. It tries until ctx
// ends, because a new ledger has no leader yet. An error that is not of ctx is fatal: this node's files are of another
// ledger than the one it joined.
func (n *Node) Bootstrap(ctx context.Context, b Bootstrap) error {
	g, err := entry.ParseGenesis(b.Genesis)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	if pin := entry.NewTrust(g).Pin; !pin.Equal(n.pin) {
		return fmt.Errorf("bootstrap: genesis of %s does not fit this node's policy", g.Origin)
	}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := n.bootstrapOnce(ctx, b)
		code := ledger.CodeOf(err)
		if code != ledger.CodeUnavailable && code != ledger.CodeOverloaded {
			return err
		}
		n.log.Debug("bootstrap waits", "err", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("bootstrap: %w (last: %v)", ctx.Err(), err)
		case <-time.After(wait):
		}
	}
}

func (n *Node) bootstrapOnce(ctx context.Context, b Bootstrap) error {
	held, err := n.Genesis()
	if ledger.CodeOf(err) == ledger.CodeUnavailable {
		if err := n.enterGenesis(ctx, b.Genesis); err != nil {
			return err
		}
		held, err = n.Genesis()
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(held, b.Genesis) {
		return fmt.Errorf("bootstrap: entry 0 is another genesis than this node's")
	}
	if _, known, err := n.known(*cardSlot(b.Admin.Person, 1)); err != nil || known {
		return err
	}
	if err := access.CheckCard(n.pin, b.Admin, nil, nil); err != nil {
		return fmt.Errorf("bootstrap: first administrator: %w", err)
	}
	token := &credential{hash: b.TokenHash, owner: b.Admin.Person, by: b.Admin.Person, scopes: access.AllScopes, createdMS: n.now().UnixMilli(),
		expiresMS: b.TokenExpiry.UnixMilli(), label: enrolLabel, card: 1, enrol: true}
	_, _, err = n.enterCard(ctx, b.Admin, token) // another node may have entered the same one: it has the same token too
	return err
}

func (n *Node) enterGenesis(ctx context.Context, genesis []byte) error {
	e, err := n.entryOf(draft{kind: entry.KindGenesis, subjects: []entry.Subject{entry.Policy}, payload: genesis})
	if err != nil {
		return err
	}
	key := newDataKey(commitmentKeyName)
	sealed, err := n.sealed(key.name, key.key)
	if err != nil {
		return err
	}
	_, err = n.propose(ctx, &command.Command{Entry: e, Dedup: dedupID("genesis", []byte(n.pin.Origin)), Secrets: []command.Secret{sealed}})
	return err
}

// Genesis returns the payload of entry 0. CodeUnavailable: there is none yet.
func (n *Node) Genesis() ([]byte, error) {
	var out []byte
	err := n.replica.View(func(v *store.View) error {
		if v.Size() == 0 {
			return errNotBootstrapped()
		}
		leaf, payload, err := n.open(v, 0)
		if err != nil {
			return err
		}
		if leaf.Kind != entry.KindGenesis {
			return fmt.Errorf("entry 0 is %s, not the genesis", leaf.Kind)
		}
		out = bytes.Clone(payload)
		return nil
	})
	return out, err
}
