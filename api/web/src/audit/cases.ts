import { api, type S } from '../lib/api';

const pages = 40; // of 500: what a table in a browser can hold

/** All cases that the person may read, as one page. `next` stays set when there are more than a table holds. */
export async function allCases(signal: AbortSignal): Promise<S['Shipments']> {
	let all: S['Shipments'] | undefined;
	for (let i = 0; i < pages; i++) {
		const page: S['Shipments'] = await api.get<S['Shipments']>('/v1/shipments', { query: { limit: 500, cursor: all?.next }, signal });
		all = { ...page, shipments: [...(all?.shipments ?? []), ...page.shipments] };
		if (page.next === undefined || page.next === '') break;
	}
	return all!;
}
