package ledger

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an Error is. The numbers of HTTP are derived from it in one table, in package api.
type Code string

// The codes. They are part of the API: a code is never renamed or reused.
const (
	CodeInvalid         Code = "invalid"         // the request can't be understood or breaks a rule of its format
	CodeUnauthenticated Code = "unauthenticated" // no or unknown credentials
	CodeForbidden       Code = "forbidden"       // known, but not allowed
	CodeNotFound        Code = "not_found"       // no such thing
	CodeConflict        Code = "conflict"        // contradicts what the ledger holds, for example a batch that starts elsewhere
	CodeWrongRoot       Code = "wrong_root"      // records do not give the signed root; nothing was changed
	CodeQuarantined     Code = "quarantined"     // the box's journal has forked; it is kept and shown, not extended
	CodeUnavailable     Code = "unavailable"     // no leader, no majority or shutting down: try again
	CodeOverloaded      Code = "overloaded"      // too much at once: try again later
	CodeInternal        Code = "internal"        // a fault of the node; details are in its log only
)

// Error is the one error type that crosses the API. Message says what was wrong and where, Hint what to do about it.
type Error struct {
	Code    Code
	Message string
	Hint    string
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + ": " + e.Hint
}

// Errorf returns an Error with a formatted message and no hint.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// WithHint returns a copy of the error that says what to do.
func (e *Error) WithHint(hint string) *Error {
	c := *e
	c.Hint = hint
	return &c
}

// CodeOf returns the code of the first Error in err's chain, CodeInternal when there is none, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
