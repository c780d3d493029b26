package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// checker holds every answer of a handler against the contract: its status, its headers' form and its body.
type checker struct {
	t    *testing.T
	spec *contractSpec
	next http.Handler

	mu   sync.Mutex
	seen map[string]int // answers by operation; guarded by mu
}

func newChecker(t *testing.T, next http.Handler) *checker {
	t.Helper()
	spec, err := loadSpec()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(specText)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range spec.operations { // the validator's exact mode
		route := *op.route
		route.Spec = doc
		op.route = &route
	}
	return &checker{t: t, spec: spec, next: next, seen: map[string]int{}}
}

// operation finds the operation of a request, and the values of its path parameters; nil for none.
func (c *contractSpec) operation(method, path string) (*operation, map[string]string) {
	if rest, ok := strings.CutPrefix(path, "/tile/"); ok && method == http.MethodGet {
		if strings.HasPrefix(rest, "entries/") {
			return c.operations["getEntryTile"], map[string]string{"tile": "x"}
		}
		return c.operations["getTile"], map[string]string{"level": "0", "tile": "x"}
	}
	have := strings.Split(path, "/")
	var best *operation
	var values map[string]string
	for _, op := range c.operations {
		want := strings.Split(op.path, "/")
		if n := len(want); op.method == method && len(have) > n && strings.HasPrefix(want[n-1], "{") { // Echo's last parameter takes the rest
			have := append(append([]string{}, have[:n-1]...), strings.Join(have[n-1:], "/"))
			if got, fits := fill(want, have); fits && best == nil {
				best, values = op, got
			}
			continue
		}
		if op.method != method || len(want) != len(have) {
			continue
		}
		got, fits := fill(want, have)
		if fits && (best == nil || len(got) <= len(values)) { // a plain path beats one with parameters
			best, values = op, got
		}
	}
	return best, values
}

// fill matches the segments of a path with those of a route.
func fill(want, have []string) (values map[string]string, fits bool) {
	values = map[string]string{}
	for i := range want {
		if name, ok := strings.CutPrefix(want[i], "{"); ok {
			values[strings.TrimSuffix(name, "}")] = have[i]
		} else if want[i] != have[i] {
			return nil, false
		}
	}
	return values, true
}

// tee keeps what is written.
type tee struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (t *tee) WriteHeader(status int) {
	if t.status == 0 {
		t.status = status
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *tee) Write(b []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	t.body.Write(b)
	return t.ResponseWriter.Write(b)
}

// Unwrap lets a stream flush.
func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Flush lets a stream flush.
func (t *tee) Flush() { _ = http.NewResponseController(t.ResponseWriter).Flush() }

// ServeHTTP serves and checks.
func (c *checker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kept := &tee{ResponseWriter: w}
	c.next.ServeHTTP(kept, r)
	if problem := c.spec.check(r, kept.status, w.Header(), kept.body.Bytes()); problem != "" {
		c.t.Errorf("%s %s: status %d breaks the contract: %s\n%.500s", r.Method, r.URL.Path, kept.status, problem, kept.body.Bytes())
	}
	if op, _ := c.spec.operation(r.Method, routed(r.URL)); op != nil {
		c.mu.Lock()
		c.seen[op.id]++
		c.mu.Unlock()
	}
}

// routed is the path that Echo goes by: as it was sent, also where EscapedPath would write it anew because it was not well
// escaped.
func routed(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.EscapedPath()
}

// check says how an answer breaks the contract, "" when it does not.
func (c *contractSpec) check(r *http.Request, status int, header http.Header, body []byte) string {
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	if status >= 400 && kind != "application/problem+json" {
		return "an error of type " + kind
	}
	op, values := c.operation(r.Method, routed(r.URL))
	if op == nil || status == http.StatusMethodNotAllowed { // the router's own answers
		if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			return "no such operation"
		}
		return ""
	}
	if header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err == nil {
			body, err = io.ReadAll(z)
		}
		if err != nil {
			return err.Error()
		}
	}
	isJSON := strings.HasSuffix(kind, "json") && op.id != "getOpenapiJson"
	err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: values, Route: op.route},
		Status:                 status, Header: header, Body: io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, ExcludeResponseBody: !isJSON},
	})
	if err != nil {
		return err.Error()
	}
	if status >= 300 || len(body) == 0 {
		return ""
	}
	for offered := range op.route.Operation.Responses.Status(status).Value.Content {
		if offered, _, _ = strings.Cut(offered, ";"); offered == kind {
			return ""
		}
	}
	return "content type " + kind + " is not in the contract"
}

// BenchmarkValidate compares the two modes of the validator.
func BenchmarkValidate(b *testing.B) {
	spec, err := loadSpec()
	if err != nil {
		b.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(specText)
	if err != nil {
		b.Fatal(err)
	}
	for name, mode := range map[string]*openapi3.T{"own mode": spec.operations["signIn"].route.Spec, "3.1 mode": doc} {
		b.Run(name, func(b *testing.B) {
			route := *spec.operations["signIn"].route
			route.Spec = mode
			for b.Loop() {
				r, err := http.NewRequest("POST", "/v1/sessions", strings.NewReader(`{"login":"a","password":"b"}`))
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/json")
				if err := openapi3filter.ValidateRequest(b.Context(), &openapi3filter.RequestValidationInput{Request: r, Route: &route}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
