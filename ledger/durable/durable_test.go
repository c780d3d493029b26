package durable_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"isotherm/ledger/durable"
)

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path+".tmp", []byte("left by a crash"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first", "second", ""} {
		if err := durable.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if err := durable.WriteFile(filepath.Join(path, "below"), nil, 0o600); err == nil {
		t.Error("write into a file as a folder: got no error")
	}
}

func TestSlots(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slots")
	if _, err := durable.OpenSlots(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open of nothing: got %v, want not exist", err)
	}
	s, err := durable.CreateSlots(path, []byte("0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set(make([]byte, durable.MaxSlot+1)); err == nil {
		t.Error("value too long: got no error")
	}
	values := []string{"0", "1", "", "333", string(bytes.Repeat([]byte("4"), durable.MaxSlot))}
	for _, v := range values[1:] {
		if err := s.Set([]byte(v)); err != nil {
			t.Fatal(err)
		}
		again, err := durable.OpenSlots(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(again.Value()); got != v || string(s.Value()) != v {
			t.Errorf("value: got %.20q, want %.20q", got, v)
		}
		again.Close()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSlots_Torn spoils the place that was written last, at every 512 bytes, and wants the value before.
func TestSlots_Torn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slots")
	s, err := durable.CreateSlots(path, []byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Set([]byte("new")), s.Close()); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	open := func(data []byte) (string, error) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := durable.OpenSlots(path)
		if err != nil {
			return "", err
		}
		defer s.Close()
		return string(s.Value()), nil
	}
	for cut := 0; cut <= len(after); cut += 512 {
		want := "old"
		if cut == len(after) {
			want = "new"
		}
		torn := append(bytes.Clone(after[:cut]), before[cut:]...)
		if got, err := open(torn); err != nil || got != want {
			t.Errorf("torn at %d: got %q, %v, want %q", cut, got, err, want)
		}
	}
	if _, err := open(make([]byte, len(after))); !errors.Is(err, durable.ErrNoSlot) {
		t.Errorf("zeros: got %v, want ErrNoSlot", err)
	}
}
