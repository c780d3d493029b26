package node

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/mail"
	"regexp"
	"strings"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/alarm"
	"isotherm/ledger/cbor"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/store"
)

// Contacts are where alarms of an organisation go. They are kept in the private state; entries only say which channels
// were set, and by whom.
type Contacts struct {
	Organisation string // its code
	Webhook      string // URL: https, or http on this machine
	Secret       string // of the webhook: 'whsec_' and base64. Returned only by the SetContacts that made it
	Email        string
	Hook         string // what the operator's command shall do with Phone: 'sms', 'voice'
	Phone        string // answered day and night
	Index        int64  // entry of the last change; -1 for none
}

const (
	contactPrefix = "contact/"    // + hex of the organisation's subject
	testPrefix    = "alarm-test/" // likewise; value: the code of an organisation that was tested
	secretPrefix  = "whsec_"      // by Standard Webhooks
	secretSize    = 32
	maxURL        = 500
)

var (
	plainHook  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,19}$`)
	plainPhone = regexp.MustCompile(`^\+?[0-9][0-9 ()./-]{3,30}[0-9]$`)
)

// channels returns the names of what is set.
func (c *Contacts) channels() []string {
	var out []string
	for _, x := range []struct{ value, name string }{{c.Webhook, string(alarm.Webhook)}, {c.Email, string(alarm.Email)}, {c.Hook, string(alarm.Hook)}, {c.Phone, "phone"}} {
		if x.value != "" {
			out = append(out, x.name)
		}
	}
	return out
}

// targets returns where messages go.
func (c *Contacts) targets() []alarm.Target {
	var out []alarm.Target
	if c.Webhook != "" {
		out = append(out, alarm.Target{Channel: alarm.Webhook, URL: c.Webhook, Secret: c.Secret})
	}
	if c.Email != "" {
		out = append(out, alarm.Target{Channel: alarm.Email, Address: c.Email})
	}
	if c.Hook != "" {
		out = append(out, alarm.Target{Channel: alarm.Hook, Hook: c.Hook, Phone: c.Phone})
	}
	return out
}

func (c *Contacts) check() error {
	bad := func(what, want string) error {
		return ledger.Errorf(ledger.CodeInvalid, "%s can't be used", what).WithHint("want " + want)
	}
	switch {
	case !entry.ValidCode(c.Organisation):
		return bad("the organisation's code", "up to 60 letters, digits, spaces and . _ -")
	case c.Webhook != "" && !goodURL(c.Webhook):
		return bad("the webhook's address", "an https URL without a password, or http on this machine")
	case c.Secret != "" && !goodSecret(c.Secret):
		return bad("the webhook's secret", "whsec_ and base64 of 24 to 64 bytes, or none to have one made")
	case c.Email != "" && !goodEmail(c.Email):
		return bad("the e-mail address", "one address such as oncall@example.org")
	case c.Hook != "" && !plainHook.MatchString(c.Hook):
		return bad("the hook", "a short name such as sms or voice")
	case c.Phone != "" && !plainPhone.MatchString(c.Phone):
		return bad("the phone number", "digits, such as +1 555 0100")
	case c.Hook != "" && c.Phone == "":
		return bad("a hook without a phone number", "the number that it shall call")
	}
	return nil
}

func goodURL(text string) bool {
	_, err := alarm.ParseWebhook(text)
	return err == nil && len(text) <= maxURL
}

func goodSecret(text string) bool {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, secretPrefix))
	return err == nil && strings.HasPrefix(text, secretPrefix) && len(raw) >= 24 && len(raw) <= 64
}

func goodEmail(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text && len(text) <= maxLabel
}

func contactName(prefix, organisation string) string {
	s := entry.OrganisationAccount(organisation)
	return prefix + hex.EncodeToString(s.ID[:])
}

func (c *Contacts) marshal() []byte {
	b := cbor.AppendText(cbor.AppendArray(nil, 6), c.Organisation)
	for _, text := range []string{c.Webhook, c.Secret, c.Email, c.Hook, c.Phone} {
		b = cbor.AppendText(b, text)
	}
	return b
}

func parseContacts(b []byte) (*Contacts, error) {
	d := cbor.NewDecoder(b)
	var c Contacts
	d.ArrayOf(6)
	for _, text := range []*string{&c.Organisation, &c.Webhook, &c.Secret, &c.Email, &c.Hook, &c.Phone} {
		*text = d.Text(maxURL)
	}
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("read contacts: %w", err)
	}
	return &c, nil
}

// contacts returns where alarms of an organisation go; without any, all channels are empty.
func (n *Node) contacts(v *store.View, organisation string) (*Contacts, error) {
	raw, err := n.secret(v, contactName(contactPrefix, organisation))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return &Contacts{Organisation: organisation, Index: -1}, nil
	}
	c, err := parseContacts(raw)
	if err == nil && c.Organisation != organisation {
		err = fmt.Errorf("contacts of %s stand under another organisation's name", c.Organisation)
	}
	return c, err
}

// mayManage tells whether somebody may see and change an organisation's contacts.
func (n *Node) mayManage(p Principal, organisation string) error {
	if err := n.allow(p, access.ManageContacts); err != nil {
		return err
	}
	if p.Role != entry.RoleAdmin && p.Organisation != organisation {
		return ledger.Errorf(ledger.CodeForbidden, "contacts of another organisation").WithHint("ask that organisation or an administrator")
	}
	return nil
}

// Contacts returns where alarms of an organisation go, without the webhook's secret.
func (n *Node) Contacts(_ context.Context, p Principal, organisation string) (Contacts, At, error) {
	if err := n.mayManage(p, organisation); err != nil {
		return Contacts{}, At{}, err
	}
	var out Contacts
	at, err := n.view(func(v *store.View) error {
		c, err := n.contacts(v, organisation)
		if err != nil {
			return err
		}
		out = *c
		out.Secret, out.Index = "", -1
		for _, index := range v.Chain(entry.OrganisationAccount(organisation)) {
			leaf, err := leafAt(v, index)
			if err != nil {
				return err
			}
			if leaf.Kind == entry.KindContact {
				out.Index = index
				return nil
			}
		}
		return nil
	})
	return out, at, err
}

// SetContacts changes where alarms of an organisation go; with no channel set it deletes them. A webhook without a secret
// keeps the one it had, or gets a new one, which is in the answer and nowhere else afterwards.
func (n *Node) SetContacts(ctx context.Context, p Principal, c Contacts) (Contacts, error) {
	if err := n.mayManage(p, c.Organisation); err != nil {
		return Contacts{}, err
	}
	if err := c.check(); err != nil {
		return Contacts{}, err
	}
	shown, err := n.settleSecret(&c)
	if err != nil {
		return Contacts{}, err
	}
	changed := entry.ContactChanged{Organisation: c.Organisation, By: p.Person, Channels: c.channels()}
	write := command.Secret{Name: contactName(contactPrefix, c.Organisation)} // empty: deletes
	if len(changed.Channels) > 0 {
		if write, err = n.sealed(write.Name, c.marshal()); err != nil {
			return Contacts{}, err
		}
	}
	e, err := n.entryOf(draft{kind: entry.KindContact, subjects: []entry.Subject{entry.OrganisationAccount(c.Organisation)}, payload: changed.Marshal()})
	if err != nil {
		return Contacts{}, err
	}
	r, err := n.propose(ctx, &command.Command{Entry: e, Secrets: []command.Secret{write}})
	if err != nil {
		return Contacts{}, err
	}
	c.Secret, c.Index = shown, r.Index
	return c, nil
}

// settleSecret gives a webhook its secret and returns what is to be shown of it: a new one, or nothing.
func (n *Node) settleSecret(c *Contacts) (shown string, err error) {
	if c.Webhook == "" {
		c.Secret = ""
		return "", nil
	}
	if c.Secret != "" {
		return "", nil
	}
	err = n.replica.View(func(v *store.View) error {
		old, err := n.contacts(v, c.Organisation)
		if err == nil {
			c.Secret = old.Secret
		}
		return err
	})
	if err != nil || c.Secret != "" {
		return "", err
	}
	var raw [secretSize]byte
	rand.Read(raw[:])
	c.Secret = secretPrefix + base64.StdEncoding.EncodeToString(raw[:])
	return c.Secret, nil
}
