package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
)

const (
	all    = "admin coordinator courier center auditor"
	acting = "admin coordinator courier center"
)

// row is who may use a route, written down a second time: a route that is added or opened by mistake fails here.
type row struct {
	roles  string
	scope  string
	action access.Action // what package access says of it; 0 for none
	body   string        // JSON that the contract takes, or 'raw'
}

var rows = map[string]row{
	"GET /v1/status":                {"anyone", "none", 0, ""},
	"GET /v1/pages":                 {"anyone", "none", 0, ""},
	"GET /v1/nodes":                 {"admin", "none", access.WatchNodes, ""},
	"GET /v1/genesis":               {"anyone", "none", 0, ""},
	"GET /v1/notice":                {"anyone", "none", 0, ""},
	"GET /docs":                     {"anyone", "none", 0, ""},
	"GET /docs/{file}":              {"anyone", "none", 0, ""},
	"GET /openapi.yaml":             {"anyone", "none", 0, ""},
	"GET /openapi.json":             {"anyone", "none", 0, ""},
	"GET /checkpoint":               {"anyone", "none", 0, ""},
	"GET /tile/{level}/{tile}":      {"anyone", "none", 0, ""},
	"GET /tile/entries/{tile}":      {"auditor", "all", access.ReadTrail, ""},
	"GET /v1/entries/{index}/proof": {"anyone", "none", 0, ""},
	"GET /v1/entries":               {"auditor", "all", access.ReadTrail, ""},
	"GET /v1/feed":                  {all, "own-cases", access.ReadCases, ""},

	"POST /v1/sessions":           {"anyone", "none", 0, `{"login":"nobody","password":"wrong password"}`},
	"DELETE /v1/sessions/current": {all, "own-account", access.OwnAccount, ""},
	"GET /v1/me":                  {all, "own-account", 0, ""},
	"PUT /v1/me/password":         {all, "own-account", access.OwnAccount, `{"login":"LOGIN","new":"a long enough password"}`},
	"GET /v1/tokens":              {all, "own-account", access.OwnAccount, ""},
	"POST /v1/tokens":             {all, "own-account", access.OwnAccount, `{"label":"x","scopes":["read"],"ttl_s":60}`},
	"DELETE /v1/tokens/{token}":   {all, "own-account", access.OwnAccount, ""},

	"GET /v1/people":                           {all, "none", access.ReadDirectory, ""},
	"GET /v1/people/{person}":                  {all, "none", access.ReadDirectory, ""},
	"POST /v1/people":                          {"admin", "none", access.ManagePeople, `{"card":"AAAA"}`},
	"POST /v1/people/{person}/cards":           {"admin", "none", access.ManagePeople, `{"card":"AAAA"}`},
	"GET /v1/organisations":                    {all, "none", access.ReadDirectory, ""},
	"POST /v1/organisations":                   {"admin", "none", access.ManageOrganisations, `{"card":"AAAA"}`},
	"GET /v1/organisations/{code}/contacts":    {"admin coordinator center", "own-organisation", access.ManageContacts, ""},
	"PUT /v1/organisations/{code}/contacts":    {"admin coordinator center", "own-organisation", access.ManageContacts, `{"email":"duty@example.org"}`},
	"POST /v1/organisations/{code}/test-alarm": {"admin coordinator center", "own-organisation", access.ManageContacts, ""},
	"GET /v1/organisations/{code}/alarms":      {"admin coordinator center", "own-organisation", access.ManageContacts, ""},

	"POST /v1/enrol-tokens":     {"admin", "none", access.EnrolBoxes, `{"label":"box","ttl_s":60}`},
	"POST /v1/boxes":            {"one-time-token", "none", 0, `{"key":"AAAA","head":"AAAA"}`},
	"GET /v1/boxes":             {all, "own-cases", access.ReadDirectory, ""},
	"POST /v1/boxes/{box}/sync": {"box", "none", 0, "raw"},
	"GET /v1/boxes/{box}/head":  {acting, "none", access.DeliverActs, ""},
	"GET /v1/boxes/{box}/journals/{incarnation}/receipt": {"anyone", "none", 0, ""},

	"GET /v1/profiles":             {all, "none", access.ReadDirectory, ""},
	"GET /v1/profiles/{hash}":      {all, "none", access.ReadDirectory, ""},
	"POST /v1/profiles":            {"admin coordinator center", "none", access.PublishProfiles, `{"profile":"AAAA"}`},
	"GET /v1/certificate-trips":    {all, "own-cases", access.ReadCases, ""},
	"POST /v1/certificate-recalls": {"admin coordinator", "none", access.RecallCertificates, `{"number":"C-1","reason":"drift"}`},

	"GET /v1/shipments":                              {all, "own-cases", access.ReadCases, ""},
	"GET /v1/shipments/{shipment}":                   {all, "own-cases", access.ReadCases, ""},
	"GET /v1/shipments/{shipment}/readings":          {all, "own-cases", access.ReadCases, ""},
	"GET /v1/shipments/{shipment}/series":            {all, "own-cases", access.ReadCases, ""},
	"GET /v1/shipments/{shipment}/alarms":            {all, "own-cases", access.ReadCases, ""},
	"GET /v1/shipments/{shipment}/tip":               {acting, "all", access.DeliverActs, ""},
	"POST /v1/shipments/{shipment}/exports":          {"admin coordinator center auditor", "own-cases", access.ExportCases, `{"reason":"audit"}`},
	"GET /v1/exports":                                {"admin coordinator center auditor", "own-account", access.ExportCases, ""},
	"POST /v1/exports":                               {"admin coordinator center auditor", "own-cases", access.ExportCases, `{"form":"bundle","reason":"audit","all":true}`},
	"GET /v1/exports/{export}/state":                 {"admin coordinator center auditor", "own-account", access.ExportCases, ""},
	"GET /v1/exports/{export}":                       {"admin coordinator center auditor", "own-account", access.ExportCases, ""},
	"POST /v1/shipments/{shipment}/break-glass":      {acting, "all", access.BreakTheGlass, `{"reason":"box stands here unattended"}`},
	"PUT /v1/shipments/{shipment}/donor-id":          {"admin coordinator center", "own-cases", access.KeepDonor, `{"donor_id":"DONOR-1"}`},
	"POST /v1/shipments/{shipment}/donor-id":         {"coordinator center auditor", "own-cases", access.RevealDonor, `{"reason":"call about the label"}`},
	"GET /v1/shipments/{shipment}/shares":            {"coordinator center", "own-cases", access.ShareCases, ""},
	"POST /v1/shipments/{shipment}/shares":           {"coordinator center", "own-cases", access.ShareCases, `{"label":"ward","ttl_s":600}`},
	"DELETE /v1/shipments/{shipment}/shares/{share}": {"coordinator center", "own-cases", access.ShareCases, ""},
	"GET /v1/shared":                                 {"share-link", "own-cases", 0, ""},
	"POST /v1/acts":                                  {acting, "all", access.DeliverActs, "raw"},
	"POST /v1/donor-commitments":                     {"admin coordinator center", "none", access.CommitDonor, `{"donor_id":"DONOR-1"}`},
	"POST /v1/donor-searches":                        {"coordinator courier center auditor", "own-cases", access.FindDonor, `{"donor_id":"DONOR-1"}`},
	"POST /v1/consents":                              {all, "own-cases", access.GiveConsent, `{"shipment":"SHIPMENT","scope":"tracking","reference":"form 7","sha256":"` + strings.Repeat("1", 64) + `","state":"given"}`},
	"GET /v1/consents":                               {all, "own-cases", access.GiveConsent, ""},
	"GET /v1/alarms":                                 {all, "own-cases", access.ReadCases, ""},
	"POST /v1/alarms/{alarm}/acknowledgement":        {acting, "own-cases", access.AcknowledgeAlarms, `{"reason":"seen"}`},
}

