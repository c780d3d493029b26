package node

import (
	"context"
	"fmt"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/cbor"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/privacy"
	"isotherm/ledger/store"
)

// accounts is what this node knows of accounts beside the replicated state. All of it may be lost.
type accounts struct {
	used     usedTokens
	hashes   hasher
	failures throttle
	notes    failureNotes
}

func (a *accounts) init() {
	a.hashes.init()
	a.failures.init()
	a.notes.init()
}

// account is the sealed value of a person's account in the private state.
type account struct {
	login string // normal form
	phc   string // hash of the password
	epoch uint64 // how often the password was set; sessions of another one have ended
	setMS int64
}

const maxPHC = 200

func (a *account) marshal() []byte {
	b := cbor.AppendText(cbor.AppendArray(nil, 4), a.login)
	b = cbor.AppendText(b, a.phc)
	b = cbor.AppendUint(b, a.epoch)
	return cbor.AppendInt(b, a.setMS)
}

func parseAccount(b []byte) (*account, error) {
	d := cbor.NewDecoder(b)
	var a account
	d.ArrayOf(4)
	a.login = d.Text(access.MaxLogin)
	a.phc = d.Text(maxPHC)
	a.epoch = d.Uint()
	a.setMS = d.Int()
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	return &a, nil
}

func accountName(id ledger.PersonID) string { return accountPrefix + id.String() }

// account returns a person's account, nil before the first password.
func (n *Node) account(v *store.View, id ledger.PersonID) (*account, error) {
	raw, err := n.secret(v, accountName(id))
	if err != nil || raw == nil {
		return nil, err
	}
	return parseAccount(raw)
}

// accountCommand makes the command that enters what happened to an account.
func (n *Node) accountCommand(id ledger.PersonID, event *entry.AccountEvent) (*command.Command, error) {
	key, err := n.personKey(id)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, ledger.Errorf(ledger.CodeNotFound, "no person %s, or they were erased", id)
	}
	e, err := n.entryOf(draft{kind: entry.KindAccount, subjects: []entry.Subject{entry.Account(id)}, payload: event.Marshal(), sealKey: key})
	if err != nil {
		return nil, err
	}
	return &command.Command{Entry: e}, nil
}

// checkText checks a short text that people type: its length, and that it holds nothing of a patient. The error is
// CodeInvalid.
func checkText(what string, field privacy.Field, text string, shortest int) error {
	if len(text) < shortest || len(text) > maxLabel {
		return ledger.Errorf(ledger.CodeInvalid, "%s of %d bytes, want %d to %d", what, len(text), shortest, maxLabel)
	}
	if err := privacy.Check(field, text); err != nil {
		return lintError(what, err)
	}
	return nil
}

// Account is what a person sees of their own account.
type Account struct {
	Login         string // empty before the first password
	PasswordSetMS int64
}

// Account returns the person's own account.
func (n *Node) Account(_ context.Context, p Principal) (Account, At, error) {
	if err := n.allow(p, access.OwnAccount); err != nil {
		return Account{}, At{}, err
	}
	var out Account
	at, err := n.view(func(v *store.View) error {
		a, err := n.account(v, p.Person)
		if a != nil {
			out = Account{Login: a.login, PasswordSetMS: a.setMS}
		}
		return err
	})
	return out, at, err
}

// SetPassword sets the password and the login of the person's own account. The first time it takes the token of
// enrolment and no old password; so it does after an administrator gave a new such token. Otherwise the old one is needed.
// All other sessions end. Tokens stay. CodeConflict: the login is somebody else's.
func (n *Node) SetPassword(ctx context.Context, p Principal, login, old, password string) error {
	if err := n.allow(p, access.OwnAccount); err != nil {
		return err
	}
	normal, ok := access.NormalLogin(login)
	if !ok {
		return ledger.Errorf(ledger.CodeInvalid, "%.80q is no login", login).WithHint("use 1 to 64 letters, digits and . _ - @ +")
	}
	if err := access.CheckPassword(normal, password); err != nil {
		return err
	}
	c, err := n.accountCommand(p.Person, &entry.AccountEvent{Step: entry.AccountPassword, Credential: p.CredentialID, By: p.Person})
	if err != nil {
		return err
	}
	next, err := n.nextAccount(ctx, p, old)
	if err != nil {
		return err
	}
	next.login = normal
	if next.phc, err = n.accounts.hashes.hash(ctx, password); err != nil {
		return err
	}
	claim, err := n.claimLogin(p.Person, normal)
	if err != nil {
		return err
	}
	c.Dedup = claim.slot
	s, err := n.sealed(accountName(p.Person), next.marshal())
	if err != nil {
		return err
	}
	c.Secrets = append(c.Secrets, s, claim.write)
	if err := n.keepSession(c, p, next.epoch); err != nil {
		return err
	}
	r, err := n.propose(ctx, c)
	if err != nil {
		return err
	}
	if r.Status == command.Duplicate {
		return errLoginTaken(normal)
	}
	return n.waitFor(ctx, r.Index+1)
}

