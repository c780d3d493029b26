import { describe, expect, it } from 'vitest';
import { readTime, stampIn, zoneText } from './typedtime';

const now = Date.UTC(2026, 10, 23, 11, 30); // 12:30 at +01:00
const utc = (h: number, m: number, d = 23) => Date.UTC(2026, 10, d, h, m);

describe('readTime', () => {
	it.each([
		['12:05', 60, utc(11, 5), 60],
		['12:05+01:00', 0, utc(11, 5), 60],
		['11:05Z', 60, utc(11, 5), 0],
		['11:05z', 60, utc(11, 5), 0],
		['6:05 -05:00', 60, utc(11, 5), -300],
		['06:05\u221205:00', 60, utc(11, 5), -300],
		['12:39', 60, utc(11, 39), 60], // a clock that is ahead
		['00:31', 60, utc(23, 31, 22), 60], // 11 h 59 min ago
		['2026-11-22 14:05', 60, utc(13, 5, 22), 60],
		['2026-11-22T14:05:30+01:00', 0, utc(13, 5, 22) + 30_000, 60],
	])('%s at zone %i', (text, zone, ms, zoneMin) => expect(readTime(text, zone, now)).toEqual({ ok: true, ms, zoneMin }));

	it.each([
		['', 'unreadable'],
		['noon', 'unreadable'],
		['24:00', 'unreadable'],
		['12:60', 'unreadable'],
		['12.05', 'unreadable'],
		['2026-02-30 12:00', 'unreadable'],
		['12:05+15:00', 'unreadable'],
		['13:00', 'long-ago'], // half an hour ahead would be a slip; yesterday it was 23 h ago
		['00:20', 'long-ago'],
		['2026-11-23 13:00', 'ahead'],
	])('refuses %s', (text, fault) => expect(readTime(text, 60, now)).toEqual({ ok: false, fault }));

	it('knows just past midnight of another clock', () => {
		const late = Date.UTC(2026, 10, 23, 22, 55); // 23:55 at +01:00
		expect(readTime('00:02', 60, late)).toEqual({ ok: true, ms: Date.UTC(2026, 10, 23, 23, 2), zoneMin: 60 });
	});
});

describe('zones', () => {
	it.each([[0, '+00:00'], [60, '+01:00'], [-210, '-03:30'], [345, '+05:45']])('%i', (min, text) => expect(zoneText(min)).toBe(text));
	it('echoes a time in its own zone', () => expect(stampIn(utc(11, 5), 60)).toBe('2026-11-23 12:05 +01:00'));
});
