package access

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"

	"isotherm/ledger"
	"isotherm/ledger/entry"
)

// Card is a person's card with the index of its entry.
type Card struct {
	*entry.PersonCard
	Index int64
}

// Directory is people's cards, each checked against those before it. A verifier makes one from a bundle.
type Directory struct {
	pin   entry.Pin
	cards map[ledger.PersonID][]Card
	last  int64 // index of the newest card
}

// NewDirectory returns an empty directory of the ledger.
func NewDirectory(pin entry.Pin) *Directory {
	return &Directory{pin: pin, cards: map[ledger.PersonID][]Card{}, last: -1}
}

// Cards returns a person's cards, oldest first.
func (d *Directory) Cards(id ledger.PersonID) []Card { return d.cards[id] }

// Add takes the card of the entry at index. Cards come in entry order, and those of an issuer before those that they
// signed. The error says why a card does not count; it is not added then.
func (d *Directory) Add(card *entry.PersonCard, index int64) error {
	if index <= d.last {
		return fmt.Errorf("card of person %s at entry %d comes after that of entry %d", card.Person, index, d.last)
	}
	if err := CheckCard(d.pin, card, d.cards[card.Person], d.cards[card.By]); err != nil {
		return err
	}
	d.cards[card.Person] = append(d.cards[card.Person], Card{card, index})
	d.last = index
	return nil
}

// newest returns the newest card, nil for none.
func newest(cards []Card) *entry.PersonCard {
	if len(cards) == 0 {
		return nil
	}
	return cards[len(cards)-1].PersonCard
}

// before returns the cards that were entered before index.
func before(cards []Card, index int64) []Card {
	for i, c := range cards {
		if c.Index >= index {
			return cards[:i]
		}
	}
	return cards
}

// ErrVersion is returned for a card whose version is not the next one.
var ErrVersion = errors.New("is not the next version of the card")

// CheckCard checks a card: its form, that it follows the person's cards so far, and that its issuer may sign it. issuer
// holds the cards of card.By so far, the same ones when an administrator changes their own. The error wraps ErrVersion when
// only the version is wrong.
func CheckCard(pin entry.Pin, card *entry.PersonCard, cards, issuer []Card) error {
	if err := checkForm(pin, card); err != nil {
		return fmt.Errorf("card of person %s: %w", card.Person, err)
	}
	if uint64(card.Version) != uint64(len(cards))+1 {
		return fmt.Errorf("card of person %s: version %d %w, that is %d", card.Person, card.Version, ErrVersion, len(cards)+1)
	}
	if err := checkChange(card, cards); err != nil {
		return fmt.Errorf("card of person %s, version %d: %w", card.Person, card.Version, err)
	}
	if err := checkIssuer(pin, card, issuer); err != nil {
		return fmt.Errorf("card of person %s, version %d: %w", card.Person, card.Version, err)
	}
	return nil
}

func checkForm(pin entry.Pin, card *entry.PersonCard) error {
	switch {
	case card.Ledger != pin.Origin:
		return fmt.Errorf("it is for ledger %.80q, this is %s", card.Ledger, pin.Origin)
	case card.Person.IsZero():
		return errors.New("the person has no id")
	case card.Name == "":
		return errors.New("the name is empty")
	case !entry.ValidCode(card.Organisation):
		return fmt.Errorf("%.80q is no code of an organisation: use letters, digits, spaces and . _ -", card.Organisation)
	case card.Role < entry.RoleAdmin || card.Role > entry.RoleAuditor:
		return fmt.Errorf("role %d is not known", card.Role)
	case len(card.Key) != ed25519.PublicKeySize:
		return fmt.Errorf("key of %d bytes, want %d", len(card.Key), ed25519.PublicKeySize)
	}
	return nil
}

