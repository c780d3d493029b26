package node

import (
	"context"
	"encoding/binary"
	"fmt"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/entry"
	"isotherm/ledger/profile"
	"isotherm/ledger/store"
)

// Profile is a profile that a program has published.
type Profile struct {
	*profile.Profile
	Hash      [32]byte
	Published *entry.ProfilePublished
	Index     int64 // of its entry
}

// maxProfiles bounds the list: some versions for every program of a country.
const maxProfiles = 10_000

// Profiles returns the published profiles. Those that are shipped with isotherm are in package profile.
func (n *Node) Profiles() ([]*Profile, At, error) {
	var out []*Profile
	at, err := n.view(func(v *store.View) error {
		for _, s := range v.Subjects(entry.SubjectProfile, [ledger.IDSize]byte{}, maxProfiles) {
			_, index, _ := v.Last(s)
			p, err := n.profileAt(v, index)
			if err != nil {
				return err
			}
			out = append(out, p)
		}
		return nil
	})
	return out, at, err
}

func (n *Node) profileAt(v *store.View, index int64) (*Profile, error) {
	_, payload, err := n.open(v, index)
	if err != nil {
		return nil, err
	}
	published, err := entry.ParseProfilePublished(payload)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", index, err)
	}
	p, err := profile.Parse(published.Profile)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", index, err)
	}
	return &Profile{Profile: p, Hash: p.Hash(), Published: published, Index: index}, nil
}

// PublishProfile enters a program's profile, signed by one of its people, and returns its entry's index. The same profile
// again answers the first one's. CodeConflict: another profile has this program, name and version.
func (n *Node) PublishProfile(ctx context.Context, p Principal, published *entry.ProfilePublished) (int64, error) {
	if err := n.allow(p, access.PublishProfiles); err != nil {
		return 0, err
	}
	made, err := profile.Parse(published.Profile)
	if err != nil {
		return 0, ledger.Errorf(ledger.CodeInvalid, "%v", err)
	}
	if published.By != p.Person {
		return 0, ledger.Errorf(ledger.CodeForbidden, "the profile is issued by person %s, not by you", published.By)
	}
	subject := entry.Profile(made.Hash())
	known := int64(-1)
	err = n.lookTwice(ctx, func() error {
		return n.replica.View(func(v *store.View) error {
			if _, index, there := v.Last(subject); there {
				known = index
				return nil
			}
			issuer, err := n.cards(v, published.By)
			if err != nil {
				return err
			}
			if err := access.CheckPublished(n.pin, published, made.Program, issuer); err != nil {
				return ledger.Errorf(ledger.CodeForbidden, "%v", err)
			}
			return nil
		})
	})
	if err != nil || known >= 0 {
		return known, err
	}
	slot := dedupID("profile", binary.BigEndian.AppendUint32(nil, made.Version), []byte(made.Program+"\n"+made.Name))
	return n.enterOnce(ctx, draft{kind: entry.KindProfile, subjects: []entry.Subject{subject}, payload: published.Marshal()}, slot)
}
