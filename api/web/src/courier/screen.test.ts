import { describe, expect, it } from 'vitest';
import type { S } from '../lib/api';
import { arrivalOf, cardOf, coldOf, lasting, linkOf, mutedUntil, sideOf, temperatureOf } from './screen';

const band = { low_mc: 2000, high_mc: 8000 };
const t0 = 1_800_000_000_000;
const minute = 60_000;

function series(...probes: { place: string; judged?: boolean; mc: (number | null)[] }[]): S['Series'] {
	return {
		node: 'n', entries: 1, total: 3, wall_ms: [t0, t0 + minute, t0 + 2 * minute], late: [false, false, false], fixes: [],
		probes: probes.map((p, i) => ({ segment: 0, probe: i, place: p.place, judged: p.judged ?? true, temp_mc: p.mc })),
	};
}

function alarm(x: Partial<S['Alarm']>): S['Alarm'] {
	return { id: '1', code: 'too-cold', severity: 'high', what: '', since_ms: t0, learned_ms: t0, late: false, do: [], call: [], state: 'active', acknowledgements: [], deliveries: [], ...x };
}

describe('temperatureOf', () => {
	it('takes the newest reading of the judged probe', () => {
		const got = temperatureOf(series({ place: 'organ', mc: [5000, 4900, 4800] }, { place: 'box', judged: false, mc: [1, 1, 1] }), band, t0 + 3 * minute);
		expect(got).toMatchObject({ mc: 4800, place: 'organ', stale: false, atMS: t0 + 2 * minute });
	});
	it('takes the judged probe that is farthest out of band', () => {
		expect(temperatureOf(series({ place: 'a', mc: [5000, 5000, 7000] }, { place: 'b', mc: [5000, 5000, 1200] }), band, t0)!.mc).toBe(1200);
		expect(temperatureOf(series({ place: 'a', mc: [5000, 5000, 9000] }, { place: 'b', mc: [5000, 5000, 1900] }), band, t0)!.mc).toBe(9000);
	});
	it('skips failed samples, and a probe that fell silent', () => {
		expect(temperatureOf(series({ place: 'a', mc: [5000, 4000, null] }), band, t0)!.mc).toBe(4000);
		expect(temperatureOf(series({ place: 'a', mc: [-9000, null, null] }, { place: 'b', mc: [5000, 5000, 5100] }), band, t0)!.mc).toBe(5100);
	});
	it('is stale after two minutes and not at two', () => {
		const s = series({ place: 'a', mc: [1, 1, 1] });
		expect(temperatureOf(s, band, t0 + 4 * minute)!.stale).toBe(false);
		expect(temperatureOf(s, band, t0 + 4 * minute + 1)!.stale).toBe(true);
	});
	it('is nothing without a judged probe', () => {
		expect(temperatureOf(series({ place: 'a', judged: false, mc: [1, 2, 3] }), band, t0)).toBeUndefined();
		expect(temperatureOf(undefined, band, t0)).toBeUndefined();
		expect(temperatureOf(series({ place: 'a', mc: [null, null, null] }), band, t0)).toBeUndefined();
	});
});

describe('sideOf', () => {
	it('counts the edges as in band', () => {
		expect([1999, 2000, 8000, 8001].map((mc) => sideOf(mc, band))).toEqual(['below', 'in', 'in', 'above']);
	});
});

describe('cardOf', () => {
	const temperature = temperatureOf(series({ place: 'a', mc: [5000, 5000, 5000] }), band, t0);
	it.each([
		['nothing wrong', [], 'packed', true, 'temperature'],
		['high and new', [alarm({})], 'packed', true, 'alarm'],
		['medium and active', [alarm({ severity: 'medium' })], 'packed', true, 'alarm'],
		['low', [alarm({ severity: 'low' })], 'packed', true, 'temperature'],
		['acknowledged', [alarm({ state: 'acknowledged' })], 'packed', true, 'temperature'],
		['over', [alarm({ state: 'ended', until_ms: t0 })], 'packed', true, 'temperature'],
		['an acknowledged one beside a new one', [alarm({ state: 'acknowledged' }), alarm({ id: '2', severity: 'medium' })], 'packed', true, 'alarm'],
		['a low one before an acknowledged high one', [alarm({ state: 'acknowledged' }), alarm({ id: '2', severity: 'low' })], 'packed', true, 'temperature'],
		['not packed', [], 'open', false, 'not-packed'],
		['packed without readings', [], 'packed', false, 'no-readings'],
		['an alarm without readings', [alarm({ code: 'silence' })], 'packed', false, 'alarm'],
	])('%s', (_, alarms, phase, has, want) => {
		expect(cardOf({ phase: phase as string, alarms: alarms as S['Alarm'][], temperature: has ? temperature : undefined })).toBe(want);
	});
});

