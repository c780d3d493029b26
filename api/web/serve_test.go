package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var testFiles = fstest.MapFS{
	"index.html":       {Data: []byte("<!doctype html><title>t</title>" + strings.Repeat("<p>text</p>", 100))},
	"assets/app.js":    {Data: []byte(strings.Repeat("let a = 1;\n", 100))},
	"assets/a.wasm":    {Data: []byte("\x00asm")},
	"icon.svg":         {Data: []byte("<svg/>")},
	"icon-192.png":     {Data: []byte("png")},
	"app.webmanifest":  {Data: []byte("{}")},
	"assets/style.css": {Data: []byte("a{}")},
}

func testPages(t *testing.T, s Settings) *Pages {
	t.Helper()
	p, err := New(testFiles, s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask returns the answer for a path, nil when it is none of the pages'.
func ask(p *Pages, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	if !p.Serve(w, r) {
		return nil
	}
	return w
}

func TestPages_Serve(t *testing.T) {
	p := testPages(t, Settings{})
	for _, tt := range []struct{ path, accept, kind string }{
		{"/", "", "text/html; charset=utf-8"},
		{"/index.html", "", "text/html; charset=utf-8"},
		{"/carry/123", "text/html,*/*", "text/html; charset=utf-8"},
		{"/assets/app.js", "*/*", "text/javascript; charset=utf-8"},
		{"/assets/style.css", "*/*", "text/css; charset=utf-8"},
		{"/assets/a.wasm", "*/*", "application/wasm"},
		{"/icon.svg", "image/*", "image/svg+xml"},
		{"/icon-192.png", "image/*", "image/png"},
		{"/app.webmanifest", "*/*", "application/manifest+json"},
		{"/assets/old.js", "*/*", ""},
		{"/carry/123", "*/*", ""},
	} {
		w := ask(p, tt.path, "Accept", tt.accept)
		if w == nil {
			if tt.kind != "" {
				t.Errorf("%s for %q: none of the pages'", tt.path, tt.accept)
			}
			continue
		}
		if got := w.Header().Get("Content-Type"); got != tt.kind || w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s for %q: status %d, type %q, %q; want %q", tt.path, tt.accept, w.Code, got, w.Header().Get("Cache-Control"), tt.kind)
		}
	}
}

func TestPages_Serve_compressed(t *testing.T) {
	p := testPages(t, Settings{})
	plain, zipped := ask(p, "/assets/app.js"), ask(p, "/assets/app.js", "Accept-Encoding", "gzip, br")
	if zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Body.Len() >= plain.Body.Len() {
		t.Fatalf("encoding %q, %d bytes of %d", zipped.Header().Get("Content-Encoding"), zipped.Body.Len(), plain.Body.Len())
	}
	r, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, testFiles["assets/app.js"].Data) || plain.Body.String() != string(got) {
		t.Errorf("the compressed file is another one: %v", err)
	}
	if small := ask(p, "/icon.svg", "Accept-Encoding", "gzip"); small.Header().Get("Content-Encoding") != "" {
		t.Error("a file that grows by it is compressed")
	}
	for _, w := range []*httptest.ResponseRecorder{plain, zipped} {
		tag := w.Header().Get("ETag")
		again := ask(p, "/assets/app.js", "If-None-Match", tag, "Accept-Encoding", w.Header().Get("Content-Encoding"))
		if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("%s again: status %d, %d bytes", tag, again.Code, again.Body.Len())
		}
	}
}

func TestPages_policy(t *testing.T) {
	tiles := ask(testPages(t, Settings{Tiles: "https://tiles.example.org:444/{z}/{x}/{y}.png?key=1"}), "/").Header().Get("Content-Security-Policy")
	none := ask(testPages(t, Settings{}), "/").Header().Get("Content-Security-Policy")
	if !strings.Contains(tiles, "img-src 'self' data: blob: https://tiles.example.org:444;") || strings.Contains(none, "http") {
		t.Errorf("policies:\n%s\n%s", tiles, none)
	}
	for _, bad := range []string{"unsafe-inline", "unsafe-eval' ", "*"} {
		if strings.Contains(tiles, bad) {
			t.Errorf("the policy allows %s", bad)
		}
	}
}

func TestSettings_Check(t *testing.T) {
	for _, s := range []Settings{{}, {Call: "+1 206 555-0142"}, {Call: "(0)30 / 1234.5"}, {Tiles: "https://t.example/{z}/{x}/{y}.png"}} {
		if err := s.Check(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
	for _, s := range []Settings{
		{Call: "call us"}, {Call: "+1<script>"}, {Call: "- - -"}, {Call: strings.Repeat("1", 41)},
		{Tiles: "http://t.example/{z}/{x}/{y}"}, {Tiles: "https://t.example/{z}/{x}"}, {Tiles: "https://{z}.example/{z}/{x}/{y}"}, {Tiles: "https://a.example; script-src */{z}/{x}/{y}"},
	} {
		if s.Check() == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

func TestNew_errors(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"no page":      {"app.js": {}},
		"unknown type": {"index.html": {}, "a.exe": {}},
	} {
		if _, err := New(files, Settings{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPages_Stranger(t *testing.T) {
	p := testPages(t, Settings{Call: "+1 206 555 0142", Operator: "River & Hill"})
	w := httptest.NewRecorder()
	if err := p.Stranger(w, `L4"><script>`); err != nil {
		t.Fatal(err)
	}
	body := w.Body.String()
	for _, want := range []string{"Organ transport.", "Do not open.", `href="tel:&#43;12065550142"`, "River &amp; Hill", "I carry this box"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(body, "<script") || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
		t.Errorf("policy %q of\n%s", w.Header().Get("Content-Security-Policy"), body)
	}
	if !strings.Contains(body, "<style>"+strangerStyle+"</style>") {
		t.Error("the style is not the one whose hash the policy names")
	}
}
