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
	return { node: first.node, entries: first.entries, shipments, alarms: alarms.alarms, cut: !!next };
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
