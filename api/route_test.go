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

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/entry"
)

// access is who may use which route, written down a second time: a route that is added or opened by mistake fails here.
var access = map[string]string{
	"GET /":               "anyone",
	"GET /checkpoint":     "anyone",
	"GET /tile/*":         "anyone",
	"GET /tile/entries/*": "auditor",
	"GET /v1/boxes":       "admin coordinator courier center auditor",
	"GET /v1/boxes/:box/journals/:inc/receipt": "anyone",
	"GET /v1/entries/:index/proof":             "anyone",
	"GET /v1/genesis":                          "anyone",
	"GET /v1/me":                               "admin coordinator courier center auditor",
	"GET /v1/people":                           "admin coordinator courier center auditor",
	"GET /v1/shipments":                        "admin coordinator courier center auditor",
	"GET /v1/shipments/:id":                    "admin coordinator courier center auditor",
	"GET /v1/shipments/:id/readings":           "admin coordinator courier center auditor",
	"GET /v1/status":                           "anyone",
	"POST /v1/acts":                            "admin coordinator courier center",
	"POST /v1/boxes":                           "one-time token",
	"POST /v1/boxes/:box/sync":                 "box",
	"POST /v1/donor-commitments":               "admin coordinator center",
	"POST /v1/enrol-tokens":                    "admin",
	"POST /v1/people":                          "admin",
	"POST /v1/shipments/:id/exports":           "admin coordinator center auditor",
}

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

func TestRoutes_access(t *testing.T) {
	f := newFixture(t)
	handler, err := New(Options{Node: f.node, Status: func() client.Status { return client.Status{} }})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, r := range handler.(*echo.Echo).Routes() {
		got[r.Method+" "+r.Path] = true
	}
	want := map[string]bool{}
	for name := range access {
		want[name] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("routes (-want +got):\n%s", diff)
	}
	tokens := map[string]string{}
	for _, role := range []entry.Role{entry.RoleAdmin, entry.RoleCoordinator, entry.RoleCourier, entry.RoleCenter, entry.RoleAuditor} {
		_, tokens[role.String()] = f.enrol("the "+role.String(), "Somewhere", role)
	}
	r := newRaw(t, f)
	fill := strings.NewReplacer(":box", ledger.BoxID{1}.String(), ":inc", ledger.IncarnationID{1}.String(), ":id", ledger.ShipmentID{1}.String(), ":index", "0", "*", "0/000")
	for name, who := range access {
		method, path, _ := strings.Cut(name, " ")
		open := who == "anyone" || who == "box"
		resp, _ := r.send(method, fill.Replace(path), "", nil)
		if got := resp.StatusCode == http.StatusUnauthorized; got == open {
			t.Errorf("%s without a token: status %d", name, resp.StatusCode)
		}
		if resp, _ := r.send(method, fill.Replace(path), "isotherm_person_unknown", nil); !open && resp.StatusCode != http.StatusUnauthorized && who != "one-time token" {
			t.Errorf("%s with an unknown token: got status %d, want 401", name, resp.StatusCode)
		}
		if open || who == "one-time token" {
			continue
		}
		for role, token := range tokens {
			resp, body := r.send(method, fill.Replace(path), token, nil)
			allowed := strings.Contains(" "+who+" ", " "+role+" ")
			if refused := resp.StatusCode == http.StatusForbidden; refused == allowed {
				t.Errorf("%s by %s: got status %d, allowed %v: %s", name, role, resp.StatusCode, allowed, body)
			}
		}
	}
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
		{"a freshness of its own", "GET", "/v1/shipments?linearizable=yes", token, nil, 400, ledger.CodeInvalid},
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
		var p client.Problem
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
	resp, body := r.send("GET", "/", "", nil)
	if resp.StatusCode != 200 || !strings.Contains(string(body), testOrigin) {
		t.Errorf("index: status %d, %s", resp.StatusCode, body)
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
	again := client.Person{ID: p.id, Name: "Nurse", Organisation: "Center", Role: "center", Key: public(p.key)}
	second, err := f.admin.EnrolPerson(ctx, again)
	if err != nil {
		t.Fatal(err)
	}
	if me, err := f.client(second.Token).Me(ctx); err != nil || me.Person != p.id {
		t.Errorf("second token: got %+v, %v", me, err)
	}
	again.Role = "admin"
	if _, err := f.admin.EnrolPerson(ctx, again); ledger.CodeOf(err) != ledger.CodeConflict {
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
	for i := range 10 * enrolBurst {
		resp, _ := r.send("POST", "/v1/boxes", "isotherm_box_guess", []byte("{}"))
		if resp.StatusCode == http.StatusTooManyRequests {
			if i < enrolBurst || resp.Header.Get("Retry-After") == "" {
				t.Errorf("refused after %d tries, Retry-After %q", i, resp.Header.Get("Retry-After"))
			}
			return
		}
	}
	t.Errorf("%d tries at once were all taken", 10*enrolBurst)
}
