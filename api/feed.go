package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger"
	"isotherm/ledger/node"
)

// Limits of live feeds.
const (
	maxFeeds      = 512 // listeners on this node
	maxFeedsEach  = 8   // of one person: browsers open one a tab
	feedPage      = 200
	feedHeartbeat = 15 * time.Second // below the idle timeouts of proxies; who asks is checked anew as often
	feedPatience  = 10 * time.Second // for one write: a reader that takes nothing is let go
)

// feeds counts listeners and ends them with the server.
type feeds struct {
	stopped chan struct{} // closed by stop

	mu    sync.Mutex
	total int                     // guarded by mu
	each  map[ledger.PersonID]int // guarded by mu
	once  sync.Once
}

func newFeeds() *feeds { return &feeds{stopped: make(chan struct{}), each: map[ledger.PersonID]int{}} }

func (f *feeds) stop() { f.once.Do(func() { close(f.stopped) }) }

// join takes a place for a listener.
func (f *feeds) join(who ledger.PersonID) (leave func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.total >= maxFeeds || f.each[who] >= maxFeedsEach {
		return nil, ledger.Errorf(ledger.CodeOverloaded, "too many live feeds are open").WithHint("close some, or ask again in a moment")
	}
	f.total++
	f.each[who]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.total--
		if f.each[who]--; f.each[who] == 0 {
			delete(f.each, who)
		}
	}, nil
}

// GetFeed opens a live feed.
func (h *handler) GetFeed(ctx context.Context, r server.GetFeedRequestObject) (server.GetFeedResponseObject, error) {
	at, err := h.node.At()
	if err != nil {
		return nil, err
	}
	after := at.Entries - 1 // from now on
	switch k := callOf(ctx); {
	case k.request.Header.Get("Last-Event-ID") != "":
		after = r.Params.LastEventID
	case k.request.URL.Query().Has("after"):
		after = r.Params.After
	}
	leave, err := h.feeds.join(principal(ctx).Person)
	if err != nil {
		return nil, err
	}
	return &feed{h: h, ctx: ctx, call: callOf(ctx), after: after, leave: leave}, nil
}

// feed is an answer that lasts until the client, the credential or the node ends.
type feed struct {
	h     *handler
	ctx   context.Context
	call  *call
	after int64
	leave func()
	w     http.ResponseWriter
	out   *http.ResponseController
}

// VisitGetFeedResponse sends events.
func (f *feed) VisitGetFeedResponse(w http.ResponseWriter) error {
	defer f.leave()
	f.w, f.out = w, http.NewResponseController(w)
	f.call.private()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // proxies pass events on at once
	w.WriteHeader(http.StatusOK)
	if !f.write(": isotherm feed\nretry: 2000\n\n") {
		return nil
	}
	beat := time.NewTicker(feedHeartbeat)
	defer beat.Stop()
	for {
		changed := f.h.node.Changed() // before looking, so that no change is missed
		if !f.news() {
			return nil
		}
		select {
		case <-changed:
		case <-beat.C:
			if !f.write(": still here\n\n") {
				return nil
			}
		case <-f.ctx.Done():
			return nil
		case <-f.h.feeds.stopped:
			return nil
		}
		if !f.mayGoOn() {
			return nil
		}
	}
}

// mayGoOn asks anew who reads: a session that was ended, or a role that was changed, ends what they see.
func (f *feed) mayGoOn() bool {
	p, err := f.h.node.Authenticate(f.ctx, f.call.token)
	if ledger.CodeOf(err) == ledger.CodeUnavailable {
		return true // no majority answers; what this node holds stays as it is
	}
	f.call.principal = p
	return err == nil && f.call.op.admits(p.Role)
}

// news sends what came since the last event, and tells whether somebody still reads.
func (f *feed) news() bool {
	for {
		events, next, at, err := f.h.node.Feed(f.ctx, f.call.principal, f.after, feedPage)
		if err != nil {
			f.h.log.Debug("live feed ends", "err", err)
			return false
		}
		for _, e := range events {
			if !f.send(e) {
				return false
			}
		}
		f.after = next
		if len(events) < feedPage && next >= at.Entries-1 {
			return true
		}
	}
}

func (f *feed) send(e node.Event) bool {
	data := contract.FeedEvent{Index: e.Index, Kind: e.Kind.String(), TimeMS: e.TimeMS}
	if e.Case != nil {
		data.Shipment = *e.Case
	}
	if e.Box != nil {
		data.Box = *e.Box
	}
	text, err := json.Marshal(data)
	return err == nil && f.write(fmt.Sprintf("id: %d\nevent: entry\ndata: %s\n\n", e.Index, text))
}

// write sends text at once. false: nobody reads any more.
func (f *feed) write(text string) bool {
	_ = f.out.SetWriteDeadline(time.Now().Add(feedPatience)) // not every writer has one
	if _, err := f.w.Write([]byte(text)); err != nil {
		return false
	}
	return f.out.Flush() == nil
}
