package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"
)

// firstLoad is what a courier's phone may load before it shows the box, in bytes as sent.
const firstLoad = 60_000

// chunk is an entry of the build's list of chunks.
type chunk struct {
	File    string   `json:"file"`
	Entry   bool     `json:"isEntry"`
	Imports []string `json:"imports"`
	CSS     []string `json:"css"`
}

func built(t *testing.T, name string) []byte {
	t.Helper()
	b, err := fs.ReadFile(Files(), name)
	if err != nil {
		t.Fatalf("not built: %v", err)
	}
	return b
}

func chunks(t *testing.T) map[string]chunk {
	t.Helper()
	out := map[string]chunk{}
	if err := json.Unmarshal(built(t, "manifest.json"), &out); err != nil || len(out) == 0 {
		t.Fatalf("list of chunks: %d, %v", len(out), err)
	}
	return out
}

// statically adds the files that a chunk can't run without.
func statically(t *testing.T, all map[string]chunk, name string, files map[string]bool) {
	t.Helper()
	c, ok := all[name]
	if !ok {
		t.Fatalf("no chunk %s", name)
	}
	if files[c.File] {
		return
	}
	files[c.File] = true
	for _, f := range c.CSS {
		files[f] = true
	}
	for _, next := range c.Imports {
		statically(t, all, next, files)
	}
}

// sent is the size of a file as it goes over the line.
func sent(t *testing.T, b []byte) int {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

// TestFiles_firstLoad holds the courier's page to its budget: on the edge of a network every kilobyte is a second.
func TestFiles_firstLoad(t *testing.T) {
	all := chunks(t)
	files := map[string]bool{"index.html": true, "theme.js": true}
	statically(t, all, "index.html", files)
	for _, page := range courierPages {
		statically(t, all, page, files)
	}
	total := 0
	for name := range files {
		n := sent(t, built(t, name))
		t.Logf("%7d B  %s", n, name)
		total += n
	}
	t.Logf("%7d B  in %d files", total, len(files))
	if total > firstLoad {
		t.Errorf("the courier's first load is %d bytes, at most %d are allowed", total, firstLoad)
	}
}

// courierPages are the chunks that the page of a box in a courier's hands begins with.
var courierPages = []string{"src/courier/Courier.svelte", "src/courier/CarryCase.svelte"}

var (
	linked = regexp.MustCompile(`(?:src|href)="/([^"]+)"`)
	inline = regexp.MustCompile(`<script(?:\s+type="module")?\s*>|<style|\sstyle="|\son[a-z]+="`)
	hosts  = regexp.MustCompile(`https?://[A-Za-z0-9.-]+[^"'\x60\s)<>]*`)
	// Names of XML, the text of a link that we switch off, and the default of the scanner, which src/scan replaces. The content security
	// policy would stop the browser from going there.
	harmless = regexp.MustCompile(`^https?://(?:www\.w3\.org/|svelte\.dev/e/|leafletjs\.com$|fastly\.jsdelivr\.net/npm/zxing-wasm@|$)`)
)

// TestFiles_whole finds what index.html names and is not embedded: a page without its script is blank.
func TestFiles_whole(t *testing.T) {
	index := built(t, "index.html")
	names := linked.FindAllSubmatch(index, -1)
	if len(names) < 4 {
		t.Fatalf("index.html names only %d files", len(names))
	}
	for _, m := range names {
		built(t, string(m[1]))
	}
	if got := inline.Find(index); got != nil {
		t.Errorf("index.html has %q, which the content security policy blocks", got)
	}
	var manifest struct {
		Icons []struct{ Src string }
	}
	if err := json.Unmarshal(built(t, "manifest.webmanifest"), &manifest); err != nil || len(manifest.Icons) == 0 {
		t.Fatalf("manifest: %v", err)
	}
	for _, icon := range manifest.Icons {
		built(t, strings.TrimPrefix(icon.Src, "/"))
	}
	for _, c := range chunks(t) {
		built(t, c.File)
	}
}

// TestFiles_strangers finds addresses of other machines, and source maps.
func TestFiles_strangers(t *testing.T) {
	seen := 0
	err := fs.WalkDir(Files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		seen++
		switch path.Ext(name) {
		case ".map":
			t.Errorf("%s: source maps are not for the pages", name)
		case ".js", ".css", ".html", ".json", ".webmanifest", ".svg":
			text := built(t, name)
			for _, host := range hosts.FindAll(text, -1) {
				if !harmless.Match(host) {
					t.Errorf("%s names %s", name, host)
				}
			}
			if bytes.Contains(text, []byte("sourceMappingURL")) {
				t.Errorf("%s names a source map", name)
			}
		}
		return nil
	})
	if err != nil || seen < 10 {
		t.Fatalf("%d files: %v", seen, err)
	}
}
