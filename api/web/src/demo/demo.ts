// What the demonstration's own door answers, beside the ledger: see cmd/internal/showcase.
import { api, type S } from '../lib/api';
import { signIn, signOut, session } from '../lib/session.svelte';
import { fromBase64, toHex } from '../sign/bytes';
import { makeKey, publicKey, supported, useNewKey, waitingKey } from '../sign/keystore';

export interface Login {
	as: string;
	login: string;
	password: string;
	pin: string;
	person: string;
	name: string;
	organisation: string;
	role: S['Role'];
}

export interface NodeState {
	name: string;
	url: string;
	running: boolean;
	leader: boolean;
}

export interface DemoState {
	nodes: NodeState[];
	drive: { text: string; at_ms: number };
	showpiece: string;
	live: string;
	box: { label: string; url: string };
}

interface Judged {
	sentence: string;
	verdict: { result: string; findings: { where: string; what: string }[] | null };
}

export interface Tampered {
	shipment: string;
	size: number;
	offset: number;
	was: string;
	now: string;
	record: number;
	time_ms: number;
	was_mc: number;
	now_mc: number;
	before: Judged;
	after: Judged;
	named: string;
}

export const logins = async (signal?: AbortSignal): Promise<Login[]> => (await api.get<{ people: Login[] }>('/demo-api/logins', { signal, repeat: false })).people;
export const state = (signal: AbortSignal): Promise<DemoState> => api.get<DemoState>('/demo-api/state', { signal });
export const tamper = (shipment: string): Promise<Tampered> => api.post<Tampered>('/demo-api/tamper', { shipment });
export const turn = (node: string, on: boolean): Promise<DemoState> => api.post<DemoState>(`/demo-api/nodes/${node}/${on ? 'start' : 'stop'}`, {});

/** What a person of the demonstration does on the way in. */
export type Step = 'signing' | 'key' | 'registering';

/** Signs somebody in and gives this browser a key of theirs, which the demonstration's administrator makes known to the ledger. */
export async function enter(l: Login, step: (now: Step) => void): Promise<void> {
	step('signing');
	if (session.me !== null && session.me.person !== l.person) await signOut();
	if (session.me === null) await signIn(l.login, l.password);
	if (l.role === 'auditor' || !(await supported())) return;
	const known = toHex(fromBase64((await api.get<S['PersonDetail']>(`/v1/people/${l.person}`, { fresh: true })).person.key));
	if ((await publicKey(l.person)) === known) return;
	step('key');
	const key = (await waitingKey(l.person)) ?? (await makeKey(l.person, l.pin));
	step('registering');
	await api.post<unknown>('/demo-api/device-key', { as: l.as, key });
	await useNewKey(l.person, key);
}
