package node

import (
	"testing"
	"time"

	"isotherm/ledger/access"
	"isotherm/ledger/entry"
)

func BenchmarkHasher_check(b *testing.B) {
	var h hasher
	h.init()
	for b.Loop() {
		if _, _, err := h.check(b.Context(), goodPassword, h.decoy); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNode_Authenticate(b *testing.B) {
	f := newFixture(b)
	nurse := f.enrol("Nurse", entry.RoleCenter)
	info, err := f.CreateToken(b.Context(), as(nurse), TokenRequest{Label: "bridge", Scopes: access.ScopeRead, TTL: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := f.Authenticate(b.Context(), info.Secret); err != nil {
			b.Fatal(err)
		}
	}
}
