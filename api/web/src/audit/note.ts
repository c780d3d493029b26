// Checkpoints as signed notes (c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature), checked against keys in this browser.
import { concat, equal, fromBase64, toBase64 } from '../sign/bytes';
import type { Bytes } from '../sign/cbor';

export interface NoteSignature {
	name: string;
	/** First four bytes of the key's hash. */
	hash: Bytes;
	sig: Bytes;
}

export interface Checkpoint {
	origin: string;
	size: number;
	root: Bytes;
	/** What is signed, with its last newline. */
	body: string;
	signatures: NoteSignature[];
	/** The whole note. */
	text: string;
}

const maxNote = 8 << 10;
const typeLog = 1;
const typeCosigner = 4;
const utf8 = new TextEncoder();

export class NoCheckpoint extends Error {}

function need(ok: boolean, what: string): asserts ok {
	if (!ok) throw new NoCheckpoint(what);
}

/** Reads a checkpoint without extension lines, strictly. Who signed it is for checkNote. */
export function parseCheckpoint(text: string): Checkpoint {
	need(text.length <= maxNote, 'longer than 8 KiB');
	const end = text.indexOf('\n\n');
	need(end > 0, 'no empty line before signatures');
	const body = text.slice(0, end + 1);
	const lines = body.split('\n');
	need(lines.length === 4 && lines[0] !== '', 'not three lines');
	need(/^(?:0|[1-9]\d{0,14})$/.test(lines[1]!), 'the size is no number');
	const root = base64(lines[2]!);
	need(root?.length === 32, 'the root has not 32 bytes');
	const signatures = text
		.slice(end + 2)
		.split('\n')
		.filter((l) => l !== '')
		.map(readSignature);
	return { origin: lines[0]!, size: Number(lines[1]), root, body, signatures, text };
}

function base64(text: string): Bytes | undefined {
	try {
		const b = fromBase64(text);
		return toBase64(b) === text ? b : undefined;
	} catch {
		return undefined;
	}
}

function readSignature(line: string): NoteSignature {
	const [mark, name = '', value = '', ...more] = line.split(' ');
	const raw = base64(value);
	need(mark === '—' && name !== '' && raw !== undefined && raw.length > 4 && more.length === 0, 'a signature line can not be read');
	return { name, hash: raw.slice(0, 4), sig: raw.slice(4) };
}

async function keyHash(name: string, type: number, key: Bytes): Promise<Bytes> {
	return new Uint8Array(await crypto.subtle.digest('SHA-256', concat(utf8.encode(`${name}\n`), Uint8Array.of(type), key))).slice(0, 4);
}

/** A verifier key as policy files write it: name+hash+base64. */
export async function verifierKey(name: string, key: Bytes): Promise<string> {
	const hash = await keyHash(name, typeLog, key);
	const hex = [...hash].map((b) => b.toString(16).padStart(2, '0')).join('');
	return `${name}+${hex}+${toBase64(concat(Uint8Array.of(typeLog), key))}`;
}

async function verify(key: Bytes, sig: Bytes, message: Bytes): Promise<boolean> {
	const k = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']);
	return crypto.subtle.verify('Ed25519', k, sig, message);
}

/** Tells whether the log's key signed the checkpoint under its origin. */
export async function logSigned(c: Checkpoint, key: Bytes): Promise<boolean> {
	const hash = await keyHash(c.origin, typeLog, key);
	for (const s of c.signatures) {
		if (s.name === c.origin && equal(s.hash, hash) && s.sig.length === 64 && (await verify(key, s.sig, utf8.encode(c.body)))) return true;
	}
	return false;
}

export interface Cosignature {
	name: string;
	/** By the cosigner's clock, Unix milliseconds; undefined when there is none that holds. */
	atMS: number | undefined;
	/** There is a signature line of that name and key that does not hold. */
	wrong: boolean;
}

/** Checks the cosignature of one member of the set. */
export async function cosigned(c: Checkpoint, name: string, key: Bytes): Promise<Cosignature> {
	const hash = await keyHash(name, typeCosigner, key);
	let wrong = false;
	for (const s of c.signatures) {
		if (s.name !== name || !equal(s.hash, hash)) continue;
		if (s.sig.length === 72) {
			const seconds = new DataView(s.sig.buffer, s.sig.byteOffset, 8).getBigUint64(0);
			const message = utf8.encode(`cosignature/v1\ntime ${seconds}\n${c.body}`);
			if (await verify(key, s.sig.slice(8), message)) return { name, atMS: Number(seconds) * 1000, wrong: false };
		}
		wrong = true;
	}
	return { name, atMS: undefined, wrong };
}

/** n/2 rounded down, and one. */
export function majority(n: number): number {
	return Math.floor(n / 2) + 1;
}
