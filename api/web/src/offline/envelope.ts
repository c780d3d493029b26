// Acts and what a box says of itself, on their way between two phones and a box without any network: as QR codes, or behind the # of a link,
// which no server ever sees.
//
//   QR text    ISO1:A<base45>          an act            ISO1:B<base45>    a box
//              ISO1:A2/3.<base45>      frame 2 of 3, when one code would be too dense to read from a screen
//   fragment   act=<base64url>         box=<base64url>
//
// The content is deflated (RFC 1951). Base45 (RFC 9285) is what a QR code's alphanumeric mode packs best. A reader believes nothing: an act
// proves itself by its signatures, a head by the box's.
import { fromBase64URL, fromHex, toBase64URL, toHex } from '../sign/bytes';
import { Reader, Writer, type Bytes } from '../sign/cbor';

/** What one QR code holds at most, in characters: version 22 at level L reads well from a phone's screen at arm's length. */
export const maxFrame = 1400;
const maxFrames = 16;
const maxContent = 16 << 10;
const prefix = 'ISO1:';

export interface BoxState {
	/** Newest signed head of the journal: a C2SP signed note. */
	head: Bytes;
	/** Where its own page is, 'http://192.168.4.1:7400': acts can be given to it there. */
	address: string;
	nowMS: number;
	recorded: number;
	flushed: number;
	receipted: number;
	unsent: number;
	waitingSinceMS: number;
	/** Shipments in the box with the newest claim that it knows of each. */
	shipments: { shipment: string; tip?: string; alarm: boolean }[];
	/** Acts that the box took from this page: identifier and number of the record. */
	acts: { id: string; seq: number }[];
}

export type Parsed = { kind: 'act'; act: Bytes } | { kind: 'box'; box: BoxState } | { kind: 'part'; have: number; of: number };

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';

function toBase45(b: Uint8Array): string {
	let out = '';
	for (let i = 0; i < b.length; i += 2) {
		let v = i + 1 < b.length ? b[i]! * 256 + b[i + 1]! : b[i]!;
		for (let n = i + 1 < b.length ? 3 : 2; n > 0; n--) {
			out += alphabet[v % 45]!;
			v = Math.floor(v / 45);
		}
	}
	return out;
}

function fromBase45(text: string): Bytes {
	const out: number[] = [];
	for (let i = 0; i < text.length; i += 3) {
		const digits = [...text.slice(i, i + 3)].map((c) => alphabet.indexOf(c));
		const [a, b, c = 0] = digits;
		const v = a! + (b ?? NaN) * 45 + c * 2025;
		if (digits.includes(-1) || !(v <= (digits.length === 3 ? 0xffff : 0xff))) throw new RangeError('the code is damaged');
		if (digits.length === 3) out.push(v >> 8);
		out.push(v & 0xff);
	}
	return new Uint8Array(out);
}

async function through(b: Bytes, stream: CompressionStream | DecompressionStream, limit: number): Promise<Bytes> {
	const writer = stream.writable.getWriter();
	const written = writer.write(b).then(() => writer.close());
	written.catch(() => undefined); // the reader below tells of it
	const parts: Uint8Array[] = [];
	let size = 0;
	const reader = stream.readable.getReader();
	for (;;) {
		const { done, value } = await reader.read();
		if (done) break;
		size += value.length;
		if (size > limit) {
			await reader.cancel();
			throw new RangeError('the code holds more than it may');
		}
		parts.push(value as Uint8Array);
	}
	const out = new Uint8Array(size);
	let at = 0;
	for (const p of parts) {
		out.set(p, at);
		at += p.length;
	}
	return out;
}

function deflate(b: Bytes): Promise<Bytes> {
	return through(b, new CompressionStream('deflate-raw'), Infinity);
}

async function inflate(b: Bytes): Promise<Bytes> {
	try {
		return await through(b, new DecompressionStream('deflate-raw'), maxContent);
	} catch (err) {
		throw err instanceof RangeError ? err : new RangeError('the code is damaged');
	}
}

async function frames(letter: 'A' | 'B', content: Bytes): Promise<string[]> {
	const text = toBase45(await deflate(content));
	const n = Math.ceil((prefix.length + 1 + text.length) / maxFrame);
	if (n === 1) return [prefix + letter + text];
	const size = Math.ceil(text.length / n);
	return Array.from({ length: n }, (_, i) => `${prefix}${letter}${i + 1}/${n}.${text.slice(i * size, (i + 1) * size)}`);
}

/** Texts of the QR codes that carry an act: mostly one, more when one would be too dense. */
export function toQR(act: Bytes): Promise<string[]> {
	return frames('A', act);
}

/** 'act=…', to be put behind the # of a link. */
export async function toFragment(act: Bytes): Promise<string> {
	return 'act=' + toBase64URL(await deflate(act));
}

