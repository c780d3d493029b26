import { beforeAll, describe, expect, it } from 'vitest';
import type { S } from '../lib/api';
import { addSignature, encodeAct, hashAct, Kind, newAct, Role } from '../sign/act';
import { randomID, toBase64 } from '../sign/bytes';
import type { Bytes } from '../sign/cbor';
import type { Signer } from '../sign/signature';
import { act as actShape } from './fixture';
import { cardOfKey, checkAct } from './prove';

const person = randomID();

async function signer(): Promise<Signer> {
	const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
	const publicKey = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)) as Bytes;
	return { publicKey, sign: async (b) => new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, b)) as Bytes };
}

function card(key: Bytes, version: number, index: number): S['Person'] {
	return { id: person, name: 'Nurse', organisation: 'HILL', role: 'center', key: toBase64(key), version, why: 'enrolled', issued_ms: 0, index };
}

let mine: Signer;
let other: Signer;
let a: S['Act'];

beforeAll(async () => {
	[mine, other] = [await signer(), await signer()];
	const act = await addSignature(
		newAct({ ledger: 'test', id: randomID(), kind: Kind.Receive, shipment: randomID(), parent: '11'.repeat(32), eventTimeMS: 5, by: { person, organisation: 'HILL' } }),
		mine,
		{ person, role: Role.Actor, signedAtMS: 6 },
	);
	a = actShape({ index: 10, kind: 'receive', hash: await hashAct(act), bytes: toBase64(encodeAct(act)), signatures: [{ role: 'actor', person, signed_at_ms: 6 }] });
});

const with_ = (...cards: S['Person'][]) => async (): Promise<S['PersonDetail']> => ({ node: 'n', entries: 1, person: cards.at(-1)!, cards });

describe('checkAct', () => {
	it('finds all good, and says who signed in which role', async () => {
		const c = await checkAct(a, with_(card(mine.publicKey, 1, 3)));
		expect(c.wrong).toBe('');
		expect(c.signers.map((s) => [s.name, s.organisation, s.card, s.role, s.signedAtMS])).toEqual([['Nurse', 'HILL', 'center', 'actor', 6]]);
	});
	it('knows a key that was replaced later', async () => {
		expect((await checkAct(a, with_(card(mine.publicKey, 1, 3), card(other.publicKey, 2, 20)))).wrong).toBe('');
	});
	it('refuses a key that was theirs only after the act', async () => {
		expect((await checkAct(a, with_(card(other.publicKey, 1, 3), card(mine.publicKey, 2, 20)))).wrong).not.toBe('');
	});
	it('refuses the key of somebody else', async () => expect((await checkAct(a, with_(card(other.publicKey, 1, 3)))).wrong).not.toBe(''));
	it('refuses changed bytes', async () => {
		const b = Uint8Array.from(atob(a.bytes), (c) => c.charCodeAt(0));
		b[b.length - 1]! ^= 1; // within the signature
		expect((await checkAct({ ...a, bytes: toBase64(b as Bytes) }, with_(card(mine.publicKey, 1, 3)))).wrong).not.toBe('');
	});
	it('refuses a hash that is not that of the bytes', async () => expect((await checkAct({ ...a, hash: '00'.repeat(32) }, with_(card(mine.publicKey, 1, 3)))).wrong).toBe('hash'));
});

it('takes the newest card that held the key before the entry', () => {
	const cards = [card(mine.publicKey, 1, 3), card(mine.publicKey, 2, 5), card(mine.publicKey, 3, 12)];
	expect(cardOfKey(cards, [...mine.publicKey].map((b) => b.toString(16).padStart(2, '0')).join(''), 10)?.version).toBe(2);
});
