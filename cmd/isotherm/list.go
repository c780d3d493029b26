package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"isotherm/api/client"
	"isotherm/cmd/internal/identity"
	"isotherm/ledger"
	"isotherm/ledger/bundle"
	"isotherm/ledger/custody"
)

// organText is 'left kidney'; empty unless known.
func organText(organ, side string, known bool) string {
	if !known {
		return ""
	}
	if strings.HasPrefix(side, "unknown") {
		side = ""
	}
	if side == "both" {
		organ += "s"
	}
	return strings.TrimSpace(side + " " + organ)
}

// partyText names a custodian: the organisation, and the desk or the person when known.
func partyText(p *client.Party) string {
	switch {
	case p == nil:
		return "nobody yet"
	case p.Desk != "":
		return p.Organisation + ", " + p.Desk
	case p.Name != "":
		return p.Organisation + ", " + p.Name
	}
	return p.Organisation
}

// stateText is a shipment's phase, with what is uncertain about it.
func stateText(x *client.Summary) cell {
	out := cell{text: x.Phase}
	switch {
	case x.Disputed:
		out = cell{out.text + ", disputed", medium}
	case x.Pending != nil:
		out.text += ", not confirmed by " + x.Pending.Organisation
	}
	if x.Simulated {
		out.text += " (Simulated)"
	}
	return out
}

// excursionText counts excursions; open ones want attention.
func excursionText(x *client.Summary) cell {
	switch {
	case x.OpenExcursions > 0:
		return cell{fmt.Sprintf("%d now, %d in all", x.OpenExcursions, x.Excursions), high}
	case x.Excursions > 0:
		return cell{fmt.Sprint(x.Excursions), low}
	case unjudged(x):
		return cell{text: "not judged"}
	case x.LastReadingMS == 0:
		return cell{}
	}
	return cell{text: "none"}
}

func lastTemp(x *client.Summary) string {
	if x.LastTempMC == nil {
		return ""
	}
	return bundle.Celsius(*x.LastTempMC)
}

func listCommand() *cobra.Command {
	var s session
	var q client.ShipmentQuery
	cmd := &cobra.Command{
		Use: "list", Short: "List the shipments that you may see, those that want attention first", Args: exactly(0),
		Example: "  isotherm shipment list --me center\n  isotherm shipment list --me center --phase packed --organ heart --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(cmd, func(ctx context.Context, _ *identity.Me, c *client.Client) error {
				x, err := c.AllShipments(ctx, q)
				if err != nil {
					return err
				}
				if s.json {
					return s.print(cmd, x, nil)
				}
				alarms, err := c.Alarms(ctx)
				if err != nil {
					return err
				}
				return s.print(cmd, x, func(w io.Writer) {
					writeBoard(w, x.Shipments, alarms.Alarms, s.now)
					asOf(w, x.Node, x.Entries)
				})
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&q.Phase, "phase", "", "only those that are open, packed, received, outcome reported, closed or stood down")
	cmd.Flags().StringVar(&q.Organ, "organ", "", "only this organ")
	cmd.Flags().StringVar(&q.Dest, "to", "", "only those to this transplant center")
	cmd.Flags().StringVar(&q.Q, "find", "", "only those with this text in their identifiers or places")
	return cmd
}

func writeBoard(w io.Writer, board []client.Summary, alarms []client.Alarm, now time.Time) {
	if len(board) == 0 {
		fmt.Fprintln(w, "no shipments: isotherm shipment open begins one")
		return
	}
	urgent := map[ledger.ShipmentID]*client.Alarm{} // the most urgent of each, which comes first
	for i := range alarms {
		if a := &alarms[i]; urgent[a.Shipment] == nil {
			urgent[a.Shipment] = a
		}
	}
	slices.SortStableFunc(board, func(a, b client.Summary) int {
		return cmp.Compare(urgency(&a, urgent[a.ID], now), urgency(&b, urgent[b.ID], now))
	})
	t := table{head: []string{"SHIPMENT", "STATE", "ORGAN", "FROM", "TO", "HELD BY", "°C", "READ", "HEARD", "COLD", "ARRIVES", "EXCURSIONS", "ATTENTION"}}
	for i := range board {
		x := &board[i]
		held := ""
		if x.Custodian != nil {
			held = partyText(x.Custodian)
		}
		t.row(x.ID, stateText(x), organText(x.Organ, x.Side, true), x.From, x.Dest, held, lastTemp(x), seen(x.LastReadingMS, now), seen(x.LastContactMS, now),
			coldText(x), due(x, now), excursionText(x), attention(x, urgent[x.ID]))
	}
	t.write(w)
}

// coldText is how long the organ has been cold, as an interval when people typed the times roughly.
func coldText(x *client.Summary) cell {
	out := cell{text: span(x.ColdLoMS, x.ColdHiMS)}
	switch x.ColdStatus {
	case "over the program's limit":
		out.mark = high
	case "near the program's limit", "in the time reserved for implanting":
		out.mark = medium
	}
	return out
}

// span is a duration that is known to lie between two, in milliseconds; nothing for none.
func span(lo, hi int64) string {
	switch {
	case hi == 0:
		return ""
	case hi-lo < spanNoted:
		return bundle.Duration(lo)
	}
	return bundle.Duration(lo) + " to " + bundle.Duration(hi)
}

// spanNoted is from where an uncertainty is worth saying: a minute is what the clock on a wall shows.
const spanNoted = 60 * 1000

// attention is the most urgent alarm, else the first thing that looks wrong on the way or in the records.
func attention(x *client.Summary, a *client.Alarm) cell {
	switch {
	case a != nil:
		return cell{a.What, severityMark(string(a.Severity))}
	case len(x.Findings) > 0:
		return cell{x.Findings[0], medium}
	case x.Trouble != "":
		return cell{x.Trouble, medium}
	case unjudged(x):
		return cell{"no temperature of the organ", medium}
	case x.Withheld:
		return cell{"records withheld", medium}
	}
	return cell{}
}

// unjudged tells whether readings come and none of them is of a probe that the profile judges: then 'no excursion' says nothing.
func unjudged(x *client.Summary) bool { return x.LastReadingMS != 0 && x.LastTempMC == nil }

// due is when it is expected to arrive.
func due(x *client.Summary, now time.Time) cell {
	switch {
	case x.ETAMS == 0:
		return cell{}
	case x.ETAMS < now.UnixMilli():
		return cell{"due " + ago(x.ETAMS, now), medium}
	}
	return cell{text: ago(x.ETAMS, now)}
}

// urgency orders the board: what wants attention comes first, what is over last.
func urgency(x *client.Summary, a *client.Alarm, now time.Time) int {
	over := x.Phase == custody.PhaseClosed.String() || x.Phase == custody.PhaseStoodDown.String()
	switch {
	case over:
		return 9
	case x.OpenExcursions > 0 || coldText(x).mark == high || attention(x, a).mark == high:
		return 0
	case x.Disputed || attention(x, a).mark != plain || coldText(x).mark != plain || due(x, now).mark != plain:
		return 1
	case x.Phase == custody.PhasePacked.String():
		return 2
	case x.Phase == custody.PhaseOpen.String():
		return 3
	}
	return 4
}

// seen is ago, and nothing for what never was.
func seen(ms int64, now time.Time) string {
	if ms == 0 {
		return ""
	}
	return ago(ms, now)
}

// asOf says of what state an answer was made.
func asOf(w io.Writer, node string, entries int64) {
	fmt.Fprintf(w, "as of %d entries, node %s\n", entries, node)
}
