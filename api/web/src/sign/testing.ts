// Acts for tests: real ones, of the vectors that Go wrote, and made ones.
import { addSignature, encodeAct, newAct, Kind, Role, type Statement } from './act';
import { fromHex } from './bytes';
import type { Bytes } from './cbor';
import type { Signer } from './signature';
import vectors from './testdata/acts.json';

/** Bytes of the vector of a kind, such as 'release'. */
export function vectorAct(name: string): Bytes {
	return fromHex(vectors.acts.find((a) => a.name === name)!.act);
}

/** A signer of a fixed seed, as PKCS #8 wraps it (RFC 8410). */
export async function signerOf(seed: string): Promise<Signer> {
	const key = await crypto.subtle.importKey('pkcs8', fromHex('302e020100300506032b657004220420' + seed), 'Ed25519', true, ['sign']);
	const { x } = await crypto.subtle.exportKey('jwk', key);
	const publicKey = new Uint8Array(Array.from(atob(x!.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0)));
	return { publicKey, sign: async (b) => new Uint8Array(await crypto.subtle.sign('Ed25519', key, b)) };
}

/** A signed head of a box as long as a real one; the signature is none. */
export function headAt(size: number, box = 'ab'.repeat(16), incarnation = 'cd'.repeat(16)): Bytes {
	const origin = `isotherm/box/${box}/${incarnation}`;
	const noise = (n: number) => btoa(String.fromCharCode(...Array.from({ length: n }, (_, i) => (i * 89 + size * 31 + ((i * i * 7) % 251)) & 255)));
	return new TextEncoder().encode(`${origin}\n${size}\n${noise(32)}\n\n— ${origin} ${noise(68)}\n`);
}

let made = 0;

/** A signed act of a shipment with fields of its own. */
export async function makeAct(fields: Partial<Statement> = {}): Promise<Bytes> {
	const person = '51'.repeat(16);
	const s: Statement = { ledger: 'isotherm/ledger/test', id: (++made).toString(16).padStart(32, '0'), kind: Kind.AdverseEvent, shipment: '09'.repeat(16), parent: '08'.repeat(32),
		eventTimeMS: 1_790_000_000_000, by: { person, organisation: 'North Air' }, reason: 71, ...fields };
	const act = await addSignature(newAct(s), await signerOf('11'.repeat(32)), { person, role: Role.Actor, signedAtMS: s.eventTimeMS, head: s.head });
	return encodeAct(act);
}
