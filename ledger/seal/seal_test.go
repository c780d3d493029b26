package seal_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/keyfile"
	"isotherm/ledger/seal"
)

func TestKeyring_Seal_Open(t *testing.T) {
	k := seal.NewKeyring()
	for _, plain := range []string{"", "a", "a case's data key"} {
		sealed, err := k.Seal([]byte(plain), "case/1")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(sealed), len(plain)+seal.Overhead; got != want {
			t.Errorf("length: got %d, want %d", got, want)
		}
		got, err := k.Open(sealed, "case/1")
		if err != nil || string(got) != plain {
			t.Errorf("open: got %q, %v, want %q", got, err, plain)
		}
		if _, err := k.Open(sealed, "case/2"); !errors.Is(err, seal.ErrNotSealed) {
			t.Errorf("open for another context: got %v, want ErrNotSealed", err)
		}
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			if _, err := k.Open(changed, "case/1"); err == nil {
				t.Errorf("open with byte %d changed: got no error", i)
			}
			if _, err := k.Open(sealed[:i], "case/1"); !errors.Is(err, seal.ErrNotSealed) && !errors.Is(err, seal.ErrUnknownEpoch) {
				t.Errorf("open of %d bytes: got %v", i, err)
			}
		}
	}
	a, err1 := k.Seal([]byte("x"), "c")
	b, err2 := k.Seal([]byte("x"), "c")
	if err := errors.Join(err1, err2); err != nil || bytes.Equal(a, b) {
		t.Errorf("sealing twice gives the same bytes, error %v", err)
	}
}

func TestKeyring_Epochs(t *testing.T) {
	k := seal.NewKeyring()
	old, err := k.Seal([]byte("x"), "c")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.DropEpoch(1); err == nil {
		t.Error("drop the newest epoch: got no error")
	}
	if got := k.NewEpoch(); got != 2 {
		t.Errorf("new epoch: got %d, want 2", got)
	}
	if _, err := k.Open(old, "c"); err != nil {
		t.Errorf("open under the old epoch: %v", err)
	}
	sealed, err := k.Seal([]byte("x"), "c")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := seal.EpochOf(sealed); err != nil || got != 2 {
		t.Errorf("epoch: got %d, %v, want 2", got, err)
	}
	if err := k.DropEpoch(1); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open(old, "c"); !errors.Is(err, seal.ErrUnknownEpoch) {
		t.Errorf("open under a dropped epoch: got %v, want ErrUnknownEpoch", err)
	}
	if diff := cmp.Diff([]uint32{2}, k.Epochs()); diff != "" {
		t.Errorf("epochs differ (-want +got):\n%s", diff)
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyring")
	if _, err := seal.Load(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("load of nothing: got %v, want not exist", err)
	}
	k := seal.NewKeyring()
	first, err := k.Seal([]byte("x"), "c")
	if err != nil {
		t.Fatal(err)
	}
	k.NewEpoch()
	for range 2 { // the second replaces the first
		if err := k.Save(path); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: got %v, %v, want 0600", info.Mode(), err)
	}
	loaded, err := seal.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := loaded.Open(first, "c"); err != nil || string(got) != "x" {
		t.Errorf("open with the loaded keyring: got %q, %v", got, err)
	}
	if diff := cmp.Diff([]uint32{1, 2}, loaded.Epochs()); diff != "" {
		t.Errorf("epochs differ (-want +got):\n%s", diff)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.Load(path); !errors.Is(err, keyfile.ErrLooseMode) {
			t.Errorf("load with mode %v: got %v, want ErrLooseMode", mode, err)
		}
	}
}

func TestLoad_Refuses(t *testing.T) {
	key := "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	for name, text := range map[string]string{
		"empty": "", "no key": "isotherm keyring v1\n", "later version": "isotherm keyring v2\n1 " + key + "\n",
		"cut": "isotherm keyring v1\n1 " + key, "short key": "isotherm keyring v1\n1 0011\n",
		"zero": "isotherm keyring v1\n0 " + key + "\n", "twice": "isotherm keyring v1\n1 " + key + "\n1 " + key + "\n",
	} {
		path := filepath.Join(t.TempDir(), "keyring")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := seal.Load(path); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
