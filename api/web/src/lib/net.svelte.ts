// Whether the ledger answers. The calls themselves find out: a browser that says it is online may stand behind a dead network.
let down = $state(typeof navigator !== 'undefined' && !navigator.onLine);
let sinceMS = $state(Date.now());

function set(value: boolean): void {
	if (value === down) return;
	down = value;
	sinceMS = Date.now();
}

if (typeof window !== 'undefined') window.addEventListener('offline', () => set(true));

export const net = {
	/** No node answers this device. */
	get down(): boolean {
		return down;
	},
	/** Since when it is so, Unix milliseconds. */
	get sinceMS(): number {
		return sinceMS;
	},
	/** A node answered. */
	answered(): void {
		set(false);
	},
	/** No node answered, in spite of repeats. */
	failed(): void {
		set(true);
	},
};
