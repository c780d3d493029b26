import { describe, expect, it } from 'vitest';
import type { S } from '../lib/api';
import { encodeAct, Evidence, hashAct, Kind, newAct, type Statement } from '../sign/act';
import { toBase64 } from '../sign/bytes';
import { numbers, phonesOf, telLink } from './calls';
import { answerIn, answers, isFor, offerIn, offerOf, takingKind } from './offer';
import { personCode, Reader } from './read';
import { toFragment, toQR } from '../offline/envelope';

const me = { person: 'a'.repeat(32), organisation: 'AIR', role: 'courier' as const };
const giver = 'b'.repeat(32);
const base: Statement = { ledger: 'l.example/x', id: '1'.repeat(32), kind: Kind.Release, shipment: 'c'.repeat(32), parent: 'd'.repeat(64), eventTimeMS: 1_800_000_000_000, by: { person: giver, organisation: 'ROAD' } };
const release: Statement = { ...base, to: { organisation: 'AIR' }, seal: '0417', validMS: 1_800_000_060_000 };

describe('an offer from another phone', () => {
	it('says who, what and until when', async () => {
		const act = newAct(release);
		const o = offerIn(act, await hashAct(act), (id) => (id === giver ? 'Ana' : undefined))!;
		expect(o).toMatchObject({ by: { name: 'Ana', organisation: 'ROAD' }, to: { organisation: 'AIR' }, seal: '0417', fromPhone: true, validMS: 1_800_000_060_000, shipment: base.shipment });
		expect(isFor(o, me)).toBe(true);
		expect(isFor(o, { ...me, organisation: 'HILL' })).toBe(false);
	});
	it('is none when one side released alone, or it is another act', async () => {
		expect(offerIn(newAct({ ...release, evidence: Evidence.OneSide }), '', () => undefined)).toBeUndefined();
		expect(offerIn(newAct({ ...base, kind: Kind.Accept }), '', () => undefined)).toBeUndefined();
	});
});

describe('an offer in the ledger', () => {
	const act = (x: Partial<S['Act']>) => ({ standing: 'applied', by: { organisation: 'ROAD' }, event_time_ms: 1, ...x }) as S['Act'];
	const shipment = (history: S['Act'][], pending?: S['Party']) => ({ summary: { id: 'c', pending }, history }) as unknown as S['Shipment'];
	it('is the newest release that stands, while it is pending', () => {
		const list = [act({ kind: 'release', hash: 'r1' }), act({ kind: 'release', hash: 'r2' }), act({ kind: 'release', hash: 'r3', standing: 'conflicting' })];
		expect(offerOf(shipment(list, { organisation: 'AIR' }))!.hash).toBe('r2');
		expect(offerOf(shipment(list))).toBeUndefined();
	});
	it('finds its answer', () => {
		const list = [act({ kind: 'accept', hash: 'a1', parent: 'r1', standing: 'conflicting' }), act({ kind: 'receive', hash: 'a2', parent: 'r1' })];
		expect(answerIn(list, 'r1')?.hash).toBe('a2');
		expect(answerIn(list, 'r2')).toBeUndefined();
		expect(answers({ ...base, kind: Kind.Accept }, base.parent!)).toBe(true);
		expect(answers({ ...base, kind: Kind.Accept }, 'e'.repeat(64))).toBe(false);
		expect(answers(base, base.parent!)).toBe(false);
	});
});

describe('takingKind', () => {
	it('is a receipt for staff of the center that it goes to', () => {
		expect(takingKind({ ...me, role: 'center', organisation: 'HILL' }, 'HILL')).toBe(Kind.Receive);
		expect(takingKind({ ...me, role: 'center', organisation: 'HILL' }, undefined)).toBe(Kind.Receive);
		expect(takingKind({ ...me, role: 'center', organisation: 'LAKE' }, 'HILL')).toBe(Kind.Accept);
		expect(takingKind(me, 'AIR')).toBe(Kind.Accept);
	});
});

describe('Reader', () => {
	const bytes = encodeAct(newAct(release));
	it('knows acts, as code and as link', async () => {
		const codes = await toQR(bytes);
		const r = new Reader();
		expect(await r.read(codes.at(-1)!)).toEqual({ kind: 'act', act: bytes });
		expect(await r.read(`https://ledger.example/take#${await toFragment(bytes)}`)).toEqual({ kind: 'act', act: bytes });
	});
	it('knows people, labels and cases', async () => {
		const r = new Reader();
		expect(await r.read(personCode('https://ledger.example', giver))).toEqual({ kind: 'person', person: giver });
		expect(await r.read('https://ledger.example/b/L4-7Q2X')).toEqual({ kind: 'label', label: 'L4-7Q2X' });
		expect(await r.read('https://ledger.example/b/BOX%2020')).toEqual({ kind: 'label', label: 'BOX 20' });
		expect(await r.read(`https://ledger.example/carry/${'c'.repeat(32)}/handoff`)).toEqual({ kind: 'shipment', shipment: 'c'.repeat(32) });
		expect(await r.read(' BOX-20 ')).toEqual({ kind: 'other', text: 'BOX-20' });
	});
	it('refuses a damaged code', async () => {
		await expect(new Reader().read('ISO1:A%%%')).rejects.toThrow(RangeError);
	});
});

describe('numbers to call', () => {
	const opening = newAct({ ...base, kind: Kind.Open, organ: 1, from: 'RIVER', dest: 'HILL', fromPhone: '+1 555 0100', destPhone: '+1 555 0199' });
	const correction = newAct({ ...base, kind: Kind.Correction, cites: 'e'.repeat(64), destPhone: '+1 555 0777' });
	const row = (kind: string, hash: string, a: typeof opening, cites?: string) => ({ kind, hash, cites, standing: 'applied', bytes: toBase64(encodeAct(a)) }) as unknown as S['Act'];
	const history = [row('open', 'e'.repeat(64), opening), row('correction', 'f'.repeat(64), correction, 'e'.repeat(64))];
	it('are those of the opening, as corrected', () => {
		expect(phonesOf(history.slice(0, 1))).toEqual({ from: '+1 555 0100', dest: '+1 555 0199' });
		expect(phonesOf(history)).toEqual({ from: '+1 555 0100', dest: '+1 555 0777' });
	});
	it('name each once, the destination first, not one’s own', () => {
		const x = { history, summary: { from: 'RIVER', dest: 'HILL', custodian: { organisation: 'AIR' }, pending: { organisation: 'HILL' } } } as unknown as S['Shipment'];
		const phone = (code: string) => ({ HILL: '+1 555 0777', AIR: '+1 555 0150' })[code];
		expect(numbers(x, phone, '+1 555 0000', 'AIR').map((n) => n.who)).toEqual(['destination', 'origin', 'operator']);
		expect(numbers(x, phone, undefined, 'RIVER').map((n) => n.who)).toEqual(['destination', 'custodian']);
	});
	it('become links', () => {
		expect(telLink('+1 (555) 0100')).toBe('tel:+15550100');
		expect(telLink('*21*5550100#;x=1')).toBe('tel:2155501001');
	});
});
