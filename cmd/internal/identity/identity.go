// Package identity is a person's folder on their own device: who they are, which ledger they act in, what signs them in and
// their signing key. The key never leaves the folder, where it lies sealed under the person's PIN; it is in memory only
// while it signs. The package also makes and delivers signed acts, for the isotherm command and for the demonstration
// alike.
//
// It is no store of secrets against somebody who watches the device while its owner types the PIN.
package identity

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/durable"
	"isotherm/ledger/keyfile"
)

// Files of the folder. Session, token and keys must be readable by their owner only.
const (
	meFile      = "me.json"
	caFile      = "ca.pem"
	tokenFile   = "token"   // of the enrolment, or made for a program
	sessionFile = "session" // of the last sign-in with a password
	keyFile     = "key"
	nextKeyFile = "key.next" // a new key that the ledger does not know yet, see UseNewKey
)

// Me is a person with what they need to act.
type Me struct {
	Person       ledger.PersonID `json:"person"`
	Name         string          `json:"name"`
	Organisation string          `json:"organisation"` // its code
	Role         string          `json:"role"`
	Origin       string          `json:"origin"` // of the ledger
	URLs         []string        `json:"urls"`   // of its nodes' APIs

	CA    []byte `json:"-"` // PEM
	Token string `json:"-"` // signs in; empty: nothing does
	PIN   PIN    `json:"-"` // asked at each signing

	// Now is the clock of the person's device; nil: the system's. A demonstration's runs faster.
	Now func() time.Time `json:"-"`

	// Seen, unless nil, is the newest box head that the person has seen, cited beside their signatures in place of the act's.
	Seen []byte `json:"-"`

	// Operator, unless nil, signs people's cards in place of the person's key: when the last administrator lost theirs.
	Operator ed25519.PrivateKey `json:"-"`

	session bool    // Token is that of a session
	locked  *Locked // nil: this device has no key of the person
	dir     string
}

// CheckFree returns an error when the folder holds an identity or a key, so that none is written over.
func CheckFree(dir string) error {
	for _, name := range []string{meFile, keyFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("save identity: %s holds one already", dir)
		}
	}
	return nil
}

// Save writes the folder, which must not hold an identity yet.
func (m *Me) Save(dir string) error {
	if err := CheckFree(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	if m.locked != nil {
		if err := keyfile.SaveSecret(filepath.Join(dir, keyFile), m.locked.Marshal()); err != nil {
			return fmt.Errorf("save identity: %w", err)
		}
	}
	return m.saveRest(dir)
}

// saveRest writes all but keys; me.json last: a folder without it is no identity.
func (m *Me) saveRest(dir string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err == nil && m.Token != "" {
		err = keyfile.SaveSecret(filepath.Join(dir, tokenFile), []byte(m.Token+"\n"))
	}
	if err == nil {
		err = durable.WriteFile(filepath.Join(dir, caFile), m.CA, 0o644)
	}
	if err == nil {
		err = durable.WriteFile(filepath.Join(dir, meFile), append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("save identity: %w", err)
	}
	m.dir = dir
	return nil
}

// Load reads the folder. It refuses secrets that others can read. A folder without a key or a token is good for what
// needs none.
func Load(dir string) (*Me, error) {
	text, err := os.ReadFile(filepath.Join(dir, meFile))
	if err != nil {
		return nil, fmt.Errorf("load identity: %w: make one with isotherm enrol person or isotherm join", err)
	}
	m := &Me{dir: dir}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("load identity %s: %w", filepath.Join(dir, meFile), err)
	}
	if m.locked, err = loadKey(filepath.Join(dir, keyFile)); err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	for _, name := range []string{sessionFile, tokenFile} { // a session is newer
		token, err := keyfile.LoadSecret(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("load identity: %w", err)
		}
		m.Token, m.session = strings.TrimSpace(string(token)), name == sessionFile
		break
	}
	if m.CA, err = os.ReadFile(filepath.Join(dir, caFile)); err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	return m, nil
}

// loadKey reads a locked key; nil when there is none.
func loadKey(path string) (*Locked, error) {
	text, err := keyfile.LoadSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	l, err := ParseLocked(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

// Client returns a client of the ledger that acts as this person.
func (m *Me) Client() (*client.Client, error) {
	return client.New(client.Options{URLs: m.URLs, CAFile: filepath.Join(m.dir, caFile), Token: m.Token})
}

// Party names the person in statements.
func (m *Me) Party() custody.Party {
	return custody.Party{Person: m.Person, Organisation: m.Organisation}
}

// SaveSession keeps what a sign-in with a password gave; from now on it signs in.
func (m *Me) SaveSession(token string) error {
	if err := keyfile.SaveSecret(filepath.Join(m.dir, sessionFile), []byte(token+"\n")); err != nil {
		return fmt.Errorf("keep session: %w", err)
	}
	m.Token, m.session = token, true
	return nil
}

// SignedIn tells whether a session signs in, rather than a token.
func (m *Me) SignedIn() bool { return m.session }

// DropSession forgets the session. It is no error when there is none.
func (m *Me) DropSession() error {
	if err := os.Remove(filepath.Join(m.dir, sessionFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget session: %w", err)
	}
	return nil
}
