package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/entry"
)

const password = "a long enough password"

// withPassword enrols somebody who sets a password.
func (f *fixture) withPassword(name, login string) *person {
	f.t.Helper()
	p, _ := f.enrol(name, "OPO", entry.RoleCoordinator)
	if err := p.SetPassword(f.t.Context(), client.SetPassword{Login: login, New: password}); err != nil {
		f.t.Fatal(err)
	}
	return p
}

// TestSessions covers a session from sign-in to sign-out.
func TestSessions(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	p := f.withPassword("Coordinator", "coordinator")
	for _, tt := range []struct{ login, password string }{{"coordinator", "wrong"}, {"nobody", password}} {
		if _, err := f.client("").SignIn(ctx, tt.login, tt.password); ledger.CodeOf(err) != ledger.CodeUnauthenticated {
			t.Errorf("%s with %q: got %v, want %s", tt.login, tt.password, err, ledger.CodeUnauthenticated)
		}
	}
	s, err := f.client("").SignIn(ctx, "coordinator", password)
	if err != nil || s.Person != p.id || s.Role != "coordinator" || s.Name != "Coordinator" {
		t.Fatalf("sign in: got %+v, %v", s, err)
	}
	in := f.client(s.Token)
	me, err := in.Me(ctx)
	if err != nil || me.Credential != "session" || me.Login != "coordinator" || len(me.Scopes) != 7 || me.PasswordSetMS == 0 {
		t.Errorf("me: got %+v, %v", me, err)
	}
	made, err := in.CreateToken(ctx, tokenRequest("read", "account"))
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := in.Tokens(ctx, ledger.PersonID{})
	if err != nil || len(tokens.Tokens) == 0 {
		t.Errorf("tokens: got %+v, %v", tokens, err)
	}
	if _, err := f.client(made.Token).Shipments(ctx, client.ShipmentQuery{}); err != nil {
		t.Errorf("with the API token: %v", err)
	}
	if err := in.RevokeToken(ctx, ledger.PersonID{}, made.Info.ID); err != nil {
		t.Errorf("revoke: %v", err)
	}
	if _, err := f.client(made.Token).Me(ctx); ledger.CodeOf(err) != ledger.CodeUnauthenticated {
		t.Errorf("revoked token: got %v, want %s", err, ledger.CodeUnauthenticated)
	}
	if err := in.SignOut(ctx); err != nil {
		t.Errorf("sign out: %v", err)
	}
	if _, err := in.Me(ctx); ledger.CodeOf(err) != ledger.CodeUnauthenticated {
		t.Errorf("ended session: got %v, want %s", err, ledger.CodeUnauthenticated)
	}
}

// TestSessions_cookie covers browsers: the cookie's attributes, and requests that other sites make with it.
func TestSessions_cookie(t *testing.T) {
	f := newFixture(t)
	f.withPassword("Coordinator", "coordinator")
	r := newRaw(t, f)
	resp, body := r.send("POST", "/v1/sessions", "", []byte(`{"login":"coordinator","password":"`+password+`","cookie":true}`))
	if resp.StatusCode != http.StatusCreated || strings.Contains(string(body), "isotherm_session_") {
		t.Fatalf("sign in: status %d: %s", resp.StatusCode, body)
	}
	cookie := resp.Cookies()[0]
	if cookie.Name != "__Host-isotherm" || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Domain != "" || cookie.Expires.Before(time.Now()) {
		t.Errorf("cookie: got %+v", cookie)
	}
	for _, tt := range []struct {
		name, method, path, site, header string
		want                             int
	}{
		{"a look", "GET", "/v1/me", "", "", 200},
		{"a look from another site", "GET", "/v1/me", "cross-site", "", 200}, // SameSite keeps browsers from sending it; nothing changes by it
		{"a change without a sign", "POST", "/v1/tokens", "", "", 403},
		{"a change from another site", "POST", "/v1/tokens", "cross-site", "", 403},
		{"a change from another site with the header", "POST", "/v1/tokens", "cross-site", "1", 403},
		{"a change from a sister site", "POST", "/v1/tokens", "same-site", "", 403},
		{"a change from our page", "POST", "/v1/tokens", "same-origin", "", 201},
		{"a change from our page in an old browser", "POST", "/v1/tokens", "", "1", 201},
		{"sign out", "DELETE", "/v1/sessions/current", "same-origin", "", 204},
		{"after signing out", "GET", "/v1/me", "", "", 401},
	} {
		text := ""
		if tt.method == "POST" {
			text = `{"label":"x","scopes":["read"],"ttl_s":60}`
		}
		req, err := http.NewRequestWithContext(t.Context(), tt.method, f.server.URL+tt.path, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		req.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
		for name, value := range map[string]string{"Sec-Fetch-Site": tt.site, csrfHeader: tt.header, "Content-Type": "application/json"} {
			if value != "" {
				req.Header.Set(name, value)
			}
		}
		if resp, body := r.do(req); resp.StatusCode != tt.want {
			t.Errorf("%s: got status %d, want %d: %s", tt.name, resp.StatusCode, tt.want, body)
		}
	}
}

// TestSessions_rate shows that guessing passwords is slow, whatever the names and whatever address a request claims to come from.
func TestSessions_rate(t *testing.T) {
	f := newFixture(t)
	r := newRaw(t, f)
	for i := range 10 * rates["sign-in"].burst {
		req, err := http.NewRequestWithContext(t.Context(), "POST", f.server.URL+"/v1/sessions", strings.NewReader(`{"login":"nobody`+itoa(int64(i))+`","password":"guess"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Forwarded-For", "192.0.2."+itoa(int64(i))) // anybody can write that
		resp, _ := r.do(req)
		if resp.StatusCode == http.StatusTooManyRequests {
			if resp.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			return
		}
	}
	t.Error("all guesses were taken at once")
}
