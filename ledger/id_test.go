package ledger_test

import (
	"encoding/json"
	"strings"
	"testing"

	"isotherm/ledger"
)

func TestID_String(t *testing.T) {
	id := ledger.BoxID{0x00, 0x01, 0xAB, 15: 0xFF}
	want := "0001ab000000000000000000000000ff"
	if got := id.String(); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	back, err := ledger.ParseID[ledger.BoxID](want)
	if err != nil || back != id {
		t.Errorf("got %s, %v, want %s", back, err, id)
	}
}

func TestParseID_refuses(t *testing.T) {
	good := "0001ab000000000000000000000000ff"
	tests := []struct{ name, text string }{
		{"empty", ""},
		{"one digit short", good[1:]},
		{"one byte short", good[2:]},
		{"one digit long", good + "0"},
		{"one byte long", good + "00"},
		{"upper case", strings.ToUpper(good)},
		{"one upper-case digit", strings.Replace(good, "a", "A", 1)},
		{"no digit", strings.Replace(good, "a", "g", 1)},
		{"blank before", " " + good[1:]},
		{"prefix", "0x" + good[2:]},
		{"two-byte rune", strings.Replace(good, "ab", "é", 1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if id, err := ledger.ParseID[ledger.BoxID](tt.text); err == nil || !id.IsZero() {
				t.Errorf("got %s, %v, want the zero ID and an error", id, err)
			}
		})
	}
}

func TestID_UnmarshalText(t *testing.T) {
	id := ledger.NewShipmentID()
	b, err := json.Marshal(map[string]ledger.ShipmentID{"id": id})
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]ledger.ShipmentID
	if err := json.Unmarshal(b, &back); err != nil || back["id"] != id {
		t.Errorf("got %s, %v, want %s", back["id"], err, id)
	}
	// An identifier that can't be read must not half overwrite the one that was there.
	kept := id
	if err := kept.UnmarshalText([]byte(strings.Repeat("f", 31) + "g")); err == nil || kept != id {
		t.Errorf("got %s, %v, want %s and an error", kept, err, id)
	}
}

func TestNewID(t *testing.T) {
	a, b := ledger.NewActID(), ledger.NewActID()
	if a == b || a.IsZero() || b.IsZero() {
		t.Errorf("got %s and %s, want two different identifiers", a, b)
	}
}

func TestBoxIDOf(t *testing.T) {
	a, b := ledger.BoxIDOf(public(key("a"))), ledger.BoxIDOf(public(key("b")))
	if a == b || a.IsZero() {
		t.Errorf("got %s and %s, want two different identifiers", a, b)
	}
	// Computed with: (printf 'isotherm/box-key/v1\n'; head -c 32 /dev/zero) | sha256sum
	if got, want := ledger.BoxIDOf(make([]byte, 32)).String(), "660b59aad61e84b810ed22155d81ad57"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
