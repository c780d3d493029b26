// The board's order: what wants attention comes first, what is over last. Pure; the terminal's `shipment list` orders alike.
import '../i18n/en/center';
import { t, word } from '../i18n';
import type { S } from '../lib/api';
import { coldLevel, organText, overdueBy, partyText, severityLevel, unjudged, type Level, type Marked } from './words';

/** One line of the board: the shipment, its most urgent alarm, and why it stands where it stands. */
export interface Row {
	x: S['Summary'];
	alarm: S['Alarm'] | undefined;
	rank: number;
	/** Why it floats up; undefined when nothing is wrong. */
	why: Marked | undefined;
	/** The alarm of `why` waits for somebody to acknowledge it. */
	unacknowledged: boolean;
}

export interface Filter {
	q: string;
	phase: string;
	organ: string;
	dest: string;
	attention: boolean;
	/** Cases that are closed or stood down, too. */
	over: boolean;
}

const isOver = (x: S['Summary']) => x.phase === 'closed' || x.phase === 'stood down';

const order: Record<Level, number> = { high: 0, medium: 1, low: 2, none: 3 };

/** Of alarms in the server's order (most urgent first), the first of each shipment. */
export function firstAlarms(alarms: S['Alarm'][]): Map<string, S['Alarm']> {
	const out = new Map<string, S['Alarm']>();
	for (const a of alarms) {
		if (a.shipment && !a.until_ms && !out.has(a.shipment)) out.set(a.shipment, a);
	}
	return out;
}

/** The most urgent alarm, else the first thing that looks wrong on the way or in the records. */
export function attention(x: S['Summary'], alarm: S['Alarm'] | undefined, nowMS: number): Marked | undefined {
	if (alarm) return { text: alarm.what, level: severityLevel(alarm.severity) };
	const cold = coldLevel(x.cold_status);
	if (cold === 'high') return { text: t('center.why.over'), level: 'high' };
	if (x.open_excursions > 0) return { text: t('center.why.out'), level: 'high' };
	if (x.findings.length > 0) return { text: word('center', x.findings[0]!, 'finding.'), level: 'medium' };
	if (x.disputed) return { text: t('center.why.disputed'), level: 'medium' };
	if (x.trouble) return { text: x.trouble, level: 'medium' };
	if (cold === 'medium') return { text: t('center.why.cold', { status: word('center', x.cold_status, 'cold.') }), level: 'medium' };
	if (unjudged(x)) return { text: t('center.why.unjudged'), level: 'medium' };
	if (x.withheld) return { text: t('center.why.withheld'), level: 'medium' };
	if (overdueBy(x, nowMS)) return { text: t('center.why.due'), level: 'medium' };
	return undefined;
}

/** 0 is most urgent: high, medium, low attention, under way, waiting to be packed, arrived, over. */
export function urgency(x: S['Summary'], why: Marked | undefined): number {
	if (isOver(x)) return 9;
	if (why) return order[why.level];
	if (x.phase === 'packed') return 4;
	if (x.phase === 'open' || x.phase === 'unknown') return 5;
	return 6;
}

/** Milliseconds that the program's limit leaves at most; infinite without a limit or a clock. */
export function leftMS(x: S['Summary']): number {
	if (!x.cold_limit_ms || x.cold_hi_ms === undefined || x.cold_end !== 'running') return Infinity;
	return x.cold_limit_ms - x.cold_hi_ms;
}

/**
 * Rows in the order of urgency. Within a rank: the least cold time left, then the earliest arrival, then the oldest. The last
 * key is the shipment's own ID, so that equal rows never change places while one reads.
 */
export function rank(shipments: S['Summary'][], alarms: S['Alarm'][], nowMS: number): Row[] {
	const urgent = firstAlarms(alarms);
	const rows = shipments.map((x): Row => {
		const alarm = isOver(x) ? undefined : urgent.get(x.id);
		const why = isOver(x) ? undefined : attention(x, alarm, nowMS);
		return { x, alarm, why, rank: urgency(x, why), unacknowledged: !!alarm && alarm.acknowledgements.length === 0 };
	});
	return rows.sort(
		(a, b) =>
			a.rank - b.rank ||
			Number(b.unacknowledged) - Number(a.unacknowledged) ||
			compare(leftMS(a.x), leftMS(b.x)) ||
			compare(a.x.eta_ms ?? Infinity, b.x.eta_ms ?? Infinity) ||
			a.x.opened_ms - b.x.opened_ms ||
			(a.x.id < b.x.id ? -1 : 1),
	);
}

const compare = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1);

/** Whether a row fits what was typed and chosen. Words of the search must all occur, in any field. */
export function fits(r: Row, f: Filter, nameOf: (code: string) => string): boolean {
	const x = r.x;
	if (f.phase ? x.phase !== f.phase : isOver(x) && !f.over && !f.q) return false;
	if (f.organ && x.organ !== f.organ) return false;
	if (f.dest && x.dest !== f.dest) return false;
	if (f.attention && !r.why) return false;
	const hay = [x.id, x.box ?? '', organText(x.organ, x.side), x.from, nameOf(x.from), x.dest, nameOf(x.dest), partyText(x.custodian), x.pending ? partyText(x.pending) : '', x.phase, r.why?.text ?? '']
		.join(' ')
		.toLowerCase();
	return f.q
		.toLowerCase()
		.split(/\s+/)
		.every((w) => hay.includes(w));
}

/** The filter of an address. Unknown keys are left alone. */
export function readFilter(p: URLSearchParams): Filter {
	return { q: p.get('q') ?? '', phase: p.get('phase') ?? '', organ: p.get('organ') ?? '', dest: p.get('to') ?? '', attention: p.get('attention') === '1', over: p.get('over') === '1' };
}

/** The address of a filter: what is not set is left out. */
export function writeFilter(f: Filter): string {
	const p = new URLSearchParams();
	if (f.q) p.set('q', f.q);
	if (f.phase) p.set('phase', f.phase);
	if (f.organ) p.set('organ', f.organ);
	if (f.dest) p.set('to', f.dest);
	if (f.attention) p.set('attention', '1');
	if (f.over) p.set('over', '1');
	const text = p.toString();
	return text ? '?' + text : '';
}

/** How many want attention, by level. */
export function counts(rows: Row[]): Record<Level, number> {
	const out: Record<Level, number> = { high: 0, medium: 0, low: 0, none: 0 };
	for (const r of rows) out[r.why?.level ?? 'none']++;
	return out;
}
