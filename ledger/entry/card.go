package entry

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"regexp"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/profile"
)

// CardReason says why a version of a person's card was issued. Numbers are append only.
type CardReason uint8

// The reasons. They decide what becomes of the key that a card replaces: acts signed with a lost or rotated one still count
// when they come late, those signed with a stolen one are refused.
const (
	CardEnrolled   CardReason = 1
	CardKeyLost    CardReason = 2
	CardKeyStolen  CardReason = 3
	CardKeyRotated CardReason = 4
	CardRole       CardReason = 5 // another role or organisation
	CardName       CardReason = 6
	CardEnded      CardReason = 7 // the person acts no more
)

var cardReasons = names{CardEnrolled: "enrolled", CardKeyLost: "key-lost", CardKeyStolen: "key-stolen", CardKeyRotated: "key-rotated",
	CardRole: "role", CardName: "name", CardEnded: "ended"}

func (r CardReason) String() string { return cardReasons.name(uint8(r)) }

// PersonCard is the payload of KindPersonEnrolled (version 1) and KindPersonChanged: who a person is from that entry on.
// Names stand here and nowhere else in the ledger. A card is signed by an administrator, so that no node can put a key of
// its own under somebody's name; ledger/access says whose signature counts.
type PersonCard struct {
	Ledger       string // origin of the ledger it is for
	Person       ledger.PersonID
	Version      uint32 // from 1
	Name         string
	Organisation string // its code
	Role         Role
	Key          ed25519.PublicKey // signs the person's acts
	Why          CardReason
	IssuedMS     int64           // Unix milliseconds, by the issuer's clock
	By           ledger.PersonID // the administrator who signed it; zero for the operator
	Signature    ledger.Signature
}

const personCardKind = "person-card"

func (c *PersonCard) body() []byte {
	b := cbor.AppendText(cbor.AppendArray(nil, 10), c.Ledger)
	b = cbor.AppendBytes(b, c.Person[:])
	b = cbor.AppendUint(b, uint64(c.Version))
	b = cbor.AppendText(b, c.Name)
	b = cbor.AppendText(b, c.Organisation)
	b = cbor.AppendUint(b, uint64(c.Role))
	b = cbor.AppendBytes(b, c.Key)
	b = cbor.AppendUint(b, uint64(c.Why))
	b = cbor.AppendInt(b, c.IssuedMS)
	return cbor.AppendBytes(b, c.By[:])
}

// Sign signs the card, as the administrator By or as the operator.
func (c *PersonCard) Sign(key ed25519.PrivateKey) {
	c.Signature = ledger.Sign(key, personCardKind, c.body())
}

// Verify checks that the key in the signature made it over this card. Whether that key may is for ledger/access to say.
func (c *PersonCard) Verify() error { return c.Signature.Verify(personCardKind, c.body()) }

// Marshal returns the canonical bytes: [body, signature].
func (c *PersonCard) Marshal() []byte { return signed(c.body(), c.Signature) }

// ParsePersonCard reads what Marshal writes. It checks the form only, see Verify.
func ParsePersonCard(b []byte) (*PersonCard, error) {
	outer, d, sig := openSigned(b)
	c := &PersonCard{Key: make([]byte, ed25519.PublicKeySize), Signature: sig}
	d.ArrayOf(10)
	c.Ledger = d.Text(maxText)
	d.Fixed(c.Person[:])
	c.Version = uint32(d.UintMax(1<<32 - 1))
	c.Name = d.Text(maxText)
	c.Organisation = d.Text(maxText)
	c.Role = Role(d.UintMax(255))
	d.Fixed(c.Key)
	c.Why = CardReason(d.UintMax(255))
	c.IssuedMS = d.Int()
	d.Fixed(c.By[:])
	return c, finishSigned("person's card", outer, d, c.Marshal, b)
}

// signed writes [body, signature].
func signed(body []byte, s ledger.Signature) []byte {
	return s.Append(cbor.AppendBytes(cbor.AppendArray(nil, 2), body))
}

// openSigned reads the outside of what signed writes, and returns a decoder of the body.
func openSigned(b []byte) (outer, body *cbor.Decoder, s ledger.Signature) {
	outer = cbor.NewDecoder(b)
	outer.ArrayOf(2)
	body = cbor.NewDecoder(outer.Bytes(MaxPayload))
	return outer, body, ledger.ReadSignature(outer)
}

func finishSigned(what string, outer, body *cbor.Decoder, again func() []byte, b []byte) error {
	if err := body.Done(); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return finish(what, outer, again(), b)
}

// OrganisationKind is what an organisation does. Numbers are append only.
type OrganisationKind uint8

// The kinds of organisation.
const (
	OrganisationOPO      OrganisationKind = 1
	OrganisationCenter   OrganisationKind = 2
	OrganisationCarrier  OrganisationKind = 3
	OrganisationHospital OrganisationKind = 4
	OrganisationOther    OrganisationKind = 5
)

