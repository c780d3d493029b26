package tracker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
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

// Phones on the box's Wi-Fi open its address there, and nothing that has a name: whose name it is could change.
func TestTracker_Handler_hosts(t *testing.T) {
	b := newBox(t, nil)
	b.open()
	defer b.tracker.Close()
	h := b.tracker.Handler()
	for _, tt := range []struct {
		host, local string // what the browser asks for, and where its connection came in
		want        int
	}{
		{"192.168.4.1", "192.168.4.1:80", 200},
		{"192.168.4.1:8080", "192.168.4.1:8080", 200},
		{"192.168.4.1", "[::ffff:192.168.4.1]:80", 200},
		{"[fe80::1]:80", "[fe80::1%eth0]:80", 200},
		{"[fd00::1]", "[fd00::1]:80", 200},
		{"127.0.0.1:7401", "127.0.0.1:7401", 200},
		{"localhost:7401", "127.0.0.1:7401", 200},
		{"192.168.4.2", "192.168.4.1:80", 403},
		{"192.168.4.1", "10.0.0.5:80", 403},
		{"192.168.4.1", "", 403},
		{"box.example", "192.168.4.1:80", 403},
		{"192.168.4.1.evil.example", "192.168.4.1:80", 403},
		{"192.168.4.1@evil.example", "192.168.4.1:80", 403},
		{"localhost.evil.example", "127.0.0.1:7401", 403},
		{"0.0.0.0", "192.168.4.1:80", 403},
		{"3232236545", "192.168.4.1:80", 403}, // the same as one number
		{"", "192.168.4.1:80", 403},
	} {
		for _, path := range []string{"/", "/v1/status"} {
			req := httptest.NewRequest(http.MethodGet, path, nil)
			req.Host = tt.host
			if tt.local != "" {
				addr := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(tt.local))
				req = req.WithContext(context.WithValue(req.Context(), http.LocalAddrContextKey, addr))
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			if w.Code != tt.want {
				t.Errorf("%s for %q at %q: got %d, want %d", path, tt.host, tt.local, w.Code, tt.want)
			}
		}
	}
}

// Over a real connection, to an address of this machine that is not on loopback.
func TestTracker_Handler_ownAddress(t *testing.T) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(addrs, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.To4() != nil && !n.IP.IsLoopback()
	})
	if i < 0 {
		t.Skip("this machine has no address but loopback")
	}
	b := newBox(t, nil)
	b.open()
	defer b.tracker.Close()
	l, err := net.Listen("tcp", net.JoinHostPort(addrs[i].(*net.IPNet).IP.String(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: b.tracker.Handler()}}
	server.Start()
	defer server.Close()
	for host, want := range map[string]int{"": 200, "box.example": 403, "10.255.255.1": 403} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("host %q at %s: got %s, want %d", host, server.URL, resp.Status, want)
		}
	}
}

func TestTracker_Handler_page(t *testing.T) {
	b := newBox(t, nil)
	b.open()
	defer b.tracker.Close()
	h := b.tracker.Handler()
	for path, kind := range map[string]string{"/": "text/html", "/page.js": "text/javascript", "/page.css": "text/css"} {
		req := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || w.Body.Len() < 100 {
			t.Errorf("%s: got %d %s, %d bytes", path, w.Code, w.Header(), w.Body.Len())
		}
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: policy %q", path, policy)
		}
		if path == "/" && (strings.Contains(w.Body.String(), "<style") || strings.Contains(w.Body.String(), " style=") || strings.Contains(w.Body.String(), "://")) {
			t.Errorf("the page has what its policy forbids: %s", w.Body)
		}
		req.Header.Set("If-None-Match", w.Header().Get("ETag"))
		again := httptest.NewRecorder()
		h.ServeHTTP(again, req)
		if again.Code != http.StatusNotModified {
			t.Errorf("%s again: got %d, want 304", path, again.Code)
		}
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
		"page on the internet": func(c *tracker.Config) { c.Local = "203.0.113.7:80" },
		"page without a port":  func(c *tracker.Config) { c.Local = "127.0.0.1" },
		"pages by a script":    func(c *tracker.Config) { c.Pages = "javascript:alert(1)" },
		"pages with a path":    func(c *tracker.Config) { c.Pages = "https://ledger.example/carry" },
		"output of no name":    func(c *tracker.Config) { c.Outputs = []tracker.Output{{Name: "horn", Device: &fakeSwitch{}}} },
		"output of no device":  func(c *tracker.Config) { c.Outputs = []tracker.Output{{Name: tracker.AlarmOutput}} },
		"9 outputs":            func(c *tracker.Config) { c.Outputs = make([]tracker.Output, 9) },
		"handling by nothing":  func(c *tracker.Config) { c.Handling = make([]tracker.Handling, 1) },
		"long certificate":     func(c *tracker.Config) { c.Probes[0].Calibration.Certificate = strings.Repeat("x", 201) },
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
