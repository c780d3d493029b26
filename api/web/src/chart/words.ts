// What a chart says in words: labels, the line under the cursor, the summary for those who don't see it.
import { t, word } from '../i18n';
import '../i18n/en/chart';
import type { S } from '../lib/api';
import { degree, duration, temp, time, timeSeconds } from '../lib/format';
import { hasLimit, type Line, type Model, type Trip } from './model';

type Shipment = S['Shipment'];
type Excursion = S['Excursion'];
type Gap = S['Gap'];

/** Temperatures of lines are °C. */
export function celsius(value: number): string {
	return temp(Math.round(value * 1000));
}

/** The name of a line: where the probe sits; with several boxes on the way, in which. */
export function lineName(line: Line, lines: readonly Line[]): string {
	const place = line.place === '' ? t('chart.probe.unnamed', { number: String(line.probe) }) : line.place;
	const several = lines.some((l) => l.segment !== line.segment);
	const name = several ? t('chart.probe.box', { place, n: line.segment + 1 }) : place;
	const twin = lines.some((l) => l !== line && l.segment === line.segment && l.place === line.place);
	return twin && line.place !== '' ? `${name} ${line.probe}` : name;
}

/** A party by its shortest true name. */
export function partyName(party: S['Party'], orgName: (code: string) => string): string {
	const org = orgName(party.organisation);
	return party.name !== undefined && party.name !== '' ? `${party.name}, ${org}` : party.desk !== undefined && party.desk !== '' ? `${org}, ${party.desk}` : org;
}

/** An excursion's label in the chart. */
export function excursionLabel(x: Excursion): string {
	if (!hasLimit(x.kind)) return t('chart.excursion.silent', { rule: x.rule, duration: duration(x.duration_ms) });
	return t(x.open && x.active ? 'chart.excursion.open' : 'chart.excursion', { duration: duration(x.duration_ms), extreme: temp(x.extreme_mc) });
}

/** A gap's names, the longest first. */
export function gapLabels(g: Gap): string[] {
	const p = { duration: duration(g.to_ms - g.from_ms), reason: g.reason };
	return g.unknown_length === true ? [t('chart.gap.unknown', p), t('chart.gap.unknown.short')] : [t('chart.gap', p), t('chart.gap.short', p)];
}

/** A mark where the box changed hands or was touched. */
export interface Mark {
	readonly ms: number;
	readonly kind: string;
	readonly texts: readonly string[];
}

const marked = ['pack', 'accept', 'release', 'move', 'receive', 'open-box'];

/** Marks of the acts that stand, in order. A release that was accepted is not one: the handoff is the acceptance. */
export function marksOf(shipment: Shipment, orgName: (code: string) => string): Mark[] {
	const acts = shipment.history.filter((a) => a.standing === 'applied' && marked.includes(a.kind));
	const accepted = acts.filter((a) => a.kind === 'accept' || a.kind === 'receive').map((a) => a.parent);
	const out: Mark[] = [];
	for (const a of acts) {
		if (a.kind === 'release' && accepted.includes(a.hash)) continue;
		const who = orgName((a.kind === 'release' ? a.to?.organisation : a.by.organisation) ?? '');
		out.push({ ms: a.event_time_ms, kind: a.kind, texts: markTexts(a.kind, who) });
	}
	return out.sort((a, b) => a.ms - b.ms);
}

function markTexts(kind: string, who: string): string[] {
	switch (kind) {
		case 'accept':
			return [t('chart.mark.accept', { who }), t('chart.mark.accept.short', { who })];
		case 'release':
			return [t('chart.mark.release', { who }), t('chart.mark.accept.short', { who })];
		case 'receive':
			return [t('chart.mark.receive', { who }), t('chart.mark.receive.short')];
		case 'move':
			return [t('chart.mark.move'), t('chart.mark.move.short')];
		case 'open-box':
			return [t('chart.mark.open-box'), t('chart.mark.open-box.short')];
		default:
			return [t('chart.mark.pack')];
	}
}

