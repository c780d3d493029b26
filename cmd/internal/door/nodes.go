package door

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Limits of what a request may cost.
const (
	maxBody     = 1 << 20                // bytes of a request, kept for a repeat: four times what the largest operation takes
	maxProblem  = 64 << 10               // bytes of an answer that says 'unavailable'
	dialTimeout = 2 * time.Second        // for a connection: a node that is gone costs this much
	patience    = 10 * time.Second       // of a request while no node can answer: longer than an election
	pause       = 250 * time.Millisecond // between two rounds of asking all nodes
	pingAfter   = 4 * time.Second        // of silence on a connection; a node that hangs is noticed soon after
)

// errTooLarge is a request's body above maxBody.
var errTooLarge = errors.New("the request's body is too large")

// nodes sends a request to one node of the ledger: to the one that answered last while it works, else to the next. Every
// call of the ledger's API may be repeated, so a request whose node died is sent again.
type nodes struct {
	bases     []*url.URL
	last      atomic.Int64 // index of the node that answered last
	transport *http.Transport
}

func newNodes(urls []string, config *tls.Config) (*nodes, error) {
	if len(urls) == 0 {
		return nil, errors.New("no URL of a ledger node is given")
	}
	n := &nodes{transport: &http.Transport{
		TLSClientConfig: config, ForceAttemptHTTP2: true, DisableCompression: true, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute,
		DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext, TLSHandshakeTimeout: dialTimeout,
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: dialTimeout},
	}}
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("%q is not the URL of a node, such as https://10.0.0.1:8443", text)
		}
		n.bases = append(n.bases, u)
	}
	return n, nil
}

// RoundTrip asks one node after another, in rounds, until one can answer or patience ends.
func (n *nodes) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	until := time.Now().Add(patience)
	for {
		answer, err := n.round(r, body)
		if err == nil && !unavailable(answer) || r.Context().Err() != nil || time.Now().After(until) {
			return answer, err
		}
		select {
		case <-time.After(pause):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// round asks every node once, until one can answer. Otherwise it returns the last answer, or every error.
func (n *nodes) round(r *http.Request, body []byte) (*http.Response, error) {
	first := int(n.last.Load())
	var last *http.Response
	var errs []error
	for i := range n.bases {
		at := (first + i) % len(n.bases)
		answer, err := n.ask(r, body, n.bases[at])
		switch {
		case err != nil:
			if r.Context().Err() != nil {
				return nil, r.Context().Err()
			}
			errs = append(errs, fmt.Errorf("%s: %w", n.bases[at].Host, err))
		case unavailable(answer):
			last = answer
		default:
			n.last.Store(int64(at))
			return answer, nil
		}
	}
	if last != nil {
		return last, nil
	}
	return nil, errors.Join(errs...)
}

// ask sends the request to one node. An answer that says 'unavailable' is read to its end.
func (n *nodes) ask(r *http.Request, body []byte, base *url.URL) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.Host = base.Scheme, base.Host, base.Host
	out.Body, out.ContentLength = http.NoBody, 0
	if len(body) > 0 {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	answer, err := n.transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	if unavailable(answer) {
		defer answer.Body.Close()
		problem, err := io.ReadAll(io.LimitReader(answer.Body, maxProblem))
		if err != nil {
			return nil, err
		}
		answer.Body = io.NopCloser(bytes.NewReader(problem))
		return answer, nil
	}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		answer.Body = &stream{ReadCloser: answer.Body, ctx: r.Context()}
	}
	return answer, nil
}

// unavailable tells answers that another node may not give.
func unavailable(r *http.Response) bool {
	switch r.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	if len(body) > maxBody {
		return nil, errTooLarge
	}
	return body, nil
}

// stream is a feed from a node. When the node dies the feed ends in order: the browser then opens it again by itself, from
// where it was, and another node goes on.
type stream struct {
	io.ReadCloser
	ctx context.Context // of the browser's request
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err != nil && s.ctx.Err() == nil {
		err = io.EOF
	}
	return n, err
}
