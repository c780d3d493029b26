// An offer of a box: as the ledger has it, or as another phone brought it. Pure.
import type { S } from '../lib/api';
import { decodeAct, Evidence, Kind, type Act, type Party, type Statement } from '../sign/act';
import { headOf } from '../sign/head';
import { relation, type Me } from './parties';

export interface Offer {
	shipment: string;
	hash: string;
	by: S['Party'];
	to: S['Party'] | undefined;
	seal: string;
	condition: string;
	place: string;
	atMS: number;
	validMS: number;
	/** Box that the offer cites, when it does. */
	box: string;
	/** By a code from another phone: the ledger may not know of it. */
	fromPhone: boolean;
}

/** The release that waits for its answer, as the ledger has it. */
export function offerOf(x: S['Shipment']): Offer | undefined {
	if (!x.summary.pending) return undefined;
	const a = x.history.findLast((h) => h.kind === 'release' && h.standing === 'applied');
	return a && {
		shipment: x.summary.id, hash: a.hash, by: a.by, to: a.to, seal: a.seal ?? '', condition: a.condition ?? '', place: a.place ?? '',
		atMS: a.event_time_ms, validMS: a.valid_ms ?? 0, box: x.summary.box ?? '', fromPhone: false,
	};
}

function party(p: Party | undefined, name: string | undefined): S['Party'] | undefined {
	return p && { organisation: p.organisation, ...(p.person ? { person: p.person } : {}), ...(p.desk ? { desk: p.desk } : {}), ...(name ? { name } : {}) };
}

/** The offer in an act from another phone; undefined when it is none. name gives the names of people that this phone knows. */
export function offerIn(act: Act, hash: string, name: (person: string) => string | undefined): Offer | undefined {
	const s = act.statement;
	if (s.kind !== Kind.Release || s.evidence === Evidence.OneSide) return undefined;
	const named = (p: Party | undefined) => party(p, p?.person ? name(p.person) : undefined);
	return {
		shipment: s.shipment, hash, by: named(s.by)!, to: named(s.to), seal: s.seal ?? '', condition: s.condition ?? '', place: s.place ?? '',
		atMS: s.eventTimeMS, validMS: s.validMS ?? 0, box: headOf(s.head)?.box ?? '', fromPhone: true,
	};
}

/** Whether the offer is for this person: named, of the organisation, or for whoever takes it. */
export function isFor(o: Offer, me: Me): boolean {
	const r = relation(o.to, me);
	return r === 'me' || r === 'desk' || r === 'nobody';
}

/** The act that takes a box: staff of a center receive what comes to them, everybody else accepts. */
export function takingKind(me: Me, dest: string | undefined): typeof Kind.Accept | typeof Kind.Receive {
	return me.role === 'center' && (dest === undefined || dest === me.organisation) ? Kind.Receive : Kind.Accept;
}

/** Whether an act answers a release: it follows it and takes the box. */
export function answers(s: Statement, release: string): boolean {
	return (s.kind === Kind.Accept || s.kind === Kind.Receive) && s.parent === release;
}

/** The act that answered a release in the ledger's history. */
export function answerIn(history: readonly S['Act'][], release: string): S['Act'] | undefined {
	return history.find((a) => (a.kind === 'accept' || a.kind === 'receive') && a.parent === release && a.standing === 'applied');
}

