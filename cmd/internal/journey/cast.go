package journey

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"strings"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
	"isotherm/ledger/entry"
)

// Login is a ready account for somebody who tries the pages.
type Login struct {
	As           string          `json:"as"` // short name: courier, courier2, coordinator, center, auditor, admin
	Login        string          `json:"login"`
	Password     string          `json:"password"`
	PIN          string          `json:"pin"`
	Person       ledger.PersonID `json:"person"`
	Name         string          `json:"name"`
	Organisation string          `json:"organisation"`
	Role         string          `json:"role"`
}

// enrolCast makes the people of the pages: others than those of the drive, for a browser gets a signing key of its own, and
// then the key here counts no more. What the trips beside the drive need signed is signed before.
func (j *Journey) enrolCast(ctx context.Context) error {
	c, err := j.people.admin.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	j.cast.relief = j.people.relief
	for _, p := range []role{
		{&j.cast.ground, "pages-courier", "Road courier", "City Couriers", "courier"},
		{&j.cast.air, "pages-courier2", "Flight courier", "North Air", "courier"},
		{&j.cast.coordinator, "pages-coordinator", "Coordinator on duty", "River OPO", "coordinator"},
		{&j.cast.center, "pages-center", "Transplant coordinator", "Hill Transplant Center", "center"},
		{&j.cast.auditor, "pages-auditor", "Auditor on duty", "Transplant Authority", "auditor"},
		{&j.cast.admin, "pages-admin", "Operator on duty", "Operator", "admin"},
	} {
		if err := j.enrol(ctx, c, p); err != nil {
			return err
		}
		if err := j.openAccount(ctx, *p.me, strings.TrimPrefix(p.folder, "pages-")); err != nil {
			return err
		}
	}
	j.say("six more for the pages, each with name and password")
	return nil
}

// openAccount gives a person a login, by the token of their enrolment as everybody does.
func (j *Journey) openAccount(ctx context.Context, me *identity.Me, as string) error {
	c, err := me.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	l := Login{As: as, Login: as, Password: strings.ToLower(rand.Text()[:16]), PIN: demoPIN, Person: me.Person, Name: me.Name,
		Organisation: me.Organisation, Role: me.Role}
	err = patiently(ctx, func(ctx context.Context) error {
		return c.SetPassword(ctx, client.SetPassword{Login: l.Login, New: l.Password})
	})
	if err != nil {
		return fmt.Errorf("login of %s: %w", me.Name, err)
	}
	j.logins = append(j.logins, l)
	return nil
}

// Logins are the accounts for the pages.
func (j *Journey) Logins() []Login { return j.logins }

// ReplaceKey gives a person of the pages the signing key of a browser, as an administrator does when a device is lost.
func (j *Journey) ReplaceKey(ctx context.Context, as string, key ed25519.PublicKey) error {
	for _, l := range j.logins {
		if l.As != as {
			continue
		}
		c, err := j.people.admin.Client()
		if err != nil {
			return err
		}
		defer c.Close()
		return patiently(ctx, func(ctx context.Context) error {
			_, _, err := j.people.admin.Change(ctx, c, l.Person, entry.CardKeyLost, false, func(k *entry.PersonCard) { k.Key = key })
			return err
		})
	}
	return ledger.Errorf(ledger.CodeNotFound, "the demonstration has no %q", as)
}
