// Acts that wait for the ledger. An act is in the store before anybody is told that it is saved, and leaves it only as a receipt or by a
// person's hand. It is keyed by the hash of its statement: the same act twice is one, with the signatures of both.
//
// Sending is not written down: after a crash in the middle the act still waits, is sent again, and the ledger knows it.
//
// What reads acts is loaded when the first one is added: showing what waits needs none of it.
import type { Act } from '../sign/act';
import type { Bytes } from '../sign/cbor';
import * as db from './db';

/** What the ledger said when it took an act. */
export interface Receipt {
	index: number;
	record_time_ms: number;
	duplicate: boolean;
	hash: string;
	standing: string;
	tip: string;
	flags: string[];
}

/** Why an act was not taken, this time or for good. */
export interface Problem {
	status: number; // 0: nobody answered
	code: string;
	detail: string;
	hint?: string;
}

export type State = 'waiting' | 'refused' | 'done';

export interface Item {
	hash: string;
	act: Bytes;
	kind: number;
	shipment: string;
	person: string; // who states it
	eventTimeMS: number;
	addedMS: number;
	state: State;
	tries: number;
	nextMS: number; // not before then
	problem?: Problem;
	receipt?: Receipt;
	doneMS?: number;
	box?: { seq: number; atMS: number }; // the box has it too
	without?: Bytes; // the act before others' signatures were added, for when the ledger refuses it with them
}

/** Delivers bytes of an act. It throws an error with status, code, detail, hint and retryAfterS; status 0 when nobody answered. */
export type Send = (act: Bytes) => Promise<Receipt>;

/** How many receipts are kept. */
const maxDone = 200;
const firstWaitMS = 1000;
const longestWaitMS = 60_000;
// Not 409: another act has this act's identifier, and always will.
const again = new Set([0, 401, 408, 425, 429]);

/** Tells whether the same act may be taken later: nobody answered, the node can't now, or somebody has to sign in first. */
export function isPassing(status: number): boolean {
	return again.has(status) || status >= 500;
}

export class Queue {
	constructor(
		readonly send: Send,
		readonly now: () => number = Date.now,
		readonly jitter: () => number = Math.random,
	) {}

	/** All items, oldest first. */
	async list(): Promise<Item[]> {
		const items = await db.all<Item>('outbox');
		return items.sort((a, b) => a.addedMS - b.addedMS || (a.hash < b.hash ? -1 : 1));
	}

	/** Keeps an act; it is on disk when this returns. It throws StorageError when it can't be kept, and for bytes that are no act. */
	async add(bytes: Bytes): Promise<Item> {
		const { decodeAct, encodeAct, hashAct } = await import('../sign/act');
		const act = decodeAct(bytes);
		const hash = await hashAct(act);
		const fresh: Item = {
			hash, act: bytes, kind: act.statement.kind, shipment: act.statement.shipment, person: act.statement.by.person ?? '',
			eventTimeMS: act.statement.eventTimeMS, addedMS: this.now(), state: 'waiting', tries: 0, nextMS: 0,
		};
		const kept = await db.update<Item>('outbox', hash, (before) => {
			if (!before) return fresh;
			const merged = merge(decodeAct(before.act), act);
			if (merged === undefined) return before.state === 'refused' ? { ...before, state: 'waiting', tries: 0, nextMS: 0 } : undefined;
			const { problem: _, ...rest } = before;
			return { ...rest, act: encodeAct(merged), without: before.without ?? before.act, state: 'waiting', tries: 0, nextMS: 0 };
		});
		return kept!;
	}

	/** Sends what is due, one after another, the oldest first. It returns when the next is due (Unix milliseconds), or 0 when nothing waits. */
	async flush(changed: (sending: string) => void = () => {}): Promise<number> {
		for (const item of await this.list()) {
			if (item.state !== 'waiting' || item.nextMS > this.now()) continue;
			changed(item.hash);
			const nobody = await this.#try(item);
			changed('');
			if (nobody) break; // the others would fail alike
		}
		await this.#trim();
		const waiting = (await this.list()).filter((x) => x.state === 'waiting');
		return waiting.length === 0 ? 0 : Math.max(1, Math.min(...waiting.map((x) => x.nextMS)));
	}