var organisationKinds = names{OrganisationOPO: "opo", OrganisationCenter: "center", OrganisationCarrier: "carrier", OrganisationHospital: "hospital", OrganisationOther: "other"}

func (k OrganisationKind) String() string { return organisationKinds.name(uint8(k)) }

// ParseOrganisationKind reads the name of a kind.
func ParseOrganisationKind(name string) (OrganisationKind, error) {
	n, err := organisationKinds.parse("kind of organisation", name)
	return OrganisationKind(n), err
}

// maxCode is the length of an organisation's code.
const maxCode = 60

var codeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]*$`)

// ValidCode tells whether a text can be an organisation's code: 1 to 60 letters, digits, spaces and . _ - of ASCII, the
// first a letter or digit.
func ValidCode(code string) bool { return len(code) <= maxCode && codeForm.MatchString(code) }

// OrganisationCard is the payload of KindOrganisation: what the code of an organisation stands for, and whom to call.
type OrganisationCard struct {
	Ledger    string
	Code      string
	Version   uint32 // from 1
	Name      string
	Kind      OrganisationKind
	Phone     string // answered day and night
	IssuedMS  int64
	By        ledger.PersonID
	Signature ledger.Signature
}

const organisationCardKind = "organisation-card"

func (c *OrganisationCard) body() []byte {
	b := cbor.AppendText(cbor.AppendArray(nil, 8), c.Ledger)
	b = cbor.AppendText(b, c.Code)
	b = cbor.AppendUint(b, uint64(c.Version))
	b = cbor.AppendText(b, c.Name)
	b = cbor.AppendUint(b, uint64(c.Kind))
	b = cbor.AppendText(b, c.Phone)
	b = cbor.AppendInt(b, c.IssuedMS)
	return cbor.AppendBytes(b, c.By[:])
}

// Sign signs the card as the administrator By.
func (c *OrganisationCard) Sign(key ed25519.PrivateKey) {
	c.Signature = ledger.Sign(key, organisationCardKind, c.body())
}

// Verify checks that the key in the signature made it over this card.
func (c *OrganisationCard) Verify() error { return c.Signature.Verify(organisationCardKind, c.body()) }

// Marshal returns the canonical bytes: [body, signature].
func (c *OrganisationCard) Marshal() []byte { return signed(c.body(), c.Signature) }

// ParseOrganisationCard reads what Marshal writes. It checks the form only, see Verify.
func ParseOrganisationCard(b []byte) (*OrganisationCard, error) {
	outer, d, sig := openSigned(b)
	c := &OrganisationCard{Signature: sig}
	d.ArrayOf(8)
	c.Ledger = d.Text(maxText)
	c.Code = d.Text(maxCode)
	c.Version = uint32(d.UintMax(1<<32 - 1))
	c.Name = d.Text(maxText)
	c.Kind = OrganisationKind(d.UintMax(255))
	c.Phone = d.Text(maxText)
	c.IssuedMS = d.Int()
	d.Fixed(c.By[:])
	if err := finishSigned("organisation's card", outer, d, c.Marshal, b); err != nil {
		return nil, err
	}
	if !ValidCode(c.Code) {
		return nil, errors.New("read organisation's card: its code is not one")
	}
	return c, nil
}

// ProfilePublished is the payload of KindProfile: a program's profile, signed by one of its people.
type ProfilePublished struct {
	Ledger    string
	Profile   []byte // canonical bytes, see profile.Parse
	IssuedMS  int64
	By        ledger.PersonID
	Signature ledger.Signature
}

const profileKind = "profile"

func (p *ProfilePublished) body() []byte {
	b := cbor.AppendText(cbor.AppendArray(nil, 4), p.Ledger)
	b = cbor.AppendBytes(b, p.Profile)
	b = cbor.AppendInt(b, p.IssuedMS)
	return cbor.AppendBytes(b, p.By[:])
}

// Sign signs the profile as By.
func (p *ProfilePublished) Sign(key ed25519.PrivateKey) {
	p.Signature = ledger.Sign(key, profileKind, p.body())
}

// Verify checks that the key in the signature made it over this profile.
func (p *ProfilePublished) Verify() error { return p.Signature.Verify(profileKind, p.body()) }

// Marshal returns the canonical bytes: [body, signature].
func (p *ProfilePublished) Marshal() []byte { return signed(p.body(), p.Signature) }

// ParseProfilePublished reads what Marshal writes. It checks the form only: neither the signature, see Verify, nor the
// profile, see profile.Parse.
func ParseProfilePublished(b []byte) (*ProfilePublished, error) {
	outer, d, sig := openSigned(b)
	p := &ProfilePublished{Signature: sig}
	d.ArrayOf(4)
	p.Ledger = d.Text(maxText)
	p.Profile = d.Bytes(profile.MaxSize)
	p.IssuedMS = d.Int()
	d.Fixed(p.By[:])
	return p, finishSigned("published profile", outer, d, p.Marshal, b)
}
