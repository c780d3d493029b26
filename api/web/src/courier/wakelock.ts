// Keeps the screen on while a page shows a box. The browser takes it back when the page is hidden; it is asked again when it is shown.

/** Holds the screen awake until the returned function is called. Without the browser's help it does nothing. */
export function keepAwake(): () => void {
	if (!('wakeLock' in navigator)) return () => undefined;
	let held: WakeLockSentinel | undefined;
	let over = false;
	const ask = async () => {
		if (over || document.visibilityState !== 'visible' || (held && !held.released)) return;
		try {
			const got = await navigator.wakeLock.request('screen');
			if (over) void got.release();
			else held = got;
		} catch {
			/* low battery, or not allowed: the screen goes dark as always */
		}
	};
	const shown = () => void ask();
	document.addEventListener('visibilitychange', shown);
	void ask();
	return () => {
		over = true;
		document.removeEventListener('visibilitychange', shown);
		void held?.release();
	};
}
