package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The JSON form is for people to read and edit; what is signed and pinned is the canonical form. Temperatures are decimal
// numbers of °C and K, exact to a thousandth, as numbers or in quotes; times are like '90s', '10m' or '1h30m'. A value of
// zero or empty may be left out.

// MaxJSON bounds what ParseJSON reads.
const MaxJSON = 64 << 10

// JSON returns the form that people edit. ParseJSON reads it back.
func (p *Profile) JSON() []byte {
	w := jsonWriter{indent: "  "}
	w.text("name", p.Name)
	w.number("version", strconv.FormatUint(uint64(p.Version), 10))
	w.optional("program", p.Program)
	w.text("probe_place", p.ProbePlace)
	w.number("probe_error_k", Decimal(int64(p.ProbeErrorMC)))
	w.number("low_c", Decimal(int64(p.LowMC)))
	w.number("high_c", Decimal(int64(p.HighMC)))
	w.text("settle", Duration(p.SettleMS))
	w.text("cold_warn", Duration(p.ColdWarnMS))
	w.text("cold_limit", Duration(p.ColdLimitMS))
	w.text("implant", Duration(p.ImplantMS))
	rules := make([]string, len(p.Rules))
	for i, r := range p.Rules {
		rules[i] = r.json()
	}
	w.list("rules", rules)
	steps := make([]string, len(p.Instructions))
	for i, s := range p.Instructions {
		steps[i] = quote(s)
	}
	w.list("instructions", steps)
	return []byte("{\n" + strings.Join(w.fields, ",\n") + "\n}\n")
}

func (r Rule) json() string {
	var w jsonWriter
	w.text("name", r.Name)
	w.text("kind", r.Kind.String())
	w.text("severity", r.Severity.String())
	if r.Kind.IsLow() || r.Kind.IsHigh() {
		w.number("limit_c", Decimal(int64(r.LimitMC)))
	}
	if r.HysteresisMC != 0 {
		w.number("hysteresis_k", Decimal(int64(r.HysteresisMC)))
	}
	if !r.Kind.IsArea() {
		w.text("delay", Duration(r.DelayMS))
	} else {
		w.number("area_k_min", Decimal(int64(r.AreaMKMin)))
	}
	return "{" + strings.Join(w.fields, ", ") + "}"
}

// jsonWriter keeps keys in the order in which people read a profile.
type jsonWriter struct {
	indent string
	fields []string
}

func (w *jsonWriter) number(key, value string) {
	w.fields = append(w.fields, w.indent+quote(key)+": "+value)
}

func (w *jsonWriter) text(key, value string) { w.number(key, quote(value)) }

func (w *jsonWriter) optional(key, value string) {
	if value != "" {
		w.text(key, value)
	}
}

func (w *jsonWriter) list(key string, items []string) {
	if len(items) == 0 {
		w.number(key, "[]")
		return
	}
	w.number(key, "[\n    "+strings.Join(items, ",\n    ")+"\n  ]")
}

func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always can be
	return strings.TrimSpace(b.String())
}

// ParseJSON reads the form that people edit, and checks that the profile can be judged by. Errors name the key: one that
// is not known, or comes twice, is an error.
func ParseJSON(b []byte) (*Profile, error) {
	if len(b) > MaxJSON {
		return nil, fmt.Errorf("read profile: %d bytes, at most %d are allowed", len(b), MaxJSON)
	}
	var p Profile
	if err := readObject(b, p.readField); err != nil {
		return nil, fmt.Errorf("read profile: %w", err)
	}
	if err := p.Check(); err != nil {
		return nil, err
	}
	return &p, nil
}

func (p *Profile) readField(key string, v json.RawMessage) (err error) {
	switch key {
	case "name":
		p.Name, err = readText(v)
	case "version":
		err = json.Unmarshal(v, &p.Version)
	case "program":
		p.Program, err = readText(v)
	case "probe_place":
		p.ProbePlace, err = readText(v)
	case "probe_error_k":
		var mk int64
		mk, err = readDecimal(v, 0, MaxTempMC)
		p.ProbeErrorMC = uint32(mk)
	case "low_c":
		p.LowMC, err = readTemperature(v)
	case "high_c":
		p.HighMC, err = readTemperature(v)
	case "settle":
		p.SettleMS, err = readDuration(v)
	case "cold_warn":
		p.ColdWarnMS, err = readDuration(v)
	case "cold_limit":
		p.ColdLimitMS, err = readDuration(v)
	case "implant":
		p.ImplantMS, err = readDuration(v)
	case "rules":
		err = readList(v, maxRules, func(item json.RawMessage) error {
			var r Rule
			err := readObject(item, r.readField)
			p.Rules = append(p.Rules, r)
			return err
		})
	case "instructions":
		err = readList(v, maxSteps, func(item json.RawMessage) error {
			s, err := readText(item)
			p.Instructions = append(p.Instructions, s)
			return err
		})
	default:
		return errUnknownKey
	}
	return err
}

