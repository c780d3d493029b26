package node

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/cbor"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/privacy"
	"isotherm/ledger/store"
)

// Prefixes of tokens, so that secret scanners and people can tell what they found. After that of a person's token, a session
// or a share comes the identifier of the person or shipment, 32 hexadecimal digits and '_'.
const (
	personToken  = "isotherm_person_"
	sessionToken = "isotherm_session_"
	shareToken   = "isotherm_share_"
	boxToken     = "isotherm_box_"
)

// maxToken bounds a token that is read from outside.
const maxToken = 128

// Lives of tokens.
const (
	PersonTokenLife   = 365 * 24 * time.Hour // of a person's token of enrolment
	MaxTokenLife      = 365 * 24 * time.Hour // of a person's API token
	MaxEnrolTokenLife = 30 * 24 * time.Hour  // of a box's one-time token
	SessionLife       = 12 * time.Hour       // a shift
	MaxShareLife      = 7 * 24 * time.Hour
)

// newSecret returns 256 random bits. So much entropy needs no slow hash.
func newSecret() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func newToken(prefix string, owner [ledger.IDSize]byte) string {
	return prefix + hex.EncodeToString(owner[:]) + "_" + newSecret()
}

// ownerOf returns whose token it is, as its text says.
func ownerOf(prefix, token string) (owner [ledger.IDSize]byte, ok bool) {
	text, _, ok := strings.Cut(strings.TrimPrefix(token, prefix), "_")
	if len(token) > maxToken || !strings.HasPrefix(token, prefix) || !ok || len(text) != 2*len(owner) {
		return owner, false
	}
	_, err := hex.Decode(owner[:], []byte(text))
	return owner, err == nil
}

// TokenHash returns what the ledger keeps of a token. Setting up a ledger puts that of the first administrator's there.
func TokenHash(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// NewPersonToken returns a token of enrolment for a person, for setting up a ledger.
func NewPersonToken(person ledger.PersonID) string { return newToken(personToken, person) }

// credential is the sealed value of a token, a session or a share link in the private state. The hash binds it to its
// name: a value moved to another name opens nothing.
type credential struct {
	hash      [32]byte
	owner     [ledger.IDSize]byte // the person, or the shipment of a share link
	by        ledger.PersonID     // who made it; of a box's token too
	scopes    access.Scope
	createdMS int64
	expiresMS int64
	label     string
	card      uint32 // version of the person's card when it was made
	epoch     uint64 // of a session: how often the password had been set
	enrol     bool   // a token of enrolment: sets the first password
}

func (c *credential) marshal() []byte {
	b := cbor.AppendBytes(cbor.AppendArray(nil, 10), c.hash[:])
	b = cbor.AppendBytes(b, c.owner[:])
	b = cbor.AppendBytes(b, c.by[:])
	b = cbor.AppendUint(b, uint64(c.scopes))
	b = cbor.AppendInt(b, c.createdMS)
	b = cbor.AppendInt(b, c.expiresMS)
	b = cbor.AppendText(b, c.label)
	b = cbor.AppendUint(b, uint64(c.card))
	b = cbor.AppendUint(b, c.epoch)
	return cbor.AppendBool(b, c.enrol)
}

func parseCredential(b []byte) (*credential, error) {
	d := cbor.NewDecoder(b)
	var c credential
	d.ArrayOf(10)
	d.Fixed(c.hash[:])
	d.Fixed(c.owner[:])
	d.Fixed(c.by[:])
	c.scopes = access.Scope(d.UintMax(1<<32 - 1))
	c.createdMS = d.Int()
	c.expiresMS = d.Int()
	c.label = d.Text(maxLabel)
	c.card = uint32(d.UintMax(1<<32 - 1))
	c.epoch = d.Uint()
	c.enrol = d.Bool()
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("read credential: %w", err)
	}
	return &c, nil
}

// id names the credential where people see it.
func (c *credential) id() string { return credentialID(c.hash) }

func credentialID(hash [32]byte) string { return hex.EncodeToString(hash[:8]) }

// name is the credential's name in the private state.
func (c *credential) name(prefix string) string {
	return ownedPrefix(prefix, c.owner) + hex.EncodeToString(c.hash[:])
}

func ownedPrefix(prefix string, owner [ledger.IDSize]byte) string {
	return prefix + hex.EncodeToString(owner[:]) + "/"
}

// sealCredential returns the write that makes a credential known.
func (n *Node) sealCredential(prefix string, c *credential) (command.Secret, error) {
	return n.sealed(c.name(prefix), c.marshal())
}

