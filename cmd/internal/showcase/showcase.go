// Package showcase is what the demonstration's pages can do beside using the ledger: sign in ready people, give a browser
// their key, change a byte of a copy and verify it, stop and start nodes. The demonstration's own door serves it; no
// ledger node does, and there is nothing in it that a person at the demonstration's terminal could not do.
package showcase

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"isotherm/api/client"
	"isotherm/cmd/internal/journey"
	"isotherm/ledger"
)

// Prefix begins the paths that the handler answers.
const Prefix = "/demo-api/"

// csrfHeader is sent by our own pages, and by no other site.
const csrfHeader = "Isotherm-Request"

const maxBody = 4 << 10 // bytes of a request

type showcase struct {
	journey *journey.Journey
	busy    chan struct{} // one tampering at a time
}

// Handler answers for the demonstration.
func Handler(j *journey.Journey) http.Handler {
	s := &showcase{journey: j, busy: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Prefix+"logins", s.answer(s.logins))
	mux.HandleFunc("GET "+Prefix+"state", s.answer(s.state))
	mux.HandleFunc("POST "+Prefix+"device-key", s.answer(s.deviceKey))
	mux.HandleFunc("POST "+Prefix+"tamper", s.answer(s.tamper))
	mux.HandleFunc("POST "+Prefix+"nodes/{name}/stop", s.answer(s.stop))
	mux.HandleFunc("POST "+Prefix+"nodes/{name}/start", s.answer(s.start))
	return mux
}

// ours tells whether a request comes from our own pages, as far as browsers say it: passwords and nodes are within reach of
// every page that a browser on this machine shows. A change needs the header too, which no other site can send.
func ours(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none", "":
		return r.Method == http.MethodGet || r.Header.Get(csrfHeader) != ""
	}
	return false
}

// answer writes what f returns as JSON, or its error.
func (s *showcase) answer(f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !ours(r) {
			fail(w, ledger.Errorf(ledger.CodeForbidden, "the request comes from another site").WithHint("send the header "+csrfHeader+": 1"))
			return
		}
		v, err := f(r)
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v) // an error says only that the browser is gone
	}
}

func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	p := client.Problem{Code: ledger.CodeInternal, Detail: err.Error()} // nobody but the person at this machine sees it
	var known *ledger.Error
	if errors.As(err, &known) {
		p.Code, p.Detail, p.Hint = known.Code, known.Message, known.Hint
		switch known.Code {
		case ledger.CodeInvalid:
			status = http.StatusBadRequest
		case ledger.CodeForbidden:
			status = http.StatusForbidden
		case ledger.CodeNotFound:
			status = http.StatusNotFound
		case ledger.CodeConflict:
			status = http.StatusConflict
		case ledger.CodeUnavailable, ledger.CodeOverloaded:
			status = http.StatusServiceUnavailable
		}
	}
	p.Type, p.Title, p.Status = "urn:isotherm:error:"+string(p.Code), http.StatusText(status), status
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p) // as above
}

// read fills v from a request's JSON, strictly.
func read(r *http.Request, v any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return ledger.Errorf(ledger.CodeInvalid, "read request: %v", err)
	}
	return nil
}

// person is a ready login, with what somebody who tries the pages should know of it.
type person struct {
	journey.Login
	What string `json:"what"`
}

// what people do, by the short name of their login.
var what = map[string]string{
	"courier":     "carries a kidney right now, and can hand it over",
	"courier2":    "flies with a heart, and can take a box over",
	"coordinator": "sends organs and watches all that left",
	"center":      "awaits organs, receives and checks them",
	"auditor":     "sees every case, exports and verifies",
	"admin":       "runs the nodes, boxes and people",
}

func (s *showcase) logins(*http.Request) (any, error) {
	var out struct {
		People []person `json:"people"`
	}
	for _, l := range s.journey.Logins() {
		out.People = append(out.People, person{l, what[l.As]})
	}
	return out, nil
}

func (s *showcase) state(r *http.Request) (any, error) {
	nodes, err := s.journey.Nodes(r.Context())
	if err != nil {
		return nil, err
	}
	return struct {
		Nodes     []journey.NodeState `json:"nodes"`
		Drive     journey.Progress    `json:"drive"`
		Showpiece ledger.ShipmentID   `json:"showpiece"` // the heart with six cold minutes
		Live      ledger.ShipmentID   `json:"live"`      // the kidney that the courier carries
		Box       journey.BoxPage     `json:"box"`       // of the live trip
	}{nodes, s.journey.Progress(), s.journey.Showpiece(), s.journey.Live(), s.journey.LiveBox()}, nil
}

func (s *showcase) deviceKey(r *http.Request) (any, error) {
	var in struct{ As, Key string }
	if err := read(r, &in); err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.ToLower(in.Key))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, ledger.Errorf(ledger.CodeInvalid, "key is %d bytes, want %d as hexadecimal", len(key), ed25519.PublicKeySize)
	}
	return struct{}{}, s.journey.ReplaceKey(r.Context(), in.As, key)
}

func (s *showcase) stop(r *http.Request) (any, error) {
	if err := s.journey.StopNode(r.PathValue("name")); err != nil {
		return nil, err
	}
	return s.state(r)
}

func (s *showcase) start(r *http.Request) (any, error) {
	// The node must come up even if the browser does not wait for it.
	if err := s.journey.StartNode(context.WithoutCancel(r.Context()), r.PathValue("name")); err != nil {
		return nil, err
	}
	return s.state(r)
}
