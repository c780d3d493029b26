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
	"slices"

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
	Correction   Kind = 10 // an earlier act said something wrong; its fields hold what is right
	Move         Kind = 11 // another box, another tracker, or none
	Ruling       Kind = 12 // two people pick the claim that stands: Cites names it
	Waypoint     Kind = 13 // a planned leg was begun or ended
	AdverseEvent Kind = 14 // report of a serious adverse event
	Preserve     Kind = 15 // cold, perfused or out of cold from the event time on
	OpenBox      Kind = 16 // the box was opened at its destination: readings count no longer
)

var kindNames = [...]string{Open: "open", StandDown: "stand-down", Pack: "pack", Release: "release", Accept: "accept",
	Receive: "receive", ArrivalCheck: "arrival-check", Outcome: "outcome", Close: "close", Correction: "correction", Move: "move", Ruling: "ruling",
	Waypoint: "waypoint", AdverseEvent: "adverse-event", Preserve: "preserve", OpenBox: "open-box"}

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

// Claims tells whether an act of the kind claims custody or the life of the shipment. Claims follow one another: two
// with the same parent compete. The other kinds are notes: they state a fact, follow any act that is known, and never
// compete.
func (k Kind) Claims() bool {
	switch k {
	case Open, StandDown, Pack, Release, Accept, Receive, Close, Move:
		return true
	}
	return false
}

// Party is who acts or holds the box: a person, a desk or an organisation. Person is zero for the last two, Desk is empty
// for all but a desk. Organisation is the code under which the organisation is known, or its name when it has no account.
type Party struct {
	Person       ledger.PersonID
	Organisation string
	Desk         string
}

// IsZero tells whether nobody is named.
func (p Party) IsZero() bool { return p == Party{} }

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

	Organ        Organ // Open, Pack, ArrivalCheck
	Side         Side
	ABO          ABO      // Pack, ArrivalCheck: as on the label
	From, Dest   string   // Open: codes of donor hospital's OPO or hospital, and transplant center; Outcome: Dest when redirected
	FromPhone    string   // Open: numbers to call at both ends, day and night
	DestPhone    string   //
	Donor        [32]byte // Open, ArrivalCheck: keyed commitment to the donor ID
	Legs         []Leg    // Open, Waypoint: the planned way; a later plan replaces an earlier one
	Profile      []byte   // Pack: canonical bytes of the profile, pinned by their hash
	ColdMS       int64    // Pack: start of cold preservation (cross-clamp or flush), Unix milliseconds
	Space        string   // Pack, Move: space of a box with several, as its probes name it
	Packaging    Packaging
	LabelCheck   LabelCheck // Pack
	Place        string     // Release, Accept, Receive
	Position     *Position  // of the signer's device, if it knows
	Condition    string     // container condition: HL7 table 0544 codes, separated by a space; empty when nothing was found
	Seal         string
	ValidMS      int64        // Release: an offer not accepted by then alarms
	Evidence     Evidence     // Release: OneSide; Accept: CarriersPhone or OneSide; zero otherwise
	Arrival      ArrivalCode  // ArrivalCheck
	Result       OutcomeCode  // Outcome
	Cites        [32]byte     // Correction: hash of the act that said something wrong; Ruling: of the claim that stands
	SaysTimeMS   int64        // Correction: the right event time
	Segment      SegmentCode  // Move
	NewBox       ledger.BoxID // Move: where the organ is now; zero for NoTracker
	NewHead      []byte       // Move: newest signed head of NewBox
	Leg          uint8        // Waypoint: number of the planned leg, from 1
	LegState     LegCode      // Waypoint
	Preservation Preservation // Preserve
	Reason       Reason       // coded: see ReasonsFor
	Reference    string       // what others call it: air waybill, number of a report or check, a second person's staff number
	Zone         *int32       // minutes east of UTC in which people typed the times; nil when a device told them
	TimeErrorMS  int64        // how far EventTimeMS and ColdMS may be off, either way
}

// Position is a place in 1e-7 degrees (WGS 84).
type Position struct{ LatE7, LonE7 int32 }

// Leg is one planned part of the way, with a circle around its end.
type Leg struct {
	From, To string
	Mode     Mode
	DepartMS int64 // planned, Unix milliseconds; zero when not known
	ArriveMS int64
	Start    Position // center of the circle around From
	End      Position // and around To
	RadiusM  uint32   // of both circles, metres
}

// maxLegs bounds the planned legs: a sixteenth would be an odyssey.
const maxLegs = 16

// Role is the part a signer plays in an act. Numbers are append only.
type Role uint8

// The roles of signers.
const (
	RoleActor  Role = 1 // who states it
	RoleSecond Role = 2 // who checked the label or rules together with the actor
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

// Heads returns the heads of boxes that the act and its signers cite, those that are not empty.
func (a *Act) Heads() [][]byte {
	heads := [][]byte{a.Statement.Head, a.Statement.NewHead}
	for i := range a.Signatures {
		heads = append(heads, a.Signatures[i].Head)
	}
	return slices.DeleteFunc(heads, func(h []byte) bool { return len(h) == 0 })
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
		if s.SignedAtMS = d.Int(); s.SignedAtMS < 0 || s.SignedAtMS > maxTimeMS {
			d.Fail(cbor.ErrRange)
		}
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
