// How values are written. Units are always there; a minus sign is U+2212; a no-break space stands before a unit.
import { language } from '../i18n';

const nbsp = '\u00a0';
const minus = '\u2212';

function fixed(value: number, digits: number): string {
	const text = Math.abs(value).toFixed(digits);
	return value < 0 && Number(text) !== 0 ? minus + text : text;
}

/** Thousandths of a degree Celsius as '4.6 °C'. */
export function temp(mc: number | null | undefined): string {
	return mc == null ? '–' : `${fixed(mc / 1000, 1)}${nbsp}°C`;
}

/** The number alone, for where the unit stands apart. */
export function tempNumber(mc: number | null | undefined): string {
	return mc == null ? '–' : fixed(mc / 1000, 1);
}

/** An edge of a band: '2', '2.5'. */
export function degree(mc: number): string {
	return fixed(mc / 1000, mc % 1000 === 0 ? 0 : 1);
}

/** Thousandths of a kelvin with its sign: '+0.4 K'. */
export function tempDiff(mk: number): string {
	const text = fixed(mk / 1000, 1);
	return `${mk >= 50 ? '+' : ''}${text}${nbsp}K`;
}

/** Milliseconds as '2 h 41 min', '6 min', '12 s'. Longer than two days: '3 d 4 h'. */
export function duration(ms: number | null | undefined): string {
	if (ms == null) return '–';
	const sign = ms < 0 ? minus : '';
	const s = Math.floor(Math.abs(ms) / 1000);
	if (s < 60) return `${sign}${s}${nbsp}s`;
	const min = Math.floor(s / 60);
	if (min < 60) return `${sign}${min}${nbsp}min`;
	const h = Math.floor(min / 60);
	if (h < 48) return min % 60 === 0 ? `${sign}${h}${nbsp}h` : `${sign}${h}${nbsp}h ${min % 60}${nbsp}min`;
	const d = Math.floor(h / 24);
	return h % 24 === 0 ? `${sign}${d}${nbsp}d` : `${sign}${d}${nbsp}d ${h % 24}${nbsp}h`;
}

/** How long ago, or how far ahead: '12 s ago', 'in 6 min', 'now'. */
export function age(ms: number, now: number = Date.now()): string {
	const past = now - ms;
	if (Math.abs(past) < 1000) return 'now';
	const text = duration(Math.abs(past) < 60_000 ? Math.abs(past) : Math.round(Math.abs(past) / 1000) * 1000);
	return past > 0 ? `${text} ago` : `in ${text}`;
}

const clockFormat = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZoneName: 'short' });
const secondsFormat = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZoneName: 'short' });
const dayFormat = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', year: 'numeric' });
const shortDayFormat = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short' });
const plainFormat = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

/** Local time with its zone: '10:31 CET'. */
export function time(ms: number): string {
	return clockFormat.format(ms).replace(' ', nbsp);
}

/** '10:31', where the zone stands nearby. */
export function timePlain(ms: number): string {
	return plainFormat.format(ms);
}

export function timeSeconds(ms: number): string {
	return secondsFormat.format(ms).replace(' ', nbsp);
}

/** Local day: '23 Nov 2026'. */
export function day(ms: number): string {
	return parts(dayFormat, ms);
}

function parts(format: Intl.DateTimeFormat, ms: number): string {
	const p = format.formatToParts(ms);
	const of = (type: string) => p.find((x) => x.type === type)?.value ?? '';
	return [of('day'), of('month'), of('year')].filter((x) => x !== '').join(nbsp);
}

/** Local day and time with zone: '23 Nov, 10:31 CET'; the year when it is another one. */
export function dateTime(ms: number, now: number = Date.now()): string {
	const sameYear = new Date(ms).getFullYear() === new Date(now).getFullYear();
	return `${parts(sameYear ? shortDayFormat : dayFormat, ms)}, ${time(ms)}`;
}

/** '2026-11-23 10:31:07 UTC'. */
export function dateTimeUTC(ms: number): string {
	return new Date(ms).toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
}

/** '10:31:07 UTC'. */
export function timeUTC(ms: number): string {
	return dateTimeUTC(ms).slice(11);
}

const numberFormat = new Intl.NumberFormat(language);

/** '4,312'. */
export function number(n: number): string {
	return numberFormat.format(n).replace('-', minus);
}

/** '1 reading', '4,312 readings', for words with a plain s. */
export function count(noun: string, n: number): string {
	return `${number(n)}${nbsp}${n === 1 ? noun : `${noun}s`}`;
}

/** '812 B', '4.2 kB', '1.3 MB'. */
export function bytes(n: number): string {
	const units = ['B', 'kB', 'MB', 'GB', 'TB'];
	let value = n;
	let unit = 0;
	while (value >= 999.5 && unit < units.length - 1) {
		value /= 1000;
		unit++;
	}
	return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)}${nbsp}${units[unit]}`;
}

/** Thousandths as '87 %'. */
export function percent(permille: number): string {
	return `${Math.round(permille / 10)}${nbsp}%`;
}

/** An identifier in groups of four: '660b 59aa d61e 84b8 …'. `groups` limits how many are shown. */
export function shortId(hex: string, groups = 2): string {
	return (hex.match(/.{1,4}/g) ?? []).slice(0, groups).join(nbsp);
}

/** Metres: '350 m', '12.4 km'. */
export function distance(m: number): string {
	if (m < 1000) return `${Math.round(m)}${nbsp}m`;
	return m < 100_000 ? `${(m / 1000).toFixed(1)}${nbsp}km` : `${number(Math.round(m / 1000))}${nbsp}km`;
}
