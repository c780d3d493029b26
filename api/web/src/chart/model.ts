// What a chart shows, made of a shipment and its readings. Pure: no canvas, no texts.
import type { S } from '../lib/api';

export type Series = S['Series'];
export type Trip = S['Trip'];

/** A probe's line. Its temperatures are °C, null where there is no value. */
export interface Line {
	readonly key: string;
	readonly segment: number;
	readonly probe: number;
	readonly place: string;
	readonly judged: boolean;
	readonly temps: (number | null)[];
	/** Rows whose value has no neighbour: a line alone would not show them. */
	readonly lonely: readonly number[];
}

/** A time in which a probe answered with a fault. */
export interface Fault {
	readonly line: number;
	readonly fromMS: number;
	readonly toMS: number;
}

export interface Model {
	/** Times of the rows, ascending. A row inside a gap has no value at all. */
	readonly x: number[];
	readonly lines: readonly Line[];
	readonly faults: readonly Fault[];
	readonly fromMS: number;
	readonly toMS: number;
	/** The box's clock ran back somewhere: rows are sorted by its time. */
	readonly sorted: boolean;
}

/** Shortest time without readings that is a gap where the ledger found none because it could not judge the trip. */
const gapMS = 60_000;

/** The places of rows in the order of their time. */
function inOrder(wall: readonly number[]): { rows: number[]; sorted: boolean } {
	const rows = wall.map((_, i) => i);
	const sorted = wall.some((ms, i) => i > 0 && ms < (wall[i - 1] ?? 0));
	if (sorted) rows.sort((a, b) => (wall[a] ?? 0) - (wall[b] ?? 0) || a - b);
	return { rows, sorted };
}

/** Times without readings: those that the ledger found; without its judgement, long ones among rows that are all there. */
function gapsOf(series: Series, trip: Trip | undefined): [number, number][] {
	if (trip !== undefined) return trip.gaps.filter((g) => g.to_ms > g.from_ms).map((g) => [g.from_ms, g.to_ms]);
	const wall = series.wall_ms;
	if (series.total > wall.length) return [];
	const steps = wall.slice(1).map((ms, i) => ms - (wall[i] ?? ms));
	const usual = [...steps].sort((a, b) => a - b)[steps.length >> 1] ?? 0;
	return steps.flatMap((step, i): [number, number][] => {
		const from = wall[i] ?? 0;
		return step >= gapMS && step > 3 * usual ? [[from, from + step]] : [];
	});
}

/** A row, or -1 for one inside a gap. */
interface Row {
	ms: number;
	at: number;
}

/** The rows with one more, empty, inside each gap: so that no line crosses it. */
function withGaps(rows: readonly number[], wall: readonly number[], gaps: readonly (readonly [number, number])[]): Row[] {
	const sorted = [...gaps].sort((a, b) => a[0] - b[0]);
	const out: Row[] = [];
	let next = 0;
	for (const at of rows) {
		const ms = wall[at] ?? 0;
		for (let gap = sorted[next]; gap !== undefined && gap[0] < ms; gap = sorted[++next]) {
			const before = out.at(-1)?.ms;
			if (before !== undefined) out.push({ ms: Math.min(ms, Math.max(before, (gap[0] + Math.min(gap[1], ms)) / 2)), at: -1 });
		}
		out.push({ ms, at });
	}
	return out;
}

function lonelyOf(temps: readonly (number | null)[]): number[] {
	const out: number[] = [];
	for (let i = 0; i < temps.length; i++) {
		if (temps[i] !== null && (temps[i - 1] ?? null) === null && (temps[i + 1] ?? null) === null) out.push(i);
	}
	return out;
}

/** Each row's part of the way: that of a probe with a value, else that of the row before. -1 inside a gap. */
function segmentsOf(rows: readonly Row[], probes: Series['probes']): number[] {
	let now = probes[0]?.segment ?? 0;
	return rows.map((row) => {
		if (row.at < 0) return -1;
		for (const p of probes) {
			if (p.temp_mc[row.at] != null) {
				now = p.segment;
				break;
			}
		}
		return now;
	});
}

/** Runs of readings without a value of a probe. Its place may have changed: then only between its first and last value. */
function faultsOf(x: readonly number[], segments: readonly number[], lines: readonly Line[]): Fault[] {
	const out: Fault[] = [];
	lines.forEach((line, index) => {
		const alone = lines.filter((l) => l.segment === line.segment && l.probe === line.probe).length === 1;
		const first = alone ? 0 : line.temps.findIndex((v) => v !== null);
		const last = alone ? x.length - 1 : line.temps.findLastIndex((v) => v !== null);
		let run: { fromMS: number; toMS: number } | undefined;
		const end = () => {
			if (run !== undefined) out.push({ line: index, ...run });
			run = undefined;
		};
		for (let i = first; i >= 0 && i <= last; i++) {
			const ms = x[i] ?? 0;
			if (segments[i] !== line.segment || line.temps[i] !== null) {
				end();
				continue;
			}
			run = { fromMS: run?.fromMS ?? ms, toMS: ms };
		}
		end();
	});
	return out;
}

