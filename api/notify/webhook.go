package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"isotherm/ledger/alarm"
)

// Limits of a webhook call.
const (
	webhookLimit = 10 * time.Second
	dialLimit    = 5 * time.Second
	maxHeader    = 16 << 10
	maxAnswer    = 16 << 10 // of the answer's body, which says nothing that is needed
)

var errPrivate = errors.New("the address is on this machine or in a private network, which alarms.allow_private forbids")

// newClient returns a client that follows no redirect, uses no proxy and looks at every address just before it connects:
// a name may point elsewhere than when the contact was entered.
func newClient(o *Options) *http.Client {
	dialer := &net.Dialer{Timeout: dialLimit, Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("connect to %s: %w", address, err)
		}
		if !mayCall(ap.Addr(), o.AllowPrivate) {
			return errPrivate
		}
		return nil
	}}
	return &http.Client{Timeout: webhookLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
			TLSHandshakeTimeout: dialLimit, ResponseHeaderTimeout: webhookLimit, MaxResponseHeaderBytes: maxHeader, MaxIdleConnsPerHost: 1,
			MaxConnsPerHost: 4, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true, DisableCompression: true}}
}

// Addresses that belong to somebody's own network, beside those that net/netip calls private.
var inside = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"),  // carrier-grade NAT, RFC 6598
	netip.MustParsePrefix("0.0.0.0/8"),      // this network, RFC 791
	netip.MustParsePrefix("198.18.0.0/15"),  // benchmarks, RFC 2544
	netip.MustParsePrefix("192.0.0.0/24"),   // protocol assignments, RFC 6890
	netip.MustParsePrefix("240.0.0.0/4"),    // reserved, RFC 1112, with the broadcast address
	netip.MustParsePrefix("64:ff9b:1::/48"), // local translation, RFC 8215
	netip.MustParsePrefix("fec0::/10"),      // site-local, RFC 3879
	netip.MustParsePrefix("2001:db8::/32"),  // documentation, RFC 3849
	netip.MustParsePrefix("2002::/16"),      // 6to4: holds an IPv4 address
	netip.MustParsePrefix("2001::/32"),      // Teredo: likewise
	netip.MustParsePrefix("::/96"),          // IPv4-compatible, RFC 4291: likewise
}

// translated holds IPv4 addresses, RFC 6052: those are looked at.
var translated = netip.MustParsePrefix("64:ff9b::/96")

// mayCall tells whether a webhook may be at an address. Link-local ones are never called: that is where clouds keep the
// credentials of a machine.
func mayCall(a netip.Addr, allowPrivate bool) bool {
	a = a.Unmap().WithZone("")
	if translated.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast():
		return false
	case allowPrivate:
		return true
	case a.IsLoopback() || a.IsPrivate():
		return false
	}
	for _, p := range inside {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// sign returns the signature by Standard Webhooks: v1 and base64 of HMAC-SHA256 over id.timestamp.body, see
// github.com/standard-webhooks/standard-webhooks.
func sign(secret, id, timestamp string, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return "", errors.New("the webhook's secret is not base64")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

func (n *Notifier) webhook(ctx context.Context, to alarm.Target, m *alarm.Message) error {
	u, err := alarm.ParseWebhook(to.URL)
	if err != nil {
		return failure(alarm.ClassForbidden, err)
	}
	body, err := m.JSON()
	if err != nil {
		return failure(alarm.ClassRefused, err)
	}
	timestamp := strconv.FormatInt(n.options.Now().Unix(), 10)
	signature, err := sign(to.Secret, m.Event, timestamp, body)
	if err != nil {
		return failure(alarm.ClassMissing, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return failure(alarm.ClassRefused, errors.New("the webhook's address makes no request"))
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "User-Agent": {"isotherm"},
		"Webhook-Id": {m.Event}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature}}
	answer, err := n.client.Do(request)
	if err != nil {
		return callFailure(err)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // so that the connection can serve again; what it says does not matter
	switch {
	case answer.StatusCode >= 200 && answer.StatusCode < 300:
		return nil
	case answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests:
		return failure(alarm.ClassUnreachable, fmt.Errorf("the webhook answered %d", answer.StatusCode))
	}
	return failure(alarm.ClassRefused, fmt.Errorf("the webhook answered %d", answer.StatusCode))
}

// callFailure says why a call failed, without its URL: that may hold a token.
func callFailure(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		if of.Timeout() {
			return failure(alarm.ClassTimeout, of.Err)
		}
		err = of.Err
	}
	if errors.Is(err, errPrivate) {
		return failure(alarm.ClassForbidden, errPrivate)
	}
	return failure(alarm.ClassUnreachable, err)
}
