package api

import (
	"bytes"
	"encoding/csv"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
)

// trip makes one packed case with n readings.
func (f *fixture) trip(name string, n int) (*shipment, *person) {
	f.t.Helper()
	coordinator, _ := f.enrol("Coordinator "+name, "OPO "+name, entry.RoleCoordinator)
	b := newBox(f.t, "box "+name)
	f.enrolBox(b)
	s := &shipment{f: f, id: ledger.NewShipmentID()}
	s.act(custody.Statement{Kind: custody.Open, Organ: custody.Kidney, Side: custody.SideLeft, From: "OPO " + name, Dest: "Center " + name}, coordinator)
	s.act(custody.Statement{Kind: custody.Pack, Organ: custody.Kidney, Side: custody.SideLeft, Box: b.id(), Head: b.head(b.size()),
		Profile: profile.Defaults()[0].Marshal(), ColdMS: b.wall}, coordinator)
	b.read(n, 2000)
	f.sync(b, 0)
	return s, coordinator
}

func (r *raw) with(method, path, token string, header map[string]string) (*http.Response, []byte) {
	r.f.t.Helper()
	req, err := http.NewRequestWithContext(r.f.t.Context(), method, r.f.server.URL+path, nil)
	if err != nil {
		r.f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	return r.do(req)
}

// TestETags shows that an answer is not sent twice while nothing changed, and to nobody else under the same tag.
func TestETags(t *testing.T) {
	f := newFixture(t)
	s, p := f.trip("one", 3)
	other, _ := f.enrol("Auditor", "Registry", entry.RoleAuditor)
	r := newRaw(t, f)
	r.with("GET", "/v1/shipments/"+s.id.String(), p.token, nil) // the first look is an entry of its own
	for _, path := range []string{"/v1/people", "/v1/boxes", "/v1/organisations", "/v1/profiles", "/v1/shipments", "/v1/shipments/" + s.id.String(), "/v1/shipments/" + s.id.String() + "/readings"} {
		first, body := r.with("GET", path, p.token, nil)
		tag := first.Header.Get("ETag")
		if first.StatusCode != 200 || tag == "" || first.Header.Get("Isotherm-Node") != "node-1" || first.Header.Get("Isotherm-Entries") == "" {
			t.Fatalf("%s: status %d, header %v: %s", path, first.StatusCode, first.Header, body)
		}
		if again, body := r.with("GET", path, p.token, map[string]string{"If-None-Match": `"x", ` + tag}); again.StatusCode != 304 || len(body) != 0 {
			t.Errorf("%s with its tag: got status %d: %.100s", path, again.StatusCode, body)
		}
		if got, _ := r.with("GET", path, other.token, map[string]string{"If-None-Match": tag}); got.StatusCode != 200 {
			t.Errorf("%s by somebody else with the same tag: got status %d, want 200", path, got.StatusCode)
		}
	}
	before, _ := r.with("GET", "/v1/people", p.token, nil)
	f.enrol("One more", "OPO", entry.RoleCourier)
	if got, _ := r.with("GET", "/v1/people", p.token, map[string]string{"If-None-Match": before.Header.Get("ETag")}); got.StatusCode != 200 {
		t.Errorf("after a change: got status %d, want 200", got.StatusCode)
	}
}

// TestCursors walks pages by the header Link.
func TestCursors(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		f.trip(name, 2)
	}
	auditor, _ := f.enrol("Auditor", "Registry", entry.RoleAuditor)
	r := newRaw(t, f)
	for _, tt := range []struct {
		path  string
		pages int
	}{{"/v1/shipments?limit=2", 3}, {"/v1/shipments?limit=5", 1}, {"/v1/shipments?limit=2&organ=heart", 1}, {"/v1/shipments?limit=1&q=CENTER%20B", 1}} {
		path, pages := tt.path, 0
		for path != "" {
			resp, body := r.with("GET", path, auditor.token, nil)
			if resp.StatusCode != 200 {
				t.Fatalf("%s: status %d: %s", path, resp.StatusCode, body)
			}
			pages++
			path = strings.TrimPrefix(strings.TrimSuffix(resp.Header.Get("Link"), `>; rel="next"`), "<")
		}
		if pages != tt.pages {
			t.Errorf("%s: got %d pages, want %d", tt.path, pages, tt.pages)
		}
	}
	got, err := auditor.AllShipments(t.Context(), client.ShipmentQuery{Limit: 2, Phase: "packed", Dest: "center c"})
	if err != nil || len(got.Shipments) != 1 || got.Shipments[0].Dest != "Center c" {
		t.Errorf("filtered: got %+v, %v", got.Shipments, err)
	}
	var items, pages int
	for cursor := ""; ; pages++ {
		page, err := auditor.Trail(t.Context(), cursor, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			if item.Index != int64(items) {
				t.Fatalf("entry %d stands at place %d", item.Index, items)
			}
			items++
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if items < 20 || pages < 3 {
		t.Errorf("trail: %d entries on %d pages", items, pages)
	}
}

// TestReadings_table covers the CSV form.
func TestReadings_table(t *testing.T) {
	f := newFixture(t)
	s, p := f.trip("one", 6)
	var text bytes.Buffer
	if err := p.ReadingsCSV(t.Context(), s.id, &text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "\r\n") {
		t.Error("lines don't end as RFC 4180 says")
	}
	lines, err := csv.NewReader(&text).ReadAll()
	if err != nil || len(lines) != 7 {
		t.Fatalf("got %d lines, %v, want 7", len(lines), err)
	}
	if diff := cmp.Diff(tableHeader, lines[0]); diff != "" {
		t.Error(diff)
	}
	if got := lines[1][6]; got != "2000" {
		t.Errorf("temperature: got %q, want 2000", got)
	}
	r := newRaw(t, f)
	path := "/v1/shipments/" + s.id.String() + "/readings"
	for _, tt := range []struct {
		accept, want string
		status       int
	}{{"text/csv", "text/csv", 200}, {"*/*", "application/json", 200}, {"application/json;q=0.5, text/csv", "application/json", 200}, {"image/png", "application/problem+json", 406}} {
		resp, _ := r.with("GET", path, p.token, map[string]string{"Accept": tt.accept})
		if got := resp.Header.Get("Content-Type"); got != tt.want || resp.StatusCode != tt.status {
			t.Errorf("Accept %s: got %s, status %d", tt.accept, got, resp.StatusCode)
		}
	}
}

// TestExports_range fetches a bundle in parts, and as somebody else.
func TestExports_range(t *testing.T) {
	f := newFixture(t)
	s, p := f.trip("one", 20)
	r := newRaw(t, f)
	resp, body := r.send("POST", "/v1/shipments/"+s.id.String()+"/exports", p.token, []byte(`{"reason":"audit"}`))
	if resp.StatusCode != 201 {
		t.Fatalf("status %d: %s", resp.StatusCode, body)
	}
	path := resp.Header.Get("Location")
	whole, bundle := r.with("GET", path, p.token, nil)
	tag := whole.Header.Get("ETag")
	if whole.StatusCode != 200 || tag == "" || len(bundle) < 1000 {
		t.Fatalf("status %d, tag %q, %d bytes", whole.StatusCode, tag, len(bundle))
	}
	if _, again := r.with("GET", path, p.token, nil); !bytes.Equal(bundle, again) {
		t.Error("the same request gave other bytes")
	}
	part, tail := r.with("GET", path, p.token, map[string]string{"Range": "bytes=1000-", "If-Range": tag})
	if part.StatusCode != 206 || !bytes.Equal(bundle[1000:], tail) {
		t.Errorf("a part: status %d, %d bytes, want the last %d", part.StatusCode, len(tail), len(bundle)-1000)
	}
	auditor, _ := f.enrol("Auditor", "Registry", entry.RoleAuditor)
	for _, tt := range []struct {
		name, token string
		header      map[string]string
		want        int
	}{
		{"unchanged", p.token, map[string]string{"If-None-Match": tag}, 304},
		{"beyond", p.token, map[string]string{"Range": "bytes=999999999-"}, 416},
		{"somebody else", auditor.token, nil, 404},
	} {
		if got, body := r.with("GET", path, tt.token, tt.header); got.StatusCode != tt.want {
			t.Errorf("%s: got status %d, want %d: %.200s", tt.name, got.StatusCode, tt.want, body)
		}
	}
	f.clock.Store(int64(exportLife))
	if got, _ := r.with("GET", path, p.token, nil); got.StatusCode != 404 && got.StatusCode != 401 {
		t.Errorf("after its time: got status %d, want 404", got.StatusCode)
	}
}

// TestClient_exportResumes breaks a transfer off in the middle.
func TestClient_exportResumes(t *testing.T) {
	f := newFixture(t)
	s, p := f.trip("one", 200)
	checked := f.server.Config.Handler
	broken := 0
	f.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/exports/") && broken < 2 {
			broken++
			w = &breaking{ResponseWriter: w, left: 3000}
		}
		checked.ServeHTTP(w, r)
	})
	var out bytes.Buffer
	if err := p.Export(t.Context(), s.id, "audit", &out); err != nil {
		t.Fatal(err)
	}
	if broken != 2 || out.Len() < 3000 {
		t.Errorf("broke off %d times, got %d bytes", broken, out.Len())
	}
}

