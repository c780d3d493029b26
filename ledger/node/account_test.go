package node

import (
	"context"
	"strings"
	"testing"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/entry"
)

const goodPassword = "plum harbour lamp"

// cheap makes password hashes cheap enough for tests; those made before count as old.
func (f *fixture) cheap() { f.accounts.hashes.cost = argonCost{memoryKiB: 64, time: 1, threads: 1} }

// withPassword enrols somebody with a password; the login is their name in lower case.
func (f *fixture) withPassword(name string, role entry.Role) (*entry.PersonCard, string) {
	f.t.Helper()
	card := f.someone(name, role)
	token, err := f.EnrolPerson(f.t.Context(), f.admin, card)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := f.SetPassword(f.t.Context(), f.by(token.Token), name, "", goodPassword); err != nil {
		f.t.Fatal(err)
	}
	return card, token.Token
}

// by is whose token it is.
func (f *fixture) by(token string) Principal {
	f.t.Helper()
	p, err := f.Authenticate(f.t.Context(), token)
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// events are the entries of an account, newest first.
func (f *fixture) events(id ledger.PersonID) []*entry.AccountEvent {
	f.t.Helper()
	if err := f.Flush(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	var out []*entry.AccountEvent
	for _, payload := range f.chain(entry.Account(id), entry.KindAccount) {
		e, err := entry.ParseAccountEvent(payload)
		if err != nil {
			f.t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func TestNode_SignIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cheap()
	ctx := t.Context()
	clock := f.clock()
	nurse, _ := f.withPassword("Nurse", entry.RoleCenter)
	s, err := f.SignIn(ctx, " NURSE ", goodPassword)
	if err != nil || s.Principal.Person != nurse.Person || s.Principal.Credential != CredentialSession || s.Expires.Sub(clock.now()) != SessionLife {
		t.Fatalf("got %+v, %v", s, err)
	}
	if p := f.by(s.Token); p.Person != nurse.Person || p.Role != entry.RoleCenter || p.Scopes != access.AllScopes {
		t.Errorf("session: got %+v", p)
	}
	for name, tt := range map[string][2]string{"wrong password": {"nurse", "plum harbour lamq"}, "unknown login": {"nobody", goodPassword}, "no login": {"", goodPassword},
		"password too long": {"nurse", strings.Repeat("x", 300)}} {
		_, err := f.SignIn(ctx, tt[0], tt[1])
		want(t, name, err, ledger.CodeUnauthenticated)
		if err == nil || err.Error() != errSignIn().Error() {
			t.Errorf("%s: got %v, want the one answer", name, err)
		}
	}
	if err := f.Flush(ctx); err != nil { // the failed sign-in is entered beside its answer
		t.Fatal(err)
	}
	second, err := f.SignIn(ctx, "nurse", goodPassword)
	want(t, "a second session", err, "")
	if err := f.SignOut(ctx, f.by(s.Token)); err != nil {
		t.Fatal(err)
	}
	_, err = f.Authenticate(ctx, s.Token)
	want(t, "after signing out", err, ledger.CodeUnauthenticated)
	f.by(second.Token)
	clock.add(SessionLife)
	_, err = f.Authenticate(ctx, second.Token)
	want(t, "after twelve hours", err, ledger.CodeUnauthenticated)
	f.change(nurse, entry.CardEnded, nil)
	_, err = f.SignIn(ctx, "nurse", goodPassword)
	want(t, "after the end", err, ledger.CodeUnauthenticated)
	var steps []string
	for _, e := range f.events(nurse.Person) {
		steps = append(steps, e.Step.String())
	}
	if got, want := strings.Join(steps, ", "), "signed out, signed in, sign-in failed, signed in, password set"; got != want {
		t.Errorf("got entries %q, want %q", got, want)
	}
}

func TestNode_SignIn_throttled(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cheap()
	ctx := t.Context()
	clock := f.clock()
	nurse, _ := f.withPassword("Nurse", entry.RoleCenter)
	fails := func(login string) {
		t.Helper()
		for range freeFailures + 1 {
			_, err := f.SignIn(ctx, login, "wrong password")
			want(t, login+" within the free tries", err, ledger.CodeUnauthenticated)
		}
		_, err := f.SignIn(ctx, login, goodPassword)
		want(t, login+" right after them, even with the right password", err, ledger.CodeOverloaded)
		if err != nil && !strings.Contains(err.Error(), "try again in 1 s") {
			t.Errorf("%s: got %v, want how long to wait", login, err)
		}
	}
	fails("nobody")
	fails("nurse")
	for _, delay := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		clock.add(delay*time.Second - time.Millisecond)
		_, err := f.SignIn(ctx, "nurse", "wrong password")
		want(t, "just before the delay is over", err, ledger.CodeOverloaded)
		clock.add(time.Millisecond)
		_, err = f.SignIn(ctx, "nurse", "wrong password")
		want(t, "when it is over", err, ledger.CodeUnauthenticated)
	}
	clock.add(longestDelay)
	if _, err := f.SignIn(ctx, "nurse", goodPassword); err != nil {
		t.Errorf("right password after a minute: got %v, for nobody is locked out for good", err)
	}
	if _, err := f.SignIn(ctx, "nurse", goodPassword); err != nil {
		t.Errorf("at once after success: %v", err)
	}
	var counts []uint32
	for _, e := range f.events(nurse.Person) {
		if e.Step == entry.AccountFailed {
			counts = append(counts, e.Count)
		}
	}
	if len(counts) != 2 || counts[0] != 10 || counts[1] != 1 {
		t.Errorf("got failures entered at counts %v, want at the tenth and the first", counts)
	}
}

func TestHasher_queue(t *testing.T) {
	var h hasher
	h.init()
	for range cap(h.queue) {
		h.queue <- struct{}{}
	}
	_, _, err := h.check(t.Context(), "x", h.decoy)
	want(t, "a full queue", err, ledger.CodeOverloaded)
	<-h.queue
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := h.check(ctx, "x", h.decoy); err == nil {
		t.Error("checked a password without a slot")
	}
	if len(h.queue) != cap(h.queue)-1 {
		t.Errorf("%d in the queue after it, want %d", len(h.queue), cap(h.queue)-1)
	}
}

// TestNode_SignIn_unknownWorks proves that an unknown login costs a hash too: without a slot for it there is no answer.
func TestNode_SignIn_unknownWorks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range cap(f.accounts.hashes.queue) {
		f.accounts.hashes.queue <- struct{}{}
	}
	_, err := f.SignIn(t.Context(), "nobody", goodPassword)
	want(t, "unknown login with a full queue", err, ledger.CodeOverloaded)
}

func TestNode_SetPassword(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cheap()
	ctx := t.Context()
	clock := f.clock()
	nurse, token := f.withPassword("Nurse", entry.RoleCenter)
	want(t, "once more with the token of enrolment", f.SetPassword(ctx, f.by(token), "nurse", "", "another good one"), ledger.CodeForbidden)
	s1, err := f.SignIn(ctx, "nurse", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	s2, err := f.SignIn(ctx, "nurse", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "wrong old password", f.SetPassword(ctx, f.by(s1.Token), "nurse", "wrong", "another good one"), ledger.CodeForbidden)
	want(t, "too short", f.SetPassword(ctx, f.by(s1.Token), "nurse", goodPassword, "short"), ledger.CodeInvalid)
	want(t, "no login", f.SetPassword(ctx, f.by(s1.Token), "a b", goodPassword, "another good one"), ledger.CodeInvalid)
	want(t, "with the old one, and another login", f.SetPassword(ctx, f.by(s1.Token), "mia", goodPassword, "another good one"), "")
	f.by(s1.Token)
	_, err = f.Authenticate(ctx, s2.Token)
	want(t, "the other session", err, ledger.CodeUnauthenticated)
	_, err = f.SignIn(ctx, "nurse", "another good one")
	want(t, "old login", err, ledger.CodeUnauthenticated)
	_, err = f.SignIn(ctx, "mia", "another good one")
	want(t, "new login", err, "")
	if a, _, err := f.Account(ctx, f.by(s1.Token)); err != nil || a.Login != "mia" || a.PasswordSetMS != clock.now().UnixMilli() {
		t.Errorf("account: got %+v, %v", a, err)
	}

	other := f.someone("Other", entry.RoleCourier)
	given, err := f.EnrolPerson(ctx, f.admin, other)
	if err != nil {
		t.Fatal(err)
	}
	for _, login := range []string{"mia", "nurse", "Nurse "} {
		want(t, "the login "+login+" of another", f.SetPassword(ctx, f.by(given.Token), login, "", goodPassword), ledger.CodeConflict)
	}
	want(t, "back to a login of one's own", f.SetPassword(ctx, f.by(s1.Token), "nurse", "another good one", goodPassword), "")

	clock.add(time.Minute)
	renewed, err := f.EnrolPerson(ctx, f.admin, nurse)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "forgotten, with a new token of enrolment", f.SetPassword(ctx, f.by(renewed.Token), "nurse", "", "a third good one"), "")
	clock.add(time.Minute)
	want(t, "with that token again", f.SetPassword(ctx, f.by(renewed.Token), "nurse", "", "a fourth good one"), ledger.CodeForbidden)
	limited, err := f.CreateToken(ctx, f.by(renewed.Token), TokenRequest{Label: "bridge", Scopes: access.ScopeRead | access.ScopeAccount, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "with an API token and no old password", f.SetPassword(ctx, f.by(limited.Secret), "nurse", "", "a fourth good one"), ledger.CodeForbidden)
}

func TestNode_SignIn_rehash(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.cheap()
	nurse, _ := f.withPassword("Nurse", entry.RoleCenter)
	phc := func() string {
		t.Helper()
		a, err := f.accountNow(nurse.Person)
		if err != nil {
			t.Fatal(err)
		}
		return a.phc
	}
	before := phc()
	f.accounts.hashes.cost.time = 2
	for range 2 {
		if _, err := f.SignIn(t.Context(), "nurse", goodPassword); err != nil {
			t.Fatal(err)
		}
	}
	after := phc()
	if before == after || !strings.HasPrefix(after, "$argon2id$v=19$m=64,t=2,p=1$") {
		t.Errorf("got %s, want a hash with today's cost", after)
	}
	if _, err := f.SignIn(t.Context(), "nurse", "wrong password"); err == nil {
		t.Error("a wrong password signs in after the rehash")
	}
}

func TestParsePHC(t *testing.T) {
	good := phcHash{cost: todaysCost, salt: []byte("0123456789abcdef"), hash: make([]byte, 32)}
	if got, err := parsePHC(good.String()); err != nil || got.String() != good.String() {
		t.Errorf("got %v, %v", got, err)
	}
	if want := "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"; good.String() != want {
		t.Errorf("got %s, want %s", good.String(), want)
	}
	for _, edit := range []func(string) string{
		func(s string) string { return "" },
		func(s string) string { return s[1:] },
		func(s string) string { return s + "$" },
		func(s string) string { return s[:len(s)-30] },
		func(s string) string { return strings.Replace(s, "argon2id", "argon2i", 1) },
		func(s string) string { return strings.Replace(s, "v=19", "v=16", 1) },
		func(s string) string { return strings.Replace(s, "m=19456", "m=99999999", 1) },
		func(s string) string { return strings.Replace(s, "t=2", "t=0", 1) },
		func(s string) string { return strings.Replace(s, "t=2", "t=02", 1) },
		func(s string) string { return strings.Replace(s, "p=1", "p=1,x=2", 1) },
		func(s string) string { return strings.Replace(s, "MDEy", "M!Ey", 1) },
	} {
		if text := edit(good.String()); text != good.String() {
			if got, err := parsePHC(text); err == nil {
				t.Errorf("%q: got %v, want an error", text, got)
			}
		}
	}
}

func TestNode_CreateToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	now := time.Now()
	f.now = func() time.Time { return now }
	nurse, auditor := f.enrol("Nurse", entry.RoleCenter), f.enrol("Auditor", entry.RoleAuditor)
	good := TokenRequest{Label: "EHR bridge", Scopes: access.ScopeRead | access.ScopeAccount, TTL: time.Hour}
	info, err := f.CreateToken(ctx, as(nurse), good)
	if err != nil || !strings.HasPrefix(info.Secret, "isotherm_person_"+nurse.Person.String()+"_") || info.ExpiresMS != now.Add(time.Hour).UnixMilli() {
		t.Fatalf("got %+v, %v", info, err)
	}
	p := f.by(info.Secret)
	for name, tt := range map[string]struct {
		by   Principal
		edit func(*TokenRequest)
		want ledger.Code
	}{
		"wider than its maker":     {p, func(r *TokenRequest) { r.Scopes = access.AllScopes }, ledger.CodeForbidden},
		"as wide as its maker":     {p, func(*TokenRequest) {}, ""},
		"without scopes":           {as(nurse), func(r *TokenRequest) { r.Scopes = 0 }, ledger.CodeInvalid},
		"with unknown scopes":      {as(nurse), func(r *TokenRequest) { r.Scopes = 1 << 20 }, ledger.CodeInvalid},
		"without end":              {as(nurse), func(r *TokenRequest) { r.TTL = 0 }, ledger.CodeInvalid},
		"over a year":              {as(nurse), func(r *TokenRequest) { r.TTL = MaxTokenLife + 1 }, ledger.CodeInvalid},
		"without label":            {as(nurse), func(r *TokenRequest) { r.Label = "" }, ledger.CodeInvalid},
		"with a name in the label": {as(nurse), func(r *TokenRequest) { r.Label = "for Jane Doe" }, ledger.CodeInvalid},
		"by a token that can't":    {Principal{Person: nurse.Person, Role: nurse.Role, Scopes: access.ScopeRead}, func(*TokenRequest) {}, ledger.CodeForbidden},
		"by a link":                {Principal{Share: &ShareGrant{}, Scopes: access.AllScopes}, func(*TokenRequest) {}, ledger.CodeForbidden},
	} {
		r := good
		tt.edit(&r)
		_, err := f.CreateToken(ctx, tt.by, r)
		want(t, name, err, tt.want)
	}
	list, _, err := f.Tokens(ctx, as(nurse), nurse.Person)
	if err != nil || len(list) != 3 { // of the enrolment too
		t.Fatalf("tokens: got %+v, %v, want 3", list, err)
	}
	for _, l := range list {
		if l.Secret != "" || l.ID == info.ID && l.LastUsedMS != now.UnixMilli() {
			t.Errorf("listed as %+v", l)
		}
	}
	_, _, err = f.Tokens(ctx, as(auditor), nurse.Person)
	want(t, "another's tokens", err, ledger.CodeForbidden)
	_, _, err = f.Tokens(ctx, f.admin, nurse.Person)
	want(t, "an admin lists them", err, "")
	want(t, "another revokes", f.RevokeToken(ctx, as(auditor), nurse.Person, info.ID), ledger.CodeForbidden)
	want(t, "an admin revokes", f.RevokeToken(ctx, f.admin, nurse.Person, info.ID), "")
	_, err = f.Authenticate(ctx, info.Secret)
	want(t, "after it", err, ledger.CodeUnauthenticated)
	want(t, "revoked twice", f.RevokeToken(ctx, as(nurse), nurse.Person, info.ID), ledger.CodeNotFound)
	left := list[len(list)-1]
	now = now.Add(time.Hour)
	if after, _, err := f.Tokens(ctx, as(nurse), nurse.Person); err != nil || len(after) != 1 {
		t.Errorf("an hour later: got %+v, %v, want that of the enrolment only, not %s", after, err, left.ID)
	}
	for i := 0; ; i++ {
		_, err := f.CreateToken(ctx, as(nurse), good)
		if err == nil && i < maxOwned {
			continue
		}
		want(t, "too many", err, ledger.CodeConflict)
		if i != maxOwned-1 {
			t.Errorf("got %d tokens, want %d with that of the enrolment", i, maxOwned-1)
		}
		break
	}
}

func TestNode_Authenticate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	nurse := f.enrol("Nurse", entry.RoleCenter)
	info, err := f.CreateToken(t.Context(), as(nurse), TokenRequest{Label: "bridge", Scopes: access.ScopeRead, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	good := info.Secret
	for name, token := range map[string]string{
		"empty":           "",
		"no kind":         strings.TrimPrefix(good, "isotherm_person_"),
		"another kind":    strings.Replace(good, "_person_", "_session_", 1),
		"of a box":        "isotherm_box_" + newSecret(),
		"another secret":  good[:len(good)-1] + string(good[len(good)-1]^1),
		"another owner":   strings.Replace(good, nurse.Person.String(), f.admin.Person.String(), 1),
		"upper case":      strings.Replace(good, nurse.Person.String(), strings.ToUpper(nurse.Person.String()), 1),
		"without secret":  "isotherm_person_" + nurse.Person.String(),
		"longer":          good + "x",
		"very long":       good + strings.Repeat("x", 1000),
		"short owner":     "isotherm_person_00_" + newSecret(),
		"owner not hex":   "isotherm_person_" + strings.Repeat("z", 32) + "_" + newSecret(),
		"unknown session": newToken(sessionToken, nurse.Person),
		"unknown link":    newToken(shareToken, nurse.Person),
	} {
		if name == "upper case" && token == good {
			continue
		}
		_, err := f.Authenticate(t.Context(), token)
		want(t, name, err, ledger.CodeUnauthenticated)
	}
	f.by(good)
}

func BenchmarkHasher_check(b *testing.B) {
	var h hasher
	h.init()
	for b.Loop() {
		if _, _, err := h.check(b.Context(), goodPassword, h.decoy); err != nil {
			b.Fatal(err)
		}
	}
}
