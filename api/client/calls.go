package client

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"isotherm/api/contract"
	"isotherm/ledger"
)

// CheckpointHeader carries the newest ledger checkpoint that a box holds, in standard base64, with every sync.
const CheckpointHeader = "Isotherm-Checkpoint"

const octets = "application/octet-stream"

// get reads JSON from a path.
func (c *Client) get(ctx context.Context, path string, query url.Values, out any) error {
	return c.json(ctx, call{method: http.MethodGet, path: path, query: query}, nil, out)
}

// post sends JSON to a path and reads JSON.
func (c *Client) post(ctx context.Context, path string, in, out any) error {
	return c.json(ctx, call{method: http.MethodPost, path: path}, in, out)
}

// EnrolBox makes a box known, with the one-time token. A repeat with the same key gives the same answer.
func (c *Client) EnrolBox(ctx context.Context, token string, in Enrolment) (Enrolled, error) {
	var out Enrolled
	err := c.WithToken(token).post(ctx, "/v1/boxes", in, &out)
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
	err := c.post(ctx, "/v1/enrol-tokens", contract.EnrolTokenRequest{Label: label, TTLSeconds: int64(ttl / time.Second)}, &out)
	return out, err
}

// Boxes lists enrolled boxes with the newest heads that the ledger holds.
func (c *Client) Boxes(ctx context.Context) (Boxes, error) {
	var out Boxes
	err := c.get(ctx, "/v1/boxes", nil, &out)
	return out, err
}

// BoxHeadAt returns the newest head of a box, of those that the ledger holds, whose last record was made at a time or before
// it. CodeNotFound: nothing of the box from before that time is held. Ask by Linearizable.
func (c *Client) BoxHeadAt(ctx context.Context, box ledger.BoxID, at time.Time) (BoxHead, error) {
	var out BoxHead
	err := c.get(ctx, "/v1/boxes/"+box.String()+"/head", url.Values{"at_ms": {strconv.FormatInt(at.UnixMilli(), 10)}}, &out)
	return out, err
}

// Profiles lists published and shipped profiles.
func (c *Client) Profiles(ctx context.Context) (Profiles, error) {
	var out Profiles
	err := c.get(ctx, "/v1/profiles", nil, &out)
	return out, err
}

// Profile returns the profile with the hash.
func (c *Client) Profile(ctx context.Context, hash Hash) (ProfileDetail, error) {
	var out ProfileDetail
	err := c.get(ctx, "/v1/profiles/"+hash.String(), nil, &out)
	return out, err
}

// PublishProfile enters a signed profile (see entry.ProfilePublished).
func (c *Client) PublishProfile(ctx context.Context, published []byte) (Entered, error) {
	var out Entered
	err := c.post(ctx, "/v1/profiles", contract.SignedProfile{Profile: published}, &out)
	return out, err
}

// RecallCertificate marks a calibration certificate as recalled.
func (c *Client) RecallCertificate(ctx context.Context, number, reason string) (Entered, error) {
	var out Entered
	err := c.post(ctx, "/v1/certificate-recalls", contract.Recall{Number: number, Reason: reason}, &out)
	return out, err
}

// CertificateTrips lists the trips that a certificate's probes measured.
func (c *Client) CertificateTrips(ctx context.Context, number string) (CertificateTrips, error) {
	var out CertificateTrips
	err := c.get(ctx, "/v1/certificate-trips", url.Values{"number": {number}}, &out)
	return out, err
}

// Genesis returns the payload of entry 0, see entry.ParseGenesis. Compare its keys with a policy file got beforehand.
func (c *Client) Genesis(ctx context.Context) ([]byte, error) {
	return c.bytes(ctx, call{method: http.MethodGet, path: "/v1/genesis"})
}

// Notice returns the notice to people, as Markdown.
func (c *Client) Notice(ctx context.Context) ([]byte, error) {
	return c.bytes(ctx, call{method: http.MethodGet, path: "/v1/notice"})
}

// Status says how the first node that answers is.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var out Status
	err := c.get(ctx, "/v1/status", nil, &out)
	return out, err
}

// Nodes lays all nodes of the ledger side by side, as the first that answers sees them.
func (c *Client) Nodes(ctx context.Context) (Nodes, error) {
	var out Nodes
	err := c.get(ctx, "/v1/nodes", nil, &out)
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
