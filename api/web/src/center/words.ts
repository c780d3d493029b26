// The words of `isotherm` in the terminal, for pages: who, what state, how long. Pure.
import '../i18n/en/center';
import { t, word, type Key } from '../i18n';
import type { S } from '../lib/api';
import { duration } from '../lib/format';

export type Level = 'high' | 'medium' | 'low' | 'none';

/** A text, and how much attention it wants. */
export interface Marked {
	text: string;
	level: Level;
}

/** 'left kidney'; empty while no act that opens the case is known. */
export function organText(organ: string | undefined, side: string | undefined): string {
	if (!organ) return '';
	if (organ === 'unknown') return t('center.organ.unknown');
	const name = word('center', side === 'both' ? organ + 's' : organ, 'organ.');
	return side ? t('center.organ.side', { side: word('center', side, 'side.'), organ: name }) : name;
}

/** The same as the beginning of a line: 'Left kidney'. */
export function organTitle(organ: string | undefined, side: string | undefined): string {
	const text = organText(organ, side);
	return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Names a custodian: the organisation, and the desk or the person when known. */
export function partyText(p: S['Party'] | undefined): string {
	if (!p) return t('center.nobody');
	if (p.desk) return `${p.organisation}, ${p.desk}`;
	return p.name ? `${p.organisation}, ${p.name}` : p.organisation;
}

/** A shipment's phase, with what is uncertain about it. */
export function stateText(x: S['Summary']): Marked {
	const sim = x.simulated ? ` ${t('center.simulated')}` : '';
	const phase = word('center', x.phase, 'phase.');
	if (x.disputed) return { text: t('center.state.disputed', { phase }) + sim, level: 'medium' };
	return { text: phase + sim, level: 'none' };
}

/** Who holds the box; between a release and its accept, both sides. */
export function holderText(party: S['Party'] | undefined, unconfirmed: S['Party'] | undefined): string {
	if (!unconfirmed) return partyText(party);
	return t('center.held.unconfirmed', { by: partyText(party), to: partyText(unconfirmed) });
}

/** From where an uncertainty is worth saying: a minute is what the clock on a wall shows. */
const spanNotedMS = 60_000;

/** A duration that is known to lie between two; empty for none. */
export function spanText(lo: number | undefined, hi: number | undefined): string {
	if (!hi || hi <= 0) return '';
	const low = lo ?? 0;
	if (hi - low < spanNotedMS) return duration(low);
	return t('center.span', { lo: duration(low), hi: duration(hi) });
}

/** The same for a narrow place: '2 h 13 to 15 min' when the hours are the same. */
export function spanShort(lo: number | undefined, hi: number | undefined): string {
	const [a, b] = [Math.floor((lo ?? 0) / 60_000), Math.floor((hi ?? 0) / 60_000)];
	if (b - a < 1 || Math.floor(a / 60) !== Math.floor(b / 60) || b >= 48 * 60) return spanText(lo, hi);
	const low = a < 60 ? String(a) : `${duration(a * 60_000 - (a % 60) * 60_000)} ${a % 60}`;
	return t('center.span', { lo: low, hi: duration((b % 60) * 60_000) });
}

/** What a status of the cold clock means for attention. */
export function coldLevel(status: string | undefined): Level {
	switch (status) {
		case "over the program's limit":
			return 'high';
		case "near the program's limit":
		case 'in the time reserved for implanting':
			return 'medium';
	}
	return 'none';
}

const passed = /^the arrival expected .* passed (.+) ago$/;

/** How long ago the expected arrival passed, as the ledger says it: from then on it estimates none. Empty while it has not. */
export function overdueBy(x: S['Summary'], nowMS: number): string {
	if (x.phase !== 'packed' && x.phase !== 'open' && x.phase !== 'unknown') return '';
	if (x.eta_ms) return x.eta_ms < nowMS ? duration(nowMS - x.eta_ms) : '';
	return passed.exec(x.eta_method ?? '')?.[1] ?? '';
}

/** Readings come and none of them is of a probe that the profile judges: then 'no excursion' says nothing. */
export function unjudged(x: S['Summary']): boolean {
	return !!x.last_reading_ms && x.last_temp_mc === undefined;
}

/** An act counts as entered later than it happened from here on: minutes are what a signature takes. */
export const lateAfterMS = 5 * 60_000;

/** Codes of HL7 v2 table 0544 that people choose from. */
export const conditionCodes = ['CC', 'CL', 'CT', 'SB', 'XAMB', 'XFRZ', 'XREF'] as const;

/** What the codes of a statement mean: 'seal broken (SB)'. A code of a later table is shown as it is. */
export function conditionText(codes: string | undefined): string {
	const known: readonly string[] = conditionCodes;
	return (codes ?? '')
		.split(/\s+/)
		.filter(Boolean)
		.map((c) => `${known.includes(c) ? word('center', c, 'condition.') : t('center.condition.unknown')} (${c})`)
		.join(', ');
}

/** What an act says beside who and when. */
export function actDetail(a: S['Act']): string {
	const parts: string[] = [];
	const add = (key: Key | '', text: string | undefined) => text && parts.push(key ? t(key, { text }) : text);
	if (a.to) add('center.act.to', partyText(a.to));
	add('', a.arrival && word('center', a.arrival, 'word.'));
	add('', a.outcome && word('center', a.outcome, 'word.'));
	add('', a.preservation && word('center', a.preservation, 'word.'));
	add('', a.segment && word('center', a.segment, 'word.'));
	if (a.kind === 'open' || a.kind === 'pack' || a.kind === 'arrival-check') add('', organText(a.organ, a.side));
	add('center.act.space', a.space);
	add('', a.packaging && word('center', a.packaging, 'word.'));
	add('center.act.abo', a.abo);
	add('center.act.label', a.label_check && word('center', a.label_check, 'word.'));
	if (a.leg) add('', t('center.act.leg', { leg: a.leg, state: a.leg_state ?? '' }));
	add('center.act.place', a.place);
	add('center.act.seal', a.seal);
	add('', conditionText(a.condition));
	add('center.act.reason', a.reason && word('center', a.reason, 'reason.'));
	add('center.act.reference', a.reference);
	return parts.join(', ');
}

/** What the grades of evidence mean, in a sentence; empty for a grade that is not known here. */
export function evidenceText(evidence: string | undefined): string {
	switch (evidence) {
		case 'both keys':
			return t('center.evidence.both');
		case "confirmed on the carrier's phone":
			return t('center.evidence.phone');
		case 'one side only':
			return t('center.evidence.one');
		case 'own key':
			return t('center.evidence.own');
	}
	return '';
}

/** Names an act by kind and entry. */
export function actName(history: S['Act'][], hash: string): string {
	const a = history.find((h) => h.hash === hash);
	return a ? t('center.act.named', { kind: kindText(a.kind), entry: String(a.index) }) : t('center.act.unknown', { hash: hash.slice(0, 16) });
}

/** Severity as the IEC words and as the pages' levels are the same. */
export function severityLevel(severity: string | undefined): Level {
	return severity === 'high' || severity === 'medium' || severity === 'low' ? severity : 'none';
}

/** The kind of an act as a title: 'Arrival check'. */
export function kindText(kind: string): string {
	return word('center', kind, 'kind.');
}
