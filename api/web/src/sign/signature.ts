// Signatures of FORMAT.md: [type, key, envelope, sig], Ed25519 over 'isotherm/<kind>/v1\n' and a body.
import { concat, equal } from './bytes';
import { Reader, Writer, type Bytes } from './cbor';

export interface Signature {
	type: number;
	key: Bytes;
	envelope: Bytes;
	sig: Bytes;
}

/** Signs bytes, and knows the public half. The private half stays in the keystore. */
export interface Signer {
	publicKey: Bytes;
	sign(b: Bytes): Promise<Bytes>;
}

const ed25519 = 1;
const maxEnvelope = 2048;
const utf8 = new TextEncoder();

function signedBytes(kind: string, body: Uint8Array): Bytes {
	return concat(utf8.encode(`isotherm/${kind}/v1\n`), body);
}

export async function sign(signer: Signer, kind: string, body: Uint8Array): Promise<Signature> {
	return { type: ed25519, key: signer.publicKey, envelope: new Uint8Array(0), sig: await signer.sign(signedBytes(kind, body)) };
}

/** Tells whether the key in the signature made it over the body. */
export async function verify(s: Signature, kind: string, body: Uint8Array): Promise<boolean> {
	if (s.type !== ed25519 || s.key.length !== 32 || s.sig.length !== 64 || s.envelope.length !== 0) return false;
	const key = await crypto.subtle.importKey('raw', s.key, 'Ed25519', false, ['verify']);
	return crypto.subtle.verify('Ed25519', key, s.sig, signedBytes(kind, body));
}

export function writeSignature(w: Writer, s: Signature): void {
	w.array(4).int(s.type).bytes(s.key).bytes(s.envelope).bytes(s.sig);
}

export function readSignature(r: Reader): Signature {
	r.arrayOf(4);
	return { type: r.uint(255), key: r.bytes(64), envelope: r.bytes(maxEnvelope), sig: r.bytes(maxEnvelope) };
}

/** Bytes of [body, signature], the form of cards. */
export function marshalSigned(body: Uint8Array, s: Signature): Bytes {
	const w = new Writer().array(2).bytes(body);
	writeSignature(w, s);
	return w.done();
}

/** Reads what marshalSigned writes. */
export function openSigned(b: Uint8Array, limit: number): { body: Bytes; signature: Signature } {
	const r = new Reader(b);
	r.arrayOf(2);
	const out = { body: r.bytes(limit), signature: readSignature(r) };
	r.done();
	if (!equal(marshalSigned(out.body, out.signature), b)) throw new RangeError('not in canonical form');
	return out;
}
