package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"isotherm/ledger"
)

// Trail returns a page of the audit trail; an empty cursor is the first. limit 0 is the server's default.
func (c *Client) Trail(ctx context.Context, cursor string, limit int) (Trail, error) {
	q := url.Values{}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	var out Trail
	err := c.get(ctx, "/v1/entries", q, &out)
	return out, err
}

// Pauses between tries to reach the feed again.
const (
	feedPause    = 500 * time.Millisecond
	maxFeedPause = 15 * time.Second
)

// Feed calls each for every event after the entry with index after; a negative one begins now. A feed that breaks off is
// opened again where it ended, at the next node if need be. It returns the error of each, ctx's, or a refusal.
func (c *Client) Feed(ctx context.Context, after int64, each func(FeedEvent) error) error {
	for pause := feedPause; ; pause = min(2*pause, maxFeedPause) {
		seen := after
		err := c.follow(ctx, &after, each)
		var stop *eachError
		var refused *ledger.Error
		switch {
		case errors.As(err, &stop):
			return stop.err
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &refused) && refused.Code != ledger.CodeUnavailable && refused.Code != ledger.CodeOverloaded:
			return err
		}
		if after != seen {
			pause = feedPause
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// eachError is what the caller's function returned.
type eachError struct{ err error }

func (e *eachError) Error() string { return e.err.Error() }

// follow reads one connection to its end.
func (c *Client) follow(ctx context.Context, after *int64, each func(FeedEvent) error) error {
	k := call{method: http.MethodGet, path: "/v1/feed", bearer: c.token, stream: true}
	if *after >= 0 {
		k.header = map[string]string{"Last-Event-ID": strconv.FormatInt(*after, 10)}
	}
	resp, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue // comments, ids and ends of events: the data names its index
		}
		var e FeedEvent
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("read feed: %w", err)
		}
		if err := each(e); err != nil {
			return &eachError{err}
		}
		*after = e.Index
	}
	return lines.Err()
}
