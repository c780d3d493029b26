package access_test

import (
	"crypto/ed25519"
	"testing"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
)

const origin = "isotherm.test/ledger"

func key(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func public(name string) ed25519.PublicKey { return key(name).Public().(ed25519.PublicKey) }

func id(name string) (out ledger.PersonID) {
	copy(out[:], name)
	return out
}

func pin() entry.Pin { return entry.Pin{Origin: origin, OperatorKey: public("operator")} }

// card is the first card of somebody whose key has their name; the operator issues admin's.
func card(name string, role entry.Role) *entry.PersonCard {
	c := &entry.PersonCard{Ledger: origin, Person: id(name), Version: 1, Name: name, Organisation: "OPO", Role: role, Key: public(name), Why: entry.CardEnrolled, By: id("admin")}
	if name == "admin" {
		c.By = ledger.PersonID{}
	}
	sign(c)
	return c
}

func sign(c *entry.PersonCard) {
	if c.By.IsZero() {
		c.Sign(key("operator"))
		return
	}
	c.Sign(key("admin"))
}

// next is the card after old, with an edit.
func next(old *entry.PersonCard, why entry.CardReason, edit func(*entry.PersonCard)) *entry.PersonCard {
	c := *old
	c.Version, c.Why, c.By = old.Version+1, why, id("admin")
	if edit != nil {
		edit(&c)
	}
	sign(&c)
	return &c
}

func keyed(name string) func(*entry.PersonCard) {
	return func(c *entry.PersonCard) { c.Key = public(name) }
}

// directory adds cards at entries 10, 20, 30 and so on.
func directory(t *testing.T, cards ...*entry.PersonCard) *access.Directory {
	t.Helper()
	d := access.NewDirectory(pin())
	for i, c := range cards {
		if err := d.Add(c, int64(i+1)*10); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// act is a signed act. Signers are pairs of person and key; the first is the actor.
func act(t *testing.T, kind custody.Kind, organisation string, signers ...[2]string) *custody.Act {
	t.Helper()
	s := custody.Statement{Ledger: origin, ID: ledger.ActID{1}, Kind: kind, Shipment: ledger.ShipmentID{1}, Parent: [32]byte{1}, EventTimeMS: 1,
		By: custody.Party{Person: id(signers[0][0]), Organisation: organisation}, Cites: [32]byte{2}}
	a, err := custody.NewAct(s)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range signers {
		role := custody.RoleActor
		if i > 0 {
			role = custody.RoleSecond
		}
		a.Sign(key(p[1]), id(p[0]), role, 1, nil)
	}
	return a
}
