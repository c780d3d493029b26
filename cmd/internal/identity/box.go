package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"isotherm/api/client"
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

// BoxTip asks the box at url for the newest claim that it knows of a shipment: the parent of an act that is made without
// the ledger.
func BoxTip(ctx context.Context, url string, shipment ledger.ShipmentID) ([32]byte, error) {
	var status struct {
		Shipments []struct {
			Shipment ledger.ShipmentID `json:"shipment"`
			Tip      client.Hash       `json:"tip"`
		} `json:"shipments"`
	}
	if err := BoxStatus(ctx, url, &status); err != nil {
		return [32]byte{}, err
	}
	for _, x := range status.Shipments {
		if x.Shipment == shipment && x.Tip != (client.Hash{}) {
			return x.Tip, nil
		}
	}
	return [32]byte{}, fmt.Errorf("box at %s knows no act of shipment %s", url, shipment)
}

// GiveBox hands a signed act to the box at url, which journals it and brings it to the ledger, and returns its seq.
func GiveBox(ctx context.Context, url string, act []byte) (seq uint64, err error) {
	text, err := boxCall(ctx, http.MethodPost, url, "/v1/acts", act, maxStatus)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Seq uint64 `json:"seq"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return 0, fmt.Errorf("box at %s: %w", url, err)
	}
	return answer.Seq, nil
}

func boxGet(ctx context.Context, url, path string, limit int64) ([]byte, error) {
	return boxCall(ctx, http.MethodGet, url, path, nil, limit)
}

func boxCall(ctx context.Context, method, url, path string, body []byte, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, boxTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(url, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask box: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask box: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	if err == nil && resp.StatusCode != http.StatusOK {
		var p struct {
			Detail string `json:"detail"`
		}
		_ = json.Unmarshal(b, &p) // not every answer is one of ours
		err = fmt.Errorf("it answered %s: %s", resp.Status, p.Detail)
	}
	if err != nil {
		return nil, fmt.Errorf("ask box at %s%s: %w", url, path, err)
	}
	return b, nil
}
