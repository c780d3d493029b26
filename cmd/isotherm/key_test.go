package main

import (
	"crypto/ed25519"
	"encoding/hex"
	"strings"
	"testing"
)

func TestParseKey(t *testing.T) {
	want := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	digits := hex.EncodeToString(want)
	for name, text := range map[string]string{"of the command": keyText(want), "of a browser": digits, "in groups": digits[:8] + " " + digits[8:]} {
		if got, err := parseKey(text); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %x, %v", name, got, err)
		}
	}
	for name, text := range map[string]string{"empty": "", "short": digits[:62], "long": digits + "00", "no key": strings.Repeat("?", 44)} {
		if got, err := parseKey(text); err == nil {
			t.Errorf("%s: got %x, want an error", name, got)
		}
	}
}
