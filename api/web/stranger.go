package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

// strangerText is what somebody reads who scans the code on a box and has no account.
//
//go:embed stranger.html
var strangerText string

//go:embed stranger.css
var strangerStyle string

// stranger is the page for whoever finds a box. It runs no script, and says nothing of the case: it is the same for every
// label, known or not.
var stranger = template.Must(template.New("stranger").Parse(strangerText))

// strangerPolicy lets the page show its own style, and nothing else.
var strangerPolicy = func() string {
	sum := sha256.Sum256([]byte(strangerStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// Stranger writes the page of a box for somebody who is not signed in. label is what the address says.
func (p *Pages) Stranger(w http.ResponseWriter, label string) error {
	var out bytes.Buffer
	err := stranger.Execute(&out, struct {
		Call, Tel, Operator, Label string
		Style                      template.CSS
	}{p.settings.Call, telephone(p.settings.Call), p.settings.Operator, label, template.CSS(strangerStyle)})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", strangerPolicy)
	h.Set("Content-Type", kinds[".html"])
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	_, err = w.Write(out.Bytes())
	return err
}

// telephone returns a number as a tel: link wants it (RFC 3966).
func telephone(number string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, number)
}