// TestContract_rows holds the contract, Echo's own list of routes, package access and the table above against each other.
func TestContract_rows(t *testing.T) {
	spec, err := loadSpec()
	if err != nil {
		t.Fatal(err)
	}
	inSpec, inRows := map[string]string{}, map[string]string{}
	for _, op := range spec.operations {
		roles := op.who
		if op.who == byPeople {
			roles = names(op.roles)
		}
		inSpec[op.method+" "+op.path] = strings.ReplaceAll(roles, "share link", "share-link") + " | " + op.scope + " | " + op.tokenScope.String()
	}
	for name, r := range rows {
		token := ""
		if r.action != 0 {
			token = r.action.Scope().String()
			if got := names(r.action.Roles()); sorted(got) != sorted(r.roles) {
				t.Errorf("%s: package access lets %q %s, the table %q", name, got, r.action, r.roles)
			}
		}
		inRows[name] = strings.ReplaceAll(r.roles, "one-time-token", byToken) + " | " + r.scope + " | " + token
	}
	for name := range inSpec { // the order of roles says nothing
		inSpec[name], inRows[name] = sorted(inSpec[name]), sorted(inRows[name])
	}
	if diff := cmp.Diff(inRows, inSpec); diff != "" {
		t.Errorf("contract (-table +contract):\n%s", diff)
	}
	f := newFixture(t)
	echoes := map[string]bool{}
	for _, r := range f.api.Routes() {
		echoes[r.Method+" "+r.Path] = true
	}
	want := map[string]bool{"GET /b/:label": true, "HEAD /b/:label": true, "echo_route_not_found /*": true} // for people, see pages.go
	fill := strings.NewReplacer("/tile/{level}/{tile}", "/tile/*", "/tile/entries/{tile}", "/tile/entries/*", "{", ":", "}", "")
	for name := range rows {
		want[fill.Replace(name)] = true
	}
	if diff := cmp.Diff(want, echoes); diff != "" {
		t.Errorf("routes (-table +Echo):\n%s", diff)
	}
}

