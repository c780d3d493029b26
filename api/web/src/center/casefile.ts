// Joins what the answer of one case says in several places. Pure.
import type { S } from '../lib/api';
import { actDetail, lateAfterMS } from './words';

type Ship = S['Shipment'];

/** A mark of the custody timeline. */
export interface Mark {
	act: S['Act'];
	detail: string;
	/** Entered that much later than it happened; 0 when in time. */
	lateMS: number;
	flags: S['Flag'][];
	/** Corrections of this act's values, the old value visible. */
	corrections: S['Correction'][];
	dispute: S['Dispute'] | undefined;
	/** Grade of evidence of the custodian that this act made, when it made one. */
	evidence: string | undefined;
}

export function marks(s: Ship): Mark[] {
	return s.history.map((act) => {
		const late = act.record_time_ms - act.event_time_ms;
		return {
			act,
			detail: actDetail(act),
			lateMS: late > lateAfterMS ? late : 0,
			flags: s.flags.filter((f) => f.act === act.hash),
			corrections: s.corrections.filter((c) => c.of === act.hash || c.act === act.hash),
			dispute: s.disputes.find((d) => d.claims.includes(act.hash)),
			evidence: s.custodians.find((c) => c.act === act.hash)?.evidence ?? act.evidence,
		};
	});
}

/** Flags that are of no act in the history: they are of the case. */
export function caseFlags(s: Ship): S['Flag'][] {
	const known = new Set(s.history.map((h) => h.hash));
	return s.flags.filter((f) => !f.act || !known.has(f.act));
}

/** How much of a custodian's time was out of band; undefined while no readings say. */
export function outOf(s: Ship, c: S['Custodian'], released: boolean): { outMS: number; ofMS: number } | undefined {
	const since = released ? c.unconfirmed_since_ms : c.since_ms;
	const h = s.trip?.custodians.find((x) => x.since_ms === since && !!x.unconfirmed === released && sameParty(x.party, c.party));
	return h && { outMS: h.out_ms, ofMS: h.to_ms - h.from_ms };
}

export function sameParty(a: S['Party'] | undefined, b: S['Party'] | undefined): boolean {
	return a?.person === b?.person && a?.organisation === b?.organisation && (a?.desk ?? '') === (b?.desk ?? '');
}

/** Whether a gap is of data that exist and were not handed over, rather than of data that nobody took. */
export const isWithheld = (g: S['Gap']) => g.reason === 'data withheld';

/** A person to call, by organisation; numbers of the case itself come before those of cards. */
export interface CallTo {
	what: 'origin' | 'destination' | 'holder' | 'offered';
	organisation: string;
	phone: string;
}

/** Whom to call about a case, each organisation once. */
export function callList(s: Ship, phoneOf: (code: string) => string | undefined, own: { from?: string; dest?: string }): CallTo[] {
	const out: CallTo[] = [];
	const add = (what: CallTo['what'], code: string | undefined, phone?: string) => {
		if (!code || out.some((c) => c.organisation === code)) return;
		out.push({ what, organisation: code, phone: phone || phoneOf(code) || '' });
	};
	add('holder', s.summary.custodian?.organisation);
	add('offered', s.summary.pending?.organisation);
	add('origin', s.summary.from, own.from);
	add('destination', s.summary.dest, own.dest);
	// The holder may be origin or destination: then the number that the case states is the better one.
	for (const c of out) {
		if (c.organisation === s.summary.from && own.from) c.phone = own.from;
		if (c.organisation === s.summary.dest && own.dest) c.phone = own.dest;
	}
	return out;
}

/** The newest seal that an act states, as corrected. */
export function lastSeal(s: Ship): S['Act'] | undefined {
	return s.history.filter((h) => h.standing === 'applied' && h.seal).at(-1);
}

/** The act of a kind that counts last; undefined when there is none. */
export function lastOf(s: Ship, kind: string): S['Act'] | undefined {
	return s.history.filter((h) => h.kind === kind && h.standing === 'applied').at(-1);
}

/** What a center may state next, in the order in which it is usually done. What is done already comes after. */
export type Work = 'receive' | 'arrival' | 'open-box' | 'out-of-cold' | 'outcome' | 'close' | 'correct' | 'adverse' | 'ruling' | 'cosign' | 'stand-down';

export interface WorkItem {
	work: Work;
	done: boolean;
	/** It is the next one that is missing. */
	next: boolean;
}

export function workList(s: Ship, role: string): WorkItem[] {
	if (role !== 'center' && role !== 'coordinator' && role !== 'admin') return [];
	const has = (kind: string) => !!lastOf(s, kind);
	const phase = s.summary.phase;
	const done: [Work, boolean][] =
		role === 'center'
			? [
					['receive', has('receive')],
					['arrival', s.history.some((h) => h.kind === 'arrival-check' && h.standing === 'applied' && h.arrival !== 'not done')],
					['open-box', has('open-box')],
					['out-of-cold', s.clock.end === 'out of cold'],
					['outcome', s.history.some((h) => h.kind === 'outcome' && h.outcome !== 'not reported')],
					['close', phase === 'closed'],
				]
			: [['close', phase === 'closed']];
	const begun = phase === 'packed' || phase === 'received' || phase === 'outcome reported';
	const first = begun ? done.find(([, d]) => !d)?.[0] : undefined;
	return done.map(([work, d]) => ({ work, done: d, next: work === first && role === 'center' }));
}

/** A ruling that one person signed and that waits for a second. */
export function openRulings(s: Ship): S['Act'][] {
	return s.history.filter((h) => h.kind === 'ruling' && h.standing === 'waits' && h.signatures.length === 1);
}

/** Disputes on which nobody ruled yet. */
export const openDisputes = (s: Ship) => s.disputes.filter((d) => !d.ruling || /^0*$/.test(d.ruling));
