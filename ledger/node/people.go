package node

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/entry"
	"isotherm/ledger/store"
)

// Person is an enrolled person as their newest card says.
type Person struct {
	*entry.PersonCard               // the newest
	Cards             []access.Card // all, oldest first
	Index             int64         // of the newest card's entry
}

// Ended tells whether the person acts no more.
func (p *Person) Ended() bool { return p.Why == entry.CardEnded }

// peopleCache keeps decrypted cards: a version never changes, and the length of a person's chain says whether there are
// newer ones. It holds at most maxPeople, which is more than a country's transplant staff with a box in hand; beyond that
// it starts anew.
type peopleCache struct {
	mu sync.Mutex
	m  map[ledger.PersonID]*Person // guarded by mu
}

const maxPeople = 50_000

func (c *peopleCache) init() { c.m = map[ledger.PersonID]*Person{} }

func (c *peopleCache) get(id ledger.PersonID) *Person {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m[id]
}

func (c *peopleCache) put(p *Person) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= maxPeople {
		clear(c.m)
	}
	c.m[p.Person] = p
}

// person returns an enrolled person, nil for one who is unknown or erased.
func (n *Node) person(v *store.View, id ledger.PersonID) (*Person, error) {
	count, index, ok := v.Last(entry.Person(id))
	if !ok {
		return nil, nil
	}
	known := n.people.get(id)
	if known != nil && uint64(len(known.Cards)) == count {
		return known, nil
	}
	p := &Person{Index: index}
	for _, index := range v.Chain(entry.Person(id)) {
		_, payload, err := n.open(v, index)
		if errors.Is(err, errErased) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		card, err := entry.ParsePersonCard(payload)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", index, err)
		}
		p.Cards = append(p.Cards, access.Card{PersonCard: card, Index: index})
	}
	slices.Reverse(p.Cards)
	p.PersonCard = p.Cards[len(p.Cards)-1].PersonCard
	if known == nil || len(known.Cards) < len(p.Cards) { // a view older than the cache is rare
		n.people.put(p)
	}
	return p, nil
}

// cards returns a person's cards, oldest first; none for one who is unknown or erased.
func (n *Node) cards(v *store.View, id ledger.PersonID) ([]access.Card, error) {
	p, err := n.person(v, id)
	if err != nil || p == nil {
		return nil, err
	}
	return p.Cards, nil
}

// issuers returns the people with everybody who signed a card of theirs, of those in turn, and so on up to the operator:
// whom a verifier must know to check their cards.
func (n *Node) issuers(v *store.View, people []ledger.PersonID) ([]ledger.PersonID, error) {
	var out []ledger.PersonID
	for len(people) > 0 {
		id := people[0]
		people = people[1:]
		if id.IsZero() || slices.Contains(out, id) {
			continue
		}
		out = append(out, id)
		cards, err := n.cards(v, id)
		if err != nil {
			return nil, err
		}
		for _, c := range cards {
			people = append(people, c.By)
		}
	}
	return out, nil
}

// People returns everybody who is or was enrolled, in the order of IDs, with the state they were read from.
func (n *Node) People() ([]*Person, At, error) {
	var out []*Person
	at, err := n.view(func(v *store.View) error {
		for _, s := range v.Subjects(entry.SubjectPerson, [ledger.IDSize]byte{}, maxPeople) {
			p, err := n.person(v, s.ID)
			if err != nil {
				return err
			}
			if p != nil {
				out = append(out, p)
			}
		}
		return nil
	})
	return out, at, err
}

// Person returns an enrolled person, nil when unknown.
func (n *Node) Person(id ledger.PersonID) (*Person, At, error) {
	var p *Person
	at, err := n.view(func(v *store.View) error {
		var err error
		p, err = n.person(v, id)
		return err
	})
	return p, at, err
}
