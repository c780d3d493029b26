package main

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// update writes the README's pictures anew.
var update = flag.Bool("update", false, "write the pictures of the README")

// pictures is where the README's pictures are.
const pictures = "../../api/web/pictures"

// readme takes a picture of this state for the README, with -update.
func (d *device) readme(name string) {
	d.t.Helper()
	if !*update {
		return
	}
	eval[bool](d, `(document.activeElement?.blur?.(), scrollTo(0, 0), true)`)
	d.pictureTo(filepath.Join(pictures, name))
}

// TestReadme_pictures checks that the README shows the pictures that these tests write, and no others lie there.
func TestReadme_pictures(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, m := range regexp.MustCompile(`\]\(api/web/pictures/([^)]+)\)`).FindAllSubmatch(text, -1) {
		shown[string(m[1])] = true
	}
	files, err := os.ReadDir(pictures)
	if err != nil {
		t.Fatal(err)
	}
	if len(shown) == 0 {
		t.Error("the README shows no picture")
	}
	for _, f := range files {
		if !shown[f.Name()] {
			t.Errorf("the README does not show %s", f.Name())
		}
		delete(shown, f.Name())
	}
	for name := range shown {
		t.Errorf("the README shows %s, which is not there: go test ./cmd/isotherm -run TestPages -update", name)
	}
}
