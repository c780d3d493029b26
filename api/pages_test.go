package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"isotherm/api/contract"
	"isotherm/api/web"
)

// browse asks the API's own handler, for what is no part of the contract.
func browse(f *fixture, method, path, accept, cookie string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Accept", accept)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: cookie})
	}
	w := httptest.NewRecorder()
	f.api.ServeHTTP(w, r)
	return w
}

func TestPages_routes(t *testing.T) {
	f := newFixture(t)
	const html = "text/html,application/xhtml+xml"
	for _, tt := range []struct {
		method, path, accept string
		want                 int
		page                 bool
	}{
		{"GET", "/", html, 200, true},
		{"GET", "/", "*/*", 200, true},
		{"GET", "/carry/123/handoff", html, 200, true},
		{"HEAD", "/carry", html, 200, true},
		{"GET", "/carry", "application/json", 404, false},
		{"POST", "/carry", html, 404, false},
		{"GET", "/v1/nothing", html, 404, false},
		{"GET", "/docs/nothing.js", html, 400, false},
		{"GET", "/tile/x", html, 404, false},
		{"GET", "/assets/nothing.js", "*/*", 404, false},
	} {
		w := browse(f, tt.method, tt.path, tt.accept, "")
		policy := w.Header().Get("Content-Security-Policy")
		if w.Code != tt.want || strings.Contains(policy, "script-src 'self'") != tt.page {
			t.Errorf("%s %s for %s: status %d, policy %q; want %d, a page: %t", tt.method, tt.path, tt.accept, w.Code, policy, tt.want, tt.page)
		}
	}
}

// TestPages_allow shows that a wrong method is told which ones are right, and that the page of a box has its head.
func TestPages_allow(t *testing.T) {
	f := newFixture(t)
	for path, want := range map[string]string{"/v1/shipments": "GET", "/v1/exports": "GET, POST", "/b/x": "GET"} {
		if w := browse(f, "PATCH", path, "text/html", ""); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != want {
			t.Errorf("PATCH %s: status %d, Allow %q, want %q", path, w.Code, w.Header().Get("Allow"), want)
		}
	}
	get, head := browse(f, "GET", "/b/x", "text/html", ""), browse(f, "HEAD", "/b/x", "text/html", "")
	if got, want := head.Header().Get("Content-Length"), get.Header().Get("Content-Length"); head.Code != http.StatusOK || got != want {
		t.Errorf("HEAD of a box's page: status %d, length %s, want %s", head.Code, got, want)
	}
}

// TestPages_stranger shows that nobody learns from a box's page whether the box is known, and that people get to it.
func TestPages_stranger(t *testing.T) {
	f := newFixture(t)
	known := browse(f, "GET", "/b/box-1", "text/html", "")
	if known.Code != http.StatusOK || !strings.Contains(known.Body.String(), "Do not open.") {
		t.Fatalf("status %d: %s", known.Code, known.Body)
	}
	if w := browse(f, "GET", "/b/box-1", "text/html", "isotherm_session_wrong"); w.Code != http.StatusOK {
		t.Errorf("with an ended session: status %d", w.Code)
	}
	w := browse(f, "GET", "/b/box%201%26x", "text/html", f.admin.token)
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/carry?box=box+1%26x" {
		t.Errorf("signed in: status %d to %q", w.Code, got)
	}
}

func TestPages_settings(t *testing.T) {
	f := newFixture(t)
	settings := web.Settings{Call: "+1 206 555 0142", Operator: "River", Tiles: "https://t.example/{z}/{x}/{y}.png", TilesAttribution: "T"}
	var err error
	if f.api.h.pages, err = web.New(web.Files(), settings); err != nil {
		t.Fatal(err)
	}
	r := newRaw(t, f)
	got := decodeAnswer[contract.Pages](t, r, "/v1/pages")
	if got.Call != settings.Call || got.Operator != settings.Operator || got.Tiles.URL != settings.Tiles || got.Tiles.Attribution != "T" || got.Origin != testOrigin {
		t.Errorf("got %+v", got)
	}
}

func decodeAnswer[T any](t *testing.T, r *raw, path string) (out T) {
	t.Helper()
	resp, body := r.send("GET", path, "", nil)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: status %d: %s", path, resp.StatusCode, body)
	}
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
