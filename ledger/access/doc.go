// Package access is who may do what: whose key counts for an act, who may issue a person's card, what each role may state,
// read and ask for, and what the scopes of an API token allow. It is pure: a node's door and the offline verifier use the
// same functions, so that they can't disagree.
//
// It knows no tokens, passwords or sessions, and keeps nothing.
//
// # Roles
//
//	courier      carries. Packs, releases, accepts. Reads cases that they or their organisation held or were offered.
//	coordinator  of an organ procurement organisation. Opens, packs, releases, stands down. Reads what their organisation
//	             opened, sends, gets or held.
//	center       of a transplant center. Receives, checks, reports. Reads what comes to their organisation or was held by it.
//	auditor      reads everything, states nothing.
//	admin        manages people, organisations and boxes. Reads no case without break-glass, and may state everything: software
//	             never holds up an organ.
package access
