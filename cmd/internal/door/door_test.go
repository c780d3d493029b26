package door

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// fakeNode is a TLS server that can say that it is unavailable.
type fakeNode struct {
	*httptest.Server
	name    string
	down    atomic.Bool  // it answers 503
	refused atomic.Int64 // answers of 503
}

// newNode starts a node that answers with handler.
func newNode(t *testing.T, name string, handler http.HandlerFunc) *fakeNode {
	t.Helper()
	n := &fakeNode{name: name}
	n.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.down.Load() {
			n.refused.Add(1)
			http.Error(w, "election", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Isotherm-Node", n.name)
		handler(w, r)
	}))
	t.Cleanup(n.Close)
	return n
}

// open opens a door to the nodes and serves it until the test ends.
func open(t *testing.T, extra http.Handler, all ...*fakeNode) *Door {
	t.Helper()
	o := Options{Listen: "127.0.0.1:0", Prefix: "/extra/", Extra: extra}
	for _, n := range all {
		o.Nodes = append(o.Nodes, n.URL)
		o.CA = append(o.CA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: n.Certificate().Raw})...)
	}
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return d
}

// get asks the door and returns the answer with its body.
func get(t *testing.T, d *Door, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL()+"/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

func hello(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello ", r.Header.Get("Cookie")) }

func TestDoor_goesOn(t *testing.T) {
	a, b := newNode(t, "a", hello), newNode(t, "b", hello)
	d := open(t, nil, a, b)
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {}, "a"},
		{func() { a.down.Store(true) }, "b"},
		{func() { a.down.Store(false) }, "b"}, // it stays where it is
		{func() { b.CloseClientConnections(); b.Close() }, "a"},
	} {
		step.do()
		answer, _ := get(t, d, nil)
		if got := answer.Header.Get("Isotherm-Node"); answer.StatusCode != http.StatusOK || got != step.want {
			t.Errorf("status %d of node %q, want 200 of %q", answer.StatusCode, got, step.want)
		}
	}
}

// TestDoor_repeats shows that a request with a body reaches the node that can answer it, whole.
func TestDoor_repeats(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }
	a, b := newNode(t, "a", echo), newNode(t, "b", echo)
	a.down.Store(true)
	d := open(t, nil, a, b)
	const act = "a signed act"
	_, body := get(t, d, func(r *http.Request) {
		r.Method, r.Body, r.ContentLength = http.MethodPost, io.NopCloser(strings.NewReader(act)), int64(len(act))
	})
	if body != act || a.refused.Load() != 1 {
		t.Errorf("got %q after %d refusals, want %q after 1", body, a.refused.Load(), act)
	}
	answer, _ := get(t, d, func(r *http.Request) {
		r.Method, r.Body, r.ContentLength = http.MethodPost, io.NopCloser(strings.NewReader(strings.Repeat("x", maxBody+1))), maxBody+1
	})
	if answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that is too large: status %d", answer.StatusCode)
	}
}

// TestDoor_cookies shows that browsers get cookies that they keep without TLS, and that the node gets its own ones only.
func TestDoor_cookies(t *testing.T) {
	n := newNode(t, "a", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "__Host-isotherm", Value: "new", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
		w.Header().Set("Strict-Transport-Security", "max-age=1")
		hello(w, r)
	})
	d := open(t, nil, n)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(d.URL(), "http://"))
	answer, body := get(t, d, func(r *http.Request) {
		r.Header.Set("Cookie", "isotherm-"+port+"=old; isotherm-1=other; __Host-isotherm=planted")
	})
	if want := "hello __Host-isotherm=old"; body != want {
		t.Errorf("the node got %q, want %q", body, want)
	}
	if got, want := answer.Header.Get("Set-Cookie"), "isotherm-"+port+"=new; Path=/; HttpOnly; SameSite=Strict"; got != want {
		t.Errorf("the browser got %q, want %q", got, want)
	}
	if got := answer.Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("the browser was told to use TLS: %q", got)
	}
}

func TestDoor_host(t *testing.T) {
	asked := false
	n := newNode(t, "a", func(w http.ResponseWriter, r *http.Request) { asked = true; hello(w, r) })
	d := open(t, nil, n)
	port := d.URL()[strings.LastIndex(d.URL(), ":"):]
	for host, want := range map[string]int{"127.0.0.1" + port: 200, "localhost" + port: 200, "LOCALHOST" + port: 200, "evil.example" + port: 421, "127.0.0.1": 421, "localhost:1": 421} {
		asked = false
		answer, _ := get(t, d, func(r *http.Request) { r.Host = host })
		if answer.StatusCode != want || asked != (want == 200) {
			t.Errorf("host %s: status %d, the node was asked: %t; want %d", host, answer.StatusCode, asked, want)
		}
	}
}

func TestDoor_extra(t *testing.T) {
	extra := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "extra") })
	d := open(t, extra, newNode(t, "a", hello))
	for path, want := range map[string]string{"/extra/x": "extra", "/v1/status": "hello "} {
		if _, body := get(t, d, func(r *http.Request) { r.URL.Path = path }); body != want {
			t.Errorf("%s: got %q, want %q", path, body, want)
		}
	}
}

// TestDoor_feed shows that events come at once, and that a feed whose node dies ends in order.
func TestDoor_feed(t *testing.T) {
	die := make(chan struct{})
	n := newNode(t, "a", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		<-die
		panic(http.ErrAbortHandler)
	})
	d := open(t, nil, n)
	answer, err := http.Get(d.URL() + "/v1/feed")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	first := make([]byte, 9)
	if _, err := io.ReadFull(answer.Body, first); err != nil || string(first) != "data: 1\n\n" {
		t.Fatalf("first event: %q, %v", first, err)
	}
	close(die)
	if rest, err := io.ReadAll(answer.Body); err != nil || len(rest) != 0 {
		t.Errorf("the feed ended with %q and %v, want in order", rest, err)
	}
}

func TestDoor_nobody(t *testing.T) {
	n := newNode(t, "a", hello)
	d := open(t, nil, n)
	n.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequest(http.MethodGet, d.URL()+"/v1/status", nil).WithContext(ctx)
	if _, err := d.nodes.RoundTrip(r); err == nil {
		t.Error("a node that is gone answered")
	}
	w := httptest.NewRecorder()
	fail(w, httptest.NewRequest(http.MethodGet, "/", nil), io.ErrUnexpectedEOF)
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "no node of the ledger answers") {
		t.Errorf("got %d: %s", w.Code, w.Body)
	}
}

func TestOpen_errors(t *testing.T) {
	good := []string{"https://127.0.0.1:1"}
	for name, o := range map[string]Options{
		"reached by others": {Nodes: good, Listen: "0.0.0.0:0"},
		"all addresses":     {Nodes: good, Listen: ":0"},
		"a name":            {Nodes: good, Listen: "example.org:0"},
		"no port":           {Nodes: good, Listen: "127.0.0.1"},
		"no node":           {Listen: "127.0.0.1:0"},
		"no TLS":            {Nodes: []string{"http://127.0.0.1:1"}, Listen: "127.0.0.1:0"},
		"bad CA":            {Nodes: good, Listen: "127.0.0.1:0", CA: []byte("x")},
	} {
		if d, err := Open(o); err == nil {
			t.Errorf("%s: opened at %s", name, d.URL())
			d.Close()
		}
	}
}
