import { describe, expect, it } from 'vitest';
import { same, trend } from './board';
import { act, summary } from './fixture';
import { actDetail, actName, coldLevel, conditionText, evidenceText, holderText, organText, organTitle, overdueBy, partyText, spanShort, spanText, stateText, unjudged } from './words';

describe('words', () => {
	it('names organs as people do', () => {
		expect([organText('kidney', 'left'), organText('lung', 'both'), organTitle('heart', ''), organText('unknown', '')]).toEqual(['left kidney', 'both lungs', 'Heart', 'Organ not known']);
	});
	it('names custodians by organisation, and desk or person', () => {
		expect(partyText(undefined)).toBe('nobody yet');
		expect(partyText({ organisation: 'AIR', desk: 'Cargo', name: 'x' })).toBe('AIR, Cargo');
		expect(partyText({ organisation: 'AIR', name: 'A. Pilot' })).toBe('AIR, A. Pilot');
		expect(holderText({ organisation: 'AIR' }, { organisation: 'HILL' })).toBe('released by AIR, not confirmed by HILL');
	});
	it('says an uncertain time as from and to, from a minute on', () => {
		expect(spanText(60_000, 119_000)).toBe('1\u00a0min');
		expect(spanText(3_600_000, 3_720_000)).toBe('1\u00a0h to 1\u00a0h 2\u00a0min');
		expect(spanText(0, 0)).toBe('');
	});
	it.each([
		[7_980_000, 8_100_000, '2\u00a0h 13 to 15\u00a0min'],
		[780_000, 900_000, '13 to 15\u00a0min'],
		[7_140_000, 7_260_000, '1\u00a0h 59\u00a0min to 2\u00a0h 1\u00a0min'],
		[7_200_000, 7_230_000, '2\u00a0h'],
		[0, 0, ''],
	])('shortens a span from %i to %i', (lo, hi, want) => expect(spanShort(lo, hi)).toBe(want));
	it('marks disputes and simulated trips', () => {
		expect(stateText(summary({ disputed: true }))).toEqual({ text: 'Packed, disputed', level: 'medium' });
		expect(stateText(summary({ simulated: true })).text).toBe('Packed (simulated)');
	});
	it('knows what a status of the clock means', () => {
		expect(["over the program's limit", "near the program's limit", 'in the time reserved for implanting', "within the program's limits", 'no limit'].map(coldLevel)).toEqual(['high', 'medium', 'medium', 'none', 'none']);
	});
	it.each([
		[{ eta_ms: 1_000_000 - 240_000 }, '4\u00a0min'],
		[{ eta_ms: 1_000_001 }, ''],
		[{ eta_method: 'the arrival expected (planned) passed 1 h 03 min ago' }, '1 h 03 min'],
		[{ eta_method: 'arrived' }, ''],
		[{ eta_method: 'no arrival is planned' }, ''],
		[{ phase: 'received' as const, eta_ms: 1 }, ''],
	])('says by how much an arrival is overdue: %j', (x, want) => expect(overdueBy(summary({ eta_ms: undefined, ...x }), 1_000_000)).toBe(want));
	it('says what was packed in words, not codes', () => expect(actDetail(act({ kind: 'pack', packaging: 'cooled-box', label_check: 'two-keys', reason: 'no-account' }))).toBe('cooled box, label check two people, two keys, reason no account'));
	it('says conditions in English and keeps unknown ones', () => expect(conditionText('SB ZZ')).toBe('seal broken (SB), unknown condition (ZZ)'));
	it('says what an act states', () => {
		expect(actDetail(act({ kind: 'release', to: { organisation: 'AIR' }, place: 'Airfield', seal: '0417', condition: 'CC' }))).toBe('to AIR, at Airfield, seal 0417, container cracked (CC)');
	});
	it('names acts by entry, and unknown ones by hash', () => {
		expect(actName([act({ hash: 'ab', index: 118, kind: 'accept' })], 'ab')).toBe('Accepted (entry 118)');
		expect(actName([], 'f'.repeat(64))).toBe(`act ${'f'.repeat(16)}`);
	});
	it('has a sentence for every grade of evidence', () => {
		for (const e of ['both keys', "confirmed on the carrier's phone", 'one side only', 'own key']) expect(evidenceText(e)).not.toBe('');
		expect(evidenceText('something newer')).toBe('');
	});
	it('sees when no reading is of the organ', () => {
		expect(unjudged(summary({ last_temp_mc: undefined }))).toBe(true);
		expect(unjudged(summary({ last_temp_mc: undefined, last_reading_ms: undefined }))).toBe(false);
	});
});

describe('trend', () => {
	it('puts one value a minute before the newest reading, and leaves out minutes without one', () => {
		expect(trend(summary({ last_reading_ms: 600_000, recent_mc: [1000, null, 3000] }))).toEqual([[480_000, 1000], [600_000, 3000]]);
	});
	it('keeps a value of exactly 0 °C', () => expect(trend(summary({ last_reading_ms: 60_000, recent_mc: [0] }))).toEqual([[60_000, 0]]));
});

it('keeps lines that did not change, and takes those that did', () => {
	const [a, b] = same([summary({ id: 'a' }), summary({ id: 'b' })]);
	const [c, d] = same([summary({ id: 'a' }), summary({ id: 'b', excursions: 1 })]);
	expect(c).toBe(a);
	expect(d).not.toBe(b);
	expect(d?.excursions).toBe(1);
});
