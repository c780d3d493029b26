package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"isotherm/api/contract"
	"isotherm/ledger"
)

func casePath(id ledger.ShipmentID, rest string) string { return "/v1/shipments/" + id.String() + rest }

// SubmitAct enters a signed act (canonical bytes, see custody.Act). It may be late, out of order or a repeat.
func (c *Client) SubmitAct(ctx context.Context, act []byte) (ActAnswer, error) {
	var out ActAnswer
	err := c.json(ctx, call{method: http.MethodPost, path: "/v1/acts", body: act, contentType: octets}, nil, &out)
	return out, err
}

// Shipments returns a page of the board; Next is the Cursor of the following one.
func (c *Client) Shipments(ctx context.Context, q ShipmentQuery) (Shipments, error) {
	query := url.Values{}
	for name, value := range map[string]string{"phase": q.Phase, "organ": q.Organ, "dest": q.Dest, "q": q.Q, "cursor": q.Cursor} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if q.Limit != 0 {
		query.Set("limit", strconv.Itoa(q.Limit))
	}
	var out Shipments
	err := c.get(ctx, "/v1/shipments", query, &out)
	return out, err
}

// AllShipments returns all pages of the board as one. Node and Entries are of the last page.
func (c *Client) AllShipments(ctx context.Context, q ShipmentQuery) (Shipments, error) {
	var out Shipments
	for {
		page, err := c.Shipments(ctx, q)
		if err != nil {
			return out, err
		}
		page.Shipments = append(out.Shipments, page.Shipments...)
		if out = page; page.Next == "" {
			return out, nil
		}
		q.Cursor = page.Next
	}
}

// Shipment returns one shipment with its whole history. The ledger notes that it was read.
func (c *Client) Shipment(ctx context.Context, id ledger.ShipmentID) (Shipment, error) {
	var out Shipment
	err := c.get(ctx, casePath(id, ""), nil, &out)
	return out, err
}

// Tip says what the next act on a case follows, also to who may act on it and not read it. Ask by Linearizable.
func (c *Client) Tip(ctx context.Context, id ledger.ShipmentID) (Tip, error) {
	var out Tip
	err := c.get(ctx, casePath(id, "/tip"), nil, &out)
	return out, err
}

// Readings returns a page of a trip's readings; an empty cursor is the first, Next the following one. limit 0 is the
// server's default. The ledger notes that the case was read.
func (c *Client) Readings(ctx context.Context, id ledger.ShipmentID, cursor string, limit int) (Readings, error) {
	q := url.Values{}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	var out Readings
	err := c.get(ctx, casePath(id, "/readings"), q, &out)
	return out, err
}

// SeriesQuery asks for readings for a chart. Zero values are the server's defaults, and no bounds.
type SeriesQuery struct {
	Points int   // about how many, at most
	FromMS int64 // wall time of the first
	ToMS   int64 // behind the last
}

// Series returns the readings of a trip in columns, thinned so that no extreme is lost. The ledger notes that the case was read.
func (c *Client) Series(ctx context.Context, id ledger.ShipmentID, want SeriesQuery) (Series, error) {
	q := url.Values{}
	for name, n := range map[string]int64{"points": int64(want.Points), "from_ms": want.FromMS, "to_ms": want.ToMS} {
		if n != 0 {
			q.Set(name, strconv.FormatInt(n, 10))
		}
	}
	var out Series
	err := c.get(ctx, casePath(id, "/series"), q, &out)
	return out, err
}

// ReadingsCSV writes all readings of a trip as CSV. The ledger notes that the case was read.
func (c *Client) ReadingsCSV(ctx context.Context, id ledger.ShipmentID, w io.Writer) error {
	body, err := c.bytes(ctx, call{method: http.MethodGet, path: casePath(id, "/readings"), query: url.Values{"format": {"csv"}}})
	if err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("readings of %s: %w", id, err)
	}
	return nil
}

// DonorCommitment returns the keyed commitment to a donor ID that Open and ArrivalCheck statements carry.
func (c *Client) DonorCommitment(ctx context.Context, donorID string) (Hash, error) {
	var out contract.DonorCommitment
	err := c.post(ctx, "/v1/donor-commitments", contract.DonorIDRequest{DonorID: donorID}, &out)
	return out.Commitment, err
}

