// Package web is the pages that people use: the built files, embedded, and how they are served. Their source is beside it,
// in src/; `make web` builds it into dist/. A clone builds and serves them without Node.
//
// It decides nothing about who may see what: the pages ask the same API as everybody, and the API decides.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files are the built pages.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a good one
	}
	return files
}
