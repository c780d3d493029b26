package journal

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"isotherm/ledger/durable"
)

const keyBlock = "PRIVATE KEY" // PKCS #8, as openssl genpkey -algorithm ed25519 writes it

// LoadKey returns the box's journal key from the directory, and makes it at the first start. A key file that others can
// read is refused. So is making a new key beside journals of an old one: a box never changes its name by accident.
func LoadKey(dir string) (ed25519.PrivateKey, error) {
	path := filepath.Join(dir, "box.key")
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(dir, path)
	}
	if err != nil {
		return nil, fmt.Errorf("open box key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open box key: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("box key %s has mode %v: it must be a file that only its owner can read (chmod 600)", path, info.Mode())
	}
	text := make([]byte, 4096)
	n, err := f.Read(text)
	if err != nil {
		return nil, fmt.Errorf("read box key: %w", err)
	}
	block, rest := pem.Decode(text[:n])
	if block == nil || block.Type != keyBlock || len(rest) != 0 {
		return nil, fmt.Errorf("box key %s is not one PEM block %q", path, keyBlock)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read box key: %w", err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("box key %s is of type %T, want Ed25519", path, parsed)
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
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make box key: %w", err)
	}
	if err := durable.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), 0o600); err != nil {
		return nil, fmt.Errorf("make box key: %w", err)
	}
	return key, nil
}
