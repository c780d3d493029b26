package trackerd_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"isotherm/api/client"
	"isotherm/cmd/internal/trackerd"
	"isotherm/hardware"
	"isotherm/hardware/sim"
	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
	"isotherm/tracker"
)

// buffer is a bytes.Buffer for a program and a test at once.
type buffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// waitFor asks until the condition holds.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within 20 s", what)
		case <-tick.C:
		}
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// bench is a config file with a probe on a simulated line.
type bench struct {
	dir, config, addr string
}

func newBench(t *testing.T, extra string) *bench {
	t.Helper()
	line, err := sim.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(done)
		_ = sim.ServeModbus(ctx, line, // ends with ctx
			sim.ModbusProbe{Address: 1, Register: 1, Temperature: func() hardware.Temperature { return 5500 }})
	}()
	t.Cleanup(func() { cancel(); <-done })
	b := &bench{dir: t.TempDir(), addr: freeAddr(t)}
	b.config = filepath.Join(b.dir, "box.toml")
	text := fmt.Sprintf(`data_dir = %q
sample_interval = "10s"
flush_interval = "50ms"
sync_interval = "50ms"
probe_timeout = "250ms"
local_addr = %q
%s
[clock]
rate = 60
start = 2026-11-01T08:00:00Z
epoch = %s
[[probe]]
path = %q
address = 1
register = 1
preset = "xy-md02"
place = "organ"
`, filepath.Join(b.dir, "data"), b.addr, extra, time.Now().UTC().Format(time.RFC3339Nano), line.Path())
	if err := os.WriteFile(b.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) status(t *testing.T) (s tracker.Status, ok bool) {
	t.Helper()
	resp, err := http.Get("http://" + b.addr + "/v1/status")
	if err != nil {
		return s, false
	}
	defer resp.Body.Close()
	return s, json.NewDecoder(resp.Body).Decode(&s) == nil
}

// run starts the program; the returned function stops it and returns its exit code.
func (b *bench) run(t *testing.T, stdout, stderr *buffer) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	code := make(chan int, 1)
	go func() { code <- trackerd.Run(ctx, []string{"run", "--config", b.config}, nil, stdout, stderr) }()
	waitFor(t, "ready line", func() bool { return strings.Contains(stdout.String(), " ready\n") || len(code) > 0 })
	return func() int { cancel(); return <-code }
}

func TestRun_RecordsAndStops(t *testing.T) {
	b := newBench(t, "")
	for round := range 2 { // the second start finds the first one's journal
		var stdout, stderr buffer
		stop := b.run(t, &stdout, &stderr)
		waitFor(t, "readings on disk", func() bool {
			s, ok := b.status(t)
			return ok && s.Flushed > 3 && s.Reading != nil && s.Reading.Samples[0].TempMC != nil && *s.Reading.Samples[0].TempMC == 5500 && s.Reading.Clock == "simulated"
		})
		if got := stop(); got != 0 {
			t.Errorf("round %d: got exit code %d, want 0\n%s", round, got, stderr.String())
		}
	}
}

func TestRun_Usage(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want int
	}{
		{nil, 2}, {[]string{"fly"}, 2}, {[]string{"run"}, 2}, {[]string{"run", "--config"}, 2}, {[]string{"run", "--config", "x", "more"}, 2},
		{[]string{"help"}, 0}, {[]string{"run", "-h"}, 0}, {[]string{"run", "--config", "/does/not/exist"}, 1},
	} {
		var stdout, stderr buffer
		if got := trackerd.Run(t.Context(), tt.args, nil, &stdout, &stderr); got != tt.want {
			t.Errorf("%q: got exit code %d, want %d", tt.args, got, tt.want)
		}
		if said := stderr.String() != ""; said != (tt.want != 0) {
			t.Errorf("%q: got message %q", tt.args, stderr.String())
		}
	}
}

