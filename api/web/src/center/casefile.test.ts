import { describe, expect, it } from 'vitest';
import { differing, hasDonor, packedABO } from './arrival';
import { callList, caseFlags, isWithheld, marks, openDisputes, openRulings, outOf, workList } from './casefile';
import { correctable } from './correctable';
import { act, shipment, summary } from './fixture';
import { clean } from './work-clean';

const donor = '11'.repeat(32);

describe('arrival check', () => {
	const s = shipment({ summary: summary({ organ: 'kidney', side: 'left' }), history: [act({ kind: 'pack', abo: 'A', hash: 'p' })] });
	const right = { donor, organ: 'kidney', side: 'left', abo: 'A' };
	it.each([
		['match', {}, []],
		['blood group not read', { abo: '' }, []],
		['other side', { side: 'right' }, ['side']],
		['other donor and organ', { donor: '22'.repeat(32), organ: 'heart', side: '' }, ['donor', 'organ', 'side']],
		['other blood group', { abo: 'B' }, ['abo']],
	])('%s', (_, part, want) => expect(differing(s, { ...right, ...part })).toEqual(want));
	it('takes the blood group of packing that applied only', () => {
		expect(packedABO(shipment({ history: [act({ abo: 'A' }), act({ abo: 'B', standing: 'conflicting claim' })] }))).toBe('A');
	});
	it('knows a case without a donor ID', () => {
		expect(hasDonor(s)).toBe(true);
		expect(hasDonor(shipment({ donor: '00'.repeat(32) }))).toBe(false);
	});
});

describe('marks', () => {
	const s = shipment({
		history: [act({ hash: 'a', kind: 'release' }), act({ hash: 'b', kind: 'accept', event_time_ms: 0, record_time_ms: 6 * 60_000 }), act({ hash: 'c', kind: 'accept', standing: 'conflicting claim' })],
		flags: [{ code: 'not-confirmed', text: 'x', act: 'a' }, { code: 'not-packed', text: 'y' }, { code: 'z', text: 'z', act: 'unknown' }],
		corrections: [{ act: 'k', of: 'b', field: 'seal', old: '1', new: '2' }],
		disputes: [{ parent: 'a', claims: ['b', 'c'], stands: 'b' }],
	});
	it('joins flags, corrections and disputes with their acts', () => {
		const m = marks(s);
		expect(m[0]!.flags.map((f) => f.code)).toEqual(['not-confirmed']);
		expect(m[1]!.corrections).toHaveLength(1);
		expect([m[0]!.dispute, m[1]!.dispute?.stands, m[2]!.dispute?.stands]).toEqual([undefined, 'b', 'b']);
	});
	it('calls late what was entered more than five minutes later', () => expect(marks(s).map((m) => m.lateMS)).toEqual([0, 360_000, 0]));
	it('shows every flag once: of an act, or of the case', () => expect(caseFlags(s).map((f) => f.code)).toEqual(['not-packed', 'z']));
	it('finds what waits for a ruling, and a ruling that waits for a second person', () => {
		expect(openDisputes(s)).toHaveLength(1);
		expect(openDisputes(shipment({ disputes: [{ parent: 'a', claims: [], stands: 'b', ruling: 'ff' }, { parent: 'a', claims: [], stands: 'b', ruling: '00' }] }))).toHaveLength(1);
		const one = { role: 'actor', person: 'p', signed_at_ms: 1 };
		expect(openRulings(shipment({ history: [act({ kind: 'ruling', standing: 'waits', signatures: [one] }), act({ kind: 'ruling', standing: 'applied', signatures: [one, one] })] }))).toHaveLength(1);
	});
});

describe('out of band by custodian', () => {
	const air = { organisation: 'North Air' };
	const s = shipment();
	s.trip = { custodians: [{ party: air, since_ms: 5, evidence: '', from_ms: 0, to_ms: 100, out_ms: 6 }, { party: air, since_ms: 50, evidence: '', from_ms: 100, to_ms: 110, out_ms: 1, unconfirmed: { organisation: 'HILL' } }] } as never;
	const c = { party: air, since_ms: 5, evidence: '', disputed: false, unconfirmed_since_ms: 50 };
	it('counts the time before and after a release apart', () => {
		expect(outOf(s, c, false)).toEqual({ outMS: 6, ofMS: 100 });
		expect(outOf(s, c, true)).toEqual({ outMS: 1, ofMS: 10 });
		expect(outOf(s, { ...c, since_ms: 7 }, false)).toBeUndefined();
	});
});

describe('whom to call', () => {
	const s = shipment({ summary: summary({ custodian: { organisation: 'HILL' }, pending: { organisation: 'AIR' } }) });
	it('names each organisation once, and prefers the numbers of the case', () => {
		expect(callList(s, (c) => ({ HILL: '1', RIVER: '2', AIR: '3' })[c], { dest: '9' })).toEqual([
			{ what: 'holder', organisation: 'HILL', phone: '9' },
			{ what: 'offered', organisation: 'AIR', phone: '3' },
			{ what: 'origin', organisation: 'RIVER', phone: '2' },
		]);
	});
	it('says so when no number is known', () => expect(callList(shipment(), () => undefined, {}).map((c) => c.phone)).toEqual(['', '']));
});

describe('work', () => {
	it('names the next missing thing to a center, and nothing to an auditor', () => {
		const s = shipment({ summary: summary({ phase: 'received' }), history: [act({ kind: 'receive' }), act({ kind: 'arrival-check', arrival: 'not done' })] });
		expect(workList(s, 'center').find((w) => w.next)?.work).toBe('arrival');
		expect(workList(s, 'auditor')).toEqual([]);
		expect(workList(s, 'coordinator').map((w) => w.work)).not.toContain('receive');
	});
	it('has no next thing before the organ is packed', () => expect(workList(shipment({ summary: summary({ phase: 'open' }) }), 'center').some((w) => w.next)).toBe(false));
});

describe('corrections', () => {
	it('offers what the format lets correct', () => {
		expect(correctable('arrival-check').map((f) => f.key)).toContain('arrival');
		expect(correctable('correction')).toEqual([]);
		expect(correctable('ruling')).toEqual([]);
	});
	it('shows what stands now', () => expect(correctable('pack').find((f) => f.name === 'seal')?.now(act({ seal: '0417' }))).toBe('0417'));
});

describe('drafts', () => {
	it('leave out what is empty, and keep UTC', () => expect(clean({ a: '', b: 0, c: undefined, zone: 0, d: 'x' })).toEqual({ zone: 0, d: 'x' }));
});

it('tells data that were not taken from data that did not come', () => {
	expect(isWithheld({ from_ms: 0, to_ms: 1, reason: 'data withheld' })).toBe(true);
	expect(isWithheld({ from_ms: 0, to_ms: 1, reason: 'box off' })).toBe(false);
});
