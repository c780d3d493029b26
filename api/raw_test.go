package api

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"isotherm/api/client"
	"isotherm/api/contract"
	"isotherm/ledger"
	"isotherm/ledger/entry"
)

// raw sends one request without the client's help.
type raw struct {
	f    *fixture
	http *http.Client
}

func newRaw(t *testing.T, f *fixture) *raw {
	t.Helper()
	text, err := os.ReadFile(f.ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	return &raw{f: f, http: &http.Client{Transport: transport}}
}

func (r *raw) send(method, path, token string, body []byte) (*http.Response, []byte) {
	r.f.t.Helper()
	req, err := http.NewRequestWithContext(r.f.t.Context(), method, r.f.server.URL+path, bytes.NewReader(body))
	if err != nil {
		r.f.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
		if path == "/v1/acts" || strings.HasSuffix(path, "/sync") {
			req.Header.Set("Content-Type", "application/octet-stream")
		}
	}
	return r.do(req)
}

func (r *raw) do(req *http.Request) (*http.Response, []byte) {
	r.f.t.Helper()
	resp, err := r.http.Do(req)
	if err != nil {
		r.f.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		r.f.t.Fatal(err)
	}
	return resp, got
}

func TestAPI_errors(t *testing.T) {
	f := newFixture(t)
	r := newRaw(t, f)
	_, token := f.enrol("Second", "OPO", entry.RoleAdmin)
	large := bytes.Repeat([]byte("x"), 300<<10)
	for _, tt := range []struct {
		name, method, path, token string
		body                      []byte
		status                    int
		code                      ledger.Code
	}{
		{"no such page", "GET", "/v2/shipments", "", nil, 404, ledger.CodeNotFound},
		{"wrong method", "DELETE", "/v1/shipments", "", nil, 405, ledger.CodeInvalid},
		{"no token", "GET", "/v1/shipments", "", nil, 401, ledger.CodeUnauthenticated},
		{"a freshness of its own", "GET", "/v1/shipments?fresh=yes", token, nil, 400, ledger.CodeInvalid},
		{"long token", "GET", "/v1/shipments", "isotherm_person_" + strings.Repeat("x", 1000), nil, 401, ledger.CodeUnauthenticated},
		{"token of the other kind", "GET", "/v1/shipments", "isotherm_box_x", nil, 401, ledger.CodeUnauthenticated},
		{"oversize batch", "POST", "/v1/boxes/" + ledger.BoxID{}.String() + "/sync", "", large, 413, ledger.CodeInvalid},
		{"oversize act", "POST", "/v1/acts", token, large, 413, ledger.CodeInvalid},
		{"oversize JSON", "POST", "/v1/people", token, large, 413, ledger.CodeInvalid},
		{"no JSON", "POST", "/v1/people", token, []byte("{"), 400, ledger.CodeInvalid},
		{"unknown field", "POST", "/v1/people", token, []byte(`{"rank":1}`), 400, ledger.CodeInvalid},
		{"two values", "POST", "/v1/enrol-tokens", token, []byte(`{"label":"x","ttl_s":60} {}`), 400, ledger.CodeInvalid},
		{"token for ever", "POST", "/v1/enrol-tokens", token, []byte(`{"label":"x","ttl_s":9223372036854775807}`), 400, ledger.CodeInvalid},
		{"unknown role", "POST", "/v1/people", token, []byte(`{"role":"king"}`), 400, ledger.CodeInvalid},
		{"bad id", "GET", "/v1/shipments/x", token, nil, 400, ledger.CodeInvalid},
		{"unknown case", "GET", "/v1/shipments/" + ledger.ShipmentID{9}.String(), token, nil, 404, ledger.CodeNotFound},
		{"unknown case exported", "POST", "/v1/shipments/" + ledger.ShipmentID{9}.String() + "/exports", token, []byte(`{"reason":"x"}`), 404, ledger.CodeNotFound},
		{"no act", "POST", "/v1/acts", token, []byte("x"), 400, ledger.CodeInvalid},
		{"entry beyond", "GET", "/v1/entries/1000000/proof", "", nil, 404, ledger.CodeNotFound},
		{"entry below", "GET", "/v1/entries/-1/proof", "", nil, 400, ledger.CodeInvalid},
		{"tile beyond", "GET", "/tile/0/x001/000", "", nil, 404, ledger.CodeNotFound},
		{"tile of no level", "GET", "/tile/63/000", "", nil, 404, ledger.CodeNotFound},
		{"no tile", "GET", "/tile/0/../../v1/shipments", "", nil, 404, ledger.CodeNotFound},
		{"entry tile by its other name", "GET", "/tile/data/000.p/1", "", nil, 404, ledger.CodeNotFound},
		{"entry tile by an encoded name", "GET", "/tile/%65ntries/000.p/1", "", nil, 404, ledger.CodeNotFound},
		{"entry tile behind a slash", "GET", "/tile//entries/000.p/1", "", nil, 404, ledger.CodeNotFound},
	} {
		resp, body := r.send(tt.method, tt.path, tt.token, tt.body)
		var p contract.Problem
		if err := json.Unmarshal(body, &p); err != nil {
			t.Errorf("%s: %v: %.200q", tt.name, err, body)
			continue
		}
		if resp.StatusCode != tt.status || p.Status != tt.status || p.Code != tt.code {
			t.Errorf("%s: got status %d (in the body %d), code %s, want %d, %s: %s", tt.name, resp.StatusCode, p.Status, p.Code, tt.status, tt.code, body)
		}
		if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s: content type %q", tt.name, got)
		}
		if p.RequestID == "" || p.RequestID != resp.Header.Get("X-Request-Id") || p.Type != "urn:isotherm:error:"+string(tt.code) || p.Title == "" || p.Detail == "" {
			t.Errorf("%s: got %+v", tt.name, p)
		}
	}
}

