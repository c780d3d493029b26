package ledgerd

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"isotherm/api"
	"isotherm/api/client"
	"isotherm/ledger/durable"
	"isotherm/ledger/entry"
	"isotherm/ledger/keyfile"
	"isotherm/ledger/merkle"
	"isotherm/ledger/node"
	"isotherm/ledger/replica"
	"isotherm/ledger/seal"
)

// Times of starting and stopping.
const (
	readyWait   = 3 * time.Second  // for a leader, before the node says that it is ready without one
	drainTime   = 10 * time.Second // for requests under way at the end
	flushTime   = 2 * time.Second  // for reads of cases that wait to be noted
	startedFile = "started"        // beside the configuration: this node has run
)

// serve runs a node until ctx ends or something fails for good.
func serve(ctx context.Context, cfg *Config, stdout, stderr io.Writer) error {
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: cfg.LogLevel})).With("node", cfg.Name)
	first, pin, err := loadLedger(cfg)
	if err != nil {
		return err
	}
	keyring, err := seal.Load(cfg.KeyringFile)
	if err != nil {
		return err
	}
	notifier, err := newNotifier(&cfg.Alarms)
	if err != nil {
		return err
	}
	defer notifier.Close()
	r, err := openReplica(cfg, first, logger)
	if err != nil {
		return err
	}
	n, err := node.New(node.Options{Name: cfg.Name, Replica: r, Keyring: keyring, Pin: pin, Logger: logger})
	if err == nil {
		stop := runAlarms(ctx, n, notifier, r)
		err = serveNode(ctx, cfg, n, r, *first, logger, stdout)
		stop()
	}
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	if n != nil {
		if err := n.Flush(flush); err != nil {
			logger.Warn("reads of cases could not be noted", "err", err)
		}
	}
	return errors.Join(err, r.Shutdown())
}

// loadLedger reads what the ledger begins with, and the pinned keys that it must fit.
func loadLedger(cfg *Config) (*node.Bootstrap, entry.Pin, error) {
	text, err := os.ReadFile(cfg.beside(policyFile))
	if err != nil {
		return nil, entry.Pin{}, fmt.Errorf("read policy: %w", err)
	}
	pin, err := entry.ParsePin(text)
	if err != nil {
		return nil, pin, fmt.Errorf("read policy %s: %w", cfg.beside(policyFile), err)
	}
	b := &node.Bootstrap{}
	if b.Genesis, err = os.ReadFile(cfg.beside(genesisFile)); err != nil {
		return nil, pin, fmt.Errorf("read genesis: %w", err)
	}
	text, err = os.ReadFile(cfg.beside(firstAdminFile))
	if err != nil {
		return nil, pin, fmt.Errorf("read first administrator: %w", err)
	}
	var admin firstAdmin
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&admin); err != nil || len(admin.TokenHash) != len(b.TokenHash) {
		return nil, pin, fmt.Errorf("read first administrator %s: token hash of %d bytes: %w", cfg.beside(firstAdminFile), len(admin.TokenHash), err)
	}
	person, err := entry.ParsePersonCard(admin.Person)
	if err != nil {
		return nil, pin, fmt.Errorf("read first administrator %s: %w", cfg.beside(firstAdminFile), err)
	}
	b.Admin, b.TokenHash, b.TokenExpiry = person, [32]byte(admin.TokenHash), time.UnixMilli(admin.ExpiresMS)
	return b, pin, nil
}

func openReplica(cfg *Config, first *node.Bootstrap, logger *slog.Logger) (*replica.Replica, error) {
	genesis, err := entry.ParseGenesis(first.Genesis)
	if err != nil {
		return nil, fmt.Errorf("read genesis %s: %w", cfg.beside(genesisFile), err)
	}
	logKey, err := keyfile.Load(cfg.LogKeyFile)
	if err != nil {
		return nil, err
	}
	cosignKey, err := keyfile.Load(cfg.CosignKeyFile)
	if err != nil {
		return nil, err
	}
	ran, err := hasRun(cfg)
	if err != nil {
		return nil, err
	}
	rc := replica.Config{Name: cfg.Name, Dir: cfg.DataDir, Listen: cfg.ClusterListen, Advertise: cfg.ClusterAdvertise, Bootstrap: cfg.Bootstrap && !ran,
		CertFile: cfg.ClusterCertFile, KeyFile: cfg.ClusterKeyFile, CAFile: cfg.CAFile, LogKey: logKey, CosignKey: cosignKey,
		Certs: []replica.CertFile{{Use: "api", File: cfg.APICertFile}}, Trust: entry.NewTrust(genesis), Logger: logger}
	for _, p := range cfg.Peers {
		rc.Peers = append(rc.Peers, replica.Peer(p))
	}
	r, err := replica.Open(rc)
	if err != nil {
		return nil, err
	}
	if !ran {
		if err := durable.WriteFile(filepath.Join(cfg.dir, startedFile), []byte("node "+cfg.Name+" has run; do not delete this file\n"), 0o644); err != nil {
			return nil, errors.Join(err, r.Shutdown())
		}
	}
	return r, nil
}

