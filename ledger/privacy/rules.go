package privacy

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// rule is one kind of look-alike.
type rule struct {
	name   string
	what   string
	hint   string
	fields uint16 // bit set of Field
	find   func(s string) []int
}

const (
	texts     = 1<<Code | 1<<Label | 1<<Place | 1<<Reference | 1<<Reason | 1<<Name
	notNames  = texts &^ (1 << Name)
	sentences = 1<<Label | 1<<Reference | 1<<Reason
)

// rules are tried in order: the most telling first.
var rules = []rule{
	{"e-mail", "an e-mail address", "leave it out", texts, pattern(`[^\s@<>(),;:]+@[^\s@<>(),;:]+\.[^\s@<>(),;:]+`)},
	{"patient-word", "something about a patient", "say what happened to the box or the organ, without the patient", texts, word(
		`patients?`, `date of birth`, `d\.?o\.?b`, `born`, `m\.?r\.?n`, `medical record`, `record no`, `s\.?s\.?n`, `social security`, `nhs (?:no|number)`,
		`hospital (?:no|number|id)`, `insurance`, `maiden name`, `next of kin`, `hla`, `serology`, `donor'?s? (?:id|name)`, `recipient'?s? (?:id|name)`, `unos (?:id|no)`)},
	{"age", "somebody's age", "leave it out", notNames, pattern(`(?i)\b(?:aged? \d{1,3}|\d{1,3}[ -]?(?:y/?o|yrs? old|years? old|year-old))\b`)},
	{"social-security-number", "a social security number", "leave it out; write a seal or report number without these separators", texts, pattern(`\b\d{3}[- ]\d{2}[- ]\d{4}\b`)},
	{"birth-date", "a date of birth", "write a day of this trip as 2026-11-23; leave any other out", texts, findDate},
	{"donation-number", "a donation number", "the donor ID has a field of its own, where it is hidden", texts, pattern(`\b[A-NP-Z]\d{12}\b|=[A-NP-Z1-9]\d{14}`)},
	{"phone-number", "a telephone number", "numbers to call are in the fields for them; write a seal or report number with its letters, or unbroken", notNames, findPhone},
	{"person-name", "a person's name", "write the role, the organisation or a staff number instead", sentences, findName},
}

func pattern(expr string) func(string) []int {
	re := regexp.MustCompile(expr)
	return re.FindStringIndex
}

// word finds one of the expressions as a word of its own, in any case.
func word(expr ...string) func(string) []int {
	re := regexp.MustCompile(`(?i)(?:^|[^\pL\pN])(` + strings.Join(expr, "|") + `)(?:[^\pL\pN]|$)`)
	return func(s string) []int {
		if m := re.FindStringSubmatchIndex(s); m != nil {
			return m[2:4]
		}
		return nil
	}
}

var waybill = regexp.MustCompile(`\b\d{3}[- ]?(\d{4}) ?(\d{4})\b`)

// waybills returns where air waybills stand: three digits of the airline, seven, and a check digit that is those modulo 7
// (IATA Resolution 600a).
func waybills(s string) [][]int {
	var out [][]int
	for _, m := range waybill.FindAllStringSubmatchIndex(s, -1) {
		serial := s[m[2]:m[3]] + s[m[4]:m[5]]
		n, err := strconv.Atoi(serial[:7])
		if err == nil && n%7 == int(serial[7]-'0') {
			out = append(out, m[:2])
		}
	}
	return out
}

// firstTripYear is the first year in which a trip could have been recorded: an earlier date is no trip's.
const firstTripYear = 2020

var (
	isoDate   = regexp.MustCompile(`\b(\d{4})-(\d{2})-(\d{2})\b`)
	otherDate = regexp.MustCompile(`\b(\d{1,2})([/-])(\d{1,2})[/-](\d{4}|\d{2})\b|\b(\d{1,2})(\.) ?(\d{1,2})\. ?(\d{4}|\d{2})\b|\b(\d{4})(/)(\d{1,2})/(\d{1,2})\b`)
	wordDate  = regexp.MustCompile(`(?i)\b(?:\d{1,2}(?:st|nd|rd|th)?[ .-]*(?:of )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{1,2}(?:st|nd|rd|th)?),?[ .-]*(?:19|20)\d{2}\b`)
)

// findDate finds a date, but for one of a possible trip in ISO form: that is how references name a flight's day.
func findDate(s string) []int {
	for _, m := range isoDate.FindAllStringSubmatchIndex(s, -1) {
		year, _ := strconv.Atoi(s[m[2]:m[3]])
		if year >= 1900 && year < firstTripYear && dayAndMonth(s[m[6]:m[7]], s[m[4]:m[5]]) {
			return m[:2]
		}
	}
	for _, m := range otherDate.FindAllStringSubmatchIndex(s, -1) {
		var part []string
		for g := 1; g <= 12; g++ {
			if m[2*g] >= 0 {
				part = append(part, s[m[2*g]:m[2*g+1]])
			}
		}
		a, b, year := part[0], part[2], part[3] // part[1] is the separator
		if len(a) == 4 {
			a, b, year = part[2], part[3], part[0]
		}
		if len(year) == 4 && (year < "1900" || year > "2099") {
			continue
		}
		if dayAndMonth(a, b) || dayAndMonth(b, a) {
			return m[:2]
		}
	}
	return wordDate.FindStringIndex(s)
}