func names(roles []entry.Role) string {
	var out []string
	for _, r := range roles {
		out = append(out, r.String())
	}
	return strings.Join(out, " ")
}

func sorted(words string) string {
	list := strings.Fields(words)
	slices.Sort(list)
	return strings.Join(list, " ")
}

// world is two cases, each with people of every role on its side, and nothing in common.
type world struct {
	*raw
	own, foreign ledger.ShipmentID
	box          ledger.BoxID
	inc          ledger.IncarnationID
	people       map[string]*person // by role, those of the own case
	share        string             // secret of a link to the own case
}

func newWorld(t *testing.T) *world {
	t.Helper()
	f := newFixture(t)
	w := &world{raw: newRaw(t, f), people: map[string]*person{}}
	side := func(suffix string) (ledger.ShipmentID, *box, map[string]*person) {
		people := map[string]*person{}
		for _, role := range []entry.Role{entry.RoleAdmin, entry.RoleCoordinator, entry.RoleCourier, entry.RoleCenter, entry.RoleAuditor} {
			people[role.String()], _ = f.enrol(role.String()+suffix, role.String()+suffix, role)
		}
		b := newBox(t, "box"+suffix)
		b.read(4, 5000)
		f.enrolBox(b)
		f.sync(b, 0)
		s := &shipment{f: f, id: ledger.NewShipmentID()}
		donor, err := people["coordinator"].DonorCommitment(t.Context(), "DONOR"+suffix)
		if err != nil {
			t.Fatal(err)
		}
		s.act(custody.Statement{Kind: custody.Open, Organ: custody.Heart, From: "coordinator" + suffix, Dest: "center" + suffix, Donor: donor}, people["coordinator"])
		ice := profile.Defaults()[0]
		s.act(custody.Statement{Kind: custody.Pack, Organ: custody.Heart, Box: b.id(), Head: b.head(b.size()), Profile: ice.Marshal(), ColdMS: b.wall}, people["courier"])
		if err := people["coordinator"].KeepDonorID(t.Context(), s.id, "DONOR"+suffix); err != nil {
			t.Fatal(err)
		}
		return s.id, b, people
	}
	var b *box
	w.own, b, w.people = side(" one")
	w.box, w.inc = b.id(), b.inc
	w.foreign, _, _ = side(" two")
	link, err := w.people["center"].CreateShare(t.Context(), w.own, "ward", 3600e9)
	if err != nil {
		t.Fatal(err)
	}
	w.share = link.Token
	return w
}

