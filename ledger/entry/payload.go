package entry

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/merkle"
)

const maxText = 200

// finish ends the reading of a payload: no trailing bytes, and writing it again gives the same.
func finish(what string, d *cbor.Decoder, again, b []byte) error {
	if err := d.Done(); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	if !bytes.Equal(again, b) {
		return fmt.Errorf("read %s: not in canonical form", what)
	}
	return nil
}

// BoxEnrolled is the payload of KindBoxEnrolled: the box's key is accepted from here on, and its journal's head pinned.
type BoxEnrolled struct {
	Key   ed25519.PublicKey
	Label string // what is written on the box
	By    ledger.PersonID
	Head  []byte // signed head of the box's journal at enrolment; proves that the box holds the key
}

// Marshal returns the canonical bytes.
func (p *BoxEnrolled) Marshal() []byte {
	b := cbor.AppendBytes(cbor.AppendArray(nil, 4), p.Key)
	b = cbor.AppendText(b, p.Label)
	b = cbor.AppendBytes(b, p.By[:])
	return cbor.AppendBytes(b, p.Head)
}

// ParseBoxEnrolled reads what Marshal writes.
func ParseBoxEnrolled(b []byte) (*BoxEnrolled, error) {
	d := cbor.NewDecoder(b)
	var p BoxEnrolled
	d.ArrayOf(4)
	p.Key = make([]byte, ed25519.PublicKeySize)
	d.Fixed(p.Key)
	p.Label = d.Text(maxText)
	d.Fixed(p.By[:])
	p.Head = d.Bytes(merkle.MaxNote)
	return &p, finish("box enrolment", d, p.Marshal(), b)
}

// Role is what a person may do. Numbers are append only.
type Role uint8

// The roles.
const (
	RoleAdmin       Role = 1
	RoleCoordinator Role = 2
	RoleCourier     Role = 3
	RoleCenter      Role = 4
	RoleAuditor     Role = 5
)

var roleNames = names{RoleAdmin: "admin", RoleCoordinator: "coordinator", RoleCourier: "courier", RoleCenter: "center", RoleAuditor: "auditor"}

func (r Role) String() string { return roleNames.name(uint8(r)) }

// ParseRole reads the name of a role.
func ParseRole(name string) (Role, error) {
	n, err := roleNames.parse("role", name)
	return Role(n), err
}

// Advance is the payload of KindJournalOpened and KindJournalAdvance: the ledger now holds the journal from From up to
// To, and the box signed that head.
type Advance struct {
	Origin string
	From   int64
	To     int64
	Root   tlog.Hash // at To
	Head   []byte    // the signed head
}

// Marshal returns the canonical bytes.
func (p *Advance) Marshal() []byte {
	b := cbor.AppendText(cbor.AppendArray(nil, 5), p.Origin)
	b = cbor.AppendUint(b, uint64(p.From))
	b = cbor.AppendUint(b, uint64(p.To))
	b = cbor.AppendBytes(b, p.Root[:])
	return cbor.AppendBytes(b, p.Head)
}

// ParseAdvance reads what Marshal writes.
func ParseAdvance(b []byte) (*Advance, error) {
	d := cbor.NewDecoder(b)
	var p Advance
	d.ArrayOf(5)
	p.Origin = d.Text(maxText)
	p.From = int64(d.UintMax(1<<62 - 1))
	p.To = int64(d.UintMax(1<<62 - 1))
	d.Fixed(p.Root[:])
	p.Head = d.Bytes(merkle.MaxNote)
	if err := finish("journal advance", d, p.Marshal(), b); err != nil {
		return nil, err
	}
	if p.From >= p.To {
		return nil, errors.New("read journal advance: it ends before it begins")
	}
	return &p, nil
}

// Access is the payload of KindExport and KindCaseRead: who took or saw what, and why.
type Access struct {
	By     ledger.PersonID
	Reason string
}

// Marshal returns the canonical bytes.
func (p *Access) Marshal() []byte {
	return cbor.AppendText(cbor.AppendBytes(cbor.AppendArray(nil, 2), p.By[:]), p.Reason)
}

// ParseAccess reads what Marshal writes.
func ParseAccess(b []byte) (*Access, error) {
	d := cbor.NewDecoder(b)
	var p Access
	d.ArrayOf(2)
	d.Fixed(p.By[:])
	p.Reason = d.Text(maxText)
	return &p, finish("export or read", d, p.Marshal(), b)
}
