// Package entry defines the entries of the ledger: the leaves of its Merkle log, the payloads they commit to, and what
// a verifier trusts: the genesis, the cosigner sets, and the policy that pins their keys.
//
// A leaf never holds what concerns a person: only kind, subjects and a salted hash of the payload, so that a payload can
// be destroyed while every proof stays valid. The package computes only; FORMAT.md in ledger/ describes the bytes.
package entry

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"isotherm/ledger"
	"isotherm/ledger/cbor"
)

// Kind tells what an entry says. Numbers are append only.
type Kind uint16

// The kinds of entry.
const (
	KindGenesis        Kind = 1 // entry 0: log key, operator key, first cosigner set
	KindCosigners      Kind = 2 // a later cosigner set
	KindBoxEnrolled    Kind = 3
	KindPersonEnrolled Kind = 4
	KindJournalOpened  Kind = 5 // the first batch of an incarnation; its payload is an Advance
	KindJournalAdvance Kind = 6 // a further batch
	KindAct            Kind = 7 // a custody act
	KindExport         Kind = 8 // ends an export and touches all that it covers
	KindCaseRead       Kind = 9 // somebody looked at a case

	KindPersonChanged Kind = 10 // a later card of a person: another key, role, name or organisation, or an end
	KindOrganisation  Kind = 11 // a card of an organisation: its code, name and numbers to call
	KindProfile       Kind = 12 // a program's profile, signed by who publishes it
	KindCertificate   Kind = 13 // a calibration certificate is recalled
	KindConsent       Kind = 14 // consent was given or withdrawn: reference, hash and scope of the signed document
	KindAccount       Kind = 15 // security of a person's account: sign-in, sign-out, failure, password, token
	KindDonorFind     Kind = 16 // somebody looked for a case by donor ID, had a commitment to one made, or kept it
	KindDonorReveal   Kind = 17 // the donor ID of a case was shown to somebody
	KindShare         Kind = 18 // a share link was made, used or revoked
	KindBreakGlass    Kind = 19 // somebody opened a case outside their own, with a reason
	KindAlarm         Kind = 20 // an alarm was raised, told, acknowledged or ended
	KindContact       Kind = 21 // where alarms of an organisation go was changed
)

var kindNames = [...]string{KindGenesis: "genesis", KindCosigners: "cosigner set", KindBoxEnrolled: "box enrolled",
	KindPersonEnrolled: "person enrolled", KindJournalOpened: "journal opened", KindJournalAdvance: "journal advance",
	KindAct: "custody act", KindExport: "export", KindCaseRead: "case read", KindPersonChanged: "person changed",
	KindOrganisation: "organisation", KindProfile: "profile", KindCertificate: "certificate", KindConsent: "consent",
	KindAccount: "account", KindDonorFind: "donor ID looked for", KindDonorReveal: "donor ID revealed", KindShare: "share link",
	KindBreakGlass: "break-glass", KindAlarm: "alarm", KindContact: "contacts"}

func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("unknown(%d)", uint16(k))
}

// SubjectKind tells what a subject is. Numbers are append only.
type SubjectKind uint8

// The kinds of subject. A journal is a subject of its own, beside its box, so that the box's chain stays short enough
// to walk whole: it holds enrolment and every opening of a journal, while each journal's chain holds its advances.
const (
	SubjectCase    SubjectKind = 1
	SubjectBox     SubjectKind = 2
	SubjectPerson  SubjectKind = 3
	SubjectPolicy  SubjectKind = 4 // there is one, with the zero ID: genesis and cosigner sets
	SubjectJournal SubjectKind = 5

	// What happens to a person's account is not in the person's own chain: that one is exported with every case they signed.
	SubjectAccount      SubjectKind = 6 // of a person; of an organisation: its contacts and test alarms
	SubjectOrganisation SubjectKind = 7 // by the hash of its code
	SubjectProfile      SubjectKind = 8 // by the profile's hash
	SubjectCertificate  SubjectKind = 9 // by the hash of its number
)

var subjectNames = [...]string{SubjectCase: "case", SubjectBox: "box", SubjectPerson: "person", SubjectPolicy: "policy", SubjectJournal: "journal",
	SubjectAccount: "account", SubjectOrganisation: "organisation", SubjectProfile: "profile", SubjectCertificate: "certificate"}

func (k SubjectKind) String() string {
	if k >= SubjectCase && k <= SubjectCertificate {
		return subjectNames[k]
	}
	return fmt.Sprintf("unknown(%d)", uint8(k))
}

// Subject is whom or what an entry concerns.
type Subject struct {
	Kind SubjectKind
	ID   [ledger.IDSize]byte
}

