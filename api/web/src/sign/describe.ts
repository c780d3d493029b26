// A statement in plain words: one sentence, and the facts below it. What is said here is read from the statement that is signed, not from
// what a page meant to state.
import { t, word, type Key } from '../i18n';
import '../i18n/en/sign';
import { age, bytes, dateTime, duration, shortId } from '../lib/format';
import { aboNames, Evidence, Kind, kindNames, labelCheckNames, organNames, packagingNames, reasonNames, sideNames, type Party, type Statement } from './act';
import { headOf } from './head';

/** Names that a page knows: of people by identifier, of organisations by code, the label of the box. */
export interface Names {
	person?: (id: string) => string | undefined;
	organisation?: (code: string) => string | undefined;
	box?: string | undefined;
}

export interface Fact {
	what: string;
	text: string;
	/** Said beside it: 'that was 1 h 19 min ago'. */
	note?: string;
	mono?: boolean;
}

export function partyText(p: Party, names: Names): string {
	const organisation = names.organisation?.(p.organisation) ?? p.organisation;
	if (p.person) return `${names.person?.(p.person) ?? shortId(p.person)}${organisation ? `, ${organisation}` : ''}`;
	return p.desk ? `${organisation}, ${p.desk}` : organisation;
}

function codeText(list: readonly string[], n: number | undefined): string {
	return n ? word('sign', (list[n] ?? String(n)).replace('not done', 'not-done'), 'word.') : '';
}

function organText(s: Statement): string {
	const organ = codeText(organNames, s.organ);
	return s.side ? `${organ}, ${codeText(sideNames, s.side)}` : organ;
}

function sayKey(s: Statement): Key {
	const name = kindNames[s.kind]!;
	switch (s.kind) {
		case Kind.Release:
			return s.evidence === Evidence.OneSide ? 'sign.say.release.one' : 'sign.say.release';
		case Kind.Accept:
			return s.evidence === Evidence.CarriersPhone ? 'sign.say.accept.for' : 'sign.say.accept';
		case Kind.ArrivalCheck:
			return `sign.say.arrival-check.${s.arrival}` as Key;
		case Kind.Outcome:
			return `sign.say.outcome.${s.result}` as Key;
		case Kind.Move:
			return `sign.say.move.${s.segment}` as Key;
		case Kind.Waypoint:
			return `sign.say.waypoint.${s.legState}` as Key;
		case Kind.Preserve:
			return `sign.say.preserve.${s.preservation}` as Key;
	}
	return `sign.say.${name}` as Key;
}

/** One sentence: 'I release the box L4-7Q2X to Ana Ruiz, North Air'. */
export function meaningOf(s: Statement, names: Names = {}): string {
	return t(sayKey(s), {
		organ: s.organ ? organText(s) : t('sign.organ.unknown'), dest: s.dest ? (names.organisation?.(s.dest) ?? s.dest) : '',
		box: names.box ?? t('sign.box.this'), to: s.to ? partyText(s.to, names) : '', me: names.organisation?.(s.by.organisation) ?? s.by.organisation,
		leg: s.leg ?? '', reason: reasonText(s.reason),
	});
}

/** The dialog's sentence. A statement speaks for itself, whatever the page calls it; only a card, whose bytes its page makes, is told by the page. */
export function sayWhat(options: { meaning?: string; names?: Names }, s: Statement | undefined): string {
	return s ? meaningOf(s, options.names) : (options.meaning ?? '');
}

export function reasonText(n: number | undefined): string {
	return n ? word('sign', reasonNames[n] ?? String(n), 'reason.') : '';
}

export function conditionText(codes: string): string {
	return codes.split(' ').filter(Boolean).map((c) => `${word('sign', c, 'condition.')} (${c})`).join(', ');
}

/** How long ago a typed time was, so that a slip is seen before it is signed. */
export function echo(ms: number, now: number): string {
	return ms <= now ? t('sign.fact.ago', { ago: age(ms, now) }) : t('sign.fact.ahead', { ahead: age(ms, now) });
}

