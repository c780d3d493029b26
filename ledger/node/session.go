package node

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/store"
)

// Session is what signing in gives.
type Session struct {
	Token     string
	Expires   time.Time
	Principal Principal
}

// errSignIn is the one answer to a wrong login and to a wrong password.
func errSignIn() *ledger.Error {
	return ledger.Errorf(ledger.CodeUnauthenticated, "login or password is wrong").WithHint("after a lost password an administrator gives a new token of enrolment")
}

func errThrottled(wait time.Duration) *ledger.Error {
	return ledger.Errorf(ledger.CodeOverloaded, "there were too many failed tries with this login").
		WithHint(fmt.Sprintf("try again in %d s", int64((wait+time.Second-1)/time.Second)))
}

// SignIn begins a session. It takes the same time for logins that nobody has. After some failures with a login, each
// further one makes it wait longer, never for good: somebody who guesses must not lock out the nurse on call.
// CodeOverloaded: wait, as the hint says.
func (n *Node) SignIn(ctx context.Context, login, password string) (Session, error) {
	normal, ok := access.NormalLogin(login)
	if !ok || len(password) > access.MaxPassword {
		return Session{}, errSignIn()
	}
	try := n.accounts.failures.try(normal, n.now())
	if try.wait > 0 {
		return Session{}, errThrottled(try.wait)
	}
	person, a, err := n.accountOf(ctx, normal)
	if err != nil {
		return Session{}, err
	}
	phc := n.accounts.hashes.decoy
	if a != nil {
		phc = a.phc
	}
	right, old, err := n.accounts.hashes.check(ctx, password, phc)
	if err != nil {
		return Session{}, err
	}
	if !right || a == nil {
		if a != nil {
			n.noteFailure(person, try.count)
		}
		return Session{}, errSignIn()
	}
	n.accounts.failures.forget(try.key)
	renewed := ""
	if old {
		if renewed, err = n.accounts.hashes.hash(ctx, password); err != nil {
			return Session{}, err
		}
	}
	return n.openSession(ctx, person, a, renewed)
}

// accountOf returns the account of a login, nil when there is none, or its person acts no more. Unlike lookTwice it asks
// the leader before it looks, whatever there is: whether it asked would tell which logins exist.
func (n *Node) accountOf(ctx context.Context, login string) (person ledger.PersonID, a *account, err error) {
	if n.mayAsk() {
		ask, cancel := context.WithTimeout(ctx, askLimit)
		defer cancel()
		if err := n.replica.Linearizable(ask); err != nil {
			n.log.Debug("sign-in on what this node holds", "err", err)
		}
	}
	err = n.replica.View(func(v *store.View) error {
		name, err := n.loginName(v, login)
		if err != nil {
			return err
		}
		owner, err := n.secret(v, name)
		if err != nil || owner == nil {
			return err
		}
		person = ledger.PersonID(owner)
		who, err := n.person(v, person)
		if err != nil || who == nil || who.Ended() {
			return err
		}
		found, err := n.account(v, person)
		if err == nil && found != nil && found.login == login {
			a = found
		}
		return err
	})
	return person, a, err
}

// openSession enters a sign-in. renewed is the password's hash with today's parameters, empty when it has them.
func (n *Node) openSession(ctx context.Context, person ledger.PersonID, a *account, renewed string) (Session, error) {
	now := n.now()
	out := Session{Token: newToken(sessionToken, person), Expires: now.Add(SessionLife)}
	made := &credential{hash: TokenHash(out.Token), owner: person, by: person, scopes: access.AllScopes, createdMS: now.UnixMilli(),
		expiresMS: out.Expires.UnixMilli(), epoch: a.epoch}
	var err error
	if made.card, err = n.cardVersion(person); err != nil {
		return Session{}, err
	}
	c, err := n.accountCommand(person, &entry.AccountEvent{Step: entry.AccountSignedIn, Credential: made.id(), By: person})
	if err != nil {
		return Session{}, err
	}
	if err := n.addCredential(c, sessionPrefix, made); err != nil {
		return Session{}, err
	}
	if renewed != "" {
		next := *a
		next.phc = renewed
		s, err := n.sealed(accountName(person), next.marshal())
		if err != nil {
			return Session{}, err
		}
		c.Secrets = append(c.Secrets, s)
	}
	if err := n.proposeHere(ctx, c); err != nil {
		return Session{}, err
	}
	err = n.replica.View(func(v *store.View) (err error) {
		out.Principal, err = n.principal(v, CredentialSession, made)
		return err
	})
	return out, err
}

// SignOut ends the session at once.
func (n *Node) SignOut(ctx context.Context, p Principal) error {
	if p.Credential != CredentialSession {
		return ledger.Errorf(ledger.CodeInvalid, "this is no session").WithHint("a token is revoked instead")
	}
	session, err := n.ownedByID(sessionPrefix, p.Person, p.CredentialID)
	if err != nil {
		return err
	}
	c, err := n.accountCommand(p.Person, &entry.AccountEvent{Step: entry.AccountSignedOut, Credential: session.id(), By: p.Person})
	if err != nil {
		return err
	}
	c.Secrets = append(c.Secrets, command.Secret{Name: session.name(sessionPrefix)})
	return n.proposeHere(ctx, c)
}

// throttle makes whoever fails wait. It keeps a fixed table of counters, by a hash of the login with a key of this process:
// logins that nobody has cost no memory, and nobody can choose a login that shares a counter with another's.
type throttle struct {
	seed maphash.Seed
	mu   sync.Mutex
	m    [throttleSlots]failed // guarded by mu
}

type failed struct {
	count  uint32
	lastMS int64
}

const (
	throttleSlots  = 1 << 14
	freeFailures   = 3
	longestDelay   = time.Minute
	forgetFailures = time.Hour // after the last one
)

func (t *throttle) init() { t.seed = maphash.MakeSeed() }

// tried is a try with a login.
type tried struct {
	wait  time.Duration // until the next try is taken; zero: this one is
	key   int           // of the login
	count uint32        // of failures in a row, if this try is one
}

// try begins a try with a login. It counts as a failure until forget is called, so that many tries at once gain nothing.
func (t *throttle) try(login string, now time.Time) tried {
	out := tried{key: int(maphash.String(t.seed, login) % throttleSlots)}
	t.mu.Lock()
	defer t.mu.Unlock()
	f := &t.m[out.key]
	since := now.Sub(time.UnixMilli(f.lastMS)).Abs()
	if since > forgetFailures {
		f.count = 0
	}
	if f.count > freeFailures {
		delay := min(time.Second<<min(f.count-freeFailures-1, 16), longestDelay)
		if out.wait = max(0, delay-since); out.wait > 0 {
			return out
		}
	}
	f.count++
	f.lastMS = now.UnixMilli()
	out.count = f.count
	return out
}

// forget ends the count: the password was right.
func (t *throttle) forget(key int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[key] = failed{}
}
