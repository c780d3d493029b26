// Asks again and again, without the ledger's feed: that is for people who are signed in, and here nobody is yet.

interface Polled<T> {
	readonly data: T | undefined;
	readonly error: Error | undefined;
	/** When the newest answer came, Unix milliseconds. */
	readonly at: number;
	refresh(): void;
}

/** Loads once, or every `everyMS` after an answer, until the component goes. */
export function poll<T>(load: (signal: AbortSignal) => Promise<T>, everyMS = 0): Polled<T> {
	let data = $state.raw<T | undefined>();
	let error = $state.raw<Error | undefined>();
	let at = $state(0);
	let turn = $state(0);

	$effect(() => {
		void turn;
		const stop = new AbortController();
		let timer: ReturnType<typeof setTimeout> | undefined;
		const ask = async (): Promise<void> => {
			try {
				data = await load(stop.signal);
				at = Date.now();
				error = undefined;
			} catch (err) {
				if (stop.signal.aborted) return;
				error = err instanceof Error ? err : new Error(String(err));
			}
			if (everyMS > 0 && !stop.signal.aborted) timer = setTimeout(ask, everyMS);
		};
		void ask();
		return () => {
			stop.abort();
			clearTimeout(timer);
		};
	});
	return {
		get data() {
			return data;
		},
		get error() {
			return error;
		},
		get at() {
			return at;
		},
		refresh() {
			turn++;
		},
	};
}
