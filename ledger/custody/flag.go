package custody

import "fmt"

// Flag is a contradiction, or something missing, or a fact that people must see. Code is stable, for programs and
// translations; Text says it in English.
type Flag struct {
	Code string
	Text string
	Act  [32]byte // the act that shows it; zero when none does
}

// The codes of flags. FORMAT.md lists them too; testdata has a case for each.
const (
	FlagConflict              = "conflict"
	FlagWaiting               = "waiting"
	FlagSameID                = "same-id"
	FlagHeadUnreadable        = "head-unreadable"
	FlagHeadOfOtherBox        = "head-of-other-box"
	FlagHeadBehind            = "head-behind"
	FlagSignedLate            = "signed-late"
	FlagTimeOrder             = "time-order"
	FlagNotOpened             = "not-opened"
	FlagOpenedTwice           = "opened-twice"
	FlagStoodDownLate         = "stood-down-after-receipt"
	FlagAfterStandDown        = "after-stand-down"
	FlagAfterClose            = "after-close"
	FlagClosedEarly           = "closed-before-receipt"
	FlagClosedNoOutcome       = "closed-without-outcome"
	FlagPackedTwice           = "packed-twice"
	FlagPackedOther           = "packed-other-organ"
	FlagNotPacked             = "not-packed"
	FlagLabelOnePerson        = "label-one-person"
	FlagLabelNotDone          = "label-not-done"
	FlagLabelNoSecond         = "label-no-second-signature"
	FlagLabelNoReference      = "label-no-reference"
	FlagReleasedByOther       = "released-by-other"
	FlagReleasedAgain         = "released-again"
	FlagNotConfirmed          = "not-confirmed"
	FlagInterrupted           = "release-interrupted"
	FlagOneSideReason         = "one-side-no-reason"
	FlagOneSideReference      = "one-side-no-reference"
	FlagAcceptedNoRelease     = "accepted-without-release"
	FlagAcceptedByOther       = "accepted-by-other"
	FlagAcceptedForOther      = "accepted-for-other"
	FlagAcceptedLate          = "accepted-late"
	FlagConfirmedByOther      = "confirmed-by-other"
	FlagSamePerson            = "same-person-both-sides"
	FlagSealChanged           = "seal-changed"
	FlagCondition             = "condition-found"
	FlagMovedNotPacked        = "moved-before-packing"
	FlagMovedSameBox          = "moved-to-same-box"
	FlagMovedByOther          = "moved-by-other"
	FlagReceivedTwice         = "received-twice"
	FlagReceivedElsewhere     = "received-elsewhere"
	FlagOpenedNotReceived     = "opened-not-received"
	FlagOpenedBeforeReceipt   = "opened-before-receipt"
	FlagNoArrivalCheck        = "no-arrival-check"
	FlagMismatch              = "mismatch"
	FlagMatchOfOther          = "match-of-other"
	FlagMatchNotScanned       = "match-without-donor"
	FlagArrivalsDiffer        = "arrival-checks-differ"
	FlagOutcomesDiffer        = "outcomes-differ"
	FlagOutcomeNoReason       = "outcome-no-reason"
	FlagRedirectNoDest        = "redirected-no-destination"
	FlagOpeningsDiffer        = "openings-differ"
	FlagPlansDiffer           = "plans-differ"
	FlagLegNotPlanned         = "leg-not-planned"
	FlagAdverse               = "adverse-event"
	FlagRulingUnknownClaim    = "ruling-unknown-claim"
	FlagRulingNoClaim         = "ruling-no-claim"
	FlagRulingOneSigner       = "ruling-one-signer"
	FlagRulingNoDispute       = "ruling-no-dispute"
	FlagRulingByParty         = "ruling-by-party"
	FlagRulingsDiffer         = "rulings-differ"
	FlagCorrectionUnknownAct  = "correction-unknown-act"
	FlagCorrectionNotPossible = "correction-not-possible"
	FlagCorrectionByOther     = "correction-by-other"
	FlagCorrectionsDiffer     = "corrections-differ"
	FlagCorrectionEmpty       = "correction-empty"
)

// flag raises a flag. n is the act that shows it, or nil.
func (f *folder) flag(code string, n *node, format string, args ...any) {
	flag := Flag{Code: code, Text: fmt.Sprintf(format, args...)}
	if n != nil {
		flag.Act = n.hash
	}
	f.state.Flags = append(f.state.Flags, flag)
}

// name says who a party is without a person's name, which is not in the log.
func name(p Party) string {
	switch {
	case p.Organisation == "" && p.Desk == "":
		return fmt.Sprintf("person %x", p.Person[:4])
	case p.Organisation == "":
		return p.Desk
	case p.Desk != "":
		return p.Organisation + ", " + p.Desk
	}
	return p.Organisation
}

// names says who two parties are so that they can be told apart: two people of one organisation by the begin of their IDs.
func names(a, b Party) (string, string) {
	if name(a) != name(b) || a.Person == b.Person {
		return name(a), name(b)
	}
	long := func(p Party) string {
		if p.Person.IsZero() || p.Organisation == "" {
			return name(p)
		}
		return fmt.Sprintf("%s (person %x)", name(p), p.Person[:4])
	}
	return long(a), long(b)
}

// what says what an act is and who states it.
func what(n *node) string { return fmt.Sprintf("%s by %s", n.right.Kind, name(n.right.By)) }
