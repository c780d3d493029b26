package showcase

import (
	"net/http"

	"isotherm/ledger"
)

// tamper exports a case, changes one byte of a copy, and verifies both.
func (s *showcase) tamper(r *http.Request) (any, error) {
	var in struct{ Shipment string }
	if err := read(r, &in); err != nil {
		return nil, err
	}
	id, err := ledger.ParseID[ledger.ShipmentID](in.Shipment)
	if err != nil {
		return nil, ledger.Errorf(ledger.CodeInvalid, "shipment %.40q: %v", in.Shipment, err)
	}
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	default:
		return nil, ledger.Errorf(ledger.CodeOverloaded, "a byte is being changed right now")
	}
	return s.journey.Tamper(r.Context(), id)
}
