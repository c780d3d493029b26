package entry

import (
	"fmt"
	"slices"
	"strings"
)

// names are the words of an enumeration by number; zero is none of them.
type names []string

func (c names) name(n uint8) string {
	if int(n) < len(c) && c[n] != "" {
		return c[n]
	}
	return fmt.Sprintf("unknown(%d)", n)
}

// parse reads a word. what names the enumeration in the error.
func (c names) parse(what, name string) (uint8, error) {
	if i := slices.Index(c, name); i > 0 {
		return uint8(i), nil
	}
	return 0, fmt.Errorf("%s %q is not known: use one of %s", what, name, strings.Join(c[1:], ", "))
}
