package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/node"
)

// Limits of bundles that wait to be fetched.
const (
	exportLife = time.Hour
	maxExports = 64 // files; the one made first goes when there is no room
)

// exportStore keeps bundles as files of this process, so that they can be fetched in parts and give the same bytes each
// time. After a restart they are gone and are made anew.
type exportStore struct {
	now func() time.Time
	dir string

	mu   sync.Mutex
	made []madeExport // in the order of making; guarded by mu
}

type madeExport struct {
	id      string
	owner   ledger.PersonID
	name    string // for who saves it
	path    string
	size    int64
	sum     [32]byte
	expires time.Time
}

func newExportStore(parent string, now func() time.Time) (*exportStore, error) {
	dir, err := os.MkdirTemp(parent, "isotherm-exports-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for exports: %w", err)
	}
	return &exportStore{now: now, dir: dir}, nil
}

// remove deletes all bundles.
func (s *exportStore) remove() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = nil
	return os.RemoveAll(s.dir)
}

// write makes the file of a bundle.
func (s *exportStore) write(owner ledger.PersonID, name string, write func(io.Writer) error) (madeExport, error) {
	var id [16]byte
	rand.Read(id[:])
	m := madeExport{id: base64.RawURLEncoding.EncodeToString(id[:]), owner: owner, name: name, expires: s.now().Add(exportLife)}
	m.path = filepath.Join(s.dir, m.id)
	f, err := os.OpenFile(m.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return m, fmt.Errorf("write export: %w", err)
	}
	sum := sha256.New()
	err = write(io.MultiWriter(f, sum))
	if info, statErr := f.Stat(); statErr == nil {
		m.size = info.Size()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return m, errors.Join(fmt.Errorf("write export: %w", err), os.Remove(m.path))
	}
	m.sum = [32]byte(sum.Sum(nil))
	s.keep(m)
	return m, nil
}

// keep notes a bundle and lets go of those that are too old or too many.
func (s *exportStore) keep(m madeExport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = append(s.made, m)
	for len(s.made) > maxExports || s.made[0].expires.Before(s.now()) {
		_ = os.Remove(s.made[0].path) // whoever reads it keeps reading; the folder goes at the end
		s.made = s.made[1:]
	}
}

// find returns the bundle of that name if it is the person's.
func (s *exportStore) find(id string, owner ledger.PersonID) (madeExport, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.made {
		if m.id == id && m.owner == owner && s.now().Before(m.expires) {
			return m, nil
		}
	}
	return madeExport{}, ledger.Errorf(ledger.CodeNotFound, "no export %s waits here", id).WithHint("it is kept for an hour, on the node that made it: make it anew")
}

// CreateExport makes a bundle, to be fetched.
func (h *handler) CreateExport(ctx context.Context, r server.CreateExportRequestObject) (server.CreateExportResponseObject, error) {
	release, err := acquire(h.making, "exports")
	if err != nil {
		return nil, err
	}
	defer release()
	src, err := h.node.Export(ctx, principal(ctx), r.Shipment, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	m, err := h.exports.write(principal(ctx).Person, r.Shipment.String()+".isotherm.tar", func(w io.Writer) error { return bundle.Write(w, src) })
	if err != nil {
		return nil, err
	}
	at, err := h.node.At()
	if err != nil {
		return nil, err
	}
	return server.CreateExport201JSONResponse(h.ready(ctx, m, at)), nil
}

func (h *handler) ready(ctx context.Context, m madeExport, at node.At) contract.Export {
	k := callOf(ctx)
	k.answeredAt(at)
	out := contract.Export{ID: m.id, URL: "/v1/exports/" + m.id, Node: at.Node, Entries: at.Entries, Size: m.size, SHA256: m.sum, ExpiresMS: m.expires.UnixMilli()}
	k.header.Set("Location", out.URL)
	return out
}

// GetExport sends a bundle or a part of it.
func (h *handler) GetExport(ctx context.Context, r server.GetExportRequestObject) (server.GetExportResponseObject, error) {
	m, err := h.exports.find(r.Export, principal(ctx).Person)
	if err != nil {
		return nil, err
	}
	return bundleFile{made: m, request: callOf(ctx).request}, nil
}

// bundleFile is a bundle as an answer, with Range and ETag.
type bundleFile struct {
	made    madeExport
	request *http.Request
}

// VisitGetExportResponse sends the file.
func (b bundleFile) VisitGetExportResponse(w http.ResponseWriter) error {
	f, err := os.Open(b.made.path)
	if err != nil {
		return ledger.Errorf(ledger.CodeNotFound, "export %s is gone", b.made.id).WithHint("make it anew")
	}
	defer f.Close()
	header := w.Header()
	header.Set("Content-Type", "application/x-tar")
	header.Set("Cache-Control", "private, no-cache")
	header.Set("ETag", `"`+contract.Hash(b.made.sum).String()+`"`)
	header.Set("Content-Disposition", `attachment; filename="`+b.made.name+`"`)
	sent := &refusing{ResponseWriter: w}
	http.ServeContent(sent, b.request, "", time.Time{}, f)
	if sent.refused != 0 {
		return echo.NewHTTPError(sent.refused)
	}
	return nil
}

// refusing keeps back answers from 400 on, so that they leave as problems like all others.
type refusing struct {
	http.ResponseWriter
	refused int
}

// WriteHeader passes on what is no error.
func (r *refusing) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		r.refused = status
		return
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *refusing) Write(b []byte) (int, error) {
	if r.refused != 0 {
		return len(b), nil
	}
	return r.ResponseWriter.Write(b)
}