// checkChange checks that a card changes what its reason says, and nothing else.
func checkChange(card *entry.PersonCard, cards []Card) error {
	old := newest(cards)
	if old == nil {
		if card.Why != entry.CardEnrolled {
			return fmt.Errorf("the first card has reason %s, want %s", card.Why, entry.CardEnrolled)
		}
		return nil
	}
	if (old.Why == entry.CardEnded) != (card.Why == entry.CardEnrolled) {
		return fmt.Errorf("reason %s does not follow %s: after the end a person is enrolled anew", card.Why, old.Why)
	}
	name, key := card.Name != old.Name, !bytes.Equal(card.Key, old.Key)
	role := card.Role != old.Role || card.Organisation != old.Organisation
	ok := false
	switch card.Why {
	case entry.CardEnrolled:
		ok = true
	case entry.CardKeyLost, entry.CardKeyStolen, entry.CardKeyRotated:
		ok = key && !name && !role
	case entry.CardRole:
		ok = role && !name && !key
	case entry.CardName:
		ok = name && !role && !key
	case entry.CardEnded:
		ok = !name && !role && !key
	}
	if !ok {
		return fmt.Errorf("it does not change just what reason %s says", card.Why)
	}
	if key {
		for _, c := range cards {
			if bytes.Equal(c.Key, card.Key) {
				return errors.New("the key was replaced before: make a new one")
			}
		}
	}
	return nil
}

// checkIssuer checks that the operator or an administrator signed the card. The operator's key stays offline: it signs the
// cards of administrators only, for the first one and for the case that the last one lost their key.
func checkIssuer(pin entry.Pin, card *entry.PersonCard, issuer []Card) error {
	if card.By.IsZero() {
		if card.Role != entry.RoleAdmin || !bytes.Equal(card.Signature.Key, pin.OperatorKey) {
			return errors.New("it names no issuer, and the operator's key did not sign it as an administrator's")
		}
		return card.Verify()
	}
	if err := checkCurrent(issuer, card.By, card.Signature.Key, entry.RoleAdmin); err != nil {
		return err
	}
	return card.Verify()
}

// checkCurrent checks that a person of one of the roles holds the key now.
func checkCurrent(cards []Card, id ledger.PersonID, key ed25519.PublicKey, roles ...entry.Role) error {
	now := newest(cards)
	switch {
	case now == nil:
		return fmt.Errorf("its issuer %s is not known", id)
	case now.Why == entry.CardEnded:
		return fmt.Errorf("its issuer %s acts no more", id)
	case !bytes.Equal(now.Key, key):
		return fmt.Errorf("it is not signed with the key that its issuer %s holds now", id)
	}
	for _, r := range roles {
		if now.Role == r {
			return nil
		}
	}
	return fmt.Errorf("its issuer %s is of role %s", id, now.Role)
}

// CheckOrganisation checks an organisation's card: its form, that its version is the next after the given one, and that an
// administrator signed it. The error wraps ErrVersion when only the version is wrong.
func CheckOrganisation(pin entry.Pin, card *entry.OrganisationCard, version uint32, issuer []Card) error {
	fail := func(err error) error { return fmt.Errorf("card of organisation %.60q: %w", card.Code, err) }
	switch {
	case card.Ledger != pin.Origin:
		return fail(fmt.Errorf("it is for ledger %.80q, this is %s", card.Ledger, pin.Origin))
	case !entry.ValidCode(card.Code):
		return fail(errors.New("its code is not one: use letters, digits, spaces and . _ -"))
	case card.Name == "":
		return fail(errors.New("the name is empty"))
	case card.Kind < entry.OrganisationOPO || card.Kind > entry.OrganisationOther:
		return fail(fmt.Errorf("kind %d is not known", card.Kind))
	case uint64(card.Version) != uint64(version)+1:
		return fail(fmt.Errorf("version %d %w, that is %d", card.Version, ErrVersion, uint64(version)+1))
	}
	if err := checkCurrent(issuer, card.By, card.Signature.Key, entry.RoleAdmin); err != nil {
		return fail(err)
	}
	if err := card.Verify(); err != nil {
		return fail(err)
	}
	return nil
}

// CheckPublished checks that a profile is signed by somebody of the organisation that sets it, whose role may: issuer
// holds the cards of its By. program is the code in the profile.
func CheckPublished(pin entry.Pin, p *entry.ProfilePublished, program string, issuer []Card) error {
	if p.Ledger != pin.Origin {
		return fmt.Errorf("profile is for ledger %.80q, this is %s", p.Ledger, pin.Origin)
	}
	if err := checkCurrent(issuer, p.By, p.Signature.Key, PublishProfiles.Roles()...); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	if org := newest(issuer).Organisation; program == "" || org != program {
		return fmt.Errorf("profile of program %.60q is issued by somebody of %s", program, org)
	}
	if err := p.Verify(); err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	return nil
}