func TestProblemOf_internal(t *testing.T) {
	for _, err := range []error{io.ErrUnexpectedEOF, ledger.Errorf(ledger.CodeInternal, "secret"), fmt.Errorf("secret: %w", io.EOF), echo.NewHTTPError(500, "secret")} {
		p := problemOf(err)
		if p.Status != 500 || p.Detail != "internal error" || p.Hint != "" {
			t.Errorf("%v: got %+v", err, p)
		}
	}
}

func TestStatusOf_everyCode(t *testing.T) {
	codes := []ledger.Code{ledger.CodeInvalid, ledger.CodeUnauthenticated, ledger.CodeForbidden, ledger.CodeNotFound, ledger.CodeConflict,
		ledger.CodeWrongRoot, ledger.CodeQuarantined, ledger.CodeUnavailable, ledger.CodeOverloaded}
	seen := map[int]ledger.Code{}
	for _, code := range codes {
		got := statusOf(code)
		if other, twice := seen[got]; twice || got == http.StatusInternalServerError {
			t.Errorf("%s: status %d, which is that of %q", code, got, other)
		}
		seen[got] = code
	}
}

func TestAPI_headers(t *testing.T) {
	f := newFixture(t)
	r := newRaw(t, f)
	resp, body := r.send("GET", "/v1/status", "", nil)
	if resp.StatusCode != 200 || !strings.Contains(string(body), testOrigin) {
		t.Errorf("status: status %d, %s", resp.StatusCode, body)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		"Strict-Transport-Security": "max-age=31536000; includeSubdomains", "X-Frame-Options": "DENY"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestAPI_tokens covers what can become of a token.
func TestAPI_tokens(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	p, _ := f.enrol("Nurse", "Center", entry.RoleCenter)
	me, err := p.Me(ctx)
	if err != nil || me.Person != p.id || me.Name != "Nurse" || me.Role != "center" || me.Origin != testOrigin {
		t.Errorf("me: got %+v, %v", me, err)
	}
	second, err := f.admin.EnrolPerson(ctx, f.card(p, "Nurse", entry.RoleCenter, f.admin.id, f.admin.key).Marshal())
	if err != nil {
		t.Fatal(err)
	}
	if me, err := f.client(second.Token).Me(ctx); err != nil || me.Person != p.id {
		t.Errorf("second token: got %+v, %v", me, err)
	}
	if _, err := p.Me(ctx); ledger.CodeOf(err) != ledger.CodeUnauthenticated {
		t.Errorf("the first token, in whose place it is: got %v", err)
	}
	p.Client = p.WithToken(second.Token)
	again := f.card(p, "Nurse", entry.RoleAdmin, f.admin.id, f.admin.key)
	if _, err := f.admin.EnrolPerson(ctx, again.Marshal()); ledger.CodeOf(err) != ledger.CodeConflict {
		t.Errorf("the same person with another role: got %v, want %s", err, ledger.CodeConflict)
	}
	people, err := p.People(ctx)
	if err != nil || len(people.People) != 2 {
		t.Errorf("people: got %+v, %v", people, err)
	}
	box := newBox(t, "box")
	token, err := f.admin.CreateEnrolToken(ctx, "box 1", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	f.clock.Store(int64(2 * time.Hour))
	if _, err := f.client("").EnrolBox(ctx, token.Token, client.Enrolment{Key: public(box.key), Head: box.head(1)}); ledger.CodeOf(err) != ledger.CodeUnauthenticated {
		t.Errorf("expired one-time token: got %v, want %s", err, ledger.CodeUnauthenticated)
	}
	if _, err := f.admin.Me(ctx); ledger.CodeOf(err) != ledger.CodeUnauthenticated {
		t.Errorf("the first administrator's expired token: got %v, want %s", err, ledger.CodeUnauthenticated)
	}
}

// TestAPI_enrolRate shows that guessing one-time tokens is slow.
func TestAPI_enrolRate(t *testing.T) {
	f := newFixture(t)
	r := newRaw(t, f)
	for i := range 10 * rates["enrol"].burst {
		resp, _ := r.send("POST", "/v1/boxes", "isotherm_box_guess", []byte(`{"key":"AAAA","head":"AAAA"}`))
		if resp.StatusCode == http.StatusTooManyRequests {
			if i < rates["enrol"].burst || resp.Header.Get("Retry-After") == "" {
				t.Errorf("refused after %d tries, Retry-After %q", i, resp.Header.Get("Retry-After"))
			}
			return
		}
	}
	t.Errorf("%d tries at once were all taken", 10*rates["enrol"].burst)
}

func tokenRequest(scopes ...string) client.TokenRequest {
	return client.TokenRequest{Label: "for a program", Scopes: scopes, TTLSeconds: 3600}
}

func clientQuery() client.ShipmentQuery { return client.ShipmentQuery{Limit: 500} }
