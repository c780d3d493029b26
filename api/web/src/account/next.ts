// Where to go after signing in.
import { homes } from '../routes';
import type { S } from '../lib/api';

/** A place of these pages that `next` names, else where the role begins. An address of another site is none of ours. */
export function nextPlace(next: string | null, role: S['Role'], origin: string): string {
	if (next === null || !next.startsWith('/') || next.startsWith('//') || next.includes('\\')) return homes[role];
	const url = new URL(next, origin);
	if (url.origin !== origin || url.pathname === '/signin' || url.pathname === '/join') return homes[role];
	return url.pathname + url.search + url.hash;
}
