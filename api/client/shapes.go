package client

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"isotherm/ledger"
)

// Hash is a SHA-256 value whose JSON form is 64 lower-case hexadecimal digits: the hash of an act, a root, a commitment.
type Hash [32]byte

// String returns the JSON form.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText returns the JSON form.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText accepts 64 hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error {
	var v Hash
	if len(text) != 2*len(v) {
		return fmt.Errorf("hash %.80q: want %d hexadecimal digits", text, 2*len(v))
	}
	if _, err := hex.Decode(v[:], text); err != nil {
		return fmt.Errorf("hash %.80q: %w", text, err)
	}
	*h = v
	return nil
}

// Answered says which node answered, and how many entries its ledger had: two answers with different counts may differ.
type Answered struct {
	Node    string `json:"node"`
	Entries int64  `json:"entries"`
}

// Problem is the body of every error: application/problem+json of RFC 9457. Next and Root are there only when a batch
// starts elsewhere than the ledger's journal ends.
type Problem struct {
	Type      string      `json:"type"` // urn:isotherm:error:<code>
	Title     string      `json:"title"`
	Status    int         `json:"status"`
	Detail    string      `json:"detail"`
	Code      ledger.Code `json:"code"`
	Hint      string      `json:"hint,omitempty"`
	RequestID string      `json:"request_id,omitempty"`
	Next      *int64      `json:"next,omitempty"`
	Root      *Hash       `json:"root,omitempty"`
}

// Enrolment asks to make a box known. The head proves that the box holds the key.
type Enrolment struct {
	Key   ed25519.PublicKey `json:"key"`
	Head  []byte            `json:"head"`            // signed head of the box's journal, of any size from 0
	Label string            `json:"label,omitempty"` // what is written on the box; empty: the label of the token
}

// Enrolled is the answer to an Enrolment.
type Enrolled struct {
	Box     ledger.BoxID `json:"box"`
	Index   int64        `json:"index"`
	Genesis []byte       `json:"genesis"` // the ledger's genesis, to compare with the pinned keys
}

// SyncAnswer is the answer to a batch: the size up to which the ledger now holds the journal, the receipt for it (see
// entry.Receipt), and acts of the box's shipment that came to the ledger by another way (see custody.Act).
type SyncAnswer struct {
	Next    int64    `json:"next"`
	Receipt []byte   `json:"receipt"`
	Acts    [][]byte `json:"acts"`
}

// Conflict is the error of Sync when the batch starts elsewhere than the ledger's journal ends.
type Conflict struct {
	Next    int64     // where to go on
	Root    tlog.Hash // root of the journal at Next, as the ledger holds it
	Problem *ledger.Error
}

func (e *Conflict) Error() string { return e.Problem.Error() }

// Unwrap returns the error with its code.
func (e *Conflict) Unwrap() error { return e.Problem }

// EnrolTokenRequest asks for a one-time token with which a box enrols itself.
type EnrolTokenRequest struct {
	Label      string `json:"label"`
	TTLSeconds int64  `json:"ttl_s"` // at most 30 days
}

// Token is a secret, shown once.
type Token struct {
	Token     string `json:"token"`
	ExpiresMS int64  `json:"expires_ms"` // Unix milliseconds
}

// Person is someone who can sign acts.
type Person struct {
	ID           ledger.PersonID   `json:"id"`
	Name         string            `json:"name"`
	Organisation string            `json:"organisation"`
	Role         string            `json:"role"` // admin, coordinator, courier, center, auditor
	Key          ed25519.PublicKey `json:"key"`
}

// PersonEnrolled is the answer to the enrolment of a person. Enrolling the same person again gives a new token.
type PersonEnrolled struct {
	Person    ledger.PersonID `json:"person"`
	Index     int64           `json:"index"`
	Token     string          `json:"token"`
	ExpiresMS int64           `json:"expires_ms"`
}

// People is the list of enrolled people.
type People struct {
	Answered
	People []Person `json:"people"`
}

// Box is an enrolled box and the newest head of its newest journal that the ledger holds.
type Box struct {
	ID            ledger.BoxID          `json:"id"`
	Label         string                `json:"label"`
	Incarnation   *ledger.IncarnationID `json:"incarnation,omitempty"`
	Size          int64                 `json:"size"`
	Head          []byte                `json:"head,omitempty"`     // signed; the one of its enrolment until a batch came
	LastContactMS int64                 `json:"last_contact_ms"`    // RecordTime of its newest entry
	Shipment      *ledger.ShipmentID    `json:"shipment,omitempty"` // under way in this box
}

