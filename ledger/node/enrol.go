package node

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
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
func (n *Node) CreateEnrolToken(ctx context.Context, actor Principal, label string, ttl time.Duration) (EnrolToken, error) {
	if ttl <= 0 || ttl > MaxEnrolTokenLife {
		return EnrolToken{}, ledger.Errorf(ledger.CodeInvalid, "token life of %v, want up to %v", ttl, MaxEnrolTokenLife)
	}
	if len(label) > maxLabel {
		return EnrolToken{}, ledger.Errorf(ledger.CodeInvalid, "label of %d bytes, at most %d are allowed", len(label), maxLabel)
	}
	out := EnrolToken{Token: newToken(boxTokenPrefix), Expires: n.now().Add(ttl)}
	s, err := n.sealToken(enrolPrefix, &tokenValue{hash: TokenHash(out.Token), person: actor.Person, expiresMS: out.Expires.UnixMilli(), label: label})
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
	if len(label) > maxLabel {
		return box, 0, ledger.Errorf(ledger.CodeInvalid, "label of %d bytes, at most %d are allowed", len(label), maxLabel)
	}
	dedup := dedupID("box", box[:])
	index, known, err := n.known(*dedup)
	if err != nil || known {
		return box, index, err
	}
	t, err := n.lookUpToken(ctx, enrolPrefix, boxTokenPrefix, token)
	if err != nil {
		return box, 0, err
	}
	if label == "" {
		label = t.label
	}
	payload := entry.BoxEnrolled{Key: key, Label: label, By: t.person, Head: head}
	e, err := n.entryOf(draft{kind: entry.KindBoxEnrolled, subjects: []entry.Subject{entry.Box(box)}, payload: payload.Marshal()})
	if err != nil {
		return box, 0, err
	}
	name := tokenName(enrolPrefix, t.hash)
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

// PersonToken is a person's token, shown once.
type PersonToken struct {
	Index   int64 // of the enrolment
	Token   string
	Expires time.Time
}

// EnrolPerson makes a person known and returns a token. Enrolling the same person with the same role and key again gives a
// new token, for one that was lost; with others it is a conflict, because entries are never edited.
func (n *Node) EnrolPerson(ctx context.Context, actor Principal, p entry.PersonEnrolled) (PersonToken, error) {
	p.By = actor.Person
	if err := checkPerson(&p); err != nil {
		return PersonToken{}, err
	}
	out := PersonToken{Token: newToken(personTokenPrefix), Expires: n.now().Add(PersonTokenLife)}
	index, err := n.enterPerson(ctx, p, TokenHash(out.Token), out.Expires)
	out.Index = index
	if err != nil {
		return PersonToken{}, err
	}
	return out, nil
}

func checkPerson(p *entry.PersonEnrolled) error {
	switch {
	case p.Person.IsZero():
		return ledger.Errorf(ledger.CodeInvalid, "the person has no id").WithHint("make a random one")
	case p.Name == "" || len(p.Name) > maxLabel || len(p.Organisation) > maxLabel:
		return ledger.Errorf(ledger.CodeInvalid, "name or organisation is empty or over %d bytes", maxLabel)
	case p.Role < entry.RoleAdmin || p.Role > entry.RoleAuditor:
		return ledger.Errorf(ledger.CodeInvalid, "role %d is not known", p.Role)
	case len(p.Key) != ed25519.PublicKeySize:
		return ledger.Errorf(ledger.CodeInvalid, "key of %d bytes, want %d", len(p.Key), ed25519.PublicKeySize)
	}
	return nil
}

// enterPerson enters a person with a token, or only the token when the person is known already.
func (n *Node) enterPerson(ctx context.Context, p entry.PersonEnrolled, hash [32]byte, expires time.Time) (int64, error) {
	token, err := n.sealToken(tokenPrefix, &tokenValue{hash: hash, person: p.Person, role: p.Role, expiresMS: expires.UnixMilli()})
	if err != nil {
		return 0, err
	}
	key := newDataKey(personPrefix + p.Person.String())
	sealedKey, err := n.sealed(key.name, key.key)
	if err != nil {
		return 0, err
	}
	e, err := n.entryOf(draft{kind: entry.KindPersonEnrolled, subjects: []entry.Subject{entry.Person(p.Person)}, payload: p.Marshal(), sealKey: key})
	if err != nil {
		return 0, err
	}
	r, err := n.propose(ctx, &command.Command{Entry: e, Dedup: personDedup(p.Person), Secrets: []command.Secret{sealedKey, token}})
	if err != nil || r.Status == command.Done {
		return r.Index, err
	}
	known, _, err := n.Person(p.Person)
	if err != nil {
		return 0, err
	}
	if known == nil || known.Role != p.Role || !bytes.Equal(known.Key, p.Key) {
		return 0, ledger.Errorf(ledger.CodeConflict, "person %s is enrolled with another role or key, or was erased", p.Person).
			WithHint("enrol them under a new id")
	}
	_, err = n.propose(ctx, &command.Command{Secrets: []command.Secret{token}})
	return r.Index, err
}

// Bootstrap is what a new ledger begins with. Every node of it holds the same.
type Bootstrap struct {
	Genesis     []byte // payload of entry 0, signed by the operator
	Admin       entry.PersonEnrolled
	TokenHash   [32]byte // of the first administrator's token
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
	if _, known, err := n.known(*personDedup(b.Admin.Person)); err != nil || known {
		return err
	}
	if err := checkPerson(&b.Admin); err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	_, err = n.enterPerson(ctx, b.Admin, b.TokenHash, b.TokenExpiry)
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
