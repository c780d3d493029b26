package journal

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"isotherm/ledger/keyfile"
)

// LoadKey returns the box's journal key from the directory, and makes it at the first start. A key file that others can
// read is refused. So is making a new key beside journals of an old one: a box never changes its name by accident.
func LoadKey(dir string) (ed25519.PrivateKey, error) {
	path := filepath.Join(dir, "box.key")
	key, err := keyfile.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(dir, path)
	}
	if err != nil {
		return nil, fmt.Errorf("box key: %w", err)
	}
	return key, nil
}

func makeKey(dir, path string) (ed25519.PrivateKey, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make box key: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "*"+fileSuffix+"*"))
	if err != nil {
		return nil, fmt.Errorf("make box key: %w", err)
	}
	if len(old) != 0 {
		return nil, fmt.Errorf("box key %s is missing, but the journal %s was signed with it: bring the key back, or move the journals away to start as another box", path, filepath.Base(old[0]))
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make box key: %w", err)
	}
	if err := keyfile.Save(path, key); err != nil {
		return nil, fmt.Errorf("make box key: %w", err)
	}
	return key, nil
}
