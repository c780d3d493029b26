package node

import (
	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/privacy"
)

// lintError says in which text something looks like a patient's data.
func lintError(what string, err error) *ledger.Error {
	return ledger.Errorf(ledger.CodeInvalid, "%s: %v", what, err)
}

// lintStatement checks the texts of a statement that somebody submits. Acts that a box carries are not checked: they were
// signed and journaled before anybody could say no.
func lintStatement(s *custody.Statement) error {
	type text struct {
		what  string
		field privacy.Field
		text  string
	}
	texts := []text{
		{"place", privacy.Place, s.Place}, {"seal", privacy.Reference, s.Seal}, {"reference", privacy.Reference, s.Reference},
		{"condition", privacy.Label, s.Condition}, {"space", privacy.Label, s.Space},
		{"organisation", privacy.Place, s.By.Organisation}, {"desk", privacy.Place, s.By.Desk},
		{"organisation it is handed to", privacy.Place, s.To.Organisation}, {"desk it is handed to", privacy.Place, s.To.Desk},
		{"origin", privacy.Place, s.From}, {"destination", privacy.Place, s.Dest},
		{"phone number of the origin", privacy.Phone, s.FromPhone}, {"phone number of the destination", privacy.Phone, s.DestPhone},
	}
	for _, l := range s.Legs {
		texts = append(texts, text{"begin of a leg", privacy.Place, l.From}, text{"end of a leg", privacy.Place, l.To})
	}
	for _, t := range texts {
		if err := privacy.Check(t.field, t.text); err != nil {
			return lintError(t.what, err)
		}
	}
	return nil
}