/** A time with the zone in which it was typed: the statement keeps that zone, the device may be in another. */
export function typedTime(ms: number, zone: number | undefined): string {
	if (zone === undefined || zone === -new Date(ms).getTimezoneOffset()) return dateTime(ms);
	const local = new Date(ms + zone * 60_000).toISOString();
	const sign = zone < 0 ? '−' : '+';
	const two = (n: number) => String(n).padStart(2, '0');
	return `${local.slice(0, 10)} ${local.slice(11, 16)} UTC${sign}${two(Math.floor(Math.abs(zone) / 60))}:${two(Math.abs(zone) % 60)}`;
}

function timeFact(what: string, ms: number | undefined, s: Statement, now: number): Fact[] {
	return ms ? [{ what, text: typedTime(ms, s.zone), note: echo(ms, now) }] : [];
}

const plain: readonly [keyof Statement, Key][] = [
	['place', 'sign.fact.place'], ['seal', 'sign.fact.seal'], ['reference', 'sign.fact.reference'], ['space', 'sign.fact.space'],
	['fromPhone', 'sign.fact.fromPhone'], ['destPhone', 'sign.fact.destPhone'],
];

/** The facts of a statement, those that are there, in the order in which people check them. */
export function factsOf(s: Statement, names: Names, now: number): Fact[] {
	const out: Fact[] = [];
	const add = (what: Key, text: string | undefined, more: Partial<Fact> = {}) => text && out.push({ what: t(what), text, ...more });
	const org = (code: string | undefined) => code && (names.organisation?.(code) ?? code);
	add('sign.fact.organ', s.organ ? organText(s) : '');
	add('sign.fact.abo', aboNames[s.abo ?? 0]);
	if (s.donor) add('sign.fact.donor', t('sign.fact.donor.sealed'));
	add('sign.fact.from', org(s.from));
	add('sign.fact.dest', org(s.dest));
	add('sign.fact.to', s.to && partyText(s.to, names));
	if (s.zone !== undefined) out.push(...timeFact(t('sign.fact.happened'), s.eventTimeMS, s, now));
	out.push(...timeFact(t('sign.fact.cold'), s.coldMS === s.eventTimeMS && s.zone === undefined ? 0 : s.coldMS, s, now));
	out.push(...timeFact(t('sign.fact.says'), s.saysTimeMS, s, now));
	out.push(...timeFact(t('sign.fact.valid'), s.validMS, s, now));
	add('sign.fact.error', s.timeErrorMS ? duration(s.timeErrorMS) : '');
	for (const [name, key] of plain) add(key, s[name] as string | undefined);
	add('sign.fact.condition', s.condition && conditionText(s.condition));
	add('sign.fact.reason', reasonText(s.reason));
	add('sign.fact.packaging', codeText(packagingNames, s.packaging));
	add('sign.fact.label', codeText(labelCheckNames, s.labelCheck));
	if (s.profile) add('sign.fact.profile', t('sign.fact.profile.size', { size: bytes(s.profile.length) }));
	add('sign.fact.cites', s.cites && shortId(s.cites, 4), { mono: true });
	add('sign.fact.legs', s.legs?.map((l) => `${l.from} – ${l.to}`).join(', '));
	if (s.kind === Kind.Correction && s.leg) add('sign.fact.leg', String(s.leg));
	add('sign.fact.newBox', s.newBox && shortId(s.newBox, 4), { mono: true });
	if (s.position) add('sign.fact.position', `${(s.position.latE7 / 1e7).toFixed(5)}, ${(s.position.lonE7 / 1e7).toFixed(5)}`);
	return out;
}

/** What a signature covers beside: the box's record that it cites. */
export function headText(head: Uint8Array | undefined, atMS: number | undefined, now: number): string {
	const h = headOf(head);
	if (!h) return '';
	return atMS ? t('sign.fact.record', { n: h.size, ago: age(atMS, now) }) : t('sign.fact.recordNumber', { n: h.size });
}
