package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger/alarm"
)

func alarmCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "alarm", Short: "See, acknowledge and test alarms"}
	cmd.AddCommand(alarmListCommand(), alarmAckCommand(), alarmTestCommand(), alarmWatchCommand())
	return cmd
}

// writeAlarms prints what is wrong, since when, and what to do now; of which shipment, unless that is said already.
func (s *session) writeAlarms(w io.Writer, alarms []client.Alarm, known bool) {
	var t table
	for i := range alarms {
		a := &alarms[i]
		m := severityMark(a.Severity)
		since := "since " + stamp(a.SinceMS) + ", " + ago(a.SinceMS, s.now)
		if a.UntilMS != 0 {
			m, since = plain, "from "+stamp(a.SinceMS)+" to "+stamp(a.UntilMS)
		}
		if a.Late {
			since += ", learned late"
		}
		about := ""
		switch {
		case !a.Shipment.IsZero() && !known:
			about = "shipment " + a.Shipment.String()
		case a.Organisation != "":
			about = a.Organisation
		}
		head := strings.Join(slices.DeleteFunc([]string{a.What, string(a.State), about, "alarm " + a.ID}, func(x string) bool { return x == "" }), ", ")
		t.row(cell{string(a.Severity), m}, cell{head, m})
		if a.Code != string(alarm.TestOfContact) {
			t.row("", since)
		} else {
			t.row("", "sent "+stamp(a.SinceMS)+", "+ago(a.SinceMS, s.now))
			s.deliveries(&t, a)
		}
		for _, k := range a.Acknowledgements {
			t.row("", fmt.Sprintf("acknowledged by person %s (%s) %s, muted until %s", k.By, k.Reason, ago(k.AtMS, s.now), stamp(k.UntilMS)))
		}
		if a.UntilMS != 0 {
			continue
		}
		for _, step := range a.Do {
			t.row("", "do now: "+step)
		}
		for _, call := range a.Call {
			phone := call.Phone
			if phone == "" {
				phone = "(no number is known)"
			}
			t.row("", "call: "+call.Organisation+" "+phone)
		}
	}
	t.write(w)
}

// deliveries are who was told, and who could not be: what a test alarm is sent for.
func (s *session) deliveries(t *table, a *client.Alarm) {
	if len(a.Deliveries) == 0 {
		t.row("", cell{"nobody is told yet: it is tried again and again", low})
	}
	for _, d := range a.Deliveries {
		if d.Failed {
			t.row("", cell{fmt.Sprintf("%s could not be told by %s: %s", d.Organisation, d.Channel, d.Reason), medium})
			continue
		}
		t.row("", fmt.Sprintf("%s was told by %s %s", d.Organisation, d.Channel, ago(d.AtMS, s.now)))
	}
}

func alarmListCommand() *cobra.Command {
	var s session
	var shipment, organisation string
	cmd := &cobra.Command{
		Use: "list", Short: "List the alarms that last, the most urgent first", Args: exactly(0),
		Long:    "Without a choice, alarms that last of all cases you may see. --shipment lists all of one case; --org the test alarms of an organisation.",
		Example: "  isotherm alarm list --me center\n  isotherm alarm list --me center --shipment 3f0c…",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				answer, err := listAlarms(ctx, c, shipment, organisation)
				if err != nil {
					return err
				}
				return s.print(cmd, answer, func(w io.Writer) {
					if len(answer.Alarms) == 0 {
						fmt.Fprintln(w, "no alarms")
					}
					s.writeAlarms(w, answer.Alarms, false)
					asOf(w, answer.Node, answer.Entries)
				})
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&shipment, "shipment", "", "all alarms of this shipment, ended ones too")
	cmd.Flags().StringVar(&organisation, "org", "", "test alarms of this organisation")
	return cmd
}

func listAlarms(ctx context.Context, c *client.Client, shipment, organisation string) (client.Alarms, error) {
	switch {
	case shipment != "" && organisation != "":
		return client.Alarms{}, usageError{errors.New("--shipment and --org exclude each other")}
	case shipment != "":
		id, err := shipmentArg(shipment)
		if err != nil {
			return client.Alarms{}, err
		}
		return c.CaseAlarms(ctx, id)
	case organisation != "":
		return c.OrganisationAlarms(ctx, organisation)
	}
	return c.Alarms(ctx)
}

