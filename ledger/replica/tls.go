package replica

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// The two protocols on the cluster port, told apart in the TLS handshake (ALPN).
const (
	protoRaft = "isotherm-raft/1"
	protoRPC  = "isotherm-rpc/1"
)

const (
	// handshakeLimit is how long a TLS handshake may take; until then nothing is known about the other side.
	handshakeLimit = 5 * time.Second
	// maxHandshakes is how many connections may be in that state. More are closed at once.
	maxHandshakes = 64
	// maxConns is how many connections may be open: five nodes use about 150 each under full load.
	maxConns = 1024
	// raftLimit is how long one message of raft may take; transfers of the state get more by their size.
	raftLimit = 10 * time.Second
)

// tlsNetwork is the cluster port: TLS 1.3, both sides with a certificate of the cluster's own CA. A peer is whom its
// certificate's DNS name says, and only members of the cluster get further than the handshake.
type tlsNetwork struct {
	members   *members
	certFile  string
	keyFile   string
	roots     *x509.CertPool
	listener  net.Listener
	advertise raft.ServerAddress
	transport *raft.NetworkTransport
	rafts     *connQueue
	rpcs      *connQueue
	server    *http.Server
	client    *http.Client
	work      sync.WaitGroup // the accept loop, handshakes and the HTTP server; close waits for them

	mu     sync.Mutex // guards what follows
	conns  map[*countedConn]struct{}
	closed bool
}

func newTLSNetwork(cfg *Config, m *members) (*tlsNetwork, error) {
	ca, err := os.ReadFile(cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's CA: %w", err)
	}
	n := &tlsNetwork{members: m, certFile: cfg.CertFile, keyFile: cfg.KeyFile, roots: x509.NewCertPool(), conns: map[*countedConn]struct{}{}}
	if !n.roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("the cluster's CA %s holds no certificate", cfg.CAFile)
	}
	cert, err := n.certificate()
	if err != nil {
		return nil, err
	}
	if err := cert.Leaf.VerifyHostname(cfg.Name); err != nil {
		return nil, fmt.Errorf("certificate %s is not for the node %s: %w", cfg.CertFile, cfg.Name, err)
	}
	if n.listener, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, err
	}
	addr := cfg.Advertise
	if addr == "" {
		addr = n.listener.Addr().String()
	}
	n.advertise = Peer{Name: cfg.Name, Addr: addr}.address()
	n.rafts, n.rpcs = newConnQueue(n.listener.Addr()), newConnQueue(n.listener.Addr())
	n.client = n.newClient()
	n.transport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:  streamLayer{network: n},
		MaxPool: 4,
		Timeout: raftLimit,
		// No pipeline: with it, a peer whose disk stalls goes unnoticed (raft issue 612), and batches gain nothing.
		MaxRPCsInFlight:         1,
		Logger:                  raftLogger(loggerOf(cfg)),
		MsgpackUseNewTimeFormat: true,
	})
	n.work.Go(n.accept)
	return n, nil
}

func (n *tlsNetwork) raftTransport() raft.Transport { return n.transport }

// certificate reads this node's certificate anew, so that a renewed one counts without a restart.
func (n *tlsNetwork) certificate() (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(n.certFile, n.keyFile)
	if err != nil {
		return nil, fmt.Errorf("read this node's certificate: %w", err)
	}
	return &cert, nil
}

func (n *tlsNetwork) serverTLS() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return n.certificate() },
		ClientAuth:             tls.RequireAndVerifyClientCert,
		ClientCAs:              n.roots,
		NextProtos:             []string{protoRaft, protoRPC},
		SessionTicketsDisabled: true, // who was a member yesterday must show the certificate again
		VerifyConnection: func(cs tls.ConnectionState) error {
			_, err := n.peerName(cs)
			return err
		},
	}
}

// peerName returns the member that a verified certificate is for.
func (n *tlsNetwork) peerName(cs tls.ConnectionState) (string, error) {
	if len(cs.PeerCertificates) == 0 {
		return "", errors.New("peer has no certificate")
	}
	names := cs.PeerCertificates[0].DNSNames
	for _, name := range names {
		if _, ok := n.members.find(name); ok {
			return name, nil
		}
	}
	return "", fmt.Errorf("certificate for %q is not of a member of this cluster", names)
}