/** Makes what a chart shows of a trip's readings. */
export function modelOf(series: Series, trip: Trip | undefined): Model {
	const { rows: order, sorted } = inOrder(series.wall_ms);
	const rows = withGaps(order, series.wall_ms, gapsOf(series, trip));
	const x = rows.map((r) => r.ms);
	const lines = series.probes.map((p): Line => {
		const temps = rows.map((r) => {
			const mc = r.at < 0 ? null : p.temp_mc[r.at];
			return mc == null ? null : mc / 1000;
		});
		return { key: keyOf(p), segment: p.segment, probe: p.probe, place: p.place, judged: p.judged, temps, lonely: lonelyOf(temps) };
	});
	lines.sort((a, b) => a.segment - b.segment || Number(b.judged) - Number(a.judged) || a.probe - b.probe);
	return { x, lines, faults: faultsOf(x, segmentsOf(rows, series.probes), lines), fromMS: x[0] ?? 0, toMS: x.at(-1) ?? 0, sorted };
}

function keyOf(p: { segment: number; probe: number; place: string }): string {
	return `${p.segment}/${p.probe}/${p.place}`;
}

/** The rows of a whole trip with those of a part of it in finer detail in their place. Rows newer than the part's stay. */
export function merge(whole: Series, part: Series, fromMS: number, until: number): Series {
	const newest = part.wall_ms.at(-1);
	if (newest === undefined) return whole;
	const toMS = Math.min(until, newest + 1);
	const before: number[] = [];
	const after: number[] = [];
	whole.wall_ms.forEach((ms, i) => {
		if (ms < fromMS) before.push(i);
		else if (ms >= toMS) after.push(i);
	});
	const join = <T>(a: readonly T[], b: readonly T[], none: T): T[] => [
		...before.map((i) => a[i] ?? none),
		...part.wall_ms.map((_, i) => b[i] ?? none),
		...after.map((i) => a[i] ?? none),
	];
	const probes = new Map([...whole.probes, ...part.probes].map((p) => [keyOf(p), p]));
	const temps = (list: Series['probes'], key: string): (number | null)[] => list.find((p) => keyOf(p) === key)?.temp_mc ?? [];
	return {
		...whole,
		wall_ms: join(whole.wall_ms, part.wall_ms, 0),
		late: join(whole.late, part.late, false),
		probes: [...probes].map(([key, p]) => ({ ...p, temp_mc: join(temps(whole.probes, key), temps(part.probes, key), null) })),
	};
}

/** The place of the row nearest to a time; -1 for none. x ascends. */
export function nearest(x: readonly number[], ms: number): number {
	let lo = 0;
	let hi = x.length - 1;
	if (hi < 0) return -1;
	while (lo < hi) {
		const mid = (lo + hi) >> 1;
		if ((x[mid] ?? 0) < ms) lo = mid + 1;
		else hi = mid;
	}
	return lo > 0 && ms - (x[lo - 1] ?? 0) <= (x[lo] ?? 0) - ms ? lo - 1 : lo;
}

export interface Extent {
	readonly low: number;
	readonly high: number;
}

/** Lowest and highest temperature of lines, from one row to before another, undefined for none. */
export function extentOf(lines: readonly Line[], from = 0, to = Infinity): Extent | undefined {
	let low = Infinity;
	let high = -Infinity;
	for (const l of lines) {
		for (let i = from; i < Math.min(to, l.temps.length); i++) {
			const v = l.temps[i] ?? null;
			if (v === null) continue;
			if (v < low) low = v;
			if (v > high) high = v;
		}
	}
	return low <= high ? { low, high } : undefined;
}

/** How far values that no rule looks at may pull the scale apart before they are left out of it, K. */
const reach = 5;

/** The first row that counts, and the first behind them: between settled and opened. All, when none counts. */
export function countedRows(model: Model, trip: Trip | undefined): [number, number] {
	if (trip === undefined) return [0, model.x.length];
	const settled = trip.before.readings > 0 ? (trip.settled_ms ?? Infinity) : -Infinity;
	const opened = trip.after.readings > 0 ? trip.after.from_ms : Infinity;
	const from = model.x.findIndex((ms) => ms >= settled);
	const to = model.x.findIndex((ms) => ms >= opened);
	return from < 0 ? [0, model.x.length] : [from, to < 0 ? model.x.length : to];
}

/** The scale of temperatures: the band and what counts of judged probes always fit; the rest when it is near, or when all is wanted. */
export function scaleOf(lines: readonly Line[], band: Extent | undefined, all: boolean, counted?: readonly [number, number]): Extent & { cut: readonly Line[] } {
	const judged = lines.filter((l) => l.judged);
	const base = extentOf(judged.length > 0 ? judged : lines, ...(counted ?? []));
	const list = [band, base].filter((e) => e !== undefined);
	let low = Math.min(...list.map((e) => e.low));
	let high = Math.max(...list.map((e) => e.high));
	if (list.length === 0) [low, high] = [0, 10];
	const cut: Line[] = [];
	const inner = { low, high };
	for (const line of lines) {
		const e = extentOf([line]);
		if (e === undefined) continue;
		if (!all && (e.low < inner.low - reach || e.high > inner.high + reach)) {
			cut.push(line);
			continue;
		}
		low = Math.min(low, e.low);
		high = Math.max(high, e.high);
	}
	const pad = Math.max(0.5, (high - low) * 0.08);
	return { low: low - pad, high: high + pad, cut };
}

/** True for a rule that looks at what lies under its limit. */
export function isBelow(kind: string): boolean {
	return kind.includes('below');
}

/** True for a rule that looks at values, and not at missing ones. */
export function hasLimit(kind: string): boolean {
	return isBelow(kind) || kind.includes('above');
}

/** True for a rule that adds times up. */
export function isTotal(kind: string): boolean {
	return kind.includes('in total') || kind.includes('degree-minutes');
}
