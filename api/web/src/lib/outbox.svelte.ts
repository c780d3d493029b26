// The outbox for pages that only count what waits. Its code comes after the page stands: first loads stay small.
type Outbox = (typeof import('../offline/outbox.svelte'))['outbox'];

let loaded = $state.raw<Outbox | undefined>();

/** The outbox, undefined for the first moments. */
export const later = {
	get outbox(): Outbox | undefined {
		return loaded;
	},
};

/** Loads the outbox and begins to send what waits. */
export async function startOutbox(): Promise<Outbox> {
	const { outbox } = await import('../offline/outbox.svelte');
	outbox.start();
	loaded = outbox;
	return outbox;
}
