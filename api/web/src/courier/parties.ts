// Who has to do with a box, seen from one person. Pure.
import type { S } from '../lib/api';

export type Me = Pick<S['Me'], 'person' | 'organisation' | 'role'>;

/** me: this person. desk: their organisation, or its desk. colleague: somebody else of it. */
export type Relation = 'me' | 'desk' | 'colleague' | 'other' | 'nobody';

const noPerson = /^0*$/;

export function relation(p: S['Party'] | undefined, me: Me): Relation {
	if (!p) return 'nobody';
	const person = p.person && !noPerson.test(p.person) ? p.person : '';
	if (person === me.person) return 'me';
	if (p.organisation !== me.organisation) return 'other';
	return person === '' ? 'desk' : 'colleague';
}

/** Why a box is on somebody's list, the most urgent first. */
export type Why = 'offered' | 'held' | 'handing-over' | 'colleague' | 'coming' | 'over';

const order: readonly Why[] = ['offered', 'held', 'handing-over', 'colleague', 'coming', 'over'];
const ended: readonly string[] = ['received', 'outcome reported', 'closed', 'stood down'];

/** What a shipment is to this person. An offer to the organisation is one to everybody of it. */
export function whyOf(x: S['Summary'], me: Me): Why {
	const offered = relation(x.pending, me);
	const held = relation(x.custodian, me);
	if (offered === 'me' || (offered === 'desk' && held !== 'me')) return 'offered';
	if (ended.includes(x.phase)) return 'over';
	if (held === 'me' || held === 'desk') return x.pending ? 'handing-over' : 'held';
	if (held === 'colleague' || offered === 'colleague') return 'colleague';
	return x.dest === me.organisation || x.phase === 'open' || x.phase === 'unknown' ? 'coming' : 'over';
}

export interface Mine {
	why: Why;
	shipments: S['Summary'][];
}

/** The board of one person: groups in the order of urgency, within each the one with trouble first, then the newest. Empty groups are left out. */
export function mine(list: readonly S['Summary'][], me: Me): Mine[] {
	const groups = new Map<Why, S['Summary'][]>();
	for (const x of list) {
		const why = whyOf(x, me);
		groups.set(why, [...(groups.get(why) ?? []), x]);
	}
	const urgency = (x: S['Summary']) => (x.open_excursions > 0 ? 2 : 0) + (x.trouble ? 1 : 0);
	return order.filter((why) => groups.has(why)).map((why) => ({
		why,
		shipments: groups.get(why)!.sort((a, b) => urgency(b) - urgency(a) || b.opened_ms - a.opened_ms),
	}));
}

/** The boxes that a person has to do with now: neither over nor a colleague's. */
export function atHand(groups: readonly Mine[]): S['Summary'][] {
	return groups.filter((g) => g.why === 'offered' || g.why === 'held' || g.why === 'handing-over').flatMap((g) => g.shipments);
}
