package client

import (
	"context"
	"net/http"
	"net/url"

	"isotherm/api/contract"
	"isotherm/ledger"
)

// SignIn opens a session; its Token is the secret, see WithToken.
func (c *Client) SignIn(ctx context.Context, login, password string) (Session, error) {
	var out Session
	err := c.WithToken("").post(ctx, "/v1/sessions", contract.SignIn{Login: login, Password: password}, &out)
	return out, err
}

// SignOut ends the session that the client's token belongs to.
func (c *Client) SignOut(ctx context.Context) error {
	return c.drop(ctx, "/v1/sessions/current", nil)
}

// drop deletes what a path names.
func (c *Client) drop(ctx context.Context, path string, query url.Values) error {
	_, err := c.bytes(ctx, call{method: http.MethodDelete, path: path, query: query})
	return err
}

// put sends JSON to a path; nil out: no answer is expected.
func (c *Client) put(ctx context.Context, path string, in, out any) error {
	return c.json(ctx, call{method: http.MethodPut, path: path}, in, out)
}

// SetPassword sets the caller's password: the first time with Login and New, later with Old and New.
func (c *Client) SetPassword(ctx context.Context, in SetPassword) error {
	return c.put(ctx, "/v1/me/password", in, nil)
}

// Me says who the token belongs to, and the ledger's origin that every statement must name.
func (c *Client) Me(ctx context.Context) (Me, error) {
	var out Me
	err := c.get(ctx, "/v1/me", nil, &out)
	return out, err
}

// ofPerson is the query for somebody else's tokens.
func ofPerson(person ledger.PersonID) url.Values {
	if person.IsZero() {
		return nil
	}
	return url.Values{"person": {person.String()}}
}

// Tokens lists the API tokens of a person; the zero ID is the caller.
func (c *Client) Tokens(ctx context.Context, person ledger.PersonID) (Tokens, error) {
	var out Tokens
	err := c.get(ctx, "/v1/tokens", ofPerson(person), &out)
	return out, err
}

// CreateToken makes an API token of the caller. Its secret is shown once.
func (c *Client) CreateToken(ctx context.Context, in TokenRequest) (TokenMade, error) {
	var out TokenMade
	err := c.post(ctx, "/v1/tokens", in, &out)
	return out, err
}

// RevokeToken makes a token of a person worth nothing; the zero ID is the caller.
func (c *Client) RevokeToken(ctx context.Context, person ledger.PersonID, id string) error {
	return c.drop(ctx, "/v1/tokens/"+url.PathEscape(id), ofPerson(person))
}

// EnrolPerson makes a person known by version 1 of their signed card (see entry.PersonCard) and returns a token of
// enrolment. The same card again gives a new token.
func (c *Client) EnrolPerson(ctx context.Context, card []byte) (PersonEnrolled, error) {
	var out PersonEnrolled
	err := c.post(ctx, "/v1/people", contract.SignedCard{Card: card}, &out)
	return out, err
}

// ChangePerson enters the next version of a person's signed card. With token, the answer has a token of enrolment.
func (c *Client) ChangePerson(ctx context.Context, person ledger.PersonID, card []byte, token bool) (PersonEnrolled, error) {
	var out PersonEnrolled
	err := c.post(ctx, "/v1/people/"+person.String()+"/cards", contract.ChangeCard{Card: card, Token: token}, &out)
	return out, err
}

// People lists enrolled people.
func (c *Client) People(ctx context.Context) (People, error) {
	var out People
	err := c.get(ctx, "/v1/people", nil, &out)
	return out, err
}

// Person returns one person with all versions of their card.
func (c *Client) Person(ctx context.Context, id ledger.PersonID) (PersonDetail, error) {
	var out PersonDetail
	err := c.get(ctx, "/v1/people/"+id.String(), nil, &out)
	return out, err
}

// PutOrganisation enters the next version of an organisation's signed card (see entry.OrganisationCard).
func (c *Client) PutOrganisation(ctx context.Context, card []byte) (Entered, error) {
	var out Entered
	err := c.post(ctx, "/v1/organisations", contract.SignedCard{Card: card}, &out)
	return out, err
}

// Organisations lists the organisations.
func (c *Client) Organisations(ctx context.Context) (Organisations, error) {
	var out Organisations
	err := c.get(ctx, "/v1/organisations", nil, &out)
	return out, err
}

func organisationPath(code, rest string) string {
	return "/v1/organisations/" + url.PathEscape(code) + rest
}

// Contacts says where alarms of an organisation go.
func (c *Client) Contacts(ctx context.Context, code string) (Contacts, error) {
	var out Contacts
	err := c.get(ctx, organisationPath(code, "/contacts"), nil, &out)
	return out, err
}

// SetContacts sets where alarms of an organisation go. A new secret is shown once.
func (c *Client) SetContacts(ctx context.Context, code string, in ContactsRequest) (ContactsSet, error) {
	var out ContactsSet
	err := c.put(ctx, organisationPath(code, "/contacts"), in, &out)
	return out, err
}

// TestAlarm sends a test alarm to the contacts of an organisation.
func (c *Client) TestAlarm(ctx context.Context, code string) (Alarm, error) {
	var out Alarm
	err := c.post(ctx, organisationPath(code, "/test-alarm"), nil, &out)
	return out, err
}

// OrganisationAlarms lists the test alarms of an organisation and what became of them.
func (c *Client) OrganisationAlarms(ctx context.Context, code string) (Alarms, error) {
	var out Alarms
	err := c.get(ctx, organisationPath(code, "/alarms"), nil, &out)
	return out, err
}