	/** Tries once; true when nobody answered. */
	async #try(item: Item): Promise<boolean> {
		let receipt: Receipt | undefined;
		let problem: (Problem & { retryAfterS?: number }) | undefined;
		try {
			receipt = await this.send(item.act);
		} catch (err) {
			problem = problemOf(err);
		}
		await db.update<Item>('outbox', item.hash, (now) => {
			if (!now) return undefined;
			if (receipt) {
				const { problem: _, ...rest } = now;
				if (now.act.length !== item.act.length) return { ...rest, receipt, tries: 0, nextMS: 0 }; // a signature came meanwhile: send again
				const { without: __, ...all } = rest;
				return { ...all, state: 'done', receipt, doneMS: this.now() };
			}
			const { retryAfterS = 0, ...why } = problem!;
			if (!isPassing(why.status) && now.act.length !== item.act.length) return { ...now, tries: 0, nextMS: 0 };
			if (!isPassing(why.status) && now.without) {
				// A signature that somebody added under a name that is not theirs must not take the act down with it.
				const { without, problem: _, ...rest } = now;
				return { ...rest, act: without, tries: 0, nextMS: 0 };
			}
			if (!isPassing(why.status)) return { ...now, state: 'refused', problem: why, tries: now.tries + 1 };
			const wait = Math.min(longestWaitMS, firstWaitMS * 2 ** Math.min(now.tries, 10)) * (0.5 + this.jitter() / 2);
			return { ...now, problem: why, tries: now.tries + 1, nextMS: this.now() + Math.max(wait, retryAfterS * 1000) };
		});
		return problem?.status === 0;
	}

	/** A person asks to try again what was refused, or not to wait any longer. */
	async retry(hash: string): Promise<void> {
		await db.update<Item>('outbox', hash, (x) => (x && x.state !== 'done' ? { ...x, state: 'waiting', nextMS: 0, tries: 0 } : undefined));
	}

	/** Makes all that waits due now: the network is back. */
	async hurry(): Promise<void> {
		for (const x of await this.list()) {
			if (x.state !== 'waiting' || x.nextMS <= this.now()) continue;
			await db.update<Item>('outbox', x.hash, (y) => (y?.state === 'waiting' ? { ...y, nextMS: 0 } : undefined));
		}
	}

	/** Remembers that the box has the act too. It still waits for the ledger. */
	async onBox(actID: string, seq: number): Promise<void> {
		const { decodeAct } = await import('../sign/act');
		for (const x of await this.list()) {
			if (decodeAct(x.act).statement.id !== actID) continue;
			await db.update<Item>('outbox', x.hash, (y) => (y ? { ...y, box: { seq, atMS: this.now() } } : undefined));
		}
	}

	/** Takes a refused act or a receipt off the list, by a person's hand. What waits can't be removed. */
	async remove(hash: string): Promise<boolean> {
		const item = await db.get<Item>('outbox', hash);
		if (!item || item.state === 'waiting') return false;
		await db.del('outbox', hash);
		return true;
	}

	async #trim(): Promise<void> {
		const done = (await this.list()).filter((x) => x.state === 'done');
		for (const x of done.slice(0, Math.max(0, done.length - maxDone))) await db.del('outbox', x.hash);
	}
}

/** The act with the signatures of both copies, or undefined when the second has nothing new. */
export function merge(a: Act, b: Act): Act | undefined {
	const more = b.signatures.filter((s) => !a.signatures.some((x) => x.role === s.role && x.person === s.person));
	return more.length === 0 ? undefined : { ...a, signatures: [...a.signatures, ...more] };
}

function problemOf(err: unknown): Problem & { retryAfterS?: number } {
	const e = err as Partial<Problem> & { retryAfterS?: number; offline?: boolean; message?: string };
	if (typeof e.status !== 'number' || e.offline) return { status: 0, code: 'unavailable', detail: e.detail ?? e.message ?? '' };
	return { status: e.status, code: e.code ?? '', detail: e.detail ?? '', ...(e.hint ? { hint: e.hint } : {}), ...(e.retryAfterS ? { retryAfterS: e.retryAfterS } : {}) };
}
