// What the board and the wall read, and how a line's trend becomes points.
import { api, type S } from '../lib/api';

export interface BoardData {
	node: string;
	entries: number;
	shipments: S['Summary'][];
	alarms: S['Alarm'][];
	/** There are more than the pages show. */
	cut: boolean;
}

/** Lines that are drawn at once; the next come when one gets there. */
export const drawn = 100;

/** Cases that the board holds at most: beyond it nobody reads a board. */
export const maxRows = 2000;

const pageSize = 500;

/** All pages of the board and the alarms that last. */
export async function loadBoard(signal: AbortSignal): Promise<BoardData> {
	const [alarms, first] = await Promise.all([api.get<S['Alarms']>('/v1/alarms', { signal }), page(undefined, signal)]);
	const shipments = [...first.shipments];
	let next = first.next;
	while (next && shipments.length < maxRows) {
		const more = await page(next, signal);
		shipments.push(...more.shipments);
		next = more.next;
	}
	return { node: first.node, entries: first.entries, shipments: same(shipments), alarms: alarms.alarms, cut: !!next };
}

let before = new Map<string, { text: string; x: S['Summary'] }>();

/** Lines that say the same as before are the same objects: what did not change is not drawn again. */
export function same(shipments: S['Summary'][]): S['Summary'][] {
	const now = new Map<string, { text: string; x: S['Summary'] }>();
	const out = shipments.map((x) => {
		const text = JSON.stringify(x);
		const old = before.get(x.id);
		const kept = old?.text === text ? old : { text, x };
		now.set(x.id, kept);
		return kept.x;
	});
	before = now;
	return out;
}

function page(cursor: string | undefined, signal: AbortSignal): Promise<S['Shipments']> {
	return api.get<S['Shipments']>('/v1/shipments', { query: { limit: pageSize, cursor }, signal });
}

const minuteMS = 60_000;

/** The last hour of a line as points; minutes without a value are left out. */
export function trend(x: S['Summary']): [number, number][] {
	const out: [number, number][] = [];
	const values = x.recent_mc ?? [];
	values.forEach((mc, i) => {
		if (mc !== null && mc !== undefined) out.push([(x.last_reading_ms ?? 0) - (values.length - 1 - i) * minuteMS, mc]);
	});
	return out;
}

/** Silence from here on is worth a look on a board of boxes that send every minute or oftener. */
export const quietAfterMS = 10 * minuteMS;
