// Package identity is a person's folder on their own device: who they are, which ledger they act in, their token and their
// signing key. The key never leaves the folder. It also makes and delivers signed acts, for the isotherm command and for
// the demonstration alike.
package identity

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/durable"
	"isotherm/ledger/keyfile"
)

// Files of the folder. The token and the key must be readable by their owner only.
const (
	meFile    = "me.json"
	caFile    = "ca.pem"
	tokenFile = "token"
	keyFile   = "key"
)

// Me is a person with what they need to act. Key signs acts; Token signs in.
type Me struct {
	Person       ledger.PersonID `json:"person"`
	Name         string          `json:"name"`
	Organisation string          `json:"organisation"`
	Role         string          `json:"role"`
	Origin       string          `json:"origin"` // of the ledger
	URLs         []string        `json:"urls"`   // of its nodes' APIs

	CA    []byte             `json:"-"` // PEM
	Token string             `json:"-"`
	Key   ed25519.PrivateKey `json:"-"`
	dir   string
}

// Save writes the folder, which must not hold an identity yet.
func (m *Me) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, keyFile)); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("save identity: %s holds one already", dir)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	err = errors.Join(
		keyfile.Save(filepath.Join(dir, keyFile), m.Key),
		keyfile.SaveSecret(filepath.Join(dir, tokenFile), []byte(m.Token+"\n")),
		durable.WriteFile(filepath.Join(dir, caFile), m.CA, 0o644),
		durable.WriteFile(filepath.Join(dir, meFile), append(text, '\n'), 0o644), // last: a folder without it is no identity
	)
	if err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	m.dir = dir
	return nil
}

// Load reads the folder. It refuses secrets that others can read.
func Load(dir string) (*Me, error) {
	text, err := os.ReadFile(filepath.Join(dir, meFile))
	if err != nil {
		return nil, fmt.Errorf("load identity: %w: make one with isotherm enrol person", err)
	}
	m := &Me{dir: dir}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("load identity %s: %w", filepath.Join(dir, meFile), err)
	}
	if m.Key, err = keyfile.Load(filepath.Join(dir, keyFile)); err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	token, err := keyfile.LoadSecret(filepath.Join(dir, tokenFile))
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	m.Token = strings.TrimSpace(string(token))
	if m.CA, err = os.ReadFile(filepath.Join(dir, caFile)); err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	return m, nil
}

// Client returns a client of the ledger that acts as this person.
func (m *Me) Client() (*client.Client, error) {
	return client.New(client.Options{URLs: m.URLs, CAFile: filepath.Join(m.dir, caFile), Token: m.Token})
}

// Party names the person in statements.
func (m *Me) Party() custody.Party {
	return custody.Party{Person: m.Person, Organisation: m.Organisation}
}

// Enrol makes a new person: the key is made here, the ledger learns its public half. The result is not saved yet.
func (m *Me) Enrol(ctx context.Context, c *client.Client, name, organisation, role string) (*Me, error) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("enrol %s: %w", name, err)
	}
	made := &Me{Person: ledger.NewPersonID(), Name: name, Organisation: organisation, Role: role, Origin: m.Origin, URLs: m.URLs, CA: m.CA, Key: key}
	answer, err := c.EnrolPerson(ctx, client.Person{ID: made.Person, Name: name, Organisation: organisation, Role: role, Key: public})
	if err != nil {
		return nil, fmt.Errorf("enrol %s: %w", name, err)
	}
	made.Token = answer.Token
	return made, nil
}

// Act completes a statement, signs it, also by those who checked with the person, and delivers it. For every kind but
// Open it follows the newest act that the ledger holds. EventTimeMS is the caller's.
func (m *Me) Act(ctx context.Context, c *client.Client, s custody.Statement, others ...*Me) (*custody.Act, client.ActAnswer, error) {
	var none client.ActAnswer
	if s.Kind != custody.Open && s.Parent == [32]byte{} {
		// A node that lags after a failover would name an older act: the new one would be a conflicting claim.
		shipment, err := c.Linearizable().Shipment(ctx, s.Shipment)
		if err != nil {
			return nil, none, err
		}
		s.Parent = shipment.Tip
	}
	if s.ID.IsZero() {
		s.ID = ledger.NewActID()
	}
	s.Ledger, s.By = m.Origin, m.Party()
	act, err := custody.NewAct(s)
	if err != nil {
		return nil, none, err
	}
	act.Sign(m.Key, m.Person, custody.RoleActor, s.EventTimeMS, s.Head)
	for _, o := range others {
		act.Sign(o.Key, o.Person, custody.RoleSecond, s.EventTimeMS, s.Head)
	}
	answer, err := c.SubmitAct(ctx, act.Marshal())
	return act, answer, err
}