// nextAccount checks that the person may set a password and returns their account as it will be, still without it.
func (n *Node) nextAccount(ctx context.Context, p Principal, old string) (*account, error) {
	var a *account
	var enrolled bool
	err := n.replica.View(func(v *store.View) (err error) {
		if a, err = n.account(v, p.Person); err != nil || p.Credential != CredentialToken {
			return err
		}
		list, err := n.owned(v, tokenPrefix, p.Person)
		for _, c := range list {
			if c.id() == p.CredentialID {
				enrolled = c.enrol && (a == nil || c.createdMS > a.setMS)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	next := &account{epoch: 1, setMS: n.now().UnixMilli()}
	if a != nil {
		next.epoch = a.epoch + 1
	}
	switch {
	case enrolled:
		return next, nil
	case a == nil:
		return nil, ledger.Errorf(ledger.CodeForbidden, "the first password is set with the token of enrolment")
	}
	try := n.accounts.failures.try(a.login, n.now())
	if try.wait > 0 {
		return nil, errThrottled(try.wait)
	}
	right, _, err := n.accounts.hashes.check(ctx, old, a.phc)
	if err != nil {
		return nil, err
	}
	if !right {
		n.noteFailure(p.Person, try.count)
		return nil, ledger.Errorf(ledger.CodeForbidden, "the old password is wrong")
	}
	n.accounts.failures.forget(try.key)
	return next, nil
}

// endSessions adds to a command what ends all sessions of a person: one may be on the device that was lost.
func (n *Node) endSessions(c *command.Command, id ledger.PersonID) error {
	var a *account
	err := n.replica.View(func(v *store.View) (err error) {
		a, err = n.account(v, id)
		return err
	})
	if err != nil || a == nil {
		return err
	}
	a.epoch++
	s, err := n.sealed(accountName(id), a.marshal())
	c.Secrets = append(c.Secrets, s)
	return err
}

// loginClaim is what makes a login somebody's. Logins are never given to another person.
type loginClaim struct {
	write command.Secret
	slot  *ledger.ActID // nil when the login is the person's already
}

func (n *Node) claimLogin(person ledger.PersonID, login string) (loginClaim, error) {
	var out loginClaim
	var name string
	var owner []byte
	err := n.replica.View(func(v *store.View) (err error) {
		if name, err = n.loginName(v, login); err == nil {
			owner, err = n.secret(v, name)
		}
		return err
	})
	if err != nil {
		return out, err
	}
	switch {
	case owner == nil:
		out.slot = dedupID("login", []byte(name))
	case ledger.PersonID(owner) != person:
		return out, errLoginTaken(login)
	}
	out.write, err = n.sealed(name, person[:])
	return out, err
}

func errLoginTaken(login string) *ledger.Error {
	return ledger.Errorf(ledger.CodeConflict, "the login %q is somebody else's", login).WithHint("choose another")
}

// loginName returns the name of a login in the private state, where names are not sealed: a keyed hash.
func (n *Node) loginName(v *store.View, login string) (string, error) {
	h, err := n.keyedHash(v, "login", login)
	return fmt.Sprintf("%s%x", loginPrefix, h), err
}

// keepSession lets the session in which the password is set live on.
func (n *Node) keepSession(c *command.Command, p Principal, epoch uint64) error {
	if p.Credential != CredentialSession {
		return nil
	}
	session, err := n.ownedByID(sessionPrefix, p.Person, p.CredentialID)
	if err != nil {
		return err
	}
	session.epoch = epoch
	s, err := n.sealCredential(sessionPrefix, session)
	c.Secrets = append(c.Secrets, s)
	return err
}