func (s Subject) String() string { return fmt.Sprintf("%s %x", s.Kind, s.ID) }

// Policy is the subject of genesis and cosigner sets.
var Policy = Subject{Kind: SubjectPolicy}

// Case names a case as a subject, by its shipment.
func Case(id ledger.ShipmentID) Subject { return Subject{SubjectCase, id} }

// Box names a box as a subject.
func Box(id ledger.BoxID) Subject { return Subject{SubjectBox, id} }

// Person names a person as a subject.
func Person(id ledger.PersonID) Subject { return Subject{SubjectPerson, id} }

// Journal names an incarnation of a box's journal as a subject.
func Journal(id ledger.IncarnationID) Subject { return Subject{SubjectJournal, id} }

// Account names a person's account as a subject.
func Account(id ledger.PersonID) Subject { return Subject{SubjectAccount, id} }

// Organisation names an organisation as a subject, by its code.
func Organisation(code string) Subject {
	return Subject{SubjectOrganisation, hashedID("organisation", []byte(code))}
}

// OrganisationAccount names an organisation's account as a subject. Its contacts and test alarms are there and not in the
// organisation's own chain, which is exported with every case it takes part in.
func OrganisationAccount(code string) Subject {
	return Subject{SubjectAccount, hashedID("organisation-account", []byte(code))}
}

// Profile names a profile as a subject, by its hash.
func Profile(hash [32]byte) Subject { return Subject{SubjectProfile, hashedID("profile", hash[:])} }

// Certificate names a calibration certificate as a subject, by its number.
func Certificate(number string) Subject {
	return Subject{SubjectCertificate, hashedID("certificate", []byte(number))}
}

func hashedID(what string, name []byte) (id [ledger.IDSize]byte) {
	h := sha256.Sum256(append([]byte("isotherm/"+what+"/v1\n"), name...))
	copy(id[:], h[:])
	return id
}

// CompareSubjects orders subjects by kind, then ID: the order of links in a leaf.
func CompareSubjects(a, b Subject) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), bytes.Compare(a.ID[:], b.ID[:]))
}

// NoPrev is the Prev of a subject's first entry.
const NoPrev = -1

// Link ties an entry into the chain of one subject: it is that subject's Count-th entry, and Prev is the index of the
// one before. A chain that is walked from an export back to count 1 leaves nothing out.
//
// An observed link says where a chain ended when the entry was made, without making it longer: the subject had Count
// entries, and Prev is the index of the newest. An export observes what it shares with other cases, such as the box, so
// that no case's bundle tells of another's exports.
type Link struct {
	Subject Subject
	Count   uint64
	Prev    int64
}

// Limits of an entry. A tile of entries gives each a length of 16 bits.
const (
	MaxLeaf    = 8 << 10
	MaxPayload = 48 << 10
	MaxLinks   = 128
	MaxNode    = 64 // bytes of a node's name
)

// leafVersion is the version of the leaf's format.
const leafVersion = 1

// Leaf is the bytes that the ledger's Merkle log commits to.
type Leaf struct {
	Kind         Kind
	RecordTimeMS int64  // Unix milliseconds, claimed by the node that proposed the entry
	Node         string // that node
	Links        []Link // ordered by CompareSubjects, each subject once
	Commitment   [32]byte
	Observed     []Link // ordered in the same way; no subject of Links
}

// Marshal returns the canonical bytes.
func (l *Leaf) Marshal() []byte {
	n := 6
	if len(l.Observed) > 0 {
		n++
	}
	b := cbor.AppendMap(make([]byte, 0, 128), n)
	b = cbor.AppendUint(cbor.AppendUint(b, 1), leafVersion)
	b = cbor.AppendUint(cbor.AppendUint(b, 2), uint64(l.Kind))
	b = cbor.AppendInt(cbor.AppendUint(b, 3), l.RecordTimeMS)
	b = cbor.AppendText(cbor.AppendUint(b, 4), l.Node)
	b = appendLinks(cbor.AppendUint(b, 5), l.Links)
	b = cbor.AppendBytes(cbor.AppendUint(b, 6), l.Commitment[:])
	if len(l.Observed) > 0 {
		b = appendLinks(cbor.AppendUint(b, 7), l.Observed)
	}
	return b
}

func appendLinks(b []byte, links []Link) []byte {
	b = cbor.AppendArray(b, len(links))
	for _, k := range links {
		n := 4
		if k.Prev == NoPrev {
			n = 3
		}
		b = cbor.AppendUint(cbor.AppendArray(b, n), uint64(k.Subject.Kind))
		b = cbor.AppendBytes(b, k.Subject.ID[:])
		b = cbor.AppendUint(b, k.Count)
		if k.Prev != NoPrev {
			b = cbor.AppendUint(b, uint64(k.Prev))
		}
	}
	return b
}

