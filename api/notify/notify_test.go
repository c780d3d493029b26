package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"isotherm/ledger/alarm"
	"isotherm/ledger/profile"
)

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func testMessage() *alarm.Message {
	return &alarm.Message{Event: "abababababababababababababababab-1-raised", Step: alarm.StepRaised, Box: "L4-7Q2X", Code: alarm.TooCold, Severity: profile.High,
		SinceMS: 1_790_000_000_000, TimeMS: 1_790_000_360_000}
}

func newNotifier(t *testing.T, o Options) *Notifier {
	t.Helper()
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

// class returns the class of a failure, "" for none.
func class(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var f *alarm.Failure
	if !errors.As(err, &f) {
		t.Fatalf("%v is no *alarm.Failure", err)
	}
	return f.Class
}

// receiver is a webhook's server; answer says what it answers.
type receiver struct {
	*httptest.Server
	answer http.HandlerFunc
	got    *http.Request
	body   []byte
}

func newReceiver(t *testing.T) (*receiver, *x509.CertPool) {
	t.Helper()
	r := &receiver{answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.got = q
		r.body, _ = io.ReadAll(q.Body)
		r.answer(w, q)
	}))
	t.Cleanup(r.Close)
	pool := x509.NewCertPool()
	pool.AddCert(r.Certificate())
	return r, pool
}

func TestNotify_webhook(t *testing.T) {
	r, pool := newReceiver(t)
	now := time.Unix(1_790_000_400, 0)
	n := newNotifier(t, Options{AllowPrivate: true, Roots: pool, Now: func() time.Time { return now }})
	m := testMessage()
	if err := n.Notify(t.Context(), alarm.Target{Channel: alarm.Webhook, URL: r.URL + "/in?x=1", Secret: testSecret}, m); err != nil {
		t.Fatal(err)
	}
	want, err := m.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if string(r.body) != string(want) || r.got.Method != http.MethodPost || r.got.URL.String() != "/in?x=1" || r.got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s %s %s: %s", r.got.Method, r.got.URL, r.got.Header, r.body)
	}
	// Checked as a receiver does, from what it got.
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(testSecret, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	io.WriteString(mac, r.got.Header.Get("webhook-id")+"."+r.got.Header.Get("webhook-timestamp")+"."+string(r.body))
	if got, want := r.got.Header.Get("webhook-signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
		t.Errorf("signature: got %s, want %s", got, want)
	}
	if id, ts := r.got.Header.Get("webhook-id"), r.got.Header.Get("webhook-timestamp"); id != m.Event || ts != "1790000400" {
		t.Errorf("id %q, timestamp %q", id, ts)
	}
}

