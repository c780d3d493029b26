package ledgerd

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"isotherm/api/notify"
	"isotherm/ledger/node"
	"isotherm/ledger/replica"
)

// newNotifier makes what sends alarms of the configuration.
func newNotifier(a *Alarms) (*notify.Notifier, error) {
	o := notify.Options{Hook: a.Hook, AllowPrivate: a.AllowPrivate}
	if a.SMTPFile != "" {
		text, err := os.ReadFile(a.SMTPFile)
		if err != nil {
			return nil, fmt.Errorf("read alarms.smtp_file: %w", err)
		}
		if o.SMTP, err = notify.ParseSMTP(strings.TrimSpace(string(text))); err != nil {
			return nil, fmt.Errorf("read alarms.smtp_file %s: %w", a.SMTPFile, err)
		}
		info, err := os.Stat(a.SMTPFile)
		if err != nil {
			return nil, fmt.Errorf("read alarms.smtp_file: %w", err)
		}
		if o.SMTP.Password != "" && info.Mode().Perm()&0o077 != 0 {
			return nil, fmt.Errorf("alarms.smtp_file %s holds a password and can be read by others: chmod 600 it", a.SMTPFile)
		}
		o.SMTP.From = a.From
	}
	return notify.New(o)
}

// runAlarms looks for alarms and sends them until ctx ends or stop is called, which waits until no message is under way.
func runAlarms(ctx context.Context, n *node.Node, sender *notify.Notifier, r *replica.Replica) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { n.RunAlarms(ctx, node.AlarmOptions{Notifier: sender, Leads: leads(r)}) })
	return func() {
		cancel()
		running.Wait()
	}
}

// leads tells whether a node leads its cluster: that one looks for alarms and sends them.
func leads(r *replica.Replica) func() bool {
	return func() bool { return r.Status().State == "leader" }
}
