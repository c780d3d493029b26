package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// How many malformed requests are sent. Under the race detector, which makes each four times slower, fewer do: make test
// sends all of them once more without it.
const (
	malformed      = 100_000
	malformedRace  = 20_000
	malformedShort = 5_000
)

// leak is what no answer may hold: stacks, file names of Go, messages of its libraries with type names.
var leak = regexp.MustCompile(`goroutine \d|\.go:\d|panic|runtime error|json: |strconv\.|reflect\.|\*?(echo|node|server|contract|api|openapi3|http)\.[A-Z]|0x[0-9a-f]{8}|/home/|/tmp/|nil pointer|interface \{|sql:`)

// maker makes requests that are nearly right: it knows the contract, fills parameters and bodies from their schemas with
// names that exist, and then breaks some of it.
type maker struct {
	*rand.Rand
	ops    []*operation
	tokens []string
	known  map[string][]string // values that exist, by the name of their schema
}

// junk are values that parsers choke on.
var junk = []string{"", " ", "0", "-1", "9223372036854775808", "1e400", "NaN", "null", "true", "[]", "{}", "%00", "\x00", "..", "../../etc/passwd", "%2e%2e%2f", "%", "%zz", "a%2fb",
	"'; DROP TABLE x;--", "<script>alert(1)</script>", "=1+1", "\u202e\ufeff", "é", "\xff\xfe", strings.Repeat("9", 400), strings.Repeat("f", 32), strings.Repeat("F", 32), strings.Repeat("0", 64),
	strings.Repeat("A", 5000), "0001ab000000000000000000000000ff", "isotherm_person_x", "\r\nX-Injected: 1", "{{7*7}}", "${x}", "٣", "1_000", "0x10", "+1", "1.0", "-0"}

func (m *maker) pick(list []string) string { return list[m.IntN(len(list))] }

// value makes a value for a schema.
func (m *maker) value(ref *openapi3.SchemaRef, depth int) any {
	s := ref.Value
	if m.IntN(12) == 0 || depth > 4 {
		return m.odd()
	}
	if name := ref.Ref[strings.LastIndex(ref.Ref, "/")+1:]; len(m.known[name]) > 0 && m.IntN(5) > 0 {
		return m.pick(m.known[name])
	}
	if len(s.Enum) > 0 {
		return s.Enum[m.IntN(len(s.Enum))]
	}
	switch {
	case s.Type.Is("object"):
		out := map[string]any{}
		for name, p := range s.Properties {
			if slices.Contains(s.Required, name) && m.IntN(10) > 0 || m.IntN(3) == 0 {
				out[name] = m.value(p, depth+1)
			}
		}
		if m.IntN(20) == 0 {
			out[m.pick(junk)] = m.odd()
		}
		return out
	case s.Type.Is("array"):
		out := []any{}
		for range m.IntN(4) {
			out = append(out, m.value(s.Items, depth+1))
		}
		return out
	case s.Type.Is("integer"):
		return []any{m.IntN(1000), 60, 3600, -1, 1 << 40, 0}[m.IntN(6)]
	case s.Type.Is("boolean"):
		return m.IntN(2) == 0
	case s.Format == "byte":
		raw := make([]byte, m.IntN(200))
		for i := range raw {
			raw[i] = byte(m.IntN(256))
		}
		return base64.StdEncoding.EncodeToString(raw)
	case strings.Contains(s.Pattern, "{32}"):
		return fmt.Sprintf("%016x%016x", m.Uint64(), m.Uint64())
	case strings.Contains(s.Pattern, "{64}"):
		return strings.Repeat(fmt.Sprintf("%016x", m.Uint64()), 4)
	}
	return []string{"OPO", "reason", "W1234 26 123456", "x", "a longer text of some words", "2000-01-01", "jane.doe@example.org"}[m.IntN(7)]
}

func (m *maker) odd() any {
	switch m.IntN(8) {
	case 0:
		return nil
	case 1:
		return 1e300
	case 2:
		return json.Number("123456789012345678901234567890")
	case 3:
		return []any{[]any{map[string]any{"": []any{nil}}}}
	case 4:
		return map[string]any{"$ref": "#/x", "__proto__": 1}
	case 5:
		return true
	}
	return strings.ToValidUTF8(m.pick(junk), "?")
}

