package api

import (
	"context"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/entry"
	"isotherm/ledger/node"
)

// EnrolPerson makes a person known by version 1 of their card.
func (h *handler) EnrolPerson(ctx context.Context, r server.EnrolPersonRequestObject) (server.EnrolPersonResponseObject, error) {
	card, err := entry.ParsePersonCard(r.Body.Card)
	if err != nil {
		return nil, ledger.Errorf(ledger.CodeInvalid, "%v", err)
	}
	t, err := h.node.EnrolPerson(ctx, principal(ctx), card)
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	return server.EnrolPerson200JSONResponse(enrolled(card.Person, t)), nil
}

func enrolled(id ledger.PersonID, t node.PersonToken) contract.PersonEnrolled {
	out := contract.PersonEnrolled{Person: id, Index: t.Index, Token: t.Token}
	if t.Token != "" {
		out.ExpiresMS = t.Expires.UnixMilli()
	}
	return out
}

// ChangePerson enters the next version of a card.
func (h *handler) ChangePerson(ctx context.Context, r server.ChangePersonRequestObject) (server.ChangePersonResponseObject, error) {
	card, err := entry.ParsePersonCard(r.Body.Card)
	if err != nil {
		return nil, ledger.Errorf(ledger.CodeInvalid, "%v", err)
	}
	if card.Person != r.Person {
		return nil, ledger.Errorf(ledger.CodeInvalid, "the card is of person %s, not of %s", card.Person, r.Person)
	}
	t, err := h.node.ChangePerson(ctx, principal(ctx), card, r.Body.Token)
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	return server.ChangePerson200JSONResponse(enrolled(card.Person, t)), nil
}

// ListPeople lists everybody.
func (h *handler) ListPeople(ctx context.Context, r server.ListPeopleRequestObject) (server.ListPeopleResponseObject, error) {
	if same, err := h.unchanged(ctx, r.Params.IfNoneMatch); same || err != nil {
		return server.ListPeople304Response{}, err
	}
	people, at, err := h.node.People()
	if err != nil {
		return nil, err
	}
	out := server.ListPeople200JSONResponse{Node: at.Node, Entries: at.Entries, People: []contract.Person{}}
	for _, p := range people {
		out.People = append(out.People, showPerson(access.Card{PersonCard: p.PersonCard, Index: p.Index}))
	}
	callOf(ctx).cacheable(at)
	return out, nil
}

func showPerson(c access.Card) contract.Person {
	return contract.Person{ID: c.Person, Name: c.Name, Organisation: c.Organisation, Role: c.Role.String(), Key: c.Key, Version: int64(c.Version),
		Why: c.Why.String(), IssuedMS: c.IssuedMS, Index: c.Index, By: c.By, Ended: c.Why == entry.CardEnded, Card: c.Marshal()}
}

// GetPerson returns a person with all versions of their card.
func (h *handler) GetPerson(ctx context.Context, r server.GetPersonRequestObject) (server.GetPersonResponseObject, error) {
	if same, err := h.unchanged(ctx, r.Params.IfNoneMatch); same || err != nil {
		return server.GetPerson304Response{}, err
	}
	p, at, err := h.node.Person(r.Person)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, ledger.Errorf(ledger.CodeNotFound, "no person %s", r.Person)
	}
	out := server.GetPerson200JSONResponse{Node: at.Node, Entries: at.Entries, Person: showPerson(access.Card{PersonCard: p.PersonCard, Index: p.Index}), Cards: []contract.Person{}}
	for _, c := range p.Cards {
		out.Cards = append(out.Cards, showPerson(c))
	}
	callOf(ctx).cacheable(at)
	return out, nil
}

// ListOrganisations lists the organisations.
func (h *handler) ListOrganisations(ctx context.Context, r server.ListOrganisationsRequestObject) (server.ListOrganisationsResponseObject, error) {
	if same, err := h.unchanged(ctx, r.Params.IfNoneMatch); same || err != nil {
		return server.ListOrganisations304Response{}, err
	}
	list, at, err := h.node.Organisations()
	if err != nil {
		return nil, err
	}
	out := server.ListOrganisations200JSONResponse{Node: at.Node, Entries: at.Entries, Organisations: []contract.Organisation{}}
	for _, o := range list {
		out.Organisations = append(out.Organisations, contract.Organisation{Code: o.Code, Name: o.Name, Kind: o.Kind.String(), Phone: o.Phone,
			Version: int64(o.Version), Index: o.Index})
	}
	callOf(ctx).cacheable(at)
	return out, nil
}

// PutOrganisation enters the next version of an organisation's card.
func (h *handler) PutOrganisation(ctx context.Context, r server.PutOrganisationRequestObject) (server.PutOrganisationResponseObject, error) {
	card, err := entry.ParseOrganisationCard(r.Body.Card)
	if err != nil {
		return nil, ledger.Errorf(ledger.CodeInvalid, "%v", err)
	}
	index, err := h.node.PutOrganisation(ctx, principal(ctx), card)
	if err != nil {
		return nil, err
	}
	return server.PutOrganisation200JSONResponse{Index: index}, nil
}