// KeepDonorID keeps the donor ID of a case, sealed, so that the case can be found by it.
func (c *Client) KeepDonorID(ctx context.Context, id ledger.ShipmentID, donorID string) error {
	return c.put(ctx, casePath(id, "/donor-id"), contract.DonorIDRequest{DonorID: donorID}, nil)
}

// RevealDonorID returns the donor ID of a case; the reason becomes an entry.
func (c *Client) RevealDonorID(ctx context.Context, id ledger.ShipmentID, reason string) (string, error) {
	var out contract.DonorID
	err := c.post(ctx, casePath(id, "/donor-id"), contract.ReasonRequest{Reason: reason}, &out)
	return out.DonorID, err
}

// FindByDonorID finds cases. Each search is an entry, and the number of tries is limited.
func (c *Client) FindByDonorID(ctx context.Context, donorID string) (DonorFound, error) {
	var out DonorFound
	err := c.post(ctx, "/v1/donor-searches", contract.DonorIDRequest{DonorID: donorID}, &out)
	return out, err
}

// BreakGlass opens a case that is not the caller's, in an emergency.
func (c *Client) BreakGlass(ctx context.Context, id ledger.ShipmentID, reason string) (BreakGlass, error) {
	var out BreakGlass
	err := c.post(ctx, casePath(id, "/break-glass"), contract.ReasonRequest{Reason: reason}, &out)
	return out, err
}

// CreateShare makes a share link to a case. Its secret is shown once.
func (c *Client) CreateShare(ctx context.Context, id ledger.ShipmentID, label string, ttl time.Duration) (ShareMade, error) {
	var out ShareMade
	err := c.post(ctx, casePath(id, "/shares"), contract.ShareRequest{Label: label, TTLSeconds: int64(ttl / time.Second)}, &out)
	return out, err
}

// Shares lists the share links of a case.
func (c *Client) Shares(ctx context.Context, id ledger.ShipmentID) (Shares, error) {
	var out Shares
	err := c.get(ctx, casePath(id, "/shares"), nil, &out)
	return out, err
}

// RevokeShare makes a share link worth nothing.
func (c *Client) RevokeShare(ctx context.Context, id ledger.ShipmentID, share string) error {
	return c.drop(ctx, casePath(id, "/shares/")+url.PathEscape(share), nil)
}

// Shared returns what a share link shows. The client's token is the link's secret.
func (c *Client) Shared(ctx context.Context) (SharedView, error) {
	var out SharedView
	err := c.get(ctx, "/v1/shared", nil, &out)
	return out, err
}

// PutConsent notes a consent or its withdrawal.
func (c *Client) PutConsent(ctx context.Context, in Consent) (Entered, error) {
	var out Entered
	err := c.post(ctx, "/v1/consents", in, &out)
	return out, err
}

// Consents lists consents of a case or of a person: one of both, the other zero.
func (c *Client) Consents(ctx context.Context, id ledger.ShipmentID, person ledger.PersonID) (Consents, error) {
	q := ofPerson(person)
	if !id.IsZero() {
		q = url.Values{"shipment": {id.String()}}
	}
	var out Consents
	err := c.get(ctx, "/v1/consents", q, &out)
	return out, err
}

// Alarms lists the alarms that last, of all cases that the caller may see.
func (c *Client) Alarms(ctx context.Context) (Alarms, error) {
	var out Alarms
	err := c.get(ctx, "/v1/alarms", nil, &out)
	return out, err
}

// CaseAlarms lists all alarms of a case.
func (c *Client) CaseAlarms(ctx context.Context, id ledger.ShipmentID) (Alarms, error) {
	var out Alarms
	err := c.get(ctx, casePath(id, "/alarms"), nil, &out)
	return out, err
}

// AcknowledgeAlarm confirms an alarm with a reason (see alarm.Reason).
func (c *Client) AcknowledgeAlarm(ctx context.Context, id, reason string) (Alarm, error) {
	var out Alarm
	err := c.post(ctx, "/v1/alarms/"+url.PathEscape(id)+"/acknowledgement", contract.AckRequest{Reason: reason}, &out)
	return out, err
}
