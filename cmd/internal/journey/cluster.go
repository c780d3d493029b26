package journey

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"isotherm/api/client"
	"isotherm/ledger/durable"
)

// voters is how many nodes a journey's ledger has: the smallest number that survives the loss of one.
const voters = 3

// readyTimeout is how long a daemon may take to start on a busy machine.
const readyTimeout = 60 * time.Second

// node is one ledgerd.
type node struct {
	name   string
	config string
	api    string                  // host:port
	proc   atomic.Pointer[process] // nil before its first start
	parked atomic.Bool             // somebody stopped it, see StopNode
}

func (n *node) running() bool {
	p := n.proc.Load()
	return p != nil && p.running()
}

// run starts the node's program and waits until it is ready.
func (n *node) run(ctx context.Context, s *starter) error {
	p, err := s.start(ctx, "ledgerd", n.name, "run", "--config", n.config)
	if err == nil {
		n.proc.Store(p)
	}
	return err
}

// cluster is the ledger: three nodes of their own.
type cluster struct {
	starter *starter
	dir     string
	nodes   []*node
}

// newCluster makes the files of a new ledger under dir, with ledgerd init.
func newCluster(ctx context.Context, s *starter, dir string) (*cluster, error) {
	ports, err := freePorts(2 * voters)
	if err != nil {
		return nil, err
	}
	pin, err := writePIN(filepath.Dir(dir))
	if err != nil {
		return nil, err
	}
	c := &cluster{starter: s, dir: dir}
	args := []string{"init", "--dir", dir, "--origin", "isotherm.demo/ledger", "--admin-pin-file", pin}
	for i := range voters {
		n := &node{name: fmt.Sprintf("node-%d", i+1), api: fmt.Sprintf("127.0.0.1:%d", ports[2*i+1])}
		n.config = filepath.Join(dir, n.name, "ledgerd.toml")
		c.nodes = append(c.nodes, n)
		args = append(args, "--node", fmt.Sprintf("%s=127.0.0.1:%d,%s", n.name, ports[2*i], n.api))
	}
	if err := s.run(ctx, "ledgerd", "ledgerd-init", args...); err != nil {
		return nil, err
	}
	for _, n := range c.nodes {
		if err := addPages(n.config); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// addPages adds to a node's configuration what the pages show.
func addPages(config string) error {
	text, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	return durable.WriteFile(config, append(text, "\n[pages]\ncall = \"+1 206 555 0142\"\noperator = \"Demonstration\"\n"...), 0o644)
}

// freePorts returns ports of loopback that nobody listens on right now.
func freePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // all at the end, so that no port comes twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// start starts all nodes that don't run, at the same time.
func (c *cluster) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	errs := make([]error, len(c.nodes))
	var wg sync.WaitGroup
	for i, n := range c.nodes {
		if !n.running() {
			wg.Go(func() { errs[i] = n.run(ctx, c.starter) })
		}
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return poll(ctx, "a leader", func(ctx context.Context) (bool, error) {
		leader, err := c.leader(ctx)
		return leader != nil, err
	})
}

// urls are the addresses of all nodes' APIs.
func (c *cluster) urls() []string {
	out := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		out[i] = "https://" + n.api
	}
	return out
}

// ask returns a client of one node, without a token.
func (c *cluster) ask(n *node) (*client.Client, error) {
	return client.New(client.Options{URLs: []string{"https://" + n.api}, CAFile: filepath.Join(c.dir, "ca.pem"), Timeout: 2 * time.Second, DialTimeout: time.Second})
}

// leader returns the node that the running nodes hold for their leader, or nil while there is none.
func (c *cluster) leader(ctx context.Context) (*node, error) {
	for _, n := range c.nodes {
		if !n.running() {
			continue
		}
		a, err := c.ask(n)
		if err != nil {
			return nil, err
		}
		status, err := a.Status(ctx)
		a.Close()
		if err != nil {
			continue // it is starting, or just died
		}
		for _, l := range c.nodes {
			if l.name == status.Leader && l.running() {
				return l, nil
			}
		}
	}
	return nil, nil
}

// stop stops all nodes in order.
func (c *cluster) stop() error {
	var failed []string
	for _, n := range c.nodes {
		if n.running() {
			if err := n.proc.Load().stop(); err != nil {
				failed = append(failed, fmt.Sprintf("%s: %v", n.name, err))
			}
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("stop the ledger: %s", strings.Join(failed, "; "))
	}
	return nil
}

// KillNode ends a node with kill -9: the leader, or a follower. It returns the node's name, for StartNodes.
func (j *Journey) KillNode(ctx context.Context, leading bool) (string, error) {
	var victim *node
	err := poll(ctx, "a leader", func(ctx context.Context) (bool, error) {
		leader, err := j.cluster.leader(ctx)
		if leader == nil || err != nil {
			return false, err
		}
		for _, n := range j.cluster.nodes {
			if n.running() && (n == leader) == leading {
				victim = n
			}
		}
		return victim != nil, nil
	})
	if err != nil {
		return "", err
	}
	victim.proc.Load().kill()
	role := "a follower"
	if leading {
		role = "the leader"
	}
	j.say("kill -9: %s, %s", victim.name, role)
	return victim.name, nil
}

// KillAll ends all nodes and the box's program with kill -9 at once.
func (j *Journey) KillAll() {
	var wg sync.WaitGroup
	for _, n := range j.cluster.nodes {
		wg.Go(n.proc.Load().kill)
	}
	wg.Go(j.box.proc.kill)
	wg.Wait()
	j.say("kill -9: all nodes and the box")
}

// StartNodes starts the nodes that don't run.
func (j *Journey) StartNodes(ctx context.Context) error {
	if err := j.cluster.start(ctx); err != nil {
		return err
	}
	j.say("all nodes run")
	return nil
}
