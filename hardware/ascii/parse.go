package ascii

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"isotherm/hardware"
	"isotherm/hardware/nmea"
)

// Verdict is what one line says.
type Verdict struct {
	Temp   hardware.Temperature // only meaningful when Fault is None and Nothing is false
	Fault  hardware.Fault       // why there is no temperature
	Formed bool                 // the line is whole and in the device's form; a fault is then what the device says
	// Nothing means that the line is neither a temperature nor a fault: an acknowledgement, or a sentence of another type.
	Nothing bool
}

// Parser turns lines into verdicts by one profile. It keeps no state; its methods may be called from any goroutine.
type Parser struct {
	p     Profile
	whole *regexp.Regexp // the pattern, for a whole line
	part  *regexp.Regexp // the pattern, anywhere
	// unsealed is the pattern without its checksum; nil without one.
	unsealed *regexp.Regexp
	prefix   string // what every good line begins with
	least    int    // bytes of the shortest line that fits
	words    []Word
	marks    []mark
	celsius  bool // a line without a unit is in degrees Celsius
}

// mark is a sentinel in millionths of a degree.
type mark struct {
	micro int64
	fault hardware.Fault
}

// NewParser checks a profile and makes its parser. With assumeCelsius a line without a unit is believed to be in degrees
// Celsius, though the profile has units; a line with another unit never is.
func NewParser(p Profile, assumeCelsius bool) (*Parser, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	r := &Parser{p: p, celsius: assumeCelsius, words: append(slices.Clone(p.Words), commonWords()...)}
	if err := r.compile(); err != nil {
		return nil, fmt.Errorf("thermometer profile %q: %w", p.Name, err)
	}
	return r, nil
}

// commonWords are what firmware of all kinds prints instead of a number.
func commonWords() []Word {
	return []Word{
		{"nan", hardware.ConversionFailed}, {"-nan", hardware.ConversionFailed}, {"inf", hardware.OutOfRange}, {"-inf", hardware.OutOfRange},
		{"ovf", hardware.OutOfRange}, {"ol", hardware.Disconnected}, {"-ol", hardware.Disconnected}, {"open", hardware.Disconnected},
		{"short", hardware.Shorted}, {"err", hardware.DeviceError}, {"error", hardware.DeviceError},
		{"-h-", hardware.OutOfRange}, {"-l-", hardware.OutOfRange}, {"-e-", hardware.DeviceError},
		{"---", hardware.Disconnected}, {"----", hardware.Disconnected}, {"", hardware.Disconnected},
	}
}

// compile makes what Parse needs of the profile.
func (r *Parser) compile() error {
	p := r.p
	// DS18B20 data sheet: 85 °C before the first conversion. Library DallasTemperature: -127 °C when nothing answers.
	for _, s := range append(slices.Clone(p.Marks), Sentinel{"85", hardware.PowerOnValue}, Sentinel{"-127", hardware.Disconnected}) {
		micro, fault := nmea.Decimal(s.Value, microDigits)
		if fault != hardware.None {
			return fmt.Errorf("sentinel %q is not a decimal number", s.Value)
		}
		r.marks = append(r.marks, mark{micro, s.Fault})
	}
	if p.XDR != "" {
		return nil
	}
	tree, err := syntax.Parse(p.Pattern, syntax.Perl)
	if err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	if r.whole, err = regexp.Compile(`\A(?:` + p.Pattern + `)\z`); err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	if r.part, err = regexp.Compile(p.Pattern); err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	if body, _, ok := strings.Cut(p.Pattern, `\*(?P<sum>`); ok {
		if r.unsealed, err = regexp.Compile(`\A(?:` + body + `)\z`); err != nil {
			return fmt.Errorf("pattern before its checksum: %w", err)
		}
	}
	r.prefix, _ = r.part.LiteralPrefix()
	if r.least = shortest(tree); r.least == 0 {
		return errors.New("pattern fits an empty line")
	}
	return r.checkGroups()
}

