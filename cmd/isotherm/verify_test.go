package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"isotherm/ledger/bundle"
)

// TestVerify_collection verifies a tar of bundles as isotherm export writes it, whole and damaged.
func TestVerify_collection(t *testing.T) {
	one, err := os.ReadFile(filepath.Join("..", "..", "ledger", "bundle", "testdata", "heart.isotherm.tar"))
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	c := bundle.NewCollector(&all)
	for range 3 {
		v := bundle.Verify(one, nil)
		if err := c.Add(one, v, v.Sentence()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(all.Bytes())
	damaged[len(one)+5000] ^= 1
	for _, tt := range []struct {
		name string
		file []byte
		code int
		says string
	}{
		{"whole", all.Bytes(), bundle.Consistent.ExitCode(), "3 bundles: consistent, origin unproven"},
		{"a byte changed", damaged, bundle.Broken.ExitCode(), "  finding: "},
		{"cut off", all.Bytes()[:all.Len()-3000], bundle.Broken.ExitCode(), "finding: "},
		{"one bundle", one, bundle.Consistent.ExitCode(), "All 68 readings are as the box signed them"},
	} {
		path := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(path, tt.file, 0o600); err != nil {
			t.Fatal(err)
		}
		var out, stderr bytes.Buffer
		if code := run(t.Context(), []string{"isotherm", "verify", path}, nil, &out, &stderr); code != tt.code || !strings.Contains(out.String(), tt.says) {
			t.Errorf("%s: got code %d, want %d: %s%s", tt.name, code, tt.code, out.String(), stderr.String())
		}
		out.Reset()
		if code := run(t.Context(), []string{"isotherm", "verify", "--json", path}, nil, &out, &stderr); code != tt.code || !json.Valid(out.Bytes()) {
			t.Errorf("%s as JSON: got code %d, want %d: %.300s", tt.name, code, tt.code, out.String())
		}
	}
}

func TestExport_usage(t *testing.T) {
	id := strings.Repeat("0", 32)
	for _, tt := range []struct{ args, says string }{
		{"--reason audit --out x", "say which shipments in one way"},
		{"--reason audit --out x --all " + id, "say which shipments in one way"},
		{"--reason audit --out x --all --form xml", `--form "xml" is none of bundle, csv, sheet, report`},
		{"--reason audit --out x --all --paper a0", `--paper "a0" is none of a4, letter`},
		{"--reason audit --all", "--out is needed"},
		{"--reason audit --out x --from yesterday", "write it with date and zone"},
		{"--reason audit --out x 00", "hexadecimal digits"},
	} {
		var out, stderr bytes.Buffer
		args := append([]string{"isotherm", "export", "--me", "nobody"}, strings.Fields(tt.args)...)
		if code := run(t.Context(), args, nil, &out, &stderr); code != exitUsage || !strings.Contains(stderr.String(), tt.says) {
			t.Errorf("%s: got code %d: %s", tt.args, code, stderr.String())
		}
	}
}

// TestProgress shows that what is no terminal gets a line now and then, each once.
func TestProgress(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "cases")
	p.show("waiting", 0, 40)
	for done := range 41 {
		p.show("working", done, 40)
		p.show("working", done, 40)
	}
	p.show("ready", 40, 40)
	p.end()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 13 || lines[0] != "waiting: 0 of 40 cases" || lines[12] != "ready: 40 of 40 cases" {
		t.Errorf("got %d lines: %q", len(lines), lines)
	}
}
