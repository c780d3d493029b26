package identity

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"isotherm/api/client"
	"isotherm/ledger"
	"isotherm/ledger/custody"
)

// Act completes a statement, signs it, also by those who checked with the person, and delivers it. For every kind but
// Open it follows the newest act that the ledger holds, unless Parent is set. EventTimeMS is the caller's.
func (m *Me) Act(ctx context.Context, c *client.Client, s custody.Statement, others ...*Me) (*custody.Act, client.ActAnswer, error) {
	var none client.ActAnswer
	if s.Kind != custody.Open && s.Parent == [32]byte{} {
		// A node that lags after a failover would name an older claim, and make the act a conflicting one.
		x, err := c.Linearizable().Tip(ctx, s.Shipment)
		if err != nil {
			return nil, none, err
		}
		s.Parent = x.Tip
	}
	act, err := m.State(s)
	if err != nil {
		return nil, none, err
	}
	for _, o := range others {
		if err := o.SignAct(act, custody.RoleSecond); err != nil {
			return nil, none, err
		}
	}
	answer, err := c.SubmitAct(ctx, act.Marshal())
	return act, answer, err
}

// State makes the act of a statement and signs it as the person who states it. Parent and EventTimeMS are the caller's;
// the ledger, the person and, when it is zero, the ID are filled in.
func (m *Me) State(s custody.Statement) (*custody.Act, error) {
	if s.ID.IsZero() {
		s.ID = ledger.NewActID()
	}
	s.Ledger, s.By = m.Origin, m.Party()
	act, err := custody.NewAct(s)
	if err != nil {
		return nil, err
	}
	return act, m.SignAct(act, custody.RoleActor)
}

// now is the time by the clock of the person's device.
func (m *Me) now() time.Time {
	if m.Now != nil {
		return m.Now()
	}
	return time.Now()
}

// SignAct signs an act in a role, citing the newest box head that the person has seen: Seen, else the one that the first signer
// cites, else the act's.
func (m *Me) SignAct(act *custody.Act, role custody.Role) error {
	head := act.Statement.Head
	switch {
	case len(m.Seen) > 0:
		head = m.Seen
	case len(act.Signatures) > 0 && len(act.Signatures[0].Head) > 0:
		head = act.Signatures[0].Head
	}
	err := m.Sign(func(key ed25519.PrivateKey) error {
		act.Sign(key, m.Person, role, m.now().UnixMilli(), head)
		return nil
	})
	if err != nil {
		return fmt.Errorf("sign as %s: %w", m.Name, err)
	}
	return nil
}