// checkGroups holds the names of groups against the rest of the profile.
func (r *Parser) checkGroups() error {
	names := r.whole.SubexpNames()
	for i, name := range names {
		switch {
		case name != "" && !slices.Contains([]string{"value", "sign", "unit", "places", "error", "sum"}, name):
			return fmt.Errorf("pattern: group %q is not known: use value, sign, unit, places, error or sum", name)
		case name != "" && slices.Contains(names[:i], name):
			return fmt.Errorf("pattern: group %q stands twice", name)
		}
	}
	has := func(name string) bool { return slices.Contains(names, name) }
	switch {
	case !has("value"):
		return errors.New("pattern: it has no group value, (?P<value>...)")
	case has("unit") != (len(r.p.Units) > 0):
		return errors.New("a group unit and a list of units need each other")
	case has("sum") != (r.p.Sum != NoSum):
		return errors.New("a group sum and a kind of checksum need each other")
	case has("sum") && r.unsealed == nil:
		return errors.New(`the group sum must stand after a star: \*(?P<sum>[0-9A-F]{2})`)
	}
	return nil
}

// shortest is the least number of bytes that fit an expression.
func shortest(re *syntax.Regexp) int {
	sum := 0
	switch re.Op {
	case syntax.OpLiteral:
		return len(string(re.Rune))
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return shortest(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min * shortest(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			sum += shortest(sub)
		}
		return sum
	case syntax.OpAlternate:
		sum = shortest(re.Sub[0])
		for _, sub := range re.Sub[1:] {
			sum = min(sum, shortest(sub))
		}
	}
	return sum
}

// Parse says what a line without its end says.
func (r *Parser) Parse(line []byte) Verdict {
	if r.p.XDR != "" {
		return r.parseXDR(line)
	}
	text := string(line)
	if r.ignored(text) {
		return Verdict{Nothing: true}
	}
	if fault, ok := r.word(text); ok && text != "" {
		return Verdict{Fault: fault, Formed: true}
	}
	match := r.whole.FindStringSubmatch(text)
	if match == nil {
		return Verdict{Fault: r.mismatch(text)}
	}
	group := func(name string) string {
		if i := r.whole.SubexpIndex(name); i >= 0 {
			return match[i]
		}
		return ""
	}
	if r.p.Sum == Xor && !xorGood(text, group("sum")) {
		return Verdict{Fault: hardware.ChecksumBad}
	}
	if word := group("error"); word != "" {
		fault, ok := r.word(word)
		if !ok {
			fault = hardware.DeviceError
		}
		return Verdict{Fault: fault, Formed: true}
	}
	return r.value(strings.TrimLeft(group("value"), " "), group("sign"), group("places"), group("unit"))
}

// parseXDR looks for the temperature of the profile's transducer.
func (r *Parser) parseXDR(line []byte) Verdict {
	list, fault := nmea.ParseXDR(line)
	if fault == hardware.UnknownType {
		return Verdict{Nothing: true} // a good sentence about something else
	}
	if fault != hardware.None {
		return Verdict{Fault: fault}
	}
	for _, m := range list {
		if m.Name == r.p.XDR && m.Type == 'C' {
			temp, fault := m.Temperature()
			return Verdict{Temp: temp, Fault: fault, Formed: fault != hardware.FieldSyntax}
		}
	}
	return Verdict{Nothing: true}
}

func (r *Parser) ignored(text string) bool {
	return slices.ContainsFunc(r.p.Ignore, func(line string) bool {
		if prefix, ok := strings.CutSuffix(line, "**"); ok {
			return strings.HasPrefix(text, prefix)
		}
		return text == line
	})
}

// word tells what a text instead of a number means.
func (r *Parser) word(text string) (hardware.Fault, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, w := range r.words {
		if text == strings.ToLower(w.Text) {
			return w.Fault, true
		}
	}
	if strings.HasPrefix(text, "err.") { // "Err.1", "Err. 3"
		return hardware.DeviceError, true
	}
	return hardware.None, false
}

const (
	microDigits = 6
	minMicro    = -80_000_000
	maxMicro    = 85_000_000

	// Where PT100 transmitters end with a broken element (IEC 60751).
	shortMicro = -200_000_000
	openMicro  = 850_000_000
)

// value turns the groups of a line that fits into a temperature.
func (r *Parser) value(value, sign, places, unit string) Verdict {
	if fault, ok := r.word(value); ok {
		return Verdict{Fault: fault, Formed: true}
	}
	if len(r.p.Units) > 0 && !slices.Contains(r.p.Units, unit) && (unit != "" || !r.celsius) {
		return Verdict{Fault: hardware.UnitMismatch, Formed: true}
	}
	micro, fault := r.micro(value, sign, places)
	switch {
	case fault == hardware.FieldRange:
		return Verdict{Fault: hardware.OutOfRange, Formed: true}
	case fault != hardware.None:
		return Verdict{Fault: fault}
	}
	for _, m := range r.marks {
		if micro == m.micro {
			return Verdict{Fault: m.fault, Formed: true}
		}
	}
	switch {
	case micro >= openMicro:
		return Verdict{Fault: hardware.Disconnected, Formed: true}
	case micro <= shortMicro:
		return Verdict{Fault: hardware.Shorted, Formed: true}
	case micro < minMicro || micro > maxMicro:
		return Verdict{Fault: hardware.OutOfRange, Formed: true}
	}
	return Verdict{Temp: hardware.Temperature(milli(micro)), Formed: true}
}

// milli rounds half away from zero.
func milli(micro int64) int64 {
	if micro < 0 {
		return (micro - 500) / 1000
	}
	return (micro + 500) / 1000
}

// micro reads a decimal number without a float.
func (r *Parser) micro(value, sign, places string) (int64, hardware.Fault) {
	point := "."
	if r.p.Comma {
		point = ","
	}
	if strings.ContainsAny(value, ",.") && !strings.Contains(value, point) {
		return 0, hardware.FieldSyntax
	}
	value = strings.Replace(value, point, ".", 1)
	negative := sign == "-" || sign == "1"
	digits := strings.TrimLeft(value, "+-")
	if len(value)-len(digits) > 1 || sign != "" && digits != value {
		return 0, hardware.FieldSyntax // two signs
	}
	if whole, fraction, cut := strings.Cut(digits, "."); whole == "" || cut && fraction == "" {
		return 0, hardware.FieldSyntax // ".5" and "4." are more often half a number than a whole one
	}
	shift := r.p.Places
	if places != "" {
		n, err := strconv.Atoi(places)
		if err != nil || n < 0 || n > microDigits {
			return 0, hardware.FieldSyntax
		}
		shift = n
	}
	if shift > 0 {
		if !nmea.AllDigits(digits) {
			return 0, hardware.FieldSyntax
		}
		written := value[:len(value)-len(digits)]
		digits = strings.Repeat("0", max(shift+1-len(digits), 0)) + digits
		value = written + digits[:len(digits)-shift] + "." + digits[len(digits)-shift:]
	}
	micro, fault := nmea.Decimal(value, microDigits)
	if negative {
		micro = -micro
	}
	return micro, fault
}

// xorGood checks the checksum after the last '*'.
func xorGood(text, sum string) bool {
	at := strings.LastIndexByte(text, '*')
	want, err := strconv.ParseUint(sum, 16, 8)
	if at < 0 || err != nil || len(sum) != 2 {
		return false
	}
	var got byte
	for i := range at {
		got ^= text[i]
	}
	return got == byte(want)
}

// mismatch names what is wrong with a line that does not fit the pattern.
func (r *Parser) mismatch(text string) hardware.Fault {
	foreign := !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\t' && c != '\x02' || c == 0x7F })
	start := strings.TrimLeft(text, " ")
	number := start != "" && strings.ContainsRune("+-0123456789", rune(start[0]))
	begins := r.prefix != "" && strings.HasPrefix(text, r.prefix)
	switch {
	case foreign:
		return hardware.Binary
	case len(r.part.FindAllStringIndex(text, 2)) > 1 || r.prefix != "" && strings.Count(text, r.prefix) > 1 && begins:
		return hardware.Interleaved
	case r.unsealed != nil && r.unsealed.MatchString(text):
		return hardware.ChecksumMissing
	case number && !r.p.Comma && strings.Contains(text, ","):
		return hardware.FieldSyntax // "25,3"
	case len(text) < r.least:
		return hardware.Truncated
	case begins || number:
		return hardware.FieldSyntax
	}
	return hardware.Noise
}