func seedKey(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// node is an HTTPS server that plays a ledger up to the receipt.
type node struct {
	*httptest.Server
	mu       sync.Mutex // guards what follows
	token    string
	enrolled client.Enrolment
	batches  []*batch.Batch
}

func newNode(t *testing.T, genesis *entry.Genesis) *node {
	n := &node{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/genesis", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(genesis.Marshal()) })
	mux.HandleFunc("POST /v1/boxes", func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.token = r.Header.Get("Authorization")
		if err := json.NewDecoder(r.Body).Decode(&n.enrolled); err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode(client.Enrolled{Box: ledger.BoxIDOf(n.enrolled.Key), Index: 3, Genesis: genesis.Marshal()})
	})
	mux.HandleFunc("POST /v1/boxes/{box}/sync", func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		defer n.mu.Unlock()
		var wire bytes.Buffer
		if _, err := wire.ReadFrom(r.Body); err != nil {
			t.Error(err)
		}
		b, err := batch.Decode(wire.Bytes())
		if err != nil {
			t.Error(err)
		}
		n.batches = append(n.batches, b)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	n.Server = httptest.NewTLSServer(mux)
	t.Cleanup(n.Close)
	return n
}

func TestEnrol(t *testing.T) {
	genesis := func(operator byte) *entry.Genesis {
		g := &entry.Genesis{Origin: "ledger.example/t", LogKey: seedKey(1).Public().(ed25519.PublicKey), CreatedMS: 1,
			Cosigners: []merkle.CosignerKey{{Name: "n", Key: seedKey(2).Public().(ed25519.PublicKey)}}}
		g.Sign(seedKey(operator))
		return g
	}
	n := newNode(t, genesis(3))
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: n.Certificate().Raw}))
	token := write("token", []byte("secret\n"))
	b := newBench(t, fmt.Sprintf("ledger = [\"https://127.0.0.1:1\", %q]\nca_file = %q\n", n.URL, ca))
	enrol := func(policy []byte) (int, string) {
		var stdout, stderr buffer
		code := trackerd.Run(t.Context(), []string{"enrol", "--config", b.config, "--token-file", token, "--policy", write("policy", policy)}, nil, &stdout, &stderr)
		return code, stdout.String() + stderr.String()
	}
	pin := entry.NewTrust(genesis(3)).Pin
	other := entry.NewTrust(genesis(4)).Pin
	if code, said := enrol(other.Marshal()); code != 1 || n.token != "" || !strings.Contains(said, "other keys") {
		t.Errorf("another ledger's policy: got exit code %d, token shown %q, said %s", code, n.token, said)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "data", "genesis")); !os.IsNotExist(err) {
		t.Errorf("after a refusal: got %v, want nothing stored", err)
	}
	var stdout, stderr buffer // not enrolled: it records all the same
	stop := b.run(t, &stdout, &stderr)
	if s, ok := b.status(t); !ok || !strings.Contains(s.Link.Problem, "not enrolled") {
		t.Errorf("status before enrolment: got %+v", s.Link)
	}
	if code, said := enrol(pin.Marshal()); code != 0 || n.token != "Bearer secret" { // while it runs
		t.Fatalf("enrol: got exit code %d, token %q, said %s", code, n.token, said)
	}
	if _, _, err := record.OpenHead(n.enrolled.Head, n.enrolled.Key); err != nil {
		t.Errorf("head at enrolment: %v", err)
	}
	if code := stop(); code != 0 {
		t.Errorf("stop: got exit code %d\n%s", code, stderr.String())
	}
	if code, said := enrol(pin.Marshal()); code != 0 { // again, and while it does not run
		t.Fatalf("enrol again: got exit code %d, said %s", code, said)
	}
	stop = b.run(t, &stdout, &stderr)
	waitFor(t, "batch at the ledger", func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(n.batches) > 0 && n.batches[0].From == 0
	})
	if code := stop(); code != 0 {
		t.Errorf("stop: got exit code %d\n%s", code, stderr.String())
	}
}
