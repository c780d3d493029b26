// What to export, and how it goes. Pure.
import type { S } from '../lib/api';

export type Form = S['ExportRequest']['form'];
export type Which = 'cases' | 'period' | 'all';
export const forms: readonly Form[] = ['bundle', 'csv', 'sheet', 'report'];

export interface Choice {
	which: Which;
	shipments: readonly string[];
	/** Days as date fields give them, '2026-11-23', both included. */
	from: string;
	to: string;
	form: Form;
	paper: 'a4' | 'letter';
	reason: string;
}

export type Wrong = 'cases' | 'period' | 'period-order' | 'reason';

/** Local midnight of a day, Unix milliseconds; NaN when it is none. `days` later. */
export function midnight(day: string, days = 0): number {
	const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
	if (!found) return NaN;
	const [y, m, d] = found.slice(1).map(Number) as [number, number, number];
	const at = new Date(y, m - 1, d);
	if (at.getMonth() !== m - 1) return NaN;
	return new Date(y, m - 1, d + days).getTime();
}

export function wrongIn(c: Choice): Wrong | undefined {
	if (c.which === 'cases' && c.shipments.length === 0) return 'cases';
	if (c.which === 'period') {
		const [from, to] = [midnight(c.from), midnight(c.to, 1)];
		if (Number.isNaN(from) || Number.isNaN(to)) return 'period';
		if (to <= from) return 'period-order';
	}
	return c.reason.trim().length < 3 ? 'reason' : undefined;
}

export function requestOf(c: Choice): S['ExportRequest'] {
	const out: S['ExportRequest'] = { form: c.form, reason: c.reason.trim() };
	if (c.form === 'sheet' || c.form === 'report') out.paper = c.paper;
	switch (c.which) {
		case 'cases':
			return { ...out, shipments: [...c.shipments] };
		case 'period':
			return { ...out, from_ms: Math.max(0, midnight(c.from)), to_ms: midnight(c.to, 1) };
		default:
			return { ...out, all: true };
	}
}

export function underWay(j: Pick<S['ExportJob'], 'state'>): boolean {
	return j.state === 'waiting' || j.state === 'working';
}

/** A shipment's ID among what somebody typed or pasted: 32 hexadecimal digits, spaces between. '' when there is none. */
export function readShipment(text: string): string {
	const plain = text.replace(/[\s ]+/g, '').toLowerCase();
	return /(?:^|[^0-9a-f])([0-9a-f]{32})(?:$|[^0-9a-f])/.exec(plain)?.[1] ?? '';
}

/** How a verdict looks: 'verified' and what is consistent by this node's policy are as they should be. */
export function verdictLevel(result: string): 'none' | 'low' | 'high' {
	if (result === 'verified') return 'none';
	return result.startsWith('consistent') ? 'low' : 'high';
}

export interface Counted {
	cases: number;
	verified: number;
	unproven: number;
	broken: string[];
}

export function count(verdicts: readonly S['ExportVerdict'][]): Counted {
	const out: Counted = { cases: verdicts.length, verified: 0, unproven: 0, broken: [] };
	for (const v of verdicts) {
		const level = verdictLevel(v.result);
		if (level === 'none') out.verified++;
		else if (level === 'low') out.unproven++;
		else out.broken.push(v.shipment);
	}
	return out;
}

/** What a reader types to check the file offline. */
export function verifyCommand(name: string): string {
	return `isotherm verify --policy ledger.policy ${/^[A-Za-z0-9._-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`}`;
}