func (r *Rule) readField(key string, v json.RawMessage) (err error) {
	switch key {
	case "name":
		r.Name, err = readText(v)
	case "kind":
		var n uint8
		n, err = readName(v, kindNames[:])
		r.Kind = RuleKind(n)
	case "severity":
		var n uint8
		n, err = readName(v, severityNames[:])
		r.Severity = Severity(n)
	case "limit_c":
		r.LimitMC, err = readTemperature(v)
	case "hysteresis_k":
		r.HysteresisMC, err = readTemperature(v)
	case "delay":
		r.DelayMS, err = readDuration(v)
	case "area_k_min":
		var area int64
		area, err = readDecimal(v, 0, MaxAreaMKMin)
		r.AreaMKMin = uint64(area)
	default:
		return errUnknownKey
	}
	return err
}

var errUnknownKey = errors.New("is not known")

// readObject calls field for each key of an object, in order. encoding/json alone would take keys twice, and in any case.
func readObject(b []byte, field func(key string, v json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("want an object in {}: %w", orElse(err, "found something else"))
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		key := t.(string) // the decoder takes nothing else for a key
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
		if seen[key] {
			return fmt.Errorf("key %q comes twice", key)
		}
		seen[key] = true
		if err := field(key, v); err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something comes after the end")
	}
	return nil
}

func orElse(err error, text string) error {
	if err == nil {
		return errors.New(text)
	}
	return err
}

func readList(v json.RawMessage, limit int, item func(json.RawMessage) error) error {
	var list []json.RawMessage
	if err := json.Unmarshal(v, &list); err != nil {
		return err
	}
	if len(list) > limit {
		return fmt.Errorf("%d of them, at most %d are allowed", len(list), limit)
	}
	for i, v := range list {
		if err := item(v); err != nil {
			return fmt.Errorf("number %d: %w", i+1, err)
		}
	}
	return nil
}

func readText(v json.RawMessage) (string, error) {
	var s *string
	if err := json.Unmarshal(v, &s); err != nil || s == nil {
		return "", errors.New("want a text in quotes")
	}
	return *s, nil
}

func readName(v json.RawMessage, names []string) (uint8, error) {
	s, err := readText(v)
	if err != nil {
		return 0, err
	}
	if i := slices.Index(names, s); i > 0 {
		return uint8(i), nil
	}
	return 0, fmt.Errorf("%q is none of: %s", s, strings.Join(names[1:], ", "))
}

func readTemperature(v json.RawMessage) (int32, error) {
	mc, err := readDecimal(v, -MaxTempMC, MaxTempMC)
	return int32(mc), err
}

// readDecimal reads a decimal number, plain or in quotes, into thousandths. No float is in between.
func readDecimal(v json.RawMessage, least, most int64) (int64, error) {
	text := string(v)
	if len(text) > 1 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	whole, part, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	digits := whole + (part + "000")[:3]
	plain := !strings.ContainsFunc(whole+part, func(r rune) bool { return r < '0' || r > '9' })
	n, err := strconv.ParseInt(digits, 10, 64)
	if whole == "" || len(part) > 3 || strings.HasSuffix(text, ".") || !plain || err != nil {
		return 0, fmt.Errorf("%.40s is no decimal number with at most three places", text)
	}
	if strings.HasPrefix(text, "-") {
		n = -n
	}
	if n < least || n > most {
		return 0, fmt.Errorf("%.40s is not from %s to %s", text, Decimal(least), Decimal(most))
	}
	return n, nil
}

func readDuration(v json.RawMessage) (uint64, error) {
	s, err := readText(v)
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%.40q is no time like '90s', '10m' or '1h30m'", s)
	}
	if d < 0 || d%time.Millisecond != 0 || d > MaxMS*time.Millisecond {
		return 0, fmt.Errorf("%.40q is not from 0s to %s in whole milliseconds", s, Duration(MaxMS))
	}
	return uint64(d.Milliseconds()), nil
}

// Duration writes milliseconds, at most MaxMS, as people say them: '1h30m', '90s' is '1m30s'.
func Duration(ms uint64) string {
	s := (time.Duration(ms) * time.Millisecond).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
