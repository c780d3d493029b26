// Words of the courier's pages that are put together from several. Pure.
import { t, word } from '../i18n';
import '../i18n/en/courier';
import type { S } from '../lib/api';
import { shortId } from '../lib/format';
import { orgName, personName } from '../lib/organisations.svelte';
import type { Trend } from './trend';

/** 'Left kidney'. */
export function organTitle(organ: string | undefined, side: string | undefined): string {
	if (!organ || organ === 'unknown') return t('courier.organ.unknown');
	const name = word('courier', side === 'both' ? `${organ}s` : organ, 'organ.');
	const text = side ? t('courier.organ.side', { side: word('courier', side, 'side.'), organ: name }) : name;
	return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** 'Ana Ruiz, North Air', 'North Air, Cargo desk', 'North Air'. */
export function partyName(p: S['Party'] | undefined): string {
	if (!p) return t('courier.nobody');
	const organisation = orgName(p.organisation);
	const person = p.name || (p.person && personName(p.person)) || (p.person && !/^0*$/.test(p.person) ? shortId(p.person) : '');
	const who = person || p.desk;
	if (!who) return organisation;
	return person ? `${person}${organisation ? `, ${organisation}` : ''}` : `${organisation}, ${who}`;
}

/** 'falling slowly', 'steady', 'rising fast'. */
export function trendText(x: Trend | undefined): string {
	if (!x) return '';
	return x.direction === 'steady' ? t('courier.trend.steady') : t(`courier.trend.${x.direction}.${x.pace}`);
}

/** 'Heart L4-7Q2X, to Hill Transplant Center'. */
export function caseLine(s: S['Summary'], label: string): string {
	return t('courier.line', { what: `${organTitle(s.organ, s.side)} ${label}`.trim(), dest: orgName(s.dest) });
}
