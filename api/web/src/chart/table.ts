// The chart as a table: of each step of time the lowest and highest value of every probe and what happened in it.
import { t } from '../i18n';
import '../i18n/en/chart';
import type { Model, Series, Trip } from './model';
import { celsius, lineName } from './words';

export interface TableRow {
	readonly fromMS: number;
	readonly cells: readonly string[];
	readonly notes: string;
}

export interface Tabulated {
	readonly stepMS: number;
	readonly rows: readonly TableRow[];
}

const minute = 60_000;
const steps = [1000, 5000, 10_000, 30_000, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, 60 * minute, 120 * minute, 360 * minute, 1440 * minute];

/** The shortest step with which a time takes at most so many rows. */
export function stepFor(ms: number, most: number): number {
	return steps.find((s) => Math.floor(ms / s) + 1 <= most) ?? Math.ceil(ms / most);
}

/** Tabulates what lies between two times. */
export function tabulate(model: Model, series: Series, trip: Trip | undefined, fromMS: number, toMS: number, most: number): Tabulated {
	const stepMS = stepFor(toMS - fromMS, most);
	const first = Math.floor(fromMS / stepMS) * stepMS;
	const rows: TableRow[] = [];
	const late = new Set(series.wall_ms.filter((_, i) => series.late[i]).map((ms) => Math.floor((ms - first) / stepMS)));
	let at = 0;
	for (let from = first; from <= toMS && rows.length < most + 1; from += stepMS) {
		while (at < model.x.length && (model.x[at] ?? 0) < from) at++;
		let end = at;
		while (end < model.x.length && (model.x[end] ?? 0) < from + stepMS) end++;
		const cells = model.lines.map((line) => rangeOf(line.temps, at, end));
		const notes = notesOf(model, trip, from, from + stepMS);
		if (late.has((from - first) / stepMS)) notes.push(t('chart.note.late'));
		if (cells.some((c) => c !== '') || notes.length > 0) rows.push({ fromMS: from, cells, notes: notes.join('; ') });
		at = end;
	}
	return { stepMS, rows };
}

function rangeOf(temps: readonly (number | null)[], from: number, to: number): string {
	let low = Infinity;
	let high = -Infinity;
	for (let i = from; i < to; i++) {
		const v = temps[i] ?? null;
		if (v === null) continue;
		low = Math.min(low, v);
		high = Math.max(high, v);
	}
	if (low > high) return '';
	const [a, b] = [celsius(low), celsius(high)];
	return a === b ? a : t('chart.table.range', { low: a, high: b });
}

function notesOf(model: Model, trip: Trip | undefined, fromMS: number, toMS: number): string[] {
	const touches = (a: number, b: number) => a < toMS && b >= fromMS;
	const out: string[] = [];
	for (const x of trip?.excursions ?? []) if (touches(x.began_ms, x.ended_ms)) out.push(t('chart.note.excursion', { rule: x.rule }));
	for (const g of trip?.gaps ?? []) if (touches(g.from_ms + 1, g.to_ms - 1)) out.push(t('chart.note.gap', { reason: g.reason }));
	for (const f of model.faults) {
		const line = model.lines[f.line];
		if (line !== undefined && touches(f.fromMS, f.toMS)) out.push(t('chart.note.fault', { place: lineName(line, model.lines) }));
	}
	return [...new Set(out)];
}
