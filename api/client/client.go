package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
)

// Options say whom a client asks, and as whom.
type Options struct {
	URLs        []string      // of the nodes' APIs, such as https://10.0.0.1:8443, tried in turn
	CAFile      string        // PEM file with the ledger's private CA; empty: the system's roots
	Token       string        // of a person; empty for a box, which its signed heads authenticate
	Timeout     time.Duration // for one request to one node, 30 s when 0; exports are bounded by ctx only
	DialTimeout time.Duration // for a connection with its TLS handshake, 5 s when 0: a dead node costs this much
}

// Client calls a ledger's API. It is safe for concurrent use.
type Client struct {
	bases   []*url.URL
	token   string
	timeout time.Duration
	fresh   bool
	http    *http.Client
}

// FreshParam is the query parameter that asks for a linearizable read.
const FreshParam = "fresh"

// Linearizable returns a client with the same connections whose reads of people, boxes and shipments contain everything
// that any node acknowledged before; they fail while no majority of nodes answers. Use it for the tip that an act will
// follow: a node that lags behind names an older one, and the act becomes a conflicting claim.
func (c *Client) Linearizable() *Client {
	fresh := *c
	fresh.fresh = true
	return &fresh
}

// WithToken returns a client with the same connections that acts with another credential.
func (c *Client) WithToken(token string) *Client {
	other := *c
	other.token = token
	return &other
}

const (
	defaultTimeout     = 30 * time.Second
	defaultDialTimeout = 5 * time.Second
	maxAnswer          = 64 << 20 // bytes of a JSON answer: far above the largest page
	maxProblem         = 64 << 10
)

// New returns a client. It makes no connection yet. Errors: no or bad URLs, an unreadable CA file.
func New(o Options) (*Client, error) {
	if len(o.URLs) == 0 {
		return nil, errors.New("make client: no URL of a ledger node is given")
	}
	c := &Client{token: o.Token, timeout: o.Timeout}
	if c.timeout == 0 {
		c.timeout = defaultTimeout
	}
	if o.DialTimeout == 0 {
		o.DialTimeout = defaultDialTimeout
	}
	for _, text := range o.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("make client: %q is not the URL of a node, such as https://10.0.0.1:8443", text)
		}
		c.bases = append(c.bases, u)
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS13}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read the ledger's CA: %w", err)
		}
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read the ledger's CA: %s holds no certificate", o.CAFile)
		}
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: tlsConfig, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
			DialContext: (&net.Dialer{Timeout: o.DialTimeout, KeepAlive: 30 * time.Second}).DialContext, TLSHandshakeTimeout: o.DialTimeout,
		},
		// A redirect would carry the token to a place that nobody configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// call is one request, to be sent to as many nodes as it takes.
type call struct {
	method, path string
	query        url.Values
	body         []byte
	contentType  string
	bearer       string
	header       map[string]string
	stream       bool     // no time limit but ctx
	only         *url.URL // the one node to ask; nil for any
}

// do sends the call to one node after another until one answers with less than 500. The caller closes the body.
func (c *Client) do(ctx context.Context, k call) (*http.Response, error) {
	var failed []string
	var last *ledger.Error
	bases := c.bases
	if k.only != nil {
		bases = []*url.URL{k.only}
	}
	for _, base := range bases {
		resp, err := c.try(ctx, base, k)
		if err == nil && resp.StatusCode < 400 {
			return resp, nil
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("%s %s: %w", k.method, k.path, ctx.Err())
			}
			failed = append(failed, fmt.Sprintf("%s: %v", base.Host, err))
			continue
		}
		err = problem(resp)
		if resp.StatusCode < 500 {
			return nil, err
		}
		errors.As(err, &last)
		failed = append(failed, fmt.Sprintf("%s: %v", base.Host, err))
	}
	e := ledger.Errorf(ledger.CodeUnavailable, "%s %s: no node answered: %s", k.method, k.path, strings.Join(failed, "; "))
	if last != nil {
		e.Code, e.Hint = last.Code, last.Hint
	}
	return nil, e
}

func (c *Client) try(ctx context.Context, base *url.URL, k call) (*http.Response, error) {
	cancel := context.CancelFunc(func() {})
	if !k.stream {
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
	}
	u := base.JoinPath(k.path)
	u.RawQuery = k.query.Encode()
	req, err := http.NewRequestWithContext(ctx, k.method, u.String(), bytes.NewReader(k.body))
	if err != nil {
		cancel()
		return nil, err
	}
	if k.contentType != "" {
		req.Header.Set("Content-Type", k.contentType)
	}
	if k.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+k.bearer)
	}
	for name, value := range k.header {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &cancelBody{ReadCloser: resp.Body, cancel: cancel, base: base}
	return resp, nil
}

// cancelBody ends a request's context with its body, and knows who sends it.
type cancelBody struct {
	io.ReadCloser
	cancel context.CancelFunc
	base   *url.URL // of the node that answers
}

func (b *cancelBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// problem turns an error answer back into the error that the node had: a *Conflict or a *ledger.Error.
func problem(resp *http.Response) error {
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	var p Problem
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil || p.Code == "" { // not one of our nodes, or a proxy between
		code := ledger.CodeInvalid
		if resp.StatusCode >= 500 {
			code = ledger.CodeUnavailable
		}
		return ledger.Errorf(code, "answer %s without a problem description", resp.Status)
	}
	e := &ledger.Error{Code: p.Code, Message: p.Detail, Hint: p.Hint}
	for i, f := range p.Errors {
		separator := "; "
		if i == 0 {
			separator = ": "
		}
		e.Message += separator + f.Pointer + " " + f.Message
	}
	if p.Code == ledger.CodeInternal && p.RequestID != "" {
		e.Hint = "the node's log has the details under request " + p.RequestID
	}
	if p.Next != nil {
		return &Conflict{Next: *p.Next, Root: tlog.Hash(p.Root), Problem: e}
	}
	return e
}

// json sends in, unless nil, and reads the answer into out, unless nil.
func (c *Client) json(ctx context.Context, k call, in, out any) error {
	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: write request: %w", k.method, k.path, err)
		}
		k.body, k.contentType = body, "application/json"
	}
	body, err := c.bytes(ctx, k)
	if err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s %s: read answer: %w", k.method, k.path, err)
	}
	return nil
}

// bytes returns the answer's body.
func (c *Client) bytes(ctx context.Context, k call) ([]byte, error) {
	if k.bearer == "" {
		k.bearer = c.token
	}
	if c.fresh && k.method == http.MethodGet {
		if k.query == nil {
			k.query = url.Values{}
		}
		k.query.Set(FreshParam, "true")
	}
	resp, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, ledger.Errorf(ledger.CodeUnavailable, "%s %s: read answer: %v", k.method, k.path, err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("%s %s: answer exceeds %d bytes", k.method, k.path, maxAnswer)
	}
	return body, nil
}
