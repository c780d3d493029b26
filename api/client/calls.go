package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"isotherm/ledger"
)

// CheckpointHeader carries the newest ledger checkpoint that a box holds, in standard base64, with every sync.
const CheckpointHeader = "Isotherm-Checkpoint"

const octets = "application/octet-stream"

// EnrolBox makes a box known, with the one-time token. A repeat with the same key gives the same answer.
func (c *Client) EnrolBox(ctx context.Context, token string, in Enrolment) (Enrolled, error) {
	var out Enrolled
	err := c.json(ctx, call{method: http.MethodPost, path: "/v1/boxes", bearer: token}, in, &out)
	return out, err
}

// Sync sends a batch (see batch.Encode) with the newest checkpoint of the ledger that the box holds, or nil. Errors:
// *Conflict, or *ledger.Error with its code.
func (c *Client) Sync(ctx context.Context, box ledger.BoxID, wire, checkpoint []byte) (SyncAnswer, error) {
	k := call{method: http.MethodPost, path: "/v1/boxes/" + box.String() + "/sync", body: wire, contentType: octets}
	if len(checkpoint) > 0 {
		k.header = map[string]string{CheckpointHeader: base64.StdEncoding.EncodeToString(checkpoint)}
	}
	var out SyncAnswer
	err := c.json(ctx, k, nil, &out)
	return out, err
}

// Receipt returns the receipt (see entry.Receipt) for the journal up to at least size.
func (c *Client) Receipt(ctx context.Context, box ledger.BoxID, inc ledger.IncarnationID, size int64) ([]byte, error) {
	return c.bytes(ctx, call{method: http.MethodGet, path: "/v1/boxes/" + box.String() + "/journals/" + inc.String() + "/receipt",
		query: url.Values{"size": {strconv.FormatInt(size, 10)}}})
}

// CreateEnrolToken makes a one-time token for a box.
func (c *Client) CreateEnrolToken(ctx context.Context, label string, ttl time.Duration) (Token, error) {
	var out Token
	err := c.json(ctx, call{method: http.MethodPost, path: "/v1/enrol-tokens"},
		EnrolTokenRequest{Label: label, TTLSeconds: int64(ttl / time.Second)}, &out)
	return out, err
}

// EnrolPerson makes a person known and returns a token. Enrolling the same person again gives a new token.
func (c *Client) EnrolPerson(ctx context.Context, p Person) (PersonEnrolled, error) {
	var out PersonEnrolled
	err := c.json(ctx, call{method: http.MethodPost, path: "/v1/people"}, p, &out)
	return out, err
}

// Me says who the token belongs to, and the ledger's origin that every statement must name.
func (c *Client) Me(ctx context.Context) (Me, error) {
	var out Me
	err := c.json(ctx, call{method: http.MethodGet, path: "/v1/me"}, nil, &out)
	return out, err
}

// People lists enrolled people.
func (c *Client) People(ctx context.Context) (People, error) {
	var out People
	err := c.json(ctx, call{method: http.MethodGet, path: "/v1/people"}, nil, &out)
	return out, err
}

// Boxes lists enrolled boxes with the newest heads that the ledger holds.
func (c *Client) Boxes(ctx context.Context) (Boxes, error) {
	var out Boxes
	err := c.json(ctx, call{method: http.MethodGet, path: "/v1/boxes"}, nil, &out)
	return out, err
}

// SubmitAct enters a signed act (canonical bytes, see custody.Act). It may be late, out of order or a repeat.
func (c *Client) SubmitAct(ctx context.Context, act []byte) (ActAnswer, error) {
	var out ActAnswer
	err := c.json(ctx, call{method: http.MethodPost, path: "/v1/acts", body: act, contentType: octets}, nil, &out)
	return out, err
}

// Shipments returns the board.
func (c *Client) Shipments(ctx context.Context) (Shipments, error) {
	var out Shipments
	err := c.json(ctx, call{method: http.MethodGet, path: "/v1/shipments"}, nil, &out)
	return out, err
}

// Shipment returns one shipment with its whole history. The ledger notes that it was read.
func (c *Client) Shipment(ctx context.Context, id ledger.ShipmentID) (Shipment, error) {
	var out Shipment
	err := c.json(ctx, call{method: http.MethodGet, path: "/v1/shipments/" + id.String()}, nil, &out)
	return out, err
}

// Readings returns a page of a trip's readings, from number from (0: the first after packing). limit 0 is the server's
// default. The ledger notes that the case was read.
func (c *Client) Readings(ctx context.Context, id ledger.ShipmentID, from int64, limit int) (Readings, error) {
	q := url.Values{"from": {strconv.FormatInt(from, 10)}}
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	var out Readings
	err := c.json(ctx, call{method: http.MethodGet, path: "/v1/shipments/" + id.String() + "/readings", query: q}, nil, &out)
	return out, err
}

// Export writes the shipment's evidence bundle to w. The ledger notes who took it and why. On an error part of the
// bundle may be written: bundle.Verify then fails, and so does its size.
func (c *Client) Export(ctx context.Context, id ledger.ShipmentID, reason string, w io.Writer) error {
	body, err := json.Marshal(map[string]string{"reason": reason})
	if err != nil {
		return fmt.Errorf("export of %s: %w", id, err)
	}
	k := call{method: http.MethodPost, path: "/v1/shipments/" + id.String() + "/exports", bearer: c.token, stream: true,
		contentType: "application/json", body: body}
	resp, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(w, resp.Body)
	if err != nil {
		return fmt.Errorf("export of %s: %w", id, err)
	}
	if resp.ContentLength >= 0 && n != resp.ContentLength {
		return fmt.Errorf("export of %s: got %d bytes of %d", id, n, resp.ContentLength)
	}
	return nil
}

// DonorCommitment returns the keyed commitment to a donor ID that Open and ArrivalCheck statements carry.
func (c *Client) DonorCommitment(ctx context.Context, donorID string) (Hash, error) {
	var out struct {
		Commitment Hash `json:"commitment"`
	}
	err := c.json(ctx, call{method: http.MethodPost, path: "/v1/donor-commitments"}, map[string]string{"donor_id": donorID}, &out)
	return out.Commitment, err
}

// Genesis returns the payload of entry 0, see entry.ParseGenesis. Compare its keys with a policy file got beforehand.
func (c *Client) Genesis(ctx context.Context) ([]byte, error) {
	return c.bytes(ctx, call{method: http.MethodGet, path: "/v1/genesis"})
}

// Status says how the first node that answers is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var out Status
	err := c.json(ctx, call{method: http.MethodGet, path: "/v1/status"}, nil, &out)
	return out, err
}

// Checkpoint returns the node's newest checkpoint with its cosignatures.
func (c *Client) Checkpoint(ctx context.Context) ([]byte, error) {
	return c.bytes(ctx, call{method: http.MethodGet, path: "/checkpoint"})
}

// Proof returns the tlog-proof of an entry under the newest checkpoint.
func (c *Client) Proof(ctx context.Context, index int64) ([]byte, error) {
	return c.bytes(ctx, call{method: http.MethodGet, path: "/v1/entries/" + strconv.FormatInt(index, 10) + "/proof"})
}
