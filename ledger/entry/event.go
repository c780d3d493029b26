package entry

import (
	"isotherm/ledger"
	"isotherm/ledger/cbor"
)

// AccountStep is what happened to a person's account. Numbers are append only.
type AccountStep uint8

// The steps.
const (
	AccountSignedIn  AccountStep = 1
	AccountSignedOut AccountStep = 2
	AccountFailed    AccountStep = 3 // somebody gave the login with a wrong password, Count times in an hour at least
	AccountPassword  AccountStep = 4 // a password was set; sessions before it ended
	AccountToken     AccountStep = 5 // a token was made
	AccountRevoked   AccountStep = 6 // a token was revoked
)

var accountSteps = names{AccountSignedIn: "signed in", AccountSignedOut: "signed out", AccountFailed: "sign-in failed", AccountPassword: "password set",
	AccountToken: "token made", AccountRevoked: "token revoked"}

func (s AccountStep) String() string { return accountSteps.name(uint8(s)) }

// AccountEvent is the payload of KindAccount. Its subject is the account.
type AccountEvent struct {
	Step       AccountStep
	Credential string // ID of the session or token
	Label      string // of a token
	Scopes     uint32 // of a token, see access.Scope
	Count      uint32 // of failures
	By         ledger.PersonID
}

// Marshal returns the canonical bytes.
func (p *AccountEvent) Marshal() []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 6), uint64(p.Step))
	b = cbor.AppendText(b, p.Credential)
	b = cbor.AppendText(b, p.Label)
	b = cbor.AppendUint(b, uint64(p.Scopes))
	b = cbor.AppendUint(b, uint64(p.Count))
	return cbor.AppendBytes(b, p.By[:])
}

// ParseAccountEvent reads what Marshal writes.
func ParseAccountEvent(b []byte) (*AccountEvent, error) {
	d := cbor.NewDecoder(b)
	var p AccountEvent
	d.ArrayOf(6)
	p.Step = AccountStep(d.UintMax(255))
	p.Credential = d.Text(maxText)
	p.Label = d.Text(maxText)
	p.Scopes = uint32(d.UintMax(1<<32 - 1))
	p.Count = uint32(d.UintMax(1<<32 - 1))
	d.Fixed(p.By[:])
	return &p, finish("account event", d, p.Marshal(), b)
}

// DonorAccess is the payload of KindDonorFind, whose subject is the account of who looked, and of KindDonorReveal, whose
// subjects are the account and the case.
type DonorAccess struct {
	By     ledger.PersonID
	Donor  [32]byte // keyed commitment to the donor ID
	Found  uint32   // cases
	Reason string   // of a reveal; of KindDonorFind, what was done when it was no search
}

// Marshal returns the canonical bytes.
func (p *DonorAccess) Marshal() []byte {
	b := cbor.AppendBytes(cbor.AppendArray(nil, 4), p.By[:])
	b = cbor.AppendBytes(b, p.Donor[:])
	b = cbor.AppendUint(b, uint64(p.Found))
	return cbor.AppendText(b, p.Reason)
}

// ParseDonorAccess reads what Marshal writes.
func ParseDonorAccess(b []byte) (*DonorAccess, error) {
	d := cbor.NewDecoder(b)
	var p DonorAccess
	d.ArrayOf(4)
	d.Fixed(p.By[:])
	d.Fixed(p.Donor[:])
	p.Found = uint32(d.UintMax(1<<32 - 1))
	p.Reason = d.Text(maxText)
	return &p, finish("donor access", d, p.Marshal(), b)
}

// ShareStep is what happened to a share link. Numbers are append only.
type ShareStep uint8

// The steps.
const (
	ShareMade    ShareStep = 1
	ShareUsed    ShareStep = 2 // entered once an hour at most
	ShareRevoked ShareStep = 3
)

var shareSteps = names{ShareMade: "made", ShareUsed: "used", ShareRevoked: "revoked"}

func (s ShareStep) String() string { return shareSteps.name(uint8(s)) }

// ShareEvent is the payload of KindShare. Its subject is the case.
type ShareEvent struct {
	Step      ShareStep
	ID        string // of the link
	Label     string // for whom it is
	ExpiresMS int64
	By        ledger.PersonID // zero for a use: whoever holds the link
}

// Marshal returns the canonical bytes.
func (p *ShareEvent) Marshal() []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 5), uint64(p.Step))
	b = cbor.AppendText(b, p.ID)
	b = cbor.AppendText(b, p.Label)
	b = cbor.AppendInt(b, p.ExpiresMS)
	return cbor.AppendBytes(b, p.By[:])
}

