package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"isotherm/ledger"
	"isotherm/ledger/node"
)

// call is what a strict handler needs beyond its typed request: who asks, and headers of the answer.
type call struct {
	op        *operation
	request   *http.Request
	header    http.Header // of the answer
	token     string      // as presented
	cookie    bool        // it came in the cookie
	principal node.Principal
	moment    string // for answers that change with time, else empty
}

type callKey struct{}

func withCall(ctx context.Context, k *call) context.Context {
	return context.WithValue(ctx, callKey{}, k)
}

// callOf returns the call of a request: guard has set it.
func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// principal returns who asks.
func principal(ctx context.Context) node.Principal { return callOf(ctx).principal }

// private keeps answers about people and cases out of shared caches. With an ETag the caller may ask whether its own copy
// is still right.
func (k *call) private() {
	k.header.Set("Cache-Control", "no-store")
}

// answeredAt says of which state the answer was made.
func (k *call) answeredAt(at node.At) {
	k.private()
	k.header.Set("Isotherm-Node", at.Node)
	k.header.Set("Isotherm-Entries", strconv.FormatInt(at.Entries, 10))
}

// freshFor is how long an answer that changes with time counts as unchanged while the ledger stands still.
const freshFor = 30 * time.Second

// etag names what this caller gets for this request from a ledger of that many entries, and in this half minute if the
// answer changes with time. Another person's answer to the same request is another one.
func (k *call) etag(at node.At) string {
	sum := sha256.New()
	q := k.request.URL.Query()
	q.Del(freshParam)
	for _, part := range []string{k.token, k.request.URL.Path, q.Encode(), k.moment, k.request.Header.Get("Accept")} {
		sum.Write([]byte(part))
		sum.Write([]byte{0})
	}
	return `W/"` + strconv.FormatInt(at.Entries, 10) + "-" + hex.EncodeToString(sum.Sum(nil)[:8]) + `"`
}

// changesWithTime says that the answer depends on the present, too.
func (k *call) changesWithTime(now time.Time) {
	k.moment = strconv.FormatInt(now.UnixMilli()/freshFor.Milliseconds(), 10)
}

// unchanged tells whether the caller holds the answer that this state of the ledger gives.
func (h *handler) unchanged(ctx context.Context, ifNoneMatch string) (bool, error) {
	if ifNoneMatch == "" {
		return false, nil
	}
	at, err := h.node.At()
	if err != nil {
		return false, err
	}
	k := callOf(ctx)
	for tag := range strings.SplitSeq(ifNoneMatch, ",") {
		if strings.TrimSpace(tag) == k.etag(at) {
			k.cacheable(at)
			return true, nil
		}
	}
	return false, nil
}

// cacheable says of which state the answer was made, and lets the caller ask next time whether it is still right.
func (k *call) cacheable(at node.At) {
	k.answeredAt(at)
	k.header.Set("Cache-Control", "private, no-cache")
	k.header.Set("ETag", k.etag(at))
	k.header.Add("Vary", "Authorization, Cookie, Accept")
}

// nextPage names the page that begins at the cursor.
func (k *call) nextPage(cursor string) {
	if cursor == "" {
		return
	}
	q := k.request.URL.Query()
	q.Set("cursor", cursor)
	u := url.URL{Path: k.request.URL.Path, RawQuery: q.Encode()}
	k.header.Set("Link", "<"+u.String()+`>; rel="next"`)
}

// numberCursor reads a cursor that is a number from 0; the first page has none.
func numberCursor(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	v, err := strconv.ParseInt(cursor, 10, 62)
	if err != nil || v < 0 {
		return 0, ledger.Errorf(ledger.CodeInvalid, "cursor %.40q is none that was given out", cursor).WithHint("begin without one")
	}
	return v, nil
}

// orDefault returns the limit of a page, def when none was given.
func orDefault(limit, def int) int {
	if limit == 0 {
		return def
	}
	return limit
}

// texts makes an empty list of no list: JSON's null is one case more for every reader.
func texts(in []string) []string {
	if in == nil {
		return []string{}
	}
	return in
}
