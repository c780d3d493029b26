package replica_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/replica"
	"isotherm/ledger/store"
	"isotherm/ledger/store/storetest"
)

// authority is a private CA of a test.
type authority struct {
	dir  string
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB) *authority {
	a := &authority{dir: t.TempDir()}
	a.key, a.cert = a.issue(t, "ca", nil)
	return a
}

// issue writes name.pem and name.key, signed by the authority or, without one yet, by itself.
func (a *authority) issue(t testing.TB, file string, names []string) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: file}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	parent, signer := a.cert, a.key
	if parent == nil {
		template.IsCA, template.BasicConstraintsValid, template.ExtKeyUsage = true, true, nil
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{a.file(file + ".pem"): {Type: "CERTIFICATE", Bytes: der}, a.file(file + ".key"): {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return key, cert
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// realCluster opens nodes on real sockets.
type realCluster struct {
	t     testing.TB
	ca    *authority
	dir   string
	peers []replica.Peer
	nodes map[string]*replica.Replica
}

func newRealCluster(t testing.TB, names ...string) *realCluster {
	c := &realCluster{t: t, ca: newAuthority(t), dir: t.TempDir(), nodes: map[string]*replica.Replica{}}
	for _, name := range names {
		l, err := net.Listen("tcp", "127.0.0.1:0") // reserves a port that stays free for a moment
		if err != nil {
			t.Fatal(err)
		}
		c.peers = append(c.peers, replica.Peer{Name: name, Addr: l.Addr().String()})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		c.ca.issue(t, name, []string{name})
	}
	t.Cleanup(c.end)
	for _, p := range c.peers {
		c.open(p, true)
	}
	return c
}

func (c *realCluster) config(p replica.Peer, bootstrap bool) replica.Config {
	var names []string
	for _, p := range c.peers {
		names = append(names, p.Name)
	}
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	if os.Getenv("ISOTHERM_TEST_LOG") != "" {
		logger = slog.Default()
	}
	return replica.Config{Name: p.Name, Dir: filepath.Join(c.dir, p.Name), Listen: p.Addr, Peers: c.peers, Bootstrap: bootstrap,
		CertFile: c.ca.file(p.Name + ".pem"), KeyFile: c.ca.file(p.Name + ".key"), CAFile: c.ca.file("ca.pem"),
		LogKey: storetest.Key("log"), CosignKey: storetest.Key(p.Name), Trust: entry.NewTrust(storetest.Genesis(names...)), Logger: logger}
}

func (c *realCluster) open(p replica.Peer, bootstrap bool) *replica.Replica {
	c.t.Helper()
	r, err := replica.Open(c.config(p, bootstrap))
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[p.Name] = r
	return r
}

func (c *realCluster) stop(name string) {
	c.t.Helper()
	if err := c.nodes[name].Shutdown(); err != nil {
		c.t.Error(err)
	}
	delete(c.nodes, name)
	s, err := store.Open(filepath.Join(c.dir, name, replica.StateFile))
	if err != nil {
		c.t.Error(err)
		return
	}
	if err := s.Check(); err != nil {
		c.t.Errorf("state of %s: %v", name, err)
	}
	s.Close()
}

func (c *realCluster) end() {
	for name := range c.nodes {
		c.stop(name)
	}
}

// retry repeats what may meet an election: on a busy machine a leader can lose its lease.
func (c *realCluster) retry(do func(ctx context.Context) error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		err := do(ctx)
		if err == nil {
			return
		}
		if ledger.CodeOf(err) != ledger.CodeUnavailable || ctx.Err() != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *realCluster) propose(n *replica.Replica, cmd *command.Command) (got command.Result) {
	c.t.Helper()
	c.retry(func(ctx context.Context) (err error) { got, err = n.Propose(ctx, cmd); return err })
	return got
}

func (c *realCluster) checkpoint(n *replica.Replica, minSize int64) {
	c.t.Helper()
	c.retry(func(ctx context.Context) error {
		signed, err := n.Checkpoint(ctx, minSize)
		if err == nil {
			_, _, err = n.Trust().OpenCheckpoint(signed)
		}
		return err
	})
}

func TestReplica_RealSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("elections take seconds")
	}
	c := newRealCluster(t, "n1", "n2", "n3")
	box := storetest.NewBox("box")
	n1 := c.nodes["n1"]
	c.propose(n1, storetest.GenesisCommand(storetest.Genesis("n1", "n2", "n3")))
	c.propose(n1, box.Enrol())
	for _, p := range c.peers {
		n := c.nodes[p.Name]
		got := c.propose(n, box.Next(t, 5))
		c.checkpoint(n, got.Index+1)
		c.retry(n.Linearizable)
	}
	leader := n1.Status().Leader
	c.stop(leader)
	var left *replica.Replica
	for _, n := range c.nodes {
		left = n
	}
	got := c.propose(left, box.Next(t, 5))
	if got.Index != 5 {
		t.Errorf("entry without the first leader: got %d, want 5", got.Index)
	}
	c.checkpoint(left, 6)
	for _, p := range c.peers {
		if p.Name == leader {
			back := c.open(p, true)
			c.propose(back, storetest.Act(1, 1))
			c.checkpoint(back, 7)
		}
	}
}

func TestReplica_WrongCertificate(t *testing.T) {
	c := newRealCluster(t, "n1")
	addr := c.peers[0].Addr
	other := newAuthority(t)
	other.issue(t, "n1", []string{"n1"})
	c.ca.issue(t, "stranger", []string{"stranger"})
	for _, tt := range []struct {
		name  string
		ca    *authority
		file  string
		proto string
		ok    bool
	}{
		{"member", c.ca, "n1", "isotherm-rpc/1", true},
		{"member, for raft", c.ca, "n1", "isotherm-raft/1", true},
		{"another authority", other, "n1", "isotherm-rpc/1", false},
		{"not a member", c.ca, "stranger", "isotherm-rpc/1", false},
		{"no certificate", c.ca, "", "isotherm-rpc/1", false},
		{"another protocol", c.ca, "n1", "h2", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			roots := x509.NewCertPool()
			roots.AddCert(c.ca.cert)
			conf := &tls.Config{RootCAs: roots, ServerName: "n1", NextProtos: []string{tt.proto}}
			if tt.file != "" {
				cert, err := tls.LoadX509KeyPair(tt.ca.file(tt.file+".pem"), tt.ca.file(tt.file+".key"))
				if err != nil {
					t.Fatal(err)
				}
				conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
			}
			conn, err := tls.Dial("tcp", addr, conf)
			if err == nil {
				defer conn.Close()
				// In TLS 1.3 the server's refusal arrives after the handshake: a member is left waiting for its
				// request, anybody else is cut off.
				conn.SetDeadline(time.Now().Add(200 * time.Millisecond))
				_, err = conn.Read(make([]byte, 1))
				if wait, ok := err.(net.Error); ok && wait.Timeout() {
					err = nil
				}
			}
			if got := err == nil; got != tt.ok {
				t.Errorf("admitted: got %v (%v), want %v", got, err, tt.ok)
			}
		})
	}
	c.ca.issue(t, "n2", []string{"elsewhere"})
	if _, err := replica.Open(c.config(replica.Peer{Name: "n2", Addr: "127.0.0.1:0"}, false)); err == nil {
		t.Error("a node with another node's certificate: got no error")
	}
}

// BenchmarkReplica_Receipts measures a sync of one reading up to its receipt's checkpoint: three nodes, TLS, fsync.
func BenchmarkReplica_Receipts(b *testing.B) {
	for _, concurrent := range []int{1, 64, 256} {
		b.Run(fmt.Sprint(concurrent), func(b *testing.B) {
			c := newRealCluster(b, "n1", "n2", "n3")
			c.propose(c.nodes["n1"], storetest.GenesisCommand(storetest.Genesis("n1", "n2", "n3")))
			var boxes []*storetest.Box
			for i := range concurrent {
				boxes = append(boxes, storetest.NewBox(string(rune('a'+i))))
				c.propose(c.nodes["n1"], boxes[i].Enrol())
				c.propose(c.nodes["n1"], boxes[i].Next(b, 1))
			}
			work := make(chan struct{})
			var wg sync.WaitGroup
			for i, box := range boxes {
				wg.Go(func() {
					n := c.nodes[c.peers[i%3].Name]
					for range work {
						got := c.propose(n, box.Next(b, 1))
						c.checkpoint(n, got.Index+1)
					}
				})
			}
			for b.Loop() {
				work <- struct{}{}
			}
			close(work)
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
		})
	}
}
