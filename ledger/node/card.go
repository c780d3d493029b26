package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/privacy"
	"isotherm/ledger/store"
)

// enrolLabel is the label of the token that a person gets with their card.
const enrolLabel = "enrolment"

// PersonToken is a person's token of enrolment, shown once. With it a person sets their first password, or one anew after
// a device was lost.
type PersonToken struct {
	Index   int64  // of the card's entry
	Token   string // empty when none was asked for
	Expires time.Time
}

// cardSlot is the place of a version of a person's card: the first card that takes it stands.
func cardSlot(id ledger.PersonID, version uint32) *ledger.ActID {
	return dedupID("person-card", id[:], binary.BigEndian.AppendUint32(nil, version))
}

// EnrolPerson makes a person known and returns a token. Enrolling them again with the same card gives a new token in
// place of one that was lost; with another card it is a conflict.
func (n *Node) EnrolPerson(ctx context.Context, p Principal, card *entry.PersonCard) (PersonToken, error) {
	if card.Version != 1 {
		return PersonToken{}, ledger.Errorf(ledger.CodeInvalid, "a person is enrolled with version 1 of their card, this is version %d", card.Version)
	}
	return n.putCard(ctx, p, card, true)
}

// ChangePerson enters the next version of a person's card: a key replaced, another role, name or organisation, or the end.
// It counts at once. With token it also returns a token of enrolment, for a person whose device is lost; the older one ends,
// and where the reason is a lost key, all sessions. CodeConflict: the version is not the next one.
func (n *Node) ChangePerson(ctx context.Context, p Principal, card *entry.PersonCard, token bool) (PersonToken, error) {
	if card.Version < 2 {
		return PersonToken{}, ledger.Errorf(ledger.CodeInvalid, "a change is version 2 of a card or a later one, this is version %d", card.Version)
	}
	return n.putCard(ctx, p, card, token && card.Why != entry.CardEnded)
}

func (n *Node) putCard(ctx context.Context, p Principal, card *entry.PersonCard, withToken bool) (PersonToken, error) {
	if err := n.allow(p, access.ManagePeople); err != nil {
		return PersonToken{}, err
	}
	if err := checkText("name", privacy.Name, card.Name, 1); err != nil {
		return PersonToken{}, err
	}
	known, err := n.checkCard(ctx, card)
	if err != nil {
		return PersonToken{}, err
	}
	if known >= 0 && withToken && !p.Scopes.Has(access.AllScopes) {
		// A new card shows that an administrator signs just now. A known one anybody can read, and the token opens everything.
		return PersonToken{}, ledger.Errorf(ledger.CodeForbidden, "a token with scopes %q can't give a known person a token of enrolment", p.Scopes).
			WithHint("sign in")
	}
	var out PersonToken
	var token *credential
	if withToken {
		now := n.now()
		out.Token, out.Expires = NewPersonToken(card.Person), now.Add(PersonTokenLife)
		token = &credential{hash: TokenHash(out.Token), owner: card.Person, by: p.Person, scopes: access.AllScopes, createdMS: now.UnixMilli(),
			expiresMS: out.Expires.UnixMilli(), label: enrolLabel, card: card.Version, enrol: true}
	}
	if known >= 0 {
		out.Index = known
		if token != nil {
			err = n.enterToken(ctx, p, token)
		}
	} else {
		var entered bool
		out.Index, entered, err = n.enterCard(ctx, card, token)
		if err == nil && !entered && token != nil {
			err = n.enterToken(ctx, p, token)
		}
	}
	if err != nil {
		return PersonToken{}, err
	}
	return out, nil
}

// checkCard checks a card against those before it. known is the index of its entry when it is the person's newest one
// already, else -1.
func (n *Node) checkCard(ctx context.Context, card *entry.PersonCard) (known int64, err error) {
	err = n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) error {
			known = -1
			cards, err := n.cards(v, card.Person)
			if err != nil {
				return err
			}
			if len(cards) > 0 && bytes.Equal(cards[len(cards)-1].Marshal(), card.Marshal()) {
				known = cards[len(cards)-1].Index
				return nil
			}
			if _, _, there := v.Last(entry.Person(card.Person)); there && len(cards) == 0 {
				return ledger.Errorf(ledger.CodeConflict, "person %s was erased", card.Person).WithHint("enrol them under a new id")
			}
			issuer, err := n.cards(v, card.By)
			if err != nil {
				return err
			}
			if err := access.CheckCard(n.pin, card, cards, issuer); err != nil {
				return cardError(err)
			}
			return n.checkKeyOwner(v, card)
		})
	})
	return known, err
}

// cardError gives an error of package access its code: forged or badly formed, or made for another version.
func cardError(err error) *ledger.Error {
	if errors.Is(err, access.ErrVersion) {
		return ledger.Errorf(ledger.CodeConflict, "%v", err).WithHint("look at the newest card, and issue the one that follows it")
	}
	return ledger.Errorf(ledger.CodeInvalid, "%v", err)
}

