package alarm

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"isotherm/ledger/profile"
)

// Channel is a way to reach an organisation.
type Channel string

// The channels.
const (
	Webhook Channel = "webhook"
	Email   Channel = "e-mail"
	Hook    Channel = "hook" // a command of the operator: SMS, voice
)

// Target is where a message goes.
type Target struct {
	Channel Channel
	URL     string // Webhook
	Secret  string // Webhook: 'whsec_' and base64, see Standard Webhooks
	Address string // Email
	Hook    string // Hook: what the command shall do: 'sms', 'voice'
	Phone   string // Hook
}

// ParseWebhook reads the address of a webhook: https, or http on this machine, without a password. No error repeats the
// text: it may hold a token.
func ParseWebhook(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("the webhook's address is no URL")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := err == nil && ip.IsLoopback()
	if u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return nil, errors.New("a webhook must be https, or http on this machine, without a password")
	}
	return u, nil
}

// Message is what leaves the ledger about an alarm: box, state, severity and time, and nothing of the case, the organ,
// places or people. Whoever gets it looks the rest up.
type Message struct {
	Event    string // names the message; a duplicate has the same
	Step     Step
	Box      string // label or ID; empty for a test
	Code     Code
	Severity profile.Severity
	SinceMS  int64
	UntilMS  int64 // zero while it lasts
	Late     bool
	TimeMS   int64 // when the ledger entered what it tells of
}

// wire is the message as JSON: the envelope that Standard Webhooks recommends.
type wire struct {
	Type      string   `json:"type"` // 'alarm.raised'
	Timestamp string   `json:"timestamp"`
	Data      wireData `json:"data"`
}

type wireData struct {
	Event    string `json:"event"`
	Box      string `json:"box,omitempty"`
	State    string `json:"state"`
	Severity string `json:"severity"`
	Since    string `json:"since"`
	Until    string `json:"until,omitempty"`
	Late     bool   `json:"late,omitempty"`
	Text     string `json:"text"`
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// JSON returns the message for programs. The same message always gives the same bytes.
func (m *Message) JSON() ([]byte, error) {
	w := wire{Type: "alarm." + m.Step.String(), Timestamp: stamp(m.TimeMS), Data: wireData{Event: m.Event, Box: m.Box, State: m.Code.Words(),
		Severity: m.Severity.String(), Since: stamp(m.SinceMS), Late: m.Late, Text: m.Subject()}}
	if m.UntilMS != 0 {
		w.Data.Until = stamp(m.UntilMS)
	}
	b, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("write message %s: %w", m.Event, err)
	}
	return b, nil
}

// Subject returns the message in one line, as an SMS needs it: 'Box L4-7Q2X: too cold since 10:31 UTC (high)'.
func (m *Message) Subject() string {
	var b strings.Builder
	if m.Box != "" {
		b.WriteString("Box " + m.Box + ": ")
	}
	b.WriteString(m.Code.Words())
	clock := func(ms int64) string {
		t := time.UnixMilli(ms).UTC()
		if d := time.UnixMilli(m.TimeMS).Sub(t); d.Abs() >= 12*time.Hour {
			return t.Format("2006-01-02 15:04")
		}
		return t.Format("15:04")
	}
	switch {
	case m.Code == TestOfContact:
	case m.UntilMS != 0:
		b.WriteString(" from " + clock(m.SinceMS) + " to " + clock(m.UntilMS) + " UTC, over")
	default:
		b.WriteString(" since " + clock(m.SinceMS) + " UTC")
	}
	b.WriteString(" (" + m.Severity.String())
	if m.Late {
		b.WriteString(", late")
	}
	switch m.Step {
	case StepEscalated:
		b.WriteString(", not acknowledged")
	case StepRepeated:
		b.WriteString(", still not acknowledged")
	}
	return b.String() + ")"
}

// Text returns the message for an e-mail.
func (m *Message) Text() string {
	return m.Subject() + "\n\nOpen the ledger for what to do and whom to call, and acknowledge the alarm there.\n\nMessage " + m.Event + "\n"
}

// Classes of failure to hand a message over: the ledger keeps them, and no text from outside.
const (
	ClassTimeout     = "timeout"
	ClassUnreachable = "unreachable"
	ClassRefused     = "refused"        // the receiver, for what it was given
	ClassForbidden   = "forbidden"      // by this node's configuration: an address inside its own network
	ClassMissing     = "not-configured" // this node can't send on that channel
)

// Failure is why a message was not handed over.
type Failure struct {
	Class string
	Err   error
}

func (f *Failure) Error() string { return f.Class + ": " + f.Err.Error() }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }
