package identity

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/merkle"
	"isotherm/ledger/record"
)

const boxTimeout = 5 * time.Second // the box is beside us

// BoxHead asks the box at url, its own page, for the newest signed head of its journal, and says which box it is.
func BoxHead(ctx context.Context, url string) ([]byte, ledger.BoxID, error) {
	head, err := boxGet(ctx, url, "/v1/head", merkle.MaxNote)
	if err != nil {
		return nil, ledger.BoxID{}, err
	}
	origin, err := merkle.PeekOrigin(head)
	if err != nil {
		return nil, ledger.BoxID{}, fmt.Errorf("box at %s: %w", url, err)
	}
	box, _, err := record.ParseOrigin(origin)
	return head, box, err
}

const maxStatus = 1 << 20

// BoxStatus asks the box at url how it is, and fills v from its JSON.
func BoxStatus(ctx context.Context, url string, v any) error {
	text, err := boxGet(ctx, url, "/v1/status", maxStatus)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("box at %s: %w", url, err)
	}
	return nil
}

func boxGet(ctx context.Context, url, path string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, boxTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask box: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask box: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answered %s", resp.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("ask box at %s%s: %w", url, path, err)
	}
	return b, nil
}
