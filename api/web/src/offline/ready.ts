// Whether a person could sign for a case on this device if there were no network from now on.
import { api, type S } from '../lib/api';
import { organisations, people } from '../lib/organisations.svelte';
import { fromBase64, toHex } from '../sign/bytes';
import { caseKept } from '../sign/casecopy';
import * as cache from './cache';
import { shellReady } from './worker';

/** What is missing, worst first. Each has a text: t('offline.missing.…'). */
export type Missing = 'browser' | 'key' | 'keyUnknown' | 'case' | 'head' | 'people' | 'app' | 'storage';

export interface Ready {
	/** Nothing is missing but what only makes it safer. */
	ready: boolean;
	missing: Missing[];
	/** When the copy of the case was made, Unix milliseconds. */
	atMS: number;
}

/** What makes it safer, and does not keep anybody from signing. */
const soft: readonly Missing[] = ['storage'];

const keyOf = (person: string) => `sign:person:${person}`;

/** The key that the ledger knows of a person, hexadecimal: asked, else as it was answered last; undefined when nobody ever said. */
export async function knownKey(person: string): Promise<string | undefined> {
	try {
		const x = await api.get<S['PersonDetail']>(`/v1/people/${person}`, { repeat: false, signal: AbortSignal.timeout(4000) });
		const key = toHex(fromBase64(x.person.key));
		await cache.put(keyOf(person), key);
		return key;
	} catch {
		return (await cache.get<string>(keyOf(person)))?.value;
	}
}

const keystore = () => import('../sign/keystore'); // when it is asked for: the courier's first page does not wait for it

async function keyProblem(person: string): Promise<Missing | undefined> {
	const { publicKey, supported, useNewKey } = await keystore();
	if (!(await supported())) return 'browser';
	const known = await knownKey(person);
	if (known === undefined) return (await publicKey(person)) ? undefined : 'key';
	const state = await useNewKey(person, known);
	return state === 'ready' ? undefined : state === 'none' ? 'key' : 'keyUnknown';
}

/** Checks all that signing for a case without a network needs. Without a shipment it checks the device alone. */
export async function readyOffline(person: string, shipment?: string): Promise<Ready> {
	const missing: Missing[] = [];
	const key = await keyProblem(person);
	if (key) missing.push(key);
	let atMS = 0;
	if (shipment) {
		const kept = await caseKept(shipment);
		atMS = kept.atMS;
		if (!kept.tip) missing.push('case');
		else if (!kept.head) missing.push('head');
		if (!(await Promise.all([people.keep(), organisations.keep()])).every(Boolean)) missing.push('people');
	}
	if (!(await shellReady())) missing.push('app');
	if (!(await (await keystore()).persisted())) missing.push('storage');
	return { ready: missing.every((m) => soft.includes(m)), missing, atMS };
}
