package api

import (
	"context"

	"isotherm/api/contract"
	"isotherm/api/server"
	"isotherm/ledger"
	"isotherm/ledger/alarm"
	"isotherm/ledger/node"
)

func showAlarm(a *node.Alarm) contract.Alarm {
	out := contract.Alarm{ID: a.ID.String(), Code: string(a.Code), Severity: a.Severity.String(), What: a.What, SinceMS: a.SinceMS, UntilMS: a.UntilMS,
		LearnedMS: a.LearnedMS, Late: a.Late, Do: texts(a.Do), Call: []contract.Call{}, Shipment: a.Shipment, Box: a.Box, Organisation: a.Organisation,
		State: a.State.String(), Acknowledgements: []contract.Acknowledgement{}, Deliveries: []contract.Delivery{}}
	if a.Index > 0 {
		out.Index = a.Index
	}
	for _, c := range a.Call {
		out.Call = append(out.Call, contract.Call{Organisation: c.Organisation, Phone: c.Phone})
	}
	for _, k := range a.Acks {
		out.Acknowledgements = append(out.Acknowledgements, contract.Acknowledgement{By: k.By, Reason: k.Reason.String(), AtMS: k.AtMS, UntilMS: k.UntilMS})
	}
	for _, d := range a.Deliveries {
		out.Deliveries = append(out.Deliveries, contract.Delivery{Event: string(d.Event), Organisation: d.Organisation, Channel: string(d.Channel), AtMS: d.AtMS, Failed: d.Failed, Reason: d.Reason})
	}
	return out
}

func showAlarms(ctx context.Context, list []*node.Alarm, at node.At) contract.Alarms {
	out := contract.Alarms{Node: at.Node, Entries: at.Entries, Alarms: []contract.Alarm{}}
	for _, a := range list {
		out.Alarms = append(out.Alarms, showAlarm(a))
	}
	callOf(ctx).answeredAt(at)
	return out
}

// ListAlarms lists the alarms that last.
func (h *handler) ListAlarms(ctx context.Context, _ server.ListAlarmsRequestObject) (server.ListAlarmsResponseObject, error) {
	list, at, err := h.node.Alarms(ctx, principal(ctx))
	if err != nil {
		return nil, err
	}
	return server.ListAlarms200JSONResponse(showAlarms(ctx, list, at)), nil
}

// ListCaseAlarms lists all alarms of a case.
func (h *handler) ListCaseAlarms(ctx context.Context, r server.ListCaseAlarmsRequestObject) (server.ListCaseAlarmsResponseObject, error) {
	list, at, err := h.node.CaseAlarms(ctx, principal(ctx), r.Shipment)
	if err != nil {
		return nil, err
	}
	return server.ListCaseAlarms200JSONResponse(showAlarms(ctx, list, at)), nil
}

// ListOrganisationAlarms lists an organisation's test alarms.
func (h *handler) ListOrganisationAlarms(ctx context.Context, r server.ListOrganisationAlarmsRequestObject) (server.ListOrganisationAlarmsResponseObject, error) {
	list, at, err := h.node.OrganisationAlarms(ctx, principal(ctx), r.Code)
	if err != nil {
		return nil, err
	}
	return server.ListOrganisationAlarms200JSONResponse(showAlarms(ctx, list, at)), nil
}

// AcknowledgeAlarm confirms an alarm, with a reason.
func (h *handler) AcknowledgeAlarm(ctx context.Context, r server.AcknowledgeAlarmRequestObject) (server.AcknowledgeAlarmResponseObject, error) {
	id, err := alarm.ParseID(r.Alarm)
	if err != nil {
		return nil, ledger.Errorf(ledger.CodeInvalid, "%v", err)
	}
	reason, err := alarm.ParseReason(r.Body.Reason)
	if err != nil {
		return nil, ledger.Errorf(ledger.CodeInvalid, "%v", err)
	}
	a, err := h.node.AcknowledgeAlarm(ctx, principal(ctx), id, reason)
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	return server.AcknowledgeAlarm200JSONResponse(showAlarm(a)), nil
}

// TestAlarm sends a test alarm to an organisation's contacts.
func (h *handler) TestAlarm(ctx context.Context, r server.TestAlarmRequestObject) (server.TestAlarmResponseObject, error) {
	a, err := h.node.TestAlarm(ctx, principal(ctx), r.Code)
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	return server.TestAlarm200JSONResponse(showAlarm(a)), nil
}

// GetContacts says where an organisation's alarms go.
func (h *handler) GetContacts(ctx context.Context, r server.GetContactsRequestObject) (server.GetContactsResponseObject, error) {
	c, at, err := h.node.Contacts(ctx, principal(ctx), r.Code)
	if err != nil {
		return nil, err
	}
	out := server.GetContacts200JSONResponse{Node: at.Node, Entries: at.Entries, Organisation: c.Organisation, Webhook: c.Webhook, Email: c.Email, Hook: c.Hook, Phone: c.Phone}
	if c.Index > 0 {
		out.Index = c.Index
	}
	callOf(ctx).answeredAt(at)
	return out, nil
}

// SetContacts sets where an organisation's alarms go.
func (h *handler) SetContacts(ctx context.Context, r server.SetContactsRequestObject) (server.SetContactsResponseObject, error) {
	c, err := h.node.SetContacts(ctx, principal(ctx), node.Contacts{Organisation: r.Code, Webhook: r.Body.Webhook, Secret: r.Body.Secret,
		Email: r.Body.Email, Hook: r.Body.Hook, Phone: r.Body.Phone})
	if err != nil {
		return nil, err
	}
	callOf(ctx).private()
	return server.SetContacts200JSONResponse{Index: c.Index, Secret: c.Secret}, nil
}
