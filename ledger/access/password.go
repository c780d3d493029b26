package access

import (
	"strings"
	"unicode/utf8"

	"isotherm/ledger"
)

// Bounds of a password, and of a login. Length is what makes a password hard to guess; rules of composition only make it
// hard to remember (NIST SP 800-63B-4, 3.1.1.2).
const (
	MinPassword = 12  // characters
	MaxPassword = 256 // bytes, so that nobody feeds the hash a book
	MaxLogin    = 64  // bytes
)

// CheckPassword tells whether a password may be set. The error is CodeInvalid.
func CheckPassword(login, password string) error {
	length := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password) || len(password) > MaxPassword:
		return ledger.Errorf(ledger.CodeInvalid, "the password is over %d bytes or no text", MaxPassword)
	case length < MinPassword:
		return ledger.Errorf(ledger.CodeInvalid, "the password has %d characters, want %d or more", length, MinPassword).
			WithHint("four ordinary words make a good one")
	case login != "" && strings.Contains(strings.ToLower(password), strings.ToLower(login)):
		return ledger.Errorf(ledger.CodeInvalid, "the password holds the login")
	case strings.Count(password, password[:1]) == len(password):
		return ledger.Errorf(ledger.CodeInvalid, "the password is one character many times")
	}
	return nil
}

// NormalLogin returns a login as it is compared: without spaces around it, in lower case. ok is false for one that is none:
// empty, over 64 bytes, or with anything but letters, digits and . _ - @ +.
func NormalLogin(login string) (normal string, ok bool) {
	normal = strings.ToLower(strings.TrimSpace(login))
	for _, r := range normal {
		if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("._-@+", r)) {
			return "", false
		}
	}
	return normal, normal != "" && len(normal) <= MaxLogin
}
