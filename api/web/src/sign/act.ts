// A custody act: a statement with its signatures, byte for byte as ledger/custody writes it.
import { equal, fromHex, hashOf, toHex } from './bytes';
import { Reader, Writer, type Bytes } from './cbor';
import { Role } from './codes';
import { readSignature, sign, verify, writeSignature, type Signature, type Signer } from './signature';
import { decodeStatement, encodeStatement, limits, type Statement } from './statement';

export * from './codes';
export type { Leg, Party, Position, Statement } from './statement';
export { decodeStatement, encodeStatement, problemOf } from './statement';

/** One person's signature. Head is the newest head of the box that this signer saw; it may be empty. */
export interface ActSignature {
	role: Role;
	person: string;
	signedAtMS: number;
	head: Bytes;
	signature: Signature;
}

export interface Act {
	bytes: Bytes;
	statement: Statement;
	signatures: ActSignature[];
}

const maxTimeMS = 253_402_300_799_999;

/** The act of a statement, without signatures. It throws when the statement says less than its kind must say. */
export function newAct(statement: Statement): Act {
	return { bytes: encodeStatement(statement), statement, signatures: [] };
}

/** Names the act: later acts cite it as their parent. Hexadecimal. */
export async function hashStatement(statement: Bytes): Promise<string> {
	return toHex(await hashOf('statement', statement));
}

export function hashAct(act: Act): Promise<string> {
	return hashStatement(act.bytes);
}

function signedBody(origin: string, hash: string, s: Omit<ActSignature, 'signature'>): Bytes {
	return new Writer().array(6).text(origin).bytes(fromHex(hash, 32)).int(s.role).bytes(fromHex(s.person, 16)).int(s.signedAtMS).bytes(s.head).done();
}

/** Returns the act with one more signature. */
export async function addSignature(act: Act, signer: Signer, by: { person: string; role: Role; signedAtMS: number; head?: Bytes | undefined }): Promise<Act> {
	if (act.signatures.length >= limits.signatures) throw new RangeError(`an act has at most ${limits.signatures} signatures`);
	const s = { role: by.role, person: by.person, signedAtMS: by.signedAtMS, head: by.head ?? new Uint8Array(0) };
	const signature = await sign(signer, 'act', signedBody(act.statement.ledger, await hashAct(act), s));
	return { ...act, signatures: [...act.signatures, { ...s, signature }] };
}

/** Returns the act with the signature of a second person, who checked it with the first. */
export function addSecondSignature(act: Act, signer: Signer, by: { person: string; signedAtMS: number; head?: Bytes | undefined }): Promise<Act> {
	return addSignature(act, signer, { ...by, role: Role.Second });
}

/** Checks every signature, each by the key (hexadecimal) that is given for its person, and that who states it signed. Empty when all is good. */
export async function verifyAct(act: Act, publicKeys: Readonly<Record<string, string>>): Promise<string> {
	const hash = await hashAct(act);
	for (const s of act.signatures) {
		const key = publicKeys[s.person];
		if (key === undefined) return `person ${s.person} is not known`;
		if (key !== toHex(s.signature.key)) return `signature of person ${s.person} is by another key`;
		if (!(await verify(s.signature, 'act', signedBody(act.statement.ledger, hash, s)))) return `signature of person ${s.person} does not match`;
	}
	const actor = act.signatures.find((s) => s.role === Role.Actor);
	return actor && actor.person === act.statement.by.person ? '' : 'not signed by the person who states it';
}

/** Checks that the signatures match the keys in them; whose keys these are is for the ledger to say. For acts that another phone hands over. */
export async function signaturesMatch(act: Act): Promise<boolean> {
	const keys: Record<string, string> = {};
	for (const s of act.signatures) keys[s.person] = toHex(s.signature.key);
	return (await verifyAct(act, keys)) === '';
}

/** The act as it travels: to the ledger, to the box, to another phone. */
export function encodeAct(act: Act): Bytes {
	const w = new Writer().array(2).bytes(act.bytes).array(act.signatures.length);
	for (const s of act.signatures) {
		w.array(5).int(s.role).bytes(fromHex(s.person, 16)).int(s.signedAtMS).bytes(s.head);
		writeSignature(w, s.signature);
	}
	const out = w.done();
	if (out.length > limits.act) throw new RangeError(`an act has ${out.length} bytes, at most ${limits.act} are allowed`);
	return out;
}

/** Reads what encodeAct writes, and nothing else. It throws with the reason. */
export function decodeAct(b: Uint8Array): Act {
	if (b.length > limits.act) throw new RangeError(`act of ${b.length} bytes, at most ${limits.act} are allowed`);
	const r = new Reader(b);
	r.arrayOf(2);
	const bytes = r.bytes(limits.statement);
	const signatures: ActSignature[] = [];
	for (let n = r.array(limits.signatures); n > 0; n--) {
		r.arrayOf(5);
		const role = r.uint(255) as Role;
		const person = toHex(r.fixed(16));
		const signedAtMS = r.uint(maxTimeMS);
		const head = r.bytes(limits.head);
		signatures.push({ role, person, signedAtMS, head, signature: readSignature(r) });
	}
	r.done();
	const act = { bytes, statement: decodeStatement(bytes), signatures };
	if (!equal(encodeAct(act), b)) throw new RangeError('act is not in canonical form');
	return act;
}