// ParseShareEvent reads what Marshal writes.
func ParseShareEvent(b []byte) (*ShareEvent, error) {
	d := cbor.NewDecoder(b)
	var p ShareEvent
	d.ArrayOf(5)
	p.Step = ShareStep(d.UintMax(255))
	p.ID = d.Text(maxText)
	p.Label = d.Text(maxText)
	p.ExpiresMS = d.Int()
	d.Fixed(p.By[:])
	return &p, finish("share event", d, p.Marshal(), b)
}

// BreakGlass is the payload of KindBreakGlass: somebody may read a case that is not theirs until a time. Its subjects are
// the case and the account.
type BreakGlass struct {
	By      ledger.PersonID
	Reason  string
	UntilMS int64
}

// Marshal returns the canonical bytes.
func (p *BreakGlass) Marshal() []byte {
	b := cbor.AppendBytes(cbor.AppendArray(nil, 3), p.By[:])
	return cbor.AppendInt(cbor.AppendText(b, p.Reason), p.UntilMS)
}

// ParseBreakGlass reads what Marshal writes.
func ParseBreakGlass(b []byte) (*BreakGlass, error) {
	d := cbor.NewDecoder(b)
	var p BreakGlass
	d.ArrayOf(3)
	d.Fixed(p.By[:])
	p.Reason = d.Text(maxText)
	p.UntilMS = d.Int()
	return &p, finish("break-glass", d, p.Marshal(), b)
}

// ConsentScope is what somebody consents to. Numbers are append only.
type ConsentScope uint8

// The scopes.
const (
	ConsentTracking ConsentScope = 1 // position and custody while carrying or waiting
	ConsentSharing  ConsentScope = 2 // third parties see them
	ConsentResearch ConsentScope = 3
)

var consentScopes = names{ConsentTracking: "tracking", ConsentSharing: "sharing", ConsentResearch: "research"}

func (s ConsentScope) String() string { return consentScopes.name(uint8(s)) }

// ParseConsentScope reads the name of a scope.
func ParseConsentScope(name string) (ConsentScope, error) {
	n, err := consentScopes.parse("scope of consent", name)
	return ConsentScope(n), err
}

// Consent is the payload of KindConsent: where the signed document is, and its hash. The document itself is never here. Its
// subject is a case, or the account of the person who consents.
type Consent struct {
	Scope     ConsentScope
	Given     bool // false: withdrawn
	Reference string
	SHA256    [32]byte // of the signed document
	By        ledger.PersonID
}

// Marshal returns the canonical bytes.
func (p *Consent) Marshal() []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 5), uint64(p.Scope))
	b = cbor.AppendBool(b, p.Given)
	b = cbor.AppendText(b, p.Reference)
	b = cbor.AppendBytes(b, p.SHA256[:])
	return cbor.AppendBytes(b, p.By[:])
}

// ParseConsent reads what Marshal writes.
func ParseConsent(b []byte) (*Consent, error) {
	d := cbor.NewDecoder(b)
	var p Consent
	d.ArrayOf(5)
	p.Scope = ConsentScope(d.UintMax(255))
	p.Given = d.Bool()
	p.Reference = d.Text(maxText)
	d.Fixed(p.SHA256[:])
	d.Fixed(p.By[:])
	return &p, finish("consent", d, p.Marshal(), b)
}

// CertificateRecalled is the payload of KindCertificate: probes calibrated under that certificate can't be relied on. Its
// subject is the certificate.
type CertificateRecalled struct {
	Number string
	Reason string
	By     ledger.PersonID
}

// Marshal returns the canonical bytes.
func (p *CertificateRecalled) Marshal() []byte {
	b := cbor.AppendText(cbor.AppendText(cbor.AppendArray(nil, 3), p.Number), p.Reason)
	return cbor.AppendBytes(b, p.By[:])
}

// ParseCertificateRecalled reads what Marshal writes.
func ParseCertificateRecalled(b []byte) (*CertificateRecalled, error) {
	d := cbor.NewDecoder(b)
	var p CertificateRecalled
	d.ArrayOf(3)
	p.Number = d.Text(maxText)
	p.Reason = d.Text(maxText)
	d.Fixed(p.By[:])
	return &p, finish("certificate's recall", d, p.Marshal(), b)
}