func dayAndMonth(day, month string) bool {
	d, _ := strconv.Atoi(day)
	m, _ := strconv.Atoi(month)
	return d >= 1 && d <= 31 && m >= 1 && m <= 12
}

var (
	plusNumber  = regexp.MustCompile(`\+ ?\d(?:[ ()./-]{0,2}\d){6,}`)
	localNumber = regexp.MustCompile(`(?:^|[^\pL\pN-])((?:1[ .-]?)?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}|0\d{1,4}[ /-]\d{2,4}(?:[ /-]?\d{2,4}){1,3})(?:[^\pL\pN-]|$)`)
	nanpNumber  = regexp.MustCompile(`(?:^|[^\pL\pN-])([2-9]\d{2}[2-9]\d{6})(?:[^\pL\pN-]|$)`)
)

// findPhone finds a telephone number: with a country's prefix, in groups, or as ten digits that are one in North America.
func findPhone(s string) []int {
	if m := plusNumber.FindStringIndex(s); m != nil {
		return m
	}
	for _, re := range []*regexp.Regexp{localNumber, nanpNumber} {
		if m := re.FindStringSubmatchIndex(s); m != nil {
			return m[2:4]
		}
	}
	return nil
}

// token is a word of a text.
type token struct {
	from, to int
	text     string
	gap      bool // something but one space stands before it
}

var wordForm = regexp.MustCompile(`[\pL][\pL'.-]*`)

func tokens(s string) []token {
	var out []token
	end := 0
	for _, m := range wordForm.FindAllStringIndex(s, -1) {
		out = append(out, token{from: m[0], to: m[1], text: s[m[0]:m[1]], gap: s[end:m[0]] != " "})
		end = m[1]
	}
	return out
}

// findName finds a title with a name, and two capitalised words in a row that are neither ordinary words nor part of the
// name of an institution or a place.
func findName(s string) []int {
	list := tokens(s)
	for i := 0; i < len(list); {
		n := 0
		for i+n < len(list) && capitalised(list[i+n].text) && (n == 0 || !list[i+n].gap) {
			n++
		}
		if at := nameIn(list[i : i+n]); at != nil {
			return at
		}
		i += max(n, 1)
	}
	return nil
}

// nameIn looks for a name in a run of capitalised words.
func nameIn(run []token) []int {
	for _, t := range run {
		if institutions[plainWord(t.text)] {
			return nil
		}
	}
	first, length := 0, 0
	for i, t := range run {
		w := plainWord(t.text)
		if titles[w] && i+1 < len(run) {
			return []int{t.from, run[i+1].to}
		}
		if ordinary[w] {
			length = 0
			continue
		}
		if length++; length == 1 {
			first = i
		}
		if length == 2 {
			return []int{run[first].from, t.to}
		}
	}
	return nil
}

func plainWord(w string) string {
	return strings.TrimSuffix(strings.ToLower(strings.TrimRight(w, ".-'")), "'s")
}

// capitalised tells whether a word is written as a name: 'Smith', or 'SMITH' with four letters or more, for shorter ones
// are codes of airports and organisations.
func capitalised(w string) bool {
	upper, lower := 0, 0
	for i, r := range w {
		switch {
		case unicode.IsUpper(r):
			upper++
		case unicode.IsLower(r):
			lower++
		}
		if i == 0 && upper == 0 {
			return false
		}
	}
	return lower > 0 || upper >= 4
}

func set(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

var (
	titles       = set(`mr mrs ms miss dr prof herr frau mme`)
	institutions = set(`hospital hospitals center centre clinic klinik university airport airlines airways air cargo ambulance institute medical medicine
		health transplant opo organ donation network airport terminal gate street road avenue station hangar pharmacy laboratory lab company inc ltd gmbh`)
	ordinary = set(`a about after again air all also an and arrival as ask asked at audit backup battery because before block board box building by call called
		case charter check checked city claim cold complaint confirm confirmed control coordinator copy courier court custody damaged data day delay delayed delivered
		desk device door driver dry duty east emergency entry error evidence exit export failed fault file final first flight floor for found from front
		general global go handoff handover have heart held help holder ice in incident inspection insurer internal investigation is it journey kidney
		label late legal lid line liver log loss lost lung main manual missing monthly morning moved need needed new next night no north not note nurse of
		office old on one operating operator or order other our pack packed pancreas period phone pickup plan please police probe program property
		quality question ramp ready received record recovery red refused regional release replaced report request requested return review room route routine
		saint schedule seal second security see sensor service shift shipment side sign signature simulated south spare st staff stolen surgeon surgery
		system tarmac team temperature test the theatre this time to tower tracker training transport trip trial urgent vehicle verify version view
		warehouse warm was we week west when why with witness wrong yearly
		monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december`)
)
