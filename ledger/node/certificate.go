package node

import (
	"context"
	"slices"

	"isotherm/ledger"
	"isotherm/ledger/access"
	"isotherm/ledger/command"
	"isotherm/ledger/entry"
	"isotherm/ledger/privacy"
	"isotherm/ledger/store"
)

// maxCertificate bounds the number of a calibration certificate, in bytes.
const maxCertificate = 60

// Recall says that a calibration certificate was recalled: what its probes measured stands, and is marked.
type Recall struct {
	Number       string
	Reason       string
	By           ledger.PersonID
	Index        int64 // of its first entry
	RecordTimeMS int64
}

// RecallCertificate enters that a calibration certificate is recalled, and returns the entry's index. No verdict changes by
// it: the trips that were measured with its probes show it.
func (n *Node) RecallCertificate(ctx context.Context, p Principal, number, reason string) (int64, error) {
	if err := n.allow(p, access.RecallCertificates); err != nil {
		return 0, err
	}
	if number == "" || len(number) > maxCertificate {
		return 0, ledger.Errorf(ledger.CodeInvalid, "certificate number of %d bytes, want 1 to %d", len(number), maxCertificate)
	}
	if err := checkText("reason", privacy.Reason, reason, 1); err != nil {
		return 0, err
	}
	recalled := entry.CertificateRecalled{Number: number, Reason: reason, By: p.Person}
	d := draft{kind: entry.KindCertificate, subjects: []entry.Subject{entry.Certificate(number)}, payload: recalled.Marshal()}
	e, err := n.entryOf(d)
	if err != nil {
		return 0, err
	}
	r, err := n.propose(ctx, &command.Command{Entry: e, Dedup: dedupID("certificate-recalled", []byte(number), p.Person[:], []byte(reason))})
	return r.Index, err
}

// recallOf returns the recall of a certificate, nil when there is none.
func (n *Node) recallOf(v *store.View, number string) (*Recall, error) {
	first := int64(-1)
	for _, index := range v.Chain(entry.Certificate(number)) {
		first = index
	}
	if first < 0 {
		return nil, nil
	}
	leaf, payload, err := n.open(v, first)
	if err != nil {
		return nil, err
	}
	recalled, err := entry.ParseCertificateRecalled(payload)
	if err != nil {
		return nil, err
	}
	return &Recall{Number: number, Reason: recalled.Reason, By: recalled.By, Index: first, RecordTimeMS: leaf.RecordTimeMS}, nil
}

// recalls returns the recalls of certificates under which the trip's probes measured, by number.
func (n *Node) recalls(v *store.View, c *shipmentCase) ([]Recall, error) {
	var out []Recall
	seen := map[string]bool{"": true}
	for _, j := range c.journals {
		if j.boot == nil {
			continue
		}
		for _, p := range j.boot.Probes {
			if seen[p.Certificate] {
				continue
			}
			seen[p.Certificate] = true
			r, err := n.recallOf(v, p.Certificate)
			if err != nil {
				return nil, err
			}
			if r != nil {
				out = append(out, *r)
			}
		}
	}
	return out, nil
}

// CertificateTrip is a trip with readings by probes of one certificate.
type CertificateTrip struct {
	Shipment ledger.ShipmentID
	Boxes    []ledger.BoxID
	Readings int   // with a temperature by one of the probes
	FromMS   int64 // wall clock of the box at the first of them
	ToMS     int64 // at the last
}

// CertificateTrips is what a certificate's probes measured.
type CertificateTrips struct {
	Recall *Recall // nil: it was not recalled
	Trips  []CertificateTrip
	Hidden int // trips that the principal may not read
}

// CertificateTrips lists the trips that were measured with probes of a certificate, those that the principal may read in
// the order of IDs. It looks through all cases.
func (n *Node) CertificateTrips(ctx context.Context, p Principal, number string) (CertificateTrips, At, error) {
	var out CertificateTrips
	if err := n.allow(p, access.ReadCases); err != nil {
		return out, At{}, err
	}
	at, err := n.view(func(v *store.View) error {
		var err error
		if out.Recall, err = n.recallOf(v, number); err != nil {
			return err
		}
		for _, s := range v.Subjects(entry.SubjectCase, [ledger.IDSize]byte{}, maxShipments) {
			if err := ctx.Err(); err != nil {
				return err
			}
			c, err := n.shipment(v, s.ID)
			if err != nil {
				return err
			}
			switch trip := c.measuredBy(number); {
			case trip.Readings == 0:
			case n.mayRead(v, p, c) != nil:
				out.Hidden++
			default:
				out.Trips = append(out.Trips, trip)
			}
		}
		return nil
	})
	return out, at, err
}

// measuredBy counts the trip's readings by probes of a certificate.
func (c *shipmentCase) measuredBy(number string) CertificateTrip {
	out := CertificateTrip{Shipment: c.id}
	if number == "" {
		return out
	}
	for _, j := range c.journals {
		if j.boot == nil {
			continue
		}
		probes := map[uint8]bool{}
		for _, p := range j.boot.Probes {
			probes[p.Number] = p.Certificate == number
		}
		before := out.Readings
		for _, r := range j.records {
			if r.Reading == nil {
				continue
			}
			for _, s := range r.Reading.Samples {
				if !probes[s.Probe] || s.Fault != 0 {
					continue
				}
				if out.Readings == 0 {
					out.FromMS = r.At.WallMS
				}
				out.Readings, out.ToMS = out.Readings+1, r.At.WallMS
				break // two probes of one certificate are one reading
			}
		}
		if out.Readings > before && !slices.Contains(out.Boxes, j.Box) {
			out.Boxes = append(out.Boxes, j.Box)
		}
	}
	return out
}