// Boxes is the list of enrolled boxes.
type Boxes struct {
	Answered
	Boxes []Box `json:"boxes"`
}

// ActAnswer says how an act was entered.
type ActAnswer struct {
	Index        int64        `json:"index"`
	RecordTimeMS int64        `json:"record_time_ms"`
	Duplicate    bool         `json:"duplicate"`
	Act          ledger.ActID `json:"act"`
	Hash         Hash         `json:"hash"`
	Standing     string       `json:"standing"` // applied, conflicting claim, waits for an earlier act
	Tip          Hash         `json:"tip"`      // newest act that applied: the parent of the next one
	Flags        []string     `json:"flags"`
}

// Party is who acts, and for whom. Name is empty when the person is not enrolled.
type Party struct {
	Person       ledger.PersonID `json:"person"`
	Name         string          `json:"name,omitempty"`
	Organisation string          `json:"organisation"`
}

// Summary is one line of the board of shipments.
type Summary struct {
	ID             ledger.ShipmentID `json:"id"`
	Phase          string            `json:"phase"`
	Organ          string            `json:"organ"`
	Side           string            `json:"side,omitempty"`
	From           string            `json:"from"`
	Dest           string            `json:"dest"`
	Box            *ledger.BoxID     `json:"box,omitempty"`
	Custodian      *Party            `json:"custodian,omitempty"`
	Pending        *Party            `json:"pending,omitempty"` // to whom it was released without an accept yet
	OpenedMS       int64             `json:"opened_ms"`
	ColdMS         int64             `json:"cold_ms,omitempty"` // start of cold preservation, Unix milliseconds
	LastTempMC     *int32            `json:"last_temp_mc,omitempty"`
	LastReadingMS  int64             `json:"last_reading_ms,omitempty"` // the box's wall clock
	LastContactMS  int64             `json:"last_contact_ms,omitempty"` // the ledger's RecordTime
	OpenExcursions int               `json:"open_excursions"`
	Excursions     int               `json:"excursions"`
	Flags          []string          `json:"flags"`
	Trouble        string            `json:"trouble,omitempty"` // why the trip could not be judged
}

// Shipments is the board.
type Shipments struct {
	Answered
	Shipments []Summary `json:"shipments"`
}

// Profile is the pinned profile, in short.
type Profile struct {
	Name        string `json:"name"`
	Version     uint32 `json:"version"`
	Hash        Hash   `json:"hash"`
	LowMC       int32  `json:"low_mc"`
	HighMC      int32  `json:"high_mc"`
	ColdWarnMS  uint64 `json:"cold_warn_ms"`
	ColdLimitMS uint64 `json:"cold_limit_ms"`
}

// Act is one act of a shipment as the ledger holds it.
type Act struct {
	Index        int64        `json:"index"`
	RecordTimeMS int64        `json:"record_time_ms"`
	EventTimeMS  int64        `json:"event_time_ms"`
	Kind         string       `json:"kind"`
	ID           ledger.ActID `json:"id"`
	Hash         Hash         `json:"hash"`
	Parent       *Hash        `json:"parent,omitempty"`
	Standing     string       `json:"standing"`
	By           Party        `json:"by"`
	To           *Party       `json:"to,omitempty"`
	Place        string       `json:"place,omitempty"`
	Condition    string       `json:"condition,omitempty"`
	Seal         string       `json:"seal,omitempty"`
	Reason       string       `json:"reason,omitempty"`
	Arrival      string       `json:"arrival,omitempty"`
	Outcome      string       `json:"outcome,omitempty"`
	Bytes        []byte       `json:"bytes"` // canonical, with signatures: see custody.ParseAct
}

// Held is one custodian's time. FromMS and ToMS are milliseconds of trip time; OutMS is the part inside excursions.
type Held struct {
	Party    Party  `json:"party"`
	SinceMS  int64  `json:"since_ms"` // when it began, as stated: Unix milliseconds
	Evidence string `json:"evidence"`
	FromMS   int64  `json:"from_ms"`
	ToMS     int64  `json:"to_ms"`
	OutMS    int64  `json:"out_ms"`
}

// Segment is a part of a box's journal that belongs to the shipment.
type Segment struct {
	Box         ledger.BoxID         `json:"box"`
	Incarnation ledger.IncarnationID `json:"incarnation"`
	From        int64                `json:"from"` // seq of the first record
	To          int64                `json:"to"`   // size that the ledger holds, or the one cited at receipt
}

// Share is a custodian's part of an excursion: who held the box, not who caused it.
type Share struct {
	Party Party `json:"party"`
	MS    int64 `json:"ms"`
}