function encodeBox(x: BoxState): Bytes {
	const w = new Writer().array(11).int(1).bytes(x.head).text(x.address).int(x.nowMS).int(x.recorded).int(x.flushed).int(x.receipted).int(x.unsent).int(x.waitingSinceMS);
	w.array(x.shipments.length);
	for (const s of x.shipments) w.array(3).bytes(fromHex(s.shipment, 16)).bytes(fromHex(s.tip ?? '')).int(s.alarm ? 1 : 0);
	w.array(x.acts.length);
	for (const a of x.acts) w.array(2).bytes(fromHex(a.id, 16)).int(a.seq);
	return w.done();
}

/**
 * Tells whether an address can be that of a box's own page, which listens on loopback or in a private network only (tracker's checkLocal).
 * It becomes a link with an act behind it: a code on a wall must not lead people, and the act, elsewhere.
 */
export function isBoxAddress(address: string): boolean {
	if (!/^https?:\/\/[^/?#@\s]+$/.test(address) || !URL.canParse(address)) return false;
	const host = new URL(address).hostname; // numbers in every spelling become dotted ones
	if (host === 'localhost') return true;
	if (host.startsWith('[')) return /^\[(?:::1\]|f[cd]|fe[89ab])/.test(host);
	return /^(?:127|10|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d+)+$/.test(host);
}

function decodeBox(b: Bytes): BoxState {
	const r = new Reader(b);
	r.arrayOf(11);
	if (r.uint() !== 1) r.fail('is of a version that these pages do not know');
	const head = r.bytes(8 << 10);
	const address = r.text(200);
	if (!isBoxAddress(address)) r.fail('names no address of a box');
	const out: BoxState = { head, address, nowMS: r.uint(), recorded: r.uint(), flushed: r.uint(), receipted: r.uint(), unsent: r.uint(),
		waitingSinceMS: r.uint(), shipments: [], acts: [] };
	for (let n = r.array(32); n > 0; n--) {
		r.arrayOf(3);
		const shipment = toHex(r.fixed(16));
		const tip = toHex(r.bytes(32));
		out.shipments.push({ shipment, ...(tip ? { tip } : {}), alarm: r.uint(1) === 1 });
	}
	for (let n = r.array(32); n > 0; n--) {
		r.arrayOf(2);
		out.acts.push({ id: toHex(r.fixed(16)), seq: r.uint() });
	}
	r.done();
	return out;
}

export function boxToQR(x: BoxState): Promise<string[]> {
	return frames('B', encodeBox(x));
}

/** 'box=…', to be put behind the # of a link. */
export async function boxToFragment(x: BoxState): Promise<string> {
	return 'box=' + toBase64URL(await deflate(encodeBox(x)));
}

/** Reads codes one after another, in any order; those of an act in several frames are put together. One for each scanning. */
export class Collector {
	#letter = '';
	#parts: (string | undefined)[] = [];

	/** Returns what the text holds, or how many frames are there. Undefined: it is no code of ours. It throws RangeError for a damaged one. */
	async add(text: string): Promise<Parsed | undefined> {
		const fragment = /(?:^|[#&?])(act|box)=([A-Za-z0-9_-]+)/.exec(text);
		if (fragment && !text.startsWith(prefix)) return open(fragment[1] === 'act' ? 'A' : 'B', fromBase64URL(fragment[2]!));
		const code = /^ISO1:([AB])(?:(\d{1,2})\/(\d{1,2})\.)?(.*)$/.exec(text);
		if (!code) return undefined;
		const [, letter, at, of, body] = code as unknown as [string, 'A' | 'B', string | undefined, string | undefined, string];
		if (at === undefined || of === undefined) return open(letter, fromBase45(body));
		const n = Number(of);
		const i = Number(at);
		if (n < 2 || n > maxFrames || i < 1 || i > n) throw new RangeError('the code is damaged');
		if (this.#letter !== letter || this.#parts.length !== n || (this.#parts[i - 1] !== undefined && this.#parts[i - 1] !== body)) {
			this.#letter = letter; // another act begins
			this.#parts = Array.from({ length: n });
		}
		this.#parts[i - 1] = body;
		const have = this.#parts.filter((x) => x !== undefined).length;
		if (have < n) return { kind: 'part', have, of: n };
		return open(letter, fromBase45(this.#parts.join('')));
	}
}

async function open(letter: 'A' | 'B', deflated: Bytes): Promise<Parsed> {
	const content = await inflate(deflated);
	return letter === 'A' ? { kind: 'act', act: content } : { kind: 'box', box: decodeBox(content) };
}

/** Bytes of the act in a QR text, a link or a fragment; undefined when there is none in it. */
export async function parse(text: string): Promise<Bytes | undefined> {
	const found = await new Collector().add(text);
	return found?.kind === 'act' ? found.act : undefined;
}

/** What a box says of itself in a QR text, a link or a fragment; undefined when there is nothing. */
export async function parseBox(text: string): Promise<BoxState | undefined> {
	const found = await new Collector().add(text);
	return found?.kind === 'box' ? found.box : undefined;
}
