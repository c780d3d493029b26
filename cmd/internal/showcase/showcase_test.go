package showcase

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"isotherm/cmd/internal/journey"
)

// TestHandler_otherSites shows that no page of another site reads passwords or changes anything, and that none is told it may.
func TestHandler_otherSites(t *testing.T) {
	h := Handler(&journey.Journey{})
	for _, tt := range []struct {
		name, method, path, site, header string
		want                             int
	}{
		{"our page", "GET", "logins", "same-origin", "", 200},
		{"no browser", "GET", "logins", "", "", 200},
		{"typed by hand", "GET", "logins", "none", "", 200},
		{"another site", "GET", "logins", "cross-site", "", 403},
		{"another port of this machine", "GET", "logins", "same-site", "", 403},
		{"our page's change, of nobody known", "POST", "device-key", "same-origin", "1", 404},
		{"a change without the header", "POST", "device-key", "", "", 403},
		{"a form of another site", "POST", "device-key", "cross-site", "", 403},
		{"another site with the header", "POST", "device-key", "cross-site", "1", 403},
		{"may another site?", "OPTIONS", "device-key", "cross-site", "", 405},
	} {
		r := httptest.NewRequest(tt.method, Prefix+tt.path, strings.NewReader(`{"as":"x","key":"`+strings.Repeat("00", 32)+`"}`))
		for name, value := range map[string]string{"Sec-Fetch-Site": tt.site, csrfHeader: tt.header} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.want || w.Header().Get("Access-Control-Allow-Origin") != "" || w.Code == http.StatusOK && w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: status %d, want %d: %v %s", tt.name, w.Code, tt.want, w.Header(), w.Body)
		}
	}
}
