package ledger_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
)

// key returns a key that is the same in every run.
func key(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func TestSign(t *testing.T) {
	body := []byte("origin and more")
	s := ledger.Sign(key("a"), "act", body)
	if err := s.Verify("act", body); err != nil {
		t.Fatal(err)
	}
	// What is signed is part of the format: others must be able to check it without this package.
	if !ed25519.Verify(public(key("a")), append([]byte("isotherm/act/v1\n"), body...), s.Sig) {
		t.Error("signature is not over \"isotherm/act/v1\\n\" || body")
	}
}

func TestSignature_Verify_refuses(t *testing.T) {
	body := []byte("origin and more")
	flip := func(b []byte) []byte {
		b = bytes.Clone(b)
		b[3] ^= 1
		return b
	}
	tests := []struct {
		name  string
		kind  string
		body  []byte
		edit  func(s *ledger.Signature)
		isBad bool // the error must be ErrBadSignature, not one about its form
	}{
		{"other kind", "genesis", body, nil, true},
		{"kind of which this is the beginning", "acts", body, nil, true},
		// The domain ends with a newline, so that no body can pretend to be the end of a kind.
		{"kind that swallows the body", "act/v1\norigin and more", nil, nil, true},
		{"other body", "act", []byte("origin and less"), nil, true},
		{"longer body", "act", append(bytes.Clone(body), 0), nil, true},
		{"no body", "act", nil, nil, true},
		{"other key", "act", body, func(s *ledger.Signature) { s.Key = public(key("b")) }, true},
		{"changed signature", "act", body, func(s *ledger.Signature) { s.Sig = flip(s.Sig) }, true},
		{"changed key", "act", body, func(s *ledger.Signature) { s.Key = flip(s.Key) }, true},
		{"no type", "act", body, func(s *ledger.Signature) { s.Type = 0 }, false},
		{"unknown type", "act", body, func(s *ledger.Signature) { s.Type = 2 }, false},
		{"no key", "act", body, func(s *ledger.Signature) { s.Key = nil }, false},
		{"short key", "act", body, func(s *ledger.Signature) { s.Key = s.Key[:31] }, false},
		{"long key", "act", body, func(s *ledger.Signature) { s.Key = append(bytes.Clone(s.Key), 0) }, false},
		{"no signature", "act", body, func(s *ledger.Signature) { s.Sig = nil }, false},
		{"short signature", "act", body, func(s *ledger.Signature) { s.Sig = s.Sig[:63] }, false},
		{"long signature", "act", body, func(s *ledger.Signature) { s.Sig = append(bytes.Clone(s.Sig), 0) }, false},
		{"envelope", "act", body, func(s *ledger.Signature) { s.Envelope = []byte{1} }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := ledger.Sign(key("a"), "act", body)
			if tt.edit != nil {
				tt.edit(&s)
			}
			err := s.Verify(tt.kind, tt.body)
			if err == nil {
				t.Fatal("verified")
			}
			if got := errors.Is(err, ledger.ErrBadSignature); got != tt.isBad {
				t.Errorf("got %v, want ErrBadSignature: %t", err, tt.isBad)
			}
		})
	}
}

func TestReadSignature(t *testing.T) {
	plain := ledger.Sign(key("a"), "act", []byte("x"))
	wrapped := plain
	wrapped.Type, wrapped.Envelope = 7, []byte("what an authenticator signed")
	for name, s := range map[string]ledger.Signature{"plain": plain, "with an envelope": wrapped} {
		t.Run(name, func(t *testing.T) {
			b := s.Append(nil)
			d := cbor.NewDecoder(b)
			back := ledger.ReadSignature(d)
			if err := d.Done(); err != nil {
				t.Fatal(err)
			}
			if got := back.Append(nil); !bytes.Equal(got, b) {
				t.Errorf("got %x, want %x", got, b)
			}
			for n := range b {
				d := cbor.NewDecoder(b[:n])
				ledger.ReadSignature(d)
				if !errors.Is(d.Done(), cbor.ErrTruncated) {
					t.Errorf("first %d bytes: got %v, want ErrTruncated", n, d.Err())
				}
			}
		})
	}
	t.Run("envelope too long", func(t *testing.T) {
		long := plain
		long.Envelope = make([]byte, 2049)
		d := cbor.NewDecoder(long.Append(nil))
		ledger.ReadSignature(d)
		if !errors.Is(d.Done(), cbor.ErrRange) {
			t.Errorf("got %v, want ErrRange", d.Err())
		}
	})
}
