package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/batch"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/merkle"
	"isotherm/ledger/node"
)

// readJSON reads a body strictly: one value, no unknown fields.
func readJSON(c echo.Context, out any) error {
	d := json.NewDecoder(c.Request().Body)
	d.DisallowUnknownFields()
	err := d.Decode(out)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = errors.New("there is something after the value")
		}
	}
	return bodyError(err)
}

// readBody reads a binary body of at most limit bytes.
func readBody(c echo.Context, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(c.Request().Body, limit+1))
	if err != nil {
		return nil, bodyError(err)
	}
	if int64(len(b)) > limit {
		return nil, echo.ErrStatusRequestEntityTooLarge
	}
	return b, nil
}

// bodyError keeps the body limit's own error and says of any other that the body can't be read.
func bodyError(err error) error {
	var limit *echo.HTTPError
	if err == nil || errors.As(err, &limit) {
		return err
	}
	return ledger.Errorf(ledger.CodeInvalid, "the request's body can't be read: %v", err)
}

func boxParam(c echo.Context) (ledger.BoxID, error) {
	id, err := ledger.ParseID[ledger.BoxID](c.Param("box"))
	if err != nil {
		return id, ledger.Errorf(ledger.CodeInvalid, "box: %v", err)
	}
	return id, nil
}

func shipmentParam(c echo.Context) (ledger.ShipmentID, error) {
	id, err := ledger.ParseID[ledger.ShipmentID](c.Param("id"))
	if err != nil {
		return id, ledger.Errorf(ledger.CodeInvalid, "shipment: %v", err)
	}
	return id, nil
}

func numberParam(name, text string) (int64, error) {
	v, err := strconv.ParseInt(text, 10, 62)
	if err != nil || v < 0 {
		return 0, ledger.Errorf(ledger.CodeInvalid, "%s %.40q is not a number from 0", name, text)
	}
	return v, nil
}

const indexText = `isotherm: node %s of the custody ledger %s.

It keeps the signed history of donated organs on their way. This is its API; people use the command isotherm.

  /v1/status      how this node is
  /v1/genesis     the ledger's first entry: compare it with your policy file
  /checkpoint     newest cosigned checkpoint (C2SP tlog-checkpoint)
  /tile/...       its Merkle tree (C2SP tlog-tiles)

Everything else needs a token. api/DESIGN.md in isotherm's source lists all routes.
`

func (s *server) index(c echo.Context) error {
	return c.String(http.StatusOK, fmt.Sprintf(indexText, s.node.Name(), s.node.Origin()))
}

func (s *server) enrolBox(c echo.Context) error {
	var in client.Enrolment
	if err := readJSON(c, &in); err != nil {
		return err
	}
	box, index, err := s.node.EnrolBox(c.Request().Context(), bearer(c), in.Key, in.Head, in.Label)
	if err != nil {
		return err
	}
	genesis, err := s.node.Genesis()
	if err != nil {
		return err
	}
	return answer(c, client.Enrolled{Box: box, Index: index, Genesis: genesis})
}

func (s *server) sync(c echo.Context) error {
	box, err := boxParam(c)
	if err != nil {
		return err
	}
	release, err := acquire(s.syncs, "syncs")
	if err != nil {
		return err
	}
	defer release()
	wire, err := readBody(c, batch.MaxWire)
	if err != nil {
		return err
	}
	checkpoint, err := base64.StdEncoding.DecodeString(c.Request().Header.Get(client.CheckpointHeader))
	if err != nil || len(checkpoint) > merkle.MaxNote {
		return ledger.Errorf(ledger.CodeInvalid, "header %s is not base64, or too long", client.CheckpointHeader)
	}
	got, err := s.node.Sync(c.Request().Context(), box, wire, checkpoint)
	if err != nil {
		return err
	}
	return answer(c, client.SyncAnswer{Next: got.Next, Receipt: got.Receipt, Acts: got.Acts})
}

func (s *server) receipt(c echo.Context) error {
	box, err := boxParam(c)
	if err != nil {
		return err
	}
	inc, err := ledger.ParseID[ledger.IncarnationID](c.Param("inc"))
	if err != nil {
		return ledger.Errorf(ledger.CodeInvalid, "journal: %v", err)
	}
	size, err := numberParam("size", c.QueryParam("size"))
	if err != nil {
		return err
	}
	receipt, err := s.node.Receipt(c.Request().Context(), box, inc, size)
	if err != nil {
		return err
	}
	noStore(c)
	return c.Blob(http.StatusOK, echo.MIMEOctetStream, receipt)
}

