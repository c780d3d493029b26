package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"isotherm/api/contract"
	"isotherm/ledger"
)

// contractError says where a request breaks the contract.
type contractError struct {
	status int // 400 or 415
	detail string
	fields []contract.FieldError
}

func (e *contractError) Error() string { return e.detail }

// maxFieldErrors bounds how many mistakes one answer lists.
const maxFieldErrors = 20

// validate holds a request against the contract: parameters, content type, and the body when it is JSON. Binary bodies are
// checked by the parsers of their formats.
func (h *handler) validate(op *operation) echo.MiddlewareFunc {
	options := &openapi3filter.Options{MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		SkipSettingDefaults: true, KeepValidatedValue: true, ExcludeRequestBody: !op.json}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := checkContentType(op, c.Request()); err != nil {
				return err
			}
			query, err := readQuery(op, c.Request().URL.RawQuery)
			if err != nil {
				return err
			}
			if op.json {
				if err := bufferJSON(c.Request()); err != nil {
					return err
				}
			}
			in := &openapi3filter.RequestValidationInput{Request: c.Request(), QueryParams: query,
				Route: op.route, Options: options}
			if in.PathParams, err = pathValues(c); err != nil {
				return err
			}
			if op.wildcard() {
				return next(c) // the names of tiles are read by their own parser
			}
			if err := openapi3filter.ValidateRequest(c.Request().Context(), in); err != nil {
				return explain(err)
			}
			return next(c)
		}
	}
}

// readQuery reads the query. A parameter that the operation does not know is a mistake, and must not pass as an answer to
// another question.
func readQuery(op *operation, raw string) (url.Values, error) {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, &contractError{status: http.StatusBadRequest, detail: "the query can't be read"}
	}
	for name := range query {
		if !slices.Contains(op.query, name) {
			return nil, &contractError{status: http.StatusBadRequest, detail: "the request breaks the contract",
				fields: []contract.FieldError{{Pointer: plain(name), Message: "no parameter of this operation"}}}
		}
	}
	return query, nil
}

// pathValues returns the parameters in the path, unescaped.
func pathValues(c echo.Context) (map[string]string, error) {
	out := map[string]string{}
	for i, name := range c.ParamNames() {
		value := c.ParamValues()[i]
		if c.Request().URL.RawPath != "" { // Echo routes by the raw path
			var err error
			if value, err = url.PathUnescape(value); err != nil {
				return nil, &contractError{status: http.StatusBadRequest, detail: "the path can't be read"}
			}
		}
		out[name] = value
	}
	return out, nil
}

// wildcard tells whether the path ends in a name with slashes.
func (o *operation) wildcard() bool { return strings.HasSuffix(o.path, "/{tile}") }

// checkContentType refuses a body of another type than the contract names, and says so by 415.
func checkContentType(op *operation, r *http.Request) error {
	if !op.json && !op.binary {
		return nil
	}
	want := "application/json"
	if op.binary {
		want = echo.MIMEOctetStream
	}
	got, params, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if charset := params["charset"]; err != nil || got != want || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return &contractError{status: http.StatusUnsupportedMediaType, detail: "the body must be " + want}
	}
	if r.Header.Get("Content-Encoding") != "" {
		return &contractError{status: http.StatusUnsupportedMediaType, detail: "the body must not be compressed"}
	}
	r.Header.Set(echo.HeaderContentType, want) // one form for all that read it after
	return nil
}

// bufferJSON reads a JSON body whole: exactly one value. The body limit stands before it.
func bufferJSON(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return bodyError(err)
	}
	if !json.Valid(body) {
		return &contractError{status: http.StatusBadRequest, detail: "the body is not one JSON value"}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}

// explain turns what the validator found into pointers. Values are not repeated: they may be secrets.
func explain(err error) error {
	out := &contractError{status: http.StatusBadRequest, detail: "the request breaks the contract"}
	out.collect(err, "")
	if len(out.fields) == 0 {
		return bodyError(err)
	}
	return out
}

func (e *contractError) collect(err error, at string) {
	if len(e.fields) >= maxFieldErrors {
		return
	}
	switch v := err.(type) {
	case openapi3.MultiError:
		for _, one := range v {
			e.collect(one, at)
		}
	case *openapi3filter.RequestError:
		if v.Parameter != nil {
			at = v.Parameter.Name
		}
		if v.Err == nil {
			e.fields = append(e.fields, contract.FieldError{Pointer: at, Message: plain(v.Reason)})
			return
		}
		e.collect(v.Err, at)
	case *openapi3.SchemaError:
		pointer := at
		for _, part := range v.JSONPointer() {
			pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(part)
		}
		e.fields = append(e.fields, contract.FieldError{Pointer: pointer, Message: plain(v.Reason)})
	default:
		var parse *openapi3filter.ParseError
		if errors.As(err, &parse) {
			e.fields = append(e.fields, contract.FieldError{Pointer: at, Message: "can't be read"})
		} else {
			e.fields = append(e.fields, contract.FieldError{Pointer: at, Message: plain(err.Error())})
		}
	}
}

// plain bounds a message and keeps it on one line.
func plain(message string) string {
	if i := strings.IndexAny(message, "\r\n"); i >= 0 {
		message = message[:i]
	}
	if len(message) > 200 {
		message = strings.ToValidUTF8(message[:200], "")
	}
	return message
}

// readBody reads a binary body of at most limit bytes.
func readBody(body io.Reader, limit int64) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
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
	return ledger.Errorf(ledger.CodeInvalid, "the request's body can't be read")
}
