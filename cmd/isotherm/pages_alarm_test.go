package main

import (
	"testing"
)

// pageAlarm is what the API says of an alarm, as far as these tests ask.
type pageAlarm struct {
	ID, Shipment, Code, State string
	Acknowledgements          []struct{ By, Reason string }
}

// alarmOf returns the alarm of a code that lasts, as the API says.
func (d *device) alarmOf(code string) pageAlarm {
	d.t.Helper()
	found := eval[[]pageAlarm](d, `(() => { const code = `+quote(code)+`; return fetch('/v1/alarms').then((r) => r.json()).then((a) => a.alarms.filter((x) => x.code === code && !x.until_ms)
		.map((x) => ({ ID: x.id, Shipment: x.shipment, Code: x.code, State: x.state, Acknowledgements: x.acknowledgements.map((k) => ({ By: k.by, Reason: k.reason })) }))); })()`)
	if len(found) != 1 {
		d.t.Fatalf("alarms %q that last: %+v, want one", code, found)
	}
	return found[0]
}

// testAlarm is an organ that is too cold now: its courier acknowledges on the phone, and the center sees it and follows.
func (s *stage) testAlarm(t *testing.T) {
	d := s.as(t, "courier", phone)
	raised := d.alarmOf("too-cold")
	for _, look := range []screen{desktop, night, phone} {
		d.look(look)
		d.open("/carry/" + raised.Shipment)
		d.see("Pancreas", "High", "Too cold", "Do now", "Do not open the box.", "Call the coordinator.", "Acknowledge")
		d.check("alarm")
	}
	d.readme("alarm.png")
	d.press("Call")
	d.see("+1 206 555 0199")
	d.check("alarm-call")
	d.press("Close")
	d.press("Acknowledge")
	d.see("Why do you acknowledge it?")
	d.check("alarm-why")
	d.press("I act on it")
	d.see("Hand over") // the screen is the courier's again, with a line for the alarm
	d.check("alarm-line")
	d.press("Too cold")
	d.see("Acknowledged until", "Acknowledge again")
	d.check("alarm-acknowledged")
	if now := d.alarmOf("too-cold"); now.State != "acknowledged" || len(now.Acknowledgements) != 1 || now.Acknowledgements[0].Reason != "acting" {
		t.Errorf("acknowledged on the phone, the API says %+v", now)
	}
	s.testAlarmPage(t)
}

// testAlarmPage is the center that looks at all alarms.
func (s *stage) testAlarmPage(t *testing.T) {
	d := s.as(t, "center", desktop)
	for _, look := range []screen{phone, desktop} {
		d.look(look)
		d.open("/alarms")
		d.see("Too cold", "Pancreas for", "Acknowledged by Road courier: Acting", "Do not open the box.", "Call")
		d.check("alarms")
		d.press("By case")
		d.choose("Case", "Heart, River OPO to Hill Transplant Center")
		d.see("Over")
		d.choose("Case", "Pancreas")
		d.see("Open the case", "Too cold")
		d.check("alarms-history")
		d.press("Contacts and test")
		d.see("Nobody would be told", "Test alarm")
		d.check("alarms-contacts")
	}
	d.open("/alarms")
	d.press("Acknowledge again")
	d.see("no alarm is silenced for good")
	d.check("alarms-why")
	d.press("Seen, somebody else must act")
	d.see("Acknowledged by Transplant coordinator: Seen")
	if now := d.alarmOf("too-cold"); len(now.Acknowledgements) != 2 {
		t.Errorf("acknowledged by two people, the API says %+v", now)
	}
}
