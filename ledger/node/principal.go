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
	"strings"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
	"isotherm/ledger/command"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/store"
)

// Principal is who asks, as a token says.
type Principal struct {
	Person  ledger.PersonID
	Role    entry.Role
	Expires time.Time
}

// Prefixes of the two kinds of token, so that secret scanners and people can tell what they found.
const (
	personTokenPrefix = "isotherm_person_"
	boxTokenPrefix    = "isotherm_box_"
)

// maxToken bounds a token that is read from outside.
const maxToken = 128

// PersonTokenLife is how long a person's token is good for.
const PersonTokenLife = 365 * 24 * time.Hour

// MaxEnrolTokenLife bounds how long a box's one-time token may be good for.
const MaxEnrolTokenLife = 30 * 24 * time.Hour

// newToken returns a token with 256 random bits. So much entropy needs no slow hash.
func newToken(prefix string) string {
	var b [32]byte
	rand.Read(b[:])
	return prefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// TokenHash returns what the ledger keeps of a token. Setting up a ledger puts that of the first administrator's there.
func TokenHash(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// NewPersonToken returns a token for a person, for setting up a ledger.
func NewPersonToken() string { return newToken(personTokenPrefix) }

// tokenValue is the sealed value of a token in the private state. The hash binds it to its name: a value moved to
// another name opens nothing.
type tokenValue struct {
	hash      [32]byte
	person    ledger.PersonID // owner, or for a box's token its maker
	role      entry.Role      // zero for a box's token
	expiresMS int64
	label     string // for a box's token
}

func (t *tokenValue) marshal() []byte {
	b := cbor.AppendBytes(cbor.AppendArray(nil, 5), t.hash[:])
	b = cbor.AppendBytes(b, t.person[:])
	b = cbor.AppendUint(b, uint64(t.role))
	b = cbor.AppendInt(b, t.expiresMS)
	return cbor.AppendText(b, t.label)
}

func parseTokenValue(b []byte) (*tokenValue, error) {
	d := cbor.NewDecoder(b)
	var t tokenValue
	d.ArrayOf(5)
	d.Fixed(t.hash[:])
	d.Fixed(t.person[:])
	t.role = entry.Role(d.UintMax(255))
	t.expiresMS = d.Int()
	t.label = d.Text(maxLabel)
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("read token value: %w", err)
	}
	return &t, nil
}

func tokenName(prefix string, hash [32]byte) string { return prefix + hex.EncodeToString(hash[:]) }

// sealToken returns the write that makes a token known.
func (n *Node) sealToken(prefix string, t *tokenValue) (command.Secret, error) {
	return n.sealed(tokenName(prefix, t.hash), t.marshal())
}

// lookUpToken returns the value of a token that is good now.
func (n *Node) lookUpToken(ctx context.Context, prefix, wanted, token string) (*tokenValue, error) {
	if len(token) > maxToken || !strings.HasPrefix(token, wanted) {
		return nil, errToken("the token is not of this kind")
	}
	hash := TokenHash(token)
	var raw []byte
	err := n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) error {
			var err error
			if raw, err = n.secret(v, tokenName(prefix, hash)); err == nil && raw == nil {
				err = errToken("the token is not known")
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	t, err := parseTokenValue(raw)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(t.hash[:], hash[:]) != 1 {
		return nil, errors.New("token value stands under another token's name")
	}
	if n.now().UnixMilli() >= t.expiresMS {
		return nil, errToken("the token has expired")
	}
	return t, nil
}

func errToken(message string) *ledger.Error {
	return ledger.Errorf(ledger.CodeUnauthenticated, "%s", message).WithHint("ask an administrator for a new one")
}

// Authenticate returns whose token it is.
func (n *Node) Authenticate(ctx context.Context, token string) (Principal, error) {
	t, err := n.lookUpToken(ctx, tokenPrefix, personTokenPrefix, token)
	if err != nil {
		return Principal{}, err
	}
	return Principal{Person: t.person, Role: t.role, Expires: time.UnixMilli(t.expiresMS)}, nil
}

// mayState says which roles may state an act of a kind. A handoff can go to anybody who carries or receives. Software
// never holds up an organ, so the table is wide where an emergency could make it so: an admin may state everything.
func mayState(kind custody.Kind, role entry.Role) bool {
	switch role {
	case entry.RoleAdmin:
		return true
	case entry.RoleCoordinator:
		return kind != custody.Receive && kind != custody.ArrivalCheck && kind != custody.Outcome
	case entry.RoleCourier:
		return kind == custody.Pack || kind == custody.Release || kind == custody.Accept || kind == custody.Correction
	case entry.RoleCenter:
		return kind != custody.Open && kind != custody.StandDown && kind != custody.Pack
	}
	return false // auditors look, they do not act
}

// maySecond tells whether somebody of the role may sign beside the actor.
func maySecond(role entry.Role) bool { return role != entry.RoleAuditor }

// mayDeliver tells whether somebody may bring an act that others signed: whoever regains a link first delivers.
func mayDeliver(role entry.Role) bool { return role != entry.RoleAuditor }