describe('lasting', () => {
	it('puts the one that nobody acknowledged first, then the gravest, then the oldest', () => {
		const list = [alarm({ id: 'acked', state: 'acknowledged' }), alarm({ id: 'young', since_ms: t0 + 1 }), alarm({ id: 'medium', severity: 'medium' }), alarm({ id: 'old' }), alarm({ id: 'over', until_ms: t0 })];
		expect(lasting(list).map((a) => a.id)).toEqual(['old', 'young', 'medium', 'acked']);
	});
	it('knows when an acknowledgement runs out', () => {
		const ack = { by: 'p', reason: 'seen' as const, at_ms: t0 };
		expect(mutedUntil(alarm({ state: 'acknowledged', acknowledgements: [{ ...ack, until_ms: t0 + 1 }, { ...ack, until_ms: t0 + 5 }] }))).toBe(t0 + 5);
		expect(mutedUntil(alarm({}))).toBe(0);
	});
});

describe('coldOf', () => {
	const clock = (x: Partial<S['Clock']>): S['Clock'] => ({
		as_of_ms: t0, end: 'running', start_ms: t0 - 60 * minute, periods: [], cold_lo_ms: 60 * minute, cold_hi_ms: 62 * minute, perfused_lo_ms: 0, perfused_hi_ms: 0,
		status: 'no limit', flags: [], now: 'cold', ...x,
	});
	it('goes on from the answer to the present', () => {
		expect(coldOf(clock({}), t0 + 5 * minute)).toMatchObject({ loMS: 65 * minute, hiMS: 67 * minute, running: true, limitMS: 0, level: 'none' });
	});
	it('stands still when it ended, or the organ is perfused', () => {
		expect(coldOf(clock({ end: 'out of cold' }), t0 + 5 * minute)).toMatchObject({ hiMS: 62 * minute, running: false });
		expect(coldOf(clock({ now: 'warm-perfused' }), t0 + 5 * minute)).toMatchObject({ hiMS: 62 * minute, running: false });
	});
	it('has not begun', () => {
		expect(coldOf(clock({ end: 'not started' }), t0)).toBeUndefined();
	});
	it.each([
		['within', 0, 'none'], ['near from the warning on', 58, 'medium'], ['over at the limit', 178, 'high'],
	])('%s', (_, later, level) => {
		expect(coldOf(clock({ limit_ms: 240 * minute, warn_ms: 120 * minute }), t0 + later * minute)!.level).toBe(level);
	});
	it('warns from what is reserved for implanting', () => {
		expect(coldOf(clock({ limit_ms: 240 * minute, warn_ms: 0, implant_ms: 60 * minute }), t0 + 117 * minute)!.level).toBe('none');
		expect(coldOf(clock({ limit_ms: 240 * minute, warn_ms: 0, implant_ms: 60 * minute }), t0 + 118 * minute)!.level).toBe('medium');
	});
});

describe('linkOf', () => {
	it('tells a phone without a network from a box without one', () => {
		expect(linkOf(t0, true, t0)).toBe('phone-offline');
		expect(linkOf(undefined, false, t0)).toBe('never');
		expect(linkOf(t0, false, t0 + 2 * minute)).toBe('live');
		expect(linkOf(t0, false, t0 + 2 * minute + 1)).toBe('quiet');
	});
});

describe('arrivalOf', () => {
	const s = (eta_ms?: number) => ({ eta_ms }) as S['Summary'];
	const leg = (arrive_ms?: number) => [{ number: 1, from: 'a', to: 'b', mode: 'road', arrive_ms }] as S['Leg'][];
	it('says plan, expectation and what lies between from a minute on', () => {
		expect(arrivalOf(s(), leg())).toBeUndefined();
		expect(arrivalOf(s(), leg(t0))).toMatchObject({ planMS: t0, etaMS: 0, delayMS: 0 });
		expect(arrivalOf(s(t0 + 59_999), leg(t0))!.delayMS).toBe(0);
		expect(arrivalOf(s(t0 + 15 * minute), leg(t0))!.delayMS).toBe(15 * minute);
		expect(arrivalOf(s(t0 - 5 * minute), leg(t0))!.delayMS).toBe(-5 * minute);
	});
});