// hasRun tells whether this node has run before. One that has, but finds its data gone, must not start empty: under its
// old name it would vote and sign as if it still knew what it had promised.
func hasRun(cfg *Config) (bool, error) {
	_, err := os.Stat(filepath.Join(cfg.dir, startedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", startedFile, err)
	}
	files, err := os.ReadDir(cfg.DataDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return true, fmt.Errorf("look at data_dir: %w", err)
	}
	if len(files) == 0 {
		return true, fmt.Errorf("data_dir %s is empty, but node %s has run before: mount its disk, or replace the node by one with a new name", cfg.DataDir, cfg.Name)
	}
	return true, nil
}

// serveNode serves the API until ctx ends or a part fails.
func serveNode(ctx context.Context, cfg *Config, n *node.Node, r *replica.Replica, first node.Bootstrap, logger *slog.Logger, stdout io.Writer) error {
	handler, err := api.New(api.Options{Node: n, Status: func() client.Status { return status(r) }, Pages: cfg.Pages.settings(), Logger: logger})
	if err != nil {
		return err
	}
	if _, err := tls.LoadX509KeyPair(cfg.APICertFile, cfg.APIKeyFile); err != nil {
		return fmt.Errorf("read the API's certificate: %w", err)
	}
	server := api.HTTPServer(handler, &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(cfg.APICertFile, cfg.APIKeyFile)
			return &cert, err
		}}, logger)
	listener, err := net.Listen("tcp", cfg.APIListen)
	if err != nil {
		return fmt.Errorf("listen for the API: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 2) // both goroutines end with the server or with ctx
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve the API: %w", err)
		}
	}()
	begun := make(chan struct{})
	go func() {
		defer close(begun)
		if err := n.Bootstrap(ctx, first); err != nil && ctx.Err() == nil {
			failed <- err
		}
	}()
	err = wait(ctx, begun, failed, r.Done(), func() {
		fmt.Fprintf(stdout, "ledgerd %s ready api=https://%s\n", cfg.Name, listener.Addr())
	})
	cancel()
	drain, done := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer done()
	if stop := server.Shutdown(drain); stop != nil {
		logger.Warn("requests were cut off", "err", errors.Join(stop, server.Close()))
	}
	<-served
	<-begun
	return err
}

// wait says ready once the ledger has begun, or after some time without: the other nodes may still be down, and a node
// that hangs at its start helps nobody. It returns at the end of ctx, or with what failed.
func wait(ctx context.Context, begun <-chan struct{}, failed, died <-chan error, ready func()) error {
	timeout := time.NewTimer(readyWait)
	defer timeout.Stop()
	for patience := timeout.C; ; {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case err := <-died:
			return fmt.Errorf("replica failed: %w", err)
		case <-begun:
		case <-patience:
		}
		if patience != nil {
			select {
			case err := <-failed: // Bootstrap ended with an error
				return err
			default:
			}
			ready()
		}
		begun, patience = nil, nil
	}
}

// status gathers what a node says of itself to anybody.
func status(r *replica.Replica) client.Status {
	s := r.Status()
	out := client.Status{Leader: s.Leader, State: s.State, Voters: []string{}}
	for _, p := range s.Peers {
		if p.Voter {
			out.Voters = append(out.Voters, p.Name)
		}
	}
	cp, _ := merkle.PeekCheckpoint(r.Published())
	out.Checkpoint = cp.Size
	if s.Halted != nil {
		out.Halted = "this node signs nothing more" // the reason is in its log
	}
	return out
}
