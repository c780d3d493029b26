package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"isotherm/api/contract"
	"isotherm/ledger"
)

// exportTries bounds how often an export is asked for again after its transfer broke off.
const exportTries = 4

// The pauses between two questions how far an export is.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// Export writes the shipment's evidence bundle to w. The ledger notes who took it and why. A transfer that breaks off is
// resumed. On an error part of the bundle may be written: bundle.Verify then fails, and so does its size.
func (c *Client) Export(ctx context.Context, id ledger.ShipmentID, reason string, w io.Writer) error {
	var made Export
	base, err := c.atOne(ctx, call{method: http.MethodPost, path: casePath(id, "/exports"), stream: true}, contract.ReasonRequest{Reason: reason}, &made)
	if err == nil {
		err = c.fetchWhole(ctx, base, made.URL, made.Size, w)
	}
	if err != nil {
		return fmt.Errorf("export of %s: %w", id, err)
	}
	return nil
}

// Exporting is an export that one node works on.
type Exporting struct {
	ExportJob
	c    *Client
	base *url.URL // of that node
}

// StartExport begins an export at one of the nodes.
func (c *Client) StartExport(ctx context.Context, r ExportRequest) (*Exporting, error) {
	e := &Exporting{c: c}
	base, err := c.atOne(ctx, call{method: http.MethodPost, path: "/v1/exports"}, r, &e.ExportJob)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	e.base = base
	return e, nil
}

// Exports lists the caller's exports at the first node that answers.
func (c *Client) Exports(ctx context.Context) (ExportJobs, error) {
	var out ExportJobs
	err := c.get(ctx, "/v1/exports", nil, &out)
	return out, err
}

// Wait asks how far the export is until it is ready, and tells each answer that differs. An export that failed is an error that
// says why and what to do.
func (e *Exporting) Wait(ctx context.Context, each func(ExportJob)) error {
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		each(e.ExportJob)
		switch e.State {
		case "ready":
			return nil
		case "failed":
			return fmt.Errorf("export failed: %s", strings.TrimSuffix(e.Problem, "."))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		var now ExportJob
		err := e.c.json(ctx, call{method: http.MethodGet, path: "/v1/exports/" + e.ID + "/state", only: e.base}, nil, &now)
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		e.ExportJob = now
	}
}

// Fetch writes the file of an export that is ready.
func (e *Exporting) Fetch(ctx context.Context, w io.Writer) error {
	if err := e.c.fetchWhole(ctx, e.base, e.URL, e.Size, w); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// atOne sends in, reads the answer into out and returns which node it came from.
func (c *Client) atOne(ctx context.Context, k call, in, out any) (*url.URL, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	k.bearer, k.contentType, k.body = c.token, "application/json", body
	resp, err := c.do(ctx, k)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	from, _ := resp.Body.(*cancelBody) // do returns no other
	return from.base, json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out)
}

// fetchWhole writes a file that waits at one node, and goes on where a transfer broke off.
func (c *Client) fetchWhole(ctx context.Context, base *url.URL, path string, size int64, w io.Writer) error {
	k := call{method: http.MethodGet, path: path, bearer: c.token, stream: true, only: base}
	var got int64
	for range exportTries {
		n, err := c.fetch(ctx, k, got, w)
		got += n
		if err == nil && got == size {
			return nil
		}
		var final *ledger.Error
		if errors.As(err, &final) && final.Code != ledger.CodeUnavailable || ctx.Err() != nil || got > size {
			return errors.Join(err, ctx.Err())
		}
	}
	return fmt.Errorf("got %d bytes of %d", got, size)
}

// fetch writes what follows the first bytes to w and returns how much it wrote.
func (c *Client) fetch(ctx context.Context, k call, from int64, w io.Writer) (int64, error) {
	if from > 0 {
		k.header = map[string]string{"Range": "bytes=" + strconv.FormatInt(from, 10) + "-"}
	}
	resp, err := c.do(ctx, k)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if from > 0 && resp.StatusCode != http.StatusPartialContent {
		return 0, ledger.Errorf(ledger.CodeInternal, "the node sent the whole file where a part was asked for")
	}
	return io.Copy(w, resp.Body)
}
