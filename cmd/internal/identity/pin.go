package identity

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"

	"isotherm/ledger/keyfile"
)

// PIN gives the PIN that unlocks a signing key: from a prompt or a file. It is asked anew for each signing, and what it
// returns is wiped after use.
type PIN func() ([]byte, error)

// FixedPIN always gives the same PIN: for simulated people.
func FixedPIN(pin string) PIN { return func() ([]byte, error) { return []byte(pin), nil } }

// ReadPIN reads a PIN from a file that only its owner can read, without the line end.
func ReadPIN(path string) ([]byte, error) {
	text, err := keyfile.LoadSecret(path)
	if err != nil {
		return nil, fmt.Errorf("read PIN: %w", err)
	}
	return bytes.TrimRight(text, "\r\n"), nil
}

// ErrNoKey says that the folder holds no signing key.
var ErrNoKey = errors.New("this folder holds no signing key: make one with isotherm key new")

// NewKey makes a signing key, locked by the PIN at the given cost. It is not saved yet.
func (m *Me) NewKey(pin []byte, cost Cost) error {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	defer clear(key)
	m.locked, err = Lock(key, pin, cost)
	return err
}

// Public returns the public half of the signing key, nil when there is none.
func (m *Me) Public() ed25519.PublicKey {
	if m.locked == nil {
		return nil
	}
	return m.locked.Public
}

// Sign calls sign with the unlocked signing key, and wipes the key after. Errors: ErrNoKey, ErrWrongPIN, those of PIN and
// of sign.
func (m *Me) Sign(sign func(ed25519.PrivateKey) error) error {
	if m.locked == nil {
		return ErrNoKey
	}
	if m.PIN == nil {
		return errors.New("nobody can be asked for the PIN")
	}
	pin, err := m.PIN()
	if err != nil {
		return err
	}
	defer clear(pin)
	key, err := m.locked.Unlock(pin)
	if err != nil {
		return err
	}
	defer clear(key)
	return sign(key)
}

// ChangePIN locks the same key under another PIN and saves it. Errors: ErrNoKey, ErrWrongPIN.
func (m *Me) ChangePIN(before, after []byte, cost Cost) error {
	if m.locked == nil {
		return ErrNoKey
	}
	if err := CheckPIN(after); err != nil {
		return err
	}
	key, err := m.locked.Unlock(before)
	if err != nil {
		return err
	}
	defer clear(key)
	locked, err := Lock(key, after, cost)
	if err != nil {
		return err
	}
	if err := keyfile.SaveSecret(filepath.Join(m.dir, keyFile), locked.Marshal()); err != nil {
		return fmt.Errorf("change PIN: %w", err)
	}
	m.locked = locked
	return nil
}
