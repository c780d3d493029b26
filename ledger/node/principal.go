package node

import (
	"context"
	"strings"
	"sync"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/entry"
	"isotherm/ledger/store"
)

// CredentialKind is what somebody showed to prove who they are.
type CredentialKind uint8

// The kinds of credential.
const (
	CredentialToken   CredentialKind = 1 // of a program, or of enrolment
	CredentialSession CredentialKind = 2
	CredentialShare   CredentialKind = 3
)

func (k CredentialKind) String() string {
	switch k {
	case CredentialToken:
		return "token"
	case CredentialSession:
		return "session"
	case CredentialShare:
		return "share"
	}
	return "unknown"
}

// Principal is who asks. Role and organisation are those of the person's newest card; a share link has no person.
type Principal struct {
	Person       ledger.PersonID
	Organisation string
	Role         entry.Role
	Expires      time.Time
	Credential   CredentialKind
	CredentialID string
	Scopes       access.Scope
	Share        *ShareGrant // of a share link; nil for a person
}

// ShareGrant is what a share link shows.
type ShareGrant struct {
	ID       string
	Shipment ledger.ShipmentID
	Label    string
}

// Authenticate returns whose token, session or share link it is. One that is unknown, expired or revoked, or whose person
// acts no more, is CodeUnauthenticated.
func (n *Node) Authenticate(ctx context.Context, token string) (Principal, error) {
	var p Principal
	err := n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) (err error) {
			p, err = n.authenticate(v, token)
			return err
		})
	})
	if err == nil {
		n.accounts.used.note(TokenHash(token), n.now().UnixMilli())
	}
	return p, err
}

func (n *Node) authenticate(v *store.View, token string) (Principal, error) {
	for prefix, kind := range map[string]CredentialKind{personToken: CredentialToken, sessionToken: CredentialSession, shareToken: CredentialShare} {
		if !strings.HasPrefix(token, prefix) {
			continue
		}
		owner, ok := ownerOf(prefix, token)
		if !ok {
			break
		}
		c, err := n.goodCredential(v, credentialPrefix(kind), owner, token)
		if err != nil {
			return Principal{}, err
		}
		return n.principal(v, kind, c)
	}
	return Principal{}, errToken("the token is not of a person, a session or a share link")
}

func credentialPrefix(kind CredentialKind) string {
	switch kind {
	case CredentialSession:
		return sessionPrefix
	case CredentialShare:
		return sharePrefix
	}
	return tokenPrefix
}

// principal returns whose credential it is, by the cards as they are now.
func (n *Node) principal(v *store.View, kind CredentialKind, c *credential) (Principal, error) {
	out := Principal{Expires: time.UnixMilli(c.expiresMS), Credential: kind, CredentialID: c.id(), Scopes: c.scopes}
	person := ledger.PersonID(c.owner)
	if kind == CredentialShare {
		person = c.by
	}
	who, err := n.person(v, person)
	if err != nil {
		return Principal{}, err
	}
	if who == nil || who.Why == entry.CardEnded {
		return Principal{}, errToken("the person acts no more")
	}
	for _, card := range who.Cards {
		switch {
		case card.Version <= c.card:
		case card.Why == entry.CardKeyStolen:
			return Principal{}, errToken("the person's key was stolen after the token was made")
		case card.Why == entry.CardEnded:
			return Principal{}, errToken("the person acted no more after the token was made")
		}
	}
	if kind == CredentialShare {
		out.Share = &ShareGrant{ID: c.id(), Shipment: ledger.ShipmentID(c.owner), Label: c.label}
		return out, nil
	}
	if kind == CredentialSession {
		a, err := n.account(v, person)
		if err != nil {
			return Principal{}, err
		}
		if a == nil || a.epoch != c.epoch {
			return Principal{}, errToken("the password was changed after signing in")
		}
	}
	out.Person, out.Organisation, out.Role = person, who.Organisation, who.Role
	return out, nil
}

// allow tells whether somebody may, by their role and the scopes of what they showed. A share link may nothing but look at
// its own view. The error is CodeForbidden.
func (n *Node) allow(p Principal, a access.Action) error {
	if p.Share != nil || p.Person.IsZero() {
		return ledger.Errorf(ledger.CodeForbidden, "a share link can't %s", a).WithHint("sign in")
	}
	return access.May(p.Role, p.Scopes, a)
}

// usedTokens remembers when credentials were used, on this node and until it restarts: writing that to the ledger would
// make an entry of every request.
type usedTokens struct {
	mu sync.Mutex
	m  map[[32]byte]int64 // guarded by mu
}

// maxUsed bounds what is remembered; beyond it, it starts anew.
const maxUsed = 50_000

func (u *usedTokens) note(hash [32]byte, ms int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.m == nil || len(u.m) >= maxUsed {
		u.m = map[[32]byte]int64{}
	}
	u.m[hash] = ms
}

func (u *usedTokens) last(hash [32]byte) int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.m[hash]
}
