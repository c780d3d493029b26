import { describe, expect, it } from 'vitest';
import type { S } from '../lib/api';
import { decodeStatement, encodeStatement, Kind } from '../sign/act';
import { toBase64 } from '../sign/bytes';
import { emptyOpen, emptyPack, openDraft, openMissing, orderProfiles, packDraft, packMissing, type OpenForm, type PackForm } from './drafts';

const ship = 'c'.repeat(32);
const envelope = { ledger: 'l.example/x', id: '1'.repeat(32), eventTimeMS: 1_800_000_000_000, by: { person: 'a'.repeat(32), organisation: 'RIVER' } };
const open: OpenForm = { ...emptyOpen('RIVER', '+1 555 0100'), organ: 'kidney', side: 'left', dest: ' HILL ' };

describe('openDraft', () => {
	it('says what was filled in, and can be signed', () => {
		const d = openDraft({ ...open, legs: [{ from: 'RIVER', to: 'HILL', mode: 'flight', departMS: 1_800_000_000_000, arriveMS: 1_800_000_600_000 }, { from: ' ', to: '', mode: 'road', departMS: 0, arriveMS: 0 }], zone: 60 }, ship, 'e'.repeat(64));
		expect(d).toMatchObject({ kind: Kind.Open, organ: 4, side: 1, from: 'RIVER', dest: 'HILL', fromPhone: '+1 555 0100', zone: 60, donor: 'e'.repeat(64) });
		expect(d.legs).toHaveLength(1);
		expect(d.legs![0]).toMatchObject({ mode: 2, arriveMS: 1_800_000_600_000 });
		expect(decodeStatement(encodeStatement({ ...envelope, shipment: ship, ...d }))).toMatchObject({ organ: 4, dest: 'HILL' });
	});
	it('leaves out the side of an organ that has none, and a zone without typed times', () => {
		const d = openDraft({ ...open, organ: 'heart', zone: 60, legs: [{ from: 'a', to: 'b', mode: 'road', departMS: 0, arriveMS: 0 }] }, ship, '');
		expect(d).not.toHaveProperty('side');
		expect(d).not.toHaveProperty('zone');
		expect(d).not.toHaveProperty('donor');
	});
});

describe('openMissing', () => {
	it('names what is not there', () => {
		expect(openMissing({ ...open, side: '' }, '')).toEqual(['side', 'destPhone', 'donor', 'legs']);
		expect(openMissing({ ...open, destPhone: '1', legs: [{ from: 'a', to: 'b', mode: 'road', departMS: 0, arriveMS: 0 }] }, 'G1')).toEqual(['arrive']);
	});
});

const profile = { hash: 'h', name: 'chs', probe_place: 'organ', bytes: toBase64(new Uint8Array([1, 2, 3])), shipped: false } as S['Profile'];
const pack: PackForm = { ...emptyPack('b'.repeat(32)), profile: 'h', coldMS: 1_799_999_000_000, zone: -300, seal: ' 0417 ', found: ['XREF', 'CC'], packaging: 'cooled-box', abo: 'A1B', reference: 'staff 12' };

describe('packDraft', () => {
	it('says what was filled in', () => {
		const d = packDraft(pack, { id: ship, organ: 'kidney', side: 'left' } as S['Summary'], profile);
		expect(d).toMatchObject({ kind: Kind.Pack, box: 'b'.repeat(32), organ: 4, side: 1, coldMS: 1_799_999_000_000, zone: -300, seal: '0417', condition: 'CC XREF', packaging: 2, abo: 7, labelCheck: 1 });
		expect(d.profile).toEqual(new Uint8Array([1, 2, 3]));
		expect(d).not.toHaveProperty('reference'); // two keys need none
		const head = new TextEncoder().encode('x');
		expect(decodeStatement(encodeStatement({ ...envelope, shipment: ship, parent: 'd'.repeat(64), head, ...d } as never))).toMatchObject({ seal: '0417' });
	});
	it('keeps the staff number of a second person without an account', () => {
		expect(packDraft({ ...pack, check: 'second-person' }, { id: ship, organ: 'heart' } as S['Summary'], profile)).toMatchObject({ labelCheck: 2, reference: 'staff 12' });
	});
});

describe('packMissing', () => {
	const box = (probes: S['BoxProbe'][]) => ({ id: 'b', probes }) as unknown as S['Box'];
	it('is empty when all is there', () => {
		expect(packMissing(pack, box([{ probe: 0, place: 'organ', certificate: 'C1', until_ms: 10 }]), profile, 5)).toEqual([]);
	});
	it('names what is not there', () => {
		expect(packMissing({ ...emptyPack(''), check: 'own-system' }, undefined, undefined, 0)).toEqual(['cold', 'seal', 'packaging', 'abo', 'reference']);
		expect(packMissing({ ...pack, check: 'not-done' }, undefined, undefined, 0)).toEqual(['check']);
	});
	it('looks at the probes of the box', () => {
		expect(packMissing(pack, box([{ probe: 0, place: 'box' }]), profile, 5)).toEqual(['probe']);
		expect(packMissing(pack, box([{ probe: 0, place: 'organ', certificate: 'C1', until_ms: 4 }]), profile, 5)).toEqual(['calibration']);
		expect(packMissing({ ...pack, space: 'left' }, box([{ probe: 0, place: 'organ/left', certificate: 'C1', until_ms: 10 }]), profile, 5)).toEqual([]);
	});
});

describe('orderProfiles', () => {
	it('puts the program’s own first and the examples last', () => {
		const p = (name: string, x: Partial<S['Profile']>) => ({ ...profile, name, ...x });
		expect(orderProfiles([p('example', { shipped: true }), p('theirs', { program: 'LAKE' }), p('own', { program: 'HILL' })], ['HILL']).map((x) => x.name)).toEqual(['own', 'theirs', 'example']);
	});
});
