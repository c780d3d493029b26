// Package custody is the pure state machine of an organ's journey: what people state and sign, and what follows from it.
//
// Software never holds up an organ: acts may come late and in any order. Fold refuses nothing that is signed by someone
// who may act; it flags contradictions and shows what is missing. The package computes only: no disk, no clock.
package custody

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/profile"
)

// Kind tells what an act states. Numbers are append only.
type Kind uint8

// The kinds of act.
const (
	Open         Kind = 1  // a shipment begins
	StandDown    Kind = 2  // it will not travel
	Pack         Kind = 3  // the organ is in the box
	Release      Kind = 4  // a custodian offers the box to another: the handoff statement
	Accept       Kind = 5  // the other takes it; its parent is the release
	Receive      Kind = 6  // the box is at the transplant center
	ArrivalCheck Kind = 7  // is it the expected organ?
	Outcome      Kind = 8  // what became of it
	Close        Kind = 9  // nothing more is expected
	Correction   Kind = 10 // an earlier act said something wrong
)

var kindNames = [...]string{Open: "open", StandDown: "stand-down", Pack: "pack", Release: "release", Accept: "accept",
	Receive: "receive", ArrivalCheck: "arrival-check", Outcome: "outcome", Close: "close", Correction: "correction"}

func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("unknown(%d)", uint8(k))
}

// Limits of an act.
const (
	MaxSize       = 12 << 10 // fits into a record of a box and into an entry
	MaxStatement  = 8 << 10
	maxSignatures = 4
	maxText       = 200
	maxHead       = 1 << 10
)

// Party is who acts: a person, a desk or an organisation, and for whom.
type Party struct {
	Person       ledger.PersonID
	Organisation string
}

// Statement is what is signed. Fields that a kind does not use are zero.
type Statement struct {
	Ledger      string // origin of the ledger it is meant for
	ID          ledger.ActID
	Kind        Kind
	Shipment    ledger.ShipmentID
	Parent      [32]byte // hash of the act it follows; zero only for Open
	EventTimeMS int64    // when it happened, Unix milliseconds
	By          Party
	To          Party  // Release: the accepter
	Head        []byte // newest signed head of the box that the signer saw: Pack, Release, Accept, Receive
	Box         ledger.BoxID

	Organ      Organ // Open, Pack, ArrivalCheck
	Side       Side
	From, Dest string   // Open: donor hospital, transplant center
	Donor      [32]byte // Open, ArrivalCheck: keyed commitment to the donor ID
	Profile    []byte   // Pack: canonical bytes of the profile, pinned by their hash
	ColdMS     int64    // Pack: start of cold preservation, Unix milliseconds
	Place      string   // Release, Accept, Receive
	Condition  string   // container condition, HL7 table 0544 code; empty when nothing was found
	Seal       string
	ValidMS    int64       // Release: an offer not accepted by then alarms
	Arrival    ArrivalCode // ArrivalCheck
	Result     OutcomeCode // Outcome
	Corrects   [32]byte    // Correction: hash of the act that said something wrong
	Reason     string      // coded or short reason; never a patient's words
}

// Role is the part a signer plays in an act. Numbers are append only.
type Role uint8

// The roles of signers.
const (
	RoleActor  Role = 1 // who states it
	RoleSecond Role = 2 // who checked the label with the actor (42 CFR 486.346: two individuals)
)

func (r Role) String() string {
	switch r {
	case RoleActor:
		return "actor"
	case RoleSecond:
		return "second person"
	}
	return fmt.Sprintf("unknown(%d)", uint8(r))
}

// ActSignature is one person's signature of a statement.
type ActSignature struct {
	Role       Role
	Person     ledger.PersonID
	SignedAtMS int64
	Head       []byte // newest head of the box that this signer saw; may be empty
	Signature  ledger.Signature
}

// Act is a statement with its signatures, as it travels: to the ledger, or to the box and from there.
type Act struct {
	StatementBytes []byte // canonical; what Hash covers
	Statement      Statement
	Signatures     []ActSignature
}

// signatureKind separates these signatures from all others, see ledger.Sign.
const signatureKind = "act"

func signedBody(origin string, hash [32]byte, s *ActSignature) []byte {
	b := cbor.AppendText(cbor.AppendArray(nil, 6), origin)
	b = cbor.AppendBytes(b, hash[:])
	b = cbor.AppendUint(b, uint64(s.Role))
	b = cbor.AppendBytes(b, s.Person[:])
	b = cbor.AppendInt(b, s.SignedAtMS)
	return cbor.AppendBytes(b, s.Head)
}

