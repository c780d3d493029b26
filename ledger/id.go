package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// IDSize is the length of every identifier in bytes. 128 random bits do not collide.
const IDSize = 16

// ID is a 128-bit identifier of one kind of thing. K only tells the kinds apart for the compiler, so that a shipment's
// identifier can't be passed where a box's is wanted. The zero ID names nothing.
type ID[K any] [IDSize]byte

type (
	boxKind         struct{}
	incarnationKind struct{}
	shipmentKind    struct{}
	personKind      struct{}
	actKind         struct{}
)

type (
	// BoxID is the fingerprint of a box's journal key, see BoxIDOf.
	BoxID = ID[boxKind]
	// IncarnationID is the random name of one opening of a box's journal.
	IncarnationID = ID[incarnationKind]
	// ShipmentID is the random name of one organ's journey.
	ShipmentID = ID[shipmentKind]
	// PersonID is the random name of a person, a desk or an organisation that can hold custody.
	PersonID = ID[personKind]
	// ActID is the random name of one custody act; a repeat of the act is recognised by it.
	ActID = ID[actKind]
)

// NewID returns a random identifier.
func NewID[K any]() ID[K] {
	var id ID[K]
	rand.Read(id[:]) // never fails: crypto/rand aborts the process instead
	return id
}

// NewIncarnationID returns a random identifier of an opening of a journal.
func NewIncarnationID() IncarnationID { return NewID[incarnationKind]() }

// NewShipmentID returns a random identifier of a shipment.
func NewShipmentID() ShipmentID { return NewID[shipmentKind]() }

// NewPersonID returns a random identifier of a person.
func NewPersonID() PersonID { return NewID[personKind]() }

// NewActID returns a random identifier of a custody act.
func NewActID() ActID { return NewID[actKind]() }

// BoxIDOf returns the identifier of the box that signs its journal with the key: the first 16 bytes of
// SHA-256("isotherm/box-key/v1\n" || public key).
func BoxIDOf(key ed25519.PublicKey) BoxID {
	sum := sha256.Sum256(append([]byte("isotherm/box-key/v1\n"), key...))
	return BoxID(sum[:IDSize])
}

// String returns the identifier as 32 lower-case hexadecimal digits.
func (id ID[K]) String() string { return hex.EncodeToString(id[:]) }

// IsZero tells whether the identifier names nothing.
func (id ID[K]) IsZero() bool { return id == ID[K]{} }

// MarshalText is the JSON form: 32 hexadecimal digits.
func (id ID[K]) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText accepts only what MarshalText writes.
func (id *ID[K]) UnmarshalText(text []byte) error {
	var v ID[K]
	if len(text) != 2*IDSize {
		return fmt.Errorf("identifier %.40q: want %d hexadecimal digits", text, 2*IDSize)
	}
	if _, err := hex.Decode(v[:], text); err != nil {
		return fmt.Errorf("identifier %q: %w", text, err)
	}
	if v.String() != string(text) {
		return fmt.Errorf("identifier %q: want lower-case digits", text)
	}
	*id = v
	return nil
}

// ParseID reads what String writes.
func ParseID[T ID[K], K any](text string) (ID[K], error) {
	var id ID[K]
	err := id.UnmarshalText([]byte(text))
	return id, err
}
