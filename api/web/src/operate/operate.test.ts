import { describe, expect, it } from 'vitest';
import type { S } from '../lib/api';
import { toBase64 } from '../sign/bytes';
import { decodePersonCard, signPersonCard } from '../sign/card';
import { calibrations, calibrationState, enrolCommand, headSize, silence } from './boxes';
import { byRoot, endLevel, findings, oddOnes } from './nodes';
import { changes, checkPerson, codesWithoutCard, firstCard, joinLink, nextCard, organisationCard, readKey } from './people';

const day = 24 * 3600 * 1000;
const now = 1_790_000_000_000;

function node(name: string, x: Partial<S['NodeState']> = {}): S['NodeState'] {
	return { name, voter: true, leader: name === 'n1', reached: true, entries: 500, behind: 0, checkpoint: 500, root: 'aa', ...x };
}

const nodes = (list: S['NodeState'][], agreed = true): S['Nodes'] => ({ node: 'n1', entries: 500, size: 500, agreed, nodes: list });
const kindsOf = (x: S['Nodes']) => findings(x, now).map((f) => f.kind);

describe('nodes', () => {
	it('says that all agree when nothing wants attention', () => {
		expect(findings(nodes([node('n1'), node('n2'), node('n3', { behind: 3 })]), now)).toEqual([{ kind: 'agree', level: 'none', nodes: 3, size: 500 }]);
	});

	it('puts roots that differ first and names the odd one', () => {
		const x = nodes([node('n1'), node('n2', { root: 'bb' }), node('n3', { certificates: [{ use: 'api', until_ms: now + day }] })], false);
		expect(kindsOf(x)).toEqual(['differ', 'ends']);
		expect(findings(x, now)[0]).toMatchObject({ level: 'high', odd: ['n2'], size: 500 });
	});

	it('names all when no root has a majority', () => {
		const two = [node('n1', { root: 'aa' }), node('n2', { root: 'bb' })];
		expect(oddOnes(two)).toEqual(['n1', 'n2']);
		expect(oddOnes([node('n1'), node('n2')])).toEqual([]);
		expect(byRoot([...two, node('n3', { root: 'bb' })])[0]).toEqual(['bb', ['n2', 'n3']]);
	});

	it('tells one dead node from a lost majority', () => {
		const dead = { reached: false, problem: 'connection refused', root: undefined } as Partial<S['NodeState']>;
		expect(findings(nodes([node('n1'), node('n2'), node('n3', dead)]), now)).toEqual([{ kind: 'silent', level: 'medium', silent: ['n3'], spare: 0 }]);
		expect(kindsOf(nodes([node('n1'), node('n2', dead), node('n3', dead)]))).toEqual(['no-majority']);
		expect(kindsOf(nodes([node('n2'), node('n3')]))).toEqual(['no-leader']);
	});

	it('tells halted nodes, lag and ends of certificates', () => {
		const x = nodes([node('n1', { problem: 'this node has halted' }), node('n2', { behind: 200 }), node('n3', { certificates: [{ use: 'ca', until_ms: now - 1 }] })]);
		expect(findings(x, now)).toEqual([
			{ kind: 'halted', level: 'high', names: ['n1'] },
			{ kind: 'ends', level: 'high', names: ['n3'], untilMS: now - 1 },
			{ kind: 'lag', level: 'low', names: ['n2'], behind: 200 },
		]);
		expect([-1, 0, 29, 31].map((d) => endLevel(now + d * day, now))).toEqual(['high', 'high', 'medium', 'none']);
	});
});

function box(x: Partial<S['Box']> = {}): S['Box'] {
	return { id: '0'.repeat(32), label: 'box 7', size: 10, last_contact_ms: now, shipments: [], ...x };
}

describe('boxes', () => {
	it('counts a box with an organ as silent sooner', () => {
		const with_ = (ms: number) => silence(box({ last_contact_ms: now - ms, shipments: ['s'] }), now);
		const without = (ms: number) => silence(box({ last_contact_ms: now - ms }), now);
		expect([9, 10, 59, 60].map((m) => with_(m * 60_000))).toEqual(['none', 'medium', 'medium', 'high']);
		expect([60, 24 * 60 - 1, 24 * 60].map((m) => without(m * 60_000))).toEqual(['none', 'none', 'low']);
	});

	it('reads the size of the newest head', () => {
		const head = `isotherm/box/${'a'.repeat(32)}/${'b'.repeat(32)}\n42\nroot\n`;
		expect(headSize(box({ head: btoa(head) }))).toBe(42);
		expect([headSize(box()), headSize(box({ head: '%' })), headSize(box({ head: btoa('x') }))]).toEqual([0, 0, 0]);
	});

	it('gathers calibration certificates, the first to end first', () => {
		const probe = (certificate: string | undefined, until_ms = 0, recalled_ms = 0): S['BoxProbe'] => ({ probe: 0, place: 'organ', ...(certificate ? { certificate } : {}), until_ms, recalled_ms });
		const { certificates, without } = calibrations([
			box({ probes: [probe('K-2', now + 90 * day), probe(undefined)] }), box({ id: '1'.repeat(32), probes: [probe('K-1', now + day), probe('K-2', now + 80 * day), probe('K-3')] }), box({ probes: [probe('K-4', now + 300 * day, now - 5)] }),
		]);
		expect(certificates.map((c) => [c.number, c.probes.length, calibrationState(c, now).state])).toEqual([
			['K-1', 1, 'ends-soon'], ['K-2', 2, 'valid'], ['K-4', 1, 'recalled'], ['K-3', 1, 'no-end'],
		]);
		expect(certificates[1]!.untilMS).toBe(now + 80 * day);
		expect(without).toHaveLength(1);
		expect(calibrationState({ number: 'K', untilMS: now - 1, recalledMS: 0, probes: [] }, now)).toEqual({ state: 'ended', level: 'high' });
	});

	it('names the command of trackerd', () => {
		expect(enrolCommand('https://ledger.example:8443')).toBe('trackerd enrol --config box.toml --token-file token --policy policy --ledger https://ledger.example:8443 --ca ca.pem');
	});
});