// Excursion is an event out of band that lasted at least its rule's delay.
type Excursion struct {
	Rule      string  `json:"rule"`
	Kind      string  `json:"kind"` // below, above, lost, silent
	Probe     uint8   `json:"probe"`
	LimitMC   int32   `json:"limit_mc"`
	Open      bool    `json:"open"`
	BeganMS   int64   `json:"began_ms"` // the box's wall clock, Unix milliseconds
	EndedMS   int64   `json:"ended_ms"`
	Duration  int64   `json:"duration_ms"`
	ExtremeMC int32   `json:"extreme_mc"`
	Held      []Share `json:"held"`
}

// Gap is a time without readings.
type Gap struct {
	FromMS int64  `json:"from_ms"` // the box's wall clock, Unix milliseconds
	ToMS   int64  `json:"to_ms"`
	Reason string `json:"reason"`
}

// ProbeStats are the figures of one probe over the trip.
type ProbeStats struct {
	Probe    uint8 `json:"probe"`
	Readings int   `json:"readings"`
	Faults   int   `json:"faults"`
	MinMC    int32 `json:"min_mc"`
	MaxMC    int32 `json:"max_mc"`
	MeanMC   int32 `json:"mean_mc"`
}

// Trip is what the records of the box say under the pinned profile.
type Trip struct {
	Profile          Profile      `json:"profile"`
	Readings         int          `json:"readings"`
	FirstMS          int64        `json:"first_ms"` // the box's wall clock, Unix milliseconds
	LastMS           int64        `json:"last_ms"`
	TotalMS          int64        `json:"total_ms"`
	CoveredMS        int64        `json:"covered_ms"`
	CoveragePermille int          `json:"coverage_permille"`
	Settled          bool         `json:"settled"`
	SettledMS        int64        `json:"settled_ms,omitempty"`
	Excursions       []Excursion  `json:"excursions"`
	Custodians       []Held       `json:"custodians"`
	Gaps             []Gap        `json:"gaps"`
	Probes           []ProbeStats `json:"probes"`
}

// Shipment is one shipment with its whole custody history.
type Shipment struct {
	Answered
	Summary
	Donor    Hash      `json:"donor"` // keyed commitment to the donor ID
	Tip      Hash      `json:"tip"`   // parent of the next act
	BoxHead  []byte    `json:"box_head,omitempty"`
	History  []Act     `json:"history"`
	Segments []Segment `json:"segments"`
	Withheld []Segment `json:"withheld"` // parts of journals that an act cites and the ledger does not hold yet
	Trip     *Trip     `json:"trip,omitempty"`
}

// Sample is a probe's answer: a temperature, or a fault and no temperature.
type Sample struct {
	Probe  uint8  `json:"probe"`
	TempMC *int32 `json:"temp_mc,omitempty"`
	Fault  uint16 `json:"fault,omitempty"`
}

// Fix is a position in 1e-7 degrees.
type Fix struct {
	LatE7 int32  `json:"lat_e7"`
	LonE7 int32  `json:"lon_e7"`
	AgeMS uint32 `json:"age_ms"`
}

// Reading is one reading of a trip.
type Reading struct {
	Incarnation ledger.IncarnationID `json:"incarnation"`
	Seq         uint64               `json:"seq"`
	WallMS      int64                `json:"wall_ms"` // the box's wall clock, Unix milliseconds
	Clock       string               `json:"clock"`   // unset, rtc, ntp, gnss, simulated
	Samples     []Sample             `json:"samples"`
	Fix         *Fix                 `json:"fix,omitempty"`
}

// Readings is a page of a trip's readings. Next is the From of the following page, -1 when there is none yet.
type Readings struct {
	Answered
	Total    int64     `json:"total"`
	From     int64     `json:"from"` // number of the first reading, counted from 0 over the trip
	Next     int64     `json:"next"`
	Readings []Reading `json:"readings"`
}

// Status says how a node is.
type Status struct {
	Answered
	Origin     string   `json:"origin"`
	Leader     string   `json:"leader"` // empty when there is none
	State      string   `json:"state"`  // of raft: leader, follower, candidate
	Voters     []string `json:"voters"`
	Checkpoint int64    `json:"checkpoint"` // size of the newest checkpoint with a majority of cosignatures, 0 for none
	Halted     string   `json:"halted,omitempty"`
}

// Me is who the token belongs to.
type Me struct {
	Answered
	Person       ledger.PersonID `json:"person"`
	Name         string          `json:"name"`
	Organisation string          `json:"organisation"`
	Role         string          `json:"role"`
	Origin       string          `json:"origin"` // of the ledger: every statement names it
	ExpiresMS    int64           `json:"expires_ms"`
}
