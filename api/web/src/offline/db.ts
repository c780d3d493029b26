// The device's own store: one IndexedDB with what is cached, what waits to be sent, and locked keys. Every write here is on disk when its
// promise settles, and a store that is full says so.

const name = 'isotherm';
const version = 1;
const stores = ['cache', 'outbox', 'keys'] as const;
export type Store = (typeof stores)[number];

/** The device gives the pages no more room, or no storage at all. */
export class StorageError extends Error {
	constructor(
		readonly full: boolean,
		cause: unknown,
	) {
		super(full ? 'this device has no room left for the pages' : 'this browser keeps no data for the pages', { cause });
		this.name = 'StorageError';
	}
}

function storageError(cause: DOMException | null | undefined): Error {
	return new StorageError(cause?.name === 'QuotaExceededError', cause ?? new Error('transaction aborted'));
}

let opened: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
	opened ??= new Promise<IDBDatabase>((resolve, reject) => {
		if (typeof indexedDB === 'undefined') {
			reject(new StorageError(false, new Error('no IndexedDB')));
			return;
		}
		const request = indexedDB.open(name, version);
		request.onupgradeneeded = () => {
			for (const s of stores) if (!request.result.objectStoreNames.contains(s)) request.result.createObjectStore(s);
		};
		request.onerror = () => reject(storageError(request.error));
		request.onsuccess = () => {
			const db = request.result;
			const gone = () => (opened = undefined);
			db.onversionchange = () => {
				db.close();
				gone();
			};
			db.onclose = gone;
			resolve(db);
		};
	}).catch((err: unknown) => {
		opened = undefined;
		throw err;
	});
	return opened;
}

/** Closes the database, so that the next call opens it anew, as after a reload. */
export async function close(): Promise<void> {
	const db = await opened?.catch(() => undefined);
	db?.close();
	opened = undefined;
}

async function run<T>(store: Store, mode: IDBTransactionMode, work: (s: IDBObjectStore, give: (v: T) => void) => void): Promise<T> {
	const db = await open();
	return new Promise<T>((resolve, reject) => {
		let result: T;
		let tx: IDBTransaction;
		try {
			tx = db.transaction(store, mode, { durability: mode === 'readwrite' ? 'strict' : 'default' });
		} catch (err) {
			opened = undefined; // closed under our hands: the next call opens it anew
			reject(storageError(err as DOMException));
			return;
		}
		tx.oncomplete = () => resolve(result);
		tx.onabort = () => reject(tx.error?.name === 'AbortError' || tx.error === null ? (failure ?? storageError(tx.error)) : storageError(tx.error));
		let failure: Error | undefined;
		try {
			work(tx.objectStore(store), (v) => (result = v));
		} catch (err) {
			failure = err as Error;
			tx.abort();
		}
	});
}

export function get<T>(store: Store, key: string): Promise<T | undefined> {
	return run<T | undefined>(store, 'readonly', (s, give) => {
		const r = s.get(key);
		r.onsuccess = () => give(r.result as T | undefined);
	});
}

export function all<T>(store: Store): Promise<T[]> {
	return run<T[]>(store, 'readonly', (s, give) => {
		const r = s.getAll();
		r.onsuccess = () => give(r.result as T[]);
	});
}

export function put(store: Store, key: string, value: unknown): Promise<void> {
	return run<void>(store, 'readwrite', (s) => void s.put(value, key));
}

export function del(store: Store, key: string): Promise<void> {
	return run<void>(store, 'readwrite', (s) => void s.delete(key));
}

export function clear(store: Store): Promise<void> {
	return run<void>(store, 'readwrite', (s) => void s.clear());
}

/** Reads and writes one key in one transaction, so that no other tab comes between. change returns the new value, or undefined to leave it. */
export function update<T>(store: Store, key: string, change: (before: T | undefined) => T | undefined): Promise<T | undefined> {
	return run<T | undefined>(store, 'readwrite', (s, give) => {
		const r = s.get(key);
		r.onsuccess = () => {
			const before = r.result as T | undefined;
			const after = change(before);
			give(after ?? before);
			if (after !== undefined) s.put(after, key);
		};
	});
}