// checkKeyOwner refuses a signing key that somebody else has or had: what two people must sign, one could sign alone.
func (n *Node) checkKeyOwner(v *store.View, card *entry.PersonCard) error {
	owner, err := n.secret(v, signingKeyName(card))
	if err == nil && owner != nil && !bytes.Equal(owner, card.Person[:]) {
		return ledger.Errorf(ledger.CodeConflict, "the key is another person's").WithHint("every person makes a key of their own, on their own device")
	}
	return err
}

func signingKeyName(card *entry.PersonCard) string {
	h := sha256.Sum256(append([]byte("isotherm/signing-key/v1\n"), card.Key...))
	return signingKeyPrefix + hex.EncodeToString(h[:ledger.IDSize])
}

// enterCard enters a checked card, with a token when there is one, and returns its index. entered is false when another
// node entered the same card a moment ago; then the token is not known yet.
func (n *Node) enterCard(ctx context.Context, card *entry.PersonCard, token *credential) (index int64, entered bool, err error) {
	c, err := n.cardCommand(card)
	if err != nil {
		return 0, false, err
	}
	if token != nil {
		if err := n.addCredential(c, tokenPrefix, token); err != nil {
			return 0, false, err
		}
		if card.Why == entry.CardKeyLost {
			if err := n.endSessions(c, card.Person); err != nil {
				return 0, false, err
			}
		}
	}
	r, err := n.propose(ctx, c)
	if err != nil {
		return 0, false, err
	}
	if err := n.waitFor(ctx, r.Index+1); err != nil || r.Status == command.Done {
		return r.Index, err == nil, err
	}
	var there []byte
	err = n.replica.View(func(v *store.View) (err error) {
		_, there, err = n.open(v, r.Index)
		return err
	})
	if err == nil && !bytes.Equal(there, card.Marshal()) {
		err = ledger.Errorf(ledger.CodeConflict, "version %d of the card of person %s was entered a moment ago", card.Version, card.Person).
			WithHint("look at the newest card, and issue the one that follows it")
	}
	return r.Index, false, err
}

// cardCommand makes the command that enters a card, and for a new person the key under which their cards are sealed.
func (n *Node) cardCommand(card *entry.PersonCard) (*command.Command, error) {
	d := draft{kind: entry.KindPersonChanged, subjects: []entry.Subject{entry.Person(card.Person)}, payload: card.Marshal()}
	c := &command.Command{Dedup: cardSlot(card.Person, card.Version)}
	var err error
	if card.Version > 1 {
		if d.sealKey, err = n.personKey(card.Person); err == nil && d.sealKey == nil {
			err = ledger.Errorf(ledger.CodeNotFound, "no person %s, or they were erased", card.Person)
		}
		if err != nil {
			return nil, err
		}
	} else {
		d.kind, d.sealKey = entry.KindPersonEnrolled, newDataKey(personPrefix+card.Person.String())
		s, err := n.sealed(d.sealKey.name, d.sealKey.key)
		if err != nil {
			return nil, err
		}
		c.Secrets = append(c.Secrets, s)
	}
	owner, err := n.sealed(signingKeyName(card), card.Person[:])
	if err != nil {
		return nil, err
	}
	c.Secrets = append(c.Secrets, owner)
	c.Entry, err = n.entryOf(d)
	return c, err
}

// enterToken gives a known person a new token of enrolment.
func (n *Node) enterToken(ctx context.Context, p Principal, token *credential) error {
	event := entry.AccountEvent{Step: entry.AccountToken, Credential: token.id(), Label: token.label, Scopes: uint32(token.scopes), By: p.Person}
	c, err := n.accountCommand(token.owner, &event)
	if err != nil {
		return err
	}
	if err := n.addCredential(c, tokenPrefix, token); err != nil {
		return err
	}
	return n.proposeHere(ctx, c)
}

// personKey returns the data key of a person, nil when there is none (yet, or any more).
func (n *Node) personKey(id ledger.PersonID) (*dataKey, error) {
	var key *dataKey
	err := n.replica.View(func(v *store.View) (err error) {
		key, err = n.loadKey(v, personPrefix+id.String())
		return err
	})
	return key, err
}

// cardVersion returns the version of a person's newest card.
func (n *Node) cardVersion(id ledger.PersonID) (uint32, error) {
	var version uint32
	err := n.replica.View(func(v *store.View) error {
		p, err := n.person(v, id)
		if err == nil && p == nil {
			err = ledger.Errorf(ledger.CodeNotFound, "no person %s", id)
		}
		if err == nil {
			version = p.Version
		}
		return err
	})
	return version, err
}
