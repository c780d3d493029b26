package contract

import (
	"encoding/hex"
	"fmt"
)

// Hash is a SHA-256 value whose JSON form is 64 lower-case hexadecimal digits: the hash of an act, a root, a commitment.
type Hash [32]byte

// String returns the JSON form.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero tells whether no hash is there.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText returns the JSON form.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText accepts 64 hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error {
	var v Hash
	if len(text) != 2*len(v) {
		return fmt.Errorf("hash %.80q: want %d hexadecimal digits", text, 2*len(v))
	}
	if _, err := hex.Decode(v[:], text); err != nil {
		return fmt.Errorf("hash %.80q: %w", text, err)
	}
	*h = v
	return nil
}
