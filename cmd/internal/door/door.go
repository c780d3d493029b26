package door

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"isotherm/api/client"
	"isotherm/ledger"
)

// Options say which ledger's pages are opened, and where.
type Options struct {
	Nodes  []string     // URLs of the nodes' APIs, such as https://10.0.0.1:8443
	CA     []byte       // PEM of the ledger's private CA; empty: the system's roots
	Listen string       // loopback host:port; port 0 takes a free one, see FreeAddress
	Prefix string       // paths that Extra answers, such as /demo-api/; with Extra
	Extra  http.Handler // nil for none
}

// Door is the server. Serve runs it.
type Door struct {
	listener net.Listener
	server   *http.Server
	nodes    *nodes
	names    map[string]bool // that a request's Host may have
	cookie   string          // after a hyphen at the end of every cookie's name in the browser
	prefix   string
	extra    http.Handler
	proxy    *httputil.ReverseProxy
}

// Open listens. The caller calls Serve, or Close.
func Open(o Options) (*Door, error) {
	if err := checkLoopback(o.Listen); err != nil {
		return nil, fmt.Errorf("open pages: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13}
	if len(o.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(o.CA) {
			return nil, errors.New("open pages: the ledger's CA holds no certificate")
		}
	}
	n, err := newNodes(o.Nodes, config)
	if err != nil {
		return nil, fmt.Errorf("open pages: %w", err)
	}
	d := &Door{nodes: n, prefix: o.Prefix, extra: o.Extra}
	if d.listener, err = net.Listen("tcp", o.Listen); err != nil {
		return nil, fmt.Errorf("open pages: %w", err)
	}
	address := d.listener.Addr().String()
	_, port, _ := net.SplitHostPort(address) // it comes from an address
	d.names = map[string]bool{address: true, net.JoinHostPort("localhost", port): true}
	d.cookie = "-" + port
	quiet := log.New(io.Discard, "", 0)
	d.proxy = &httputil.ReverseProxy{Rewrite: d.rewrite, Transport: n, ModifyResponse: d.answer, ErrorHandler: fail, ErrorLog: quiet}
	d.server = &http.Server{Handler: d, ErrorLog: quiet, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 128 << 10}
	return d, nil
}

// checkLoopback refuses addresses that other machines reach: the door has no TLS.
func checkLoopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("address %q: want a host and a port, such as 127.0.0.1:8440", listen)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("address %q: want one of this machine only, such as 127.0.0.1:8440, for there is no encryption here", listen)
	}
	return nil
}

// Where FreeAddress looks: systems give programs that want any port one above 32767, so nobody takes these meanwhile.
const (
	firstPort = 20_000
	ports     = 12_000
	tries     = 100
)

// FreeAddress returns a loopback address with a port instead of 0, for who must know it before the door opens.
func FreeAddress(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("open pages: %w", err)
	}
	for try := 1; ; try++ {
		if try > 1 || port == "0" {
			port = strconv.Itoa(firstPort + rand.IntN(ports))
		}
		address := net.JoinHostPort(host, port)
		l, err := net.Listen("tcp", address)
		if err == nil {
			return address, l.Close()
		}
		if strings.HasSuffix(listen, ":"+port) || try == tries {
			return "", fmt.Errorf("open pages: %w", err)
		}
	}
}

// URL is where the pages are.
func (d *Door) URL() string { return "http://" + d.listener.Addr().String() }

// Serve serves until ctx ends.
func (d *Door) Serve(ctx context.Context) error {
	defer d.nodes.transport.CloseIdleConnections()
	stop := context.AfterFunc(ctx, func() { d.server.Close() }) // browsers' feeds never end by themselves
	defer stop()
	if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve pages: %w", err)
	}
	return nil
}

// Close ends a door that was not served.
func (d *Door) Close() error { return d.listener.Close() }

// ServeHTTP passes the request on. One with another name in Host comes from a page elsewhere whose name was made to point to
// this machine (DNS rebinding); it gets nothing.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !d.names[strings.ToLower(r.Host)] {
		http.Error(w, "This address shows a ledger's pages to the machine it runs on only: "+d.URL(), http.StatusMisdirectedRequest)
		return
	}
	if d.extra != nil && strings.HasPrefix(r.URL.Path, d.prefix) {
		d.extra.ServeHTTP(w, r)
		return
	}
	d.proxy.ServeHTTP(w, r)
}

// hostPrefix begins the name of a cookie that browsers take by HTTPS only. Not all make an exception for loopback.
const hostPrefix = "__Host-"

// rewrite gives the node the cookies that are its own. Cookies of one host are shared by all its ports, so other programs'
// cookies come along; they stay here.
func (d *Door) rewrite(p *httputil.ProxyRequest) {
	p.Out.Header.Del("Cookie")
	for _, c := range p.In.Cookies() {
		if name, ours := strings.CutSuffix(c.Name, d.cookie); ours {
			p.Out.AddCookie(&http.Cookie{Name: hostPrefix + name, Value: c.Value})
		}
	}
}

// answer gives the browser the node's cookies under names of this door.
func (d *Door) answer(r *http.Response) error {
	r.Header.Del("Strict-Transport-Security") // there is no TLS here
	lines := r.Header.Values("Set-Cookie")
	r.Header.Del("Set-Cookie")
	for _, line := range lines {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			return fmt.Errorf("cookie of a node: %w", err)
		}
		c.Name, c.Secure = strings.TrimPrefix(c.Name, hostPrefix)+d.cookie, false
		r.Header.Add("Set-Cookie", c.String())
	}
	return nil
}

// fail answers for nodes that do not.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody waits any more
	}
	status, code, detail := http.StatusServiceUnavailable, ledger.CodeUnavailable, "no node of the ledger answers"
	if errors.Is(err, errTooLarge) {
		status, code, detail = http.StatusRequestEntityTooLarge, ledger.CodeInvalid, "the request's body is too large"
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "2")
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	p := client.Problem{Type: "urn:isotherm:error:" + string(code), Title: http.StatusText(status), Status: status, Code: code, Detail: detail,
		Hint: "see that the nodes run: isotherm nodes"}
	_ = json.NewEncoder(w).Encode(p) // an error says only that the browser is gone
}
