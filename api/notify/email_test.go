package notify

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger/alarm"
)

// relay is a small SMTP server, for one connection.
type relay struct {
	smtp   *SMTP
	pool   *x509.CertPool
	config *tls.Config
	offer  bool   // STARTTLS
	refuse string // answer to RCPT instead of 250
	lines  []string
	secure bool // the mail came over TLS
	done   chan struct{}
}

func newRelay(t *testing.T, way Security, change func(*relay)) *relay {
	t.Helper()
	server := httptest.NewTLSServer(nil) // for its certificate
	server.Close()
	r := &relay{config: &tls.Config{Certificates: server.TLS.Certificates}, pool: x509.NewCertPool(), offer: way == StartTLS, done: make(chan struct{})}
	r.pool.AddCert(server.Certificate())
	if change != nil {
		change(r)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.smtp = &SMTP{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Security: way, From: "ledger@example.org"}
	go func() {
		defer close(r.done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if way == ImplicitTLS {
			conn, r.secure = tls.Server(conn, r.config), true
		}
		r.serve(conn)
	}()
	t.Cleanup(func() { l.Close(); <-r.done })
	return r
}

func (r *relay) serve(conn net.Conn) {
	in := bufio.NewScanner(conn)
	say := func(text string) { fmt.Fprintf(conn, "%s\r\n", text) }
	say("220 relay.example.org ESMTP")
	for in.Scan() {
		line := in.Text()
		r.lines = append(r.lines, line)
		word, _, _ := strings.Cut(line, " ")
		switch strings.ToUpper(word) {
		case "EHLO":
			say("250-relay.example.org")
			if r.offer && !r.secure {
				say("250-STARTTLS")
			}
			if r.secure {
				say("250-AUTH PLAIN")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go")
			secure := tls.Server(conn, r.config)
			conn, in, r.secure = secure, bufio.NewScanner(secure), true
			say = func(text string) { fmt.Fprintf(secure, "%s\r\n", text) }
		case "AUTH":
			say("235 ok")
		case "RCPT":
			if r.refuse != "" {
				say(r.refuse)
				continue
			}
			say("250 ok")
		case "DATA":
			say("354 go")
			for in.Scan() && in.Text() != "." {
				r.lines = append(r.lines, in.Text())
			}
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func TestNotify_email(t *testing.T) {
	for name, way := range map[string]Security{"TLS": ImplicitTLS, "STARTTLS": StartTLS, "plain text": PlainText} {
		r := newRelay(t, way, nil)
		if way != PlainText {
			r.smtp.User, r.smtp.Password = "user", "geheim"
		}
		n := newNotifier(t, Options{SMTP: r.smtp, Roots: r.pool})
		if err := n.Notify(t.Context(), alarm.Target{Channel: alarm.Email, Address: "oncall@example.net"}, testMessage()); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		<-r.done
		all := strings.Join(r.lines, "\n")
		for _, want := range []string{"EHLO example.org", "MAIL FROM:<ledger@example.org>", "RCPT TO:<oncall@example.net>", "Subject: Box L4-7Q2X: too cold since 14:13 UTC (high)",
			"Message-ID: <abababababababababababababababab-1-raised@example.org>", "Auto-Submitted: auto-generated", "Open the ledger"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %q in\n%s", name, want, all)
			}
		}
		if r.secure != (way != PlainText) {
			t.Errorf("%s: over TLS is %v", name, r.secure)
		}
		auth := "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00user\x00geheim"))
		if strings.Contains(all, auth) != (way != PlainText) {
			t.Errorf("%s: signed in is not as wanted:\n%s", name, all)
		}
	}
}

func TestNotify_emailRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		way    Security
		change func(*relay)
		to     string
		want   string
	}{
		{"STARTTLS is not offered", StartTLS, func(r *relay) { r.offer = false }, "oncall@example.net", alarm.ClassUnreachable},
		{"a certificate of nobody we know", StartTLS, func(r *relay) { r.pool = x509.NewCertPool() }, "oncall@example.net", alarm.ClassUnreachable},
		{"an unknown receiver", StartTLS, func(r *relay) { r.refuse = "550 5.1.1 oncall@example.net is unknown" }, "oncall@example.net", alarm.ClassRefused},
		{"later", StartTLS, func(r *relay) { r.refuse = "450 4.2.1 later" }, "oncall@example.net", alarm.ClassUnreachable},
		{"a receiver with a line break", PlainText, nil, "a@example.net>\r\nRCPT TO:<b@example.net", alarm.ClassRefused},
	} {
		r := newRelay(t, tt.way, tt.change)
		n := newNotifier(t, Options{SMTP: r.smtp, Roots: r.pool})
		err := n.Notify(t.Context(), alarm.Target{Channel: alarm.Email, Address: tt.to}, testMessage())
		if got := class(t, err); got != tt.want {
			t.Errorf("%s: got class %q, want %q: %v", tt.name, got, tt.want, err)
		}
		if err != nil && strings.Contains(err.Error(), "oncall@") {
			t.Errorf("%s: the error has the address: %v", tt.name, err)
		}
	}
	if got := class(t, newNotifier(t, Options{}).Notify(t.Context(), alarm.Target{Channel: alarm.Email}, testMessage())); got != alarm.ClassMissing {
		t.Errorf("no relay: got class %q", got)
	}
}

func TestParseSMTP(t *testing.T) {
	for _, tt := range []struct {
		text string
		want *SMTP
	}{
		{"smtps://relay.example.org", &SMTP{Host: "relay.example.org", Port: 465, Security: ImplicitTLS}},
		{"smtp://u%40x@relay.example.org", &SMTP{Host: "relay.example.org", Port: 587, Security: StartTLS, User: "u@x"}},
		{"smtp+plain://127.0.0.1:2525", &SMTP{Host: "127.0.0.1", Port: 2525, Security: PlainText}},
		{"relay.example.org:25", nil},
		{"http://relay.example.org", nil},
		{"smtp://", nil},
		{"smtp://u:g%2Fheim@relay.example.org", &SMTP{Host: "relay.example.org", Port: 587, Security: StartTLS, User: "u", Password: "g/heim"}},
		{"http://u:geheim@relay.example.org", nil},
		{"smtp://u:geheim@relay.example.org:99999", nil},
		{"smtp://relay.example.org:0", nil},
		{"smtp://relay.example.org/x", nil},
		{"smtp://relay.example.org?tls=off", nil},
		{"smtp://[", nil},
	} {
		got, err := ParseSMTP(tt.text)
		if d := cmp.Diff(tt.want, got); d != "" || (err == nil) != (tt.want != nil) {
			t.Errorf("%s: %v (-want +got)\n%s", tt.text, err, d)
		}
		if err != nil && strings.Contains(err.Error(), "geheim") {
			t.Errorf("the error has the password: %v", err)
		}
	}
}
