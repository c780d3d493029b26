package ledgerd

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger/entry"
)

// run runs ledgerd to its end.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// freePort returns a port that nobody listens on right now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) // closed below; a second time does nothing
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	return port
}

// newLedger sets up a ledger of n nodes and returns its directory and the nodes' API addresses.
func newLedger(t *testing.T, n int) (string, []string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ledger")
	args := []string{"init", "--dir", dir, "--origin", "isotherm.test/ledger"}
	var apis []string
	for i := range n {
		apis = append(apis, fmt.Sprintf("127.0.0.1:%d", freePort(t)))
		args = append(args, "--node", fmt.Sprintf("node-%d=127.0.0.1:%d,%s", i+1, freePort(t), apis[i]))
	}
	if code, _, stderr := run(t, args...); code != 0 {
		t.Fatalf("init: exit code %d: %s", code, stderr)
	}
	return dir, apis
}

// daemon is a running node.
type daemon struct {
	t     *testing.T
	stop  context.CancelFunc
	done  chan int // exit code
	ready chan string
	logs  *safeBuffer
}

// safeBuffer takes a daemon's log from many goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func start(t *testing.T, dir, name string) *daemon {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	d := &daemon{t: t, stop: stop, done: make(chan int, 1), ready: make(chan string, 1), logs: &safeBuffer{}}
	out, in := io.Pipe()
	go func() {
		code := Run(ctx, []string{"run", "--config", filepath.Join(dir, name, configFile)}, strings.NewReader(""), in, d.logs)
		in.Close()
		d.done <- code
	}()
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			d.ready <- lines.Text()
		}
		close(d.ready)
	}()
	t.Cleanup(d.end)
	return d
}

// end stops the node in order and checks that it ended well.
func (d *daemon) end() {
	d.stop()
	select {
	case code, ok := <-d.done:
		if ok && code != 0 {
			d.t.Errorf("node ended with code %d:\n%s", code, d.logs)
		}
		close(d.done)
		d.done = make(chan int, 1)
		d.done <- 0
	case <-time.After(time.Minute):
		d.t.Fatalf("node does not end:\n%s", d.logs)
	}
}

// waitReady returns the line that says so.
func (d *daemon) waitReady() string {
	d.t.Helper()
	select {
	case line, ok := <-d.ready:
		if !ok {
			d.t.Fatalf("node ended before it was ready:\n%s", d.logs)
		}
		return line
	case <-time.After(time.Minute):
		d.t.Fatalf("node is not ready:\n%s", d.logs)
	}
	return ""
}

// eventually asks until it works: an election takes a second or three.
func eventually(t *testing.T, ask func() error) {
	t.Helper()
	limit := time.After(time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("still fails: %v", err)
		}
	}
}

// TestRun_cluster sets up three nodes, stops the leader, goes on with two, and brings it back.
func TestRun_cluster(t *testing.T) {
	dir, apis := newLedger(t, 3)
	nodes := map[string]*daemon{}
	for i := range apis {
		name := fmt.Sprintf("node-%d", i+1)
		nodes[name] = start(t, dir, name)
	}
	for i, api := range apis {
		name := fmt.Sprintf("node-%d", i+1)
		if got, want := nodes[name].waitReady(), fmt.Sprintf("ledgerd %s ready api=https://%s", name, api); got != want {
			t.Errorf("ready line: got %q, want %q", got, want)
		}
	}
	me, err := identity.Load(filepath.Join(dir, adminDir))
	if err != nil {
		t.Fatal(err)
	}
	c, err := me.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ctx := t.Context()
	var leader string
	eventually(t, func() error {
		who, err := c.Me(ctx)
		if err == nil && (who.Person != me.Person || who.Role != "admin") {
			t.Fatalf("the first administrator is %+v, want %s", who, me.Person)
		}
		s, serr := c.Status(ctx)
		if leader = s.Leader; err == nil && serr == nil && leader == "" {
			return fmt.Errorf("no leader")
		}
		return errorsFirst(err, serr)
	})
	code, out, stderr := run(t, "status", "--config", filepath.Join(dir, "node-1", configFile))
	if code != 0 || !strings.Contains(out, "isotherm.test/ledger") || !strings.Contains(out, "[node-1 node-2 node-3]") {
		t.Errorf("status: code %d, %q, %q", code, out, stderr)
	}
	nodes[leader].end()
	eventually(t, func() error { _, err := c.CreateEnrolToken(ctx, "box", time.Hour); return err })
	nodes[leader] = start(t, dir, leader)
	nodes[leader].waitReady()
	checkCosigned(t, dir, c)
}

func errorsFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkCosigned checks the newest checkpoint against the policy that init wrote.
func checkCosigned(t *testing.T, dir string, c *client.Client) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, policyFile))
	if err != nil {
		t.Fatal(err)
	}
	pin, err := entry.ParsePin(text)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.Genesis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g, err := entry.ParseGenesis(raw)
	if err != nil {
		t.Fatal(err)
	}
	trust := entry.NewTrust(g)
	if !trust.Pin.Equal(pin) {
		t.Errorf("genesis is not of the pinned ledger")
	}
	eventually(t, func() error { _, err := c.Proof(t.Context(), 1); return err })
	signed, err := c.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, cosigned, err := trust.OpenCheckpoint(signed); err != nil || len(cosigned) < 2 {
		t.Errorf("checkpoint: %d cosignatures, %v", len(cosigned), err)
	}
}

