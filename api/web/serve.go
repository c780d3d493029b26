package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
)

// indexFile is the one page; which view it shows is up to its script and the address.
const indexFile = "index.html"

// kinds are the types of the files that the pages consist of. Another one is a mistake in the build.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	".png": "image/png", ".json": "application/json", ".webmanifest": "application/manifest+json", ".wasm": "application/wasm", ".txt": "text/plain; charset=utf-8", ".md": "text/markdown; charset=utf-8",
}

// Settings are what the operator says for the pages.
type Settings struct {
	Call             string // the number to call day and night, for who finds a box; empty for none
	Operator         string // who runs the ledger
	Tiles            string // URL of map pictures with {z}, {x} and {y}; empty: none are loaded
	TilesAttribution string
}

// Check says what is wrong with the settings.
func (s Settings) Check() error {
	if s.Call != "" && (telephone(s.Call) == "" || len(s.Call) > 40 || strings.Trim(s.Call, "+0123456789 -()./") != "") {
		return fmt.Errorf("call %q is not a telephone number, such as +1 206 555 0100", s.Call)
	}
	if s.Tiles == "" {
		return nil
	}
	u, err := url.Parse(s.Tiles)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.ContainsAny(u.Host, " ;,'\"*{}") {
		return fmt.Errorf("tiles %q is not an address such as https://tiles.example.org/{z}/{x}/{y}.png", s.Tiles)
	}
	for _, want := range []string{"{z}", "{x}", "{y}"} {
		if !strings.Contains(s.Tiles, want) {
			return fmt.Errorf("tiles %q has no %s", s.Tiles, want)
		}
	}
	return nil
}

// policy is what the pages may load: their own files, and pictures of the operator's maps.
func (s Settings) policy() string {
	pictures := "'self' data: blob:"
	if u, err := url.Parse(s.Tiles); err == nil && u.Host != "" {
		pictures += " https://" + u.Host
	}
	return "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src " + pictures + "; connect-src 'self'; font-src 'self'; " +
		"worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// Pages serves the pages. It is safe for concurrent use.
type Pages struct {
	settings Settings
	csp      string
	files    map[string]*asset // by path below the root
}

// asset is one file, as it is and compressed.
type asset struct {
	kind, etag string
	plain      []byte
	zipped     func() []byte // nil when that does not make it smaller
}

// New returns the pages made of the files of a build.
func New(files fs.FS, s Settings) (*Pages, error) {
	if err := s.Check(); err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	p := &Pages{settings: s, csp: s.policy(), files: map[string]*asset{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		kind, ok := kinds[path.Ext(name)]
		if !ok {
			return fmt.Errorf("%s is of no known type", name)
		}
		p.files[name] = newAsset(kind, b)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	if p.files[indexFile] == nil {
		return nil, fmt.Errorf("pages: there is no %s", indexFile)
	}
	return p, nil
}

func newAsset(kind string, b []byte) *asset {
	sum := sha256.Sum256(b)
	a := &asset{kind: kind, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`, plain: b}
	a.zipped = sync.OnceValue(func() []byte {
		var out bytes.Buffer
		w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is a good one
		_, _ = w.Write(b)                                       // a buffer takes everything
		_ = w.Close()
		if out.Len() >= len(b)*9/10 {
			return nil // pictures are compressed already
		}
		return out.Bytes()
	})
	return a
}

// Settings returns what the operator said.
func (p *Pages) Settings() Settings { return p.settings }

// Serve answers with a file, or with the page for every other address that a person may open. ok is false when it is
// neither: then nothing was written.
func (p *Pages) Serve(w http.ResponseWriter, r *http.Request) (ok bool) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	a := p.files[name]
	if a == nil {
		if name != "" && !strings.Contains(r.Header.Get("Accept"), "text/html") {
			return false
		}
		a = p.files[indexFile]
	}
	h := w.Header()
	h.Set("Content-Security-Policy", p.csp)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), geolocation=(self), microphone=(), payment=()")
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "no-cache") // names are stable: the browser asks each time, and gets 304
	h.Add("Vary", "Accept-Encoding")
	h.Set("ETag", a.etag)
	body := a.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		if zipped := a.zipped(); zipped != nil {
			body = zipped
			h.Set("Content-Encoding", "gzip")
			h.Set("ETag", strings.TrimSuffix(a.etag, `"`)+`-gz"`)
		}
	}
	if match := r.Header.Get("If-None-Match"); match != "" && strings.Contains(match, h.Get("ETag")) {
		h.Del("Content-Encoding")
		h.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // an error says only that the browser is gone
	}
	return true
}
