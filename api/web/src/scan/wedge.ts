// Keyboard-wedge scanners: they type a code as keys, faster than people, and end it with Enter or Tab. Words of people are left alone.

/** Between two keys of a scanner; people take longer. */
const gapMS = 50;
/** Shorter bursts are people who hit two keys at once. */
const least = 4;
const longest = 4096;

/** What a key makes of what was typed so far. Pure but for its state. */
export class Wedge {
	#text = '';
	#lastMS = 0;

	/** Takes a key and its time (milliseconds, any clock); returns the code when this key ends one. */
	key(key: string, ms: number): string | undefined {
		const quick = ms - this.#lastMS <= gapMS;
		this.#lastMS = ms;
		if (key === 'Enter' || key === 'Tab') {
			const text = this.#text;
			this.#text = '';
			return quick && text.length >= least ? text : undefined;
		}
		if (key === 'Shift' || key === 'AltGraph' || key === 'CapsLock') return undefined; // scanners press them for capitals
		if ([...key].length !== 1) {
			this.#text = '';
			return undefined;
		}
		this.#text = quick && this.#text.length < longest ? this.#text + key : key;
		return undefined;
	}
}

function typesInto(target: EventTarget | null): boolean {
	return target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'));
}

/** Calls found for each code that a wedge scanner types while no field has the focus. Returns what ends it. */
export function listen(found: (text: string) => void): () => void {
	const wedge = new Wedge();
	const onKey = (e: KeyboardEvent) => {
		if (e.ctrlKey || e.altKey || e.metaKey || e.isComposing || typesInto(e.target)) return;
		const text = wedge.key(e.key, e.timeStamp);
		if (text === undefined) return;
		e.preventDefault();
		e.stopPropagation();
		found(text);
	};
	window.addEventListener('keydown', onKey, { capture: true });
	return () => window.removeEventListener('keydown', onKey, { capture: true });
}
