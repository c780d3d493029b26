// Package notify hands alarm messages over to people outside the ledger: to webhooks, by e-mail, and to a command of the
// operator that sends SMS or calls.
//
// It tries once and says whether that worked. It keeps nothing, and knows nothing of alarms: which message is due to whom,
// and trying again, is the work of ledger/node. The message holds no personal data, and nothing that an organisation entered
// as its contact makes this package reach into the operator's own network, unless the operator allows that.
package notify

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"isotherm/ledger/alarm"
)

// Options are what the operator configures.
type Options struct {
	SMTP         *SMTP          // nil: no e-mail
	Hook         string         // absolute path of a program; empty: no hook
	AllowPrivate bool           // webhooks may be on this machine and in private networks
	Roots        *x509.CertPool // that webhooks and relays are checked against; nil: those of the system
	Now          func() time.Time
}

// Notifier sends messages. It is safe for concurrent use.
type Notifier struct {
	options Options
	client  *http.Client
	hook    time.Duration // what a program may take
}

// New returns a notifier. The error names what can't be used.
func New(o Options) (*Notifier, error) {
	if o.Hook != "" && !filepath.IsAbs(o.Hook) {
		return nil, fmt.Errorf("alarm hook %q is not an absolute path", o.Hook)
	}
	if o.SMTP != nil {
		if err := o.SMTP.check(); err != nil {
			return nil, err
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Notifier{options: o, client: newClient(&o), hook: hookLimit}, nil
}

// Close lets go of open connections.
func (n *Notifier) Close() { n.client.CloseIdleConnections() }

// Notify hands a message over. nil means that the receiver took it; every other answer is an *alarm.Failure or of ctx.
func (n *Notifier) Notify(ctx context.Context, to alarm.Target, m *alarm.Message) error {
	switch to.Channel {
	case alarm.Webhook:
		return n.webhook(ctx, to, m)
	case alarm.Email:
		return n.email(ctx, to.Address, m)
	case alarm.Hook:
		return n.run(ctx, to, m)
	}
	return failure(alarm.ClassMissing, fmt.Errorf("channel %q is not known", to.Channel))
}

func failure(class string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		class = alarm.ClassTimeout
	}
	return &alarm.Failure{Class: class, Err: err}
}
