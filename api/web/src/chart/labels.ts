// Where labels go: beside what they name, never over one another, never outside.

export interface Rect {
	readonly x: number;
	readonly y: number;
	readonly w: number;
	readonly h: number;
}

export function overlap(a: Rect, b: Rect): boolean {
	return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

function inside(a: Rect, bounds: Rect): boolean {
	return a.x >= bounds.x && a.y >= bounds.y && a.x + a.w <= bounds.x + bounds.w && a.y + a.h <= bounds.y + bounds.h;
}

/** The first of the places wanted that is free, or nothing. It is taken from then on. */
export function place(wanted: readonly Rect[], taken: Rect[], bounds: Rect): Rect | undefined {
	const found = wanted.find((w) => inside(w, bounds) && !taken.some((t) => overlap(w, t)));
	if (found !== undefined) taken.push(found);
	return found;
}

/** A rectangle moved sideways so that it lies within bounds. */
export function clampX(r: Rect, bounds: Rect): Rect {
	return { ...r, x: Math.max(bounds.x, Math.min(r.x, bounds.x + bounds.w - r.w)) };
}

/** Rows of places for a label of a size around x: centred, to the right, to the left; from y on by step, n times. */
export function rows(x: number, w: number, h: number, y: number, step: number, n: number, bounds: Rect): Rect[] {
	const out: Rect[] = [];
	for (let i = 0; i < n; i++) {
		out.push(clampX({ x: x - w / 2, y: y + i * step, w, h }, bounds));
	}
	return out;
}

/** The longest of some texts that fits into a width; undefined when none does. Texts come longest first. */
export function fitting(texts: readonly string[], width: number, measure: (text: string) => number): string | undefined {
	return texts.find((t) => measure(t) <= width);
}
