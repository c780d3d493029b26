package ledgerd

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
)

func TestNewNotifier(t *testing.T) {
	write := func(text string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "smtp")
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct {
		name   string
		alarms Alarms
		want   string // in the error; empty: works
	}{
		{"nothing", Alarms{}, ""},
		{"a relay", Alarms{SMTPFile: write("smtps://user:geheim@relay.example.org\n", 0o600), From: "ledger@example.org", Hook: "/usr/local/bin/sms"}, ""},
		{"a relay without a user, for all to read", Alarms{SMTPFile: write("smtp://relay.example.org\n", 0o644), From: "ledger@example.org"}, ""},
		{"a password for all to read", Alarms{SMTPFile: write("smtps://user:geheim@relay.example.org\n", 0o644), From: "ledger@example.org"}, "chmod 600"},
		{"a password in plain text", Alarms{SMTPFile: write("smtp+plain://user:geheim@relay.example.org\n", 0o600), From: "ledger@example.org"}, "plain text"},
		{"no address", Alarms{SMTPFile: write("relay.example.org\n", 0o600), From: "ledger@example.org"}, "want smtps://HOST"},
		{"no such file", Alarms{SMTPFile: "/nonexistent/smtp", From: "ledger@example.org"}, "alarms.smtp_file"},
		{"no sender", Alarms{SMTPFile: write("smtps://relay.example.org\n", 0o600), From: "ledger"}, "sender"},
	} {
		n, err := newNotifier(&tt.alarms)
		if n != nil {
			n.Close()
		}
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: the error has the password: %v", tt.name, err)
		}
	}
}

// TestRun_alarms has a running node hand a test alarm to a webhook, and stops it.
func TestRun_alarms(t *testing.T) {
	type call struct{ id, signature, body string }
	calls := make(chan call, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
		calls <- call{r.Header.Get("webhook-id"), r.Header.Get("webhook-signature"), string(body)}
	}))
	t.Cleanup(server.Close)
	dir, _ := newLedger(t, 1)
	path := filepath.Join(dir, "node-1", configFile)
	config, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(config, "\n[alarms]\nallow_private = true\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	d := start(t, dir, "node-1")
	d.waitReady()
	me, err := identity.Load(filepath.Join(dir, adminDir))
	if err != nil {
		t.Fatal(err)
	}
	c, err := me.Client()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	eventually(t, func() error {
		_, err := c.SetContacts(t.Context(), "CTC1", client.ContactsRequest{Webhook: server.URL})
		return err
	})
	a, err := c.TestAlarm(t.Context(), "CTC1")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-calls:
		if !strings.HasPrefix(got.signature, "v1,") || got.id == "" || !strings.Contains(got.body, `"state":"test alarm"`) {
			t.Errorf("got %+v of %+v", got, a)
		}
	case <-time.After(time.Minute):
		t.Fatalf("no message came:\n%s", d.logs)
	}
	d.end()
}