// TestSign_vector is the example of the Standard Webhooks documentation.
func TestSign_vector(t *testing.T) {
	got, err := sign(testSecret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestNotify_webhookRefused(t *testing.T) {
	r, pool := newReceiver(t)
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for _, tt := range []struct {
		name   string
		url    string
		secret string
		answer http.HandlerFunc
		want   string
	}{
		{"200", "", "", status(200), ""},
		{"an endless answer", "", "", func(w http.ResponseWriter, q *http.Request) {
			for q.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<10)); err != nil {
					return
				}
			}
		}, ""},
		{"400", "", "", status(400), alarm.ClassRefused},
		{"410", "", "", status(410), alarm.ClassRefused},
		{"429", "", "", status(429), alarm.ClassUnreachable},
		{"500", "", "", status(500), alarm.ClassUnreachable},
		{"a redirect", "", "", func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/elsewhere" {
				t.Error("the redirect was followed")
			}
			http.Redirect(w, q, "/elsewhere", http.StatusTemporaryRedirect)
		}, alarm.ClassRefused},
		{"headers without end", "", "", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			w.WriteHeader(200)
		}, alarm.ClassUnreachable},
		{"plain http elsewhere", "http://192.0.2.1/", "", nil, alarm.ClassForbidden},
		{"a password in it", "https://u:p@127.0.0.1/", "", nil, alarm.ClassForbidden},
		{"a file", "file:///etc/passwd", "", nil, alarm.ClassForbidden},
		{"no URL", "://", "", nil, alarm.ClassForbidden},
		{"the cloud's credentials", "https://169.254.169.254/latest", "", nil, alarm.ClassForbidden},
		{"nobody there", "https://127.0.0.1:1/", "", nil, alarm.ClassUnreachable},
		{"no secret", "", "whsec_", nil, alarm.ClassMissing},
	} {
		r.answer = tt.answer
		to := alarm.Target{Channel: alarm.Webhook, URL: r.URL, Secret: testSecret}
		if tt.url != "" {
			to.URL = tt.url
		}
		if tt.secret != "" {
			to.Secret = tt.secret
		}
		n := newNotifier(t, Options{AllowPrivate: true, Roots: pool})
		if got := class(t, n.Notify(t.Context(), to, testMessage())); got != tt.want {
			t.Errorf("%s: got class %q, want %q", tt.name, got, tt.want)
		}
	}
	to := alarm.Target{Channel: alarm.Webhook, URL: r.URL + "/?token=geheim", Secret: testSecret}
	err := newNotifier(t, Options{Roots: pool}).Notify(t.Context(), to, testMessage())
	if class(t, err) != alarm.ClassForbidden {
		t.Errorf("an address on this machine, not allowed: got %v", err)
	}
	err = newNotifier(t, Options{AllowPrivate: true}).Notify(t.Context(), to, testMessage())
	if class(t, err) != alarm.ClassUnreachable || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a certificate of nobody we know: got %v", err)
	}
}

func TestNotify_webhookSlow(t *testing.T) {
	r, pool := newReceiver(t)
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	r.answer = func(http.ResponseWriter, *http.Request) { <-done }
	n := newNotifier(t, Options{AllowPrivate: true, Roots: pool})
	n.client.Timeout = 50 * time.Millisecond
	if got := class(t, n.Notify(t.Context(), alarm.Target{Channel: alarm.Webhook, URL: r.URL, Secret: testSecret}, testMessage())); got != alarm.ClassTimeout {
		t.Errorf("got class %q, want %q", got, alarm.ClassTimeout)
	}
}

func TestMayCall(t *testing.T) {
	for _, tt := range []struct {
		address       string
		public, local bool // may be called as it is; with private ones allowed
	}{
		{"203.0.113.7", true, true},
		{"2606:4700::1", true, true},
		{"127.0.0.1", false, true},
		{"127.255.255.254", false, true},
		{"::1", false, true},
		{"::ffff:127.0.0.1", false, true},
		{"10.1.2.3", false, true},
		{"172.16.0.1", false, true},
		{"172.32.0.1", true, true},
		{"192.168.1.1", false, true},
		{"100.64.0.1", false, true},
		{"100.128.0.1", true, true},
		{"fd00::1", false, true},
		{"fec0::1", false, true},
		{"64:ff9b::a00:1", false, true},
		{"64:ff9b::808:808", true, true},
		{"64:ff9b::a9fe:a9fe", false, false},
		{"2002:7f00:1::", false, true},
		{"::7f00:1", false, true},
		{"240.0.0.1", false, true},
		{"169.254.169.254", false, false},
		{"::ffff:169.254.169.254", false, false},
		{"fe80::1%eth0", false, false},
		{"0.0.0.0", false, false},
		{"::", false, false},
		{"224.0.0.1", false, false},
		{"ff02::1", false, false},
	} {
		a := netip.MustParseAddr(tt.address)
		if got := mayCall(a, false); got != tt.public {
			t.Errorf("%s: got %v, want %v", a, got, tt.public)
		}
		if got := mayCall(a, true); got != tt.local {
			t.Errorf("%s with private ones: got %v, want %v", a, got, tt.local)
		}
	}
	if mayCall(netip.Addr{}, true) {
		t.Error("no address at all may be called")
	}
}

