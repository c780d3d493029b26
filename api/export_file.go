package api

import (
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
	"isotherm/ledger"
)

// Limits of exports that wait to be fetched.
const (
	exportLife    = time.Hour
	maxExports    = 64      // files; the one made first goes when there is no room
	maxExportSize = 4 << 30 // bytes of one file, and
	maxExportSum  = 8 << 30 // of all: they share the disk with the ledger
)

// exportStore keeps exports as files of this process, so that they can be fetched in parts and give the same bytes each
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
	kind    string // media type
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

// remove deletes all exports.
func (s *exportStore) remove() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = nil
	return os.RemoveAll(s.dir)
}

// newExportID returns an identifier that nobody guesses.
func newExportID() string {
	var id [16]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// write makes the file of an export, of which identifier, owner, name and kind are given.
func (s *exportStore) write(m madeExport, write func(io.Writer) error) (madeExport, error) {
	m.path = filepath.Join(s.dir, m.id)
	f, err := os.OpenFile(m.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return m, fmt.Errorf("write export: %w", err)
	}
	sum := sha256.New()
	out := &bounded{w: io.MultiWriter(f, sum), left: maxExportSize}
	err = errors.Join(write(out), f.Close())
	if err != nil {
		return m, errors.Join(fmt.Errorf("write export: %w", err), os.Remove(m.path))
	}
	m.size, m.sum, m.expires = maxExportSize-out.left, [32]byte(sum.Sum(nil)), s.now().Add(exportLife)
	s.keep(m)
	return m, nil
}

// bounded refuses to write more than a file may hold.
type bounded struct {
	w    io.Writer
	left int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		return 0, ledger.Errorf(ledger.CodeInvalid, "the export would be larger than %d GiB", maxExportSize>>30).WithHint("export fewer cases, or a shorter period, at a time")
	}
	n, err := b.w.Write(p)
	b.left -= int64(n)
	return n, err
}

// keep notes an export and lets go of those that are too old, too many or too large together.
func (s *exportStore) keep(m madeExport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = append(s.made, m)
	sum := int64(0)
	for _, m := range s.made {
		sum += m.size
	}
	for len(s.made) > maxExports || sum > maxExportSum || s.made[0].expires.Before(s.now()) {
		_ = os.Remove(s.made[0].path) // whoever reads it keeps reading; the folder goes at the end
		sum -= s.made[0].size
		s.made = s.made[1:]
	}
}

// find returns the export of that name if it is the person's.
func (s *exportStore) find(id string, owner ledger.PersonID) (madeExport, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.made {
		if m.id == id && m.owner == owner && s.now().Before(m.expires) {
			return m, nil
		}
	}
	return madeExport{}, errNoExport(id)
}

func errNoExport(id string) error {
	return ledger.Errorf(ledger.CodeNotFound, "no export %s waits here", id).
		WithHint("it is kept for an hour, on the node that made it, until that node restarts: make it anew")
}

// exportFile is an export as an answer, with Range and ETag.
type exportFile struct {
	made    madeExport
	request *http.Request
}

// VisitGetExportResponse sends the file.
func (b exportFile) VisitGetExportResponse(w http.ResponseWriter) error {
	f, err := os.Open(b.made.path)
	if err != nil {
		return ledger.Errorf(ledger.CodeNotFound, "export %s is gone", b.made.id).WithHint("make it anew")
	}
	defer f.Close()
	header := w.Header()
	header.Set("Content-Type", b.made.kind)
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
