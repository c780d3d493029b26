package api

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"isotherm/api/client"
)

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8:1:2::1": "2001:db8:1:2::/64",
		"2001:db8:1:3::1": "2001:db8:1:3::/64", "fe80::1%eth0": "fe80::/64", "": "", "pipe": "pipe",
	} {
		if got := network(address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
}

// TestRates_ipv6 proves that a host does not get a fresh limit with each of its addresses.
func TestRates_ipv6(t *testing.T) {
	f := newFixture(t)
	limited := 0
	for i := range 3 * rates["enrol"].burst {
		r := httptest.NewRequest(http.MethodPost, "/v1/boxes", nil)
		r.RemoteAddr = "[2001:db8::" + string(rune('1'+i%9)) + "]:443"
		w := httptest.NewRecorder()
		f.api.ServeHTTP(w, r)
		if w.Code == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < rates["enrol"].burst {
		t.Errorf("%d requests were refused, want those beyond %d or so", limited, rates["enrol"].burst)
	}
}

// TestGetMe_narrow proves that every token may ask whose it is, and that it sees no more than its scopes.
func TestGetMe_narrow(t *testing.T) {
	f := newFixture(t)
	made, err := f.admin.CreateToken(t.Context(), client.TokenRequest{Label: "bridge", Scopes: []string{"read"}, TTLSeconds: 60})
	if err != nil {
		t.Fatal(err)
	}
	me, err := f.admin.WithToken(made.Token).Me(t.Context())
	if err != nil || me.Person != f.admin.id || me.Login != "" {
		t.Errorf("got %+v, %v", me, err)
	}
}