// credentialAt returns the credential of a name, nil when there is none.
func (n *Node) credentialAt(v *store.View, prefix, name string) (*credential, error) {
	raw, err := n.secret(v, name)
	if err != nil || raw == nil {
		return nil, err
	}
	c, err := parseCredential(raw)
	if err != nil {
		return nil, err
	}
	if c.name(prefix) != name {
		return nil, errors.New("a credential stands under another's name")
	}
	return c, nil
}

// goodCredential returns the credential of a token that is good now.
func (n *Node) goodCredential(v *store.View, prefix string, owner [ledger.IDSize]byte, token string) (*credential, error) {
	hash := TokenHash(token)
	c, err := n.credentialAt(v, prefix, (&credential{hash: hash, owner: owner}).name(prefix))
	if err != nil {
		return nil, err
	}
	if c == nil || subtle.ConstantTimeCompare(c.hash[:], hash[:]) != 1 {
		return nil, errToken("the token is not known, or was revoked")
	}
	if n.now().UnixMilli() >= c.expiresMS {
		return nil, errToken("the token has expired")
	}
	return c, nil
}

func errToken(message string) *ledger.Error {
	return ledger.Errorf(ledger.CodeUnauthenticated, "%s", message).WithHint("sign in, or ask an administrator for a new one")
}

// owned returns somebody's credentials of a kind, newest last, with those that have expired.
func (n *Node) owned(v *store.View, prefix string, owner [ledger.IDSize]byte) ([]*credential, error) {
	var names []string
	for name := range v.Secrets(ownedPrefix(prefix, owner)) {
		names = append(names, name)
	}
	out := make([]*credential, 0, len(names))
	for _, name := range names {
		c, err := n.credentialAt(v, prefix, name)
		if err != nil {
			return nil, err
		}
		if c != nil {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *credential) int { return int(a.createdMS - b.createdMS) })
	return out, nil
}

// maxOwned bounds the live tokens or sessions of a person, and the share links of a case.
const maxOwned = 32

// maxSwept is how many expired credentials go with the command that makes one, so that none stay for good.
const maxSwept = 4

// addCredential adds the write of a new credential to a command, and drops some that have expired. Live ones are bounded. A
// token of enrolment takes the place of an older one.
func (n *Node) addCredential(c *command.Command, prefix string, made *credential) error {
	var old []*credential
	err := n.replica.View(func(v *store.View) (err error) {
		old, err = n.owned(v, prefix, made.owner)
		return err
	})
	if err != nil {
		return err
	}
	s, err := n.sealCredential(prefix, made)
	if err != nil {
		return err
	}
	c.Secrets = append(c.Secrets, s)
	var live []*credential
	swept, replaced := 0, 0
	for _, o := range old {
		switch {
		case made.enrol && o.enrol && replaced < maxSwept: // the lost device has it, beside the key and without a PIN
			replaced++
			c.Secrets = append(c.Secrets, command.Secret{Name: o.name(prefix)})
		case n.now().UnixMilli() < o.expiresMS:
			live = append(live, o)
		case swept < maxSwept:
			swept++
			c.Secrets = append(c.Secrets, command.Secret{Name: o.name(prefix)})
		}
	}
	if len(live) < maxOwned {
		return nil
	}
	if prefix == sessionPrefix { // the oldest ends: somebody locked out by their own old sessions could not sign in
		c.Secrets = append(c.Secrets, command.Secret{Name: live[0].name(prefix)})
		return nil
	}
	return ledger.Errorf(ledger.CodeConflict, "there are %d already", len(live)).WithHint("revoke one that is not needed any more")
}

// boxCredential returns the one-time token of a box that is good now.
func (n *Node) boxCredential(ctx context.Context, token string) (*credential, error) {
	if len(token) > maxToken || !strings.HasPrefix(token, boxToken) {
		return nil, errToken("the token is not a box's")
	}
	var c *credential
	err := n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) (err error) {
			c, err = n.goodCredential(v, enrolPrefix, [ledger.IDSize]byte{}, token)
			return err
		})
	})
	return c, err
}

// TokenRequest says what token a program needs.
type TokenRequest struct {
	Label  string // what it is for
	Scopes access.Scope
	TTL    time.Duration // up to MaxTokenLife
}

// TokenInfo is a token of a person.
type TokenInfo struct {
	ID         string
	Label      string
	Scopes     access.Scope
	CreatedMS  int64
	ExpiresMS  int64
	LastUsedMS int64  // as far as this node knows; 0 when it does not
	Secret     string // the whole token, when it is made and never after
}

