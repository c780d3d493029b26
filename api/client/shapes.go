package client

import (
	"golang.org/x/mod/sumdb/tlog"

	"isotherm/api/contract"
	"isotherm/ledger"
)

// The shapes are those of the contract, generated from openapi.yaml.
type (
	Act              = contract.Act
	ActAnswer        = contract.ActAnswer
	ActSigner        = contract.ActSigner
	Alarm            = contract.Alarm
	Alarms           = contract.Alarms
	Box              = contract.Box
	BoxHead          = contract.BoxHead
	Boxes            = contract.Boxes
	BreakGlass       = contract.BreakGlass
	CertificateTrip  = contract.CertificateTrip
	CertificateTrips = contract.CertificateTrips
	Consent          = contract.Consent
	Custodian        = contract.Custodian
	Consents         = contract.Consents
	Contacts         = contract.Contacts
	ContactsRequest  = contract.ContactsRequest
	ContactsSet      = contract.ContactsSet
	DonorFound       = contract.DonorFound
	Enrolled         = contract.Enrolled
	Enrolment        = contract.Enrolment
	Entered          = contract.Entered
	Excursion        = contract.Excursion
	Export           = contract.Export
	ExportJob        = contract.ExportJob
	ExportJobs       = contract.ExportJobs
	ExportRequest    = contract.ExportRequest
	FeedEvent        = contract.FeedEvent
	Fix              = contract.Fix
	Flag             = contract.Flag
	BoxBattery       = contract.BoxBattery
	BoxEvent         = contract.BoxEvent
	Gap              = contract.Gap
	Hash             = contract.Hash
	Nodes            = contract.Nodes
	Held             = contract.Held
	JournalPart      = contract.JournalPart
	Me               = contract.Me
	Organisations    = contract.Organisations
	Party            = contract.Party
	People           = contract.People
	Person           = contract.Person
	PersonDetail     = contract.PersonDetail
	PersonEnrolled   = contract.PersonEnrolled
	Problem          = contract.Problem
	Profile          = contract.Profile
	ProfileDetail    = contract.ProfileDetail
	Profiles         = contract.Profiles
	Reading          = contract.Reading
	Readings         = contract.Readings
	Series           = contract.Series
	Sample           = contract.Sample
	Segment          = contract.Segment
	Session          = contract.Session
	SetPassword      = contract.SetPassword
	ShareMade        = contract.ShareMade
	SharedView       = contract.SharedView
	Shares           = contract.Shares
	Shipment         = contract.Shipment
	ShipmentQuery    = contract.ListShipmentsParams
	Shipments        = contract.Shipments
	Status           = contract.Status
	Summary          = contract.Summary
	SyncAnswer       = contract.SyncAnswer
	Tip              = contract.Tip
	Token            = contract.Token
	TokenInfo        = contract.TokenInfo
	TokenMade        = contract.TokenMade
	TokenRequest     = contract.TokenRequest
	Tokens           = contract.Tokens
	Trail            = contract.Trail
	Trip             = contract.Trip
	UncountedTime    = contract.UncountedTime
)

// Conflict is the error of Sync when the batch starts elsewhere than the ledger's journal ends.
type Conflict struct {
	Next    int64     // where to go on
	Root    tlog.Hash // root of the journal at Next, as the ledger holds it
	Problem *ledger.Error
}

func (e *Conflict) Error() string { return e.Problem.Error() }

// Unwrap returns the error with its code.
func (e *Conflict) Unwrap() error { return e.Problem }