const keyHex = '07'.repeat(32);
const keyText = toBase64(new Uint8Array(32).fill(7));
const me = { origin: 'isotherm.test/ledger', person: 'ab'.repeat(16) };

function person(x: Partial<S['Person']> = {}): S['Person'] {
	return { id: 'cd'.repeat(16), name: 'B. Example', organisation: 'North Air', role: 'courier', key: keyText, version: 2, why: 'enrolled', issued_ms: 1, index: 5, ...x };
}

describe('people', () => {
	it('reads a key as devices show it', () => {
		for (const text of [keyHex, keyHex.toUpperCase(), ` ${keyHex.slice(0, 32)}\n${keyHex.slice(32)}`, keyText, keyText.slice(0, 43), `https://x.example/operate/people#key=${keyHex}`]) expect(readKey(text), text).toBe(keyHex);
		for (const text of ['', 'abc', keyHex.slice(1), `${keyText}=`, 'https://x.example/#token=1']) expect(readKey(text), text).toBe('');
	});

	it('says what is wrong with a new person', () => {
		const ok = { name: 'A', organisation: 'AIR', role: 'courier' as const, key: '08'.repeat(32) };
		expect(checkPerson(ok, [person()])).toEqual({});
		expect(checkPerson({ ...ok, name: ' ', organisation: '-x', key: 'x' }, [])).toEqual({ name: 'name', organisation: 'organisation', key: 'key' });
		expect(checkPerson({ ...ok, name: 'ü'.repeat(101), key: keyHex }, [person()])).toEqual({ name: 'name-long', key: 'key-known' });
	});

	it('makes cards that change what their reason says and nothing else', async () => {
		const p = person();
		const before = { ledger: me.origin, person: p.id, version: 3, name: p.name, organisation: p.organisation, role: 'courier', key: keyHex, issuedMS: now, by: me.person };
		expect(nextCard(p, { why: 'ended' }, me, now)).toEqual({ ...before, why: 'ended' });
		expect(nextCard(p, { why: 'name', name: ' C ' }, me, now)).toEqual({ ...before, why: 'name', name: 'C' });
		expect(nextCard(p, { why: 'role', role: 'center', organisation: 'HILL' }, me, now)).toEqual({ ...before, why: 'role', role: 'center', organisation: 'HILL' });
		expect(nextCard(p, { why: 'key-lost', key: '08'.repeat(32) }, me, now)).toEqual({ ...before, why: 'key-lost', key: '08'.repeat(32) });
		const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
		const signer = { publicKey: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)), sign: async (b: Uint8Array<ArrayBuffer>) => new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, b)) };
		const first = firstCard({ name: ' A ', organisation: 'AIR', role: 'auditor', key: keyText }, me, now);
		expect(decodePersonCard(await signPersonCard(first, signer))).toMatchObject({ version: 1, name: 'A', why: 'enrolled', key: keyHex, role: 'auditor', by: me.person });
		expect(first.person).toMatch(/^[0-9a-f]{32}$/);
	});

	it('knows whether anything changes', () => {
		const p = person();
		expect([changes(p, { why: 'name', name: p.name }), changes(p, { why: 'role', role: 'courier', organisation: p.organisation }), changes(p, { why: 'key-lost', key: keyText })]).toEqual([false, false, false]);
		expect([changes(p, { why: 'name', name: 'X' }), changes(p, { why: 'role', role: 'courier', organisation: 'X' }), changes(p, { why: 'key-lost', key: '08'.repeat(32) }), changes(p, { why: 'ended' })]).toEqual([true, true, true, true]);
		expect(changes(person({ ended: true }), { why: 'ended' })).toBe(false);
	});

	it('continues an organisation and links to joining', () => {
		const o = { code: 'HILL', name: ' Hill ', kind: 'center' as const, phone: '' };
		expect(organisationCard(o, undefined, me, now)).toMatchObject({ version: 1, name: 'Hill' });
		expect(organisationCard(o, { code: 'HILL', name: 'x', kind: 'center', phone: '', version: 4, index: 1 }, me, now)).toMatchObject({ version: 5 });
		expect(codesWithoutCard([{ code: 'HILL', name: 'x', kind: 'center', phone: '', version: 1, index: 1 }], [person({ organisation: 'HILL' }), person({ organisation: 'Sky' }), person(), person({ organisation: 'Gone', ended: true })])).toEqual(['North Air', 'Sky']);
		expect(joinLink('https://x.example', 'a b')).toBe('https://x.example/join#token=a%20b');
	});
});
