// Package donor reads donor IDs as people type and scan them. One donor must have one spelling: cases are found by a keyed
// commitment to it. An ID that has the form of an ISBT 128 donation identification number must have the right check
// character; every other ID passes as it is. The package ships no table of facilities: it can't tell whether a number was
// ever given out.
package donor

import (
	"errors"
	"fmt"
	"strings"
)

// ID is a donor ID in its one spelling: upper case, without spaces and hyphens; a donation identification number without data
// identifier, flags and check character, that is its 13 characters.
type ID string

// MaxSize is the longest ID in bytes, as typed or scanned.
const MaxSize = 40

// dinSize is the length of a donation identification number: facility 5, year 2, sequence 6.
const dinSize = 13

// alphabet gives the values of check characters: 0-9 are 0 to 9, A-Z are 10 to 35, * is 36.
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*"

// Parse reads an ID. It takes
//
//   - any ID of letters and digits, such as 'abcd123';
//   - a donation identification number as on the label: 'G1234 98 654321', with or without its check character 'H';
//   - the same as scanned: '=G123498654321' and two flag characters, with or without the check character.
//
// The error says what to do, but never repeats the ID: an error may be logged. A wrong check character is an error that names
// the right one.
func Parse(text string) (ID, error) {
	if len(text) > MaxSize {
		return "", fmt.Errorf("donor ID is longer than %d characters: type the ID only", MaxSize)
	}
	s := strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return -1
		case r >= 'a' && r <= 'z': // no other script: some of its letters have an ASCII upper case
			return r - 'a' + 'A'
		}
		return r
	}, text)
	switch {
	case s == "":
		return "", errors.New("donor ID is empty")
	case s[0] == '=':
		return parseScan(s[1:])
	case len(s) == dinSize+1 && isDIN(s[:dinSize]) && strings.IndexByte(alphabet, s[dinSize]) >= 0:
		return checked(s[:dinSize], s[dinSize])
	}
	for i := range len(s) {
		if s[i] == '*' || strings.IndexByte(alphabet, s[i]) < 0 {
			return "", errors.New("donor ID has a character other than letters and digits: check it against the label")
		}
	}
	return ID(s), nil
}

// parseScan reads what follows the data identifier '=': the number, two flags, and a check character that some readers add.
func parseScan(s string) (ID, error) {
	if len(s) != dinSize+2 && len(s) != dinSize+3 || !isDIN(s[:dinSize]) {
		return "", errors.New("donor ID begins with '=' but is no ISBT 128 donation number: scan the left half of the donation number's bar code, or type the ID without '='")
	}
	din, flags := s[:dinSize], s[dinSize:dinSize+2]
	for i := range len(flags) {
		if strings.IndexByte(alphabet, flags[i]) < 0 {
			return "", errors.New("donor ID has flag characters that are no letters or digits: scan it again")
		}
	}
	if len(s) == dinSize+3 {
		return checked(din, s[dinSize+2])
	}
	// Flags 60 to 96 are the check character once more, as a number: 60 and its value.
	if n := number(flags); n >= 60 && n <= 96 && n-60 != checkValue(din) {
		return "", fmt.Errorf("donor ID was not read right: its check flag is %s, that of the number read is %d. Scan it again", flags, 60+checkValue(din))
	}
	return ID(din), nil
}

// checked returns the number when its check character is right.
func checked(din string, got byte) (ID, error) {
	if want := CheckCharacter(din); got != want {
		return "", fmt.Errorf("donor ID has the check character %c, but %c belongs to its number: compare each character with the label and type it again", got, want)
	}
	return ID(din), nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isDIN tells whether 13 characters have the form of a donation identification number: αppppyynnnnnn, where α is a letter
// or 1-9, and the rest are digits.
func isDIN(s string) bool {
	if len(s) != dinSize || s[0] == '0' {
		return false
	}
	for i := range dinSize {
		letter := s[i] >= 'A' && s[i] <= 'Z'
		if !isDigit(s[i]) && (i != 0 || !letter) {
			return false
		}
	}
	return true
}

// CheckCharacter returns the ISO/IEC 7064 MOD 37-2 check character of a number, as ISBT 128 uses it: the sum of each
// character's value times 2^n, n its place from the right, the last one's 1; of that modulo 37 the rest to 38, modulo 37.
// Vector: G123498654321 has H.
func CheckCharacter(din string) byte { return alphabet[checkValue(din)] }

func checkValue(din string) int {
	sum := 0
	for i := range len(din) {
		// Doubling at each step gives every character its power of two, and stays small modulo 37.
		sum = (sum + strings.IndexByte(alphabet, din[i])) * 2 % 37
	}
	return (38 - sum) % 37
}

// number returns the value of two digits, or -1.
func number(s string) int {
	if len(s) != 2 || !isDigit(s[0]) || !isDigit(s[1]) {
		return -1
	}
	return int(s[0]-'0')*10 + int(s[1]-'0')
}

// String returns the ID as it is committed to. Callers MUST NOT write it into a log.
func (id ID) String() string { return string(id) }
