package journey

import (
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// relay carries the box's connections to one ledger node, and can be cut: it stands for the mobile network.
type relay struct {
	listener net.Listener
	target   string

	mu    sync.Mutex // guards what follows
	cut   bool
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

const dialTimeout = 2 * time.Second

// newRelay listens on a free port of loopback for connections to target.
func newRelay(target string) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("relay to %s: %w", target, err)
	}
	r := &relay{listener: l, target: target, conns: map[net.Conn]bool{}}
	r.wg.Go(r.accept) // ends when the listener is closed
	return r, nil
}

func (r *relay) addr() string { return r.listener.Addr().String() }

func (r *relay) accept() {
	for {
		in, err := r.listener.Accept()
		if err != nil {
			return // closed, or out of descriptors: a network that is gone shows, a loop would not
		}
		r.wg.Go(func() { r.carry(in) })
	}
}

// carry joins one connection to the target until either side or a cut ends it.
func (r *relay) carry(in net.Conn) {
	defer in.Close()
	if !r.keep(in) {
		return
	}
	defer r.drop(in)
	out, err := net.DialTimeout("tcp", r.target, dialTimeout)
	if err != nil {
		return
	}
	defer out.Close()
	if !r.keep(out) {
		return
	}
	defer r.drop(out)
	done := make(chan struct{}, 2)
	go func() { _, _ = io.Copy(out, in); done <- struct{}{} }() // both end when either connection is closed below
	go func() { _, _ = io.Copy(in, out); done <- struct{}{} }()
	<-done
	in.Close()
	out.Close()
	<-done
}

func (r *relay) keep(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cut {
		return false
	}
	r.conns[c] = true
	return true
}

func (r *relay) drop(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

// setCut ends all connections and refuses new ones, or lets them through again.
func (r *relay) setCut(cut bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = cut
	if cut {
		for c := range r.conns {
			c.Close()
		}
	}
}

// close ends the relay and everything it carries.
func (r *relay) close() {
	r.listener.Close()
	r.setCut(true)
	r.wg.Wait()
}
