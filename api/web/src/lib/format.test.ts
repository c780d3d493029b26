import { expect, test } from 'vitest';
import { age, bytes, count, degree, distance, duration, percent, shortId, temp, tempDiff, timeUTC } from './format';

const min = 60_000;
const h = 60 * min;

// A no-break space is written as _ here.
const plain = (s: string) => s.replaceAll('\u00a0', '_');

test.each([
	[4600, '4.6_°C'],
	[-1249, '\u22121.2_°C'],
	[-40, '0.0_°C'],
	[0, '0.0_°C'],
	[null, '–'],
	[undefined, '–'],
])('temp %s', (mc, want) => expect(plain(temp(mc))).toBe(want));

test.each([
	[0, '0_s'],
	[59_999, '59_s'],
	[6 * min, '6_min'],
	[2 * h, '2_h'],
	[2 * h + 41 * min, '2_h 41_min'],
	[49 * h, '2_d 1_h'],
	[-90 * min, '\u22121_h 30_min'],
	[null, '–'],
])('duration %s', (ms, want) => expect(plain(duration(ms))).toBe(want));

test.each([
	[12_000, '12_s ago'],
	[500, 'now'],
	[3 * min, '3_min ago'],
	[-6 * min, 'in 6_min'],
])('age %s', (past, want) => expect(plain(age(1e12 - past, 1e12))).toBe(want));

test('others', () => {
	expect(plain(tempDiff(400))).toBe('+0.4_K');
	expect(plain(tempDiff(-400))).toBe('\u22120.4_K');
	expect(degree(2000)).toBe('2');
	expect(degree(2500)).toBe('2.5');
	expect(plain(bytes(812))).toBe('812_B');
	expect(plain(bytes(999_700))).toBe('1.0_MB');
	expect(plain(bytes(4200))).toBe('4.2_kB');
	expect(plain(count('reading', 4312))).toBe('4,312_readings');
	expect(plain(count('reading', 1))).toBe('1_reading');
	expect(plain(percent(874))).toBe('87_%');
	expect(plain(shortId('660b59aad61e'))).toBe('660b_59aa');
	expect(plain(distance(12_400))).toBe('12.4_km');
	expect(timeUTC(Date.UTC(2026, 10, 23, 10, 31, 7))).toBe('10:31:07 UTC');
});
