// One load at a time, and what happens meanwhile is one more after it.

const settleMS = 300; // several events at once are one load

export interface Turns {
	/** Begins now, or once more after the one that is under way. */
	now(): void;
	/** As now, a moment later: several calls are one. */
	soon(): void;
	stop(): void;
}

/**
 * Calls `task`, never while an earlier call is under way: that is never cut off by the next one, so that events that come faster than
 * answers keep nothing empty. However often it was asked for meanwhile, one more follows.
 */
export function turns(task: () => Promise<void>): Turns {
	let under = false;
	let again = false;
	let over = false;
	let later: ReturnType<typeof setTimeout> | undefined;

	const now = (): void => {
		clearTimeout(later);
		later = undefined;
		if (over) return;
		if (under) {
			again = true;
			return;
		}
		under = true;
		void task().finally(() => {
			under = false;
			if (!again) return;
			again = false;
			soon();
		});
	};
	const soon = (): void => {
		if (!over) later ??= setTimeout(now, settleMS);
	};
	const stop = (): void => {
		over = true;
		clearTimeout(later);
	};
	return { now, soon, stop };
}