func alarmAckCommand() *cobra.Command {
	var s session
	var reason string
	cmd := &cobra.Command{
		Use: "ack ALARM", Short: "Acknowledge an alarm, with a reason", Args: exactly(1),
		Long:    "An acknowledgement mutes the alarm for a while and becomes an entry; no alarm can be silenced for good.",
		Example: "  isotherm alarm ack --me center --reason acting 9b27…",
		RunE: func(cmd *cobra.Command, args []string) error {
			if reason == "" {
				return usageError{errors.New("--reason is needed: seen, acting, false-alarm, sensor-fault or test")}
			}
			if _, err := alarm.ParseReason(reason); err != nil {
				return usageError{err}
			}
			if _, err := alarm.ParseID(args[0]); err != nil {
				return usageError{fmt.Errorf("ALARM: %w", err)}
			}
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				a, err := c.AcknowledgeAlarm(ctx, args[0], reason)
				if err != nil {
					return err
				}
				return s.print(cmd, a, func(w io.Writer) {
					until := int64(0)
					for _, k := range a.Acknowledgements {
						until = max(until, k.UntilMS)
					}
					fmt.Fprintf(w, "acknowledged: %s; muted until %s\n", oneLine(a.What), stamp(until))
				})
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "seen, acting, false-alarm, sensor-fault or test (required)")
	return cmd
}

func alarmTestCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "test ORGANISATION", Short: "Send a test alarm to an organisation's contacts", Args: exactly(1),
		Example: "  isotherm alarm test --me center HILL\n  isotherm alarm list --me center --org HILL",
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				a, err := c.TestAlarm(ctx, args[0])
				if err != nil {
					return err
				}
				return s.print(cmd, a, func(w io.Writer) {
					fmt.Fprintf(w, "test alarm %s is on its way: isotherm alarm list --org %s says what became of it\n", a.ID, strings.TrimSpace(args[0]))
				})
			})
		},
	}
	s.flags(cmd)
	return cmd
}

func alarmWatchCommand() *cobra.Command {
	var s session
	cmd := &cobra.Command{
		Use: "watch", Short: "Print alarms as they come, until Ctrl-C", Args: exactly(0),
		Example: "  isotherm alarm watch --me center\n  isotherm alarm watch --me center --json | while read -r line; do …",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error { return s.watchAlarms(cmd, c) })
		},
	}
	s.flags(cmd)
	return cmd
}

// watchAlarms prints the alarms that last, then each that is new, changed or over, as the ledger grows. JSON is one alarm a
// line.
func (s *session) watchAlarms(cmd *cobra.Command, c *client.Client) error {
	ctx := cmd.Context()
	shown := map[string]client.Alarm{}
	show := func(a client.Alarm) error {
		if s.json {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(a)
		}
		s.writeAlarms(cmd.OutOrStdout(), []client.Alarm{a}, false)
		return nil
	}
	look := func() (int64, error) {
		answer, err := c.Alarms(ctx)
		if err != nil {
			return 0, err
		}
		s.now = time.Now()
		lasting := map[string]client.Alarm{}
		for _, a := range answer.Alarms {
			lasting[a.ID] = a
			if before, ok := shown[a.ID]; !ok || before.State != a.State {
				err = errors.Join(err, show(a))
			}
		}
		for id, a := range shown {
			if _, ok := lasting[id]; !ok {
				a.State, a.UntilMS = "ended", s.now.UnixMilli()
				err = errors.Join(err, show(a))
			}
		}
		shown = lasting
		return answer.Entries - 1, err
	}
	newest, err := look()
	if err != nil {
		return err
	}
	err = c.Feed(ctx, newest, func(client.FeedEvent) error { _, err := look(); return err })
	if ctx.Err() != nil {
		return nil // Ctrl-C is how it ends
	}
	return err
}
