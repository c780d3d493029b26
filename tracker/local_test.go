package tracker_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/record"
	"isotherm/tracker"
)

func TestTracker_Handler(t *testing.T) {
	b := newBox(t, nil)
	b.open()
	defer func() {
		if err := b.tracker.Close(); err != nil {
			t.Error(err)
		}
		b.check()
	}()
	h := b.tracker.Handler()
	good := act(t, custody.Statement{Kind: custody.Receive, Shipment: testShipment})
	const octets = "application/octet-stream"
	for _, tt := range []struct {
		name, method, path, host, kind string
		body                           []byte
		status                         int
		want                           string
	}{
		{"status", "GET", "/v1/status", "127.0.0.1:7401", "", nil, 200, `"link":{"state":"none"`},
		{"head", "GET", "/v1/head", "localhost:7401", "", nil, 200, record.OriginPrefix},
		{"act", "POST", "/v1/acts", "[::1]:7401", octets, good, 200, `{"seq":1,"known":false}`},
		{"act again", "POST", "/v1/acts", "127.0.0.1", octets, good, 200, `{"seq":1,"known":true}`},
		{"no act", "POST", "/v1/acts", "127.0.0.1", octets, []byte("junk"), 400, `"code":"invalid"`},
		{"act of a browser form", "POST", "/v1/acts", "127.0.0.1", "text/plain", good, 400, `"code":"invalid"`},
		{"too long", "POST", "/v1/acts", "127.0.0.1", octets, make([]byte, custody.MaxSize+1), 400, `"code":"invalid"`},
		{"radio off", "POST", "/v1/radio", "127.0.0.1", "application/json", []byte(`{"on":false}`), 200, `{"on":false}`},
		{"radio off again", "POST", "/v1/radio", "127.0.0.1", "application/json", []byte(`{"on":false}`), 200, `{"on":false}`},
		{"radio by a form", "POST", "/v1/radio", "127.0.0.1", "text/plain", []byte(`{"on":true}`), 400, `"code":"invalid"`},
		{"radio not said", "POST", "/v1/radio", "127.0.0.1", "application/json", []byte(`{}`), 400, `"code":"invalid"`},
		{"radio and more", "POST", "/v1/radio", "127.0.0.1", "application/json", []byte(`{"on":true}{"on":true}`), 400, `"code":"invalid"`},
		{"rebound name", "GET", "/v1/status", "evil.example", "", nil, 403, `"code":"forbidden"`},
		{"unknown path", "GET", "/v1/nothing", "127.0.0.1", "", nil, 404, `"code":"not_found"`},
		{"wrong method", "DELETE", "/v1/acts", "127.0.0.1", "", nil, 404, `"code":"not_found"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := httptest.NewRequest(tt.method, tt.path, bytes.NewReader(tt.body))
			req.Host = tt.host
			req.Header.Set("Content-Type", tt.kind)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("got %d %s, want %d with %s", w.Code, w.Body, tt.status, tt.want)
			}
			if kind := w.Header().Get("Content-Type"); tt.status >= 400 && kind != "application/problem+json" {
				t.Errorf("content type of an error: got %q", kind)
			}
		})
	}
	req := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/v1/status", nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	var s tracker.Status
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil || s.Box != b.tracker.Box() || s.Flushed != 3 || s.Radio {
		t.Errorf("status: got %+v, %v", s, err)
	}
}

func TestNew_Refuses(t *testing.T) {
	b := newBox(t, newLedger(t))
	for name, change := range map[string]func(*tracker.Config){
		"no directory":         func(c *tracker.Config) { c.DataDir = "" },
		"no clock":             func(c *tracker.Config) { c.Clock = nil },
		"clock that stands":    func(c *tracker.Config) { c.Clock = tracker.SimulatedClock{} },
		"page for all to see":  func(c *tracker.Config) { c.Local = "0.0.0.0:80" },
		"uplink without keys":  func(c *tracker.Config) { c.Trust = nil },
		"probe without place":  func(c *tracker.Config) { c.Probes[0].Place = "" },
		"negative interval":    func(c *tracker.Config) { c.Sample = -time.Second },
		"more than 16 probes":  func(c *tracker.Config) { c.Probes = make([]tracker.Probe, 17) },
		"page without a port":  func(c *tracker.Config) { c.Local = "127.0.0.1" },
		"page on another name": func(c *tracker.Config) { c.Local = "box.example:80" },
	} {
		cfg := b.config()
		change(&cfg)
		if tr, err := tracker.New(cfg); err == nil {
			t.Errorf("%s: got no error", name)
			if err := tr.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestSystemClock_Now(t *testing.T) {
	c, err := tracker.NewSystemClock()
	if err != nil {
		t.Fatal(err)
	}
	first := c.Now()
	second := c.Now()
	if first.MonoMS == 0 || second.MonoMS < first.MonoMS || c.BootID() == [ledger.IDSize]byte{} {
		t.Errorf("got %+v then %+v, want time that goes on", first, second)
	}
	if q := first.Quality; q < record.ClockUnset || q > record.ClockNTP {
		t.Errorf("quality: got %v, want unset, rtc or ntp", q)
	}
	if wall := time.UnixMilli(first.WallMS); time.Since(wall) > time.Minute {
		t.Errorf("wall time: got %v", wall)
	}
}
