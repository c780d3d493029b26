package replica

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"isotherm/ledger"
)

const (
	// callLimit is how long a request to a peer may take: longer than an election, shorter than a client's patience.
	callLimit = 10 * time.Second
	// maxCalls is how many requests of peers are answered at a time.
	maxCalls = 1024
	// maxPeerConns is how many connections one peer gets; more requests wait for one of them.
	maxPeerConns = 128
)

// statusFailed carries a wireError. Which one is in its body; the number only says that it is one.
const statusFailed = http.StatusConflict

func loggerOf(cfg *Config) *slog.Logger {
	if cfg.Logger == nil {
		return slog.Default()
	}
	return cfg.Logger
}

// serve answers peers' requests: POST /<method>, over HTTP/1.1 inside the TLS connection.
func (n *tlsNetwork) serve(h handler) {
	calls := make(chan struct{}, maxCalls)
	n.server = &http.Server{
		ReadHeaderTimeout: handshakeLimit,
		ReadTimeout:       callLimit,
		WriteTimeout:      2 * callLimit,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    4 << 10,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
		ErrorLog: log.New(io.Discard, "", 0), // broken connections of peers; raft reports peers that are gone
		Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			select {
			case calls <- struct{}{}:
				defer func() { <-calls }()
				n.answer(w, q, h)
			default:
				writeError(w, ledger.Errorf(ledger.CodeOverloaded, "too many requests of peers"))
			}
		}),
	}
	n.work.Go(func() { n.server.Serve(n.rpcs) }) // ends with the queue; its error says just that
}

// connKey is where a request's context holds its connection.
type connKey struct{}

func (n *tlsNetwork) answer(w http.ResponseWriter, q *http.Request, h handler) {
	var peer string
	err := errors.New("request from elsewhere")
	if c, ok := q.Context().Value(connKey{}).(rpcConn); ok {
		peer, err = n.peerName(c.tls.ConnectionState())
	}
	if err != nil { // it was a member when it connected
		writeError(w, ledger.Errorf(ledger.CodeForbidden, "%v", err))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, maxMessage))
	if err != nil || q.Method != http.MethodPost || len(q.URL.Path) < 1 {
		writeError(w, ledger.Errorf(ledger.CodeInvalid, "request of %s can't be read", peer))
		return
	}
	ctx, cancel := context.WithTimeout(q.Context(), callLimit)
	defer cancel()
	answer, err := h(ctx, peer, q.URL.Path[1:], body)
	if err != nil {
		writeError(w, err)
		return
	}
	w.Write(answer) // if the peer is gone, it asks again
}

func writeError(w http.ResponseWriter, err error) {
	body, err := json.Marshal(toWire(err))
	if err != nil { // strings only: can't be
		body = nil
	}
	w.WriteHeader(statusFailed)
	w.Write(body)
}

// dialError marks requests that never left this node.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

func (n *tlsNetwork) newClient() *http.Client {
	return &http.Client{
		Timeout: callLimit,
		Transport: &http.Transport{
			MaxConnsPerHost:        maxPeerConns,
			MaxIdleConnsPerHost:    maxPeerConns,
			IdleConnTimeout:        time.Minute, // before the server's
			MaxResponseHeaderBytes: 4 << 10,
			DisableCompression:     true,
			DialTLSContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
				name, _, err := net.SplitHostPort(addr)
				if err != nil {
					return nil, &dialError{err}
				}
				p, ok := n.members.find(name)
				if !ok {
					return nil, &dialError{fmt.Errorf("%s is not a member", name)}
				}
				conn, err := n.dial(ctx, p.Name, p.Addr, protoRPC)
				if err != nil {
					return nil, &dialError{err}
				}
				return conn, nil
			},
		},
	}
}

func (n *tlsNetwork) call(ctx context.Context, peer, method string, body []byte) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+peer+"/"+method, bytes.NewReader(body))
	if err != nil {
		return nil, ledger.Errorf(ledger.CodeInternal, "ask %s: %v", peer, err)
	}
	resp, err := n.client.Do(q)
	if dial := (*dialError)(nil); errors.As(err, &dial) {
		return nil, fmt.Errorf("ask %s: %w: %w", peer, errNotTaken, err)
	}
	if err != nil {
		return nil, unavailable("ask "+peer, err)
	}
	defer resp.Body.Close() // read to its end below, or given up
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if err != nil {
		return nil, unavailable("ask "+peer, err)
	}
	if resp.StatusCode == http.StatusOK {
		return answer, nil
	}
	var w wireError
	if err := json.Unmarshal(answer, &w); err != nil {
		return nil, unavailable("ask "+peer, fmt.Errorf("it answered %s", resp.Status))
	}
	return nil, w.err()
}