// accept takes connections until the listener is closed.
func (n *tlsNetwork) accept() {
	conf := n.serverTLS()
	handshakes := make(chan struct{}, maxHandshakes)
	for {
		raw, err := n.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(retryPause) // out of file descriptors, mostly: it passes
			continue
		}
		conn, ok := n.count(raw)
		if !ok {
			raw.Close() // too many, or shutting down: nothing was sent yet
			continue
		}
		select {
		case handshakes <- struct{}{}:
			n.work.Go(func() {
				defer func() { <-handshakes }()
				n.admit(tls.Server(conn, conf))
			})
		default:
			conn.Close()
		}
	}
}

// admit shakes hands and passes the connection on by its protocol.
func (n *tlsNetwork) admit(conn *tls.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeLimit)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		conn.Close()
		return
	}
	taken := false
	switch conn.ConnectionState().NegotiatedProtocol {
	case protoRaft:
		taken = n.rafts.put(conn)
	case protoRPC:
		taken = n.rpcs.put(rpcConn{Conn: conn, tls: conn})
	}
	if !taken {
		conn.Close()
	}
}

// rpcConn hides from net/http that the connection is TLS's: its server closes those of a protocol it does not know.
type rpcConn struct {
	net.Conn
	tls *tls.Conn
}

// dial connects to a member and checks that it is the one.
func (n *tlsNetwork) dial(ctx context.Context, name, addr, proto string) (net.Conn, error) {
	d := &tls.Dialer{Config: &tls.Config{
		MinVersion:           tls.VersionTLS13,
		RootCAs:              n.roots,
		ServerName:           name,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return n.certificate() },
		NextProtos:           []string{proto},
	}}
	ctx, cancel := context.WithTimeout(ctx, handshakeLimit)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("connect to %s at %s: %w", name, addr, err)
	}
	if got := conn.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != proto {
		return nil, errors.Join(fmt.Errorf("connect to %s at %s: it speaks %q, want %q", name, addr, got, proto), conn.Close())
	}
	return conn, nil
}

// close ends everything on the cluster port.
func (n *tlsNetwork) close() error {
	err := n.listener.Close()
	n.mu.Lock()
	n.closed = true
	open := make([]*countedConn, 0, len(n.conns))
	for c := range n.conns {
		open = append(open, c)
	}
	n.mu.Unlock()
	n.rafts.close()
	n.rpcs.close()
	err = errors.Join(err, n.transport.Close())
	n.transport.CloseStreams()
	if n.server != nil {
		err = errors.Join(err, n.server.Close())
	}
	n.client.CloseIdleConnections()
	for _, c := range open {
		c.Close()
	}
	n.work.Wait()
	return err
}

// countedConn is an accepted connection that the network knows of, so that it can limit and close them.
type countedConn struct {
	net.Conn
	network *tlsNetwork
}

func (n *tlsNetwork) count(raw net.Conn) (*countedConn, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || len(n.conns) >= maxConns {
		return nil, false
	}
	c := &countedConn{Conn: raw, network: n}
	n.conns[c] = struct{}{}
	return c, true
}

// Close closes the connection and makes room for another.
func (c *countedConn) Close() error {
	c.network.mu.Lock()
	delete(c.network.conns, c)
	c.network.mu.Unlock()
	return c.Conn.Close()
}

// streamLayer is the cluster port as raft sees it.
type streamLayer struct {
	network *tlsNetwork
}

func (s streamLayer) Accept() (net.Conn, error) { return s.network.rafts.Accept() }
func (s streamLayer) Close() error              { return s.network.rafts.Close() }
func (s streamLayer) Addr() net.Addr            { return raftAddr(s.network.advertise) }

// Dial connects to the peer that a raft address names.
func (s streamLayer) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	p, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	if known, ok := s.network.members.find(p.Name); ok {
		p = known // its address in the configuration file wins
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.network.dial(ctx, p.Name, p.Addr, protoRaft)
}

// raftAddr is an address in raft's configuration.
type raftAddr raft.ServerAddress

func (raftAddr) Network() string  { return "tcp" }
func (a raftAddr) String() string { return string(a) }

// connQueue hands accepted connections of one protocol to its server. It is a net.Listener.
type connQueue struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newConnQueue(addr net.Addr) *connQueue {
	return &connQueue{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

func (q *connQueue) put(c net.Conn) bool {
	select {
	case q.conns <- c:
		return true
	case <-q.done:
		return false
	}
}

func (q *connQueue) close() { q.once.Do(func() { close(q.done) }) }

// Accept returns the next connection.
func (q *connQueue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (q *connQueue) Close() error { q.close(); return nil }

// Addr returns the address of the cluster port.
func (q *connQueue) Addr() net.Addr { return q.addr }