// ParseLeaf reads what Marshal writes, and nothing else.
func ParseLeaf(b []byte) (*Leaf, error) {
	if len(b) > MaxLeaf {
		return nil, fmt.Errorf("leaf of %d bytes, at most %d are allowed", len(b), MaxLeaf)
	}
	d := cbor.NewDecoder(b)
	var l Leaf
	version := uint64(0)
	d.Map(7, func(key uint64) bool {
		switch key {
		case 1:
			version = d.Uint()
		case 2:
			l.Kind = Kind(d.UintMax(1<<16 - 1))
		case 3:
			l.RecordTimeMS = d.Int()
		case 4:
			l.Node = d.Text(MaxNode)
		case 5:
			for range d.Array(MaxLinks) {
				l.Links = append(l.Links, parseLink(d))
			}
		case 6:
			d.Fixed(l.Commitment[:])
		case 7:
			for range d.Array(MaxLinks) {
				l.Observed = append(l.Observed, parseObserved(d))
			}
		default:
			return false
		}
		return true
	})
	if err := d.Done(); err != nil {
		return nil, fmt.Errorf("read leaf: %w", err)
	}
	if version != leafVersion {
		return nil, fmt.Errorf("read leaf: version %d, this program knows %d", version, leafVersion)
	}
	if !ascending(l.Links) || !ascending(l.Observed) || overlap(&l) || !bytes.Equal(l.Marshal(), b) {
		return nil, errors.New("read leaf: not in canonical form")
	}
	return &l, nil
}

func parseObserved(d *cbor.Decoder) Link {
	d.ArrayOf(4)
	k := Link{Subject: Subject{Kind: SubjectKind(d.UintMax(255))}}
	d.Fixed(k.Subject.ID[:])
	k.Count = d.Uint()
	k.Prev = int64(d.UintMax(1<<62 - 1))
	if d.Err() == nil && k.Count == 0 {
		d.Fail(errors.New("link observes a chain without entries"))
	}
	return k
}

// overlap tells whether a subject is both touched and observed.
func overlap(l *Leaf) bool {
	for _, k := range l.Observed {
		if l.Link(k.Subject) != nil {
			return true
		}
	}
	return false
}

// ascending tells whether the links are in order and name each subject once.
func ascending(links []Link) bool {
	for i := 1; i < len(links); i++ {
		if CompareSubjects(links[i-1].Subject, links[i].Subject) >= 0 {
			return false
		}
	}
	return true
}

func parseLink(d *cbor.Decoder) Link {
	n := d.Array(4)
	k := Link{Prev: NoPrev}
	k.Subject.Kind = SubjectKind(d.UintMax(255))
	d.Fixed(k.Subject.ID[:])
	k.Count = d.Uint()
	if n == 4 {
		k.Prev = int64(d.UintMax(1<<62 - 1))
	}
	if d.Err() == nil && (n < 3 || k.Count == 0 || (k.Count == 1) != (k.Prev == NoPrev)) {
		d.Fail(errors.New("link has a count that does not fit its previous entry"))
	}
	return k
}

// SaltSize is the length of the random salt before every payload.
const SaltSize = 16

// Salted returns a fresh salt followed by the payload: the bytes that Commit hashes and that are stored beside the leaf.
func Salted(payload []byte) []byte {
	b := make([]byte, SaltSize, SaltSize+len(payload))
	rand.Read(b)
	return append(b, payload...)
}

// Commit returns the commitment to a salted payload: SHA-256(salt || payload).
func Commit(salted []byte) [32]byte { return sha256.Sum256(salted) }

// Payload returns the payload of a salted payload after checking it against the leaf's commitment.
func (l *Leaf) Payload(salted []byte) ([]byte, error) {
	if len(salted) < SaltSize || len(salted) > SaltSize+MaxPayload {
		return nil, fmt.Errorf("payload of %d bytes is too short or too long", len(salted))
	}
	if Commit(salted) != l.Commitment {
		return nil, errors.New("payload does not match the leaf's commitment")
	}
	return salted[SaltSize:], nil
}

// Covers tells whether the leaf touches or observes the subject.
func (l *Leaf) Covers(s Subject) bool {
	for i := range l.Observed {
		if l.Observed[i].Subject == s {
			return true
		}
	}
	return l.Link(s) != nil
}

// Link returns the leaf's link to the subject, or nil.
func (l *Leaf) Link(s Subject) *Link {
	for i := range l.Links {
		if l.Links[i].Subject == s {
			return &l.Links[i]
		}
	}
	return nil
}