// text writes a value as a parameter.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// request makes one request.
func (m *maker) request(ctx context.Context) *http.Request {
	op := m.ops[m.IntN(len(m.ops))]
	path, query, header := op.path, url.Values{}, http.Header{}
	for _, p := range op.route.Operation.Parameters {
		value := text(m.value(p.Value.Schema, 0))
		if m.IntN(6) == 0 {
			value = m.pick(junk)
		}
		switch p.Value.In {
		case "path":
			if m.IntN(20) > 0 {
				value = url.PathEscape(value)
			}
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", value)
		case "query":
			if p.Value.Required || m.IntN(2) == 0 {
				query.Add(p.Value.Name, value)
			}
		case "header":
			if m.IntN(3) == 0 {
				header.Add(p.Value.Name, value)
			}
		}
	}
	method := op.method
	raw := query.Encode()
	switch m.IntN(40) {
	case 0:
		method = m.pick([]string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"})
	case 1:
		raw += "&" + m.pick(junk) + "=" + m.pick(junk)
	case 2:
		path += m.pick(junk)
	case 3:
		raw = strings.Repeat("a=b;", 50)
	}
	r := &http.Request{Method: method, URL: &url.URL{Path: path}, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "node"}
	if u, err := url.ParseRequestURI(path); err == nil { // else the path stands there as it is
		r.URL = u
	}
	r.URL.RawQuery = raw
	r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", m.IntN(256), m.IntN(256), m.IntN(256))
	m.credentials(r)
	m.body(op, r)
	return r.WithContext(ctx)
}

func (m *maker) credentials(r *http.Request) {
	switch n := m.IntN(20); {
	case n < 14:
		r.Header.Set("Authorization", "Bearer "+m.pick(m.tokens))
	case n < 16:
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: m.pick(m.tokens)})
		r.Header.Set("Sec-Fetch-Site", m.pick([]string{"same-origin", "cross-site", "none", "x"}))
	case n < 18:
		r.Header.Set("Authorization", m.pick([]string{"Bearer", "Basic eDp4", "bearer \x00", "Bearer " + strings.Repeat("x", 9000)})+m.pick(junk))
	}
	if m.IntN(30) == 0 {
		r.Header.Set(m.pick([]string{"Range", "If-None-Match", "Accept", "Accept-Encoding", "X-Request-Id", "X-Forwarded-For", "Content-Encoding", "Expect", "Origin"}), m.pick(junk))
	}
}

// body fills the body: what the contract asks for, then broken.
func (m *maker) body(op *operation, r *http.Request) {
	var b []byte
	kind := ""
	switch {
	case op.json:
		kind = "application/json"
		b, _ = json.Marshal(m.value(op.route.Operation.RequestBody.Value.Content["application/json"].Schema, 0))
	case op.binary:
		kind = octetStream
		b = []byte(m.pick(m.known["raw"]))
	case m.IntN(10) == 0:
		b = []byte(m.pick(junk))
	}
	switch m.IntN(14) {
	case 0:
		b = b[:m.IntN(len(b)+1)]
	case 1:
		if len(b) > 0 {
			b = bytes.Clone(b)
			b[m.IntN(len(b))] ^= byte(1 << m.IntN(8))
		}
	case 2:
		b = append(bytes.Clone(b), m.pick(junk)...)
	case 3:
		b = []byte(m.pick(junk))
	case 4:
		b = []byte(strings.Repeat("[", 20_000))
	case 5:
		kind = m.pick([]string{"", "text/plain", "application/json; charset=utf-16", "multipart/form-data", "application/xml", "\x00", "application/x-www-form-urlencoded"})
	case 6:
		if m.IntN(20) == 0 {
			b = bytes.Repeat([]byte("x"), 300<<10)
		}
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Body, r.ContentLength = http.NoBody, int64(len(b))
	if len(b) > 0 {
		r.Body = &closer{bytes.NewReader(b)}
	}
	if m.IntN(30) == 0 {
		r.ContentLength = -1 // chunked
	}
}

type closer struct{ *bytes.Reader }

func (closer) Close() error { return nil }

// faults keeps what the node logs as its own fault.
type faults struct {
	slog.Handler
	mu   sync.Mutex
	seen []string // guarded by mu
}

func (f *faults) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (f *faults) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool { line += fmt.Sprintf(" %s=%.300s", a.Key, a.Value); return true })
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, line)
	return nil
}

