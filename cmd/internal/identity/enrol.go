package identity

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/entry"
)

// NewPerson is somebody who is to be enrolled.
type NewPerson struct {
	Name         string
	Organisation string // its code
	Role         string // admin, coordinator, courier, center, auditor
}

// Enrol makes a new person whose key is made here, locked by their PIN; the ledger learns its public half. The result is
// not saved yet.
func (m *Me) Enrol(ctx context.Context, c *client.Client, p NewPerson, pin []byte, cost Cost) (*Me, error) {
	made := &Me{}
	if err := made.NewKey(pin, cost); err != nil {
		return nil, fmt.Errorf("enrol %s: %w", p.Name, err)
	}
	enrolled, err := m.EnrolKey(ctx, c, p, made.Public())
	if err != nil {
		return nil, err
	}
	enrolled.locked = made.locked
	return enrolled, nil
}

// EnrolKey makes a person known whose key was made on their own device. The result has no key: see NewJoin.
func (m *Me) EnrolKey(ctx context.Context, c *client.Client, p NewPerson, key ed25519.PublicKey) (*Me, error) {
	role, err := entry.ParseRole(p.Role)
	if err != nil {
		return nil, err
	}
	card := &entry.PersonCard{Ledger: m.Origin, Person: ledger.NewPersonID(), Version: 1, Name: p.Name, Organisation: p.Organisation, Role: role, Key: key,
		Why: entry.CardEnrolled, By: m.Person}
	if err := m.issue(card); err != nil {
		return nil, fmt.Errorf("enrol %s: %w", p.Name, err)
	}
	answer, err := c.EnrolPerson(ctx, card.Marshal())
	if err != nil {
		return nil, fmt.Errorf("enrol %s: %w", p.Name, err)
	}
	return &Me{Person: card.Person, Name: p.Name, Organisation: p.Organisation, Role: p.Role, Origin: m.Origin, URLs: m.URLs, CA: m.CA, Token: answer.Token}, nil
}

// Change issues the next version of a person's card, as change makes it. token also asks for a token of enrolment, for a
// person whose device is lost. It returns who the person is from now on.
func (m *Me) Change(ctx context.Context, c *client.Client, person ledger.PersonID, why entry.CardReason, token bool, change func(*entry.PersonCard)) (*Me, client.PersonEnrolled, error) {
	var none client.PersonEnrolled
	known, err := c.Linearizable().Person(ctx, person)
	if err != nil {
		return nil, none, err
	}
	card, err := entry.ParsePersonCard(known.Person.Card)
	if err != nil {
		return nil, none, err
	}
	card.Version, card.Why, card.By = card.Version+1, why, m.Person
	change(card)
	if err := m.issue(card); err != nil {
		return nil, none, err
	}
	answer, err := c.ChangePerson(ctx, person, card.Marshal(), token)
	if err != nil {
		return nil, none, fmt.Errorf("change %s: %w", card.Name, err)
	}
	return &Me{Person: card.Person, Name: card.Name, Organisation: card.Organisation, Role: card.Role.String(), Origin: m.Origin, URLs: m.URLs, CA: m.CA,
		Token: answer.Token}, answer, nil
}

// issue dates and signs a card: as the operator when their key is at hand, otherwise as the person.
func (m *Me) issue(card *entry.PersonCard) error {
	card.IssuedMS = time.Now().UnixMilli()
	if m.Operator != nil {
		card.By = ledger.PersonID{}
		card.Sign(m.Operator)
		return nil
	}
	return m.Sign(func(key ed25519.PrivateKey) error {
		card.Sign(key)
		return nil
	})
}