// NewAct returns the act of a statement, without signatures.
func NewAct(s Statement) (*Act, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return &Act{StatementBytes: s.marshal(), Statement: s}, nil
}

// Hash names the act: SHA-256("isotherm/statement/v1\n" || statement). Later acts cite it as their parent.
func (a *Act) Hash() [32]byte {
	return sha256.Sum256(append([]byte("isotherm/statement/v1\n"), a.StatementBytes...))
}

// Sign adds a signature. head is the newest head of the box that the signer saw, or nil.
func (a *Act) Sign(key ed25519.PrivateKey, person ledger.PersonID, role Role, signedAtMS int64, head []byte) {
	s := ActSignature{Role: role, Person: person, SignedAtMS: signedAtMS, Head: head}
	s.Signature = ledger.Sign(key, signatureKind, signedBody(a.Statement.Ledger, a.Hash(), &s))
	a.Signatures = append(a.Signatures, s)
}

// Actor returns the signature of who states it, or nil.
func (a *Act) Actor() *ActSignature {
	for i := range a.Signatures {
		if a.Signatures[i].Role == RoleActor {
			return &a.Signatures[i]
		}
	}
	return nil
}

// CheckSignatures checks that every signature is good, made with the key that keyOf knows for the person, and that the
// actor is among them. keyOf returns nil for an unknown person.
func (a *Act) CheckSignatures(keyOf func(ledger.PersonID) ed25519.PublicKey) error {
	hash := a.Hash()
	for i := range a.Signatures {
		s := &a.Signatures[i]
		key := keyOf(s.Person)
		if key == nil {
			return fmt.Errorf("act %s: person %s is not known", a.Statement.ID, s.Person)
		}
		if !bytes.Equal(key, s.Signature.Key) {
			return fmt.Errorf("act %s: signature of person %s is by another key", a.Statement.ID, s.Person)
		}
		if err := s.Signature.Verify(signatureKind, signedBody(a.Statement.Ledger, hash, s)); err != nil {
			return fmt.Errorf("act %s: signature of person %s: %w", a.Statement.ID, s.Person, err)
		}
	}
	if actor := a.Actor(); actor == nil || actor.Person != a.Statement.By.Person {
		return fmt.Errorf("act %s: not signed by the person who states it", a.Statement.ID)
	}
	return nil
}

// Marshal returns the canonical bytes: [statement, [[role, person, signed at, head, signature], ...]].
func (a *Act) Marshal() []byte {
	b := cbor.AppendBytes(cbor.AppendArray(nil, 2), a.StatementBytes)
	b = cbor.AppendArray(b, len(a.Signatures))
	for _, s := range a.Signatures {
		b = cbor.AppendUint(cbor.AppendArray(b, 5), uint64(s.Role))
		b = cbor.AppendBytes(b, s.Person[:])
		b = cbor.AppendInt(b, s.SignedAtMS)
		b = cbor.AppendBytes(b, s.Head)
		b = s.Signature.Append(b)
	}
	return b
}

// ParseAct reads what Marshal writes, and nothing else.
func ParseAct(b []byte) (*Act, error) {
	if len(b) > MaxSize {
		return nil, fmt.Errorf("act of %d bytes, at most %d are allowed", len(b), MaxSize)
	}
	d := cbor.NewDecoder(b)
	d.ArrayOf(2)
	a := &Act{StatementBytes: d.Bytes(MaxStatement)}
	for range d.Array(maxSignatures) {
		d.ArrayOf(5)
		s := ActSignature{Role: Role(d.UintMax(255))}
		d.Fixed(s.Person[:])
		s.SignedAtMS = d.Int()
		s.Head = d.Bytes(maxHead)
		s.Signature = ledger.ReadSignature(d)
		a.Signatures = append(a.Signatures, s)
	}
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("read act: %w", err)
	}
	s, err := parseStatement(a.StatementBytes)
	if err != nil {
		return nil, err
	}
	a.Statement = *s
	if !bytes.Equal(a.Marshal(), b) {
		return nil, errors.New("read act: not in canonical form")
	}
	return a, nil
}

// PinnedProfile returns the profile of a Pack act.
func (s *Statement) PinnedProfile() (*profile.Profile, error) { return profile.Parse(s.Profile) }
