package bundle

import (
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/trip"
)

// Contents are what a bundle holds of its case, for documents that people read. They are worth what the verdict that comes
// with them says: of a broken bundle they may be anything.
type Contents struct {
	State     *custody.State   // what the acts say; nil when they could not be read
	Trip      *trip.Assessment // nil when there are no readings, or they can't be judged
	journals  []trip.Journal
	directory func(ledger.PersonID) string
	codes     map[string]*entry.OrganisationCard
	labels    map[ledger.BoxID]string
}

func (v *verifier) contents() *Contents {
	c := &Contents{State: v.state, Trip: v.judged, journals: v.of, codes: v.organisations, labels: v.labels, directory: func(ledger.PersonID) string { return "" }}
	if v.directory != nil {
		c.directory = v.name
	}
	return c
}

// PersonName returns a person's name by their newest card, "" for one who is not in the bundle.
func (c *Contents) PersonName(id ledger.PersonID) string { return c.directory(id) }

// OrganisationName returns what the code of an organisation stands for, the code itself for one without a card.
func (c *Contents) OrganisationName(code string) string {
	if card := c.codes[code]; card != nil && card.Name != "" {
		return card.Name
	}
	return code
}

// BoxLabel returns what is written on a box by its enrolment, "" for one that is not in the bundle.
func (c *Contents) BoxLabel(id ledger.BoxID) string { return c.labels[id] }

// Journals returns the records of the trip, one journal after another in the order of the trip.
func (c *Contents) Journals() []trip.Journal { return slices.Clone(c.journals) }

// Late tells whether a record of the trip came late: it was taken, and was not there when it was needed.
func (c *Contents) Late(origin string, seq uint64) bool {
	return c.Trip != nil && slices.ContainsFunc(c.Trip.Late, func(l trip.Late) bool {
		return l.Origin == origin && l.From.Seq <= seq && seq <= l.To.Seq
	})
}