func (s *server) createEnrolToken(c echo.Context) error {
	var in client.EnrolTokenRequest
	if err := readJSON(c, &in); err != nil {
		return err
	}
	if in.TTLSeconds < 1 || in.TTLSeconds > int64(node.MaxEnrolTokenLife/time.Second) {
		return ledger.Errorf(ledger.CodeInvalid, "ttl_s is %d, want 1 to %d", in.TTLSeconds, int64(node.MaxEnrolTokenLife/time.Second))
	}
	t, err := s.node.CreateEnrolToken(c.Request().Context(), principal(c), in.Label, time.Duration(in.TTLSeconds)*time.Second)
	if err != nil {
		return err
	}
	return answer(c, client.Token{Token: t.Token, ExpiresMS: t.Expires.UnixMilli()})
}

func (s *server) enrolPerson(c echo.Context) error {
	var in client.Person
	if err := readJSON(c, &in); err != nil {
		return err
	}
	role, err := entry.ParseRole(in.Role)
	if err != nil {
		return ledger.Errorf(ledger.CodeInvalid, "%v", err)
	}
	t, err := s.node.EnrolPerson(c.Request().Context(), principal(c),
		entry.PersonEnrolled{Person: in.ID, Name: in.Name, Organisation: in.Organisation, Role: role, Key: in.Key})
	if err != nil {
		return err
	}
	return answer(c, client.PersonEnrolled{Person: in.ID, Index: t.Index, Token: t.Token, ExpiresMS: t.Expires.UnixMilli()})
}

func (s *server) submitAct(c echo.Context) error {
	raw, err := readBody(c, custody.MaxSize)
	if err != nil {
		return err
	}
	got, err := s.node.SubmitAct(c.Request().Context(), principal(c), raw)
	if err != nil {
		return err
	}
	return answer(c, client.ActAnswer{Index: got.Index, RecordTimeMS: got.RecordTimeMS, Duplicate: got.Duplicate,
		Act: got.Act.Statement.ID, Hash: got.Act.Hash(), Standing: got.Standing.String(), Tip: got.State.Tip, Flags: got.State.Texts()})
}

func (s *server) donorCommitment(c echo.Context) error {
	var in struct {
		DonorID string `json:"donor_id"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	commitment, err := s.node.DonorCommitment(in.DonorID)
	if err != nil {
		return err
	}
	return answer(c, map[string]client.Hash{"commitment": commitment})
}

func (s *server) export(c echo.Context) error {
	id, err := shipmentParam(c)
	if err != nil {
		return err
	}
	var in struct {
		Reason string `json:"reason"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	release, err := acquire(s.exports, "exports")
	if err != nil {
		return err
	}
	defer release()
	src, err := s.node.Export(c.Request().Context(), principal(c), id, in.Reason)
	if err != nil {
		return err
	}
	var out bytes.Buffer // whole before the first byte goes out, so that an error is still an error
	if err := bundle.Write(&out, src); err != nil {
		return err
	}
	noStore(c)
	h := c.Response().Header()
	h.Set("Content-Disposition", `attachment; filename="`+id.String()+`.isotherm.tar"`)
	h.Set(echo.HeaderContentLength, strconv.Itoa(out.Len()))
	return c.Blob(http.StatusOK, "application/x-tar", out.Bytes())
}

func (s *server) genesis(c echo.Context) error {
	b, err := s.node.Genesis()
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMEOctetStream, b)
}

func (s *server) nodeStatus(c echo.Context) error {
	out := s.status()
	at, err := s.node.At()
	if err != nil {
		return err
	}
	out.Answered, out.Origin = answered(at), s.node.Origin()
	if halted := s.node.Halted(); halted != "" {
		out.Halted = "a box holds a checkpoint that contradicts this node" // the details are evidence, and in the log
	}
	return answer(c, out)
}

func (s *server) proof(c echo.Context) error {
	index, err := numberParam("index", c.Param("index"))
	if err != nil {
		return err
	}
	proof, err := s.node.Proof(c.Request().Context(), index)
	if err != nil {
		return err
	}
	noStore(c)
	return c.Blob(http.StatusOK, "text/plain; charset=utf-8", proof)
}
