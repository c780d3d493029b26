package bundle

import (
	"errors"
	"fmt"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/custody"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
)

// published is a program's profile as the ledger holds it.
type published struct {
	index   int64
	program string
}

// recalled is a calibration certificate that was recalled.
type recalled struct {
	index  int64
	reason string
}

// readSubjects reads who and what the case hangs on, in entry order: people's cards, organisations' cards, published
// profiles, recalled certificates, boxes and the openings of their journals. A card counts when it is signed by somebody
// who was an administrator just then.
func (v *verifier) readSubjects() {
	v.directory = access.NewDirectory(v.trust.Pin)
	cards := 0
	for _, c := range v.sorted(entry.KindPersonEnrolled, entry.KindPersonChanged, entry.KindOrganisation, entry.KindProfile,
		entry.KindCertificate, entry.KindBoxEnrolled, entry.KindJournalOpened) {
		var err error
		switch c.leaf.Kind {
		case entry.KindPersonEnrolled, entry.KindPersonChanged:
			cards++
			err = v.readPerson(c)
		case entry.KindOrganisation:
			cards++
			err = v.readOrganisation(c)
		case entry.KindProfile:
			err = v.readProfile(c)
		case entry.KindCertificate:
			err = v.readRecall(c)
		case entry.KindBoxEnrolled:
			err = v.readBox(c)
		case entry.KindJournalOpened:
			err = v.readOpening(c)
		}
		if err != nil {
			v.find(entryName(c.index), "%v", err)
		}
	}
	v.done("%d cards of people and organisations: signed by administrators in office, or the operator", cards)
}

// errSubject is returned for a payload that concerns another subject than its leaf says.
var errSubject = errors.New("does not concern the subject that its leaf names")

func (v *verifier) readPerson(c *checkedEntry) error {
	card, err := entry.ParsePersonCard(c.payload)
	if err != nil {
		return err
	}
	if c.leaf.Link(entry.Person(card.Person)) == nil {
		return errSubject
	}
	if first := card.Version == 1; first != (c.leaf.Kind == entry.KindPersonEnrolled) {
		return fmt.Errorf("card of person %s, version %d, is entered as %s", card.Person, card.Version, c.leaf.Kind)
	}
	return v.directory.Add(card, c.index)
}

func (v *verifier) readOrganisation(c *checkedEntry) error {
	card, err := entry.ParseOrganisationCard(c.payload)
	if err != nil {
		return err
	}
	if c.leaf.Link(entry.Organisation(card.Code)) == nil {
		return errSubject
	}
	version := uint32(0)
	if old := v.organisations[card.Code]; old != nil {
		version = old.Version
	}
	if err := access.CheckOrganisation(v.trust.Pin, card, version, v.directory.Cards(card.By)); err != nil {
		return err
	}
	v.organisations[card.Code] = card
	return nil
}

func (v *verifier) readProfile(c *checkedEntry) error {
	p, err := entry.ParseProfilePublished(c.payload)
	if err != nil {
		return err
	}
	parsed, err := profile.Parse(p.Profile)
	if err != nil {
		return err
	}
	hash := parsed.Hash()
	if c.leaf.Link(entry.Profile(hash)) == nil {
		return errSubject
	}
	if err := access.CheckPublished(v.trust.Pin, p, parsed.Program, v.directory.Cards(p.By)); err != nil {
		return err
	}
	if _, twice := v.profiles[hash]; !twice {
		v.profiles[hash] = published{index: c.index, program: parsed.Program}
	}
	return nil
}

func (v *verifier) readRecall(c *checkedEntry) error {
	r, err := entry.ParseCertificateRecalled(c.payload)
	if err != nil {
		return err
	}
	if c.leaf.Link(entry.Certificate(r.Number)) == nil {
		return errSubject
	}
	if _, twice := v.recalls[r.Number]; !twice {
		v.recalls[r.Number] = recalled{index: c.index, reason: r.Reason}
	}
	return nil
}

func (v *verifier) readBox(c *checkedEntry) error {
	p, err := entry.ParseBoxEnrolled(c.payload)
	if err != nil {
		return err
	}
	if c.leaf.Link(entry.Box(ledger.BoxIDOf(p.Key))) == nil {
		return errSubject
	}
	v.boxes[ledger.BoxIDOf(p.Key)], v.labels[ledger.BoxIDOf(p.Key)] = p.Key, p.Label
	return nil
}

func (v *verifier) readOpening(c *checkedEntry) error {
	a, err := entry.ParseAdvance(c.payload)
	if err == nil {
		v.openings = append(v.openings, a)
	}
	return err
}

// cards returns the cards of a person whom the export covers.
func (v *verifier) cards(id ledger.PersonID) []access.Card {
	if !v.export.leaf.Covers(entry.Person(id)) {
		return nil
	}
	return v.directory.Cards(id)
}

// name returns a person's name by their newest card, "" for one who is not in the bundle.
func (v *verifier) name(id ledger.PersonID) string {
	cards := v.directory.Cards(id)
	if len(cards) == 0 {
		return ""
	}
	return cards[len(cards)-1].Name
}

// organisationName returns what the code of an organisation stands for, "" for one without a card.
func (v *verifier) organisationName(code string) string {
	if card := v.organisations[code]; card != nil {
		return card.Name
	}
	return ""
}

// readActs reads the custody acts of the exported case and checks who signed them, and whether they may.
func (v *verifier) readActs() {
	for _, c := range v.sorted(entry.KindAct) {
		act, err := custody.ParseAct(c.payload)
		if err != nil {
			v.find(entryName(c.index), "%v", err)
			continue
		}
		if act.Statement.Ledger != v.trust.Pin.Origin || act.Statement.Shipment != v.shipment {
			v.find(entryName(c.index), "act is for another shipment or ledger")
			continue
		}
		if err := v.checkSigners(act, c.index); err != nil {
			v.find(entryName(c.index), "%v", err)
			continue
		}
		v.acts = append(v.acts, custody.Entered{Act: act, Index: c.index, RecordTimeMS: c.leaf.RecordTimeMS})
	}
	v.state = custody.Fold(v.acts)
	v.verdict.Counts.Acts = len(v.acts)
	v.done("%d custody acts: signatures by keys that the signers held, in roles that may", len(v.acts))
}

// checkSigners returns an error for a forged act, or one by a role that may not state it. A key that was replaced before
// the act came is told, no more: nobody can say when it was signed.
func (v *verifier) checkSigners(act *custody.Act, index int64) error {
	signers, err := access.CheckSigners(act, v.cards, index)
	if err != nil {
		return err
	}
	inOffice := slices.Clone(signers)
	for i, s := range signers {
		if _, text := s.Holding.Flag(); text != "" {
			v.flag("%s of entry %d: %s (person %s)", act.Statement.Kind, index, text, s.Card.Person)
		}
		inOffice[i].Holding = access.Current // told above
	}
	return access.Admit(act, inOffice)
}
