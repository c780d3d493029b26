package custody

import (
	"fmt"
	"slices"
	"strings"
)

// ConditionCode is a code of HL7 v2 table 0544, Container Condition: what was found at a handoff.
type ConditionCode struct {
	Code string
	Text string // plain English
}

// conditions are the codes of the table that a transport team has a use for. An act may carry others: they are kept.
var conditions = []ConditionCode{
	{"CC", "container cracked"},
	{"CL", "container leaking"},
	{"CT", "container torn"},
	{"SB", "seal broken"},
	{"XAMB", "not kept at ambient temperature"},
	{"XFRZ", "not kept frozen"},
	{"XREF", "not kept refrigerated"},
}

// Conditions returns the codes that people choose from.
func Conditions() []ConditionCode { return slices.Clone(conditions) }

// ParseCondition reads what people enter at a handoff: known codes, in upper or lower case, in any order. It returns them as
// a statement holds them: each once, in the order of the table, separated by one space; empty when nothing was found. An
// unknown code is an error that lists the known ones.
func ParseCondition(text string) (string, error) {
	found := map[string]bool{}
	for _, word := range strings.Fields(text) {
		code := strings.ToUpper(word)
		if !slices.ContainsFunc(conditions, func(c ConditionCode) bool { return c.Code == code }) {
			return "", fmt.Errorf("container condition %.20q is not known: use %s", word, conditionList())
		}
		found[code] = true
	}
	var out []string
	for _, c := range conditions {
		if found[c.Code] {
			out = append(out, c.Code)
		}
	}
	return strings.Join(out, " "), nil
}

func conditionList() string {
	var out []string
	for _, c := range conditions {
		out = append(out, fmt.Sprintf("%s (%s)", c.Code, c.Text))
	}
	return strings.Join(out, ", ")
}

// ConditionText says in English what the codes of a statement mean: 'seal broken (SB)'. A code of a later table is shown
// as it is.
func ConditionText(codes string) string {
	var out []string
	for _, code := range strings.Fields(codes) {
		text := fmt.Sprintf("unknown condition (%s)", code)
		for _, c := range conditions {
			if c.Code == code {
				text = fmt.Sprintf("%s (%s)", c.Text, c.Code)
			}
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}
