package api

import (
	"context"
	"embed"
	"net/http"
	"strings"

	"isotherm/api/server"
)

// notice is what people are told about their data.
//
//go:embed notice.md
var notice string

// docs is the page that shows the contract: its own small script, no request to anybody else.
//
//go:embed docs
var docs embed.FS

// docsPolicy lets the page load its own script and style and the contract, nothing else.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// GetStatus says how the node is.
func (h *handler) GetStatus(ctx context.Context, _ server.GetStatusRequestObject) (server.GetStatusResponseObject, error) {
	out := h.status()
	at, err := h.node.At()
	if err != nil {
		return nil, err
	}
	out.Node, out.Entries, out.Origin = at.Node, at.Entries, h.node.Origin()
	if out.Voters = texts(out.Voters); h.node.Halted() != "" {
		out.Halted = "a box holds a checkpoint that contradicts this node" // the details are evidence, and in the log
	}
	callOf(ctx).answeredAt(at)
	return server.GetStatus200JSONResponse(out), nil
}

// GetGenesis returns entry 0.
func (h *handler) GetGenesis(context.Context, server.GetGenesisRequestObject) (server.GetGenesisResponseObject, error) {
	b, err := h.node.Genesis()
	if err != nil {
		return nil, err
	}
	return server.GetGenesis200ApplicationOctetStreamResponse{Body: strings.NewReader(string(b)), ContentLength: int64(len(b))}, nil
}

// GetNotice returns the notice to people.
func (h *handler) GetNotice(context.Context, server.GetNoticeRequestObject) (server.GetNoticeResponseObject, error) {
	return server.GetNotice200TextMarkdownCharsetUTF8Response{Body: strings.NewReader(notice), ContentLength: int64(len(notice))}, nil
}

// GetOpenapiYaml returns the contract.
func (h *handler) GetOpenapiYaml(context.Context, server.GetOpenapiYamlRequestObject) (server.GetOpenapiYamlResponseObject, error) {
	return server.GetOpenapiYaml200ApplicationYamlResponse{Body: strings.NewReader(string(specText)), ContentLength: int64(len(specText))}, nil
}

// file is an answer that is sent as it is.
type file struct {
	contentType string
	content     []byte
}

func (f file) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", f.contentType)
	_, err := w.Write(f.content)
	return err
}

// VisitGetOpenapiJSONResponse writes the contract.
func (f file) VisitGetOpenapiJSONResponse(w http.ResponseWriter) error { return f.write(w) }

// VisitGetDocsResponse writes the page.
func (f file) VisitGetDocsResponse(w http.ResponseWriter) error { return f.write(w) }

// VisitGetDocsFileResponse writes a part of the page.
func (f file) VisitGetDocsFileResponse(w http.ResponseWriter) error { return f.write(w) }

// GetOpenapiJSON returns the contract as JSON.
func (h *handler) GetOpenapiJSON(context.Context, server.GetOpenapiJSONRequestObject) (server.GetOpenapiJSONResponseObject, error) {
	return file{"application/json", h.spec.json}, nil
}

// GetDocs returns the page that shows the contract.
func (h *handler) GetDocs(ctx context.Context, _ server.GetDocsRequestObject) (server.GetDocsResponseObject, error) {
	callOf(ctx).header.Set("Content-Security-Policy", docsPolicy)
	b, err := docs.ReadFile("docs/index.html")
	return file{"text/html; charset=utf-8", b}, err
}

// GetDocsFile returns the page's script or style.
func (h *handler) GetDocsFile(_ context.Context, r server.GetDocsFileRequestObject) (server.GetDocsFileResponseObject, error) {
	kind := "text/javascript; charset=utf-8"
	if strings.HasSuffix(string(r.File), ".css") {
		kind = "text/css; charset=utf-8"
	}
	b, err := docs.ReadFile("docs/" + string(r.File))
	return file{kind, b}, err
}