// TestRun_lostDisk shows that a node that lost its data never starts empty under its old name.
func TestRun_lostDisk(t *testing.T) {
	dir, _ := newLedger(t, 1)
	d := start(t, dir, "node-1")
	d.waitReady()
	d.end()
	again := start(t, dir, "node-1")
	again.waitReady()
	again.end()
	if err := os.RemoveAll(filepath.Join(dir, "node-1", "data")); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := run(t, "run", "--config", filepath.Join(dir, "node-1", configFile))
	if code != 1 || out != "" || !strings.Contains(stderr, "has run before") {
		t.Errorf("start without its data: code %d, %q, %q", code, out, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "node-1", "data")); !os.IsNotExist(err) {
		t.Errorf("it made data anew: %v", err)
	}
}

func TestRun_init(t *testing.T) {
	dir, _ := newLedger(t, 1)
	var secrets []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && !e.IsDir() && info.Mode().Perm()&0o077 == 0 {
			rel, rerr := filepath.Rel(dir, path)
			secrets, err = append(secrets, rel), rerr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "admin/key admin/token node-1/api.key node-1/cluster.key node-1/cosign.key node-1/first-admin.json node-1/keyring node-1/log.key operator/ca.key operator/operator.key"
	if got := strings.Join(secrets, " "); got != want {
		t.Errorf("files for their owner only:\n got %s\nwant %s", got, want)
	}
	empty := t.TempDir()
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"a directory in use", []string{"--dir", dir, "--origin", "x.y/z", "--node", "a=h:1,h:2"}, "is not empty"},
		{"no nodes", []string{"--dir", empty, "--origin", "x.y/z"}, "node"},
		{"a port of 0", []string{"--dir", empty, "--origin", "x.y/z", "--node", "a=h:0,h:2"}, "port from 1"},
		{"no API address", []string{"--dir", empty, "--origin", "x.y/z", "--node", "a=h:1"}, "want NAME="},
		{"a name with a path", []string{"--dir", empty, "--origin", "x.y/z", "--node", "../a=h:1,h:2"}, "want NAME="},
		{"the name of another folder", []string{"--dir", empty, "--origin", "x.y/z", "--node", "admin=h:1,h:2"}, "want NAME="},
		{"one name twice", []string{"--dir", empty, "--origin", "x.y/z", "--node", "a=h:1,h:2", "--node", "a=h:3,h:4"}, "in common"},
		{"an origin with spaces", []string{"--dir", empty, "--origin", "my ledger", "--node", "a=h:1,h:2"}, "origin"},
	} {
		code, out, stderr := run(t, append([]string{"init"}, tt.args...)...)
		if code != 1 || out != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: code %d, %q, %q, want %q", tt.name, code, out, stderr, tt.want)
		}
	}
	if files, err := os.ReadDir(empty); err != nil || len(files) != 0 {
		t.Errorf("failed calls left %v, %v", files, err)
	}
}

func TestLoadConfig_strict(t *testing.T) {
	good := "name = \"a\"\ncluster_listen = \"h:1\"\napi_listen = \"h:2\"\n[[peer]]\nname = \"a\"\naddr = \"h:1\"\n"
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", "speed = 3\n" + good, "unknown key speed"},
		{"unknown key of a peer", good + "weight = 3\n", "unknown key peer.weight"},
		{"no TOML", "name = \n", "line 1"},
		{"wrong type", strings.Replace(good, `"a"`, "3", 1), "line 1"},
		{"no name", strings.Replace(good, "name = \"a\"\n", "", 1), "are required"},
		{"no peer", good[:strings.Index(good, "[[")], "peer"},
		{"unknown key of alarms", good + "[alarms]\nsms = 3\n", "unknown key alarms.sms"},
		{"a relay without a sender", good + "[alarms]\nsmtp_file = \"smtp\"\n", "need each other"},
		{"a sender without a relay", good + "[alarms]\nfrom = \"l@example.org\"\n", "need each other"},
		{"unknown key of pages", good + "[pages]\nphone = \"1\"\n", "unknown key pages.phone"},
		{"a number to call that is none", good + "[pages]\ncall = \"us\"\n", "pages.call"},
		{"maps without TLS", good + "[pages]\ntiles = \"http://t.example/{z}/{x}/{y}.png\"\n", "pages.tiles"},
		{"an attribution without maps", good + "[pages]\ntiles_attribution = \"x\"\n", "tiles_attribution is of pages.tiles"},
		{"a relative hook", good + "[alarms]\nhook = \"hook.sh\"\n", "not an absolute path"},
	} {
		path := filepath.Join(t.TempDir(), "c.toml")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadConfig(path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	path := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(path, []byte("log_level = \"debug\"\n"+good), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig(path)
	if err != nil || c.LogLevel != slog.LevelDebug || c.DataDir != filepath.Join(filepath.Dir(path), "data") || c.ClusterAdvertise != "h:1" {
		t.Errorf("got %+v, %v", c, err)
	}
}
