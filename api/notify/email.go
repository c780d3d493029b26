package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"isotherm/ledger/alarm"
)

// Security is how a connection to the mail relay is protected.
type Security uint8

// The ways. There is none that falls back to plain text.
const (
	ImplicitTLS Security = 1 // smtps
	StartTLS    Security = 2 // smtp: the relay must offer it
	PlainText   Security = 3 // smtp+plain: whoever is on the way can read and change mail
)

// SMTP is the relay that takes e-mail.
type SMTP struct {
	Host     string
	Port     int
	Security Security
	User     string // empty: no authentication
	Password string
	From     string // address of the sender
}

var securities = map[string]struct {
	Security
	port int
}{"smtps": {ImplicitTLS, 465}, "smtp": {StartTLS, 587}, "smtp+plain": {PlainText, 25}}

// ParseSMTP reads the address of a relay: smtps://USER:PASSWORD@HOST:PORT with TLS from the start, smtp:// with STARTTLS,
// smtp+plain:// without TLS. User, password and port may be left out. No error repeats the text: it may hold a password.
func ParseSMTP(text string) (*SMTP, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("the mail relay's address is no URL")
	}
	way, ok := securities[u.Scheme]
	if !ok || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the mail relay's address is not as expected: want smtps://HOST, smtp://HOST or smtp+plain://HOST, with USER:PASSWORD@ and :PORT as needed")
	}
	s := &SMTP{Host: u.Hostname(), Port: way.port, Security: way.Security, User: u.User.Username()}
	s.Password, _ = u.User.Password()
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return nil, errors.New("the mail relay's port must be from 1 to 65535")
		}
		s.Port = int(n)
	}
	return s, nil
}

func (s *SMTP) check() error {
	from, err := netmail.ParseAddress(s.From)
	switch {
	case err != nil || from.Address != s.From:
		return fmt.Errorf("sender %q of alarms is no address such as ledger@example.org", s.From)
	case s.User != "" && s.Password == "":
		return errors.New("the mail relay's user has no password")
	case s.User != "" && s.Security == PlainText:
		return errors.New("a password is not sent to the mail relay in plain text: use smtps or smtp")
	}
	return nil
}

// mailLimit bounds one delivery to the relay.
const mailLimit = 15 * time.Second

func (n *Notifier) email(ctx context.Context, address string, m *alarm.Message) error {
	s := n.options.SMTP
	if s == nil {
		return failure(alarm.ClassMissing, errors.New("no mail relay is configured"))
	}
	message, err := s.message(address, m, n.options.Now())
	if err != nil {
		return failure(alarm.ClassRefused, err)
	}
	ctx, cancel := context.WithTimeout(ctx, mailLimit)
	defer cancel()
	line := &line{ctx: ctx, security: s.Security, config: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.Host, RootCAs: n.options.Roots}}
	defer line.close()
	client, err := s.client(line)
	if err != nil {
		return failure(alarm.ClassMissing, err)
	}
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		return mailFailure(err)
	}
	return nil
}

// mailFailure says why a relay did not take a mail, without the address that its answer may repeat.
func mailFailure(err error) error {
	var answer *mail.SendError
	if errors.As(err, &answer) && answer.ErrorCode() != 0 {
		class := alarm.ClassUnreachable
		if !answer.IsTemp() {
			class = alarm.ClassRefused
		}
		return failure(class, fmt.Errorf("the mail relay answered %d", answer.ErrorCode()))
	}
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		return failure(alarm.ClassTimeout, err)
	}
	return failure(alarm.ClassUnreachable, err)
}

// line is the connection of one delivery. go-mail keeps the connection open when the relay refuses to go on, so this
// closes it at the end of the delivery, and earlier when ctx ends.
type line struct {
	ctx      context.Context // of the delivery
	security Security
	config   *tls.Config
	conn     net.Conn
	stop     func() bool
}

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var err error
	if l.security == ImplicitTLS {
		l.conn, err = (&tls.Dialer{Config: l.config}).DialContext(ctx, network, address)
	} else {
		l.conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
	}
	if err != nil {
		l.conn = nil
		return nil, err
	}
	conn := l.conn
	l.stop = context.AfterFunc(l.ctx, func() { conn.Close() }) // ctx ends as soon as go-mail has signed in
	return conn, nil
}

func (l *line) close() {
	if l.conn != nil {
		l.stop()
		l.conn.Close()
	}
}

func (s *SMTP) client(l *line) (*mail.Client, error) {
	_, domain, _ := strings.Cut(s.From, "@")
	options := []mail.Option{mail.WithPort(s.Port), mail.WithTimeout(mailLimit), mail.WithHELO(domain), mail.WithoutNoop(), mail.WithTLSConfig(l.config),
		mail.WithDialContextFunc(l.dial)}
	switch s.Security {
	case ImplicitTLS:
		options = append(options, mail.WithSSL())
	case StartTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	default:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if s.User != "" { // over TLS only, see check
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthPlain), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	return mail.NewClient(s.Host, options...)
}

// message makes the mail. Its ID is the event's, so that a duplicate can be told.
func (s *SMTP) message(address string, m *alarm.Message, now time.Time) (*mail.Msg, error) {
	_, domain, _ := strings.Cut(s.From, "@")
	out := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := out.From(s.From); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	if err := out.To(address); err != nil {
		return nil, errors.New("the receiver's address can't be used")
	}
	out.SetMessageIDWithValue(m.Event + "@" + domain)
	out.SetDateWithValue(now)
	out.SetGenHeader("Auto-Submitted", "auto-generated")
	out.Subject(m.Subject())
	out.SetBodyString(mail.TypeTextPlain, m.Text())
	return out, nil
}