// ask sends what a row describes, as somebody, about a case and the organisations on its side.
func (w *world) ask(name, token string, id ledger.ShipmentID, suffix string) (*http.Response, []byte) {
	w.f.t.Helper()
	method, path, _ := strings.Cut(name, " ")
	path = strings.NewReplacer("{shipment}", id.String(), "{code}", "center"+suffix, "{box}", w.box.String(), "{incarnation}", w.inc.String(), "{index}", "0",
		"{person}", w.f.admin.id.String(), "{hash}", strings.Repeat("0", 64), "{token}", "0123456789abcdef", "{share}", "0123456789abcdef", "{alarm}", strings.Repeat("0", 32),
		"{export}", strings.Repeat("x", 22), "{file}", "docs.js", "{level}", "0", "/{tile}", "/000").Replace(path)
	switch {
	case strings.HasSuffix(name, "/head"):
		path += "?at_ms=1"
	case strings.HasSuffix(name, "/receipt"):
		path += "?size=1"
	case strings.HasSuffix(name, "/certificate-trips"):
		path += "?number=C-1"
	case strings.HasPrefix(name, "GET /v1/consents"):
		path += "?shipment=" + id.String()
	}
	body, kind := rows[name].body, "application/json"
	if body == "raw" {
		kind = "application/octet-stream"
	}
	body = strings.NewReplacer("SHIPMENT", id.String(), "LOGIN", "login"+token[max(0, len(token)-8):]).Replace(body)
	req, err := http.NewRequestWithContext(w.f.t.Context(), method, w.f.server.URL+path, strings.NewReader(body))
	if err != nil {
		w.f.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", kind)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return w.do(req)
}

// TestRoutes_roles walks every route with no token, an unknown one, and one of every role.
func TestRoutes_roles(t *testing.T) {
	w := newWorld(t)
	for name, r := range rows {
		if name == "GET /v1/feed" || strings.Contains(name, "break-glass") {
			continue // it does not end: TestFeed; it opens cases to others: TestRoutes_breakGlass
		}
		open := r.roles == "anyone" || r.roles == "box"
		resp, body := w.ask(name, "", w.own, " one")
		if got := resp.StatusCode == http.StatusUnauthorized; got == open && name != "POST /v1/sessions" {
			t.Errorf("%s without a token: status %d: %s", name, resp.StatusCode, body)
		}
		for _, token := range []string{"isotherm_person_unknown", "isotherm_person_0123456789abcdef_unknown", "isotherm_share_unknown", "isotherm_session_unknown"} {
			if r.roles == "one-time-token" {
				continue // the box's key and head are looked at first: TestAPI_refusals
			}
			if resp, body := w.ask(name, token, w.own, " one"); !open && resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with the token %s: got status %d, want 401: %s", name, token, resp.StatusCode, body)
			}
		}
		if open || r.roles == "one-time-token" {
			continue
		}
		resp, body = w.ask(name, w.share, w.own, " one")
		if allowed := r.roles == "share-link"; (resp.StatusCode == http.StatusForbidden) == allowed {
			t.Errorf("%s with a share link: got status %d, allowed %v: %s", name, resp.StatusCode, allowed, body)
		}
		for role := range w.people {
			token := w.people[role].token
			if r.action == access.OwnAccount {
				token = w.freshToken(role) // it may be used up
			}
			resp, body := w.ask(name, token, w.own, " one")
			if want := w.allowed(name, role, true); (resp.StatusCode == http.StatusForbidden) == want || resp.StatusCode == http.StatusUnauthorized {
				t.Errorf("%s by %s on their own case: got status %d, allowed %v: %s", name, role, resp.StatusCode, want, body)
			}
			if resp.StatusCode >= 500 {
				t.Errorf("%s by %s: status %d: %s", name, role, resp.StatusCode, body)
			}
		}
	}
}

// freshToken makes a new token for the person of a role on the own side: some routes use theirs up.
func (w *world) freshToken(role string) string {
	w.f.t.Helper()
	p := w.people[role]
	parsed, err := entry.ParseRole(role)
	if err != nil {
		w.f.t.Fatal(err)
	}
	got, err := w.f.admin.EnrolPerson(w.f.t.Context(), w.f.card(p, role+" one", parsed, w.f.admin.id, w.f.admin.key).Marshal())
	if err != nil {
		w.f.t.Fatal(err)
	}
	p.token, p.Client = got.Token, p.WithToken(got.Token) // the one before it has ended
	return got.Token
}

// allowed says what must come of a request of a role about a case on their own side or on another.
func (w *world) allowed(name, role string, own bool) bool {
	r := rows[name]
	if !slices.Contains(strings.Fields(r.roles), role) {
		return false
	}
	switch r.scope {
	case "own-cases":
		if !strings.Contains(name, "{shipment}") && !strings.Contains(name, "/v1/consents") {
			return true // it shows what they may see: TestRoutes_lists
		}
		return role == "auditor" || role != "admin" && own
	case "own-organisation":
		return role == "admin" || own && role == "center" // {code} is the center's
	}
	return true
}

