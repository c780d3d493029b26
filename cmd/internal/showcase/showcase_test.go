package showcase_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"isotherm/cmd/internal/showcase"
)

// TestHandler_otherSites refuses what a page of another site could send. The journey is nil: nothing of it is reached.
func TestHandler_otherSites(t *testing.T) {
	handler := showcase.Handler(nil)
	for _, tt := range []struct {
		name, method, path string
		header             map[string]string
	}{
		{"passwords for another site", http.MethodGet, "logins", map[string]string{"Sec-Fetch-Site": "cross-site"}},
		{"passwords for another port", http.MethodGet, "logins", map[string]string{"Sec-Fetch-Site": "same-site"}},
		{"nodes for another site", http.MethodGet, "state", map[string]string{"Sec-Fetch-Site": "cross-site"}},
		{"form of another site", http.MethodPost, "nodes/node-1/stop", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}},
		{"form from an old browser", http.MethodPost, "tamper", map[string]string{"Origin": "https://elsewhere.example"}},
		{"header, but another site", http.MethodPost, "device-key", map[string]string{"Sec-Fetch-Site": "cross-site", "Isotherm-Request": "1"}},
		{"no header", http.MethodPost, "nodes/node-1/start", map[string]string{"Sec-Fetch-Site": "same-origin"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, showcase.Prefix+tt.path, strings.NewReader("{}"))
			for name, value := range tt.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "another site") {
				t.Errorf("got %d %s, want 403", w.Code, w.Body)
			}
			for name := range w.Header() {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s lets other sites read the answer", name)
				}
			}
		})
	}
}

// TestHandler_requests refuses what is wrong in a request before anything is done.
func TestHandler_requests(t *testing.T) {
	handler := showcase.Handler(nil)
	for _, tt := range []struct{ name, path, body, want string }{
		{"shipment that is none", "tamper", `{"shipment":"7"}`, `shipment \"7\"`},
		{"unknown field", "tamper", `{"shipment":"7","byte":1}`, "unknown field"},
		{"short key", "device-key", `{"as":"courier","key":"00ff"}`, "key is 2 bytes, want 32"},
		{"no JSON", "device-key", `key`, "read request"},
		{"endless", "device-key", `{"as":"` + strings.Repeat("x", 8<<10) + `"}`, "read request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, showcase.Prefix+tt.path, strings.NewReader(tt.body))
			r.Header.Set("Isotherm-Request", "1")
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %d %s, want 400 with %s", w.Code, w.Body, tt.want)
			}
		})
	}
}
