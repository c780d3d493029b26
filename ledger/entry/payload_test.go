package entry_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
)

// payload is what all payloads have in common.
type payload interface{ Marshal() []byte }

// parsers reads every type of payload.
var parsers = map[string]func(b []byte) (payload, error){
	"box enrolled":    func(b []byte) (payload, error) { return entry.ParseBoxEnrolled(b) },
	"person enrolled": func(b []byte) (payload, error) { return entry.ParsePersonEnrolled(b) },
	"advance":         func(b []byte) (payload, error) { return entry.ParseAdvance(b) },
	"access":          func(b []byte) (payload, error) { return entry.ParseAccess(b) },
	"receipt":         func(b []byte) (payload, error) { return entry.ParseReceipt(b) },
	"genesis":         func(b []byte) (payload, error) { return entry.ParseGenesis(b) },
	"set change":      func(b []byte) (payload, error) { return entry.ParseSetChange(b) },
}

// payloads is one of every type, keyed by the type's parser.
func payloads() map[string]payload {
	return map[string]payload{
		"box enrolled":    &entry.BoxEnrolled{Key: public(key("box")), Label: "box 1", By: ledger.PersonID{1}, Head: []byte("head")},
		"person enrolled": &entry.PersonEnrolled{Person: ledger.PersonID{1}, Name: "Zoë", Organisation: "OPO", Role: entry.RoleAuditor, Key: public(key("person")), By: ledger.PersonID{2}},
		"advance":         &entry.Advance{Origin: "isotherm/box/x/y", From: 0, To: 1<<62 - 1, Root: tlog.RecordHash(nil), Head: []byte("head")},
		"access":          &entry.Access{By: ledger.PersonID{1}, Reason: "audit"},
		"receipt":         &entry.Receipt{Leaf: []byte("leaf"), Salted: []byte("salted"), Proof: []byte("proof")},
		"genesis":         genesis(),
		"set change":      change(genesis(), 2, "node-1", "node-2"),
	}
}

func TestParsePayloads(t *testing.T) {
	for name, want := range payloads() {
		t.Run(name, func(t *testing.T) {
			b := want.Marshal()
			got, err := parsers[name](b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			for n := range b {
				if _, err := parsers[name](b[:n]); err == nil {
					t.Fatalf("the first %d bytes were taken", n)
				}
			}
			if _, err := parsers[name](append(b, 0)); err == nil {
				t.Error("a byte after the end was taken")
			}
			for other, parse := range parsers {
				if _, err := parse(b); other != name && err == nil {
					t.Errorf("was taken for %s", other)
				}
			}
		})
	}
	if len(parsers) != len(payloads()) {
		t.Errorf("got %d payloads for %d parsers", len(payloads()), len(parsers))
	}
}

func TestParsePayloads_refuse(t *testing.T) {
	long := strings.Repeat("x", 201)
	tests := []struct {
		name, parser string
		payload      payload
	}{
		{"advance of nothing", "advance", &entry.Advance{Origin: "o", From: 5, To: 5}},
		{"advance backwards", "advance", &entry.Advance{Origin: "o", From: 5, To: 4}},
		{"advance from -1", "advance", &entry.Advance{Origin: "o", From: -1, To: 4}},
		{"advance over 2^62", "advance", &entry.Advance{Origin: "o", To: math.MaxInt64}},
		{"head over its limit", "advance", &entry.Advance{Origin: "o", To: 4, Head: make([]byte, merkle.MaxNote+1)}},
		{"origin over its limit", "advance", &entry.Advance{Origin: long, To: 4}},
		{"box with a short key", "box enrolled", &entry.BoxEnrolled{Key: make([]byte, 31)}},
		{"box with a long key", "box enrolled", &entry.BoxEnrolled{Key: make([]byte, 33)}},
		{"label over its limit", "box enrolled", &entry.BoxEnrolled{Key: make([]byte, 32), Label: long}},
		{"person without key", "person enrolled", &entry.PersonEnrolled{}},
		{"name not UTF-8", "person enrolled", &entry.PersonEnrolled{Key: make([]byte, 32), Name: "\xff"}},
		{"reason over its limit", "access", &entry.Access{Reason: long}},
		{"leaf of a receipt over its limit", "receipt", &entry.Receipt{Leaf: make([]byte, entry.MaxLeaf+1)}},
		{"receipt over its limit", "receipt", &entry.Receipt{Proof: make([]byte, entry.MaxReceipt)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p, err := parsers[tt.parser](tt.payload.Marshal()); err == nil {
				t.Errorf("got %+v, want an error", p)
			}
		})
	}
}

func TestParseRole(t *testing.T) {
	for r := entry.RoleAdmin; r <= entry.RoleAuditor; r++ {
		if back, err := entry.ParseRole(r.String()); err != nil || back != r {
			t.Errorf("got %s, %v, want %s", back, err, r)
		}
	}
	for _, name := range []string{"", "Admin", "box", "unknown(0)"} {
		if r, err := entry.ParseRole(name); err == nil {
			t.Errorf("%q: got %s, want an error", name, r)
		}
	}
	for _, s := range []fmt.Stringer{entry.Role(0), entry.Role(6), entry.Kind(0), entry.Kind(99), entry.SubjectKind(0), entry.SubjectKind(6)} {
		if !strings.HasPrefix(s.String(), "unknown(") {
			t.Errorf("got %q, want 'unknown(number)'", s)
		}
	}
}

func FuzzParsePayloads(f *testing.F) {
	for _, p := range payloads() {
		f.Add(p.Marshal())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, parse := range parsers {
			if p, err := parse(b); err == nil && !bytes.Equal(p.Marshal(), b) {
				t.Errorf("%s: got %x, want %x", name, p.Marshal(), b)
			}
		}
	})
}
