// Cards of people and organisations, byte for byte as ledger/entry writes them. An administrator signs them on their own device.
import { fromHex, toHex } from './bytes';
import { Reader, Writer, type Bytes } from './cbor';
import { marshalSigned, openSigned, sign, type Signature, type Signer } from './signature';

/** Roles by number, as the API names them. */
export const roleNames = ['', 'admin', 'coordinator', 'courier', 'center', 'auditor'] as const;
/** Why a version of a person's card was issued. */
export const cardReasons = ['', 'enrolled', 'key-lost', 'key-stolen', 'key-rotated', 'role', 'name', 'ended'] as const;
export const organisationKinds = ['', 'opo', 'center', 'carrier', 'hospital', 'other'] as const;

export type RoleName = Exclude<(typeof roleNames)[number], ''>;
export type CardReason = Exclude<(typeof cardReasons)[number], ''>;
export type OrganisationKind = Exclude<(typeof organisationKinds)[number], ''>;

/** Who a person is from an entry on. Key is the public key, hexadecimal; by is the administrator who signs. */
export interface PersonCard {
	ledger: string;
	person: string;
	version: number;
	name: string;
	organisation: string;
	role: RoleName;
	key: string;
	why: CardReason;
	issuedMS: number;
	by: string;
}

/** What the code of an organisation stands for, and whom to call day and night. */
export interface OrganisationCard {
	ledger: string;
	code: string;
	version: number;
	name: string;
	kind: OrganisationKind;
	phone: string;
	issuedMS: number;
	by: string;
}

const maxText = 200;
const maxCode = 60;
const maxBody = 48 << 10;

function numberOf(names: readonly string[], name: string): number {
	const n = names.indexOf(name);
	if (n < 1) throw new RangeError(`${name} is none of ${names.slice(1).join(', ')}`);
	return n;
}

function nameOf(names: readonly string[], n: number): string {
	const name = names[n];
	if (!name) throw new RangeError(`code ${n} is not known to this version`);
	return name;
}

/** Tells whether a text can be an organisation's code. */
export function validCode(code: string): boolean {
	return code.length <= maxCode && /^[A-Za-z0-9][A-Za-z0-9 ._-]*$/.test(code);
}

function shortText(what: string, v: string): string {
	if (new TextEncoder().encode(v).length > maxText) throw new RangeError(`the ${what} is longer than ${maxText} bytes`);
	return v;
}

export function encodePersonBody(c: PersonCard): Bytes {
	return new Writer().array(10).text(c.ledger).bytes(fromHex(c.person, 16)).int(c.version).text(shortText('name', c.name)).text(c.organisation)
		.int(numberOf(roleNames, c.role)).bytes(fromHex(c.key, 32)).int(numberOf(cardReasons, c.why)).int(c.issuedMS).bytes(fromHex(c.by, 16)).done();
}

export function encodeOrganisationBody(c: OrganisationCard): Bytes {
	if (!validCode(c.code)) throw new RangeError(`${c.code} is no code of an organisation: 1 to 60 letters, digits, spaces and . _ -`);
	return new Writer().array(8).text(c.ledger).text(c.code).int(c.version).text(shortText('name', c.name)).int(numberOf(organisationKinds, c.kind))
		.text(shortText('phone', c.phone)).int(c.issuedMS).bytes(fromHex(c.by, 16)).done();
}

/** Returns the signed card, as the API takes it (in base64). */
export async function signPersonCard(c: PersonCard, signer: Signer): Promise<Bytes> {
	const body = encodePersonBody(c);
	return marshalSigned(body, await sign(signer, 'person-card', body));
}

export async function signOrganisationCard(c: OrganisationCard, signer: Signer): Promise<Bytes> {
	const body = encodeOrganisationBody(c);
	return marshalSigned(body, await sign(signer, 'organisation-card', body));
}

/** Reads a person's card. It checks the form, not whose signature counts. */
export function decodePersonCard(b: Uint8Array): PersonCard & { signature: Signature } {
	const { body, signature } = openSigned(b, maxBody);
	const r = new Reader(body);
	r.arrayOf(10);
	const card = {
		ledger: r.text(maxText), person: toHex(r.fixed(16)), version: r.uint(2 ** 32 - 1), name: r.text(maxText), organisation: r.text(maxText),
		role: nameOf(roleNames, r.uint(255)) as RoleName, key: toHex(r.fixed(32)), why: nameOf(cardReasons, r.uint(255)) as CardReason,
		issuedMS: r.int(), by: toHex(r.fixed(16)), signature,
	};
	r.done();
	return card;
}

export function decodeOrganisationCard(b: Uint8Array): OrganisationCard & { signature: Signature } {
	const { body, signature } = openSigned(b, maxBody);
	const r = new Reader(body);
	r.arrayOf(8);
	const card = {
		ledger: r.text(maxText), code: r.text(maxCode), version: r.uint(2 ** 32 - 1), name: r.text(maxText),
		kind: nameOf(organisationKinds, r.uint(255)) as OrganisationKind, phone: r.text(maxText), issuedMS: r.int(), by: toHex(r.fixed(16)), signature,
	};
	r.done();
	return card;
}
