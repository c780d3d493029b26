package api

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/entry"
)

// listener reads a feed.
type listener struct {
	t     *testing.T
	lines *bufio.Scanner
	body  interface{ Close() error }
}

func (f *fixture) listen(token, last string) *listener {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), "GET", f.server.URL+"/v1/feed", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := newRaw(f.t, f).http.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") || resp.Header.Get("Cache-Control") != "no-store" {
		f.t.Fatalf("feed: status %d, %v", resp.StatusCode, resp.Header)
	}
	return &listener{t: f.t, lines: bufio.NewScanner(resp.Body), body: resp.Body}
}

// next returns the index and the data of the next event, -1 at the end.
func (l *listener) next() (int64, string) {
	l.t.Helper()
	id := int64(-1)
	for l.lines.Scan() {
		line := l.lines.Text()
		if text, ok := strings.CutPrefix(line, "id: "); ok {
			var err error
			if id, err = strconv.ParseInt(text, 10, 64); err != nil {
				l.t.Fatal(err)
			}
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			return id, data
		}
	}
	return -1, ""
}

// TestFeed shows that a feed names what its reader may see and nothing else, and goes on where it broke off.
func TestFeed(t *testing.T) {
	f := newFixture(t)
	mine, p := f.trip("one", 2)
	l := f.listen(p.token, "0")
	seen := map[int64]bool{}
	cases := 0
	for cases < 2 { // open and pack
		id, data := l.next()
		if id < 0 {
			t.Fatal("the feed ended")
		}
		seen[id] = true
		if strings.Contains(data, mine.id.String()) {
			cases++
		}
	}
	_ = l.body.Close()
	var last int64
	for id := range seen {
		last = max(last, id)
	}
	theirs, _ := f.trip("two", 2)
	again := f.listen(p.token, strconv.FormatInt(last, 10))
	if _, err := p.CreateShare(t.Context(), mine.id, "ward", time.Hour); err == nil { // an entry of the own case, after all of the foreign one
		for {
			id, data := again.next()
			if id <= last || seen[id] {
				t.Fatalf("event %d came again", id)
			}
			if strings.Contains(data, theirs.id.String()) {
				t.Fatalf("event %d is of a case that is not theirs: %s", id, data)
			}
			if strings.Contains(data, mine.id.String()) && strings.Contains(data, "share") {
				break
			}
			seen[id] = true
		}
	} else {
		t.Fatal(err)
	}
}

// TestFeed_ends shows that a feed ends with the credential and with the server.
func TestFeed_ends(t *testing.T) {
	f := newFixture(t)
	p, _ := f.enrol("Nurse", "Center", entry.RoleCenter)
	made, err := p.CreateToken(t.Context(), tokenRequest("read"))
	if err != nil {
		t.Fatal(err)
	}
	revoked, open := f.listen(made.Token, ""), f.listen(p.token, "")
	if err := p.RevokeToken(t.Context(), ledger.PersonID{}, made.Info.ID); err != nil {
		t.Fatal(err)
	}
	if id, data := revoked.next(); id >= 0 {
		t.Errorf("with a revoked token came event %d: %s", id, data)
	}
	if err := f.api.Close(); err != nil {
		t.Error(err)
	}
	for {
		if id, _ := open.next(); id < 0 {
			break
		}
	}
}

// TestFeed_bounds shows that one person can't take all places.
func TestFeed_bounds(t *testing.T) {
	fs := newFeeds()
	a, b := ledger.NewPersonID(), ledger.NewPersonID()
	var leave []func()
	for range maxFeedsEach {
		l, err := fs.join(a)
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	if _, err := fs.join(a); ledger.CodeOf(err) != ledger.CodeOverloaded {
		t.Errorf("one too many: got %v, want %s", err, ledger.CodeOverloaded)
	}
	if _, err := fs.join(b); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	leave[0]()
	if _, err := fs.join(a); err != nil {
		t.Errorf("after one left: %v", err)
	}
}

// TestClient_feed shows that our client goes on by itself after a feed broke off.
func TestClient_feed(t *testing.T) {
	f := newFixture(t)
	_, p := f.trip("one", 2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	checked := f.server.Config.Handler
	tries := 0
	f.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tries++; tries == 1 {
			w = &breaking{ResponseWriter: w, left: 300}
		}
		checked.ServeHTTP(w, r)
	})
	done := errors.New("enough")
	last, count := int64(-1), 0
	err := p.Feed(ctx, 0, func(e client.FeedEvent) error {
		if e.Index < last {
			t.Errorf("event %d after %d", e.Index, last)
		}
		last = e.Index
		if count++; count == 4 {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) || tries < 2 {
		t.Errorf("got %v after %d events and %d tries", err, count, tries)
	}
}
