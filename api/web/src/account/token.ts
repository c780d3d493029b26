import { toHex } from '../sign/bytes';

/** The token of a join link; '' when the fragment holds none that can be one. */
export function joinToken(hash: URLSearchParams): string {
	const token = hash.get('token') ?? '';
	return /^isotherm_person_[A-Za-z0-9_-]{16,200}$/.test(token) ? token : '';
}

/** Name of a token where people see it: the first eight bytes of its SHA-256, hexadecimal. */
export async function tokenID(token: string): Promise<string> {
	const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));
	return toHex(new Uint8Array(hash, 0, 8));
}
