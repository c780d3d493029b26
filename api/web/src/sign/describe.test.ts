import { expect, test } from 'vitest';
import { decodeAct, Evidence, Kind } from './act';
import { conditionText, echo, factsOf, meaningOf, sayWhat, typedTime } from './describe';
import { vectorAct } from './testing';
import vectors from './testdata/acts.json';

const names = { person: (id: string) => (id.startsWith('70696c6f74') ? 'Ana Ruiz' : undefined), organisation: (code: string) => (code === 'North-Air' ? 'North Air' : undefined), box: 'L4-7Q2X' };
const of = (kind: string) => decodeAct(vectorAct(kind)).statement;

test.each(vectors.acts.map((a) => a.name))('%s is said in words', (name) => {
	const s = of(name);
	const text = [meaningOf(s, names), ...factsOf(s, names, s.eventTimeMS).flatMap((f) => [f.what, f.text, f.note ?? ''])].join('\n');
	expect(text).not.toMatch(/sign\.|\{|\}|undefined|NaN/);
	expect(meaningOf(s, names).length).toBeGreaterThan(10);
});

test('who takes the box is named', () => {
	expect(meaningOf(of('release'), names)).toBe('I release the box L4-7Q2X to Ana Ruiz, North Air');
	expect(meaningOf({ ...of('release'), evidence: Evidence.OneSide }, names)).toMatch(/Ana Ruiz, North Air, who does not sign/);
	expect(meaningOf(of('accept'), names)).toBe('North Air, Cargo confirmed on my phone that they take the box L4-7Q2X');
	expect(meaningOf({ ...of('arrival-check'), arrival: 2 })).toMatch(/NOT/);
});

test('no page puts other words over a statement', () => {
	const options = { title: '', meaning: 'something harmless', names };
	expect(sayWhat(options, of('release'))).toBe('I release the box L4-7Q2X to Ana Ruiz, North Air');
	expect(sayWhat(options, undefined)).toBe('something harmless');
});

test('what is signed is all there: every field that says something is a fact', () => {
	const quiet = new Set(['ledger', 'id', 'kind', 'shipment', 'parent', 'by', 'head', 'newHead', 'box', 'zone', 'eventTimeMS', 'evidence']);
	const all = of('every field');
	const said = new Set(['arrival', 'result', 'preservation', 'legState', 'segment']); // said in the sentence of their kind
	for (const field of Object.keys(all).filter((f) => !quiet.has(f) && !said.has(f))) {
		const { [field as 'place']: _, ...without } = all;
		expect(factsOf(without as typeof all, names, 0).length, field).toBeLessThan(factsOf(all, names, 0).length + (field === 'side' || field === 'position' ? 1 : 0));
	}
});

test('a typed time is echoed with its zone and how long ago it was', () => {
	const now = Date.UTC(2026, 10, 23, 14, 5);
	const s = { ...of('receive'), kind: Kind.Receive, zone: 330, eventTimeMS: now - 79 * 60_000 };
	const [fact] = factsOf(s, names, now);
	expect(fact).toMatchObject({ what: 'Happened', text: '2026-11-23 18:16 UTC+05:30' });
	expect(fact!.note?.replaceAll('\u00a0', ' ')).toBe('that was 1 h 19 min ago');
	expect(echo(now + 60_000, now).replaceAll('\u00a0', ' ')).toBe('that is in 1 min');
	expect(typedTime(now, -210)).toBe('2026-11-23 10:35 UTC−03:30');
});

test('conditions are said with their codes', () => {
	expect(conditionText('CC SB')).toBe('container cracked (CC), seal broken (SB)');
	expect(conditionText('ZZ')).toBe('ZZ (ZZ)');
});
