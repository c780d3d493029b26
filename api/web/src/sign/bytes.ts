// Bytes as text and back. Identifiers and hashes are lower-case hexadecimal everywhere; bytes in JSON are base64.
import type { Bytes } from './cbor';

export function toHex(b: Uint8Array): string {
	let out = '';
	for (const x of b) out += x.toString(16).padStart(2, '0');
	return out;
}

/** Reads n bytes of hexadecimal digits, in either case; any length when n is left out. */
export function fromHex(text: string, n = text.length / 2): Bytes {
	if (text.length !== n * 2 || !/^(?:[0-9a-f]{2})*$/i.test(text)) throw new RangeError(`${text.slice(0, 80)} is not ${n} bytes of hexadecimal digits`);
	const out = new Uint8Array(n);
	for (let i = 0; i < n; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
	return out;
}

export function toBase64(b: Uint8Array): string {
	let s = '';
	for (let i = 0; i < b.length; i += 8192) s += String.fromCharCode(...b.subarray(i, i + 8192));
	return btoa(s);
}

export function fromBase64(text: string): Bytes {
	const s = atob(text);
	const out = new Uint8Array(s.length);
	for (let i = 0; i < s.length; i++) out[i] = s.charCodeAt(i);
	return out;
}

export function toBase64URL(b: Uint8Array): string {
	return toBase64(b).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

export function fromBase64URL(text: string): Bytes {
	if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new RangeError('text is not base64url');
	return fromBase64(text.replace(/-/g, '+').replace(/_/g, '/'));
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && a.every((x, i) => x === b[i]);
}

export function concat(...parts: Uint8Array[]): Bytes {
	const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
	let at = 0;
	for (const p of parts) {
		out.set(p, at);
		at += p.length;
	}
	return out;
}

export function randomID(): string {
	return toHex(crypto.getRandomValues(new Uint8Array(16)));
}

export async function sha256(b: Bytes): Promise<Bytes> {
	return new Uint8Array(await crypto.subtle.digest('SHA-256', b));
}

const utf8 = new TextEncoder();

/** SHA-256 of a domain line and bytes, as FORMAT.md names hashes. */
export function hashOf(domain: string, b: Uint8Array): Promise<Bytes> {
	return sha256(concat(utf8.encode(`isotherm/${domain}/v1\n`), b));
}
