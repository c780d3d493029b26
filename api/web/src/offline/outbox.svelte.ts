// The outbox as pages see it. One tab sends, which a Web Lock decides; the others hear of it.
import { api } from '../lib/api';
import type { Bytes } from '../sign/cbor';
import { Queue, type Item, type Receipt } from './queue';

export type { Item, Receipt } from './queue';
/** As shown: 'sending' is a waiting item that is on its way now. */
export type Shown = Omit<Item, 'state'> & { state: Item['state'] | 'sending' };

const everyMS = 15_000;
const queue = new Queue((act) => api.postBytes<Receipt>('/v1/acts', act));

let items = $state.raw<Item[]>([]);
let sending = $state('');
let problem = $state.raw<Error | undefined>(undefined);
let started = false;
let timer: ReturnType<typeof setTimeout> | undefined;
let channel: BroadcastChannel | undefined;
const listeners = new Set<(item: Item) => void>();

async function reload(): Promise<void> {
	try {
		const now = await queue.list();
		const before = new Map(items.map((x) => [x.hash, x]));
		items = now;
		problem = undefined;
		for (const x of now) if (x.state === 'done' && before.has(x.hash) && before.get(x.hash)!.state !== 'done') for (const tell of listeners) tell(x);
	} catch (err) {
		problem = err as Error;
	}
}

async function changed(): Promise<void> {
	await reload();
	channel?.postMessage('changed');
}

async function withLock(work: () => Promise<void>): Promise<void> {
	if (typeof navigator === 'undefined' || !navigator.locks) return work();
	await navigator.locks.request('isotherm-outbox', { ifAvailable: true }, async (lock) => {
		if (lock) await work();
	});
}

function later(ms: number): void {
	clearTimeout(timer);
	timer = setTimeout(() => void outbox.flush(), ms);
}

export const outbox = {
	/** Everything that is kept, oldest first: what waits, what was refused, and receipts. */
	get items(): Shown[] {
		return items.map((x) => (x.hash === sending ? { ...x, state: 'sending' as const } : x));
	},
	/** How many acts the ledger does not have yet. */
	get count(): number {
		return items.filter((x) => x.state === 'waiting').length;
	},
	get refused(): number {
		return items.filter((x) => x.state === 'refused').length;
	},
	/** Since when the oldest waits, Unix milliseconds; 0 when nothing does. */
	get waitingSinceMS(): number {
		return items.find((x) => x.state === 'waiting')?.addedMS ?? 0;
	},
	/** Why the store can't be read, if so. */
	get problem(): Error | undefined {
		return problem;
	},
	/** Those of one case. */
	of(shipment: string): Shown[] {
		return this.items.filter((x) => x.shipment === shipment);
	},
	/** Begins to watch and to send; main calls it once. */
	start(): void {
		if (started) return;
		started = true;
		if (typeof BroadcastChannel !== 'undefined') {
			channel = new BroadcastChannel('isotherm-outbox');
			channel.onmessage = () => void reload();
		}
		window.addEventListener('online', () => void this.hurry());
		document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && void this.flush());
		void reload().then(() => this.flush());
	},
	/** Keeps an act, and sends it when it can. It is safe on this device once this returns; StorageError says that it is not. */
	async add(act: Bytes): Promise<Item> {
		const item = await queue.add(act);
		await changed();
		void this.flush();
		return item;
	},
	/** Sends what is due. */
	async flush(): Promise<void> {
		if (navigator.onLine === false) return later(everyMS); // the device knows that it has no network: 'online' says when it has
		let next = 0;
		await withLock(async () => {
			next = await queue.flush((hash) => {
				sending = hash;
				void changed();
			});
			await changed();
		}).catch((err: unknown) => (problem = err as Error));
		later(next === 0 ? everyMS : Math.min(everyMS, Math.max(250, next - Date.now())));
	},
	/** The network is back: nothing waits for its turn. The feed and the 'online' event call it. */
	async hurry(): Promise<void> {
		await queue.hurry();
		await this.flush();
	},
	async retry(hash: string): Promise<void> {
		await queue.retry(hash);
		await changed();
		await this.flush();
	},
	/** Takes a refused act or a receipt off the list. */
	async remove(hash: string): Promise<boolean> {
		const gone = await queue.remove(hash);
		await changed();
		return gone;
	},
	async onBox(actID: string, seq: number): Promise<void> {
		await queue.onBox(actID, seq);
		await changed();
	},
	/** Calls tell when the ledger takes an act; returns what ends that. */
	onDone(tell: (item: Item) => void): () => void {
		listeners.add(tell);
		return () => listeners.delete(tell);
	},
	/** Waits until the ledger took or refused the act, at most so long; returns it as it stands then. */
	async settled(hash: string, ms = 10_000): Promise<Item | undefined> {
		const end = Date.now() + ms;
		for (;;) {
			const item = items.find((x) => x.hash === hash);
			if (!item || item.state !== 'waiting' || Date.now() >= end) return item;
			await new Promise((r) => setTimeout(r, 100));
		}
	},
};