// script writes a program for the hook.
func script(t *testing.T, text string) (path, dir string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "hook")
	if err := os.WriteFile(path, []byte("#!/bin/sh\ncd "+dir+"\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path, dir
}

func TestNotify_hook(t *testing.T) {
	t.Setenv("ISOTHERM_SECRET", "geheim")
	path, dir := script(t, "cat > in\nenv > env\necho $# > args\n")
	n := newNotifier(t, Options{Hook: path})
	to := alarm.Target{Channel: alarm.Hook, Hook: "sms", Phone: "+1 555 0100; rm -rf /"}
	if err := n.Notify(t.Context(), to, testMessage()); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	want := `{"hook":"sms","phone":"+1 555 0100; rm -rf /","event":"abababababababababababababababab-1-raised","severity":"high","text":"Box L4-7Q2X: too cold since 14:13 UTC (high)"}` + "\n"
	if got := read("in"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if strings.Contains(read("env"), "geheim") || read("args") != "0\n" {
		t.Errorf("environment %s, arguments %s", read("env"), read("args"))
	}
}

func TestNotify_hookFails(t *testing.T) {
	says, _ := script(t, "cat >/dev/null; head -c 100000 /dev/zero | tr '\\0' x >&2; exit 3\n")
	err := newNotifier(t, Options{Hook: says}).Notify(t.Context(), alarm.Target{Channel: alarm.Hook}, testMessage())
	if class(t, err) != alarm.ClassRefused || len(err.Error()) > maxOutput+200 {
		t.Errorf("exit code 3: got %d bytes, %.100v", len(err.Error()), err)
	}
	deaf, _ := script(t, "exit 0\n")
	if err := newNotifier(t, Options{Hook: deaf}).Notify(t.Context(), alarm.Target{Channel: alarm.Hook}, testMessage()); err != nil {
		t.Errorf("a program that does not read: %v", err)
	}
	for name, path := range map[string]string{"none": "", "not there": "/nonexistent/hook", "not a program": "/etc/hostname"} {
		err := newNotifier(t, Options{Hook: path}).Notify(t.Context(), alarm.Target{Channel: alarm.Hook}, testMessage())
		if got := class(t, err); got != alarm.ClassMissing {
			t.Errorf("%s: got class %q, want %q", name, got, alarm.ClassMissing)
		}
	}
}

// TestNotify_hookKilled has a program that hangs together with what it started: both must be gone. They hold a pipe open,
// which ends when the last of them does.
func TestNotify_hookKilled(t *testing.T) {
	path, dir := script(t, "mkfifo wait\nexec 3>gone\n(echo child >&3; cat wait) &\nwait $!\n")
	pipe := filepath.Join(dir, "gone")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	gone, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	n := newNotifier(t, Options{Hook: path})
	n.hook = 500 * time.Millisecond
	begun := time.Now()
	err = n.Notify(t.Context(), alarm.Target{Channel: alarm.Hook}, testMessage())
	if got := class(t, err); got != alarm.ClassTimeout || time.Since(begun) > 10*time.Second {
		t.Errorf("got class %q after %v, want %q", got, time.Since(begun), alarm.ClassTimeout)
	}
	if err := gone.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(gone); err != nil || string(text) != "child\n" {
		t.Errorf("the program's child lives, or never did: read %q: %v", text, err)
	}
}

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    Options
		want string
	}{
		{"a relative hook", Options{Hook: "hook.sh"}, "not an absolute path"},
		{"no sender", Options{SMTP: &SMTP{Host: "h", Port: 25, Security: StartTLS}}, "sender"},
		{"a sender with a name", Options{SMTP: &SMTP{From: "Ledger <l@example.org>"}}, "sender"},
		{"a user without a password", Options{SMTP: &SMTP{From: "l@example.org", User: "u"}}, "no password"},
		{"a password in plain text", Options{SMTP: &SMTP{From: "l@example.org", User: "u", Password: "p", Security: PlainText}}, "plain text"},
	} {
		if _, err := New(tt.o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	if got := class(t, newNotifier(t, Options{}).Notify(t.Context(), alarm.Target{Channel: "pigeon"}, testMessage())); got != alarm.ClassMissing {
		t.Errorf("an unknown channel: got class %q", got)
	}
}
