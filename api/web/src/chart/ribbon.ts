// The custodians of a trip as stretches of time. Pure.
import type { S } from '../lib/api';

export interface Stretch {
	readonly party: S['Party'];
	readonly fromMS: number;
	/** undefined while it lasts. */
	readonly toMS: number | undefined;
	/** The part of it that is shown. */
	readonly shownFromMS: number;
	readonly shownToMS: number;
	readonly disputed: boolean;
	/** Released to `to`, who has not confirmed it yet. */
	readonly unconfirmed: boolean;
	readonly to: S['Party'] | undefined;
}

/** Stretches that overlap a time, in order. The time between a release and its confirmation is one of its own. */
export function stretchesOf(shipment: Pick<S['Shipment'], 'custodians'>, fromMS: number, toMS: number): Stretch[] {
	const out: Stretch[] = [];
	const add = (party: S['Party'], from: number, until: number | undefined, disputed: boolean, to: S['Party'] | undefined) => {
		const shownFromMS = Math.max(from, fromMS);
		const shownToMS = Math.min(until ?? toMS, toMS);
		if (shownFromMS >= shownToMS) return;
		out.push({ party, fromMS: from, toMS: until, shownFromMS, shownToMS, disputed, unconfirmed: to !== undefined, to });
	};
	for (const c of shipment.custodians) {
		const offered = c.unconfirmed === undefined ? undefined : c.unconfirmed_since_ms;
		if (offered === undefined || offered <= c.since_ms) {
			add(c.party, c.since_ms, c.until_ms, c.disputed, offered === undefined ? undefined : c.unconfirmed);
			continue;
		}
		add(c.party, c.since_ms, offered, c.disputed, undefined);
		add(c.party, offered, c.until_ms, c.disputed, c.unconfirmed);
	}
	return out;
}
