package donor_test

import (
	"strings"
	"testing"

	"isotherm/ledger/donor"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, in string
		want     donor.ID
		isDIN    bool
	}{
		{"as in the reference", "G123498654321H", "G123498654321", true},
		{"without its check character", "G123498654321", "G123498654321", true},
		{"lower case, with spaces", " g1234 98 654321 h ", "G123498654321", true},
		{"with hyphens", "G1234-98-654321-H", "G123498654321", true},
		{"scanned", "=G12349865432100", "G123498654321", true},
		{"scanned, with check character", "=G12349865432100H", "G123498654321", true},
		{"scanned, check character in the flags", "=G12349865432177", "G123498654321", true},
		{"scanned, flags of a process", "=G12349865432107H", "G123498654321", true},
		{"check character *", "W000026000017*", "W000026000017", true},
		{"a donor ID of the OPTN", "ABCD123", "ABCD123", false},
		{"the same in lower case, with spaces", "abcd 123", "ABCD123", false},
		{"one character", "7", "7", false},
		{"one character short of a donation number", "G12349865432", "G12349865432", false},
		{"14 characters, a letter within", "G12349865A321X", "G12349865A321X", false},
		{"facility that begins with 0", "0123498654321H", "0123498654321H", false},
		{"the longest", strings.Repeat("A", donor.MaxSize), donor.ID(strings.Repeat("A", donor.MaxSize)), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := donor.Parse(tt.in)
			if err != nil || got != tt.want {
				t.Fatalf("got %q, %v, want %q", got, err, tt.want)
			}
			if got.IsDIN() != tt.isDIN {
				t.Errorf("IsDIN: got %t", got.IsDIN())
			}
			if again, err := donor.Parse(got.String()); err != nil || again != got {
				t.Errorf("again: got %q, %v", again, err)
			}
		})
	}
}

func TestParse_refuses(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", "is empty"},
		{"spaces only", "  - ", "is empty"},
		{"too long", strings.Repeat("A", donor.MaxSize+1), "longer than 40"},
		{"wrong check character", "G123498654321J", "check character J, but H belongs"},
		{"wrong digit", "G123498654322H", "check character H, but F belongs"},
		{"two digits exchanged", "G123496854321H", "check character H, but"},
		{"check character 0", "G1234986543210", "check character 0, but H belongs"},
		{"scanned, wrong check character", "=G12349865432100J", "check character J, but H belongs"},
		{"scanned, wrong check flag", "=G12349865432176", "check flag is 76, that of the number read is 77"},
		{"scanned, the highest wrong check flag", "=G12349865432196", "check flag is 96"},
		{"scanned, the lowest wrong check flag", "=G12349865432160", "check flag is 60"},
		{"scanned, too short", "=G1234986543210", "no ISBT 128"},
		{"scanned, too long", "=G12349865432100HH", "no ISBT 128"},
		{"scanned, another data structure", "=%5100", "no ISBT 128"},
		{"scanned, flags", "=G1234986543210/", "flag characters"},
		{"line break", "ABCD123\n", "other than letters"},
		{"star", "ABCD*", "other than letters"},
		{"letter of another script", "ABCDſ23", "other than letters"},
		{"not UTF-8", "AB\xff", "other than letters"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := donor.Parse(tt.in)
			if err == nil {
				t.Fatalf("got %q, want an error", got)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want it to say %q", err, tt.want)
			}
			if id := strings.Trim(tt.in, " -\n"); len(id) > 3 && strings.Contains(err.Error(), id) {
				t.Errorf("%q repeats the ID", err)
			}
		})
	}
}

// Every number that differs in one character, or has two neighbours exchanged, has another check character: that is what it
// is for.
func TestCheckCharacter(t *testing.T) {
	const din = "G123498654321"
	if got := donor.CheckCharacter(din); got != 'H' {
		t.Fatalf("got %c, want H", got)
	}
	for i := range len(din) {
		for _, c := range []byte("0123456789") {
			other := []byte(din)
			other[i] = c
			if string(other) != din && donor.CheckCharacter(string(other)) == 'H' {
				t.Errorf("%s has the same check character", other)
			}
		}
		if i > 0 && din[i] != din[i-1] {
			other := []byte(din)
			other[i], other[i-1] = other[i-1], other[i]
			if donor.CheckCharacter(string(other)) == 'H' {
				t.Errorf("%s has the same check character", other)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"G123498654321H", "=G12349865432177", "=G12349865432100H", "abcd 123", "", "=", "ſ", "G1234 98 654321"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := donor.Parse(text)
		if err != nil {
			return
		}
		if again, err := donor.Parse(id.String()); err != nil || again != id {
			t.Errorf("%q: again got %q, %v, want %q", text, again, err, id)
		}
		if id == "" || len(id) > donor.MaxSize || strings.ToUpper(string(id)) != string(id) {
			t.Errorf("%q: got %q", text, id)
		}
		if id.IsDIN() {
			for _, form := range []string{string(id) + string(donor.CheckCharacter(string(id))), "=" + string(id) + "00"} {
				if same, err := donor.Parse(form); err != nil || same != id {
					t.Errorf("%q: got %q, %v, want %q", form, same, err, id)
				}
			}
		}
	})
}