// TestContract_malformed sends requests that are nearly right, from a seed, to a node with a ledger. None may make it fail,
// and no answer may say what the program is made of, or break the contract itself.
func TestContract_malformed(t *testing.T) {
	count := malformed
	switch {
	case testing.Short():
		count = malformedShort
	case underRace:
		count = malformedRace
	}
	w := newWorld(t)
	logged := &faults{}
	w.f.api.h.log = slog.New(logged)
	spec := newChecker(t, nil).spec
	known := w.known(t)
	seed := uint64(2026)
	var mu sync.Mutex
	statuses, ops := map[int]int{}, map[string]int{}
	began := time.Now()
	var workers sync.WaitGroup
	const parallel = 4
	for worker := range parallel {
		m := &maker{Rand: rand.New(rand.NewPCG(seed, uint64(worker))), known: known, tokens: w.tokens()}
		for _, op := range spec.operations {
			m.ops = append(m.ops, op)
		}
		slices.SortFunc(m.ops, func(a, b *operation) int { return strings.Compare(a.id, b.id) })
		workers.Go(func() {
			for i := range count / parallel {
				status, id, problem := w.try(m, spec)
				mu.Lock()
				statuses[status]++
				ops[id]++
				mu.Unlock()
				if problem != "" {
					t.Errorf("seed %d, worker %d, request %d: %s", seed, worker, i, problem)
				}
			}
		})
	}
	workers.Wait()
	for i, line := range logged.seen {
		if i < 20 {
			t.Errorf("the node logged a fault: %s", line)
		}
	}
	if statuses[500] != 0 || statuses[200] == 0 || statuses[400] == 0 {
		t.Errorf("statuses: %v", statuses)
	}
	if len(ops) < len(spec.operations) {
		t.Errorf("reached %d operations of %d", len(ops), len(spec.operations))
	}
	t.Logf("%d malformed requests in %v, by status: %v", count, time.Since(began).Round(time.Millisecond), statuses)
}

// try sends one request and says what is wrong with its answer.
func (w *world) try(m *maker, spec *contractSpec) (status int, id, problem string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r := m.request(ctx)
	op, _ := spec.operation(r.Method, routed(r.URL))
	if op != nil {
		if id = op.id; op.time == timeStream {
			cancel() // it says what it has and ends
		}
	}
	sent := r.Method + " " + r.URL.String() + " " + r.Header.Get("Content-Type")
	answer := httptest.NewRecorder()
	w.f.api.ServeHTTP(answer, r)
	body := answer.Body.Bytes()
	switch {
	case answer.Code >= 500 && answer.Code != http.StatusServiceUnavailable:
		problem = "the node failed"
	case answer.Code >= 400 && leak.Match(body):
		problem = fmt.Sprintf("the answer shows %q", leak.Find(body))
	case strings.Contains(fmt.Sprint(answer.Header()), "X-Injected"):
		problem = "a header was injected"
	case r.Method != http.MethodHead && r.Method != http.MethodOptions:
		problem = spec.check(r, answer.Code, answer.Header(), body)
	}
	if problem != "" {
		problem = fmt.Sprintf("%.300q: status %d: %s\n%.400s", sent, answer.Code, problem, body)
	}
	return answer.Code, id, problem
}

func (w *world) tokens() []string {
	out := []string{w.share, "isotherm_person_x", "isotherm_session_x"}
	for _, p := range w.people {
		out = append(out, p.token, p.token)
	}
	return out
}

// known gathers values that exist in the ledger.
func (w *world) known(t *testing.T) map[string][]string {
	t.Helper()
	auditor := w.people["auditor"]
	board, err := auditor.AllShipments(t.Context(), clientQuery())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{"ShipmentId": {w.own.String(), w.foreign.String()}, "BoxId": {w.box.String()}, "IncarnationId": {w.inc.String()},
		"OrganisationCode": {"center one", "coordinator two"}, "ExportId": {strings.Repeat("x", 22)}, "raw": {"x", strings.Repeat("\x82", 400)}}
	for _, s := range board.Shipments {
		one, err := auditor.Shipment(t.Context(), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range one.History {
			out["raw"] = append(out["raw"], string(a.Bytes))
			out["Hash"] = append(out["Hash"], a.Hash.String())
		}
	}
	for _, p := range w.people {
		out["PersonId"] = append(out["PersonId"], p.id.String())
	}
	return out
}