func (n *Node) tokenInfo(c *credential) TokenInfo {
	return TokenInfo{ID: c.id(), Label: c.label, Scopes: c.scopes, CreatedMS: c.createdMS, ExpiresMS: c.expiresMS, LastUsedMS: n.accounts.used.last(c.hash)}
}

// CreateToken makes a token with which a program acts as the person. It never allows more than what made it.
func (n *Node) CreateToken(ctx context.Context, p Principal, r TokenRequest) (TokenInfo, error) {
	if err := n.allow(p, access.OwnAccount); err != nil {
		return TokenInfo{}, err
	}
	switch {
	case r.TTL <= 0 || r.TTL > MaxTokenLife:
		return TokenInfo{}, ledger.Errorf(ledger.CodeInvalid, "token life of %v, want up to %v", r.TTL, MaxTokenLife)
	case r.Scopes == 0 || !access.AllScopes.Has(r.Scopes):
		return TokenInfo{}, ledger.Errorf(ledger.CodeInvalid, "the token has no scopes, or unknown ones").WithHint("use " + access.AllScopes.String())
	case !p.Scopes.Has(r.Scopes):
		return TokenInfo{}, ledger.Errorf(ledger.CodeForbidden, "a token with scopes %q can't make one with %q", p.Scopes, r.Scopes)
	}
	if err := checkText("label", privacy.Label, r.Label, 1); err != nil {
		return TokenInfo{}, err
	}
	now := n.now()
	made := &credential{owner: p.Person, by: p.Person, scopes: r.Scopes, createdMS: now.UnixMilli(), expiresMS: now.Add(r.TTL).UnixMilli(), label: r.Label}
	token := newToken(personToken, p.Person)
	made.hash = TokenHash(token)
	event := entry.AccountEvent{Step: entry.AccountToken, Credential: made.id(), Label: r.Label, Scopes: uint32(r.Scopes), By: p.Person}
	c, err := n.accountCommand(p.Person, &event)
	if err != nil {
		return TokenInfo{}, err
	}
	if made.card, err = n.cardVersion(p.Person); err != nil {
		return TokenInfo{}, err
	}
	if err := n.addCredential(c, tokenPrefix, made); err != nil {
		return TokenInfo{}, err
	}
	if err := n.proposeHere(ctx, c); err != nil {
		return TokenInfo{}, err
	}
	info := n.tokenInfo(made)
	info.Secret = token
	return info, nil
}

// ownOrManaged tells whether somebody may look after the account: it is their own, or they are an administrator.
func (n *Node) ownOrManaged(p Principal, person ledger.PersonID) error {
	if p.Person == person {
		return n.allow(p, access.OwnAccount)
	}
	return n.allow(p, access.ManageAccounts)
}

// Tokens returns a person's tokens, oldest first: one's own, or for an administrator anybody's.
func (n *Node) Tokens(_ context.Context, p Principal, person ledger.PersonID) ([]TokenInfo, At, error) {
	if err := n.ownOrManaged(p, person); err != nil {
		return nil, At{}, err
	}
	var out []TokenInfo
	at, err := n.view(func(v *store.View) error {
		list, err := n.owned(v, tokenPrefix, person)
		for _, c := range list {
			if n.now().UnixMilli() < c.expiresMS {
				out = append(out, n.tokenInfo(c))
			}
		}
		return err
	})
	return out, at, err
}

// RevokeToken ends a token at once: one's own, or for an administrator anybody's. CodeNotFound when there is none.
func (n *Node) RevokeToken(ctx context.Context, p Principal, person ledger.PersonID, id string) error {
	if err := n.ownOrManaged(p, person); err != nil {
		return err
	}
	found, err := n.ownedByID(tokenPrefix, person, id)
	if err != nil {
		return err
	}
	c, err := n.accountCommand(person, &entry.AccountEvent{Step: entry.AccountRevoked, Credential: found.id(), Label: found.label, By: p.Person})
	if err != nil {
		return err
	}
	c.Require = found.name(tokenPrefix)
	c.Secrets = append(c.Secrets, command.Secret{Name: c.Require})
	return n.proposeHere(ctx, c)
}

// ownedByID returns the credential with the ID. CodeNotFound when there is none.
func (n *Node) ownedByID(prefix string, owner [ledger.IDSize]byte, id string) (*credential, error) {
	var found *credential
	err := n.replica.View(func(v *store.View) error {
		list, err := n.owned(v, prefix, owner)
		for _, c := range list {
			if c.id() == id {
				found = c
			}
		}
		return err
	})
	if err == nil && found == nil {
		err = ledger.Errorf(ledger.CodeNotFound, "there is no %.40q, or it was revoked", id)
	}
	return found, err
}
