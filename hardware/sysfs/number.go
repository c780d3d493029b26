package sysfs

import (
	"context"
	"fmt"
	"strconv"

	"isotherm/hardware"
)

// parseInt turns text into a number when all of it is a decimal integer with at most one minus sign before it. What
// strconv takes beyond that (a plus, 0x, underscores) is refused: no driver prints it.
func parseInt(text string) (int64, bool) {
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	if !allDigits(digits) {
		return 0, false
	}
	v, err := strconv.ParseInt(text, 10, 64)
	return v, err == nil
}

// parseDecimal turns text into a number when all of it is decimal digits with at most one point between them and one
// minus sign before them: no NaN, no infinity, no exponent, no hexadecimal. Scale factors of sensors are written so.
func parseDecimal(text string) (float64, bool) {
	const most = 32 // characters; the kernel prints at most 12 digits after the point
	if len(text) > most {
		return 0, false
	}
	digits := text
	if len(digits) > 0 && digits[0] == '-' {
		digits = digits[1:]
	}
	for i := range len(digits) {
		if digits[i] == '.' {
			if !allDigits(digits[:i]) || !allDigits(digits[i+1:]) {
				return 0, false
			}
			v, err := strconv.ParseFloat(text, 64)
			return v, err == nil
		}
	}
	if !allDigits(digits) {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// ReadInt reads an attribute that is one integer. Text that is not one is an *Error with FieldSyntax.
func (d *Device) ReadInt(ctx context.Context, path string) (int64, error) {
	text, err := d.Read(ctx, path)
	if err != nil {
		return 0, err
	}
	v, ok := parseInt(text)
	if !ok {
		return 0, Malformed(path, text, "an integer")
	}
	return v, nil
}

// ReadDecimal reads an attribute that is one decimal number. Text that is not one is an *Error with FieldSyntax.
func (d *Device) ReadDecimal(ctx context.Context, path string) (float64, error) {
	text, err := d.Read(ctx, path)
	if err != nil {
		return 0, err
	}
	v, ok := parseDecimal(text)
	if !ok {
		return 0, Malformed(path, text, "a decimal number")
	}
	return v, nil
}

// Malformed returns the *Error of an attribute whose text is not what it has to be.
func Malformed(path, text, want string) error {
	const show = 32
	if len(text) > show {
		text = text[:show] + "..."
	}
	return &Error{Op: "parse", Path: path, Fault: hardware.FieldSyntax, Err: fmt.Errorf("%q is not %s", text, want)}
}
