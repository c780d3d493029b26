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

	"isotherm/ledger/durable"
	"isotherm/ledger/keyfile"
)

// NewKeyIn makes a signing key in a folder, which is made when needed, and returns its public half. When the folder holds
// a key already, the new one waits beside it until UseNewKey, so that the person can go on signing with the old one.
func NewKeyIn(dir string, pin []byte, cost Cost) (public ed25519.PublicKey, waits bool, err error) {
	m := &Me{}
	if err := m.NewKey(pin, cost); err != nil {
		return nil, false, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, false, fmt.Errorf("make signing key: %w", err)
	}
	path := filepath.Join(dir, keyFile)
	if _, err := os.Stat(path); err == nil {
		path, waits = filepath.Join(dir, nextKeyFile), true
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, fmt.Errorf("make signing key: %w", err)
	}
	if err := keyfile.SaveSecret(path, m.locked.Marshal()); err != nil {
		return nil, false, fmt.Errorf("make signing key: %w", err)
	}
	return m.Public(), waits, nil
}

// UseNewKey makes the folder sign with the key that the ledger knows, when that is the one that waits. It returns whether
// anything changed. An error says that neither key is the one that the ledger knows.
func UseNewKey(dir string, known ed25519.PublicKey) (changed bool, err error) {
	now, err := loadKey(filepath.Join(dir, keyFile))
	if err != nil {
		return false, err
	}
	if now != nil && now.Public.Equal(known) {
		return false, nil
	}
	next, err := loadKey(filepath.Join(dir, nextKeyFile))
	if err != nil {
		return false, err
	}
	if next == nil || !next.Public.Equal(known) {
		return false, fmt.Errorf("no key in %s is the one that the ledger knows: make one with isotherm key new and have an administrator replace the old", dir)
	}
	return true, durable.Rename(filepath.Join(dir, nextKeyFile), filepath.Join(dir, keyFile))
}

const (
	joinFormat  = "isotherm join"
	joinVersion = 1
	maxJoin     = 64 << 10 // bytes: the ledger's CA is most of it
)

// Join is what an administrator hands to a person whose key was made on the person's own device: who they are in which
// ledger, and a token for the first sign-in. It is a secret while the token is good.
type Join struct {
	Format  string            `json:"format"`
	Version int               `json:"version"`
	Me      Me                `json:"me"`
	CA      string            `json:"ca"`
	Key     ed25519.PublicKey `json:"key"` // that the ledger knows
	Token   string            `json:"token,omitempty"`
}

// NewJoin returns the join file of a person.
func NewJoin(m *Me, key ed25519.PublicKey) *Join {
	return &Join{Format: joinFormat, Version: joinVersion, Me: *m, CA: string(m.CA), Key: key, Token: m.Token}
}

// Save writes the join file, readable by its owner only. It must not exist yet.
func (j *Join) Save(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write join file: %s is there already", path)
	}
	text, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return fmt.Errorf("write join file: %w", err)
	}
	return keyfile.SaveSecret(path, append(text, '\n'))
}

// LoadJoin reads a join file.
func LoadJoin(path string) (*Join, error) {
	text, err := keyfile.LoadSecret(path)
	if err != nil {
		return nil, fmt.Errorf("read join file: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	j := &Join{}
	if len(text) > maxJoin {
		return nil, fmt.Errorf("read join file %s: %d bytes, at most %d are allowed", path, len(text), maxJoin)
	}
	if err := d.Decode(j); err != nil {
		return nil, fmt.Errorf("read join file %s: it is damaged: %w", path, err)
	}
	if j.Format != joinFormat || j.Version != joinVersion {
		return nil, fmt.Errorf("read join file %s: it is %.40q version %d, want %q version %d", path, j.Format, j.Version, joinFormat, joinVersion)
	}
	return j, nil
}

// Enter makes the folder with the person's key their identity. The folder must hold the key that the ledger knows, waiting
// or not; an identity that is there already must be the same person's.
func (j *Join) Enter(dir string) (*Me, error) {
	before, err := Load(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil && (before.Person != j.Me.Person || before.Origin != j.Me.Origin) {
		return nil, fmt.Errorf("join: %s is the identity of %s in %s", dir, before.Name, before.Origin)
	}
	if _, err := UseNewKey(dir, j.Key); err != nil {
		return nil, fmt.Errorf("join: %w", err)
	}
	m := j.Me
	m.CA, m.Token = []byte(j.CA), j.Token
	if err := m.saveRest(dir); err != nil {
		return nil, err
	}
	return Load(dir)
}
