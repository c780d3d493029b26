// The one form of CBOR that isotherm signs and hashes, as in ledger/cbor: deterministic (RFC 8949 section 4.2.1), with integers, byte
// strings, text, arrays and maps with unsigned keys. Numbers are those that JavaScript holds exactly: below 2^53 either way.

/** Bytes of one's own, as WebCrypto wants them. */
export type Bytes = Uint8Array<ArrayBuffer>;

const maxInt = Number.MAX_SAFE_INTEGER;
const utf8 = new TextEncoder();
const fromUTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What a reader found wrong with bytes from outside. */
export class CborError extends Error {
	constructor(what: string, readonly offset: number) {
		super(`cbor at byte ${offset}: ${what}`);
		this.name = 'CborError';
	}
}

/** Writes items one after another. */
export class Writer {
	#b = new Uint8Array(256);
	#n = 0;

	#room(more: number): void {
		if (this.#n + more <= this.#b.length) return;
		const grown = new Uint8Array(Math.max(this.#b.length * 2, this.#n + more));
		grown.set(this.#b.subarray(0, this.#n));
		this.#b = grown;
	}

	#put(...bytes: number[]): void {
		this.#room(bytes.length);
		for (const x of bytes) this.#b[this.#n++] = x;
	}

	#head(major: number, v: number): void {
		if (!Number.isInteger(v) || v < 0 || v > maxInt) throw new RangeError(`cbor: ${v} is no number that can be written`);
		const m = major << 5;
		if (v < 24) this.#put(m | v);
		else if (v <= 0xff) this.#put(m | 24, v);
		else if (v <= 0xffff) this.#put(m | 25, v >>> 8, v & 0xff);
		else if (v <= 0xffffffff) this.#put(m | 26, ...big32(v));
		else this.#put(m | 27, ...big32(Math.floor(v / 2 ** 32)), ...big32(v % 2 ** 32));
	}

	int(v: number): this {
		if (v < 0) this.#head(1, -(v + 1));
		else this.#head(0, v);
		return this;
	}

	bytes(v: Uint8Array): this {
		this.#head(2, v.length);
		this.raw(v);
		return this;
	}

	/** Text must be well-formed: half a surrogate pair would become another text without a word. */
	text(v: string): this {
		const b = utf8.encode(v);
		if (fromUTF8.decode(b) !== v) throw new RangeError('cbor: text is not well-formed');
		this.#head(3, b.length);
		this.raw(b);
		return this;
	}

	array(n: number): this {
		this.#head(4, n);
		return this;
	}

	map(n: number): this {
		this.#head(5, n);
		return this;
	}

	/** Bytes that are items already. */
	raw(v: Uint8Array): this {
		this.#room(v.length);
		this.#b.set(v, this.#n);
		this.#n += v.length;
		return this;
	}

	done(): Bytes {
		return this.#b.slice(0, this.#n);
	}
}

function big32(v: number): number[] {
	return [(v >>> 24) & 0xff, (v >>> 16) & 0xff, (v >>> 8) & 0xff, v & 0xff];
}

/** Reads what Writer writes, and nothing else. Every method throws CborError. */
export class Reader {
	#b: Uint8Array;
	#at = 0;

	constructor(b: Uint8Array) {
		this.#b = b;
	}

	fail(what: string): never {
		throw new CborError(what, this.#at);
	}

	done(): void {
		if (this.#at !== this.#b.length) this.fail('has bytes after its end');
	}

	#head(): [major: number, value: number] {
		const first = this.#b[this.#at];
		if (first === undefined) this.fail('ends in the middle of an item');
		const major = first >> 5;
		const info = first & 0x1f;
		if (info < 24) {
			this.#at++;
			return [major, info];
		}
		if (info > 27 || major > 5) this.fail('is no item that is written here');
		const size = 1 << (info - 24);
		if (this.#b.length - this.#at - 1 < size) this.fail('ends in the middle of an item');
		let v = 0;
		for (let i = 1; i <= size; i++) v = v * 256 + this.#b[this.#at + i]!;
		if (v < [24, 2 ** 8, 2 ** 16, 2 ** 32][info - 24]!) this.fail('is not in the shortest form');
		if (v > maxInt) this.fail('is out of range');
		this.#at += 1 + size;
		return [major, v];
	}

	#expect(want: number): number {
		const start = this.#at;
		const [major, v] = this.#head();
		if (major !== want) {
			this.#at = start;
			this.fail('has another type than expected');
		}
		return v;
	}

	uint(limit = maxInt): number {
		const v = this.#expect(0);
		if (v > limit) this.fail('is out of range');
		return v;
	}

	int(): number {
		const start = this.#at;
		const [major, v] = this.#head();
		if (major === 0) return v;
		if (major === 1 && v < maxInt) return -v - 1;
		this.#at = start;
		this.fail('is no number in range');
	}

	int32(): number {
		const v = this.int();
		if (v !== (v | 0)) this.fail('is out of range');
		return v;
	}

	#string(major: number, limit: number): Bytes {
		const n = this.#expect(major);
		if (n > limit) this.fail('is out of range');
		if (n > this.#b.length - this.#at) this.fail('ends in the middle of an item');
		const out = this.#b.slice(this.#at, this.#at + n) as Bytes;
		this.#at += n;
		return out;
	}

	bytes(limit: number): Bytes {
		return this.#string(2, limit);
	}

	fixed(n: number): Bytes {
		const out = this.bytes(n);
		if (out.length !== n) this.fail('is out of range');
		return out;
	}

	text(limit: number): string {
		const b = this.#string(3, limit);
		try {
			return fromUTF8.decode(b);
		} catch {
			return this.fail('text is not valid UTF-8');
		}
	}

	array(limit: number): number {
		const n = this.#expect(4);
		if (n > limit) this.fail('is out of range');
		return n;
	}

	arrayOf(n: number): void {
		if (this.array(n) !== n) this.fail('is out of range');
	}

	/** Reads a map with strictly ascending unsigned keys; read consumes the value, or returns false for a key it does not know. */
	map(limit: number, read: (key: number) => boolean): void {
		const n = this.#expect(5);
		if (n > limit) this.fail('is out of range');
		let last = -1;
		for (let i = 0; i < n; i++) {
			const key = this.uint();
			if (key <= last) this.fail('map keys are not ascending');
			last = key;
			if (!read(key)) this.fail(`key ${key}: map has an unknown key`);
		}
	}
}