// breaking cuts the connection after some bytes.
type breaking struct {
	http.ResponseWriter
	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		_, _ = b.ResponseWriter.Write(p[:max(0, len(p)+b.left)])
		_ = http.NewResponseController(b.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	return b.ResponseWriter.Write(p)
}

// TestDocs shows that the page asks nobody else for anything, and that the contract comes in both forms.
func TestDocs(t *testing.T) {
	f := newFixture(t)
	r := newRaw(t, f)
	for path, kind := range map[string]string{"/docs": "text/html", "/docs/docs.js": "text/javascript", "/docs/docs.css": "text/css", "/openapi.yaml": "application/yaml",
		"/openapi.json": "application/json", "/v1/notice": "text/markdown"} {
		resp, body := r.send("GET", path, "", nil)
		if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || !strings.HasPrefix(got, kind) || len(body) < 500 {
			t.Errorf("%s: status %d, %s, %d bytes", path, resp.StatusCode, got, len(body))
		}
		if strings.HasPrefix(path, "/docs") && (bytes.Contains(body, []byte("://")) || bytes.Contains(body, []byte("innerHTML")) || bytes.Contains(body, []byte("style="))) {
			t.Errorf("%s names another host, or sets markup from text", path)
		}
		if path == "/docs" && resp.Header.Get("Content-Security-Policy") != docsPolicy {
			t.Errorf("policy of the page: got %q", resp.Header.Get("Content-Security-Policy"))
		}
	}
	if resp, _ := r.send("GET", "/docs/../openapi.yaml", "", nil); resp.StatusCode >= 500 {
		t.Errorf("a path upwards: status %d", resp.StatusCode)
	}
}

var _ io.Writer = (*breaking)(nil)
