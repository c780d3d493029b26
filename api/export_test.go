package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"isotherm/api/client"
	"isotherm/api/contract"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/entry"
)

// ready begins an export and fetches it.
func (p *person) ready(t *testing.T, r client.ExportRequest) (*client.Exporting, []byte) {
	t.Helper()
	e, err := p.StartExport(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	done := -1
	err = e.Wait(t.Context(), func(j client.ExportJob) {
		if j.CasesDone < done || j.CasesDone > j.Cases {
			t.Errorf("%d of %d cases after %d", j.CasesDone, j.Cases, done)
		}
		done = j.CasesDone
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := e.Fetch(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if done != e.Cases || int64(out.Len()) != e.Size {
		t.Errorf("%d of %d cases, %d bytes of %d", done, e.Cases, out.Len(), e.Size)
	}
	return e, out.Bytes()
}

// auditor is somebody who may read two cases.
func twoCases(t *testing.T) (*fixture, []*shipment, *person) {
	t.Helper()
	f := newFixture(t)
	one, _ := f.trip("one", 20)
	two, _ := f.trip("two", 30)
	auditor, _ := f.enrol("Auditor", "Registry", entry.RoleAuditor)
	return f, []*shipment{one, two}, auditor
}

func TestExports_bundle(t *testing.T) {
	f, cases, auditor := twoCases(t)
	e, b := auditor.ready(t, client.ExportRequest{Form: "bundle", Reason: "audit", Shipments: []ledger.ShipmentID{cases[0].id}})
	v := bundle.Verify(b, &f.pin)
	if v.Result != bundle.Verified || v.Shipment.ID != cases[0].id.String() || v.Counts.Readings != 20 {
		t.Errorf("got %s of %s, %d readings: %v", v.Result, v.Shipment.ID, v.Counts.Readings, v.Findings)
	}
	if e.Name != cases[0].id.String()+".isotherm.tar" || len(e.Verdicts) != 1 {
		t.Fatalf("name %s, %d verdicts", e.Name, len(e.Verdicts))
	}
	got := e.Verdicts[0]
	if got.Result != "verified" || got.Sentence != v.SentenceUnder("the policy of node-1") || len(got.Checks) != len(v.Checked) || len(got.Notes) != len(v.Flags) {
		t.Errorf("verdict: got %+v", got)
	}
	if !strings.HasPrefix(got.Sentence, "All 20 readings are as the box signed them; ") || !strings.Contains(got.Sentence, "keys match the policy of node-1") {
		t.Errorf("sentence: %s", got.Sentence)
	}
}

func TestExports_collection(t *testing.T) {
	f, cases, auditor := twoCases(t)
	_, b := auditor.ready(t, client.ExportRequest{Form: "bundle", Reason: "audit", All: true})
	seen := map[string]int{}
	findings := bundle.VerifyCollection(bytes.NewReader(b), &f.pin, func(i bundle.Indexed, v *bundle.Verdict) {
		if v.Result != bundle.Verified {
			t.Errorf("%s: %s: %v", i.File, v.Result, v.Findings)
		}
		seen[i.Shipment] = v.Counts.Readings
	})
	if !bundle.IsCollection(b) || len(findings) != 0 {
		t.Errorf("findings: %v", findings)
	}
	if len(seen) != 2 || seen[cases[0].id.String()] != 20 || seen[cases[1].id.String()] != 30 {
		t.Errorf("cases: got %v", seen)
	}
}

func TestExports_table(t *testing.T) {
	_, _, auditor := twoCases(t)
	_, b := auditor.ready(t, client.ExportRequest{Form: "csv", Reason: "audit", All: true})
	lines, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil || len(lines) != 51 || lines[0][0] != "case" {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	// The readings were made from 2026-09-21 on; the acts that open the cases too.
	_, b = auditor.ready(t, client.ExportRequest{Form: "csv", Reason: "audit", FromMS: 1_790_000_000_000, ToMS: 1_790_100_000_000})
	if bytes.Count(b, []byte("\r\n")) != 51 {
		t.Errorf("a period that holds all: %d lines", bytes.Count(b, []byte("\r\n")))
	}
}

// TestExports_documents takes sheets and reports: of several cases one PDF, with every bundle attached to the report.
func TestExports_documents(t *testing.T) {
	f, cases, auditor := twoCases(t)
	r := newRaw(t, f)
	for _, tt := range []struct {
		request client.ExportRequest
		name    string
		pages   int // at least
	}{
		{client.ExportRequest{Form: "sheet", Reason: "audit", Shipments: []ledger.ShipmentID{cases[0].id}}, cases[0].id.String() + "-sheet.pdf", 1},
		{client.ExportRequest{Form: "sheet", Reason: "audit", All: true, Paper: "letter"}, "isotherm-2-cases-", 2},
		{client.ExportRequest{Form: "report", Reason: "audit", All: true}, "isotherm-2-cases-", 4},
	} {
		e, b := auditor.ready(t, tt.request)
		if n := bytes.Count(b, []byte("/Type /Page\n")); n < tt.pages || tt.request.Form == "sheet" && n != tt.pages {
			t.Errorf("%s: %d pages, want %d", e.Name, n, tt.pages)
		}
		attached := bytes.Count(b, []byte("/Type /EmbeddedFile "))
		if want := map[contract.ExportForm]int{"report": 2}[tt.request.Form]; attached != want {
			t.Errorf("%s: %d bundles attached, want %d", e.Name, attached, want)
		}
		if !strings.HasPrefix(e.Name, tt.name) || len(e.Verdicts) != e.Cases || !bytes.HasPrefix(b, []byte("%PDF-")) {
			t.Errorf("%s: %d verdicts of %d cases, begins with %.8q", e.Name, len(e.Verdicts), e.Cases, b)
		}
		resp, _ := r.send("GET", e.URL, auditor.token, nil)
		if got := resp.Header.Get("Content-Type"); got != "application/pdf" || !strings.Contains(resp.Header.Get("Content-Disposition"), e.Name) {
			t.Errorf("%s: content type %s, %s", e.Name, got, resp.Header.Get("Content-Disposition"))
		}
	}
}

func TestExports_refused(t *testing.T) {
	f, cases, auditor := twoCases(t)
	coordinator, _ := f.enrol("Other", "Elsewhere", entry.RoleCoordinator)
	r := newRaw(t, f)
	id := cases[0].id.String()
	for _, tt := range []struct {
		name, token, body string
		status            int
	}{
		{"no cases named", auditor.token, `{"form":"csv","reason":"audit"}`, 400},
		{"two ways", auditor.token, `{"form":"csv","reason":"audit","all":true,"from_ms":5}`, 400},
		{"backwards", auditor.token, `{"form":"csv","reason":"audit","from_ms":5,"to_ms":5}`, 400},
		{"unknown form", auditor.token, `{"form":"xml","reason":"audit","all":true}`, 400},
		{"unknown paper", auditor.token, `{"form":"sheet","reason":"audit","all":true,"paper":"a0"}`, 400},
		{"no reason", auditor.token, `{"form":"csv","reason":"","all":true}`, 400},
		{"about a patient", auditor.token, `{"form":"csv","reason":"patient died","all":true}`, 400},
		{"unknown case", auditor.token, `{"form":"csv","reason":"audit","shipments":["` + ledger.ShipmentID{9}.String() + `"]}`, 404},
		{"empty period", auditor.token, `{"form":"csv","reason":"audit","from_ms":1,"to_ms":2}`, 404},
		{"foreign case", coordinator.token, `{"form":"csv","reason":"audit","shipments":["` + id + `"]}`, 403},
		{"all of nobody's", coordinator.token, `{"form":"csv","reason":"audit","all":true}`, 404},
	} {
		if resp, body := r.send("POST", "/v1/exports", tt.token, []byte(tt.body)); resp.StatusCode != tt.status {
			t.Errorf("%s: got status %d, want %d: %s", tt.name, resp.StatusCode, tt.status, body)
		}
	}
	if len(f.api.h.jobs.jobs) != 0 {
		t.Errorf("%d exports were begun", len(f.api.h.jobs.jobs))
	}
}

// TestExports_list shows that an export is listed to who began it and to nobody else, until its time is over.
func TestExports_list(t *testing.T) {
	f, cases, auditor := twoCases(t)
	other, _ := f.enrol("Second", "Registry", entry.RoleAuditor)
	one, _ := auditor.ready(t, client.ExportRequest{Form: "bundle", Reason: "audit", Shipments: []ledger.ShipmentID{cases[0].id}})
	two, _ := auditor.ready(t, client.ExportRequest{Form: "csv", Reason: "audit", Shipments: []ledger.ShipmentID{cases[0].id}})
	list, err := auditor.Exports(t.Context())
	if err != nil || len(list.Exports) != 2 || list.Exports[0].ID != two.ID || list.Exports[1].ID != one.ID || len(list.Exports[1].Verdicts) != 1 {
		t.Errorf("list: %v, %v", list, err)
	}
	if list, err := other.Exports(t.Context()); err != nil || len(list.Exports) != 0 {
		t.Errorf("list of somebody else: %v, %v", list, err)
	}
	r := newRaw(t, f)
	for _, path := range []string{one.URL, one.URL + "/state"} {
		if resp, body := r.send("GET", path, other.token, nil); resp.StatusCode != 404 || !bytes.Contains(body, []byte("restarts: make it anew")) {
			t.Errorf("%s by somebody else: status %d: %s", path, resp.StatusCode, body)
		}
	}
	f.clock.Store(int64(exportLife))
	f.api.h.jobs.mu.Lock()
	defer f.api.h.jobs.mu.Unlock()
	if f.api.h.jobs.forget(); len(f.api.h.jobs.jobs) != 0 {
		t.Errorf("%d exports are kept for ever", len(f.api.h.jobs.jobs))
	}
}

// TestExports_queue fills the queue while no export gets a place, and closes the server over it.
func TestExports_queue(t *testing.T) {
	f, cases, auditor := twoCases(t)
	for range exportsAtOnce {
		f.api.h.making <- struct{}{}
	}
	begin := func(n int) (*client.Exporting, error) {
		return auditor.StartExport(t.Context(), client.ExportRequest{Form: "bundle", Reason: fmt.Sprintf("audit %d", n), Shipments: []ledger.ShipmentID{cases[0].id}})
	}
	first, err := begin(0)
	if err != nil {
		t.Fatal(err)
	}
	again, err := begin(0)
	if err != nil || again.ID != first.ID {
		t.Errorf("the same request again: got %v, %v, want %s", again, err, first.ID)
	}
	for n := 1; n < maxJobsEach; n++ {
		if _, err := begin(n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := begin(maxJobsEach); ledger.CodeOf(err) != ledger.CodeOverloaded {
		t.Errorf("one too many: got %v", err)
	}
	if err := f.api.Close(); err != nil {
		t.Fatal(err)
	}
	r := newRaw(t, f)
	resp, body := r.send("GET", "/v1/exports/"+first.ID+"/state", auditor.token, nil)
	var j contract.ExportJob
	if err := json.Unmarshal(body, &j); err != nil || resp.StatusCode != http.StatusOK || j.State != jobFailed || !strings.Contains(j.Problem, "Begin the export anew") {
		t.Errorf("after the end: status %d: %s", resp.StatusCode, body)
	}
	if _, err := begin(9); ledger.CodeOf(err) != ledger.CodeUnavailable {
		t.Errorf("after the end: got %v", err)
	}
}

// TestExports_signedOut shows that an export ends with the credential that began it, and says so.
func TestExports_signedOut(t *testing.T) {
	f, cases, auditor := twoCases(t)
	for range exportsAtOnce {
		f.api.h.making <- struct{}{}
	}
	e, err := auditor.StartExport(t.Context(), client.ExportRequest{Form: "bundle", Reason: "audit", Shipments: []ledger.ShipmentID{cases[0].id}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.admin.EnrolPerson(t.Context(), f.card(auditor, "Auditor", entry.RoleAuditor, f.admin.id, f.admin.key).Marshal())
	if err != nil {
		t.Fatal(err)
	}
	for range exportsAtOnce {
		<-f.api.h.making
	}
	fresh, err := f.client(got.Token).StartExport(t.Context(), client.ExportRequest{Form: "csv", Reason: "audit", Shipments: []ledger.ShipmentID{cases[0].id}})
	if err != nil {
		t.Fatal(err)
	}
	if err := fresh.Wait(t.Context(), func(client.ExportJob) {}); err != nil { // it waits behind the first
		t.Fatal(err)
	}
	j, err := f.api.h.jobs.find(e.ID, auditor.id)
	if err != nil || j.State != jobFailed || !strings.Contains(j.Problem, "Sign in and begin it anew") {
		t.Errorf("got %+v, %v", j, err)
	}
}

// TestExports_panic shows that an export that can't be written fails alone: the node goes on, and the next export is made.
func TestExports_panic(t *testing.T) {
	f, cases, auditor := twoCases(t)
	j, err := f.api.h.jobs.start(&exportJob{owner: auditor.id, token: auditor.token, form: "none", picked: []ledger.ShipmentID{cases[0].id}})
	if err != nil {
		t.Fatal(err)
	}
	auditor.ready(t, client.ExportRequest{Form: "csv", Reason: "audit", Shipments: []ledger.ShipmentID{cases[0].id}}) // it waits behind the first
	j, err = f.api.h.jobs.find(j.ID, auditor.id)
	if err != nil || j.State != jobFailed || !strings.Contains(j.Problem, "A fault of this node") {
		t.Errorf("got %+v, %v", j, err)
	}
	if left, err := filepath.Glob(filepath.Join(f.api.h.exports.dir, "*")); err != nil || len(left) != 1 {
		t.Errorf("files %v, %v: want that of the second export alone", left, err)
	}
}

// TestExports_explain holds every failure to saying why and what to do.
func TestExports_explain(t *testing.T) {
	q := newExportQueue(&handler{log: slog.New(slog.DiscardHandler)})
	for _, tt := range []struct {
		err  error
		want string
	}{
		{context.DeadlineExceeded, "It took longer than 2 hours. Export fewer cases at a time."},
		{fmt.Errorf("case 1 of 2: %w", context.Canceled), "The node was stopped. Begin the export anew, here or at another node."},
		{ledger.Errorf(ledger.CodeUnauthenticated, "the token has ended"), "Your session or token ended before the export was ready. Sign in and begin it anew."},
		{fmt.Errorf("write export: case 2 of 3, x: %w", ledger.Errorf(ledger.CodeForbidden, "it is not yours").WithHint("break the glass")), "Case 2 of 3, x: it is not yours: break the glass."},
		{errors.New("disk on fire"), "A fault of this node; its log has the details. Begin the export at another node."},
	} {
		if got := q.explain(&exportJob{}, tt.err); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.err, got, tt.want)
		}
	}
}

// TestExportStore_limits shows that a file, and all files together, can't fill the disk.
func TestExportStore_limits(t *testing.T) {
	b := &bounded{w: io.Discard, left: 10}
	if _, err := b.Write(make([]byte, 10)); err != nil {
		t.Error(err)
	}
	if _, err := b.Write([]byte{1}); ledger.CodeOf(err) != ledger.CodeInvalid || !strings.Contains(err.Error(), "shorter period") {
		t.Errorf("one byte too many: got %v", err)
	}
	s, err := newExportStore(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 { // of more than a third of the room each
		s.keep(madeExport{id: fmt.Sprint(i), path: filepath.Join(s.dir, fmt.Sprint(i)), size: maxExportSum/3 + 1, expires: time.Now().Add(time.Hour)})
	}
	if _, err := s.find("1", ledger.PersonID{}); ledger.CodeOf(err) != ledger.CodeNotFound || len(s.made) != 2 {
		t.Errorf("%d exports are kept, want the last 2", len(s.made))
	}
	_, err = s.write(madeExport{id: "x"}, func(w io.Writer) error { return ledger.Errorf(ledger.CodeForbidden, "no") })
	left, globErr := filepath.Glob(filepath.Join(s.dir, "*"))
	if ledger.CodeOf(err) != ledger.CodeForbidden || globErr != nil || len(left) != 0 {
		t.Errorf("a failed export left %v: %v, %v", left, err, globErr)
	}
}