// TestRoutes_foreign walks every route that concerns a case or an organisation, with those of the other side.
func TestRoutes_foreign(t *testing.T) {
	w := newWorld(t)
	walked := 0
	for name, r := range rows {
		named := strings.Contains(name, "{shipment}") || strings.Contains(name, "{code}") || strings.Contains(name, "/v1/consents")
		if !named || r.scope == "none" {
			continue
		}
		walked++
		for role := range w.people {
			want := w.allowed(name, role, false)
			if strings.Contains(name, "break-glass") {
				continue // it opens what follows: TestRoutes_breakGlass
			}
			resp, body := w.ask(name, w.people[role].token, w.foreign, " two")
			if (resp.StatusCode == http.StatusForbidden) == want || resp.StatusCode >= 500 {
				t.Errorf("%s by %s on a foreign case: got status %d, allowed %v: %s", name, role, resp.StatusCode, want, body)
			}
		}
	}
	if walked < 15 {
		t.Errorf("walked %d routes, there must be more", walked)
	}
}

// TestRoutes_lists shows that lists hold the cases that people may see and no others.
func TestRoutes_lists(t *testing.T) {
	w := newWorld(t)
	for name, r := range rows {
		if r.scope != "own-cases" || strings.Contains(name, "{") || !strings.HasPrefix(name, "GET ") || name == "GET /v1/feed" || name == "GET /v1/shared" || strings.Contains(name, "consents") {
			continue
		}
		for role := range w.people {
			_, body := w.ask(name, w.people[role].token, w.own, " one")
			for id, own := range map[ledger.ShipmentID]bool{w.own: true, w.foreign: false} {
				may := role == "auditor" || own && role != "admin"
				has := bytes.Contains(body, []byte(id.String()))
				if has && !may {
					t.Errorf("%s by %s shows a case that is not theirs: %s", name, role, body)
				}
				if !has && may && (name == "GET /v1/shipments" || name == "GET /v1/boxes") {
					t.Errorf("%s by %s does not show their case: %s", name, role, body)
				}
			}
		}
	}
}

// TestRoutes_breakGlass shows that a reason opens a foreign case, and that an auditor sees it.
func TestRoutes_breakGlass(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for _, role := range []string{"admin", "coordinator", "courier", "center"} {
		p := w.people[role]
		if _, err := p.Shipment(ctx, w.foreign); ledger.CodeOf(err) != ledger.CodeForbidden {
			t.Errorf("%s before: got %v, want %s", role, err, ledger.CodeForbidden)
		}
		if _, err := p.BreakGlass(ctx, w.foreign, "the box stands here unattended"); err != nil {
			t.Errorf("%s: %v", role, err)
			continue
		}
		if _, err := p.Shipment(ctx, w.foreign); err != nil {
			t.Errorf("%s after: %v", role, err)
		}
	}
	for _, token := range []string{"", w.people["auditor"].token, w.share} {
		if resp, body := w.ask("POST /v1/shipments/{shipment}/break-glass", token, w.foreign, " two"); resp.StatusCode != 401 && resp.StatusCode != 403 {
			t.Errorf("break-glass by who may not: status %d: %s", resp.StatusCode, body)
		}
	}
	var kinds []string
	for cursor := ""; ; {
		page, err := w.people["auditor"].Trail(ctx, cursor, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			if item.Kind == "break-glass" {
				kinds = append(kinds, item.Kind)
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(kinds) != 4 {
		t.Errorf("audit trail shows %d uses of break-glass, want 4", len(kinds))
	}
}

// scopesFor adds what every look at a case needs.
func scopesFor(scope string) []string {
	if scope == "read" {
		return []string{scope}
	}
	return []string{"read", scope}
}

// TestRoutes_scopes shows that an API token does what its scopes say and no more, whatever its owner may.
func TestRoutes_scopes(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for _, scope := range []string{"read", "act", "export", "donor", "account", "admin", "audit"} {
		made, err := w.f.client(w.freshToken("coordinator")).CreateToken(ctx, tokenRequest(scopesFor(scope)...))
		if err != nil {
			t.Fatal(err)
		}
		for name, r := range rows {
			if r.action == 0 || name == "GET /v1/feed" || !slices.Contains(strings.Fields(r.roles), "coordinator") || r.scope == "own-organisation" {
				continue
			}
			if strings.HasPrefix(name, "DELETE /v1/sessions") || strings.HasPrefix(name, "PUT /v1/me") {
				continue // for sessions and enrolment, whatever the scopes
			}
			resp, body := w.ask(name, made.Token, w.own, " one")
			refused := resp.StatusCode == http.StatusForbidden
			if want := !slices.Contains(scopesFor(scope), r.action.Scope().String()); refused != want {
				var p struct{ Detail string }
				_ = json.Unmarshal(body, &p)
				t.Errorf("%s with scope %s: got status %d (%s), want refused %v", name, scope, resp.StatusCode, p.Detail, want)
			}
		}
	}
}
