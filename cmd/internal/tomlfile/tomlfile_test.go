package tomlfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"isotherm/cmd/internal/tomlfile"
)

func TestDecode(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"good", "a = 1\n[t]\nb = \"x\"\n", ""},
		{"unknown keys", "a = 1\nc = 2\n[t]\nd = 3\n", "unknown key c in line 2, t.d in line 4"},
		{"another type", "a = \"one\"\n", "line 1, column 5"},
		{"no TOML", "a = 1\nb\n", "line 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var into struct {
				A int
				T struct{ B string }
			}
			err := tomlfile.Decode([]byte(tt.text), &into)
			if tt.want == "" {
				if err != nil || into.A != 1 || into.T.B != "x" {
					t.Errorf("got %+v, %v", into, err)
				}
			} else if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.toml")
	const limit = 100
	for size, good := range map[int]bool{0: true, limit: true, limit + 1: false} {
		if err := os.WriteFile(path, []byte(strings.Repeat("#", size)), 0o600); err != nil {
			t.Fatal(err)
		}
		if text, err := tomlfile.Read(path, limit); (err == nil) != good || good && len(text) != size {
			t.Errorf("%d bytes: got %d, %v", size, len(text), err)
		}
	}
	for _, bad := range []string{filepath.Join(dir, "none"), dir} {
		if _, err := tomlfile.Read(bad, limit); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: got error %v, want one that names it", bad, err)
		}
	}
}