/** Who held the box at a time, in words. */
export function heldAt(shipment: Shipment, ms: number, orgName: (code: string) => string): string {
	const c = shipment.custodians.findLast((x) => x.since_ms <= ms);
	if (c === undefined) return t('chart.nobody');
	const who = partyName(c.party, orgName);
	if (c.unconfirmed !== undefined && c.unconfirmed_since_ms !== undefined && c.unconfirmed_since_ms <= ms) {
		return t('chart.held.unconfirmed', { who, to: partyName(c.unconfirmed, orgName) });
	}
	return t(c.disputed ? 'chart.held.disputed' : 'chart.held', { who });
}

function extremesOf(model: Model, line: Line): { low: number; lowAt: number; high: number; highAt: number } | undefined {
	let low = -1;
	let high = -1;
	line.temps.forEach((v, i) => {
		if (v === null) return;
		if (low < 0 || v < (line.temps[low] ?? 0)) low = i;
		if (high < 0 || v > (line.temps[high] ?? 0)) high = i;
	});
	if (low < 0) return undefined;
	return { low: line.temps[low] ?? 0, lowAt: model.x[low] ?? 0, high: line.temps[high] ?? 0, highAt: model.x[high] ?? 0 };
}

/** The whole chart in sentences. */
export function summaryOf(model: Model, total: number, rows: number, trip: Trip | undefined, orgName: (code: string) => string): string[] {
	const out = [t('chart.summary.readings', { n: total, from: time(model.fromMS), to: time(model.toMS) })];
	if (rows < total) out.push(t('chart.summary.thinned', { n: rows }));
	for (const line of model.lines) {
		const e = extremesOf(model, line);
		if (e === undefined) continue;
		out.push(t('chart.summary.probe', { place: lineName(line, model.lines), low: celsius(e.low), lowAt: timeSeconds(e.lowAt), high: celsius(e.high), highAt: timeSeconds(e.highAt) }));
	}
	if (trip !== undefined) out.push(...excursionWords(trip, orgName), ...gapWords(trip));
	model.lines.forEach((line, i) => {
		const list = model.faults.filter((f) => f.line === i);
		const first = list[0];
		if (first !== undefined) out.push(t('chart.summary.faults', { n: list.length, place: lineName(line, model.lines), from: timeSeconds(first.fromMS) }));
	});
	return out;
}

function excursionWords(trip: Trip, orgName: (code: string) => string): string[] {
	if (trip.excursions.length === 0) return [t('chart.summary.noexcursion')];
	return [
		t('chart.summary.excursions', { n: trip.excursions.length }),
		...trip.excursions.map((x) => {
			const held = x.held.map((h) => t('chart.held', { who: partyName(h.party, orgName) })).join('; ');
			const p = { rule: x.rule, duration: duration(x.duration_ms), from: time(x.began_ms), extreme: temp(x.extreme_mc), held: held === '' ? t('chart.nobody') : held };
			return hasLimit(x.kind) ? t('chart.summary.excursion', p) : t('chart.summary.excursion.missing', p);
		}),
	];
}

function gapWords(trip: Trip): string[] {
	const out = trip.gaps.length === 0 ? [t('chart.summary.nogap')] : [t('chart.summary.gaps', { n: trip.gaps.length })];
	for (const g of trip.gaps) out.push(t('chart.summary.gap', { duration: duration(g.to_ms - g.from_ms), from: time(g.from_ms), reason: g.reason }));
	for (const l of trip.late) out.push(t('chart.summary.late', { records: l.records, from: time(l.from_ms), to: time(l.to_ms), cause: l.cause }));
	return out;
}

export function bandText(lowMC: number, highMC: number): string {
	return t('chart.band', { low: degree(lowMC), high: degree(highMC) });
}

export function lateLabels(cause: string): string[] {
	return [t('chart.late', { cause: word('chart', cause, 'cause.') }), t('chart.late.short')];
}
