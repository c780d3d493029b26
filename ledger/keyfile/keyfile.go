// Package keyfile keeps private keys and other secrets in files that only their owner can read: those of boxes, nodes and
// people alike.
//
// A key is one PEM block of PKCS #8, as 'openssl genpkey -algorithm ed25519' writes it. A file that others can read is
// refused, because its secret may be known already. Files are written as ledger/durable does: a power cut leaves the old
// content or the new.
package keyfile

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"

	"isotherm/ledger/durable"
)

const (
	blockType = "PRIVATE KEY"
	fileMode  = 0o600
)

// MaxSize bounds a secret file: a keyring of a hundred epochs takes 10 KiB.
const MaxSize = 64 << 10

// Save writes a private key of any type that PKCS #8 knows.
func Save(path string, key crypto.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("save key %s: %w", path, err)
	}
	return SaveSecret(path, pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der}))
}

// Load reads an Ed25519 key. The error wraps fs.ErrNotExist when there is no file, and ErrLooseMode when others can read it.
func Load(path string) (ed25519.PrivateKey, error) {
	text, err := LoadSecret(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != blockType || len(rest) != 0 {
		return nil, fmt.Errorf("load key %s: not one PEM block %q", path, blockType)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("load key %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("load key %s: it is of type %T, want Ed25519", path, parsed)
	}
	return key, nil
}

// SaveSecret writes a secret.
func SaveSecret(path string, secret []byte) error {
	return durable.WriteFile(path, secret, fileMode)
}

// ErrLooseMode is returned for a secret file that others than its owner can read.
var ErrLooseMode = fmt.Errorf("others can read this secret: chmod %o it, and replace it if they may have", fileMode)

// LoadSecret reads a secret of at most MaxSize bytes. Errors are as those of Load.
func LoadSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("load secret: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("load secret: %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("load secret %s with mode %v: %w", path, mode, ErrLooseMode)
	}
	text, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("load secret: %w", err)
	}
	if len(text) > MaxSize {
		return nil, fmt.Errorf("load secret %s: more than %d bytes", path, MaxSize)
	}
	return text, nil
}
