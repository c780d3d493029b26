// Names of organisations and people, loaded once for the page and kept on the device.
import * as cache from '../offline/cache';
import { api, credential, type S } from './api';
import { onEvent } from './feed';

class Directory<T> {
	map = $state.raw<ReadonlyMap<string, T>>(new Map());
	#begun = false;
	#under: Promise<void> | undefined;

	constructor(
		readonly key: string,
		readonly load: () => Promise<readonly T[]>,
		readonly id: (x: T) => string,
	) {}

	/** The item if it is known; asking begins the loading. */
	get(id: string): T | undefined {
		this.begin();
		return this.map.get(id);
	}

	begin(): void {
		// A wall screen and a share link see names in what they are shown; most may not list people.
		if (this.#begun || credential.person === null) return;
		this.#begun = true;
		this.#under = this.#run();
		onEvent((e) => {
			if (e.shipment === undefined && e.box === undefined) void this.#run();
		});
	}

	/** Sees to it that the device keeps it for when there is no network, and tells whether it does. */
	async keep(): Promise<boolean> {
		this.begin();
		if (await this.#kept()) return true;
		await (this.#under ?? this.#run());
		return this.#kept();
	}

	async #kept(): Promise<boolean> {
		return (await cache.get(this.key)) !== undefined;
	}

	async #run(): Promise<void> {
		if (this.map.size === 0) {
			const kept = await cache.get<readonly T[]>(this.key);
			if (kept !== undefined && this.map.size === 0) this.#take(kept.value);
		}
		try {
			const items = await this.load();
			this.#take(items);
			await cache.put(this.key, items);
		} catch {
			this.#begun = this.map.size > 0; // codes are shown meanwhile; the next who asks tries again
		} finally {
			this.#under = undefined;
		}
	}

	#take(items: readonly T[]): void {
		this.map = new Map(items.map((x) => [this.id(x), x]));
	}
}

export const organisations = new Directory<S['Organisation']>(
	'organisations',
	async () => (await api.get<S['Organisations']>('/v1/organisations')).organisations,
	(o) => o.code,
);

export const people = new Directory<S['Person']>(
	'people',
	async () => (await api.get<S['People']>('/v1/people')).people,
	(p) => p.id,
);

/** The name of an organisation; its code until the name is known. */
export function orgName(code: string | undefined): string {
	return code === undefined ? '' : (organisations.get(code)?.name ?? code);
}

/** The number to call day and night. */
export function orgPhone(code: string | undefined): string | undefined {
	return code === undefined ? undefined : organisations.get(code)?.phone;
}

/** The name of a person, undefined until it is known. */
export function personName(id: string | undefined): string | undefined {
	return id === undefined ? undefined : people.get(id)?.name;
}
