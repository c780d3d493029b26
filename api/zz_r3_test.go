package api

import "testing"

func TestZZ(t *testing.T) {
	f := newFixture(t)
	for _, x := range [][2]string{{"DELETE", "/v1/shipments"}, {"HEAD", "/v1/status"}, {"OPTIONS", "/v1/status"}, {"PATCH", "/v1/status"}, {"TRACE", "/"}, {"CONNECT", "/"}, {"HEAD", "/b/x"}, {"POST", "/b/x"}, {"OPTIONS", "/carry"}, {"GET", "/b/"}, {"GET", "/b/x/y"}, {"GET", "//evil.example/%2e%2e"}, {"GET", "/v1"}, {"GET", "/v1x"}, {"GET", "/b/%2F%2Fevil"}, {"GET", "/b/%00"}, {"HEAD", "/sw.js"}, {"GET", "/demo-api/logins"}} {
		w := browse(f, x[0], x[1], "text/html", "")
		t.Log(x, w.Code, w.Header().Get("Allow"), w.Header().Get("Content-Type"), w.Header().Get("X-Content-Type-Options"), w.Header().Get("Cache-Control"), w.Body.Len(), w.Header().Get("Content-Length"))
	}
}
