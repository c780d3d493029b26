// Cards of people and organisations: what an administrator may change, and how the next version is made. Pure.
import type { S } from '../lib/api';
import { fromBase64, fromHex, randomID, toHex } from '../sign/bytes';
import { organisationKinds, roleNames, validCode, type CardReason, type OrganisationCard, type OrganisationKind, type PersonCard, type RoleName } from '../sign/card';

export const roles: readonly RoleName[] = roleNames.filter((r): r is RoleName => r !== '');
export const kinds: readonly OrganisationKind[] = organisationKinds.filter((k): k is OrganisationKind => k !== '');

/** Reads a public key as a device shows it: 64 hexadecimal digits or base64, with or without our link around it. '' when it is none. */
export function readKey(text: string): string {
	const plain = (text.includes('#') ? (new URLSearchParams(text.slice(text.indexOf('#') + 1)).get('key') ?? '') : text).replace(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/');
	if (/^[0-9a-f]{64}$/i.test(plain)) return plain.toLowerCase();
	if (!/^[A-Za-z0-9+/]{43}=?$/.test(plain)) return '';
	try {
		const b = fromBase64(plain.endsWith('=') ? plain : `${plain}=`);
		return b.length === 32 ? toHex(b) : '';
	} catch {
		return '';
	}
}

export interface NewPerson {
	name: string;
	organisation: string;
	role: RoleName;
	key: string;
}

export type Wrong = 'name' | 'name-long' | 'organisation' | 'key' | 'key-known' | 'same';

const bytesOf = (text: string) => new TextEncoder().encode(text).length;

export function checkPerson(p: NewPerson, known: readonly S['Person'][]): Partial<Record<'name' | 'organisation' | 'key', Wrong>> {
	const out: Partial<Record<'name' | 'organisation' | 'key', Wrong>> = {};
	if (p.name.trim() === '') out.name = 'name';
	else if (bytesOf(p.name.trim()) > 200) out.name = 'name-long';
	if (!validCode(p.organisation)) out.organisation = 'organisation';
	const key = readKey(p.key);
	if (key === '') out.key = 'key';
	else if (holder(key, known) !== undefined) out.key = 'key-known';
	return out;
}

/** Whose newest card holds a key. */
export function holder(key: string, known: readonly S['Person'][]): S['Person'] | undefined {
	return known.find((p) => toHex(fromBase64(p.key)) === key);
}

/** Card 1 of somebody new. */
export function firstCard(p: NewPerson, by: { origin: string; person: string }, nowMS: number): PersonCard {
	return { ledger: by.origin, person: randomID(), version: 1, name: p.name.trim(), organisation: p.organisation, role: p.role, key: readKey(p.key), why: 'enrolled', issuedMS: nowMS, by: by.person };
}

/** What one version of a card may change: one reason, and what belongs to it. */
export type Change =
	| { why: 'name'; name: string }
	| { why: 'role'; role: RoleName; organisation: string }
	| { why: 'key-lost' | 'key-stolen' | 'key-rotated'; key: string }
	| { why: 'ended' };

/** The next version of somebody's card: it changes what its reason says and nothing else. */
export function nextCard(p: S['Person'], c: Change, by: { origin: string; person: string }, nowMS: number): PersonCard {
	const card: PersonCard = {
		ledger: by.origin, person: p.id, version: p.version + 1, name: p.name, organisation: p.organisation, role: p.role as RoleName, key: toHex(fromBase64(p.key)),
		why: c.why as CardReason, issuedMS: nowMS, by: by.person,
	};
	switch (c.why) {
		case 'name':
			card.name = c.name.trim();
			break;
		case 'role':
			card.role = c.role;
			card.organisation = c.organisation;
			break;
		case 'ended':
			break;
		default:
			card.key = readKey(c.key);
	}
	return card;
}

/** Whether there is something to sign. */
export function changes(p: S['Person'], c: Change): boolean {
	switch (c.why) {
		case 'name':
			return c.name.trim() !== '' && c.name.trim() !== p.name && bytesOf(c.name.trim()) <= 200;
		case 'role':
			return (c.role !== p.role || c.organisation !== p.organisation) && validCode(c.organisation);
		case 'ended':
			return p.ended !== true;
		default:
			return readKey(c.key) !== '' && readKey(c.key) !== toHex(fromBase64(p.key));
	}
}

export interface OrganisationForm {
	code: string;
	name: string;
	kind: OrganisationKind;
	phone: string;
}

export function organisationCard(o: OrganisationForm, known: S['Organisation'] | undefined, by: { origin: string; person: string }, nowMS: number): OrganisationCard {
	return { ledger: by.origin, code: o.code, version: (known?.version ?? 0) + 1, name: o.name.trim(), kind: o.kind, phone: o.phone.trim(), issuedMS: nowMS, by: by.person };
}

/** Codes that people belong to and that no card explains yet. */
export function codesWithoutCard(organisations: readonly S['Organisation'][], people: readonly S['Person'][]): string[] {
	const known = new Set(organisations.map((o) => o.code));
	return [...new Set(people.filter((p) => p.ended !== true && !known.has(p.organisation)).map((p) => p.organisation))].sort();
}

/** Where a new person goes on: the page that sets up their device, with the token where no server sees it. */
export function joinLink(origin: string, token: string): string {
	return `${origin}/join#token=${encodeURIComponent(token)}`;
}

/** The key's fingerprint, to be compared by voice: first and last eight digits. */
export function keyShort(hex: string): string {
	return fromHex(hex).length === 32 ? `${hex.slice(0, 4)} ${hex.slice(4, 8)} … ${hex.slice(-8, -4)} ${hex.slice(-4)}` : hex;
}
