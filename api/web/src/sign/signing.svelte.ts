// Asking a person to sign. A page calls signAct, cosignAct or signCard; SignDialog, which is mounted once, shows what is signed and asks
// for the PIN; the act is in the outbox before the page hears of it.
import { session } from '../lib/session.svelte';
import { outbox } from '../offline/outbox.svelte';
import { addSecondSignature, decodeAct, encodeAct, hashAct, newAct, addSignature, Role, signaturesMatch, type Act, type Statement } from './act';
import type { Bytes } from './cbor';
import { prepare, type Draft } from './draft';
import { queuedClaims } from './follow';
import { withKey } from './keystore';
import { newest } from './head';
import { ask, type Ready, type Request, type SignOptions } from './request.svelte';
import { caseNow } from './casecopy';
import type { Signer } from './signature';

export type { Ready, Request, SignOptions } from './request.svelte';
export { signing } from './request.svelte';

export interface Signed {
	act: Bytes;
	hash: string;
}

/** The act handed over can't be signed: why is a key of the texts. */
export class CannotSign extends Error {
	constructor(
		readonly why: 'signedOut' | 'ledger' | 'signedAlready' | 'forged' | 'statement',
		readonly params: Record<string, string> = {},
	) {
		super(why);
		this.name = 'CannotSign';
	}
}

function me() {
	if (!session.me) throw new CannotSign('signedOut');
	return session.me;
}

async function keep(act: Act): Promise<Signed> {
	const bytes = encodeAct(act);
	await outbox.add(bytes);
	return { act: bytes, hash: await hashAct(act) };
}

/**
 * Asks the person to state and sign an act. Resolves to the act and its hash once it is safe in the outbox, or to null when they chose
 * not to. Ledger, identifier, person, parent, heads and, unless it is typed (with its zone), the time are filled in.
 */
export async function signAct(draft: Draft, options: SignOptions): Promise<Signed | null> {
	const who = me();
	const shown: Statement = { ledger: who.origin, id: '', shipment: draft.shipment ?? '', eventTimeMS: draft.eventTimeMS ?? Date.now(),
		by: { person: who.person, organisation: who.organisation }, ...draft };
	return ask<Signed>({
		options, person: who.person, statement: shown,
		ready: async () => ({ prepared: await prepare(draft, who, queuedClaims(outbox.items, draft.shipment ?? ''), Date.now()) }),
		work: async ({ prepared }, signer) => {
			const now = Date.now();
			const { statement, seen } = prepared!;
			// A time that a device tells is that of the signature, not of the moment at which the dialog opened.
			const s: Statement = draft.eventTimeMS === undefined ? restamp(statement, now, draft) : statement;
			const act = await addSignature(newAct(s), signer, { person: who.person, role: Role.Actor, signedAtMS: now, head: seen?.head.bytes ?? s.head });
			return keep(act);
		},
	});
}

function restamp(s: Statement, now: number, draft: Draft): Statement {
	const out = { ...s, eventTimeMS: now };
	if (s.validMS !== undefined && draft.validMS === undefined) out.validMS = now + (s.validMS - s.eventTimeMS);
	if (s.coldMS !== undefined && draft.coldMS === undefined) out.coldMS = now;
	return out;
}

/** Asks the person to sign, as the second one, what another stated: a label check by two people, or a ruling. */
export async function cosignAct(bytes: Bytes, options: SignOptions): Promise<Signed | null> {
	const who = me();
	const act = decodeAct(bytes);
	if (act.statement.ledger !== who.origin) throw new CannotSign('ledger', { theirs: act.statement.ledger, ours: who.origin });
	if (act.signatures.some((s) => s.person === who.person)) throw new CannotSign('signedAlready');
	if (act.signatures.length === 0 || !(await signaturesMatch(act))) throw new CannotSign('forged');
	return ask<Signed>({
		options, person: who.person, statement: act.statement, act,
		ready: async () => ({ seen: newest((await caseNow(act.statement.shipment, act.statement.box)).seen) }),
		work: async ({ seen }, signer) => {
			const first = act.signatures[0]!.head;
			const head = seen?.head.bytes ?? (first.length > 0 ? first : act.statement.head);
			return keep(await addSecondSignature(act, signer, { person: who.person, signedAtMS: Date.now(), head }));
		},
	});
}

/** Asks the person for their PIN and lets work sign with their key, a card for example. Resolves to what work returns, or to null. */
export async function signCard<T>(options: SignOptions & { meaning: string }, work: (signer: Signer, me: { person: string; origin: string }) => Promise<T>): Promise<T | null> {
	const who = me();
	return ask<T>({ options, person: who.person, statement: undefined, ready: async () => ({}), work: (_, signer) => work(signer, { person: who.person, origin: who.origin }) });
}

/** Runs a request with a PIN; the dialog calls it. Errors are those of the keystore, NoTip, NoHead, StorageError, and what a card's work throws. */
export async function run(r: Request, ready: Promise<Ready>, pin: string): Promise<unknown> {
	const known = await ready;
	return withKey(r.person, pin, (signer) => r.work(known, signer));
}
