package keyfile_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"isotherm/ledger/keyfile"
)

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := keyfile.Save(path, key); err != nil {
		t.Fatal(err)
	}
	got, err := keyfile.Load(path)
	if err != nil || !got.Equal(key) {
		t.Errorf("another key came back, %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.Load(path); !errors.Is(err, keyfile.ErrLooseMode) {
		t.Errorf("readable by the group: %v", err)
	}
}

func TestLoad_refuses(t *testing.T) {
	dir := t.TempDir()
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "ecdsa")
	if err := keyfile.Save(other, elliptical); err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"empty":     nil,
		"text":      []byte("not a key\n"),
		"other":     pem,
		"two":       append(bytes.Clone(pem), pem...),
		"truncated": pem[:len(pem)/2],
		"huge":      make([]byte, keyfile.MaxSize+1),
	} {
		path := filepath.Join(dir, name)
		if err := keyfile.SaveSecret(path, content); err != nil {
			t.Fatal(err)
		}
		if _, err := keyfile.Load(path); err == nil {
			t.Errorf("%s was taken for a key", name)
		}
	}
	if _, err := keyfile.Load(dir); !errors.Is(err, keyfile.ErrLooseMode) {
		t.Errorf("a folder: %v", err)
	}
}
