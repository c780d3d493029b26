// What part of a trip is shown. Pure.

export interface View {
	readonly fromMS: number;
	readonly toMS: number;
}

/** A view inside the whole, not shorter than the shortest; undefined when it is all of it. */
export function within(view: View, whole: View, shortestMS: number): View | undefined {
	const all = whole.toMS - whole.fromMS;
	const length = Math.max(Math.min(shortestMS, all), Math.min(view.toMS - view.fromMS, all));
	if (length >= all) return undefined;
	const mid = (view.fromMS + view.toMS) / 2;
	const fromMS = Math.round(Math.max(whole.fromMS, Math.min(mid - length / 2, whole.toMS - length)));
	return { fromMS, toMS: Math.round(fromMS + length) };
}

/** Zooms by a factor (2: half as much is shown) around a time, which keeps its place. */
export function zoomed(view: View, factor: number, aroundMS: number): View {
	const at = Math.max(view.fromMS, Math.min(aroundMS, view.toMS));
	return { fromMS: at - (at - view.fromMS) / factor, toMS: at + (view.toMS - at) / factor };
}

/** Moves by a part of what is shown. */
export function shifted(view: View, part: number): View {
	const d = (view.toMS - view.fromMS) * part;
	return { fromMS: view.fromMS + d, toMS: view.toMS + d };
}

/** A view that holds a time, as near to what it was as can be. */
export function holding(view: View, ms: number): View {
	if (ms >= view.fromMS && ms <= view.toMS) return view;
	const half = (view.toMS - view.fromMS) / 2;
	return { fromMS: ms - half, toMS: ms + half };
}

/** Where a key moves the cursor to among rows, from a row; -1 is none yet. undefined: not a key that moves. */
export function keyStep(key: string, at: number, rows: number, shown: number): number | undefined {
	const from = at < 0 ? rows - 1 : at;
	const far = Math.max(1, Math.round(shown / 10));
	const to = { ArrowLeft: from - 1, ArrowDown: from - 1, ArrowRight: from + 1, ArrowUp: from + 1, PageDown: from - far, PageUp: from + far, Home: 0, End: rows - 1 }[key];
	return to === undefined ? undefined : Math.max(0, Math.min(rows - 1, to));
}
